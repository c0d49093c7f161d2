//! `messages --stats` and `messages --follow`: the lines of a log as people and programs get them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{case_file, code, command, json_lines, mailwitness, text};

/// A log beside its older part, with an overlap and a line of an unknown kind.
fn rotated(folder: &Path) {
    let log = fs::read_to_string(case_file("third-message-aborted", "mail.log")).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    let (older, newer) = (&lines[..12], &lines[9..]);
    fs::write(folder.join("mail.@1.s"), older.join("\n") + "\n").unwrap();
    let stamp = lines[11].split(" Info: ").next().unwrap();
    let odd = format!("{stamp} Info: MID 9 went astray to <anna@example.net> (10.0.0.1)\n");
    fs::write(folder.join("mail.current"), newer.join("\n") + "\n" + &odd).unwrap();
}

#[test]
fn lines_are_counted_once_and_the_unknown_ones_shown() {
    let folder = tempfile::tempdir().unwrap();
    rotated(folder.path());
    let output = command(&["messages", "--stats", "mail.@1.s", "mail.current"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    assert!(shown.contains("MID <n> went astray to <address> (<ip>)"), "{shown}");
    assert!(shown.contains("3 lines that an earlier file holds too"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");

    let json = command(&["messages", "--stats", "--format", "json", "."])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let stats: Value = serde_json::from_slice(&json.stdout).unwrap();
    let whole = fs::read_to_string(case_file("third-message-aborted", "mail.log")).unwrap();
    assert_eq!(stats["lines"], whole.lines().count() + 1);
    assert_eq!((&stats["unknown"], &stats["repeated"]), (&1.into(), &3.into()));
    keeps_to("stats", &stats);
}

#[test]
fn an_id_is_followed_through_a_rotated_set() {
    let folder = tempfile::tempdir().unwrap();
    rotated(folder.path());
    let follow = |id: &str, format: &str, logs: &[&str]| {
        let arguments = [&["messages", "--follow", id, "--format", format], logs].concat();
        command(&arguments).current_dir(folder.path()).output().unwrap()
    };
    let whole = case_file("third-message-aborted", "mail.log");
    let log = fs::read_to_string(&whole).unwrap();
    let icid = log.split("New SMTP ICID ").nth(1).unwrap().split(' ').next().unwrap();
    let texts = |output: &std::process::Output| {
        json_lines(&output.stdout).iter().map(|line| line["text"].to_string()).collect::<Vec<_>>()
    };
    let of_whole = follow(&format!("ICID:{icid}"), "json", &[&whole]);
    let of_parts = follow(&format!("ICID:{icid}"), "json", &["mail.current", "mail.@1.s"]);
    assert!(texts(&of_whole).len() > 10);
    assert_eq!(texts(&of_whole), texts(&of_parts));
    for line in json_lines(&of_parts.stdout) {
        keeps_to("follow", &line);
    }

    // By names that are short wherever the project lies: a path is never wrapped.
    let alone = follow(icid, "text", &["mail.current", "mail.@1.s"]);
    assert!(text(&alone.stderr).contains(&format!("{icid} was looked up and taken for ICID {icid}")));
    let shown = text(&alone.stdout);
    assert!(shown.starts_with(&format!("ICID {icid}: ")), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");

    let nothing = follow("MID:4000000000", "text", &[&whole]);
    assert_eq!((code(&nothing), nothing.stdout.len()), (0, 0));
    assert!(text(&nothing.stderr).contains("no line in the logs names MID 4000000000"));
}

#[test]
fn what_cannot_be_is_refused() {
    let log = case_file("fin-after-rcpt", "mail.log");
    for arguments in [
        &["messages", "--follow", "7", "-"][..],
        &["messages", "--follow", "RCID:7", &log],
        &["messages", "--follow", "7", "--stats", &log],
        &["messages", "--stats", "--mid", "7", &log],
        &["messages", "--follow", "7", "--since", "2026-01-01", &log],
    ] {
        let output = mailwitness(arguments);
        assert_eq!((code(&output), output.stdout.len()), (2, 0), "{arguments:?}");
    }
}

/// The document keeps to the schema that the program prints.
fn keeps_to(schema: &str, value: &Value) {
    let printed: Value = serde_json::from_slice(&mailwitness(&["schema", schema]).stdout).unwrap();
    let validator = jsonschema::validator_for(&printed).unwrap();
    let complaints: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert_eq!(complaints, Vec::<String>::new());
}
