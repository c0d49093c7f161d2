//! The frames of a case that are worth opening: handshake, commands and replies, closes.

use crate::capture::{CloseKind, Effect, OriginatorFrom, Side};
use crate::cite::Moment;
use crate::net::{Leg, Role};
use crate::report::document::KeyFrame;
use crate::smtp::ending::Form;
use crate::smtp::{Ending, Session, Transaction};

/// RCPT commands shown of one message.
const MAX_RCPT_FRAMES: usize = 8;

/// The frames of a transaction, or of a connection, in the order of their time; `path` names the
/// capture of a moment.
pub(super) fn key_frames(
    session: &Session,
    transaction: Option<&Transaction>,
    ending: &Ending,
    leg: Leg,
    path: impl Fn(Moment) -> String,
) -> Vec<KeyFrame> {
    let mut frames = Vec::new();
    let mut add = |what: &str, role: Role, at: Moment| {
        frames.push(KeyFrame {
            what: what.to_owned(),
            by: leg.party(role),
            capture: path(at),
            frame: at.frame.frame,
            time: at.time,
        });
    };
    let first = if session.flow.originator_from == OriginatorFrom::Handshake { "SYN" } else { "first frame" };
    add(first, Role::Client, session.flow.first);
    if let Some(greeting) = &session.dialog.greeting {
        add(&format!("{} greeting", greeting.code.0), Role::Server, greeting.at);
    }
    if let Some(transaction) = transaction {
        add("MAIL", Role::Client, transaction.mail);
        for recipient in transaction.recipients.iter().take(MAX_RCPT_FRAMES) {
            add("RCPT", Role::Client, recipient.at);
            if let Some((code, at)) = recipient.reply {
                add(&format!("{} to RCPT", code.0), Role::Server, at);
            }
        }
        if let Some(at) = transaction.data {
            add("DATA", Role::Client, at);
        }
        if let Some((code, at)) = transaction.data_reply {
            add(&format!("{} to DATA", code.0), Role::Server, at);
        }
        if let Some(at) = transaction.last_body {
            add("last octets of the body", Role::Client, at);
        }
        if let Some(at) = transaction.end_of_data {
            add("end of data", Role::Client, at);
        }
        if let Some(reply) = &transaction.end_reply {
            add(&format!("{} to the end of data", reply.code.0), Role::Server, reply.at);
        }
    }
    if let Some(quit) = &session.dialog.quit {
        add("QUIT", Role::Client, quit.at);
        if let Some(reply) = &quit.reply {
            add(&format!("{} to QUIT", reply.code.0), Role::Server, reply.at);
        }
    }
    if let Some(reply) = &session.dialog.unsolicited {
        add(&format!("{} unasked", reply.code.0), Role::Server, reply.at);
    }
    for close in &session.flow.closes.all {
        let role = match close.by {
            Side::Originator => Role::Client,
            Side::Responder => Role::Server,
        };
        let what = match close.kind {
            CloseKind::Fin => "FIN",
            CloseKind::Rst => "RST",
        };
        let effect = match close.effect {
            Effect::Effective | Effect::Aftermath => "",
            Effect::AboveHole => " above a hole",
            Effect::Ignored => " without effect",
        };
        add(&format!("{what}{effect}"), role, close.at);
    }
    if let (Some(at), Some(by)) = (ending.at, ending.by)
        && !frames.iter().any(|frame| frame.frame == at.frame.frame)
    {
        frames.push(KeyFrame {
            what: if ending.form == Some(Form::TlsAlert) {
                "TLS alert"
            } else {
                "the last word before the end"
            }
            .to_owned(),
            by: leg.party(by),
            capture: path(at),
            frame: at.frame.frame,
            time: at.time,
        });
    }
    frames.sort_by(|a, b| a.time.cmp(&b.time).then(a.frame.cmp(&b.frame)));
    frames
}
