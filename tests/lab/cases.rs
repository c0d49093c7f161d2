//! The cases, and what `report` says of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use assert_cmd::Command;
use serde_json::Value;

/// One case with its truth and its report.
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) family: String,
    /// Written by hand.
    pub(crate) forged: bool,
    pub(crate) expected: Value,
    /// The default report.
    pub(crate) report: Value,
    /// The report with `--all`.
    pub(crate) everything: Value,
}

impl Measured {
    /// The case of the report that an expected one speaks of.
    pub(crate) fn found<'a>(report: &'a Value, want: &Value) -> Option<&'a Value> {
        report["cases"].as_array().unwrap().iter().find(|case| {
            case["mid"] == want["mid"] && case["icid"] == want["icid"] && case["dcid"] == want["dcid"]
        })
    }

    pub(crate) fn wanted(&self) -> &[Value] {
        self.expected["cases"].as_array().unwrap()
    }

    /// Deliveries that failed, by the truth.
    pub(crate) fn deliveries(&self) -> impl Iterator<Item = &Value> {
        let deliveries = self.expected["deliveries"].as_array().map_or(&[][..], Vec::as_slice);
        deliveries.iter().filter(|want| want["claim"] != "delivered")
    }

    pub(crate) fn finished(&self) -> &[Value] {
        self.expected["finished"].as_array().map_or(&[], Vec::as_slice)
    }
}

/// All cases, reported on side by side.
pub(crate) fn measure() -> Vec<Measured> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut folders = folders(&root);
    folders.extend(self::folders(&root.join("forged")));
    let half = folders.len().div_ceil(2);
    thread::scope(|scope| {
        let halves: Vec<_> = folders
            .chunks(half)
            .map(|part| scope.spawn(move || part.iter().map(|folder| one(folder)).collect::<Vec<_>>()))
            .collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    })
}

fn folders(root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("case.toml").is_file())
        .collect();
    folders.sort();
    folders
}

fn one(folder: &Path) -> Measured {
    let case: toml::Table = fs::read_to_string(folder.join("case.toml")).unwrap().parse().unwrap();
    Measured {
        name: folder.file_name().unwrap().to_str().unwrap().to_owned(),
        folder: folder.to_owned(),
        family: case["family"].as_str().unwrap().to_owned(),
        forged: folder.parent().unwrap().ends_with("forged"),
        expected: serde_json::from_str(&fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap(),
        report: report(folder, &case, &[]),
        everything: report(folder, &case, &["--all"]),
    }
}

fn report(folder: &Path, case: &toml::Table, more: &[&str]) -> Value {
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
