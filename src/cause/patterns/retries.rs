//! Retries of one message that die at the same octet of its body.

use std::collections::{BTreeMap, BTreeSet};

use crate::capture::Loss;
use crate::cause::CauseKind;
use crate::cause::patterns::{Found, Member, Pattern, Set, chance};
use crate::cause::signs::{Group, PointsAt, Rule, Sign, Strength};
use crate::smtp::EndingKind;
use crate::smtp::session::{Outcome, Session, Stage, Transaction};
use crate::text::Text;

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
pub(super) const SAME_OCTET: Rule =
    Rule { name: "dies_at_the_same_octet", group: Group::Others, supports: &[CauseKind::ContentBlocked] };

/// A later try of a message that had died at the same octet before got through: it was not the content.
pub(super) const GOT_THROUGH: Rule =
    Rule { name: "a_later_try_got_through", group: Group::Others, supports: &[CauseKind::PathLostData] };

/// Tries that make a pattern.
const TRIES: usize = 2;
/// Tries from which on it is decisive.
const DECISIVE_TRIES: usize = 3;
/// The highest chance at which it is decisive.
const DECISIVE_CHANCE: f64 = 0.01;
/// The highest chance at which it is strong.
const STRONG_CHANCE: f64 = 0.1;
/// The segment size where none was captured (RFC 9293 section 3.7.1 with Ethernet's MTU).
const USUAL_MSS: u64 = 1460;

/// What tells that two transactions carry the same message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Envelope {
    MessageId(Text),
    Sized { mail_from: Text, rcpt_to: Vec<Text>, size: u64 },
}

impl Envelope {
    fn of(transaction: &Transaction) -> Option<Self> {
        if let Some(id) = transaction.message_id.as_ref().filter(|id| !id.is_empty()) {
            return Some(Self::MessageId(id.clone()));
        }
        let size = transaction.declared_size?;
        let mut rcpt_to: Vec<Text> =
            transaction.recipients.iter().map(|recipient| recipient.address.clone()).collect();
        rcpt_to.sort_unstable();
        let whole = !transaction.mail_missing && !rcpt_to.is_empty() && transaction.recipients_dropped == 0;
        whole.then(|| Self::Sized { mail_from: transaction.mail_from.clone(), rcpt_to, size })
    }
}

/// One connection's try of a message.
#[derive(Debug, Clone, Copy)]
struct Try<'a> {
    session: usize,
    transaction: usize,
    /// Where its body died, octets from its first; `None` where it did not.
    died: Option<u64>,
    completed: bool,
    /// Octets of the message, as far as known.
    length: u64,
    mss: u64,
    flow: &'a Session,
}

pub(super) fn read(set: &Set<'_>, found: &mut Found) {
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

fn attempt<'a>(
    session: &'a Session,
    (place, index): (usize, usize),
    transaction: &Transaction,
    black_hole: bool,
) -> Try<'a> {
    let last = session.last_open_transaction() == Some(index);
    let died = if last && !black_hole { place_of_death(session, transaction) } else { None };
    let seen = transaction.body_octets.saturating_add(transaction.body_missing);
    Try {
        session: place,
        transaction: index,
        died,
        completed: matches!(transaction.outcome, Outcome::Completed { .. }),
        length: transaction.declared_size.unwrap_or(0).max(seen),
        mss: session.flow.streams.responder.mss.map_or(USUAL_MSS, u64::from),
        flow: session,
    }
}

/// The octet of the body behind which nothing arrived: the first one that is missing and was never
/// acknowledged, else the end of what came.
fn place_of_death(session: &Session, transaction: &Transaction) -> Option<u64> {
    if transaction.stage != Stage::Body || transaction.body_octets == 0 || transaction.end_of_data.is_some() {
        return None;
    }
    let stream = &session.flow.streams.originator;
    let body = transaction.body_octets.checked_add(transaction.body_missing)?;
    let begins = stream.end.checked_sub(body)?;
    let lost = stream.gaps.iter().filter(|gap| gap.loss == Loss::Unacknowledged).map(|gap| gap.offset).min();
    lost.unwrap_or(stream.end).checked_sub(begins)
}

/// The most tries that died within a segment of each other.
#[derive(Debug)]
struct Cluster<'a> {
    tries: Vec<Try<'a>>,
    from: u64,
    to: u64,
    mss: u64,
    length: u64,
}

impl<'a> Cluster<'a> {
    fn of(tries: &[Try<'a>]) -> Option<Self> {
        let mut dead: Vec<(u64, Try<'a>)> = tries.iter().filter_map(|one| Some((one.died?, *one))).collect();
        dead.sort_by_key(|(died, one)| (*died, one.session));
        let mss = dead.iter().map(|(_, one)| one.mss).min()?;
        let (mut best, mut begin) = (0..0, 0);
        for (end, (died, _)) in dead.iter().enumerate() {
            while dead.get(begin).is_some_and(|(first, _)| died - first > mss) {
                begin += 1;
            }
            if end + 1 - begin > best.len() {
                best = begin..end + 1;
            }
        }
        let close = dead.get(best).filter(|close| close.len() >= TRIES)?;
        let ((from, _), (to, _)) = (close.first()?, close.last()?);
        let length = tries.iter().map(|one| one.length).max()?;
        Some(Self { tries: close.iter().map(|(_, one)| *one).collect(), from: *from, to: *to, mss, length })
    }

    /// Whether a try, of whatever message, died at this place.
    fn holds(&self, one: &Try<'_>) -> bool {
        one.died.is_some_and(|died| {
            died.saturating_add(self.mss) >= self.to && died <= self.from.saturating_add(self.mss)
        })
    }

    /// The chance that this many of `died` tries end so close, if each may end anywhere in the message.
    fn chance(&self, died: usize) -> f64 {
        chance::some_within(died, self.tries.len(), self.mss as f64 / self.length.max(1) as f64)
    }

    fn place(&self) -> String {
        if self.from == self.to {
            format!("octet {} of the body", self.from)
        } else {
            format!("octets {} to {} of the body", self.from, self.to)
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::patterns::testing::Made;
    use crate::cause::testing::Scene;
    use crate::net::Role;
    use crate::smtp::script::Script;

    fn begun(id: &str, body: usize) -> Script {
        let line = "all work and no play makes a dull line of sixty octets\r\n";
        let text = line.repeat(body / line.len() + 1);
        Script::new()
            .s("220 x\r\n")
            .c("EHLO a\r\n")
            .s("250 x\r\n")
            .c("MAIL FROM:<a@a> SIZE=200000\r\n")
            .s("250 ok\r\n")
            .c("RCPT TO:<b@b>\r\n")
            .s("250 ok\r\n")
            .c("DATA\r\n")
            .s("354 go\r\n")
            .c(format!("Message-ID: <{id}>\r\n\r\n{}", text.get(..body).unwrap()))
    }

    /// A body that dies behind `body` octets, and silence.
    fn dies(id: &str, body: usize) -> Scene {
        Scene::of(&begun(id, body).wait(300).s("421 timeout\r\n").fin(Role::Server))
    }

    fn strengths(found: &Found, rule: &Rule) -> Vec<Strength> {
        let of_rule = found.signs.iter().filter(|(_, sign)| sign.rule.name == rule.name);
        of_rule.map(|(_, sign)| sign.strength).collect()
    }

    #[test]
    fn three_tries_at_one_octet_are_decisive() {
        let mut made = Made::default();
        for (ip, body) in [("192.0.2.1", 30_000), ("192.0.2.2", 30_900), ("192.0.2.1", 30_400)] {
            made.add(ip, dies("x@y", body), true);
        }
        let found = made.found(read);
        assert_eq!(strengths(&found, &SAME_OCTET), [Strength::Decisive; 3]);
        assert_eq!((found.patterns[0].count, &found.patterns[0].cases), (3, &vec![0, 1, 2]));
        assert!(found.patterns[0].chance < 0.001, "{found:?}");
    }

    #[test]
    fn two_are_strong_and_only_where_chance_does_not_explain_them() {
        let mut made = Made::default();
        made.add("192.0.2.1", dies("x@y", 30_000), true).add("192.0.2.1", dies("x@y", 30_100), true);
        assert_eq!(strengths(&made.found(read), &SAME_OCTET), [Strength::Strong; 2]);
    }

    #[test]
    fn tries_that_die_at_different_octets_show_nothing() {
        let mut made = Made::default();
        for body in [30_000, 60_000, 33_000] {
            made.add("192.0.2.1", dies("x@y", body), true);
        }
        assert_eq!(made.found(read), Found::default());
    }

    #[test]
    fn different_messages_are_no_tries() {
        let mut made = Made::default();
        for id in ["a@y", "b@y", "c@y"] {
            made.add("192.0.2.1", dies(id, 30_000), true);
        }
        assert_eq!(made.found(read), Found::default());
        // And where each is tried again, it is not the content of one.
        for id in ["a@y", "b@y", "c@y"] {
            made.add("192.0.2.1", dies(id, 30_000), true).add("192.0.2.1", dies(id, 30_000), true);
        }
        assert_eq!(strengths(&made.found(read), &SAME_OCTET), [Strength::Strong; 9]);
    }

    #[test]
    fn a_try_that_got_through_speaks_against_it() {
        let mut made = Made::default();
        for _ in 0..3 {
            made.add("192.0.2.1", dies("x@y", 30_000), true);
        }
        let whole = begun("x@y", 199_000).c("\r\n.\r\n").s("250 ok\r\n").c("QUIT\r\n").s("221 bye\r\n");
        made.add("192.0.2.1", Scene::of(&whole), false);
        let found = made.found(read);
        assert_eq!(strengths(&found, &SAME_OCTET), [Strength::Moderate; 3]);
        assert_eq!(strengths(&found, &GOT_THROUGH), [Strength::Moderate; 3]);
    }

    #[test]
    fn what_the_sender_ends_itself_is_not_decisive() {
        let mut made = Made::default();
        for _ in 0..3 {
            made.add("192.0.2.1", Scene::of(&begun("x@y", 30_000).fin(Role::Client)), true);
        }
        assert_eq!(strengths(&made.found(read), &SAME_OCTET), [Strength::Strong; 3]);
    }

    #[test]
    fn a_black_hole_is_not_the_content() {
        let hole = Sign {
            rule: &crate::cause::signs::path::FULL_SIZE_MISSING,
            points_at: PointsAt::Path,
            strength: Strength::Strong,
            frames: Vec::new(),
            numbers: Vec::new(),
            detail: String::new(),
        };
        let mut made = Made::default();
        for _ in 0..3 {
            made.add("192.0.2.1", dies("x@y", 30_000), true).signed(hole.clone());
        }
        assert_eq!(made.found(read), Found::default());
    }
}
