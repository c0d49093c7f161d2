//! JSON as mailwitness writes it: one document for a report, JSON Lines for lists.
//!
//! Keys stand in the order of the types' fields. Beyond what JSON demands, characters that could do
//! something to a terminal (DEL, C1 controls, direction and format marks) are written as `\uNNNN`,
//! which any reader of JSON turns back.

use std::io::{self, Write};

use serde::Serialize;

use crate::report::document::Document;
use crate::text;

/// Writes the report as one indented document with a line end.
///
/// # Errors
///
/// What `out` reports.
pub fn write_document(document: &Document, mut out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(Harmless(&mut out), document)?;
    out.write_all(b"\n")
}

/// Writes `record` as one line.
///
/// # Errors
///
/// What `out` reports.
pub fn write_line(record: &impl Serialize, mut out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(Harmless(&mut out), record)?;
    out.write_all(b"\n")
}

/// Takes JSON and writes what would act on a terminal as `\uNNNN`. Such characters can only stand
/// inside strings, but for the line ends between values (those in strings are escaped already).
struct Harmless<W>(W);

impl<W: Write> Write for Harmless<W> {
    /// The serialiser never cuts a character in two; octets that are no text are passed on.
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match str::from_utf8(octets) {
            Ok(json) => self.write_text(json)?,
            Err(_) => self.0.write_all(octets)?,
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> Harmless<W> {
    fn write_text(&mut self, json: &str) -> io::Result<()> {
        let acts = |character: char| character != '\n' && text::acts_on_terminal(character);
        let mut rest = json;
        while let Some((place, character)) = rest.char_indices().find(|(_, character)| acts(*character)) {
            let (before, from) = rest.split_at(place);
            self.0.write_all(before.as_bytes())?;
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                write!(self.0, "\\u{unit:04x}")?;
            }
            rest = from.get(character.len_utf8()..).unwrap_or_default();
        }
        self.0.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    fn line(text: &str) -> String {
        let mut out = Vec::new();
        write_line(&Text::from(text), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_in_json_acts_on_a_terminal() {
        assert_eq!(
            line("a\u{9b}31m\u{7f}\u{202e}\u{e0041}\n"),
            "\"a\\u009b31m\\u007f\\u202e\\udb40\\udc41\\n\"\n"
        );
    }

    #[test]
    fn readers_get_back_what_was_there() {
        let hostile = "ö漢\u{1b}[0m\u{9b}\u{200b}\u{e0041}\"\\";
        let back: String = serde_json::from_str(&line(hostile)).unwrap();
        assert_eq!(back, hostile);
    }
}
