//! The log excerpts that the vendor's technote prints, where they are at hand: their message ids with
//! their reasons. They stay outside the project; without them this test says so and passes.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a failed test is a panic by design"
)]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

#[test]
fn the_technotes_excerpts_are_read_as_they_are_explained() {
    let Some(logs) = shared_logs() else {
        println!("skipped: ../shared/logs is not here");
        return;
    };
    for (file, mid, icid, reason, lost) in [
        ("receiving-aborted.log", 1404, 10293, "Receiving aborted", "yes"),
        ("receiving-aborted-by-sender.log", 1412, 10318, "Receiving aborted by sender", "no"),
        ("receiving-aborted-timeout.log", 1_558_778, 3_875_465, "Receiving aborted", "unknown"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_mailwitness"))
            .args(["messages", "--format", "json"])
            .arg(logs.join(file))
            .output()
            .unwrap();
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
        let records: Vec<Value> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .filter(|record: &Value| !record["mid"].is_null())
            .collect();
        assert_eq!(records.len(), 1, "{file}");
        let record = &records[0];
        assert_eq!(record["mid"], mid, "{file}");
        assert_eq!(record["icid"], icid, "{file}");
        assert_eq!(record["reason"], reason, "{file}");
        assert_eq!(record["lost"], lost, "{file}");
        assert_eq!(record["outcome"], "aborted", "{file}");
    }
}

fn shared_logs() -> Option<PathBuf> {
    let root = std::env::var_os("MAILWITNESS_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    Some(root.join("logs")).filter(|logs| logs.is_dir())
}
