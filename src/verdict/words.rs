//! What the wire shows, in a sentence: plain words, parties instead of roles.

use crate::net::{Leg, Party, Role};
use crate::smtp::ending::{Ending, EndingKind, Form, Turn, Why};
use crate::smtp::{Outcome, Stage, Transaction};

/// How far a dialogue had come, to stand behind a verb: `after RCPT`.
pub const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => "before the greeting",
        Stage::Greeting => "after the greeting",
        Stage::Helo => "after HELO",
        Stage::Tls => "under TLS",
        Stage::Auth => "in authentication",
        Stage::Mail => "after MAIL",
        Stage::Rcpt => "after RCPT",
        Stage::Data => "after DATA",
        Stage::Body => "in the body",
        Stage::EndOfData => "after the end of data",
        Stage::Between => "between messages",
    }
}

/// `the sender`, `the remote server`, `the appliance`.
pub const fn party(leg: Leg, party: Party) -> &'static str {
    match (party, leg) {
        (Party::Sender, Leg::Injection) => "the sender",
        (Party::Sender, Leg::Delivery) => "the remote server",
        (Party::Appliance, _) => "the appliance",
    }
}

const fn why(why: Why) -> &'static str {
    match why {
        Why::Timer => "its timer had run out",
        Why::Limit => "at a limit",
        Why::Policy => "by its policy",
        Why::Killed => "because it was shut down",
        Why::Unknown => "without giving a reason",
    }
}

/// What the wire shows, in a sentence without its full stop.
pub fn wire_shows(ending: &Ending, transaction: Option<&Transaction>, leg: Leg) -> String {
    let place = stage(ending.stage);
    let far = party(leg, Party::Sender);
    let client = party(leg, leg.party(Role::Client));
    let server = party(leg, leg.party(Role::Server));
    let mut text = match ending.kind {
        EndingKind::Completed => "the message was received whole and answered 2xx".to_owned(),
        EndingKind::Refused => match (ending.code, ending.stage) {
            (Some(code), stage) if ending.form == Some(Form::Reply) && stage > Stage::Greeting => {
                format!("{server} ended the connection {place} with {}", code.0)
            }
            (Some(code), Stage::Rcpt) => format!("every recipient was refused, last with {}", code.0),
            (Some(code), _) => format!("{} was answered {}", refused_what(ending.stage), code.0),
            (None, _) => format!("{server} refused {place}"),
        },
        EndingKind::Abandoned => match transaction.map(|transaction| &transaction.outcome) {
            Some(Outcome::Abandoned { by, .. }) => {
                format!(
                    "{client} gave the transaction up {place} with {}; the connection went on",
                    by.as_str()
                )
            }
            _ => format!("{client} gave the transaction up {place}; the connection went on"),
        },
        EndingKind::Quit if ending.race => {
            format!("{client} said QUIT {place}, and a close came before the 221")
        }
        EndingKind::Quit => format!("{client} said QUIT {place}"),
        EndingKind::Fin if ending.form == Some(Form::TlsAlert) => {
            let answered = if ending.crossed { "" } else { ", and the appliance's FIN only answered it" };
            format!("{far} closed first {place}, by an alert{answered}")
        }
        EndingKind::Fin => {
            let without = if leg == Leg::Injection { ", without QUIT" } else { "" };
            format!("a FIN bearing {far}'s address ended the connection {place}{without}")
        }
        EndingKind::Rst => format!("an RST bearing {far}'s address ended the connection {place}"),
        EndingKind::Silence if ending.turn == Some(Turn::Path) && leg == Leg::Delivery => {
            format!("the appliance's word {place} was never acknowledged, and nothing came from {far}")
        }
        EndingKind::Silence => format!("{far} owed the next word {place} and fell silent"),
        EndingKind::ApplianceStalled => match ending.turn {
            Some(Turn::Path) => format!("the appliance's word {place} never reached {far}"),
            _ => format!("the appliance owed the next word {place} and did not give it"),
        },
        EndingKind::ApplianceClosed => {
            let form = match ending.form {
                Some(Form::Reply) => "with a reply",
                Some(Form::Fin) => "with a FIN",
                Some(Form::Rst) => "with an RST",
                Some(Form::TlsAlert) => "by an alert of TLS",
                None => "first",
            };
            let reason = why(ending.why.unwrap_or(Why::Unknown));
            format!("the appliance ended the connection {form} {place}, {reason}")
        }
        EndingKind::CaptureEnded => {
            format!("the capture does not show the end; it was {place} when last seen")
        }
    };
    if let Some(waited) = ending.waited.filter(|waited| waited.nanos() >= 1_000_000_000) {
        match (ending.kind, ending.turn) {
            (EndingKind::Silence, _) => text.push_str(&format!(" for {waited}")),
            (EndingKind::Completed | EndingKind::Refused | EndingKind::Abandoned, _) => {}
            (_, Some(Turn::Of(role))) => {
                text.push_str(&format!(
                    "; it had been the turn of {} for {waited}",
                    party(leg, leg.party(role))
                ));
            }
            _ => {}
        }
    }
    if ending.inferred {
        text.push_str(" (inferred)");
    }
    text
}

const fn refused_what(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect | Stage::Greeting => "the connection",
        Stage::Mail => "MAIL",
        Stage::Rcpt => "RCPT",
        Stage::Data => "DATA",
        Stage::Body | Stage::EndOfData => "the end of data",
        _ => "a command",
    }
}

/// The kind in three words or less, for headlines.
pub const fn headline(kind: EndingKind) -> &'static str {
    match kind {
        EndingKind::Completed => "completed",
        EndingKind::Refused => "refused",
        EndingKind::Abandoned => "abandoned",
        EndingKind::Quit => "QUIT",
        EndingKind::Fin => "FIN",
        EndingKind::Rst => "RST",
        EndingKind::Silence => "silence",
        EndingKind::ApplianceStalled => "appliance stalled",
        EndingKind::ApplianceClosed => "appliance closed",
        EndingKind::CaptureEnded => "capture ended",
    }
}
