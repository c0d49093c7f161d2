//! What pcapng tells of the interfaces and of frames that were dropped.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{case_file, code, mailwitness, text};

/// The capture of a case as pcapng of one interface, which dropped so many frames.
fn as_pcapng(case: &str, dropped: u64) -> Vec<u8> {
    let pcap = fs::read(case_file(case, "wire.pcap")).unwrap();
    let word = |at: usize| u32::from_le_bytes(pcap[at..at + 4].try_into().unwrap());
    let (nanoseconds, link) = (word(0) == 0xa1b2_3c4d, word(20));
    let resolution: u64 = if nanoseconds { 1_000_000_000 } else { 1_000_000 };
    let block = |kind: u32, body: &[u8]| {
        let length = (12 + body.len().next_multiple_of(4)) as u32;
        let mut octets = [kind.to_le_bytes(), length.to_le_bytes()].concat();
        octets.extend_from_slice(body);
        octets.resize(length as usize - 4, 0);
        [octets, length.to_le_bytes().to_vec()].concat()
    };
    let option = |code: u16, value: &[u8]| {
        let mut octets = [code.to_le_bytes(), (value.len() as u16).to_le_bytes()].concat();
        octets.extend_from_slice(value);
        octets.resize(octets.len().next_multiple_of(4), 0);
        octets
    };
    let mut section = 0x1a2b_3c4du32.to_le_bytes().to_vec();
    section.extend([1, 0, 0, 0]);
    section.extend(u64::MAX.to_le_bytes());
    let mut interface = (link as u16).to_le_bytes().to_vec();
    interface.extend([0, 0]);
    interface.extend(262_144u32.to_le_bytes());
    interface.extend(option(2, b"Data 1"));
    interface.extend(option(9, &[if nanoseconds { 9 } else { 6 }]));
    interface.extend(option(11, b"\0tcp port 25"));
    let mut file = [block(0x0a0d_0d0a, &section), block(1, &interface)].concat();
    let mut place = 24;
    while place < pcap.len() {
        let ticks = u64::from(word(place)) * resolution + u64::from(word(place + 4));
        let (captured, original) = (word(place + 8), word(place + 12));
        let mut packet = 0u32.to_le_bytes().to_vec();
        packet.extend(((ticks >> 32) as u32).to_le_bytes());
        packet.extend((ticks as u32).to_le_bytes());
        packet.extend(captured.to_le_bytes());
        packet.extend(original.to_le_bytes());
        packet.extend_from_slice(&pcap[place + 16..place + 16 + captured as usize]);
        file.extend(block(6, &packet));
        place += 16 + captured as usize;
    }
    let mut statistics = [0; 12].to_vec();
    statistics.extend(option(4, &100u64.to_le_bytes()));
    statistics.extend(option(7, &dropped.to_le_bytes()));
    file.extend(block(5, &statistics));
    file
}

fn report(case: &str, dropped: u64, format: &str) -> String {
    let folder = TempDir::new().unwrap();
    let capture = folder.path().join("wire.pcapng");
    fs::write(&capture, as_pcapng(case, dropped)).unwrap();
    let log = case_file(case, "mail.log");
    let output = mailwitness(&["report", capture.to_str().unwrap(), &log, "--format", format]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn interfaces_are_told_in_json() {
    let report: Value = serde_json::from_str(&report("fin-after-rcpt", 0, "json")).unwrap();
    let interfaces = &report["inputs"][0]["interfaces"];
    assert_eq!(interfaces.as_array().unwrap().len(), 1);
    let expected = [
        ("section", json!(0)),
        ("number", json!(0)),
        ("name", json!("Data 1")),
        ("link_type", json!(1)),
        ("link", json!("ETHERNET")),
        ("snapshot_length", json!(262_144)),
        ("filter", json!("tcp port 25")),
        ("received", json!(100)),
        ("dropped_by_interface", Value::Null),
        ("dropped_by_system", json!(0)),
    ];
    for (key, value) in expected {
        assert_eq!(interfaces[0][key], value, "{key}");
    }
    let ticks = interfaces[0]["ticks_per_second"].as_u64().unwrap();
    assert!([1_000_000, 1_000_000_000].contains(&ticks));
    assert!(report["inputs"][1].get("interfaces").is_none(), "a log has none");
}

#[test]
fn whoever_judges_a_silence_is_told_of_drops() {
    let against = |case: &str, dropped: u64| {
        let report: Value = serde_json::from_str(&report(case, dropped, "json")).unwrap();
        let notes = report["notes"].to_string().contains("dropped 17 frames");
        let case = &report["cases"][0];
        let counted = case["evidence_against"].to_string().contains("dropped 17 frames of this capture");
        (case["wire"]["ending"]["kind"].as_str().unwrap().to_owned(), notes, counted)
    };
    assert_eq!(against("silence-until-timer", 0), ("silence".to_owned(), false, false));
    assert_eq!(against("silence-until-timer", 17), ("silence".to_owned(), true, true));
    assert_eq!(against("fin-after-rcpt", 17), ("fin".to_owned(), true, false));
    let shown = report("silence-until-timer", 17, "text");
    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("says that it dropped 17 frames on Data 1"), "{shown}");
    assert!(
        words.contains("dropped 17 frames of this capture: one of them may have ended the silence"),
        "{shown}"
    );
}
