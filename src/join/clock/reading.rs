//! One clock as it was read: its stretches, and which pass of a repeated hour a stamp is of.

use crate::cite::{LogRef, Moment};
use crate::maillog::Stamp;
use crate::time::{LogTime, Span, Timestamp, UtcOffset};

use super::pairs::Pair;
use super::zone::{Local, Zone};
use super::{ClockOrigin, Year};

/// Pairs that tell the pass of a repeated hour, how far they may be off (a skew of minutes), and how
/// far from each other: retries an hour later go by no second.
const PASS_PAIRS: usize = 3;
const PASS_SECONDS: i64 = 900;
const PASS_SPREAD: Span = Span::from_seconds(4);
/// A pass of a repeated hour is told by a step back at most this far from it.
const FOLD_SECONDS: i64 = 2 * 3600;

/// A stretch of one clock: one zone, one skew.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Its first line.
    pub from_line: u32,
    /// The stamp of that line.
    pub from: LogTime,
    /// The zone; `None`: not known.
    pub zone: Option<Zone>,
    /// What says so.
    pub origin: ClockOrigin,
    /// How far the log's clock is ahead of the capture's, in seconds, at [`Self::drift_from`].
    pub skew: Option<f64>,
    /// How fast it gains on it, in parts per million.
    pub drift_ppm: Option<f64>,
    /// See [`Self::skew`].
    pub drift_from: Timestamp,
    /// Pairs that the skew rests on.
    pub pairs: usize,
    /// `false`: the clock was set somewhere between these lines, nothing tells where, and the stamps
    /// have no instant.
    pub placed: bool,
}

/// A stamp and a frame of the same event, as an example of what a fit rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClockPair {
    /// The line of the log.
    pub line: LogRef,
    /// Its stamp.
    pub logged: LogTime,
    /// The frame of the reply to MAIL, or of a remote server's to a message.
    pub wire: Moment,
}

/// One clock as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct ClockReading {
    /// Its stretches in the order of lines; never empty.
    pub segments: Vec<Segment>,
    /// The year, where the stamps tell none and the capture does.
    pub year: Option<Year>,
    /// Pairs that the fit rests on.
    pub pairs: usize,
    /// Some of those that the fit rests on.
    pub examples: Vec<ClockPair>,
    /// What came second in the fit: the offset (where it was to be found) or skew in seconds, and its
    /// votes.
    pub runner_up: Option<(f64, usize)>,
    /// How it was found, and what would settle what is open.
    pub explanation: String,
    /// The steps back by which the passes of a repeated hour are told: first line after, its stamp.
    pub(super) folds: Vec<(u32, LogTime)>,
    /// The offset that the head tells: it says in which pass the log begins.
    pub(super) head: Option<UtcOffset>,
    /// The pass that pairs tell of a repeated hour, where no step back shows it.
    pub(super) pass: Option<Pass>,
}

impl ClockReading {
    /// The stretch that a line is in.
    pub(super) fn segment(&self, line: u32) -> Option<&Segment> {
        let after = self.segments.partition_point(|segment| segment.from_line <= line);
        self.segments.get(after.saturating_sub(1))
    }

    /// Whether every stretch has its offset.
    pub fn is_known(&self) -> bool {
        self.segments.iter().all(|segment| segment.zone.is_some())
    }

    /// The stamp with its year.
    pub(super) fn dated(&self, time: LogTime) -> Option<LogTime> {
        if time.year_known() { Some(time) } else { time.with_year(self.year?.first) }
    }

    /// The offset in force; `None` where it is not known, or the hour is repeated and nothing tells
    /// which pass it is.
    pub(super) fn offset(&self, zone: Zone, wall: LogTime, line: u32) -> Option<UtcOffset> {
        let (first, second) = match zone.local(wall) {
            Local::Once(offset) => return Some(offset),
            Local::Twice(first, second) => (first, second),
            Local::Never => return None,
        };
        let near = self.folds.iter().filter(|(_, to)| {
            self.dated(*to).is_some_and(|to| (to.wall_seconds() - wall.wall_seconds()).abs() <= FOLD_SECONDS)
        });
        match near.map(|(after, _)| *after).min() {
            Some(after) => Some(if line >= after { second } else { first }),
            None => {
                self.head.or_else(|| self.pass?.at(line)).filter(|told| *told == first || *told == second)
            }
        }
    }

    /// Learns from the wire which pass of a repeated hour a log is of that does not show both.
    pub(super) fn learn_pass(&mut self, zone: Option<Zone>, pairs: &[Pair]) {
        if self.head.is_some() || !self.folds.is_empty() {
            return;
        }
        // For either pass: how far each pair is off by it, and its line.
        let mut votes: [Vec<(Span, u32)>; 2] = [Vec::new(), Vec::new()];
        let mut passes = None;
        for pair in pairs {
            let Some(wall) = self.dated(pair.stamp.time) else { continue };
            let Some(Local::Twice(first, second)) = zone.map(|zone| zone.local(wall)) else { continue };
            passes = Some((first, second));
            for (vote, offset) in votes.iter_mut().zip([first, second]) {
                let off = wall.at(offset).map(|at| at.since(pair.wire.time));
                let near = off.filter(|off| off.abs() <= Span::from_seconds(PASS_SECONDS));
                vote.extend(near.map(|off| (off, pair.stamp.line.line)));
            }
        }
        let agree = |votes: &[(Span, u32)]| {
            let (least, most) =
                (votes.iter().map(|vote| vote.0).min(), votes.iter().map(|vote| vote.0).max());
            votes.len() >= PASS_PAIRS
                && least
                    .zip(most)
                    .is_some_and(|(least, most)| most.nanos() - least.nanos() <= PASS_SPREAD.nanos())
        };
        let [in_first, in_second] = votes;
        let lines = |votes: &[(Span, u32)]| votes.iter().map(|vote| vote.1).collect::<Vec<u32>>();
        self.pass = passes.and_then(|(first, second)| {
            if agree(&in_first) && in_second.is_empty() {
                lines(&in_first).into_iter().max().map(|line| Pass::FirstUntil(first, line))
            } else if agree(&in_second) && in_first.is_empty() {
                lines(&in_second).into_iter().min().map(|line| Pass::SecondFrom(second, line))
            } else {
                None
            }
        });
    }

    pub(super) fn to_utc(&self, zone: Zone, stamp: &Stamp) -> Option<Timestamp> {
        let wall = self.dated(stamp.time)?;
        wall.at(self.offset(zone, wall, stamp.line.line)?)
    }

    /// The stretches as they are shown: those of a named zone are split where its offset changes.
    pub fn stretches(&self, last: LogTime) -> Vec<Stretch> {
        let mut all = Vec::new();
        for (at, segment) in self.segments.iter().enumerate() {
            let from = self.dated(segment.from);
            let told = segment.zone.zip(from).and_then(|(zone, from)| {
                self.offset(zone, from, segment.from_line).or(zone.local(from).first())
            });
            let offset = told.or(match segment.zone {
                Some(Zone::Fixed(offset)) => Some(offset),
                _ => None,
            });
            let shown = |from, offset| Stretch {
                from,
                offset,
                origin: segment.origin,
                skew: segment.skew,
                drift_ppm: segment.drift_ppm,
                placed: segment.placed,
            };
            all.push(shown(from.unwrap_or(segment.from), offset));
            let end = self.segments.get(at + 1).map_or(last, |next| next.from);
            if let (Some(zone), Some(from), Some(end)) = (segment.zone, from, self.dated(end)) {
                // Its end in a repeated hour may be of the first pass: then the change is yet to come.
                let in_second = |offset| match zone.local(end) {
                    Local::Twice(..) => self.offset(zone, end, u32::MAX) == Some(offset),
                    Local::Once(_) | Local::Never => true,
                };
                let changes = zone.changes(from, end);
                let come = changes.into_iter().filter(|(_, offset)| in_second(*offset));
                all.extend(come.map(|(wall, offset)| shown(wall, Some(offset))));
            }
        }
        all
    }
}

/// Which lines of a repeated hour are of which pass: the first comes before the second, and pairs of
/// one say nothing about lines on the other's side of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pass {
    /// The offset of the first pass, up to a line.
    FirstUntil(UtcOffset, u32),
    /// The offset of the second pass, from a line on.
    SecondFrom(UtcOffset, u32),
}

impl Pass {
    fn at(self, line: u32) -> Option<UtcOffset> {
        match self {
            Self::FirstUntil(offset, last) => (line <= last).then_some(offset),
            Self::SecondFrom(offset, first) => (line >= first).then_some(offset),
        }
    }
}

/// A stretch of one clock as it is shown: one offset, one skew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Its first stamp.
    pub from: LogTime,
    /// The offset from UTC.
    pub offset: Option<UtcOffset>,
    /// What says so.
    pub origin: ClockOrigin,
    /// See [`Segment::skew`].
    pub skew: Option<f64>,
    /// See [`Segment::drift_ppm`].
    pub drift_ppm: Option<f64>,
    /// See [`Segment::placed`].
    pub placed: bool,
}
