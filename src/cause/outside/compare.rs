//! One connection as two captures have it.

use ahash::AHashMap;

use crate::capture::segment::SeqNumber;
use crate::cause::outside::{Packet, Tape};
use crate::cite::FrameRef;
use crate::time::{Span, Timestamp};

/// Packets that must be found on both sides for a connection to be the same.
const MIN_MATCHED: usize = 4;

/// What the two captures say of one connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Packets found on both sides.
    pub matched: usize,
    /// How far the outside capture's clock is ahead: the median over these packets.
    pub ahead: Span,
    /// How many hops more than inside the sender's packets have left outside; the most frequent figure.
    pub hops: i16,
    /// Whether the outside capture holds all octets that the inside one does, and all closes but those of
    /// [`Self::only_inside`], and covers its time.
    pub whole: bool,
    /// Closes (FIN, RST) in the sender's name that are inside and not outside.
    pub only_inside: Vec<Packet>,
    /// Closes in the sender's name that are on both sides: inside and outside.
    pub on_both: Vec<(Packet, Packet)>,
    /// Octets of the sender that the outside capture has, and that neither came nor were acknowledged inside.
    pub dropped: u64,
    /// The frames of such octets, outside.
    pub dropped_frames: Vec<FrameRef>,
    /// Octets of the appliance that the inside capture has, and that were neither seen outside nor
    /// acknowledged by the sender.
    pub dropped_to_sender: u64,
    /// The frames of such octets, inside.
    pub dropped_to_sender_frames: Vec<FrameRef>,
    /// Segments at one place and of one length whose octets differ: inside and outside.
    pub changed: Vec<(Packet, Packet)>,
    /// Octets of the sender on the inside.
    pub octets: u64,
}

/// Frames named for one finding.
const MAX_FRAMES: usize = 16;

impl Comparison {
    /// Compares a connection; `None` where too little of it is on both sides. `span` is the time that the
    /// outside capture covers by its own clock, `incomplete` that it is known to lack frames.
    pub fn of(inside: &Tape, outside: &Tape, span: (Timestamp, Timestamp), incomplete: bool) -> Option<Self> {
        let (own, other) = (Places::of(inside, outside), Places::of(outside, inside));
        let mut there: AHashMap<Key, Vec<&Packet>> = AHashMap::new();
        for packet in &outside.packets {
            there.entry(other.key(packet)).or_default().push(packet);
        }
        let mut pairs: Vec<(&Packet, &Packet)> = Vec::new();
        let mut used: AHashMap<Key, usize> = AHashMap::new();
        for packet in inside.packets.iter().filter(|packet| is_telling(packet)) {
            let key = own.key(packet);
            let count = used.entry(key).or_default();
            // Copies are paired in their order.
            if let Some(copy) = there.get(&key).and_then(|copies| copies.get(*count)) {
                pairs.push((packet, copy));
                *count += 1;
            }
        }
        let from_sender = pairs.iter().filter(|(packet, _)| packet.by_sender).count();
        if pairs.len() < MIN_MATCHED || from_sender < MIN_MATCHED / 2 {
            return None;
        }
        let ahead = median(pairs.iter().map(|(inside, outside)| outside.at.time.since(inside.at.time)))?;
        let hops = most_frequent(pairs.iter().filter(|(packet, _)| packet.by_sender && !packet.flags.rst()))?;
        let (came, sent) = (own.ranges(inside, true), other.ranges(outside, true));
        // What was sent after the inside capture's last word of this connection may just not be in its file.
        let until = inside.packets.last()?.at.time.plus(ahead);
        let in_its_time: Vec<Packet> =
            outside.packets.iter().filter(|packet| packet.at.time <= until).copied().collect();
        let in_its_time = Tape { packets: in_its_time, cut: outside.cut };
        let sent_in_time = other.ranges(&in_its_time, true);
        let (said, left) = (own.ranges(inside, false), other.ranges(outside, false));
        let covers = |packet: &Packet| {
            let time = packet.at.time.plus(ahead);
            span.0 <= time && time <= span.1
        };
        let closes = inside.packets.iter().filter(|packet| packet.by_sender && is_close(packet));
        let (mut only_inside, mut on_both) = (Vec::new(), Vec::new());
        for close in closes.take(MAX_FRAMES) {
            match other.twin(outside, close, own.place(close)) {
                Some(twin) => on_both.push((*close, *twin)),
                None => only_inside.push(*close),
            }
        }
        let in_time = inside.packets.first().is_some_and(covers) && inside.packets.last().is_some_and(covers);
        let cut = inside.cut || outside.cut || incomplete;
        let whole = !cut && in_time && came.without(&sent).is_empty();
        let reached = own.highest_ack(inside, false);
        let dropped = sent_in_time.without(&came).beyond(reached);
        let heard = other.highest_ack(outside, true).max(own.highest_ack(inside, true));
        let to_sender = said.without(&left).beyond(heard);
        let frames = |tape: &Tape, places: &Places, by_sender: bool, of: &Ranges| -> Vec<FrameRef> {
            let own = tape.packets.iter().filter(|packet| packet.by_sender == by_sender);
            own.filter(|packet| of.touches(places.octets(packet)))
                .map(|packet| packet.at.frame)
                .take(MAX_FRAMES)
                .collect()
        };
        let changed = pairs
            .iter()
            .filter(|(one, other)| matches!((one.sum, other.sum), (Some(one), Some(other)) if one != other))
            .map(|(one, other)| (**one, **other))
            .take(MAX_FRAMES);
        Some(Self {
            matched: pairs.len(),
            ahead,
            hops,
            whole,
            only_inside,
            on_both,
            dropped: dropped.octets(),
            dropped_frames: frames(outside, &other, true, &dropped),
            dropped_to_sender: to_sender.octets(),
            dropped_to_sender_frames: frames(inside, &own, false, &to_sender),
            changed: changed.collect(),
            octets: came.octets(),
        })
    }
}

/// Whether a packet has something by which to know it: lone acknowledgments have not.
fn is_telling(packet: &Packet) -> bool {
    packet.payload > 0 || packet.flags.syn() || is_close(packet)
}

const fn is_close(packet: &Packet) -> bool {
    packet.flags.fin() || packet.flags.rst()
}

/// Direction, place, octets, and SYN, FIN and RST.
type Key = (bool, i64, u32, u8);

/// How the numbers of one side become places in the streams.
#[derive(Debug, Clone, Copy)]
struct Places {
    sender: u32,
    appliance: u32,
}

impl Places {
    /// Counted from the SYNs, where both sides have them, else from 0.
    fn of(tape: &Tape, other: &Tape) -> Self {
        let base = |by_sender| match (tape.isn(by_sender), other.isn(by_sender)) {
            (Some(isn), Some(_)) => isn,
            _ => 0,
        };
        Self { sender: base(true), appliance: base(false) }
    }

    fn place(&self, packet: &Packet) -> i64 {
        let base = if packet.by_sender { self.sender } else { self.appliance };
        i64::from(packet.seq.wrapping_sub(base))
    }

    fn key(&self, packet: &Packet) -> Key {
        let closing = packet.flags.bits() & 0x07;
        (packet.by_sender, self.place(packet), packet.payload, closing)
    }

    /// The octets of a packet, from and to.
    fn octets(&self, packet: &Packet) -> (i64, i64) {
        let from = self.place(packet).saturating_add(i64::from(packet.flags.syn()));
        (from, from.saturating_add(packet.payload.into()))
    }

    fn ranges(&self, tape: &Tape, by_sender: bool) -> Ranges {
        let own = tape.packets.iter().filter(|packet| packet.by_sender == by_sender && packet.payload > 0);
        Ranges::of(own.map(|packet| self.octets(packet)).collect())
    }

    /// The highest place of the other end's stream that this end acknowledged.
    fn highest_ack(&self, tape: &Tape, by_sender: bool) -> i64 {
        let base = SeqNumber(if by_sender { self.appliance } else { self.sender });
        let own = tape.packets.iter().filter(|packet| packet.by_sender == by_sender);
        own.filter(|packet| packet.flags.ack() && !packet.flags.rst())
            .map(|packet| i64::from(packet.ack.wrapping_sub(base.0)))
            .max()
            .unwrap_or(0)
    }

    /// The close on this side that is the same as one of the other: of one kind, at one place. A FIN may have
    /// been joined with octets before it.
    fn twin<'a>(&self, tape: &'a Tape, close: &Packet, place: i64) -> Option<&'a Packet> {
        let end = place.saturating_add(close.payload.into());
        tape.packets.iter().filter(|packet| packet.by_sender == close.by_sender).find(|packet| {
            packet.flags.rst() == close.flags.rst()
                && packet.flags.fin() == close.flags.fin()
                && self.place(packet).saturating_add(packet.payload.into()) == end
        })
    }
}

/// Octets of a stream: ranges that do not touch, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Ranges(Vec<(i64, i64)>);

impl Ranges {
    fn of(mut each: Vec<(i64, i64)>) -> Self {
        each.sort_unstable();
        let mut joined: Vec<(i64, i64)> = Vec::new();
        for (from, to) in each {
            match joined.last_mut() {
                Some((_, end)) if from <= *end => *end = to.max(*end),
                _ => joined.push((from, to)),
            }
        }
        Self(joined)
    }

    fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        let mut holes = other.0.iter().peekable();
        for (from, to) in &self.0 {
            let mut from = *from;
            while holes.next_if(|(_, end)| *end <= from).is_some() {}
            let mut ahead = holes.clone();
            while let Some((begin, end)) = ahead.next_if(|(begin, _)| begin < to) {
                if *begin > from {
                    left.push((from, *begin));
                }
                from = from.max(*end);
            }
            if from < *to {
                left.push((from, *to));
            }
        }
        Self(left)
    }

    fn beyond(&self, place: i64) -> Self {
        let cut = self.0.iter().map(|(from, to)| ((*from).max(place), *to));
        Self(cut.filter(|(from, to)| from < to).collect())
    }

    fn octets(&self) -> u64 {
        self.0.iter().map(|(from, to)| to.abs_diff(*from)).sum()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn touches(&self, (from, to): (i64, i64)) -> bool {
        self.0.iter().any(|(begin, end)| from < *end && *begin < to)
    }
}

fn median(spans: impl Iterator<Item = Span>) -> Option<Span> {
    let mut all: Vec<Span> = spans.collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied()
}

fn most_frequent<'a>(pairs: impl Iterator<Item = &'a (&'a Packet, &'a Packet)>) -> Option<i16> {
    let mut counts: std::collections::BTreeMap<i16, usize> = std::collections::BTreeMap::new();
    for (inside, outside) in pairs {
        *counts.entry(i16::from(outside.ttl) - i16::from(inside.ttl)).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(hops, _)| hops)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined_and_taken_away() {
        let ranges = Ranges::of(vec![(10, 20), (0, 5), (5, 8), (30, 40)]);
        assert_eq!(ranges.0, [(0, 8), (10, 20), (30, 40)]);
        let holes = Ranges::of(vec![(2, 3), (7, 12), (35, 50)]);
        assert_eq!(ranges.without(&holes).0, [(0, 2), (3, 7), (12, 20), (30, 35)]);
        assert_eq!(ranges.without(&ranges), Ranges::default());
        assert_eq!(ranges.beyond(15).0, [(15, 20), (30, 40)]);
        assert_eq!(ranges.octets(), 28);
        assert!(ranges.touches((19, 25)) && !ranges.touches((20, 30)));
        let wide = Ranges::of(vec![(0, 100)]);
        assert_eq!(Ranges::of(vec![(0, 10), (20, 30)]).without(&wide), Ranges::default());
    }
}
