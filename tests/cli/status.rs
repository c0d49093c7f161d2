//! The exit status.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{BIN, case_file, code, confirmed_case, mailwitness, text};

#[test]
fn a_contradicted_claim_is_one_only_when_asked() {
    let folder = TempDir::new().unwrap();
    let (capture, log) = contradicted_case(&folder);
    let output = mailwitness(&["report", &capture, &log, "--format", "json"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["summary"]["contradicted"], 1, "{:#}", report["cases"]);
    assert_eq!(code(&mailwitness(&["report", &capture, &log, "--exit-code"])), 1);
}

#[test]
fn confirmed_claims_are_zero() {
    let (capture, log) = confirmed_case();
    let output = mailwitness(&["report", &capture, &log, "--exit-code"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
}

#[test]
fn input_read_in_part_is_three() {
    let folder = TempDir::new().unwrap();
    let cut = cut_capture(&folder);
    let (capture, log) = confirmed_case();
    for arguments in [
        &["sessions", &cut][..],
        &["report", &cut, &log],
        &["report", &capture, &log, "no/such/file"],
        &["sessions", &capture, "no/such/file"],
        &["messages", &log, "no/such/file"],
    ] {
        let output = mailwitness(arguments);
        assert_eq!(code(&output), 3, "{arguments:?}: {}", text(&output.stderr));
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
}

/// What could not be read is told also where the result has no place for it, or is out of sight.
#[test]
fn what_could_not_be_read_is_told() {
    let folder = TempDir::new().unwrap();
    let cut = cut_capture(&folder);
    let (_, log) = confirmed_case();
    for arguments in
        [&["sessions", &cut][..], &["report", &cut, &log], &["report", &cut, &log, "-o", "/dev/null"]]
    {
        let told = text(&mailwitness(arguments).stderr);
        assert!(told.starts_with("mailwitness: warning: ") && told.contains(&cut), "{arguments:?}: {told}");
    }
}

#[test]
#[cfg(unix)]
fn an_interruption_is_one_hundred_and_thirty() {
    // Standard input that says nothing and does not end: only the signal can end the run.
    for command in ["sessions", "messages"] {
        let mut child = Command::new(BIN)
            .args([command, "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        for _ in 0..2 {
            std::thread::sleep(std::time::Duration::from_millis(300));
            let done = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
            assert!(done.unwrap().success());
        }
        let stdin = child.stdin.take();
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        assert_eq!(output.status.code(), Some(130), "{command}");
        assert!(text(&output.stderr).contains("interrupted"), "{command}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{command}");
    }
}

/// A log that claims an abort of a message that the wire shows delivered.
fn contradicted_case(folder: &TempDir) -> (String, String) {
    let log = fs::read_to_string(case_file("delivered-with-quit", "mail.log")).unwrap();
    let changed: String = log
        .lines()
        .filter(|line| !line.contains("matched all recipients"))
        .map(|line| match line.split_once(" MID 1398 ready") {
            Some((stamp, _)) => format!("{stamp} Message aborted MID 1398 Receiving aborted\n"),
            None => format!("{}\n", line.replace("finished MID 1398 done", "finished MID 1398 aborted")),
        })
        .collect();
    assert!(changed.contains("Message aborted MID 1398"), "{changed}");
    let path = folder.path().join("mail.log");
    fs::write(&path, changed).unwrap();
    (case_file("delivered-with-quit", "wire.pcap"), path.to_str().unwrap().to_owned())
}

/// A capture that ends inside its last frame.
fn cut_capture(folder: &TempDir) -> String {
    let octets = fs::read(case_file("fin-after-rcpt", "wire.pcap")).unwrap();
    let path = folder.path().join("cut.pcap");
    fs::write(&path, &octets[..octets.len() - 3]).unwrap();
    path.to_str().unwrap().to_owned()
}
