//! Whether the packets on the two sides are the same ones, or others that bear the same octets.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cause::outside::Tape;
use crate::cause::outside::pairs::Pair;
use crate::time::Span;

/// How a connection passes from one side to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Passage {
    /// The same packets are on both sides.
    SamePackets,
    /// A proxy in between ends the connection and has one of its own with the appliance.
    Proxied,
    /// The packets do not tell: too few, or without anything by which to know them.
    #[default]
    Unknown,
}

/// What shows whether the packets are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Identity {
    /// Packets at the same place that bear the same timestamp or IP ID.
    pub same: usize,
    /// Packets at the same place that bear another.
    pub other: usize,
    /// The sequence numbers of an end are others, by one shift for all of the connection: the sender's, the
    /// appliance's.
    pub renumbered: [bool; 2],
    /// The sender's SYNs come from different stacks: other windows, scales or options.
    pub looks_differ: bool,
    /// The sender's handshake was over before its SYN can have reached the appliance.
    pub answered_first: bool,
    /// Octets of the sender that were acknowledged to it in the appliance's name, and that the appliance neither
    /// got nor acknowledged.
    pub acknowledged_in_between: u64,
}

/// Pairs that tell something.
const MIN_PAIRS: usize = 4;
/// The share of pairs that makes a rule, in tenths.
const MOST: usize = 8;

impl Passage {
    /// Judges by the packets of one end; routers leave timestamps and IP IDs as they are, a proxy's own stack
    /// counts them anew.
    ///
    /// Firewalls that shift sequence numbers leave both alone. Normalisers that shift timestamps do so by one
    /// figure for all of a connection; where the IP IDs are others as well, that cannot be told from a proxy
    /// whose clock ticks alike, and only what it answers or acknowledges by itself tells it. A firewall that answers
    /// SYNs in the appliance's place (SYN cookies) passes on the same packets afterwards.
    pub(super) fn of<'a>(pairs: impl Iterator<Item = &'a Pair<'a>> + Clone, identity: &Identity) -> Self {
        let words = [Word::of(pairs.clone(), true), Word::of(pairs, false)];
        let anew = identity.renumbered.contains(&true) || identity.looks_differ;
        let stands_in = identity.acknowledged_in_between > 0 || identity.answered_first;
        if stands_in && !words.contains(&Word::Same) {
            Self::Proxied
        } else if words.contains(&Word::Same) && !words.contains(&Word::Other) {
            Self::SamePackets
        } else if words.contains(&Word::Other) && !words.contains(&Word::Same) && anew {
            Self::Proxied
        } else {
            Self::Unknown
        }
    }
}

/// What the packets of one end say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Same,
    Other,
    Nothing,
}

impl Word {
    fn of<'a>(pairs: impl Iterator<Item = &'a Pair<'a>>, by_sender: bool) -> Self {
        let own: Vec<&Pair<'_>> = pairs.filter(|(packet, _)| packet.by_sender == by_sender).collect();
        let ids: Vec<bool> = own.iter().filter_map(|pair| same_ip_id(pair)).collect();
        let same_ids = ids.iter().filter(|same| **same).count();
        let mut shifts: BTreeMap<u32, usize> = BTreeMap::new();
        for (inside, outside) in &own {
            if let (Some(here), Some(there)) = (inside.stamp, outside.stamp) {
                *shifts.entry(there.wrapping_sub(here)).or_default() += 1;
            }
        }
        let stamped: usize = shifts.values().sum();
        let most = |count: usize, all: usize| all >= MIN_PAIRS && count * 10 >= all * MOST;
        let few = |count: usize, all: usize| all >= MIN_PAIRS && count * 10 <= all * (10 - MOST);
        let unshifted = shifts.get(&0).copied().unwrap_or(0);
        if most(same_ids, ids.len()) {
            return Self::Same;
        }
        if most(unshifted, stamped) {
            // Two stacks on one machine may count the same time; their IP IDs still differ.
            return if few(same_ids, ids.len()) { Self::Nothing } else { Self::Same };
        }
        if stamped >= MIN_PAIRS {
            let steady = shifts.values().max().is_some_and(|count| most(*count, stamped));
            return if steady { Self::Nothing } else { Self::Other };
        }
        if few(same_ids, ids.len()) { Self::Other } else { Self::Nothing }
    }
}

/// Whether both have one IP ID; `None` where it is not counted (0, IPv6).
pub(super) fn same_ip_id((inside, outside): &Pair<'_>) -> Option<bool> {
    match (inside.ip_id, outside.ip_id) {
        (Some(0), Some(0)) => None,
        (Some(here), Some(there)) => Some(here == there),
        _ => None,
    }
}

/// Whether a pair is one packet, by its timestamp, else by its IP ID.
pub(super) fn is_one_packet(pair: &Pair<'_>) -> Option<bool> {
    match (pair.0.stamp, pair.1.stamp) {
        (Some(here), Some(there)) if here == there => Some(true),
        (Some(_), Some(_)) => Some(same_ip_id(pair).unwrap_or(false)),
        _ => same_ip_id(pair),
    }
}

/// Whether the sender's handshake was over before its SYN was inside: its acknowledgment of the SYN-ACK, which is
/// outside, would have been inside before the SYN even if it had been as fast as the fastest packet. Clocks
/// do not matter to that.
pub(super) fn answered_first(inside: &Tape, outside: &Tape, fastest: Option<Span>) -> bool {
    let syn = inside.packets.iter().find(|packet| packet.by_sender && packet.flags.is_syn());
    let answer = outside.packets.iter().position(|packet| !packet.by_sender && packet.flags.is_syn_ack());
    let rest = answer.and_then(|place| outside.packets.get(place..)).unwrap_or_default();
    let ack = rest.iter().find(|packet| packet.by_sender && packet.flags.ack() && !packet.flags.rst());
    match (syn, ack, fastest) {
        (Some(syn), Some(ack), Some(fastest)) => ack.at.time.minus(fastest) <= syn.at.time,
        _ => false,
    }
}

/// Whether the SYNs of an end come from different stacks, as far as both were captured.
pub(super) fn look_differs(inside: &Tape, outside: &Tape, by_sender: bool) -> bool {
    let place = usize::from(!by_sender);
    let look = |tape: &Tape| tape.looks.get(place).cloned().flatten();
    matches!((look(inside), look(outside)), (Some(here), Some(there)) if here != there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::outside::Packet;
    use crate::cause::outside::testing::packet;

    /// Eight packets of the sender, as `change` makes their copies outside.
    fn passage(identity: &Identity, change: impl Fn(u32, Packet) -> Packet) -> Passage {
        let packets: Vec<(Packet, Packet)> = (0..8u32)
            .map(|step| {
                let id = u16::try_from(step).unwrap() + 100;
                let inside = Packet { ip_id: Some(id), stamp: Some(5_000 + step * 9), ..packet(true, 0) };
                (inside, change(step, inside))
            })
            .collect();
        let pairs: Vec<Pair<'_>> = packets.iter().map(|(one, other)| (one, other)).collect();
        Passage::of(pairs.iter(), identity)
    }

    #[test]
    fn a_proxy_is_told_from_a_firewall_that_renumbers() {
        let renumbered = Identity { renumbered: [true, true], ..Identity::default() };
        assert_eq!(passage(&renumbered, |_, packet| packet), Passage::SamePackets);
        // Normalised: timestamps shifted by one figure.
        let shifted =
            |_, packet: Packet| Packet { stamp: packet.stamp.map(|stamp| stamp + 77_000), ..packet };
        assert_eq!(passage(&renumbered, shifted), Passage::SamePackets);
        // Another stack: other IDs, and timestamps that go their own way.
        let anew = |step: u32, packet: Packet| Packet {
            ip_id: Some(40_000 + u16::try_from(step).unwrap()),
            stamp: packet.stamp.map(|stamp| stamp + 900 + step % 3),
            ..packet
        };
        assert_eq!(passage(&renumbered, anew), Passage::Proxied);
        assert_eq!(passage(&Identity::default(), anew), Passage::Unknown, "one mark is not enough");
        // Both rewritten by one figure: a normaliser does that, and so may a proxy whose clock ticks alike.
        let alike = |step: u32, packet: Packet| Packet {
            ip_id: Some(40_000 + u16::try_from(step).unwrap()),
            stamp: packet.stamp.map(|stamp| stamp + 900),
            ..packet
        };
        assert_eq!(passage(&renumbered, alike), Passage::Unknown);
        let stands_in = Identity { acknowledged_in_between: 4_000, ..renumbered };
        assert_eq!(passage(&stands_in, alike), Passage::Proxied);
        let cookies = Identity { answered_first: true, ..renumbered };
        assert_eq!(passage(&cookies, |_, packet| packet), Passage::SamePackets, "SYN cookies");
        let bare = |step: u32, packet: Packet| Packet { stamp: None, ..anew(step, packet) };
        assert_eq!(passage(&renumbered, bare), Passage::Proxied, "by IP IDs alone, without timestamps");
    }
}
