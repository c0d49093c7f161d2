//! The last octets of a stream that were handed on, to hold copies of them against.

use super::Budget;

/// Octets remembered of each direction: a little more than the first flight of a connection
/// (10 segments of 1460 octets, RFC 6928), which is what a loss makes a sender send again.
pub(super) const REMEMBERED: usize = 16 * 1024;

/// The octets of one stretch of the stream; a ring, so the octet at offset `n` always lies at
/// `n % REMEMBERED`.
#[derive(Debug, Default)]
pub(super) struct RecentOctets {
    ring: Vec<u8>,
    from: u64,
    to: u64,
}

impl RecentOctets {
    /// Takes octets that are handed on; whether they could be kept.
    #[inline]
    pub(super) fn remember(&mut self, offset: u64, bytes: &[u8], budget: &mut Budget) -> bool {
        if offset != self.to {
            self.from = offset;
        }
        self.to = offset + bytes.len() as u64;
        self.from = self.from.max(self.to.saturating_sub(REMEMBERED as u64));
        let kept = bytes.get(bytes.len().saturating_sub(REMEMBERED)..).unwrap_or_default();
        let place = (self.to - kept.len() as u64) as usize % REMEMBERED;
        if (place + kept.len()).min(REMEMBERED) > self.ring.len() && !self.grow(place + kept.len(), budget) {
            self.from = self.to;
            return false;
        }
        let (head, tail) = kept.split_at(kept.len().min(REMEMBERED - place));
        if let Some(room) = self.ring.get_mut(place..place + head.len()) {
            room.copy_from_slice(head);
        }
        if let Some(room) = self.ring.get_mut(..tail.len()) {
            room.copy_from_slice(tail);
        }
        true
    }

    /// Whether any remembered octet is another than the one of `bytes` in its place.
    pub(super) fn differs(&self, offset: i64, bytes: &[u8]) -> bool {
        let (from, to) = (self.from.cast_signed(), self.to.cast_signed());
        let end = offset.saturating_add_unsigned(bytes.len() as u64).min(to);
        let from = from.max(offset);
        if from >= end {
            return false;
        }
        let copy = bytes.get((from - offset) as usize..(end - offset) as usize).unwrap_or_default();
        let place = from as usize % REMEMBERED;
        let (head, tail) = copy.split_at(copy.len().min(REMEMBERED - place));
        self.ring.get(place..place + head.len()) != Some(head) || self.ring.get(..tail.len()) != Some(tail)
    }

    /// Gives its memory back.
    pub(super) fn forget(&mut self, budget: &mut Budget) {
        budget.release_remembered(self.ring.len());
        *self = Self::default();
    }

    /// Short streams, as most answers are, need no whole ring.
    #[cold]
    fn grow(&mut self, needed: usize, budget: &mut Budget) -> bool {
        let size = needed.next_power_of_two().min(REMEMBERED);
        if !budget.take_remembered(size - self.ring.len()) {
            return false;
        }
        self.ring.resize(size, 0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However the stream is cut, copies within the ring are told apart to the octet.
        #[test]
        fn one_other_octet_is_found_wherever_it_lies(
            cuts in proptest::collection::vec(1usize..6000, 1..30),
            back in 1usize..REMEMBERED + 500,
            len in 1usize..4000,
            change in any::<proptest::sample::Index>(),
        ) {
            let total: usize = cuts.iter().sum();
            let stream: Vec<u8> = (0..total).map(|n| ((n * 31) >> 3) as u8).collect();
            let (mut recent, mut budget, mut place) = (RecentOctets::default(), Budget::default(), 0);
            for cut in cuts {
                prop_assert!(recent.remember(place as u64, &stream[place..place + cut], &mut budget));
                place += cut;
            }
            let from = total.saturating_sub(back);
            let mut copy = stream[from..(from + len).min(total)].to_vec();
            prop_assert!(!recent.differs(from as i64, &copy));
            let change = change.index(copy.len());
            copy[change] ^= 1;
            let kept = from + change + REMEMBERED >= total;
            prop_assert_eq!(recent.differs(from as i64, &copy), kept);
            recent.forget(&mut budget);
            prop_assert_eq!(budget.remembered(), 0);
        }
    }

    #[test]
    fn a_hole_and_a_spent_budget_end_what_is_remembered() {
        let (mut recent, mut budget) = (RecentOctets::default(), Budget::default());
        recent.remember(0, b"before", &mut budget);
        recent.remember(10, b"behind", &mut budget);
        assert!(!recent.differs(0, b"BEFORE"));
        assert!(recent.differs(8, b"..BEHIND"));
        assert!(!recent.differs(-3, b"........"));
        let mut spent = Budget::with_remembered(64);
        let mut other = RecentOctets::default();
        assert!(other.remember(0, &[1; 64], &mut spent));
        assert!(!other.remember(64, &[2; 64], &mut spent));
        assert!(!other.differs(0, &[9; 128]), "nothing is claimed of what is not kept");
    }
}
