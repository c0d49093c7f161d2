//! How TCP ended a flow: every FIN and RST, and whether it ended anything.
//!
//! A FIN takes effect when the other end acknowledged it, or when it is in sequence and nothing
//! shows that the other end did not get it. One before the beginning of its stream, or with more
//! acknowledged behind it, is ignored: it was forged or belongs to another connection. An RST is judged by
//! what follows it, and by its *receiver*: an end that was really reset sends nothing more but RSTs
//! (RFC 9293 section 3.10.7.1), whatever the end whose address the RST bears goes on to send. So an RST is
//! ignored when its receiver
//! * acknowledges octets that the other end sent after it,
//! * answers one that is not exactly at the expected number with an ACK that says nothing new (the
//!   challenge ACK of RFC 5961 section 3.2), or
//! * sends anything but RSTs and SYNs once its segments in flight have passed.

use crate::capture::{Close, CloseKind, Closes, Effect, Pair, Side};
use crate::cite::Moment;
use crate::time::{Span, Timestamp};

/// How long segments sent before an RST arrived may pass the capture point after it, in round
/// trips of the handshake; a loaded path is slower than its handshake.
const FLIGHT_ROUND_TRIPS: i64 = 3;

/// The least time given to segments in flight.
const LEAST_FLIGHT: Span = Span::from_millis(250);

/// The time given to them where no handshake tells the round trip.
const USUAL_FLIGHT: Span = Span::from_millis(1000);

/// A close with what is needed to judge it later.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    close: Close,
    /// RST: at the number that its receiver expects, as far as the capture shows.
    exact: bool,
    /// Before the beginning of its stream.
    misplaced: bool,
    /// How far the closing end's stream had been seen: an ACK beyond that is for newer octets.
    sent: i64,
    /// How far the receiver had acknowledged that stream.
    acked: i64,
    /// Until when segments of the receiver prove nothing.
    in_flight_until: Timestamp,
    /// The receiver repeated its last ACK afterwards, which may be a challenge.
    challenged: bool,
    /// The receiver was seen to live on.
    ignored: bool,
}

impl Candidate {
    fn is_fin_of(&self, end: Side) -> bool {
        self.close.kind == CloseKind::Fin && self.close.by == end
    }

    fn is_reset(&self) -> bool {
        self.close.kind == CloseKind::Rst
    }
}

/// A FIN or RST as it arrives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) kind: CloseKind,
    pub(super) by: Side,
    pub(super) at: Moment,
    /// Its place in the stream of `by`.
    pub(super) offset: i64,
    /// How far it acknowledges the other stream.
    pub(super) acknowledged: Option<u64>,
    /// How far the stream of `by` had been seen before it, a FIN counted as one.
    pub(super) sent: i64,
    /// How far the other end had acknowledged the stream of `by`.
    pub(super) acked: i64,
    /// It answers a SYN: its number means nothing.
    pub(super) refuses: bool,
}

/// A segment that is neither SYN nor RST, as it bears on the other end's closes.
#[derive(Debug, Clone, Copy)]
pub(super) struct SignOfLife {
    pub(super) by: Side,
    pub(super) at: Moment,
    /// How far it acknowledges the other stream; `None` without ACK.
    pub(super) acknowledged: Option<i64>,
    /// It has neither payload nor FIN.
    pub(super) pure_ack: bool,
}

/// What the streams show when the flow is over, for one end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StreamEnd {
    /// How far the other end acknowledged it.
    pub(super) acked: u64,
    /// Where its first hole is that was never acknowledged.
    pub(super) first_hole: Option<u64>,
    /// Octets beyond its FIN were sent.
    pub(super) went_on: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct CloseTracker {
    candidates: Vec<Candidate>,
}

impl CloseTracker {
    /// Whether any FIN or RST was seen.
    #[inline]
    pub(super) fn any(&self) -> bool {
        !self.candidates.is_empty()
    }

    /// Takes a FIN or RST. `round_trip` is that from the capture point to the other end and back.
    pub(super) fn close(&mut self, arrival: Arrival, round_trip: Option<Span>) {
        let Arrival { kind, by, at, offset, acknowledged, sent, acked, refuses } = arrival;
        let repeated = |known: &Candidate| {
            known.close.by == by
                && known.close.kind == kind
                && kind == CloseKind::Fin
                && known.close.offset == offset.max(0).cast_unsigned()
        };
        if self.candidates.iter().any(repeated) {
            return;
        }
        let flight = round_trip.map_or(USUAL_FLIGHT, |round_trip| {
            Span::from_nanos(round_trip.nanos().saturating_mul(FLIGHT_ROUND_TRIPS)).max(LEAST_FLIGHT)
        });
        let candidate = Candidate {
            close: Close {
                kind,
                by,
                at,
                offset: offset.max(0).cast_unsigned(),
                acknowledged,
                // Judged at the end.
                effect: Effect::Effective,
            },
            exact: refuses || offset == acked || offset == sent,
            misplaced: offset < 0,
            sent: sent.max(offset),
            acked,
            in_flight_until: at.time.plus(flight),
            challenged: false,
            ignored: false,
        };
        if kind == CloseKind::Rst {
            self.answer_challenge(by, offset);
            if candidate.exact {
                self.pass_stale(by);
            }
        }
        let first_fin = kind == CloseKind::Fin && !self.candidates.iter().any(|known| known.is_fin_of(by));
        if self.candidates.len() < Closes::MAX_KEPT || first_fin {
            self.candidates.push(candidate);
        } else if let Some(place) = self.dispensable(&candidate) {
            self.candidates.remove(place);
            self.candidates.push(candidate);
        }
    }

    /// The place of the close that makes room for `newcomer`, for a flood of resets that kill nothing must
    /// not hide the one that does: the last that was ignored, or else, where the newcomer is the first
    /// exact RST that stands, the last RST that is not exact. Neither the first close nor the first FIN
    /// of an end ever goes.
    fn dispensable(&self, newcomer: &Candidate) -> Option<usize> {
        let last = |goes: fn(&Candidate) -> bool| {
            let mut places = self.candidates.iter().enumerate().skip(1).rev();
            places.find(|(place, known)| goes(known) && !self.is_first_fin(*place, known))
        };
        let first_exact = newcomer.is_reset() && newcomer.exact && self.reset_at().is_none();
        let ignored = last(|known| known.ignored);
        let inexact = || last(|known| known.is_reset() && !known.exact).filter(|_| first_exact);
        ignored.or_else(inexact).map(|(place, _)| place)
    }

    fn is_first_fin(&self, place: usize, known: &Candidate) -> bool {
        let by = known.close.by;
        known.is_fin_of(by) && !self.candidates.iter().take(place).any(|earlier| earlier.is_fin_of(by))
    }

    /// Takes any other segment that follows a close.
    pub(super) fn life(&mut self, sign: SignOfLife) {
        for candidate in &mut self.candidates {
            if candidate.close.by == sign.by || candidate.ignored {
                continue;
            }
            let ack = sign.acknowledged;
            let late = sign.at.time > candidate.in_flight_until;
            candidate.ignored = match candidate.close.kind {
                CloseKind::Fin => late && ack.is_some_and(|ack| ack <= candidate.close.offset.cast_signed()),
                CloseKind::Rst => {
                    let acks_newer = ack.is_some_and(|ack| ack > candidate.sent);
                    candidate.challenged |= sign.pure_ack && ack == Some(candidate.acked);
                    late || acks_newer || (candidate.challenged && !candidate.exact)
                }
            };
        }
    }

    /// An RST at the very number of a challenge ACK answers it: the RST before it, further up, was
    /// not taken.
    fn answer_challenge(&mut self, by: Side, offset: i64) {
        for known in &mut self.candidates {
            let above = known.close.offset.cast_signed() > offset && known.acked == offset;
            let reset = known.close.kind == CloseKind::Rst && known.close.by == by;
            known.ignored |= reset && known.challenged && above;
        }
    }

    /// An exact RST shows that one before it, behind what its receiver had acknowledged, was dropped as
    /// out of window (RFC 9293 section 3.10.7.4; one octet behind is taken by some).
    fn pass_stale(&mut self, by: Side) {
        for known in &mut self.candidates {
            let behind = known.close.offset.cast_signed() < known.acked - 1;
            known.ignored |= known.close.kind == CloseKind::Rst && known.close.by == by && behind;
        }
    }

    /// When an RST that nothing speaks against arrived; the flow is over then.
    pub(super) fn reset_at(&self) -> Option<Timestamp> {
        let mut resets = self.candidates.iter().filter(|known| known.close.kind == CloseKind::Rst);
        resets.find(|known| known.exact && !known.ignored).map(|known| known.close.at.time)
    }

    /// Judges all closes.
    pub(super) fn finish(self, ends: &Pair<StreamEnd>) -> Closes {
        let mut all: Vec<Close> = Vec::with_capacity(self.candidates.len());
        let mut reset = false;
        let mut closed: Pair<bool> = Pair::default();
        for candidate in &self.candidates {
            let mut close = candidate.close;
            close.effect = if reset || *closed.of(close.by) {
                Effect::Aftermath
            } else {
                effect(candidate, ends.of(close.by))
            };
            if close.effect == Effect::Effective {
                *closed.of_mut(close.by) = true;
                reset = close.kind == CloseKind::Rst;
            }
            all.push(close);
        }
        let effective = all.iter().find(|close| close.effect == Effect::Effective).copied();
        Closes { first_seen: all.first().copied(), effective, all }
    }
}

fn effect(candidate: &Candidate, end: &StreamEnd) -> Effect {
    let offset = candidate.close.offset;
    match candidate.close.kind {
        CloseKind::Fin if candidate.misplaced => Effect::Ignored,
        // Octets behind it were sent and acknowledged: the stream did not end there.
        CloseKind::Fin if end.went_on && end.acked > offset + 1 => Effect::Ignored,
        CloseKind::Fin if end.acked > offset => Effect::Effective,
        // Either a hole before it was never filled, or the FIN itself never got through.
        CloseKind::Fin if candidate.ignored || end.first_hole.is_some_and(|hole| hole < offset) => {
            Effect::AboveHole
        }
        CloseKind::Rst if candidate.ignored => Effect::Ignored,
        CloseKind::Fin | CloseKind::Rst => Effect::Effective,
    }
}

#[cfg(test)]
mod tests;
