//! Octets that have come but cannot be read yet, because their meaning hangs on a reply.

use std::collections::VecDeque;

use crate::capture::Gap;
use crate::cite::Moment;

/// How much may be held for one connection, in octets with [`PIECE_COST`] a piece. Every client that
/// waits for its replies, as all but few do, needs none of it; files whose two directions are out of
/// step need as much as one direction is ahead.
pub(crate) const MAX_HELD: usize = 256 * 1024;

/// What a piece costs beside its octets.
const PIECE_COST: usize = size_of::<Piece>();

/// A queue of octets and gaps.
#[derive(Debug, Default)]
pub(crate) struct Held {
    octets: Vec<u8>,
    /// Octets at the beginning of `octets` that have been read.
    read: usize,
    pieces: VecDeque<Piece>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Piece {
    Octets { length: usize, offset: u64, at: Moment, acknowledged: u64 },
    Gap(Gap),
}

impl Held {
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Octets held.
    pub(crate) fn len(&self) -> usize {
        self.octets.len() - self.read
    }

    /// Whether the last that is held is a gap.
    pub(crate) fn ends_in_gap(&self) -> bool {
        matches!(self.pieces.back(), Some(Piece::Gap(_)))
    }

    pub(crate) fn is_over_limit(&self) -> bool {
        self.octets.len() - self.read + self.pieces.len() * PIECE_COST > MAX_HELD
    }

    pub(crate) fn push(&mut self, octets: &[u8], offset: u64, at: Moment, acknowledged: u64) {
        if octets.is_empty() {
            return;
        }
        self.octets.extend_from_slice(octets);
        if let Some(Piece::Octets { length, at: last_at, acknowledged: last_acknowledged, .. }) =
            self.pieces.back_mut()
            && *last_at == at
            && *last_acknowledged == acknowledged
        {
            *length += octets.len();
            return;
        }
        self.pieces.push_back(Piece::Octets { length: octets.len(), offset, at, acknowledged });
    }

    pub(crate) fn push_gap(&mut self, gap: Gap) {
        self.pieces.push_back(Piece::Gap(gap));
    }

    pub(crate) fn front(&self) -> Option<Piece> {
        self.pieces.front().copied()
    }

    /// What the segment of the first octets acknowledges.
    pub(crate) fn front_acknowledges(&self) -> Option<u64> {
        match self.pieces.front() {
            Some(Piece::Octets { acknowledged, .. }) => Some(*acknowledged),
            _ => None,
        }
    }

    /// The first octets up to the next gap, at least `wanted` of them where there are as many.
    pub(crate) fn ahead(&self, wanted: usize) -> &[u8] {
        let mut length = 0;
        for piece in &self.pieces {
            match piece {
                Piece::Octets { length: more, .. } if length < wanted => length += more,
                _ => break,
            }
        }
        self.octets.get(self.read..self.read + length).unwrap_or_default()
    }

    /// Lends the buffer, so that its first piece can be read while its owner changes.
    pub(crate) fn lend(&mut self) -> (Vec<u8>, usize) {
        (std::mem::take(&mut self.octets), self.read)
    }

    /// Takes the buffer back after `used` octets of the first piece were read, and blanks them: they
    /// may have been a password.
    pub(crate) fn give_back(&mut self, mut octets: Vec<u8>, used: usize) {
        if let Some(spent) = octets.get_mut(self.read..self.read + used) {
            spent.fill(0);
        }
        self.octets = octets;
        self.read += used;
        if let Some(Piece::Octets { length, offset, .. }) = self.pieces.front_mut() {
            *length = length.saturating_sub(used);
            *offset = offset.saturating_add(used as u64);
            if *length == 0 {
                self.pieces.pop_front();
            }
        }
        // Moving the rest to the front only when it is the smaller part keeps this linear.
        if self.read * 2 >= self.octets.len() {
            self.octets.drain(..self.read);
            self.read = 0;
        }
    }

    /// Drops the first piece.
    pub(crate) fn pop(&mut self) {
        match self.pieces.front() {
            Some(Piece::Octets { length, .. }) => {
                let length = *length;
                let (octets, _) = self.lend();
                self.give_back(octets, length);
            }
            Some(Piece::Gap(_)) => {
                self.pieces.pop_front();
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cite::{CaptureId, FrameRef};
    use crate::time::Timestamp;

    fn moment(frame: u32) -> Moment {
        Moment {
            time: Timestamp::from_nanos(i64::from(frame)),
            frame: FrameRef { capture: CaptureId(0), frame },
        }
    }

    #[test]
    fn what_is_read_is_blanked_and_the_rest_keeps_its_place() {
        let mut held = Held::default();
        held.push(b"secret", 10, moment(1), 0);
        held.push(b"QUIT", 16, moment(2), 5);
        assert_eq!(held.ahead(10), b"secretQUIT");
        assert_eq!(held.ahead(1), b"secret");
        let (octets, start) = held.lend();
        assert_eq!(&octets[start..start + 6], b"secret");
        held.give_back(octets, 4);
        assert_eq!(held.octets, b"\0\0\0\0etQUIT");
        assert!(matches!(held.front(), Some(Piece::Octets { length: 2, offset: 14, .. })));
        held.pop();
        assert_eq!(held.ahead(1), b"QUIT");
        held.pop();
        assert!(held.is_empty());
    }

    #[test]
    fn many_small_pieces_count_for_more_than_their_octets() {
        let mut held = Held::default();
        let mut pushed = 0;
        while !held.is_over_limit() {
            held.push(b"x", pushed, moment(pushed as u32), pushed);
            pushed += 1;
        }
        assert!(pushed < MAX_HELD as u64 / 40);
    }
}
