//! Reports: one file a format, all from one [`document::Document`]; and the records of the lists of
//! sessions and messages.
//!
//! | what | as JSON | as text |
//! |---|---|---|
//! | a report | [`json::write_document`] | [`text::render`] |
//! | sessions of a capture | [`sessions::SessionRecord`] | [`sessions::SessionTable`] |
//! | messages of a log | [`messages::MessageRecord`] | [`messages::MessageTable`] |
//!
//! [`schema`] has the JSON Schemas of all three.

pub mod build;
pub mod columns;
pub mod document;
pub mod json;
mod key_frames;
pub mod messages;
#[cfg(test)]
pub(crate) mod samples;
pub mod schema;
pub mod sessions;
pub mod text;
pub mod words;
mod wrap;
