//! A debug log made of the wire's own octets, whole and with one octet changed.

use std::collections::HashSet;
use std::fs;

use assert_cmd::Command;
use serde_json::Value;

use crate::cases::Case;
use crate::written::{Line, made_from_wire, written};
use crate::{number, told};

/// Where log and wire count a body differently: the case, how many octets more the wire has, and why.
const BODIES_DIFFER: [(&str, u64, &str); 1] = [(
    "too-many-header-lines",
    3,
    "the appliance refuses within the body and takes what follows for commands, its dot too; by the log's order it \
     had read all of it before it refused",
)];

/// Whole and in clear, with and without damage to captures and logs, chunks and refusals included.
#[test]
fn a_log_made_from_the_wire_agrees_octet_by_octet() {
    let (mut injections, mut deliveries, mut bodies, mut uncertain) = (0, 0, 0, 0);
    for case in Case::all() {
        let lines = made_from_wire(&case);
        if lines.is_empty() {
            continue;
        }
        let ids: HashSet<u64> = lines.iter().map(|line| line.id).collect();
        let report = case.report_with(&written(&lines));
        for found in report["cases"].as_array().unwrap() {
            let id = found["icid"].as_u64().or(found["dcid"].as_u64());
            if !id.is_some_and(|id| ids.contains(&id)) {
                continue;
            }
            let name = format!("{}: MID {} of {id:?}", case.name, found["mid"]);
            let account = &found["debug_log"];
            if found["match"]["outcome"] != "matched" {
                assert!(may_be_ambiguous(&case, found), "{name}: {found:#}");
                assert!(account["remarks"].to_string().contains("not compared"), "{name}: {found:#}");
                uncertain += 1;
                continue;
            }
            assert_eq!(account["agrees"], true, "{name}: {found:#}");
            for side in ["received", "sent"] {
                let one = &account[side];
                assert_eq!(told(one), number(&one["in_log"]), "{name}: {side}");
                assert_eq!(told(one), number(&one["on_wire"]), "{name}: {side}");
            }
            let wire = &found["wire"];
            if number(&wire["body_octets"]) > 0 && wire["encrypted"] == false {
                let differ = BODIES_DIFFER.iter().find(|row| row.0 == case.name).map_or(0, |row| row.1);
                let (log, wire) = (&account["body_octets"], &account["wire_body_octets"]);
                assert_eq!(log.as_u64().map(|octets| octets + differ), wire.as_u64(), "{name}: {found:#}");
                bodies += 1;
            }
            if found["leg"] == "delivery" { deliveries += 1 } else { injections += 1 }
        }
        let kinds: Vec<&Value> =
            report["inputs"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
        assert!(kinds.contains(&&Value::from("debug_log")), "{kinds:?}");
    }
    println!(
        "logs made from the wire: {injections} injected and {deliveries} delivered messages compared, {bodies} bodies \
         counted; {uncertain} not found for certain"
    );
    assert!(injections >= 350 && deliveries >= 14 && bodies >= 300, "{injections} {deliveries} {bodies}");
}

/// By the truth, not by the report.
fn may_be_ambiguous(case: &Case, found: &Value) -> bool {
    let lists = ["cases", "finished", "deliveries"]
        .map(|key| case.expected[key].as_array().cloned().unwrap_or_default());
    let open = |want: &Value| want["match"].as_str().is_some_and(|outcome| outcome.ends_with("ambiguous"));
    lists.iter().flatten().any(|want| want["mid"] == found["mid"] && open(want))
}

/// One octet of what one side said is changed in the log, taken out, put in; in command and in body.
#[test]
fn one_octet_is_pointed_out() {
    for name in ["fin-after-rcpt", "rst-in-body", "delivery-rst-after-rcpt", "delivery-rst-after-dot"] {
        let case = Case::named(name);
        let whole = made_from_wire(&case);
        let id = whole[0].id;
        for sent in [false, true] {
            let of_side: Vec<usize> =
                (0..whole.len()).filter(|&at| whole[at].sent == sent && whole[at].id == id).collect();
            let at = *of_side.last().unwrap();
            let before: usize =
                of_side.iter().take_while(|&&one| one < at).map(|&one| whole[one].octets.len()).sum();
            let place = whole[at].octets.len() / 2;
            for change in ["changed", "only_on_wire", "only_in_log"] {
                let mut lines = whole.clone();
                let octets = &mut lines[at].octets;
                match change {
                    "changed" => octets[place] ^= 0x20,
                    "only_on_wire" => drop(octets.remove(place)),
                    _ => octets.insert(place, b'#'),
                }
                let found = &case.report_with(&written(&lines))["cases"][0];
                let account = &found["debug_log"];
                let side = if sent { "sent" } else { "received" };
                let other = if sent { "received" } else { "sent" };
                let difference = &account[side]["first_difference"];
                assert_eq!(account["agrees"], false, "{found:#}");
                assert_eq!(difference["change"], change, "{found:#}");
                assert_eq!(difference["octets"], 1, "{found:#}");
                // An octet that equals its neighbour may be missing one place later.
                let offset = number(&difference["offset"]) as usize;
                assert!((before + place..before + place + 8).contains(&offset), "{found:#}");
                assert_eq!(difference["frame"], whole[at].at.frame.frame, "{found:#}");
                assert_eq!(difference["line"]["line"], at + 4, "{found:#}");
                assert_ne!(difference["log_reads"], difference["wire_reads"]);
                assert_eq!(account[other]["first_difference"], Value::Null, "{found:#}");
                assert_eq!(found["match"]["outcome"], "matched");
                assert!(names_the_side(account, found, sent), "{found:#}");
                let bare = case.report(&[]);
                assert_eq!(found["verdict"], bare["cases"][0]["verdict"], "the verdict stays as it is");
            }
        }
    }
}

/// Whether a remark says whose octets differ, in the words of the leg.
fn names_the_side(account: &Value, found: &Value, sent: bool) -> bool {
    let remote = if found["leg"] == "delivery" { "remote server" } else { "sender" };
    let whose = if sent { "appliance" } else { remote };
    account["remarks"].to_string().contains(&format!("the {whose}'s octets differ"))
}

#[test]
fn a_log_that_ends_early_says_so() {
    for (name, sent) in [("delivered-with-quit", false), ("delivery-taken", true)] {
        let case = Case::named(name);
        let mut lines = made_from_wire(&case);
        let last = lines.iter().rposition(|line| line.sent == sent).unwrap();
        let missing = lines.remove(last).octets.len();
        let report = case.report_with(&written(&lines));
        let account = &report["cases"][0]["debug_log"];
        let side = &account[if sent { "sent" } else { "received" }];
        assert_eq!(side["only_on_wire"], missing);
        assert_eq!(side["first_difference"], Value::Null);
        let said = account["remarks"].to_string();
        assert!(said.contains("the log ends earlier than the wire"), "{said}");
    }
}

/// The third witness ties an id to its flow by what only it tells: here the Message-ID of aborted
/// messages, in a log whose clock is not known.
#[test]
fn content_of_the_debug_log_is_evidence_once() {
    for name in ["rst-in-body", "delivery-rst-after-dot"] {
        let case = Case::named(name);
        let report = case.report_with(&written(&made_from_wire(&case)));
        let evidence = report["cases"][0]["match"]["evidence"].as_array().unwrap();
        let names: Vec<&str> = evidence.iter().filter_map(|piece| piece["name"].as_str()).collect();
        for name in ["debug_log_helo", "debug_log_reply", "debug_log_message_id"] {
            assert_eq!(names.iter().filter(|one| **one == name).count(), 1, "{names:?}");
        }
    }
}

#[test]
fn messages_names_a_debug_log_and_lists_nothing_of_it() {
    for name in ["fin-after-rcpt", "delivery-taken"] {
        let lines: Vec<Line> = made_from_wire(&Case::named(name));
        let own = tempfile::tempdir().unwrap();
        let path = own.path().join("debug.log");
        fs::write(&path, written(&lines)).unwrap();
        let output =
            Command::new(env!("CARGO_BIN_EXE_mailwitness")).arg("messages").arg(&path).output().unwrap();
        assert!(output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("debug log"), "{said}");
        assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
