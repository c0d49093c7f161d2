//! The list of what a mail log tells: one record a message, and one for each connection without any;
//! its lines counted by kind, and the lines of one id.

pub mod follow;
mod record;
#[cfg(test)]
pub(crate) mod samples;
pub mod stats;
mod table;
mod wanted;

pub use record::{LogView, MessageOutcome, MessageRecord};
pub use table::MessageTable;

#[cfg(test)]
mod tests;
