//! The commands that carry a message: MAIL, RCPT, DATA or BDAT, and the end of data.

use super::{Answer, Course};
use crate::smtp::command::{Argument, Verb};
use crate::smtp::dialog::outcome::end;
use crate::smtp::dialog::pending::Pending;
use crate::smtp::reply::ReplyCode;
use crate::smtp::session::{Dialog, Outcome, Recipient, Stage, Transaction};
use crate::text::Text;

impl Course {
    pub(super) fn mail(&mut self, command: Pending, answer: Answer<'_>) {
        if answer.is_positive() {
            self.abandon(&Verb::Mail, command.at);
        }
        let (mail_from, declared_size) = match command.argument {
            Argument::Path { address, size } => (address, size),
            _ => (Text::default(), None),
        };
        let mut tx = Transaction {
            mail_from,
            declared_size,
            mail_reply: answer.code(),
            ..Transaction::begun(command.at)
        };
        match answer.reply() {
            Some(reply) if reply.code.is_negative() => {
                tx.outcome = Outcome::Refused { stage: Stage::Mail, code: reply.code, at: reply.at };
                let index = self.keep(tx);
                if self.current.is_none() {
                    self.refused = index;
                    self.dialog.stage = Stage::Between;
                }
            }
            _ => {
                self.current = self.keep(tx);
                self.refused = None;
                self.dialog.stage = Stage::Mail;
            }
        }
    }

    pub(super) fn recipient(&mut self, command: Pending, answer: Answer<'_>) {
        let (at, after_hole) = (command.at, command.after_hole.is_some());
        let Argument::Path { address, .. } = command.argument else { return };
        if self.current.is_none() && self.refused.is_none() && (after_hole || answer.is_positive()) {
            self.transaction_without_mail(at);
        }
        let belongs_to_current = self.current.is_some();
        let Some(tx) =
            self.current.or(self.refused).and_then(|index| self.dialog.transactions.get_mut(index))
        else {
            return;
        };
        if tx.recipients.len() < Dialog::MAX_RECIPIENTS {
            tx.recipients.push(Recipient { address, at, reply: answer.code() });
        } else {
            tx.recipients_dropped = tx.recipients_dropped.saturating_add(1);
        }
        if !belongs_to_current {
            return;
        }
        if answer.is_positive() {
            tx.acceptance_inferred |= tx.mail_reply.is_none();
            tx.reopen();
        }
        tx.stage = Stage::Rcpt;
        self.dialog.stage = Stage::Rcpt;
    }

    /// DATA. Out of order, before any RCPT, it changes nothing: the server stays as it was (RFC 5321 section 4.1.4).
    pub(super) fn data(&mut self, command: &Pending, answer: Answer<'_>) {
        if self.current.is_none() && (command.after_hole.is_some() || answer.is_go_ahead()) {
            self.transaction_without_mail(command.at);
        }
        let Some(tx) = self.current_mut() else { return };
        let too_early = tx.recipients.is_empty() && tx.recipients_dropped == 0;
        if too_early && answer.reply().is_some_and(|reply| reply.code == ReplyCode::OUT_OF_ORDER) {
            return;
        }
        tx.data = Some(command.at);
        tx.data_reply = answer.code();
        tx.stage = Stage::Data;
        let mut stage = Stage::Data;
        match answer.reply() {
            Some(reply) if reply.code.is_negative() => {
                if tx.outcome == Outcome::Open {
                    tx.outcome = Outcome::Refused { stage: Stage::Data, code: reply.code, at: reply.at };
                }
                stage = Stage::Between;
            }
            Some(reply) if reply.code.is_of_a_class() => {
                tx.acceptance_inferred |= tx.mail_reply.is_none();
                tx.reopen();
            }
            Some(_) | None => {}
        }
        self.dialog.stage = stage;
    }

    pub(super) fn end_of_data(&mut self, command: Pending, answer: Answer<'_>) {
        if self.current.is_none() && command.after_hole.is_some() {
            self.transaction_without_mail(command.at);
        }
        let Some(tx) = self.current_mut() else { return };
        if let Some(body) = &command.body {
            body.add_to(tx);
        }
        tx.inferred |= command.inferred;
        let over = end(tx, command.at, answer);
        self.after_end(over);
    }

    pub(super) fn chunk(&mut self, command: Pending, answer: Answer<'_>) {
        if self.current.is_none() && (command.after_hole.is_some() || answer.is_positive()) {
            self.transaction_without_mail(command.at);
        }
        let Some(tx) = self.current_mut() else { return };
        tx.data.get_or_insert(command.at);
        let Some(body) = &command.body else { return };
        body.add_to(tx);
        if command.last_chunk && command.chunk_whole {
            let over = end(tx, body.last.unwrap_or(command.at), answer);
            return self.after_end(over);
        }
        let stage = if tx.body_octets > 0 || tx.body_missing > 0 { Stage::Body } else { Stage::Data };
        tx.stage = stage;
        let mut over = false;
        match answer.reply() {
            Some(reply) if reply.code.is_negative() => {
                tx.outcome = Outcome::Refused { stage, code: reply.code, at: reply.at };
                over = true;
            }
            Some(reply) if reply.code.is_of_a_class() => {
                tx.data_reply.get_or_insert((reply.code, reply.at));
                tx.acceptance_inferred |= tx.mail_reply.is_none();
            }
            Some(_) | None => {}
        }
        self.dialog.stage = stage;
        if over {
            self.after_end(true);
        }
    }

    fn after_end(&mut self, over: bool) {
        if over {
            self.current = None;
            self.refused = None;
            self.dialog.stage = Stage::Between;
        } else {
            self.dialog.stage = Stage::EndOfData;
        }
    }
}
