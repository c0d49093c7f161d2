//! Hears the debug logs on the reported cases: their flows are read a second time from the captures.

use crate::capture::{CaptureInput, Options};
use crate::case::Case;
use crate::cite::CaptureId;
use crate::input::is_read_once;
use crate::investigate::gather::{Gathered, wire_options};
use crate::investigate::{InvestigateError, Plan, Watch};
use crate::join::MatchOutcome;
use crate::join::voices::Voices;
use crate::maillog::MailLog;
use crate::maillog::conversation::Conversation;
use crate::smtp::{ReplyCode, Session, Transaction};
use crate::testimony::{Testimony, Wanted, read_again};

/// Connections that are read a second time in one report.
const MAX_READ_AGAIN: usize = 4096;

/// Adds to each case what the debug log says of its connection.
pub(super) fn hear(
    cases: &mut [Case],
    plan: &Plan,
    watch: &Watch,
    gathered: &Gathered,
) -> Result<(), InvestigateError> {
    let Gathered { log, sessions, capture_paths, .. } = gathered;
    if log.conversations.is_empty() {
        return Ok(());
    }
    let voices = Voices::new(log, &[]);
    let mut wanted: Vec<(usize, usize)> = Vec::new();
    for case in cases.iter_mut() {
        case.testimony = testimony(case, log, sessions, &voices);
        let Some(testimony) = &mut case.testimony else { continue };
        let Some((session, wire)) = session_of(case.matched.as_ref(), sessions) else { continue };
        let path = capture_paths.get(usize::from(wire.flow.capture.0));
        if path.is_none_or(|path| is_read_once(path)) {
            testimony.not_compared = Some("the capture can be read only once");
        } else if wanted.contains(&(session, testimony.conversation)) {
            // Another message of the same connection.
        } else if wanted.len() >= MAX_READ_AGAIN {
            testimony.not_compared = Some("more connections than are read a second time");
        } else {
            wanted.push((session, testimony.conversation));
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let captures = (0u16..).zip(capture_paths).filter(|(_, path)| !is_read_once(path));
    let captures = captures.map(|(id, path)| CaptureInput::new(CaptureId(id), path)).collect();
    let tuples = wanted.iter().filter_map(|(session, _)| sessions.get(*session)).map(Session::tuple);
    let options = Options {
        only: Some(tuples.collect()),
        ..wire_options(plan.reader, plan.filter.as_deref(), plan.decap, watch)?
    };
    let pairs: Vec<Wanted<'_>> = wanted
        .iter()
        .filter_map(|&(session, conversation)| {
            let session = sessions.get(session)?;
            Some(Wanted { session, conversation: log.conversations.get(conversation)? })
        })
        .collect();
    let compared = read_again(captures, &options, &pairs);
    for case in cases.iter_mut() {
        let Some((session, wire)) = session_of(case.matched.as_ref(), sessions) else { continue };
        let Some(testimony) = &mut case.testimony else { continue };
        let place = wanted.iter().position(|pair| *pair == (session, testimony.conversation));
        let Some(place) = place else { continue };
        testimony.compared = compared.get(place).cloned().flatten();
        if testimony.compared.is_none() {
            testimony.not_compared =
                Some("the connection was not met again in a second reading of the capture");
        }
        if let Some(conversation) = log.conversations.get(testimony.conversation) {
            let dark = wire.dialog.encryption.is_some();
            testimony.add_to(&mut case.verdict, case.claim.kind, conversation, dark);
        }
    }
    Ok(())
}

/// The connection of a case, where there is no doubt about it.
fn session_of<'a>(
    matched: Option<&crate::join::Match>,
    sessions: &'a [Session],
) -> Option<(usize, &'a Session)> {
    let matched = matched.filter(|matched| matched.outcome == MatchOutcome::Matched)?;
    let index = matched.session?;
    Some((index, sessions.get(index)?))
}

fn testimony(case: &Case, log: &MailLog, sessions: &[Session], voices: &Voices<'_>) -> Option<Testimony> {
    let connection = log.connections.get(case.claim.connection?)?;
    let (index, conversation) = voices.of(connection)?;
    let outcome = case.matched.as_ref().map(|matched| matched.outcome);
    let not_compared = match outcome {
        Some(MatchOutcome::Matched) => None,
        Some(MatchOutcome::Ambiguous) => Some("it is not certain which connection on the wire it is"),
        Some(MatchOutcome::NotFound) | None => Some("its connection was not found on the wire"),
    };
    let session = session_of(case.matched.as_ref(), sessions).map(|(_, session)| session);
    let body = session.and_then(|session| body(case.transaction?, session, conversation));
    Some(Testimony { conversation: index, compared: None, not_compared, body_octets: body })
}

/// Octets of the transaction's body by the log: bodies are counted by the go-aheads before them, or, where
/// chunks need none, by their octets.
fn body(transaction: usize, session: &Session, conversation: &Conversation) -> Option<u64> {
    let with_body = |one: &&Transaction| {
        let went_ahead = one.data_reply.is_some_and(|(code, _)| code == ReplyCode::START_INPUT);
        one.data.is_some() && (went_ahead || one.body_octets + one.body_missing > 0)
    };
    session.dialog.transactions.get(transaction).filter(with_body)?;
    let before = session.dialog.transactions.iter().take(transaction);
    conversation.body_octets(before.filter(with_body).count())
}
