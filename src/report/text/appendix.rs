//! What concerns all cases: connections that the log does not know, notes, clocks, inputs.

use super::page::Page;
use super::{show, wire};
use crate::investigate::{InputKind, InputRole};
use crate::join::clock::ClockOrigin;
use crate::net::Leg;
use crate::report::document::{Clock, ClockPair, ClockSegment, Document, Input, InputNote, Unlogged};
use crate::report::words::{self, EndingFacts, Names, counted};
use crate::time::Span;

/// Connections without an ICID that are listed.
const MAX_UNLOGGED: usize = 50;
/// Stretches of one clock that are listed.
const MAX_SEGMENTS: usize = 8;

pub(super) fn write(page: &mut Page, document: &Document) {
    unlogged(page, &document.unlogged);
    if !document.notes.is_empty() {
        page.heading("NOTES");
        for note in &document.notes {
            page.prose(note);
        }
    }
    if !document.clocks.is_empty() {
        page.heading("CLOCKS");
        for clock in &document.clocks {
            write_clock(page, clock);
        }
    }
    page.heading("INPUTS");
    for input in &document.inputs {
        write_input(page, input);
    }
    page.space();
    if document.cases.iter().any(|case| case.wire.is_some()) {
        page.prose(&format!("The capture was taken {}.", document.vantage.words()));
    }
    page.prose(&format!("Written by mailwitness {}.", document.version));
}

fn unlogged(page: &mut Page, connections: &[Unlogged]) {
    if connections.is_empty() {
        return;
    }
    page.heading("ON THE WIRE, NOT IN THE LOG");
    let names = Names::of(Leg::Injection);
    for connection in connections.iter().take(MAX_UNLOGGED) {
        let mut lines = vec![
            format!("{} -> {}", connection.client, connection.server),
            format!("{} to {}", show::instant(connection.first), show::instant(connection.last)),
            EndingFacts::from(&connection.ending).phrase(connection.stage, names),
        ];
        lines.extend(wire::place(&connection.ending));
        page.fields("Connection", &lines);
    }
    if let Some(more) = connections.len().checked_sub(MAX_UNLOGGED).filter(|more| *more > 0) {
        page.prose(&format!("and {} more", words::grouped(more as u64)));
    }
}

fn write_clock(page: &mut Page, clock: &Clock) {
    let serial = clock.serial.as_ref().map(|serial| format!(", serial number {}", show::text(serial)));
    let mut lines = vec![format!("{}{}", show::path(&clock.log), serial.unwrap_or_default())];
    lines.extend(clock.segments.iter().take(MAX_SEGMENTS).map(segment));
    if let Some(more) = clock.segments.len().checked_sub(MAX_SEGMENTS).filter(|more| *more > 0) {
        lines.push(format!("and {} more", counted(more as u64, "stretch", "stretches")));
    }
    lines.push(clock.explanation.clone());
    page.fields("Log", &lines);
    let several = are_of_several_captures(&clock.pairs);
    page.fields("Pairs", &clock.pairs.iter().map(|pair| clock_pair(pair, several)).collect::<Vec<_>>());
}

/// `line 1204 at 13:08:49 is frame 5120 at 11:08:49.250 UTC: MAIL accepted`
fn clock_pair(pair: &ClockPair, several: bool) -> String {
    let logged = pair.logged.to_string();
    let logged = logged.split_once('T').map_or(logged.as_str(), |(_, time)| time);
    let capture = if several { format!(" of {}", show::path(&pair.capture)) } else { String::new() };
    format!(
        "line {} at {logged} is frame {}{capture} at {} UTC",
        pair.line,
        pair.frame,
        pair.time.clock_face()
    )
}

fn are_of_several_captures(pairs: &[ClockPair]) -> bool {
    pairs.iter().zip(pairs.iter().skip(1)).any(|(one, other)| one.capture != other.capture)
}

/// `from 2014-08-14 13:08:49: UTC+0200, by the log's head; its clock is 0.4 s ahead`
fn segment(segment: &ClockSegment) -> String {
    let from = segment.from.to_string().replace('T', " ");
    let offset = match segment.utc_offset_seconds {
        Some(offset) => format!("local time is UTC{offset}, {}", source(segment.source)),
        None => "the offset from UTC is not known".to_owned(),
    };
    let unplaced = if segment.step_not_placed { "; the clock was set hereabouts" } else { "" };
    let skew = segment.skew_seconds.map(|skew| {
        let way = if skew < 0.0 { "behind" } else { "ahead of" };
        format!("; the log is {} {way} the capture", Span::from_millis((skew.abs() * 1000.0) as i64))
    });
    let drift = segment.drift_ppm.map(|drift| format!("; drift {drift:+.1} ppm"));
    format!("from {from}: {offset}{unplaced}{}{}", skew.unwrap_or_default(), drift.unwrap_or_default())
}

const fn source(source: ClockOrigin) -> &'static str {
    match source {
        ClockOrigin::Stamp => "as its stamps say",
        ClockOrigin::Head => "as the head of the log says",
        ClockOrigin::Option => "as --utc-offset says",
        ClockOrigin::OrderOfLines => "as the order of lines shows",
        ClockOrigin::Fit => "fitted to the capture",
        ClockOrigin::Unknown => "from nowhere",
    }
}

fn write_input(page: &mut Page, input: &Input) {
    let kind = match input.kind {
        InputKind::Capture if input.role == InputRole::Outside => "Outside",
        InputKind::Capture => "Capture",
        InputKind::Log => "Log",
        InputKind::DebugLog => "Debug log",
        InputKind::Unusable => "Not read",
    };
    let mut lines = vec![show::path(&input.path)];
    if input.kind == InputKind::Unusable && input.role == InputRole::Outside {
        lines.push("named by --outside".to_owned());
    }
    if input.kind != InputKind::Unusable {
        let records = match input.kind {
            InputKind::Capture => counted(input.records, "frame", "frames"),
            InputKind::Log | InputKind::DebugLog | InputKind::Unusable => {
                counted(input.records, "record", "records")
            }
        };
        lines.push(format!("{}, {}, {records}", input.format, counted(input.bytes, "octet", "octets")));
    }
    lines.extend(show::stretch(input.first, input.last));
    lines.extend(input.sha256.as_ref().map(|hash| format!("SHA-256 {hash}")));
    lines.extend(input.notes.iter().map(note));
    page.fields(kind, &lines);
}

/// `lost: the file ends in mid-frame (offset 1514)`
fn note(note: &InputNote) -> String {
    let weight = if note.loss { "not read: " } else { "noted: " };
    let count = (note.count > 1).then(|| format!("{} times", words::grouped(note.count)));
    let first = note
        .first
        .as_ref()
        .map(|place| if note.count > 1 { format!("first at {place}") } else { format!("at {place}") });
    let where_and_how_often: Vec<String> = count.into_iter().chain(first).collect();
    if where_and_how_often.is_empty() {
        format!("{weight}{}", note.text)
    } else {
        format!("{weight}{} ({})", note.text, where_and_how_often.join(", "))
    }
}
