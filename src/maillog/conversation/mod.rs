//! Injection debug logs and domain debug logs: what was said on a connection, octet by octet.
//!
//! ```text
//! Wed Apr  2 14:30:04 2003 Info: 6216 Sent to '192.0.2.22': '220 mx.example.com ESMTP\015\012'
//! Wed Apr  2 14:30:05 2003 Info: 6216 Rcvd from '192.0.2.22': 'QUIT\015\012'
//! Wed Apr  2 14:30:05 2003 Info: 8 Sent: 'MAIL FROM:<a@example.com>'
//! ```
//!
//! The first form bears the ICID of the mail log, the second the DCID (ESA-LOGS section 10; the exact
//! form of the first is from memory of the vendor's guides, that of the second is quoted in one, there
//! without line ends). The id may be missing: such a line belongs to the only connection with its
//! peer, or to none. Sessions are mixed in the file; each is given back by itself, its octets in
//! order, each piece with its line, so that the first octet that differs from the wire can be told
//! with its place. What makes the order of octets unsure (a line that was cut, one that is missing)
//! ends what can be compared, and [`Stream::unsure`] says where and why.

mod collect;
mod line;
mod listen;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::ops::Range;

use sha1::{Digest as _, Sha1};

use crate::cite::LogRef;
use crate::maillog::{SerialIndex, Stamp};
use crate::net::Leg;
use crate::text::Text;

pub(super) use collect::Conversations;
pub(super) use line::{Said, part, read};
pub(crate) use listen::HIDDEN;

/// One connection as a debug log has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// Injection (the id is an ICID) or delivery (a DCID).
    pub leg: Leg,
    /// The ICID or DCID; `None` where no line bore one.
    pub id: Option<u64>,
    /// The appliance, where the head of the log names it.
    pub serial: Option<SerialIndex>,
    /// The remote address, where the lines name it.
    pub peer: Option<IpAddr>,
    /// Its first line.
    pub first: Stamp,
    /// Its last line.
    pub last: Stamp,
    /// What the lines tell, in their order.
    pub pieces: Vec<Piece>,
    /// The appliance's octets.
    pub sent: Stream,
    /// The remote side's.
    pub received: Stream,
    /// Commands and reply lines in their order, credentials hidden; bodies are left out.
    pub words: Vec<Word>,
    /// Commands and reply lines beyond those.
    pub words_dropped: u64,
    /// The Message-IDs of bodies, as written.
    pub message_ids: Vec<Text>,
    /// The bodies in their order; the last may be unfinished.
    pub bodies: Vec<BodyPart>,
    /// The appliance's octets and the remote side's when STARTTLS was accepted: the wire shows none
    /// of what follows.
    pub dark_from: Option<(u64, u64)>,
    /// The log leaves out the ends of lines; CRLF is taken for each.
    pub line_ends_implied: bool,
}

impl Conversation {
    /// Commands and reply lines kept of one conversation.
    pub const MAX_WORDS: usize = 512;
    /// Message-IDs kept of one conversation.
    pub const MAX_MESSAGE_IDS: usize = 64;

    /// What one side said.
    pub const fn stream(&self, direction: Direction) -> &Stream {
        match direction {
            Direction::Sent => &self.sent,
            Direction::Received => &self.received,
        }
    }

    /// Who says the commands.
    pub const fn client(&self) -> Direction {
        match self.leg {
            Leg::Injection => Direction::Received,
            Leg::Delivery => Direction::Sent,
        }
    }

    /// The pieces of one side.
    pub fn pieces_of(&self, direction: Direction) -> impl Iterator<Item = &Piece> {
        self.pieces.iter().filter(move |piece| piece.direction == direction)
    }

    /// The line that tells the octet at `offset` of a side, or the last one before it.
    pub fn line_at(&self, direction: Direction, offset: u64) -> Option<LogRef> {
        let mut before = self.pieces_of(direction).take_while(|piece| piece.offset <= offset);
        before.by_ref().last().map(|piece| piece.at.line)
    }

    /// Octets of the body that comes after so many others; `None` where it has no such body, or leaves bodies
    /// out.
    pub fn body_octets(&self, place: usize) -> Option<u64> {
        let mut parts = self.bodies.iter().enumerate().filter(|(_, part)| !part.goes_on).skip(place);
        let (first, _) = parts.next().filter(|_| !self.line_ends_implied)?;
        let chunks = self.bodies.get(first + 1..)?.iter().take_while(|part| part.goes_on);
        let all = self.bodies.get(first).into_iter().chain(chunks);
        Some(all.map(|part| part.octets.end - part.octets.start).sum())
    }

    /// The client's last command, where all words are kept.
    pub fn last_command(&self) -> Option<&Word> {
        let client = self.client();
        let mut said = self.words.iter().rev().filter(|word| word.direction == client);
        said.next().filter(|_| self.words_dropped == 0)
    }

    /// The command that is QUIT, where the client said it.
    pub fn quit(&self) -> Option<&Word> {
        let client = self.client();
        self.words
            .iter()
            .rev()
            .find(|word| word.direction == client && word.text.as_bytes().eq_ignore_ascii_case(b"QUIT"))
    }
}

/// A body, or one chunk (BDAT) of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyPart {
    /// Where it stands in the client's stream, dots and line ends included, the dot's line not.
    pub octets: Range<u64>,
    /// It is a further chunk of the body before it.
    pub goes_on: bool,
}

/// The octets of one side, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stream {
    /// The octets that are kept: all of them, or the first ones where memory ran out. Those of
    /// credentials are overwritten.
    pub octets: Vec<u8>,
    /// How many there are.
    pub length: u64,
    /// Where credentials were, bounded; behind the last that is kept the stream is unsure.
    pub hidden: Vec<Range<u64>>,
    /// From which octet on the log does not tell the octets for certain, and why.
    pub unsure: Option<(u64, Unsure)>,
    /// From which octet on lines may be another connection's, because some bore no id. As long as
    /// the wire agrees they are this one's; where it does not, nothing follows from it.
    pub presumed_from: Option<u64>,
}

impl Stream {
    /// Stretches of credentials kept.
    pub const MAX_HIDDEN: usize = 64;

    fn doubt(&mut self, why: Unsure) {
        let at = self.length;
        self.unsure.get_or_insert((at, why));
    }
}

/// Why octets of a debug log cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unsure {
    /// A line was cut: it has no second quote.
    Cut,
    /// A line is broken over several lines of the file.
    Broken,
    /// A line without an id may belong to it.
    WithoutId,
    /// More lines than are kept.
    TooMany,
    /// A body in a log that leaves out the ends of lines.
    LineEnds,
}

impl Unsure {
    /// In words: `a line of the log is cut`.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Cut => "a line of the log is cut",
            Self::Broken => "a line of the log is broken over several lines of the file",
            Self::WithoutId => "a line of the log bears no id, and several connections may be meant",
            Self::TooMany => "the log has more lines of it than are kept",
            Self::LineEnds => "the log leaves out the ends of lines, so that a body cannot be told apart",
        }
    }
}

/// Octets that one line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Who said it.
    pub direction: Direction,
    /// Place of its first octet in that side's stream.
    pub offset: u64,
    /// How many octets.
    pub length: u32,
    /// See [`digest`], of its octets with credentials overwritten.
    pub digest: u64,
    /// The line and its stamp.
    pub at: Stamp,
}

/// A command or a line of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Who said it.
    pub direction: Direction,
    /// What, without its line end, cut at 256 octets, credentials hidden.
    pub text: Text,
    /// The line that ends it.
    pub at: Stamp,
    /// The octets that its side had said since the other's last word.
    pub speech: u32,
}

/// Whose octets they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// The appliance's.
    Sent,
    /// The remote side's.
    Received,
}

/// A digest by which octets that are not kept are compared: the first eight octets of SHA-1.
pub fn digest(octets: &[u8]) -> u64 {
    Digester::default().and(octets).finish()
}

/// [`digest`] over octets that come in several parts.
#[derive(Debug, Clone, Default)]
pub struct Digester(Sha1);

impl Digester {
    /// Takes in more octets.
    pub fn update(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    /// The digest of all octets.
    pub fn finish(self) -> u64 {
        let hash = self.0.finalize();
        hash.iter().take(8).fold(0, |value, octet| (value << 8) | u64::from(*octet))
    }

    fn and(mut self, octets: &[u8]) -> Self {
        self.update(octets);
        self
    }
}
