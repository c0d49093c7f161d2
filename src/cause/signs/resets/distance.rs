//! From how far away a reset or a FIN came: its TTL and its source MAC against the flow's.

use crate::capture::trace::SegmentHeader;
use crate::cause::CauseKind;
use crate::cause::signs::{Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{Evidence, headers};

use super::Reset;

/// The reset's TTL (hop limit) is not the one of the flow: it was sent from another distance.
///
/// Rule: at least `MIN_SEGMENTS` segments of the sender (RSTs and SYNs left out). In a flow of one TTL
/// a difference of 1 or 2 is moderate (paths of unequal length), 3 or more strong; in a flow that varies
/// weak and moderate. Another class of initial values (32, 64, 128, 255) is strong either way.
/// Source: MIDDLEBOX 1.6 (measured; weberblog.net; noahdavids.org).
/// Raised falsely by a load balancer, NAT or SYN proxy that owns the sender's end, by a change of route
/// at that very moment, and by stacks that give their kernel's resets another initial TTL: where the
/// SYN has the reset's TTL, it is weak. An equal TTL never proves the sender: injectors copy it.
pub const TTL_DIFFERS: Rule =
    Rule { name: "ttl_differs", group: Group::Distance, supports: &[CauseKind::MiddleboxReset] };

/// The reset has the TTL of a steady flow. Good injectors copy it, so it is moderate at best.
pub const TTL_AS_FLOW: Rule =
    Rule { name: "ttl_as_the_flow", group: Group::Distance, supports: &[CauseKind::SenderReset] };

/// The reset came from another Ethernet source than all else that bears the sender's address.
///
/// Rule: at least `MIN_SEGMENTS` other segments of the sender, all from one source, none later from the
/// new one. Source: MIDDLEBOX 1.7 (Snort 3). Raised falsely by a fail-over of the router (what follows then
/// comes from the new one, too) and by two gateways in turn (then the others vary).
pub const MAC_DIFFERS: Rule =
    Rule { name: "source_mac_differs", group: Group::Distance, supports: &[CauseKind::MiddleboxReset] };

/// Segments of the sender that make a habit.
const MIN_SEGMENTS: u64 = 5;

/// A difference from this many hops on is strong in a steady flow: routes of one pair of hosts seldom
/// differ by more than one or two.
const FAR_OFF: u8 = 3;

/// The TTL of the sender's segments.
#[derive(Debug, Clone, Copy)]
pub(in crate::cause) struct UsualTtl {
    pub(in crate::cause) ttl: u8,
    pub(in crate::cause) steady: bool,
    pub(in crate::cause) segments: u64,
}

/// The most frequent TTL of the sender's segments, where there are enough.
pub(in crate::cause) fn usual_ttl(evidence: &Evidence<'_>) -> Option<UsualTtl> {
    let ttls = &evidence.trace()?.habits.of(evidence.sender()).ttls;
    let segments = ttls.iter().map(|(_, count)| count).sum();
    let (ttl, _) = ttls.iter().max_by_key(|(_, count)| *count)?;
    (segments >= MIN_SEGMENTS).then_some(UsualTtl { ttl: *ttl, steady: ttls.len() == 1, segments })
}

pub(super) fn read(evidence: &Evidence<'_>, reset: &Reset<'_>, found: &mut Vec<Sign>) {
    compare(evidence, reset.header, "reset", &TTL_AS_FLOW, &TTL_DIFFERS, found);
    mac(evidence, reset, found);
}

/// Compares the TTL of a header, a `what`, with the sender's: a sign `same` or `differs`.
pub(in crate::cause::signs) fn compare(
    evidence: &Evidence<'_>,
    header: &SegmentHeader,
    what: &str,
    same: &'static Rule,
    differs: &'static Rule,
    found: &mut Vec<Sign>,
) {
    let Some(usual) = usual_ttl(evidence) else { return };
    let difference = header.ttl.abs_diff(usual.ttl);
    let numbers = vec![
        ("ttl", f64::from(header.ttl)),
        ("usual_ttl", f64::from(usual.ttl)),
        ("segments", usual.segments as f64),
    ];
    if difference == 0 {
        if usual.steady {
            found.push(Sign {
                rule: same,
                points_at: PointsAt::Sender,
                strength: Strength::Moderate,
                frames: vec![header.at.frame],
                numbers,
                detail: format!(
                    "the {what} has the TTL {} of all {} segments of the sender; a device that copies it, or is \
                     as far away, would look the same",
                    header.ttl, usual.segments
                ),
            });
        }
        return;
    }
    let ((near, initial), (far, usual_initial)) = (headers::hops(header.ttl), headers::hops(usual.ttl));
    let as_syn = evidence
        .trace()
        .and_then(|trace| trace.handshake.of(evidence.sender()).as_ref())
        .is_some_and(|syn| syn.ttl == header.ttl);
    let strength = match (initial != usual_initial, usual.steady, difference >= FAR_OFF) {
        _ if as_syn => Strength::Weak,
        (true, ..) | (false, true, true) => Strength::Strong,
        (false, true, false) | (false, false, true) => Strength::Moderate,
        (false, false, false) => Strength::Weak,
    };
    let place = match near {
        0 => "directly attached".to_owned(),
        1 => "1 hop away".to_owned(),
        more => format!("{more} hops away"),
    };
    let reservation = if as_syn { "; the sender's SYN had this TTL, too" } else { "" };
    found.push(Sign {
        rule: differs,
        points_at: PointsAt::Middlebox,
        strength,
        frames: vec![header.at.frame],
        numbers,
        detail: format!(
            "the {what} came with TTL {}, {} of the sender's {} segments with {}: it was sent {place} if it starts \
             at {initial}, the sender is {far} hops away if it starts at {usual_initial}{reservation}",
            header.ttl,
            if usual.steady { "all" } else { "most" },
            usual.segments,
            usual.ttl,
        ),
    });
}

fn mac(evidence: &Evidence<'_>, reset: &Reset<'_>, found: &mut Vec<Sign>) {
    let Some(mac) = reset.header.source_mac else { return };
    let mut others = headers::all(reset.trace)
        .filter(|header| header.by == evidence.sender() && !header.flags.rst())
        .filter_map(|header| header.source_mac);
    let Some(usual) = others.next() else { return };
    let (mut count, mut same) = (1u64, true);
    for other in others {
        count += 1;
        same &= other == usual;
    }
    if count < MIN_SEGMENTS || !same || mac == usual {
        return;
    }
    found.push(Sign {
        rule: &MAC_DIFFERS,
        points_at: PointsAt::Middlebox,
        strength: Strength::Strong,
        frames: vec![reset.header.at.frame],
        numbers: vec![("segments", count as f64)],
        detail: format!(
            "the reset came from the Ethernet address {}, all {count} other segments of the sender from {}",
            shown(mac),
            shown(usual)
        ),
    });
}

fn shown(mac: [u8; 6]) -> String {
    mac.map(|octet| format!("{octet:02x}")).join(":")
}

#[cfg(test)]
mod tests {
    use super::super::FAMILY;
    use super::*;
    use crate::cause::testing::{Scene, TTL, reset, sender};

    #[test]
    fn another_distance_is_told_by_its_size_and_the_flows_steadiness() {
        for (ttl, strength) in [
            (TTL + 1, Strength::Moderate),
            (TTL - 2, Strength::Moderate),
            (TTL + 3, Strength::Strong),
            (120, Strength::Strong),
        ] {
            let scene = Scene::with_headers([SegmentHeader { ttl, ..reset(0) }]);
            let found = scene.named(FAMILY.read, TTL_DIFFERS.name);
            assert_eq!(found[0].strength, strength, "TTL {ttl}");
            assert!(scene.named(FAMILY.read, TTL_AS_FLOW.name).is_empty());
        }
        let varying =
            [SegmentHeader { ttl: TTL - 1, ..sender(-10) }, SegmentHeader { ttl: TTL + 1, ..reset(0) }];
        let scene = Scene::with_headers(varying);
        assert_eq!(scene.named(FAMILY.read, TTL_DIFFERS.name)[0].strength, Strength::Weak);
    }

    #[test]
    fn the_flows_own_ttl_speaks_for_the_sender() {
        let scene = Scene::with_headers([reset(0)]);
        assert_eq!(scene.named(FAMILY.read, TTL_AS_FLOW.name)[0].points_at, PointsAt::Sender);
        assert!(scene.named(FAMILY.read, TTL_DIFFERS.name).is_empty());
    }

    #[test]
    fn a_syn_with_the_resets_ttl_takes_the_point_away() {
        let mut scene = Scene::with_headers([SegmentHeader { ttl: TTL + 5, ..reset(0) }]);
        scene.close_up.trace.handshake.originator.as_mut().unwrap().ttl = TTL + 5;
        assert_eq!(scene.named(FAMILY.read, TTL_DIFFERS.name)[0].strength, Strength::Weak);
    }

    #[test]
    fn another_mac_counts_only_against_a_single_one() {
        let foreign = SegmentHeader { source_mac: Some([2, 0, 0, 0, 0, 7]), ..reset(0) };
        assert_eq!(Scene::with_headers([foreign]).named(FAMILY.read, MAC_DIFFERS.name).len(), 1);
        // A fail-over: what follows comes from there as well.
        let later = SegmentHeader { source_mac: foreign.source_mac, ..sender(300) };
        assert!(Scene::with_headers([foreign, later]).named(FAMILY.read, MAC_DIFFERS.name).is_empty());
        assert!(Scene::with_headers([reset(0)]).named(FAMILY.read, MAC_DIFFERS.name).is_empty());
    }
}
