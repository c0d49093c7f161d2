//! Resets in the names of unrelated senders that come from one place.

use std::collections::{BTreeMap, BTreeSet};

use crate::capture::CloseKind;
use crate::capture::trace::SegmentHeader;
use crate::cause::patterns::{Found, MAX_CHANCE, Member, Pattern, Prefix, Set, chance};
use crate::cause::signs::{Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{CauseKind, headers};

/// Resets of senders in unrelated networks have one TTL and one window, and these senders' other packets
/// come from different distances: one device near this place sent them all.
///
/// Rule: at least [`MIN_PREFIXES`] networks (/24, /48); the TTL of each reset differs from its sender's usual
/// one, and these usual ones differ from each other. Source: MIDDLEBOX 1.6 (constants of a fleet).
/// Raised falsely by a load balancer or proxy that owns these connections' sender end.
pub(super) const SAME_RESET: Rule = Rule {
    name: "same_reset_from_unrelated_senders",
    group: Group::Others,
    supports: &[CauseKind::MiddleboxReset],
};

/// Networks that are unrelated enough.
const MIN_PREFIXES: usize = 3;
/// Segments of a sender that make a habit.
const MIN_SEGMENTS: u64 = 3;

struct Seen<'a> {
    member: &'a Member<'a>,
    header: &'a SegmentHeader,
    prefix: Prefix,
    usual: u8,
}

pub(super) fn read(set: &Set<'_>, found: &mut Found) {
    let resets: Vec<Seen<'_>> = set.received().filter_map(seen).collect();
    let mut alike: BTreeMap<(u8, u16), Vec<&Seen<'_>>> = BTreeMap::new();
    for reset in resets.iter().filter(|reset| reset.header.ttl != reset.usual) {
        alike.entry((reset.header.ttl, reset.header.window)).or_default().push(reset);
    }
    let looked_at = alike.len();
    let mut patterns = Vec::new();
    for ((ttl, window), group) in alike {
        let prefixes: BTreeSet<Prefix> = group.iter().map(|reset| reset.prefix).collect();
        let distances: BTreeSet<u8> = group.iter().map(|reset| reset.usual).collect();
        if prefixes.len() < MIN_PREFIXES || distances.len() < 2 {
            continue;
        }
        let chance = chance::corrected(agreement(&resets, prefixes.len()), looked_at);
        if chance > MAX_CHANCE {
            continue;
        }
        let detail = format!(
            "resets in the names of senders in {} unrelated networks all have the TTL {ttl} and the window {window}, \
             while these senders' own packets arrive with {} different TTLs: one device sent them",
            prefixes.len(),
            distances.len()
        );
        let mut cases = BTreeSet::new();
        let sessions: BTreeSet<usize> = group.iter().map(|reset| reset.member.session).collect();
        let frames: BTreeSet<_> = group.iter().map(|reset| reset.header.at.frame).collect();
        for reset in &group {
            if !cases.insert(reset.member.case) {
                continue;
            }
            let sign = Sign {
                rule: &SAME_RESET,
                points_at: PointsAt::Middlebox,
                strength: Strength::Strong,
                frames: frames.iter().copied().collect(),
                numbers: vec![
                    ("networks", prefixes.len() as f64),
                    ("ttl", f64::from(ttl)),
                    ("window", f64::from(window)),
                    ("usual_ttl", f64::from(reset.usual)),
                    ("chance", chance),
                ],
                detail: detail.clone(),
            };
            found.signs.push((reset.member.case, sign));
        }
        patterns.push(Pattern {
            name: SAME_RESET.name,
            detail,
            count: sessions.len() as u64,
            chance,
            supposing: "the resets' TTLs vary as those of the senders' other packets do",
            cases: cases.into_iter().collect(),
        });
    }
    found.extend(patterns);
}

/// The reset that ended a case's connection, where the sender's habit is known.
fn seen<'a>(member: &'a Member<'a>) -> Option<Seen<'a>> {
    let evidence = &member.evidence;
    let close = evidence.session.flow.closes.effective?;
    let trace = evidence.trace()?;
    if close.kind != CloseKind::Rst || close.by != evidence.sender() {
        return None;
    }
    let header = headers::all(trace).find(|header| header.by == close.by && header.flags.rst())?;
    let ttls = &trace.habits.of(evidence.sender()).ttls;
    let segments: u64 = ttls.iter().map(|(_, count)| count).sum();
    let (usual, _) = ttls.iter().max_by_key(|(_, count)| *count)?;
    let remote = evidence.session.flow.endpoints.of(evidence.sender()).ip;
    let prefix = Prefix::of(remote);
    (segments >= MIN_SEGMENTS).then_some(Seen { member, header, prefix, usual: *usual })
}

/// The chance that `networks` of them agree in one TTL, if that is spread as the usual TTLs of all these
/// senders are, each network counted once.
fn agreement(resets: &[Seen<'_>], networks: usize) -> f64 {
    let usual: BTreeMap<Prefix, u8> = resets.iter().map(|reset| (reset.prefix, reset.usual)).collect();
    let mut spread: BTreeMap<u8, usize> = BTreeMap::new();
    for ttl in usual.values() {
        *spread.entry(*ttl).or_default() += 1;
    }
    let all = usual.len().max(1) as f64;
    spread.values().map(|count| (*count as f64 / all).powf(networks as f64)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::patterns::testing::Made;
    use crate::cause::testing::{Scene, reset};

    /// A sender whose packets arrive with one TTL and whose reset has another.
    fn scene(usual: u8, ttl: u8, window: u16) -> Scene {
        let mut scene = Scene::with_headers([SegmentHeader { ttl, window, ..reset(0) }]);
        for (ttl, _) in &mut scene.close_up.trace.habits.originator.ttls {
            *ttl = usual;
        }
        scene
    }

    fn made(each: &[(&str, u8, u8, u16)]) -> Found {
        let mut made = Made::default();
        for (ip, usual, ttl, window) in each {
            made.add(ip, scene(*usual, *ttl, *window), true);
        }
        made.found(read)
    }

    #[test]
    fn one_reset_for_unrelated_senders() {
        let found =
            made(&[("192.0.2.1", 52, 62, 0), ("198.51.100.1", 44, 62, 0), ("203.0.113.1", 115, 62, 0)]);
        assert_eq!(found.signs.len(), 3);
        assert!(found.signs.iter().all(|(_, sign)| sign.strength == Strength::Strong));
        assert_eq!((found.patterns[0].count, &found.patterns[0].cases), (3, &vec![0, 1, 2]));
        assert!((found.patterns[0].chance - 1.0 / 9.0).abs() < 1e-9, "{}", found.patterns[0].chance);
    }

    #[test]
    fn resets_of_the_senders_own_show_nothing() {
        // Three Linux hosts: window 0, each with its own TTL.
        let own = [("192.0.2.1", 52, 52, 0), ("198.51.100.1", 44, 44, 0), ("203.0.113.1", 57, 57, 0)];
        assert_eq!(made(&own), Found::default());
        // Kernels that give their resets another initial TTL: still each its own distance.
        let solaris = [("192.0.2.1", 52, 243, 0), ("198.51.100.1", 44, 235, 0), ("203.0.113.1", 57, 248, 0)];
        assert_eq!(made(&solaris), Found::default());
        // One TTL with different windows.
        let windows = [("192.0.2.1", 52, 62, 0), ("198.51.100.1", 44, 62, 8), ("203.0.113.1", 57, 62, 9)];
        assert_eq!(made(&windows), Found::default());
    }

    #[test]
    fn one_network_or_one_distance_is_one_sender() {
        let network = [("192.0.2.1", 52, 62, 0), ("192.0.2.2", 44, 62, 0), ("192.0.2.3", 57, 62, 0)];
        assert_eq!(made(&network), Found::default());
        let distance = [("192.0.2.1", 52, 62, 0), ("198.51.100.1", 52, 62, 0), ("203.0.113.1", 52, 62, 0)];
        assert_eq!(made(&distance), Found::default());
    }
}
