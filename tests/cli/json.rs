//! Every case of `captures/`: all that is written keeps to the schema that is printed.

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::Value;

use super::{code, json_lines, mailwitness, text};

#[test]
fn outputs_keep_to_their_schemas() {
    let (report, sessions, messages) = (validator("report"), validator("sessions"), validator("messages"));
    let mut checked = 0;
    for folder in cases() {
        let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let (capture, log) = (file("wire.pcap"), file("mail.log"));
        for line in json_lines(&good(&["sessions", &capture, "--format", "json"])) {
            check(&sessions, &line);
        }
        for line in json_lines(&good(&["sessions", &capture, "--format", "json", "--exchanges"])) {
            assert!(line["exchanges"].is_array());
            check(&sessions, &line);
        }
        // A log of deliveries alone has nothing that came in.
        let told = mailwitness(&["messages", &log, "--format", "json"]);
        assert_eq!(code(&told), 0, "{}", text(&told.stderr));
        let came_in = fs::read_to_string(&log).unwrap().contains("ICID");
        assert_eq!(told.stdout.is_empty(), !came_in, "{log}");
        for line in json_lines(&told.stdout) {
            check(&messages, &line);
        }
        for more in [&[][..], &["--all", "--hash"]] {
            let arguments = [&["report", &capture, &log, "--format", "json"], more].concat();
            check(&report, &serde_json::from_slice(&good(&arguments)).unwrap());
        }
        checked += 1;
    }
    assert!(checked >= 7, "only {checked} cases");
}

fn good(arguments: &[&str]) -> Vec<u8> {
    let output = mailwitness(arguments);
    assert_eq!(code(&output), 0, "{arguments:?}: {}", text(&output.stderr));
    assert!(!output.stdout.is_empty(), "{arguments:?}");
    output.stdout
}

fn check(validator: &Validator, value: &Value) {
    let complaints: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(complaints.is_empty(), "{complaints:?}\n{value:#}");
}

fn validator(of: &str) -> Validator {
    let output = mailwitness(&["schema", of]);
    assert_eq!(code(&output), 0);
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

fn cases() -> Vec<PathBuf> {
    fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("captures"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|folder| folder.join("wire.pcap").is_file() && folder.join("mail.log").is_file())
        .collect()
}
