//! From claims and matches to judged cases.

use std::cell::OnceCell;
use std::net::IpAddr;

use ahash::AHashMap;

use crate::capture::{Flow, OriginatorFrom, Side};
use crate::case::Case;
use crate::investigate::Plan;
use crate::investigate::select::Selected;
use crate::join::{Doubt, Joined, Match, MatchOutcome};
use crate::maillog::{Claim, ClaimKind, Connection, MailLog, Message};
use crate::net::{Leg, Role, canonical};
use crate::smtp::ending::{Context, ending, last_message_in_the_dark};
use crate::smtp::{Ending, EndingKind, Outcome, Session, Transaction};
use crate::time::Timestamp;
use crate::verdict::timers::{Fit, Origin, fits};
use crate::verdict::{Evidence, Verdict, VerdictKind, judge, words};

/// Judges every claim that the plan wants.
pub(super) fn judged(
    plan: &Plan,
    claims: Vec<Claim>,
    log: &MailLog,
    sessions: &[Session],
    joined: &Joined,
) -> Vec<Case> {
    let selected = Selected::new(&plan.selection, log, sessions, joined);
    let judging = Judging { plan, log, sessions, joined, by_far_end: OnceCell::new() };
    let wanted: Vec<Claim> = claims.into_iter().filter(|claim| selected.wants(claim)).collect();
    wanted.into_iter().map(|claim| judging.case(claim)).collect()
}

struct Judging<'a> {
    plan: &'a Plan,
    log: &'a MailLog,
    sessions: &'a [Session],
    joined: &'a Joined,
    /// How many connections each address has, by the leg that it would be the far end of; counted once
    /// it is asked for.
    by_far_end: OnceCell<AHashMap<(Leg, IpAddr), usize>>,
}

/// One connection on the wire that a claim may be about, with its ending.
struct Account<'a> {
    session: &'a Session,
    transaction: Option<usize>,
    ending: Ending,
}

impl<'a> Judging<'a> {
    fn case(&self, claim: Claim) -> Case {
        let connection = claim.connection.and_then(|index| self.log.connections.get(index));
        let matched = claim.connection.and_then(|index| self.joined.matches.get(index));
        let (Some(connection), Some(matched)) = (connection, matched) else {
            let verdict = Verdict::without_wire(
                "no line of the log names the connection of this message",
                vec!["the log's lines from `Start MID` on, which name the ICID".to_owned()],
            );
            return bare(claim, None, verdict);
        };
        let Some(session) = matched.session else {
            let verdict = Verdict::without_wire(
                "no connection in the captures is the one the log speaks of",
                vec![self.why_not_found(connection, matched)],
            );
            return bare(claim, Some(matched.clone()), verdict);
        };
        let of = |alignment: &[Option<usize>]| {
            claim.message.and_then(|index| alignment.get(index).copied()).flatten()
        };
        let Some(best) = self.account(&claim, connection, session, of(&matched.alignment.of_message)) else {
            let verdict = self.unseen_message(session);
            return bare(claim, Some(matched.clone()), verdict);
        };
        let timers = self.timers(&claim, connection.leg, &best);
        let verdict = self.judge_one(&claim, connection.leg, &best, &timers);
        let rivals: Vec<Account<'_>> = matched
            .rivals
            .iter()
            .filter_map(|rival| {
                self.account(&claim, connection, rival.session, of(&rival.alignment.of_message))
            })
            .collect();
        let verdict = match matched.outcome {
            MatchOutcome::Ambiguous => {
                self.among_rivals(&claim, connection.leg, matched, &best, &rivals, verdict)
            }
            MatchOutcome::Matched | MatchOutcome::NotFound => verdict,
        };
        Case {
            transaction: best.transaction,
            ending: Some(best.ending),
            rival_endings: rivals.into_iter().map(|rival| rival.ending).collect(),
            timers,
            ..bare(claim, Some(matched.clone()), verdict)
        }
    }

    /// How it ended on one connection; `None` where the message is not seen on it.
    fn account(
        &self,
        claim: &Claim,
        connection: &Connection,
        session: usize,
        transaction: Option<usize>,
    ) -> Option<Account<'a>> {
        let session = self.sessions.get(session)?;
        let context = Context {
            appliance: connection.leg.appliance(),
            silence: self.plan.silence,
            aborted_at: self.joined.clocks.instant(&claim.at),
        };
        let delivery = connection.leg == Leg::Delivery;
        let transaction = match (claim.message, claim.kind) {
            (Some(_), _) if transaction.is_some() => transaction,
            (Some(message), _) => {
                // Under TLS no MAIL is seen; the connection's ending is that of its last message. In
                // clear, the file may end before this MAIL; else the message is not on it.
                let whole = last_message_in_the_dark(session, &context);
                let is_last = message + 1 == connection.messages.len();
                // A delivery may fail before its MAIL; no message was begun after it.
                if delivery && is_last && (message == 0 || no_mail_is_open(session)) {
                    return Some(Account { session, transaction: None, ending: whole });
                }
                let dark = session.dialog.encryption.is_some();
                if !(dark && is_last || !dark && whole.kind == EndingKind::CaptureEnded) {
                    return None;
                }
                return Some(Account { session, transaction: None, ending: whole });
            }
            (None, ClaimKind::ReceivingFailed) => session.dialog.transactions.len().checked_sub(1),
            (None, _) => None,
        };
        Some(Account { session, transaction, ending: ending(session, transaction, &context) })
    }

    fn judge_one(&self, claim: &Claim, leg: Leg, account: &Account<'_>, timers: &[Fit]) -> Verdict {
        let message = message_of(self.log, claim);
        judge(&Evidence {
            all_refused: message
                .is_some_and(|message| message.rcpt_to.is_empty() && !message.rejected.is_empty()),
            claim: claim.kind,
            code: claim.code,
            lost: claim.lost,
            ended_at: self.joined.clocks.instant(&claim.at),
            leg,
            session: account.session,
            transaction: account.transaction(),
            ending: &account.ending,
            timers,
        })
    }

    /// The verdict where the connection may be any of several: it stands only if all end alike.
    fn among_rivals(
        &self,
        claim: &Claim,
        leg: Leg,
        matched: &Match,
        best: &Account<'_>,
        rivals: &[Account<'_>],
        verdict: Verdict,
    ) -> Verdict {
        let count = matched.rivals.len() + 1;
        if matched.rivals.is_empty() {
            let missing = matched.doubt.map_or(NOTHING_MORE, missing_in);
            return undecided(verdict, "the connection on the wire may be another one", missing);
        }
        let alike = matched.doubt.is_none()
            && rivals.len() == matched.rivals.len()
            && rivals.iter().all(|rival| {
                rival.ending.kind == best.ending.kind
                    && rival.ending.by == best.ending.by
                    && self.judge_one(claim, leg, rival, &[]).kind == verdict.kind
            });
        if alike {
            let mut verdict = verdict;
            verdict
                .evidence_for
                .push(format!("whichever of the {count} connections it is: they all end alike"));
            return verdict;
        }
        let mut kinds: Vec<(&str, usize)> = Vec::new();
        for ending in std::iter::once(&best.ending).chain(rivals.iter().map(|rival| &rival.ending)) {
            let name = words::headline(ending.kind);
            match kinds.iter_mut().find(|(known, _)| *known == name) {
                Some((_, times)) => *times += 1,
                None => kinds.push((name, 1)),
            }
        }
        let kinds: Vec<String> =
            kinds.into_iter().map(|(name, times)| format!("{times} with {name}")).collect();
        let mut verdict = undecided(
            verdict,
            "the verdict depends on which of them it is",
            "what tells these connections apart: time and content in the log fit each of them",
        );
        verdict.shows = format!("{count} connections fit, and they do not end alike: {}", kinds.join(", "));
        verdict
    }

    fn timers(&self, claim: &Claim, leg: Leg, account: &Account<'_>) -> Vec<Fit> {
        // They are limits of connections that come in.
        if leg == Leg::Delivery {
            return Vec::new();
        }
        let flow = &account.session.flow;
        let appliance = side(leg.appliance());
        let closed = flow.closes.effective.filter(|close| close.by == appliance).map(|close| close.at.time);
        let told = account.session.dialog.unsolicited.as_ref().map(|reply| reply.at.time);
        let logged = self.joined.clocks.instant(&claim.at);
        let Some(end) = told.or(closed).or(logged) else { return Vec::new() };
        fits(end, &origins(account.session, leg), &self.plan.timers)
    }

    /// The connection was found, the message on it was not.
    fn unseen_message(&self, session: usize) -> Verdict {
        let encrypted = self.sessions.get(session).is_some_and(|session| session.dialog.encryption.is_some());
        if encrypted {
            Verdict::without_wire(
                "the connection was found; its dialogue is encrypted, and this was not its last message",
                vec![
                    "the commands in clear: an injection or domain debug log of the appliance holds them"
                        .to_owned(),
                ],
            )
        } else {
            Verdict::without_wire(
                "the connection was found, but no accepted MAIL on it is this message",
                vec!["this message's MAIL: the capture may begin later or have a gap there".to_owned()],
            )
        }
    }

    fn why_not_found(&self, connection: &Connection, matched: &Match) -> String {
        let Some(remote) = connection.remote else {
            return "the connection's opening line with its address (the log begins later)".to_owned();
        };
        let way = match connection.leg {
            Leg::Injection => "from",
            Leg::Delivery => "to",
        };
        if matched.candidates > 0 {
            return format!(
                "its connection: {} {way} {remote} in reach, but envelope or time speak against each",
                count(matched.candidates, "connection")
            );
        }
        match self.connections_of(connection.leg, remote) {
            0 => format!("a connection {way} {remote}: the captures hold none"),
            number => format!(
                "a connection {way} {remote} at that time: the captures hold {} {way} it at other times",
                count(number, "connection")
            ),
        }
    }
}

impl Judging<'_> {
    /// Connections of the captures whose far end is `remote`.
    fn connections_of(&self, leg: Leg, remote: IpAddr) -> usize {
        let counts = self.by_far_end.get_or_init(|| {
            let mut counts = AHashMap::new();
            for session in self.sessions {
                for (leg, far) in [(Leg::Injection, session.client()), (Leg::Delivery, session.server())] {
                    *counts.entry((leg, canonical(far.ip))).or_default() += 1;
                }
            }
            counts
        });
        counts.get(&(leg, canonical(remote))).copied().unwrap_or(0)
    }
}

impl Account<'_> {
    fn transaction(&self) -> Option<&Transaction> {
        self.transaction.and_then(|index| self.session.dialog.transactions.get(index))
    }
}

/// Every MAIL on it was brought to an end.
fn no_mail_is_open(session: &Session) -> bool {
    session.last_open_transaction().is_none()
}

fn bare(claim: Claim, matched: Option<Match>, verdict: Verdict) -> Case {
    Case {
        claim,
        matched,
        transaction: None,
        ending: None,
        rival_endings: Vec::new(),
        timers: Vec::new(),
        verdict,
        testimony: None,
        cause: None,
        signs: Vec::new(),
    }
}

/// What is missing where one connection fits and little speaks for it.
const NOTHING_MORE: &str = "evidence that this connection is the one the log speaks of: address and time allow it, \
                            and little else speaks for it";

/// What is missing where a match is in doubt.
const fn missing_in(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Crowd => {
            "what sets this connection apart: more connections of its address begin about then than can be \
             weighed, and nothing that the log tells of it occurs only once"
        }
        Doubt::Contested => {
            "what sets this connection apart: many of its address begin about then, and other connections of \
             the log may be this one of the capture as well"
        }
        Doubt::BothInPart => {
            "a log or a capture that holds every connection of this address: around then both lack some, and \
             only times speak for this one"
        }
        Doubt::OthersFitNearlyAsWell => {
            "something beside times and sizes that tells this connection from others of its address, which fit \
             nearly as well"
        }
        Doubt::LogLags => {
            "something beside times that tells this connection from others of its address: the log writes some \
             lines seconds after what they tell"
        }
        Doubt::ClockUnchecked => {
            "something that shows how far the clocks of log and capture are apart: only times speak for this \
             connection, and others of its address are near; one message in clear that both hold would do"
        }
    }
}

fn undecided(verdict: Verdict, because: &str, missing: &str) -> Verdict {
    let mut verdict = verdict;
    verdict.kind = VerdictKind::Undetermined;
    verdict.because = because.to_owned();
    verdict.evidence_for.clear();
    verdict.missing.insert(0, missing.to_owned());
    verdict
}

/// Where the appliance's timers may have run from.
fn origins(session: &Session, leg: Leg) -> Vec<(Origin, Timestamp)> {
    let flow: &Flow = &session.flow;
    let mut origins = Vec::with_capacity(3);
    if flow.originator_from == OriginatorFrom::Handshake {
        origins.push((Origin::Connect, flow.first.time));
    }
    let accepted =
        session.dialog.transactions.iter().rev().find_map(|transaction| match transaction.outcome {
            Outcome::Completed { at } => Some(at.time),
            _ => None,
        });
    if let Some(accepted) = accepted {
        origins.push((Origin::LastAcceptedMessage, accepted));
    }
    let sender = flow.streams.of(side(leg.appliance().other()));
    if let Some(octets) = sender.last_octets {
        origins.push((Origin::LastOctet, octets.time));
    }
    origins
}

/// A session's originator is the client.
const fn side(role: Role) -> Side {
    match role {
        Role::Client => Side::Originator,
        Role::Server => Side::Responder,
    }
}

/// `1 connection`, `2 connections`.
pub(super) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// The message that a claim is about.
pub fn message_of<'a>(log: &'a MailLog, claim: &Claim) -> Option<&'a Message> {
    match claim.connection {
        Some(connection) => log.connections.get(connection)?.messages.get(claim.message?),
        None => log.orphans.get(claim.message?),
    }
}
