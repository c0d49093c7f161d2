//! From judged cases to their causes: a second reading of their connections, the signs of each, the
//! patterns of all, the decision.

use std::path::PathBuf;

use crate::capture::{self, CaptureInput, Only};
use crate::case::Case;
use crate::cause::patterns::{self, Member};
use crate::cause::{self, CloseUps, Evidence, Pattern, SecondSide, Sign, Vantage, vantage};
use crate::cite::CaptureId;
use crate::input;
use crate::investigate::{InvestigateError, Plan, Watch, message_of, second_side, wire_options};
use crate::join::MatchOutcome;
use crate::maillog::MailLog;
use crate::net::Leg;
use crate::smtp::Session;

/// Reads the signs of every case whose connection was found and the patterns of all, decides over them, and
/// tells where the capture was taken.
///
/// # Errors
/// When the captures' filter cannot be compiled again.
pub(super) fn attribute(
    plan: &Plan,
    watch: &Watch,
    log: &MailLog,
    sessions: &[Session],
    captures: &[PathBuf],
    cases: &mut [Case],
) -> Result<Attribution, InvestigateError> {
    let close_ups =
        close_ups(plan, watch, captures, cases.iter().filter_map(|case| Some(found(sessions, case)?.1)))?;
    let vantage = vantage::of_all(cases.iter().filter_map(|case| {
        let close_up = close_ups.get(found(sessions, case)?.1)?;
        Some(vantage::of(&close_up.trace, cause::evidence::side(leg(log, case).appliance())))
    }));
    let setting = Setting { log, sessions, close_ups: &close_ups, vantage };
    let mut signs: Vec<Vec<Sign>> = cases
        .iter()
        .map(|case| setting.evidence(case).map(|evidence| cause::signs::signs(&evidence)).unwrap_or_default())
        .collect();
    let second =
        second_side::Second::read(plan, watch, captures, cases.iter().map(|case| setting.evidence(case)));
    for (place, signs) in signs.iter_mut().enumerate() {
        if let Some(evidence) = cases.get(place).and_then(|case| setting.evidence(case)) {
            signs.extend(second.signs(place, &evidence, signs));
        }
    }
    let patterns = setting.patterns(cases, &signs);
    for (place, sign) in patterns.signs {
        if let Some(signs) = signs.get_mut(place) {
            signs.push(sign);
        }
    }
    for (place, (case, signs)) in cases.iter_mut().zip(signs).enumerate() {
        let second_side = match (plan.outside.is_empty(), second.comparisons.contains_key(&place)) {
            (true, _) => SecondSide::NotGiven,
            (false, false) => SecondSide::Lacking,
            (false, true) => SecondSide::Shown,
        };
        let evidence = setting.evidence(case).map(|evidence| Evidence { second_side, ..evidence });
        let cause = evidence.and_then(|evidence| cause::decide(&evidence, &signs));
        (case.signs, case.cause) = (signs, cause);
    }
    Ok(Attribution { vantage, patterns: patterns.patterns, second })
}

/// What was found beside the causes of the cases.
pub(super) struct Attribution {
    pub(super) vantage: Vantage,
    pub(super) patterns: Vec<Pattern>,
    pub(super) second: second_side::Second,
}

/// What the evidence of every case is taken from.
struct Setting<'a> {
    log: &'a MailLog,
    sessions: &'a [Session],
    close_ups: &'a CloseUps,
    vantage: Vantage,
}

impl Setting<'_> {
    fn evidence<'c>(&'c self, case: &'c Case) -> Option<Evidence<'c>> {
        let (_, session) = found(self.sessions, case)?;
        Some(Evidence {
            leg: leg(self.log, case),
            session,
            transaction: case.transaction.and_then(|index| session.dialog.transactions.get(index)),
            ending: case.ending.as_ref()?,
            close_up: self.close_ups.get(session),
            vantage: self.vantage,
            second_side: SecondSide::NotGiven,
            claim: &case.claim,
            connection: case.claim.connection.and_then(|index| self.log.connections.get(index)),
            message: message_of(self.log, &case.claim),
            timers: &case.timers,
        })
    }

    fn patterns(&self, cases: &[Case], signs: &[Vec<Sign>]) -> patterns::Found {
        let members: Vec<Member<'_>> = cases
            .iter()
            .zip(signs)
            .enumerate()
            .filter_map(|(place, (case, signs))| {
                Some(Member {
                    case: place,
                    session: found(self.sessions, case)?.0,
                    transaction: case.transaction,
                    is_abort: case.is_abort(),
                    evidence: self.evidence(case)?,
                    signs,
                })
            })
            .collect();
        patterns::patterns(&patterns::Set { sessions: self.sessions, members: &members, log: self.log })
    }
}

/// The connection of a case, with its place. Where it is not certain which it was, nobody is named for what
/// happened on one of them.
fn found<'a>(sessions: &'a [Session], case: &Case) -> Option<(usize, &'a Session)> {
    let matched = case.matched.as_ref().filter(|matched| matched.outcome == MatchOutcome::Matched)?;
    let place = matched.session?;
    Some((place, sessions.get(place)?))
}

fn leg(log: &MailLog, case: &Case) -> Leg {
    let connection = case.claim.connection.and_then(|index| log.connections.get(index));
    connection.map_or(Leg::Injection, |connection| connection.leg)
}

/// Reads `sessions` once more, as far as their captures can be read twice.
fn close_ups<'a>(
    plan: &Plan,
    watch: &Watch,
    captures: &[PathBuf],
    sessions: impl Iterator<Item = &'a Session> + Clone,
) -> Result<CloseUps, InvestigateError> {
    let wanted = CloseUps::of(sessions.clone(), &plan.ports);
    let only: Only = sessions.map(Session::tuple).collect();
    let again: Vec<CaptureInput> = (0u16..)
        .zip(captures)
        .filter(|(_, path)| !input::is_read_once(path))
        .map(|(id, path)| CaptureInput::new(CaptureId(id), path))
        .collect();
    let options = capture::Options {
        traced: true,
        only: Some(only),
        ..wire_options(plan.reader, plan.filter.as_deref(), plan.decap, watch)?
    };
    Ok(capture::follow(again, &options, wanted, &|_| ()).0)
}
