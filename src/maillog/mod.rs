//! The log: from lines to connections with their messages, and what the log claims of them.
//!
//! ```text
//! line -> event -> connection (ICID, DCID) with messages (MID) -> claim; one file a dialect
//! ```

mod book;
pub mod claim;
mod claims;
mod clock;
mod connection;
mod event;
mod line;
mod logs;
mod open;
mod read;
pub mod record;
mod scan;
mod slab;
mod table;
mod text;

pub use book::LogSink;
pub use claim::{Claim, ClaimKind, Lost, Meaning, Standing};
pub use claims::{claims, connection_claims, lost, orphan_claim};
pub use event::{Abort, ConnectionId, Event, Fact, Ids, Known, Opening};
pub use logs::{LogInput, ReadOptions, read_logs, stream_logs};
pub use open::looks_like_mail_log;
pub use record::{
    AbortReason, ApplianceEnd, ApplianceEndKind, ClockIndex, ClockSource, Connection, Finish, LeftOut,
    LogFile, MailLog, Message, Policy, PolicyAction, SerialIndex, Stamp, StepBack, Tls,
};
pub use text::parse_text;

#[cfg(test)]
mod tests;
