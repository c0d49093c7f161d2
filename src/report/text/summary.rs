//! The summary: how many claims, how many of them the wire confirms, and where to read on.

use super::page::Page;
use super::{case, show};
use crate::investigate::InputKind;
use crate::report::document::{Case, Document, Pattern};
use crate::report::words::{self, counted};
use crate::verdict::VerdictKind;

/// Cases named in the summary, for each verdict.
const MAX_NAMED: usize = 6;

pub(super) fn write(page: &mut Page, document: &Document) {
    page.heading("SUMMARY");
    page.prose(&sentence(document));
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

/// The one sentence to read when there is time for one.
fn sentence(document: &Document) -> String {
    let summary = &document.summary;
    if document.cases.is_empty() && summary.aborted == 0 {
        return "The log claims no abort that was asked for: there is nothing to judge.".to_owned();
    }
    if summary.aborted == 0 {
        return "The log claims no abort that was asked for; the finished messages are judged below."
            .to_owned();
    }
    let claims = counted(summary.aborted, "abort", "aborts");
    match (summary.confirmed, summary.contradicted, summary.undetermined) {
        (1, 0, 0) => "The log claims 1 abort, and the wire confirms it.".to_owned(),
        (_, 0, 0) => format!("The log claims {claims}, and the wire confirms them all."),
        (0, 1, 0) => "The log claims 1 abort, and the wire contradicts it.".to_owned(),
        (0, 0, 1) => "The log claims 1 abort, and the wire cannot tell whether that is right.".to_owned(),
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
    }
}

fn counts(page: &mut Page, document: &Document) {
    let summary = &document.summary;
    page.count("Aborts claimed by the log", summary.aborted, "");
    for (verdict, count) in [
        (VerdictKind::Confirmed, summary.confirmed),
        (VerdictKind::Contradicted, summary.contradicted),
        (VerdictKind::Undetermined, summary.undetermined),
    ] {
        let named = if verdict == VerdictKind::Confirmed { String::new() } else { named(document, verdict) };
        page.count(&format!("  {}", words::verdict(verdict)), count, &named);
    }
    if summary.finished > 0 {
        page.count("Finished messages, listed too", summary.finished, "");
    }
    page.count(
        "Connections in the log",
        summary.connections,
        &format!("{} found in the captures", words::grouped(summary.matched)),
    );
    let unlogged = match summary.wire_without_icid {
        0 => "all of them in the log".to_owned(),
        count => format!("{} not in the log", words::grouped(count)),
    };
    page.count("SMTP connections in the captures", summary.wire_connections, &unlogged);
    if summary.icid_zero > 0 {
        page.count("Left out: messages of ICID 0", summary.icid_zero, "not from the network");
    }
    if summary.policy_aborts > 0 {
        page.count("Left out: aborted by policy", summary.policy_aborts, "not the end of a connection");
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

/// The first cases with `verdict` that are about an abort.
fn named(document: &Document, verdict: VerdictKind) -> String {
    names(document.cases.iter().filter(|case| case.verdict == verdict && is_abort(case)))
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

fn is_abort(case: &Case) -> bool {
    use crate::maillog::ClaimKind::{Accepted, Unfinished};
    !matches!(case.claim, Accepted | Unfinished)
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
