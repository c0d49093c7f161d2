//! The list of what a mail log tells: one record a message, and one for each connection without any.

mod record;
#[cfg(test)]
pub(crate) mod samples;
mod table;

pub use record::{LogView, MessageOutcome, MessageRecord, records};
pub use table::MessageTable;

#[cfg(test)]
mod tests;
