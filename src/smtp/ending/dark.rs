//! Endings of encrypted sessions, by the lengths of their records.
//!
//! QUIT, DATA, RSET and NOOP are six octets each with their CRLF, so a record's length alone proves
//! none of them; what follows tells: after one answer the server closes first (QUIT), or the client
//! goes on. Where it does not tell, this says no more than TCP does. A close_notify is an orderly
//! end of its direction, but many senders leave it out, so its absence says nothing.

use crate::capture::CloseKind;
use crate::net::Role;
use crate::smtp::ending::facts::{Facts, ROUND_TRIP, role};
use crate::smtp::ending::kind::begun;
use crate::smtp::ending::{Ending, EndingKind, Turn};
use crate::smtp::session::Stage;
use crate::smtp::tls::{ALERT, APPLICATION_DATA, Encryption, Record};

/// Lengths of a record with six octets of text, or five with a bare LF, before TLS 1.3: ChaCha20 or
/// CCM_8, AES-GCM or CCM, and AES-CBC with SHA-1, SHA-256 and SHA-384, for which both are one
/// block. Measured with OpenSSL 3.0 (encrypt-then-MAC); 48 is SHA-1 without it.
const SIX_OCTETS: [u16; 8] = [21, 22, 29, 30, 48, 52, 64, 80];
/// The same for TLS 1.3 without padding: one octet for the type, 16 for the tag (RFC 8446 section 5.2).
const SIX_OCTETS_13: [u16; 2] = [5 + 1 + 16, 6 + 1 + 16];
/// An alert in TLS 1.3, which looks like application data: two octets, type, tag.
const ALERT_13: u16 = 2 + 1 + 16;

/// See [`super::ending`]. `closed` names an end by TCP and silence alone.
pub(super) fn ending(
    facts: &Facts<'_>,
    encryption: &Encryption,
    stage: Stage,
    closed: impl Fn(&Facts<'_>, Stage) -> Ending,
) -> Ending {
    let shape = Shape { encryption };
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
        _ => ended
            .missing
            .push("the commands are encrypted: whose turn it was is not known for certain".to_owned()),
    }
    ended
}

/// The records of a session, looked at for what they may have been.
struct Shape<'a> {
    encryption: &'a Encryption,
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
        let mut answers = after.iter().filter(|record| record.by == Role::Server && self.is_speech(record));
        let (answer, None) = (answers.next()?, answers.next()) else { return None };
        let closes = &facts.session.flow.closes;
        let server_closed = closes.effective.is_some_and(|close| {
            role(close.by) == Role::Server
                && close.kind == CloseKind::Fin
                && close.at.time.since(answer.at.time) < ROUND_TRIP
        });
        // The leave-taking record counts if the client had not closed before it.
        let server_left = after.iter().find(|record| !self.is_speech(record)).is_some_and(|leave| {
            leave.by == Role::Server && closes.effective.is_none_or(|close| close.at >= leave.at)
        });
        (server_closed || server_left).then_some(*last)
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

    /// Application data that is not an alert of TLS 1.3.
    fn is_speech(&self, record: &Record) -> bool {
        match record.content_type {
            ALERT => false,
            APPLICATION_DATA => self.encryption.tls13 == Some(false) || record.length != ALERT_13,
            _ => false,
        }
    }

    fn is_six_octets(&self, record: &Record) -> bool {
        match self.encryption.tls13 {
            Some(true) => SIX_OCTETS_13.contains(&record.length),
            Some(false) => SIX_OCTETS.contains(&record.length),
            None => SIX_OCTETS_13.contains(&record.length) || SIX_OCTETS.contains(&record.length),
        }
    }
}
