//! A reset that came back sooner than the sender could have answered.

use crate::cause::CauseKind;
use crate::cause::signs::{Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{Evidence, headers};
use crate::time::Span;

use super::{Class, Reset};

/// The answer came faster than the way to the sender and back takes.
///
/// Rule: class [`Class::Stateless`] only, for it answers a packet; the *first* packet of the appliance
/// that it can answer (the one that asks for its number, of the last `ANSWER_WITHIN`) lies less than half
/// the shortest round trip before it, and that round trip is at least 5 ms. Active resets come of themselves,
/// at any time. Strong; decisive where it came within a tenth of the round trip and its TTL, too, shows that it
/// began nearer: distance by time and distance by hops agree, and neither is the sender's.
/// Source: MIDDLEBOX 1.8 (rst-forensics). Only a capture near the appliance gives the whole round trip.
pub const FASTER_THAN_ROUND_TRIP: Rule = Rule {
    name: "answer_faster_than_round_trip",
    group: Group::Timing,
    supports: &[CauseKind::MiddleboxReset],
};

/// Shorter round trips say nothing.
const LEAST_ROUND_TRIP: Span = Span::from_millis(5);
/// An answer within this part of the round trip came from next door.
const AT_ONCE: i64 = 10;
/// No host takes longer to answer a packet with a reset; queues on the way hold a second or two.
const ANSWER_WITHIN: Span = Span::from_seconds(5);

pub(super) fn read(evidence: &Evidence<'_>, reset: &Reset<'_>, found: &mut Vec<Sign>) {
    if reset.class != Class::Stateless {
        return;
    }
    let round_trip =
        headers::shortest_round_trip(evidence.sender_stream()).filter(|time| *time >= LEAST_ROUND_TRIP);
    let asked = headers::before(reset.trace, reset.header, evidence.appliance())
        .into_iter()
        .filter(|our| reset.header.at.time.since(our.at.time) <= ANSWER_WITHIN)
        .find(|our| our.flags.ack() && our.ack == reset.header.seq);
    let (Some(round_trip), Some(asked)) = (round_trip, asked) else { return };
    let took = reset.header.at.time.since(asked.at.time);
    if took.nanos().saturating_mul(2) >= round_trip.nanos() {
        return;
    }
    let at_once = took.nanos().saturating_mul(AT_ONCE) <= round_trip.nanos();
    let nearer =
        at_once && super::distance::usual_ttl(evidence).is_some_and(|usual| reset.header.ttl > usual.ttl);
    found.push(Sign {
        rule: &FASTER_THAN_ROUND_TRIP,
        points_at: PointsAt::Middlebox,
        strength: if nearer { Strength::Decisive } else { Strength::Strong },
        frames: vec![asked.at.frame, reset.header.at.frame],
        numbers: vec![("answered_seconds", took.seconds()), ("round_trip_seconds", round_trip.seconds())],
        detail: format!(
            "the reset answers a packet {:.1} ms after it; the sender is at least {:.1} ms away and back",
            took.seconds() * 1e3,
            round_trip.seconds() * 1e3
        ),
    });
}

#[cfg(test)]
mod tests {
    use super::super::FAMILY;
    use super::*;
    use crate::capture::segment::Flags;
    use crate::capture::trace::SegmentHeader;
    use crate::cause::testing::{ISN, Scene, TTL, appliance, reset};

    #[test]
    fn nobody_answers_faster_than_the_way() {
        let bare = |millis| SegmentHeader {
            flags: Flags::RST,
            seq: ISN.0 + 501,
            ack: 0,
            window: 0,
            ..reset(millis)
        };
        let asks = |millis| SegmentHeader { ack: ISN.0 + 501, ..appliance(millis) };
        let found = |headers: Vec<SegmentHeader>| {
            Scene::with_headers(headers).named(FAMILY.read, FASTER_THAN_ROUND_TRIP.name).len()
        };
        assert_eq!(found(vec![asks(0), bare(5)]), 1);
        assert_eq!(found(vec![asks(0), bare(41)]), 0);
        // Not what was said long ago.
        assert_eq!(found(vec![asks(0), asks(60_000), bare(60_002)]), 1);
        // It may answer the older of the two.
        assert_eq!(found(vec![asks(0), asks(39), bare(41)]), 0);
        let strength = |headers: Vec<SegmentHeader>| {
            Scene::with_headers(headers).named(FAMILY.read, FASTER_THAN_ROUND_TRIP.name)[0].strength
        };
        assert_eq!(strength(vec![asks(0), bare(2)]), Strength::Strong);
        let near = SegmentHeader { ttl: TTL + 2, ..bare(2) };
        assert_eq!(strength(vec![asks(0), near]), Strength::Decisive);
        // An active reset comes when it likes.
        assert_eq!(found(vec![asks(0), reset(1)]), 0);
    }
}
