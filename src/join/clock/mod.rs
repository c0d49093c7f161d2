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
mod group;
mod pairs;
#[cfg(test)]
mod properties;
mod reading;
#[cfg(test)]
mod tests;
mod tracks;
mod words;
mod year;
mod zone;

use schemars::JsonSchema;
use serde::Serialize;

use crate::join::evidence::time_cost;
use crate::maillog::{ClockIndex, ClockSource, MailLog, Stamp};
use crate::smtp::Session;
use crate::time::{Span, Timestamp, UtcOffset};

use group::{Group, groups};
use pairs::{Pair, unique_pairs};
pub use reading::{ClockPair, ClockReading, Segment, Stretch};
pub use year::{Year, YearOrigin};
pub use zone::Zone;

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
