//! The list of what a mail log tells: one record a message, and one for each connection without any.

mod record;
#[cfg(test)]
pub(crate) mod samples;
mod table;
mod wanted;

pub use record::{LogView, MessageOutcome, MessageRecord};
pub use table::MessageTable;

#[cfg(test)]
mod tests;
