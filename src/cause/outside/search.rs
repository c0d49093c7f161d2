//! Connections that bear other ends and other numbers outside (a firewall that translates and renumbers, a proxy
//! with an address of its own), sought by what the sender said.

use std::cmp::Reverse;

use ahash::AHashMap;

use crate::capture::flow::FlowKey;
use crate::capture::segment::Segment;
use crate::cause::outside::places::MIN_TELLING;
use crate::cause::outside::read::Wanted;
use crate::cause::outside::{Packet, Tape};
use crate::net::{Endpoint, canonical};

/// Connections that are listened to; further ones are not.
const MAX_CANDIDATES: usize = 65_536;
/// Segments of a wanted connection that are listened for.
const MAX_WORDS: usize = 32;
/// Segments with the same octets, in their order, that make it the same connection.
const MIN_HEARD: u32 = 3;
/// Wanted connections that may have one segment in common: what more say tells nothing.
const MAX_SHARED: usize = 64;

/// Wanted connections that one candidate may be; a sender's that say the same are told apart by little more.
const MAX_HEARD: usize = 256;

/// Length and sum.
type Word = (u32, u16);

/// Listens for what was said.
#[derive(Debug)]
pub(super) struct Search {
    /// For each word the wanted connections that say it, with its place among their words.
    words: AHashMap<Word, Vec<(usize, u32)>>,
    wanted: Vec<(Endpoint, Endpoint)>,
    candidates: AHashMap<(FlowKey, Endpoint), Candidate>,
}

/// For each wanted connection how many of its words were heard in their order, and the last of them.
#[derive(Debug, Default)]
struct Candidate(Vec<(usize, u32, u32)>);

impl Search {
    pub(super) fn of(wanted: &[Wanted], tapes: &[Tape]) -> Self {
        let mut words: AHashMap<Word, Vec<(usize, u32)>> = AHashMap::new();
        for (place, tape) in tapes.iter().enumerate() {
            let own = tape.packets.iter().filter(|packet| packet.by_sender);
            for (number, word) in (0u32..).zip(own.filter_map(word).take(MAX_WORDS)) {
                let sharing = words.entry(word).or_default();
                // A copy of the segment before says nothing new.
                let copy = sharing.last().is_some_and(|(other, _)| *other == place);
                if !copy && sharing.len() < MAX_SHARED {
                    sharing.push((place, number));
                }
            }
        }
        let wanted = wanted.iter().map(|one| (one.sender, one.appliance)).collect();
        Self { words, wanted, candidates: AHashMap::new() }
    }

    /// Hears a segment of an unknown connection.
    pub(super) fn hear(&mut self, segment: &Segment<'_>) {
        let Some(sum) = segment.payload_sum.filter(|_| segment.payload_len >= MIN_TELLING) else { return };
        let Some(sharing) = self.words.get(&(segment.stream_len(), sum)) else { return };
        let key = (FlowKey::of(segment).0, segment.source);
        if self.candidates.len() >= MAX_CANDIDATES && !self.candidates.contains_key(&key) {
            return;
        }
        let Candidate(heard) = self.candidates.entry(key).or_default();
        for (place, number) in sharing {
            let full = heard.len() >= MAX_HEARD;
            match heard.iter_mut().find(|(other, _, _)| other == place) {
                Some((_, count, last)) if number > last => (*count, *last) = (*count + 1, *number),
                Some(_) => {}
                None if full => {}
                None => heard.push((*place, 1, *number)),
            }
        }
    }

    /// For each wanted connection that is `missing` the one outside that said most of it, where only one did.
    /// One with the sender's own address or port goes before others.
    pub(super) fn found(self, missing: impl Fn(usize) -> bool) -> Vec<(usize, FlowKey, Endpoint)> {
        let mut best: AHashMap<usize, Vec<(Rank, FlowKey, Endpoint)>> = AHashMap::new();
        for ((key, source), Candidate(heard)) in self.candidates {
            for (place, count, _) in heard.into_iter().filter(|(_, count, _)| *count >= MIN_HEARD) {
                let Some((sender, _)) = self.wanted.get(place).filter(|_| missing(place)) else { continue };
                let alike = u32::from(canonical(sender.ip) == canonical(source.ip))
                    + u32::from(sender.port == source.port);
                best.entry(place).or_default().push(((Reverse(count), Reverse(alike)), key, source));
            }
        }
        let mut found: Vec<_> = best
            .into_iter()
            .filter_map(|(place, mut each)| {
                each.sort_unstable_by_key(|(rank, _, source)| (*rank, *source));
                let (first, key, source) = *each.first()?;
                // Two that said as much cannot be told apart.
                let alone = each.get(1).is_none_or(|(second, ..)| *second != first);
                alone.then_some((place, key, source))
            })
            .collect();
        found.sort_unstable_by_key(|(place, ..)| *place);
        // One connection outside is one inside.
        let mut taken: AHashMap<FlowKey, usize> = AHashMap::new();
        for (_, key, _) in &found {
            *taken.entry(*key).or_default() += 1;
        }
        found.retain(|(_, key, _)| taken.get(key) == Some(&1));
        found
    }
}

/// How well a candidate fits, the best first.
type Rank = (Reverse<u32>, Reverse<u32>);

fn word(packet: &Packet) -> Option<Word> {
    let sum = packet.sum.filter(|_| packet.payload >= MIN_TELLING)?;
    Some((packet.payload, sum))
}
