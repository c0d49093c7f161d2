//! Whether a log's times can be trusted where nothing but times speaks for a pair.
//!
//! Times alone match anybody with his neighbour when the clocks are seconds apart. So the log's
//! closings are laid over the wire's closes of the same addresses at every shift of up to
//! [`APART`]: the clock is checked when no other shift makes nearly as many meet as none.
//!
//! And an appliance under load writes its lines seconds after the fact. Then the pair that fits to
//! the second may be a neighbour's, and the true one looks worse. That shows in closings that meet no
//! close of their address at all, unless connections are so many that a closing at any other time
//! would have met one too: how many do is counted, and only the others tell.

use std::net::IpAddr;

use ahash::AHashMap;

use crate::join::clock::{Clocks, Promptness};
use crate::join::evidence::{STAMP_SECONDS, time_cost};
use crate::join::pair::mapped;
use crate::join::{Doubt, Options};
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
/// The log lags when so many closings meet no close, and one in so many of all; a few have reasons of
/// their own (a half-close, a flow that the capture lacks).
const MIN_UNMET: usize = 2;
const UNMET_SHARE: usize = 50;
/// The time on either side of a closing in which it is counted when one would meet a close by chance.
const AROUND: Span = Span::from_seconds(60);
/// Where log and wire have as many, each of them at the time of its own, a line that was late can only be one
/// of a run of closes that are as near to each other as stamps may be off; a run no longer than this hides
/// no great lag.
const HIDING: Span = Span::from_seconds(5);
/// Where more than this share meets one by chance, at least so many must tell.
const MUCH_CHANCE: f64 = 0.5;
const MIN_TELLING: f64 = 20.0;
/// Connections with messages that can be no other tell better how late the log writes, where there are so many.
const MIN_MESSAGES: usize = 20;
/// Connections that are enough where all of them meet and none is left over.
const MIN_WHOLE: usize = 3;
/// Standard deviations of chance by which the closings must meet better than at the best other shift.
const SURE: f64 = 2.0;

/// What is known of the clocks by times alone.
#[derive(Debug, Default)]
pub(super) struct Rhythm {
    checked: Vec<bool>,
    /// For each clock, whether its lines come within a second or two of what they tell.
    prompt: Vec<bool>,
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
        this.prompt = closings
            .iter()
            .enumerate()
            .map(|(clock, all)| match clocks.promptness(clock) {
                Promptness { prompt, late } if prompt + late >= MIN_MESSAGES => {
                    late * UNMET_SHARE <= prompt + late
                }
                _ => is_prompt(all, &closes, clocks, options),
            })
            .collect();
        for (checked, closings) in this.checked.iter_mut().zip(&closings) {
            *checked = *checked || meet_best_unshifted(closings, &closes, clocks, options);
        }
        this
    }

    /// Why times may not speak for a pair. They may where its address has no other connection around
    /// it, in the log or on the wire; else the log must be prompt, and its clock checked, or shown to be
    /// right around that time by a message that can be no other.
    pub(super) fn doubt(&self, connection: &Connection, session: &Session, clocks: &Clocks) -> Option<Doubt> {
        let clock = usize::from(connection.first.clock.0);
        let is = |known: &[bool]| known.get(clock).copied().unwrap_or(false);
        let at = clocks.instant(&connection.first);
        let confirmed = at.is_some_and(|at| clocks.is_confirmed_near(connection.first.clock, at, APART));
        let doubt = match (is(&self.checked) || confirmed, is(&self.prompt)) {
            (true, true) => return None,
            (true, false) => Doubt::LogLags,
            (false, _) => Doubt::ClockUnchecked,
        };
        (!self.is_alone(connection, session, at)).then_some(doubt)
    }

    /// Whether the address has no other connection around this one.
    fn is_alone(&self, connection: &Connection, session: &Session, at: Option<Timestamp>) -> bool {
        let (Some(remote), Some(at)) = (connection.remote, at) else { return false };
        let far = if connection.leg == Leg::Injection { session.client() } else { session.server() };
        around(self.logged.get(&(connection.leg, canonical(remote))), at).len() <= 1
            && around(self.flows.get(&(connection.leg, canonical(far.ip))), at).len() <= 1
    }
}

/// Whether nearly all closings within the time of the captures meet a close of their address, and would not
/// have done so at any other time.
fn is_prompt(
    closings: &[&Connection],
    closes: &AHashMap<(Leg, IpAddr), Vec<Timestamp>>,
    clocks: &Clocks,
    options: &Options,
) -> bool {
    let first = closes.values().filter_map(|times| times.first()).min();
    let last = closes.values().filter_map(|times| times.last()).max();
    let (Some(&first), Some(&last)) = (first, last) else { return true };
    let mut covered: AHashMap<(Leg, IpAddr), Covered<'_>> =
        closes.iter().map(|(key, times)| (*key, Covered::by(times))).collect();
    for (key, mut logged) in by_address(closings, clocks) {
        logged.sort_unstable();
        if let Some(covered) = covered.get_mut(&key) {
            covered.each_met = covered.each_is_met_by(&logged);
        }
    }
    let (mut all, mut unmet, mut by_chance) = (0usize, 0usize, 0.0);
    let step = closings.len().div_ceil(MAX_CLOSINGS).max(1);
    for connection in closings.iter().step_by(step) {
        let (Some(remote), Some(logged)) =
            (connection.remote, connection.end().and_then(|stamp| clocks.instant(stamp)))
        else {
            continue;
        };
        // An address that the captures don't hold (that of a delivery, where they hold what comes in) tells
        // nothing.
        let of_address: Vec<&Covered<'_>> = std::iter::once(canonical(remote))
            .chain(mapped(options, remote))
            .filter_map(|address| covered.get(&(connection.leg, address)))
            .collect();
        if of_address.is_empty() || logged < first || logged > last {
            continue;
        }
        all += 1;
        unmet += usize::from(!of_address.iter().any(|covered| covered.meets(logged)));
        let (from, to) = (logged.minus(AROUND).max(first), logged.plus(AROUND).min(last));
        if !of_address.iter().any(|covered| covered.each_met) {
            by_chance += of_address.iter().map(|covered| covered.share(from, to)).sum::<f64>().min(1.0);
        }
    }
    let telling = all as f64 - by_chance;
    let few_lag = unmet < MIN_UNMET || (unmet * UNMET_SHARE) as f64 <= telling;
    few_lag && (by_chance <= MUCH_CHANCE * all as f64 || telling >= MIN_TELLING)
}

/// When connections close by the log, by their address.
fn by_address(closings: &[&Connection], clocks: &Clocks) -> AHashMap<(Leg, IpAddr), Vec<Timestamp>> {
    let mut all: AHashMap<(Leg, IpAddr), Vec<Timestamp>> = AHashMap::new();
    for connection in closings {
        let at = connection.end().and_then(|stamp| clocks.instant(stamp));
        if let (Some(remote), Some(at)) = (connection.remote, at) {
            all.entry((connection.leg, canonical(remote))).or_default().push(at);
        }
    }
    all
}

/// Closes of one address, and the times that a stamp may bear of one of them.
struct Covered<'a> {
    closes: &'a [Timestamp],
    /// Seconds of such times up to each close, those of the close itself left out.
    before: Vec<f64>,
    /// See [`Self::each_is_met_by`].
    each_met: bool,
}

impl<'a> Covered<'a> {
    fn by(closes: &'a [Timestamp]) -> Self {
        let mut sum = 0.0;
        let mut last = None;
        let before = closes
            .iter()
            .map(|&close| {
                let since = last.replace(close).map_or(0.0, |last| close.since(last).seconds());
                sum += since.min(STAMP_SECONDS);
                sum
            })
            .collect();
        Self { closes, before, each_met: false }
    }

    /// Whether the log has as many closings (in order), each at the time of its own close, and no run of
    /// closes in which one could hide that came late.
    fn each_is_met_by(&self, logged: &[Timestamp]) -> bool {
        let mut pairs = logged.iter().zip(self.closes);
        if logged.len() != self.closes.len() || !pairs.all(|(logged, &close)| is_of(*logged, close)) {
            return false;
        }
        let near = |one: &Timestamp, next: &Timestamp| next.since(*one).seconds() <= STAMP_SECONDS;
        let mut runs = self.closes.chunk_by(near);
        runs.all(|run| run.first().zip(run.last()).is_none_or(|(first, last)| last.since(*first) <= HIDING))
    }

    /// Whether a stamp `at` may be of one of the closes.
    fn meets(&self, at: Timestamp) -> bool {
        let from = self.closes.partition_point(|&close| close < at && !is_of(at, close));
        self.closes.get(from).is_some_and(|&close| is_of(at, close))
    }

    /// The share of the time from one moment to another in which a stamp would meet one of them.
    fn share(&self, from: Timestamp, to: Timestamp) -> f64 {
        let first = self.closes.partition_point(|&close| close < from);
        let end = self.closes.partition_point(|&close| close <= to);
        let (Some(last), true) = (end.checked_sub(1), end > first) else { return 0.0 };
        let at = |place: usize| self.before.get(place).copied().unwrap_or(0.0);
        let seconds = to.since(from).seconds().max(STAMP_SECONDS);
        ((at(last) - at(first) + STAMP_SECONDS) / seconds).min(1.0)
    }
}

/// Whether a stamp `at` may be of an event at `event`.
fn is_of(at: Timestamp, event: Timestamp) -> bool {
    time_cost(at.since(event).seconds()) == 0.0
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
    fn a_log_that_writes_some_lines_late_is_not_prompt() {
        let (from, to) = ("anna@example.net", "bert@example.com");
        let begins = |n: u16| 100.0 + f64::from(n) * 20.0;
        let sessions: Vec<Session> =
            (0..40).map(|n| session(40_000 + n, begins(n), 3.4, from, to, CloseKind::Fin)).collect();
        for (late, prompt) in [(0, true), (1, true), (2, false), (8, false)] {
            let life = |n: u16| if n.is_multiple_of(5) && n / 5 < late { 9.4 } else { 3.4 };
            let logged = (0..40).map(|n| connection(u64::from(n), begins(n), life(n), from, to)).collect();
            let log = log(logged);
            let clocks = Clocks::read(&log, &[], None);
            let rhythm = Rhythm::of(&log, &sessions, &clocks, &Options::default());
            assert_eq!(rhythm.prompt, [prompt], "{late} lines late");
        }
    }

    #[test]
    fn where_any_time_meets_a_close_a_lag_cannot_be_ruled_out() {
        let (from, to) = ("anna@example.net", "bert@example.com");
        for (apart, count, prompt) in
            [(20.0, 40, true), (0.5, 40, false), (2.2, 2_000, true), (0.5, 2_000, false)]
        {
            // Uneven, or the moved closings would all meet or all miss.
            let begins = |n: u16| 100.0 + (f64::from(n) + f64::from(u32::from(n) * 37 % 19) / 9.0) * apart;
            let sessions: Vec<Session> =
                (0..count).map(|n| session(40_000 + n, begins(n), 3.4, from, to, CloseKind::Fin)).collect();
            let logged = (0..count).map(|n| connection(u64::from(n), begins(n), 3.4, from, to)).collect();
            let log = log(logged);
            let clocks = Clocks::read(&log, &[], None);
            let rhythm = Rhythm::of(&log, &sessions, &clocks, &Options::default());
            assert_eq!(rhythm.prompt, [prompt], "{count} connections {apart} s apart");
        }
    }

    #[test]
    fn closings_that_meet_check_a_clock_and_shifted_ones_do_not() {
        assert!(checked(0.0, 40));
        assert!(!checked(3.0, 40));
        assert!(!checked(-2.0, 40));
        assert!(!checked(70.0, 40));
    }
}
