//! How the octets of one direction compare.

use crate::cite::{LogRef, Moment};
use crate::maillog::conversation::Unsure;
use crate::text::Text;

/// One direction compared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Account {
    /// Octets in the log.
    pub in_log: u64,
    /// Octets on the wire, gaps included.
    pub on_wire: u64,
    /// Octets that are the same on both sides.
    pub equal: u64,
    /// Credentials: there on both sides, neither kept nor compared.
    pub hidden: u64,
    /// Octets that the capture lacks.
    pub in_gaps: u64,
    /// The first of these: its place in the stream, its length and where it shows.
    pub first_gap: Option<(u64, u64, Moment)>,
    /// Octets of the log before the first of the capture.
    pub before_capture: u64,
    /// The first difference.
    pub difference: Option<Difference>,
    /// Octets that only the wire has, behind all that the log tells.
    pub only_on_wire: Option<Rest>,
    /// Octets that only the log has, behind all that the wire shows.
    pub only_in_log: Option<Rest>,
    /// Why the rest was not compared.
    pub stopped: Option<Stopped>,
}

impl Account {
    /// Whether no octet differs, and none is on one side only.
    pub const fn agrees(&self) -> bool {
        self.difference.is_none() && self.only_on_wire.is_none() && self.only_in_log.is_none()
    }
}

/// Octets at the end of one side that the other has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// How many.
    pub octets: u64,
    /// Where the first of them stands in the stream.
    pub offset: u64,
    /// The frame that brings it; `None` where only the log has it.
    pub at: Option<Moment>,
    /// The line that tells it, or the last line of this direction where only the wire has it.
    pub line: Option<LogRef>,
}

/// The first octet that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its place in the stream, from 0.
    pub offset: u64,
    /// The frame that brings it.
    pub at: Moment,
    /// The line that tells it.
    pub line: Option<LogRef>,
    /// What became of the octets there.
    pub change: Change,
    /// Both readings; `None` where credentials may be among them, or the log's octets are not kept.
    pub readings: Option<Reading>,
}

/// What the two sides read where they differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The octets of the line before, the same on both sides.
    pub before: Text,
    /// What the log has, to the end of its line or at most 32 octets.
    pub log: Text,
    /// What the wire has.
    pub wire: Text,
}

/// What became of octets, judged by where both sides agree again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// So many octets are others.
    Changed(u64),
    /// So many octets are only on the wire.
    OnlyOnWire(u64),
    /// So many octets are only in the log.
    OnlyInLog(u64),
    /// Somewhere in so many octets, whose digest alone is kept.
    Within(u64),
    /// They do not agree again soon.
    Unclear,
}

/// Why the rest of a direction was not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The wire is encrypted from here on.
    Encrypted,
    /// The log does not tell the octets for certain.
    Unsure(Unsure),
    /// The capture begins in the midst of the connection, and where its octets belong cannot be told.
    NotAligned,
}

impl Stopped {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Encrypted => "the wire is encrypted from here on",
            Self::Unsure(why) => why.words(),
            Self::NotAligned => {
                "the capture begins in the midst of the connection, and its first octets do not stand once in the log"
            }
        }
    }
}
