//! Reports over generated captures and logs, held against the generator's truth.
//!
//! The generator (`benches/generate`) shares no code with mailwitness. A wrong match is never
//! acceptable; where envelopes are distinct and in clear, everything must be found and judged right.

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

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

use assert_cmd::Command;
use clap::Parser as _;
use generate::{Options, Sinks};
use mailwitness::cite::LogId;
use mailwitness::maillog::{LogInput, ReadOptions, read_logs};
use serde_json::Value;

/// At least 99 of 100 lines are of a kind that is known, in a generated log and in those of the lab.
#[test]
fn nearly_every_line_is_known() {
    let options = Options::parse_from(["generate", "--sessions", "2000", "--seed", "21"]);
    let sinks = Sinks { capture: std::io::sink(), log: Vec::new(), truth: std::io::sink() };
    let (_, Sinks { log, .. }) = generate::generate(&options, sinks).unwrap();
    for words in [
        " interim verdict using engine: ",
        " antivirus ",
        " AMP ",
        " DLP ",
        " Outbreak Filters",
        " SPF: ",
        " SDR: ",
        " Custom Log Entry",
        " rewritten to ",
        " was split creating ",
        " was generated for bounce of ",
        " quarantined to ",
        " ISQ: Tagging ",
        " RPC Message done ",
        " Dropped by ",
        " DCID ",
        " Bounced: ",
        " Delayed: ",
        " Connection Error: ",
        " Status: ",
        " ICID ",
    ] {
        assert!(memchr::memmem::find(&log, words.as_bytes()).is_some(), "no line with{words}");
    }
    let mut logs = vec![log];
    let cases = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")).unwrap();
    logs.extend(cases.filter_map(|case| fs::read(case.unwrap().path().join("mail.log")).ok()));
    assert!(logs.len() > 5, "{} logs", logs.len());
    for log in logs {
        let input = LogInput { id: LogId(0), reader: Box::new(std::io::Cursor::new(log)) };
        let read = read_logs(vec![input], ReadOptions::default());
        let [file] = read.files.as_slice() else { panic!("{:?}", read.files) };
        // The shortest is what `grep` found of one message.
        assert!(file.records >= 5 && file.known * 100 >= file.records * 99, "{file:?}");
    }
}

#[test]
fn every_distinct_envelope_gets_the_right_flow_and_verdict() {
    let tally =
        run(&["--sessions", "400", "--equal-envelopes", "0", "--tls", "0", "--rate", "40", "--seed", "11"]);
    assert_eq!(tally.wrong, Vec::<String>::new());
    assert_eq!(tally.undetermined_though_knowable, Vec::<String>::new());
    assert!(tally.right > 400, "{}", tally.right);
}

#[test]
fn lost_reordered_and_repeated_segments_change_nothing() {
    let tally = run(&[
        "--sessions",
        "300",
        "--equal-envelopes",
        "0",
        "--tls",
        "0",
        "--seed",
        "12",
        "--reorder",
        "0.05",
        "--duplicate",
        "0.05",
        "--loss",
        "0.05",
        "--overlap",
        "0.5",
        "--wrap",
        "0.5",
        "--ipv6",
        "0.5",
    ]);
    assert_eq!(tally.wrong, Vec::<String>::new());
    assert_eq!(tally.undetermined_though_knowable, Vec::<String>::new());
}

#[test]
fn a_crowd_with_equal_envelopes_and_tls_is_never_matched_wrongly() {
    let tally = run(&[
        "--sessions",
        "400",
        "--equal-envelopes",
        "1",
        "--tls",
        "0.4",
        "--senders",
        "3",
        "--rate",
        "50",
        "--seed",
        "13",
    ]);
    assert_eq!(tally.wrong, Vec::<String>::new());
    assert!(tally.right > 0);
}

#[test]
fn frames_that_the_capture_missed_make_it_say_less_and_nothing_wrong() {
    let tally = run(&[
        "--sessions",
        "300",
        "--seed",
        "14",
        "--holes",
        "0.02",
        "--dialog-holes",
        "0.01",
        "--early",
        "10",
    ]);
    assert_eq!(tally.wrong, Vec::<String>::new());
}

#[test]
fn a_log_without_a_head_on_a_clock_minutes_off_is_fitted() {
    let tally = run(&[
        "--sessions",
        "300",
        "--equal-envelopes",
        "0",
        "--tls",
        "0",
        "--seed",
        "15",
        "--no-head",
        "--utc-offset",
        "19800",
        "--skew",
        "130",
    ]);
    assert_eq!(tally.wrong, Vec::<String>::new());
    assert!(tally.right > 300, "{}", tally.right);
}

/// What a report got right.
#[derive(Debug, Default)]
struct Tally {
    right: usize,
    /// A flow or a verdict that is not the true one.
    wrong: Vec<String>,
    undetermined_though_knowable: Vec<String>,
}

fn run(arguments: &[&str]) -> Tally {
    let folder = tempfile::tempdir().unwrap();
    generate_into(folder.path(), arguments);
    let report = report(folder.path());
    let truth = fs::read_to_string(folder.path().join("truth")).unwrap();
    let mut cases: HashMap<(Option<u64>, u64), &Value> = HashMap::new();
    // Deliveries bear the MIDs of what was received.
    for case in report["cases"].as_array().unwrap().iter().filter(|case| !case["icid"].is_null()) {
        cases.insert((case["mid"].as_u64(), case["icid"].as_u64().unwrap()), case);
    }
    let mut tally = Tally::default();
    for line in truth.lines() {
        let session: Value = serde_json::from_str(line).unwrap();
        let Some(icid) = session["icid"].as_u64() else { continue };
        for message in session["messages"].as_array().unwrap() {
            let mid = message["mid"].as_u64();
            let Some(case) = mid.and_then(|mid| cases.get(&(Some(mid), icid))) else { continue };
            weigh(&mut tally, case, &session, message);
        }
    }
    println!(
        "{arguments:?}: {} right, {} wrong, {} undetermined though knowable",
        tally.right,
        tally.wrong.len(),
        tally.undetermined_though_knowable.len()
    );
    tally
}

fn weigh(tally: &mut Tally, case: &Value, session: &Value, message: &Value) {
    let name = format!("MID {} ({}, {})", case["mid"], session["story"], session["client"]);
    let matched = case["match"]["outcome"] == "matched";
    if matched && !case["wire"].is_null() && case["wire"]["client"] != session["client"] {
        tally.wrong.push(format!("{name}: matched with {}", case["wire"]["client"]));
        return;
    }
    let expected = &message["expected"];
    if expected.is_null() {
        return;
    }
    let (found, kind) = (&case["verdict"], &case["wire"]["ending"]["kind"]);
    if found == expected && (!matched || kind == &message["kind"]) {
        tally.right += 1;
    } else if found == "undetermined" {
        tally
            .undetermined_though_knowable
            .push(format!("{name}: {} {}", case["explanation"], case["missing"]));
    } else {
        tally.wrong.push(format!(
            "{name}: {found} ({kind}), expected {expected} ({}): {}",
            message["kind"], case["explanation"]
        ));
    }
}

fn generate_into(folder: &Path, arguments: &[&str]) {
    let options = Options::parse_from(std::iter::once("generate").chain(arguments.iter().copied()));
    let create = |name: &str| BufWriter::new(File::create(folder.join(name)).unwrap());
    let sinks = Sinks { capture: create("wire.pcap"), log: create("mail.log"), truth: create("truth") };
    // Dropping the sinks flushes them.
    drop(generate::generate(&options, sinks).unwrap());
}

fn report(folder: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_mailwitness"))
        .current_dir(folder)
        .args(["report", "--all", "--format", "json", "wire.pcap", "mail.log"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
