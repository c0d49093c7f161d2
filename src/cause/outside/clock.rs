//! How far the clocks of the two sides stand apart.

use crate::cause::outside::pairs::Pair;
use crate::time::Span;

/// The outside clock against the inside one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    /// How far it is ahead.
    pub ahead: Span,
    /// By how much that may be wrong: half the time that a packet and its answer are on the way between the
    /// two places.
    pub give_or_take: Span,
}

/// The fastest packets that are looked at, of each direction: one in so many.
const FASTEST: usize = 10;

impl Offset {
    /// `2.001 s ahead, give or take 0.030 s`: as many digits as are known.
    pub fn words(self) -> String {
        let digits = if self.give_or_take < Span::from_millis(1) { 6 } else { 3 };
        let way = if self.ahead < Span::ZERO { "behind" } else { "ahead" };
        let mut words = format!("{:.digits$} s {way}", self.ahead.abs().seconds());
        if self.give_or_take > Span::ZERO {
            words.push_str(&format!(", give or take {:.digits$} s", self.give_or_take.seconds()));
        }
        words
    }

    /// A packet of the sender was outside before it was inside, one of the appliance after: the true offset
    /// lies between what the two directions show (as NTP has it, RFC 5905 section 8). The fastest packets
    /// tell it best; a few are passed over, for a copy may have been paired with another one. Handshakes are left
    /// out where there is more: a proxy answers the sender's before it begins its own.
    pub(super) fn of<'a>(pairs: impl Iterator<Item = &'a Pair<'a>> + Clone) -> Option<Self> {
        let of = |by_sender| differences(pairs.clone(), by_sender);
        let (sender, appliance) = (of(true), of(false));
        let least = most_of(&sender);
        let most = appliance.get(appliance.len() / FASTEST);
        let half = |one: Span, other: Span| Span::from_nanos(one.nanos().midpoint(other.nanos()));
        match (least, most) {
            (Some(least), Some(most)) => {
                let apart = most.nanos().abs_diff(least.nanos()) / 2;
                let give_or_take = Span::from_nanos(i64::try_from(apart).unwrap_or(i64::MAX));
                Some(Self { ahead: half(*least, *most), give_or_take })
            }
            (Some(one), None) | (None, Some(one)) => Some(Self { ahead: *one, give_or_take: Span::ZERO }),
            (None, None) => None,
        }
    }
}

/// Outside time less inside time of the packets of one end, ascending.
fn differences<'a>(pairs: impl Iterator<Item = &'a Pair<'a>> + Clone, by_sender: bool) -> Vec<Span> {
    let own = pairs.filter(move |(inside, _)| inside.by_sender == by_sender);
    let later = own.clone().any(|(inside, _)| !inside.flags.syn());
    let own = own.filter(move |(inside, _)| !(later && inside.flags.syn()));
    let mut all: Vec<Span> = own.map(|(one, other)| other.at.time.since(one.at.time)).collect();
    all.sort_unstable();
    all
}

/// Of the highest the one that so many are passed over for.
fn most_of(ascending: &[Span]) -> Option<&Span> {
    ascending.len().checked_sub(1 + ascending.len() / FASTEST).and_then(|place| ascending.get(place))
}

/// Outside time less inside time of the fastest packet of the sender, handshakes left out.
pub(super) fn fastest_in<'a>(pairs: impl Iterator<Item = &'a Pair<'a>> + Clone) -> Option<Span> {
    most_of(&differences(pairs, true)).copied()
}

/// How long a packet and its answer are on the way between the two places: free of the clocks' offset.
pub(super) fn there_and_back<'a>(pairs: impl Iterator<Item = &'a Pair<'a>> + Clone) -> Option<Span> {
    let median = |by_sender: bool| {
        let own = pairs.clone().filter(move |(inside, _)| inside.by_sender == by_sender);
        let mut all: Vec<Span> = own.map(|(one, other)| other.at.time.since(one.at.time)).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    };
    Some(Span::from_nanos(median(false)?.nanos().saturating_sub(median(true)?.nanos())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::outside::Packet;
    use crate::cause::outside::testing::packet;

    #[test]
    fn the_clocks_stand_between_what_both_directions_show() {
        // 2 s ahead; the sender's packets need 30 ms and more inwards, the appliance's 31 ms outwards.
        let out = |micros: i64| micros + 2_000_000;
        let packets: Vec<(Packet, Packet)> = (0..20i64)
            .map(|step| {
                let (begin, by_sender) = (step * 100_000, step % 2 == 0);
                let slow = step % 3 * 1_000;
                let (inside, outside) =
                    if by_sender { (begin + 30_000 + slow, begin) } else { (begin, begin + 31_000 + slow) };
                (packet(by_sender, inside), packet(by_sender, out(outside)))
            })
            .collect();
        let pairs: Vec<Pair<'_>> = packets.iter().map(|(one, other)| (one, other)).collect();
        let offset = Offset::of(pairs.iter()).unwrap();
        assert_eq!((offset.ahead.nanos(), offset.give_or_take.nanos()), (2_000_500_000, 30_500_000));
        assert_eq!(offset.words(), "2.001 s ahead, give or take 0.030 s");
        assert_eq!(fastest_in(pairs.iter()), Some(Span::from_millis(1_970)));
        let back = there_and_back(pairs.iter()).unwrap();
        assert!((61_000_000..=65_000_000).contains(&back.nanos()), "{back:?}");
        let one_way: Vec<Pair<'_>> = pairs.into_iter().filter(|(packet, _)| packet.by_sender).collect();
        assert_eq!(Offset::of(one_way.iter()).unwrap().give_or_take, Span::ZERO);
    }
}
