//! `report --outside`: a second capture, made here from a lab case's own by changing what a device or a
//! translation would change, and what a careless comparison would take for it.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a failed test is a panic by design"
)]

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

/// One frame of a classic pcap with microseconds: its time and its octets (Ethernet, IPv4, TCP).
#[derive(Clone)]
struct Frame {
    micros: u64,
    octets: Vec<u8>,
}

const IP: usize = 14;
const RST: u8 = 0x04;

impl Frame {
    fn tcp(&self) -> usize {
        IP + usize::from(self.octets[IP] & 0x0f) * 4
    }
    fn flags(&self) -> u8 {
        self.octets[self.tcp() + 13]
    }
    fn payload(&self) -> std::ops::Range<usize> {
        let end = IP + usize::from(u16::from_be_bytes([self.octets[IP + 2], self.octets[IP + 3]]));
        self.tcp() + usize::from(self.octets[self.tcp() + 12] >> 4) * 4..end
    }
    fn to_port_25(&self) -> bool {
        self.octets[self.tcp() + 2..self.tcp() + 4] == [0, 25]
    }
    fn is_tcp(&self) -> bool {
        self.octets[12..14] == [8, 0] && self.octets[IP + 9] == 6
    }
    /// Fills in both checksums anew.
    fn sealed(mut self) -> Self {
        let (tcp, end) = (self.tcp(), self.payload().end);
        self.octets[IP + 10..IP + 12].fill(0);
        let sum = folded(&self.octets[IP..tcp], 0);
        self.octets[IP + 10..IP + 12].copy_from_slice(&(!sum).to_be_bytes());
        self.octets[tcp + 16..tcp + 18].fill(0);
        let pseudo = u32::from(folded(&self.octets[IP + 12..IP + 20], 0)) + 6 + (end - tcp) as u32;
        let sum = folded(&self.octets[tcp..end], pseudo);
        self.octets[tcp + 16..tcp + 18].copy_from_slice(&(!sum).to_be_bytes());
        self
    }
}

fn folded(octets: &[u8], begin: u32) -> u16 {
    let pairs = octets.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum = begin + pairs.sum::<u32>();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap()
}

fn read(path: &Path) -> Vec<Frame> {
    let file = fs::read(path).unwrap();
    assert_eq!(file[..4], [0xd4, 0xc3, 0xb2, 0xa1], "classic, little-endian, microseconds");
    let word = |at: usize| u64::from(u32::from_le_bytes(file[at..at + 4].try_into().unwrap()));
    let mut frames = Vec::new();
    let mut at = 24;
    while at < file.len() {
        let length = usize::try_from(word(at + 8)).unwrap();
        frames.push(Frame {
            micros: word(at) * 1_000_000 + word(at + 4),
            octets: file[at + 16..at + 16 + length].to_vec(),
        });
        at += 16 + length;
    }
    frames
}

fn write(path: &Path, frames: &[Frame]) {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
    for frame in frames {
        let length = frame.octets.len() as u64;
        for word in [frame.micros / 1_000_000, frame.micros % 1_000_000, length, length] {
            file.extend_from_slice(&u32::try_from(word).unwrap().to_le_bytes());
        }
        file.extend_from_slice(&frame.octets);
    }
    fs::write(path, file).unwrap();
}

/// The frames as they pass two routers further out, by a clock that is 2.5 s ahead; a frame of another
/// connection follows long after.
fn further_out(frames: &[Frame]) -> Vec<Frame> {
    let mut out: Vec<Frame> = frames.iter().filter(|frame| frame.is_tcp()).cloned().collect();
    for frame in &mut out {
        frame.micros += 2_500_000;
        let out_there = if frame.to_port_25() { frame.octets[IP + 8] + 2 } else { frame.octets[IP + 8] - 2 };
        frame.octets[IP + 8] = out_there;
    }
    let mut other = out.last().unwrap().clone();
    other.micros += 60_000_000;
    let tcp = other.tcp();
    other.octets[tcp..tcp + 4].copy_from_slice(&[0x77, 0x77, 0x66, 0x66]);
    out.push(other);
    out.into_iter().map(Frame::sealed).collect()
}

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(name)
}

/// The report on a lab case with `frames` as the outside capture.
fn with_outside(name: &str, frames: &[Frame]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outside.pcap");
    write(&path, frames);
    report(name, &path)
}

fn report(name: &str, outside: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_mailwitness"))
        .current_dir(case(name))
        .args(["report", "--format", "json", "wire.pcap", "mail.log", "--outside"])
        .arg(outside)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

const NAMES: [&str; 5] = [
    "reset_made_in_between",
    "dropped_in_between",
    "dropped_in_between_at_a_limit",
    "changed_in_between",
    "same_on_both_sides",
];

/// The signs of the outside capture, and the cause.
fn outcome(report: &Value) -> (Vec<String>, String) {
    let case = &report["cases"][0];
    let names = case["signs"].as_array().unwrap().iter().map(|sign| sign["name"].as_str().unwrap());
    let names = names.filter(|name| NAMES.contains(name)).map(str::to_owned).collect();
    let word = |key: &str| case[key].as_str().unwrap_or("-").to_owned();
    (names, format!("{} {}", word("cause"), word("confidence")))
}

fn found(names: &[&str], cause: &str) -> (Vec<String>, String) {
    (names.iter().map(|name| (*name).to_owned()).collect(), cause.to_owned())
}

#[test]
fn a_reset_on_both_sides_is_the_senders() {
    let frames = read(&case("rst-in-body").join("wire.pcap"));
    let report = with_outside("rst-in-body", &further_out(&frames));
    assert_eq!(outcome(&report), found(&["same_on_both_sides"], "sender_reset named"));
    let notes = report["notes"].to_string();
    assert!(notes.contains("1 of the cases' 1 connections were found in them, 1 of these whole"), "{notes}");
    assert!(notes.contains("+2.500000 s ahead"), "{notes}");
}

#[test]
fn a_reset_on_the_inside_only_was_made_in_between() {
    let frames = read(&case("rst-in-body").join("wire.pcap"));
    let mut out = further_out(&frames);
    let before = out.len();
    let last = out.pop().unwrap();
    out.retain(|frame| frame.flags() & RST == 0);
    out.push(last);
    assert!(out.len() < before);
    assert_eq!(
        outcome(&with_outside("rst-in-body", &out)),
        found(&["reset_made_in_between"], "middlebox_reset named")
    );
}

#[test]
fn a_capture_that_lacks_frames_accuses_nobody() {
    let frames = read(&case("rst-in-body").join("wire.pcap"));
    // The reset is lacking, and so is a segment that did arrive.
    let mut out = further_out(&frames);
    out.retain(|frame| frame.flags() & RST == 0);
    let body = out.iter().position(|frame| frame.to_port_25() && frame.payload().len() > 1000).unwrap();
    out.remove(body);
    let (names, cause) = outcome(&with_outside("rst-in-body", &out));
    assert!(names.is_empty() && !cause.starts_with("middlebox"), "{names:?} {cause}");
    // And one that ends before the reset.
    let mut out = further_out(&frames);
    let reset = out.iter().position(|frame| frame.flags() & RST != 0).unwrap();
    out.truncate(reset);
    let (names, cause) = outcome(&with_outside("rst-in-body", &out));
    assert!(names.is_empty() && !cause.starts_with("middlebox"), "{names:?} {cause}");
}

#[test]
fn a_translated_connection_is_found_again() {
    let frames = read(&case("rst-in-body").join("wire.pcap"));
    let mut out = further_out(&frames);
    let nothing = out.len() - 1;
    for frame in &mut out[..nothing] {
        let (place, port) = if frame.to_port_25() { (12, 0) } else { (16, 2) };
        frame.octets[IP + place..IP + place + 4].copy_from_slice(&[203, 0, 113, 77]);
        let tcp = frame.tcp();
        frame.octets[tcp + port..tcp + port + 2].copy_from_slice(&[0xea, 0x60]);
    }
    let out: Vec<Frame> = out.into_iter().map(Frame::sealed).collect();
    assert_eq!(
        outcome(&with_outside("rst-in-body", &out)),
        found(&["same_on_both_sides"], "sender_reset named")
    );
}

#[test]
fn renumbering_by_a_firewall_is_no_change() {
    let frames = read(&case("rst-in-body").join("wire.pcap"));
    let mut out = further_out(&frames);
    for frame in &mut out {
        let place = frame.tcp() + if frame.to_port_25() { 4 } else { 8 };
        let number = u32::from_be_bytes(frame.octets[place..place + 4].try_into().unwrap());
        frame.octets[place..place + 4].copy_from_slice(&number.wrapping_add(0xfeed_0000).to_be_bytes());
    }
    let out: Vec<Frame> = out.into_iter().map(Frame::sealed).collect();
    assert_eq!(
        outcome(&with_outside("rst-in-body", &out)),
        found(&["same_on_both_sides"], "sender_reset named")
    );
}

#[test]
fn octets_that_differ_were_changed() {
    let frames = read(&case("rst-in-body").join("wire.pcap"));
    let mut out = further_out(&frames);
    let first = out.iter_mut().find(|frame| frame.to_port_25() && !frame.payload().is_empty()).unwrap();
    let place = first.payload().start;
    first.octets[place] ^= 0x01;
    let out: Vec<Frame> = out.into_iter().map(Frame::sealed).collect();
    let (names, cause) = outcome(&with_outside("rst-in-body", &out));
    assert_eq!(names, ["changed_in_between"]);
    assert_eq!(cause, "middlebox_rewriting named");
}

#[test]
fn octets_on_the_outside_only_were_dropped() {
    let frames = read(&case("silence-until-timer").join("wire.pcap"));
    let out = further_out(&frames);
    assert_eq!(
        outcome(&with_outside("silence-until-timer", &out)),
        found(&["same_on_both_sides"], "sender_stalled named")
    );
    // DATA, sent behind the sender's last command and never arrived.
    let mut out = out;
    let last = out.iter().rposition(|frame| frame.to_port_25() && !frame.payload().is_empty()).unwrap();
    let mut data = out[last].clone();
    let payload = data.payload();
    let tcp = data.tcp();
    let number = u32::from_be_bytes(data.octets[tcp + 4..tcp + 8].try_into().unwrap());
    let number = number.wrapping_add(u32::try_from(payload.len()).unwrap());
    data.octets[tcp + 4..tcp + 8].copy_from_slice(&number.to_be_bytes());
    data.octets.truncate(payload.start);
    data.octets.extend_from_slice(b"DATA\r\n");
    let length = u16::try_from(data.octets.len() - IP).unwrap();
    data.octets[IP + 2..IP + 4].copy_from_slice(&length.to_be_bytes());
    data.micros += 200_000;
    out.insert(last + 2, data.sealed());
    assert_eq!(
        outcome(&with_outside("silence-until-timer", &out)),
        found(&["dropped_in_between"], "path_lost_data named")
    );
}

/// The lab's own captures of the sender's side, where cases have one: nobody is accused where nothing was in
/// between, and what they show is printed.
#[test]
fn captures_of_the_labs_senders() {
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")).unwrap();
    let mut names: Vec<String> = folders
        .map(|entry| entry.unwrap())
        .filter(|entry| ["sender.pcap", "wire.pcap"].iter().all(|name| entry.path().join(name).is_file()))
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    for name in names {
        let report = report(&name, Path::new("sender.pcap"));
        if report["cases"].as_array().unwrap().is_empty() {
            // Delivered all the same: there is nothing to settle.
            continue;
        }
        let (signs, cause) = outcome(&report);
        println!("{name}: {signs:?} {cause}; {}", report["notes"]);
        let note = report["notes"].to_string();
        assert!(note.contains("Captures of the sender's side"), "{name}: {note}");
    }
}
