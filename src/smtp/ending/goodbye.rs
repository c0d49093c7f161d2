//! The end that closed first at TLS's level, by an alert, and waited with its FIN.
//!
//! A close_notify ends its sender's side, and the other end is to answer it and close (RFC 5246 section
//! 7.2.1); in TLS 1.3 it may still speak, but hears nothing more (RFC 8446 section 6.1). A fatal alert ends
//! both. Either way the FIN that answers it is not what ended the connection.

use crate::capture::CloseKind;
use crate::cite::Moment;
use crate::net::Role;
use crate::smtp::ending::dark::Shape;
use crate::smtp::ending::facts::{ROUND_TRIP, role};
use crate::smtp::session::{Owed, Session};
use crate::smtp::tls::{APPLICATION_DATA, Encryption, Record};

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(super) struct Goodbye {
    /// Who sent the alert.
    pub(super) by: Role,
    /// The alert.
    pub(super) at: Moment,
    /// The other end was closing at the same time without knowing of it.
    pub(super) crossed: bool,
    /// Who owed the next word before it.
    pub(super) owed: Option<Owed>,
    /// The last word before it.
    pub(super) last_word: Option<Moment>,
}

/// The alert that an end sent before the other end's FIN, the first close that TCP shows. A FIN that does
/// not acknowledge the alert is no answer to it; nor is a reset certain to be one, for a kernel makes it of
/// a close by a program that has read nothing.
pub(super) fn first(session: &Session) -> Option<Goodbye> {
    let encryption = session.dialog.encryption.as_ref().filter(|encryption| encryption.established)?;
    let close = session.flow.closes.effective.filter(|close| close.kind == CloseKind::Fin)?;
    let closer = role(close.by);
    let alert = last_alert(encryption, closer.other())?;
    // What the other end did first to close, and how much it had received.
    let (answered, acknowledged) = match last_alert(encryption, closer) {
        Some(own) => (own.at, Some(own.acknowledged)),
        None => (close.at, close.acknowledged),
    };
    let came_first = alert.at.precedes(answered);
    let knew = acknowledged.map_or(came_first, |acknowledged| acknowledged >= alert.end);
    let crossed = !knew && came_first && answered.time.since(alert.at.time) < ROUND_TRIP;
    if !knew && !crossed {
        return None;
    }
    let shape = Shape { encryption };
    let before =
        encryption.records.iter().rfind(|record| shape.is_speech(record) && record.at.precedes(alert.at));
    // Behind the client's record nobody knows who owed: it may have been part of a body.
    let owed = before.filter(|record| record.by == Role::Server).map(|record| Owed {
        by: Role::Client,
        since: record.at,
        delivered: record.end <= session.flow.streams.responder.acknowledged,
    });
    Some(Goodbye { by: alert.by, at: alert.at, crossed, owed, last_word: before.map(|record| record.at) })
}

/// The alert that is the last record of `by`. In TLS 1.3 an end that writes the ends of its lines in records
/// of their own sends many of that length: those are none.
fn last_alert(encryption: &Encryption, by: Role) -> Option<&Record> {
    if encryption.cut_record.is_some_and(|(cut, _)| cut == by) {
        return None;
    }
    let mut records = encryption.records.iter().rev().filter(|record| record.by == by);
    let last = records.next().filter(|record| encryption.is_alert(record))?;
    let habit = records.any(|record| record.content_type == APPLICATION_DATA && encryption.is_alert(record));
    (!habit).then_some(last)
}
