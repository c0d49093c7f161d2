//! Where log and captures fail to meet: their times, their addresses. Said once, not case by case.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ahash::AHashSet;

use crate::investigate::gather::{Seen, Spans};
use crate::join::Joined;
use crate::maillog::{LogKind, MailLog};
use crate::net::{Leg, canonical};
use crate::smtp::Session;
use crate::time::{Span, Timestamp};

/// Addresses named of each side.
const MAX_NAMED: usize = 5;
/// Stamps are whole seconds, and a log may end a little before the capture begins.
const LEAST_APART: Span = Span::from_seconds(60);

/// What must be said about the inputs taken together.
pub(super) fn notes(
    log: &MailLog,
    sessions: &[Session],
    seen: &Seen,
    joined: &Joined,
    spans: &Spans,
) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(clocks_unknown(log, joined));
    notes.extend(times_apart(log, joined, spans));
    if let Some(note) = addresses_apart(log, sessions, seen) {
        notes.push(note);
    }
    notes.extend(pools(joined));
    notes.extend(said_apart(log));
    if log.left_out.refused_without_icid > 0 {
        let count = log.left_out.refused_without_icid;
        notes.push(format!(
            "{count} connections were refused before they got an ICID; the log tells no more of them"
        ));
    }
    notes
}

fn clocks_unknown(log: &MailLog, joined: &Joined) -> Option<String> {
    // Connections of a debug log are found by their ids, whatever its clock.
    let is_debug = |file| log.files.iter().any(|one| one.file == file && one.kind() == LogKind::Debug);
    let readings = log.clocks.iter().zip(joined.clocks.readings());
    let of_mail = readings.filter(|(clock, _)| !is_debug(clock.file));
    let unknown = of_mail.filter(|(_, reading)| !reading.is_known()).count();
    (unknown > 0).then(|| {
        format!(
            "the offset from UTC of {unknown} of {} log clocks is not known: its connections are matched by \
             address and content alone; --utc-offset would help",
            log.clocks.len()
        )
    })
}

/// Debug logs tell of connections by their ids; without the mail log's lines nothing is claimed of them.
fn said_apart(log: &MailLog) -> Option<String> {
    let known: AHashSet<(Leg, u64)> = log.connections.iter().map(|one| (one.leg, one.id)).collect();
    let is_known = |leg, id: Option<u64>| id.is_some_and(|id| known.contains(&(leg, id)));
    let apart = log.conversations.iter().filter(|one| !is_known(one.leg, one.id)).count();
    (apart > 0).then(|| {
        format!(
            "{apart} of {} connections of the debug logs are not in the mail logs: nothing is claimed of them",
            log.conversations.len()
        )
    })
}

fn times_apart(log: &MailLog, joined: &Joined, spans: &Spans) -> Option<String> {
    let (capture_first, capture_last) = spans.captures?;
    let logged = log.connections.iter().filter(|connection| connection.leg == Leg::Injection);
    let stamps = logged.flat_map(|connection| [connection.first, connection.last]);
    let instants: Vec<Timestamp> = stamps.filter_map(|stamp| joined.clocks.instant(&stamp)).collect();
    let (log_first, log_last) = (*instants.iter().min()?, *instants.iter().max()?);
    let (apart, order) = if log_last < capture_first {
        (capture_first.since(log_last), "before the captures begin")
    } else if log_first > capture_last {
        (log_first.since(capture_last), "after the captures end")
    } else {
        return None;
    };
    if apart < LEAST_APART {
        return None;
    }
    Some(format!(
        "log and captures do not meet in time: the log's connections ({log_first} to {log_last}) lie {apart} \
         {order} ({capture_first} to {capture_last}){}",
        hint(apart)
    ))
}

/// A gap of whole hours smells of a zone.
fn hint(apart: Span) -> &'static str {
    if apart < Span::from_seconds(26 * 3600) {
        "; if the log's zone is meant to differ, --utc-offset tells it"
    } else {
        ""
    }
}

fn addresses_apart(log: &MailLog, sessions: &[Session], seen: &Seen) -> Option<String> {
    let logged: BTreeSet<IpAddr> = log
        .connections
        .iter()
        .filter(|connection| connection.leg == Leg::Injection)
        .filter_map(|connection| connection.remote)
        .map(canonical)
        .collect();
    let wire: BTreeSet<IpAddr> = sessions
        .iter()
        .map(|session| canonical(session.client().ip))
        .chain(seen.other_clients.iter().copied())
        .collect();
    if logged.is_empty() || wire.is_empty() || logged.intersection(&wire).next().is_some() {
        return None;
    }
    let named = |addresses: &BTreeSet<IpAddr>| {
        let mut text =
            addresses.iter().take(MAX_NAMED).map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if addresses.len() > MAX_NAMED {
            text.push_str(&format!(" and {} more", addresses.len() - MAX_NAMED));
        }
        text
    };
    Some(format!(
        "log and captures share no remote address: the log has {}; the captures have SMTP clients {}. If an \
         address translation lies between, --map LOG_ADDRESS=WIRE_ADDRESS joins them",
        named(&logged),
        named(&wire)
    ))
}

/// One address that greets with many names is a pool behind a translation or a balancer.
fn pools(joined: &Joined) -> Vec<String> {
    joined
        .pools
        .iter()
        .take(MAX_NAMED)
        .map(|(ip, names)| {
            format!("{ip} greets with {names} different names: several hosts stand behind it, so its address does not count as evidence")
        })
        .collect()
}
