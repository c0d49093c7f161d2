//! Message tracking in words: what the details page of a message says, copied line by line.
//!
//! It tells the events of the mail log in sentences of its own (`Start message 7 on incoming connection
//! (ICID 31).`); the wordings were seen in answers of the appliance's API, but for `aborted`, which is
//! from memory of the vendor's guides.

use super::facts::{abort, disconnected, policy};
use super::take_ids;
use crate::maillog::event::{Fact, Ids, Known, Opening};
use crate::maillog::scan;
use crate::maillog::table::Reading::{As, Known as Kind};
use crate::maillog::table::{Matched, Table};
use crate::maillog::{PolicyAction, Tls};

/// What follows `Message 7`.
static MESSAGE: Table = Table::new(&[
    ("aborted:", As(|_, matched| Fact::Aborted(abort(sentence(matched.rest))))),
    ("Consolidated Sender Threat Level", Kind(Known::Verification)),
    ("contains message ID header", As(|_, matched| Fact::MessageId(scan::literal(sentence(matched.rest))))),
    ("direction:", Kind(Known::Policy)),
    ("DKIM", Kind(Known::Verification)),
    ("DMARC", Kind(Known::Verification)),
    ("Domains for which SDR", Kind(Known::Verification)),
    ("enqueued on incoming connection", As(sender)),
    ("has sender_group", Kind(Known::Policy)),
    ("matched per-recipient policy", Kind(Known::Content)),
    ("on incoming connection", As(recipient)),
    ("original subject on injection:", As(|_, matched| Fact::Subject(scan::literal(matched.rest)))),
    ("queued for delivery", Kind(Known::Delivery)),
    ("SPF", Kind(Known::Verification)),
    ("Sender Domain:", Kind(Known::Verification)),
    ("scanned by Anti-Spam", Kind(Known::AntiSpam)),
    ("scanned by Outbreak", Kind(Known::Outbreak)),
    ("scanned by", Kind(Known::AntiVirus)),
    ("to ", As(delivered_to)),
    ("(", As(ready)),
]);

/// `Message 7 ...`, with a colon after the number or without.
pub(super) fn message<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let Some((mid, words)) = scan::number(matched.rest) else { return Fact::Unknown };
    ids.mid.get_or_insert(mid);
    let words = words.strip_prefix(b":").unwrap_or(words);
    MESSAGE.read(ids, words.trim_ascii_start())
}

/// `Start message 7 on incoming connection (ICID 31).`
pub(super) fn start<'a>(ids: &mut Ids, rest: &'a [u8]) -> Option<Fact<'a>> {
    let (mid, tail) = scan::number(scan::strip(rest, b"message")?.trim_ascii_start())?;
    ids.mid.get_or_insert(mid);
    take_bracketed(ids, tail);
    Some(Fact::Started)
}

/// `Incoming connection (ICID 31) ...`, `Delivery connection (DCID 8) ...`.
pub(super) fn connection<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let Some(words) = take_bracketed(ids, matched.rest) else { return Fact::Unknown };
    let strip = |phrase| scan::strip(words, phrase).map(<[u8]>::trim_ascii_start);
    if let Some(rest) = strip(b"disconnected") {
        return disconnected(ids, Matched { whole: words, rest });
    }
    if strip(b"lost").is_some() {
        return Fact::Lost(None);
    }
    if strip(b"successfully accepted TLS").is_some() {
        return Fact::Tls(Tls::Success);
    }
    strip(b"has sender_group").map_or(Fact::Unknown, |_| Fact::Known(Known::Policy))
}

/// `Protocol SMTP interface I (IP L) on incoming connection (ICID 31) from sender IP R. Reverse DNS host
/// H verified yes.`
pub(super) fn opened<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let mut opening = Opening::default();
    let Some((interface, tail)) = scan::cut(matched.rest, b" on incoming connection ") else {
        return Fact::Unknown;
    };
    let Some(tail) = take_bracketed(ids, tail) else { return Fact::Unknown };
    if let Some((name, address)) = scan::strip(interface, b"interface").and_then(|it| scan::cut(it, b"(IP "))
    {
        opening.interface = Some(name.trim_ascii()).filter(|name| !name.is_empty());
        opening.local = scan::ip(address);
    }
    if let Some((_, after)) = scan::cut(tail, b"from sender IP ") {
        opening.remote = scan::ip(sentence(scan::word(after).0));
    }
    if let Some((_, host)) = scan::cut(tail, b"Reverse DNS ") {
        let host = scan::strip(host.trim_ascii_start(), b"host").unwrap_or(host);
        let end = scan::find_last(host, b" verified").unwrap_or(host.len());
        opening.reverse_dns = host.get(..end).map(<[u8]>::trim_ascii).filter(|host| !host.is_empty());
    }
    Fact::Opened(Box::new(opening))
}

/// `SMTP delivery connection (DCID 8) opened from Cisco IronPort interface L to IP address R on port 25.`
pub(super) fn delivery_opened<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let Some(words) = take_bracketed(ids, matched.rest) else { return Fact::Unknown };
    if scan::strip(words, b"opened").is_none() {
        return Fact::Unknown;
    }
    let address =
        |phrase| scan::cut(words, phrase).and_then(|(_, after)| scan::ip(sentence(scan::word(after).0)));
    let opening =
        Opening { local: address(b"interface "), remote: address(b"IP address "), ..Opening::default() };
    Fact::Opened(Box::new(opening))
}

/// `(ICID 31) ACCEPT sender group G match ...`, `(DCID 8) Delivery started for message 7 to <a>.`,
/// `(DCID 8) Delivery details: Message 7 sent to <a>`.
pub(super) fn bracketed<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    const ACTIONS: [(&[u8], PolicyAction); 4] = [
        (b"ACCEPT", PolicyAction::Accept),
        (b"RELAY", PolicyAction::Relay),
        (b"REJECT", PolicyAction::Reject),
        (b"TCPREFUSE", PolicyAction::TcpRefuse),
    ];
    let Some(words) = take_bracketed(ids, matched.whole) else { return Fact::Unknown };
    for (verb, action) in ACTIONS {
        if let Some(rest) = scan::strip(words, verb).map(<[u8]>::trim_ascii_start) {
            let group = scan::strip(rest, b"sender group").map_or(rest, <[u8]>::trim_ascii_start);
            return policy(action, group);
        }
    }
    let mut of_message = |phrase: &[u8], fact| {
        let (mid, _) = scan::number(scan::strip(words, phrase)?.trim_ascii_start())?;
        ids.mid.get_or_insert(mid);
        Some(fact)
    };
    of_message(b"Delivery started for message", Fact::DeliveryStarted)
        .or_else(|| of_message(b"Delivery details: Message", Fact::Delivered))
        .unwrap_or(Fact::Unknown)
}

/// `(ICID 31) from a@example.org.`
fn sender<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let from = take_bracketed(ids, matched.rest).and_then(|words| scan::strip(words, b"from"));
    from.map_or(Fact::Unknown, |from| Fact::Sender(scan::address(sentence(from))))
}

/// `(ICID 31) added recipient (b@example.com).`
fn recipient<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let mut added = || {
        let words = take_bracketed(ids, matched.rest)?;
        let address = scan::strip(words, b"added recipient")?;
        sentence(address).strip_prefix(b"(")?.strip_suffix(b")")
    };
    added().map_or(Fact::Unknown, |address| {
        let address = scan::address(address);
        Fact::Recipient { rid: number_of(address), address }
    })
}

/// `b@example.com received remote SMTP response '...'.`, or the mail log's own `RID [0] pending till`.
fn delivered_to<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    if let Some((_, words)) = scan::cut(matched.rest, b" received remote SMTP response ") {
        return Fact::Response(scan::literal(sentence(words)));
    }
    scan::find(matched.rest, b" pending till").map_or(Fact::Unknown, |_| Fact::Known(Known::Delivery))
}

/// `512 bytes) from a@example.org ready.`
fn ready<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let read = || {
        let (bytes, after) = scan::number(matched.rest)?;
        let after = scan::strip(after.trim_ascii_start(), b"bytes)")?.trim_ascii_start();
        let words = sentence(after);
        let end = scan::find_last(words, b" ready").filter(|at| at + b" ready".len() == words.len())?;
        let sender = scan::strip(words.get(..end)?, b"from").map(scan::address);
        Some(Fact::Ready { bytes, sender })
    };
    read().unwrap_or(Fact::Unknown)
}

/// Takes the id in `(ICID 31)`, the first brackets of the text; gives what follows them.
fn take_bracketed<'a>(ids: &mut Ids, text: &'a [u8]) -> Option<&'a [u8]> {
    let open = memchr::memchr(b'(', text)?;
    let rest = take_ids(ids, text.get(open + 1..)?);
    ids.connection?;
    rest.strip_prefix(b")").map(<[u8]>::trim_ascii_start)
}

/// A text without the full stop at its end.
fn sentence(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    text.strip_suffix(b".").unwrap_or(text)
}

/// The page gives recipients no numbers: one of their own tells them apart, and equal ones together
/// (FNV-1a, 32 bits).
fn number_of(address: &[u8]) -> u32 {
    address.iter().fold(0x811c_9dc5, |hash, octet| (hash ^ u32::from(*octet)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use crate::maillog::event::{ConnectionId, Fact};
    use crate::maillog::{LineKind, parse_text};
    use crate::net::Leg;

    #[test]
    fn sentences_tell_what_the_lines_tell() {
        let (icid, dcid) = (Some((Leg::Injection, 31)), Some((Leg::Delivery, 8)));
        let rows: [(&str, Option<(Leg, u64)>, Option<u64>, LineKind); 24] = [
            (
                "Protocol SMTP interface Data 1  (IP 192.0.2.25) on incoming connection (ICID 31) from sender IP 198.51.100.7. Reverse DNS  host mx.example.org verified yes.",
                icid,
                None,
                LineKind::ConnectionOpened,
            ),
            (
                "(ICID 31) ACCEPT sender group UNKNOWNLIST match sbrs[none] SBRS None country United States",
                icid,
                None,
                LineKind::Policy,
            ),
            (
                "Incoming connection (ICID 31) has sender_group: UNKNOWNLIST, sender_ip: 198.51.100.7 and sbrs: None",
                icid,
                None,
                LineKind::Policy,
            ),
            (
                "Incoming connection (ICID 31) successfully accepted TLS protocol TLSv1.2 cipher X-Y.",
                icid,
                None,
                LineKind::Tls,
            ),
            ("Incoming connection (ICID 31) lost.", icid, None, LineKind::ConnectionLost),
            (
                "Incoming connection (ICID 31) disconnected address 198.51.100.7. Maximum connection time exceeded.",
                icid,
                None,
                LineKind::EndedByAppliance,
            ),
            ("Start message 7 on incoming connection (ICID 31).", icid, Some(7), LineKind::MessageStarted),
            (
                "Message 7 enqueued on incoming connection (ICID 31) from a@example.org.",
                icid,
                Some(7),
                LineKind::Sender,
            ),
            (
                "Message 7 on incoming connection (ICID 31) added recipient (b@example.com).",
                icid,
                Some(7),
                LineKind::Recipient,
            ),
            ("Message 7 direction: incoming", None, Some(7), LineKind::Policy),
            ("Message 7 contains message ID header '<1@example.org>'.", None, Some(7), LineKind::MessageId),
            ("Message 7 original subject on injection: A letter", None, Some(7), LineKind::Subject),
            ("Message 7 (512 bytes) from a@example.org ready.", None, Some(7), LineKind::Ready),
            ("Message 7: DMARC verification passed.", None, Some(7), LineKind::Verification),
            (
                "Message 7 matched per-recipient policy DEFAULT for inbound mail policies.",
                None,
                Some(7),
                LineKind::Content,
            ),
            (
                "Message 7 scanned by Anti-Spam engine: CASE. Final verdict: Negative",
                None,
                Some(7),
                LineKind::AntiSpam,
            ),
            (
                "Message 7 scanned by Anti-Virus engine. Final verdict: Negative",
                None,
                Some(7),
                LineKind::AntiVirus,
            ),
            ("Message 7 queued for delivery.", None, Some(7), LineKind::Delivery),
            (
                "SMTP delivery connection (DCID 8) opened from Cisco IronPort interface 192.0.2.25 to IP address 203.0.113.9 on port 25.",
                dcid,
                None,
                LineKind::DeliveryOpened,
            ),
            (
                "Delivery connection (DCID 8) successfully accepted TLS protocol TLSv1.2 cipher X-Y None.",
                dcid,
                None,
                LineKind::Tls,
            ),
            (
                "(DCID 8) Delivery started for message 7 to b@example.com.",
                dcid,
                Some(7),
                LineKind::DeliveryStarted,
            ),
            (
                "(DCID 8) Delivery details: Message 7 sent to b@example.com [('to', 'b@example.com')]",
                dcid,
                Some(7),
                LineKind::Delivered,
            ),
            (
                "Message 7 to b@example.com received remote SMTP response '2.0.0 Ok'.",
                None,
                Some(7),
                LineKind::Response,
            ),
            ("Message 7 aborted: Receiving aborted", None, Some(7), LineKind::Aborted),
        ];
        for (text, connection, mid, kind) in rows {
            let event = parse_text(text.as_bytes());
            let connection = connection.map(|(leg, id)| ConnectionId { leg, id });
            assert_eq!(
                (event.ids.connection, event.ids.mid, event.kind()),
                (connection, mid, kind),
                "{text}"
            );
        }
    }

    #[test]
    fn facts_lose_the_dress_of_the_sentence() {
        let fact = |text: &'static str| parse_text(text.as_bytes()).fact;
        assert_eq!(
            fact("Message 7 enqueued on incoming connection (ICID 31) from a@example.org."),
            Fact::Sender(b"a@example.org")
        );
        assert_eq!(
            fact("Message 7 (512 bytes) from a@example.org ready."),
            Fact::Ready { bytes: 512, sender: Some(b"a@example.org") }
        );
        assert_eq!(
            fact("Message 7 contains message ID header '<1@example.org>'."),
            Fact::MessageId(b"<1@example.org>".into())
        );
        for odd in [
            "Message 7 went (astray",
            "Message 7 (512 bytes) from",
            "(ICID 31",
            "(ICID 31) SHRUG",
            "Start message",
            "Incoming connection (x)",
        ] {
            assert_eq!(fact(odd), Fact::Unknown, "{odd}");
        }
    }
}
