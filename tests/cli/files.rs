//! `-o`: a result takes its place whole, or not at all.

use std::fs;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use super::{code, confirmed_case, mailwitness, text};

fn sessions_into(target: &Path, capture: &str) -> Output {
    mailwitness(&["sessions", capture, "--format", "json", "-o", target.to_str().unwrap()])
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_result_takes_its_place_whole() {
    let folder = TempDir::new().unwrap();
    let (capture, _) = confirmed_case();
    let target = folder.path().join("sessions.json");
    let output = sessions_into(&target, &capture);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(output.stdout.is_empty());
    assert_eq!(fs::read(&target).unwrap(), mailwitness(&["sessions", &capture, "--format", "json"]).stdout);
    assert_eq!(names(&folder), ["sessions.json"], "something is left beside it");
}

#[test]
fn a_run_that_fails_leaves_what_was_there() {
    let folder = TempDir::new().unwrap();
    let target = folder.path().join("sessions.json");
    fs::write(&target, "precious").unwrap();
    assert_eq!(code(&sessions_into(&target, "no/such/file")), 2);
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert_eq!(names(&folder), ["sessions.json"]);
}

#[test]
fn an_input_is_never_overwritten() {
    let folder = TempDir::new().unwrap();
    let capture = folder.path().join("wire.pcap");
    fs::copy(confirmed_case().0, &capture).unwrap();
    let before = fs::read(&capture).unwrap();
    let output = sessions_into(&folder.path().join(".").join("wire.pcap"), capture.to_str().unwrap());
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("is an input"), "{}", text(&output.stderr));
    assert_eq!(fs::read(&capture).unwrap(), before);
}

#[test]
fn a_place_that_cannot_be_written_is_told() {
    let folder = TempDir::new().unwrap();
    let (capture, _) = confirmed_case();
    for target in [folder.path().to_owned(), folder.path().join("no/such/folder/file")] {
        let output = sessions_into(&target, &capture);
        assert_eq!(code(&output), 2);
        assert!(text(&output.stderr).contains("cannot write"), "{}", text(&output.stderr));
    }
}

#[test]
#[cfg(unix)]
fn modes_and_links_are_kept() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let folder = TempDir::new().unwrap();
    let (capture, _) = confirmed_case();
    let (target, link) = (folder.path().join("target"), folder.path().join("link"));
    fs::write(&target, "old").unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&target, &link).unwrap();
    assert_eq!(code(&sessions_into(&link, &capture)), 0);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
    assert_ne!(fs::read_to_string(&target).unwrap(), "old");
}

#[test]
#[cfg(unix)]
fn what_is_no_regular_file_is_written_as_it_is() {
    let (capture, _) = confirmed_case();
    assert_eq!(code(&sessions_into(Path::new("/dev/null"), &capture)), 0);
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
#[cfg(unix)]
fn more_inputs_than_descriptors_are_all_read() {
    const EACH: usize = 100;
    let folder = TempDir::new().unwrap();
    let (capture, log) = confirmed_case();
    for number in 0..EACH {
        fs::copy(&capture, folder.path().join(format!("{number}.pcap"))).unwrap();
        fs::copy(&log, folder.path().join(format!("{number}.log"))).unwrap();
    }
    let limited = |arguments: &str| {
        let line = format!("ulimit -n 40 && exec {} {arguments}", super::BIN);
        let output = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let directory = folder.path().display();
    let report: serde_json::Value =
        serde_json::from_str(&limited(&format!("report --format json {directory}"))).unwrap();
    let kinds = |kind: &str| {
        report["inputs"].as_array().unwrap().iter().filter(|input| input["kind"] == kind).count()
    };
    assert_eq!((kinds("capture"), kinds("log")), (EACH, EACH));
    assert_eq!(limited(&format!("sessions --format json {directory}")).lines().count(), EACH);
    assert!(!limited(&format!("messages --format json {directory}/*.log")).is_empty());
}
