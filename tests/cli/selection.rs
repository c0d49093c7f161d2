//! What is asked for is what is shown.

use serde_json::Value;

use super::{case_file, code, json_lines, mailwitness, text};

/// Records of a list with further arguments.
fn records(arguments: &[&str], more: &[&str]) -> Vec<Value> {
    let output = mailwitness(&[arguments, &["--format", "json"], more].concat());
    assert_eq!(code(&output), 0, "{more:?}: {}", text(&output.stderr));
    json_lines(&output.stdout)
}

#[test]
fn of_sessions() {
    let capture = case_file("twenty-at-once", "wire.pcap");
    let arguments = ["sessions", capture.as_str()];
    let all = records(&arguments, &[]);
    assert_eq!(all.len(), 20);
    assert_eq!(records(&arguments, &["--remote", "192.0.2.10"]).len(), 20);
    assert_eq!(records(&arguments, &["--remote", "::ffff:198.51.100.25"]).len(), 20);
    assert_eq!(records(&arguments, &["--remote", "192.0.2.11"]), [] as [Value; 0]);
    assert_eq!(records(&arguments, &["--until", "2000-01-01"]), [] as [Value; 0]);

    // A connection belongs to a period in which any of its frames lies.
    let times = |key: &str| -> Vec<&str> { all.iter().map(|record| record[key].as_str().unwrap()).collect() };
    let end_of_first = times("last").into_iter().min().unwrap();
    let begun = times("first").into_iter().filter(|first| *first <= end_of_first).count();
    assert_eq!(records(&arguments, &["--until", end_of_first]).len(), begun);
    assert_eq!(records(&arguments, &["--since", end_of_first]).len(), 20);
}

#[test]
fn of_messages() {
    let log = case_file("third-message-aborted", "mail.log");
    let arguments = ["messages", log.as_str()];
    let mids = |more: &[&str]| -> Vec<u64> {
        records(&arguments, more).iter().map(|record| record["mid"].as_u64().unwrap()).collect()
    };
    assert_eq!(mids(&[]), [1811, 1812, 1813]);
    assert_eq!(mids(&["--mid", "1813,1811"]), [1811, 1813]);
    assert_eq!(mids(&["--icid", "10733", "--mid", "1812"]), [1812]);
    assert_eq!(mids(&["--mail-from", "<CARLA@example.net>"]), [1812]);
    assert_eq!(mids(&["--rcpt", "dora@example.com", "--mail-from", "anna@example.net"]), [1813]);
    assert_eq!(mids(&["--icid", "1"]), [0; 0]);
}

/// The user's word on the zone outranks the head's.
#[test]
fn zones_of_messages() {
    let log = case_file("third-message-aborted", "mail.log");
    let started =
        |more: &[&str]| records(&["messages", &log], more)[0]["started_at"].as_str().unwrap().to_owned();
    let by_head = started(&[]);
    assert_eq!(started(&["--utc-offset", "+0100"]), by_head);
    assert_eq!(started(&["--utc-offset", "Europe/Berlin"]), by_head);
    assert_ne!(started(&["--utc-offset", "-0600"]), by_head);
}

#[test]
fn of_reports() {
    let (capture, log) = (case_file("twenty-at-once", "wire.pcap"), case_file("twenty-at-once", "mail.log"));
    let cases = |more: &[&str]| {
        let output = mailwitness(&[&["report", "--format", "json", &capture, &log], more].concat());
        assert_eq!(code(&output), 0, "{more:?}: {}", text(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["cases"].as_array().unwrap().clone()
    };
    let all = cases(&[]);
    assert!(all.len() > 2);
    let mid = all[1]["mid"].to_string();
    let one = cases(&["--mid", &mid]);
    assert_eq!(one.len(), 1);
    assert_eq!(one[0]["mid"], all[1]["mid"]);
    assert_eq!(one[0]["wire"], all[1]["wire"], "a selection changes what is shown, not what is found");
    assert!(cases(&["--all"]).len() > all.len());
    assert_eq!(cases(&["--mid", "1"]), [] as [Value; 0]);
}
