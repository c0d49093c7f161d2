//! Which tracks may be believed: enough pairs, no near rival, and no retries that would look the same.

use super::offsets::Base;
use super::{Outcome, Refusal, place, saving};
use crate::join::clock::tracks::{Point, Track, doubts, tracks};
use crate::join::clock::{ClockReading, Group};
use crate::maillog::MailLog;
use crate::time::{LogTime, Timestamp};

/// A skew this small needs no more than two pairs: both clocks are of one machine, or both are set by
/// time servers.
const SMALL_SKEW_SECONDS: f64 = 5.0;
/// Pairs for a greater one, and for a step that nothing else speaks for.
const MIN_PAIRS_SMALL: usize = 2;
pub(super) const MIN_PAIRS: usize = 3;
const MIN_PAIRS_UNEXPLAINED: usize = 4;
/// A course needs this many times the votes of its rival, and one in so many of the pairs among it.
pub(super) const RUNNER_UP_FACTOR: usize = 3;
const LEAST_SHARE: usize = 4;
/// What the capture or the log covers reaches this far beyond its first and last message.
const COVERED_SECONDS: f64 = 60.0;
/// The time that the capture covers, and the log as its clock is told.
pub(super) struct Covered {
    pub(super) capture: Option<(Timestamp, Timestamp)>,
    pub(super) log: Option<(Timestamp, Timestamp)>,
}

impl Covered {
    /// Whether both witnesses cover both times of a pair. Then a retry would be there twice, on one
    /// side at least, and its content would not be unique.
    fn both(&self, point: &Point) -> bool {
        let within = |span: Option<(Timestamp, Timestamp)>, ahead: f64| {
            span.is_some_and(|(first, last)| {
                point.wire.since(first).seconds() + ahead >= -COVERED_SECONDS
                    && point.wire.since(last).seconds() + ahead <= COVERED_SECONDS
            })
        };
        within(self.capture, point.ahead) && within(self.log, 0.0)
    }
}

/// From when to when the clocks of a group were at work, as they are told.
pub(super) fn written(
    log: &MailLog,
    group: &Group,
    base: &Base,
    readings: &[ClockReading],
) -> Option<(Timestamp, Timestamp)> {
    let spans = group.clocks.iter().filter_map(|(clock, ..)| {
        let (source, reading) = (log.clocks.get(*clock)?, readings.get(*clock)?);
        let at = |time: LogTime, line: u32| {
            let (zone, wall) = (base.zone_at(place(*clock, line))?, reading.dated(time)?);
            // Which pass of a repeated hour it is matters little here.
            wall.at(reading.offset(zone, wall, line).or(zone.local(wall).first())?)
        };
        Some((at(source.first, source.from_line)?, at(source.last, u32::MAX)?))
    });
    spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// Keeps the tracks that may be believed.
pub(super) fn accept(points: &[Point], base: &Base, covered: &Covered, outcome: &mut Outcome) {
    let all = tracks(points);
    let strongest = all.iter().map(Track::votes).max().unwrap_or(0);
    let mut believed: Vec<Track> = Vec::new();
    let mut refused = None;
    for track in all {
        let small = track.skew.abs() <= SMALL_SKEW_SECONDS && track.drift.is_none();
        let is_main = track.votes() == strongest;
        let alone = track.votes() == points.len();
        let least = match (small, alone) {
            (true, _) => MIN_PAIRS_SMALL,
            (false, true) => MIN_PAIRS,
            (false, false) => MIN_PAIRS_UNEXPLAINED,
        };
        let stands = stands(&track);
        if is_main && outcome.fitted.is_none() {
            outcome.runner_up = track.rival_skew.map(|skew| (skew, track.rival));
        }
        let of_track = points.iter().filter(|point| track.holds(point.place));
        let credible = small
            || is_saving_since_head(base, &track)
            || of_track.filter(|point| point.settled || covered.both(point)).count() >= MIN_PAIRS;
        // What agrees with a clock that is right needs no majority.
        if track.votes() >= least && credible && (stands || small && track.votes() > track.rival) {
            believed.push(track);
        } else if is_main && refused.is_none() {
            refused = Some(match track.rival_skew {
                Some(skew) if !stands => Refusal::TooClose(skew, track.rival),
                _ if !credible => Refusal::Retries(track.skew, track.votes()),
                _ => Refusal::TooFew(None),
            });
        }
    }
    if believed.is_empty() {
        outcome.refused = refused;
    }
    if !believed.is_empty() {
        outcome.doubtful = doubts(points, &believed);
    }
    outcome.tracks = believed;
}

/// Whether daylight saving changed between the head that holds and the track, and that is all.
fn is_saving_since_head(base: &Base, track: &Track) -> bool {
    base.head_before(track.places.0).is_some_and(|(start, written)| {
        base.zone_at(start).is_some_and(|zone| saving(zone, track.skew, written, track.wires.0).is_some())
    })
}

/// Whether a track stands against its rival and the strangers among it.
pub(super) fn stands(track: &Track) -> bool {
    track.votes() >= RUNNER_UP_FACTOR * track.rival
        && track.votes() * LEAST_SHARE >= track.votes() + track.strangers
}
