//! Text that a stranger wrote: octets from the wire or the log, safe to show.
//!
//! Nothing is decoded or repaired when it is read. [`Text`] shows itself with every control
//! character and every octet that is not UTF-8 escaped, so that it can go to a terminal; in JSON it
//! is a string where it is UTF-8 and `{"bytes": base64}` where it is not.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// Octets from the wire or the log, as they came.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(Box<[u8]>);

impl Text {
    /// Keeps `bytes` as they are.
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// Keeps at most `limit` octets of `bytes`.
    pub fn bounded(bytes: &[u8], limit: usize) -> Self {
        Self::new(bytes.get(..limit).unwrap_or(bytes))
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The octets as a string, where they are UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Equal but for the case of ASCII letters.
    pub fn eq_ignore_case(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Escaped as by [`escape`].
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(&self.0, f)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_str() {
            Some(text) => serializer.serialize_str(text),
            None => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("bytes", &STANDARD.encode(&self.0))?;
                map.end()
            }
        }
    }
}

impl JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "a string, or the octets in base64 where they are not UTF-8",
            "anyOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": { "bytes": { "type": "string", "contentEncoding": "base64" } },
                    "required": ["bytes"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

/// Writes `bytes` so that they can do nothing to a terminal: control characters (C0, DEL, C1),
/// invisible direction and format marks, and octets that are not UTF-8 become `\xNN` or `\u{NNNN}`.
pub fn escape(bytes: &[u8], out: &mut impl fmt::Write) -> fmt::Result {
    for piece in bytes.utf8_chunks() {
        for character in piece.valid().chars() {
            match character {
                '\\' => out.write_str("\\\\")?,
                '\n' => out.write_str("\\n")?,
                '\r' => out.write_str("\\r")?,
                '\t' => out.write_str("\\t")?,
                c if c.is_ascii_control() => write!(out, "\\x{:02x}", u32::from(c))?,
                c if acts_on_terminal(c) => write!(out, "\\u{{{:x}}}", u32::from(c))?,
                c => out.write_char(c)?,
            }
        }
        for octet in piece.invalid() {
            write!(out, "\\x{octet:02x}")?;
        }
    }
    Ok(())
}

/// `text` escaped as by [`escape`], for messages that quote input.
pub fn escaped(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    // Writing to a String cannot fail.
    let _ = escape(text, &mut out);
    out
}

/// Whether showing `character` may do something to a terminal, or to the order of what stands around
/// it: control characters (C0, DEL, C1) and invisible direction and format marks.
pub fn acts_on_terminal(character: char) -> bool {
    character.is_control() || is_format_mark(character)
}

/// Marks that show nothing but reorder or hide what stands around them (bidirectional controls,
/// zero-width characters, the byte-order mark, line and paragraph separators, tags).
fn is_format_mark(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_a_terminal_unescaped() {
        let hostile = b"a\x1b[31mred\x07\r\n\xff\xc2\x9b0m\xe2\x80\xae";
        let shown = Text::new(hostile).to_string();
        assert_eq!(shown, "a\\x1b[31mred\\x07\\r\\n\\xff\\u{9b}0m\\u{202e}");
    }

    #[test]
    fn json_is_text_or_base64() {
        assert_eq!(serde_json::to_string(&Text::from("söö")).unwrap(), "\"söö\"");
        assert_eq!(serde_json::to_string(&Text::new(&[0xff, 0])).unwrap(), "{\"bytes\":\"/wA=\"}");
    }
}
