//! Holes of a stream: when they are given up, and what is then told of them.

use super::{Budget, Outlet, Stream};
use crate::capture::{Gap, Interest, Loss};
use crate::cite::Moment;
use crate::time::{Span, Timestamp};

/// How long an acknowledged hole may still be filled: a capturing host delivers frames out of
/// order by milliseconds, seldom more.
pub(crate) const HOLE_PATIENCE: Span = Span::from_seconds(2);

/// Segments of the stream after which an acknowledged hole is given up all the same.
pub(crate) const HOLE_SEGMENTS: u32 = 256;

/// Octets that may wait behind a hole of one stream; a fast sender has no more in flight.
pub(crate) const MAX_WAITING: usize = 4 * 1024 * 1024;

/// Pieces that may wait behind a hole of one stream.
pub(crate) const MAX_PIECES: usize = 4096;

/// Since when the octets from `Stream::next` to `up_to` are known to have reached the other end.
#[derive(Debug, Clone, Copy)]
pub(super) struct AcknowledgedHole {
    pub(super) up_to: u64,
    pub(super) since: Timestamp,
    pub(super) segments: u32,
}

impl Stream {
    /// Notes that the other end acknowledged this stream up to `acked`.
    #[inline]
    pub(crate) fn acknowledged(&mut self, acked: u64, now: Timestamp) {
        if acked <= self.next || self.ended || self.headers_only {
            return;
        }
        match &mut self.hole {
            // Known already, at least in part: the clock of that part runs.
            Some(hole) if hole.up_to > self.next => {}
            hole => *hole = Some(AcknowledgedHole { up_to: acked, since: now, segments: 0 }),
        }
    }

    /// Gives up holes that are due at `at`.
    #[inline]
    pub(crate) fn give_up_due(
        &mut self,
        acked: u64,
        at: Moment,
        now: Timestamp,
        budget: &mut Budget,
        out: &mut impl Outlet,
    ) {
        if self.hole.is_some() && !self.headers_only {
            self.give_up_acknowledged(acked, at, now, budget, out);
        }
    }

    /// Whether more waits behind holes than is kept.
    pub(super) fn over_limit(&self, budget: &Budget) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| {
            waiting.octets() > MAX_WAITING || waiting.count() > MAX_PIECES || budget.exhausted()
        })
    }

    /// Gives up holes that the snapshot length made, as far as they are acknowledged: no copy of
    /// them will be longer.
    pub(super) fn give_up_cut(&mut self, acked: u64, at: Moment, budget: &mut Budget, out: &mut impl Outlet) {
        while let Some(waiting) = &self.waiting {
            let Some(cut_end) = waiting.cut_at(self.next) else { break };
            let to = waiting.first_offset().map_or(cut_end, |first| first.min(cut_end)).min(acked);
            if to <= self.next {
                break;
            }
            self.give_up(to, acked, at, out);
            self.drain(acked, budget, out);
        }
    }

    #[cold]
    fn give_up_acknowledged(
        &mut self,
        acked: u64,
        at: Moment,
        now: Timestamp,
        budget: &mut Budget,
        out: &mut impl Outlet,
    ) {
        self.drain(acked, budget, out);
        self.give_up_cut(acked, at, budget, out);
        while let Some(hole) = self.hole {
            if hole.up_to <= self.next {
                self.hole = None;
                self.acknowledged(acked, now);
                continue;
            }
            let due = now.since(hole.since) >= HOLE_PATIENCE || hole.segments >= HOLE_SEGMENTS;
            if !due || self.is_lost_fin(acked) {
                break;
            }
            let first = self.waiting.as_ref().and_then(|waiting| waiting.first_offset());
            let end = self.end.map_or(u64::MAX, |(end, ..)| end);
            let to = first.unwrap_or(u64::MAX).min(hole.up_to).min(end);
            if to <= self.next {
                break;
            }
            self.give_up(to, acked, at, out);
            self.drain(acked, budget, out);
        }
    }

    /// An acknowledgment of one octet more than was seen, with nothing behind it, stands for a FIN
    /// that the capture lost, not for an octet.
    pub(super) fn is_lost_fin(&self, acked: u64) -> bool {
        self.end.is_none() && self.waiting.is_none() && acked == self.next + 1
    }

    /// Gives up the hole before the first waiting piece, or the doubt about it, or drops that piece where no window
    /// could have allowed it.
    pub(super) fn force_first_hole(
        &mut self,
        acked: u64,
        reach: u64,
        at: Moment,
        budget: &mut Budget,
        out: &mut impl Outlet,
    ) {
        let Some(waiting) = &mut self.waiting else { return };
        let edge = self.next.max(acked).saturating_add(reach);
        match waiting.first_offset() {
            // Nothing better came.
            Some(first) if first == self.next => waiting.believe_first(),
            Some(first) if first <= edge => self.give_up(first, acked, at, out),
            Some(_) => {
                // All pieces lie at or beyond the first one.
                let octets = waiting.octets();
                budget.release(octets);
                self.tally.beyond_window += octets as u64;
                self.waiting = None;
            }
            // Only cuts are left: octets that the capture saw pass and did not keep.
            None => {
                let end = waiting.last_cut();
                self.waiting = None;
                self.give_up(end, acked, at, out);
            }
        }
    }

    /// Hands on the octets up to `to` as gaps: one acknowledged, one not.
    pub(super) fn give_up(&mut self, to: u64, acked: u64, at: Moment, out: &mut impl Outlet) {
        for (to, loss) in [(to.min(acked), Loss::Capture), (to, Loss::Unacknowledged)] {
            if to <= self.next || self.headers_only {
                continue;
            }
            let gap = Gap { offset: self.next, length: to - self.next, at, loss };
            self.next = to;
            self.tally.add_gap(gap);
            self.headers_only |= out.gap(gap) == Interest::HeadersOnly;
        }
        if let Some(waiting) = &mut self.waiting {
            waiting.forget_cuts_before(self.next);
        }
    }
}
