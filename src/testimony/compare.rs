//! One direction of a conversation against the octets of the wire, as they come.

use crate::cite::Moment;
use crate::maillog::conversation::{Conversation, Digester, Direction, HIDDEN, Piece, Stream, Unsure};
use crate::testimony::account::{Account, Change, Difference, Reading, Rest, Stopped};
use crate::text::Text;

/// Octets looked at behind the first difference, to see where both sides agree again.
const WINDOW: usize = 192;

/// The longest change that is told by its length.
const LONGEST_CHANGE: usize = 96;

/// Octets that must be equal for both sides to agree again, unless both end sooner: texts repeat
/// themselves.
const AGREES_AGAIN: usize = 48;

/// Octets shown of each side, and of the line before them.
const SHOWN: usize = 32;

/// Octets by which the first of a capture that begins in the midst are found in the log.
const KEY: usize = 16;

/// Chunks in which they are looked for.
const MAX_TRIES: u32 = 4;

/// Octets before a difference among which credentials make it one that is not shown.
const NEAR: u64 = 64;

/// Compares as octets come.
#[derive(Debug)]
pub(super) struct Comparison<'a> {
    conversation: &'a Conversation,
    direction: Direction,
    stream: &'a Stream,
    pieces: Vec<&'a Piece>,
    /// From this octet of the log on the wire may be dark.
    dark: Option<u64>,
    /// Where the wire's first octet stands in the log, once that is known.
    base: Option<u64>,
    tries: u32,
    account: Account,
    /// The wire's octets from the difference on; `true`: a gap ends them.
    window: (Vec<u8>, bool),
    digesting: Option<Digesting>,
}

/// A piece of which the log keeps but a digest.
#[derive(Debug)]
struct Digesting {
    piece: usize,
    /// The next octet, as a place in the log.
    next: u64,
    digester: Digester,
    at: Moment,
}

impl<'a> Comparison<'a> {
    /// `dark`: from which octet of the log on the wire is encrypted, if it is; `whole`: the capture
    /// holds the beginning of the connection.
    pub(super) fn new(
        conversation: &'a Conversation,
        direction: Direction,
        dark: Option<u64>,
        whole: bool,
    ) -> Self {
        let stream = conversation.stream(direction);
        Self {
            conversation,
            direction,
            stream,
            pieces: conversation.pieces_of(direction).collect(),
            dark,
            base: whole.then_some(0),
            tries: 0,
            account: Account { in_log: stream.length, ..Account::default() },
            window: (Vec::new(), false),
            digesting: None,
        }
    }

    /// The next octets of the wire.
    pub(super) fn octets(&mut self, offset: u64, bytes: &[u8], at: Moment) {
        self.account.on_wire = self.account.on_wire.max(offset + bytes.len() as u64);
        if self.account.difference.is_some() {
            self.collect(bytes);
            return;
        }
        if self.account.stopped.is_some() {
            return;
        }
        let Some(base) = self.base.or_else(|| self.align(offset, bytes)) else { return };
        let (mut place, mut rest) = (base + offset, bytes);
        while !rest.is_empty() {
            let passed = match self.step(place, rest, at) {
                Some(passed) if passed > 0 => passed,
                _ => return,
            };
            place += passed as u64;
            rest = rest.get(passed..).unwrap_or_default();
        }
    }

    /// Octets that the capture lacks.
    pub(super) fn gap(&mut self, offset: u64, length: u64, at: Moment) {
        self.account.on_wire = self.account.on_wire.max(offset.saturating_add(length));
        if self.account.difference.is_some() {
            self.window.1 = true;
            return;
        }
        if self.account.stopped.is_some() {
            return;
        }
        self.digesting = None;
        let place = self.base.unwrap_or(0) + offset;
        self.account.in_gaps += length.min(self.stream.length.saturating_sub(place));
        self.account.first_gap.get_or_insert((offset, length, at));
    }

    /// The wire has no more.
    pub(super) fn finish(mut self) -> Account {
        self.explain();
        let end = self.account.on_wire + self.base.unwrap_or(0);
        let (limit, unsure) = self.limit();
        if self.account.stopped.is_none() && self.account.difference.is_none() {
            if self.base.is_none() {
                self.account.stopped = Some(Stopped::NotAligned);
            } else if end < limit && self.stream.presumed_from.is_some() {
                self.account.stopped = Some(Stopped::Unsure(Unsure::WithoutId));
            } else if end < limit && self.dark.is_none_or(|dark| end < dark) {
                let line = self.conversation.line_at(self.direction, end);
                let octets = self.stream.length - end;
                self.account.only_in_log =
                    Some(Rest { octets, offset: self.account.on_wire, at: None, line });
            } else if end >= limit {
                self.account.stopped = unsure;
            }
        }
        self.account
    }

    /// How far the log can be compared, and why no further.
    fn limit(&self) -> (u64, Option<Stopped>) {
        match self.stream.unsure {
            Some((at, why)) => (at, Some(Stopped::Unsure(why))),
            None => (self.stream.length, None),
        }
    }

    /// Compares some of `rest`, which stands at `place` of the log, and tells how many octets;
    /// `None` where the comparison is over.
    fn step(&mut self, place: u64, rest: &[u8], at: Moment) -> Option<usize> {
        let (limit, unsure) = self.limit();
        if place >= limit {
            self.beyond(rest.len() as u64, place, at, unsure);
            return None;
        }
        let room = usize::try_from(limit - place).unwrap_or(usize::MAX).min(rest.len());
        let ahead = self.stream.hidden.iter().find(|range| range.end > place);
        if let Some(range) = ahead.filter(|range| range.start <= place) {
            let passed = usize::try_from(range.end - place).unwrap_or(usize::MAX).min(room);
            self.account.hidden += passed as u64;
            if place >= self.kept() {
                self.digest(place, &vec![HIDDEN; passed], at)?;
            }
            return Some(passed);
        }
        let before_hidden = ahead.map_or(u64::MAX, |range| range.start - place);
        let room = usize::try_from(before_hidden).unwrap_or(usize::MAX).min(room);
        if place >= self.kept() {
            return self.digest(place, rest.get(..room)?, at);
        }
        let logged = self.stream.octets.get(usize::try_from(place).ok()?..)?;
        let room = room.min(logged.len());
        let equal = same_for(logged.get(..room)?, rest.get(..room)?);
        self.account.equal += equal as u64;
        if equal == room {
            return Some(room);
        }
        let place = place + equal as u64;
        if self.may_differ(place) {
            return None;
        }
        self.differs(place, at, Change::Unclear);
        self.collect(rest.get(equal..).unwrap_or_default());
        None
    }

    fn kept(&self) -> u64 {
        self.stream.octets.len() as u64
    }

    /// Whether what stands at `place` of the log may well differ from the wire, which is encrypted
    /// there, or shows that a line is another connection's; ends the comparison then.
    fn may_differ(&mut self, place: u64) -> bool {
        if self.dark.is_some_and(|dark| place >= dark) {
            self.account.stopped = Some(Stopped::Encrypted);
        } else if self.stream.presumed_from.is_some_and(|from| place >= from) {
            self.account.stopped = Some(Stopped::Unsure(Unsure::WithoutId));
        }
        self.account.stopped.is_some()
    }

    /// The wire goes on where the log has no more that could be compared.
    fn beyond(&mut self, octets: u64, place: u64, at: Moment, unsure: Option<Stopped>) {
        if self.may_differ(place) || unsure.is_some() {
            self.account.stopped = self.account.stopped.or(unsure);
            return;
        }
        let offset = place - self.base.unwrap_or(0);
        let line = self.pieces.last().map(|piece| piece.at.line);
        let rest = Rest { octets: 0, offset, at: Some(at), line };
        self.account.only_on_wire.get_or_insert(rest).octets += octets;
    }

    /// Takes octets into the digest of their piece; `None` where the comparison is over.
    fn digest(&mut self, place: u64, octets: &[u8], at: Moment) -> Option<usize> {
        let index = self.pieces.partition_point(|piece| piece.offset <= place).checked_sub(1)?;
        let piece = *self.pieces.get(index)?;
        let end = piece.offset + u64::from(piece.length);
        let octets = octets.get(..usize::try_from(end - place).ok()?.min(octets.len()))?;
        if place == piece.offset {
            self.digesting = Some(Digesting { piece: index, next: place, digester: Digester::default(), at });
        }
        let Some(digesting) = self.digesting.as_mut().filter(|one| (one.piece, one.next) == (index, place))
        else {
            // A gap before it: its digest tells nothing.
            return Some(octets.len());
        };
        digesting.digester.update(octets);
        digesting.next += octets.len() as u64;
        if digesting.next == end {
            let done = self.digesting.take()?;
            if done.digester.finish() == piece.digest {
                self.account.equal += u64::from(piece.length);
            } else if !self.may_differ(piece.offset) {
                self.differs(piece.offset, done.at, Change::Within(piece.length.into()));
            }
            if self.account.stopped.is_some() || self.account.difference.is_some() {
                return None;
            }
        }
        Some(octets.len())
    }

    /// Finds the wire's octets in the log, where the capture begins in the midst of the connection.
    fn align(&mut self, offset: u64, bytes: &[u8]) -> Option<u64> {
        let key = bytes.get(..KEY)?;
        self.tries += 1;
        let mut places = memchr::memmem::find_iter(&self.stream.octets, key);
        let base = places.next().and_then(|place| (place as u64).checked_sub(offset));
        if places.next().is_some() || base.is_none() {
            if self.tries >= MAX_TRIES {
                self.account.stopped = Some(Stopped::NotAligned);
            }
            return None;
        }
        self.base = base;
        self.account.before_capture = base.unwrap_or(0);
        base
    }

    fn differs(&mut self, place: u64, at: Moment, change: Change) {
        let line = self.conversation.line_at(self.direction, place);
        let offset = place - self.base.unwrap_or(0);
        self.account.difference = Some(Difference { offset, at, line, change, readings: None });
    }

    fn collect(&mut self, bytes: &[u8]) {
        let room = WINDOW.saturating_sub(self.window.0.len());
        if room > 0 && !self.window.1 {
            self.window.0.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
        }
    }

    /// Says what became of the octets at the difference, and what both sides read there.
    fn explain(&mut self) {
        let kept_whole = self.kept() == self.stream.length && self.stream.unsure.is_none();
        let Some(difference) = &mut self.account.difference else { return };
        if difference.change != Change::Unclear {
            return;
        }
        let place = self.base.unwrap_or(0) + difference.offset;
        let Ok(from) = usize::try_from(place) else { return };
        let logged = self.stream.octets.get(from..).unwrap_or_default();
        let log = logged.get(..WINDOW).unwrap_or(logged);
        let wire = self.window.0.as_slice();
        let both_end = log.len() < WINDOW && wire.len() < WINDOW && !self.window.1 && kept_whole;
        difference.change = change(log, wire, both_end);
        let so_far = self.stream.octets.get(..from).unwrap_or_default();
        let line = so_far.rsplit(|&octet| octet == b'\n').next().unwrap_or_default();
        let before = line.get(line.len().saturating_sub(SHOWN)..).unwrap_or(line);
        let of_client = self.direction == self.conversation.client();
        if of_client && may_hold_credentials(self.conversation, self.stream, place, line, wire) {
            return;
        }
        difference.readings = Some(Reading {
            before: Text::new(before),
            log: Text::new(to_line_end(log)),
            wire: Text::new(to_line_end(wire)),
        });
    }
}

/// How many octets are the same.
fn same_for(one: &[u8], other: &[u8]) -> usize {
    if one == other {
        return one.len();
    }
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

fn to_line_end(octets: &[u8]) -> &[u8] {
    let end = octets.iter().position(|&octet| octet == b'\n').map_or(octets.len(), |at| at + 1);
    octets.get(..end.min(SHOWN)).unwrap_or(octets)
}

/// The shortest change after which both sides agree again.
fn change(log: &[u8], wire: &[u8], both_end: bool) -> Change {
    let agree = |in_log: usize, in_wire: usize| {
        let (Some(log), Some(wire)) = (log.get(in_log..), wire.get(in_wire..)) else { return false };
        let length = AGREES_AGAIN.min(log.len()).min(wire.len());
        let enough = length == AGREES_AGAIN || both_end && log.len() == wire.len();
        enough && log.get(..length) == wire.get(..length)
    };
    for length in 1..=LONGEST_CHANGE {
        let octets = length as u64;
        if agree(length, length) {
            return Change::Changed(octets);
        }
        if agree(0, length) {
            return Change::OnlyOnWire(octets);
        }
        if agree(length, 0) {
            return Change::OnlyInLog(octets);
        }
    }
    Change::Unclear
}

/// Whether what the wire has at a difference may be part of an AUTH dialogue: near credentials of the
/// log, in a line that begins like AUTH, or, outside bodies, a line of one word that is no command.
fn may_hold_credentials(
    conversation: &Conversation,
    stream: &Stream,
    place: u64,
    line: &[u8],
    wire: &[u8],
) -> bool {
    const WORDS: [&[u8]; 6] = [b"QUIT", b"RSET", b"NOOP", b"DATA", b"STARTTLS", b"."];
    let near = |range: &std::ops::Range<u64>| range.end + NEAR >= place && range.start <= place + NEAR;
    if stream.hidden.iter().any(near) {
        return true;
    }
    let rest = to_line_end(wire);
    let whole = [line, rest].concat();
    let whole = whole.trim_ascii();
    let begins = |word: &[u8]| whole.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    if begins(b"AUTH") {
        return true;
    }
    let in_a_body = conversation.bodies.iter().any(|body| body.octets.contains(&place));
    let of_base64 = |octet: &u8| octet.is_ascii_alphanumeric() || b"+/=".contains(octet);
    let is_a_word = !whole.is_empty() && whole.iter().all(of_base64);
    !in_a_body && is_a_word && !WORDS.iter().any(|word| begins(word))
}
