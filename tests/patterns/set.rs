//! Sets of connections made out of the lab's cases: each copy has another sender, time, distance and other numbers
//! in the log.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

use crate::frames::{Frame, IP, RST, read, write};

/// One copy of a case.
#[derive(Clone)]
pub(crate) struct Copy {
    pub(crate) case: &'static str,
    /// The sender's address in place of the lab's 192.0.2.10.
    pub(crate) sender: [u8; 4],
    /// What is added to the TTL of the sender's packets.
    pub(crate) further: i16,
    /// Whether its resets come from as far away.
    pub(crate) resets_too: bool,
}

impl Copy {
    pub(crate) const fn of(case: &'static str, sender: [u8; 4]) -> Self {
        Self { case, sender, further: 0, resets_too: true }
    }
}

/// Seconds of the day at which the first copy begins, and from one to the next.
const BEGIN: u64 = 6 * 3_600;
const APART: u64 = 400;
const LAB_SENDER: [u8; 4] = [192, 0, 2, 10];

/// The report with `--all` on these copies, one after the other.
pub(crate) fn report(copies: &[Copy]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let (mut frames, mut log) = (Vec::new(), String::new());
    for (number, copy) in copies.iter().enumerate() {
        let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(copy.case);
        let own = read(&case.join("wire.pcap"));
        let begin = own[0].micros / 1_000_000 % 86_400;
        let earlier = i64::try_from(begin).unwrap() - i64::try_from(BEGIN + APART * number as u64).unwrap();
        frames.extend(own.into_iter().map(|frame| moved(frame, copy, number, earlier)));
        let text = fs::read_to_string(case.join("mail.log")).unwrap();
        for line in text.lines() {
            let of_a_connection = line.contains(" ICID ") || line.contains(" MID ");
            if of_a_connection || number == 0 {
                writeln!(log, "{}", renumbered(line, copy, number, earlier)).unwrap();
            }
        }
    }
    write(&folder.path().join("wire.pcap"), &frames);
    fs::write(folder.path().join("mail.log"), log).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_mailwitness"))
        .current_dir(folder.path())
        .args(["report", "--format", "json", "--all", "wire.pcap", "mail.log"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let matched =
        report["cases"].as_array().unwrap().iter().filter(|case| case["match"]["outcome"] == "matched");
    assert!(matched.count() >= copies.len(), "not all are found: {}", report["summary"]);
    report
}

/// The names of the patterns in a report.
pub(crate) fn patterns(report: &Value) -> Vec<&str> {
    report["patterns"].as_array().unwrap().iter().map(|pattern| pattern["name"].as_str().unwrap()).collect()
}

fn moved(mut frame: Frame, copy: &Copy, number: usize, earlier: i64) -> Frame {
    frame.micros = frame.micros.checked_add_signed(-earlier * 1_000_000).unwrap();
    let (tcp, by_sender) = (frame.tcp(), frame.octets[IP + 12..IP + 16] == LAB_SENDER);
    let (address, port) = if by_sender { (IP + 12, tcp) } else { (IP + 16, tcp + 2) };
    frame.octets[address..address + 4].copy_from_slice(&copy.sender);
    let port_number = 20_000 + u16::try_from(number).unwrap() * 7;
    frame.octets[port..port + 2].copy_from_slice(&port_number.to_be_bytes());
    if by_sender && (copy.resets_too || frame.flags() & RST == 0) {
        let ttl = i16::from(frame.octets[IP + 8]) + copy.further;
        frame.octets[IP + 8] = u8::try_from(ttl).unwrap();
    }
    frame.sealed()
}

/// `Wed Nov 25 17:46:26 2026 Info: ...`, at another time, of another ICID and MID.
fn renumbered(line: &str, copy: &Copy, number: usize, earlier: i64) -> String {
    let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let clock: Vec<i64> = words[3].split(':').map(|part| part.parse().unwrap()).collect();
    let second = clock[0] * 3_600 + clock[1] * 60 + clock[2] - earlier;
    words[3] = format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60);
    for place in 1..words.len() {
        if let ("ICID" | "MID", Ok(id)) = (words[place - 1].as_str(), words[place].parse::<u64>()) {
            words[place] = (id % 1_000 + 1_000 * (number as u64 + 1)).to_string();
        }
    }
    let sender = copy.sender.map(|octet| octet.to_string()).join(".");
    words.join(" ").replace(&LAB_SENDER.map(|octet| octet.to_string()).join("."), &sender)
}
