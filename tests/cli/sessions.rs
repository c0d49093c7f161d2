//! `sessions` in each format over the cases of `captures/`.

use super::{case_file, code, mailwitness, text};

const CASES: [&str; 7] = [
    "delivered-with-quit",
    "fin-after-rcpt",
    "quit-before-data",
    "rst-in-body",
    "silence-until-timer",
    "third-message-aborted",
    "twenty-at-once",
];

/// The list of a case, without the place of the project.
fn list(case: &str, more: &[&str]) -> String {
    let capture = case_file(case, "wire.pcap");
    let output = mailwitness(&[&["sessions", &capture][..], more].concat());
    assert_eq!(code(&output), 0, "{case}: {}", text(&output.stderr));
    text(&output.stdout).replace(&capture, &format!("{case}/wire.pcap"))
}

#[test]
fn every_case_in_every_format() {
    for format in ["text", "json", "csv", "zeek"] {
        let lists = CASES.map(|case| list(case, &["--format", format]));
        insta::assert_snapshot!(format, lists.join("\n"));
    }
}

#[test]
fn every_word_of_some_cases() {
    for case in ["fin-after-rcpt", "silence-until-timer", "third-message-aborted"] {
        insta::assert_snapshot!(format!("words of {case}"), list(case, &["--exchanges"]));
    }
}

/// What a spreadsheet or a program makes of it: as many cells in each row as in the first.
#[test]
fn rows_are_rectangular() {
    for case in CASES {
        let csv = list(case, &["--format", "csv"]);
        let rows: Vec<_> = csv::Reader::from_reader(csv.as_bytes()).into_records().collect();
        assert!(!rows.is_empty() && rows.iter().all(Result::is_ok), "{case}");
        assert_eq!(csv.lines().count(), rows.len() + 1, "{case}");

        let zeek = list(case, &["--format", "zeek"]);
        let cells = |line: &str| line.split('\t').count();
        let fields = zeek.lines().find(|line| line.starts_with("#fields")).map(cells).unwrap();
        assert!(
            zeek.lines().filter(|line| !line.starts_with('#')).all(|line| cells(line) + 1 == fields),
            "{case}"
        );
        assert!(zeek.lines().last().unwrap().starts_with("#close\t"), "{case}");
    }
}

#[test]
fn an_empty_list_keeps_its_frame() {
    let nobody = &["--remote", "203.0.113.1"];
    let csv = list("fin-after-rcpt", &[nobody, &["--format", "csv"][..]].concat());
    assert_eq!(csv.lines().count(), 1, "{csv}");
    let zeek = list("fin-after-rcpt", &[nobody, &["--format", "zeek"][..]].concat());
    assert!(zeek.contains("#fields\tts\tuid") && zeek.contains("#close\t"), "{zeek}");
    assert!(zeek.lines().all(|line| line.starts_with('#')), "{zeek}");
    assert_eq!(list("fin-after-rcpt", nobody), "");
}

/// The sums of a session are those of its exchanges.
#[test]
fn waits_are_the_sums_of_exchanges() {
    for case in CASES {
        for line in list(case, &["--format", "json", "--exchanges"]).lines() {
            let session: serde_json::Value = serde_json::from_str(line).unwrap();
            let sum = |key: &str| -> f64 {
                session["exchanges"].as_array().unwrap().iter().filter_map(|one| one[key].as_f64()).sum()
            };
            let waits = &session["waits"];
            let (client, server) =
                (waits["client_seconds"].as_f64().unwrap(), waits["server_seconds"].as_f64().unwrap());
            // What was owed at the end is in the sums alone.
            assert!(client + 1e-6 >= sum("server_seconds"), "{case}: {line}");
            assert!(server + 1e-6 >= sum("client_seconds"), "{case}: {line}");
            assert!(session["round_trip"]["seconds"].as_f64().unwrap() > 0.0, "{case}: {line}");
            let whole = client + server + waits["body_seconds"].as_f64().unwrap();
            assert!(whole < 1000.0 && whole > 0.0, "{case}: {line}");
        }
    }
}

#[test]
fn colour_is_asked_for() {
    let plain = list("fin-after-rcpt", &["--exchanges"]);
    let coloured = list("fin-after-rcpt", &["--exchanges", "--color", "always"]);
    assert!(!plain.contains('\u{1b}') && coloured.contains('\u{1b}'));
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
}

#[test]
fn the_manual_lists_the_columns() {
    let page = text(&mailwitness(&["man", "sessions"]).stdout);
    for name in ["ending_waited_seconds", "round_trip_seconds", "trans_depth", "community_id"] {
        assert!(page.contains(name), "{name}");
    }
}
