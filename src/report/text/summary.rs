//! The summary: how many claims, how many of them the wire confirms, and where to read on.

use super::page::Page;
use super::{case, show};
use crate::investigate::InputKind;
use crate::net::Leg;
use crate::report::document::{Case, Document, Pattern};
use crate::report::words::{self, counted};
use crate::verdict::VerdictKind;

/// Cases named in the summary, for each verdict.
const MAX_NAMED: usize = 6;

pub(super) fn write(page: &mut Page, document: &Document) {
    page.heading("SUMMARY");
    for sentence in sentences(document) {
        page.prose(&sentence);
    }
    page.space();
    counts(page, document);
    page.space();
    for pattern in &document.patterns {
        page.field("Pattern", &described(document, pattern));
    }
    if lossy(document) {
        page.prose("Part of the input could not be read; INPUTS at the end says what.");
    }
    match document.cases.len() {
        0 => {}
        1 => page.prose("The case follows; notes, clocks and inputs stand at the end."),
        cases => page.prose(&format!(
            "The {} cases in the order of the log; each follows in full. Notes, clocks and inputs stand at \
             the end.",
            words::grouped(cases as u64)
        )),
    }
    case::index(page, &document.cases);
}

/// What to read when there is time for one sentence: on what came in, and on what went out.
fn sentences(document: &Document) -> Vec<String> {
    let summary = &document.summary;
    let out = &summary.deliveries;
    if summary.aborted + out.failed == 0 {
        let nothing = "The log claims no abort that was asked for";
        return vec![match document.cases.is_empty() {
            true => format!("{nothing}: there is nothing to judge."),
            false => format!("{nothing}; the finished messages are judged below."),
        }];
    }
    let aborts = (summary.confirmed, summary.contradicted, summary.undetermined);
    let deliveries = (out.confirmed, out.contradicted, out.undetermined);
    [
        sentence(counted(summary.aborted, "abort", "aborts"), aborts),
        sentence(counted(out.failed, "failed delivery", "failed deliveries"), deliveries),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `None` where nothing is claimed; the verdicts are those confirmed, contradicted, undetermined.
fn sentence(claims: String, verdicts: (u64, u64, u64)) -> Option<String> {
    Some(match verdicts {
        (0, 0, 0) => return None,
        (1, 0, 0) => format!("The log claims {claims}, and the wire confirms it."),
        (_, 0, 0) => format!("The log claims {claims}, and the wire confirms them all."),
        (0, 1, 0) => format!("The log claims {claims}, and the wire contradicts it."),
        (0, 0, 1) => format!("The log claims {claims}, and the wire cannot tell whether that is right."),
        (confirmed, contradicted, undetermined) => {
            let part =
                |count: u64, verb: &str| (count > 0).then(|| format!("{verb} {}", words::grouped(count)));
            let parts = [
                part(confirmed, "confirms"),
                part(contradicted, "contradicts"),
                part(undetermined, "cannot tell about"),
            ];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            format!("The log claims {claims}: the wire {}.", listed(&parts))
        }
    })
}

fn counts(page: &mut Page, document: &Document) {
    let summary = &document.summary;
    let out = &summary.deliveries;
    // A log of deliveries alone claims no aborts.
    let incoming = summary.connections > 0 || summary.aborted > 0 || out.connections == 0;
    if incoming {
        page.count("Aborts claimed by the log", summary.aborted, "");
        let verdicts = [summary.confirmed, summary.contradicted, summary.undetermined];
        by_verdict(page, document, Leg::Injection, verdicts);
    }
    if out.failed > 0 {
        page.count("Failed deliveries claimed by the log", out.failed, "");
        let verdicts = [out.confirmed, out.contradicted, out.undetermined];
        by_verdict(page, document, Leg::Delivery, verdicts);
    }
    if summary.finished > 0 {
        page.count("Finished messages, listed too", summary.finished, "");
    }
    if incoming {
        page.count(
            "Connections in the log",
            summary.connections,
            &format!("{} found in the captures", words::grouped(summary.matched)),
        );
    }
    if out.connections > 0 {
        page.count(
            "Delivery connections in the log",
            out.connections,
            &format!("{} found in the captures", words::grouped(out.matched)),
        );
    }
    let unlogged = match summary.wire_without_icid {
        0 => "all of them in the log".to_owned(),
        count => format!("{} not in the log", words::grouped(count)),
    };
    page.count("SMTP connections in the captures", summary.wire_connections, &unlogged);
    if summary.icid_zero > 0 {
        page.count("Left out: messages of ICID 0", summary.icid_zero, "not from the network");
    }
    if out.never_connected > 0 {
        page.count("Left out: deliveries of DCID 0", out.never_connected, "never connected");
    }
    if summary.policy_aborts > 0 {
        page.count("Left out: aborted by policy", summary.policy_aborts, "not the end of a connection");
    }
}

/// How many claims of a leg have each verdict: confirmed, contradicted, undetermined.
fn by_verdict(page: &mut Page, document: &Document, leg: Leg, counts: [u64; 3]) {
    let verdicts = [VerdictKind::Confirmed, VerdictKind::Contradicted, VerdictKind::Undetermined];
    for (verdict, count) in verdicts.into_iter().zip(counts) {
        let named =
            if verdict == VerdictKind::Confirmed { String::new() } else { named(document, leg, verdict) };
        page.count(&format!("  {}", words::verdict(verdict)), count, &named);
    }
}

/// A pattern: what it is, how likely by chance, and the cases that show it.
fn described(document: &Document, pattern: &Pattern) -> String {
    let cases = pattern.cases.iter().filter_map(|place| document.cases.get(usize::try_from(*place).ok()?));
    format!(
        "{}. By chance {}, if {}. Cases: {}.",
        pattern.detail,
        words::probability(pattern.chance),
        pattern.supposing,
        names(cases)
    )
}

/// The first cases of a leg with `verdict` that are about a failure.
fn named(document: &Document, leg: Leg, verdict: VerdictKind) -> String {
    let wanted = |case: &&Case| case.leg == leg && case.verdict == verdict && case.claim.is_of_failure();
    names(document.cases.iter().filter(wanted))
}

/// The first of some cases by name, and how many more.
fn names<'a>(mut cases: impl Iterator<Item = &'a Case>) -> String {
    let mut names: Vec<String> = cases.by_ref().take(MAX_NAMED).map(show::case_name).collect();
    match cases.count() {
        0 => {}
        more => names.push(format!("and {} more", words::grouped(more as u64))),
    }
    names.join(", ")
}

fn lossy(document: &Document) -> bool {
    document
        .inputs
        .iter()
        .any(|input| input.kind == InputKind::Unusable || input.notes.iter().any(|note| note.loss))
}

fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
