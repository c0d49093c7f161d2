//! How signs weigh: how sure they make a cause, and how each bears on the one that was decided.

use crate::cause::signs::Group;
use crate::cause::{Bearing, CauseKind, Confidence, PointsAt, Sign, Strength};

use CauseKind::{MiddleboxReset, NotVisibleHere, PathLostData};

/// Independent strong signs that make an accusation likely.
const STRONG_SIGNS: usize = 2;

/// How sure `cause` is by its signs alone.
pub(super) fn weigh(cause: CauseKind, signs: &[Sign]) -> Option<Confidence> {
    let supporting = |sign: &&Sign| sign.rule.supports.contains(&cause);
    if cause.accuses() && signs.iter().any(shown_outside) {
        return None;
    }
    let from_one_place = !signs.iter().filter(supporting).any(|sign| sign.rule.group == Group::Outside);
    if cause.rests_on_absence() && from_one_place && signs.iter().any(capture_lost_frames) {
        return None;
    }
    if signs.iter().filter(supporting).any(|sign| sign.strength == Strength::Decisive) {
        // Octets that never came are a fact; whether a line or a device took them does not show from one
        // place. And what is shown twice, to the contrary, is not shown.
        let contradicted = cause.accuses() && from_one_place && signs.iter().any(shows_the_senders_end);
        let likely = cause == PathLostData && from_one_place || contradicted;
        return Some(if likely { Confidence::Likely } else { Confidence::Named });
    }
    let strong = groups(signs.iter().filter(supporting), Strength::Strong);
    let against = cause.accuses()
        && signs.iter().any(|sign| sign.points_at == PointsAt::Sender && sign.strength >= Strength::Strong);
    let needed = if cause.accuses() { STRONG_SIGNS } else { 1 };
    (strong >= needed && !against).then_some(Confidence::Likely)
}

/// Whether the capture lacks frames near the end: then what is missing may have been there.
fn capture_lost_frames(sign: &Sign) -> bool {
    sign.points_at == PointsAt::Capture && sign.strength >= Strength::Strong
}

/// Whether a sign by itself shows that the sender ended it, or gave up.
fn shows_the_senders_end(sign: &Sign) -> bool {
    const ENDS: [CauseKind; 4] = [
        CauseKind::SenderClosed,
        CauseKind::SenderReset,
        CauseKind::SenderStalled,
        CauseKind::SenderGaveUpWaiting,
    ];
    sign.strength == Strength::Decisive
        && sign.rule.supports.iter().all(|cause| ENDS.contains(cause))
        && !sign.rule.supports.is_empty()
}

/// What a capture of the sender's side shows goes before what the rest suggests; that octets were lost only where
/// it shows no deed. Where octets may have been lost, any deed may have ended it.
pub(super) fn shown_from_outside(by_signs: &[CauseKind], signs: &[Sign]) -> Option<CauseKind> {
    let tried = if by_signs.contains(&PathLostData) { &CauseKind::ALL[..] } else { by_signs };
    let shown = |cause: &&CauseKind| {
        cause.accuses()
            && signs.iter().any(|sign| {
                sign.rule.group == Group::Outside
                    && sign.strength == Strength::Decisive
                    && sign.rule.supports.contains(cause)
            })
    };
    let lost = |cause: &&CauseKind| **cause == PathLostData;
    let mut deeds = tried.iter().filter(|cause| !lost(cause));
    deeds.find(shown).or_else(|| tried.iter().filter(lost).find(shown)).copied()
}

/// Whether a capture of the sender's side shows that the sender did it.
pub(super) fn shown_outside(sign: &Sign) -> bool {
    sign.rule.group == Group::Outside
        && sign.points_at == PointsAt::Sender
        && sign.strength == Strength::Decisive
}

/// In how many independent groups there is a sign of at least `strength`.
pub(in crate::cause) fn groups<'a>(signs: impl Iterator<Item = &'a Sign>, strength: Strength) -> usize {
    let mut seen: Vec<Group> =
        signs.filter(|sign| sign.strength >= strength).map(|sign| sign.rule.group).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len()
}

/// How a sign bears on the cause.
pub(super) fn bearing(cause: CauseKind, sign: &Sign) -> Bearing {
    if sign.rule.supports.contains(&cause) {
        Bearing::For
    } else if cause == NotVisibleHere {
        // Nothing was decided that it could speak against.
        Bearing::Aside
    } else if cause.is_a_device() && sign.points_at == PointsAt::Middlebox {
        // Another deed of a device: no witness against one.
        Bearing::Aside
    } else if sign.rule.speaks_against(cause) && sign.strength > Strength::Weak {
        Bearing::Against
    } else {
        Bearing::Aside
    }
}

/// Signs that a reset or FIN is not the sender's.
pub(super) fn accusing_reset(signs: &[Sign]) -> impl Iterator<Item = &Sign> {
    signs
        .iter()
        .filter(|sign| sign.points_at == PointsAt::Middlebox && sign.rule.supports.contains(&MiddleboxReset))
}
