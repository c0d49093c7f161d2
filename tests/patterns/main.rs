//! Patterns over sets of connections: each fires in a set that was made to show it, and not in one in which chance, or
//! something harmless, looks like it.
//!
//! The sets are made out of the lab's cases (`set.rs`); what a single case of the lab shows by itself is read from it
//! as it is.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a failed test is a panic by design")]

#[path = "../shared/frames.rs"]
mod frames;
mod set;

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;
use set::{Copy, patterns, report};

/// The report on one case of the lab, as it is.
fn lab(name: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_mailwitness"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(name))
        .args(["report", "--format", "json", "wire.pcap", "mail.log"])
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn causes(report: &Value) -> Vec<&str> {
    report["cases"].as_array().unwrap().iter().map(|case| case["cause"].as_str().unwrap()).collect()
}

const RESET: &str = "same_reset_from_unrelated_senders";
const PLAINLY: &str = "starttls_not_used_as_usual";
const NETWORK: &str = "aborts_of_one_network";

/// The pattern of one name. Copies of one case carry one message: that these die alike is no news.
fn pattern<'a>(report: &'a Value, name: &str) -> Option<&'a Value> {
    report["patterns"].as_array().unwrap().iter().find(|pattern| pattern["name"] == name)
}

/// Address number `host` of network number `network`.
const fn sender(network: u8, host: u8) -> [u8; 4] {
    [198, 18, network, host]
}

#[test]
fn retries_that_die_at_one_octet() {
    let reset = lab("content-reset-every-try");
    assert_eq!(patterns(&reset), ["dies_at_the_same_octet"]);
    assert_eq!(causes(&reset), ["content_blocked"; 3]);
    let encrypted = lab("tls-reset-every-try");
    assert_eq!(patterns(&encrypted), ["dies_at_the_same_octet_under_tls"]);
    assert_eq!(causes(&encrypted), ["middlebox_reset"; 3]);
}

#[test]
fn a_sender_that_gives_up_at_one_octet_is_no_device() {
    for (name, pattern) in
        [("four-tries", "dies_at_the_same_octet"), ("tls-four-tries", "dies_at_the_same_octet_under_tls")]
    {
        let report = lab(name);
        assert_eq!(patterns(&report), [pattern]);
        assert_eq!(causes(&report), ["sender_closed"; 4], "{name}");
    }
}

#[test]
fn tries_that_stop_at_a_count_are_not_stopped_by_their_content() {
    for name in ["silent-drop-of-the-answers", "stop-at-the-unscaled-window"] {
        let copies: Vec<Copy> = (0..3).map(|_| Copy::of(name, sender(1, 7))).collect();
        let found = report(&copies);
        assert_eq!(causes(&found), ["path_lost_data"; 3], "{name}: {}", found["patterns"]);
    }
}

#[test]
fn one_reset_in_the_names_of_unrelated_senders() {
    let distances = [0, -9, -17, -20];
    let copies: Vec<Copy> = distances
        .into_iter()
        .zip(1..)
        .map(|(further, network)| Copy {
            further,
            resets_too: false,
            ..Copy::of("rst-forged-to-appliance-only", sender(network, 7))
        })
        .collect();
    let found = report(&copies);
    let one = pattern(&found, RESET).unwrap();
    assert!(one["count"] == 4 && one["chance"].as_f64().unwrap() < 0.05, "{one}");
    // Each sender's own reset, from its own distance, alike in all else.
    let own: Vec<Copy> = distances
        .into_iter()
        .zip(1..)
        .map(|(further, network)| Copy { further, ..Copy::of("rst-emulated-windows", sender(network, 7)) })
        .collect();
    assert!(pattern(&report(&own), RESET).is_none());
    // Three, of which two are as far away: a third of all such sets would look like it.
    let few: Vec<Copy> = [0, 0, -17]
        .into_iter()
        .zip(1..)
        .map(|(further, network)| Copy {
            further,
            resets_too: false,
            ..Copy::of("rst-forged-to-appliance-only", sender(network, 7))
        })
        .collect();
    assert!(pattern(&report(&few), RESET).is_none());
}

#[test]
fn a_sender_that_usually_uses_starttls() {
    let habit = |encrypted: usize, plain: usize| {
        let mut copies = vec![Copy::of("tls13-delivered", sender(1, 7)); encrypted];
        for number in 0..plain {
            copies.insert((number + 1) * encrypted / (plain + 1), Copy::of(PLAIN, sender(1, 7)));
        }
        report(&copies)
    };
    let found = habit(10, 1);
    assert_eq!(pattern(&found, PLAINLY).unwrap()["count"], 1);
    assert!(pattern(&habit(37, 3), PLAINLY).is_none(), "three of forty are chance");
    assert!(pattern(&habit(4, 1), PLAINLY).is_none(), "no habit");
}

/// STARTTLS was offered, and taken out on the way to the sender.
const PLAIN: &str = "starttls-stripped-inbound";

#[test]
fn a_network_whose_aborts_stand_out() {
    let (aborted, fine) = ("fin-in-body", "delivered-with-quit");
    let others = (0..30u8).map(|number| Copy::of(fine, sender(10 + number % 6, number)));
    let mut copies: Vec<Copy> = others.collect();
    copies.extend((0..5).map(|host| Copy::of(aborted, sender(1, host))));
    let found = report(&copies);
    assert_eq!(pattern(&found, NETWORK).unwrap()["count"], 5);
    // Three of forty, each in another network.
    let copies: Vec<Copy> = (0..40u8)
        .map(|number| Copy::of(if number % 13 == 12 { aborted } else { fine }, sender(number % 8, number)))
        .collect();
    assert!(pattern(&report(&copies), NETWORK).is_none());
    // One busy sender has them all, as it has most connections.
    let mut copies: Vec<Copy> = (0..30u8)
        .map(|number| Copy::of(if number % 10 == 9 { aborted } else { fine }, sender(1, 7)))
        .collect();
    copies.extend((0..10u8).map(|number| Copy::of(fine, sender(20 + number, 7))));
    assert!(pattern(&report(&copies), NETWORK).is_none());
}

#[test]
fn a_sender_that_ends_it_itself_at_one_octet_is_no_device() {
    for (case, cause) in [
        ("rst-in-body", "sender_reset"),
        ("fin-in-body", "sender_closed"),
        ("silence-in-body", "sender_stalled"),
    ] {
        let found = report(&[
            Copy::of(case, sender(1, 7)),
            Copy::of(case, sender(1, 7)),
            Copy::of(case, sender(1, 7)),
        ]);
        assert_eq!(pattern(&found, "dies_at_the_same_octet").unwrap()["count"], 3, "{case}");
        assert_eq!(causes(&found), [cause; 3], "{case}");
    }
}
