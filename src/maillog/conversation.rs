//! Injection debug logs and domain debug logs: what was said on a connection, octet by octet.
//!
//! ```text
//! Wed Apr  2 14:30:04 2003 Info: 6216 Sent to '192.0.2.22': '220 mx.example.com ESMTP\015\012'
//! Wed Apr  2 14:30:05 2003 Info: 6216 Rcvd from '192.0.2.22': 'QUIT\015\012'
//! Wed Apr  2 14:30:05 2003 Info: 8 Sent: 'MAIL FROM:<a@example.com>'
//! ```
//!
//! The first form bears the ICID of the mail log, the second the DCID (ESA-LOGS section 10; the exact
//! form of the first is from memory of the vendor's guides, that of the second is quoted in one). The
//! id may be missing: such a line belongs to the only connection with its peer, or to none.
//! Sessions are mixed in the file; each is given back by itself, its octets in order, each piece with
//! its line, so that the first octet that differs from the wire can be told with its place.

use std::net::IpAddr;

use ahash::AHashMap;

use crate::cite::{LogRef, Notes, Place};
use crate::maillog::line::StampReader;
use crate::maillog::scan;
use crate::net::Leg;
use crate::time::LogTime;

/// Conversations kept of one set of logs.
pub const MAX_CONVERSATIONS: usize = 4096;

/// Octets kept of one conversation, both directions together.
pub const MAX_OCTETS: usize = 1024 * 1024;

/// Pieces kept of one conversation.
pub const MAX_PIECES: usize = 16_384;

/// One connection as a debug log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Injection (the id is an ICID) or delivery (a DCID).
    pub leg: Leg,
    /// The ICID or DCID; `None` where no line bore one.
    pub id: Option<u64>,
    /// The remote address, where the lines name it.
    pub peer: Option<IpAddr>,
    /// What was said, in the order of the lines.
    pub pieces: Vec<Piece>,
    /// Octets beyond those that are kept.
    pub dropped: u64,
    octets: usize,
}

/// Octets that one line tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Who said it.
    pub direction: Direction,
    /// The octets, their escapes undone.
    pub octets: Vec<u8>,
    /// The line's stamp.
    pub time: LogTime,
    /// The line.
    pub line: LogRef,
}

/// Whose octets they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// The appliance's.
    Sent,
    /// The remote side's.
    Received,
}

/// Collects the conversations of debug logs, line by line.
#[derive(Debug, Default)]
pub struct Conversations {
    stamps: StampReader,
    all: Vec<Conversation>,
    by_id: AHashMap<(Leg, u64), usize>,
    notes: Notes,
}

/// A line, read.
struct Said<'a> {
    leg: Leg,
    id: Option<u64>,
    direction: Direction,
    peer: Option<IpAddr>,
    literal: &'a [u8],
}

impl Conversations {
    /// Takes in a physical line that stands at `at`; `false` where it is none of a debug log.
    pub fn line(&mut self, at: LogRef, line: &[u8]) -> bool {
        let line = line.trim_ascii_end();
        let Some(head) = self.stamps.head(line) else { return false };
        let Some(said) = line.get(head.text_at..).and_then(read) else { return false };
        let Some(index) = self.conversation_of(&said, at) else { return true };
        let piece =
            Piece { direction: said.direction, octets: plain(said.literal), time: head.time, line: at };
        if let Some(conversation) = self.all.get_mut(index)
            && !conversation.push(piece)
        {
            self.notes.oddity("octets beyond those kept of one conversation", Some(Place::Line(at.line)));
        }
        true
    }

    /// The conversations in the order of their first lines, and what was passed over.
    pub fn finish(self) -> (Vec<Conversation>, Notes) {
        (self.all, self.notes)
    }

    fn conversation_of(&mut self, said: &Said<'_>, at: LogRef) -> Option<usize> {
        let known = match said.id {
            Some(id) => self.by_id.get(&(said.leg, id)).copied(),
            None => self.only_one_with(said),
        };
        if let Some(index) = known {
            let conversation = self.all.get_mut(index)?;
            conversation.peer = conversation.peer.or(said.peer);
            return Some(index);
        }
        let place = Some(Place::Line(at.line));
        if said.id.is_none() && self.all.iter().any(|other| other.leg == said.leg && other.peer == said.peer)
        {
            self.notes.oddity("lines without an id, of which several connections may be meant", place);
            return None;
        }
        if self.all.len() >= MAX_CONVERSATIONS {
            self.notes.loss("conversations beyond those that are kept", place);
            return None;
        }
        self.all.push(Conversation {
            leg: said.leg,
            id: said.id,
            peer: said.peer,
            pieces: Vec::new(),
            dropped: 0,
            octets: 0,
        });
        let index = self.all.len() - 1;
        if let Some(id) = said.id {
            self.by_id.insert((said.leg, id), index);
        }
        Some(index)
    }

    fn only_one_with(&self, said: &Said<'_>) -> Option<usize> {
        let fits = |other: &Conversation| other.leg == said.leg && other.peer == said.peer;
        let mut fitting = self.all.iter().enumerate().filter(|(_, other)| fits(other));
        let only = fitting.next().map(|(index, _)| index);
        only.filter(|_| fitting.next().is_none())
    }
}

impl Conversation {
    /// The octets of one direction with the line of each piece, in order.
    pub fn said(&self, direction: Direction) -> impl Iterator<Item = (&[u8], LogRef)> {
        let pieces = self.pieces.iter().filter(move |piece| piece.direction == direction);
        pieces.map(|piece| (piece.octets.as_slice(), piece.line))
    }

    /// The first octet of a direction that differs from `wire`, counted from 0, and its line; where
    /// one is the beginning of the other, they do not differ.
    pub fn first_difference(&self, direction: Direction, wire: &[u8]) -> Option<(u64, LogRef)> {
        let logged =
            self.said(direction).flat_map(|(octets, line)| octets.iter().map(move |octet| (octet, line)));
        let mut pairs = (0..).zip(logged.zip(wire));
        pairs.find(|(_, ((logged, _), wire))| logged != wire).map(|(at, ((_, line), _))| (at, line))
    }

    fn push(&mut self, piece: Piece) -> bool {
        let room = self.pieces.len() < MAX_PIECES && self.octets + piece.octets.len() <= MAX_OCTETS;
        // A gap would make octets neighbours that are none: after the first loss nothing is kept.
        if !room || self.dropped > 0 {
            self.dropped += piece.octets.len() as u64;
            return false;
        }
        self.octets += piece.octets.len();
        self.pieces.push(piece);
        true
    }
}

/// Reads `[id] Sent to 'A': '...'`, `[id] Rcvd from 'A': '...'`, `id Sent: '...'`, `id Rcvd: '...'`.
fn read(text: &[u8]) -> Option<Said<'_>> {
    const FORMS: [(&[u8], Leg, Direction); 4] = [
        (b"Sent to ", Leg::Injection, Direction::Sent),
        (b"Rcvd from ", Leg::Injection, Direction::Received),
        (b"Sent:", Leg::Delivery, Direction::Sent),
        (b"Rcvd:", Leg::Delivery, Direction::Received),
    ];
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
pub(super) fn part(text: &[u8]) -> Option<(Leg, Option<u64>, Direction, &[u8])> {
    read(text).map(|said| (said.leg, said.id, said.direction, said.literal))
}

/// The octets of a literal: octal escapes (`\015\012`) beside those of Python's `repr()`.
fn plain(literal: &[u8]) -> Vec<u8> {
    let Some((quote, inner)) = literal.split_first() else { return Vec::new() };
    let inner = inner.strip_suffix(&[*quote]).unwrap_or(inner);
    let mut octets = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        if octet != b'\\' {
            octets.push(octet);
            continue;
        }
        if let Some((value, after)) = coded(rest) {
            octets.push(value);
            rest = after;
            continue;
        }
        let simple = match rest.first() {
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(&same @ (b'\\' | b'\'' | b'"')) => same,
            // Not an escape: the backslash stands for itself.
            _ => {
                octets.push(b'\\');
                continue;
            }
        };
        octets.push(simple);
        rest = rest.get(1..).unwrap_or_default();
    }
    octets
}

/// `015` or `x0d` after a backslash.
fn coded(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, radix) = match text.first()? {
        b'x' => (text.get(1..3)?, 16),
        _ => (text.get(..3)?, 8),
    };
    let value = digits
        .iter()
        .try_fold(0, |value: u32, octet| Some(value * radix + char::from(*octet).to_digit(radix)?))?;
    Some((u8::try_from(value).ok()?, text.get(3..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cite::LogId;

    fn at(line: u32) -> LogRef {
        LogRef { file: LogId(0), line }
    }

    fn collect(lines: &[&str]) -> (Vec<Conversation>, Notes) {
        let mut conversations = Conversations::default();
        for (number, line) in (1..).zip(lines) {
            assert!(
                conversations.line(at(number), format!("Mon Mar  9 10:00:00 2026 Info: {line}").as_bytes()),
                "{line}"
            );
        }
        conversations.finish()
    }

    fn said(conversation: &Conversation, direction: Direction) -> Vec<u8> {
        conversation.said(direction).flat_map(|(octets, _)| octets.to_vec()).collect()
    }

    /// ESA-LOGS section 10: sessions are mixed, and an id may be missing.
    #[test]
    fn sessions_are_told_apart() {
        let (all, notes) = collect(&[
            r"31 Sent to '192.0.2.1': '220 mx.example.com ESMTP\015\012'",
            r"32 Sent to '192.0.2.2': '220 mx.example.com ESMTP\015\012'",
            r"31 Rcvd from '192.0.2.1': 'EHLO a\015\012'",
            r"Rcvd from '192.0.2.2': 'QUIT\r\n'",
            r"8 Sent: 'MAIL FROM:<a@example.com>'",
            r"8 Rcvd: '250 OK'",
        ]);
        assert_eq!(
            all.iter().map(|one| (one.leg, one.id)).collect::<Vec<_>>(),
            [(Leg::Injection, Some(31)), (Leg::Injection, Some(32)), (Leg::Delivery, Some(8)),]
        );
        assert_eq!(said(&all[0], Direction::Received), b"EHLO a\r\n");
        assert_eq!(said(&all[1], Direction::Received), b"QUIT\r\n");
        assert_eq!(said(&all[2], Direction::Sent), b"MAIL FROM:<a@example.com>");
        assert_eq!(all[1].pieces[1].line, at(4));
        assert!(notes.is_empty());
    }

    #[test]
    fn a_line_that_may_be_of_two_is_of_none() {
        let (all, notes) = collect(&[
            "31 Sent to '192.0.2.1': 'a'",
            "32 Sent to '192.0.2.1': 'b'",
            "Rcvd from '192.0.2.1': 'c'",
        ]);
        assert_eq!(all.iter().map(|one| one.pieces.len()).collect::<Vec<_>>(), [1, 1]);
        assert_eq!(notes.iter().map(|note| note.count).sum::<u64>(), 1);
    }

    #[test]
    fn escapes_are_undone() {
        for (written, octets) in [
            (r"'\015\012'", &b"\r\n"[..]),
            (r"'\r\n\t\\\''", b"\r\n\t\\'"),
            (r"'\xff\377'", b"\xff\xff"),
            (r#""it's""#, b"it's"),
            (r"'\400 \9 \q'", b"\\400 \\9 \\q"),
            ("'cut \\", b"cut \\"),
            ("''", b""),
        ] {
            assert_eq!(plain(written.as_bytes()), octets, "{written}");
        }
    }

    #[test]
    fn the_first_octet_that_differs_is_told_with_its_line() {
        let (all, _) = collect(&["31 Rcvd from '192.0.2.1': 'EHLO a'", "31 Rcvd from '192.0.2.1': 'QUIT'"]);
        let differs = |wire: &[u8]| all[0].first_difference(Direction::Received, wire);
        assert_eq!(differs(b"EHLO aQUXT"), Some((8, at(2))));
        assert_eq!(
            (differs(b"EHLO aQUIT"), differs(b"EHLO"), differs(b"EHLO aQUIT more")),
            (None, None, None)
        );
    }

    #[test]
    fn bounds_hold_and_other_lines_are_none() {
        let long = format!("31 Rcvd from '192.0.2.1': '{}'", "x".repeat(MAX_OCTETS / 2 + 1));
        let (all, notes) = collect(&[&long, &long, "31 Rcvd from '192.0.2.1': 'y'"]);
        assert_eq!((all[0].pieces.len(), all[0].dropped), (1, MAX_OCTETS as u64 / 2 + 2));
        assert_eq!(notes.iter().map(|note| note.count).sum::<u64>(), 2);
        let mut conversations = Conversations::default();
        for line in [
            "Mon Mar  9 10:00:00 2026 Info: ICID 5 close",
            "31 Sent: 'x'",
            "",
            "Mon Mar  9 10:00:00 2026 Info: 8 Sent: x",
        ] {
            assert!(!conversations.line(at(1), line.as_bytes()), "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn octets_of_any_kind_do_not_panic(rest in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let mut conversations = Conversations::default();
            for start in ["Mon Mar  9 10:00:00 2026 Info: 5 Sent to '", "Mon Mar  9 10:00:00 2026 Info: 5 Sent: '"] {
                conversations.line(at(1), &[start.as_bytes(), &rest].concat());
            }
        }
    }
}
