//! The oddities of the generator, held against the same stories without them: dialogue, ending and first close are
//! the same, but for what an oddity says that it changes.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed test is a panic by design"
)]

#[path = "oddities/essence.rs"]
mod essence;
#[path = "../benches/generate/mod.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the program of the same name")]
mod generate;

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::sync::{LazyLock, Mutex};

use assert_cmd::Command;
use clap::Parser as _;
use essence::{Essence, essence, truth_of};
use flate2::Compression;
use flate2::write::GzEncoder;
use generate::oddity::{Family, Oddity};
use generate::story::Story;
use generate::{Options, Sinks};
use proptest::prelude::*;
use serde_json::Value;

/// What a run shows: of each session, by its number, the truth and what `sessions` says.
type Shown = BTreeMap<u64, (Value, Option<Value>)>;

/// Every story about as often as every other, in captures that are quick to read.
fn arguments(seed: u64) -> String {
    let mix: Vec<_> = Story::ALL.iter().map(|(story, _)| format!("{}=1", story.name())).collect();
    let (ipv6, mix) = (if seed.is_multiple_of(2) { "1" } else { "0.3" }, mix.join(","));
    format!(
        "generate --sessions 60 --body 6000 --late 0 --tls 0.15 --ipv6 {ipv6} --seed {seed} --mix {mix} \
         --equal-envelopes 0"
    )
}

/// Makes a capture with some oddities and reads it.
fn shown(seed: u64, oddities: &[Oddity]) -> Shown {
    let names: Vec<_> = oddities.iter().map(|oddity| oddity.name()).collect();
    let names = names.join(",");
    let arguments = arguments(seed);
    let mut words: Vec<&str> = arguments.split_whitespace().collect();
    words.extend(["--oddity", &names]);
    let (capture, truth) = made(&words);
    let has = |oddity| oddities.contains(&oddity);
    let capture = if has(Oddity::GzipGarbage) { compressed(&capture) } else { capture };
    let tunnel = oddities.iter().any(|oddity| oddity.family() == Family::Tunnel);
    let mut options = Vec::new();
    if tunnel {
        options.push("--decap");
    }
    if has(Oddity::AnyPort) && !has(Oddity::HttpConnect) {
        options.extend(["--port", "10025"]);
    }
    let damaged = has(Oddity::CutFile) || has(Oddity::GzipGarbage);
    let sessions = sessions(&capture, &options, damaged, &names);
    let mut by_client: HashMap<String, Value> = HashMap::new();
    for session in sessions {
        let client = session["client"].as_str().unwrap().to_owned();
        assert!(by_client.insert(client, session).is_none(), "{names}, seed {seed}: a connection is two");
    }
    let mut all = Shown::new();
    for line in truth.split(|octet| *octet == b'\n').filter(|line| !line.is_empty()) {
        let truth: Value = serde_json::from_slice(line).unwrap();
        let session = by_client.remove(truth["client"].as_str().unwrap());
        all.insert(truth["session"].as_u64().unwrap(), (truth, session));
    }
    assert!(by_client.is_empty(), "{names}, seed {seed}: {} that nobody made", by_client.len());
    all
}

/// A capture and its truth.
fn made(words: &[&str]) -> (Vec<u8>, Vec<u8>) {
    let sinks = Sinks { capture: Vec::new(), log: Vec::new(), truth: Vec::new() };
    let (_, Sinks { capture, truth, .. }) = generate::generate(&Options::parse_from(words), sinks).unwrap();
    (capture, truth)
}

fn compressed(capture: &[u8]) -> Vec<u8> {
    let mut file = GzEncoder::new(Vec::new(), Compression::fast());
    file.write_all(capture).unwrap();
    [&file.finish().unwrap()[..], b"\0\0behind the compressed octets\0"].concat()
}

fn sessions(capture: &[u8], options: &[&str], damaged: bool, names: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("wire"), capture).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailwitness"));
    command.current_dir(folder.path()).args(["sessions", "--format", "json", "wire"]).args(options);
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let status = output.status.code();
    assert!(status == Some(0) || damaged && status == Some(3), "{names}: {errors}");
    let lines = output.stdout.split(|octet| *octet == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// What is shown without any oddity, by seed.
fn plain(seed: u64) -> Shown {
    static PLAIN: LazyLock<Mutex<HashMap<u64, Shown>>> = LazyLock::new(Mutex::default);
    let known = PLAIN.lock().unwrap().get(&seed).cloned();
    known.unwrap_or_else(|| {
        let made = shown(seed, &[]);
        PLAIN.lock().unwrap().insert(seed, made.clone());
        made
    })
}

/// Differences between what is shown with the oddities and without.
fn differences(seed: u64, oddities: &[Oddity]) -> Vec<String> {
    let (plain, odd) = (plain(seed), shown(seed, oddities));
    assert_eq!(plain.len(), odd.len());
    let mut wrong = Vec::new();
    for ((number, (truth, session)), (odd_truth, odd_session)) in plain.iter().zip(odd.values()) {
        let place = format!("{:?}, seed {seed}, session {number} ({})", oddities, truth["story"]);
        let (expected, found) = (truth_of(truth, oddities), truth_of(odd_truth, oddities));
        if expected != found {
            wrong.push(format!("{place}: truth {found}\n  without {expected}"));
        }
        if odd_session.is_none()
            && oddities.contains(&Oddity::HttpConnect)
            && truth["ending"]["stage"] == "connect"
        {
            continue;
        }
        let expected: Essence = essence(session.as_ref(), oddities);
        let found = essence(odd_session.as_ref(), oddities);
        for (what, expected) in &expected {
            if found.get(what) != Some(expected) {
                let found = found.get(what).map_or("nothing", String::as_str);
                wrong.push(format!("{place}: {what}\n  found   {found}\n  without {expected}"));
            }
        }
    }
    wrong
}

#[test]
fn every_oddity_by_itself_changes_what_it_says_and_no_more() {
    let all = [31, 33, 34].into_iter().flat_map(|seed| Oddity::ALL.iter().map(move |oddity| (seed, *oddity)));
    let all = all.flat_map(|(seed, oddity)| differences(seed, &[oddity]));
    let wrong: Vec<_> = all.chain(differences(32, &[Oddity::Extensions])).collect();
    assert!(wrong.is_empty(), "{}\n{} differences", wrong.join("\n"), wrong.len());
}

#[test]
fn every_oddity_is_in_the_file() {
    let arguments = arguments(32);
    let words: Vec<&str> = arguments.split_whitespace().collect();
    let (plain, _) = made(&words);
    // What stands behind compressed octets is not the capture's own.
    for oddity in Oddity::ALL.iter().filter(|oddity| **oddity != Oddity::GzipGarbage) {
        let (odd, _) = made(&[&words[..], &["--oddity", oddity.name()]].concat());
        assert!(odd != plain, "{oddity:?}");
    }
}

/// Two oddities of different families.
fn pair() -> impl Strategy<Value = [Oddity; 2]> {
    let any = || proptest::sample::select(Oddity::ALL.to_vec());
    (any(), any()).prop_filter_map("of one family", |(one, other)| {
        (one.family() != other.family()).then_some([one, other])
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn oddities_of_two_families_go_together(pair in pair(), seed in 31u64..35) {
        let wrong = differences(seed, &pair);
        prop_assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
