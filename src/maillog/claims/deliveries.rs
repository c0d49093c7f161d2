//! The claims of the delivery side: what failed over a DCID, and by whose word.

use super::is_one_event;
use crate::maillog::delivery::{
    Attempt, ConnectionFailure, NetworkError, Outcome, Shortfall, UndeliveredKind,
};
use crate::maillog::{Claim, ClaimKind, Connection, Lost, Stamp};
use crate::net::Leg;
use crate::text::Text;

/// What the log says of one attempt.
struct Said {
    kind: ClaimKind,
    reason: Text,
    at: Stamp,
    code: Option<u16>,
}

/// The claims about the messages that went out over one connection, in their order, and about the
/// connection where it failed and no message tells it. A claim's message is the place of the attempt
/// in [`Delivery::attempts`](crate::maillog::Delivery::attempts), which
/// [`outgoing::attach`](crate::maillog::outgoing::attach) makes that of its message as well.
pub(super) fn delivery_claims(connection: &Connection, index: usize, all: bool, claims: &mut Vec<Claim>) {
    let Some(delivery) = connection.delivery.as_deref().filter(|_| connection.leg == Leg::Delivery) else {
        return;
    };
    let error = delivery.error.as_ref();
    let claim = |message, said: Said| Claim {
        kind: said.kind,
        connection: Some(index),
        message,
        reason: said.reason,
        at: said.at,
        lost: Lost::Unknown,
        code: said.code,
    };
    let said: Vec<Option<Said>> = delivery.attempts.iter().map(|attempt| said_of(attempt, error)).collect();
    let told = said
        .iter()
        .flatten()
        .any(|said| said.kind.is_of_failure() && error.is_some_and(|error| is_one_event(said.at, error.at)));
    for (at, said) in said.into_iter().enumerate() {
        let said = said.unwrap_or_else(|| unfinished(connection, delivery.attempts.get(at)));
        if all || said.kind.is_of_failure() {
            claims.push(claim(Some(at), said));
        }
    }
    if let Some(error) = error.filter(|_| !told) {
        claims.push(claim(None, of_network(error.network, error.details.clone(), error.at)));
    }
}

/// What became of an attempt; `None` where the log does not say. An attempt without a word of its own
/// that was under way when the connection failed failed with it.
fn said_of(attempt: &Attempt, error: Option<&ConnectionFailure>) -> Option<Said> {
    match &attempt.outcome {
        Some((Outcome::Done, at)) => {
            let words = attempt.response.as_ref().map(|(words, _)| words.clone());
            Some(Said {
                kind: ClaimKind::Delivered,
                reason: words.unwrap_or_else(|| "Message done".into()),
                at: *at,
                code: None,
            })
        }
        Some((Outcome::Undelivered(shortfall), at)) => Some(undelivered(shortfall, *at, error)),
        None => error.map(|error| of_network(error.network, error.details.clone(), error.at)),
    }
}

/// By the reply that the line cites, else by what the network said: in the line itself, or in the
/// connection's own error at that time.
fn undelivered(shortfall: &Shortfall, at: Stamp, error: Option<&ConnectionFailure>) -> Said {
    let verb: &[u8] = match shortfall.kind {
        UndeliveredKind::Bounced => b"Bounced: ",
        UndeliveredKind::Delayed => b"Delayed: ",
        UndeliveredKind::Possible => b"Possible Delivery: ",
    };
    let reason = Text::new(&[verb, shortfall.words.as_bytes()].concat());
    let of_connection = error.filter(|error| is_one_event(error.at, at)).map(|error| error.network);
    let network = shortfall.network.filter(|network| *network != NetworkError::Other).or(of_connection);
    match (shortfall.code, network, shortfall.kind) {
        (None, Some(network), _) => of_network(network, reason, at),
        (_, _, UndeliveredKind::Bounced) => {
            Said { kind: ClaimKind::Bounced, reason, at, code: shortfall.code }
        }
        (_, _, UndeliveredKind::Delayed) => {
            Said { kind: ClaimKind::Delayed, reason, at, code: shortfall.code }
        }
        (_, _, UndeliveredKind::Possible) => {
            Said { kind: ClaimKind::DeliveryFailed, reason, at, code: shortfall.code }
        }
    }
}

fn of_network(network: NetworkError, reason: Text, at: Stamp) -> Said {
    let kind = match network {
        NetworkError::EndOfFile => ClaimKind::RemoteClosed,
        NetworkError::Timeout => ClaimKind::DeliveryTimedOut,
        network if network.is_reset() => ClaimKind::RemoteReset,
        network if network.errno_name() == Some("ETIMEDOUT") => ClaimKind::DeliveryTimedOut,
        NetworkError::Errno(_) | NetworkError::Other => ClaimKind::DeliveryFailed,
    };
    Said { kind, reason, at, code: None }
}

fn unfinished(connection: &Connection, attempt: Option<&Attempt>) -> Said {
    let at = attempt.and_then(|attempt| attempt.started).unwrap_or(connection.last);
    Said { kind: ClaimKind::Unfinished, reason: Text::default(), at, code: None }
}

#[cfg(test)]
mod tests {
    use crate::maillog::tests::read_text;
    use crate::maillog::{ClaimKind, claims};

    /// Kind, message, code and words of each claim.
    fn told(lines: &str, all: bool) -> Vec<(ClaimKind, Option<usize>, Option<u16>, String)> {
        let open = "New SMTP DCID 8 interface 192.0.2.25 address 203.0.113.9 port 25";
        let text: String = std::iter::once(open)
            .chain(lines.lines())
            .map(|line| format!("Mon Mar  9 10:00:01 2026 Info: {line}\n"))
            .collect();
        let log = read_text(&text);
        claims(&log, all)
            .into_iter()
            .map(|claim| (claim.kind, claim.message, claim.code, claim.reason.to_string()))
            .collect()
    }

    /// ESA-LOGS section 8: the network's words, in the connection's line and the message's.
    #[test]
    fn what_the_network_said_is_one_claim() {
        for (words, kind) in [
            ("EOF", ClaimKind::RemoteClosed),
            ("[Errno 54] Connection reset by peer", ClaimKind::RemoteReset),
            ("timeout", ClaimKind::DeliveryTimedOut),
            ("[Errno 60] Operation timed out", ClaimKind::DeliveryTimedOut),
            ("[Errno 61] Connection refused", ClaimKind::DeliveryFailed),
        ] {
            let lines = format!(
                "Delivery start DCID 8 MID 7 to RID [0]\n\
                 Connection Error: DCID 8 domain: example.org IP: 203.0.113.9 port: 25 details: {words} \
                 interface: 192.0.2.25 reason: network error\n\
                 Delayed: DCID 8 MID 7 to RID 0 - 4.4.2 - Bad connection ('000', ['{words}']) []"
            );
            let all = told(&lines, true);
            let [(found, Some(0), None, _)] = all.as_slice() else { panic!("{words}: {all:?}") };
            assert_eq!(*found, kind, "{words}");
            // The line of the connection alone tells it too, of the message under way.
            let cut: Vec<&str> = lines.lines().take(2).collect();
            assert_eq!(told(&cut.join("\n"), false), [(kind, Some(0), None, words.to_owned())]);
        }
        let alone = "Connection Error: DCID 8 IP: 203.0.113.9 details: EOF interface: 192.0.2.25 reason: x";
        assert_eq!(told(alone, false), [(ClaimKind::RemoteClosed, None, None, "EOF".to_owned())]);
    }

    /// A reply that the remote server gave outranks what else the line says.
    #[test]
    fn replies_and_deliveries() {
        let lines = "\
Delivery start DCID 8 MID 7 to RID [0]
Message done DCID 8 MID 7 to RID [0]
Delivery start DCID 8 MID 9 to RID [0]
Bounced: DCID 8 MID 9 to RID 0 - 5.1.0 - Unknown address error ('550', ['5.1.1 no such user']) []
Delivery start DCID 8 MID 11 to RID [0]
Delayed: DCID 8 MID 11 to RID 0 - 4.1.0 - Unknown address error ('451', ['4.4.1 timeout']) []
Delivery start DCID 8 MID 12 to RID [0]";
        let found = told(lines, true);
        let mut kinds: Vec<_> =
            found.iter().map(|(kind, message, code, _)| (*message, *kind, *code)).collect();
        kinds.sort_unstable();
        assert_eq!(
            kinds,
            [
                (Some(0), ClaimKind::Delivered, None),
                (Some(1), ClaimKind::Bounced, Some(550)),
                (Some(2), ClaimKind::Delayed, Some(451)),
                (Some(3), ClaimKind::Unfinished, None),
            ]
        );
        assert_eq!(told(lines, false).len(), 2);
    }

    /// DCID 0 never connected: nothing of it can be on the wire. It is counted.
    #[test]
    fn what_never_connected_is_left_out() {
        let line = "Bounced: DCID 0 MID 7 to RID 0 - 5.4.7 - Delivery expired ('000', ['timeout']) []";
        assert_eq!(told(line, true), []);
        let log = read_text(&format!("Mon Mar  9 10:00:01 2026 Info: {line}\n"));
        assert_eq!(log.left_out.dcid_zero, 1);
    }
}
