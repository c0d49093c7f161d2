//! Whether a log's times can be trusted where nothing but times speaks for a pair.
//!
//! Times alone match anybody with his neighbour when the clocks are seconds apart. So the log's
//! closings are laid over the wire's closes of the same addresses at every shift of up to
//! [`APART`]: the clock is checked when no other shift makes nearly as many meet as none.

use std::net::IpAddr;

use ahash::AHashMap;

use crate::join::clock::Clocks;
use crate::join::lag::Lag;
use crate::join::pair::{ONE_LATE_LINE, mapped};
use crate::join::{Doubt, MIN_MARGIN, Options};
use crate::maillog::{Connection, MailLog};
use crate::net::{Leg, canonical};
use crate::smtp::Session;
use crate::time::{Span, Timestamp};

/// How far apart clocks may be that nobody has checked.
const APART: Span = Span::from_seconds(600);
/// The margin from which on a pair counts as found for which only times and sizes speak: odds of four hundred
/// to one. There are thousands of such pairs, and each has neighbours.
const TIMES_MARGIN: f64 = 6.0;
/// How late a line may be that nothing shows to be prompt.
const LATEST: Span = Span::from_seconds(120);
/// Bins of one second on each side of no shift.
const BINS: usize = 600;
/// Closings of one clock that are laid over the wire, and closes around each.
const MAX_CLOSINGS: usize = 4096;
const MAX_CLOSES: usize = 8192;
/// Connections that are enough where all of them meet and none is left over.
const MIN_WHOLE: usize = 3;
/// Standard deviations of chance by which the closings must meet better than at the best other shift.
const SURE: f64 = 2.0;

/// What is known of the clocks by times alone.
#[derive(Debug, Default)]
pub(super) struct Rhythm {
    checked: Vec<bool>,
    /// For each clock, how late its lines may be.
    lags: Vec<Lag>,
    /// When flows begin, by leg and far address.
    flows: AHashMap<(Leg, IpAddr), Vec<Timestamp>>,
    /// When the log's connections begin.
    logged: AHashMap<(Leg, IpAddr), Vec<Timestamp>>,
}

impl Rhythm {
    /// Checks every clock that no unique content has checked.
    pub(super) fn of(log: &MailLog, sessions: &[Session], clocks: &Clocks, options: &Options) -> Self {
        let mut this = Self {
            checked: clocks
                .readings()
                .iter()
                .map(|reading| reading.segments.iter().all(|segment| segment.skew.is_some()))
                .collect(),
            ..Self::default()
        };
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
        let mut closings: Vec<Vec<&Connection>> = vec![Vec::new(); this.checked.len()];
        for connection in &log.connections {
            let of_clock = connection.end().and_then(|at| closings.get_mut(usize::from(at.clock.0)));
            if let Some(of_clock) = of_clock {
                of_clock.push(connection);
            }
        }
        this.lags = (0..)
            .zip(&closings)
            .map(|(clock, all)| Lag::of(clocks.promptness(clock), all, &closes, clocks, options))
            .collect();
        for (checked, closings) in this.checked.iter_mut().zip(&closings) {
            *checked = *checked || meet_best_unshifted(closings, &closes, clocks, options);
        }
        this
    }

    /// Why times may not speak for a pair that is ahead by `margin`. They may where its address has no other
    /// connection around it, in the log or on the wire; else the log must be prompt, or the pair so far ahead
    /// that one late line would not turn it, and its clock must be checked, or shown to be right around that
    /// time by a message that can be no other.
    pub(super) fn doubt(
        &self,
        connection: &Connection,
        session: &Session,
        clocks: &Clocks,
        margin: f64,
    ) -> Option<Doubt> {
        let clock = usize::from(connection.first.clock.0);
        let checked = self.checked.get(clock).copied().unwrap_or(false);
        let at = clocks.instant(&connection.first);
        let confirmed = at.is_some_and(|at| clocks.is_confirmed_near(connection.first.clock, at, APART));
        let doubt = match self.lags.get(clock).copied().unwrap_or_default() {
            _ if !(checked || confirmed) => Doubt::ClockUnchecked,
            Lag::None | Lag::Rare if margin < TIMES_MARGIN => Doubt::OthersFitNearlyAsWell,
            Lag::None => return None,
            Lag::Rare if margin >= MIN_MARGIN + ONE_LATE_LINE => return None,
            Lag::Rare | Lag::Common => Doubt::LogLags,
        };
        let apart = if doubt == Doubt::ClockUnchecked { APART } else { LATEST };
        (!self.is_alone(connection, session, at, apart)).then_some(doubt)
    }

    #[cfg(test)]
    pub(super) fn lags(&self) -> &[Lag] {
        &self.lags
    }

    /// Whether the address has no other connection that begins within `apart` of this one.
    fn is_alone(
        &self,
        connection: &Connection,
        session: &Session,
        at: Option<Timestamp>,
        apart: Span,
    ) -> bool {
        let (Some(remote), Some(at)) = (connection.remote, at) else { return false };
        let around = |times| around(times, at, apart);
        let far = if connection.leg == Leg::Injection { session.client() } else { session.server() };
        around(self.logged.get(&(connection.leg, canonical(remote)))).len() <= 1
            && around(self.flows.get(&(connection.leg, canonical(far.ip)))).len() <= 1
    }
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
            (connection.remote, connection.end().and_then(|stamp| clocks.instant(stamp)))
        else {
            continue;
        };
        for address in std::iter::once(canonical(remote)).chain(mapped(options, remote)) {
            for &close in
                around(closes.get(&(connection.leg, address)), logged, APART).iter().take(MAX_CLOSES)
            {
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
    if at_zero >= 1.0 && at_zero > most + SURE * most.sqrt() {
        return true;
    }
    // A few retries at even intervals meet nearly as well one interval off. But then one would be left over
    // on either side, and nothing is: as many closings as closes, and each meets its own.
    let of_log = closings.len();
    let of_wire: usize = addresses_of(closings, options)
        .into_iter()
        .map(|key| closes.get(&key).map_or(0, Vec::len))
        .fold(0, usize::saturating_add);
    of_log >= MIN_WHOLE && of_log == of_wire && at_zero >= of_log as f64 && most < at_zero
}

/// The addresses, each once, whose closes some closings may meet.
fn addresses_of(closings: &[&Connection], options: &Options) -> Vec<(Leg, IpAddr)> {
    let mut all: Vec<(Leg, IpAddr)> = closings
        .iter()
        .filter_map(|connection| Some((connection.leg, connection.remote?)))
        .flat_map(|(leg, remote)| {
            std::iter::once(canonical(remote)).chain(mapped(options, remote)).map(move |ip| (leg, ip))
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn far(session: &Session) -> [(Leg, IpAddr); 2] {
    [(Leg::Injection, canonical(session.client().ip)), (Leg::Delivery, canonical(session.server().ip))]
}

fn around(times: Option<&Vec<Timestamp>>, at: Timestamp, apart: Span) -> &[Timestamp] {
    let times = times.map(Vec::as_slice).unwrap_or_default();
    let from = times.partition_point(|&time| time < at.minus(apart));
    let rest = times.get(from..).unwrap_or_default();
    rest.get(..rest.partition_point(|&time| time <= at.plus(apart))).unwrap_or_default()
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
