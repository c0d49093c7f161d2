//! The exchanges of a connection as a ladder: one line a word, with the time since the first frame,
//! the frame, and what the end that says it took. Verbs and codes are shown, arguments never.

use super::detail::{NOTABLE_WAIT, took};
use super::waits::{GREETING, UNASKED};
use super::{CloseWord, PassedRecord, SessionRecord};
use crate::net::Role;
use crate::report::words;
use crate::report::wrap::{cut, width};
use crate::time::Span;

/// Columns of a word: the longest verb that is kept, and its mark.
const WORD: usize = 22;

/// One line, and whether what it took is notable.
pub(super) struct Rung {
    pub(super) line: String,
    pub(super) notable: bool,
}

struct Said<'a> {
    at: PassedRecord<'a>,
    by: Role,
    word: String,
    took: Option<(&'static str, Span)>,
}

/// The lines in the order of their times, each indented.
pub(super) fn rungs(session: &SessionRecord<'_>, indent: usize) -> Vec<Rung> {
    if session.exchanges.is_none() {
        return Vec::new();
    }
    let mut said = words_of(session);
    // Words of one segment stay in their order.
    said.sort_by_key(|said| (said.at.time, said.at.frame));
    said.iter().map(|said| rung(said, session, indent)).collect()
}

fn words_of<'a>(session: &'a SessionRecord<'a>) -> Vec<Said<'a>> {
    let mut said = Vec::new();
    // What the client took stands with its next word, not with the reply before.
    let mut client_took = None;
    for exchange in session.exchanges.iter().flatten() {
        let asked = !matches!(&*exchange.verb, GREETING | UNASKED);
        if let Some(at) = exchange.body {
            let took = client_took.take().map(|span| ("client", span));
            said.push(Said { at, by: Role::Client, word: "(body)".to_owned(), took });
        }
        if let Some(at) = exchange.sent.filter(|_| asked) {
            let body = exchange.body_seconds.map(|span| ("body", span));
            let took = body.or(client_took.take().map(|span| ("client", span)));
            said.push(Said { at, by: Role::Client, word: exchange.verb.clone().into_owned(), took });
        }
        if let (Some(at), Some(code)) = (exchange.reply, exchange.code) {
            let word = if asked {
                format!("{} to {}", code.0, exchange.verb)
            } else {
                format!("{} {}", code.0, exchange.verb)
            };
            let took = exchange.server_seconds.map(|span| ("server", span));
            said.push(Said { at, by: Role::Server, word, took });
        }
        client_took = exchange.client_seconds;
    }
    if let Some(close) = &session.first_close {
        let word = match close.kind {
            CloseWord::Fin => "FIN",
            CloseWord::Rst => "RST",
        };
        let at = PassedRecord { time: close.time, capture: close.capture, frame: close.frame };
        said.push(Said { at, by: close.by, word: word.to_owned(), took: None });
    }
    said
}

fn rung(said: &Said<'_>, session: &SessionRecord<'_>, indent: usize) -> Rung {
    let offset = said.at.time.since(session.first).seconds();
    let arrow = match said.by {
        Role::Client => "->",
        Role::Server => "<-",
    };
    let word = cut(&words::safe(&said.word), WORD);
    let pad = WORD.saturating_sub(width(&word));
    let mut line = format!("{:indent$}{offset:>+12.6}  {arrow} {word}{:pad$}{:>9}", "", "", said.at.frame);
    if said.at.capture != session.capture {
        line.push_str(&format!(" of {}", words::safe(said.at.capture)));
    }
    // Nothing is said where it came together with what it was pipelined behind.
    if let Some((who, span)) = said.took.filter(|(_, span)| *span > Span::ZERO) {
        line.push_str(&format!("  {who} took {}", took(span)));
    }
    Rung { line, notable: said.took.is_some_and(|(_, span)| span >= NOTABLE_WAIT) }
}
