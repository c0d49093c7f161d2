//! Round trips, measured where the capture was taken: from there to one end and back.
//!
//! Data is timed as RFC 6298 section 4 has a sender do it that knows no timestamps: one segment at a
//! time. By Karn's rule (RFC 6298 section 3) nothing is taken while anything was sent again, since
//! nobody can tell which copy was acknowledged.

use crate::capture::RoundTrip;
use crate::time::{Span, Timestamp};

/// Times the octets of one stream until the other end acknowledges them.
#[derive(Debug, Default)]
pub(super) struct RoundTripTimer {
    /// Where the segment ends that is being timed, and when it passed.
    timed: Option<(i64, Timestamp)>,
    shortest: Option<Span>,
    samples: u64,
}

impl RoundTripTimer {
    /// New octets passed that end at `end`; `acked` is how far their stream is acknowledged.
    #[inline]
    pub(super) fn sent(&mut self, end: i64, acked: u64, time: Timestamp) {
        if self.timed.is_none() && end > acked.cast_signed() {
            self.timed = Some((end, time));
        }
    }

    /// Octets passed that had passed before, or out of their order: what is acknowledged next may be
    /// an answer to either.
    #[inline]
    pub(super) fn sent_again(&mut self) {
        self.timed = None;
    }

    /// The stream is acknowledged up to `acked`.
    #[inline]
    pub(super) fn acknowledged(&mut self, acked: u64, time: Timestamp) {
        let Some((end, sent)) = self.timed else { return };
        if acked.cast_signed() < end {
            return;
        }
        self.timed = None;
        let took = time.since(sent);
        // Frames from several interfaces need not lie in the order of their times.
        if took >= Span::ZERO {
            self.samples += 1;
            self.shortest = Some(self.shortest.map_or(took, |shortest| shortest.min(took)));
        }
    }

    /// What was measured, beside the handshake's round trip to the same end.
    pub(super) const fn facts(&self, handshake: Option<Span>) -> RoundTrip {
        RoundTrip { handshake, data: self.shortest, samples: self.samples }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_parts(100, 0).plus(Span::from_millis(millis))
    }

    #[test]
    fn one_segment_is_timed_at_a_time() {
        let mut timer = RoundTripTimer::default();
        timer.sent(100, 0, at(0));
        timer.sent(200, 0, at(5));
        timer.acknowledged(50, at(6));
        timer.acknowledged(200, at(10));
        timer.sent(300, 200, at(20));
        timer.acknowledged(300, at(24));
        let facts = timer.facts(None);
        assert_eq!(facts.data, Some(Span::from_millis(4)));
        assert_eq!(facts.samples, 2);
    }

    #[test]
    fn what_was_sent_again_is_no_sample() {
        let mut timer = RoundTripTimer::default();
        timer.sent(100, 0, at(0));
        timer.sent_again();
        timer.acknowledged(100, at(3));
        assert_eq!(timer.facts(None).samples, 0);
    }

    #[test]
    fn an_acknowledgment_that_lies_before_its_octets_is_no_sample() {
        let mut timer = RoundTripTimer::default();
        timer.acknowledged(100, at(3));
        timer.sent(100, 100, at(4));
        timer.acknowledged(100, at(5));
        timer.sent(200, 100, at(9));
        timer.acknowledged(200, at(8));
        assert_eq!(timer.facts(None).samples, 0);
    }
}
