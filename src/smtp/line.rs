//! Octets into lines.
//!
//! A line ends with LF; a CR before it belongs to the ending (RFC 5321 section 2.3.8 wants CRLF,
//! many senders do without the CR). Only what straddles two chunks is copied, and of a line that is
//! too long only the head is kept.

use memchr::memchr;

/// Octets kept of one line. RFC 5321 section 4.5.3.1 asks for 512, extensions for some more; SASL
/// lines may reach 12,288 (RFC 4954 section 4), but nobody reads those.
pub const MAX_LINE: usize = 4096;

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// CR LF.
    CrLf,
    /// LF alone.
    BareLf,
}

/// One whole line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its octets without the ending, at most [`MAX_LINE`].
    pub bytes: &'a [u8],
    /// How it ended.
    pub end: LineEnd,
    /// Octets beyond [`MAX_LINE`] that were not kept.
    pub dropped: u64,
}

/// Cuts a stream into lines.
#[derive(Debug, Default)]
pub struct LineSplitter {
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
    /// Octets of it beyond the limit.
    dropped: u64,
    /// Whether its last octet so far was CR.
    after_cr: bool,
    /// The line in `partial` was handed out and may go.
    handed_out: bool,
}

impl LineSplitter {
    /// The next line of `input`, which is moved behind it; `None` when `input` is used up.
    pub fn next<'line, 'input: 'line>(&'line mut self, input: &mut &'input [u8]) -> Option<Line<'line>> {
        if self.handed_out {
            self.forget();
        }
        let octets: &'input [u8] = input;
        let Some(end) = memchr(b'\n', octets) else {
            self.keep(octets);
            *input = &[];
            return None;
        };
        let (head, rest) = octets.split_at(end);
        *input = rest.get(1..).unwrap_or_default();
        if !self.has_partial() {
            return Some(whole(head));
        }
        self.keep(head);
        self.handed_out = true;
        let crlf = self.after_cr;
        let kept = match self.partial.strip_suffix(b"\r") {
            Some(stripped) if crlf && self.dropped == 0 => stripped,
            _ => &self.partial,
        };
        let dropped = self.dropped.saturating_sub(u64::from(crlf));
        Some(Line { bytes: kept, end: ending(crlf), dropped })
    }

    /// Whether a line has begun and not ended.
    pub fn has_partial(&self) -> bool {
        !self.handed_out && (!self.partial.is_empty() || self.dropped > 0)
    }

    /// The octets of the line that has begun, as far as kept.
    pub fn partial(&self) -> &[u8] {
        if self.handed_out { &[] } else { &self.partial }
    }

    /// Drops what has been kept and blanks the memory it stood in: it may have been a password.
    pub fn forget(&mut self) {
        self.partial.fill(0);
        self.partial.clear();
        self.dropped = 0;
        self.after_cr = false;
        self.handed_out = false;
    }

    fn keep(&mut self, octets: &[u8]) {
        let Some(&last) = octets.last() else { return };
        let room = MAX_LINE - self.partial.len().min(MAX_LINE);
        let kept = octets.get(..room).unwrap_or(octets);
        self.partial.extend_from_slice(kept);
        self.dropped = self.dropped.saturating_add((octets.len() - kept.len()) as u64);
        self.after_cr = last == b'\r';
    }
}

/// A line that lies in one piece.
fn whole(head: &[u8]) -> Line<'_> {
    let (text, end) = match head.strip_suffix(b"\r") {
        Some(text) => (text, LineEnd::CrLf),
        None => (head, LineEnd::BareLf),
    };
    let kept = text.get(..MAX_LINE).unwrap_or(text);
    Line { bytes: kept, end, dropped: (text.len() - kept.len()) as u64 }
}

const fn ending(crlf: bool) -> LineEnd {
    if crlf { LineEnd::CrLf } else { LineEnd::BareLf }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<(Vec<u8>, LineEnd, u64)> {
        let mut splitter = LineSplitter::default();
        let mut seen = Vec::new();
        for chunk in chunks {
            let mut input = *chunk;
            while let Some(line) = splitter.next(&mut input) {
                seen.push((line.bytes.to_vec(), line.end, line.dropped));
            }
        }
        seen
    }

    #[test]
    fn any_cut_gives_the_same_lines() {
        let text: &[u8] = b"EHLO a\r\nNOOP\n\r\n\nQUIT\r\r\nrest";
        let expected = lines(&[text]);
        assert_eq!(expected.len(), 5);
        assert_eq!(expected[1], (b"NOOP".to_vec(), LineEnd::BareLf, 0));
        assert_eq!(expected[4], (b"QUIT\r".to_vec(), LineEnd::CrLf, 0));
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let cut = lines(&[&text[..first], &text[first..second], &text[second..]]);
                assert_eq!(cut, expected, "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn a_long_line_is_cut_and_counted_wherever_it_is_split() {
        for excess in [0, 1, 2, 5000] {
            let mut text = vec![b'a'; MAX_LINE + excess];
            text.extend_from_slice(b"\r\nQUIT\r\n");
            for cut in [0, 1, MAX_LINE - 1, MAX_LINE, MAX_LINE + excess, MAX_LINE + excess + 1] {
                let seen = lines(&[&text[..cut], &text[cut..]]);
                assert_eq!(seen[0].0.len(), MAX_LINE, "excess {excess}, cut {cut}");
                assert_eq!((seen[0].1, seen[0].2), (LineEnd::CrLf, excess as u64), "cut {cut}");
                assert_eq!(seen[1].0, b"QUIT");
            }
        }
    }

    #[test]
    fn a_stream_without_line_ends_stays_bounded() {
        let mut splitter = LineSplitter::default();
        for _ in 0..1000 {
            let mut input: &[u8] = &[b'x'; 1000];
            assert!(splitter.next(&mut input).is_none());
        }
        assert!(splitter.partial().len() <= MAX_LINE);
        assert!(splitter.has_partial());
    }
}
