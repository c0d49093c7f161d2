//! Connections as comma-separated values (RFC 4180): a header row, then one row a connection, lines
//! ended by CRLF. [`COLUMNS`] is the list of what stands where.
//!
//! * Times are RFC 3339 in UTC, lengths of time seconds with a fraction, booleans `true` and `false`.
//!   What is not known is an empty cell. Enum values are those of the JSON record.
//! * Text from the wire is escaped as everywhere (see [`crate::text::escape`]): `\\` is a backslash,
//!   and control characters, invisible marks and octets that are not UTF-8 are `\n`, `\xNN` or
//!   `\u{NNNN}`. So no cell holds a line end.
//! * A list is joined by `|`; a `|` within an element is written `\x7c`. The empty reverse path is
//!   `<>`, so an empty cell is an empty list.
//! * A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula. Text that begins
//!   so (their fullwidth forms too), or with an apostrophe, gets an apostrophe put before it, which
//!   spreadsheets take for "this is text". Take the first apostrophe off such a cell to have what was
//!   there. Control characters cannot begin a cell, since they are escaped.

mod columns;

use std::io::{self, Write};

pub use columns::COLUMNS;
use csv::{Terminator, Writer, WriterBuilder};

use super::SessionRecord;
use crate::text::{Text, escaped};

/// Parts the elements of a list.
pub const LIST_SEPARATOR: char = '|';

/// What a list's element has in its place.
const SEPARATOR_ESCAPED: &str = "\\x7c";

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name, in the header row.
    pub name: &'static str,
    /// What stands in it.
    pub meaning: &'static str,
    cell: fn(&SessionRecord<'_>) -> String,
}

/// Writes the header row.
///
/// # Errors
///
/// What `out` reports.
pub fn write_header(out: &mut impl Write) -> io::Result<()> {
    write_row(out, COLUMNS.iter().map(|column| column.name.to_owned()))
}

/// Writes the row of a connection.
///
/// # Errors
///
/// What `out` reports.
pub fn write_record(record: &SessionRecord<'_>, out: &mut impl Write) -> io::Result<()> {
    write_row(out, COLUMNS.iter().map(|column| (column.cell)(record)))
}

fn write_row(out: &mut impl Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    let mut writer: Writer<_> = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
    writer.write_record(cells).map_err(io::Error::from)?;
    writer.flush()
}

/// Text of ours or from outside that is escaped already, so that no spreadsheet computes it.
fn text(escaped: String) -> String {
    const ACTIVE: [char; 9] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '\''];
    if escaped.starts_with(ACTIVE) { format!("'{escaped}") } else { escaped }
}

/// A list of texts.
fn list<'a>(elements: impl Iterator<Item = &'a Text>) -> String {
    let shown = elements.map(|element| match element.is_empty() {
        true => "<>".to_owned(),
        false => in_list(&escaped(element.as_bytes())),
    });
    text(joined(shown))
}

/// An element's text with no separator in it.
fn in_list(escaped: &str) -> String {
    escaped.replace(LIST_SEPARATOR, SEPARATOR_ESCAPED)
}

fn joined(elements: impl Iterator<Item = String>) -> String {
    let mut out = String::new();
    for (place, element) in elements.enumerate() {
        if place > 0 {
            out.push(LIST_SEPARATOR);
        }
        out.push_str(&element);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sessions::Detail;
    use crate::report::sessions::samples;

    fn rows(samples: &[(crate::smtp::Session, crate::smtp::Ending)]) -> Vec<Vec<String>> {
        let captures = ["wire.pcap".to_owned()];
        let mut out = Vec::new();
        write_header(&mut out).unwrap();
        for (session, ending) in samples {
            let record = SessionRecord::new(session, ending, captures.as_slice(), Detail::Connection);
            write_record(&record, &mut out).unwrap();
        }
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches("\r\n").count(), samples.len() + 1);
        assert_eq!(text.matches('\n').count(), samples.len() + 1, "a line end within a cell");
        let reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        reader.into_records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    fn cell<'a>(rows: &'a [Vec<String>], row: usize, name: &str) -> &'a str {
        let place = rows[0].iter().position(|column| column == name).unwrap();
        &rows[row][place]
    }

    #[test]
    fn every_row_has_every_column() {
        let rows = rows(&samples::all());
        assert!(rows.iter().all(|row| row.len() == COLUMNS.len()));
        assert_eq!(cell(&rows, 1, "rcpt_to"), "bert@example.com|\\xff@example.com|cora@example.com");
        assert_eq!(cell(&rows, 1, "ending"), "fin");
        assert_eq!(cell(&rows, 1, "ending_code"), "");
        assert_eq!(cell(&rows, 2, "completed"), "1");
        assert_eq!(cell(&rows, 3, "commands"), "EHLO|?\\x1b[31m\\xff|STARTTLS");
        assert_eq!(cell(&rows, 4, "mail_from"), "");
    }

    #[test]
    fn names_are_unique_and_told() {
        let mut names: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), COLUMNS.len());
        assert!(COLUMNS.iter().all(|column| !column.meaning.is_empty()));
    }

    #[test]
    fn hostile_text_is_neither_formula_nor_separator() {
        for (helo, shown) in [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("'quoted", "''quoted"),
            ("\t=1", "\\t=1"),
            ("a,\"b\"\r\nc", "a,\"b\"\\r\\nc"),
        ] {
            let mut sample = samples::fin_after_rcpt();
            sample.0.dialog.helo = Some(Text::from(helo));
            sample.0.dialog.transactions[0].recipients[0].address = Text::from(helo);
            let rows = rows(&[sample]);
            assert_eq!(cell(&rows, 1, "helo"), shown);
            assert_eq!(cell(&rows, 1, "rcpt_to").split('|').count(), 3, "{helo}");
        }
    }
}
