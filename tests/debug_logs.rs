//! The appliance's debug logs against the wire, in every case of `captures/`.
//!
//! Where the lab's listener wrote a debug log beside the capture, both must tell the same octets. For
//! every case such a log is also made from the wire itself, and then one octet is changed, taken out
//! or put in: the report must point it out.

// A failed test is a panic by design, in its helpers too.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used
)]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use mailwitness::capture::{
    CaptureInput, Chunk, Conversation, Flow, FlowSink, FlowStart, Gap, Interest, Options, OriginatorFrom,
    Side, follow,
};
use mailwitness::cite::{CaptureId, Moment};
use serde_json::Value;

const NAME: &str = "injection_debug.log";

#[test]
fn the_labs_own_debug_logs_agree_with_the_wire() {
    let (mut compared, mut uncompared, mut octets) = (0, 0, 0);
    for folder in cases().into_iter().filter(|folder| folder.join(NAME).is_file()) {
        let report = report(&folder, &folder.join(NAME));
        let name = folder.display();
        for case in report["cases"].as_array().unwrap() {
            let account = &case["debug_log"];
            assert!(account.is_object(), "{name}: no debug log of {}", case["icid"]);
            if account["agrees"].is_null() {
                // Its connection is not found for certain; the remark must say so.
                assert!(account["remarks"].to_string().contains("not compared"), "{name}: {case:#}");
                uncompared += 1;
                continue;
            }
            for side in ["received", "sent"] {
                let one = &account[side];
                assert_eq!(one["first_difference"], Value::Null, "{name}: {case:#}");
                assert_eq!(one["only_in_log"], 0, "{name}: {case:#}");
                let told = number(&one["equal"]) + number(&one["in_gaps"]) + number(&one["credentials"]);
                if one["stopped"].is_null() {
                    assert_eq!(told, number(&one["in_log"]), "{name}: {case:#}");
                }
                octets += number(&one["equal"]);
            }
            compared += 1;
        }
    }
    println!(
        "{compared} cases with a debug log of the lab's listener compared, {octets} octets the same; {uncompared} not found for certain"
    );
}

#[test]
fn a_log_made_from_the_wire_agrees_octet_by_octet() {
    let mut compared = 0;
    for folder in cases() {
        // A case of deliveries alone has no ICID that it could tell of.
        let Some(lines) = made_from_wire(&folder).filter(|lines| !lines.is_empty()) else { continue };
        // Captures and clocks of this family are damaged on purpose; a log made from such a wire is, too.
        if fs::read_to_string(folder.join("case.toml")).unwrap().contains("family = \"trouble\"") {
            continue;
        }
        let report = with_log(&folder, &written(&lines));
        for case in report["cases"].as_array().unwrap() {
            let account = &case["debug_log"];
            assert_eq!(account["agrees"], true, "{}: {case:#}", folder.display());
            for side in ["received", "sent"] {
                let one = &account[side];
                let told = number(&one["equal"]) + number(&one["credentials"]);
                assert_eq!(told, number(&one["in_log"]), "{}", folder.display());
                assert_eq!(told, number(&one["on_wire"]), "{}", folder.display());
            }
            // Bodies are told from the dialogue by their go-aheads, which BDAT has none of.
            let chunked = lines.iter().any(|line| line.octets.starts_with(b"BDAT"));
            assert!(!chunked || account["body_octets"].is_null(), "{}", folder.display());
            // A refusal within the body ends the log's account of it, while the sender still sends.
            let refused = case["wire"]["ending"]["kind"] == "refused";
            let clear = case["wire"]["encrypted"] == false;
            if number(&case["wire"]["body_octets"]) > 0 && clear && !chunked && !refused {
                assert_eq!(account["body_octets"], account["wire_body_octets"], "{}", folder.display());
            }
            compared += 1;
        }
        let kinds: Vec<&Value> =
            report["inputs"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
        assert!(kinds.contains(&&Value::from("debug_log")), "{kinds:?}");
    }
    println!("{compared} cases compared with a log made from their wire");
    assert!(compared >= 7, "only {compared}");
}

/// One octet of what one side said is changed in the log, taken out, put in; in command and in body.
#[test]
fn one_octet_is_pointed_out() {
    for (case, icid) in [("fin-after-rcpt", 10293), ("rst-in-body", 10294)] {
        let folder = root().join(case);
        let Some(whole) = made_from_wire(&folder) else { continue };
        let icid = whole.iter().map(|line| line.icid).next().unwrap_or(icid);
        for sent in [false, true] {
            let of_side: Vec<usize> =
                (0..whole.len()).filter(|&at| whole[at].sent == sent && whole[at].icid == icid).collect();
            let at = *of_side.last().unwrap();
            let before: usize =
                of_side.iter().take_while(|&&one| one < at).map(|&one| whole[one].octets.len()).sum();
            let place = whole[at].octets.len() / 2;
            for change in ["changed", "only_on_wire", "only_in_log"] {
                let mut lines = whole.clone();
                let octets = &mut lines[at].octets;
                match change {
                    "changed" => octets[place] ^= 0x20,
                    "only_on_wire" => drop(octets.remove(place)),
                    _ => octets.insert(place, b'#'),
                }
                let report = with_log(&folder, &written(&lines));
                let case = &report["cases"][0];
                let account = &case["debug_log"];
                let side = if sent { "sent" } else { "received" };
                let other = if sent { "received" } else { "sent" };
                let difference = &account[side]["first_difference"];
                assert_eq!(account["agrees"], false, "{case:#}");
                assert_eq!(difference["change"], change, "{case:#}");
                assert_eq!(difference["octets"], 1, "{case:#}");
                // An octet that equals its neighbour may be missing one place later.
                let offset = number(&difference["offset"]) as usize;
                assert!((before + place..before + place + 8).contains(&offset), "{case:#}");
                assert_eq!(difference["frame"], whole[at].at.frame.frame, "{case:#}");
                assert_eq!(difference["line"]["line"], at + 4, "{case:#}");
                assert_ne!(difference["log_reads"], difference["wire_reads"]);
                assert_eq!(account[other]["first_difference"], Value::Null, "{case:#}");
                assert_eq!(case["match"]["outcome"], "matched");
                let bare = report_of(&folder, &[]);
                assert_eq!(case["verdict"], bare["cases"][0]["verdict"], "the verdict stays as it is");
            }
        }
    }
}

#[test]
fn a_log_that_ends_early_says_so() {
    let folder = root().join("delivered-with-quit");
    let Some(mut lines) = made_from_wire(&folder) else { return };
    let last = lines.iter().rposition(|line| !line.sent).unwrap();
    let missing = lines.remove(last).octets.len();
    let report = with_log(&folder, &written(&lines));
    let account = &report["cases"][0]["debug_log"];
    assert_eq!(account["received"]["only_on_wire"], missing);
    assert_eq!(account["received"]["first_difference"], Value::Null);
    let said = account["remarks"].to_string();
    assert!(said.contains("the log ends earlier than the wire"), "{said}");
}

/// The third witness ties an ICID to its flow by what only it tells: here the Message-ID of aborted
/// messages, in a log whose clock is not known.
#[test]
fn content_of_the_debug_log_is_evidence_once() {
    let folder = root().join("rst-in-body");
    let Some(lines) = made_from_wire(&folder) else { return };
    let report = with_log(&folder, &written(&lines));
    let evidence = report["cases"][0]["match"]["evidence"].as_array().unwrap();
    let names: Vec<&str> = evidence.iter().filter_map(|piece| piece["name"].as_str()).collect();
    for name in ["debug_log_helo", "debug_log_reply", "debug_log_message_id"] {
        assert_eq!(names.iter().filter(|one| **one == name).count(), 1, "{names:?}");
    }
}

#[test]
fn messages_names_a_debug_log_and_lists_nothing_of_it() {
    let folder = root().join("fin-after-rcpt");
    let Some(lines) = made_from_wire(&folder) else { return };
    let own = tempfile::tempdir().unwrap();
    let path = own.path().join("debug.log");
    fs::write(&path, written(&lines)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_mailwitness")).arg("messages").arg(&path).output().unwrap();
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("debug log"), "{said}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// A line of a debug log, its octets plain.
#[derive(Debug, Clone)]
struct Line {
    icid: u64,
    sent: bool,
    octets: Vec<u8>,
    at: Moment,
    client: String,
}

/// The log that the appliance would have written of the capture; `None` where the wire is encrypted.
fn made_from_wire(folder: &Path) -> Option<Vec<Line>> {
    let expected: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap();
    let lists = ["cases", "finished"].map(|key| expected[key].as_array().cloned().unwrap_or_default());
    let icids: HashMap<String, u64> = lists
        .iter()
        .flatten()
        .filter_map(|case| Some((case["client"].as_str()?.to_owned(), case["icid"].as_u64()?)))
        .collect();
    let input = CaptureInput::new(CaptureId(0), folder.join("wire.pcap"));
    let (flows, _) = follow(vec![input], &Options::default(), Flows::default(), &|_| {});
    let mut lines: Vec<Line> = Vec::new();
    for (flow, pieces) in flows.0 {
        let client = flow.endpoints.originator;
        let Some(&icid) = icids.get(&client.to_string()) else { continue };
        let starttls =
            |(_, octets, _): &(Side, Vec<u8>, Moment)| octets.eq_ignore_ascii_case(b"STARTTLS\r\n");
        let from_its_start = flow.originator_from == OriginatorFrom::Handshake;
        if pieces.holed || !from_its_start || pieces.said.iter().any(starttls) {
            return None;
        }
        // Octets that came before others that belong before them were heard with those.
        let mut heard: HashMap<bool, Moment> = HashMap::new();
        lines.extend(pieces.said.into_iter().map(|(side, octets, at)| {
            let sent = side == Side::Responder;
            let last = heard.entry(sent).or_insert(at);
            *last = if at.frame.frame > last.frame.frame { at } else { *last };
            Line { icid, sent, octets, at: *last, client: client.ip.to_string() }
        }));
    }
    // Sessions are mixed, as the appliance would have it.
    lines.sort_by_key(|line| line.at.frame.frame);
    // Where nobody is in the log that said anything there is nothing to tell.
    (!lines.is_empty()).then_some(lines)
}

/// As the appliance writes it: three lines of head, one hour ahead of UTC, octal escapes.
fn written(lines: &[Line]) -> String {
    let stamp = |at: &Moment| {
        let local = chrono::DateTime::from_timestamp(at.time.seconds() + 3600, 0).unwrap();
        local.format("%a %b %e %H:%M:%S %Y Info:").to_string()
    };
    let first = lines.first().map(|line| stamp(&line.at)).unwrap_or_default();
    let mut log =
        format!("{first} Begin Logfile\n{first} Version: 14.2.0-620 SN: 42190A0B0C0D0E0F1011-00005E005319\n");
    log += &format!("{first} Time offset from UTC: 3600 seconds\n");
    for line in lines {
        let words = if line.sent { "Sent to" } else { "Rcvd from" };
        let mut octets = String::new();
        for &octet in &line.octets {
            match octet {
                b'\'' | b'\\' => octets += &format!("\\{}", char::from(octet)),
                0x20..=0x7e => octets.push(char::from(octet)),
                _ => octets += &format!("\\{octet:03o}"),
            }
        }
        log += &format!("{} {} {words} '{}': '{octets}'\n", stamp(&line.at), line.icid, line.client);
    }
    log
}

#[derive(Default)]
struct Pieces {
    said: Vec<(Side, Vec<u8>, Moment)>,
    /// Octets are missing: a log made of the rest would tell of less than was said.
    holed: bool,
}

impl Conversation for Pieces {
    fn data(&mut self, side: Side, chunk: Chunk<'_>) -> Interest {
        self.said.push((side, chunk.bytes.to_vec(), chunk.at));
        Interest::Octets
    }

    fn gap(&mut self, _: Side, _: Gap) -> Interest {
        self.holed = true;
        Interest::Octets
    }

    fn end_of_stream(&mut self, _: Side, _: u64, _: Moment, _: u64) {}
}

#[derive(Default)]
struct Flows(Vec<(Flow, Pieces)>);

impl FlowSink for Flows {
    type Conversation = Pieces;

    fn open(&mut self, _: &FlowStart) -> Pieces {
        Pieces::default()
    }

    fn close(&mut self, flow: Flow, pieces: Pieces) {
        self.0.push((flow, pieces));
    }
}

fn with_log(folder: &Path, log: &str) -> Value {
    let own = tempfile::tempdir().unwrap();
    let path = own.path().join("debug.log");
    fs::write(&path, log).unwrap();
    report(folder, &path)
}

fn report(folder: &Path, log: &Path) -> Value {
    // The debug log first: the order of inputs does not count.
    report_of(folder, &[log])
}

fn report_of(folder: &Path, more: &[&Path]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_mailwitness"))
        .current_dir(folder)
        .args(["report", "--all", "--format", "json"])
        .args(more)
        .args(["wire.pcap", "mail.log"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}: {}", folder.display(), String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

fn cases() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("case.toml").is_file() && path.join("wire.pcap").is_file())
        .collect();
    folders.sort();
    folders
}
