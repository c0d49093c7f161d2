//! The capture itself: what it lacks or holds twice, before anybody else is blamed for it.

use crate::capture::Loss;
use crate::cause::signs::{Family, Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{CauseKind, Evidence};

/// The appliance acknowledged octets near the end that the file lacks: the capture lost them, not the
/// network, and what looks like a hole or a silence there may be none.
///
/// Local to the ending: an acknowledged hole in mid-body does not void an intact end. Source: MIDDLEBOX 3.0.
pub const FRAMES_MISSING: Rule = Rule {
    name: "frames_missing_from_the_capture",
    group: Group::Capture,
    supports: &[CauseKind::NotVisibleHere],
};

/// Frames were held twice, as mirror ports and VLANs with their parents make them; each counts once.
pub const FRAMES_TWICE: Rule = Rule { name: "frames_held_twice", group: Group::Capture, supports: &[] };

/// The end of the capture, or a gap, stands where the end should be.
pub const NOT_WATCHED: Rule =
    Rule { name: "end_not_in_the_capture", group: Group::Capture, supports: &[CauseKind::NotVisibleHere] };

/// See the module.
pub const FAMILY: Family = Family { rules: &[&FRAMES_MISSING, &FRAMES_TWICE, &NOT_WATCHED], read };

/// A gap this close to the end of the sender's octets counts as near, as for the verdict.
const NEAR_END: u64 = 64 * 1024;

fn read(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let stream = evidence.sender_stream();
    let near = stream.end.saturating_sub(NEAR_END);
    let missing: Vec<_> = stream
        .gaps
        .iter()
        .filter(|gap| gap.loss == Loss::Capture && gap.offset.saturating_add(gap.length) >= near)
        .collect();
    let octets: u64 = missing.iter().map(|gap| gap.length).fold(0, u64::saturating_add);
    if octets > 0 {
        found.push(Sign {
            rule: &FRAMES_MISSING,
            points_at: PointsAt::Capture,
            strength: Strength::Decisive,
            frames: missing.iter().take(4).map(|gap| gap.at.frame).collect(),
            numbers: vec![("octets", octets as f64)],
            detail: format!(
                "the appliance acknowledged {octets} octets near the end that the file lacks: the capture lost them"
            ),
        });
    }
    let twice = stream.duplicates.saturating_add(evidence.appliance_stream().duplicates);
    if twice > 0 {
        found.push(Sign {
            rule: &FRAMES_TWICE,
            points_at: PointsAt::Capture,
            strength: Strength::Weak,
            frames: Vec::new(),
            numbers: vec![("frames", twice as f64)],
            detail: format!("the capture holds {twice} frames of this connection twice; each counts once"),
        });
    }
    if !evidence.ending.covered {
        found.push(Sign {
            rule: &NOT_WATCHED,
            points_at: PointsAt::Capture,
            strength: Strength::Weak,
            frames: vec![evidence.session.flow.last.frame],
            numbers: Vec::new(),
            detail: "the capture does not reach past the end that the log tells of".to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Gap;
    use crate::cause::testing::Scene;
    use crate::net::Role;
    use crate::smtp::script::{Script, moment};

    #[test]
    fn what_the_capture_lost_is_its_own_doing() {
        let script = Script::new().s("220 x\r\n").c("EHLO a\r\n").s("250 x\r\n").fin(Role::Client);
        let with = |loss, end| {
            let mut scene = Scene::of(&script);
            let gap = Gap { offset: 100, length: 50, at: moment(4, Script::START), loss };
            scene.session.flow.streams.originator.gaps = vec![gap];
            scene.session.flow.streams.originator.end = end;
            scene.named(read, FRAMES_MISSING.name).len()
        };
        assert_eq!(with(Loss::Capture, 200), 1);
        assert_eq!(with(Loss::Unacknowledged, 200), 0, "lost on the way");
        assert_eq!(with(Loss::Capture, 10_000_000), 0, "far from the end");
    }
}
