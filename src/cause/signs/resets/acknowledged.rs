//! Acknowledgments behind a reset of octets that its sender must have had before.

use crate::capture::segment::SeqNumber;
use crate::cause::CauseKind;
use crate::cause::signs::{Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{Evidence, headers};
use crate::time::Span;

use super::{Class, Reset, distance};

/// The reset only answers a packet, and behind it the sender acknowledges every packet that could have called
/// for it: a live connection had them all, and nothing is left that a dead one could have answered.
///
/// Rule: class [`Class::Stateless`]; all packets of the appliance before it that ask for its number carry octets and
/// were sent once; two or more segments of the sender behind it, 10 ms and more later, no RST or SYN, acknowledge
/// octets that were not acknowledged before it, in the end all of those packets. Strong; decisive where their TTL
/// is that of the segments before it, and the reset's is another: whoever sent it stands elsewhere.
/// Delays do not matter to the first half, so it holds within a round trip, where
/// [`super::KEEPS_TALKING`] may not judge. Source: RFC 9293 section 3.10.7.1; measured in the lab.
/// Raised falsely by a stack whose active resets bear no ACK, where the network put two acknowledgments 10 ms
/// behind the reset that followed them.
pub const ACKNOWLEDGED_BEHIND: Rule = Rule {
    name: "acknowledges_behind_its_reset",
    group: Group::Aftermath,
    supports: &[CauseKind::MiddleboxReset],
};

/// Packets of one path seldom overtake each other by more.
const LEAST_DELAY: Span = Span::from_millis(10);
/// Acknowledgments that make it.
const MIN_SEGMENTS: usize = 2;
/// Frames cited.
const MAX_FRAMES: usize = 8;

pub(super) fn read(evidence: &Evidence<'_>, reset: &Reset<'_>, found: &mut Vec<Sign>) {
    if reset.class != Class::Stateless {
        return;
    }
    let asking: Vec<_> = headers::before(reset.trace, reset.header, evidence.appliance())
        .into_iter()
        .filter(|our| our.flags.ack() && our.ack == reset.header.seq)
        .collect();
    let before = headers::highest_ack(headers::before(reset.trace, reset.header, evidence.sender()));
    let last = asking.iter().map(|our| our.behind());
    let (Some(last), Some(before)) = (headers::highest(last), before) else { return };
    // A pure acknowledgment, or a copy, may have met a dead connection without leaving a trace.
    let once = asking.iter().all(|our| {
        our.payload > 0
            && headers::all(reset.trace)
                .filter(|other| other.by == our.by && other.payload > 0 && other.seq == our.seq)
                .count()
                == 1
    });
    let from = reset.header.at.time.plus(LEAST_DELAY);
    let behind: Vec<_> = headers::behind(reset.trace, reset.header, evidence.sender())
        .take_while(|header| !header.flags.syn())
        .filter(|header| header.flags.ack() && !header.flags.rst() && header.at.time >= from)
        .filter(|header| SeqNumber(header.ack).beyond(before) > 0)
        .collect();
    let reached = headers::highest_ack(behind.iter().copied());
    if !once || behind.len() < MIN_SEGMENTS || reached.is_none_or(|reached| reached.beyond(last) < 0) {
        return;
    }
    let usual = distance::usual_ttl(evidence).filter(|usual| usual.ttl != reset.header.ttl);
    let elsewhere = usual.is_some_and(|usual| behind.iter().all(|header| header.ttl == usual.ttl));
    let after = behind.first().map_or(Span::ZERO, |header| header.at.time.since(reset.header.at.time));
    found.push(Sign {
        rule: &ACKNOWLEDGED_BEHIND,
        points_at: PointsAt::Middlebox,
        strength: if elsewhere { Strength::Decisive } else { Strength::Strong },
        frames: std::iter::once(reset.header.at.frame)
            .chain(behind.iter().take(MAX_FRAMES).map(|header| header.at.frame))
            .collect(),
        numbers: vec![("segments", behind.len() as f64), ("first_after_seconds", after.seconds())],
        detail: format!(
            "the reset answers a packet, and {} segments of the sender behind it acknowledge every packet that could \
             have called for it{}: the sender's connection was alive",
            behind.len(),
            if elsewhere { ", with the sender's own TTL and not the reset's" } else { "" }
        ),
    });
}

#[cfg(test)]
mod tests {
    use super::super::FAMILY;
    use super::*;
    use crate::capture::segment::Flags;
    use crate::capture::trace::SegmentHeader;
    use crate::cause::testing::{ISN, Scene, TTL, appliance, reset, sender};

    fn strength(bare_ttl: u8, second: SegmentHeader, behind: &[(i64, u32)]) -> Option<Strength> {
        let ours =
            |seq: u32, millis| SegmentHeader { seq: ISN.1 + 1 + seq, payload: 500, ..appliance(millis) };
        let bare = SegmentHeader { flags: Flags::RST, ack: 0, window: 0, ttl: bare_ttl, ..reset(32) };
        let acks = behind.iter().zip(107..).map(|((millis, ack), id)| SegmentHeader {
            ack: ISN.1 + 1 + ack,
            ip_id: Some(id),
            ..sender(*millis)
        });
        let headers: Vec<_> = [ours(0, 0), second, bare].into_iter().chain(acks).collect();
        let scene = Scene::with_headers(headers);
        scene.named(FAMILY.read, ACKNOWLEDGED_BEHIND.name).first().map(|sign| sign.strength)
    }

    #[test]
    fn what_was_acknowledged_met_a_live_connection() {
        let second = SegmentHeader { seq: ISN.1 + 501, payload: 500, ..appliance(0) };
        let all = [(62, 500), (63, 1_000)];
        assert_eq!(strength(TTL + 2, second, &all), Some(Strength::Decisive));
        assert_eq!(strength(TTL, second, &all), Some(Strength::Strong));
        assert_eq!(
            strength(TTL + 2, second, &[(62, 250), (63, 500)]),
            None,
            "one may have met a closed host"
        );
        assert_eq!(strength(TTL + 2, second, &[(34, 500), (35, 1_000)]), None, "overtaken on the way");
        let again = SegmentHeader { seq: ISN.1 + 1, ..second };
        assert_eq!(strength(TTL + 2, again, &[(62, 250), (63, 500)]), None, "a copy");
        let pure = SegmentHeader { payload: 0, ..second };
        assert_eq!(strength(TTL + 2, pure, &all), None, "a pure acknowledgment");
    }
}
