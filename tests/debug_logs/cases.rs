//! The folders of `captures/`, and what `report` says of them with a debug log more.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

/// A case of the lab.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) captures: Vec<String>,
    /// The logs but those that tell octets.
    logs: Vec<String>,
    /// Those.
    pub(crate) debug_logs: Vec<String>,
    arguments: Vec<String>,
    pub(crate) expected: Value,
}

impl Case {
    pub(crate) fn named(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(name);
        let toml: toml::Table = fs::read_to_string(folder.join("case.toml")).unwrap().parse().unwrap();
        let list = |key: &str| -> Vec<String> {
            let items = toml[key].as_array().unwrap().iter();
            items.map(|item| item.as_str().unwrap().to_owned()).collect()
        };
        let (debug_logs, logs) = list("logs").into_iter().partition(|log| log.ends_with("_debug.log"));
        Self {
            name: name.to_owned(),
            captures: list("captures"),
            logs,
            debug_logs,
            arguments: list("arguments"),
            expected: serde_json::from_str(&fs::read_to_string(folder.join("expected.json")).unwrap())
                .unwrap(),
            folder,
        }
    }

    /// All of them.
    pub(crate) fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
        let mut names: Vec<String> = fs::read_dir(root)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.join("case.toml").is_file())
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        names.iter().map(|name| Self::named(name)).collect()
    }

    /// The address that the appliance meets where the capture has this one.
    pub(crate) fn as_met(&self, captured: IpAddr) -> IpAddr {
        let pairs = self.arguments.iter().filter_map(|argument| argument.split_once('='));
        let mut met = pairs.filter(|(_, own)| *own == captured.to_string());
        met.next().map_or(captured, |(met, _)| met.parse().unwrap())
    }

    /// How far the appliance's clock is ahead of the capture's, in seconds: by the lab's trouble with it.
    pub(crate) fn clock_ahead(&self) -> i64 {
        const SEVEN_MINUTES: i64 = 420;
        if self.name == "clocks-off-by-seven-minutes" { -SEVEN_MINUTES } else { 0 }
    }

    /// The report on all its messages, with these files more; they come first, for the order of inputs does not count.
    pub(crate) fn report(&self, more: &[&Path]) -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_mailwitness"))
            .current_dir(&self.folder)
            .args(["report", "--all", "--format", "json"])
            .args(more)
            .args(&self.captures)
            .args(&self.logs)
            .args(&self.arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}: {}", self.name, String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The same with a debug log of this text.
    pub(crate) fn report_with(&self, log: &str) -> Value {
        let own = tempfile::tempdir().unwrap();
        let path = own.path().join("debug.log");
        fs::write(&path, log).unwrap();
        self.report(&[&path])
    }
}
