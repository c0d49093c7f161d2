//! The course of the clocks of one appliance: stretches of one offset and one skew.
//!
//! Places are (clock, line) in the order of reading. First the offsets that heads, the user and the
//! order of lines tell; then the tracks of what is left; where a track goes on from another at a
//! distance, the clock was set, or daylight saving changed, at a line between the two.

mod belief;
mod offsets;
mod steps;

use ahash::AHashMap;

use super::pairs::Pair;
use super::tracks::{MAX_POINTS, Point, Track};
use super::zone::{SAVINGS, Zone, changes_somewhere};
use super::{ClockOrigin, ClockPair, ClockReading, Group, Segment, words};
use crate::maillog::{MailLog, Stamp};
use crate::time::{LogTime, Timestamp, UtcOffset};
use belief::{Covered, accept, written};
use offsets::Base;
pub(super) use steps::Break;

/// A jump is a change of daylight saving when it is one to within this.
const SAVING_TOLERANCE_SECONDS: f64 = 5.0;
/// Two tracks this close are one course.
const SAME_COURSE_SECONDS: f64 = 3.5;
/// Pairs shown of each course.
const MAX_EXAMPLES: usize = 4;

/// A place in the order of reading.
pub(super) const fn place(clock: usize, line: u32) -> u64 {
    ((clock as u64) << 32) | line as u64
}

/// A pair with its place.
#[derive(Debug, Clone, Copy)]
struct Placed {
    place: u64,
    pair: Pair,
}

/// A stretch under way: from a place on, this track holds.
#[derive(Debug, Clone, Copy)]
struct Piece {
    from: u64,
    /// The stamp there, where it is not the start of a clock.
    stamp: Option<LogTime>,
    track: Option<usize>,
    /// Seconds by which daylight saving moved the offset since the base was told; `None`: not known.
    moved: Option<i32>,
    placed: bool,
}

/// What came of the fit, for its words.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) tracks: Vec<Track>,
    pub(super) breaks: Vec<Break>,
    /// Gaps between pairs of the course in which others agree on another, too few to believe.
    pub(super) doubtful: Vec<(Option<u64>, Option<u64>)>,
    /// The fit was refused, and why.
    pub(super) refused: Option<Refusal>,
    /// The offset that was fitted, with the runner-up and its votes.
    pub(super) fitted: Option<UtcOffset>,
    pub(super) runner_up: Option<(f64, usize)>,
    /// Pairs at hand.
    pub(super) pairs: usize,
    pub(super) savings: Vec<offsets::Saving>,
}

/// Why a fit was refused.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Refusal {
    /// No unique content.
    NoPairs,
    /// Too little of it agrees: the offset that most would have, and its votes.
    TooFew(Option<(UtcOffset, usize)>),
    /// A rival is too strong: the offset or skew, its votes.
    TooClose(f64, usize),
    /// Retries would look the same: log and capture, as the clock is told, do not cover the same time.
    /// The skew, its votes.
    Retries(f64, usize),
}

/// Reads the clocks of `group` into their readings.
pub(super) fn solve(
    log: &MailLog,
    group: &Group,
    pairs: &AHashMap<usize, Vec<Pair>>,
    capture: Option<(Timestamp, Timestamp)>,
    readings: &mut [ClockReading],
) {
    for &(clock, zone, _) in &group.clocks {
        if let (Some(Zone::Named(_)), Some(reading), Some(pairs)) =
            (zone, readings.get_mut(clock), pairs.get(&clock))
        {
            reading.learn_pass(zone, pairs);
        }
    }
    let all: Vec<Placed> = group
        .clocks
        .iter()
        .flat_map(|(clock, ..)| pairs.get(clock).into_iter().flatten().map(|pair| (*clock, *pair)))
        .map(|(clock, pair)| Placed { place: place(clock, pair.stamp.line.line), pair })
        .collect();
    // Of very many pairs evenly chosen ones tell as much.
    let chosen: Vec<Placed> = all.iter().step_by(all.len().div_ceil(MAX_POINTS).max(1)).copied().collect();
    let mut outcome = Outcome { pairs: all.len(), ..Outcome::default() };
    let mut base = Base::told(log, group, readings);
    if group.clocks.iter().all(|(_, zone, _)| zone.is_none()) {
        match offsets::fitted(&chosen_points(&chosen, readings, &Base::utc(group)), &mut outcome) {
            Ok((offset, anchor)) => {
                outcome.fitted = Some(offset);
                base = Base::fitted(log, group, readings, offset, anchor);
            }
            Err(refusal) => outcome.refused = Some(refusal),
        }
    }
    outcome.savings = base.savings.clone();
    let mut pieces = vec![Piece { from: 0, stamp: None, track: None, moved: Some(0), placed: true }];
    if base.is_told() {
        let points = chosen_points(&chosen, readings, &base);
        let covered = Covered { capture, log: written(log, group, &base, readings) };
        accept(&points, &base, &covered, &mut outcome);
        if outcome.fitted.is_some() && outcome.tracks.is_empty() {
            // The offset was fitted on what does not bear it.
            base = Base::told(log, group, readings);
            outcome.fitted = None;
        }
        pieces = pieced(log, &base, &mut outcome);
    }
    hand_out(group, &base, &pieces, &outcome, &chosen, readings, log);
}

/// The pairs whose stamps have an offset, as points.
fn chosen_points(chosen: &[Placed], readings: &[ClockReading], base: &Base) -> Vec<Point> {
    chosen
        .iter()
        .filter_map(|placed| {
            let reading = readings.get(usize::from(placed.pair.stamp.clock.0))?;
            let utc = reading.to_utc(base.zone_at(placed.place)?, &placed.pair.stamp)?;
            let wire = placed.pair.wire.time;
            Some(Point {
                place: placed.place,
                wire,
                ahead: utc.since(wire).seconds(),
                settled: placed.pair.settled,
            })
        })
        .collect()
}

/// From tracks to pieces: where each begins to hold.
fn pieced(log: &MailLog, base: &Base, outcome: &mut Outcome) -> Vec<Piece> {
    let tracks = outcome.tracks.clone();
    let mut moved = moved_at_start(base, &tracks, outcome.fitted.is_some());
    let mut pieces = vec![Piece {
        from: 0,
        stamp: None,
        track: tracks.first().map(|_| 0),
        moved: Some(moved),
        placed: true,
    }];
    // The head tells the offset of the file's start only: a change that it cannot know of may lie
    // before the first pair.
    if let Some(track) = tracks.first()
        && let Some((start, written)) = base.head_before(track.places.0)
        && let Some(by) =
            base.zone_at(start).and_then(|zone| saving(zone, track.skew, written, track.wires.0))
    {
        push_break(log, outcome, &mut pieces, 0, (start, track.places.0), f64::from(by), (0, by));
        moved = by;
    }
    for (index, (before, track)) in (1..).zip(tracks.iter().zip(tracks.iter().skip(1))) {
        let was = moved;
        let region = (before.places.1, track.places.0);
        // A head in between tells the offset anew.
        let told = base.told_between(region.0, region.1);
        let left = before.at(before.wires.1) - told.map_or(0.0, |_| f64::from(was));
        let jump = track.skew - left;
        if told.is_some() {
            moved = 0;
        }
        if jump.abs() <= SAME_COURSE_SECONDS {
            let from = told.or(base.next_change(region.0, region.1)).unwrap_or(region.1);
            pieces.push(Piece { from, stamp: None, track: Some(index), moved: Some(moved), placed: true });
            continue;
        }
        if told.is_none() {
            moved += base
                .zone_at(region.0)
                .and_then(|zone| zone.moved(was))
                .and_then(|zone| saving(zone, jump, before.wires.1, track.wires.0))
                .unwrap_or(0);
        }
        push_break(log, outcome, &mut pieces, index, region, jump, (was, moved));
    }
    // Daylight saving that a fit found moves the offset, not the skew.
    for piece in &pieces {
        if let (Some(by), Some(track)) =
            (piece.moved, piece.track.and_then(|track| outcome.tracks.get_mut(track)))
        {
            track.skew -= f64::from(by);
        }
    }
    doubted(&outcome.doubtful, told_anew(base, pieces))
}

/// In a gap where pairs agree on another course and are too few to believe, nothing tells the time.
fn doubted(gaps: &[(Option<u64>, Option<u64>)], mut pieces: Vec<Piece>) -> Vec<Piece> {
    for (before, after) in gaps {
        let (from, until) = (before.map_or(0, |before| before + 1), *after);
        let at = |place: u64, pieces: &[Piece]| {
            let after = pieces.partition_point(|piece| piece.from <= place);
            pieces.get(after.saturating_sub(1)).copied()
        };
        let (Some(first), then) = (at(from, &pieces), until.and_then(|until| at(until, &pieces))) else {
            continue;
        };
        pieces.retain(|piece| piece.from < from || until.is_some_and(|until| piece.from >= until));
        pieces.push(Piece { from, stamp: None, track: None, placed: false, ..first });
        if let (Some(until), Some(then)) = (until, then)
            && pieces.iter().all(|piece| piece.from != until)
        {
            pieces.push(Piece { from: until, stamp: None, ..then });
        }
        pieces.sort_by_key(|piece| piece.from);
    }
    pieces
}

/// Where the fit holds at a later track than the first, daylight saving may have changed between.
fn moved_at_start(base: &Base, tracks: &[Track], fitted: bool) -> i32 {
    let find = || {
        let first = tracks.first().filter(|_| fitted)?;
        let anchor = tracks.iter().max_by_key(|track| track.votes())?;
        let Some(Zone::Fixed(now)) = base.zone_at(first.places.0) else { return None };
        SAVINGS.iter().copied().find(|by| {
            let apart = first.at(first.wires.1) - anchor.skew - f64::from(*by);
            let was = UtcOffset::from_seconds(now.seconds() + by);
            let (from, to) = (first.wires.1.seconds(), anchor.wires.0.seconds());
            apart.abs() <= SAVING_TOLERANCE_SECONDS
                && was.is_some_and(|was| changes_somewhere(was, now, from, to).is_some())
        })
    };
    find().unwrap_or(0)
}

/// What a fit found of daylight saving ends where a later head tells the offset anew.
fn told_anew(base: &Base, pieces: Vec<Piece>) -> Vec<Piece> {
    let mut all = Vec::with_capacity(pieces.len());
    for (at, piece) in pieces.iter().enumerate() {
        all.push(*piece);
        let end = pieces.get(at + 1).map_or(u64::MAX, |next| next.from - 1);
        if piece.moved != Some(0)
            && let Some(from) = base.told_between(piece.from, end)
        {
            all.push(Piece { from, stamp: None, moved: Some(0), ..*piece });
        }
    }
    all
}

/// Where the course of track `index` begins: at a line between the two places, or nothing tells where.
fn push_break(
    log: &MailLog,
    outcome: &mut Outcome,
    pieces: &mut Vec<Piece>,
    index: usize,
    region: (u64, u64),
    jump: f64,
    (was, moved): (i32, i32),
) {
    let found = steps::locate(log, region, jump);
    let (from, stamp) = match found.at {
        Some((at, stamp)) => (at, Some(stamp)),
        None => {
            let (from, stamp) = (region.0 + 1, found.next);
            let moved = (was == moved).then_some(was);
            pieces.push(Piece { from, stamp, track: None, moved, placed: false });
            (region.1, found.last)
        }
    };
    pieces.push(Piece { from, stamp, track: Some(index), moved: Some(moved), placed: true });
    outcome.breaks.push(Break { jump, saving: was != moved, ..found });
}

/// The change of daylight saving that a jump is, if some zone's rules have it between the instants.
fn saving(zone: Zone, jump: f64, from: Timestamp, to: Timestamp) -> Option<i32> {
    let Zone::Fixed(before) = zone else { return None };
    let by = *SAVINGS.iter().find(|by| (jump - f64::from(**by)).abs() <= SAVING_TOLERANCE_SECONDS)?;
    let after = UtcOffset::from_seconds(before.seconds() + by)?;
    changes_somewhere(before, after, from.seconds(), to.seconds()).map(|_| by)
}

/// Cuts the course into the segments of each clock.
fn hand_out(
    group: &Group,
    base: &Base,
    pieces: &[Piece],
    outcome: &Outcome,
    chosen: &[Placed],
    readings: &mut [ClockReading],
    log: &MailLog,
) {
    for (clock, ..) in &group.clocks {
        let (Some(reading), Some(source)) = (readings.get_mut(*clock), log.clocks.get(*clock)) else {
            continue;
        };
        let (start, end) = (place(*clock, source.from_line), place(*clock, u32::MAX));
        let mut edges: Vec<(u64, LogTime)> = vec![(start, source.first)];
        edges.extend(base.edges().filter(|(at, _)| *at > start && *at <= end));
        for piece in pieces.iter().filter(|piece| piece.from > start && piece.from <= end) {
            let stamp = piece.stamp.or_else(|| {
                chosen.iter().find(|placed| placed.place >= piece.from).map(|placed| placed.pair.stamp.time)
            });
            edges.push((piece.from, stamp.unwrap_or(source.last)));
        }
        edges.sort_by_key(|(at, _)| *at);
        edges.dedup_by_key(|(at, _)| *at);
        reading.segments = edges
            .into_iter()
            .filter_map(|(at, from)| {
                let after = pieces.partition_point(|piece| piece.from <= at);
                let piece = pieces.get(after.saturating_sub(1))?;
                Some(segment(base, *piece, outcome, at, from))
            })
            .collect();
        reading.pairs = outcome.tracks.iter().map(Track::votes).sum();
        reading.runner_up = outcome.runner_up;
        reading.examples = examples(*clock, &outcome.tracks, chosen);
        reading.explanation = words::explanation(source, reading, outcome, log);
    }
}

fn segment(base: &Base, piece: Piece, outcome: &Outcome, at: u64, from: LogTime) -> Segment {
    let track = piece.track.and_then(|track| outcome.tracks.get(track));
    let zone = base.zone_at(at).and_then(|zone| zone.moved(piece.moved?));
    let origin = match (zone, piece.moved) {
        (None, _) => ClockOrigin::Unknown,
        (Some(_), Some(0)) => base.origin_at(at),
        (Some(_), _) => ClockOrigin::Fit,
    };
    Segment {
        from_line: (at & u64::from(u32::MAX)) as u32,
        from,
        zone,
        origin,
        skew: track.map(|track| track.skew),
        drift_ppm: track.and_then(|track| track.drift).map(|drift| drift * 1e6),
        drift_from: track.map_or(Timestamp::default(), |track| track.wires.0),
        pairs: track.map_or(0, Track::votes),
        placed: piece.placed,
    }
}

/// The first, the last and some pairs between, of those that the clock's course rests on.
fn examples(clock: usize, tracks: &[Track], chosen: &[Placed]) -> Vec<ClockPair> {
    let on: Vec<&Placed> = chosen
        .iter()
        .filter(|placed| usize::from(placed.pair.stamp.clock.0) == clock)
        .filter(|placed| tracks.iter().any(|track| track.holds(placed.place)))
        .collect();
    let step = on.len().saturating_sub(1).div_ceil(MAX_EXAMPLES - 1).max(1);
    let mut some: Vec<&Placed> = on.iter().step_by(step).copied().collect();
    if let Some(last) = on.last().filter(|last| some.last().is_some_and(|shown| shown.place != last.place)) {
        some.truncate(MAX_EXAMPLES - 1);
        some.push(last);
    }
    let of = |placed: &Placed| {
        let Stamp { time, line, .. } = placed.pair.stamp;
        ClockPair { line, logged: time, wire: placed.pair.wire }
    };
    some.into_iter().map(of).collect()
}
