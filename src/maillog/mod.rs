//! The log: from lines to connections with their messages, and what the log claims of them.
//!
//! ```text
//! line -> event -> connection (ICID, DCID) with messages (MID) -> claim; one file a dialect
//! ```

pub mod claim;
mod event;
mod line;
pub mod record;
mod scan;
mod table;
mod text;

pub use claim::{Claim, ClaimKind, Lost, Standing};
pub use event::{Abort, ConnectionId, Event, Fact, Ids, Known, Opening};
pub use record::{
    AbortReason, ApplianceEnd, ApplianceEndKind, ClockIndex, ClockSource, Connection, Finish, LeftOut,
    LogFile, MailLog, Message, Policy, PolicyAction, SerialIndex, Stamp, Tls,
};
pub use text::parse_text;
