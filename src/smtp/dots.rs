//! Where a mail's body ends: the line with a single dot (RFC 5321 section 4.1.1.4).
//!
//! A gigabyte of capture is mostly bodies, so this looks for `LF .` with a vector search and walks
//! octet by octet only round what it finds.

use memchr::memmem;

/// A dot line that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dot {
    /// Octets up to its end, from the beginning of the piece in which it ends.
    pub end: usize,
    /// Octets of the dot line itself, its line end included: they are not part of the body.
    pub length: u64,
    /// How it was ended.
    pub line: DotLine,
}

/// How a dot line was ended on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DotLine {
    /// CRLF `.` CRLF: ends the body for every server.
    Strict,
    /// An LF without its CR before or behind the dot: ends it for some servers only.
    Lenient,
}

/// Looks for dot lines in a body that comes in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DotScanner {
    place: Place,
}

/// Where in its line the next octet stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the beginning; whether the line before ended in CRLF.
    LineStart { crlf: bool },
    /// Behind a dot that began the line.
    AfterDot { crlf: bool },
    /// Behind that dot and a CR.
    AfterDotCr { crlf: bool },
    /// Anywhere else.
    Within,
    /// Behind a CR anywhere else.
    AfterCr,
}

impl Default for DotScanner {
    /// At the beginning of a body: the command line before it counts as a line.
    fn default() -> Self {
        Self { place: Place::LineStart { crlf: true } }
    }
}

impl DotScanner {
    /// For octets that follow a hole: their first one stands anywhere in a line.
    pub fn behind_a_hole() -> Self {
        Self { place: Place::Within }
    }

    /// The first dot line that ends in `octets`; `None` when there is none (the scanner then
    /// remembers how `octets` ended).
    pub fn find(&mut self, octets: &[u8]) -> Option<Dot> {
        let mut at = 0;
        while let Some(&octet) = octets.get(at) {
            match self.place {
                Place::Within | Place::AfterCr => {
                    let rest = octets.get(at..).unwrap_or_default();
                    match self.skip_text(rest) {
                        Some(skipped) => at += skipped,
                        None => return None,
                    }
                }
                Place::LineStart { crlf } if octet == b'.' => {
                    self.place = Place::AfterDot { crlf };
                    at += 1;
                }
                Place::AfterDot { crlf } if octet == b'\r' => {
                    self.place = Place::AfterDotCr { crlf };
                    at += 1;
                }
                Place::AfterDot { .. } if octet == b'\n' => {
                    self.place = Place::LineStart { crlf: false };
                    return Some(Dot { end: at + 1, length: 2, line: DotLine::Lenient });
                }
                Place::AfterDotCr { crlf } if octet == b'\n' => {
                    self.place = Place::LineStart { crlf: true };
                    let line = if crlf { DotLine::Strict } else { DotLine::Lenient };
                    return Some(Dot { end: at + 1, length: 3, line });
                }
                Place::AfterDotCr { .. } => self.place = Place::AfterCr,
                Place::LineStart { .. } | Place::AfterDot { .. } => self.place = Place::Within,
            }
        }
        None
    }

    /// From somewhere in a line to behind the next `LF .`; `None` when `rest` holds none.
    fn skip_text(&mut self, rest: &[u8]) -> Option<usize> {
        let after_cr = self.place == Place::AfterCr;
        let crlf_at = |lf: usize| match lf.checked_sub(1) {
            Some(before) => rest.get(before) == Some(&b'\r'),
            None => after_cr,
        };
        if let Some(lf) = memmem::find(rest, b"\n.") {
            self.place = Place::AfterDot { crlf: crlf_at(lf) };
            return Some(lf + 2);
        }
        self.place = match rest.last() {
            Some(b'\n') => Place::LineStart { crlf: crlf_at(rest.len() - 1) },
            Some(b'\r') => Place::AfterCr,
            _ => Place::Within,
        };
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body, and where its first dot line ends and how.
    type Row = (&'static [u8], Option<(usize, DotLine)>);

    fn find(pieces: &[&[u8]]) -> Option<(usize, DotLine)> {
        let mut scanner = DotScanner::default();
        let mut before = 0;
        for piece in pieces {
            if let Some(dot) = scanner.find(piece) {
                return Some((before + dot.end, dot.line));
            }
            before += piece.len();
        }
        None
    }

    #[test]
    fn dot_lines_are_found_however_the_body_is_cut() {
        let rows: &[Row] = &[
            (b".\r\nQUIT", Some((3, DotLine::Strict))),
            (b"a\r\n.\r\nQUIT", Some((6, DotLine::Strict))),
            (b"\r\n.\r\n", Some((5, DotLine::Strict))),
            (b"a\r\n..\r\n.b\r\n.\r\n", Some((14, DotLine::Strict))),
            (b"a\n.\nQUIT", Some((4, DotLine::Lenient))),
            (b"a\n.\r\n", Some((5, DotLine::Lenient))),
            (b"a\r\n.\n", Some((5, DotLine::Lenient))),
            (b"a\r.\r\n", None),
            (b"a\r\n.\rb\r\n.\r\n", Some((11, DotLine::Strict))),
            (b"a\r\n.\r\r\n.\r\n", Some((10, DotLine::Strict))),
            (b"a\r\n.\r.\r\n", None),
            (b".\n", Some((2, DotLine::Lenient))),
            (b"a.\r\n", None),
            (b"\n\n.\r\n", Some((5, DotLine::Lenient))),
            (b"", None),
        ];
        for (body, expected) in rows {
            assert_eq!(find(&[body]), *expected, "{}", body.escape_ascii());
            for first in 0..=body.len() {
                for second in first..=body.len() {
                    let cut = find(&[&body[..first], &body[first..second], &body[second..]]);
                    assert_eq!(cut, *expected, "{} cut at {first}, {second}", body.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn a_dot_behind_a_hole_needs_a_line_end_first() {
        let mut scanner = DotScanner::behind_a_hole();
        assert_eq!(scanner.find(b".\r\n"), None);
        let dot = Dot { end: 3, length: 3, line: DotLine::Strict };
        assert_eq!(scanner.find(b".\r\n"), Some(dot));
    }
}
