//! The same connections in any wrapping are the same sessions: links, tags, tunnels, fragments in any
//! order and files of all kinds change nothing but the numbers of frames.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a failed test is a panic by design")]

#[path = "../benches/generate/mod.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the program of the same name")]
mod generate;
mod wrap;

use std::sync::LazyLock;

use assert_cmd::Command;
use clap::Parser as _;
use generate::oddity::Oddity;
use generate::oddity::form::{FileForm, Kind};
use generate::oddity::link::Link;
use generate::oddity::packet::Fragments;
use generate::oddity::tunnel::Tunnel;
use generate::{Options, Sinks};
use proptest::prelude::*;
use serde_json::Value;
use wrap::{Plain, Wrapping, wrap};

/// The plain frames, and the sessions in them.
static PLAIN: LazyLock<(Vec<Plain>, Vec<Value>)> = LazyLock::new(|| {
    let arguments =
        "generate --sessions 40 --body 3000 --ipv6 0.5 --tls 0.2 --loss 0.05 --reorder 0.05 --seed 21";
    let options = Options::parse_from(arguments.split_whitespace());
    let sinks = Sinks { capture: Vec::new(), log: Vec::new(), truth: Vec::new() };
    let capture = generate::generate(&options, sinks).unwrap().1.capture;
    let sessions = sessions(&capture, false);
    assert!(sessions.len() >= 40);
    (frames(&capture), sessions)
});

/// The frames of a classic file in little-endian order, with microseconds.
fn frames(capture: &[u8]) -> Vec<Plain> {
    let word = |at: usize| i64::from(u32::from_le_bytes(capture[at..at + 4].try_into().unwrap()));
    let (mut at, mut all) = (24, Vec::new());
    while at < capture.len() {
        let length = word(at + 8) as usize;
        let nanos = word(at) * 1_000_000_000 + word(at + 4) * 1000;
        all.push(Plain { nanos, bytes: capture[at + 16..at + 16 + length].to_vec() });
        at += 16 + length;
    }
    all
}

/// What `sessions` writes of a capture, in the order of the first frames.
fn sessions(capture: &[u8], decap: bool) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("wire"), capture).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailwitness"));
    command.current_dir(folder.path()).args(["sessions", "--format", "json", "wire"]);
    if decap {
        command.arg("--decap");
    }
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let lines = output.stdout.split(|octet| *octet == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// Gives all frames in `value` the numbers that they have in the plain file.
fn renumber(value: &mut Value, numbers: &[Option<u64>]) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_u64().filter(|_| name == "frame" || name.ends_with("_frame")) {
                    Some(frame) => *field = numbers[frame as usize - 1].into(),
                    None => renumber(field, numbers),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| renumber(item, numbers)),
        _ => {}
    }
}

fn compare(wrapping: &Wrapping) {
    let (plain, expected) = &*PLAIN;
    let (file, numbers) = wrap(plain, wrapping);
    let mut found = sessions(&file, !wrapping.tunnels.is_empty());
    for session in &mut found {
        renumber(session, &numbers);
    }
    assert_eq!(found.len(), expected.len(), "{wrapping:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{wrapping:?}");
    }
}

/// Every link that the generator knows.
fn links() -> Vec<Link> {
    let named = Oddity::ALL.iter().filter_map(|oddity| oddity.link());
    std::iter::once(Link::Ethernet(0)).chain(named).collect()
}

/// Every tunnel.
fn tunnels() -> Vec<Tunnel> {
    Oddity::ALL.iter().filter_map(|oddity| oddity.tunnel()).collect()
}

const PLAIN_FILE: FileForm = FileForm { big_endian: false, kind: Kind::Pcap };

fn as_it_is() -> Wrapping {
    Wrapping { link: Link::Ethernet(0), tunnels: vec![], inner: None, outer: None, file: PLAIN_FILE }
}

#[test]
fn every_link_by_itself() {
    for link in links() {
        // SNAP takes eight of the 1500 octets that a frame with a length may have (IEEE 802.3 section 3.2.6).
        let snap = Fragments { units: 100, rotated: 0, backwards: false, twice: 0 };
        compare(&Wrapping { link, inner: (link == Link::Snap).then_some(snap), ..as_it_is() });
    }
}

#[test]
fn every_tunnel_by_itself() {
    for tunnel in tunnels() {
        compare(&Wrapping { tunnels: vec![tunnel], ..as_it_is() });
    }
}

#[test]
fn tunnels_are_left_alone_unless_they_are_asked_for() {
    let wrapping = Wrapping { tunnels: vec![Tunnel::Vxlan], ..as_it_is() };
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = wrap(&PLAIN.0, &wrapping);
    std::fs::write(folder.path().join("wire"), file).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_mailwitness"))
        .current_dir(folder.path())
        .args(["sessions", "--format", "json", "wire"])
        .output()
        .unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    let count = PLAIN.0.len();
    assert!(output.stdout.is_empty() && output.status.success(), "{words}");
    assert!(
        words.contains(&format!("{count} frames with TCP in tunnels")) && words.contains("--decap"),
        "{words}"
    );
}

#[test]
fn a_rotated_set_may_cut_a_datagram_in_two() {
    let inner = Some(Fragments { units: 40, rotated: 0, backwards: false, twice: 0 });
    let (file, _) = wrap(&PLAIN.0, &Wrapping { inner, ..as_it_is() });
    let all = frames(&file);
    let fragment = |frame: &Plain| frame.bytes[12] == 8 && frame.bytes[20] & 0x20 != 0;
    let middle = (all.len() / 2..).find(|&place| fragment(&all[place])).unwrap() + 1;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, frames: &[Plain], later: i64| {
        let frames: Vec<_> =
            frames.iter().map(|frame| Plain { nanos: frame.nanos + later, ..frame.clone() }).collect();
        // As they are: one more wrapping that changes nothing.
        std::fs::write(folder.path().join(name), plain_file(&frames)).unwrap();
    };
    write("1", &all[..middle], 0);
    write("2", &all[middle..], 1000);
    let shown = |names: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailwitness"));
        let output = command.current_dir(folder.path()).arg("sessions").args(names).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(shown(&["1", "2"]).0, Some(0), "{}", shown(&["1", "2"]).1);
    let (status, words) = shown(&["1"]);
    assert_eq!(status, Some(3));
    assert!(words.contains("IP fragments whose datagram is not whole"), "{words}");
}

/// Frames in a classic file.
fn plain_file(frames: &[Plain]) -> Vec<u8> {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
    file.extend([[0; 4], [0; 4], 262_144u32.to_le_bytes(), [1, 0, 0, 0]].concat());
    for frame in frames {
        let length = (frame.bytes.len() as u32).to_le_bytes();
        let seconds = ((frame.nanos / 1_000_000_000) as u32).to_le_bytes();
        let micros = ((frame.nanos % 1_000_000_000 / 1000) as u32).to_le_bytes();
        file.extend([seconds, micros, length, length].concat());
        file.extend(&frame.bytes);
    }
    file
}

fn fragments() -> impl Strategy<Value = Option<Fragments>> {
    let some = (3usize..100, 0usize..9, any::<bool>(), 0usize..4);
    proptest::option::of(some.prop_map(|(units, rotated, backwards, twice)| Fragments {
        units,
        rotated,
        backwards,
        twice,
    }))
}

fn file_form() -> impl Strategy<Value = FileForm> {
    let kind = prop_oneof![
        Just(Kind::Pcap),
        Just(Kind::Nanoseconds),
        Just(Kind::Modified),
        Just(Kind::Ixia),
        (1usize..500, 1usize..5).prop_map(|(every, interfaces)| Kind::Sections(every, interfaces)),
    ];
    (any::<bool>(), kind).prop_map(|(big_endian, kind)| FileForm { big_endian, kind })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_wrapping_gives_the_same_sessions(
        link in proptest::sample::select(links()),
        tunnels in proptest::collection::vec(proptest::sample::select(tunnels()), 0..4),
        inner in fragments(),
        outer in fragments(),
        file in file_form(),
    ) {
        let too_long = inner.is_none() || !tunnels.is_empty();
        let link = if link == Link::Snap && too_long { Link::Ethernet(2) } else { link };
        compare(&Wrapping { link, tunnels, inner, outer, file });
    }
}
