//! The log's clocks: how far each is from UTC, and from the clock of the capture.
//!
//! ```text
//! pairs (unique content) -> tracks (consensus) -> course (segments of one offset and one skew) -> words
//! ```
//!
//! The offset comes from the stamps themselves, from the user, from the log's head, or is fitted; the
//! skew (what is left when the offset is taken away) is always fitted. Fits rest on unique content
//! only. The log stamps `Start MID` when it accepts MAIL, so the stamp is the second in which the 2xx
//! to MAIL was sent, or one soon after; and a remote server's `Response` when it has come. The logs of one appliance are one course: a clock that runs
//! on through a rotation is fitted over all of its files.
//!
//! A wrong time blames the wrong connection, so a close call is refused. Refused are:
//! - an offset on fewer than three pairs that agree, or with a rival of more than a third of its votes;
//! - a skew of more than a few seconds on fewer than three pairs (four where other pairs disagree), with
//!   such a rival, or where log and capture do not cover the same time and retries would look the same;
//! - the ends of a course that strangers outnumber: one that fits by chance stretches it no further;
//! - the time of lines where two pairs agree on another course, and of those before the first or after
//!   the last pair of it where two pairs are against it, whether or not they agree;
//! - the time of lines between two courses, where no line shows at which the clock was set;
//! - a pass of a repeated hour that neither a step back, the head, nor three pairs tell.
//!
//! What cannot be known: that a clock was set where fewer than two pairs saw it, for one contrary pair
//! is a retry far more often.

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
use crate::join::evidence::time_cost;
use crate::maillog::{ClockIndex, ClockSource, HostIndex, MailLog, SerialIndex, Stamp, StampedBy};
use crate::smtp::Session;
use crate::time::{LogTime, Span, Timestamp, UtcOffset};

use pairs::{Pair, unique_pairs};
pub use year::{Year, YearOrigin};
use zone::Local;
pub use zone::Zone;

/// Pairs that tell the pass of a repeated hour, how far they may be off (a skew of minutes), and how
/// far from each other: retries an hour later go by no second.
const PASS_PAIRS: usize = 3;
const PASS_SECONDS: i64 = 900;
const PASS_SPREAD: Span = Span::from_seconds(4);
/// A pass of a repeated hour is told by a step back at most this far from it.
const FOLD_SECONDS: i64 = 2 * 3600;

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
    /// The frame of the reply to MAIL, or of a remote server's to the message.
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
    folds: Vec<(u32, LogTime)>,
    /// The offset that the head tells: it says in which pass the log begins.
    head: Option<UtcOffset>,
    /// The pass that pairs tell of a repeated hour, where no step back shows it.
    pass: Option<Pass>,
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
            None => {
                self.head.or_else(|| self.pass?.at(line)).filter(|told| *told == first || *told == second)
            }
        }
    }

    /// Learns from the wire which pass of a repeated hour a log is of that does not show both.
    fn learn_pass(&mut self, zone: Option<Zone>, pairs: &[Pair]) {
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

/// Which lines of a repeated hour are of which pass: the first comes before the second, and pairs of
/// one say nothing about lines on the other's side of them.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pass {
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

/// Every clock of the logs; indexed as [`Stamp::clock`] is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Clocks {
    readings: Vec<ClockReading>,
    /// For each clock, when messages were accepted on the wire whose stamps fit to the second and that
    /// can be no others, in order.
    confirmed: Vec<Vec<Timestamp>>,
    /// For each clock, how promptly it writes of connections with such messages.
    promptness: Vec<Promptness>,
}

/// Of connections with a message that can be no other: how many of them the log wrote of as things happened,
/// from their opening to their end, and how many not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Promptness {
    /// Every stamp fits to the second.
    pub prompt: usize,
    /// Some stamp does not.
    pub late: usize,
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
                    pass: None,
                }
            })
            .collect();
        for group in groups(log, zone) {
            course::solve(log, &group, &pairs, capture, &mut readings);
        }
        let mut clocks = Self { readings, confirmed: Vec::new(), promptness: Vec::new() };
        for clock in 0..log.clocks.len() {
            let certain = pairs.get(&clock).into_iter().flatten().filter(|pair| pair.certain);
            let mut confirmed = Vec::new();
            let mut promptness = Promptness::default();
            for pair in certain {
                let accepted = clocks.is_of(&pair.stamp, pair.wire.time, pair.wire.time);
                confirmed.extend(accepted.then_some(pair.wire.time));
                if accepted && clocks.is_prompt_of(log, sessions, pair) {
                    promptness.prompt += 1;
                } else {
                    promptness.late += 1;
                }
            }
            confirmed.sort_unstable();
            clocks.confirmed.push(confirmed);
            clocks.promptness.push(promptness);
        }
        clocks
    }

    /// Whether a message that can be no other shows, within `reach` of an instant, that this clock's
    /// stamps meet the capture's to the second.
    pub fn is_confirmed_near(&self, clock: ClockIndex, at: Timestamp, reach: Span) -> bool {
        let times = self.confirmed.get(usize::from(clock.0)).map(Vec::as_slice).unwrap_or_default();
        let from = times.partition_point(|&time| time < at.minus(reach));
        times.get(from).is_some_and(|&time| time <= at.plus(reach))
    }

    /// The readings in the order of [`MailLog::clocks`].
    pub fn readings(&self) -> &[ClockReading] {
        &self.readings
    }

    /// The reading of one clock.
    pub fn reading(&self, clock: ClockIndex) -> Option<&ClockReading> {
        self.readings.get(usize::from(clock.0))
    }

    /// See [`Promptness`].
    pub fn promptness(&self, clock: usize) -> Promptness {
        self.promptness.get(clock).copied().unwrap_or_default()
    }

    /// Whether opening and end of a pair's connection were written as they happened, as far as both sides
    /// tell.
    fn is_prompt_of(&self, log: &MailLog, sessions: &[Session], pair: &Pair) -> bool {
        let Some((connection, session)) = pair.places else { return true };
        let Some(connection) = log.connections.get(connection as usize) else { return true };
        let Some(session) = sessions.get(session as usize) else { return true };
        let begun = session.flow.first.time;
        let greeted = session.dialog.greeting.as_ref().map(|reply| reply.at.time);
        let opened = connection.opened.as_ref().zip(greeted);
        let ended = connection.end().zip(session.flow.closes.effective.as_ref());
        opened.is_none_or(|(stamp, greeted)| self.is_of(stamp, begun, greeted))
            && ended.is_none_or(|(stamp, close)| self.is_of(stamp, close.at.time, close.at.time))
    }

    /// Whether a stamp may be of something that happened between two moments.
    fn is_of(&self, stamp: &Stamp, from: Timestamp, to: Timestamp) -> bool {
        self.instant(stamp).is_some_and(|logged| {
            let (after, behind) = (logged.since(from).seconds(), logged.since(to).seconds());
            time_cost(after.min(0.0)) == 0.0 && time_cost(behind.max(0.0)) == 0.0
        })
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
