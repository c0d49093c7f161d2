//! One connection's try of a message: which message it is, and where its body died.

use crate::capture::Loss;
use crate::smtp::session::{Outcome, Session, Stage, Transaction};
use crate::text::Text;

/// The segment size where none was captured (RFC 9293 section 3.7.1 with Ethernet's MTU).
const USUAL_MSS: u64 = 1460;

/// What tells that two transactions carry the same message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Envelope {
    MessageId(Text),
    Sized { mail_from: Text, rcpt_to: Vec<Text>, size: u64 },
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

/// One connection's try of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Try<'a> {
    pub(super) session: usize,
    pub(super) transaction: usize,
    /// Where its body died, octets from its first; `None` where it did not.
    pub(super) died: Option<u64>,
    pub(super) completed: bool,
    /// Octets of the message, as far as known.
    pub(super) length: u64,
    pub(super) mss: u64,
    pub(super) flow: &'a Session,
}

pub(super) fn attempt<'a>(
    session: &'a Session,
    (place, index): (usize, usize),
    transaction: &Transaction,
    black_hole: bool,
) -> Try<'a> {
    let last = session.last_open_transaction() == Some(index);
    let died = if last && !black_hole { place_of_death(session, transaction) } else { None };
    let seen = transaction.body_octets.saturating_add(transaction.body_missing);
    Try {
        session: place,
        transaction: index,
        died,
        completed: matches!(transaction.outcome, Outcome::Completed { .. }),
        length: transaction.declared_size.unwrap_or(0).max(seen),
        mss: session.flow.streams.responder.mss.map_or(USUAL_MSS, u64::from),
        flow: session,
    }
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
    let lost = stream.gaps.iter().filter(|gap| gap.loss == Loss::Unacknowledged).map(|gap| gap.offset).min();
    lost.unwrap_or(stream.end).checked_sub(begins)
}
