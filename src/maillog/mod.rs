//! The log: from lines to connections with their messages, and what the log claims of them.
//!
//! ```text
//! line -> event -> connection (ICID, DCID) with messages (MID) -> claim; one file a dialect
//! ```
//!
//! In the order of the way of a line: [`open`](looks_like_mail_log) tells what a file is and unpacks
//! it, `carrier` takes lines out of exports, `read` makes records of them, `line` and `syslog` read
//! their stamps, [`text`](parse_text) and `summary` are the dialects that say what a record says, `clock` knows whose clock stamped it, `book` finds the
//! [`Connection`] and [`Message`] that it is about, [`claims`](claims()) states what the log claims of
//! them. [`read_logs`] and [`stream_logs`] are the ways in.
//!
//! Lines by themselves: [`walk_logs`] gives each with its [`LineKind`] and the ids that it names;
//! [`tally`] counts them, [`trace`] finds those of one id. `repeats` knows lines that two files hold.
//!
//! Everything in a log is a stranger's: nothing here panics on it, and whatever it can fill has a
//! bound with a name and a note.

mod book;
mod carrier;
pub mod claim;
mod claims;
mod clock;
mod connection;
pub mod conversation;
pub mod delivery;
mod event;
mod kind;
mod line;
mod logs;
mod open;
mod read;
pub mod record;
mod repeats;
mod scan;
mod shape;
mod slab;
mod source;
mod summary;
mod syslog;
mod table;
pub mod tally;
mod text;
pub mod trace;
mod walk;

pub use book::LogSink;
pub use claim::{Claim, ClaimKind, Lost, Meaning, Standing};
pub use claims::{claims, connection_claims, lost, orphan_claim};
pub use delivery::{Attempt, ConnectionFailure, Delivery, NetworkError, Outcome, Shortfall, UndeliveredKind};
pub use event::{Abort, ConnectionId, Derivation, Event, Fact, Failure, Ids, Known, Opening, Undelivered};
pub use kind::LineKind;
pub use logs::{LogInput, ReadOptions, read_logs, stream_logs, walk_logs};
pub use open::looks_like_mail_log;
pub use record::{
    AbortReason, ApplianceEnd, ApplianceEndKind, ClockIndex, ClockSet, ClockSource, Connection, Finish,
    HostIndex, LeftOut, LogFile, LogKind, MailLog, Message, Policy, PolicyAction, SerialIndex, Stamp,
    StampedBy, Step, Tls,
};
pub use text::parse_text;
pub use walk::{Carrier, Line, LineSink, Named};

#[cfg(test)]
mod tests;
