//! The log: from lines to connections with their messages, and what the log claims of them.
//!
//! ```text
//! line -> event -> connection (ICID, DCID) with messages (MID) -> claim; one file a dialect
//! ```

pub mod claim;
pub mod record;

pub use claim::{Claim, ClaimKind, Lost, Standing};
pub use record::{
    AbortReason, ApplianceEnd, ApplianceEndKind, ClockIndex, ClockSource, Connection, Finish, LeftOut,
    LogFile, MailLog, Message, Policy, PolicyAction, SerialIndex, Stamp, Tls,
};
