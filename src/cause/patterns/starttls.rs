//! Senders that usually use STARTTLS and here did not.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::cause::CauseKind;
use crate::cause::patterns::{Found, MAX_CHANCE, Pattern, Set, chance};
use crate::cause::signs::{Group, PointsAt, Rule, Sign, Strength};
use crate::net::canonical;
use crate::smtp::Session;
use crate::text::Text;
use crate::time::Span;

/// A sender that nearly always uses STARTTLS did not, though the appliance offered it: on its way the offer
/// may have been taken out.
///
/// Rule: of at least [`MIN_SESSIONS`] other connections of this address (else of this HELO name) to a server
/// that offered STARTTLS, a share of at least [`USUAL`] used it; here a MAIL command came in clear. Not where
/// TLS had failed with this sender less than [`AFTER_FAILURE`] before: then it fell back by itself.
/// Source: MIDDLEBOX 2.3. Raised falsely by a sender whose policy differs from message to message, and by
/// different programs behind one address.
pub(super) const UNUSUALLY_PLAIN: Rule = Rule {
    name: "starttls_not_used_as_usual",
    group: Group::Others,
    supports: &[CauseKind::MiddleboxRewriting],
};

/// Connections that make a habit.
const MIN_SESSIONS: u64 = 5;
/// The share of them that used STARTTLS.
const USUAL: f64 = 0.9;
/// How long a sender stays in clear after a failure at most, as far as it excuses it.
const AFTER_FAILURE: Span = Span::from_seconds(60);

/// What a sender is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Address(IpAddr),
    Helo(Text),
}

impl Name {
    /// The names of a session's client, the surer first.
    fn all(session: &Session) -> impl Iterator<Item = Self> {
        let address = Self::Address(canonical(session.client().ip));
        let helo = session.dialog.helo.as_ref().filter(|helo| !helo.is_empty());
        std::iter::once(address).chain(helo.cloned().map(Self::Helo))
    }
}

#[derive(Debug, Default)]
struct Habit {
    offered: u64,
    used: u64,
    /// When TLS began and was not established, in order.
    failed: Vec<Timespan>,
}

#[derive(Debug, Clone, Copy)]
struct Timespan {
    from: crate::time::Timestamp,
    to: crate::time::Timestamp,
}

pub(super) fn read(set: &Set<'_>, found: &mut Found) {
    let mut habits: BTreeMap<Name, Habit> = BTreeMap::new();
    for (_, session) in set.injections() {
        let encryption = session.dialog.encryption.as_ref();
        if encryption.is_none() && !plain_though_offered(session) {
            continue;
        }
        for name in Name::all(session) {
            let habit = habits.entry(name).or_default();
            habit.offered += 1;
            habit.used += u64::from(encryption.is_some());
            if encryption.is_some_and(|encryption| !encryption.established) {
                let flow = &session.flow;
                habit.failed.push(Timespan { from: flow.first.time, to: flow.last.time });
            }
        }
    }
    let plain = set.received().filter(|member| plain_though_offered(member.evidence.session));
    let mut broken = Vec::new();
    for member in plain {
        let session = member.evidence.session;
        let usual = Name::all(session).find_map(|name| {
            let habit = habits.get(&name)?;
            // This connection itself is no part of the habit.
            let others = habit.offered.checked_sub(1)?;
            (others >= MIN_SESSIONS).then_some((name, habit, others))
        });
        let Some((name, habit, others)) = usual else { continue };
        let began = session.flow.first.time;
        let excused =
            habit.failed.iter().any(|failed| failed.from <= began && began.since(failed.to) < AFTER_FAILURE);
        if (habit.used as f64) < USUAL * others as f64 || excused {
            continue;
        }
        broken.push((member, name, habit.used, others));
    }
    // Senders without a habit were not looked at; several messages of one connection are one look.
    let looks: BTreeSet<usize> = broken.iter().map(|(member, ..)| member.session).collect();
    let mut patterns: BTreeMap<Name, Pattern> = BTreeMap::new();
    for (member, name, used, others) in broken {
        let chance = chance::corrected(once_more(others, used), looks.len());
        if chance > MAX_CHANCE {
            continue;
        }
        let who = match &name {
            Name::Address(ip) => ip.to_string(),
            Name::Helo(helo) => format!("a sender that calls itself {helo}"),
        };
        let detail = format!(
            "{who} used STARTTLS in {used} of {others} other connections, and not in this one, though it was offered"
        );
        found.signs.push((
            member.case,
            Sign {
                rule: &UNUSUALLY_PLAIN,
                points_at: PointsAt::Middlebox,
                strength: Strength::Moderate,
                frames: vec![member.evidence.session.flow.first.frame],
                numbers: vec![("others", others as f64), ("used", used as f64), ("chance", chance)],
                detail,
            },
        ));
        let detail = format!("{who} usually uses STARTTLS, and did not though it was offered");
        let pattern = patterns.entry(name).or_insert_with(|| Pattern {
            name: UNUSUALLY_PLAIN.name,
            detail,
            count: 0,
            chance,
            supposing: "it leaves STARTTLS out as seldom as it did in its other connections",
            cases: Vec::new(),
        });
        pattern.count += 1;
        pattern.cases.push(member.case);
    }
    found.extend(patterns.into_values().collect());
}

/// Whether a MAIL command came in clear after an offer of STARTTLS.
fn plain_though_offered(session: &Session) -> bool {
    let dialog = &session.dialog;
    dialog.encryption.is_none() && dialog.capabilities.starttls && !dialog.transactions.is_empty()
}

/// The chance that the next connection goes without, after `used` of `others` did not: Laplace's rule of
/// succession.
fn once_more(others: u64, used: u64) -> f64 {
    (others.saturating_sub(used) as f64 + 1.0) / (others as f64 + 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::patterns::testing::Made;
    use crate::cause::testing::Scene;
    use crate::net::Role;
    use crate::smtp::script::Script;
    use crate::smtp::tls::EncryptionStart;

    fn greeted() -> Script {
        Script::new().s("220 x\r\n").c("EHLO a\r\n").s("250-x\r\n250 STARTTLS\r\n")
    }

    fn plain() -> Scene {
        Scene::of(&greeted().c("MAIL FROM:<a@a>\r\n").s("250 ok\r\n").fin(Role::Client))
    }

    fn encrypted(established: bool) -> Scene {
        let mut scene = Scene::of(&greeted().c("STARTTLS\r\n").s("220 go\r\n").fin(Role::Client));
        let since = scene.session.flow.last;
        let mut encryption = crate::smtp::tls::Encryption::begun(EncryptionStart::StartTls, since);
        encryption.established = established;
        scene.session.dialog.encryption = Some(Box::new(encryption));
        scene
    }

    #[test]
    fn a_habit_that_is_broken_once() {
        let mut made = Made::default();
        for _ in 0..6 {
            made.add("192.0.2.1", encrypted(true), false);
        }
        made.add("192.0.2.1", plain(), true);
        let found = made.found(read);
        assert_eq!((found.signs.len(), found.signs[0].1.strength), (1, Strength::Moderate));
        assert!((found.patterns[0].chance - 1.0 / 8.0).abs() < 1e-9);
        // Another address under the same name.
        made.add("198.51.100.7", plain(), true);
        assert_eq!(made.found(read).patterns.len(), 1, "two of eight by that name did not: no habit");
    }

    #[test]
    fn senders_without_the_habit() {
        let mut made = Made::default();
        for _ in 0..8 {
            made.add("192.0.2.1", plain(), true);
        }
        assert_eq!(made.found(read), Found::default(), "never used it");
        let mut few = Made::default();
        for _ in 0..4 {
            few.add("192.0.2.1", encrypted(true), false);
        }
        few.add("192.0.2.1", plain(), true);
        assert_eq!(few.found(read), Found::default(), "too few to call it a habit");
    }

    #[test]
    fn three_of_forty_are_chance() {
        let mut made = Made::default();
        for number in 0..40 {
            let is_plain = number % 13 == 12;
            made.add("192.0.2.1", if is_plain { plain() } else { encrypted(true) }, is_plain);
        }
        assert_eq!(made.found(read), Found::default());
    }

    #[test]
    fn a_fallback_is_the_senders_own() {
        let mut made = Made::default();
        for _ in 0..6 {
            made.add("192.0.2.1", encrypted(true), false);
        }
        made.add("192.0.2.1", encrypted(false), false).add_after(20, "192.0.2.1", plain(), true);
        assert_eq!(made.found(read), Found::default());
    }
}
