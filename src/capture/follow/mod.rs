//! From a list of capture files to finished flows.
//!
//! Files are read in the order of their first frames. A file that begins where another one ended
//! (a rotated set) continues its flows; a file that overlaps others in time is a witness of its
//! own, with flows of its own. Nothing that is wrong with one file keeps the others from being read.

mod file;
mod only;
mod set;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use file::{CaptureFile, CaptureInput, Options};
pub use only::Only;
use set::{Set, retire};

use crate::capture::FlowSink;
use crate::capture::decode::{Decoder, Skipped};
use crate::capture::read::{CaptureReader, Filter, Frame, LinkType, ReaderKind};
use crate::cite::{FrameRef, Moment, Place};
use crate::input;
use crate::time::Timestamp;

/// Frames between two looks at the interruption flag and two reports of progress.
const FRAMES_BETWEEN_LOOKS: u32 = 4096;

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
    let mut walk = Walk {
        filter: options.filter.clone(),
        only: options.only.clone(),
        interrupted: options.interrupted.clone(),
        progress,
        read: 0,
    };
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
            let set = Set::for_file(&mut sets, first, options);
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
    only: Option<Only>,
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
        if let Some(head) = head {
            self.take(&head.frame(), file, set, sink);
        }
        let mut until_look = FRAMES_BETWEEN_LOOKS;
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => self.take(&frame, file, set, sink),
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
        file.conclude(&reader);
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
    ) {
        file.count(frame);
        set.table.tick(frame.time);
        if let Some(filter) = &mut self.filter
            && !filter.passes(frame)
        {
            file.filtered_out += 1;
            return;
        }
        let Set { table, decoder, .. } = set;
        match decoder.segment(frame, file.id, &mut file.notes) {
            Ok(segment) => {
                file.segments += 1;
                if self.only.as_ref().is_some_and(|only| !only.holds(&segment)) {
                    return;
                }
                let frame_ref = FrameRef { capture: file.id, frame: frame.number };
                let at = Moment { time: frame.time, frame: frame_ref };
                table.push(&segment, at, sink, &mut file.notes);
            }
            Err(cause) => {
                if cause == Skipped::NotTcp
                    && let Some(error) = table.wants_errors().then(|| Decoder::icmp_error(frame)).flatten()
                {
                    let frame_ref = FrameRef { capture: file.id, frame: frame.number };
                    table.error(&error, Moment { time: frame.time, frame: frame_ref });
                }
                file.skipped.add(cause, frame.number);
            }
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests;
