//! Reports: one file a format, all from one [`document::Document`].

pub mod build;
pub mod document;
