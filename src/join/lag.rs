//! How late a log writes, where nothing but times speaks for a pair.
//!
//! An appliance under load writes its lines seconds after the fact. Then the pair that fits to the
//! second may be a neighbour's, and the true one looks worse. That shows in connections that content
//! alone has found, and in closings that meet no close of their address at all, unless connections are
//! so many that a closing at any other time would have met one too: how many do is counted, and only
//! the others tell.

use std::net::IpAddr;

use ahash::AHashMap;

use crate::join::Options;
use crate::join::clock::{Clocks, Promptness};
use crate::join::evidence::{STAMP_EARLY_SECONDS, STAMP_SECONDS, time_cost};
use crate::join::pair::mapped;
use crate::maillog::Connection;
use crate::net::{Leg, canonical};
use crate::time::{Span, Timestamp};

/// The log lags when so many lines are late, and one in so many of all; a few have reasons of their own
/// (a half-close, a flow that the capture lacks).
const MIN_LATE: usize = 2;
const LATE_SHARE: usize = 50;
/// It does not when no more than one in so many is, two more than were seen allowed for: who sees none among
/// ten knows little.
const NO_SHARE: usize = 200;
const UNSEEN: usize = 2;
/// Closings of one clock that are laid over the wire.
const MAX_CLOSINGS: usize = 4096;
/// The time on either side of a closing in which it is counted when one would meet a close by chance.
const AROUND: Span = Span::from_seconds(60);
/// Where log and wire have as many, each of them at the time of its own, a line that was late can only be one
/// of a run of closes that are as near to each other as stamps may be off; a run no longer than this hides
/// no great lag.
const HIDING: Span = Span::from_seconds(5);
/// Where more than this share meets one by chance, at least so many must tell.
const MUCH_CHANCE: f64 = 0.5;
const MIN_TELLING: f64 = 20.0;
/// Where no more than this share does, each of them tells.
const LITTLE_CHANCE: f64 = 0.1;
/// Connections with messages that can be no other tell better how late the log writes, where there are so many.
const MIN_MESSAGES: usize = 20;
/// How late a log's lines may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Lag {
    /// They come within a second or two of what they tell.
    None,
    /// All or nearly all that can be told do; others may not.
    Rare,
    /// Many do not, or nothing tells.
    #[default]
    Common,
}

impl Lag {
    /// Of a clock, by connections that content has found, or, where those are few, by all `closings` of it.
    pub(super) fn of(
        found: Promptness,
        closings: &[&Connection],
        closes: &AHashMap<(Leg, IpAddr), Vec<Timestamp>>,
        clocks: &Clocks,
        options: &Options,
    ) -> Self {
        let all = found.prompt + found.late;
        if all >= MIN_MESSAGES {
            return Self::by(found.late, all as f64, false);
        }
        by_closings(closings, closes, clocks, options)
    }

    /// Of lines of which so many were `late`, where so many would show it; `each`: none is left that could
    /// have been late and not shown it.
    fn by(late: usize, telling: f64, each: bool) -> Self {
        if late >= MIN_LATE && (late * LATE_SHARE) as f64 > telling {
            Self::Common
        } else if late == 0 && each || ((late + UNSEEN) * NO_SHARE) as f64 <= telling {
            Self::None
        } else {
            Self::Rare
        }
    }
}

/// By whether closings within the time of the captures meet a close of their address, and would not have done
/// so at any other time.
fn by_closings(
    closings: &[&Connection],
    closes: &AHashMap<(Leg, IpAddr), Vec<Timestamp>>,
    clocks: &Clocks,
    options: &Options,
) -> Lag {
    let first = closes.values().filter_map(|times| times.first()).min();
    let last = closes.values().filter_map(|times| times.last()).max();
    let (Some(&first), Some(&last)) = (first, last) else { return Lag::None };
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
    if by_chance > MUCH_CHANCE * all as f64 && telling < MIN_TELLING {
        return Lag::Common;
    }
    Lag::by(unmet, telling, by_chance <= LITTLE_CHANCE * all as f64)
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
        // A late line leaves its place to the next one, whose stamp must then fit the close before its own.
        let near = |one: &Timestamp, next: &Timestamp| next.since(*one).seconds() <= STAMP_EARLY_SECONDS;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::CloseKind;
    use crate::join::rhythm::Rhythm;
    use crate::join::testing::{connection, log, session};
    use crate::smtp::Session;

    /// Connections that begin at `begins` and live for 3.4 s, by the log for `logged` seconds.
    fn lag(count: u16, begins: impl Fn(u16) -> f64, logged: impl Fn(u16) -> f64) -> Lag {
        let (from, to) = ("anna@example.net", "bert@example.com");
        let sessions: Vec<Session> =
            (0..count).map(|n| session(40_000 + n, begins(n), 3.4, from, to, CloseKind::Fin)).collect();
        let all = (0..count).map(|n| connection(u64::from(n), begins(n), logged(n), from, to)).collect();
        let log = log(all);
        let clocks = Clocks::read(&log, &[], None);
        *Rhythm::of(&log, &sessions, &clocks, &Options::default()).lags().first().unwrap()
    }

    #[test]
    fn lines_that_meet_nothing_are_late() {
        for (late, expected) in [(0, Lag::None), (1, Lag::Rare), (2, Lag::Common), (8, Lag::Common)] {
            let life = |n: u16| if n.is_multiple_of(5) && n / 5 < late { 9.4 } else { 3.4 };
            assert_eq!(lag(40, |n| 100.0 + f64::from(n) * 40.0, life), expected, "{late} lines late");
        }
    }

    #[test]
    fn where_any_time_meets_a_close_a_lag_cannot_be_ruled_out() {
        // Uneven, as they are.
        let begins = |apart: f64| {
            move |n: u16| 100.0 + (f64::from(n) + f64::from(u32::from(n) * 37 % 19) / 9.0) * apart
        };
        for (apart, count, expected) in [
            (40.0, 40, Lag::None),
            (0.5, 40, Lag::Common),
            (2.2, 2_000, Lag::Rare),
            (0.5, 2_000, Lag::Common),
        ] {
            assert_eq!(lag(count, begins(apart), |_| 3.4), expected, "{count} connections {apart} s apart");
        }
        // So few, and each of them at its own time.
        assert_eq!(lag(4, begins(0.5), |_| 3.4), Lag::None);
    }

    #[test]
    fn who_sees_no_late_line_among_few_knows_little() {
        assert_eq!(Lag::by(0, 30.0, false), Lag::Rare);
        assert_eq!(Lag::by(0, 400.0, false), Lag::None);
        assert_eq!(Lag::by(3, 400.0, false), Lag::Rare);
        assert_eq!(Lag::by(3, 1_000.0, true), Lag::None);
        assert_eq!(Lag::by(9, 400.0, false), Lag::Common);
    }
}
