//! The text mail log (`mail_logs`): the text after stamp and level -> [`Event`].
//!
//! A record is words, then ids, then words again (`Message aborted MID 7 Receiving aborted`), or
//! begins with the ids (`MID 7 ready 512 bytes from <a@example.com>`). Tables say what the words
//! mean; which table holds is told by the ids that stand before.

mod details;
mod facts;
mod outbound;

use crate::maillog::PolicyAction;
use crate::maillog::conversation;
use crate::maillog::event::{ConnectionId, Event, Fact, Ids, Known};
use crate::maillog::scan;
use crate::maillog::table::Reading::{As, Known as Kind};
use crate::maillog::table::Table;
use crate::net::Leg;
pub(super) use facts::abort;
use facts::{
    aborted, alert, authentication, clock_set, delivery_tls, disconnected, finished, invalid_bounce, killed,
    limit, lost_early, offset, opened, policy, ready, receiving_failed, recipient, rejected,
    rejected_outside, started, tls, version,
};
use outbound::{
    bounced, connection_error, delayed, delivered, delivery, delivery_started, generated, possible,
    quarantine, rewritten, split,
};

/// Reads the text of one record (what follows the stamp and the level word).
///
/// ```
/// use mailwitness::maillog::{Fact, parse_text};
/// let event = parse_text(b"MID 7 ready 512 bytes from <a@example.com>");
/// assert_eq!(event.ids.mid, Some(7));
/// assert_eq!(event.fact, Fact::Ready { bytes: 512, sender: Some(b"a@example.com") });
/// ```
pub fn parse_text(text: &[u8]) -> Event<'_> {
    let mut ids = Ids::default();
    let rest = take_ids(&mut ids, text);
    let table = match ids {
        Ids { mid: Some(_), .. } => &MESSAGE,
        Ids { connection: Some(ConnectionId { leg: Leg::Injection, .. }), .. } => &INJECTION,
        Ids { connection: Some(ConnectionId { leg: Leg::Delivery, .. }), .. } => &DELIVERY,
        Ids { connection: None, mid: None } => &SENTENCES,
    };
    let fact = table.read(&mut ids, rest);
    // Lines of debug logs begin with a bare number, or with their own words.
    if fact == Fact::Unknown && ids == Ids::default() && conversation::part(text).is_some() {
        return Event { ids, fact: Fact::Known(Known::Conversation) };
    }
    Event { ids, fact }
}

// Within a letter the frequent ones stand first.

/// Records that begin with words.
static SENTENCES: Table = Table::new(&[
    ("A ", As(alert)),
    ("Alias match:", Kind(Known::Directory)),
    ("Begin Logfile", As(|_, _| Fact::HeadBegins)),
    ("Bounced:", As(bounced)),
    ("Checkpoint", Kind(Known::System)),
    ("Connection Error:", As(connection_error)),
    ("Delivery connection", As(details::connection)),
    ("Delivery start", As(delivery_started)),
    ("Delayed:", As(delayed)),
    ("Deleted:", As(delivery)),
    ("Deliveries are currently suspended", Kind(Known::Delivery)),
    ("DNS ", Kind(Known::Delivery)),
    ("Done scanning", Kind(Known::System)),
    ("Double bounce:", As(delivery)),
    ("Double bounce", As(delivery)),
    ("Dropping connection due to potential Directory Harvest Attack", Kind(Known::Directory)),
    ("End Logfile", Kind(Known::System)),
    ("EUQ:", As(quarantine)),
    ("Global unsubscribe matched", Kind(Known::Delivery)),
    ("Incoming connection", As(details::connection)),
    ("Incoming ", Kind(Known::System)),
    ("ISQ:", As(quarantine)),
    ("lame DNS", Kind(Known::Delivery)),
    ("LDAP", Kind(Known::Directory)),
    ("Logfile rolled over", Kind(Known::System)),
    ("Mail delivery client", Kind(Known::Delivery)),
    ("Message aborted", As(aborted)),
    ("Message finished", As(finished)),
    ("Message done", As(delivered)),
    ("Message ", As(details::message)),
    ("New SMTP", As(opened)),
    ("Possible Delivery:", As(possible)),
    ("Protocol SMTP", As(details::opened)),
    ("QMQP", Kind(Known::System)),
    ("QMTP", Kind(Known::System)),
    ("RPC ", As(quarantine)),
    ("Start", As(started)),
    ("Scanning ", Kind(Known::System)),
    ("SenderBase upload:", Kind(Known::System)),
    ("SMTP Auth", As(authentication)),
    ("SMTP delivery connection", As(details::delivery_opened)),
    ("SMTP client connection killed", As(killed)),
    ("SMTP server connection killed", As(killed)),
    ("SMTP client", Kind(Known::System)),
    ("SMTP server", Kind(Known::System)),
    ("Status:", Kind(Known::Status)),
    ("System is ", Kind(Known::System)),
    ("System limit reached:", As(limit)),
    ("Time offset from UTC:", As(offset)),
    ("The system time was changed", As(clock_set)),
    ("Version:", As(version)),
    ("(", As(details::bracketed)),
]);

/// Records about an ICID alone.
static INJECTION: Table = Table::new(&[
    ("ACCEPT", As(|_, matched| policy(PolicyAction::Accept, matched.rest))),
    ("Address:", Kind(Known::SenderCheck)),
    ("Bad syntax for command", Kind(Known::Syntax)),
    ("close", As(|_, _| Fact::Closed)),
    ("Connection from", As(lost_early)),
    ("Delayed HAT REJECT", Kind(Known::Policy)),
    ("disconnected", As(disconnected)),
    ("Injection Failed", As(receiving_failed)),
    ("Invalid recipient address", Kind(Known::SenderCheck)),
    ("Invalid sender address", Kind(Known::SenderCheck)),
    ("lost", As(|_, _| Fact::Lost(None))),
    ("Receiving Failed", As(receiving_failed)),
    ("REJECT", As(|_, matched| policy(PolicyAction::Reject, matched.rest))),
    ("RELAY", As(|_, matched| policy(PolicyAction::Relay, matched.rest))),
    ("SBRS", Kind(Known::Policy)),
    ("SMTP Auth", Kind(Known::Authentication)),
    ("TCPREFUSE", As(|_, matched| policy(PolicyAction::TcpRefuse, matched.rest))),
    ("TLS", As(tls)),
    ("To:", As(rejected_outside)),
    ("Unknown command", Kind(Known::Syntax)),
]);

/// Records about a DCID alone: opening and close are kept, the rest is known by kind.
static DELIVERY: Table = Table::new(&[
    ("close", As(|_, _| Fact::Closed)),
    ("DANE", Kind(Known::Delivery)),
    ("IP ", As(delivery_tls)),
    ("lost", As(|_, _| Fact::Lost(None))),
    ("STARTTLS", Kind(Known::Delivery)),
    ("TLS", As(tls)),
]);

/// Records about a MID, with or without its connection.
static MESSAGE: Table = Table::new(&[
    ("AMP ", Kind(Known::AntiVirus)),
    ("antivirus", Kind(Known::AntiVirus)),
    ("attachment", Kind(Known::Content)),
    ("Brightmail", Kind(Known::AntiSpam)),
    ("could not be split", Kind(Known::Content)),
    ("Custom Log Entry", Kind(Known::Content)),
    ("deleted from", Kind(Known::Quarantine)),
    ("DKIM:", Kind(Known::Verification)),
    ("DLP ", Kind(Known::Content)),
    ("DMARC:", Kind(Known::Verification)),
    ("DomainKeys:", Kind(Known::Verification)),
    ("enqueued for transfer", Kind(Known::Quarantine)),
    ("Forged Email Detection", Kind(Known::Content)),
    ("From:", As(|_, matched| Fact::Sender(scan::address(matched.rest)))),
    ("generated ", As(generated)),
    ("Global unsubscribe matched", Kind(Known::Delivery)),
    ("interim verdict", Kind(Known::AntiSpam)),
    ("interim AV", Kind(Known::AntiVirus)),
    ("IncomingRelay", Kind(Known::Policy)),
    ("invalid bounce", As(invalid_bounce)),
    ("Invalid recipient address", Kind(Known::SenderCheck)),
    ("Message-ID", As(|_, matched| Fact::MessageId(scan::literal(matched.rest)))),
    ("matched all recipients", Kind(Known::Content)),
    ("masquerading", Kind(Known::Content)),
    ("not completely scanned", Kind(Known::AntiSpam)),
    ("Outbreak Filters", Kind(Known::Outbreak)),
    ("queued for delivery", Kind(Known::Delivery)),
    ("quarantined to", Kind(Known::Quarantine)),
    ("RID", As(recipient)),
    ("ready", As(ready)),
    ("released ", Kind(Known::Quarantine)),
    ("rewritten to", As(rewritten)),
    ("rewritten URL", Kind(Known::Content)),
    ("Subject", As(|_, matched| Fact::Subject(scan::literal(matched.rest)))),
    ("scanned by", Kind(Known::AntiVirus)),
    ("scanning error", Kind(Known::Content)),
    ("SDR:", Kind(Known::Verification)),
    ("SPF:", Kind(Known::Verification)),
    ("To:", As(rejected)),
    ("URL ", Kind(Known::Content)),
    ("using engine:", Kind(Known::AntiSpam)),
    ("Virus Threat Level", Kind(Known::Outbreak)),
    ("was bounced by", Kind(Known::Content)),
    ("was dropped by", Kind(Known::Content)),
    ("was generated", As(generated)),
    ("was marked unscannable", Kind(Known::AntiVirus)),
    ("was split creating", As(split)),
    ("was too big", Kind(Known::AntiSpam)),
    (", Message Scanning Problem", Kind(Known::Content)),
]);

/// Takes the ids that stand at the start of `text` (`MID 7 ICID 3`, `DCID: 9`); of two of a kind the
/// first holds. Gives what follows.
fn take_ids<'a>(ids: &mut Ids, text: &'a [u8]) -> &'a [u8] {
    let mut rest = text;
    loop {
        let taken = match rest.first() {
            Some(b'M' | b'm') => take_id(rest, b"MID").map(|(mid, after)| {
                ids.mid.get_or_insert(mid);
                after
            }),
            Some(b'I' | b'i') => take_connection_id(ids, rest, b"ICID", Some(Leg::Injection)),
            Some(b'D' | b'd') => take_connection_id(ids, rest, b"DCID", Some(Leg::Delivery)),
            // Connections to the spam quarantine.
            Some(b'R' | b'r') => take_connection_id(ids, rest, b"RCID", None),
            _ => None,
        };
        match taken {
            Some(after) => rest = after,
            None => return rest,
        }
    }
}

#[inline]
fn take_connection_id<'a>(
    ids: &mut Ids,
    text: &'a [u8],
    word: &[u8; 4],
    leg: Option<Leg>,
) -> Option<&'a [u8]> {
    let (id, after) = take_id(text, word)?;
    if let Some(leg) = leg {
        ids.connection.get_or_insert(ConnectionId { leg, id });
    }
    Some(after)
}

/// The number after `word` (letters) at the start of `text`, perhaps with a colon between them.
#[inline]
fn take_id<'a, const N: usize>(text: &'a [u8], word: &[u8; N]) -> Option<(u64, &'a [u8])> {
    /// The bit in which a letter differs from the same letter in the other case.
    const CASE: u8 = 0x20;
    let (head, after) = text.split_first_chunk::<N>()?;
    let differing = head.iter().zip(word).fold(0, |bits, (is, wanted)| bits | (is ^ wanted));
    if differing & !CASE != 0 {
        return None;
    }
    let after = match after {
        [b' ', number @ ..] | [b':', b' ', number @ ..] => number,
        _ => return None,
    };
    let (id, rest) = scan::number(after.trim_ascii_start())?;
    // The colon in `ICID 7: max: 1` ends the id.
    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    Some((id, rest.trim_ascii_start()))
}

#[cfg(test)]
mod tests;
