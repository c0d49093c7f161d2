//! The end of a dialogue: what waited is decided, and who owed the next word is found.

use crate::capture::Loss;
use crate::cite::{Moment, Place};
use crate::net::Role;
use crate::smtp::command::Verb;
use crate::smtp::dialog::client::Mode;
use crate::smtp::dialog::course::Answer;
use crate::smtp::dialog::pairing::Patience;
use crate::smtp::dialog::pending::{BodyPart, Pending};
use crate::smtp::dialog::{Delivered, DialogReader};
use crate::smtp::session::{Dialog, Owed, Stage};
use crate::smtp::tls::{Encryption, LastRecord};

/// Octets of the line that ends a body (RFC 5321 section 4.1.1.4); one less where lines end in LF alone.
const DOT: u64 = 3;

/// See [`DialogReader::finish`].
pub(super) fn finish(mut reader: DialogReader, delivered: Delivered) -> Dialog {
    reader.settle();
    reader.server.come_to_next(true);
    let unheard = reader.take_unheard(delivered);
    let last_word = reader.words.last();
    let owed = reader.owed(delivered, last_word);
    let lost_in_gap = reader.is_lost();
    let ended = reader.client.ended;
    reader.break_off_chunk();
    while let Some(unanswered) = reader.pending.pop_front() {
        reader.course.resolve(unanswered, Answer::None);
    }
    if let Some(part) = reader.body_under_way() {
        reader.course.body_so_far(&part);
    } else if let Some((part, heard)) = unheard {
        reader.course.body_so_far(&part);
        if !heard {
            reader.course.nothing_heard_of_the_body();
        }
    }
    reader.course.end();

    let mut dialog = reader.course.dialog;
    dialog.last_word = last_word;
    dialog.lost_in_gap = lost_in_gap;
    dialog.owed = ended.and_then(|ended| owed_at_end(&dialog, ended)).or(owed);
    if let Some(dark) = reader.dark {
        let encryption = dark.finish(reader.started);
        if !encryption.not_tls {
            dialog.stage = Stage::Tls;
            if let Some(last) = encryption.last_record {
                let at = last.at;
                dialog.owed = owed_in_the_dark(&encryption, last, delivered);
                dialog.last_word = dialog.last_word.filter(|word| at.precedes(*word)).or(Some(at));
            }
        } else {
            let place = Place::Frame(encryption.since.frame.frame);
            dialog.notes.oddity("octets where TLS was due that are not TLS", Some(place));
        }
        dialog.encryption = Some(Box::new(encryption));
    }
    dialog.notes.sort_by_place();
    compact(&mut dialog);
    dialog
}

impl DialogReader {
    /// Decides everything that waits for what will not come.
    fn settle(&mut self) {
        self.read_undecided_start();
        loop {
            self.advance();
            if !self.client.held.is_empty() {
                self.decide_without_reply();
            } else if !self.server.replies.is_empty() && matches!(self.client.mode, Mode::Chunk(_)) {
                self.break_off_chunk();
            } else if !self.pair_next(Patience::Over) {
                break;
            }
        }
        if matches!(self.client.mode, Mode::Candidate(_)) {
            self.decide_without_reply();
        }
    }

    /// Takes back what the client said behind octets that never reached the server, as its ACKs show: the
    /// server's program cannot have read any of it (RFC 9293 section 3.4), so it is no word of the
    /// dialogue. Gives the body that ended there, and whether any of it was heard.
    fn take_unheard(&mut self, delivered: Delivered) -> Option<(BodyPart, bool)> {
        let hole = self
            .course
            .dialog
            .gaps
            .iter()
            .find(|(role, gap)| {
                *role == Role::Client
                    && gap.loss == Loss::Unacknowledged
                    && delivered.client > 0
                    && delivered.client <= gap.offset
            })
            .map(|(_, gap)| *gap)?;
        let mut body = None;
        while self.pending.back().is_some_and(|command| command.end > hole.offset) {
            let unheard = self.pending.pop_back()?;
            if let (Verb::EndOfData, Some(part)) = (&unheard.verb, unheard.body) {
                let octets = part.octets.saturating_add(part.missing).saturating_add(DOT);
                let begun = unheard.end.saturating_sub(octets);
                let heard = hole.offset > begun.saturating_add(1);
                body = Some((*part, heard));
            }
        }
        body
    }

    /// Whether the dialogue could not be followed to its end across a gap.
    fn is_lost(&self) -> bool {
        let client_lost = matches!(self.client.mode, Mode::Lost)
            && self.client.lost > self.words.last_answer().map(|(at, _)| at);
        let server_lost = self
            .server
            .hole
            .is_some_and(|hole| self.pending.iter().any(|command| command.acknowledged < hole.to));
        client_lost || server_lost || self.dark.as_ref().is_some_and(|dark| dark.lost())
    }

    /// Who owed the next word of the plain dialogue.
    fn owed(&self, delivered: Delivered, last_word: Option<Moment>) -> Option<Owed> {
        let under_way = |command: &&Pending| command.verb == Verb::Bdat && !command.chunk_whole;
        let unanswered = self.pending.iter().find(|command| {
            !command.blank && !under_way(command) && !self.words.is_aftermath(command.acknowledged)
        });
        if let Some(command) = unanswered {
            let since = match &command.body {
                Some(body) if command.verb == Verb::Bdat => body.last.unwrap_or(command.at),
                _ => command.at,
            };
            return Some(Owed { by: Role::Server, since, delivered: command.end <= delivered.client });
        }
        let said = self.words.last_answer();
        let reached_client = said.is_none_or(|(_, end)| end <= delivered.server);
        let client_owes =
            |delivered| Some(Owed { by: Role::Client, since: last_word.unwrap_or(self.started), delivered });
        match &self.client.mode {
            Mode::Body(body) => return client_owes(body.last().is_some() || reached_client),
            Mode::Chunk(_) | Mode::Candidate(_) => return client_owes(true),
            _ if self.pending.iter().any(|command| under_way(&command)) => return client_owes(true),
            Mode::Lost if self.is_lost() => return None,
            _ => {}
        }
        let dialog = &self.course.dialog;
        let quit = dialog.quit.as_ref().filter(|quit| !self.words.is_aftermath(quit.acknowledged));
        if quit.is_some_and(|quit| quit.reply.is_some()) {
            return None;
        }
        if said.is_none() {
            // Nobody has spoken, or only an early client: the greeting is due.
            let first = self.client.from_start && dialog.unsolicited.is_none();
            return first.then_some(Owed { by: Role::Server, since: self.started, delivered: true });
        }
        client_owes(reached_client)
    }
}

/// What a client waits for that ends its stream before the reply to a command: what is answered later
/// does not change whose move it was.
fn owed_at_end(dialog: &Dialog, ended: Moment) -> Option<Owed> {
    let unanswered = dialog.commands.iter().find(|command| {
        command.verb != Verb::Quit
            && command.at <= ended
            && command.reply.is_some_and(|(_, replied)| replied > ended)
    })?;
    Some(Owed { by: Role::Server, since: unanswered.at, delivered: true })
}

/// Who owed the next word, as far as records tell. A handshake's flights take turns (RFC 8446
/// section 2). Later the client does behind the server's record; behind the client's nobody knows,
/// unless it was cut, since it may have been part of a body.
fn owed_in_the_dark(encryption: &Encryption, last: LastRecord, delivered: Delivered) -> Option<Owed> {
    let cut_by_client = matches!(encryption.cut_record, Some((Role::Client, _)));
    let by = if cut_by_client || last.by == Role::Server {
        Role::Client
    } else if !encryption.established {
        Role::Server
    } else {
        return None;
    };
    let received = match last.by {
        Role::Client => delivered.client,
        Role::Server => delivered.server,
    };
    // What the client has begun to say since, it said in answer.
    Some(Owed { by, since: last.at, delivered: cut_by_client || last.end <= received })
}

/// Reports keep one dialogue a connection.
fn compact(dialog: &mut Dialog) {
    dialog.commands.shrink_to_fit();
    dialog.gaps.shrink_to_fit();
    dialog.transactions.shrink_to_fit();
    if let Some(encryption) = &mut dialog.encryption {
        encryption.speeches.shrink_to_fit();
    }
    for tx in &mut dialog.transactions {
        tx.recipients.shrink_to_fit();
    }
}
