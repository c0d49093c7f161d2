//! From judged cases to their causes: a second reading of their connections, then the signs.

use std::path::PathBuf;

use crate::capture::{self, CaptureInput, Only};
use crate::case::Case;
use crate::cause::{self, CloseUps, Evidence, Vantage, vantage};
use crate::cite::CaptureId;
use crate::input;
use crate::investigate::{InvestigateError, Plan, Watch, message_of, wire_options};
use crate::join::MatchOutcome;
use crate::maillog::MailLog;
use crate::net::Leg;
use crate::smtp::Session;

/// Reads the signs of every case whose connection was found, decides over them, and tells where the
/// capture was taken.
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
) -> Result<Vantage, InvestigateError> {
    // Where it is not certain which connection it was, nobody is named for what happened on one of them.
    let found = |case: &Case| {
        let matched = case.matched.as_ref().filter(|matched| matched.outcome == MatchOutcome::Matched)?;
        sessions.get(matched.session?)
    };
    let close_ups = close_ups(plan, watch, captures, cases.iter().filter_map(found))?;
    let leg = |case: &Case| {
        let connection = case.claim.connection.and_then(|index| log.connections.get(index));
        connection.map_or(Leg::Injection, |connection| connection.leg)
    };
    let vantage = vantage::of_all(cases.iter().filter_map(|case| {
        let close_up = close_ups.get(found(case)?)?;
        Some(vantage::of(&close_up.trace, cause::evidence::side(leg(case).appliance())))
    }));
    for case in cases {
        let (Some(session), Some(ending)) = (found(case), &case.ending) else { continue };
        let connection = case.claim.connection.and_then(|index| log.connections.get(index));
        let evidence = Evidence {
            leg: leg(case),
            session,
            transaction: case.transaction.and_then(|index| session.dialog.transactions.get(index)),
            ending,
            close_up: close_ups.get(session),
            vantage,
            claim: &case.claim,
            connection,
            message: message_of(log, &case.claim),
            timers: &case.timers,
        };
        case.signs = cause::signs::signs(&evidence);
        case.cause = cause::decide(&evidence, &case.signs);
    }
    Ok(vantage)
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
