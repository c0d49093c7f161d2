//! Octets -> physical lines -> records.
//!
//! A record begins on a line that bears a stamp; a line without one continues the record before it
//! (pastes break long lines so) and is joined to it with one space. Nearly every record is one line
//! and is lent straight from the read buffer; only a broken one is copied.

use std::io::{self, Read};

use crate::cite::{Notes, Place};
use crate::input::Passed;
use crate::maillog::StampedBy;
use crate::maillog::line::{Head, Relayed, StampReader};
use crate::maillog::source::{Source, Turns};
use crate::maillog::syslog;
use crate::time::LogTime;

/// Octets kept of one physical line, and of one record.
pub(super) const MAX_RECORD: usize = 64 * 1024;

/// Physical lines joined into one record.
pub(super) const MAX_JOINED: usize = 64;

/// The read buffer: two lines of the greatest length fit, with room to read more.
const BUFFER: usize = 4 * MAX_RECORD;

/// What is read ahead of everything else to learn where a file belongs among others.
const PREVIEW: usize = 16 * 1024;

/// What stands between the groups of `grep -A`; no part of a record.
const GROUP_SEPARATOR: &[u8] = b"--";

/// One record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    /// The physical line that it begins on, from 1.
    pub(super) line: u32,
    /// Its stamp.
    pub(super) time: LogTime,
    /// What follows stamp and level.
    pub(super) text: &'a [u8],
    /// What its carrier tells.
    pub(super) source: Source<'a>,
    /// It stood on several physical lines, joined with one space each.
    pub(super) broken: bool,
}

/// Reads the records of one log.
pub(super) struct Records<R> {
    source: R,
    stamps: StampReader,
    buffer: Vec<u8>,
    /// The unread part of the buffer; it starts at the start of a line.
    start: usize,
    end: usize,
    ended: bool,
    /// Octets that came from the source.
    bytes: u64,
    /// The number of the line at `start`.
    line: u32,
    /// The line at `start`, once it was looked at.
    ahead: Option<(Span, Kind)>,
    /// The record that was broken over several lines.
    joined: Vec<u8>,
    /// The host that the record's header names.
    host: Vec<u8>,
    turns: Turns,
    notes: Notes,
}

/// How far a physical line reaches, counted from its own start.
#[derive(Debug, Clone, Copy)]
struct Span {
    /// Without its line end and trailing blanks.
    text: usize,
    /// With all that stands before the next line.
    whole: usize,
}

/// What a physical line is to the record before it.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Nothing; a record ends here, so that prose after a paste is not taken for a part of it.
    Blank,
    /// The start of the next.
    Stamped(Head),
    /// More of it.
    Continuation,
}

impl<R: Read> Records<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            stamps: StampReader::default(),
            buffer: Vec::new(),
            start: 0,
            end: 0,
            ended: false,
            bytes: 0,
            line: 1,
            ahead: None,
            joined: Vec::new(),
            host: Vec::new(),
            turns: Turns::default(),
            notes: Notes::default(),
        }
    }

    /// The octets that the log begins with, before any record is taken.
    pub(super) fn preview(&mut self) -> &[u8] {
        while !self.ended && self.end < PREVIEW {
            self.fill(PREVIEW);
        }
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Octets that came from the source so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What was passed over.
    pub(super) fn into_notes(self) -> Notes {
        self.notes
    }

    /// The next record.
    pub(super) fn next(&mut self) -> Option<Record<'_>> {
        let (first, head) = self.first_line()?;
        let line = self.line;
        let time = if head.time.year_known() { head.time } else { self.turns.place(head.time) };
        if let Some(relayed) = &head.relayed {
            self.take_host(first, relayed);
        }
        // A line is looked at once only: what was cut off it is gone, and its end with that.
        let following = self.look(first.whole);
        let (from, to) = (self.start + head.text_at, self.start + first.text);
        self.pass(first);
        let broken = matches!(following, Some((_, Kind::Continuation)));
        let text = if broken {
            self.joined.clear();
            self.joined.extend_from_slice(self.buffer.get(from.min(to)..to).unwrap_or_default());
            self.ahead = following;
            self.join();
            self.joined.as_slice()
        } else {
            self.ahead = following;
            self.buffer.get(from.min(to)..to).unwrap_or_default()
        };
        let source = head.relayed.map_or_else(Source::default, |relayed| Source {
            host: relayed.host.map(|_| self.host.as_slice()),
            serial: None,
            offset: relayed.offset,
            by: if relayed.stamped { StampedBy::Relay } else { StampedBy::Appliance },
        });
        Some(Record { line, time, text: text.trim_ascii_start(), source, broken })
    }

    /// Keeps the host of a syslog line, which the read buffer may give up before the record is whole.
    fn take_host(&mut self, line: Span, relayed: &Relayed) {
        if let Some((from, to)) = relayed.host {
            self.host.clear();
            let name = self.buffer.get(self.start + from..self.start + to).unwrap_or_default();
            self.host.extend_from_slice(name);
        }
        if (syslog::CUT_AT..=syslog::LONGEST).contains(&line.text) {
            self.notes.oddity(
                "syslog lines as long as a packet of 1024 octets: their ends may be cut off",
                Some(Place::Line(self.line)),
            );
        }
    }

    /// Passes over all that is before the next line with a stamp.
    fn first_line(&mut self) -> Option<(Span, Head)> {
        loop {
            let (span, kind) = self.upcoming()?;
            match kind {
                Kind::Stamped(head) => return Some((span, head)),
                Kind::Continuation => {
                    self.notes.oddity("lines that belong to no record", Some(Place::Line(self.line)));
                }
                Kind::Blank => {}
            }
            self.pass(span);
        }
    }

    /// Joins the lines that continue the record to it.
    #[cold]
    fn join(&mut self) {
        let mut lines = 1;
        while let Some((span, kind)) = self.upcoming() {
            if !matches!(kind, Kind::Continuation) {
                self.ahead = Some((span, kind));
                return;
            }
            let range = self.start..self.start + span.text;
            let piece = self.buffer.get(range).unwrap_or_default().trim_ascii_start();
            lines += 1;
            if lines <= MAX_JOINED && self.joined.len() + 1 + piece.len() <= MAX_RECORD {
                self.joined.push(b' ');
                self.joined.extend_from_slice(piece);
            } else {
                self.notes.oddity("lines beyond the length of a record", Some(Place::Line(self.line)));
            }
            self.pass(span);
        }
    }

    /// The line at the start of the unread part.
    fn upcoming(&mut self) -> Option<(Span, Kind)> {
        self.ahead.take().or_else(|| self.look(0))
    }

    /// Moves on to the line after `span`.
    fn pass(&mut self, span: Span) {
        self.start += span.whole;
        self.line = self.line.saturating_add(1);
    }

    /// The line that starts at `from` and what it is.
    #[inline]
    fn look(&mut self, from: usize) -> Option<(Span, Kind)> {
        let span = self.span_at(from)?;
        let start = self.start + from;
        let text = self.buffer.get(start..start + span.text).unwrap_or_default();
        let kind = match self.stamps.head(text) {
            Some(head) => Kind::Stamped(head),
            None if text.is_empty() || text == GROUP_SEPARATOR => Kind::Blank,
            None => Kind::Continuation,
        };
        Some((span, kind))
    }

    /// The line that starts at `from`, read in whole; `None` at the end of the log.
    #[inline]
    fn span_at(&mut self, from: usize) -> Option<Span> {
        let mut scanned = from;
        loop {
            let unread = self.buffer.get(self.start + scanned..self.end).unwrap_or_default();
            if let Some(found) = memchr::memchr(b'\n', unread) {
                let length = scanned + found - from;
                if length > MAX_RECORD {
                    return Some(self.cut_long_line(from));
                }
                return Some(self.trimmed(from, length, length + 1));
            }
            scanned = self.end - self.start;
            let length = scanned - from;
            if length > MAX_RECORD {
                return Some(self.cut_long_line(from));
            }
            if self.ended {
                return (length > 0).then(|| self.trimmed(from, length, length));
            }
            self.fill(BUFFER);
        }
    }

    #[inline]
    fn trimmed(&self, from: usize, length: usize, whole: usize) -> Span {
        let start = self.start + from;
        let text = self.buffer.get(start..start + length).unwrap_or_default();
        Span { text: text.trim_ascii_end().len(), whole }
    }

    /// Keeps the first [`MAX_RECORD`] octets of the line at `from` and drops what follows up to its end.
    #[cold]
    fn cut_long_line(&mut self, from: usize) -> Span {
        // It is the line at the start or the one after it.
        let line = self.line.saturating_add(u32::from(from > 0));
        self.notes.oddity("lines longer than 64 KiB were cut", Some(Place::Line(line)));
        loop {
            let kept = self.start + from + MAX_RECORD;
            let beyond = self.buffer.get(kept..self.end).unwrap_or_default();
            let newline = memchr::memchr(b'\n', beyond);
            let dropped = newline.map_or(beyond.len(), |at| at + 1);
            self.buffer.copy_within(kept + dropped..self.end, kept);
            self.end -= dropped;
            if newline.is_some() || self.ended {
                return self.trimmed(from, MAX_RECORD, MAX_RECORD);
            }
            self.fill(BUFFER);
        }
    }

    /// Reads once, into a buffer of at least this size. An error ends the log like its end does, and is noted as a loss.
    #[cold]
    fn fill(&mut self, size: usize) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < size {
            self.buffer.resize(size, 0);
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        match self.source.read(room) {
            // No room is left only if a bound above fails; ending is then better than turning in circles.
            Ok(0) => self.ended = true,
            Ok(count) => {
                self.end += count;
                self.bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => match Passed::of(&error) {
                Some(passed) => passed.note(self.bytes, &mut self.notes),
                None => {
                    self.ended = true;
                    self.notes.loss(describe(&error), Some(Place::Offset(self.bytes)));
                }
            },
        }
    }
}

/// An error of the input in words; a gzip stream is the only source of the first two kinds.
fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the gzip stream ends too early (offset after unpacking)".to_owned(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            "the gzip stream is damaged (offset after unpacking)".to_owned()
        }
        _ => format!("reading failed: {}", crate::text::escaped(error.to_string().as_bytes())),
    }
}

#[cfg(test)]
mod tests;
