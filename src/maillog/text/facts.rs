//! What the words of a record say: one reader for each shape that is more than a name.

use std::net::IpAddr;

use super::outbound::response;
use super::{details, take_ids};
use crate::maillog::event::{Abort, Fact, Ids, Known, Opening};
use crate::maillog::line::Scan;
use crate::maillog::scan;
use crate::maillog::table::Matched;
use crate::maillog::{ApplianceEndKind, Finish, PolicyAction, Tls};
use crate::time::{LogTime, UtcOffset};

pub(super) fn version<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let serial = scan::cut(matched.rest, b"SN:").map(|(_, after)| scan::word(after.trim_ascii_start()).0);
    Fact::Version { serial: serial.filter(|serial| !serial.is_empty()) }
}

/// `-21600 seconds`: local = UTC + offset.
pub(super) fn offset<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let (sign, digits) = match matched.rest.split_first() {
        Some((b'-', digits)) => (-1, digits),
        Some((b'+', digits)) => (1, digits),
        _ => (1, matched.rest),
    };
    let seconds = scan::number(digits).and_then(|(value, _)| i32::try_from(value).ok());
    Fact::Offset(seconds.and_then(|seconds| UtcOffset::from_seconds(sign * seconds)))
}

/// `from Sun, 16 Jun 2024 21:00:52 to Sun, 16 Jun 2024 21:00:59 using information from IP`.
pub(super) fn clock_set<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let times = || {
        let (before, after) = scan::cut(scan::strip(matched.rest, b"from")?, b" to ")?;
        Some((mail_date(before)?, mail_date(after)?))
    };
    times().map_or(Fact::Known(Known::System), |times| Fact::ClockSet(Box::new(times)))
}

/// `Sun, 16 Jun 2024 21:00:52`, the date of a mail (RFC 5322 section 3.3) without a zone.
fn mail_date(text: &[u8]) -> Option<LogTime> {
    let comma = memchr::memchr(b',', text)?;
    let mut scan = Scan { text, at: comma + 1 };
    scan.spaces()?;
    let day = scan.digits(1, 2)?;
    scan.spaces()?;
    let month = scan.month()?;
    scan.spaces()?;
    let year = scan.digits(4, 4)?;
    scan.spaces()?;
    let hour = scan.digits(2, 2)?;
    scan.octet(b':')?;
    let minute = scan.digits(2, 2)?;
    scan.octet(b':')?;
    let second = scan.digits(2, 2)?;
    LogTime::new(i32::try_from(year).ok(), month, day, hour, minute, second)
}

/// `ICID 7 interface NAME (LOCAL) address REMOTE reverse dns host HOST verified yes|no`.
pub(super) fn opened<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let rest = take_ids(ids, matched.rest);
    if ids.connection.is_none() {
        return Fact::Unknown;
    }
    let mut opening = Opening::default();
    let Some(rest) = scan::strip(rest, b"interface") else { return Fact::Opened(Box::new(opening)) };
    let Some((interface, after)) = scan::cut(rest, b" address ") else {
        (opening.interface, opening.local) = interface_of(rest);
        return Fact::Opened(Box::new(opening));
    };
    (opening.interface, opening.local) = interface_of(interface);
    let (remote, tail) = scan::word(after.trim_ascii_start());
    opening.remote = scan::ip(remote);
    if let Some(host) = scan::strip(tail.trim_ascii_start(), b"reverse dns host") {
        let end = scan::find_last(host, b" verified").unwrap_or(host.len());
        opening.reverse_dns = host.get(..end).map(<[u8]>::trim_ascii).filter(|host| !host.is_empty());
    }
    Fact::Opened(Box::new(opening))
}

/// `NAME (ADDRESS)`, either alone in some versions; a name may hold spaces.
fn interface_of(text: &[u8]) -> (Option<&[u8]>, Option<IpAddr>) {
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
pub(super) fn policy(action: PolicyAction, rest: &[u8]) -> Fact<'_> {
    let rest = scan::strip(rest, b"SG").unwrap_or(rest).trim_ascii_start();
    let end = [&b" match "[..], b" SBRS "].iter().filter_map(|phrase| scan::find(rest, phrase)).min();
    let group = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest);
    Fact::Policy { action, group: group.trim_ascii() }
}

pub(super) fn tls<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    const OUTCOMES: [(&[u8], Tls); 4] = [
        (b"success", Tls::Success),
        (b"failed", Tls::Failed),
        (b"was required but remote host did not initiate it", Tls::RequiredNotInitiated),
        (b"was required but could not be successfully negotiated", Tls::Failed),
    ];
    let outcome = OUTCOMES.iter().find(|(words, _)| scan::strip(matched.rest, words).is_some());
    outcome.map_or(Fact::Unknown, |(_, tls)| Fact::Tls(*tls))
}

/// `IP A TLS was required but could not be successfully negotiated`.
pub(super) fn delivery_tls<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let (_, tail) = scan::word(matched.rest);
    match scan::strip(tail.trim_ascii_start(), b"TLS") {
        Some(rest) => tls(ids, Matched { whole: matched.whole, rest: rest.trim_ascii_start() }),
        None => Fact::Known(Known::Delivery),
    }
}

/// `SMTP Auth: (ICID 30) succeeded for user ...`; early versions have no colon.
pub(super) fn authentication<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    if let Some((_, after)) = scan::cut(matched.rest, b"(") {
        take_ids(ids, after);
    }
    Fact::Known(Known::Authentication)
}

/// `System limit reached: connection limit for IP A on listener L ICID 7: max: 1`.
pub(super) fn limit<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    if let Some(tail) = scan::find(matched.rest, b" ICID ").and_then(|at| matched.rest.get(at + 1..)) {
        take_ids(ids, tail);
    }
    Fact::Known(Known::Limit)
}

/// `Connection from IP on interface I (IP) lost after S seconds ..., before any commands were received`.
pub(super) fn lost_early<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let Some((from, _)) = scan::cut(matched.rest, b" lost after ") else { return Fact::Unknown };
    let (remote, tail) = scan::word(from);
    let (interface, local) = match scan::strip(tail.trim_ascii_start(), b"on interface") {
        Some(interface) => interface_of(interface),
        None => (None, None),
    };
    let opening = Opening { interface, local, remote: scan::ip(remote), reverse_dns: None };
    Fact::Lost(Some(Box::new(opening)))
}

/// `disconnected address A, <why>`; the last wording is that of message tracking.
pub(super) fn disconnected<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    const REASONS: [(&[u8], ApplianceEndKind); 3] = [
        (b"no messages injected", ApplianceEndKind::NoMessagesInjected),
        (b"exceeded allowable connection time", ApplianceEndKind::ConnectionTimeExceeded),
        (b"maximum connection time exceeded", ApplianceEndKind::ConnectionTimeExceeded),
    ];
    let reason = REASONS.iter().find(|(words, _)| scan::find(matched.rest, words).is_some());
    reason.map_or(Fact::Unknown, |(_, kind)| Fact::Ended { kind: *kind, words: matched.whole })
}

pub(super) fn receiving_failed<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    Fact::Ended { kind: ApplianceEndKind::ReceivingFailed, words: matched.whole }
}

/// `SMTP server connection killed ICID: 7`.
pub(super) fn killed<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    take_ids(ids, matched.rest);
    let words = matched.whole.get(..matched.whole.len() - matched.rest.len()).unwrap_or(matched.whole);
    match ids.connection {
        Some(_) => Fact::Ended { kind: ApplianceEndKind::Killed, words: words.trim_ascii_end() },
        None => Fact::Known(Known::System),
    }
}

pub(super) fn started<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    if let Some(fact) = details::start(ids, matched.rest) {
        return fact;
    }
    take_ids(ids, matched.rest);
    if ids.mid.is_some() { Fact::Started } else { Fact::Unknown }
}

/// `RID 0 To: <a>`, or delivery's `RID [0] Response ...`.
pub(super) fn recipient<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    if matched.rest.starts_with(b"[") {
        return response(matched.rest);
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

/// `To: <a> Rejected by RAT`: refused while a message is open.
pub(super) fn rejected<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    refusal(matched.rest).map_or(Fact::Unknown, Fact::RecipientRejected)
}

/// `ICID 7 To: <a> Rejected by ...`: no message is open.
pub(super) fn rejected_outside<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    refusal(matched.rest).map_or(Fact::Unknown, |_| Fact::ConnectionRejectsRecipient)
}

/// `, rcpt address <a> rejected by bounce verification.`, or `, tagging`.
pub(super) fn invalid_bounce<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    scan::cut(matched.rest, b"rcpt address ")
        .and_then(|(_, after)| refusal(after))
        .map_or(Fact::Known(Known::Verification), Fact::RecipientRejected)
}

/// `512 bytes from <a>`.
pub(super) fn ready<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let Some((bytes, after)) = scan::number(matched.rest) else { return Fact::Unknown };
    let Some(after) = scan::strip(after.trim_ascii_start(), b"bytes") else { return Fact::Unknown };
    let sender = scan::strip(after.trim_ascii_start(), b"from").map(scan::address);
    Fact::Ready { bytes, sender }
}

/// `MID 7 Receiving aborted`.
pub(super) fn aborted<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let words = take_ids(ids, matched.rest).trim_ascii();
    if ids.mid.is_none() {
        return Fact::Unknown;
    }
    Fact::Aborted(abort(words))
}

/// The words after `Message aborted MID n`.
pub(in crate::maillog) fn abort(words: &[u8]) -> Abort<'_> {
    let receiving = [&b"Receiving aborted"[..], b"Injection aborted"]
        .iter()
        .find_map(|phrase| scan::strip(words, phrase))
        .map(<[u8]>::trim_ascii_start);
    match receiving {
        Some(tail) if scan::strip(tail, b"by sender").is_some() => Abort::BySender,
        // By whom else it can be is not known.
        Some(tail) if scan::strip(tail, b"by").is_some() => Abort::Other(words),
        Some(_) => Abort::Receiving,
        None if [&b"Dropped"[..], b"Bounced"].iter().any(|verb| scan::strip(words, verb).is_some()) => {
            Abort::Policy(words)
        }
        None => Abort::Other(words),
    }
}

pub(super) fn finished<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let words = take_ids(ids, matched.rest);
    let outcome = match ids.mid {
        Some(_) if scan::strip(words, b"done").is_some() => Some(Finish::Done),
        Some(_) if scan::strip(words, b"aborted").is_some() => Some(Finish::Aborted),
        _ => None,
    };
    outcome.map_or(Fact::Unknown, Fact::Finished)
}

/// `A Anti-Virus/Critical alert was sent to ...`.
pub(super) fn alert<'a>(_: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    scan::find(matched.rest, b"alert was sent to").map_or(Fact::Unknown, |_| Fact::Known(Known::System))
}
