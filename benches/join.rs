//! How long the join of many connections of one address takes:
//! `cargo bench --bench join`, with `MAILWITNESS_CONNECTIONS` of them (100,000).
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark that cannot be set up ends")]

#[path = "generate/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with the program of the same name, and its tests")]
mod generate;

use std::io::{BufWriter, Cursor, Write};
use std::sync::OnceLock;

use clap::Parser as _;
use generate::{Options, Sinks};
use mailwitness::capture::{CaptureInput, follow};
use mailwitness::cite::{CaptureId, LogId};
use mailwitness::join::join;
use mailwitness::maillog::{LogInput, MailLog, ReadOptions, read_logs};
use mailwitness::smtp::{Session, Sessions};

fn main() {
    divan::main();
}

/// What is joined, and the generator's word for it.
const CASES: [(&str, &str); 3] = [
    ("distinct envelopes", "--equal-envelopes 0 --tls 0.05"),
    ("equal envelopes", "--equal-envelopes 1 --tls 0"),
    ("all TLS", "--equal-envelopes 0 --tls 1"),
];

#[divan::bench(args = 0..CASES.len(), sample_count = 1, sample_size = 1)]
fn one_address(bencher: divan::Bencher<'_, '_>, case: usize) {
    static MADE: [OnceLock<(MailLog, Vec<Session>)>; 3] = [const { OnceLock::new() }; 3];
    let (log, sessions) = MADE.get(case).unwrap().get_or_init(|| made(CASES.get(case).unwrap().1));
    bencher.counter(divan::counter::ItemsCount::new(log.connections.len())).bench(|| {
        let claimed = |index: usize| log.connections.get(index).is_some_and(claims_something);
        join(log, sessions, &mailwitness::join::Options::default(), claimed)
    });
}

/// As a report asks without `--all`.
fn claims_something(connection: &mailwitness::maillog::Connection) -> bool {
    connection.ended_by_appliance.is_some()
        || connection.messages.iter().any(|message| message.aborted.is_some())
}

/// One sender's connections, hundreds a second.
fn made(more: &str) -> (MailLog, Vec<Session>) {
    let number = std::env::var("MAILWITNESS_CONNECTIONS").unwrap_or_else(|_| "100000".to_owned());
    let arguments = format!(
        "generate --senders 1 --ports 60000 --body 200 --spread 0 --rate 500 --sessions {number} {more}"
    );
    let options = Options::parse_from(arguments.split_whitespace());
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let capture = BufWriter::with_capacity(1 << 20, file.reopen().unwrap());
    let sinks = Sinks { capture, log: Vec::new(), truth: std::io::sink() };
    let (_, Sinks { mut capture, log, .. }) = generate::generate(&options, sinks).unwrap();
    capture.flush().unwrap();
    let mut sessions = Vec::new();
    let take = |mut session: Session| {
        session.flow.trace = None;
        session.dialog.forget_commands();
        sessions.push(session);
    };
    let input = CaptureInput::new(CaptureId(0), file.path());
    follow(vec![input], &mailwitness::capture::Options::default(), Sessions::new(&[], take), &|_| {});
    sessions.sort_by_key(|session| (session.flow.first.time, session.flow.first.frame));
    let input = LogInput { id: LogId(0), reader: Box::new(Cursor::new(log)) };
    (read_logs(vec![input], ReadOptions::default()), sessions)
}
