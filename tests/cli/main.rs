//! The program as it is typed: exit status, errors, streams, files. What it finds out is tested
//! elsewhere.

// A failed test is a panic by design, in its helpers too.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod files;
mod help;
mod interfaces;
mod json;
mod lines;
mod selection;
mod sessions;
mod status;
mod streams;
mod usage;

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

const BIN: &str = env!("CARGO_BIN_EXE_mailwitness");

fn mailwitness(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// The program with nothing in its environment that would change how it looks.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(BIN);
    command.args(arguments);
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(variable);
    }
    command
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("ended by a signal")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

fn json_lines(octets: &[u8]) -> Vec<Value> {
    text(octets).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A file of a case in `captures/`.
fn case_file(case: &str, name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(case).join(name);
    assert!(path.is_file(), "{}", path.display());
    path.to_str().unwrap().to_owned()
}

/// The capture and the log of a case with one confirmed abort.
fn confirmed_case() -> (String, String) {
    (case_file("fin-after-rcpt", "wire.pcap"), case_file("fin-after-rcpt", "mail.log"))
}
