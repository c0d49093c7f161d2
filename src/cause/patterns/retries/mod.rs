//! Retries of one message that die at the same octet of its body.

mod cluster;
#[cfg(test)]
mod tests;
mod tries;
mod under_tls;

use std::collections::{BTreeMap, BTreeSet};

use crate::cause::CauseKind;
use crate::cause::patterns::{Found, MAX_CHANCE, Member, Pattern, Set, chance};
use crate::cause::signs::answers::ACKS_LOST;
use crate::cause::signs::path::WINDOW_UNSCALED;
use crate::cause::signs::{Group, PointsAt, Rule, Sign, Strength};
use crate::cite::FrameRef;
use crate::maillog::Stamp;
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
/// signs of a PMTU black hole, of lost acknowledgments or of a window taken without its scale are left out: they die
/// at the first full-size packet, with the first flight or at the window's end, whatever is in it.
/// Source: MIDDLEBOX 2.6 (retry test).
/// Raised falsely by a sender whose own program dies at that octet each time (a filter on its side).
pub(in crate::cause::patterns) const SAME_OCTET: Rule =
    Rule { name: "dies_at_the_same_octet", group: Group::Others, supports: &[CauseKind::ContentBlocked] };

/// The same under TLS, where nothing on the way can read the content: a device that ends TLS, or that stops at a
/// count of octets; or the sender's own program.
///
/// Rule: the same sender (HELO name, else address), envelope sender and recipients by the log; the sender's stream
/// ended within one segment, and the share that records take up, of the same octet. Never more than strong: other
/// messages may have the same envelope, and the place is known only as octets of the whole stream.
pub(in crate::cause::patterns) const SAME_OCTET_UNDER_TLS: Rule = Rule {
    name: "dies_at_the_same_octet_under_tls",
    group: Group::Others,
    supports: &[CauseKind::MiddleboxLimit, CauseKind::ContentBlocked],
};

/// A later try of a message that had died at the same octet before got through: it was not the content.
pub(in crate::cause::patterns) const GOT_THROUGH: Rule =
    Rule { name: "a_later_try_got_through", group: Group::Others, supports: &[CauseKind::PathLostData] };

/// Tries from which on it is decisive.
const DECISIVE_TRIES: usize = 3;
/// The highest chance at which it is decisive.
const DECISIVE_CHANCE: f64 = 0.01;
/// The highest chance at which it is strong.
const STRONG_CHANCE: f64 = 0.1;

/// The cases of received mail, by their connections.
type Members<'a> = BTreeMap<usize, Vec<&'a Member<'a>>>;

pub(in crate::cause::patterns) fn read(set: &Set<'_>, found: &mut Found) {
    let explained: BTreeSet<usize> =
        set.members.iter().filter(is_explained).map(|member| member.session).collect();
    let mut messages: BTreeMap<Envelope, Vec<Try<'_>>> = BTreeMap::new();
    for (place, session) in set.injections() {
        for (index, transaction) in session.dialog.transactions.iter().enumerate() {
            let Some(envelope) = Envelope::of(transaction) else { continue };
            let one = attempt(session, (place, index), transaction, explained.contains(&place));
            if one.died.is_some() || one.completed {
                messages.entry(envelope).or_default().push(one);
            }
        }
    }
    let accepted = under_tls::read(set, &explained, &mut messages);
    let died = |tries: &[Try<'_>]| tries.iter().filter(|one| one.died.is_some()).count();
    messages.retain(|_, tries| died(tries) > 0);
    let looked_at = messages.values().filter(|tries| died(tries) >= TRIES).count();
    let mut members = Members::new();
    for member in set.received() {
        members.entry(member.session).or_default().push(member);
    }
    let mut patterns = Vec::new();
    for (envelope, tries) in &messages {
        let Some(cluster) = Cluster::of(tries) else { continue };
        let chance = chance::corrected(cluster.chance(died(tries)), looked_at);
        if chance <= MAX_CHANCE {
            let others = messages
                .iter()
                .filter(|(other, _)| *other != envelope)
                .filter(|(_, tries)| tries.iter().any(|one| cluster.holds(one)))
                .count();
            let later = got_through(&members, accepted.of(envelope), &cluster, tries);
            patterns.extend(report(&members, (envelope, &cluster), later, chance, others, found));
        }
    }
    found.extend(patterns);
}

/// Whether a later try got through, and the first frame of it where it is known. `accepted`: what the log says was
/// accepted with that envelope.
fn got_through(
    members: &Members<'_>,
    accepted: &[(u64, Stamp)],
    cluster: &Cluster<'_>,
    tries: &[Try<'_>],
) -> Option<Vec<FrameRef>> {
    let last = cluster.tries.iter().map(|one| one.flow.flow.first.time).max();
    let later = tries.iter().find(|one| one.completed && Some(one.flow.flow.first.time) > last);
    if let Some(later) = later {
        return Some(vec![later.flow.flow.first.frame]);
    }
    let of_cluster = cluster.tries.iter().filter_map(|one| members.get(&one.session)).flatten();
    let aborted = of_cluster.filter_map(|member| member.evidence.message);
    let last = aborted.map(|message| message.last.time).max()?;
    accepted.iter().any(|(_, stamp)| stamp.time > last).then(Vec::new)
}

/// Whether its own signs show why it died just there, without a look at the content: large packets vanish, the
/// sender hears no acknowledgment, or the window is taken without its scale.
fn is_explained(member: &&Member<'_>) -> bool {
    let hole = |sign: &Sign| {
        sign.rule.supports.contains(&CauseKind::PmtuBlackHole) && sign.strength >= Strength::Strong
    };
    let at_a_count = |sign: &Sign| [&ACKS_LOST, &WINDOW_UNSCALED].contains(&sign.rule);
    member.signs.iter().any(|sign| hole(sign) || at_a_count(sign))
}

fn report(
    members: &Members<'_>,
    (envelope, cluster): (&Envelope, &Cluster<'_>),
    got_through: Option<Vec<FrameRef>>,
    chance: f64,
    others: usize,
    found: &mut Found,
) -> Option<Pattern> {
    let hidden = matches!(envelope, Envelope::Logged { .. });
    let (rule, stream) = if hidden {
        (&SAME_OCTET_UNDER_TLS, "the sender's stream, encrypted")
    } else {
        (&SAME_OCTET, "the body")
    };
    let members: Vec<&Member<'_>> = cluster
        .tries
        .iter()
        .flat_map(|one| {
            let own = members.get(&one.session).into_iter().flatten().copied();
            own.filter(|member| member.transaction == one.transaction)
        })
        .collect();
    if members.is_empty() {
        return None;
    }
    let count = cluster.tries.len();
    let mut detail = format!("{count} tries of one message died at {}", cluster.place(stream));
    if hidden {
        detail.push_str(
            "; nothing on the way can read it, unless it ends TLS: what stops it counts octets, or the sender does",
        );
    }
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
                rule,
                points_at: PointsAt::Middlebox,
                strength: strength(member, count, chance, others > 0 || hidden, got_through.is_some()),
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
        if let Some(frames) = &got_through {
            found.signs.push((
                member.case,
                Sign {
                    rule: &GOT_THROUGH,
                    points_at: PointsAt::Path,
                    strength: Strength::Moderate,
                    frames: frames.clone(),
                    numbers: vec![("tries", count as f64)],
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
        name: rule.name,
        detail,
        count: count as u64,
        chance,
        supposing: "each try may end anywhere in the message",
        cases,
    })
}

/// `held`: other messages die there too, or what the message is cannot be told.
fn strength(member: &Member<'_>, tries: usize, chance: f64, held: bool, got_through: bool) -> Strength {
    if got_through || chance > STRONG_CHANCE {
        return Strength::Moderate;
    }
    let own = member.is_the_senders_own() || member.evidence.ending.kind == EndingKind::Fin;
    if tries >= DECISIVE_TRIES && chance <= DECISIVE_CHANCE && !held && !own {
        Strength::Decisive
    } else {
        Strength::Strong
    }
}
