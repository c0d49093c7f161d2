//! What the sender's segments show of how the appliance's own words reached it: not at all, or changed.

use crate::capture::segment::SeqNumber;
use crate::capture::trace::SegmentHeader;
use crate::cause::signs::{Family, Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{CauseKind, Evidence, headers};
use crate::time::Span;

/// The sender sends again and again what the appliance has acknowledged: the acknowledgments never reach it.
///
/// Rule: at least `REPEATS` segments with octets that lie wholly below an acknowledgment of the appliance
/// that is two round trips old (0.4 s where none is known), spread over 3 s and more. One or two such
/// repeats are ordinary: an acknowledgment was lost and the next one mended it.
/// Source: RFC 9293 section 3.8.1 (retransmission ends with the acknowledgment).
pub const ACKS_LOST: Rule = Rule {
    name: "acknowledged_octets_sent_again",
    group: Group::Numbers,
    supports: &[CauseKind::PathLostData],
};

/// The sender takes the number in the appliance's window field for the whole window, though both SYNs, as
/// they stand here, agree on a scale (RFC 7323 section 2.2): something took the scale from the SYN on its way.
///
/// Rule: none of the sender's segments since is larger than the field, and at least `FILLED` are exactly
/// as large, in a field of less than a segment. An application that writes small pieces of one size would
/// have to hit on that very number each time. Source: MIDDLEBOX 3.2.
pub const SCALE_UNKNOWN: Rule = Rule {
    name: "window_scale_unknown_to_the_sender",
    group: Group::Numbers,
    supports: &[CauseKind::MiddleboxRewriting],
};

/// See the module.
pub const FAMILY: Family = Family { rules: &[&ACKS_LOST, &SCALE_UNKNOWN], read };

/// Repeats of acknowledged octets that are no accident.
const REPEATS: usize = 3;
/// Over how long they are spread.
const REPEATED_FOR: Span = Span::from_seconds(3);
/// How old an acknowledgment must be where no round trip is known, half of it.
const USUAL_ROUND_TRIP: Span = Span::from_millis(200);
/// Segments that fill the unscaled window to the octet.
const FILLED: usize = 8;
/// The segment size where none was captured (RFC 9293 section 3.7.1 with Ethernet's MTU).
const USUAL_MSS: u16 = 1460;

fn read(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    acks_lost(evidence, found);
    scale_unknown(evidence, found);
}

fn acks_lost(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let Some(trace) = evidence.trace() else { return };
    let round_trip = headers::shortest_round_trip(evidence.sender_stream()).unwrap_or(USUAL_ROUND_TRIP);
    let old = Span::from_nanos(round_trip.nanos().saturating_mul(2));
    // Each acknowledgment that reached further than those before it.
    let mut reached: Vec<(SeqNumber, crate::time::Timestamp)> = Vec::new();
    let mut again: Vec<&SegmentHeader> = Vec::new();
    for header in headers::all(trace) {
        if header.by == evidence.appliance() {
            let ack = SeqNumber(header.ack);
            if header.flags.ack() && reached.last().is_none_or(|(before, _)| ack.beyond(*before) > 0) {
                reached.push((ack, header.at.time));
            }
        } else if header.payload > 0 && !header.flags.rst() {
            let known = reached.iter().rev().find(|(_, at)| header.at.time.since(*at) >= old);
            if known.is_some_and(|(ack, _)| header.behind().beyond(*ack) <= 0) {
                again.push(header);
            }
        }
    }
    let (Some(first), Some(last)) = (again.first(), again.last()) else { return };
    let spread = last.at.time.since(first.at.time);
    // A keep-alive repeats one octet (RFC 9293 section 3.8.4).
    if again.len() < REPEATS || spread < REPEATED_FOR || again.iter().all(|header| header.payload == 1) {
        return;
    }
    found.push(Sign {
        rule: &ACKS_LOST,
        points_at: PointsAt::Path,
        strength: Strength::Decisive,
        frames: again.iter().take(8).map(|header| header.at.frame).collect(),
        numbers: vec![("segments", again.len() as f64), ("seconds", spread.seconds())],
        detail: format!(
            "the sender sent {} segments again that had been acknowledged long before, for {:.0} s: the \
             appliance's acknowledgments did not reach it",
            again.len(),
            spread.seconds()
        ),
    });
}

fn scale_unknown(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let Some(trace) = evidence.trace() else { return };
    let (Some(ours), Some(theirs)) =
        (trace.handshake.of(evidence.appliance()), trace.handshake.of(evidence.sender()))
    else {
        return;
    };
    let (Some(scale), Some(_)) = (ours.window_scale.filter(|scale| *scale > 0), theirs.window_scale) else {
        return;
    };
    let segment = ours.mss.unwrap_or(USUAL_MSS);
    let mut window = None;
    let mut filled: Vec<&SegmentHeader> = Vec::new();
    for header in headers::all(trace) {
        if header.by == evidence.appliance() {
            if header.flags.ack() && !header.flags.syn() && !header.flags.rst() {
                window = Some(header.window);
            }
            continue;
        }
        let Some(window) = window.filter(|window| *window > 0 && *window < segment) else { continue };
        match header.payload.cmp(&u32::from(window)) {
            std::cmp::Ordering::Greater => return,
            std::cmp::Ordering::Equal => filled.push(header),
            std::cmp::Ordering::Less => {}
        }
    }
    let Some(first) = filled.first().filter(|_| filled.len() >= FILLED) else { return };
    found.push(Sign {
        rule: &SCALE_UNKNOWN,
        points_at: PointsAt::Middlebox,
        strength: Strength::Decisive,
        frames: filled.iter().take(8).map(|header| header.at.frame).collect(),
        numbers: vec![
            ("segments", filled.len() as f64),
            ("octets", f64::from(first.payload)),
            ("scale", f64::from(scale)),
        ],
        detail: format!(
            "the sender never sends more than {} octets at a time, the appliance's window without its scale of \
             {scale}: the scale was taken from the appliance's SYN on its way",
            first.payload
        ),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::testing::{ISN, Scene, appliance, sender};

    fn found(headers: Vec<SegmentHeader>, rule: &Rule) -> usize {
        Scene::with_headers(headers).named(read, rule.name).len()
    }

    #[test]
    fn what_was_acknowledged_is_not_sent_for_ever() {
        let data = |millis| SegmentHeader { payload: 100, ..sender(millis) };
        let ack = |millis| SegmentHeader { ack: ISN.0 + 101, ..appliance(millis) };
        let again = vec![data(0), ack(1), data(600), ack(601), data(1_800), ack(1_801), data(4_200)];
        assert_eq!(found(again, &ACKS_LOST), 1);
        assert_eq!(found(vec![data(0), ack(1), data(600), ack(601)], &ACKS_LOST), 0, "mended");
        let unacknowledged = vec![data(0), data(600), data(1_800), data(4_200)];
        assert_eq!(found(unacknowledged, &ACKS_LOST), 0);
        let alive = |millis| SegmentHeader { payload: 1, ..data(millis) };
        let keep_alive = vec![data(0), ack(1), alive(60_000), alive(120_000), alive(180_000)];
        assert_eq!(found(keep_alive, &ACKS_LOST), 0);
    }

    #[test]
    fn a_scale_that_the_sender_does_not_know() {
        let dialogue = |payload: u32, window: u16| {
            (0..10)
                .flat_map(|step| {
                    [
                        SegmentHeader { window, ..appliance(i64::from(step) * 100) },
                        SegmentHeader {
                            payload,
                            seq: ISN.0 + 1 + step * payload,
                            ..sender(i64::from(step) * 100 + 50)
                        },
                    ]
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(found(dialogue(64, 64), &SCALE_UNKNOWN), 1);
        assert_eq!(found(dialogue(64, 65), &SCALE_UNKNOWN), 0, "small pieces of another size");
        assert_eq!(found(dialogue(1_448, 64), &SCALE_UNKNOWN), 0, "the scale is known");
    }
}
