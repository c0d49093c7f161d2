//! Consensus among pairs: which of them tell one course of the clock, and which are strangers.
//!
//! A clock runs evenly and is set now and then, so the true pairs lie on a few straight tracks, one
//! after the other; wrong pairs (a retry that was logged or captured only once) lie anywhere. Each
//! track is the longest chain of pairs that agree with their neighbours; what agrees with a chain
//! but for its place is its rival. Medians, not least squares: one stranger moves nothing.

use crate::time::Timestamp;

/// How far two neighbours may differ: the stamps' own second and a lag of the writing of two.
const NEIGHBOURS_SECONDS: f64 = 3.2;
/// The fastest drift, and the most that it may add between two neighbours.
const MAX_DRIFT: f64 = 300e-6;
const MAX_DRIFT_SECONDS: f64 = 5.0;
/// How far a pair may lie from its track.
const ON_TRACK_SECONDS: f64 = 2.5;
/// The log may write two lines a little out of order.
const DISORDER_SECONDS: f64 = 5.0;
/// Pairs weighed; of more, evenly chosen ones.
pub(super) const MAX_POINTS: usize = 2048;
/// Neighbours looked at, back from each pair.
const REACH: usize = 256;
/// Chains taken out, and tracks kept.
const MAX_CHAINS: usize = 48;
/// Pairs, and the time between the first and the last, that a drift must rest on.
const MIN_DRIFT_PAIRS: usize = 20;
const MIN_DRIFT_HOURS: f64 = 1.0;
/// Points whose slopes are compared for a drift.
const MAX_SLOPE_POINTS: usize = 128;
/// A stamp is the second in which something happened, so on average it is this much too early.
pub(super) const STAMP_CENTRE_SECONDS: f64 = 0.5;

/// One pair as the consensus sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// Its place in the order of lines.
    pub(super) place: u64,
    /// When it happened on the wire.
    pub(super) wire: Timestamp,
    /// How far the stamp is ahead, in seconds.
    pub(super) ahead: f64,
    /// Whether it can be no retry ([`super::pairs::Pair::settled`]).
    pub(super) settled: bool,
}

/// A straight course of the clock.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Track {
    /// The places of the pairs on it, in order.
    pub(super) members: Vec<u64>,
    /// The first and the last place.
    pub(super) places: (u64, u64),
    /// The first and the last instant on the wire.
    pub(super) wires: (Timestamp, Timestamp),
    /// How far the clock is ahead at the first instant.
    pub(super) skew: f64,
    /// How fast it gains, seconds a second.
    pub(super) drift: Option<f64>,
    /// Pairs among its places that are not on it.
    pub(super) strangers: usize,
    /// The most of these that agree among themselves.
    pub(super) rival: usize,
    /// How far the rival is ahead, where there is one.
    pub(super) rival_skew: Option<f64>,
}

impl Track {
    /// How far the clock is ahead at an instant.
    pub(super) fn at(&self, wire: Timestamp) -> f64 {
        self.skew + self.drift.unwrap_or(0.0) * wire.since(self.wires.0).seconds()
    }

    /// Pairs that it rests on.
    pub(super) fn votes(&self) -> usize {
        self.members.len()
    }

    /// Whether the pair at this place is on it.
    pub(super) fn holds(&self, place: u64) -> bool {
        self.members.binary_search(&place).is_ok()
    }

    /// Whether the two are apart in the order of lines and of the wire alike.
    fn is_apart(&self, other: &Self) -> bool {
        (self.places.1 < other.places.0 && self.wires.1 <= other.wires.0)
            || (other.places.1 < self.places.0 && other.wires.1 <= self.wires.0)
    }

    fn shares_places(&self, other: &Self) -> bool {
        self.places.0 <= other.places.1 && other.places.0 <= self.places.1
    }
}

/// The tracks of `points` (in the order of lines) that do not contradict each other, in the order of
/// lines, the strongest chosen first. Each knows its rival.
pub(super) fn tracks(points: &[Point]) -> Vec<Track> {
    let mut free: Vec<usize> = (0..points.len()).collect();
    let mut chosen: Vec<Track> = Vec::new();
    let mut refused: Vec<Track> = Vec::new();
    for _ in 0..MAX_CHAINS {
        let chain = longest_chain(points, &free);
        if chain.is_empty() {
            break;
        }
        let Some(track) = straighten(points, &chain) else { break };
        // Who is not on the line may be of another course.
        free.retain(|index| points.get(*index).is_none_or(|point| !track.holds(point.place)));
        if track.votes() > 1 && chosen.iter().all(|other| other.is_apart(&track)) {
            chosen.push(track);
        } else {
            refused.push(track);
        }
    }
    for track in &mut chosen {
        let among = refused.iter().filter(|rival| rival.shares_places(track));
        if let Some(rival) = among.max_by_key(|rival| (rival.votes(), std::cmp::Reverse(rival.places))) {
            (track.rival, track.rival_skew) = (rival.votes(), Some(rival.skew));
        }
        let among = points.iter().filter(|point| (track.places.0..=track.places.1).contains(&point.place));
        track.strangers = among.count().saturating_sub(track.votes());
    }
    chosen.sort_by_key(|track| track.places);
    chosen
}

/// Gaps on `tracks` in which other pairs agree on another course: the places before and after each. One
/// stranger is none; two that agree may be a clock that was set, also with one pair of a track between.
pub(super) fn doubts(points: &[Point], tracks: &[Track]) -> Vec<(Option<u64>, Option<u64>)> {
    let mut doubts: Vec<(Option<u64>, Option<u64>)> = Vec::new();
    let mut members: Vec<u64> = Vec::new();
    // Each stranger with the number of members before it.
    let mut strangers: Vec<(&Point, usize)> = Vec::new();
    let mut open: Option<usize> = None;
    for point in points {
        if tracks.iter().any(|track| track.holds(point.place)) {
            if let Some(before) = open.take() {
                let from = before.checked_sub(1).and_then(|at| members.get(at).copied());
                doubts.push((from, Some(point.place)));
            }
            members.push(point.place);
            continue;
        }
        let near = strangers.iter().rev().take(REACH).filter(|(_, before)| before + 1 >= members.len());
        let agreeing = near.filter(|(earlier, _)| agree(earlier, point)).map(|(_, before)| *before).min();
        open = open.into_iter().chain(agreeing).min();
        strangers.push((point, members.len()));
    }
    if let Some(before) = open {
        doubts.push((before.checked_sub(1).and_then(|at| members.get(at).copied()), None));
    }
    doubts
}

/// The longest chain among the free points in which each agrees with the one before it.
fn longest_chain(points: &[Point], free: &[usize]) -> Vec<usize> {
    // Per free point: the length of the best chain that ends there, and the one before it.
    let mut best: Vec<(u32, Option<usize>)> = Vec::with_capacity(free.len());
    for (at, point) in free.iter().enumerate().filter_map(|(at, index)| Some((at, points.get(*index)?))) {
        let from = at.saturating_sub(REACH);
        let mut here = (1, None);
        for before in (from..at).rev() {
            let Some((length, other)) =
                best.get(before).zip(free.get(before).and_then(|index| points.get(*index)))
            else {
                continue;
            };
            if length.0 >= here.0 && agree(other, point) {
                here = (length.0 + 1, Some(before));
            }
        }
        best.push(here);
    }
    let end = best.iter().enumerate().max_by_key(|(at, (length, _))| (*length, std::cmp::Reverse(*at)));
    let mut at = end.map(|(at, _)| at);
    let mut chain = Vec::new();
    while let Some((here, (_, before))) = at.and_then(|at| Some((at, best.get(at)?))) {
        chain.extend(free.get(here));
        at = *before;
    }
    chain.reverse();
    chain
}

fn agree(earlier: &Point, later: &Point) -> bool {
    let passed = later.wire.since(earlier.wire).seconds();
    passed >= -DISORDER_SECONDS
        && (later.ahead - earlier.ahead).abs()
            <= NEIGHBOURS_SECONDS + (MAX_DRIFT * passed.max(0.0)).min(MAX_DRIFT_SECONDS)
}

/// The line through a chain, and who of it lies on it.
fn straighten(points: &[Point], chain: &[usize]) -> Option<Track> {
    let all: Vec<Point> = chain.iter().filter_map(|index| points.get(*index).copied()).collect();
    let start = all.iter().map(|point| point.wire).min()?;
    let drift = drift(&all);
    let level = |point: &Point| point.ahead - drift.unwrap_or(0.0) * point.wire.since(start).seconds();
    let middle = densest(all.iter().map(level).collect())?;
    let on: Vec<Point> =
        all.into_iter().filter(|point| (level(point) - middle).abs() <= ON_TRACK_SECONDS).collect();
    let middle = median(on.iter().map(level).collect())?;
    let wires = (on.iter().map(|point| point.wire).min()?, on.iter().map(|point| point.wire).max()?);
    Some(Track {
        members: on.iter().map(|point| point.place).collect(),
        places: (on.first()?.place, on.last()?.place),
        wires,
        skew: middle + STAMP_CENTRE_SECONDS + drift.unwrap_or(0.0) * wires.0.since(start).seconds(),
        drift,
        strangers: 0,
        rival: 0,
        rival_skew: None,
    })
}

/// The middle of the window, as wide as a track, that holds most values.
fn densest(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let mut best: (usize, f64) = (0, *values.first()?);
    let mut from = 0;
    for (at, high) in values.iter().enumerate() {
        while values.get(from).is_some_and(|low| high - low > 2.0 * ON_TRACK_SECONDS) {
            from += 1;
        }
        let low = values.get(from).copied().unwrap_or(*high);
        if at - from + 1 > best.0 {
            best = (at - from + 1, low + (high - low) / 2.0);
        }
    }
    Some(best.1)
}

/// The median of the slopes between points far apart (Theil 1950, Sen 1968); `None` where the climb is
/// less than the stamps' own second over the whole time.
fn drift(points: &[Point]) -> Option<f64> {
    let span = points.last()?.wire.since(points.first()?.wire).seconds();
    if points.len() < MIN_DRIFT_PAIRS || span < MIN_DRIFT_HOURS * 3600.0 {
        return None;
    }
    let chosen: Vec<&Point> = points.iter().step_by(points.len().div_ceil(MAX_SLOPE_POINTS)).collect();
    let mut slopes = Vec::new();
    for (at, earlier) in chosen.iter().enumerate() {
        for later in chosen.iter().skip(at + 1) {
            let passed = later.wire.since(earlier.wire).seconds();
            if passed > span / 4.0 {
                slopes.push((later.ahead - earlier.ahead) / passed);
            }
        }
    }
    let rate = median(slopes)?;
    ((rate * span).abs() >= 1.0 && rate.abs() <= 2.0 * MAX_DRIFT).then_some(rate)
}

pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = values.get(middle).copied()?;
    if values.len().is_multiple_of(2) {
        let lower = values.get(middle.checked_sub(1)?).copied()?;
        return Some((lower + upper) / 2.0);
    }
    Some(upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(ahead: &[(f64, f64)]) -> Vec<Point> {
        (0u64..)
            .zip(ahead)
            .map(|(place, &(wire, ahead))| Point {
                place,
                wire: Timestamp::from_nanos((wire * 1e9) as i64),
                ahead,
                settled: false,
            })
            .collect()
    }

    #[test]
    fn strangers_do_not_move_the_track() {
        let tracks = tracks(&points(&[(0.0, 5.0), (10.0, 400.0), (20.0, 5.4), (30.0, -77.0), (40.0, 4.8)]));
        let [track] = tracks.as_slice() else { panic!("{tracks:?}") };
        assert_eq!((track.votes(), track.strangers, track.rival), (3, 2, 1));
        assert!((track.skew - 5.5).abs() < 0.1);
    }

    #[test]
    fn a_step_makes_two_tracks_in_order() {
        let tracks = tracks(&points(&[
            (0.0, 1.0),
            (10.0, 1.2),
            (20.0, 1.1),
            (30.0, 301.0),
            (40.0, 300.9),
            (50.0, 301.3),
        ]));
        let skews: Vec<f64> = tracks.iter().map(|track| track.skew.round()).collect();
        assert_eq!(skews, [2.0, 302.0]);
        assert_eq!((tracks[0].places, tracks[1].places), ((0, 2), (3, 5)));
    }

    #[test]
    fn two_courses_at_once_are_rivals() {
        let tracks = tracks(&points(&[(0.0, 1.0), (10.0, 900.0), (20.0, 1.1), (30.0, 900.0), (40.0, 1.0)]));
        let [track] = tracks.as_slice() else { panic!("{tracks:?}") };
        assert_eq!((track.votes(), track.rival), (3, 2));
        assert_eq!(track.rival_skew.map(f64::round), Some(901.0));
    }

    #[test]
    fn two_strangers_that_agree_make_a_gap_doubtful() {
        let course =
            points(&[(0.0, 1.0), (10.0, 700.0), (20.0, 701.0), (30.0, 1.1), (40.0, 1.0), (50.0, 9.0)]);
        let tracks: Vec<Track> = tracks(&course).into_iter().filter(|track| track.skew < 9.0).collect();
        assert_eq!(doubts(&course, &tracks), [(Some(0), Some(3))]);
    }

    #[test]
    fn a_drift_is_a_median_of_slopes() {
        let course: Vec<(f64, f64)> = (0..60)
            .map(|n| f64::from(n) * 300.0)
            .map(|wire| (wire, if wire as i64 % 2100 == 0 { 3600.0 } else { 3.0 + wire * 150e-6 }))
            .collect();
        let tracks = tracks(&points(&course));
        let [track] = tracks.as_slice() else { panic!("{tracks:?}") };
        assert!((track.drift.unwrap() - 150e-6).abs() < 5e-6, "{track:?}");
    }
}
