//! What goes into the reading of captures and what is told of each file.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::capture::decode::SkippedCounts;
use crate::capture::follow::Only;
use crate::capture::read::{
    CaptureReader, Filter, Format, Frame, InterfaceFacts, LinkType, OpenError, ReadError, ReaderKind,
};
use crate::cite::{CaptureId, Notes, Place};
use crate::input::Input;
use crate::time::Timestamp;

/// Link types listed of one file.
const MAX_LINKS: usize = 16;

/// Interfaces shown in a description.
const MAX_INTERFACES_SHOWN: usize = 4;

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
    /// Whether tunnels are opened (GRE, VXLAN, Geneve, IP in IP).
    pub decap: bool,
    /// Whether flows carry their trace.
    pub traced: bool,
    /// The flows that alone are followed; all where there is none.
    pub only: Option<Only>,
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
    /// What it tells of the interfaces that it was captured on (pcapng).
    pub interfaces: Vec<InterfaceFacts>,
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
    /// Frames that bear an earlier time than the one before them, and the first of them.
    pub disordered: (u64, u32),
    /// What was passed over.
    pub notes: Notes,
    /// Why it could not be opened.
    pub error: Option<OpenError>,
}

impl CaptureFile {
    /// What it is in words: `pcapng, gzipped, ETHERNET`.
    pub fn description(&self) -> String {
        let mut words = vec![self.format.map_or("unreadable", Format::name).to_owned()];
        if self.gzipped {
            words.push("gzipped".to_owned());
        }
        words.extend(self.links.iter().map(|link| match link.name() {
            Some(name) => name.to_owned(),
            None => format!("link type {}", link.0),
        }));
        let named =
            self.interfaces.iter().filter(|facts| facts.name.is_some() || facts.description.is_some());
        let mut shown: Vec<String> = Vec::new();
        for facts in named {
            let text = format!("on {facts}");
            if !shown.contains(&text) {
                shown.push(text);
            }
            if shown.len() > MAX_INTERFACES_SHOWN {
                shown.pop();
                shown.push("and further interfaces".to_owned());
                break;
            }
        }
        words.append(&mut shown);
        words.join(", ")
    }

    pub(super) fn new(input: CaptureInput) -> Self {
        Self {
            id: input.id,
            path: input.path,
            format: None,
            gzipped: false,
            links: Vec::new(),
            interfaces: Vec::new(),
            frames: 0,
            filtered_out: 0,
            segments: 0,
            skipped: SkippedCounts::default(),
            bytes: 0,
            first: None,
            last: None,
            disordered: (0, 0),
            notes: Notes::default(),
            error: None,
        }
    }

    pub(super) fn describe(&mut self, reader: &CaptureReader) {
        self.format = Some(reader.format());
        self.gzipped = reader.gzipped();
    }

    pub(super) fn note_read_error(&mut self, error: &ReadError) {
        let text = format!("not read to its end: {}", error.cause);
        self.notes.loss(text, Some(Place::Offset(error.offset)));
    }

    /// Counts a frame.
    #[inline]
    pub(super) fn count(&mut self, frame: &Frame<'_>) {
        self.frames += 1;
        if self.last.is_some_and(|last| frame.time < last) {
            if self.disordered.0 == 0 {
                self.disordered.1 = frame.number;
            }
            self.disordered.0 += 1;
        }
        self.first = Some(self.first.map_or(frame.time, |first| first.min(frame.time)));
        self.last = Some(self.last.map_or(frame.time, |last| last.max(frame.time)));
        if !self.links.contains(&frame.link) && self.links.len() < MAX_LINKS {
            self.links.push(frame.link);
        }
    }

    /// Takes what the reader has to say once it is done.
    pub(super) fn conclude(&mut self, reader: &CaptureReader) {
        self.bytes = reader.raw_bytes();
        self.interfaces = reader.interfaces().to_vec();
        self.notes.merge(reader.notes());
        self.notes.merge(self.skipped.notes());
        let (count, first) = self.disordered;
        if count > 0 {
            let text = format!("{count} frames bear an earlier time than the one before them");
            self.notes.oddity(text, Some(Place::Frame(first)));
        }
    }
}
