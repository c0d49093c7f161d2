//! Retries of one message that die at the same octet of its body.

mod cluster;
#[cfg(test)]
mod tests;
mod tries;

use std::collections::{BTreeMap, BTreeSet};

use crate::cause::CauseKind;
use crate::cause::patterns::{Found, Member, Pattern, Set, chance};
use crate::cause::signs::{Group, PointsAt, Rule, Sign, Strength};
use crate::smtp::EndingKind;

use cluster::{Cluster, TRIES};
use tries::{Envelope, Try, attempt};

/// Tries of the same message die at the same octet of the body: what stops them reads it.
///
/// Rule: the same Message-ID, or the same sender, recipients and declared size; in two or more connections
/// the body ended unfinished within one segment (MSS) of the same place. With three tries and a chance of at
/// most [`DECISIVE_CHANCE`] decisive, with a chance of at most [`STRONG_CHANCE`] strong, else moderate. It is
/// no more than moderate where a later try got through, and no more than strong where the sender ended it
/// by itself (a FIN, or signs of its own), or where other messages die at that place as well. Tries with the
/// signs of a PMTU black hole are left out: they die at the first full-size packet, whatever is in it.
/// Source: MIDDLEBOX 2.6 (retry test).
/// Raised falsely by a sender whose own program dies at that octet each time (a filter on its side).
pub(in crate::cause::patterns) const SAME_OCTET: Rule =
    Rule { name: "dies_at_the_same_octet", group: Group::Others, supports: &[CauseKind::ContentBlocked] };

/// A later try of a message that had died at the same octet before got through: it was not the content.
pub(in crate::cause::patterns) const GOT_THROUGH: Rule =
    Rule { name: "a_later_try_got_through", group: Group::Others, supports: &[CauseKind::PathLostData] };

/// Tries from which on it is decisive.
const DECISIVE_TRIES: usize = 3;
/// The highest chance at which it is decisive.
const DECISIVE_CHANCE: f64 = 0.01;
/// The highest chance at which it is strong.
const STRONG_CHANCE: f64 = 0.1;

pub(in crate::cause::patterns) fn read(set: &Set<'_>, found: &mut Found) {
    let black_holes: BTreeSet<usize> =
        set.members.iter().filter(is_black_hole).map(|member| member.session).collect();
    let mut messages: BTreeMap<Envelope, Vec<Try<'_>>> = BTreeMap::new();
    for (place, session) in set.injections() {
        for (index, transaction) in session.dialog.transactions.iter().enumerate() {
            let Some(envelope) = Envelope::of(transaction) else { continue };
            let one = attempt(session, (place, index), transaction, black_holes.contains(&place));
            if one.died.is_some() || one.completed {
                messages.entry(envelope).or_default().push(one);
            }
        }
    }
    let died = |tries: &[Try<'_>]| tries.iter().filter(|one| one.died.is_some()).count();
    messages.retain(|_, tries| died(tries) > 0);
    let looked_at = messages.values().filter(|tries| died(tries) >= TRIES).count();
    let mut patterns = Vec::new();
    for (envelope, tries) in &messages {
        let Some(cluster) = Cluster::of(tries) else { continue };
        let others = messages
            .iter()
            .filter(|(other, _)| *other != envelope)
            .filter(|(_, tries)| tries.iter().any(|one| cluster.holds(one)))
            .count();
        let chance = chance::corrected(cluster.chance(died(tries)), looked_at);
        patterns.extend(report(set, &cluster, tries, chance, others, found));
    }
    found.extend(patterns);
}

/// Whether its own signs show that large packets vanish.
fn is_black_hole(member: &&Member<'_>) -> bool {
    let hole = |sign: &Sign| sign.rule.supports.contains(&CauseKind::PmtuBlackHole);
    member.signs.iter().any(|sign| hole(sign) && sign.strength >= Strength::Strong)
}

fn report(
    set: &Set<'_>,
    cluster: &Cluster<'_>,
    tries: &[Try<'_>],
    chance: f64,
    others: usize,
    found: &mut Found,
) -> Option<Pattern> {
    let last = cluster.tries.iter().map(|one| one.flow.flow.first.time).max();
    let got_through = tries
        .iter()
        .find(|one| one.completed && Some(one.flow.flow.first.time) > last)
        .map(|one| one.flow.flow.first.frame);
    let members: Vec<&Member<'_>> = cluster
        .tries
        .iter()
        .flat_map(|one| {
            set.received()
                .filter(|member| member.session == one.session && member.transaction == Some(one.transaction))
        })
        .collect();
    if members.is_empty() {
        return None;
    }
    let count = cluster.tries.len();
    let mut detail = format!("{count} tries of one message died at {}", cluster.place());
    if others > 0 {
        detail.push_str(&format!("; {others} other messages died there too, so it is not its content alone"));
    }
    if got_through.is_some() {
        detail.push_str("; a later try got through");
    }
    for member in &members {
        let frames = cluster.tries.iter().filter_map(|one| one.flow.flow.streams.originator.last);
        found.signs.push((
            member.case,
            Sign {
                rule: &SAME_OCTET,
                points_at: PointsAt::Middlebox,
                strength: strength(member, count, chance, others, got_through.is_some()),
                frames: frames.map(|at| at.frame).collect(),
                numbers: vec![
                    ("tries", count as f64),
                    ("octet", cluster.from as f64),
                    ("to_octet", cluster.to as f64),
                    ("chance", chance),
                ],
                detail: detail.clone(),
            },
        ));
        if let Some(frame) = got_through {
            found.signs.push((
                member.case,
                Sign {
                    rule: &GOT_THROUGH,
                    points_at: PointsAt::Path,
                    strength: Strength::Moderate,
                    frames: vec![frame],
                    numbers: vec![("tries", tries.len() as f64)],
                    detail: "the same message got through later: what stopped it before was not its content"
                        .to_owned(),
                },
            ));
        }
    }
    let mut cases: Vec<usize> = members.iter().map(|member| member.case).collect();
    cases.sort_unstable();
    cases.dedup();
    Some(Pattern {
        name: SAME_OCTET.name,
        detail,
        count: count as u64,
        chance,
        supposing: "each try may end anywhere in the message",
        cases,
    })
}

fn strength(member: &Member<'_>, tries: usize, chance: f64, others: usize, got_through: bool) -> Strength {
    if got_through || chance > STRONG_CHANCE {
        return Strength::Moderate;
    }
    let own = member.is_the_senders_own() || member.evidence.ending.kind == EndingKind::Fin;
    if tries >= DECISIVE_TRIES && chance <= DECISIVE_CHANCE && others == 0 && !own {
        Strength::Decisive
    } else {
        Strength::Strong
    }
}
