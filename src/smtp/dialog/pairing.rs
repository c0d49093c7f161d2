//! Which command a reply answers.

use crate::smtp::command::Verb;
use crate::smtp::dialog::DialogReader;
use crate::smtp::dialog::client::Mode;
use crate::smtp::dialog::course::Answer;
use crate::smtp::dialog::pending::Pending;
use crate::smtp::ending::{Why, words};
use crate::smtp::reply::{Heard, ReplyCode};

/// Whether to wait for what may still come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    Wait,
    Over,
}

/// What the acknowledgment numbers of this connection are worth. Hand-made captures often have
/// numbers that make no sense; then order alone decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Trust {
    /// No reply has been paired yet.
    #[default]
    Untried,
    /// A reply came from a server that had acknowledged the command.
    Good,
    /// A positive reply came from a server that had not received any command.
    Broken,
}

impl DialogReader {
    /// Deals with the next reply, if it is time; whether it was.
    pub(super) fn pair_next(&mut self, patience: Patience) -> bool {
        if self.take_greeting() {
            return true;
        }
        self.server.come_to_next(false);
        let Some(heard) = self.server.replies.front() else { return false };
        let waits = patience == Patience::Wait;
        if waits && self.needs_all_commands(heard) && self.more_can_be_read(heard) {
            return false;
        }
        self.skip_what_was_not_answered();
        let Some(heard) = self.server.replies.front() else { return false };
        let (pairs, unseen) = match self.pending.front() {
            Some(command) => {
                let fits = self.fits(command, heard);
                if !fits
                    && waits
                    && self.server.hole.is_some()
                    && !self.client.is_read_up_to(heard.acknowledged)
                {
                    return false;
                }
                (fits, command.after_hole)
            }
            None if waits && self.command_may_come(heard) => return false,
            None if !words::closes(&heard.reply)
                && self.client.was_the_end(heard.acknowledged) == Some(false) =>
            {
                self.client.candidate_is_text();
                return true;
            }
            None => (false, self.client.after_hole),
        };
        let Some(heard) = self.server.take_reply() else { return false };
        if pairs {
            self.answered(heard);
        } else {
            let unseen = unseen.is_some_and(|from| from <= heard.acknowledged);
            self.stray(heard, unseen);
        }
        true
    }

    /// Whether it must be known what other commands the server had when it sent this reply.
    fn needs_all_commands(&self, heard: &Heard) -> bool {
        let Some(first) = self.pending.front() else { return false };
        self.server.hole.is_some() || owns(&first.verb, heard.reply.code) == Some(false)
    }

    /// Whether the client's stream can be read further, towards what the server had received.
    fn more_can_be_read(&self, heard: &Heard) -> bool {
        let holds_for_reply = matches!(self.client.mode, Mode::Await(_) | Mode::Candidate(_));
        let waits = (holds_for_reply && self.has_enough_to_guess())
            || self.client.waits_for_reply_up_to().is_some_and(|known| heard.reply.end_offset <= known);
        !waits && !self.client.is_read_up_to(heard.acknowledged)
    }

    /// The first reply of a connection greets (RFC 5321 section 3.1), whatever the client has said
    /// already; where the file begins in mid-flow, only if it precedes all of the client's octets.
    fn take_greeting(&mut self) -> bool {
        if self.greeted {
            return false;
        }
        let Some(heard) = self.server.replies.front() else { return false };
        self.greeted = true;
        if !self.client.from_start {
            let greets =
                matches!(heard.reply.code, ReplyCode::READY | ReplyCode::NOT_AVAILABLE | ReplyCode(554));
            if !greets || heard.start_offset != 0 || heard.acknowledged != 0 {
                return false;
            }
            self.client.begin_at_greeting();
        }
        let Some(heard) = self.server.take_reply() else { return false };
        self.words.answer(&heard.reply);
        self.course.greeting(heard.reply);
        true
    }

    /// Whether the reply can be the answer to the first pending command.
    fn fits(&self, command: &Pending, heard: &Heard) -> bool {
        let possible = possible(command, heard);
        if command.verb == Verb::Bdat && !command.chunk_whole && words::closes(&heard.reply) {
            return false;
        }
        // A timer that ran out while the server owed the answer to a message is no answer to it.
        let timer = heard.reply.code == ReplyCode::NOT_AVAILABLE && words::why(&heard.reply) == Why::Timer;
        if timer && command.verb == Verb::EndOfData {
            return false;
        }
        let after_hole = command.after_hole.is_some_and(|from| from <= heard.acknowledged);
        if after_hole || self.server.hole.is_some() {
            return (possible || self.trust == Trust::Broken) && plausible(&command.verb, heard.reply.code);
        }
        match self.trust {
            Trust::Broken => true,
            Trust::Good => possible,
            Trust::Untried => possible || !heard.reply.code.is_negative(),
        }
    }

    /// With no command pending: whether the one that this reply answers may still be on its way.
    fn command_may_come(&self, heard: &Heard) -> bool {
        if self.client.waits_for_reply_up_to().is_some_and(|known| heard.reply.end_offset <= known) {
            return false;
        }
        let code = heard.reply.code;
        match &self.client.mode {
            Mode::Chunk(_) => return true,
            Mode::Candidate(_)
                if heard.acknowledged > self.client.frontier
                    && self.client.length.is_none_or(|length| self.client.frontier < length) =>
            {
                return true;
            }
            Mode::Candidate(_) => return false,
            _ => {}
        }
        if !self.client.is_read_up_to(heard.acknowledged) {
            return true;
        }
        // A positive reply is an answer. If it comes before any command by the numbers, they are
        // worth nothing, and the command follows in the file.
        self.trust != Trust::Good && self.client.after_hole.is_none() && !code.is_negative()
    }

    /// Whether the client waits for a reply that it had, by its acknowledgment, and the file has not.
    pub(super) fn reply_fell_into_gap(&self) -> bool {
        let (Mode::Await(_), Some(command), Some(acknowledged)) =
            (&self.client.mode, self.pending.back(), self.client.held.front_acknowledges())
        else {
            return false;
        };
        let had_no_other =
            self.server.replies.front().is_none_or(|heard| heard.reply.end_offset > acknowledged);
        self.server.has_hole_between(command.acknowledged, acknowledged)
            && self.server.frontier >= acknowledged
            && had_no_other
            && self.has_enough_to_guess()
    }

    /// Drops commands from the front that draw no reply that could be in the file any more.
    fn skip_what_was_not_answered(&mut self) {
        self.skip_answered_in_gap();
        while let (Some(first), Some(heard)) = (self.pending.front(), self.server.replies.front())
            && first.blank
            && !heard.reply.code.is_negative()
        {
            self.pending.pop_front();
        }
    }

    /// Drops commands from the front that were answered in a gap of the server's stream.
    fn skip_answered_in_gap(&mut self) {
        let (Some(hole), Some(heard)) = (self.server.hole, self.server.replies.front()) else { return };
        let (code, heard_up_to, end) = (heard.reply.code, heard.acknowledged, heard.reply.end_offset);
        while let Some(first) = self.pending.front() {
            // Commands that could be the one that this reply answers.
            let others = || {
                self.pending
                    .iter()
                    .skip(1)
                    .take_while(|command| command.end <= heard_up_to && end > command.acknowledged)
            };
            // Sent by a client who had received what is missing here: its forerunners are answered.
            let flight_is_over =
                first.acknowledged < hole.to && others().any(|command| command.acknowledged >= hole.to);
            let shape_is_wrong =
                !plausible(&first.verb, code) && others().any(|command| plausible(&command.verb, code));
            if !flight_is_over && !shape_is_wrong {
                return;
            }
            let Some(answered) = self.pending.pop_front() else { return };
            self.course.resolve(answered, Answer::InGap);
        }
    }

    /// The reply answers the first pending command.
    fn answered(&mut self, heard: Heard) {
        self.skip_to_owner(&heard);
        let Some(mut command) = self.pending.pop_front() else { return };
        if self.trust == Trust::Untried && !command.inferred {
            if possible(&command, &heard) {
                self.trust = Trust::Good;
            } else {
                self.trust = Trust::Broken;
                self.oddity(
                    "acknowledgment numbers that make no sense: replies paired by order alone",
                    heard.reply.at,
                );
            }
        }
        self.words.answer(&heard.reply);
        if command.verb == Verb::EndOfData && command.more_replies == 0 {
            command.more_replies = self.course.replies_to_end_of_data();
        }
        if command.more_replies > 1 {
            command.more_replies -= 1;
            self.pending.push_front(command);
            return;
        }
        // Sent by a client who had what is missing here: nothing before it is in doubt any more.
        if self.server.hole.is_some_and(|hole| command.acknowledged >= hole.to) {
            self.server.hole = None;
        }
        self.course.resolve(command, Answer::Reply(&heard));
        if self.pending.is_empty() {
            self.reply_decides(&heard.reply);
        }
    }

    /// Some replies answer one command and no other. What stands before it was passed over by the
    /// server, or its reply could not be told from another.
    fn skip_to_owner(&mut self, heard: &Heard) {
        let code = heard.reply.code;
        let owns = |command: &Pending| {
            owns(&command.verb, code) == Some(true)
                && (command.end <= heard.acknowledged || self.trust == Trust::Broken)
        };
        let passed_over = if code == ReplyCode::CLOSING { Answer::None } else { Answer::InGap };
        if let Some(place) = self.pending.iter().position(owns) {
            for command in self.pending.drain(..place) {
                self.course.resolve(command, passed_over);
            }
        }
    }

    /// A reply that answers none of the commands in the file.
    fn stray(&mut self, heard: Heard, unseen: bool) {
        let reply = heard.reply;
        let closes = words::closes(&reply);
        if self.pending.is_empty() && !closes {
            match &self.client.mode {
                Mode::Candidate(_) if self.client.was_the_end(heard.acknowledged) == Some(true) => {
                    return self.end_of_data_by_reply(Heard { reply, ..heard }, false);
                }
                Mode::Body(_) if reply.code.is_positive() => {
                    return self.end_of_data_by_reply(Heard { reply, ..heard }, true);
                }
                Mode::Body(_) | Mode::Candidate(_) if reply.code.is_negative() => {
                    self.words.answer(&reply);
                    return self.course.refused_in_body(reply);
                }
                _ => {}
            }
        }
        // The same for a body whose end is in the file already, but had not reached the server.
        let in_body = self
            .pending
            .front()
            .is_some_and(|command| command.verb == Verb::EndOfData && command.end > heard.acknowledged);
        if in_body && !closes && reply.code.is_negative() {
            self.words.answer(&reply);
            return self.course.refused_in_body(reply);
        }
        if unseen && !closes {
            self.words.answer(&reply);
            if reply.code == ReplyCode::START_INPUT && self.pending.is_empty() {
                self.client.begin_body_behind_hole();
            }
            return self.course.reply_to_unseen(reply, self.client.parsed);
        }
        if closes {
            self.words.closing(&reply);
        }
        self.course.unsolicited(reply);
    }

    /// The server's reply shows that the body is over, and that it ended otherwise than by CRLF dot
    /// CRLF or in octets that are missing: end of data is the listener's choice.
    fn end_of_data_by_reply(&mut self, heard: Heard, inferred: bool) {
        if inferred {
            self.oddity("a body whose end is proven by the reply to it only", heard.reply.at);
        } else {
            self.oddity("a body that ended with a dot between bare line ends", heard.reply.at);
        }
        self.end_body_by_reply(heard.reply.at, heard.acknowledged, inferred);
        self.answered(heard);
    }
}

/// For a reply that only certain commands draw, whether `verb` is one of them.
fn owns(verb: &Verb, code: ReplyCode) -> Option<bool> {
    match code {
        ReplyCode::CLOSING => Some(*verb == Verb::Quit),
        ReplyCode::START_INPUT => Some(*verb == Verb::Data),
        ReplyCode::CHALLENGE => Some(matches!(verb, Verb::Auth | Verb::AuthLine)),
        _ => None,
    }
}

/// Whether the acknowledgments allow that the reply answers the command: the server had received it,
/// and the client had not received the reply when it sent it.
fn possible(command: &Pending, heard: &Heard) -> bool {
    command.end <= heard.acknowledged && heard.reply.end_offset > command.acknowledged
}

/// Whether a command could draw this reply; asked only where something is missing from the file.
fn plausible(verb: &Verb, code: ReplyCode) -> bool {
    if let Some(owned) = owns(verb, code) {
        return owned;
    }
    match code {
        ReplyCode(235) => matches!(verb, Verb::Auth | Verb::AuthLine),
        ReplyCode::READY => matches!(verb, Verb::StartTls | Verb::Xclient),
        _ if code.is_positive() => {
            !matches!(verb, Verb::Data | Verb::Quit | Verb::StartTls | Verb::Auth | Verb::AuthLine)
        }
        _ => true,
    }
}
