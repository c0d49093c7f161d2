//! The shape of a reset's header: timestamps, checksum, DSCP, payload.
//!
//! Window 0, no options and no ACK flag are normal for some genuine host each (measured), so they are
//! no signs.

use crate::capture::segment::{Checksum, SeqNumber};
use crate::cause::CauseKind;
use crate::cause::Evidence;
use crate::cause::signs::{Group, PointsAt, Rule, Sign, Strength};

use super::{Class, Reset};

/// An active reset bears a timestamp that goes on from the sender's last.
pub const TIMESTAMP_ADVANCES: Rule =
    Rule { name: "timestamp_advances", group: Group::Shape, supports: &[CauseKind::SenderReset] };

/// The reset's timestamp is older than the sender's last, or has stood still for a second and more: a
/// copied header. The sender's clock ticks at least once a second (RFC 7323 section 5.4).
pub const TIMESTAMP_COPIED: Rule =
    Rule { name: "timestamp_copied", group: Group::Shape, supports: &[CauseKind::MiddleboxReset] };

/// An active reset without timestamps in a flow that has them (RFC 7323 section 3.2: an RST should
/// bear them). Moderate: not all systems were measured. Resets of other classes have none.
pub const TIMESTAMP_MISSING: Rule =
    Rule { name: "timestamp_missing", group: Group::Shape, supports: &[CauseKind::MiddleboxReset] };

/// The reset's TCP checksum is wrong, all others of the sender's are right. The appliance's own stack
/// drops such a segment. Moderate.
pub const BAD_CHECKSUM: Rule =
    Rule { name: "reset_with_bad_checksum", group: Group::Shape, supports: &[CauseKind::MiddleboxReset] };

/// The reset's DSCP is not that of the sender's other segments. Weak: kernels set it anew.
pub const DSCP_DIFFERS: Rule =
    Rule { name: "dscp_differs", group: Group::Shape, supports: &[CauseKind::MiddleboxReset] };

/// The reset bears octets: a remark of a device, or a copy of a segment. Allowed by RFC 9293 section
/// 3.5.3, and sent by next to no host. Moderate.
pub const PAYLOAD: Rule =
    Rule { name: "reset_with_payload", group: Group::Shape, supports: &[CauseKind::MiddleboxReset] };

/// A timestamp clock that stands for longer than this has stopped.
const LONGEST_TICK_SECONDS: f64 = 1.5;
/// The ECN bits are no part of the DSCP (RFC 3168 section 5).
const ECN: u8 = 0b11;

pub(super) fn read(evidence: &Evidence<'_>, reset: &Reset<'_>, found: &mut Vec<Sign>) {
    timestamps(reset, found);
    let habits = reset.trace.habits.of(evidence.sender());
    let mut add =
        |rule: &'static Rule, strength: Strength, numbers: Vec<(&'static str, f64)>, detail: String| {
            found.push(Sign {
                rule,
                points_at: PointsAt::Middlebox,
                strength,
                frames: vec![reset.header.at.frame],
                numbers,
                detail,
            });
        };
    let alone_bad = habits.bad_checksums == bad_resets(evidence, reset);
    if reset.header.checksum == Checksum::Bad && alone_bad {
        let detail = "the reset's checksum is wrong, all others of the sender's are right".to_owned();
        add(&BAD_CHECKSUM, Strength::Moderate, Vec::new(), detail);
    }
    if reset.header.payload > 0 {
        let octets = reset.header.payload;
        let detail = format!("the reset bears {octets} octets, as devices send and hosts do not");
        add(&PAYLOAD, Strength::Moderate, vec![("octets", f64::from(octets))], detail);
    }
    let dscp = |class: u8| class & !ECN;
    if let Some(last) = reset.last
        && dscp(last.traffic_class) != dscp(reset.header.traffic_class)
    {
        let (usual, odd) = (last.traffic_class >> 2, reset.header.traffic_class >> 2);
        let detail = format!("the reset's DSCP is {odd}, the sender's {usual}");
        add(&DSCP_DIFFERS, Strength::Weak, vec![("dscp", odd.into()), ("usual_dscp", usual.into())], detail);
    }
}

/// Resets of the sender with a wrong checksum.
fn bad_resets(evidence: &Evidence<'_>, reset: &Reset<'_>) -> u64 {
    crate::cause::headers::all(reset.trace)
        .filter(|header| {
            header.by == evidence.sender() && header.flags.rst() && header.checksum == Checksum::Bad
        })
        .count() as u64
}

fn timestamps(reset: &Reset<'_>, found: &mut Vec<Sign>) {
    let handshake = &reset.trace.handshake;
    let agreed = [&handshake.originator, &handshake.responder]
        .into_iter()
        .all(|syn| syn.as_ref().is_some_and(|syn| syn.timestamp.is_some()));
    let (Some(last), true) = (reset.last, agreed) else { return };
    let Some((last_value, _)) = last.timestamps else { return };
    let elapsed = reset.header.at.time.since(last.at.time).seconds();
    let sign = |rule, points_at, strength, numbers, detail| Sign {
        rule,
        points_at,
        strength,
        frames: vec![last.at.frame, reset.header.at.frame],
        numbers,
        detail,
    };
    match reset.header.timestamps {
        None if reset.class == Class::Active => found.push(sign(
            &TIMESTAMP_MISSING,
            PointsAt::Middlebox,
            Strength::Moderate,
            Vec::new(),
            "the reset has no timestamp, all segments of the flow have one: another stack's".to_owned(),
        )),
        None => {}
        Some((value, _)) => {
            let advance = SeqNumber(value).beyond(SeqNumber(last_value));
            let numbers = vec![("advance", advance as f64), ("elapsed_seconds", elapsed)];
            if advance < 0 || advance == 0 && elapsed > LONGEST_TICK_SECONDS {
                let detail = format!(
                    "the reset's timestamp moved by {advance} in {elapsed:.3} s since the sender's last segment: \
                     a copied header"
                );
                found.push(sign(&TIMESTAMP_COPIED, PointsAt::Middlebox, Strength::Strong, numbers, detail));
            } else if advance > 0 {
                let detail = format!(
                    "the reset's timestamp goes on from the sender's last: {advance} ticks in {elapsed:.3} s"
                );
                found.push(sign(&TIMESTAMP_ADVANCES, PointsAt::Sender, Strength::Moderate, numbers, detail));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::FAMILY;
    use super::*;
    use crate::capture::segment::Flags;
    use crate::capture::trace::SegmentHeader;
    use crate::cause::testing::{ISN, Scene, appliance, reset, sender};

    fn stamped(headers: impl IntoIterator<Item = SegmentHeader>) -> Scene {
        let mut scene = Scene::with_headers(headers);
        let handshake = &mut scene.close_up.trace.handshake;
        handshake.originator.as_mut().unwrap().timestamp = Some(1);
        handshake.responder.as_mut().unwrap().timestamp = Some(1);
        scene
    }

    fn named(scene: &Scene) -> Vec<&'static str> {
        let mut found = Vec::new();
        (FAMILY.read)(&scene.evidence(), &mut found);
        found.into_iter().filter(|sign| sign.rule.group == Group::Shape).map(|sign| sign.rule.name).collect()
    }

    #[test]
    fn timestamps_tell_a_copied_header() {
        let data = SegmentHeader { timestamps: Some((5_000, 1)), payload: 10, ..sender(0) };
        let with = |value, millis| SegmentHeader { timestamps: Some((value, 1)), ..reset(millis) };
        assert_eq!(named(&stamped([data, with(5_100, 100)])), [TIMESTAMP_ADVANCES.name]);
        assert_eq!(named(&stamped([data, with(4_900, 100)])), [TIMESTAMP_COPIED.name]);
        assert_eq!(named(&stamped([data, with(5_000, 4_000)])), [TIMESTAMP_COPIED.name]);
        assert_eq!(named(&stamped([data, with(5_000, 3)])), [""; 0]);
        assert_eq!(named(&stamped([data, reset(100)])), [TIMESTAMP_MISSING.name]);
        // A closed host's answer has none, and need not.
        let bare = SegmentHeader { flags: Flags::RST, seq: ISN.0 + 1, ack: 0, ..reset(100) };
        assert_eq!(named(&stamped([data, appliance(5), bare])), [""; 0]);
    }

    #[test]
    fn oddities_of_the_header_are_told_as_such() {
        let odd = SegmentHeader { payload: 20, traffic_class: 0x20, checksum: Checksum::Bad, ..reset(10) };
        let mut scene = Scene::with_headers([odd]);
        scene.close_up.trace.habits.originator.bad_checksums = 1;
        assert_eq!(named(&scene), [BAD_CHECKSUM.name, PAYLOAD.name, DSCP_DIFFERS.name]);
        scene.close_up.trace.habits.originator.bad_checksums = 30;
        assert_eq!(named(&scene), [PAYLOAD.name, DSCP_DIFFERS.name]);
    }
}
