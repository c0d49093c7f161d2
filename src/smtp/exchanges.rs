//! Exchanges: each word of the client with its answer, what either took, and who waited for whom.
//!
//! All times are those of the capture point. A client behind a long path has waited longer than is
//! seen here, by the round trip between it and that point (see [`crate::capture::RoundTrip`]).
//!
//! Commands may be pipelined (RFC 2920), so what a server took is counted from the later of the
//! command's last octet and the reply before it, and a client takes no time while any reply is still
//! due. So no second is counted twice, and the sums are what somebody watching would have measured.
//! A body's own time, from its first octet to its end, is neither one's wait.

mod waits;

use crate::capture::OriginatorFrom;
use crate::cite::Moment;
use crate::smtp::command::Verb;
use crate::smtp::reply::ReplyCode;
use crate::smtp::session::{Command, Session, Stage};
use crate::time::{Span, Timestamp};

pub use waits::{Wait, Waited, Waits};

/// A word and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange<'a> {
    /// What the reply answers.
    pub word: Word<'a>,
    /// The segment of the word's last octet, of a BDAT's chunk where that came later; for the
    /// greeting the connection's first segment, where the file has it.
    pub sent: Option<Moment>,
    /// The segment of the first octet of the body that this word ends.
    pub body_from: Option<Moment>,
    /// Code and segment of the reply's last octet.
    pub reply: Option<(ReplyCode, Moment)>,
    /// From the first octet of the body to its end.
    pub body_took: Option<Span>,
    /// What the server took to reply: since the word, or since the reply before this one where that
    /// came later.
    pub server_took: Option<Span>,
    /// What the client then took to speak again: to the last octet of its next command or the first
    /// of a body. `None` where it had done so before the reply, or never did.
    pub client_took: Option<Span>,
    /// Where the dialogue stood while the server's reply was due.
    pub stage: Stage,
    /// Where it stood while the client's next word was due.
    pub stage_after: Stage,
}

/// What a reply answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word<'a> {
    /// The connection: the reply is the greeting.
    Connection,
    /// A command, or the end of data.
    Command(&'a Verb),
    /// A body whose end never came: no reply is due; the word is its last octet.
    Unfinished,
    /// Nothing: the server closes (421).
    Nothing,
}

/// The exchanges of a session in the order of the client's words: as many as
/// [`Dialog::commands`](crate::smtp::Dialog::commands) keeps, the greeting before them, and behind
/// them a body without an end and the last reply that nobody had asked for.
pub fn exchanges(session: &Session) -> Vec<Exchange<'_>> {
    let dialog = &session.dialog;
    let mut walk = Walk { done: Vec::with_capacity(dialog.commands.len() + 2), ..Walk::default() };
    walk.greeting(session);
    for command in &dialog.commands {
        walk.command(command);
    }
    if let Some((first, last)) = dialog.unfinished_body {
        walk.speaks_again(first.time);
        walk.done.push(Exchange {
            sent: Some(last),
            body_from: Some(first),
            body_took: Some(took(first.time, last.time)),
            ..Exchange::of(Word::Unfinished, Stage::Body, Stage::Body)
        });
    }
    if let Some(reply) = &dialog.unsolicited {
        walk.done.push(Exchange {
            reply: Some((reply.code, reply.at)),
            ..Exchange::of(Word::Nothing, walk.stage, walk.stage)
        });
    }
    walk.done
}

impl<'a> Exchange<'a> {
    const fn of(word: Word<'a>, stage: Stage, stage_after: Stage) -> Self {
        Self {
            word,
            sent: None,
            body_from: None,
            reply: None,
            body_took: None,
            server_took: None,
            client_took: None,
            stage,
            stage_after,
        }
    }
}

/// Goes along the commands.
#[derive(Default)]
struct Walk<'a> {
    done: Vec<Exchange<'a>>,
    /// The last of the replies so far.
    replied: Option<Timestamp>,
    /// Where the dialogue stands.
    stage: Stage,
}

impl<'a> Walk<'a> {
    fn greeting(&mut self, session: &Session) {
        let Some(greeting) = &session.dialog.greeting else { return };
        let from_start = session.flow.originator_from == OriginatorFrom::Handshake;
        self.replied = Some(greeting.at.time);
        self.stage = Stage::Greeting;
        self.done.push(Exchange {
            sent: from_start.then_some(session.flow.first),
            reply: Some((greeting.code, greeting.at)),
            server_took: from_start.then(|| took(handshake_over(session), greeting.at.time)),
            ..Exchange::of(Word::Connection, Stage::Connect, Stage::Greeting)
        });
    }

    fn command(&mut self, command: &'a Command) {
        let (stage, stage_after) = stages(&command.verb, self.stage);
        self.stage = stage_after;
        let mut exchange = Exchange {
            reply: command.reply,
            ..Exchange::of(Word::Command(&command.verb), stage, stage_after)
        };
        let (begun, sent) = match command.body {
            // A chunk follows its command.
            Some((_, last)) if command.verb == Verb::Bdat => (command.at, command.at.max(last)),
            Some((first, _)) => (first.min(command.at), command.at),
            None => (command.at, command.at),
        };
        if command.body.is_some() {
            exchange.body_from = command.body.map(|(first, _)| first);
            exchange.body_took = Some(took(begun.time, sent.time));
        }
        exchange.sent = Some(sent);
        self.speaks_again(begun.time);
        if let Some((_, at)) = command.reply {
            let since = self.replied.map_or(sent.time, |replied| replied.max(sent.time));
            exchange.server_took = Some(took(since, at.time));
            self.replied = Some(self.replied.map_or(at.time, |replied| replied.max(at.time)));
        }
        self.done.push(exchange);
    }

    /// The client says its next word at `time`: a wait of the server's where no reply is due.
    fn speaks_again(&mut self, time: Timestamp) {
        let Some(replied) = self.replied else { return };
        if let Some(last) = self.done.last_mut()
            && last.reply.is_some()
            && time >= replied
        {
            last.client_took = Some(time.since(replied));
        }
    }
}

/// When the server could speak: the handshake's end, as far as it was measured.
fn handshake_over(session: &Session) -> Timestamp {
    let streams = &session.flow.streams;
    let parts = [streams.responder.round_trip.handshake, streams.originator.round_trip.handshake];
    let [Some(to_server), Some(to_client)] = parts else { return session.flow.first.time };
    session.flow.first.time.plus(to_server).plus(to_client)
}

/// Frames need not lie in the order of their times, and a refusal may come before its body ends.
fn took(from: Timestamp, to: Timestamp) -> Span {
    to.since(from).max(Span::ZERO)
}

/// Where the dialogue stands while `verb` waits for its reply, and behind that; `now` is where it
/// stood before.
const fn stages(verb: &Verb, now: Stage) -> (Stage, Stage) {
    match verb {
        Verb::Ehlo | Verb::Helo | Verb::Lhlo => (Stage::Helo, Stage::Helo),
        Verb::StartTls => (Stage::Tls, Stage::Tls),
        Verb::Auth | Verb::AuthLine => (Stage::Auth, Stage::Auth),
        Verb::Mail => (Stage::Mail, Stage::Mail),
        Verb::Rcpt => (Stage::Rcpt, Stage::Rcpt),
        Verb::Data => (Stage::Data, Stage::Data),
        Verb::Bdat => (Stage::Body, Stage::Body),
        Verb::EndOfData => (Stage::EndOfData, Stage::Between),
        Verb::Rset | Verb::Quit => (Stage::Between, Stage::Between),
        Verb::Xclient => (now, Stage::Greeting),
        Verb::Noop
        | Verb::Vrfy
        | Verb::Expn
        | Verb::Help
        | Verb::Etrn
        | Verb::Xforward
        | Verb::Unknown(_) => (now, now),
    }
}

#[cfg(test)]
mod tests;
