//! Packets of both sides that belong together.

use ahash::{AHashMap, AHashSet};

use crate::cause::outside::places::{Key, MIN_TELLING, Places};
use crate::cause::outside::{Packet, Tape};

/// Packets that must be found on both sides for a connection to be the same.
const MIN_MATCHED: usize = 4;

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
        let all = || same_place.iter().chain(&moved);
        let from_sender = all().filter(|(packet, _)| packet.by_sender).count();
        let enough = all().count() >= MIN_MATCHED && from_sender >= MIN_MATCHED / 2;
        enough.then_some(Self { same_place, moved })
    }
}

/// Segments without a partner at their place that have one with the same octets elsewhere, in their order.
fn moved<'a>(
    inside: &'a Tape,
    outside: &'a Tape,
    alone_inside: impl Fn(&Packet) -> bool,
    alone_outside: impl Fn(&Packet) -> bool,
) -> Vec<Pair<'a>> {
    let telling = |packet: &&Packet| packet.payload >= MIN_TELLING && packet.sum.is_some();
    let mut found = Vec::new();
    for by_sender in [true, false] {
        let of = |packet: &&Packet| packet.by_sender == by_sender;
        let mut ahead: AHashMap<(u32, Option<u16>), Vec<(usize, &Packet)>> = AHashMap::new();
        let theirs = outside.packets.iter().filter(of).filter(telling);
        for (place, packet) in theirs.filter(|packet| alone_outside(packet)).enumerate() {
            ahead.entry((packet.payload, packet.sum)).or_default().push((place, packet));
        }
        let mut behind = None;
        let own = inside.packets.iter().filter(of).filter(telling);
        for packet in own.filter(|packet| alone_inside(packet)) {
            let copies = ahead.get(&(packet.payload, packet.sum));
            let next =
                copies.into_iter().flatten().find(|(place, _)| behind.is_none_or(|last| *place > last));
            if let Some((place, copy)) = next {
                behind = Some(*place);
                found.push((packet, *copy));
            }
        }
    }
    found
}
