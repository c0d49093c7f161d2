//! The report as text, for reading on a terminal and pasting into a ticket.
//!
//! 80 columns at most, understandable without colour. The summary comes first, then a block for each
//! case (the log's account, the wire's account, the verdict, how the two were joined), then what
//! concerns all of them: connections that the log does not know, notes, clocks, inputs. Lists are cut
//! with "and N more"; the JSON document has everything.

mod appendix;
mod case;
mod debug_log;
mod matching;
mod outside;
mod page;
mod show;
mod summary;
mod wire;

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use crate::report::document::Document;
use page::Page;
pub use page::Style;

/// The whole report as one string.
pub fn render(document: &Document, style: Style) -> String {
    let mut octets = Vec::new();
    // Writing to a vector cannot fail, and only whole strings are written.
    let _ = write(document, style, &mut octets);
    String::from_utf8_lossy(&octets).into_owned()
}

/// Writes the report, case by case.
///
/// # Errors
///
/// What `out` reports.
pub fn write(document: &Document, style: Style, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(style);
    summary::write(&mut page, document);
    for (place, case) in document.cases.iter().enumerate() {
        case::write(&mut page, case, place + 1, document.cases.len());
        page.flush_to(out)?;
    }
    appendix::write(&mut page, document);
    page.flush_to(out)
}
