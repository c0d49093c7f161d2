//! One case: a headline, the log's account, the wire's account, the verdict, the join.

use super::page::{Page, Tone};
use super::{debug_log, matching, outside, show, wire};
use crate::cause::Bearing;
use crate::join::MatchOutcome;
use crate::net::Leg;
use crate::report::document::{Case, LogAccount, SignAccount};
use crate::report::words::{self, EndingFacts, Names, counted};
use crate::report::wrap;
use crate::verdict::VerdictKind;

/// Recipients shown.
const MAX_RECIPIENTS: usize = 5;

/// Cases listed at a glance; all of them are told in full.
const MAX_INDEX: usize = 100;

/// The index: its indent, and its columns for an id, a remote address and a verdict. The ending has
/// the rest of the line, from [`INDEX_ENDING`] on.
const INDEX_INDENT: usize = 2;
const INDEX_COLUMNS: [usize; 3] = [9, 15, 12];
const INDEX_ENDING: usize = INDEX_INDENT + 2 * (9 + 1) + (15 + 1) + (12 + 1);

/// Points shown in any one list.
const MAX_POINTS: usize = 12;

pub(super) fn write(page: &mut Page, case: &Case, place: usize, of: usize) {
    page.rule(&format!("Case {place} of {of}"));
    headline(page, case);
    page.space();
    log(page, case);
    page.space();
    match &case.wire {
        Some(account) => wire::write(page, account, Names::of(case.leg)),
        None => page.field("Wire", "no connection of this claim in the captures"),
    }
    if let Some(account) = &case.debug_log {
        page.space();
        debug_log::write(page, account, Names::of(case.leg));
    }
    if let Some(account) = &case.outside {
        page.space();
        outside::write(page, account, Names::of(case.leg));
    }
    page.space();
    verdict(page, case);
    cause(page, case);
    page.space();
    matching::write(page, &case.matched, Names::of(case.leg));
    if let Some(account) = case.wire.as_ref().filter(|account| !account.frames.is_empty()) {
        page.space();
        wire::frames(page, account, Names::of(case.leg));
    }
}

/// The cases at a glance, one line each, where there are several.
pub(super) fn index(page: &mut Page, cases: &[Case]) {
    if cases.len() < 2 {
        return;
    }
    page.space();
    let id =
        match (cases.iter().any(|case| case.dcid.is_some()), cases.iter().any(|case| case.icid.is_some())) {
            (true, true) => "ICID/DCID",
            (true, false) => "DCID",
            (false, _) => "ICID",
        };
    let heading = ["MID", id, "REMOTE", "VERDICT", "ON THE WIRE"];
    index_row(page, heading, Tone::Label, Tone::Label);
    for case in cases.iter().take(MAX_INDEX) {
        let number = |id: Option<u64>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let mut phrase = ending(case);
        if let Some(account) =
            case.wire.as_ref().filter(|_| wrap::width(&phrase) > page.width() - INDEX_ENDING)
        {
            phrase = EndingFacts::from(&account.ending).in_short(Names::of(case.leg));
        }
        let cells = [
            &number(case.mid),
            &number(case.icid.or(case.dcid)),
            case.log.remote.as_deref().unwrap_or("-"),
            words::verdict(case.verdict),
            &phrase,
        ];
        index_row(page, cells, Tone::Plain, tone(case.verdict));
    }
    if let Some(more) = cases.len().checked_sub(MAX_INDEX).filter(|more| *more > 0) {
        page.prose(&format!("and {}", counted(more as u64, "more case", "more cases")));
    }
}

fn index_row(page: &mut Page, cells: [&str; 5], plain: Tone, verdict: Tone) {
    let [mid, icid, remote, judged, ending] = cells;
    let [id_width, remote_width, verdict_width] = INDEX_COLUMNS;
    page.row(
        INDEX_INDENT,
        &[
            (mid, id_width, plain),
            (icid, id_width, plain),
            (remote, remote_width, plain),
            (judged, verdict_width, verdict),
            (ending, 0, plain),
        ],
    );
}

/// `MID 1404  ICID 10293  confirmed  sender's FIN after RCPT`
fn headline(page: &mut Page, case: &Case) {
    let ids: Vec<String> = [("MID", case.mid), ("ICID", case.icid), ("DCID", case.dcid)]
        .into_iter()
        .filter_map(|(name, id)| id.map(|id| format!("{name} {id}")))
        .collect();
    let ending = ending(case);
    let mut pieces: Vec<(&str, Tone)> = ids.iter().map(|id| (id.as_str(), Tone::Heading)).collect();
    pieces.push((words::verdict(case.verdict), tone(case.verdict)));
    pieces.push((&ending, Tone::Plain));
    if case.wire.is_some() && case.matched.outcome == MatchOutcome::Ambiguous {
        pieces.push(("ambiguous match", Tone::Doubtful));
    }
    page.pieces(&pieces);
}

/// How it ended on the wire, in a phrase.
fn ending(case: &Case) -> String {
    match &case.wire {
        Some(account) => EndingFacts::from(&account.ending).phrase(account.stage, Names::of(case.leg)),
        None => words::matched(case.matched.outcome).to_owned(),
    }
}

fn log(page: &mut Page, case: &Case) {
    let log = &case.log;
    page.field("Log", &format!("{} ({})", show::text(&log.reason), words::claim(case.claim)));
    page.field("Wording", words::standing(case.standing));
    if let Some(time) = log.aborted_at {
        page.field("At", &show::time(time));
    }
    // No log says so of a delivery.
    if case.leg == Leg::Injection {
        page.field("Lost", words::lost(log.lost));
    }
    page.fields("Addresses", &ends(case));
    if let Some(serial) = &case.serial {
        page.field("Appliance", &format!("serial number {}", show::text(serial)));
    }
    if let Some(sender) = &log.mail_from {
        page.field("From", &show::address(sender));
    }
    page.fields("To", &show::addresses(&log.rcpt_to, MAX_RECIPIENTS));
    page.fields("Started", &started(log));
    // Those that speak for or against the verdict are told there.
    let told = |timer: &&String| !case.evidence_for.contains(timer) && !case.evidence_against.contains(timer);
    page.points("Timers fit", &log.timers.iter().filter(told).cloned().collect::<Vec<_>>());
    page.fields("Log lines", &show::lines(&log.lines));
}

/// The two addresses as logged: `sender 192.0.2.10, appliance 198.51.100.25`.
fn ends(case: &Case) -> Vec<String> {
    let names = Names::of(case.leg);
    let end =
        |name: &str, address: &Option<String>| address.as_ref().map(|address| format!("{name} {address}"));
    let ends: Vec<String> = [end(names.sender, &case.log.remote), end(names.appliance, &case.log.local)]
        .into_iter()
        .flatten()
        .collect();
    if ends.is_empty() { Vec::new() } else { vec![ends.join(", ")] }
}

fn started(log: &LogAccount) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(time) = log.opened_at {
        lines.push(format!("connection {}", show::time(time)));
    }
    if let Some(time) = log.started_at {
        lines.push(format!("message {}", show::time(time)));
    }
    lines
}

fn verdict(page: &mut Page, case: &Case) {
    page.field_in("Verdict", words::verdict(case.verdict), tone(case.verdict));
    page.field("Why", &case.explanation);
    points(page, "For it", &case.evidence_for);
    points(page, "Against it", &case.evidence_against);
    points(page, "Missing", &case.missing);
}

/// Who did it, why that is said, and everything that speaks for it or against it.
fn cause(page: &mut Page, case: &Case) {
    let Some(cause) = case.cause else { return };
    page.space();
    let confidence = case.confidence.map_or_else(String::new, |sure| format!(" ({})", name(&sure)));
    page.field("Who did it", &format!("{}{confidence}", words::of_leg(cause.words(), case.leg)));
    if let Some(reason) = &case.cause_reason {
        page.field("Because", &capitalised(reason));
    }
    let frames = case.wire.iter().flat_map(|account| &account.frames);
    let home = frames.map(|frame| frame.capture.as_str()).next();
    for (label, bearing) in
        [("Signs for", Bearing::For), ("Against", Bearing::Against), ("Other signs", Bearing::Aside)]
    {
        let of_bearing = case.signs.iter().filter(|sign| sign.bearing == bearing);
        let told: Vec<String> = of_bearing.map(|one| sign(one, home)).collect();
        points(page, label, &told);
    }
    if let Some(step) = &case.next_step {
        page.field("Next step", step);
    }
}

/// `home`: the capture whose frames need no name.
fn sign(sign: &SignAccount, home: Option<&str>) -> String {
    let mut places = String::new();
    for frames in sign.frames.chunk_by(|one, other| one.capture == other.capture) {
        let numbers: Vec<String> = frames.iter().map(|frame| frame.frame.to_string()).collect();
        let word = if numbers.len() == 1 { "frame" } else { "frames" };
        places.push_str(&format!("; {word} {}", numbers.join(", ")));
        if let Some(frame) = frames.first().filter(|frame| home.is_some_and(|home| frame.capture != home)) {
            places.push_str(&format!(" of {}", show::path(&frame.capture)));
        }
    }
    format!("{} ({}{places})", sign.detail, name(&sign.strength))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn points(page: &mut Page, label: &str, list: &[String]) {
    let mut shown: Vec<String> = list.iter().take(MAX_POINTS).cloned().collect();
    if let Some(more) = list.len().checked_sub(MAX_POINTS).filter(|more| *more > 0) {
        shown.push(format!("and {}", counted(more as u64, "more point", "more points")));
    }
    page.points(label, &shown);
}

const fn tone(verdict: VerdictKind) -> Tone {
    match verdict {
        VerdictKind::Confirmed => Tone::Good,
        VerdictKind::Contradicted => Tone::Bad,
        VerdictKind::Undetermined => Tone::Doubtful,
    }
}

/// The name of a closed list's value as JSON has it, with spaces.
fn name(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name.replace('_', " "),
        _ => String::new(),
    }
}
