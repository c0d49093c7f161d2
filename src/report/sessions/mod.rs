//! The list of SMTP connections in captures: one record each.
//!
//! Without a log nobody knows which end is the appliance, so the ends are `client` and `server`; the
//! kinds of endings keep the names they have in a report, with the server in the appliance's place.

mod record;
#[cfg(test)]
pub(crate) mod samples;
mod table;
mod transaction;

pub use record::{
    Capturing, CloseRecord, CloseWord, EndingRecord, GapRecord, RoleSource, SessionRecord, TurnRecord,
};
pub use table::SessionTable;
pub use transaction::{OutcomeRecord, RcptRecord, TransactionRecord};

#[cfg(test)]
mod tests;
