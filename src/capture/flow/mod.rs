//! From segments to flows: which connection a segment belongs to, and when a connection is over.
//!
//! A flow is over, and goes back to the [`FlowSink`], when
//! * [`LINGER_AFTER_FINS`] passed since both FINs were acknowledged, or [`LINGER_AFTER_RST`] since
//!   an RST that nothing speaks against (what comes later on its ports and fits is swallowed for
//!   [`STRAGGLERS_FOR`]);
//! * a SYN opens a new connection on the same ports;
//! * nothing was heard of it for [`IDLE_FOR`] ([`UNANSWERED_FOR`] where it never got beyond its SYN);
//! * more than [`MAX_OPEN_FLOWS`] are open and it was to be given up first;
//! * the input ends: then in the order of their first segments.

mod connection;
mod direction;
mod duplicates;
mod handshake;
mod key;
mod opening;
mod outlet;
mod queue;
mod recorder;
mod round_trip;
mod stragglers;
mod table;
mod zeek;

pub(crate) use key::FlowKey;
pub use opening::{LONGEST_HOLD, MAX_HELD, MAX_HELD_OCTETS};
pub use stragglers::STRAGGLERS_FOR;
pub use table::{
    FlowTable, IDLE_FOR, LINGER_AFTER_FINS, LINGER_AFTER_RST, MAX_OPEN_FLOWS, STEP_BACK, UNANSWERED_FOR,
};

#[cfg(doc)]
use crate::capture::FlowSink;

#[cfg(test)]
mod tests;
