//! What records of the delivery side say, and those about messages that the appliance makes itself.

use super::{take_id, take_ids};
use crate::maillog::event::{Derivation, Fact, Failure, Ids, Known, Undelivered};
use crate::maillog::scan;
use crate::maillog::table::Matched;
use crate::maillog::{NetworkError, UndeliveredKind};

/// `DCID 8 MID 7 to RID [0, 1]`.
pub(super) fn delivery_started<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    take_ids(ids, matched.rest);
    of_delivery(ids, Fact::DeliveryStarted)
}

/// `DCID 8 MID 7 to RID [0] [('x', 'y')]`.
pub(super) fn delivered<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    take_ids(ids, matched.rest);
    of_delivery(ids, Fact::Delivered)
}

pub(super) fn bounced<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    undelivered(ids, matched.rest, UndeliveredKind::Bounced)
}

pub(super) fn delayed<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    undelivered(ids, matched.rest, UndeliveredKind::Delayed)
}

pub(super) fn possible<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    undelivered(ids, matched.rest, UndeliveredKind::Possible)
}

/// `RID [0] Response '...'`; unquoted in early versions.
pub(super) fn response(rest: &[u8]) -> Fact<'_> {
    scan::cut(rest, b"] Response ")
        .map_or(Fact::Known(Known::Delivery), |(_, words)| Fact::Response(scan::literal(words)))
}

/// `DCID: 8 IP: A details: D interface: I reason: R`, in early versions with words before the id.
pub(super) fn connection_error<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    take_ids(ids, matched.rest);
    if ids.connection.is_none()
        && let Some(tail) = scan::find(matched.rest, b" DCID").and_then(|at| matched.rest.get(at + 1..))
    {
        take_ids(ids, tail);
    }
    let field = |name: &[u8], until: &[&[u8]]| {
        let (_, value) = scan::cut(matched.rest, name)?;
        let end = until.iter().filter_map(|next| scan::find(value, next)).min().unwrap_or(value.len());
        value.get(..end).map(<[u8]>::trim_ascii)
    };
    let details = field(b"details:", &[b" interface:", b" reason:"]).unwrap_or(matched.rest);
    let address = |name| field(name, &[b" "]);
    Fact::ConnectionError(Box::new(Failure {
        remote: scan::cut(matched.rest, b"IP: ").and_then(|(_, after)| scan::ip(scan::word(after).0)),
        local: address(b"interface: ").and_then(scan::ip),
        network: network(details).unwrap_or(NetworkError::Other),
        details,
        reason: field(b"reason:", &[]),
    }))
}

/// Other records of the delivery side: known, their ids read for the connection's and message's sake.
pub(super) fn delivery<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    take_ids(ids, matched.rest);
    Fact::Known(Known::Delivery)
}

/// `Tagging MID 7 for quarantine`, `Delivery start RCID 5 MID 7 to local IronPort Spam Quarantine`.
pub(super) fn quarantine<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    if let Some(tail) = scan::find(matched.rest, b" MID ").and_then(|at| matched.rest.get(at + 1..)) {
        ids.mid = take_id(tail, b"MID").map(|(mid, _)| mid);
    }
    Fact::Known(Known::Quarantine)
}

/// `to [MID] 8 by X`: the new id stands after.
pub(super) fn rewritten<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let new = scan::strip(matched.rest, b"MID ").unwrap_or(matched.rest);
    scan::number(new.trim_ascii_start()).map_or(Fact::Unknown, |(mid, _)| Fact::Derived {
        mid,
        from: ids.mid,
        by: Derivation::Rewritten,
    })
}

/// `MID 8 [was] generated based on MID 7`, `for bounce of MID 7`: the new id stands before.
pub(super) fn generated<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    let by = match scan::strip(matched.rest, b"for bounce") {
        Some(_) => Derivation::Bounce,
        None => Derivation::Generated,
    };
    let tail = scan::find(matched.rest, b" MID ").and_then(|at| matched.rest.get(at + 1..));
    let from = tail.and_then(|tail| take_id(tail, b"MID")).map(|(mid, _)| mid);
    ids.mid.map_or(Fact::Unknown, |mid| Fact::Derived { mid, from, by })
}

/// `was split creating MID 8 due to ...`.
pub(super) fn split<'a>(ids: &mut Ids, matched: Matched<'a>) -> Fact<'a> {
    take_id(matched.rest, b"MID").map_or(Fact::Unknown, |(mid, _)| Fact::Derived {
        mid,
        from: ids.mid,
        by: Derivation::Split,
    })
}

fn of_delivery<'a>(ids: &Ids, fact: Fact<'a>) -> Fact<'a> {
    if ids.connection.is_some() && ids.mid.is_some() { fact } else { Fact::Known(Known::Delivery) }
}

/// `DCID 8 MID 7 to RID 0 - 5.1.0 - text ('550', ['...']) []`; `DCID: 8 Message 7 to 0` before 3.8.
fn undelivered<'a>(ids: &mut Ids, text: &'a [u8], kind: UndeliveredKind) -> Fact<'a> {
    let mut rest = take_ids(ids, text);
    if ids.mid.is_none()
        && let Some((mid, after)) =
            scan::strip(rest, b"Message").and_then(|number| scan::number(number.trim_ascii_start()))
    {
        ids.mid = Some(mid);
        rest = after;
    }
    let words = scan::cut(rest, b" - ").map_or(rest, |(_, words)| words).trim_ascii();
    let is_status =
        |word: &&[u8]| word.first().is_some_and(u8::is_ascii_digit) && memchr::memchr(b'.', word).is_some();
    let code = scan::cut(words, b"('").and_then(|(_, code)| scan::number(code));
    Fact::Undelivered(Box::new(Undelivered {
        kind,
        status: Some(scan::word(words).0).filter(is_status),
        code: code.and_then(|(code, _)| u16::try_from(code).ok()).filter(|code| *code != 0),
        network: network(words),
        words,
    }))
}

/// What the network said, by the words that the log has for it.
fn network(words: &[u8]) -> Option<NetworkError> {
    if let Some((_, number)) = scan::cut(words, b"[Errno ") {
        return scan::number(number)
            .and_then(|(errno, _)| u16::try_from(errno).ok())
            .map(NetworkError::Errno);
    }
    const WORDS: [(&[u8], NetworkError); 3] = [
        (b"EOF", NetworkError::EndOfFile),
        (b"timeout", NetworkError::Timeout),
        (b"timed out", NetworkError::Timeout),
    ];
    WORDS.iter().find(|(phrase, _)| scan::find(words, phrase).is_some()).map(|(_, error)| *error)
}
