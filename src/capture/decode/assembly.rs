//! Fragments of IP datagrams, put together (RFC 791 section 3.2, RFC 8200 section 4.5).
//!
//! A datagram is handed on with the fragment that completes it, as Wireshark does. It is kept for a
//! while after that, so that copies of its fragments are known for what they are.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::ops::Range;

use etherparse::{IpNumber, ip_number};

use super::ip::{Datagram, Fragment, Packet};
use super::tunnel;
use crate::cite::{CaptureId, Moment, Notes, Place};
use crate::time::{Span, Timestamp};

/// How long the fragments of one datagram are waited for: 60 s by RFC 8200 section 4.5, 15 s or more
/// by RFC 791 section 3.2; Linux waits 30 s for version 4, and so do we for both.
pub(super) const TIMEOUT: Span = Span::from_seconds(30);

/// Datagrams kept at a time.
pub(super) const MAX_DATAGRAMS: usize = 4096;

/// Octets of datagrams kept at a time, with what it takes to keep them.
pub(super) const MAX_OCTETS: usize = 16 * 1024 * 1024;

/// The longest datagram (RFC 791 section 3.1).
const LONGEST: usize = 65_535;

/// What the fragments of one datagram have in common. `depth` tells a tunnel's from its content's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    id: u32,
    /// Version 4 alone tells datagrams of different protocols apart.
    protocol: Option<IpNumber>,
    depth: u8,
}

/// What of a datagram stands in the header of its first fragment.
#[derive(Debug, Clone, Copy)]
struct Head {
    ttl: u8,
    traffic_class: u8,
    ip_id: Option<u16>,
    protocol: IpNumber,
}

/// One datagram, or what there is of it.
#[derive(Debug)]
struct Entry {
    serial: u64,
    first: Moment,
    version_4: bool,
    protocol: IpNumber,
    /// Fragments seen.
    fragments: u64,
    head: Option<Head>,
    octets: Vec<u8>,
    /// What is there of `octets`: apart from each other and in order.
    pieces: Vec<Range<u32>>,
    covered: usize,
    /// Its length, once the last fragment has told it.
    total: Option<usize>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Whole,
    /// Its fragments contradict each other: nothing is made of them (RFC 5722).
    Refused,
}

/// Fragments whose datagram is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unfinished {
    pub(super) capture: CaptureId,
    pub(super) fragments: u64,
    /// The first of them.
    pub(super) first: u32,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    entries: HashMap<Key, Entry, ahash::RandomState>,
    /// The entries by age.
    ages: BTreeMap<u64, Key>,
    serial: u64,
    octets: usize,
    /// One a capture.
    unfinished: Vec<Unfinished>,
}

/// What becomes of a fragment.
enum Fate {
    /// It is kept, or a copy of what is there.
    Kept,
    /// It contradicts what is there.
    Contradicts,
    /// It belongs to another datagram than the one that is kept.
    Foreign,
}

impl Assembly {
    /// Takes a fragment, and gives the datagram that it completes, whose payload is put in `whole`.
    pub(super) fn push<'a>(
        &mut self,
        packet: &Packet<'_>,
        fragment: Fragment,
        depth: u8,
        at: Moment,
        whole: &'a mut Vec<u8>,
        notes: &mut Notes,
    ) -> Option<Packet<'a>> {
        self.expire(at.time);
        let datagram = &packet.datagram;
        let version_4 = datagram.source.is_ipv4();
        let key = Key {
            source: datagram.source,
            destination: datagram.destination,
            id: fragment.id,
            protocol: version_4.then_some(packet.protocol),
            depth,
        };
        let unsound = unsound(datagram, fragment, version_4);
        if let Some(words) = unsound {
            notes.loss(words, Some(Place::Frame(at.frame.frame)));
            if packet.protocol != ip_number::UDP {
                self.lose(at, 1);
            }
            return None;
        }
        // Version 4: what is behind the last whole unit of one in the middle cannot be placed.
        let len = if fragment.more { datagram.len & !7 } else { datagram.len };
        let bytes = datagram.payload.get(..len).unwrap_or_default();
        let range = fragment.offset..fragment.offset + len;

        let mut fate = self.entries.get(&key).map(|entry| entry.fate(&range, bytes, fragment.more));
        if matches!(fate, Some(Fate::Foreign)) {
            self.remove(&key);
            fate = None;
        }
        if fate.is_none() {
            self.open(key, packet.protocol, at);
        }
        let entry = self.entries.get_mut(&key)?;
        let before = entry.weight();
        entry.fragments += 1;
        if matches!(fate, Some(Fate::Contradicts)) {
            let place = Some(Place::Frame(at.frame.frame));
            if version_4 {
                notes.oddity("IP fragments overlap and differ: the copy that came first counts", place);
            } else {
                notes.loss("IPv6 fragments overlap: their datagram is not put together", place);
                entry.refuse();
            }
        }
        if entry.state == State::Open {
            entry.take(&range, bytes, fragment.more);
            if fragment.offset == 0 && entry.head.is_none() {
                entry.head = Some(Head {
                    ttl: datagram.ttl,
                    traffic_class: datagram.traffic_class,
                    ip_id: datagram.ip_id,
                    protocol: packet.protocol,
                });
            }
        }
        let completes = entry.state == State::Open && entry.total == Some(entry.covered);
        let head = entry.head.filter(|_| completes);
        if head.is_some() {
            entry.state = State::Whole;
            whole.clear();
            whole.extend_from_slice(entry.octets.get(..entry.covered).unwrap_or(&entry.octets));
        }
        self.octets = self.octets + entry.weight() - before;
        self.make_room(at, notes);
        let head = head?;
        let datagram = Datagram {
            source: key.source,
            destination: key.destination,
            ttl: head.ttl,
            traffic_class: head.traffic_class,
            ip_id: head.ip_id,
            len: whole.len(),
            payload: whole,
            len_told: true,
        };
        Some(Packet { datagram, protocol: head.protocol, fragment: None })
    }

    /// The fragments whose datagrams are not whole, those that were still waited for among them.
    pub(super) fn finish(&mut self) -> Vec<Unfinished> {
        while let Some((_, key)) = self.ages.first_key_value().map(|(serial, key)| (*serial, *key)) {
            self.remove(&key);
        }
        std::mem::take(&mut self.unfinished)
    }

    /// Datagrams kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn open(&mut self, key: Key, protocol: IpNumber, at: Moment) {
        self.serial += 1;
        let entry = Entry {
            serial: self.serial,
            first: at,
            version_4: key.source.is_ipv4(),
            protocol,
            fragments: 0,
            head: None,
            octets: Vec::new(),
            pieces: Vec::new(),
            covered: 0,
            total: None,
            state: State::Open,
        };
        self.octets += entry.weight();
        self.ages.insert(self.serial, key);
        self.entries.insert(key, entry);
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some((_, key)) = self.ages.first_key_value().map(|(serial, key)| (*serial, *key)) {
            let stale = |entry: &Entry| now.minus(TIMEOUT) > entry.first.time;
            if !self.entries.get(&key).is_some_and(stale) {
                break;
            }
            self.remove(&key);
        }
    }

    /// Gives up the oldest while there are too many.
    #[inline]
    fn make_room(&mut self, at: Moment, notes: &mut Notes) {
        while self.entries.len() > MAX_DATAGRAMS || self.octets > MAX_OCTETS {
            let Some((_, key)) = self.ages.first_key_value().map(|(serial, key)| (*serial, *key)) else {
                return;
            };
            if self.entries.get(&key).is_some_and(|entry| entry.state == State::Open) {
                let place = Some(Place::Frame(at.frame.frame));
                notes.loss("more fragmented IP datagrams at a time than are kept", place);
            }
            self.remove(&key);
        }
    }

    fn remove(&mut self, key: &Key) {
        let Some(entry) = self.entries.remove(key) else { return };
        self.ages.remove(&entry.serial);
        self.octets -= entry.weight();
        if entry.state != State::Whole && entry.may_hold_tcp() {
            self.lose(entry.first, entry.fragments);
        }
    }

    fn lose(&mut self, first: Moment, fragments: u64) {
        let capture = first.frame.capture;
        if let Some(known) = self.unfinished.iter_mut().find(|known| known.capture == capture) {
            known.fragments += fragments;
            known.first = known.first.min(first.frame.frame);
        } else {
            self.unfinished.push(Unfinished { capture, fragments, first: first.frame.frame });
        }
    }
}

/// Why a fragment cannot be used, whatever the others say.
fn unsound(datagram: &Datagram<'_>, fragment: Fragment, version_4: bool) -> Option<&'static str> {
    if datagram.payload.len() < datagram.len {
        return Some("an IP fragment cut by the snapshot length");
    }
    if datagram.len == 0 || (fragment.more && datagram.len < 8) {
        return Some("an IP fragment too short to hold anything");
    }
    if fragment.offset + datagram.len > LONGEST {
        return Some("an IP fragment beyond the end of the longest datagram");
    }
    let broken = fragment.more && !datagram.len.is_multiple_of(8);
    (broken && !version_4).then_some("an IPv6 fragment whose length is no multiple of eight")
}

impl Entry {
    /// What it takes up.
    fn weight(&self) -> usize {
        size_of::<Self>()
            + 2 * size_of::<Key>()
            + self.octets.capacity()
            + self.pieces.capacity() * size_of::<Range<u32>>()
    }

    /// Most fragmented datagrams of UDP are none of ours: only those to the port of a tunnel are missed.
    fn may_hold_tcp(&self) -> bool {
        self.protocol != ip_number::UDP || (self.head.is_some() && tunnel::is_tunnel_port(&self.octets))
    }

    fn fate(&self, range: &Range<usize>, bytes: &[u8], more: bool) -> Fate {
        let told_otherwise = match self.total {
            Some(total) => range.end > total || (!more && range.end != total),
            None => !more && self.pieces.last().is_some_and(|last| last.end as usize > range.end),
        };
        let overlaps = self.overlapping(range).next().is_some();
        let equal = self.overlapping(range).all(|piece| {
            let common = piece.start.max(range.start)..piece.end.min(range.end);
            let new = bytes.get(common.start - range.start..common.end - range.start);
            self.octets.get(common) == new
        });
        match self.state {
            State::Refused => Fate::Kept,
            // The same fragment once more; anything else bears a number that is used again.
            State::Whole if equal && !told_otherwise => Fate::Kept,
            State::Whole => Fate::Foreign,
            State::Open if told_otherwise => Fate::Contradicts,
            State::Open if !overlaps => Fate::Kept,
            // Version 4 allows overlaps that agree; of version 6 only exact copies are harmless
            // (RFC 8200 section 4.5).
            State::Open => {
                let copy = self.overlapping(range).any(|piece| piece == *range);
                if equal && (copy || self.version_4) { Fate::Kept } else { Fate::Contradicts }
            }
        }
    }

    fn overlapping<'a>(&'a self, range: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<'a> {
        let (start, end) = (range.start, range.end);
        let from = self.pieces.partition_point(|piece| piece.end as usize <= start);
        let later = self.pieces.get(from..).unwrap_or_default().iter();
        later.map(|piece| piece.start as usize..piece.end as usize).take_while(move |piece| piece.start < end)
    }

    /// Puts in what is not there yet.
    fn take(&mut self, range: &Range<usize>, bytes: &[u8], more: bool) {
        if self.total.is_some_and(|total| range.end > total) {
            return;
        }
        if !more && self.total.is_none() {
            if self.pieces.last().is_some_and(|last| last.end as usize > range.end) {
                return;
            }
            self.total = Some(range.end);
        }
        if self.octets.len() < range.end {
            self.octets.resize(range.end, 0);
        }
        let known: Vec<Range<usize>> = self.overlapping(range).collect();
        let mut at = range.start;
        for piece in known.into_iter().chain(std::iter::once(range.end..range.end)) {
            if at < piece.start {
                self.put(at..piece.start, bytes.get(at - range.start..piece.start - range.start));
            }
            at = at.max(piece.end);
        }
    }

    fn put(&mut self, range: Range<usize>, bytes: Option<&[u8]>) {
        let (Some(to), Some(bytes)) = (self.octets.get_mut(range.clone()), bytes) else { return };
        to.copy_from_slice(bytes);
        self.covered += range.len();
        let place = self.pieces.partition_point(|piece| piece.end as usize <= range.start);
        self.pieces.insert(place, range.start as u32..range.end as u32);
    }

    fn refuse(&mut self) {
        self.state = State::Refused;
        self.octets = Vec::new();
        self.pieces = Vec::new();
    }
}

#[cfg(test)]
mod tests;
