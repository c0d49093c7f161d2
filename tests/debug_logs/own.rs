//! What the lab's appliance wrote down itself, as a server and as a client.

use std::path::Path;

use serde_json::Value;

use crate::cases::Case;
use crate::{number, told};

/// Where a device between the appliance and the capture changed octets: the case, whose octets (`sent`: the
/// appliance's), the first of them, what the log reads from there, and what the wire does.
const CHANGED_ON_THE_WAY: [(&str, &str, u64, &str, &str); 2] = [
    (
        "debug-log-delivery-banner-masked",
        "received",
        4,
        "************** *****\r\n",
        "mx.example.net ESMTP\r\n",
    ),
    (
        "debug-log-delivery-ehlo-crossed-out",
        "sent",
        0,
        "ehlo appliance.example.com\r\n",
        "XXXX appliance.example.com\r\n",
    ),
];

/// What the two have, or may have, different for another reason: the case, a MID, whose octets, and why.
const NOT_ALIKE: [(&str, u64, &str, Why); 5] = [
    ("debug-log-rst-in-body", 9810, "received", Why::NeverRead),
    ("debug-log-two-at-once", 9851, "received", Why::NeverRead),
    ("debug-log-delivery-rst-in-body", 9910, "sent", Why::NeverSent),
    ("debug-log-delivery-several", 9952, "sent", Why::NeverSent),
    ("debug-log-delivery-as-quoted", 9960, "sent", Why::WithoutBody),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Why {
    /// The appliance's kernel had taken octets that a reset kept it from sending: only the log has them.
    NeverSent,
    /// The lab's appliance reads by lines, and had no use for the piece of one that came before the end: only the wire
    /// has it.
    NeverRead,
    /// The log leaves out the ends of lines, and what is body: it is compared up to there.
    WithoutBody,
}

#[test]
fn the_labs_own_debug_logs_agree_with_the_wire() {
    let (mut injections, mut deliveries, mut octets, mut never_sent, mut uncompared) = (0, 0, 0, 0, 0);
    for case in Case::all().iter().filter(|case| !case.debug_logs.is_empty()) {
        let logs: Vec<&Path> = case.debug_logs.iter().map(Path::new).collect();
        let report = case.report(&logs);
        for found in report["cases"].as_array().unwrap() {
            let name = format!("{}: MID {}", case.name, found["mid"]);
            let account = &found["debug_log"];
            assert!(account.is_object(), "{name}: no debug log of it");
            if account["agrees"].is_null() {
                // Its connection is not found for certain; the remark must say so.
                assert!(account["remarks"].to_string().contains("not compared"), "{name}: {found:#}");
                uncompared += 1;
                continue;
            }
            for side in ["received", "sent"] {
                octets += compare(case, found, side, &name);
                never_sent += number(&account[side]["only_in_log"]);
            }
            let alike = ["received", "sent"].iter().all(|side| is_alike(&account[side]));
            assert_eq!(account["agrees"], alike, "{name}: {found:#}");
            if found["leg"] == "delivery" { deliveries += 1 } else { injections += 1 }
        }
    }
    println!(
        "the lab's own debug logs: {injections} injected and {deliveries} delivered messages compared, {octets} octets \
         the same, {never_sent} that a reset kept from being sent; {uncompared} not found for certain"
    );
    assert!(never_sent > 0, "nothing needs the exception");
    assert!(injections >= 13 && deliveries >= 11, "{injections} {deliveries}");
}

fn is_alike(account: &Value) -> bool {
    let none = |key: &str| number(&account[key]) == 0;
    account["first_difference"].is_null() && none("only_in_log") && none("only_on_wire")
}

/// Holds one direction of a message's connection to the wire, and tells how many octets are the same.
fn compare(case: &Case, found: &Value, side: &str, name: &str) -> u64 {
    let one = &found["debug_log"][side];
    let changed = CHANGED_ON_THE_WAY.iter().find(|row| (row.0, row.1) == (case.name.as_str(), side));
    if let Some((.., offset, log, wire)) = changed {
        let difference = &one["first_difference"];
        assert_eq!(number(&difference["offset"]), *offset, "{name}: {found:#}");
        assert_eq!((&difference["log_reads"], &difference["wire_reads"]), (&(*log).into(), &(*wire).into()));
        assert_eq!(difference["change"], "changed", "{name}: {found:#}");
        assert_eq!(number(&one["equal"]), *offset, "{name}: {found:#}");
        assert_eq!(one["in_log"], one["on_wire"], "{name}: the device kept the length: {found:#}");
        return number(&one["equal"]);
    }
    let listed =
        NOT_ALIKE.iter().find(|row| (row.0, row.2) == (case.name.as_str(), side) && found["mid"] == row.1);
    let why = listed.map(|row| row.3);
    assert_eq!(one["first_difference"], Value::Null, "{name}: {found:#}");
    let reset = found["wire"]["ending"]["kind"] == "rst" && why == Some(Why::NeverSent);
    assert!(number(&one["only_in_log"]) == 0 || reset, "{name}: {found:#}");
    let in_body = found["wire"]["stage"] == "body" && why == Some(Why::NeverRead);
    assert!(number(&one["only_on_wire"]) == 0 || in_body, "{name}: {found:#}");
    match one["stopped"].as_str() {
        None => {
            let all = told(one) + number(&one["in_gaps"]) + number(&one["only_in_log"]);
            assert_eq!(all, number(&one["in_log"]), "{name}: {found:#}");
        }
        Some(_) if why == Some(Why::WithoutBody) => {
            assert_eq!(told(one), number(&one["in_log"]), "{name}: {found:#}")
        }
        Some(words) => {
            assert_eq!(words, "the wire is encrypted from here on", "{name}: {found:#}");
            assert_eq!(found["wire"]["encrypted"], true, "{name}: {found:#}");
        }
    }
    number(&one["equal"])
}

/// Under TLS the log alone has the dialogue: all of it, in the words of the leg.
#[test]
fn the_dialogue_of_a_delivery_under_tls_is_told_from_the_log() {
    let case = Case::named("debug-log-delivery-tls13-fin-after-rcpt");
    let report = case.report(&[Path::new("domain_debug.log")]);
    let dialogue = report["cases"][0]["debug_log"]["dialogue"].as_array().unwrap();
    let said: Vec<(&str, &str)> =
        dialogue.iter().map(|word| (word["by"].as_str().unwrap(), word["text"].as_str().unwrap())).collect();
    assert_eq!(said[5], ("appliance", "starttls"), "{said:?}");
    assert_eq!(
        said[10..],
        [
            ("appliance", "mail FROM:<anna@example.net>"),
            ("sender", "250 2.1.0 Ok"),
            ("appliance", "rcpt TO:<bert@example.com>"),
            ("sender", "250 2.1.5 Ok"),
            ("appliance", "data"),
        ]
    );
}
