//! The line below a connection's row: how far the ends are, who waited for whom, what was lost.

use super::link::EndRoundTrip;
use super::{SessionRecord, WaitRecord};
use crate::net::Role;
use crate::report::words;
use crate::report::wrap::width;
use crate::smtp::Stage;
use crate::time::Span;

/// A single wait of at least this is told beside the sum: shorter ones are what servers and paths
/// take every day.
pub(super) const NOTABLE_WAIT: Span = Span::from_seconds(1);

/// The lines, each indented and of at most `columns`; none where nothing is known.
pub(super) fn lines(session: &SessionRecord<'_>, indent: usize, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces(session) {
        match lines.last_mut() {
            Some(line) if width(line) + 2 + width(&piece) <= columns => {
                line.push_str("; ");
                line.push_str(&piece);
            }
            _ => lines.push(format!("{:indent$}{piece}", "")),
        }
    }
    lines
}

fn pieces(session: &SessionRecord<'_>) -> Vec<String> {
    let mut pieces = Vec::new();
    let (client, server) = (&session.round_trip.client, &session.round_trip.server);
    if let (Some(client), Some(server)) = (round_trip(client), round_trip(server)) {
        pieces.push(format!("RTT {client}+{server} ms"));
    }
    if let Some(version) = session.tls_facts.as_ref().and_then(|tls| tls.version.as_ref()) {
        pieces.push(version.clone());
    }
    if let Some(alert) = session.tls_facts.as_ref().and_then(|tls| tls.alert.as_ref()) {
        pieces.push(format!("{} sent the alert {}", alert.by, alert.description));
    }
    let waits = &session.waits;
    let waited = [
        ("client", waits.client_seconds, waits.longest_client),
        ("server", waits.server_seconds, waits.longest_server),
    ];
    for (who, total, longest) in waited {
        if longest.is_some() {
            pieces.push(format!("{who} waited {}{}", took(total), notable(total, longest)));
        }
    }
    if waits.partial && waited.iter().any(|(.., longest)| longest.is_some()) {
        pieces.push("waits seen in part".to_owned());
    }
    let streams = [
        ("client", Role::Client, &session.streams.client),
        ("server", Role::Server, &session.streams.server),
    ];
    for (who, role, stream) in streams {
        pieces.extend(missing(session, who, role, stream.missed_octets));
        if stream.retransmitted_segments > 0 {
            pieces.push(format!("{who} sent {} again", words::grouped(stream.retransmitted_segments)));
        }
    }
    pieces
}

/// Which octets of one end the capture lacks, those that the other end received apart from the rest:
/// the capture lost the first, the path perhaps the others.
fn missing(session: &SessionRecord<'_>, who: &str, by: Role, missed: u64) -> Vec<String> {
    let mut told = 0;
    let mut pieces = Vec::new();
    for (acknowledged, how) in [(true, "not captured, but received"), (false, "missing, never acknowledged")]
    {
        let gaps: Vec<_> =
            session.gaps.iter().filter(|gap| gap.by == by && gap.acknowledged == acknowledged).collect();
        let Some(first) = gaps.first() else { continue };
        let octets = gaps.iter().map(|gap| gap.octets).fold(0, u64::saturating_add);
        told += octets;
        let place = words::grouped(first.offset);
        let place = match gaps.len() {
            1 => format!("from {place}"),
            count => format!("{count} gaps from {place}"),
        };
        pieces.push(format!("{how}: {} octets of the {who}, {place}", words::grouped(octets)));
    }
    if missed > told {
        let further = if told > 0 { "further " } else { "" };
        pieces.push(format!("{} {further}octets of the {who} missed", words::grouped(missed - told)));
    }
    pieces
}

/// The longest wait and its stage, where it says more than the sum.
fn notable(total: Span, longest: Option<WaitRecord<'_>>) -> String {
    let Some(wait) = longest.filter(|wait| wait.seconds >= NOTABLE_WAIT) else { return String::new() };
    let (sum, alone) = (took(total), took(wait.seconds));
    if sum == alone {
        format!(" ({})", stage(wait.stage))
    } else {
        format!(" ({alone} {})", stage(wait.stage))
    }
}

/// Milliseconds to one end: by the handshake, else at most those of its shortest acknowledgment.
fn round_trip(end: &EndRoundTrip) -> Option<String> {
    let exact = end.handshake_seconds.map(millis);
    exact.or_else(|| end.data_seconds.map(|span| format!("<={}", millis(span))))
}

fn millis(span: Span) -> String {
    let millis = span.seconds() * 1000.0;
    match millis {
        ..1.0 => format!("{millis:.2}"),
        ..100.0 => format!("{millis:.1}"),
        _ => format!("{millis:.0}"),
    }
}

/// A length of time, short ones in milliseconds.
pub(super) fn took(span: Span) -> String {
    if span < Span::from_seconds(1) { format!("{} ms", millis(span)) } else { span.to_string() }
}

/// A stage in a word.
pub(super) const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => "connect",
        Stage::Greeting => "greeting",
        Stage::Helo => "helo",
        Stage::Tls => "tls",
        Stage::Auth => "auth",
        Stage::Mail => "mail",
        Stage::Rcpt => "rcpt",
        Stage::Data => "data",
        Stage::Body => "body",
        Stage::EndOfData => "dot",
        Stage::Between => "between",
    }
}
