//! Standard input, output and error.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{BIN, code, command, confirmed_case, json_lines, mailwitness, text};

#[test]
fn a_reader_who_has_had_enough_is_no_error() {
    let (capture, log) = confirmed_case();
    for arguments in [
        &["--help"][..],
        &["schema", "report"],
        &["completions", "bash"],
        &["man"],
        &["sessions", &capture],
        &["sessions", &capture, "--format", "json"],
        &["sessions", &capture, "--format", "csv"],
        &["sessions", &capture, "--format", "zeek"],
        &["messages", &log],
        &["report", &capture, &log],
        &["report", &capture, &log, "--format", "json"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output =
            Command::new(BIN).args(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(code(&output), 0, "{arguments:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let (capture, _) = confirmed_case();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output =
        Command::new(BIN).args(["sessions", &capture]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("cannot write"), "{}", text(&output.stderr));
}

#[test]
fn colour_is_for_terminals_unless_it_is_asked_for() {
    let (capture, log) = confirmed_case();
    let coloured = |more: &[&str], variables: &[(&str, &str)]| {
        let arguments = [&["report", &capture, &log], more].concat();
        let output = command(&arguments).envs(variables.iter().copied()).output().unwrap();
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        output.stdout.contains(&0x1b)
    };
    assert!(!coloured(&[], &[]));
    assert!(coloured(&["--color", "always"], &[]));
    assert!(!coloured(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(coloured(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[], &[("NO_COLOR", "1")]));
    assert!(coloured(&["--color", "always"], &[("NO_COLOR", "1")]));
}

#[test]
fn standard_input_is_an_input() {
    let (capture, _) = confirmed_case();
    let from_file = mailwitness(&["sessions", &capture, "--format", "json"]);
    let from_stdin = command(&["sessions", "-", "--format", "json"])
        .write_stdin(fs::read(&capture).unwrap())
        .output()
        .unwrap();
    assert_eq!(code(&from_stdin), 0, "{}", text(&from_stdin.stderr));
    let (mut one, mut other) = (json_lines(&from_file.stdout), json_lines(&from_stdin.stdout));
    one.iter_mut().chain(&mut other).for_each(forget_paths);
    assert_eq!(one, other);
    assert!(!one.is_empty());
}

fn forget_paths(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("capture");
            map.values_mut().for_each(forget_paths);
        }
        Value::Array(list) => list.iter_mut().for_each(forget_paths),
        _ => {}
    }
}
