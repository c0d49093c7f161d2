//! The appliance's timers, and which of them the times of a case fit.

use crate::time::{Span, Timestamp};

/// A timer of the appliance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timer {
    /// How long it runs.
    pub runs: Span,
    /// What it is called.
    pub name: &'static str,
}

/// The defaults (user guide, "Timeout Period for Unsuccessful Inbound Connections" and "Total Time
/// Limit for All Inbound Connections"; the latter acts between messages at four fifths).
pub const DEFAULT_TIMERS: [Timer; 3] = [
    Timer { runs: Span::from_seconds(300), name: "timeout for unsuccessful inbound connections" },
    Timer { runs: Span::from_seconds(720), name: "four fifths of the total time limit" },
    Timer { runs: Span::from_seconds(900), name: "total time limit for inbound connections" },
];

/// A stamp is rounded down and the origin may have been logged late: this much short still fits.
const EARLY: Span = Span::from_millis(1_300);
/// Timers are checked now and then: this much over still fits.
const LATE: Span = Span::from_millis(3_000);

/// Where a timer may run from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The connection.
    Connect,
    /// The last message that was accepted on it.
    LastAcceptedMessage,
    /// The sender's last octet.
    LastOctet,
}

impl Origin {
    const fn words(self) -> &'static str {
        match self {
            Self::Connect => "the connection",
            Self::LastAcceptedMessage => "the last accepted message",
            Self::LastOctet => "the sender's last octet",
        }
    }
}

/// A timer that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    /// Which.
    pub timer: Timer,
    /// Counted from where.
    pub origin: Origin,
    /// How long it really was.
    pub elapsed: Span,
}

impl std::fmt::Display for Fit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:.1} s after {}: fits the {} s {}",
            self.elapsed.seconds(),
            self.origin.words(),
            self.timer.runs.seconds(),
            self.timer.name
        )
    }
}

/// The timers that ran out at `end`, counted from each of `origins`; `more` are the user's own.
pub fn fits(end: Timestamp, origins: &[(Origin, Timestamp)], more: &[Span]) -> Vec<Fit> {
    let own = more.iter().map(|&runs| Timer { runs, name: "timer (--timer)" });
    let timers: Vec<Timer> = DEFAULT_TIMERS.into_iter().chain(own).collect();
    let mut found = Vec::new();
    for &(origin, since) in origins {
        let elapsed = end.since(since);
        for timer in &timers {
            let over = elapsed.nanos().saturating_sub(timer.runs.nanos());
            if over >= -EARLY.nanos() && over <= LATE.nanos() {
                found.push(Fit { timer: *timer, origin, elapsed });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_nanos((seconds * 1e9) as i64)
    }

    #[test]
    fn a_timer_fits_within_the_second_and_its_lag() {
        let origins = [(Origin::Connect, at(0.2)), (Origin::LastOctet, at(7.0))];
        let found = fits(at(300.1), &origins, &[]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].origin, found[0].timer.runs), (Origin::Connect, Span::from_seconds(300)));
        assert!(fits(at(290.0), &origins, &[]).is_empty());
        assert_eq!(fits(at(67.5), &origins, &[Span::from_seconds(60)]).len(), 1);
    }
}
