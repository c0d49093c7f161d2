//! What the wire tells of one SMTP connection: the flow and the dialogue in it.

use crate::capture::{Flow, Gap};
use crate::cite::{Moment, Notes};
use crate::net::{Endpoint, FourTuple, Role};
use crate::smtp::command::Verb;
use crate::smtp::reply::{Capabilities, ReplyCode};
use crate::smtp::tls::Encryption;
use crate::text::Text;

/// One SMTP connection on the wire. Its flow's originator is the client (the flow was flipped
/// where the dialogue showed otherwise).
#[derive(Debug, Clone)]
pub struct Session {
    /// TCP's facts.
    pub flow: Flow,
    /// What says which end is the client.
    pub roles_from: RolesFrom,
    /// SMTP's facts.
    pub dialog: Dialog,
}

impl Session {
    /// The client's endpoint.
    pub fn client(&self) -> Endpoint {
        self.flow.endpoints.originator
    }

    /// The server's endpoint.
    pub fn server(&self) -> Endpoint {
        self.flow.endpoints.responder
    }

    /// The last transaction that SMTP itself did not end, by its place among all: the one that the
    /// end of the connection ended.
    pub fn last_open_transaction(&self) -> Option<usize> {
        let last = self.dialog.transactions.len().checked_sub(1)?;
        self.dialog.transactions.get(last).filter(|last| last.outcome == Outcome::Open).map(|_| last)
    }

    /// Gives back the memory that nobody asks for once the dialogue is read and shown: headers,
    /// commands, and what lists had in reserve.
    pub fn compact(&mut self) {
        self.flow.trace = None;
        self.dialog.forget_commands();
        self.shrink_to_fit();
    }

    /// Gives back what lists had in reserve.
    pub fn shrink_to_fit(&mut self) {
        self.flow.history.shrink_to_fit();
        self.flow.closes.all.shrink_to_fit();
        self.flow.streams.originator.gaps.shrink_to_fit();
        self.flow.streams.responder.gaps.shrink_to_fit();
        if let Some(trace) = &mut self.flow.trace {
            trace.shrink_to_fit();
        }
        self.dialog.commands.shrink_to_fit();
        self.dialog.transactions.shrink_to_fit();
        for transaction in &mut self.dialog.transactions {
            transaction.recipients.shrink_to_fit();
        }
    }

    /// Both.
    pub fn tuple(&self) -> FourTuple {
        FourTuple { client: self.client(), server: self.server() }
    }
}

/// What says which end is the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RolesFrom {
    /// The TCP handshake.
    Handshake,
    /// Who greeted (or who sent commands).
    Greeting,
    /// A well-known port; nothing was said that tells.
    Port,
}

/// The SMTP dialogue of one connection.
#[derive(Debug, Clone, Default)]
pub struct Dialog {
    /// The greeting (RFC 5321 section 3.1).
    pub greeting: Option<ReplySeen>,
    /// The argument of the last HELO, EHLO or LHLO that was accepted, else of the last sent.
    pub helo: Option<Text>,
    /// Commands in their order, bounded by [`Self::MAX_COMMANDS`].
    pub commands: Vec<Command>,
    /// Commands beyond that.
    pub commands_dropped: u64,
    /// Transactions: MAIL commands in their order, accepted or not, bounded.
    pub transactions: Vec<Transaction>,
    /// Transactions beyond [`Self::MAX_TRANSACTIONS`].
    pub transactions_dropped: u64,
    /// Encryption, where the dialogue went dark.
    pub encryption: Option<Box<Encryption>>,
    /// AUTH was used (credentials are not kept).
    pub authenticated: bool,
    /// What the last accepted EHLO was offered.
    pub capabilities: Capabilities,
    /// QUIT, where it was sent as a command.
    pub quit: Option<Quit>,
    /// The last reply that answered no command (421 of a timer, mostly).
    pub unsolicited: Option<ReplySeen>,
    /// The last reply of all.
    pub last_reply: Option<ReplySeen>,
    /// Octets of the reply to QUIT, line ends included.
    pub closing_length: Option<u16>,
    /// Octets of the last go-ahead for a message (354), line ends included.
    pub go_ahead_length: Option<u16>,
    /// The segments of the first and the last octet of a body that was still under way.
    pub unfinished_body: Option<(Moment, Moment)>,
    /// Where the dialogue stood at its end.
    pub stage: Stage,
    /// Who owed the next word at its end; a closing reply that nobody asked for (421 of a timer) is
    /// no word of the dialogue and does not change it.
    pub owed: Option<Owed>,
    /// The last word of the dialogue: a command, an octet of a body, or the reply to a command.
    pub last_word: Option<Moment>,
    /// Whether the dialogue ends behind a gap that it could not be followed across.
    pub lost_in_gap: bool,
    /// The gaps the dialogue met, bounded by [`Self::MAX_GAPS`], by the end whose octets are missing.
    pub gaps: Vec<(Role, Gap)>,
    /// Oddities.
    pub notes: Notes,
}

impl Dialog {
    /// Gives back the memory of [`Self::commands`], for a caller who has shown them and keeps the
    /// session for what comes later.
    pub fn forget_commands(&mut self) {
        self.commands_dropped = self.commands_dropped.saturating_add(self.commands.len() as u64);
        self.commands = Vec::new();
    }

    /// Commands kept.
    pub const MAX_COMMANDS: usize = 4096;
    /// Transactions kept.
    pub const MAX_TRANSACTIONS: usize = 4096;
    /// Gaps kept.
    pub const MAX_GAPS: usize = 16;
    /// Recipients kept per transaction.
    pub const MAX_RECIPIENTS: usize = 1024;
    /// Octets kept of any one address, HELO name, Message-ID or Subject.
    pub const MAX_TEXT: usize = 998;
}

/// A reply as seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplySeen {
    /// Its code.
    pub code: ReplyCode,
    /// Its text, bounded, lines joined by `\n`.
    pub text: Text,
    /// Its last octet's segment.
    pub at: Moment,
    /// Where it ends in the server's stream.
    pub end_offset: u64,
}

/// A command as seen, with its reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What it was.
    pub verb: Verb,
    /// The segment of its last octet.
    pub at: Moment,
    /// Code and segment of its reply.
    pub reply: Option<(ReplyCode, Moment)>,
    /// For the end of data and for BDAT, the segments of the first and the last octet of the body or
    /// the chunk.
    pub body: Option<(Moment, Moment)>,
}

/// QUIT as a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quit {
    /// Its segment.
    pub at: Moment,
    /// Where it ends in the client's stream.
    pub end_offset: u64,
    /// How much of the server's stream had reached the client when it sent QUIT.
    pub acknowledged: u64,
    /// QUIT itself is not in the file; its 221 behind a gap proves it.
    pub inferred: bool,
    /// Whether every earlier command, and the end of data, had been answered when it was sent or
    /// was answered later: `false` for a QUIT behind an unanswered dot.
    pub all_answered_before: bool,
    /// Its reply (221).
    pub reply: Option<ReplySeen>,
}

/// From MAIL to its end.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// MAIL.
    pub mail: Moment,
    /// Its reply: a transaction exists for the appliance's log only where this is 2xx.
    pub mail_reply: Option<(ReplyCode, Moment)>,
    /// The reverse path without brackets; empty for `<>`.
    pub mail_from: Text,
    /// MAIL itself is not in the file (a gap, or the file begins later): [`Self::mail`] is the first
    /// sign of the transaction and [`Self::mail_from`] says nothing.
    pub mail_missing: bool,
    /// The reply to MAIL is not in the file, but what was accepted later proves that it was 2xx.
    pub acceptance_inferred: bool,
    /// The `SIZE` that MAIL declared (RFC 1870).
    pub declared_size: Option<u64>,
    /// RCPT commands in their order, bounded.
    pub recipients: Vec<Recipient>,
    /// Recipients beyond [`Dialog::MAX_RECIPIENTS`].
    pub recipients_dropped: u64,
    /// DATA or the first BDAT.
    pub data: Option<Moment>,
    /// The reply to DATA.
    pub data_reply: Option<(ReplyCode, Moment)>,
    /// Body octets seen, dots and line ends included as on the wire, final dot line not.
    pub body_octets: u64,
    /// Octets of the body that are missing from the file.
    pub body_missing: u64,
    /// The last segment with body octets.
    pub last_body: Option<Moment>,
    /// The end of data (the dot, or BDAT LAST), seen or proven by its reply.
    pub end_of_data: Option<Moment>,
    /// The reply to the end of data.
    pub end_reply: Option<ReplySeen>,
    /// The reply to the end of data fell into a gap: it was given, nobody knows which.
    pub end_reply_missing: bool,
    /// Part of it is concluded from replies, because the octets are missing from the file or the
    /// body ended otherwise than by CRLF dot CRLF.
    pub inferred: bool,
    /// Message-ID of the head, without brackets' surroundings: `<...>` as written.
    pub message_id: Option<Text>,
    /// Subject of the head, unfolded, as written.
    pub subject: Option<Text>,
    /// How SMTP ended it, if it did.
    pub outcome: Outcome,
    /// Where it stood when it ended.
    pub stage: Stage,
}

impl Transaction {
    /// Whether MAIL was answered with 2xx: what the appliance's log calls a MID.
    pub fn accepted(&self) -> bool {
        self.acceptance_inferred || self.mail_reply.is_some_and(|(code, _)| code.is_positive())
    }
}

/// One RCPT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The forward path without brackets.
    pub address: Text,
    /// Its segment.
    pub at: Moment,
    /// Its reply.
    pub reply: Option<(ReplyCode, Moment)>,
}

/// How SMTP itself ended a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// End of data answered with 2xx (or every octet of it acknowledged and then 2xx).
    Completed {
        /// The 2xx.
        at: Moment,
    },
    /// 4xx or 5xx to MAIL, DATA or the end of data.
    Refused {
        /// Where.
        stage: Stage,
        /// With what.
        code: ReplyCode,
        /// The reply.
        at: Moment,
    },
    /// A 2xx to RSET, EHLO, HELO or a new MAIL ended it; the connection went on.
    Abandoned {
        /// By which command.
        by: Verb,
        /// That command.
        at: Moment,
    },
    /// SMTP did not end it: see the ending of the connection.
    Open,
}

/// How far a dialogue had come.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// TCP only.
    #[default]
    Connect,
    /// The server has greeted.
    Greeting,
    /// HELO or EHLO was sent.
    Helo,
    /// STARTTLS or implicit TLS: nothing can be read from here on.
    Tls,
    /// AUTH.
    Auth,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA or BDAT was sent, no octet of the body was.
    Data,
    /// In the body.
    Body,
    /// The end of data was sent.
    EndOfData,
    /// Between transactions: the last one is over.
    Between,
}

/// Who owed the next word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owed {
    /// The end whose move it was.
    pub by: Role,
    /// Since when: the moment of the other end's last word (or, inside a body, of the last octet).
    pub since: Moment,
    /// Whether the word that makes it their move is known to have reached them (it was
    /// acknowledged); `false`: the path may have lost it.
    pub delivered: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report keeps these by the ten thousand.
    #[test]
    fn what_is_kept_of_a_session_stays_small() {
        for (what, size, most) in [
            ("session", size_of::<Session>(), 1136),
            ("flow", size_of::<Flow>(), 632),
            ("dialog", size_of::<Dialog>(), 496),
            ("transaction", size_of::<Transaction>(), 360),
            ("recipient", size_of::<Recipient>(), 64),
        ] {
            assert!(size <= most, "{what}: {size} octets");
        }
    }
}
