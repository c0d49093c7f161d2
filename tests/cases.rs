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
const NOT_YET: [(&str, &str); 3] = [
    ("implicit-tls-delivered", "the QUIT behind an accepted message under TLS is taken for its ending"),
    ("tls12-delivered", "the QUIT behind an accepted message under TLS is taken for its ending"),
    ("tls13-delivered", "the QUIT behind an accepted message under TLS is taken for its ending"),
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
    let wanted = expected["cases"].as_array().unwrap();
    for key in ["aborted", "confirmed", "contradicted", "undetermined", "connections"] {
        // How many of those that may be ambiguous are judged is open; each is compared below.
        let may_be_open = wanted.iter().any(may_be_ambiguous);
        if !(may_be_open && matches!(key, "confirmed" | "contradicted" | "undetermined")) {
            same(key, &report["summary"][key], &expected["summary"][key])?;
        }
    }
    let (deliveries, found): (Vec<Value>, Vec<Value>) =
        report["cases"].as_array().unwrap().iter().cloned().partition(|case| !case["dcid"].is_null());
    let found = &found;
    same("number of cases", &found.len().into(), &wanted.len().into())?;
    for want in wanted {
        compare(found, want)?;
    }
    let everything = report_all(folder);
    let failed = |want: &&Value| want["claim"] != "delivered";
    let wanted = expected["deliveries"].as_array().map(Vec::as_slice).unwrap_or_default();
    same("failed deliveries", &deliveries.len().into(), &wanted.iter().filter(failed).count().into())?;
    for want in wanted {
        compare_delivery(everything["cases"].as_array().unwrap(), want)?;
    }
    for want in expected["finished"].as_array().into_iter().flatten() {
        compare(everything["cases"].as_array().unwrap(), want)?;
    }
    Ok(())
}

/// The truth allows that several connections fit; it never allows a wrong one.
fn may_be_ambiguous(want: &Value) -> bool {
    want["match"] == "matched or ambiguous"
}

fn compare(found: &[Value], want: &Value) -> Result<(), String> {
    let name = format!("MID {} ICID {}", want["mid"], want["icid"]);
    let case = found
        .iter()
        .find(|case| case["mid"] == want["mid"] && case["icid"] == want["icid"])
        .ok_or_else(|| format!("{name} is not in the report"))?;
    let wire = &case["wire"];
    let outcome = &case["match"]["outcome"];
    if may_be_ambiguous(want) && outcome == "ambiguous" {
        // What is shown may be another one's: then nothing may be said of this, unless all end alike.
        let verdict = &case["verdict"];
        let open = verdict == "undetermined" || verdict == &want["verdict"];
        return if open { Ok(()) } else { Err(format!("{name}: verdict {verdict} of an ambiguous match")) };
    }
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
    let wanted = if may_be_ambiguous(want) { "matched" } else { want["match"].as_str().unwrap() };
    same(&format!("{name}: match"), outcome, &wanted.into())
}

/// A delivery is told by the remote end's deeds; the log's words for a failure are the network's.
fn compare_delivery(found: &[Value], want: &Value) -> Result<(), String> {
    let name = format!("MID {} DCID {}", want["mid"], want["dcid"]);
    let case = found
        .iter()
        .find(|case| case["mid"] == want["mid"] && case["dcid"] == want["dcid"])
        .ok_or_else(|| format!("{name} is not in the report"))?;
    let (wire, kind) = (&case["wire"], &case["wire"]["ending"]["kind"]);
    let network = ["remote_closed", "remote_reset", "delivery_timed_out"];
    match want["claim"].as_str() {
        Some("connection_error") if network.iter().any(|claim| case["claim"] == *claim) => {}
        _ => same(&format!("{name}: claim"), &case["claim"], &want["claim"])?,
    }
    same(&format!("{name}: icid"), &case["icid"], &Value::Null)?;
    same(&format!("{name}: leg"), &case["leg"], &"delivery".into())?;
    for key in ["client", "server"] {
        same(&format!("{name}: {key}"), &wire[key], &want[key])?;
    }
    same(&format!("{name}: match"), &case["match"]["outcome"], &"matched".into())?;
    // The file may end while nothing is acknowledged any more: then it must say so and judge nothing.
    if want["kind"] == "silence" && kind == "capture_ended" {
        same(&format!("{name}: turn"), &wire["turn"], &"path".into())?;
        return same(&format!("{name}: verdict"), &case["verdict"], &"undetermined".into());
    }
    same(&format!("{name}: kind"), kind, &want["kind"])?;
    same(&format!("{name}: by"), &wire["ending"]["by"], &"sender".into())?;
    same(&format!("{name}: verdict"), &case["verdict"], &"confirmed".into())
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
