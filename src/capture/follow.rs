//! From a list of capture files to finished flows.
//!
//! Files are read in the order of their first frames. A file that begins where another one ended
//! (a rotated set) continues its flows; a file that overlaps others in time is a witness of its
//! own, with flows of its own. Nothing that is wrong with one file keeps the others from being read.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::capture::FlowSink;
use crate::capture::decode::{SkippedCounts, decode};
use crate::capture::flow::FlowTable;
use crate::capture::read::{
    CaptureReader, Filter, Format, Frame, LinkType, OpenError, ReadError, ReaderKind,
};
use crate::cite::{CaptureId, FrameRef, Moment, Notes, Place};
use crate::input::{self, Input};
use crate::time::{Span, Timestamp};

/// How much earlier than the last frame of a set the next file may begin: clocks are set, and
/// frames near a rotation may change places.
const OVERLAP_ALLOWED: Span = Span::from_seconds(1);

/// How much later than the last frame of a set the next file may begin. More than SMTP's longest
/// time-out (RFC 5321 section 4.5.3.2.6), so that a quiet line still counts as one capture.
const PAUSE_ALLOWED: Span = Span::from_seconds(15 * 60);

/// Frames between two looks at the interruption flag and two reports of progress.
const FRAMES_BETWEEN_LOOKS: u32 = 4096;

/// Link types listed of one file.
const MAX_LINKS: usize = 16;

/// A capture to read.
#[derive(Debug)]
pub struct CaptureInput {
    /// Its place among the inputs.
    pub id: CaptureId,
    /// Its path; `-` is standard input.
    pub path: PathBuf,
    /// Its content, where whoever looked at it could not have it opened again (standard input, a
    /// pipe); `None`: it is opened by its path.
    pub opened: Option<Input>,
}

impl CaptureInput {
    /// A capture to be opened by its path.
    pub fn new(id: CaptureId, path: impl Into<PathBuf>) -> Self {
        Self { id, path: path.into(), opened: None }
    }
}

/// How to read captures.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Who reads the files.
    pub reader: ReaderKind,
    /// Which frames count; all where there is none.
    pub filter: Option<Filter>,
    /// Whether flows carry their trace.
    pub traced: bool,
    /// Reading stops gracefully once this is set.
    pub interrupted: Option<Arc<AtomicBool>>,
}

/// What was read of one capture.
#[derive(Debug)]
pub struct CaptureFile {
    /// Its place among the inputs.
    pub id: CaptureId,
    /// Its path.
    pub path: PathBuf,
    /// Its format; `None` where it could not be opened.
    pub format: Option<Format>,
    /// Whether it is gzipped.
    pub gzipped: bool,
    /// The link types of its frames, in the order of their appearance.
    pub links: Vec<LinkType>,
    /// Frames in it.
    pub frames: u64,
    /// Frames that the filter kept out.
    pub filtered_out: u64,
    /// TCP segments in it.
    pub segments: u64,
    /// Frames without a usable TCP segment, by cause.
    pub skipped: SkippedCounts,
    /// Octets read of it, as they lie on disk.
    pub bytes: u64,
    /// The earliest time of any of its frames.
    pub first: Option<Timestamp>,
    /// The latest time.
    pub last: Option<Timestamp>,
    /// What was passed over.
    pub notes: Notes,
    /// Why it could not be opened.
    pub error: Option<OpenError>,
}

/// Reads `files` and gives every flow to `sink`. `progress` is told the octets read so far, of all
/// files together, as they lie on disk.
///
/// The files come back in the order in which they were given.
pub fn follow<S: FlowSink>(
    files: Vec<CaptureInput>,
    options: &Options,
    mut sink: S,
    progress: &dyn Fn(u64),
) -> (S, Vec<CaptureFile>) {
    let mut opened: Vec<(Option<Timestamp>, Opened)> = files
        .into_iter()
        .enumerate()
        .map(|(order, input)| Opened::peek(order, input, options.reader))
        .collect();
    // A stable sort: files that begin together, or hold nothing, stay in the order given.
    opened.sort_by_key(|(first, _)| first.unwrap_or(Timestamp::from_nanos(i64::MAX)));

    let mut done: Vec<(usize, CaptureFile)> = Vec::with_capacity(opened.len());
    let mut sets: Vec<Set<S>> = Vec::new();
    let mut walk =
        Walk { filter: options.filter.clone(), interrupted: options.interrupted.clone(), progress, read: 0 };
    for (first, opened) in opened {
        let place = done.len();
        let Opened { order, mut file, reader, head } = opened;
        let reader = match reader {
            Some(reader) => Some(reader),
            None if file.error.is_none() => reopen(&mut file, options.reader),
            None => None,
        };
        if let (Some(first), Some(reader)) = (first, reader) {
            retire(&mut sets, first, &mut sink, &mut done);
            let set = Set::for_file(&mut sets, first, options.traced);
            set.began = first;
            set.last_file = place;
            walk.read_file(reader, head, &mut file, set, &mut sink);
        }
        done.push((order, file));
    }
    for set in sets {
        set.finish(&mut sink, &mut done);
    }
    done.sort_by_key(|(order, _)| *order);
    (sink, done.into_iter().map(|(_, file)| file).collect())
}

/// Captures that follow one another, with their open flows.
struct Set<S: FlowSink> {
    table: FlowTable<S>,
    /// Where its last file begins.
    began: Timestamp,
    /// How far its files go, as far as their times are believed.
    last: Timestamp,
    /// The file read last, by its place in the order of reading.
    last_file: usize,
}

impl<S: FlowSink> Set<S> {
    /// The set that a file continues which begins at `first`: of all that it could, the one that
    /// ended last; a new one where there is none.
    fn for_file(sets: &mut Vec<Self>, first: Timestamp, traced: bool) -> &mut Self {
        let continued = (0..sets.len())
            .filter_map(|place| sets.get(place).map(|set| (set, place)))
            .filter(|(set, _)| set.is_continued_at(first))
            .map(|(set, place)| (set.last, place))
            .max();
        let place = match continued {
            Some((_, place)) => place,
            None => {
                sets.push(Self { table: FlowTable::new(traced), began: first, last: first, last_file: 0 });
                sets.len() - 1
            }
        };
        #[allow(clippy::indexing_slicing, reason = "the place was found or made just above")]
        &mut sets[place]
    }

    /// Whether a file beginning at `first` may continue it. Files that begin together are two
    /// accounts of the same time, however short they are.
    fn is_continued_at(&self, first: Timestamp) -> bool {
        first > self.began
            && first >= self.last.minus(OVERLAP_ALLOWED)
            && first <= self.last.plus(PAUSE_ALLOWED)
    }

    fn finish(mut self, sink: &mut S, done: &mut [(usize, CaptureFile)]) {
        let mut lost = Notes::default();
        let notes = done.get_mut(self.last_file).map_or(&mut lost, |(_, file)| &mut file.notes);
        self.table.finish(sink, notes);
    }
}

/// Finishes the sets that no file beginning at `first` or later can continue.
fn retire<S: FlowSink>(
    sets: &mut Vec<Set<S>>,
    first: Timestamp,
    sink: &mut S,
    done: &mut [(usize, CaptureFile)],
) {
    for set in sets.extract_if(.., |set| first > set.last.plus(PAUSE_ALLOWED)) {
        set.finish(sink, done);
    }
}

/// A file that was looked at.
struct Opened {
    /// Its place in the list given.
    order: usize,
    file: CaptureFile,
    /// The reader, where the file cannot be opened twice.
    reader: Option<CaptureReader>,
    /// The frame that the reader has given already.
    head: Option<OwnedFrame>,
}

impl Opened {
    /// Opens a file for the time of its first frame. Regular files are closed again, so that a
    /// long list does not hold as many descriptors.
    fn peek(order: usize, mut input: CaptureInput, kind: ReaderKind) -> (Option<Timestamp>, Self) {
        let content = input.opened.take();
        let mut file = CaptureFile::new(input);
        let opened = match content {
            Some(content) => CaptureReader::from_input(content, &file.path),
            None => CaptureReader::open(&file.path, kind),
        };
        let mut reader = match opened {
            Ok(reader) => reader,
            Err(error) => {
                file.error = Some(error);
                return (None, Self { order, file, reader: None, head: None });
            }
        };
        let head = match reader.next_frame() {
            Ok(frame) => frame.as_ref().map(OwnedFrame::from),
            Err(error) => {
                file.note_read_error(&error);
                None
            }
        };
        let first = head.as_ref().map(|frame| frame.time);
        file.describe(&reader);
        let keep = input::is_read_once(&file.path);
        let opened = if keep || head.is_none() {
            file.bytes = reader.raw_bytes();
            Self { order, file, reader: Some(reader), head }
        } else {
            Self { order, file, reader: None, head: None }
        };
        (first, opened)
    }
}

fn reopen(file: &mut CaptureFile, kind: ReaderKind) -> Option<CaptureReader> {
    match CaptureReader::open(&file.path, kind) {
        Ok(reader) => Some(reader),
        Err(error) => {
            file.error = Some(error);
            None
        }
    }
}

/// A frame that outlives its reader's window.
struct OwnedFrame {
    number: u32,
    time: Timestamp,
    bytes: Vec<u8>,
    original_len: u32,
    link: LinkType,
    interface: u32,
}

impl From<&Frame<'_>> for OwnedFrame {
    fn from(frame: &Frame<'_>) -> Self {
        let Frame { number, time, bytes, original_len, link, interface } = *frame;
        Self { number, time, bytes: bytes.to_vec(), original_len, link, interface }
    }
}

impl OwnedFrame {
    fn frame(&self) -> Frame<'_> {
        let Self { number, time, ref bytes, original_len, link, interface } = *self;
        Frame { number, time, bytes, original_len, link, interface }
    }
}

/// What stays the same from file to file.
struct Walk<'a> {
    filter: Option<Filter>,
    interrupted: Option<Arc<AtomicBool>>,
    progress: &'a dyn Fn(u64),
    /// Octets of the files read before.
    read: u64,
}

impl Walk<'_> {
    fn read_file<S: FlowSink>(
        &mut self,
        mut reader: CaptureReader,
        head: Option<OwnedFrame>,
        file: &mut CaptureFile,
        set: &mut Set<S>,
        sink: &mut S,
    ) {
        let mut disordered: (u64, u32) = (0, 0);
        if let Some(head) = head {
            self.take(&head.frame(), file, set, sink, &mut disordered);
        }
        let mut until_look = FRAMES_BETWEEN_LOOKS;
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => self.take(&frame, file, set, sink, &mut disordered),
                Ok(None) => break,
                Err(error) => {
                    file.note_read_error(&error);
                    break;
                }
            }
            until_look -= 1;
            if until_look == 0 {
                until_look = FRAMES_BETWEEN_LOOKS;
                (self.progress)(self.read + reader.raw_bytes());
                if self.is_interrupted() {
                    let place = Some(Place::Offset(reader.raw_bytes()));
                    file.notes.loss("interrupted: the rest of the file was not read", place);
                    break;
                }
            }
        }
        set.last = set.table.now();
        file.bytes = reader.raw_bytes();
        file.notes.merge(reader.notes());
        file.notes.merge(file.skipped.notes());
        let (disordered, first) = disordered;
        if disordered > 0 {
            let text = format!("{disordered} frames bear an earlier time than the one before them");
            file.notes.oddity(text, Some(Place::Frame(first)));
        }
        self.read += file.bytes;
        (self.progress)(self.read);
    }

    #[inline]
    fn take<S: FlowSink>(
        &mut self,
        frame: &Frame<'_>,
        file: &mut CaptureFile,
        set: &mut Set<S>,
        sink: &mut S,
        disordered: &mut (u64, u32),
    ) {
        file.frames += 1;
        if file.last.is_some_and(|last| frame.time < last) {
            disordered.0 += 1;
            if disordered.0 == 1 {
                disordered.1 = frame.number;
            }
        }
        file.first = Some(file.first.map_or(frame.time, |first| first.min(frame.time)));
        file.last = Some(file.last.map_or(frame.time, |last| last.max(frame.time)));
        set.table.tick(frame.time);
        if !file.links.contains(&frame.link) && file.links.len() < MAX_LINKS {
            file.links.push(frame.link);
        }
        if let Some(filter) = &mut self.filter
            && !filter.passes(frame)
        {
            file.filtered_out += 1;
            return;
        }
        match decode(frame) {
            Ok(segment) => {
                file.segments += 1;
                let frame_ref = FrameRef { capture: file.id, frame: frame.number };
                let at = Moment { time: frame.time, frame: frame_ref };
                set.table.push(&segment, at, sink, &mut file.notes);
            }
            Err(cause) => file.skipped.add(cause, frame.number),
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}

impl CaptureFile {
    /// What it is in words: `pcapng, gzipped, Ethernet`.
    pub fn description(&self) -> String {
        let mut words = vec![self.format.map_or("unreadable", Format::name).to_owned()];
        if self.gzipped {
            words.push("gzipped".to_owned());
        }
        words.extend(self.links.iter().map(|link| match link.name() {
            Some(name) => name.to_owned(),
            None => format!("link type {}", link.0),
        }));
        words.join(", ")
    }

    fn new(input: CaptureInput) -> Self {
        Self {
            id: input.id,
            path: input.path,
            format: None,
            gzipped: false,
            links: Vec::new(),
            frames: 0,
            filtered_out: 0,
            segments: 0,
            skipped: SkippedCounts::default(),
            bytes: 0,
            first: None,
            last: None,
            notes: Notes::default(),
            error: None,
        }
    }

    fn describe(&mut self, reader: &CaptureReader) {
        self.format = Some(reader.format());
        self.gzipped = reader.gzipped();
    }

    fn note_read_error(&mut self, error: &ReadError) {
        let text = format!("not read to its end: {}", error.cause);
        self.notes.loss(text, Some(Place::Offset(error.offset)));
    }
}

#[cfg(test)]
mod tests;
