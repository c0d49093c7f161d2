//! The year of stamps that tell none (RFC 3164): never invented, taken from the capture.

use chrono::Datelike as _;

use super::pairs::Pair;
use crate::maillog::ClockSource;
use crate::time::{LogTime, Timestamp};

/// A stamp and its frame are of one year's reckoning when they lie this close, whatever the zone.
const SAME_YEAR_SECONDS: i64 = 36 * 3600;
/// A log may be this far from the capture: half a year, else another year is nearer.
const MAX_APART_SECONDS: i64 = 182 * 86_400;
/// Zones reach so far to either side of UTC.
const ZONES_SECONDS: i64 = 14 * 3600;

/// The year of a log's first stamps, and what says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Year {
    /// The year of the stamps before the first turn of the year.
    pub first: i32,
    /// What says so.
    pub origin: YearOrigin,
}

/// What says of which year stamps are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum YearOrigin {
    /// The frames of the same messages.
    Pairs,
    /// The log meets the capture in time.
    Capture,
    /// Assumed: it is the year that brings the log nearest to the capture, and they do not meet.
    Nearest,
}

/// The year of a log whose stamps tell none; `None` where no capture tells it either.
pub(super) fn year(
    source: &ClockSource,
    pairs: &[Pair],
    capture: Option<(Timestamp, Timestamp)>,
) -> Option<Year> {
    let (first, last) = capture?;
    let of = |time: Timestamp| chrono::DateTime::from_timestamp(time.seconds(), 0).map(|time| time.year());
    let turns = i32::try_from(source.last.turns().clamp(0, 100)).ok()?;
    let years: Vec<i32> = (of(first)? - turns - 1..=of(last)? + 1)
        .filter(|year| source.leap_day.is_none_or(|day| day.with_year(*year).is_some()))
        .collect();
    let mut votes: Vec<(usize, i32)> =
        years.iter().map(|&year| (pairs.iter().filter(|pair| is_near(pair, year)).count(), year)).collect();
    votes.sort_unstable_by_key(|&(count, year)| (std::cmp::Reverse(count), year));
    if let Some(&(count, year)) = votes.first()
        && count > votes.get(1).map_or(0, |&(count, _)| count)
    {
        return Some(Year { first: year, origin: YearOrigin::Pairs });
    }
    let mut apart: Vec<(i64, i32)> = years
        .iter()
        .filter_map(|&year| {
            let (from, to) = (wall(source.first, year)?, wall(source.last, year)?);
            let before = first.seconds() - (to + ZONES_SECONDS);
            let after = (from - ZONES_SECONDS) - last.seconds();
            Some((before.max(after).max(0), year))
        })
        .collect();
    apart.sort_unstable();
    let &(nearest, year) = apart.first()?;
    // Two years as near as each other tell nothing.
    let alone = apart.get(1).is_none_or(|&(next, _)| next > nearest);
    let origin = if nearest == 0 { YearOrigin::Capture } else { YearOrigin::Nearest };
    (alone && nearest <= MAX_APART_SECONDS).then_some(Year { first: year, origin })
}

fn is_near(pair: &Pair, year: i32) -> bool {
    wall(pair.stamp.time, year)
        .is_some_and(|wall| (wall - pair.wire.time.seconds()).abs() <= SAME_YEAR_SECONDS)
}

fn wall(time: LogTime, year: i32) -> Option<i64> {
    time.with_year(year).map(|time| time.wall_seconds())
}
