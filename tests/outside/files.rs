//! Files given by `--outside` that show nothing: each says why, by its name, and nobody is accused.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

use crate::frames::{Frame, IP, read, write};
use crate::{case, further_out, outcome, run};

const CASE: &str = "rst-in-body";

/// Exit code, the input's entry, the report.
fn given(make: impl FnOnce(&Path)) -> (i32, Value, Value) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outside.pcap");
    make(&path);
    let (code, report) = run(CASE, &path);
    let inputs = report["inputs"].as_array().unwrap();
    let own: Vec<&Value> = inputs.iter().filter(|input| input["role"] == "outside").collect();
    assert_eq!((own.len(), inputs.len()), (1, 3), "{report}");
    assert_eq!(own[0]["path"].as_str(), path.to_str());
    (code, own[0].clone(), report.clone())
}

fn frames() -> Vec<Frame> {
    further_out(&read(&case(CASE).join("wire.pcap")))
}

/// Nothing is concluded from it.
fn shows_nothing(report: &Value) {
    let (names, cause) = outcome(report);
    assert!(names.is_empty() && !cause.contains("named"), "{names:?} {cause}");
}

fn notes(input: &Value) -> String {
    let notes =
        input["notes"].as_array().unwrap().iter().map(|note| note["text"].as_str().unwrap().to_owned());
    notes.collect::<Vec<_>>().join("\n")
}

#[test]
fn it_is_an_input_like_the_others() {
    let (code, input, _) = given(|path| write(path, &frames()));
    assert_eq!(
        (code, input["kind"].as_str(), &input["records"]),
        (0, Some("capture"), &frames().len().into())
    );
    assert!(
        input["first"].is_string() && input["last"].is_string() && input["bytes"].as_u64() > Some(10_000)
    );
    assert_eq!((input["format"].as_str(), &input["notes"]), (Some("pcap, ETHERNET"), &serde_json::json!([])));
}

#[test]
fn what_cannot_be_read_is_a_loss() {
    for (make, why) in [
        (Box::new(|_: &Path| ()) as Box<dyn FnOnce(&Path)>, "No such file"),
        (Box::new(|path: &Path| fs::write(path, b"").unwrap()), "empty"),
        (
            Box::new(|path: &Path| fs::write(path, b"Wed Nov 25 17:46:26 2026 Info: x\n").unwrap()),
            "not a capture file",
        ),
        (Box::new(|path: &Path| fs::create_dir(path).unwrap()), "directory"),
    ] {
        let (code, input, report) = given(make);
        assert_eq!((code, input["kind"].as_str()), (3, Some("unusable")), "{why}");
        assert!(notes(&input).contains(why), "{why}: {}", notes(&input));
        shows_nothing(&report);
    }
}

#[test]
fn a_file_cut_in_mid_frame_is_read_as_far_as_it_goes() {
    let (code, input, report) = given(|path| {
        write(path, &frames());
        let file = fs::read(path).unwrap();
        fs::write(path, &file[..file.len() - 700]).unwrap();
    });
    assert_eq!((code, input["kind"].as_str()), (3, Some("capture")));
    let note = &input["notes"][0];
    assert!(note["loss"] == true && note["first"].as_str().unwrap().starts_with("offset "), "{input}");
    assert!(report["notes"].to_string().contains("Frames are missing from them"), "{}", report["notes"]);
    shows_nothing(&report);
}

#[test]
fn what_holds_nothing_in_common_says_so() {
    let (code, input, report) = given(|path| write(path, &[]));
    assert_eq!((code, notes(&input).as_str()), (0, "it holds no frame"));
    shows_nothing(&report);
    // Other connections: at the same time, and a day later.
    let others = |later: u64| {
        let mut all = frames();
        for (number, frame) in all.iter_mut().enumerate() {
            frame.micros = frame.micros - 2_500_000 + later * 1_000_000;
            let (tcp, payload) = (frame.tcp(), frame.payload());
            frame.octets[IP + 12..IP + 20].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
            frame.octets[tcp + 4] ^= 0x55;
            for octet in &mut frame.octets[payload] {
                *octet = octet.wrapping_add(number as u8) | 1;
            }
        }
        all.into_iter().map(Frame::sealed).collect::<Vec<_>>()
    };
    let (code, input, report) = given(|path| write(path, &others(0)));
    assert_eq!(code, 0);
    assert!(notes(&input).contains("none of the cases' 1 connections: neither their addresses"), "{input}");
    shows_nothing(&report);
    let (_, input, report) = given(|path| write(path, &others(86_400)));
    assert!(notes(&input).contains("does not meet that of the other captures (2026-"), "{input}");
    shows_nothing(&report);
}

#[test]
fn a_copy_and_a_capture_from_the_same_place_show_nothing() {
    let wire = case(CASE).join("wire.pcap");
    let (code, input, report) = given(|path| {
        fs::copy(&wire, path).unwrap();
    });
    assert_eq!(code, 0);
    assert!(notes(&input).contains("a copy of a capture of the appliance's side"), "{input}");
    shows_nothing(&report);
    let (_, input, report) = given(|path| {
        let mut all = read(&wire);
        for (number, frame) in all.iter_mut().enumerate() {
            frame.micros += 7_000_000 + number as u64 % 3;
        }
        write(path, &all);
    });
    assert!(notes(&input).contains("taken at the same place"), "{input}");
    assert_eq!(report["cases"][0]["outside"]["same_place"], true);
    shows_nothing(&report);
}

#[test]
fn one_file_is_one_sides() {
    let report = |arguments: &[&str]| -> (i32, String, Vec<String>) {
        let output = Command::new(env!("CARGO_BIN_EXE_mailwitness"))
            .current_dir(case("terminating-proxy"))
            .args(["report", "--format", "json"])
            .args(arguments)
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let inputs = report["inputs"].as_array().into_iter().flatten();
        let roles = inputs.map(|input| format!("{} {}", input["path"], input["role"])).collect();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned(), roles)
    };
    let (code, words, _) = report(&["wire.pcap", "mail.log", "--outside", "./wire.pcap"]);
    assert!(
        code == 2 && words.contains("./wire.pcap is given as a capture of the appliance's side"),
        "{words}"
    );
    let (code, words, _) =
        report(&["wire.pcap", "mail.log", "--outside", "sender.pcap", "--outside", "sender.pcap"]);
    assert!(code == 2 && words.contains("--outside names sender.pcap twice"), "{words}");
    // A directory that holds it is read without it.
    let (code, _, roles) = report(&[".", "--outside", "sender.pcap"]);
    assert_eq!(code, 0);
    let captures: Vec<&String> = roles.iter().filter(|role| role.contains(".pcap")).collect();
    assert_eq!(captures, ["\"./wire.pcap\" \"inside\"", "\"sender.pcap\" \"outside\""]);
}
