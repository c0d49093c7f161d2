//! The text mail log (`mail_logs`): the text after stamp and level -> [`Event`].
//!
//! A record is words, then ids, then words again (`Message aborted MID 7 Receiving aborted`), or
//! begins with the ids (`MID 7 ready 512 bytes from <a@example.com>`). Tables say what the words
//! mean; which table holds is told by the ids that stand before.

use crate::maillog::event::{Abort, ConnectionId, Event, Fact, Ids, Known, Opening};
use crate::maillog::scan;
use crate::maillog::table::Reading::{As, Known as Kind};
use crate::maillog::table::{Matched, Table};
use crate::maillog::{ApplianceEndKind, Finish, PolicyAction, Tls};
use crate::net::Leg;
use crate::time::UtcOffset;

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
    let fact = table.read(&mut ids, rest).unwrap_or(Fact::Unknown);
    Event { ids, fact }
}

// Within a letter the frequent ones stand first.

/// Records that begin with words.
static SENTENCES: Table = Table::new(&[
    ("A ", Kind(Known::System)),
    ("Alias match:", Kind(Known::Directory)),
    ("Begin Logfile", As(|_, _| Fact::HeadBegins)),
    ("Bounced:", As(delivery)),
    ("Checkpoint", Kind(Known::System)),
    ("Connection Error:", As(delivery)),
    ("Delivery start", As(delivery)),
    ("Delayed:", As(delivery)),
    ("Deleted:", As(delivery)),
    ("Deliveries are currently suspended", Kind(Known::Delivery)),
    ("DNS ", Kind(Known::Delivery)),
    ("Done scanning", Kind(Known::System)),
    ("Double bounce", As(delivery)),
    ("Dropping connection due to potential Directory Harvest Attack", Kind(Known::Directory)),
    ("End Logfile", Kind(Known::System)),
    ("EUQ:", Kind(Known::Quarantine)),
    ("Global unsubscribe matched", Kind(Known::Delivery)),
    ("Incoming ", Kind(Known::System)),
    ("ISQ:", Kind(Known::Quarantine)),
    ("lame DNS", Kind(Known::Delivery)),
    ("LDAP", Kind(Known::Directory)),
    ("Logfile rolled over", Kind(Known::System)),
    ("Mail delivery client", Kind(Known::Delivery)),
    ("Message aborted", As(aborted)),
    ("Message finished", As(finished)),
    ("Message done", As(delivery)),
    ("Message ", As(pending)),
    ("New SMTP", As(opened)),
    ("Possible Delivery:", As(delivery)),
    ("QMQP", Kind(Known::System)),
    ("QMTP", Kind(Known::System)),
    ("RPC ", Kind(Known::Quarantine)),
    ("Start", As(started)),
    ("Scanning ", Kind(Known::System)),
    ("SenderBase upload:", Kind(Known::System)),
    ("SMTP Auth", As(authentication)),
    ("SMTP client connection killed", As(killed)),
    ("SMTP server connection killed", As(killed)),
    ("SMTP client", Kind(Known::System)),
    ("SMTP server", Kind(Known::System)),
    ("Status:", Kind(Known::System)),
    ("System is ", Kind(Known::System)),
    ("System limit reached:", As(limit)),
    ("Time offset from UTC:", As(offset)),
    ("Version:", As(version)),
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
    ("lost", As(|_, _| Fact::Lost(Opening::default()))),
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
    ("IP ", Kind(Known::Delivery)),
    ("lost", As(|_, _| Fact::Lost(Opening::default()))),
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
    ("Subject", As(|_, matched| Fact::Subject(scan::literal(matched.rest)))),
    ("SDR:", Kind(Known::Verification)),
    ("SPF:", Kind(Known::Verification)),
    ("To:", As(|_, matched| refusal(matched.rest).map_or(Fact::Unknown, Fact::RecipientRejected))),
    ("URL ", Kind(Known::Content)),
    ("using engine:", Kind(Known::AntiSpam)),
    ("Virus Threat Level", Kind(Known::Outbreak)),
    ("was bounced by", Kind(Known::Content)),
    ("was dropped by", Kind(Known::Content)),
    ("was generated", As(generated)),
    ("was split creating", As(split)),
    ("was too big", Kind(Known::AntiSpam)),
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

/// The number after `word` at the start of `text`, perhaps with a colon between them.
#[inline]
fn take_id<'a, const N: usize>(text: &'a [u8], word: &[u8; N]) -> Option<(u64, &'a [u8])> {
    let (head, after) = text.split_first_chunk::<N>()?;
    if !head.eq_ignore_ascii_case(word) {
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

fn version<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let serial = scan::cut(matched.rest, b"SN:").map(|(_, after)| scan::word(after.trim_ascii_start()).0);
    Fact::Version { serial: serial.filter(|serial| !serial.is_empty()) }
}

/// `-21600 seconds`: local = UTC + offset.
fn offset<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let (sign, digits) = match matched.rest.split_first() {
        Some((b'-', digits)) => (-1, digits),
        Some((b'+', digits)) => (1, digits),
        _ => (1, matched.rest),
    };
    let seconds = scan::number(digits).and_then(|(value, _)| i32::try_from(value).ok());
    Fact::Offset(seconds.and_then(|seconds| UtcOffset::from_seconds(sign * seconds)))
}

/// `ICID 7 interface NAME (LOCAL) address REMOTE reverse dns host HOST verified yes|no`.
fn opened<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let rest = take_ids(ids, matched.rest);
    if ids.connection.is_none() {
        return Fact::Unknown;
    }
    let mut opening = Opening::default();
    let Some(rest) = scan::strip(rest, b"interface") else { return Fact::Opened(opening) };
    let Some((interface, after)) = scan::cut(rest, b" address ") else {
        (opening.interface, opening.local) = interface_of(rest);
        return Fact::Opened(opening);
    };
    (opening.interface, opening.local) = interface_of(interface);
    let (remote, tail) = scan::word(after.trim_ascii_start());
    opening.remote = scan::ip(remote);
    if let Some(host) = scan::strip(tail.trim_ascii_start(), b"reverse dns host") {
        let end = scan::find_last(host, b" verified").unwrap_or(host.len());
        opening.reverse_dns = host.get(..end).map(<[u8]>::trim_ascii).filter(|host| !host.is_empty());
    }
    Fact::Opened(opening)
}

/// `NAME (ADDRESS)`, either alone in some versions; a name may hold spaces.
fn interface_of(text: &[u8]) -> (Option<&[u8]>, Option<std::net::IpAddr>) {
    let text = text.trim_ascii();
    let (name, local) = match text.strip_suffix(b")").and_then(|inner| {
        let open = memchr::memrchr(b'(', inner)?;
        Some((inner.get(..open)?, inner.get(open + 1..)?))
    }) {
        Some((name, address)) => (name.trim_ascii(), scan::ip(address)),
        None => match scan::ip(text) {
            Some(address) => (&b""[..], Some(address)),
            None => (text, None),
        },
    };
    (Some(name).filter(|name| !name.is_empty()), local)
}

/// `SG GROUP [match WHAT] SBRS SCORE [country NAME]`.
fn policy(action: PolicyAction, rest: &[u8]) -> Fact<'_> {
    let rest = scan::strip(rest, b"SG").unwrap_or(rest).trim_ascii_start();
    let end = [&b" match "[..], b" SBRS "].iter().filter_map(|phrase| scan::find(rest, phrase)).min();
    let group = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest);
    Fact::Policy { action, group: group.trim_ascii() }
}

fn tls<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    const OUTCOMES: [(&[u8], Tls); 3] = [
        (b"success", Tls::Success),
        (b"failed", Tls::Failed),
        (b"was required but remote host did not initiate it", Tls::RequiredNotInitiated),
    ];
    let outcome = OUTCOMES.iter().find(|(words, _)| scan::strip(matched.rest, words).is_some());
    outcome.map_or(Fact::Unknown, |(_, tls)| Fact::Tls(*tls))
}

/// `SMTP Auth: (ICID 30) succeeded for user ...`; early versions have no colon.
fn authentication<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    if let Some((_, after)) = scan::cut(matched.rest, b"(") {
        take_ids(ids, after);
    }
    Fact::Known(Known::Authentication)
}

/// `System limit reached: connection limit for IP A on listener L ICID 7: max: 1`.
fn limit<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    if let Some(tail) = scan::find(matched.rest, b" ICID ").and_then(|at| matched.rest.get(at + 1..)) {
        take_ids(ids, tail);
    }
    Fact::Known(Known::Limit)
}

/// `Connection from IP on interface I (IP) lost after S seconds ..., before any commands were received`.
fn lost_early<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let Some((from, _)) = scan::cut(matched.rest, b" lost after ") else { return Fact::Unknown };
    let (remote, tail) = scan::word(from);
    let (interface, local) = match scan::strip(tail.trim_ascii_start(), b"on interface") {
        Some(interface) => interface_of(interface),
        None => (None, None),
    };
    Fact::Lost(Opening { interface, local, remote: scan::ip(remote), reverse_dns: None })
}

/// `disconnected address A, <why>`; the last wording is that of message tracking.
fn disconnected<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    const REASONS: [(&[u8], ApplianceEndKind); 3] = [
        (b"no messages injected", ApplianceEndKind::NoMessagesInjected),
        (b"exceeded allowable connection time", ApplianceEndKind::ConnectionTimeExceeded),
        (b"maximum connection time exceeded", ApplianceEndKind::ConnectionTimeExceeded),
    ];
    let reason = REASONS.iter().find(|(words, _)| scan::find(matched.rest, words).is_some());
    reason.map_or(Fact::Unknown, |(_, kind)| Fact::Ended { kind: *kind, words: matched.whole })
}

fn receiving_failed<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    Fact::Ended { kind: ApplianceEndKind::ReceivingFailed, words: matched.whole }
}

/// `SMTP server connection killed ICID: 7`.
fn killed<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    take_ids(ids, matched.rest);
    let words = matched.whole.get(..matched.whole.len() - matched.rest.len()).unwrap_or(matched.whole);
    match ids.connection {
        Some(_) => Fact::Ended { kind: ApplianceEndKind::Killed, words: words.trim_ascii_end() },
        None => Fact::Known(Known::System),
    }
}

fn started<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    take_ids(ids, matched.rest);
    if ids.mid.is_some() { Fact::Started } else { Fact::Unknown }
}

/// `RID 0 To: <a>`, or delivery's `RID [0] Response ...`.
fn recipient<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    if matched.rest.starts_with(b"[") {
        return Fact::Known(Known::Delivery);
    }
    let read = || {
        let (rid, after) = scan::number(matched.rest)?;
        let to = scan::strip(after.trim_ascii_start(), b"To:")?;
        Some(match refusal(to) {
            Some(address) => Fact::RecipientRejected(address),
            None => Fact::Recipient { rid: u32::try_from(rid).ok()?, address: scan::address(to) },
        })
    };
    read().unwrap_or(Fact::Unknown)
}

/// The address in `<a> Rejected by RAT`; `None` where nothing says that it was refused. The words
/// count outside the brackets only: what stands within them is the stranger's.
fn refusal(text: &[u8]) -> Option<&[u8]> {
    let at = scan::find_last(text, b" rejected by ")?;
    let (address, why) = text.split_at_checked(at)?;
    let outside = address.trim_ascii_end().ends_with(b">") || memchr::memchr(b'<', address).is_none();
    (outside && memchr::memchr(b'>', why).is_none()).then(|| scan::address(address))
}

/// `ICID 7 To: <a> Rejected by ...`: no message is open.
fn rejected_outside<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    refusal(matched.rest).map_or(Fact::Unknown, |_| Fact::ConnectionRejectsRecipient)
}

/// `, rcpt address <a> rejected by bounce verification.`, or `, tagging`.
fn invalid_bounce<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    scan::cut(matched.rest, b"rcpt address ")
        .and_then(|(_, after)| refusal(after))
        .map_or(Fact::Known(Known::Verification), Fact::RecipientRejected)
}

/// `512 bytes from <a>`.
fn ready<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let Some((bytes, after)) = scan::number(matched.rest) else { return Fact::Unknown };
    let Some(after) = scan::strip(after.trim_ascii_start(), b"bytes") else { return Fact::Unknown };
    let sender = scan::strip(after.trim_ascii_start(), b"from").map(scan::address);
    Fact::Ready { bytes, sender }
}

/// `MID 7 Receiving aborted`.
fn aborted<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let words = take_ids(ids, matched.rest).trim_ascii();
    if ids.mid.is_none() {
        return Fact::Unknown;
    }
    let receiving = [&b"Receiving aborted"[..], b"Injection aborted"]
        .iter()
        .find_map(|phrase| scan::strip(words, phrase))
        .map(<[u8]>::trim_ascii_start);
    Fact::Aborted(match receiving {
        Some(tail) if scan::strip(tail, b"by sender").is_some() => Abort::BySender,
        // By whom else it can be is not known.
        Some(tail) if scan::strip(tail, b"by").is_some() => Abort::Other(words),
        Some(_) => Abort::Receiving,
        None if [&b"Dropped"[..], b"Bounced"].iter().any(|verb| scan::strip(words, verb).is_some()) => {
            Abort::Policy(words)
        }
        None => Abort::Other(words),
    })
}

fn finished<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let words = take_ids(ids, matched.rest);
    let outcome = match ids.mid {
        Some(_) if scan::strip(words, b"done").is_some() => Some(Finish::Done),
        Some(_) if scan::strip(words, b"aborted").is_some() => Some(Finish::Aborted),
        _ => None,
    };
    outcome.map_or(Fact::Unknown, Fact::Finished)
}

/// `to [MID] 8 by X`: the new id stands after.
fn rewritten<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let new = scan::strip(matched.rest, b"MID ").unwrap_or(matched.rest);
    scan::number(new.trim_ascii_start()).map_or(Fact::Unknown, |(mid, _)| Fact::Derived { mid })
}

/// `MID 8 [was] generated based on MID 7`: the new id stands before.
fn generated<'a>(ids: &mut Ids, _: Matched<'a>) -> Fact<'a> {
    ids.mid.map_or(Fact::Unknown, |mid| Fact::Derived { mid })
}

/// `was split creating MID 8 due to ...`.
fn split<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    take_id(matched.rest, b"MID").map_or(Fact::Unknown, |(mid, _)| Fact::Derived { mid })
}

/// A record of the delivery side: known, its ids read for the connection's and message's sake.
fn delivery<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    take_ids(ids, matched.rest);
    Fact::Known(Known::Delivery)
}

/// `Message 7 to RID [0] pending till ...`.
fn pending<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    scan::number(matched.rest).map_or(Fact::Unknown, |_| Fact::Known(Known::Delivery))
}

#[cfg(test)]
mod tests;
