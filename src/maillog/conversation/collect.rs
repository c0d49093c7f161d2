//! Lines of debug logs -> conversations, whatever lines of others stand between theirs.

use std::net::IpAddr;
use std::ops::Range;

use ahash::AHashMap;

use crate::cite::{LogId, Notes, Place};
use crate::maillog::conversation::line::Said;
use crate::maillog::conversation::listen::{End, Heard, Listener};
use crate::maillog::conversation::{Conversation, Direction, Piece, Stream, Unsure, Word, digest};
use crate::maillog::{SerialIndex, Stamp};
use crate::net::{Leg, canonical};
use crate::text::Text;

/// Conversations kept of one set of logs. A debug log is written for a number of sessions that its
/// user chose, so that more are a mistake.
pub(super) const MAX_CONVERSATIONS: usize = 4096;

/// Octets kept of all conversations; of what comes later only digests are kept.
pub(super) const MAX_KEPT: usize = 64 * 1024 * 1024;

/// Lines kept of all conversations.
pub(super) const MAX_PIECES: usize = 1 << 20;

/// An id that comes again after so many seconds means another connection.
const REUSED_AFTER: i64 = 6 * 3600;

/// A line without an id belongs to no conversation that has been quiet for so many seconds: the
/// appliance's own limit for a connection is 15 minutes.
const QUIET: i64 = 900;

/// Collects the conversations of debug logs, line by line.
#[derive(Debug, Default)]
pub(in crate::maillog) struct Conversations {
    all: Vec<Open>,
    by_id: AHashMap<(usize, Leg, u64), usize>,
    by_peer: AHashMap<(usize, Leg, Option<IpAddr>), Peer>,
    kept: usize,
    pieces: usize,
    bounds: Bounds,
}

/// Whose lines they are: the book's shelf, and the serial number where a head names it.
pub(in crate::maillog) type Appliance = (usize, Option<SerialIndex>);

/// What there is of one peer.
#[derive(Debug, Default)]
struct Peer {
    conversations: Vec<usize>,
    /// The last of its lines that bore no id.
    nameless: Option<Stamp>,
}

/// What all conversations together may take up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) octets: usize,
    pub(super) pieces: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { octets: MAX_KEPT, pieces: MAX_PIECES }
    }
}

/// A conversation under way.
#[derive(Debug)]
struct Open {
    facts: Conversation,
    listener: Listener,
    /// Octets of the speech that is under way, and whose it is.
    speech: (Direction, u32),
    file: LogId,
    /// The pieces of an earlier file that this one tells again are passed over, from here on.
    repeats: Option<usize>,
}

impl Conversations {
    #[cfg(test)]
    pub(super) fn within(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    /// Takes in a record that is a line of a debug log; `broken`: it stood on several lines.
    pub(in crate::maillog) fn take(
        &mut self,
        said: &Said<'_>,
        at: Stamp,
        appliance: Appliance,
        broken: bool,
        notes: &mut Notes,
    ) {
        let place = Some(Place::Line(at.line.line));
        let Some(index) = self.conversation_of(said, at, appliance, notes) else { return };
        let room = self.pieces < self.bounds.pieces;
        let Some(open) = self.all.get_mut(index) else { return };
        if !room {
            notes.loss("lines of debug logs beyond those that are kept", place);
            open.stream(said.direction).doubt(Unsure::TooMany);
            return;
        }
        let (octets, whole) = said.octets();
        if !whole || broken {
            let why = if broken { Unsure::Broken } else { Unsure::Cut };
            notes.oddity("lines of a debug log that are cut or broken: their octets are not compared", place);
            // Of a broken line not even its first octets are sure.
            if broken {
                open.stream(said.direction).doubt(why);
            }
        }
        let may_keep = self.kept < self.bounds.octets;
        if let Some(kept) = open.push(said.direction, octets, at, may_keep) {
            self.pieces += 1;
            self.kept += kept;
            if !may_keep {
                notes.oddity("octets of debug logs beyond those kept: compared by their digests", place);
            }
            if !whole {
                open.stream(said.direction).doubt(Unsure::Cut);
            }
        } else {
            notes.oddity("lines of a debug log that an earlier file has too", place);
        }
    }

    /// The conversations in the order of their first lines.
    pub(in crate::maillog) fn finish(self) -> Vec<Conversation> {
        self.all.into_iter().map(Open::finish).collect()
    }

    fn conversation_of(
        &mut self,
        said: &Said<'_>,
        at: Stamp,
        appliance: Appliance,
        notes: &mut Notes,
    ) -> Option<usize> {
        let peer = said.peer.map(canonical);
        let place = Some(Place::Line(at.line.line));
        match said.id {
            Some(id) => {
                if let Some(index) = self.by_id.get(&(appliance.0, said.leg, id)).copied()
                    && self.all.get(index).is_some_and(|open| open.age(at) <= REUSED_AFTER)
                {
                    return Some(index);
                }
                let nameless: Vec<usize> = self
                    .recent(said.leg, peer, at, appliance)
                    .filter(|(_, open)| open.facts.id.is_none())
                    .map(|(i, _)| i)
                    .collect();
                let index = match nameless.as_slice() {
                    // The lines before it lacked their id.
                    [only] => *only,
                    _ => self.begin(said, peer, at, appliance, notes)?,
                };
                // Lines that bore no id may be its first ones, or another's among them.
                let since = |stamp: Stamp| at.time.wall_seconds() - stamp.time.wall_seconds();
                let of_peer = self.by_peer.get(&(appliance.0, said.leg, peer));
                let presumed =
                    of_peer.and_then(|of_peer| of_peer.nameless).is_some_and(|last| since(last) <= QUIET);
                let open = self.all.get_mut(index)?;
                open.facts.id = Some(id);
                if presumed {
                    open.facts.sent.presumed_from = Some(0);
                    open.facts.received.presumed_from = Some(0);
                }
                self.by_id.insert((appliance.0, said.leg, id), index);
                Some(index)
            }
            None => {
                let with_peer: Vec<usize> =
                    self.recent(said.leg, peer, at, appliance).map(|(index, _)| index).collect();
                let of_peer = self.by_peer.entry((appliance.0, said.leg, peer)).or_default();
                of_peer.nameless = Some(at);
                match with_peer.as_slice() {
                    [] => self.begin(said, peer, at, appliance, notes),
                    [only] => {
                        let stream = self.all.get_mut(*only)?.stream(said.direction);
                        stream.presumed_from.get_or_insert(stream.length);
                        Some(*only)
                    }
                    several => {
                        notes.oddity("lines without an id, of which several connections may be meant", place);
                        for index in several {
                            if let Some(open) = self.all.get_mut(*index) {
                                open.stream(said.direction).doubt(Unsure::WithoutId);
                            }
                        }
                        None
                    }
                }
            }
        }
    }

    /// The conversations with a peer that may go on.
    fn recent(
        &self,
        leg: Leg,
        peer: Option<IpAddr>,
        at: Stamp,
        appliance: Appliance,
    ) -> impl Iterator<Item = (usize, &Open)> {
        let of_peer = self.by_peer.get(&(appliance.0, leg, peer));
        let of_peer = of_peer.map_or(&[][..], |of_peer| &of_peer.conversations).iter().rev();
        of_peer
            .filter_map(|index| Some((*index, self.all.get(*index)?)))
            .take_while(move |(_, open)| open.age(at) <= REUSED_AFTER)
            .filter(move |(_, open)| open.age(at) <= QUIET)
    }

    fn begin(
        &mut self,
        said: &Said<'_>,
        peer: Option<IpAddr>,
        at: Stamp,
        appliance: Appliance,
        notes: &mut Notes,
    ) -> Option<usize> {
        if self.all.len() >= MAX_CONVERSATIONS {
            notes.loss(
                "conversations of debug logs beyond those that are kept",
                Some(Place::Line(at.line.line)),
            );
            return None;
        }
        let index = self.all.len();
        self.all.push(Open::new(said, at, appliance.1));
        self.by_peer.entry((appliance.0, said.leg, peer)).or_default().conversations.push(index);
        Some(index)
    }
}

impl Open {
    fn new(said: &Said<'_>, at: Stamp, serial: Option<SerialIndex>) -> Self {
        Self {
            facts: Conversation {
                leg: said.leg,
                id: said.id,
                serial,
                peer: said.peer,
                first: at,
                last: at,
                pieces: Vec::new(),
                sent: Stream::default(),
                received: Stream::default(),
                words: Vec::new(),
                words_dropped: 0,
                message_ids: Vec::new(),
                bodies: Vec::new(),
                dark_from: None,
                line_ends_implied: false,
            },
            listener: Listener::default(),
            speech: (said.direction, 0),
            file: at.line.file,
            repeats: None,
        }
    }

    /// Seconds since its last line.
    fn age(&self, at: Stamp) -> i64 {
        at.time.wall_seconds() - self.facts.last.time.wall_seconds()
    }

    fn stream(&mut self, direction: Direction) -> &mut Stream {
        match direction {
            Direction::Sent => &mut self.facts.sent,
            Direction::Received => &mut self.facts.received,
        }
    }

    /// Takes in the octets of a line and tells how many are kept; `None` where an earlier file had
    /// it already.
    fn push(
        &mut self,
        direction: Direction,
        mut octets: Vec<u8>,
        at: Stamp,
        may_keep: bool,
    ) -> Option<usize> {
        if self.facts.pieces.is_empty() && self.facts.leg == Leg::Delivery {
            self.facts.line_ends_implied = octets.last().is_some_and(|octet| *octet != b'\n');
        }
        if self.facts.line_ends_implied {
            octets.extend_from_slice(b"\r\n");
        }
        let end = if direction == self.facts.client() { End::Client } else { End::Server };
        // A copy is told by what is kept, so credentials go before it is looked for.
        let may_repeat = self.file != at.line.file || self.repeats.is_some();
        let listener_before = may_repeat.then(|| self.listener.clone());
        let heard = self.listener.hear(end, &mut octets);
        let digest = digest(&octets);
        if self.is_repeated(direction, digest, at) {
            if let Some(before) = listener_before {
                self.listener = before;
            }
            return None;
        }
        let dark_from = self.listener.dark_from;
        let client_first = self.facts.client() == Direction::Received;
        self.facts.dark_from =
            dark_from.map(|[client, server]| if client_first { (server, client) } else { (client, server) });
        let offset = self.stream(direction).length;
        let length = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        self.facts.pieces.push(Piece { direction, offset, length, digest, at });
        self.facts.last = at;
        let mut kept = self.keep(direction, &octets, &heard.hidden, may_keep);
        kept += self.say(direction, length, heard, at, may_keep);
        if self.facts.line_ends_implied && self.listener.in_body() {
            let client = self.facts.client();
            self.stream(client).doubt(Unsure::LineEnds);
        }
        Some(kept)
    }

    fn keep(
        &mut self,
        direction: Direction,
        octets: &[u8],
        hidden: &[Range<usize>],
        may_keep: bool,
    ) -> usize {
        let stream = self.stream(direction);
        // What is kept has no holes: once something was left out, only digests follow.
        let keeps = may_keep && stream.octets.len() as u64 == stream.length;
        if keeps {
            stream.octets.extend_from_slice(octets);
        }
        let base = stream.length;
        for range in hidden {
            let (from, to) = (base + range.start as u64, base + range.end as u64);
            let room = stream.hidden.len() < Stream::MAX_HIDDEN;
            match stream.hidden.last_mut() {
                Some(last) if last.end == from => last.end = to,
                _ if room => stream.hidden.push(from..to),
                _ => {
                    stream.unsure.get_or_insert((from, Unsure::TooMany));
                }
            }
        }
        stream.length += octets.len() as u64;
        if keeps { octets.len() } else { 0 }
    }

    fn say(&mut self, direction: Direction, length: u32, heard: Heard, at: Stamp, may_keep: bool) -> usize {
        let mut kept = 0;
        self.speech = match self.speech {
            (same, octets) if same == direction => (same, octets.saturating_add(length)),
            _ => (direction, length),
        };
        for text in heard.words {
            if may_keep && self.facts.words.len() < Conversation::MAX_WORDS {
                kept += size_of::<Word>() + text.as_bytes().len();
                self.facts.words.push(Word { direction, text, at, speech: self.speech.1 });
            } else {
                self.facts.words_dropped += 1;
            }
        }
        let room = Conversation::MAX_MESSAGE_IDS.saturating_sub(self.facts.message_ids.len());
        for id in heard.message_ids.into_iter().take(if may_keep { room } else { 0 }) {
            kept += size_of::<Text>() + id.as_bytes().len();
            self.facts.message_ids.push(id);
        }
        kept
    }

    /// Whether this piece stands in an earlier file already: rotated sets overlap, copies occur twice.
    fn is_repeated(&mut self, direction: Direction, digest: u64, at: Stamp) -> bool {
        let same = |piece: &Piece| {
            piece.direction == direction && piece.digest == digest && piece.at.time == at.time
        };
        if self.file != at.line.file {
            self.file = at.line.file;
            self.repeats = self.facts.pieces.iter().position(same).map(|found| found + 1);
            return self.repeats.is_some();
        }
        let Some(next) = self.repeats else { return false };
        let repeated = self.facts.pieces.get(next).is_some_and(same);
        self.repeats = repeated.then_some(next + 1);
        repeated
    }

    fn finish(self) -> Conversation {
        let mut facts = self.facts;
        facts.bodies = self.listener.bodies().collect();
        facts.sent.octets.shrink_to_fit();
        facts.received.octets.shrink_to_fit();
        facts
    }
}
