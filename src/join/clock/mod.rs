//! The log's clocks: how far each is from UTC, and from the clock of the capture.
//!
//! ```text
//! pairs (unique content) -> tracks (consensus) -> course (segments of one offset and one skew) -> words
//! ```
//!
//! The offset comes from the stamps themselves, from the user, from the log's head, or is fitted; the
//! skew (what is left when the offset is taken away) is always fitted. Fits rest on unique content
//! only. The log stamps `Start MID` when it accepts MAIL, so the stamp is the second in which the 2xx
//! to MAIL was sent, or one soon after. The logs of one appliance are one course: a clock that runs
//! on through a rotation is fitted over all of its files.

mod course;
mod pairs;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod tracks;
mod words;
mod year;
mod zone;

use ahash::AHashMap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cite::{LogRef, Moment};
use crate::maillog::{ClockIndex, ClockSource, HostIndex, MailLog, SerialIndex, Stamp, StampedBy};
use crate::smtp::Session;
use crate::time::{LogTime, Span, Timestamp, UtcOffset};

use pairs::{Pair, unique_pairs};
pub use year::{Year, YearOrigin};
use zone::Local;
pub use zone::Zone;

/// Pairs that tell the pass of a repeated hour, and how far they may be off: a skew of minutes.
const PASS_PAIRS: usize = 2;
const PASS_SECONDS: i64 = 900;
/// A pass of a repeated hour is told by a step back at most this far from it.
const FOLD_SECONDS: i64 = 2 * 3600;

/// How far a stamp, rounded down to its second and written at once, lies behind its event, in seconds.
const TO_THE_SECOND: std::ops::Range<f64> = -1.1..0.5;

/// What says how far a log's clock is from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockOrigin {
    /// The stamps themselves (RFC 5424, exports).
    Stamp,
    /// The head line of the log.
    Head,
    /// `--utc-offset`.
    Option,
    /// The order of lines: the stamps step as they do when daylight saving begins or ends.
    OrderOfLines,
    /// Fitted on content that occurs once in the log and once on the wire.
    Fit,
    /// Nothing.
    Unknown,
}

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
    /// The frame of the reply to MAIL.
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
    /// Pairs that agree with it to the second of their stamps, whether or not the fit rests on them: one is
    /// enough to show that a told clock is right.
    pub agreeing: usize,
    /// Some of those that the fit rests on.
    pub examples: Vec<ClockPair>,
    /// What came second in the fit: the offset (where it was to be found) or skew in seconds, and its
    /// votes.
    pub runner_up: Option<(f64, usize)>,
    /// How it was found, and what would settle what is open.
    pub explanation: String,
    /// The steps back by which the passes of a repeated hour are told: first line after, its stamp.
    folds: Vec<(u32, LogTime)>,
    /// The offset that the head tells: it says in which pass the log begins.
    head: Option<UtcOffset>,
}

impl ClockReading {
    /// The stretch that a line is in.
    fn segment(&self, line: u32) -> Option<&Segment> {
        let after = self.segments.partition_point(|segment| segment.from_line <= line);
        self.segments.get(after.saturating_sub(1))
    }

    /// Whether every stretch has its offset.
    pub fn is_known(&self) -> bool {
        self.segments.iter().all(|segment| segment.zone.is_some())
    }

    /// The stamp with its year.
    fn dated(&self, time: LogTime) -> Option<LogTime> {
        if time.year_known() { Some(time) } else { time.with_year(self.year?.first) }
    }

    /// The offset in force; `None` where it is not known, or the hour is repeated and nothing tells
    /// which pass it is.
    fn offset(&self, zone: Zone, wall: LogTime, line: u32) -> Option<UtcOffset> {
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
            None => self.head.filter(|head| *head == first || *head == second),
        }
    }

    /// Learns from the wire which pass of a repeated hour a log is of that does not show both.
    fn learn_pass(&mut self, zone: Option<Zone>, pairs: &[Pair]) {
        if self.head.is_some() || !self.folds.is_empty() {
            return;
        }
        let mut votes: [Option<(UtcOffset, usize)>; 2] = [None; 2];
        for pair in pairs {
            let Some(wall) = self.dated(pair.stamp.time) else { continue };
            let Some(Local::Twice(first, second)) = zone.map(|zone| zone.local(wall)) else { continue };
            for (vote, offset) in votes.iter_mut().zip([first, second]) {
                let near = wall
                    .at(offset)
                    .is_some_and(|at| at.since(pair.wire.time).abs() <= Span::from_seconds(PASS_SECONDS));
                let (_, count) = vote.get_or_insert((offset, 0));
                *count += usize::from(near);
            }
        }
        self.head = match votes {
            [Some((first, count)), Some((_, 0))] if count >= PASS_PAIRS => Some(first),
            [Some((_, 0)), Some((second, count))] if count >= PASS_PAIRS => Some(second),
            _ => None,
        };
    }

    fn to_utc(&self, zone: Zone, stamp: &Stamp) -> Option<Timestamp> {
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

/// Every clock of the logs; indexed as [`Stamp::clock`] is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Clocks {
    readings: Vec<ClockReading>,
}

impl Clocks {
    /// Reads every clock of `log`; `zone` is the user's word and outranks the head's, but not an
    /// offset that each stamp bears.
    pub fn read(log: &MailLog, sessions: &[Session], zone: Option<Zone>) -> Self {
        let pairs = unique_pairs(log, sessions);
        let capture = sessions
            .iter()
            .map(|session| (session.flow.first.time, session.flow.last.time))
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let mut readings: Vec<ClockReading> = (0..)
            .zip(&log.clocks)
            .map(|(index, source)| {
                let pairs = pairs.get(&index).map(Vec::as_slice).unwrap_or_default();
                let dated = !source.first.year_known() && !source.last.year_known();
                ClockReading {
                    segments: Vec::new(),
                    year: if dated { year::year(source, pairs, capture) } else { None },
                    pairs: 0,
                    agreeing: 0,
                    examples: Vec::new(),
                    runner_up: None,
                    explanation: String::new(),
                    folds: source
                        .steps
                        .iter()
                        .filter(|step| step.seconds() <= -ClockSource::LEAST_STEP_FORWARD)
                        .map(|step| (step.line, step.to))
                        .collect(),
                    head: source.head_offset,
                }
            })
            .collect();
        for group in groups(log, zone) {
            course::solve(log, &group, &pairs, capture, &mut readings);
        }
        let mut clocks = Self { readings };
        for (clock, pairs) in &pairs {
            let agrees = |pair: &&Pair| {
                let logged = clocks.instant(&pair.stamp);
                logged.is_some_and(|at| TO_THE_SECOND.contains(&at.since(pair.wire.time).seconds()))
            };
            let agreeing = pairs.iter().filter(agrees).count();
            if let Some(reading) = clocks.readings.get_mut(*clock) {
                reading.agreeing = agreeing;
            }
        }
        clocks
    }

    /// The readings in the order of [`MailLog::clocks`].
    pub fn readings(&self) -> &[ClockReading] {
        &self.readings
    }

    /// The reading of one clock.
    pub fn reading(&self, clock: ClockIndex) -> Option<&ClockReading> {
        self.readings.get(usize::from(clock.0))
    }

    /// The instant, on the capture's clock, at which the stamp's second began; `None` while the
    /// clock's offset is unknown.
    pub fn instant(&self, stamp: &Stamp) -> Option<Timestamp> {
        let reading = self.reading(stamp.clock)?;
        let segment = reading.segment(stamp.line.line).filter(|segment| segment.placed)?;
        let utc = reading.to_utc(segment.zone?, stamp)?;
        let ahead = segment.skew.unwrap_or(0.0)
            + segment.drift_ppm.unwrap_or(0.0) * 1e-6 * utc.since(segment.drift_from).seconds();
        Some(utc.minus(seconds(ahead)))
    }

    /// The stamp in UTC by the log's own clock, skew left in: what the appliance itself would say.
    pub fn as_logged(&self, stamp: &Stamp) -> Option<Timestamp> {
        let reading = self.reading(stamp.clock)?;
        reading.to_utc(reading.segment(stamp.line.line)?.zone?, stamp)
    }

    /// The offset in force at a stamp.
    pub fn offset_at(&self, stamp: &Stamp) -> Option<UtcOffset> {
        let reading = self.reading(stamp.clock)?;
        let zone = reading.segment(stamp.line.line)?.zone?;
        reading.offset(zone, reading.dated(stamp.time)?, stamp.line.line)
    }
}

fn seconds(value: f64) -> Span {
    Span::from_nanos((value * 1e9) as i64)
}

/// The clocks of one appliance, or of one file where none is named, that run on into each other.
#[derive(Debug)]
struct Group {
    /// Indices of clocks with the zone that each has, and what says so, in the order of reading.
    clocks: Vec<(usize, Option<Zone>, ClockOrigin)>,
}

/// What tells one clock from another. A clock whose zone is known and one whose zone is not are not
/// fitted together.
#[derive(PartialEq, Eq, Hash)]
struct Owner {
    serial: Option<SerialIndex>,
    host: Option<HostIndex>,
    file: Option<crate::cite::LogId>,
    by: StampedBy,
    known: bool,
}

fn groups(log: &MailLog, zone: Option<Zone>) -> Vec<Group> {
    let mut places: AHashMap<Owner, usize> = AHashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for (index, source) in log.clocks.iter().enumerate() {
        let (zone, origin) = match (source.stamp_offset, zone, source.head_offset) {
            (Some(offset), ..) => (Some(Zone::Fixed(offset)), ClockOrigin::Stamp),
            (None, Some(zone), _) => (Some(zone), ClockOrigin::Option),
            (None, None, Some(head)) => (Some(Zone::Fixed(head)), ClockOrigin::Head),
            (None, None, None) => (None, ClockOrigin::Unknown),
        };
        // A relay's stamps are of the relay's clock, whichever appliance wrote the words.
        let relayed = source.stamped_by == StampedBy::Relay;
        let serial = source.serial.filter(|_| !relayed);
        let host = source.host.filter(|_| serial.is_none());
        let owner = Owner {
            serial,
            host,
            file: (serial.is_none() && host.is_none()).then_some(source.file),
            by: source.stamped_by,
            known: zone.is_some(),
        };
        let place = *places.entry(owner).or_insert_with(|| {
            groups.push(Group { clocks: Vec::new() });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(place) {
            group.clocks.push((index, zone, origin));
        }
    }
    groups
}
