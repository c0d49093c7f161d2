//! Whether a log's clock can be trusted where no unique content has checked it.
//!
//! Times alone match anybody with his neighbour when the clocks are seconds apart. So the log's
//! closings are laid over the wire's closes of the same addresses at every shift of up to
//! [`APART`]: the clock is checked when no other shift makes nearly as many meet as none.

use std::net::IpAddr;

use ahash::AHashMap;

use crate::join::Options;
use crate::join::clock::{ClockReading, Clocks};
use crate::join::pair::mapped;
use crate::maillog::{Connection, MailLog, Stamp};
use crate::net::{Leg, canonical};
use crate::smtp::Session;
use crate::time::{Span, Timestamp};

/// How far apart clocks may be that nobody has checked.
const APART: Span = Span::from_seconds(600);
/// Bins of one second on each side of no shift.
const BINS: usize = 600;
/// Closings of one clock that are laid over the wire, and closes around each.
const MAX_CLOSINGS: usize = 4096;
const MAX_CLOSES: usize = 8192;
/// Standard deviations of chance by which the closings must meet better than at the best other shift.
const SURE: f64 = 2.0;

/// What is known of the clocks by times alone.
#[derive(Debug, Default)]
pub(super) struct Rhythm {
    checked: Vec<bool>,
    /// When flows begin, by leg and far address.
    flows: AHashMap<(Leg, IpAddr), Vec<Timestamp>>,
    /// When the log's connections begin.
    logged: AHashMap<(Leg, IpAddr), Vec<Timestamp>>,
}

impl Rhythm {
    /// Checks every clock that no unique content has checked.
    pub(super) fn of(log: &MailLog, sessions: &[Session], clocks: &Clocks, options: &Options) -> Self {
        let mut this =
            Self { checked: clocks.readings().iter().map(is_checked).collect(), ..Self::default() };
        if this.checked.iter().all(|checked| *checked) {
            return this;
        }
        let mut closes: AHashMap<(Leg, IpAddr), Vec<Timestamp>> = AHashMap::new();
        for session in sessions {
            for key in far(session) {
                this.flows.entry(key).or_default().push(session.flow.first.time);
                if let Some(close) = &session.flow.closes.effective {
                    closes.entry(key).or_default().push(close.at.time);
                }
            }
        }
        for connection in &log.connections {
            if let (Some(remote), Some(at)) = (connection.remote, clocks.instant(&connection.first)) {
                this.logged.entry((connection.leg, canonical(remote))).or_default().push(at);
            }
        }
        let times = this.flows.values_mut().chain(this.logged.values_mut()).chain(closes.values_mut());
        times.for_each(|times| times.sort_unstable());
        for (clock, checked) in this.checked.iter_mut().enumerate() {
            if !*checked {
                let closings: Vec<&Connection> = log
                    .connections
                    .iter()
                    .filter(|connection| {
                        closing(connection).is_some_and(|at| usize::from(at.clock.0) == clock)
                    })
                    .collect();
                *checked = meet_best_unshifted(&closings, &closes, clocks, options);
            }
        }
        this
    }

    /// Whether times may speak for a pair: its clock was checked, or its address has no other
    /// connection around it, in the log or on the wire.
    pub(super) fn may_speak(&self, connection: &Connection, session: &Session, clocks: &Clocks) -> bool {
        if self.checked.get(usize::from(connection.first.clock.0)).copied().unwrap_or(false) {
            return true;
        }
        let (Some(remote), Some(at)) = (connection.remote, clocks.instant(&connection.first)) else {
            return false;
        };
        let far = if connection.leg == Leg::Injection { session.client() } else { session.server() };
        around(self.logged.get(&(connection.leg, canonical(remote))), at).len() <= 1
            && around(self.flows.get(&(connection.leg, canonical(far.ip))), at).len() <= 1
    }
}

/// Whether unique content has checked a clock: a skew was fitted, or one pair at least agrees to the
/// second of its stamp.
fn is_checked(reading: &ClockReading) -> bool {
    reading.segments.iter().all(|segment| segment.skew.is_some()) || reading.agreeing > 0
}

fn meet_best_unshifted(
    closings: &[&Connection],
    closes: &AHashMap<(Leg, IpAddr), Vec<Timestamp>>,
    clocks: &Clocks,
    options: &Options,
) -> bool {
    let mut met = vec![0u32; 2 * BINS];
    let step = closings.len().div_ceil(MAX_CLOSINGS).max(1);
    for connection in closings.iter().step_by(step) {
        let (Some(remote), Some(logged)) =
            (connection.remote, closing(connection).and_then(|stamp| clocks.instant(stamp)))
        else {
            continue;
        };
        for address in std::iter::once(canonical(remote)).chain(mapped(options, remote)) {
            for &close in around(closes.get(&(connection.leg, address)), logged).iter().take(MAX_CLOSES) {
                let bin = logged.since(close).seconds().floor() as i64 + BINS as i64;
                if let Some(count) = usize::try_from(bin).ok().and_then(|bin| met.get_mut(bin)) {
                    *count += 1;
                }
            }
        }
    }
    // A stamp is rounded down and written a little late: up to a second before its event, or just behind.
    let here = BINS - 1;
    let pairs: Vec<f64> =
        met.windows(2).map(|bins| bins.iter().map(|&count| f64::from(count)).sum()).collect();
    let at_zero = pairs.get(here).copied().unwrap_or(0.0);
    let elsewhere =
        pairs.iter().enumerate().filter(|(at, _)| at.abs_diff(here) >= 2).map(|(_, count)| *count);
    let most = elsewhere.fold(0.0, f64::max);
    at_zero >= 1.0 && at_zero > most + SURE * most.sqrt()
}

/// The stamp of a connection's end.
fn closing(connection: &Connection) -> Option<&Stamp> {
    connection.lost.as_ref().or(connection.closed.as_ref())
}

fn far(session: &Session) -> [(Leg, IpAddr); 2] {
    [(Leg::Injection, canonical(session.client().ip)), (Leg::Delivery, canonical(session.server().ip))]
}

fn around(times: Option<&Vec<Timestamp>>, at: Timestamp) -> &[Timestamp] {
    let times = times.map(Vec::as_slice).unwrap_or_default();
    let from = times.partition_point(|&time| time < at.minus(APART));
    let rest = times.get(from..).unwrap_or_default();
    rest.get(..rest.partition_point(|&time| time <= at.plus(APART))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::CloseKind;
    use crate::join::testing::{connection, log, session};

    /// Connections at uneven intervals, the log's clock `ahead` of the capture's.
    fn checked(ahead: f64, count: u16) -> bool {
        let begins = |n: u16| 100.0 + f64::from(n) * 20.0 + f64::from(u32::from(n).pow(2) * 37 % 101) * 0.1;
        let (from, to) = ("anna@example.net", "bert@example.com");
        let sessions: Vec<Session> =
            (0..count).map(|n| session(40_000 + n, begins(n), 3.4, from, to, CloseKind::Fin)).collect();
        let logged = (0..count).map(|n| connection(u64::from(n), begins(n) + ahead, 3.4, from, to)).collect();
        let log = log(logged);
        let clocks = Clocks::read(&log, &[], None);
        Rhythm::of(&log, &sessions, &clocks, &Options::default()).checked == [true]
    }

    #[test]
    fn closings_that_meet_check_a_clock_and_shifted_ones_do_not() {
        assert!(checked(0.0, 40));
        assert!(!checked(3.0, 40));
        assert!(!checked(-2.0, 40));
        assert!(!checked(70.0, 40));
    }
}
