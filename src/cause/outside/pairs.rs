//! Packets of both sides that belong together.

use ahash::{AHashMap, AHashSet};

use crate::cause::outside::places::{Key, MIN_TELLING, Places};
use crate::cause::outside::{Packet, Tape};

/// Packets that must be found on both sides for a connection to be the same.
const MIN_MATCHED: usize = 4;

/// Segments that must have moved by one figure to show that anything was put in or taken out.
const MIN_MOVED: usize = 3;

/// A packet inside and the one outside at the same place.
pub(super) type Pair<'a> = (&'a Packet, &'a Packet);

/// What belongs together.
#[derive(Debug)]
pub(super) struct Pairs<'a> {
    /// Packets at the same place of the same stream, of one length and kind.
    pub(super) same_place: Vec<Pair<'a>>,
    /// Segments with the same octets at other places: octets were put in or taken out before them.
    pub(super) moved: Vec<Pair<'a>>,
}

impl<'a> Pairs<'a> {
    /// `None` where too little is on both sides.
    pub(super) fn of(inside: &'a Tape, outside: &'a Tape, own: &Places, other: &Places) -> Option<Self> {
        let mut there: AHashMap<Key, Vec<&Packet>> = AHashMap::new();
        for packet in &outside.packets {
            there.entry(other.key(packet)).or_default().push(packet);
        }
        let mut same_place: Vec<Pair<'a>> = Vec::new();
        let mut used: AHashMap<Key, usize> = AHashMap::new();
        for packet in inside.packets.iter().filter(|packet| packet.is_telling()) {
            let key = own.key(packet);
            let count = used.entry(key).or_default();
            // Copies are paired in their order.
            if let Some(copy) = there.get(&key).and_then(|copies| copies.get(*count)) {
                same_place.push((packet, copy));
                *count += 1;
            }
        }
        let here: AHashSet<Key> = used.into_keys().collect();
        let moved = moved(
            inside,
            outside,
            |packet| !there.contains_key(&own.key(packet)),
            |packet| !here.contains(&other.key(packet)),
        );
        let moved = steady(moved, own, other);
        let all = || same_place.iter().chain(&moved);
        let from_sender = all().filter(|(packet, _)| packet.by_sender).count();
        let enough = all().count() >= MIN_MATCHED && from_sender >= MIN_MATCHED / 2;
        enough.then_some(Self { same_place, moved })
    }
}

/// Those that stand off by one figure: what a device put in or took out moves all behind it alike. Segments that a
/// network card cut elsewhere stand off by whole segments, and where the content repeats itself they look the same.
fn steady<'a>(pairs: Vec<Pair<'a>>, own: &Places, other: &Places) -> Vec<Pair<'a>> {
    let shift = |(inside, outside): &Pair<'_>| {
        (inside.by_sender, other.place(outside).saturating_sub(own.place(inside)))
    };
    let mut counts: AHashMap<(bool, i64), usize> = AHashMap::new();
    for pair in &pairs {
        *counts.entry(shift(pair)).or_default() += 1;
    }
    let is_steady = |pair: &Pair<'a>| {
        let of_whole_segments = shift(pair).1 % i64::from(pair.0.payload.max(1)) == 0;
        !of_whole_segments && counts.get(&shift(pair)).is_some_and(|count| *count >= MIN_MOVED)
    };
    pairs.into_iter().filter(is_steady).collect()
}

/// Segments without a partner at their place that have one with the same octets elsewhere, in their order. What one
/// end says more than once is not told from its repetition.
fn moved<'a>(
    inside: &'a Tape,
    outside: &'a Tape,
    alone_inside: impl Fn(&Packet) -> bool,
    alone_outside: impl Fn(&Packet) -> bool,
) -> Vec<Pair<'a>> {
    let mut found = Vec::new();
    for by_sender in [true, false] {
        let there = unique(outside, by_sender, &alone_outside);
        let mut here: Vec<_> = unique(inside, by_sender, &alone_inside).into_iter().collect();
        here.sort_unstable_by_key(|(_, (place, _))| *place);
        let mut behind = None;
        for (word, (_, packet)) in here {
            if let Some((place, copy)) =
                there.get(&word).filter(|(place, _)| behind.is_none_or(|last| *place > last))
            {
                behind = Some(*place);
                found.push((packet, *copy));
            }
        }
    }
    found
}

/// Length and sum of the segments that nothing else of that end shares, with their place in the file.
fn unique<'a>(
    tape: &'a Tape,
    by_sender: bool,
    alone: &impl Fn(&Packet) -> bool,
) -> AHashMap<(u32, u16), (usize, &'a Packet)> {
    let mut words: AHashMap<(u32, u16), Option<(usize, &Packet)>> = AHashMap::new();
    let own = tape.packets.iter().enumerate().filter(|(_, packet)| {
        packet.by_sender == by_sender && packet.payload >= MIN_TELLING && alone(packet)
    });
    for (place, packet) in own {
        if let Some(sum) = packet.sum {
            words
                .entry((packet.payload, sum))
                .and_modify(|first| *first = None)
                .or_insert(Some((place, packet)));
        }
    }
    words.into_iter().filter_map(|(word, first)| Some((word, first?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::outside::testing::packet;

    /// Segments of the sender: place, octets, sum.
    fn tape(segments: &[(u32, u32, u16)]) -> Tape {
        let packets = segments.iter().zip(1..).map(|((seq, payload, sum), micros)| Packet {
            seq: *seq,
            payload: *payload,
            sum: Some(*sum),
            ..packet(true, micros)
        });
        Tape { packets: packets.collect(), ..Tape::default() }
    }

    fn pairs(inside: &Tape, outside: &Tape) -> (usize, usize) {
        let (own, other) = Places::of_both(inside, outside);
        Pairs::of(inside, outside, &own, &other)
            .map_or((0, 0), |pairs| (pairs.same_place.len(), pairs.moved.len()))
    }

    #[test]
    fn octets_that_were_put_in_move_all_behind_them() {
        let outside = tape(&[(1, 40, 1), (41, 50, 2), (91, 60, 3), (151, 70, 4), (221, 80, 5), (301, 90, 6)]);
        assert_eq!(pairs(&outside, &outside), (6, 0));
        let inside = tape(&[(1, 40, 1), (41, 50, 2), (91, 60, 3), (161, 70, 4), (231, 80, 5), (311, 90, 6)]);
        // Most of them did not move: numbers are counted by what agrees, so three stay and three stand off by 10.
        assert_eq!(pairs(&inside, &outside), (3, 3));
    }

    #[test]
    fn segments_cut_elsewhere_moved_nowhere() {
        // A body that repeats itself, in segments of 100, one of which came joined with half of the next.
        let outside: Vec<_> = (0..9u32).map(|step| (1 + step * 100, 100, 9)).collect();
        let mut inside: Vec<_> = vec![(1, 100, 9), (101, 150, 8)];
        inside.extend((0..6u32).map(|step| (251 + step * 100, 100, 9)));
        let (_, moved) = pairs(&tape(&inside), &tape(&outside));
        assert_eq!(moved, 0, "50 octets off, but nothing tells these segments from each other");
    }
}
