//! `report --outside`: a second capture, made here from a lab case's own by changing what a device or a
//! translation would change, and what a careless comparison would take for it.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a failed test is a panic by design"
)]

mod files;
#[path = "../shared/frames.rs"]
mod frames;
mod innocent;
mod lab;

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use frames::{Frame, IP, RST, read, write};
use mailwitness::cause::outside::RULES;
use serde_json::Value;

/// The frames as they are beside the sender, by a clock that is 2.5 s ahead; a frame of another
/// connection follows long after.
fn further_out(frames: &[Frame]) -> Vec<Frame> {
    out_by(HOPS, frames)
}

/// The hops from the sender of a lab case to its appliance.
const HOPS: u8 = 3;

/// The same, so many hops from the appliance.
fn out_by(hops: u8, frames: &[Frame]) -> Vec<Frame> {
    let mut out: Vec<Frame> = frames.iter().filter(|frame| frame.is_tcp()).cloned().collect();
    for frame in &mut out {
        frame.micros += 2_500_000;
        let ttl = frame.octets[IP + 8];
        let out_there = if frame.to_port_25() { ttl + hops } else { ttl - hops };
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
    let (code, report) = run(name, outside);
    assert_eq!(code, 0, "{report}");
    report
}

/// Exit code and report.
fn run(name: &str, outside: &Path) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_mailwitness"))
        .current_dir(case(name))
        .args(["report", "--format", "json", "wire.pcap", "mail.log", "--outside"])
        .arg(outside)
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout);
    (output.status.code().unwrap(), report.unwrap_or_else(|_| String::from_utf8_lossy(&output.stderr).into()))
}

/// The signs of the outside capture, and the cause.
fn outcome(report: &Value) -> (Vec<String>, String) {
    let case = &report["cases"][0];
    let names = case["signs"].as_array().unwrap().iter().map(|sign| sign["name"].as_str().unwrap());
    let of_outside = |name: &&str| RULES.iter().any(|rule| rule.name == *name);
    let names = names.filter(of_outside).map(str::to_owned).collect();
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
    assert!(notes.contains("Their clock is 2.500000 s ahead"), "{notes}");
    let mut slow = further_out(&frames);
    slow.iter_mut().for_each(|frame| frame.micros -= 5_000_000);
    let notes = with_outside("rst-in-body", &slow)["notes"].to_string();
    assert!(notes.contains("Their clock is 2.500000 s behind"), "{notes}");
}

/// A device may stand beyond a capture that was not taken beside the sender.
#[test]
fn what_is_on_both_sides_of_the_near_half_of_a_path_names_nobody() {
    let frames = read(&case("rst-in-body").join("wire.pcap"));
    let near = with_outside("rst-in-body", &out_by(2, &frames));
    assert_eq!(outcome(&near), found(&["same_on_both_sides"], "sender_reset likely"));
    for device in
        ["silent-drop-in-body", "idle-timeout-silent", "link-down-without-icmp", "rst-forged-to-sender-only"]
    {
        let frames = read(&case(device).join("wire.pcap"));
        let (_, cause) = outcome(&with_outside(device, &out_by(1, &frames)));
        assert!(!cause.ends_with("named"), "{device}: {cause}");
    }
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

/// The capture with one octet changed of a segment of the sender.
fn one_octet_changed(which: impl Fn(&[Frame]) -> Option<usize>) -> Vec<Frame> {
    let mut out = further_out(&read(&case("rst-in-body").join("wire.pcap")));
    let place = which(&out).unwrap();
    let begin = out[place].payload().start;
    out[place].octets[begin] ^= 0x01;
    out.into_iter().map(Frame::sealed).collect()
}

fn says(frame: &Frame) -> bool {
    frame.to_port_25() && !frame.payload().is_empty()
}

#[test]
fn octets_that_differ_were_changed() {
    let out = one_octet_changed(|frames| frames.iter().rposition(says));
    let changed = outcome(&with_outside("rst-in-body", &out));
    assert_eq!(changed, found(&["changed_in_between"], "middlebox_rewriting named"));
}

#[test]
fn a_change_that_the_dialogue_survived_ended_nothing() {
    let out = one_octet_changed(|frames| frames.iter().position(says));
    let survived = outcome(&with_outside("rst-in-body", &out));
    assert_eq!(survived, found(&["changed_in_between", "same_on_both_sides"], "sender_reset named"));
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
