//! Which claims a log makes: one for each message that was given up, one for each connection that
//! the appliance ended with no message to tell it by, one for each delivery that failed.

mod deliveries;

use crate::maillog::{
    AbortReason, ApplianceEndKind, Claim, ClaimKind, Connection, Lost, MailLog, Message, Stamp,
};
use crate::net::Leg;
use crate::text::Text;

/// An appliance writes the lines of one event within a second or two. A message given up so close to
/// the end of its connection was given up by it.
const ONE_EVENT: i64 = 5;

/// The claims of a log in the order of their time, then of their lines: aborted messages, and
/// connections ended by a timer, a limit, a refusal or a kill, deliveries that failed over a connection.
/// With `all`, accepted and delivered messages and those without an end too.
///
/// Aborts by policy are no claims: the message had been received.
pub fn claims(log: &MailLog, all: bool) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (index, connection) in log.connections.iter().enumerate() {
        connection_claims(connection, index, all, &mut claims);
        deliveries::delivery_claims(connection, index, all, &mut claims);
    }
    claims.extend(
        log.orphans.iter().enumerate().filter_map(|(index, orphan)| orphan_claim(orphan, index, all)),
    );
    claims.sort_by_key(|claim| (claim.at.time, claim.at.line, claim.message));
    claims
}

/// The claims about one connection that messages came in over, and them, in their order. `index` is its
/// place in [`MailLog::connections`].
pub fn connection_claims(connection: &Connection, index: usize, all: bool, claims: &mut Vec<Claim>) {
    if connection.leg != Leg::Injection {
        return;
    }
    for (at, message) in connection.messages.iter().enumerate() {
        if let Some((kind, reason, stamp)) = said_of(message).filter(|(kind, ..)| all || kind.is_of_failure())
        {
            let lost = lost(connection, stamp);
            let claim = Claim {
                kind,
                connection: Some(index),
                message: Some(at),
                reason,
                at: stamp,
                lost,
                code: None,
            };
            claims.push(claim);
        }
    }
    let Some(end) = &connection.ended_by_appliance else { return };
    let told_by_a_message = connection.messages.iter().any(|message| {
        let aborted =
            message.aborted.as_ref().filter(|(reason, _)| !matches!(reason, AbortReason::Policy(_)));
        aborted.is_some_and(|(_, at)| is_one_event(*at, end.at))
    });
    if !told_by_a_message {
        claims.push(Claim {
            kind: match end.kind {
                ApplianceEndKind::NoMessagesInjected => ClaimKind::NoMessagesInjected,
                ApplianceEndKind::ConnectionTimeExceeded => ClaimKind::ConnectionTimeExceeded,
                ApplianceEndKind::ReceivingFailed => ClaimKind::ReceivingFailed,
                ApplianceEndKind::Killed => ClaimKind::Killed,
            },
            connection: Some(index),
            message: None,
            reason: end.words.clone(),
            at: end.at,
            lost: lost(connection, end.at),
            code: None,
        });
    }
}

/// The claim about a message whose connection the log does not name. `index` is its place in
/// [`MailLog::orphans`].
pub fn orphan_claim(orphan: &Message, index: usize, all: bool) -> Option<Claim> {
    let (kind, reason, at) = said_of(orphan).filter(|(kind, ..)| all || kind.is_of_failure())?;
    Some(Claim { kind, connection: None, message: Some(index), reason, at, lost: Lost::Unknown, code: None })
}

/// Whether the log says `lost` of this connection, given that something ended at `end`.
///
/// Its absence is evidence only where a line of this ICID that names no MID stands at or after the
/// end (other than the one that tells the end): a `grep` for the MID drops all such lines.
pub fn lost(connection: &Connection, end: Stamp) -> Lost {
    let last = connection.last_without_mid;
    match connection.lost {
        Some(_) => Lost::Yes,
        None if last.is_some_and(|last| last.line != end.line && is_not_before(last, end)) => Lost::No,
        None => Lost::Unknown,
    }
}

/// What the log says of a message's end: the claim, in its words, and where.
fn said_of(message: &Message) -> Option<(ClaimKind, Text, Stamp)> {
    match (&message.aborted, &message.ready) {
        (Some((AbortReason::ReceivingAborted, at)), _) => {
            Some((ClaimKind::ReceivingAborted, "Receiving aborted".into(), *at))
        }
        (Some((AbortReason::ReceivingAbortedBySender, at)), _) => {
            Some((ClaimKind::ReceivingAbortedBySender, "Receiving aborted by sender".into(), *at))
        }
        (Some((AbortReason::Other(words), at)), _) => Some((ClaimKind::AbortedOtherwise, words.clone(), *at)),
        (_, Some((bytes, at))) => {
            Some((ClaimKind::Accepted, format!("ready {bytes} bytes").as_str().into(), *at))
        }
        // Policy works on what was received: the line that said so is not in the input.
        (Some((AbortReason::Policy(_), _)), None) => None,
        (None, None) => Some((ClaimKind::Unfinished, Text::default(), message.last)),
    }
}

fn is_one_event(one: Stamp, other: Stamp) -> bool {
    (one.time.wall_seconds() - other.time.wall_seconds()).abs() <= ONE_EVENT
}

/// Whether `later` was written in the second of `earlier` or after it. Within a file the order of
/// lines says so too, even where the clock was set back between the two.
fn is_not_before(later: Stamp, earlier: Stamp) -> bool {
    let same_file = later.line.file == earlier.line.file;
    later.time >= earlier.time || same_file && later.line.line > earlier.line.line
}

#[cfg(test)]
mod tests;
