//! Endings of encrypted sessions, by the lengths of their records.
//!
//! QUIT, DATA, RSET and NOOP are six octets each with their CRLF, so a record's length alone proves
//! none of them; what follows tells: after one answer the server closes first (QUIT), or the client
//! goes on. Where it does not tell, this says no more than TCP does. A close_notify is an orderly
//! end of its direction, but many senders leave it out, so its absence says nothing.

use crate::capture::CloseKind;
use crate::cite::Moment;
use crate::net::Role;
use crate::smtp::ending::facts::{Facts, ROUND_TRIP, role};
use crate::smtp::ending::goodbye::Goodbye;
use crate::smtp::ending::kind::begun;
use crate::smtp::ending::{Ending, EndingKind, Form, Turn};
use crate::smtp::session::{Session, Stage};
use crate::smtp::tls::{APPLICATION_DATA, Encryption, Record};
use crate::time::Span;

/// Lengths of a record with six octets of text, or five with a bare LF, before TLS 1.3: ChaCha20 or
/// CCM_8, AES-GCM or CCM, and AES-CBC with SHA-1, SHA-256 and SHA-384, for which both are one
/// block. Measured with OpenSSL 3.0 (encrypt-then-MAC); 48 is SHA-1 without it.
const SIX_OCTETS: [u16; 8] = [21, 22, 29, 30, 48, 52, 64, 80];
/// The same for TLS 1.3 without padding: one octet for the type, 16 for the tag (RFC 8446 section 5.2).
const SIX_OCTETS_13: [u16; 2] = [5 + 1 + 16, 6 + 1 + 16];
/// Octets of QUIT, DATA, RSET and NOOP with their line ends, and with a bare LF.
const COMMAND: [u64; 2] = [6, 5];
/// A pause between two records of a server, with nothing of the client between, after which the
/// second is no more part of the answer. Replies to pipelined commands come within seconds; the
/// appliance's shortest timer is far longer.
const PAUSE: Span = Span::from_seconds(10);
/// Octets of QUIT with its line end.
const SIX: u64 = 6;
/// More text than this at once is a message: an envelope of 50 recipients sent at once is shorter.
const SURELY_MESSAGE: u64 = 4096;

/// See [`super::ending`]. `closed` names an end by TCP and silence alone.
pub(super) fn ending(
    facts: &Facts<'_>,
    encryption: &Encryption,
    stage: Stage,
    closed: impl Fn(&Facts<'_>, Stage) -> Ending,
) -> Ending {
    let shape = Shape { encryption };
    let stage = shape.stage().unwrap_or(stage);
    if let Some(quit) = shape.quit(facts) {
        return Ending {
            by: Some(Role::Client),
            at: Some(quit.at),
            inferred: true,
            turn: Some(Turn::Of(Role::Client)),
            waited: None,
            stall: None,
            ..begun(facts, EndingKind::Quit, stage)
        };
    }
    let mut ended = closed(facts, stage);
    ended.inferred = true;
    match ended.kind {
        EndingKind::Fin | EndingKind::Rst => {
            if let Some(missing) = shape.cut_by(facts.sender()) {
                ended.missing.push(format!("{missing} octets of the sender's last TLS record"));
            } else if shape.is_go_ahead_last() {
                ended.missing.push(
                    "the commands are encrypted: by its length the server's last record is its go-ahead for a message"
                        .to_owned(),
                );
            } else if shape.is_last_word_like_quit() {
                ended.may_be_quit = true;
                ended.missing.push(
                    "the commands are encrypted: the client's last record is as long as a QUIT, but may be another \
                     command of that length"
                        .to_owned(),
                );
            } else {
                ended
                    .missing
                    .push("the commands are encrypted: where the dialogue stood cannot be read".to_owned());
            }
        }
        EndingKind::ApplianceClosed if !facts.left_unasked && shape.is_last_word_like_quit() => {
            ended.may_be_quit = true;
            ended.missing.push(
                "the commands are encrypted: by its length the client's last record may be a QUIT, which the server \
                 answered by closing"
                    .to_owned(),
            );
        }
        _ if facts.left_unasked => ended.missing.push(
            "the appliance spoke once more, unasked, and left: its words are encrypted, a timer's 421 fits"
                .to_owned(),
        ),
        _ => ended
            .missing
            .push("the commands are encrypted: whose turn it was is not known for certain".to_owned()),
    }
    if ended.form == Some(Form::TlsAlert) {
        ended.missing.push(
            "the words of the alert, which are encrypted: a close_notify, or an error of TLS that its sender met"
                .to_owned(),
        );
    }
    ended
}

/// Where the session ended by an inferred QUIT and the words right before it were a message and one answer:
/// when that answer came.
pub(super) fn message_before_quit(session: &Session, ending: &Ending) -> Option<Moment> {
    let encryption = session.dialog.encryption.as_ref()?;
    if ending.kind != EndingKind::Quit || !ending.inferred {
        return None;
    }
    let mut back = encryption.speeches.iter().rev().skip_while(|speech| speech.by == Role::Server);
    let (quit, answer, message) = (back.next()?, back.next()?, back.next()?);
    let in_turn = quit.by == Role::Client && answer.by == Role::Server && message.by == Role::Client;
    let alone = quit.text.least <= SIX && answer.records == 1;
    (in_turn && alone && message.text.least >= SURELY_MESSAGE).then_some(answer.last)
}

/// A server's last word that nobody had asked for, and its leaving right behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnaskedLeave {
    /// The word.
    pub(super) at: Moment,
    /// The last word before it: the server's answer to the client.
    pub(super) last_word: Moment,
    /// Whether that word is known to have reached the client.
    pub(super) delivered: bool,
}

/// Two words of the server with a pause and no word of the client between them, the second one right
/// before it leaves: the second answers nothing.
pub(super) fn unasked_leave(session: &Session, goodbye: Option<Goodbye>) -> Option<UnaskedLeave> {
    let encryption = session.dialog.encryption.as_ref().filter(|encryption| encryption.established)?;
    let shape = Shape { encryption };
    let records = &encryption.records;
    let last_of_client =
        records.iter().rposition(|record| record.by == Role::Client && shape.is_speech(record))?;
    let after: Vec<&Record> = records
        .get(last_of_client + 1..)?
        .iter()
        .filter(|record| record.by == Role::Server && shape.is_speech(record))
        .collect();
    let (leave, before) = match after.as_slice() {
        [.., before, leave] => (leave, before),
        _ => return None,
    };
    let closed = session.flow.closes.effective.map(|close| (role(close.by), close.at));
    let left = goodbye.map(|goodbye| (goodbye.by, goodbye.at)).or(closed);
    let leaves = left.is_some_and(|(by, at)| {
        by == Role::Server && at.time.since(leave.at.time) < ROUND_TRIP && !at.precedes(leave.at)
    });
    let paused = leave.at.time.since(before.at.time) >= PAUSE;
    (leaves && paused).then_some(UnaskedLeave {
        at: leave.at,
        last_word: before.at,
        delivered: before.end <= session.flow.streams.responder.acknowledged,
    })
}

/// The records of a session, looked at for what they may have been.
pub(super) struct Shape<'a> {
    pub(super) encryption: &'a Encryption,
}

impl Shape<'_> {
    /// QUIT: six octets of the client, one answer, and then the server takes leave first.
    fn quit(&self, facts: &Facts<'_>) -> Option<Record> {
        let records = &self.encryption.records;
        let place = records.iter().rposition(|record| record.by == Role::Client && self.is_speech(record))?;
        let last = records.get(place)?;
        if !self.encryption.established || !self.is_six_octets(last) {
            return None;
        }
        let after = records.get(place + 1..)?;
        let answers: Vec<&Record> =
            after.iter().filter(|record| record.by == Role::Server && self.is_speech(record)).collect();
        let answer = match answers.as_slice() {
            [] => return None,
            [answer] => *answer,
            [first, .., answer] if self.answers_at_once(last, answers.len(), first, answer) => *answer,
            _ => return None,
        };
        let closes = &facts.session.flow.closes;
        // A server that only answers the client's alert does not take leave.
        let server_closed = closes.effective.is_some_and(|close| {
            facts.goodbye.is_none_or(|goodbye| goodbye.by == Role::Server)
                && role(close.by) == Role::Server
                && close.kind == CloseKind::Fin
                && close.at.time.since(answer.at.time) < ROUND_TRIP
        });
        // A server's fixed replies are told by their lengths, where it was heard in clear.
        if let Some(closing) = self.is_closing(answer) {
            return closing.then_some(*last);
        }
        // The leave-taking record counts if the client had not closed before it.
        let server_left = after.iter().find(|record| !self.is_speech(record)).is_some_and(|leave| {
            leave.by == Role::Server && closes.effective.is_none_or(|close| !close.at.precedes(leave.at))
        });
        (server_closed || server_left).then_some(*last)
    }

    /// Whether several answers to the client's `last` record are those to commands sent without
    /// waiting (RFC 2920), the last one that to `last`: no more answers than records of that speech,
    /// and all of them at once, as a timer's word behind an answer is not. Five octets are no QUIT
    /// here: a dot in a record of its own is as long.
    fn answers_at_once(&self, last: &Record, answers: usize, from: &Record, to: &Record) -> bool {
        let mut speeches = self.encryption.speeches.iter().rev();
        let speech = speeches.find(|speech| speech.by == Role::Client);
        let spoke = speech.is_some_and(|speech| speech.last == last.at && answers as u64 <= speech.records);
        spoke && self.is_surely_six_octets(last) && to.at.time.since(from.at.time) < ROUND_TRIP
    }

    /// Whether a record of the server is its answer to QUIT; `None` where its length does not tell.
    fn is_closing(&self, answer: &Record) -> Option<bool> {
        let text = self.encryption.text_of(answer);
        let known = &self.encryption.known_replies;
        let fits = |lengths: &[u16]| lengths.iter().any(|length| text.may_be(u64::from(*length)));
        match (text.least == text.most, fits(&known.closing), fits(&known.go_ahead)) {
            (true, true, false) => Some(true),
            (true, false, true) => Some(false),
            _ => None,
        }
    }

    /// The server's go-ahead for a message is the last word of all.
    fn is_go_ahead_last(&self) -> bool {
        let last = self.encryption.records.iter().rev().find(|record| self.is_speech(record));
        last.is_some_and(|last| last.by == Role::Server && self.is_closing(last) == Some(false))
            && self.is_last_word_like_quit()
    }

    /// Where the dialogue stood, as far as that is certain.
    fn stage(&self) -> Option<Stage> {
        let last = self.encryption.speeches.last()?;
        if last.by == Role::Client && last.text.least >= SURELY_MESSAGE {
            return Some(Stage::Body);
        }
        self.is_go_ahead_last().then_some(Stage::Data)
    }

    /// Octets missing from the last record of `role`.
    fn cut_by(&self, role: Role) -> Option<u64> {
        self.encryption.cut_record.filter(|(by, _)| *by == role).map(|(_, missing)| missing)
    }

    /// The client's last speech has the length of QUIT.
    fn is_last_word_like_quit(&self) -> bool {
        let mut from_client = self
            .encryption
            .records
            .iter()
            .rev()
            .filter(|record| record.by == Role::Client && self.is_speech(record));
        from_client.next().is_some_and(|record| self.is_six_octets(record))
    }

    /// Application data that is not an alert of TLS 1.3, nor as long as one where the version is not known.
    pub(super) fn is_speech(&self, record: &Record) -> bool {
        match record.content_type {
            APPLICATION_DATA => {
                self.encryption.tls13 == Some(false) || !self.encryption.is_as_long_as_alert(record)
            }
            _ => false,
        }
    }

    /// Six octets and no fewer.
    fn is_surely_six_octets(&self, record: &Record) -> bool {
        let [six, five] = COMMAND;
        if self.encryption.cipher_suite.is_some() {
            let text = self.encryption.text_of(record);
            return text.may_be(six) && !text.may_be(five);
        }
        self.encryption.tls13 == Some(true) && SIX_OCTETS_13.last() == Some(&record.length)
    }

    fn is_six_octets(&self, record: &Record) -> bool {
        if self.encryption.cipher_suite.is_some() {
            let text = self.encryption.text_of(record);
            return COMMAND.iter().any(|&octets| text.may_be(octets));
        }
        match self.encryption.tls13 {
            Some(true) => SIX_OCTETS_13.contains(&record.length),
            Some(false) => SIX_OCTETS.contains(&record.length),
            None => SIX_OCTETS_13.contains(&record.length) || SIX_OCTETS.contains(&record.length),
        }
    }
}
