//! Octets that came before their turn, and what is remembered of those that are gone.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::cite::Moment;

/// Octets that wait, with the segment that brought them.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    pub(super) by: Brought,
}

/// What is known of the segment that brought a piece.
#[derive(Debug, Clone, Copy)]
pub(super) struct Brought {
    pub(super) at: Moment,
    pub(super) acknowledged: u64,
    /// Its checksum is wrong: a good copy takes its place.
    pub(super) doubtful: bool,
}

/// Waiting pieces by the offset of their first octet; they never overlap.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pieces: BTreeMap<u64, Piece>,
    octets: usize,
    /// Ranges that the snapshot length cut off frames, by their beginning.
    cuts: BTreeMap<u64, u64>,
}

impl Pieces {
    pub(super) fn octets(&self) -> usize {
        self.octets
    }

    pub(super) fn count(&self) -> usize {
        self.pieces.len() + self.cuts.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.cuts.is_empty()
    }

    pub(super) fn first_offset(&self) -> Option<u64> {
        self.pieces.keys().next().copied()
    }

    /// Keeps those of `bytes` that no piece has yet; says how many they were.
    pub(super) fn insert(&mut self, offset: u64, bytes: &[u8], by: Brought) -> usize {
        let end = offset + bytes.len() as u64;
        let mut place = self.end_of_piece_over(offset).unwrap_or(offset);
        let mut new = 0;
        while place < end {
            let next =
                self.pieces.range(place..).next().map(|(&at, piece)| (at, at + piece.bytes.len() as u64));
            let free_to = next.map_or(end, |(start, _)| start.min(end));
            let from = (place - offset) as usize;
            let to = (free_to - offset) as usize;
            if let Some(free) = bytes.get(from..to)
                && !free.is_empty()
            {
                new += free.len();
                self.octets += free.len();
                self.pieces.insert(place, Piece { bytes: free.to_vec(), by });
            }
            match next {
                Some((_, next_end)) if free_to < end => place = next_end,
                _ => break,
            }
        }
        new
    }

    /// Whether a waiting piece holds other octets at the same places.
    pub(super) fn differs(&self, offset: u64, bytes: &[u8]) -> bool {
        let end = offset + bytes.len() as u64;
        let before = self.pieces.range(..offset).next_back();
        before.into_iter().chain(self.pieces.range(offset..end)).any(|(&start, piece)| {
            let from = start.max(offset);
            let to = end.min(start + piece.bytes.len() as u64);
            from < to && {
                let mine = piece.bytes.get((from - start) as usize..(to - start) as usize);
                let theirs = bytes.get((from - offset) as usize..(to - offset) as usize);
                mine != theirs
            }
        })
    }

    /// Takes doubtful octets out of the way of `len` good ones; how many they were.
    pub(super) fn give_way(&mut self, offset: u64, len: usize) -> usize {
        let end = offset + len as u64;
        // Pieces never overlap: those before one that ends before `offset` end before it, too.
        let starts: Vec<u64> = self
            .pieces
            .range(..end)
            .rev()
            .take_while(|(start, piece)| **start + piece.bytes.len() as u64 > offset)
            .filter(|(_, piece)| piece.by.doubtful)
            .map(|(start, _)| *start)
            .collect();
        let mut replaced = 0;
        for start in starts {
            let Some(mut piece) = self.pieces.remove(&start) else { continue };
            self.octets -= piece.bytes.len();
            let length = piece.bytes.len();
            let behind = piece.bytes.split_off(length.min(end.saturating_sub(start) as usize));
            let before = piece.bytes.len().min(offset.saturating_sub(start) as usize);
            replaced += piece.bytes.len() - before;
            piece.bytes.truncate(before);
            for (place, bytes) in [(start, piece.bytes), (end, behind)] {
                if !bytes.is_empty() {
                    self.octets += bytes.len();
                    self.pieces.insert(place, Piece { bytes, by: piece.by });
                }
            }
        }
        replaced
    }

    /// Takes the first piece as it is, for want of a better copy.
    pub(super) fn believe_first(&mut self) {
        if let Some(mut first) = self.pieces.first_entry() {
            first.get_mut().by.doubtful = false;
        }
    }

    /// The piece at `offset`, taken out; of a doubtful one only what the other end acknowledged.
    pub(super) fn take_first_at(&mut self, offset: u64, acked: u64) -> Option<Piece> {
        let first = self.pieces.first_entry()?;
        if *first.key() != offset || (first.get().by.doubtful && acked <= offset) {
            return None;
        }
        let mut piece = first.remove();
        let known = (acked.saturating_sub(offset) as usize).min(piece.bytes.len());
        if piece.by.doubtful && known < piece.bytes.len() {
            let rest = Piece { bytes: piece.bytes.split_off(known), by: piece.by };
            self.pieces.insert(offset + known as u64, rest);
        }
        self.octets -= piece.bytes.len();
        self.forget_cuts_before(offset + piece.bytes.len() as u64);
        Some(piece)
    }

    /// Notes that the snapshot length cut off the octets from `from` to `to`; says whether that is
    /// news beyond `next`.
    pub(super) fn mark_cut(&mut self, from: u64, to: u64, next: u64) -> bool {
        let from = from.max(next);
        if from >= to {
            return false;
        }
        let known = self.cuts.entry(from).or_insert(from);
        let new = *known < to;
        *known = to.max(*known);
        new
    }

    /// The end of the cut that `offset` lies in.
    pub(super) fn cut_at(&self, offset: u64) -> Option<u64> {
        let (_, &end) = self.cuts.range(..=offset).next_back()?;
        (end > offset).then_some(end)
    }

    /// The end of the last cut, 0 where there is none.
    pub(super) fn last_cut(&self) -> u64 {
        self.cuts.values().copied().max().unwrap_or(0)
    }

    /// Drops what is known of cuts before `offset`.
    pub(super) fn forget_cuts_before(&mut self, offset: u64) {
        while let Some(first) = self.cuts.first_entry() {
            if *first.get() > offset {
                break;
            }
            first.remove();
        }
    }

    /// The end of the piece that holds the octet at `offset`.
    fn end_of_piece_over(&self, offset: u64) -> Option<u64> {
        let (&start, piece) = self.pieces.range((Bound::Unbounded, Bound::Included(offset))).next_back()?;
        let end = start + piece.bytes.len() as u64;
        (end > offset).then_some(end)
    }
}

/// The Internet checksums of the last segments, by their bounds.
#[derive(Debug, Default)]
pub(super) struct RecentSums {
    sums: [(u64, u32, u16); Self::KEPT],
    newest: u8,
}

impl RecentSums {
    /// Segments remembered: about as many as a loss sends again.
    const KEPT: usize = 8;

    #[inline]
    pub(super) fn remember(&mut self, offset: u64, len: u32, sum: Option<u16>) {
        let Some(sum) = sum else { return };
        self.newest = (self.newest + 1) % Self::KEPT as u8;
        if let Some(slot) = self.sums.get_mut(usize::from(self.newest)) {
            *slot = (offset, len, sum);
        }
    }

    /// Whether a segment with the same bounds had another sum.
    pub(super) fn differs(&self, offset: u64, len: u32, sum: Option<u16>) -> bool {
        // An empty slot has length 0, which no copy has.
        sum.is_some_and(|sum| {
            self.sums.iter().any(|&(o, l, s)| o == offset && l == len && l > 0 && !same(s, sum))
        })
    }
}

/// Whether two ones' complement sums are the same number, 0 having two forms.
const fn same(a: u16, b: u16) -> bool {
    a % u16::MAX == b % u16::MAX
}
