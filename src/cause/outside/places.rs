//! Places in the streams: the numbers of one side counted from a common begin, and ranges of octets.

use ahash::AHashMap;

use crate::capture::segment::SeqNumber;
use crate::cause::outside::{Packet, Tape};

/// Octets that tell a segment from others.
pub(super) const MIN_TELLING: u32 = 16;
/// Segments that must agree on a shift where a SYN is missing.
const MIN_VOTES: usize = 2;

/// Direction, place, octets, and SYN, FIN and RST.
pub(super) type Key = (bool, i64, u32, u8);

/// How the numbers of one side become places in the streams.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    sender: u32,
    appliance: u32,
}

impl Places {
    /// Those of the inside and of the outside: counted from the SYNs where both sides have them, else from
    /// numbers that make most of the same segments meet.
    pub(super) fn of_both(inside: &Tape, outside: &Tape) -> (Self, Self) {
        let base = |by_sender| match (inside.isn(by_sender), outside.isn(by_sender)) {
            (Some(here), Some(there)) => (here, there),
            _ => (0, shift(inside, outside, by_sender)),
        };
        let (sender, appliance) = (base(true), base(false));
        (Self { sender: sender.0, appliance: appliance.0 }, Self { sender: sender.1, appliance: appliance.1 })
    }

    /// Whether an end's numbers are others there.
    pub(super) const fn differ(&self, other: &Self, by_sender: bool) -> bool {
        if by_sender { self.sender != other.sender } else { self.appliance != other.appliance }
    }

    pub(super) fn place(&self, packet: &Packet) -> i64 {
        let base = if packet.by_sender { self.sender } else { self.appliance };
        i64::from(packet.seq.wrapping_sub(base))
    }

    pub(super) fn key(&self, packet: &Packet) -> Key {
        let closing = packet.flags.bits() & 0x07;
        (packet.by_sender, self.place(packet), packet.payload, closing)
    }

    /// The octets of a packet, from and to.
    pub(super) fn octets(&self, packet: &Packet) -> (i64, i64) {
        let from = self.place(packet).saturating_add(i64::from(packet.flags.syn()));
        (from, from.saturating_add(packet.payload.into()))
    }

    pub(super) fn ranges<'a>(&self, packets: impl Iterator<Item = &'a Packet>, by_sender: bool) -> Ranges {
        let own = packets.filter(|packet| packet.by_sender == by_sender && packet.payload > 0);
        Ranges::of(own.map(|packet| self.octets(packet)).collect())
    }

    /// The highest place that an end's own numbers show: octets that only the file lacks lie below it.
    pub(super) fn reached_by(&self, tape: &Tape, by_sender: bool) -> i64 {
        let own = tape.packets.iter().filter(|packet| packet.by_sender == by_sender && !packet.flags.rst());
        own.map(|packet| self.octets(packet).1).max().unwrap_or(0)
    }

    /// The highest place of the other end's stream that this end acknowledged.
    pub(super) fn highest_ack<'a>(&self, packets: impl Iterator<Item = &'a Packet>, by_sender: bool) -> i64 {
        let base = SeqNumber(if by_sender { self.appliance } else { self.sender });
        packets
            .filter(|packet| packet.by_sender == by_sender && packet.flags.ack() && !packet.flags.rst())
            .map(|packet| i64::from(packet.ack.wrapping_sub(base.0)))
            .max()
            .unwrap_or(0)
    }

    /// The close on this side that is the same as one of the other: of one kind, at one place. A FIN may have
    /// been joined with octets before it.
    pub(super) fn twin<'a>(&self, tape: &'a Tape, close: &Packet, place: i64) -> Option<&'a Packet> {
        let end = place.saturating_add(close.payload.into());
        tape.packets.iter().filter(|packet| packet.by_sender == close.by_sender).find(|packet| {
            packet.flags.rst() == close.flags.rst()
                && packet.flags.fin() == close.flags.fin()
                && self.place(packet).saturating_add(packet.payload.into()) == end
        })
    }
}

/// How much higher the outside numbers of an end are, by the segments that both sides have: the most
/// frequent difference of those with the same length and sum; 0 where too few have.
fn shift(inside: &Tape, outside: &Tape, by_sender: bool) -> u32 {
    let telling = |packet: &&Packet| packet.by_sender == by_sender && packet.payload >= MIN_TELLING;
    let mut here: AHashMap<(u32, u16), u32> = AHashMap::new();
    for packet in inside.packets.iter().filter(telling) {
        if let Some(sum) = packet.sum {
            here.entry((packet.payload, sum)).or_insert(packet.seq);
        }
    }
    let mut votes: AHashMap<u32, usize> = AHashMap::new();
    for packet in outside.packets.iter().filter(telling) {
        let same = packet.sum.and_then(|sum| here.get(&(packet.payload, sum)));
        if let Some(seq) = same {
            *votes.entry(packet.seq.wrapping_sub(*seq)).or_default() += 1;
        }
    }
    let most = votes.into_iter().filter(|(_, count)| *count >= MIN_VOTES);
    // Of those with as many votes the smaller: the outcome does not depend on the order of a map.
    most.min_by_key(|(shift, count)| (std::cmp::Reverse(*count), *shift)).map_or(0, |(shift, _)| shift)
}

/// Octets of a stream: ranges that do not touch, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranges(Vec<(i64, i64)>);

impl Ranges {
    pub(super) fn of(mut each: Vec<(i64, i64)>) -> Self {
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

    pub(super) fn without(&self, other: &Self) -> Self {
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

    pub(super) fn beyond(&self, place: i64) -> Self {
        let cut = self.0.iter().map(|(from, to)| ((*from).max(place), *to));
        Self(cut.filter(|(from, to)| from < to).collect())
    }

    pub(super) fn octets(&self) -> u64 {
        self.0.iter().map(|(from, to)| to.abs_diff(*from)).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn touches(&self, (from, to): (i64, i64)) -> bool {
        // They lie in order: the first that ends behind its begin is the only one that matters.
        let first = self.0.partition_point(|(_, end)| *end <= from);
        self.0.get(first).is_some_and(|(begin, _)| *begin < to)
    }
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
