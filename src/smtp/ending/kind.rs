//! The kinds of endings, tried in their order.

use crate::capture::CloseKind;
use crate::cite::Moment;
use crate::net::Role;
use crate::smtp::ending::facts::{Facts, ROUND_TRIP, Signal, closing_reply, is_window_closed, role};
use crate::smtp::ending::{Context, Ending, EndingKind, Form, Turn, dark};
use crate::smtp::reply::ReplyCode;
use crate::smtp::session::{Outcome, Quit, Session, Stage, Transaction};

/// See [`super::ending`].
pub(super) fn ending(session: &Session, transaction: Option<usize>, context: &Context) -> Ending {
    let facts = Facts::of(session, context);
    let transactions = &session.dialog.transactions;
    let Some((index, tx)) = transaction.and_then(|index| Some((index, transactions.get(index)?))) else {
        return connection(&facts, session.dialog.stage);
    };
    if let Some(ended) = ended_by_smtp(&facts, tx) {
        return ended;
    }
    let went_on = transactions.iter().skip(index + 1).any(|later| later.accepted());
    if tx.end_reply_missing || went_on {
        let mut ended = Ending { inferred: true, ..begun(&facts, EndingKind::CaptureEnded, tx.stage) };
        ended.at = tx.end_of_data.or(tx.last_body).or(Some(tx.mail));
        ended.missing.push("the replies that ended this message are not in the capture".to_owned());
        return ended;
    }
    let mut ended = connection(&facts, tx.stage);
    ended.inferred |= tx.inferred;
    ended
}

/// What the dialogue itself said of the transaction.
fn ended_by_smtp(facts: &Facts<'_>, tx: &Transaction) -> Option<Ending> {
    let base = |kind, by, at: &Moment| Ending {
        by: Some(by),
        at: Some(*at),
        inferred: tx.inferred,
        turn: None,
        waited: None,
        stall: None,
        ..begun(facts, kind, tx.stage)
    };
    Some(match &tx.outcome {
        Outcome::Completed { at } => {
            let reply = tx.end_reply.as_ref();
            let acknowledged = facts.session.flow.streams.responder.acknowledged;
            Ending {
                code: reply.map(|reply| reply.code),
                reply_unacknowledged: reply.is_some_and(|reply| reply.end_offset > acknowledged),
                ..base(EndingKind::Completed, Role::Server, at)
            }
        }
        Outcome::Refused { stage, code, at } => {
            Ending { code: Some(*code), stage: *stage, ..base(EndingKind::Refused, Role::Server, at) }
        }
        Outcome::Abandoned { at, .. } => base(EndingKind::Abandoned, Role::Client, at),
        Outcome::Open => return None,
    })
}

/// How the connection ended under whatever was open.
fn connection(facts: &Facts<'_>, stage: Stage) -> Ending {
    // A go-ahead for TLS that nothing followed leaves nothing in the dark.
    let encrypted = facts.session.dialog.encryption.as_ref();
    let encrypted = encrypted.filter(|encryption| {
        !encryption.not_tls && (encryption.records_seen > 0 || encryption.cut_record.is_some())
    });
    let mut ended = match encrypted {
        None => plain_quit(facts, stage).unwrap_or_else(|| closed(facts, stage)),
        Some(encryption) => dark::ending(facts, encryption, stage, closed),
    };
    if facts.gap_at_end && ended.kind != EndingKind::CaptureEnded {
        ended.inferred = true;
        ended.missing.push("octets near the end of the dialogue are missing from the capture".to_owned());
    }
    ended
}

/// QUIT, with everything before it answered, by a client who did not yet know of a close.
fn plain_quit(facts: &Facts<'_>, stage: Stage) -> Option<Ending> {
    let quit = facts.session.dialog.quit.as_ref()?;
    let refused = quit
        .reply
        .as_ref()
        .is_some_and(|reply| reply.code.is_negative() && reply.code != ReplyCode::NOT_AVAILABLE);
    if refused || !quit.all_answered_before || is_aftermath(facts, quit) {
        return None;
    }
    let answered = quit.reply.as_ref().map(|reply| reply.at);
    let race = facts
        .session
        .flow
        .closes
        .effective
        .is_some_and(|close| answered.is_none_or(|answered| close.at.precedes(answered)));
    Some(Ending {
        by: Some(Role::Client),
        at: Some(quit.at),
        race,
        inferred: quit.inferred,
        // Everything was answered: the move was the client's, and QUIT was it.
        turn: Some(Turn::Of(Role::Client)),
        waited: None,
        stall: None,
        ..begun(facts, EndingKind::Quit, stage)
    })
}

/// Whether the client sent QUIT because the server was closing, or after its own close.
fn is_aftermath(facts: &Facts<'_>, quit: &Quit) -> bool {
    let session = facts.session;
    if quit.inferred {
        return false;
    }
    let announced = closing_reply(session)
        .is_some_and(|reply| reply.at.precedes(quit.at) && quit.acknowledged >= reply.end_offset);
    let closed = session.flow.closes.effective.is_some_and(|close| match role(close.by) {
        // Both in one stream: their places in it hold also where the capture's clock was set back between them.
        Role::Client if close.kind == CloseKind::Fin => close.offset < quit.end_offset,
        Role::Client => close.at.precedes(quit.at),
        // An acknowledgment of a FIN is one octet beyond the stream; where the file shows none, a
        // client who sends long after it knows all the same.
        Role::Server if close.kind == CloseKind::Fin => {
            close.at.precedes(quit.at)
                && (quit.acknowledged > close.offset || quit.at.time.since(close.at.time) >= ROUND_TRIP)
        }
        Role::Server => close.at.precedes(quit.at),
    });
    announced || closed
}

/// By TCP, by an announced close, or by silence.
fn closed(facts: &Facts<'_>, stage: Stage) -> Ending {
    let sender = facts.sender();
    match facts.signal {
        // A server that the appliance delivers to refuses with a word, and closes.
        Some(signal) if signal.by == sender && sender == Role::Server && signal.form == Form::Reply => {
            Ending { why: None, ..signalled(facts, EndingKind::Refused, stage, signal) }
        }
        Some(signal) if signal.by == sender => {
            let kind = if signal.form == Form::Rst { EndingKind::Rst } else { EndingKind::Fin };
            let mut ended = signalled(facts, kind, stage, signal);
            // A sender who is the server may take leave with a word, and any by an alert of TLS.
            ended.form = matches!(signal.form, Form::Reply | Form::TlsAlert).then_some(signal.form);
            ended.why = None;
            ended
        }
        // What the capture lost came first, and the appliance only answered it.
        Some(_) if facts.answers_lost_fin => capture_ended(facts, stage),
        Some(signal) => match facts.stall {
            // What came after the stall, mostly the appliance's timer, is its consequence.
            Some(_) if !facts.gap_at_end => stalled(facts, stage),
            _ => signalled(facts, EndingKind::ApplianceClosed, stage, signal),
        },
        None if facts.stall.is_some()
            && facts.context.aborted_at.is_some()
            && facts.covered
            && !facts.gap_at_end =>
        {
            stalled(facts, stage)
        }
        None => capture_ended(facts, stage),
    }
}

fn signalled(facts: &Facts<'_>, kind: EndingKind, stage: Stage, signal: Signal) -> Ending {
    Ending {
        by: Some(signal.by),
        at: Some(signal.at),
        why: Some(signal.why),
        form: Some(signal.form),
        code: signal.code,
        crossed: signal.crossed,
        ..begun(facts, kind, stage)
    }
}

/// Somebody kept the other waiting until nothing more came of it.
fn stalled(facts: &Facts<'_>, stage: Stage) -> Ending {
    let on = facts.stall.map(|stall| stall.on);
    let kind = if on == Some(facts.sender()) { EndingKind::Silence } else { EndingKind::ApplianceStalled };
    let mut ended = Ending { by: on, at: facts.stall.map(|stall| stall.since), ..begun(facts, kind, stage) };
    if kind == EndingKind::ApplianceStalled {
        ended.missing.extend(why_stalled(facts).map(str::to_owned));
    }
    ended
}

/// What kept the appliance's side from going on, where it was not simply its turn.
fn why_stalled(facts: &Facts<'_>) -> Option<&'static str> {
    let owed = facts.owed?;
    let sender_owes = owed.by == facts.sender();
    match facts.turn? {
        Turn::Path if sender_owes => {
            Some("the appliance's last word was never acknowledged: whether the sender had it is not known")
        }
        Turn::Path => {
            Some("the sender's last word was never acknowledged: whether the appliance had it is not known")
        }
        Turn::Of(_) if sender_owes && is_window_closed(facts.session) => {
            Some("the appliance's window had no room: why it did not read on is not on the wire")
        }
        Turn::Of(_) => None,
    }
}

fn capture_ended(facts: &Facts<'_>, stage: Stage) -> Ending {
    let flow = &facts.session.flow;
    let mut ended = Ending { at: Some(flow.last), ..begun(facts, EndingKind::CaptureEnded, stage) };
    ended.missing.push(if facts.answers_lost_fin {
        "the frame of the sender's FIN: the appliance's own FIN acknowledges it, so the sender closed first"
            .to_owned()
    } else if facts.gap_at_end {
        "octets near the end of the dialogue are missing from the capture".to_owned()
    } else if flow.closes.first_seen.is_some() {
        "a FIN or RST was captured, but nothing shows that the other end took it".to_owned()
    } else {
        "the capture ends before the connection does".to_owned()
    });
    ended
}

/// An ending with the facts that all kinds share.
pub(super) fn begun(facts: &Facts<'_>, kind: EndingKind, stage: Stage) -> Ending {
    Ending {
        kind,
        by: None,
        why: None,
        form: None,
        code: None,
        inferred: false,
        may_be_quit: false,
        race: false,
        crossed: false,
        at: None,
        stage,
        turn: facts.turn,
        waited: facts.waited,
        stall: facts.stall,
        reply_unacknowledged: false,
        covered: facts.covered,
        missing: Vec::new(),
    }
}
