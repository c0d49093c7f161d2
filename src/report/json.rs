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
pub fn write_document(document: &Document, out: &mut impl Write) -> io::Result<()> {
    let json = serde_json::to_string_pretty(document)?;
    write_safe(&json, out)?;
    out.write_all(b"\n")
}

/// Writes `record` as one line.
///
/// # Errors
///
/// What `out` reports.
pub fn write_line(record: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    let json = serde_json::to_string(record)?;
    write_safe(&json, out)?;
    out.write_all(b"\n")
}

/// Writes JSON: what acts on a terminal can only stand inside its strings, but for the line ends
/// between its values (those in strings are escaped already).
fn write_safe(json: &str, out: &mut impl Write) -> io::Result<()> {
    let mut rest = json;
    while let Some((place, character)) =
        rest.char_indices().find(|(_, c)| *c != '\n' && text::acts_on_terminal(*c))
    {
        let (before, from) = rest.split_at(place);
        out.write_all(before.as_bytes())?;
        let mut units = [0; 2];
        for unit in character.encode_utf16(&mut units) {
            write!(out, "\\u{unit:04x}")?;
        }
        rest = from.get(character.len_utf8()..).unwrap_or_default();
    }
    out.write_all(rest.as_bytes())
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
