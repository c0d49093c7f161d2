//! One line of a debug log: whose words they are, and the octets behind its escapes.

use std::net::IpAddr;

use crate::maillog::conversation::Direction;
use crate::maillog::scan;
use crate::net::Leg;

/// A line, read; its literal is still as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::maillog) struct Said<'a> {
    pub(super) leg: Leg,
    pub(super) id: Option<u64>,
    pub(super) direction: Direction,
    pub(super) peer: Option<IpAddr>,
    literal: &'a [u8],
}

/// Reads `[id] Sent to 'A': '...'`, `[id] Rcvd from 'A': '...'`, `id Sent: '...'`, `id Rcvd: '...'`.
pub(in crate::maillog) fn read(text: &[u8]) -> Option<Said<'_>> {
    const FORMS: [(&[u8], Leg, Direction); 4] = [
        (b"Sent to ", Leg::Injection, Direction::Sent),
        (b"Rcvd from ", Leg::Injection, Direction::Received),
        (b"Sent:", Leg::Delivery, Direction::Sent),
        (b"Rcvd:", Leg::Delivery, Direction::Received),
    ];
    // Nearly every record of a mail log begins otherwise.
    if !matches!(text, [b'0'..=b'9', ..] | [b'S', b'e', ..] | [b'R', b'c', ..]) {
        return None;
    }
    let (id, rest) = match scan::number(text) {
        Some((id, rest)) => (Some(id), rest.trim_ascii_start()),
        None => (None, text),
    };
    let (leg, direction, rest) = FORMS
        .iter()
        .find_map(|(words, leg, direction)| Some((*leg, *direction, scan::strip(rest, words)?)))?;
    let (peer, literal) = match leg {
        Leg::Delivery => (None, rest),
        Leg::Injection => {
            let (peer, literal) = scan::cut(rest, b": ")?;
            (scan::ip(&scan::literal(peer)), literal)
        }
    };
    let literal = literal.trim_ascii();
    matches!(literal.first(), Some(b'\'' | b'"')).then_some(Said { leg, id, direction, peer, literal })
}

/// What one line of a debug log is part of: its leg, its id, whose octets it tells, and the literal
/// that holds them; `None` for a line of another log.
pub(in crate::maillog) fn part(text: &[u8]) -> Option<(Leg, Option<u64>, Direction, &[u8])> {
    read(text).map(|said| (said.leg, said.id, said.direction, said.literal))
}

impl Said<'_> {
    /// The octets of the literal, octal escapes (`\015\012`) beside those of Python's `repr()`; and
    /// whether it is whole: one without its second quote was cut.
    pub(super) fn octets(&self) -> (Vec<u8>, bool) {
        let Some((quote, inner)) = self.literal.split_first() else { return (Vec::new(), false) };
        match inner.strip_suffix(&[*quote]) {
            Some(inner) if !ends_in_an_escape(inner) => (plain(inner), true),
            _ => (plain(without_part_of_an_escape(inner)), false),
        }
    }
}

/// Whether what follows is escaped: an odd number of backslashes.
fn ends_in_an_escape(text: &[u8]) -> bool {
    text.iter().rev().take_while(|octet| **octet == b'\\').count() % 2 == 1
}

/// A cut may go through an escape: what is left of it is no octet.
fn without_part_of_an_escape(text: &[u8]) -> &[u8] {
    const LONGEST: usize = b"\\015".len();
    let tail = text.len().saturating_sub(LONGEST - 1);
    let begins = (tail..text.len())
        .rev()
        .find(|&at| text.get(at) == Some(&b'\\') && !text.get(..at).is_some_and(ends_in_an_escape));
    let Some((before, escape)) = begins.and_then(|at| text.split_at_checked(at)) else { return text };
    match escape {
        [_] | [_, b'x' | b'0'..=b'3'] | [_, b'x' | b'0'..=b'3', _] => before,
        _ => text,
    }
}

fn plain(inner: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, escape) = rest.split_at_checked(at).unwrap_or((rest, b""));
        octets.extend_from_slice(before);
        let after = escape.get(1..).unwrap_or_default();
        let (octet, length) = match (coded(after), after.first()) {
            (Some(value), _) => (value, 3),
            (None, Some(b'n')) => (b'\n', 1),
            (None, Some(b'r')) => (b'\r', 1),
            (None, Some(b't')) => (b'\t', 1),
            (None, Some(&same @ (b'\\' | b'\'' | b'"'))) => (same, 1),
            // Not an escape: the backslash stands for itself.
            _ => (b'\\', 0),
        };
        octets.push(octet);
        rest = after.get(length..).unwrap_or_default();
    }
    octets.extend_from_slice(rest);
    octets
}

/// `015` or `x0d` after a backslash.
fn coded(text: &[u8]) -> Option<u8> {
    let (digits, radix) = match text.first()? {
        b'x' => (text.get(1..3)?, 16),
        _ => (text.get(..3)?, 8),
    };
    let value = digits
        .iter()
        .try_fold(0, |value: u32, octet| Some(value * radix + char::from(*octet).to_digit(radix)?))?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ESA-LOGS section 10.
    #[test]
    fn both_forms_are_read_and_other_lines_are_none() {
        let forms = [
            (r"6216 Sent to '172.16.0.22': '220 x\015\012'", Leg::Injection, Some(6216), Direction::Sent),
            (
                r"6216 Rcvd from '172.16.0.22': 'QUIT\015\012'",
                Leg::Injection,
                Some(6216),
                Direction::Received,
            ),
            (r"Rcvd from '172.16.0.22': 'QUIT\015\012'", Leg::Injection, None, Direction::Received),
            ("8 Sent: 'MAIL FROM:<a@example.com>'", Leg::Delivery, Some(8), Direction::Sent),
            ("8 Rcvd: '250 OK'", Leg::Delivery, Some(8), Direction::Received),
        ];
        for (line, leg, id, direction) in forms {
            let said = read(line.as_bytes()).unwrap();
            assert_eq!((said.leg, said.id, said.direction), (leg, id, direction), "{line}");
        }
        for line in ["ICID 5 close", "8 Sent: x", "8 Sent to 1", "", "Start MID 5 ICID 6", "5", "Received 5"]
        {
            assert_eq!(read(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn escapes_are_undone() {
        for (written, octets, whole) in [
            (r"'\015\012'", &b"\r\n"[..], true),
            (r"'\r\n\t\\\''", b"\r\n\t\\'", true),
            (r"'\xff\377'", b"\xff\xff", true),
            (r#""it's""#, b"it's", true),
            (r"'\400 \9 \q'", b"\\400 \\9 \\q", true),
            ("''", b"", true),
            ("'cut ", b"cut", false),
            (r"'cut\01", b"cut", false),
            (r"'cut\x0", b"cut", false),
            (r"'cut\", b"cut", false),
            (r"'cut\\", b"cut\\", false),
            (r"'cut\'", b"cut'", false),
            ("'", b"", false),
        ] {
            let line = format!("8 Sent: {written}");
            let told = read(line.as_bytes()).unwrap().octets();
            assert_eq!((told.0.as_slice(), told.1), (octets, whole), "{written}");
        }
    }
}
