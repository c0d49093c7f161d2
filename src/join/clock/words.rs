//! How a clock was found, in a few sentences, and what would settle what is open.

use super::course::{Break, Outcome, Refusal};
use super::tracks::Track;
use super::year::YearOrigin;
use super::zone::{Local, Zone};
use super::{ClockOrigin, ClockReading};
use crate::maillog::{ClockSource, MailLog};
use crate::net::Leg;
use crate::time::{Span, UtcOffset};

/// Steps told one by one.
const MAX_STEPS: usize = 4;
/// A fitted skew beyond half a quarter of an hour's half may belong to another offset.
const SPLIT_IS_SURE_SECONDS: f64 = 225.0;

/// The sentences for one clock.
pub(super) fn explanation(
    source: &ClockSource,
    reading: &ClockReading,
    outcome: &Outcome,
    log: &MailLog,
) -> String {
    let mut said = vec![offset(reading, outcome, log)];
    said.extend(year(source, reading));
    said.extend(course(outcome));
    let savings = outcome.savings.iter().take(MAX_STEPS);
    said.extend(savings.filter(|saving| is_of(saving.place, source, log)).map(|saving| {
        let way = if saving.seconds < 0 { "back" } else { "forward" };
        format!(
            "At line {} the stamps step {way} by {}, as daylight saving does then in {}.",
            saving.place & u64::from(u32::MAX),
            Span::from_seconds(saving.seconds.abs()),
            saving.zone.name()
        )
    }));
    let breaks = outcome.breaks.iter().filter(|found| {
        is_of(found.region.0, source, log)
            || is_of(found.region.1, source, log)
            || found.at.is_some_and(|(place, _)| is_of(place, source, log))
    });
    said.extend(breaks.take(MAX_STEPS).map(|found| step(found, log)));
    let doubtful = outcome
        .doubtful
        .iter()
        .filter(|(before, after)| before.or(*after).is_some_and(|place| is_of(place, source, log)));
    said.extend(doubtful.take(MAX_STEPS).map(|gap| doubt(*gap)));
    said.extend(unexplained(source, reading, outcome, log));
    said.extend(repeated_hour(source, reading));
    said.join(" ")
}

fn is_of(place: u64, source: &ClockSource, log: &MailLog) -> bool {
    log.clocks.get((place >> 32) as usize).is_some_and(|clock| clock == source)
}

/// Where the offset is from, and what the pairs say to it.
fn offset(reading: &ClockReading, outcome: &Outcome, log: &MailLog) -> String {
    let first = reading.segments.first();
    let zone = first.and_then(|segment| segment.zone);
    let origin = first.map_or(ClockOrigin::Unknown, |segment| segment.origin);
    let rival = |what: fn(f64) -> String| {
        outcome.runner_up.map(|(seconds, votes)| format!("{votes} for the runner-up, {}", what(seconds)))
    };
    if let Some(fitted) = outcome.fitted {
        let votes: usize = outcome.tracks.iter().map(Track::votes).sum();
        let rival = rival(in_offsets).unwrap_or_else(|| "and none agree on any other".to_owned());
        return format!(
            "UTC{fitted} is fitted: {votes} of {} vote for it, {rival}.",
            counted(outcome.pairs, "pair of a line and a frame", "pairs of lines and frames"),
        );
    }
    let Some(zone) = zone else {
        return format!("No head line tells the offset from UTC, {}", refused(outcome.refused, log));
    };
    let told = match origin {
        ClockOrigin::Stamp => "by the stamps themselves",
        ClockOrigin::Option => "by --utc-offset",
        _ => "by the head of the log",
    };
    let name = match zone {
        Zone::Fixed(offset) => format!("UTC{offset}"),
        Zone::Named(zone) => zone.name().to_owned(),
    };
    let pairs = counted(outcome.pairs, "pair of a line and a frame", "pairs of lines and frames");
    match (outcome.tracks.is_empty(), outcome.refused) {
        (false, _) => {
            let votes: usize = outcome.tracks.iter().map(Track::votes).sum();
            let rival = rival(in_seconds).map(|rival| format!(", {rival}")).unwrap_or_default();
            format!("{name} {told}; the skew rests on {votes} of {pairs}{rival}.")
        }
        (true, Some(Refusal::TooClose(skew, votes))) => format!(
            "{name} {told}; {pairs} disagree on a skew ({votes} are for {}), and none is taken off.",
            in_seconds(skew)
        ),
        (true, Some(Refusal::Retries(skew, votes))) => format!(
            "{name} {told}; {} would put the log {}, and none is taken off: log and capture do not cover the \
             same time, and retries of aborted messages would look the same.",
            counted(votes, "pair", "pairs"),
            in_seconds(skew)
        ),
        (true, _) if outcome.pairs == 0 => format!(
            "{name} {told}; nothing checks it, for {} occurs once in the log and once on the wire.",
            no_content(log)
        ),
        (true, _) => {
            let are = if outcome.pairs == 1 { "is" } else { "are" };
            format!("{name} {told}; {pairs} {are} too little to tell a skew by.")
        }
    }
}

/// The content that would make a pair.
fn no_content(log: &MailLog) -> &'static str {
    if log.connections.iter().any(|connection| connection.leg == Leg::Delivery) {
        "no envelope, no Message-ID and no remote server's answer to a message"
    } else {
        "no envelope and no Message-ID"
    }
}

fn refused(refusal: Option<Refusal>, log: &MailLog) -> String {
    match refusal {
        Some(Refusal::TooFew(Some((offset, votes)))) => format!(
            "and {} that would have it UTC{offset} {} too little to rest on; --utc-offset {offset} takes it \
             so, a longer log or capture would settle it.",
            counted(votes, "pair", "pairs"),
            if votes == 1 { "is" } else { "are" },
        ),
        Some(Refusal::Retries(..)) => {
            "and what would fit one may be retries; --utc-offset would settle it.".to_owned()
        }
        Some(Refusal::TooClose(offset, votes)) => format!(
            "and the fit is too close to call: {} are for {}, and others against; --utc-offset would settle \
             it.",
            counted(votes, "pair", "pairs"),
            in_offsets(offset)
        ),
        _ => format!(
            "and {} occurs once in the log and once on the wire to fit it on; --utc-offset would tell it.",
            no_content(log)
        ),
    }
}

fn year(source: &ClockSource, reading: &ClockReading) -> Option<String> {
    if source.first.year_known() {
        return None;
    }
    let Some(year) = reading.year else {
        return Some("The stamps tell no year, and no capture tells it.".to_owned());
    };
    let first = year.first;
    let over = if source.last.turns() > source.first.turns() { ", and New Year is crossed" } else { "" };
    Some(match year.origin {
        YearOrigin::Pairs => {
            format!("The stamps tell no year; the same messages on the wire are of {first}{over}.")
        }
        YearOrigin::Capture => format!("The stamps tell no year; the capture is of {first}{over}."),
        YearOrigin::Nearest => format!(
            "The stamps tell no year; {first} is assumed, as nearest to the capture, which they do not \
             meet{over}."
        ),
    })
}

/// How the clock goes, where it is neither right nor evenly wrong.
fn course(outcome: &Outcome) -> Option<String> {
    let drift = outcome.tracks.iter().find_map(|track| track.drift);
    let split = outcome.fitted.is_some()
        && outcome.tracks.iter().any(|track| track.skew.abs() > SPLIT_IS_SURE_SECONDS);
    if split {
        return Some(
            "Only the sum of offset and skew is sure: with so great a skew the offset may be another."
                .to_owned(),
        );
    }
    drift.map(|drift| {
        let way = if drift > 0.0 { "gains" } else { "loses" };
        format!("It {way} {:.1} s a day on the capture's clock.", drift.abs() * 86_400.0)
    })
}

fn step(found: &Break, log: &MailLog) -> String {
    let line = |place: u64| place & u64::from(u32::MAX);
    let what = match (found.saving, found.jump < 0.0) {
        (true, false) => "Daylight saving begins".to_owned(),
        (true, true) => "Daylight saving ends".to_owned(),
        (false, back) => {
            let way = if back { "back" } else { "forward" };
            format!("The clock is set {way} by {}", size(found.jump))
        }
    };
    let said = found.said.map(|said| {
        let among = if log.files.len() > 1 { " in the appliance's log of its time daemon" } else { "" };
        format!(", as line {}{among} says", said.line)
    });
    match found.at {
        Some((place, _)) => format!("{what} at line {}{}.", line(place), said.unwrap_or_default()),
        None => format!(
            "{what} between lines {} and {}{}; nothing tells where, and stamps between them are not placed \
             in time.",
            line(found.region.0),
            line(found.region.1),
            said.unwrap_or_default()
        ),
    }
}

fn doubt((before, after): (Option<u64>, Option<u64>)) -> String {
    let line = |place: u64| place & u64::from(u32::MAX);
    let place = match (before, after) {
        (Some(before), Some(after)) => format!("Between lines {} and {}", line(before), line(after)),
        (Some(before), None) => format!("After line {}", line(before)),
        (None, Some(after)) => format!("Before line {}", line(after)),
        (None, None) => "In all of it".to_owned(),
    };
    format!(
        "{place} a few pairs agree on another time, too few to believe: stamps there are not placed in time."
    )
}

/// Steps back of half an hour and more that neither daylight saving nor the pairs explain.
fn unexplained(
    source: &ClockSource,
    reading: &ClockReading,
    outcome: &Outcome,
    log: &MailLog,
) -> Option<String> {
    let named = matches!(reading.segments.first().and_then(|segment| segment.zone), Some(Zone::Named(_)));
    let is_told = |line: u32| {
        let at = |place: u64| place & u64::from(u32::MAX) == u64::from(line);
        outcome.savings.iter().any(|saving| is_of(saving.place, source, log) && at(saving.place))
            || outcome.breaks.iter().any(|found| found.at.is_some_and(|(place, _)| at(place)))
    };
    let step = source.steps.iter().find(|step| {
        let hour = named && step.seconds() >= -3660;
        step.seconds() <= -ClockSource::LEAST_STEP_FORWARD && !hour && !is_told(step.line)
    })?;
    Some(format!(
        "At line {} the stamps step back by {}, and no zone's change of daylight saving explains it: the \
         clock was set, or parts of a log were put together.",
        step.line,
        Span::from_seconds(-step.seconds())
    ))
}

/// A named zone repeats an hour within the log, and nothing tells which pass its stamps are of.
fn repeated_hour(source: &ClockSource, reading: &ClockReading) -> Option<String> {
    let zone = reading.segments.first()?.zone?;
    let (first, last) = (reading.dated(source.first)?, reading.dated(source.last)?);
    let mut repeated = zone.changes(first, last).into_iter().map(|(wall, _)| wall).chain([first, last]);
    repeated
        .any(|wall| {
            matches!(zone.local(wall), Local::Twice(..))
                && reading.offset(zone, wall, source.from_line).is_none()
        })
        .then(|| {
            "An hour is repeated in it, and no step back shows where its second pass begins: stamps in it \
             are not placed in time."
                .to_owned()
        })
}

fn in_offsets(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as i32 * 60;
    UtcOffset::from_seconds(minutes).map_or_else(|| in_seconds(seconds), |offset| format!("UTC{offset}"))
}

fn in_seconds(seconds: f64) -> String {
    let way = if seconds < 0.0 { "behind" } else { "ahead" };
    format!("{} {way}", size(seconds))
}

fn size(seconds: f64) -> String {
    Span::from_millis((seconds.abs() * 1000.0) as i64).to_string()
}

fn counted(count: usize, one: &str, several: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {several}") }
}
