//! Wire facts and verdicts, each compared with the truth.

use serde_json::Value;

use crate::cases::Measured;

/// How one answer compares with the truth, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grade {
    Right,
    /// Nothing said, though it could be known.
    Undetermined,
    Wrong,
    /// Something said, though nothing could be known.
    FalselyDetermined,
}

impl Grade {
    /// Their words, in their order.
    pub(crate) const WORDS: [&str; 4] =
        ["right", "undetermined, though knowable", "wrong", "determined, though not knowable"];
}

/// Facts of the wire: where the report has them and where the truth does.
const WIRE: [(&str, &str); 8] = [
    ("kind", "/wire/ending/kind"),
    ("by", "/wire/ending/by"),
    ("why", "/wire/ending/why"),
    ("stage", "/wire/stage"),
    ("turn", "/wire/turn"),
    ("frame", "/wire/ending/frame"),
    ("client", "/wire/client"),
    ("server", "/wire/server"),
];

/// What the truth may leave open: under TLS whose turn it was, and the frame where it cannot be read.
const OPEN: [&str; 3] = ["by", "turn", "frame"];

/// Kinds of ending that say that nothing is known.
const UNKNOWN: [&str; 1] = ["capture_ended"];

/// Everything that is not as expected, in words.
pub(crate) fn faults(case: &Measured) -> Vec<String> {
    let mut faults = Vec::new();
    for key in ["aborted", "confirmed", "contradicted", "undetermined", "connections"] {
        // How many of those that may be ambiguous are judged is open; each is compared below.
        let open = case.wanted().iter().any(may_be_ambiguous);
        if open && matches!(key, "confirmed" | "contradicted" | "undetermined") {
            continue;
        }
        let (found, want) = (&case.report["summary"][key], &case.expected["summary"][key]);
        if found != want {
            faults.push(format!("{}: {key}: {found}, expected {want}", case.name));
        }
    }
    let of_injections = |one: &&Value| one["dcid"].is_null();
    let reported = case.report["cases"].as_array().unwrap().iter().filter(of_injections).count();
    if reported != case.wanted().len() {
        faults.push(format!("{}: {reported} cases, expected {}", case.name, case.wanted().len()));
    }
    for (report, wanted) in [(&case.report, case.wanted()), (&case.everything, case.finished())] {
        for want in wanted {
            faults.extend(differences(case, Measured::found(report, want), want));
        }
    }
    faults
}

fn differences(case: &Measured, found: Option<&Value>, want: &Value) -> Vec<String> {
    let name = format!("{}: MID {} ICID {}", case.name, want["mid"], want["icid"]);
    let Some(found) = found else { return vec![format!("{name} is not in the report")] };
    let outcome = &found["match"]["outcome"];
    if may_be_ambiguous(want) && outcome == "ambiguous" {
        // What is shown may be another one's: then nothing may be said of this, unless all end alike.
        let verdict = &found["verdict"];
        let open = verdict == "undetermined" || verdict == &want["verdict"];
        return if open { Vec::new() } else { vec![format!("{name}: {verdict} of an ambiguous match")] };
    }
    let mut pairs: Vec<(&str, &Value, &Value)> = WIRE
        .iter()
        .filter(|(key, _)| !(OPEN.contains(key) && want[*key].is_null()))
        .map(|(key, pointer)| (*key, found.pointer(pointer).unwrap_or(&Value::Null), &want[*key]))
        .collect();
    pairs.push(("claim", &found["claim"], &want["claim"]));
    pairs.push(("verdict", &found["verdict"], &want["verdict"]));
    let matched = Value::from("matched");
    pairs.push(("match", outcome, if may_be_ambiguous(want) { &matched } else { &want["match"] }));
    pairs
        .into_iter()
        .filter(|(_, found, want)| found != want)
        .map(|(key, found, want)| format!("{name}: {key}: {found}, expected {want}"))
        .collect()
}

/// Whether only times tell the connection from others of its address: it may be ambiguous, never wrong.
pub(crate) fn may_be_ambiguous(want: &Value) -> bool {
    want["match"] == "matched or ambiguous"
}

/// How the wire's account of one message compares: its ending (kind, by, why, frame), stage and turn.
pub(crate) fn wire(found: Option<&Value>, want: &Value) -> Grade {
    let kind = found.and_then(|found| found.pointer("/wire/ending/kind")).and_then(Value::as_str);
    let said = kind.filter(|kind| !UNKNOWN.contains(kind));
    let knowable = want["kind"].as_str().is_some_and(|kind| !UNKNOWN.contains(&kind));
    // What is ambiguous says nothing, whatever the candidate shown looks like.
    let joined = found.is_some_and(|found| found["match"]["outcome"] == "matched");
    match (said.filter(|_| joined), knowable) {
        (None, true) if !may_be_ambiguous(want) => Grade::Undetermined,
        (None, _) => Grade::Right,
        (Some(_), false) => Grade::FalselyDetermined,
        (Some(_), true) => {
            let same = WIRE.iter().all(|(key, pointer)| {
                (OPEN.contains(key) && want[*key].is_null())
                    || found.and_then(|found| found.pointer(pointer)).unwrap_or(&Value::Null) == &want[*key]
            });
            if same { Grade::Right } else { Grade::Wrong }
        }
    }
}

/// How a verdict compares.
pub(crate) fn verdict(found: Option<&Value>, want: &Value) -> Grade {
    let said = found.map_or("undetermined", |found| found["verdict"].as_str().unwrap());
    match (said, want["verdict"].as_str().unwrap()) {
        (said, want) if said == want => Grade::Right,
        ("undetermined", _) if may_be_ambiguous(want) => Grade::Right,
        ("undetermined", _) => Grade::Undetermined,
        (_, "undetermined") => Grade::FalselyDetermined,
        _ => Grade::Wrong,
    }
}
