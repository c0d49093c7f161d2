//! A command that waits for its reply, and the body that came with it.

use crate::cite::Moment;
use crate::smtp::command::{Argument, Verb};
use crate::smtp::session::Transaction;
use crate::text::Text;

/// A command that has not been answered.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) verb: Verb,
    pub(super) argument: Argument,
    /// The segment of its last octet.
    pub(super) at: Moment,
    /// Where its line ends in the client's stream.
    pub(super) end: u64,
    /// How much of the server's stream had reached the client when it sent the line's end.
    pub(super) acknowledged: u64,
    /// Its place in the list of commands.
    pub(super) index: Option<usize>,
    /// For the end of data and for BDAT.
    pub(super) body: Option<Box<BodyPart>>,
    /// Commands before it may be missing from the file.
    pub(super) after_hole: Option<u64>,
    /// It is not in the file; its reply proves it.
    pub(super) inferred: bool,
    /// BDAT said LAST.
    pub(super) last_chunk: bool,
    /// All octets of the chunk have come.
    pub(super) chunk_whole: bool,
    /// Replies still due, where one command draws several.
    pub(super) more_replies: usize,
    /// An empty line, which draws a refusal or nothing.
    pub(super) blank: bool,
}

/// What a body, or a part of it, adds to its transaction.
#[derive(Debug, Default)]
pub(super) struct BodyPart {
    pub(super) octets: u64,
    pub(super) missing: u64,
    pub(super) first: Option<Moment>,
    pub(super) last: Option<Moment>,
    pub(super) message_id: Option<Text>,
    pub(super) subject: Option<Text>,
}

impl BodyPart {
    /// The segments of its first and its last octet.
    pub(super) fn span(&self) -> Option<(Moment, Moment)> {
        self.first.zip(self.last)
    }

    pub(super) fn add_to(&self, tx: &mut Transaction) {
        tx.body_octets = tx.body_octets.saturating_add(self.octets);
        tx.body_missing = tx.body_missing.saturating_add(self.missing);
        tx.last_body = tx.last_body.max(self.last);
        if self.message_id.is_some() {
            tx.message_id.clone_from(&self.message_id);
        }
        if self.subject.is_some() {
            tx.subject.clone_from(&self.subject);
        }
    }
}
