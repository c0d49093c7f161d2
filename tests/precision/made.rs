//! A generated capture and log as the join sees them, with the truth about both.

use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Write};

use clap::Parser as _;
use mailwitness::capture::{CaptureInput, Options as WireOptions, OriginatorFrom, follow};
use mailwitness::cite::{CaptureId, LogId};
use mailwitness::join::{Joined, MatchOutcome, Options as JoinOptions, join};
use mailwitness::maillog::{LogInput, MailLog, ReadOptions, read_logs};
use mailwitness::smtp::{Session, Sessions};
use mailwitness::text::Text;
use regex::{Captures, Regex};
use serde_json::Value;

use crate::generate::{self, Options, Sinks};

/// What was generated, read back.
pub struct Made {
    /// The log's text; tests cut it.
    pub log: String,
    pub sessions: Vec<Session>,
    truth: Vec<Value>,
}

impl Made {
    /// Generates by `arguments` (those of `cargo bench --bench generate`) and reads the capture.
    pub fn new(arguments: &str) -> Self {
        let options = Options::parse_from(std::iter::once("generate").chain(arguments.split_whitespace()));
        let file = tempfile::NamedTempFile::new().unwrap();
        let capture = std::io::BufWriter::with_capacity(1 << 20, file.reopen().unwrap());
        let sinks = Sinks { capture, log: Vec::new(), truth: Vec::new() };
        let (_, mut sinks) = generate::generate(&options, sinks).unwrap();
        sinks.capture.flush().unwrap();
        let Sinks { log, truth, .. } = sinks;
        let mut sessions = Vec::new();
        let take = |mut session: Session| {
            session.flow.trace = None;
            session.dialog.forget_commands();
            sessions.push(session);
        };
        let input = CaptureInput::new(CaptureId(0), file.path());
        follow(vec![input], &WireOptions::default(), Sessions::new(&[options.port], take), &|_| {});
        sessions.sort_by_key(|session| (session.flow.first.time, session.flow.first.frame));
        let truth = String::from_utf8(truth).unwrap();
        Self {
            log: String::from_utf8(log).unwrap(),
            sessions,
            truth: truth.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        }
    }

    /// The log as it stands now, read.
    pub fn read_log(&self) -> MailLog {
        let reader = Box::new(Cursor::new(self.log.clone().into_bytes()));
        read_logs(vec![LogInput { id: LogId(0), reader }], ReadOptions::default())
    }

    /// Joins what there is now, and holds every pair against the truth.
    pub fn tally(&self) -> Tally {
        let log = self.read_log();
        let began = std::time::Instant::now();
        let joined = join(&log, &self.sessions, &JoinOptions::default(), |_| true);
        Tally { seconds: began.elapsed().as_secs_f64(), ..self.weigh(&log, &joined) }
    }

    /// Keeps the sessions that `keep` wants: a capture that holds only part.
    pub fn keep_sessions(&mut self, keep: impl Fn(&Session) -> bool) {
        self.sessions.retain(keep);
    }

    /// Keeps the lines of the log that `keep` wants, by their number and text, and always the head.
    pub fn keep_lines(&mut self, keep: impl Fn(usize, &str) -> bool) {
        let lines = self.log.lines().enumerate();
        let kept: Vec<&str> =
            lines.filter(|(at, line)| *at < 3 || keep(*at, line)).map(|(_, line)| line).collect();
        self.log = kept.join("\n") + "\n";
    }

    /// Stamps lines later than they were: `late` is given each line and the second of its day, and says by how
    /// many seconds. Lines stand in the order of their stamps, as they do in a log.
    pub fn write_late(&mut self, late: impl Fn(&str, u32) -> u32) {
        const TIME: std::ops::Range<usize> = 11..19;
        let stamped = |line: &str| -> Option<u32> {
            let part = |at: usize| line.get(TIME)?.get(at..at + 2)?.parse::<u32>().ok();
            Some(part(0)? * 3600 + part(3)? * 60 + part(6)?)
        };
        let mut lines: Vec<(u32, String)> = Vec::new();
        for (at, line) in self.log.lines().enumerate() {
            let second = stamped(line).unwrap_or_else(|| panic!("no stamp: {line}"));
            let new = if at < 3 { second } else { second + late(line, second) };
            assert!(new < 86_400, "no log of this test crosses midnight: {line}");
            let (before, after) = (&line[..TIME.start], &line[TIME.end..]);
            let (hour, minute, second) = (new / 3600, new / 60 % 60, new % 60);
            lines.push((new, format!("{before}{hour:02}:{minute:02}:{second:02}{after}")));
        }
        lines.sort_by_key(|(second, _)| *second);
        self.log = lines.into_iter().map(|(_, line)| line + "\n").collect();
    }

    /// Replaces what `pattern` finds in every envelope, on both sides and in the truth.
    pub fn rewrite_envelopes(&mut self, pattern: &str, with: impl Fn(&Captures<'_>) -> String) {
        let pattern = Regex::new(pattern).unwrap();
        self.log = pattern.replace_all(&self.log, &with).into_owned();
        let on_wire = |text: &mut Text| {
            let old = text.as_str().unwrap().to_owned();
            *text = Text::from(pattern.replace_all(&old, &with).as_ref());
        };
        for session in &mut self.sessions {
            for transaction in &mut session.dialog.transactions {
                on_wire(&mut transaction.mail_from);
                transaction.recipients.iter_mut().for_each(|recipient| on_wire(&mut recipient.address));
            }
        }
        for session in &mut self.truth {
            for message in session["messages"].as_array_mut().unwrap() {
                let from = message["mail_from"].as_str().unwrap().to_owned();
                message["mail_from"] = pattern.replace_all(&from, &with).into();
            }
        }
    }

    /// Puts every client behind one address, on both sides and in the truth.
    pub fn behind_one_address(&mut self) {
        const DOOR: &str = "192.0.2.254";
        let logged = Regex::new(r"address \S+ reverse dns").unwrap();
        self.log = logged.replace_all(&self.log, format!("address {DOOR} reverse dns")).into_owned();
        for session in &mut self.sessions {
            session.flow.endpoints.originator.ip = DOOR.parse().unwrap();
        }
        for session in &mut self.truth {
            let port = session["client"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
            session["client"] = format!("{DOOR}:{port}").into();
        }
    }

    fn weigh(&self, log: &MailLog, joined: &Joined) -> Tally {
        // A port may be used again: address, port and the moment of the SYN name a connection.
        let captured: HashSet<(String, i64)> = self.sessions.iter().map(name_of).collect();
        let mut by_icid: HashMap<u64, &Value> = HashMap::new();
        for session in &self.truth {
            if let Some(icid) = session["icid"].as_u64() {
                by_icid.insert(icid, session);
            }
        }
        let mut tally = Tally::default();
        for (connection, matched) in log.connections.iter().zip(&joined.matches) {
            // Deliveries have no truth: the generator writes none of them on the wire.
            let Some(truth) =
                by_icid.get(&connection.id).filter(|_| connection.leg == mailwitness::net::Leg::Injection)
            else {
                assert_ne!(matched.outcome, MatchOutcome::Matched, "{connection:?}");
                continue;
            };
            let client = truth["client"].as_str().unwrap().to_owned();
            let begun_before = truth["begun_before"] == Value::Bool(true);
            let opened = truth["opened"].as_i64().unwrap() / 1_000;
            let there = captured.contains(&(client.clone(), opened)) || begun_before;
            tally.connections += usize::from(there);
            match (matched.outcome, matched.session) {
                (MatchOutcome::Matched, Some(session)) => {
                    let session = &self.sessions[session];
                    let (found, at) = name_of(session);
                    let same_time = at == opened || session.flow.originator_from != OriginatorFrom::Handshake;
                    if found == client && same_time {
                        tally.found += 1;
                        tally.weigh_messages(connection, matched, session, truth);
                    } else {
                        let id = connection.id;
                        tally
                            .wrong
                            .push(format!("ICID {id} is {client}, matched with {found}: {matched:#?}"));
                    }
                }
                (MatchOutcome::Ambiguous, Some(session)) => {
                    tally.ambiguous += 1;
                    // Where the rivals are listed whole, the true one is among them.
                    let is_it = |session: usize| name_of(&self.sessions[session]) == (client.clone(), opened);
                    let listed = matched.rivals.iter().any(|rival| is_it(rival.session)) || is_it(session);
                    if there
                        && !begun_before
                        && !listed
                        && !matched.rivals.is_empty()
                        && matched.doubt.is_none()
                    {
                        let id = connection.id;
                        tally
                            .wrong
                            .push(format!("ICID {id} is {client}, not among its rivals: {matched:#?}"));
                    }
                }
                _ => tally.not_found += usize::from(there),
            }
        }
        tally
    }
}

/// How the connections came out.
#[derive(Debug, Default)]
pub struct Tally {
    /// In the log and in the capture.
    pub connections: usize,
    pub found: usize,
    pub ambiguous: usize,
    pub not_found: usize,
    /// Matched with another's flow, or a message with another's transaction.
    pub wrong: Vec<String>,
    /// What the join took.
    pub seconds: f64,
}

impl Tally {
    /// Of 100 connections that could be found, those that were.
    pub fn recall(&self) -> f64 {
        100.0 * self.found as f64 / self.connections.max(1) as f64
    }

    fn weigh_messages(
        &mut self,
        connection: &mailwitness::maillog::Connection,
        matched: &mailwitness::join::Match,
        session: &Session,
        truth: &Value,
    ) {
        let mids = truth["messages"].as_array().unwrap();
        for (message, transaction) in connection.messages.iter().zip(&matched.alignment.of_message) {
            let Some(transaction) = transaction.map(|index| &session.dialog.transactions[index]) else {
                continue;
            };
            let true_one = mids.iter().find(|one| one["mid"].as_u64() == Some(message.mid));
            let from = true_one.and_then(|one| one["mail_from"].as_str()).unwrap_or("?");
            if !transaction.mail_missing
                && !transaction.mail_from.as_bytes().eq_ignore_ascii_case(from.as_bytes())
            {
                self.wrong.push(format!("MID {} is from {from}, got {}", message.mid, transaction.mail_from));
            }
        }
    }
}

/// Client and the microsecond of the first frame.
fn name_of(session: &Session) -> (String, i64) {
    let client = session.client();
    let name = match client.ip {
        std::net::IpAddr::V4(ip) => format!("{ip}:{}", client.port),
        std::net::IpAddr::V6(ip) => format!("[{ip}]:{}", client.port),
    };
    (name, session.flow.first.time.nanos() / 1_000)
}
