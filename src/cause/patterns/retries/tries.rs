//! One connection's try of a message: which message it is, and where its body died.

use std::net::IpAddr;

use crate::capture::{Loss, StreamFacts};
use crate::maillog::Message;
use crate::net::canonical;
use crate::smtp::session::{Outcome, Session, Stage, Transaction};
use crate::text::Text;

/// The segment size where none was captured (RFC 9293 section 3.7.1 with Ethernet's MTU).
const USUAL_MSS: u64 = 1460;

/// Records add to their text one octet in so many, at most: 5 of head and 24 of nonce, type and tag (RFC 5246
/// section 6.2, RFC 8446 section 5.2), in records as short as a segment.
const TLS_SHARE: u64 = 50;

/// What tells that two transactions carry the same message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Envelope {
    MessageId(Text),
    Sized {
        mail_from: Text,
        rcpt_to: Vec<Text>,
        size: u64,
    },
    /// By the log, where TLS hides the rest.
    Logged {
        who: Who,
        mail_from: Text,
        rcpt_to: Vec<Text>,
    },
}

/// Who sends, as far as that shows outside TLS: the HELO name, else the address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Helo(Text),
    Address(IpAddr),
}

impl Envelope {
    pub(super) fn of(transaction: &Transaction) -> Option<Self> {
        if let Some(id) = transaction.message_id.as_ref().filter(|id| !id.is_empty()) {
            return Some(Self::MessageId(id.clone()));
        }
        let size = transaction.declared_size?;
        let mut rcpt_to: Vec<Text> =
            transaction.recipients.iter().map(|recipient| recipient.address.clone()).collect();
        rcpt_to.sort_unstable();
        let whole = !transaction.mail_missing && !rcpt_to.is_empty() && transaction.recipients_dropped == 0;
        whole.then(|| Self::Sized { mail_from: transaction.mail_from.clone(), rcpt_to, size })
    }
}

impl Envelope {
    /// The envelope of a message in the log.
    pub(super) fn logged(session: &Session, message: &Message) -> Option<Self> {
        let helo = session.dialog.helo.clone().filter(|helo| !helo.is_empty());
        let who = helo.map_or_else(|| Who::Address(canonical(session.client().ip)), Who::Helo);
        let (mail_from, rcpt_to) = addresses(message)?;
        Some(Self::Logged { who, mail_from, rcpt_to })
    }
}

/// Sender and recipients of a message in the log; `None` where it has no recipient.
pub(super) fn addresses(message: &Message) -> Option<(Text, Vec<Text>)> {
    let (mail_from, _) = message.mail_from.as_ref()?;
    let mut rcpt_to: Vec<Text> = message.rcpt_to.iter().map(|(address, _)| address.clone()).collect();
    rcpt_to.sort_unstable();
    (!rcpt_to.is_empty()).then(|| (mail_from.clone(), rcpt_to))
}

/// One connection's try of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Try<'a> {
    pub(super) session: usize,
    /// Its transaction; under TLS there is none to see.
    pub(super) transaction: Option<usize>,
    /// Where it died, octets from the first of the body, under TLS from the first of the stream; `None` where it
    /// did not.
    pub(super) died: Option<u64>,
    pub(super) completed: bool,
    /// Octets of the message, as far as known.
    pub(super) length: u64,
    /// How far from it another may die to count as the same place.
    pub(super) tolerance: u64,
    pub(super) flow: &'a Session,
}

pub(super) fn attempt<'a>(
    session: &'a Session,
    (place, index): (usize, usize),
    transaction: &Transaction,
    explained: bool,
) -> Try<'a> {
    let last = session.last_open_transaction() == Some(index);
    let died = if last && !explained { place_of_death(session, transaction) } else { None };
    let seen = transaction.body_octets.saturating_add(transaction.body_missing);
    Try {
        session: place,
        transaction: Some(index),
        died,
        completed: matches!(transaction.outcome, Outcome::Completed { .. }),
        length: transaction.declared_size.unwrap_or(0).max(seen),
        tolerance: segment(session),
        flow: session,
    }
}

/// A try under TLS: which octet of the sender's stream was its last.
///
/// Handshake and commands count with it; they are as long each time, but for a session that is resumed. The same
/// text takes up more or less with another cipher or other records, so the tolerance grows with the place.
pub(super) fn attempt_under_tls<'a>(
    session: &'a Session,
    place: usize,
    transaction: Option<usize>,
    length: u64,
) -> Try<'a> {
    let stream = &session.flow.streams.originator;
    let died = first_lost(stream).unwrap_or(stream.end);
    Try {
        session: place,
        transaction,
        died: Some(died),
        completed: false,
        length: length.max(stream.end),
        tolerance: segment(session).saturating_add(died / TLS_SHARE),
        flow: session,
    }
}

/// The largest segment of the sender.
fn segment(session: &Session) -> u64 {
    session.flow.streams.responder.mss.map_or(USUAL_MSS, u64::from)
}

/// The first octet that is missing and was never acknowledged.
fn first_lost(stream: &StreamFacts) -> Option<u64> {
    stream.gaps.iter().filter(|gap| gap.loss == Loss::Unacknowledged).map(|gap| gap.offset).min()
}

/// The octet of the body behind which nothing arrived: the first one that is missing and was never
/// acknowledged, else the end of what came.
fn place_of_death(session: &Session, transaction: &Transaction) -> Option<u64> {
    if transaction.stage != Stage::Body || transaction.body_octets == 0 || transaction.end_of_data.is_some() {
        return None;
    }
    let stream = &session.flow.streams.originator;
    let body = transaction.body_octets.checked_add(transaction.body_missing)?;
    let begins = stream.end.checked_sub(body)?;
    first_lost(stream).unwrap_or(stream.end).checked_sub(begins)
}
