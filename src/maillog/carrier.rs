//! What a mail log is packed in when it comes out of another system: records of JSON or CSV with the
//! raw line in a field, rows of message tracking, text of 16-bit units.
//!
//! A carrier gives back the log's own lines, each at the number of the physical line that it came
//! from, so that everything behind it reads one kind of text. It is told by content: a JSON file by
//! its first octet, a table only where a row of it holds a line of a mail log or names a message.
//! Which field holds the line is found by trying the fields of the first records.

mod fields;
mod json;
mod lines;
mod outbox;
mod rows;
mod tracking;
mod utf16;

use std::io::{Cursor, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::cite::{Notes, Place};
use crate::maillog::walk::Carrier;
use json::Json;
use lines::Translated;
use rows::Rows;

pub(super) use utf16::{ByteOrder, Decoded};

/// Octets looked at to tell a carrier: a record of an export may take some thousands.
const LOOKED_AT: usize = 64 * 1024;

/// The longest record of an export.
pub(super) const MAX_LINE: usize = 1024 * 1024;

/// What a carrier tells beside its lines.
#[derive(Debug, Clone, Default)]
pub(super) struct Told(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    notes: Mutex<Notes>,
    octets: AtomicU64,
    carrier: OnceLock<Carrier>,
}

impl Told {
    /// What was passed over.
    pub(super) fn notes(&self) -> Notes {
        std::mem::take(&mut *self.0.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Octets of the carrier itself, where there was one.
    pub(super) fn octets(&self) -> Option<u64> {
        Some(self.0.octets.load(Ordering::Relaxed)).filter(|octets| *octets > 0)
    }

    /// What the lines came in, where it is not the plain text.
    pub(super) fn carrier(&self) -> Option<Carrier> {
        self.0.carrier.get().copied()
    }

    fn carried_by(&self, carrier: Carrier) {
        // A file is told once.
        let _ = self.0.carrier.set(carrier);
    }

    fn count(&self, octets: u64) {
        self.0.octets.fetch_add(octets, Ordering::Relaxed);
    }

    fn loss(&self, text: &'static str, line: u32) {
        let mut notes = self.0.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.loss(text, Some(Place::Line(line)));
    }

    fn oddity(&self, text: &'static str, line: u32) {
        let mut notes = self.0.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.oddity(text, Some(Place::Line(line)));
    }
}

/// Makes log lines of the physical lines of a carrier, as many as it was given.
trait Translate: Send {
    /// Takes a physical line in, without its end; writes the lines that are ready to `out`.
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>);

    /// The source has ended.
    fn end(&mut self, out: &mut Vec<u8>);
}

/// The log's own text out of whatever carries it; plain text comes back as it is.
pub(super) fn unpacked(mut reader: Box<dyn Read + Send>) -> (Box<dyn Read + Send>, Told) {
    let told = Told::default();
    let mut head = Vec::new();
    let error = reader.by_ref().take(LOOKED_AT as u64).read_to_end(&mut head).err();
    let translate: Option<Box<dyn Translate>> = match tell(&head) {
        Some(Kind::Json) => {
            told.carried_by(Carrier::Json);
            Some(Box::new(Json::new(told.clone())))
        }
        Some(Kind::Rows(rows)) => {
            told.carried_by(rows.carrier());
            Some(Box::new(rows.telling(told.clone())))
        }
        None => None,
    };
    let whole = Cursor::new(head).chain(super::open::Failing(error)).chain(reader);
    match translate {
        Some(translate) => (Box::new(Translated::new(whole, translate, told.clone())), told),
        None => (Box::new(whole), told),
    }
}

/// Whether a file that begins so carries a mail log within records of another kind.
pub(super) fn carries_a_log(head: &[u8]) -> bool {
    match tell(head) {
        Some(Kind::Json) => head.split(|&octet| octet == b'\n').take(fields::SAMPLES).any(|line| {
            json::fields_of(line)
                .is_some_and(|fields| fields.iter().any(|(_, value)| fields::fitness(value).is_some()))
        }),
        Some(Kind::Rows(_)) => true,
        None => false,
    }
}

enum Kind {
    Json,
    Rows(Rows),
}

fn tell(head: &[u8]) -> Option<Kind> {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let is_json = match text.first() {
        Some(b'{') => true,
        Some(b'[') => text.get(1..).is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{")),
        _ => false,
    };
    if is_json { Some(Kind::Json) } else { rows::tell(head).map(Kind::Rows) }
}

#[cfg(test)]
mod tests;
