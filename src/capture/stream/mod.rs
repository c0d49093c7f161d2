//! One direction of a flow: octets in order, each once, with the gaps kept in their place.
//!
//! The reassembler knows ranges of offsets and nothing of TCP's flags. What comes in order is
//! handed on as it lies in the packet; what comes early is copied once and waits.
//!
//! Where copies of the same octets differ, the copy counts that the other end's ACK covered, as far
//! as a capture can tell: the first one captured whose TCP checksum is not wrong. A receiver drops
//! a segment with a wrong one (RFC 9293 section 3.1) and keeps the first that it gets of others.
//! * Octets with a wrong checksum wait, until an ACK shows that the receiver has them all the same,
//!   or a good copy takes their place, or nothing more can come. This is so only where an earlier
//!   segment of the same end had a right checksum: a host that leaves checksums to its network card
//!   has none that are right in its own captures.
//! * All others are handed on at once, before anyone has acknowledged them: an ACK covers numbers,
//!   not contents, so it would not tell more.
//!
//! Every difference is counted: copies are held against what waits, against the last
//! [`recent::REMEMBERED`] octets that were handed on, whatever their bounds, and by the Internet
//! checksum against the last segments, where the bounds are the same.
//!
//! A hole is given up, and handed on as a [`Gap`], when
//! * the other end acknowledged it and [`holes::HOLE_PATIENCE`] or [`holes::HOLE_SEGMENTS`] passed since (the
//!   capture lost it: a copy may still come, out of order, but not later than that);
//! * the snapshot length cut the frame that held it and the other end acknowledged it;
//! * the octets waiting behind it exceed [`holes::MAX_WAITING`] or
//!   [`holes::MAX_PIECES`], or those of all streams
//!   the [`Budget`];
//! * the flow or the file ends.

mod budget;
mod holes;
mod pieces;
mod recent;
mod tally;

pub(crate) use budget::Budget;
pub(crate) use tally::Tally;

use crate::capture::{Chunk, Gap, Interest};
use crate::cite::Moment;
use holes::AcknowledgedHole;
use pieces::{Brought, Piece, Pieces, RecentSums};
use recent::RecentOctets;

/// The largest window that TCP can announce (RFC 7323 section 2.3): data further than this beyond
/// all that was acknowledged is none of this connection's.
pub(crate) const LARGEST_WINDOW: u64 = 1 << 30;

/// Takes what comes out of a stream.
pub(crate) trait Outlet {
    fn octets(&mut self, chunk: Chunk<'_>) -> Interest;
    fn gap(&mut self, gap: Gap) -> Interest;
    fn end(&mut self, length: u64, at: Moment, acknowledged: u64);
}

/// What one segment offers a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offer<'a> {
    /// Place of its first octet; negative before the stream's known beginning.
    pub(crate) offset: i64,
    /// Its octets as far as captured.
    pub(crate) bytes: &'a [u8],
    /// How many they were on the wire.
    pub(crate) len: u32,
    /// Their Internet checksum, where they are whole.
    pub(crate) sum: Option<u16>,
    /// Their TCP checksum is wrong, and this end's are right otherwise.
    pub(crate) doubtful: bool,
    pub(crate) at: Moment,
    /// How far the segment acknowledges the other stream.
    pub(crate) acknowledged: u64,
}

/// What an offer brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// Octets not seen before.
    Octets,
    /// Nothing but octets seen before.
    Copy,
    /// Nothing but octets from before the stream's known beginning.
    BeforeBeginning,
    /// Nothing but octets beyond the stream's end.
    BeyondEnd,
}

/// See the module.
///
/// Invariants: every waiting piece lies wholly beyond `next`, or it would have been handed on, but
/// for a doubtful one, which may lie at it; pieces never overlap; `budget` counts exactly the waiting octets of all streams.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// All octets before it are handed on, as octets or as gaps.
    next: u64,
    waiting: Option<Box<Pieces>>,
    sums: RecentSums,
    recent: RecentOctets,
    /// Where the stream ends, with the segment that said so and what that acknowledged.
    end: Option<(u64, Moment, u64)>,
    ended: bool,
    /// The hole at `next` as far as it is acknowledged.
    hole: Option<AcknowledgedHole>,
    headers_only: bool,
    tally: Tally,
}

impl Stream {
    /// All octets before it are handed on.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Whether it holds and gave nothing yet.
    pub(crate) fn is_untouched(&self) -> bool {
        self.next == 0 && self.waiting.is_none() && self.end.is_none()
    }

    /// What it counted so far.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Takes the octets of one segment. `acked` is how much of this stream the other end
    /// acknowledged so far; `reach` is the largest window it announced.
    #[inline]
    pub(crate) fn offer(
        &mut self,
        offer: Offer<'_>,
        acked: u64,
        reach: u64,
        budget: &mut Budget,
        out: &mut impl Outlet,
    ) -> News {
        let len = u64::from(offer.len);
        if self.headers_only {
            return self.skim(offer.offset, len);
        }
        // The usual case: the next octets, whole, nothing waiting.
        if offer.offset == self.next.cast_signed()
            && self.waiting.is_none()
            && offer.bytes.len() as u64 == len
            && self.end.is_none()
            && !offer.doubtful
        {
            self.sums.remember(self.next, offer.len, offer.sum);
            self.hand_on(offer.bytes, offer.at, offer.acknowledged, budget, out);
            return News::Octets;
        }
        self.offer_slowly(offer, acked, reach, budget, out)
    }

    /// Says where the stream ends. Of two claims the nearer one counts: it is reached first.
    pub(crate) fn end_at(&mut self, offset: i64, at: Moment, acknowledged: u64, out: &mut impl Outlet) {
        let Ok(offset) = u64::try_from(offset) else { return };
        let nearer = self.end.is_none_or(|(known, ..)| offset < known);
        if self.ended || offset < self.next || !nearer {
            return;
        }
        self.end = Some((offset, at, acknowledged));
        self.end_if_reached(out);
    }

    /// The flow is over: hands on everything that waits, with the gaps between.
    pub(crate) fn finish(
        &mut self,
        acked: u64,
        reach: u64,
        at: Moment,
        budget: &mut Budget,
        out: &mut impl Outlet,
    ) {
        while self.waiting.is_some() {
            self.drain(acked, budget, out);
            self.force_first_hole(acked, reach, at, budget, out);
        }
        self.recent.forget(budget);
        if self.headers_only {
            return;
        }
        let end = self.end.map(|(end, ..)| end);
        if let Some(end) = end {
            self.give_up(end, acked, at, out);
        } else if !self.is_lost_fin(acked) {
            self.give_up(acked, acked, at, out);
        }
        self.end_if_reached(out);
    }

    /// Forgets the octets that copies are compared with: from here on only checksums tell them apart.
    pub(crate) fn forget_recent(&mut self, budget: &mut Budget) {
        self.recent.forget(budget);
    }

    /// From now on only counts, and keeps nothing.
    pub(crate) fn follow_headers_only(&mut self, budget: &mut Budget) {
        self.headers_only = true;
        self.hole = None;
        self.recent.forget(budget);
        if let Some(waiting) = self.waiting.take() {
            budget.release(waiting.octets());
        }
    }

    /// Counts by headers alone: the highest octet seen, without telling holes from disorder.
    fn skim(&mut self, offset: i64, len: u64) -> News {
        let end = offset.saturating_add_unsigned(len);
        match u64::try_from(end) {
            Ok(end) if end > self.next => {
                let from = u64::try_from(offset).unwrap_or(0).max(self.next);
                self.tally.octets += end - from;
                self.tally.end = end;
                self.next = end;
                News::Octets
            }
            _ => News::Copy,
        }
    }

    #[cold]
    #[inline(never)]
    fn offer_slowly(
        &mut self,
        offer: Offer<'_>,
        acked: u64,
        reach: u64,
        budget: &mut Budget,
        out: &mut impl Outlet,
    ) -> News {
        if let Some(hole) = &mut self.hole {
            hole.segments = hole.segments.saturating_add(1);
        }
        let Ok(end) = u64::try_from(offer.offset.saturating_add_unsigned(offer.len.into())) else {
            return News::BeforeBeginning;
        };
        if end == 0 {
            return News::BeforeBeginning;
        }
        let start = u64::try_from(offer.offset).unwrap_or(0);
        let differs_from_old = self.differs_from_old(&offer, start, end);
        if end <= self.next {
            self.tally.differing += u64::from(differs_from_old);
            return News::Copy;
        }
        let limit = self.end.map_or(u64::MAX, |(end, ..)| end);
        if start >= limit || self.ended {
            return News::BeyondEnd;
        }
        // What was captured, without what lies before the stream, was handed on, or lies beyond
        // its end.
        let from = start.max(self.next);
        let to = end.min(limit);
        // A FIN may stand before what was handed on already.
        if to <= from {
            return News::BeyondEnd;
        }
        let passed =
            usize::try_from(from.saturating_add_signed(offer.offset.saturating_neg())).unwrap_or(usize::MAX);
        let bytes = offer.bytes.get(passed..).unwrap_or_default();
        let bytes = bytes.get(..(to - from) as usize).unwrap_or(bytes);
        let mut pieces = self.waiting.take().unwrap_or_default();
        budget.release(pieces.octets());
        let mut replaced = 0;
        if !offer.doubtful {
            self.sums.remember(start, offer.len, offer.sum);
            replaced = pieces.give_way(from, bytes.len());
            self.tally.replaced += u64::from(replaced > 0);
            self.tally.differing += u64::from(differs_from_old || pieces.differs(from, bytes));
        }
        let mut brought = 0;
        // In order as far as nothing waits there: no copy.
        let mut place = from;
        let mut rest = bytes;
        if from == self.next && !offer.doubtful {
            let free = pieces.first_offset().map_or(rest.len() as u64, |first| first - from);
            let (now, later) = rest.split_at_checked(free as usize).unwrap_or((rest, &[]));
            if !now.is_empty() {
                self.hand_on(now, offer.at, offer.acknowledged, budget, out);
            }
            brought += now.len();
            place += now.len() as u64;
            rest = later;
        }
        if self.headers_only {
            return News::Octets;
        }
        let by = Brought { at: offer.at, acknowledged: offer.acknowledged, doubtful: offer.doubtful };
        brought += pieces.insert(place, rest, by);
        let cut = pieces.mark_cut(from + bytes.len() as u64, to, self.next);
        budget.take(pieces.octets());
        self.waiting = (!pieces.is_empty()).then_some(pieces);
        self.drain(acked, budget, out);
        self.give_up_cut(acked, offer.at, budget, out);
        while self.over_limit(budget) && !self.headers_only {
            self.tally.forced += 1;
            self.force_first_hole(acked, reach, offer.at, budget, out);
            self.drain(acked, budget, out);
        }
        if cut || brought > replaced { News::Octets } else { News::Copy }
    }

    /// Whether the offer differs from octets that were handed on.
    fn differs_from_old(&self, offer: &Offer<'_>, start: u64, end: u64) -> bool {
        // One octet just before the next may be a keep-alive probe, which holds what it likes.
        let probe = offer.len == 1 && end == self.next;
        if offer.doubtful || probe || start >= self.next {
            return false;
        }
        let same_bounds_differ = end <= self.next && self.sums.differs(start, offer.len, offer.sum);
        same_bounds_differ || self.recent.differs(offer.offset, offer.bytes)
    }

    /// Hands on the pieces that follow `next` without a hole, doubtful ones as far as the other end
    /// `acked` them.
    fn drain(&mut self, acked: u64, budget: &mut Budget, out: &mut impl Outlet) {
        if self.headers_only {
            return self.follow_headers_only(budget);
        }
        while let Some(waiting) = &mut self.waiting {
            let before = waiting.octets();
            let piece = waiting.take_first_at(self.next, acked);
            budget.release(before - waiting.octets());
            let empty = waiting.is_empty();
            if empty {
                self.waiting = None;
            }
            let Some(Piece { bytes, by }) = piece else { break };
            self.hand_on(&bytes, by.at, by.acknowledged, budget, out);
            if self.headers_only {
                return self.follow_headers_only(budget);
            }
        }
        self.end_if_reached(out);
    }

    #[inline]
    fn hand_on(
        &mut self,
        bytes: &[u8],
        at: Moment,
        acknowledged: u64,
        budget: &mut Budget,
        out: &mut impl Outlet,
    ) {
        if bytes.is_empty() {
            return;
        }
        self.tally.forgotten |= !self.recent.remember(self.next, bytes, budget);
        let chunk = Chunk { bytes, offset: self.next, at, acknowledged };
        self.next += bytes.len() as u64;
        self.tally.octets += bytes.len() as u64;
        self.tally.end = self.next;
        self.headers_only |= out.octets(chunk) == Interest::HeadersOnly;
    }

    fn end_if_reached(&mut self, out: &mut impl Outlet) {
        if let Some((end, at, acknowledged)) = self.end
            && end == self.next
            && !self.ended
            && !self.headers_only
        {
            self.ended = true;
            out.end(end, at, acknowledged);
        }
    }
}

#[cfg(test)]
mod tests;
