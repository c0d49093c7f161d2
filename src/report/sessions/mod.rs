//! The list of SMTP connections in captures: one record each.
//!
//! Without a log nobody knows which end is the appliance, so the ends are `client` and `server`; the
//! kinds of endings keep the names they have in a report, with the server in the appliance's place.

pub mod csv;
mod detail;
mod ladder;
mod link;
mod record;
#[cfg(test)]
pub(crate) mod samples;
mod table;
mod tls;
mod transaction;
mod waits;
pub mod zeek;

pub use link::{EndRoundTrip, RoundTripRecord, StreamRecord, StreamsRecord};
pub use record::{
    Capturing, CloseRecord, CloseWord, Detail, EndingRecord, GapRecord, RoleSource, SessionRecord, TurnRecord,
};
pub use table::SessionTable;
pub use tls::{AlertRecord, TlsRecord};
pub use transaction::{OutcomeRecord, RcptRecord, TransactionRecord};
pub use waits::{ExchangeRecord, PassedRecord, WaitRecord, WaitsRecord};

#[cfg(test)]
mod tests;
