//! Endings of encrypted sessions, told from the lengths of records, held against what is true: a word that is wrong
//! blames the wrong people, so where lengths prove nothing the ending has to say so.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a failed test is a panic by design"
)]

#[path = "../benches/generate/mod.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the program of the same name")]
mod generate;

use std::collections::{BTreeMap, HashMap};

use clap::Parser as _;
use generate::story::Story;
use generate::{Options, Sinks};
use mailwitness::capture::{self, CaptureInput};
use mailwitness::cite::CaptureId;
use mailwitness::net::Role;
use mailwitness::smtp::ending::{Context, Ending, ending};
use mailwitness::smtp::{EndingKind, Session, Sessions};
use mailwitness::time::Span;
use serde_json::Value;

const SEEDS: std::ops::Range<u64> = 33..73;

/// By turns: none, and those that change when, in what order and in how many records things are said.
const ODDITIES: [&str; 6] = ["", "no_syn", "quit_behind_dot", "path_loss", "clock_steps", "auth"];

/// What must stand beside a word that is not the true one.
#[derive(Debug, Clone, Copy)]
enum Beside {
    /// That it may have been QUIT: such an ending confirms nothing.
    MayBeQuit,
    /// That it is inferred, and what is missing: such an ending contradicts nothing.
    Missing,
}

use Beside::{MayBeQuit, Missing};
use EndingKind::{ApplianceClosed, ApplianceStalled, CaptureEnded, Fin, Quit, Rst, Silence};

/// What is true, what may be said instead, and what has to be said with it.
const ALLOWED: &[(EndingKind, EndingKind, Beside)] = &[
    // Who closes first behind the answer to a QUIT-sized record is all that TCP shows; DATA has an answer as well.
    (Quit, Fin, MayBeQuit),
    // The sender resets what comes behind its QUIT.
    (Quit, Rst, MayBeQuit),
    // The server closed behind a QUIT-sized record, but with answers that do not pair with what the client said.
    (Quit, ApplianceClosed, MayBeQuit),
    // A quiet client's last record may have ended a body: then the answer was due from the server.
    (Silence, ApplianceClosed, Missing),
    (ApplianceStalled, ApplianceClosed, Missing),
];

#[test]
fn no_ending_of_an_encrypted_session_contradicts_the_truth() {
    let (mut shares, mut wrong) = (BTreeMap::<String, u32>::new(), Vec::new());
    let mut sessions = 0;
    for seed in SEEDS {
        let oddity = ODDITIES[seed as usize % ODDITIES.len()];
        let made = Made::new(seed, oddity);
        for (truth, session) in made.encrypted() {
            let told = told(session);
            let truth_kind: EndingKind = kind(&truth["ending"]["kind"]);
            let by = truth["ending"]["by"].as_str();
            sessions += 1;
            *shares.entry(format!("{truth_kind:?} told as {:?}", told.kind)).or_default() += 1;
            if !agrees(truth_kind, by, &told) {
                wrong.push(format!(
                    "seed {seed} {oddity:?}, session {} ({}): {:?} by {:?} is true, told {:?} by {:?}, may be QUIT {}, {:?}",
                    truth["session"], truth["story"], truth_kind, by, told.kind, told.by, told.may_be_quit, told.missing
                ));
            }
        }
    }
    for (what, number) in &shares {
        println!("{number:>5} {:>5.1} % {what}", f64::from(*number) * 100.0 / f64::from(sessions));
    }
    assert!(wrong.is_empty(), "{}\n{} of {sessions} are wrong", wrong.join("\n"), wrong.len());
    assert!(sessions > 1000, "{sessions}");
    // A tool that says nothing is never wrong: most are told by their true names.
    let equal: u32 = shares
        .iter()
        .filter(|(what, _)| what.split_once(" told as ").is_some_and(|(truth, told)| truth == told))
        .map(|(_, number)| number)
        .sum();
    assert!(equal * 100 >= sessions * 80, "{equal} of {sessions}");
}

fn agrees(truth: EndingKind, by: Option<&str>, told: &Ending) -> bool {
    let told_by = told.by.map(|role| if role == Role::Client { "client" } else { "server" });
    if told.kind == CaptureEnded {
        // It says nothing.
        return !told.missing.is_empty();
    }
    if told.kind == truth {
        return told_by == by;
    }
    ALLOWED.iter().any(|(true_kind, kind, beside)| {
        (*true_kind, *kind) == (truth, told.kind)
            && match beside {
                MayBeQuit => told.may_be_quit && told.inferred,
                Missing => told.inferred && !told.missing.is_empty(),
            }
    })
}

fn kind(name: &Value) -> EndingKind {
    let all = [Quit, Fin, Rst, Silence, ApplianceStalled, ApplianceClosed, CaptureEnded];
    let found = all.into_iter().find(|kind| serde_json::to_value(kind).unwrap() == *name);
    found.unwrap_or_else(|| panic!("no ending of a connection: {name}"))
}

fn told(session: &Session) -> Ending {
    let context = Context { appliance: Role::Server, silence: Span::from_seconds(60), aborted_at: None };
    ending(session, session.last_open_transaction(), &context)
}

/// A generated capture: its truth, and the sessions by their clients.
struct Made {
    truth: Vec<Value>,
    sessions: HashMap<String, Session>,
}

impl Made {
    fn new(seed: u64, oddity: &str) -> Self {
        let mix: Vec<_> = Story::ALL.iter().map(|(story, _)| format!("{}=1", story.name())).collect();
        let arguments = format!(
            "generate --sessions 60 --body 6000 --late 0 --tls 0.8 --seed {seed} --mix {} --equal-envelopes 0",
            mix.join(",")
        );
        let mut words: Vec<&str> = arguments.split_whitespace().collect();
        if !oddity.is_empty() {
            words.extend(["--oddity", oddity]);
        }
        let sinks = Sinks { capture: Vec::new(), log: Vec::new(), truth: Vec::new() };
        let made = generate::generate(&Options::parse_from(words), sinks).unwrap();
        let truth = made.1.truth.split(|octet| *octet == b'\n').filter(|line| !line.is_empty());
        let truth = truth.map(|line| serde_json::from_slice(line).unwrap()).collect();
        Self { truth, sessions: read(&made.1.capture) }
    }

    /// What is true of each encrypted session, and what was seen of it.
    fn encrypted(&self) -> impl Iterator<Item = (&Value, &Session)> {
        self.truth.iter().filter_map(|truth| {
            let session = self.sessions.get(truth["client"].as_str()?)?;
            session.dialog.encryption.as_ref()?;
            Some((truth, session))
        })
    }
}

fn read(capture: &[u8]) -> HashMap<String, Session> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wire");
    std::fs::write(&path, capture).unwrap();
    let mut sessions = Vec::new();
    let sink = Sessions::new(&[], |session| sessions.push(session));
    let input = CaptureInput { id: CaptureId(0), path, opened: None };
    let (sink, files) = capture::follow(vec![input], &capture::Options::default(), sink, &|_| {});
    assert!(files.iter().all(|file| file.error.is_none()));
    let phrasebook = sink.phrasebook;
    let taught = sessions.into_iter().map(|mut session| {
        phrasebook.teach(&mut session);
        (session.client().to_string(), session)
    });
    taught.collect()
}
