//! What commands and their replies mean: envelopes, transactions, stages.
//!
//! Everything happens here in the order of the client's commands, each together with its reply, so
//! the result does not depend on how the two directions lie in the file.

mod message;

use crate::cite::{Moment, Place};
use crate::smtp::command::{Argument, Verb};
use crate::smtp::dialog::outcome::refuse_if_nobody_left;
use crate::smtp::dialog::pending::{BodyPart, Pending};
use crate::smtp::reply::{Heard, ReplyCode};
use crate::smtp::session::{Command, Dialog, Outcome, Quit, Recipient, ReplySeen, Stage, Transaction};

/// What came of a command.
#[derive(Debug, Clone, Copy)]
pub(super) enum Answer<'a> {
    /// This reply.
    Reply(&'a Heard),
    /// A reply that fell into a gap.
    InGap,
    /// No reply as far as the file goes.
    None,
}

impl<'a> Answer<'a> {
    fn heard(self) -> Option<&'a Heard> {
        match self {
            Self::Reply(heard) => Some(heard),
            Self::InGap | Self::None => None,
        }
    }

    pub(super) fn reply(self) -> Option<&'a ReplySeen> {
        self.heard().map(|heard| &heard.reply)
    }

    fn code(self) -> Option<(ReplyCode, Moment)> {
        self.reply().map(|reply| (reply.code, reply.at))
    }

    fn is_go_ahead(self) -> bool {
        self.reply().is_some_and(|reply| reply.code.is_intermediate())
    }

    fn is_positive(self) -> bool {
        self.reply().is_some_and(|reply| reply.code.is_positive())
    }
}

/// The dialogue as far as it has been followed.
#[derive(Debug, Default)]
pub(super) struct Course {
    pub(super) dialog: Dialog,
    /// The transaction that commands now belong to.
    current: Option<usize>,
    /// A refused MAIL, to whose envelope pipelined RCPTs still belong.
    refused: Option<usize>,
    helo_accepted: bool,
    lmtp: bool,
    /// A command before this one was never answered.
    unanswered: bool,
}

impl Course {
    pub(super) fn greeting(&mut self, reply: ReplySeen) {
        self.dialog.stage = self.dialog.stage.max(Stage::Greeting);
        self.dialog.last_reply = Some(reply.clone());
        self.dialog.greeting = Some(reply);
    }

    /// Enters a command in the list, in the order of the client's stream.
    pub(super) fn list(&mut self, verb: Verb, at: Moment) -> Option<usize> {
        let commands = &mut self.dialog.commands;
        if commands.len() == Dialog::MAX_COMMANDS {
            self.dialog.commands_dropped = self.dialog.commands_dropped.saturating_add(1);
            return None;
        }
        commands.push(Command { verb, at, reply: None, body: None });
        Some(commands.len() - 1)
    }

    /// A reply that answers no command.
    pub(super) fn unsolicited(&mut self, reply: ReplySeen) {
        self.dialog.last_reply = Some(reply.clone());
        self.dialog.unsolicited = Some(reply);
    }

    /// A reply to a command that is not in the file; it may still say how the dialogue stands.
    pub(super) fn reply_to_unseen(&mut self, reply: ReplySeen, offset_in_client: u64) {
        match reply.code {
            ReplyCode::START_INPUT => {
                let tx = self.transaction_without_mail(reply.at);
                if let Some(tx) = tx {
                    tx.data = Some(reply.at);
                    tx.data_reply = Some((reply.code, reply.at));
                    tx.inferred = true;
                    tx.stage = Stage::Data;
                }
                self.dialog.stage = Stage::Data;
            }
            ReplyCode::CLOSING if self.dialog.quit.is_none() => {
                self.dialog.quit = Some(Quit {
                    at: reply.at,
                    end_offset: offset_in_client,
                    acknowledged: 0,
                    inferred: true,
                    all_answered_before: !self.unanswered,
                    reply: Some(reply.clone()),
                });
            }
            ReplyCode::CHALLENGE => self.dialog.authenticated = true,
            _ => {}
        }
        self.dialog.last_reply = Some(reply);
    }

    /// The file begins in the body of a message.
    pub(super) fn begun_before_the_file(&mut self, at: Moment) {
        if let Some(tx) = self.transaction_without_mail(at) {
            tx.stage = Stage::Body;
        }
        self.dialog.stage = Stage::Body;
    }

    /// A refusal that came while the body was still under way.
    pub(super) fn refused_in_body(&mut self, reply: ReplySeen) {
        self.dialog.last_reply = Some(reply.clone());
        if let Some(tx) = self.current_mut()
            && tx.outcome == Outcome::Open
        {
            tx.outcome = Outcome::Refused { stage: Stage::Body, code: reply.code, at: reply.at };
            tx.end_reply = Some(reply);
        }
    }

    /// Recipients of the current transaction that were accepted: LMTP answers the end of data once
    /// for each of them (RFC 2033 section 4.2).
    pub(super) fn replies_to_end_of_data(&self) -> usize {
        if !self.lmtp {
            return 1;
        }
        let accepted = |tx: &Transaction| {
            let positive =
                |recipient: &&Recipient| recipient.reply.is_some_and(|(code, _)| code.is_positive());
            tx.recipients.iter().filter(positive).count()
        };
        self.current.and_then(|index| self.dialog.transactions.get(index)).map_or(1, accepted).max(1)
    }

    /// The body that is under way, or was when the file ended.
    pub(super) fn body_so_far(&mut self, part: &BodyPart) {
        let stage = if part.octets > 0 || part.missing > 0 { Stage::Body } else { Stage::Data };
        self.dialog.stage = stage;
        self.dialog.unfinished_body = part.span();
        if let Some(tx) = self.current_mut() {
            part.add_to(tx);
            tx.stage = stage;
        }
    }

    /// Of the body under way no octet reached the server.
    pub(super) fn nothing_heard_of_the_body(&mut self) {
        self.dialog.stage = Stage::Data;
        if let Some(tx) = self.current_mut() {
            tx.stage = Stage::Data;
        }
    }

    /// The connection is over: a transaction whose recipients were all refused had no more to hope for.
    pub(super) fn end(&mut self) {
        if let Some(tx) = self.current_mut() {
            refuse_if_nobody_left(tx);
        }
    }

    /// A command and what came of it.
    pub(super) fn resolve(&mut self, command: Pending, answer: Answer<'_>) {
        if let Some(listed) = command.index.and_then(|index| self.dialog.commands.get_mut(index)) {
            listed.reply = answer.code();
            listed.body = command.body.as_ref().and_then(|body| body.span());
        }
        if let Some(reply) = answer.reply() {
            self.dialog.last_reply = Some(reply.clone());
        }
        if let Some(heard) = answer.heard() {
            let length = heard.reply.end_offset.saturating_sub(heard.start_offset);
            let length = u16::try_from(length).ok();
            match (&command.verb, heard.reply.code) {
                (Verb::Data, ReplyCode::START_INPUT) => self.dialog.go_ahead_length = length,
                (Verb::Quit, ReplyCode::CLOSING) => self.dialog.closing_length = length,
                _ => {}
            }
        }
        match command.verb {
            Verb::Ehlo | Verb::Helo | Verb::Lhlo => self.hello(command, answer),
            Verb::Mail => self.mail(command, answer),
            Verb::Rcpt => self.recipient(command, answer),
            Verb::Data => self.data(&command, answer),
            Verb::Bdat => self.chunk(command, answer),
            Verb::EndOfData => self.end_of_data(command, answer),
            Verb::Rset => self.reset(&command, answer),
            Verb::Quit => self.quit(&command, answer),
            Verb::Auth | Verb::AuthLine => {
                self.dialog.authenticated = true;
                if self.current.is_none() {
                    self.dialog.stage = Stage::Auth;
                }
            }
            Verb::Xclient => {
                // Its 220 is a new greeting (Postfix, XCLIENT_README): what was begun is forgotten.
                if answer.is_positive() {
                    self.abandon(&Verb::Xclient, command.at);
                    self.helo_accepted = false;
                    self.dialog.stage = Stage::Greeting;
                }
            }
            Verb::StartTls
            | Verb::Xforward
            | Verb::Noop
            | Verb::Vrfy
            | Verb::Expn
            | Verb::Help
            | Verb::Etrn
            | Verb::Unknown(_) => {}
        }
        self.unanswered |= matches!(answer, Answer::None);
    }

    fn hello(&mut self, command: Pending, answer: Answer<'_>) {
        let positive = answer.is_positive();
        if let Argument::Name(name) = command.argument
            && (positive || !self.helo_accepted)
        {
            self.dialog.helo = Some(name);
        }
        if positive {
            self.helo_accepted = true;
            self.lmtp = command.verb == Verb::Lhlo;
            self.dialog.capabilities = answer.heard().map(|heard| heard.capabilities).unwrap_or_default();
            self.abandon(&command.verb, command.at);
        }
        if self.current.is_none() {
            let idle = if self.dialog.transactions.is_empty() { Stage::Helo } else { Stage::Between };
            self.dialog.stage = idle;
        }
    }

    fn reset(&mut self, command: &Pending, answer: Answer<'_>) {
        // RSET is always answered with 250 (RFC 5321 section 4.1.1.5), also where the file lost it.
        if answer.is_positive() || matches!(answer, Answer::InGap) {
            self.abandon(&Verb::Rset, command.at);
        }
    }

    fn quit(&mut self, command: &Pending, answer: Answer<'_>) {
        if let Some(tx) = self.current_mut() {
            refuse_if_nobody_left(tx);
        }
        // A QUIT that was refused and a later one: the later one counts.
        let counts = self
            .dialog
            .quit
            .as_ref()
            .is_none_or(|quit| quit.reply.as_ref().is_some_and(|reply| reply.code.is_negative()));
        if counts {
            self.dialog.quit = Some(Quit {
                at: command.at,
                end_offset: command.end,
                acknowledged: command.acknowledged,
                inferred: false,
                all_answered_before: !self.unanswered,
                reply: answer.reply().cloned(),
            });
        }
    }

    /// The current transaction, if any, ends because of `by`; the connection goes on.
    fn abandon(&mut self, by: &Verb, at: Moment) {
        if let Some(tx) = self.current_mut() {
            refuse_if_nobody_left(tx);
            if tx.outcome == Outcome::Open {
                tx.outcome = Outcome::Abandoned { by: by.clone(), at };
            }
            self.dialog.stage = Stage::Between;
        }
        self.current = None;
        self.refused = None;
    }

    fn current_mut(&mut self) -> Option<&mut Transaction> {
        self.dialog.transactions.get_mut(self.current?)
    }

    /// The current transaction; where there is none, one whose MAIL is not in the file. A server that
    /// goes on with one without any MAIL is as good a sign as a gap.
    fn transaction_without_mail(&mut self, at: Moment) -> Option<&mut Transaction> {
        if self.current.is_none() {
            let tx = Transaction {
                mail_missing: true,
                acceptance_inferred: true,
                inferred: true,
                ..Transaction::begun(at)
            };
            self.current = self.keep(tx);
        }
        self.current_mut()
    }

    fn keep(&mut self, tx: Transaction) -> Option<usize> {
        if self.dialog.transactions.len() == Dialog::MAX_TRANSACTIONS {
            self.dialog.transactions_dropped = self.dialog.transactions_dropped.saturating_add(1);
            if self.dialog.transactions_dropped == 1 {
                self.dialog.notes.loss(
                    "a connection with more transactions than are kept",
                    Some(Place::Frame(tx.mail.frame.frame)),
                );
            }
            return None;
        }
        self.dialog.transactions.push(tx);
        Some(self.dialog.transactions.len() - 1)
    }
}
