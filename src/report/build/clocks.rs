//! The clocks of the logs.

use super::Builder;
use crate::join::clock;
use crate::report::document::{Clock, ClockPair, ClockSegment, RunnerUp};

/// Stretches listed of one log.
const MAX_SEGMENTS: usize = 1024;

impl Builder<'_> {
    /// One clock a log; a second head in a log begins another segment of it.
    pub(super) fn clocks(&self) -> Vec<Clock> {
        let log = &self.investigation.log;
        let clocks = &self.investigation.joined.clocks;
        let mut all: Vec<Clock> = Vec::new();
        let mut last_file = None;
        for (source, reading) in log.clocks.iter().zip(clocks.readings()) {
            let segments = reading.stretches(source.last).into_iter().map(|stretch| ClockSegment {
                from: stretch.from,
                utc_offset_seconds: stretch.offset,
                source: stretch.origin,
                skew_seconds: stretch.skew.map(to_millis),
                drift_ppm: stretch.drift_ppm,
                step_not_placed: !stretch.placed,
            });
            match all.last_mut() {
                Some(clock) if last_file == Some(source.file) && clock.segments.len() < MAX_SEGMENTS => {
                    clock.segments.extend(segments);
                }
                _ => all.push(Clock {
                    log: self.log_path(source.file.0),
                    serial: source.serial.and_then(|serial| log.serials.get(usize::from(serial.0)).cloned()),
                    segments: segments.collect(),
                    explanation: reading.explanation.clone(),
                    year: reading.year.map(|year| year.first),
                    runner_up: reading.runner_up.map(|(ahead, votes)| RunnerUp {
                        ahead_seconds: to_millis(ahead),
                        votes: votes as u64,
                    }),
                    pair_count: reading.pairs as u64,
                    pairs: reading.examples.iter().map(|pair| self.clock_pair(pair)).collect(),
                }),
            }
            last_file = Some(source.file);
        }
        all
    }

    fn clock_pair(&self, pair: &clock::ClockPair) -> ClockPair {
        ClockPair {
            file: self.log_path(pair.line.file.0),
            line: pair.line.line,
            logged: pair.logged,
            capture: self.capture_path(pair.wire),
            frame: pair.wire.frame.frame,
            time: pair.wire.time,
        }
    }
}

/// A stamp is a whole second: no fit is better than milliseconds.
fn to_millis(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
