//! What is wrong with what was typed, and what to type instead.

use super::{case_file, code, mailwitness, text};

/// Each is refused before any input is opened.
#[test]
fn mistakes_are_told() {
    let rows: &[(&[&str], &str)] = &[
        (&["reprot"], "report"),
        (&["report"], "FILE"),
        (&["report", "x", "--format", "html"], "possible values: text, json"),
        (&["report", "x", "--utc-offset", "Europe/Berln"], "did you mean Europe/Berlin"),
        (&["report", "x", "--utc-offset", "+3600"], "+HHMM"),
        (&["report", "x", "--since", "yesterday"], "YYYY-MM-DD"),
        (&["report", "x", "--since", "2014-08-15", "--until", "2014-08-14"], "lies before"),
        (&["report", "x", "--map", "10.0.0.1"], "LOGGED=CAPTURED"),
        (&["report", "x", "--remote", "mx.example.net"], "not an IP address"),
        (&["report", "-", "--log", "-"], "standard input"),
        (&["report", "x", "--port", "0"], "--port"),
        (&["sessions", "x", "--silence", "0"], "more than 0"),
        (&["sessions", "-", "-"], "standard input"),
        (&["sessions", "x", "--exchanges", "--format", "csv"], "--format text or json, not with csv"),
        (&["sessions", "x", "--exchanges", "--format", "zeek"], "--format text or json, not with zeek"),
        (&["sessions", "x", "--format", "html"], "possible values: text, json, csv, zeek"),
        (&["messages", "x", "--format", "csv"], "possible values: text, json"),
        (&["messages"], "LOG"),
        (&["schema", "bundle"], "possible values: report, sessions, messages"),
    ];
    for (arguments, words) in rows {
        let output = mailwitness(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        let told = text(&output.stderr);
        assert!(told.starts_with("mailwitness: error: "), "{arguments:?}: {told}");
        assert!(told.contains(words), "{arguments:?}: {told}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn no_readable_input_is_an_error() {
    for arguments in [
        &["report", "no/such/file"][..],
        &["sessions", "no/such/file"],
        &["messages", "no/such/file"],
        &["sessions", "Cargo.toml"],
        &["messages", "Cargo.toml"],
        &["report", "src"],
    ] {
        let output = mailwitness(arguments);
        let told = text(&output.stderr);
        assert_eq!(code(&output), 2, "{arguments:?}: {told}");
        assert!(told.starts_with("mailwitness: error: "), "{arguments:?}: {told}");
        assert!(told.contains(arguments[1]), "{arguments:?}: {told}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn one_side_alone_names_the_command_that_fits() {
    let (capture, log) = (case_file("fin-after-rcpt", "wire.pcap"), case_file("fin-after-rcpt", "mail.log"));
    for (file, fits) in [(&capture, "mailwitness sessions "), (&log, "mailwitness messages ")] {
        let output = mailwitness(&["report", file]);
        let told = text(&output.stderr);
        assert_eq!(code(&output), 2, "{told}");
        assert!(told.contains("mailwitness: hint: "), "{told}");
        assert!(told.contains(&format!("{fits}{file}")), "{told}");
    }
}

/// A name that would act on the terminal is shown, not performed.
#[test]
fn names_of_files_are_hostile_too() {
    for command in ["sessions", "messages", "report"] {
        let told = text(&mailwitness(&[command, "no\u{1b}[31m\nsuch"]).stderr);
        assert!(told.contains("no\\x1b[31m\\nsuch"), "{command}: {told}");
        assert!(!told.contains('\u{1b}'), "{command}: {told}");
    }
}
