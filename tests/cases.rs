//! Runs `report` over every case in `captures/` and compares it with what the lab's truth says.
//!
//! Each `captures/<case>/` holds `case.toml` (what to read, further arguments) and `expected.json`,
//! derived from what the lab did by a script that knows nothing of this crate.

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

/// Cases in which the report does not yet say what the lab's truth says, and what it says instead. A
/// case that comes right must leave the list.
const NOT_YET: [(&str, &str); 14] = [
    (
        "capture-starts-in-body",
        "a flow without any command is found, but its FIN is not taken for the ending",
    ),
    ("capture-starts-late", "a reply to a command before the capture's start confuses whose turn it is"),
    ("daylight-saving-ends", "the offset after the change is not known"),
    ("daylight-saving-ends-zone-told", "the hour that comes twice is taken for its first time"),
    (
        "frames-lost-with-fin",
        "the appliance's answer to a FIN that the capture lost is taken for its own close",
    ),
    (
        "grep-for-the-mid",
        "an envelope that only one flow has is too little evidence without address and opening",
    ),
    ("implicit-tls-delivered", "the QUIT behind an accepted message under TLS is taken for its ending"),
    ("no-answer-to-the-dot", "the timer's 421, 300 s after the dot, is taken for the reply to it"),
    (
        "rst-other-stack-after-fin",
        "a FIN in the segment of an unanswered command is said to come on the sender's turn",
    ),
    ("snaplen-96", "commands and replies cut behind their address or code are not read"),
    ("tls12-delivered", "the QUIT behind an accepted message under TLS is taken for its ending"),
    ("tls13-delivered", "the QUIT behind an accepted message under TLS is taken for its ending"),
    ("two-hundred-with-one-envelope", "the order of lines is no evidence"),
    ("two-hundred-with-one-envelope-tls", "the order of lines is no evidence, and three flows are confused"),
];

#[test]
fn every_case_is_reported_as_it_was() {
    let mut run = 0;
    let mut wrong = Vec::new();
    for folder in cases() {
        run += 1;
        let not_yet = NOT_YET.iter().any(|(name, _)| folder.ends_with(name));
        match check(&folder) {
            Err(_) if not_yet => {}
            Ok(()) if not_yet => wrong.push(format!("{}: has come right", folder.display())),
            Err(why) => wrong.push(format!("{}: {why}", folder.display())),
            Ok(()) => {}
        }
    }
    assert!(run >= 60, "only {run} cases found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{run} cases");
}

fn check(folder: &Path) -> Result<(), String> {
    let expected: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap();
    let report = report(folder, &[]);
    for key in ["aborted", "confirmed", "contradicted", "undetermined", "connections"] {
        same(key, &report["summary"][key], &expected["summary"][key])?;
    }
    let found = report["cases"].as_array().unwrap();
    let wanted = expected["cases"].as_array().unwrap();
    same("number of cases", &found.len().into(), &wanted.len().into())?;
    for want in wanted {
        compare(found, want)?;
    }
    let everything = report_all(folder);
    for want in expected["finished"].as_array().into_iter().flatten() {
        compare(everything["cases"].as_array().unwrap(), want)?;
    }
    Ok(())
}

fn compare(found: &[Value], want: &Value) -> Result<(), String> {
    let name = format!("MID {} ICID {}", want["mid"], want["icid"]);
    let case = found
        .iter()
        .find(|case| case["mid"] == want["mid"] && case["icid"] == want["icid"])
        .ok_or_else(|| format!("{name} is not in the report"))?;
    let wire = &case["wire"];
    for (key, value) in [
        ("claim", &case["claim"]),
        ("verdict", &case["verdict"]),
        ("kind", &wire["ending"]["kind"]),
        ("by", &wire["ending"]["by"]),
        ("why", &wire["ending"]["why"]),
        ("stage", &wire["stage"]),
        ("turn", &wire["turn"]),
        ("client", &wire["client"]),
        ("server", &wire["server"]),
    ] {
        let want_here = &want[key];
        // The truth may leave open what it did not write down.
        if matches!(key, "by" | "turn") && want_here.is_null() {
            continue;
        }
        same(&format!("{name}: {key}"), value, want_here)?;
    }
    if !want["frame"].is_null() {
        same(&format!("{name}: frame"), &wire["ending"]["frame"], &want["frame"])?;
    }
    same(&format!("{name}: match"), &case["match"]["outcome"], &want["match"])
}

fn same(what: &str, found: &Value, expected: &Value) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found}, expected {expected}")) }
}

fn report_all(folder: &Path) -> Value {
    report(folder, &["--all"])
}

fn report(folder: &Path, more: &[&str]) -> Value {
    let case: toml::Table = fs::read_to_string(folder.join("case.toml")).unwrap().parse().unwrap();
    let list = |key: &str| -> Vec<String> {
        case.get(key)
            .and_then(|value| value.as_array())
            .map(|list| list.iter().map(|item| item.as_str().unwrap().to_owned()).collect())
            .unwrap_or_default()
    };
    let output = Command::new(env!("CARGO_BIN_EXE_mailwitness"))
        .current_dir(folder)
        .args(["report", "--format", "json"])
        .args(list("captures"))
        .args(list("logs"))
        .args(list("arguments"))
        .args(more)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}: {}", folder.display(), String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn cases() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("captures"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("case.toml").is_file())
        .collect();
    folders.sort();
    folders
}
