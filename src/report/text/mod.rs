//! The report as text, for reading on a terminal and pasting into a ticket.
//!
//! 80 columns at most, understandable without colour. The summary comes first, then a block for each
//! case (the log's account, the wire's account, the verdict, how the two were joined), then what
//! concerns all of them: connections that the log does not know, notes, clocks, inputs. Lists are cut
//! with "and N more"; the JSON document has everything.

mod appendix;
mod case;
mod matching;
mod page;
mod show;
mod summary;
mod wire;

#[cfg(test)]
mod tests;

pub use page::Style;

use crate::report::document::Document;
use page::Page;

/// The whole report.
pub fn render(document: &Document, style: Style) -> String {
    let mut page = Page::new(style);
    summary::write(&mut page, document);
    for (place, case) in document.cases.iter().enumerate() {
        case::write(&mut page, case, place + 1, document.cases.len());
    }
    appendix::write(&mut page, document);
    page.finish()
}
