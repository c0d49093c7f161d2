//! The clocks of the logs, and what they were found by.

use schemars::JsonSchema;
use serde::Serialize;

use crate::join::clock::ClockOrigin;
use crate::text::Text;
use crate::time::{LogTime, Timestamp, UtcOffset};

/// The clock of one log.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Clock {
    /// The path of the log.
    pub log: String,
    /// The appliance's serial number, where the log tells it.
    pub serial: Option<Text>,
    /// Its stretches of one offset each.
    pub segments: Vec<ClockSegment>,
    /// How the offset was found, in a sentence or two, and what would settle what is open.
    pub explanation: String,
    /// The year of its first stamps, where they tell none and the capture does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<i32>,
    /// What came second in the fit, where there was a fit and a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runner_up: Option<RunnerUp>,
    /// Pairs of a line and a frame that the fit rests on: content that occurs once in the log and once
    /// on the wire.
    pub pair_count: u64,
    /// Some of them.
    pub pairs: Vec<ClockPair>,
}

/// A stretch of a log with one offset.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ClockSegment {
    /// Its first stamp.
    pub from: LogTime,
    /// local = UTC + offset; null while none is known.
    pub utc_offset_seconds: Option<UtcOffset>,
    /// What says so.
    pub source: ClockOrigin,
    /// How far the log's clock is ahead of the capture's beyond the offset, where it could be fitted.
    pub skew_seconds: Option<f64>,
    /// How fast the two clocks part, in parts per million, where it could be fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift_ppm: Option<f64>,
    /// True where the clock was set somewhere in this stretch and nothing tells where: its stamps are
    /// matched by content alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub step_not_placed: bool,
}

/// What came second in the fit of a clock.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct RunnerUp {
    /// How far the log would be ahead: of UTC where the offset was to be found, of the capture beyond
    /// the offset where that is told.
    pub ahead_seconds: f64,
    /// Pairs that are for it.
    pub votes: u64,
}

/// A line of the log and a frame of the capture that tell of the same event: MAIL was accepted.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ClockPair {
    /// The path of the log.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// Its stamp, as the log prints it.
    pub logged: LogTime,
    /// The capture.
    pub capture: String,
    /// The frame of the reply to MAIL, or of a remote server's to a message.
    pub frame: u32,
    /// Its time.
    pub time: Timestamp,
}
