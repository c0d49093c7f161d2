//! Values as Zeek's ASCII writer spells them.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::text::acts_on_terminal;
use crate::time::{Span, Timestamp};

const UNSET: &str = "-";
const EMPTY: &str = "(empty)";
const SET_SEPARATOR: char = ',';

/// The value of one column.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Unset,
    Time(Timestamp),
    Interval(Span),
    Count(u64),
    Bool(bool),
    Address(IpAddr),
    /// Letters of ours that need no escaping.
    Word(&'a str),
    Text(&'a [u8]),
    Owned(String),
    Octets(Vec<u8>),
    Set(Vec<&'a [u8]>),
}

impl Value<'_> {
    /// Writes it; writing to a `String` cannot fail.
    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Unset => out.push_str(UNSET),
            Self::Time(time) => micros(time.nanos(), out),
            Self::Interval(span) => micros(span.nanos(), out),
            Self::Count(count) => {
                let _ = write!(out, "{count}");
            }
            Self::Bool(true) => out.push('T'),
            Self::Bool(false) => out.push('F'),
            Self::Address(address) => {
                let _ = write!(out, "{address}");
            }
            Self::Word(word) => out.push_str(word),
            Self::Text(text) => escape(text, false, out),
            Self::Owned(text) => escape(text.as_bytes(), false, out),
            Self::Octets(octets) => escape(octets, false, out),
            Self::Set(elements) if elements.is_empty() => out.push_str(EMPTY),
            Self::Set(elements) => {
                for (place, element) in elements.iter().enumerate() {
                    if place > 0 {
                        out.push(SET_SEPARATOR);
                    }
                    escape(element, true, out);
                }
            }
        }
    }
}

impl<'a> Value<'a> {
    /// A text that may not be known.
    pub(super) fn text(text: Option<&'a crate::text::Text>) -> Self {
        text.map_or(Self::Unset, |text| Self::Text(text.as_bytes()))
    }

    /// A set; unset where nothing is in it, as Zeek's scripts leave it.
    pub(super) fn set(elements: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut seen = std::collections::HashSet::new();
        let unique: Vec<&[u8]> = elements.filter(|element| seen.insert(*element)).collect();
        if unique.is_empty() { Self::Unset } else { Self::Set(unique) }
    }
}

/// Seconds with six digits of fraction, as Zeek writes times and intervals; never rounded up.
fn micros(nanos: i64, out: &mut String) {
    let sign = if nanos < 0 { "-" } else { "" };
    let micros = nanos.unsigned_abs() / 1000;
    let _ = write!(out, "{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000);
}

fn escape(octets: &[u8], in_set: bool, out: &mut String) {
    if octets.is_empty() {
        return out.push_str(EMPTY);
    }
    let reserved = octets == UNSET.as_bytes() || octets == EMPTY.as_bytes();
    let mut first = reserved;
    for piece in octets.utf8_chunks() {
        for character in piece.valid().chars() {
            let separates = in_set && character == SET_SEPARATOR;
            if std::mem::take(&mut first) || separates || character == '\\' || acts_on_terminal(character) {
                let mut buffer = [0; 4];
                hex(character.encode_utf8(&mut buffer).as_bytes(), out);
            } else {
                out.push(character);
            }
        }
        hex(piece.invalid(), out);
    }
}

fn hex(octets: &[u8], out: &mut String) {
    for octet in octets {
        let _ = write!(out, "\\x{octet:02x}");
    }
}
