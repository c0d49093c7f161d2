//! The lab's own captures of the sender's side, taken by the sender while the appliance took the other.

use std::fs;
use std::path::Path;

use crate::{outcome, report};

/// What they settle: the case, its signs of the second capture, and the cause.
const SETTLED: &[(&str, &[&str], &str)] = &[
    ("commands-rewritten-to-x", &["changed_in_between"], "middlebox_rewriting named"),
    ("outside-proxy-passes-on", &[PROXY, "senders_end_passed_on_by_the_proxy"], "sender_closed named"),
    (
        "outside-refused-by-a-device",
        &["dropped_in_between", "dropped_in_between", "reply_made_in_between", RESET],
        "middlebox_reset named",
    ),
    ("outside-renumbered-and-translated", &["same_on_both_sides"], "sender_reset named"),
    ("rst-forged-to-both-ends", &[RESET], "middlebox_reset named"),
    ("silent-drop-in-body", &["dropped_in_between"], "path_lost_data named"),
    ("terminating-proxy", &[PROXY, "closed_by_the_proxy"], "middlebox_proxy named"),
];

const PROXY: &str = "two_connections_with_a_proxy_between";
const RESET: &str = "reset_made_in_between";

#[test]
fn captures_of_the_labs_senders() {
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")).unwrap();
    let mut names: Vec<String> = folders
        .map(|entry| entry.unwrap())
        .filter(|entry| ["sender.pcap", "wire.pcap"].iter().all(|name| entry.path().join(name).is_file()))
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut settled = Vec::new();
    for name in names {
        let report = report(&name, Path::new("sender.pcap"));
        if report["cases"].as_array().unwrap().is_empty() {
            // Delivered all the same: there is nothing to settle.
            continue;
        }
        let (signs, cause) = outcome(&report);
        println!("{name}: {signs:?} {cause}; {}", report["notes"]);
        settled.push((name, signs, cause));
    }
    let wanted: Vec<_> = SETTLED
        .iter()
        .map(|(name, signs, cause)| {
            (
                (*name).to_owned(),
                signs.iter().map(|sign| (*sign).to_owned()).collect::<Vec<_>>(),
                (*cause).to_owned(),
            )
        })
        .collect();
    assert_eq!(settled, wanted);
}

#[test]
fn what_a_proxy_a_translation_and_a_renumbering_look_like() {
    let outside = |name| {
        let report = report(name, Path::new("sender.pcap"));
        report["cases"][0]["outside"].clone()
    };
    let proxied = outside("terminating-proxy");
    assert_eq!(
        (proxied["passage"].as_str(), &proxied["translated"]),
        (Some("proxied"), &serde_json::json!([]))
    );
    let shifted = outside("outside-renumbered-and-translated");
    assert_eq!(shifted["passage"], "same_packets");
    assert_eq!(shifted["translated"], serde_json::json!(["sender"]));
    assert_eq!(shifted["renumbered"], serde_json::json!(["sender", "appliance"]));
    assert!(shifted["sender"].as_str().unwrap().starts_with("192.0.2.10:"), "{shifted}");
    // Both captures are of one machine's clock.
    let (ahead, sure) = (&shifted["clock_ahead_seconds"], &shifted["give_or_take_seconds"]);
    assert!(
        ahead.as_f64().unwrap().abs() < 0.001 && (0.029..0.032).contains(&sure.as_f64().unwrap()),
        "{shifted}"
    );
}
