//! What stands in which column.

use serde::Serialize;

use super::{Column, in_list, joined, list, text};
use crate::net::Endpoint;
use crate::report::sessions::{OutcomeRecord, SessionRecord, WaitRecord};
use crate::report::words;
use crate::text::{Text, escaped};
use crate::time::Span;

/// All columns in their order. New ones are added at the end.
pub const COLUMNS: &[Column] = &[
    column("capture", "the capture that holds its first frame", |r| text(words::safe(r.capture))),
    column("frame", "its first frame (Wireshark's number)", |r| r.frame.to_string()),
    column("first", "the time of its first frame", |r| r.first.to_string()),
    column("last", "the time of its last frame", |r| r.last.to_string()),
    column("frames", "its frames, both ways", |r| r.frames.to_string()),
    column("client_ip", "the address of the end that speaks commands", |r| r.client.ip.to_string()),
    column("client_port", "its port", |r| port(r.client)),
    column("server_ip", "the address of the end that speaks replies", |r| r.server.ip.to_string()),
    column("server_port", "its port", |r| port(r.server)),
    column("roles_from", "what says which end is the client: handshake, greeting or port", |r| {
        word(r.roles_from)
    }),
    column("community_id", "Community ID version 1", |r| r.community_id.clone()),
    column("conn_state", "Zeek's conn_state", |r| r.conn_state.to_owned()),
    column("history", "Zeek's history", |r| text(r.history.to_owned())),
    column("helo", "the name in HELO, EHLO or LHLO", |r| {
        text(r.helo.map_or_else(String::new, |helo| escaped(helo.as_bytes())))
    }),
    column("commands", "list: what the client sent, as in the JSON record", |r| {
        text(joined(r.commands.iter().map(|verb| in_list(verb))))
    }),
    column("commands_dropped", "commands beyond those listed", |r| r.commands_dropped.to_string()),
    column("mail_from", "list: senders of all MAIL commands, accepted or not", |r| {
        list(r.mail_from.iter().copied())
    }),
    column("rcpt_to", "list: recipients of all RCPT commands, accepted or not", |r| {
        list(r.rcpt_to.iter().copied())
    }),
    column("message_id", "list: Message-IDs of its transactions, as far as seen", |r| list(message_ids(r))),
    column("transactions", "MAIL commands", |r| {
        (r.transactions.len() as u64).saturating_add(r.transactions_dropped).to_string()
    }),
    column("completed", "transactions whose end of data was answered 2xx", |r| {
        outcomes(r, OutcomeRecord::Completed)
    }),
    column("refused", "transactions that a 4xx or 5xx ended", |r| outcomes(r, OutcomeRecord::Refused)),
    column("abandoned", "transactions given up by RSET, a new greeting or a new MAIL", |r| {
        outcomes(r, OutcomeRecord::Abandoned)
    }),
    column("body_octets", "octets of all bodies on the wire", |r| {
        r.transactions.iter().map(|transaction| transaction.body_octets).sum::<u64>().to_string()
    }),
    column("starttls", "STARTTLS was sent", |r| r.starttls.to_string()),
    column("tls", "how the dialogue became encrypted: start_tls or implicit", |r| optional(r.tls)),
    column("tls_version", "the version that the server chose", |r| {
        r.tls_facts.as_ref().and_then(|tls| tls.version.clone()).unwrap_or_default()
    }),
    column("tls_cipher_suite", "the cipher suite that the server chose", |r| {
        r.tls_facts.as_ref().and_then(|tls| tls.cipher_suite.clone()).unwrap_or_default()
    }),
    column("authenticated", "AUTH was used", |r| r.authenticated.to_string()),
    column("quit", "QUIT was sent as a command", |r| r.quit.to_string()),
    column("first_close", "the first FIN or RST, whether or not it took effect: fin or rst", |r| {
        optional(r.first_close.as_ref().map(|close| close.kind))
    }),
    column("first_close_by", "whose address it bears: client or server", |r| {
        optional(r.first_close.as_ref().map(|close| close.by))
    }),
    column("first_close_frame", "its frame", |r| number(r.first_close.as_ref().map(|close| close.frame))),
    column("ending", "how the last open transaction ended, else the connection: the kind", |r| {
        word(r.ending.kind)
    }),
    column("ending_by", "who ended it, or owed the word: client or server", |r| optional(r.ending.by)),
    column("ending_why", "why the server closed", |r| optional(r.ending.why)),
    column("ending_form", "the form of the close, where it was no FIN or RST of the client", |r| {
        optional(r.ending.form)
    }),
    column("ending_code", "the reply that ended it", |r| number(r.ending.code.map(|code| code.0))),
    column("ending_inferred", "read from record lengths or across a gap", |r| r.ending.inferred.to_string()),
    column("ending_race", "QUIT and a close before its 221", |r| r.ending.race.to_string()),
    column("ending_crossed", "both ends closed independently within a round trip", |r| {
        r.ending.crossed.to_string()
    }),
    column("ending_stage", "where the dialogue stood", |r| word(r.ending.stage)),
    column("ending_turn", "whose move it was: client, server or path", |r| optional(r.ending.turn)),
    column("ending_waited_seconds", "how long that move had been owed", |r| seconds(r.ending.waited_seconds)),
    column("ending_frame", "the frame that ended it; for a silence the last word heard", |r| {
        number(r.ending.frame)
    }),
    column("ending_time", "its time", |r| r.ending.time.map(|time| time.to_string()).unwrap_or_default()),
    column("client_segments", "segments that the client sent", |r| r.streams.client.segments.to_string()),
    column("server_segments", "segments that the server sent", |r| r.streams.server.segments.to_string()),
    column("client_octets", "octets of the client's stream in the capture, each once", |r| {
        r.streams.client.octets.to_string()
    }),
    column("server_octets", "octets of the server's stream in the capture, each once", |r| {
        r.streams.server.octets.to_string()
    }),
    column("client_missed_octets", "octets of the client's stream that the capture lacks", |r| {
        r.streams.client.missed_octets.to_string()
    }),
    column("server_missed_octets", "octets of the server's stream that the capture lacks", |r| {
        r.streams.server.missed_octets.to_string()
    }),
    column("client_retransmitted_segments", "segments that the client sent again", |r| {
        r.streams.client.retransmitted_segments.to_string()
    }),
    column("server_retransmitted_segments", "segments that the server sent again", |r| {
        r.streams.server.retransmitted_segments.to_string()
    }),
    column("round_trip_seconds", "from end to end and back, by the handshake", |r| {
        seconds(r.round_trip.seconds)
    }),
    column("client_handshake_seconds", "SYN-ACK to ACK: from the capture to the client and back", |r| {
        seconds(r.round_trip.client.handshake_seconds)
    }),
    column("server_handshake_seconds", "SYN to SYN-ACK: from the capture to the server and back", |r| {
        seconds(r.round_trip.server.handshake_seconds)
    }),
    column("client_data_seconds", "the shortest from data to its acknowledgment by the client", |r| {
        seconds(r.round_trip.client.data_seconds)
    }),
    column("client_data_samples", "how many of those were timed", |r| {
        r.round_trip.client.data_samples.to_string()
    }),
    column("server_data_seconds", "the shortest from data to its acknowledgment by the server", |r| {
        seconds(r.round_trip.server.data_seconds)
    }),
    column("server_data_samples", "how many of those were timed", |r| {
        r.round_trip.server.data_samples.to_string()
    }),
    column("client_waited_seconds", "the client waited for the server's replies", |r| {
        seconds(Some(r.waits.client_seconds))
    }),
    column("server_waited_seconds", "the server waited for the client's next command or body", |r| {
        seconds(Some(r.waits.server_seconds))
    }),
    column("body_seconds", "bodies were sent; nobody's wait", |r| seconds(Some(r.waits.body_seconds))),
    column("client_longest_seconds", "the client's longest wait", |r| longest(r.waits.longest_client)),
    column("client_longest_stage", "where the dialogue stood", |r| {
        optional(r.waits.longest_client.map(|wait| wait.stage))
    }),
    column("client_longest_frame", "the frame of the last word before it", |r| {
        number(r.waits.longest_client.map(|wait| wait.frame))
    }),
    column("server_longest_seconds", "the server's longest wait", |r| longest(r.waits.longest_server)),
    column("server_longest_stage", "where the dialogue stood", |r| {
        optional(r.waits.longest_server.map(|wait| wait.stage))
    }),
    column("server_longest_frame", "the frame of the last word before it", |r| {
        number(r.waits.longest_server.map(|wait| wait.frame))
    }),
    column("waits_partial", "the waits are not the whole: see `partial` of the JSON record", |r| {
        r.waits.partial.to_string()
    }),
];

const fn column(name: &'static str, meaning: &'static str, cell: fn(&SessionRecord<'_>) -> String) -> Column {
    Column { name, meaning, cell }
}

fn port(end: Endpoint) -> String {
    end.port.to_string()
}

/// An enum's value as the JSON record spells it.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn optional<T: Serialize>(value: Option<T>) -> String {
    value.map(word).unwrap_or_default()
}

fn number<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn seconds(span: Option<Span>) -> String {
    number(span.map(Span::seconds))
}

fn longest(wait: Option<WaitRecord<'_>>) -> String {
    seconds(wait.map(|wait| wait.seconds))
}

fn outcomes(record: &SessionRecord<'_>, outcome: OutcomeRecord) -> String {
    record.transactions.iter().filter(|transaction| transaction.outcome == outcome).count().to_string()
}

fn message_ids<'a>(record: &'a SessionRecord<'_>) -> impl Iterator<Item = &'a Text> {
    record.transactions.iter().filter_map(|transaction| transaction.message_id)
}
