//! The offsets that are told, and the one that is fitted where none is.

use super::belief::{MIN_PAIRS, RUNNER_UP_FACTOR, stands};
use super::{Outcome, Refusal, place};
use crate::join::clock::tracks::{Point, STAMP_CENTRE_SECONDS, Track, tracks};
use crate::join::clock::zone::{SAVINGS, Zone, changes_somewhere, in_use};
use crate::join::clock::{ClockOrigin, ClockReading, Group};
use crate::maillog::{ClockSource, MailLog, Step};
use crate::time::{LogTime, Timestamp, UtcOffset};

/// The step of the offsets that a fit may find: every zone in use is a multiple of a quarter of an hour.
const QUARTER_SECONDS: i32 = 900;
/// Two pairs carry a fit only when they land this close to a quarter of an hour.
const LANDS_SECONDS: f64 = 2.5;
/// Lines may be this much out of order where the clock steps back.
const DISORDER_SECONDS: i64 = 60;
/// A missing hour is told from a quiet one only where the log is quiet no longer than this beside it,
/// and has no other gap so long within a day.
const MAX_QUIET_SECONDS: i64 = 900;
const DAY_SECONDS: i64 = 86_400;

/// A change of daylight saving that the order of lines shows.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::join::clock) struct Saving {
    /// The clock and the first line after it.
    pub(in crate::join::clock) place: u64,
    /// How far the stamps step there.
    pub(in crate::join::clock) seconds: i64,
    /// A zone whose rules have it.
    pub(in crate::join::clock) zone: chrono_tz::Tz,
}

/// From a place on, this zone.
#[derive(Debug, Clone, Copy)]
struct Edge {
    from: u64,
    stamp: LogTime,
    zone: Option<Zone>,
    origin: ClockOrigin,
    /// The instant of its first stamp, where the zone is fixed.
    starts: Option<Timestamp>,
}

/// The zone at every place of a group, as far as it is told.
#[derive(Debug, Default)]
pub(super) struct Base {
    edges: Vec<Edge>,
    pub(super) savings: Vec<Saving>,
}

impl Base {
    /// By heads, the user's word, the stamps themselves, and the order of lines.
    pub(super) fn told(log: &MailLog, group: &Group, readings: &[ClockReading]) -> Self {
        let mut base = Self::default();
        for &(clock, zone, origin) in &group.clocks {
            let (Some(source), Some(reading)) = (log.clocks.get(clock), readings.get(clock)) else {
                continue;
            };
            base.push(clock, source, reading, zone, origin);
            if let (Some(Zone::Fixed(offset)), ClockOrigin::Head | ClockOrigin::Option) = (zone, origin) {
                base.follow(clock, source, reading, offset, 0);
            }
        }
        base
    }

    /// UTC everywhere, as what a fit measures from.
    pub(super) fn utc(group: &Group) -> Self {
        let zone = Some(Zone::Fixed(UtcOffset::default()));
        let edges = group.clocks.iter().map(|&(clock, ..)| Edge {
            from: place(clock, 0),
            stamp: LogTime::EPOCH,
            zone,
            origin: ClockOrigin::Fit,
            starts: None,
        });
        Self { edges: edges.collect(), savings: Vec::new() }
    }

    /// By a fit that holds at the place `anchor`, and the order of lines from there on, both ways.
    pub(super) fn fitted(
        log: &MailLog,
        group: &Group,
        readings: &[ClockReading],
        offset: UtcOffset,
        anchor: u64,
    ) -> Self {
        let mut base = Self::default();
        let anchored = (anchor >> 32) as usize;
        let line = (anchor & u64::from(u32::MAX)) as u32;
        let of = |clock: usize| log.clocks.get(clock).zip(readings.get(clock));
        // Back to the first line of the group: what the offset was there.
        let mut first = offset;
        for &(clock, ..) in group.clocks.iter().rev().filter(|(clock, ..)| *clock <= anchored) {
            let Some((source, reading)) = of(clock) else { continue };
            let until = if clock == anchored { line } else { u32::MAX };
            for step in source.steps.iter().rev().filter(|step| step.line <= until) {
                if let Some((by, _)) = SAVINGS.iter().find_map(|by| {
                    let before = UtcOffset::from_seconds(first.seconds() - by)?;
                    saving(source, reading, step, before, *by).map(|zone| (*by, zone))
                }) {
                    first = UtcOffset::from_seconds(first.seconds() - by).unwrap_or(first);
                }
            }
        }
        let mut current = first;
        for &(clock, ..) in &group.clocks {
            let Some((source, reading)) = of(clock) else { continue };
            base.push(clock, source, reading, Some(Zone::Fixed(current)), ClockOrigin::Fit);
            current = base.follow(clock, source, reading, current, 0);
        }
        base
    }

    /// Whether any place has a zone.
    pub(super) fn is_told(&self) -> bool {
        self.edges.iter().any(|edge| edge.zone.is_some())
    }

    fn push(
        &mut self,
        clock: usize,
        source: &ClockSource,
        reading: &ClockReading,
        zone: Option<Zone>,
        origin: ClockOrigin,
    ) {
        let starts = match zone {
            Some(Zone::Fixed(offset)) => reading.dated(source.first).and_then(|first| first.at(offset)),
            _ => None,
        };
        self.edges.push(Edge {
            from: place(clock, source.from_line),
            stamp: source.first,
            zone,
            origin,
            starts,
        });
    }

    /// Follows the changes of daylight saving that the order of lines shows; gives the last offset.
    fn follow(
        &mut self,
        clock: usize,
        source: &ClockSource,
        reading: &ClockReading,
        offset: UtcOffset,
        from_line: u32,
    ) -> UtcOffset {
        let mut current = offset;
        for step in source.steps.iter().filter(|step| step.line > from_line) {
            let found = SAVINGS
                .iter()
                .find_map(|by| saving(source, reading, step, current, *by).map(|zone| (*by, zone)));
            let Some((by, zone)) = found else { continue };
            let Some(after) = UtcOffset::from_seconds(current.seconds() + by) else { continue };
            current = after;
            let from = place(clock, step.line);
            self.edges.push(Edge {
                from,
                stamp: step.to,
                zone: Some(Zone::Fixed(after)),
                origin: ClockOrigin::OrderOfLines,
                starts: None,
            });
            self.savings.push(Saving { place: from, seconds: step.seconds(), zone });
        }
        current
    }

    fn edge_at(&self, place: u64) -> Option<&Edge> {
        let after = self.edges.partition_point(|edge| edge.from <= place);
        self.edges.get(after.saturating_sub(1))
    }

    pub(super) fn zone_at(&self, place: u64) -> Option<Zone> {
        self.edge_at(place)?.zone
    }

    pub(super) fn origin_at(&self, place: u64) -> ClockOrigin {
        self.edge_at(place).map_or(ClockOrigin::Unknown, |edge| edge.origin)
    }

    /// Places at which the zone changes, and the stamps there.
    pub(super) fn edges(&self) -> impl Iterator<Item = (u64, LogTime)> {
        self.edges.iter().map(|edge| (edge.from, edge.stamp))
    }

    /// The place and the instant at which the head that holds at `place` was written.
    pub(super) fn head_before(&self, place: u64) -> Option<(u64, Timestamp)> {
        let edge = self.edge_at(place).filter(|edge| edge.origin == ClockOrigin::Head)?;
        Some((edge.from, edge.starts?))
    }

    /// The first place after `after`, up to `until`, at which a zone is told anew.
    pub(super) fn told_between(&self, after: u64, until: u64) -> Option<u64> {
        let told = |edge: &&Edge| {
            edge.from > after
                && edge.from <= until
                && matches!(edge.origin, ClockOrigin::Head | ClockOrigin::Stamp)
        };
        self.edges.iter().find(told).map(|edge| edge.from)
    }

    /// The first place after `after`, up to `until`, at which the zone changes.
    pub(super) fn next_change(&self, after: u64, until: u64) -> Option<u64> {
        self.edges.iter().map(|edge| edge.from).find(|from| *from > after && *from <= until)
    }
}

/// The zone whose rules make `step` a change of daylight saving by so many seconds.
fn saving(
    source: &ClockSource,
    reading: &ClockReading,
    step: &Step,
    before: UtcOffset,
    by: i32,
) -> Option<chrono_tz::Tz> {
    if (step.seconds() < 0) != (by < 0) {
        return None;
    }
    let after = UtcOffset::from_seconds(before.seconds() + by)?;
    let from = reading.dated(step.from)?.at(before)?.seconds();
    let to = reading.dated(step.to)?.at(after)?.seconds();
    let quiet = to - from;
    let other_gap = |other: &Step| {
        other.line != step.line
            && other.seconds() > 0
            && (other.to.wall_seconds() - step.to.wall_seconds()).abs() < DAY_SECONDS
    };
    let shown = if by < 0 {
        (-DISORDER_SECONDS..=i64::from(-by)).contains(&quiet)
    } else {
        (0..=MAX_QUIET_SECONDS).contains(&quiet) && !source.steps.iter().any(other_gap)
    };
    if !shown {
        return None;
    }
    changes_somewhere(before, after, from.min(to), to.max(from))
}

/// The offset of a log that tells none, and a place at which it holds: the quarter of an hour at which
/// the strongest track runs.
pub(super) fn fitted(points: &[Point], outcome: &mut Outcome) -> Result<(UtcOffset, u64), Refusal> {
    let Some(first) = points.first() else { return Err(Refusal::NoPairs) };
    let all = tracks(points);
    let strongest = all.iter().max_by_key(|track| (track.votes(), std::cmp::Reverse(track.places.0)));
    let Some(track) = strongest else {
        return Err(Refusal::TooFew(
            offset_near(first.ahead + STAMP_CENTRE_SECONDS, first.wire).map(|it| (it, 1)),
        ));
    };
    let offset = offset_near(track.skew, track.wires.0);
    outcome.runner_up = track.rival_skew.map(|skew| (skew, track.rival));
    let Some(offset) = offset else { return Err(Refusal::TooFew(None)) };
    let lands = (track.skew - f64::from(offset.seconds())).abs() <= LANDS_SECONDS;
    if !stands(track) {
        return Err(Refusal::TooClose(f64::from(offset.seconds()), track.votes()));
    }
    if track.votes() < if lands { 2 } else { MIN_PAIRS } || !is_alone(track, &all) {
        return Err(Refusal::TooFew(Some((offset, track.votes()))));
    }
    Ok((offset, track.places.0))
}

/// Whether no other track, elsewhere in the log, has nearly as many votes for a course that no change
/// of daylight saving and no setting of a clock leads to.
fn is_alone(track: &Track, all: &[Track]) -> bool {
    all.iter().filter(|other| other.places != track.places).all(|other| {
        let apart = (other.skew - track.skew).abs();
        apart <= f64::from(2 * 3600) || track.votes() >= RUNNER_UP_FACTOR * other.votes()
    })
}

/// The offset in use that is nearest; where the nearest quarter of an hour is in use nowhere, one of
/// the next.
pub(in crate::join::clock) fn offset_near(seconds: f64, wire: Timestamp) -> Option<UtcOffset> {
    if seconds.abs() > f64::from(UtcOffset::MAX_SECONDS) {
        return None;
    }
    let quarter = (seconds / f64::from(QUARTER_SECONDS)).round() as i32 * QUARTER_SECONDS;
    let mut near: Vec<i32> = (-2..=2).map(|step| quarter + step * QUARTER_SECONDS).collect();
    near.sort_by(|a, b| (f64::from(*a) - seconds).abs().total_cmp(&(f64::from(*b) - seconds).abs()));
    near.into_iter()
        .filter_map(UtcOffset::from_seconds)
        .find(|offset| in_use(*offset, wire.seconds()))
        .or_else(|| UtcOffset::from_seconds(quarter))
}
