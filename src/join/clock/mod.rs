//! The log's clocks: how far each is from UTC, and from the clock of the capture.
//!
//! The offset comes from the log's head, from the user, or is fitted; the skew (what is left when
//! the offset is taken away) is always fitted. Both fits rest on unique content only: an envelope
//! that occurs once in the log and once on the wire. The log stamps `Start MID` when it accepts
//! MAIL, so the stamp is the second in which the 2xx to MAIL was sent.

mod fit;

use ahash::AHashMap;
use chrono::{Offset as _, TimeZone as _};
use schemars::JsonSchema;
use serde::Serialize;

use fit::{STAMP_CENTRE_SECONDS, skew};

use crate::join::voices;
use crate::maillog::{ClockIndex, MailLog, Stamp};
use crate::net::Leg;
use crate::smtp::Session;
use crate::time::{Span, Timestamp, UtcOffset};

/// The step of the offsets that a fit may find: every zone in use is a multiple of a quarter of an hour.
const OFFSET_STEP_SECONDS: f64 = 900.0;
/// A single pair carries a fit only when it lands this close to a quarter of an hour: by chance that
/// happens to one pair in 180.
const LONE_PAIR_TOLERANCE_SECONDS: f64 = 2.5;
/// A fitted offset needs this many times the votes of the runner-up.
const RUNNER_UP_FACTOR: usize = 3;

/// The zone of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// One offset throughout.
    Fixed(UtcOffset),
    /// An IANA zone with its daylight-saving rules.
    Named(chrono_tz::Tz),
}

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
    /// Fitted on content that occurs once in the log and once on the wire.
    Fit,
    /// Nothing.
    Unknown,
}

/// One clock as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct ClockReading {
    /// The zone; `None`: stamps of this clock have no instant.
    pub zone: Option<Zone>,
    /// What says so.
    pub origin: ClockOrigin,
    /// How far the log's clock is ahead of the capture's, in seconds.
    pub skew: Option<f64>,
    /// How fast it gains on it, in parts per million, from [`Self::drift_from`] on.
    pub drift_ppm: Option<f64>,
    /// See [`Self::drift_ppm`].
    pub drift_from: Timestamp,
    /// Pairs that the skew, or the fitted offset, rests on.
    pub pairs: usize,
    /// The offset that came second in a fit, and its votes.
    pub runner_up: Option<(UtcOffset, usize)>,
    /// How it was found, in a sentence.
    pub explanation: String,
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
        let mut pairs = unique_pairs(log, sessions);
        let readings = log
            .clocks
            .iter()
            .enumerate()
            .map(|(index, source)| {
                let pairs = pairs.remove(&index).unwrap_or_default();
                let (zone, origin) = match (source.stamp_offset, zone, source.head_offset) {
                    (Some(offset), ..) => (Some(Zone::Fixed(offset)), ClockOrigin::Stamp),
                    (None, Some(zone), _) => (Some(zone), ClockOrigin::Option),
                    (None, None, Some(head)) => (Some(Zone::Fixed(head)), ClockOrigin::Head),
                    (None, None, None) => (None, ClockOrigin::Unknown),
                };
                match zone {
                    Some(zone) => with_zone(zone, origin, &pairs),
                    None => fitted(&pairs),
                }
            })
            .collect();
        Self { readings }
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
        let utc = to_utc(reading.zone?, stamp)?;
        let ahead = reading.skew.unwrap_or(0.0)
            + reading.drift_ppm.unwrap_or(0.0) * 1e-6 * utc.since(reading.drift_from).seconds();
        Some(utc.minus(seconds(ahead)))
    }

    /// The stamp in UTC by the log's own clock, skew left in: what the appliance itself would say.
    pub fn as_logged(&self, stamp: &Stamp) -> Option<Timestamp> {
        to_utc(self.reading(stamp.clock)?.zone?, stamp)
    }

    /// The offset in force at a stamp.
    pub fn offset_at(&self, stamp: &Stamp) -> Option<UtcOffset> {
        offset_of(self.reading(stamp.clock)?.zone?, stamp)
    }
}

fn seconds(value: f64) -> Span {
    Span::from_nanos((value * 1e9) as i64)
}

fn to_utc(zone: Zone, stamp: &Stamp) -> Option<Timestamp> {
    stamp.time.at(offset_of(zone, stamp)?)
}

/// In the hour that daylight saving repeats, the first pass is taken; in the one it skips, the
/// offset before the change.
fn offset_of(zone: Zone, stamp: &Stamp) -> Option<UtcOffset> {
    match zone {
        Zone::Fixed(offset) => Some(offset),
        Zone::Named(zone) => {
            let local = chrono::DateTime::from_timestamp(stamp.time.wall_seconds(), 0)?.naive_utc();
            let found = zone.offset_from_local_datetime(&local).earliest().or_else(|| {
                zone.offset_from_local_datetime(&(local - chrono::Duration::hours(1))).earliest()
            })?;
            UtcOffset::from_seconds(found.fix().local_minus_utc())
        }
    }
}

/// A stamp and the moment on the wire that it must have been written at.
#[derive(Debug, Clone, Copy)]
struct Pair {
    stamp: Stamp,
    wire: Timestamp,
}

/// Pairs of unique content, by clock: the envelope (sender and recipients, case ignored) occurs once
/// among the log's messages and once among the wire's accepted transactions.
fn unique_pairs(log: &MailLog, sessions: &[Session]) -> AHashMap<usize, Vec<Pair>> {
    let mut wire: AHashMap<Vec<u8>, Option<Timestamp>> = AHashMap::new();
    for session in sessions {
        for transaction in session.dialog.transactions.iter().filter(|transaction| transaction.accepted()) {
            let Some((_, replied)) = transaction.mail_reply else { continue };
            let recipients = transaction
                .recipients
                .iter()
                .filter(|recipient| recipient.reply.is_some_and(|(code, _)| code.is_positive()))
                .map(|recipient| recipient.address.as_bytes());
            let key = envelope_key(transaction.mail_from.as_bytes(), recipients);
            wire.entry(key).and_modify(|seen| *seen = None).or_insert(Some(replied.time));
        }
    }
    let mut logged: AHashMap<Vec<u8>, Option<Stamp>> = AHashMap::new();
    for connection in log.connections.iter().filter(|connection| connection.leg == Leg::Injection) {
        for message in &connection.messages {
            let (Some((from, at)), false) = (&message.mail_from, message.rcpt_to.is_empty()) else {
                continue;
            };
            let recipients = message.rcpt_to.iter().map(|(address, _)| address.as_bytes());
            let key = envelope_key(from.as_bytes(), recipients);
            let stamp = message.started.unwrap_or(*at);
            logged.entry(key).and_modify(|seen| *seen = None).or_insert(Some(stamp));
        }
    }
    let mut pairs: AHashMap<usize, Vec<Pair>> = AHashMap::new();
    for (key, stamp) in logged {
        if let (Some(stamp), Some(Some(wire))) = (stamp, wire.get(&key).copied()) {
            pairs.entry(usize::from(stamp.clock.0)).or_default().push(Pair { stamp, wire });
        }
    }
    for (stamp, wire) in voices::unique_pairs(log, sessions) {
        pairs.entry(usize::from(stamp.clock.0)).or_default().push(Pair { stamp, wire });
    }
    for pairs in pairs.values_mut() {
        pairs.sort_by_key(|pair| (pair.wire, pair.stamp.line));
    }
    pairs
}

fn envelope_key<'a>(from: &[u8], recipients: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut key = from.to_ascii_lowercase();
    for recipient in recipients {
        key.push(0);
        key.extend(recipient.iter().map(u8::to_ascii_lowercase));
    }
    key
}

/// The offset is known: only the skew is fitted.
fn with_zone(zone: Zone, origin: ClockOrigin, pairs: &[Pair]) -> ClockReading {
    let residuals: Vec<(Timestamp, f64)> = pairs
        .iter()
        .filter_map(|pair| Some((pair.wire, to_utc(zone, &pair.stamp)?.since(pair.wire).seconds())))
        .collect();
    let fit = skew(&residuals);
    let named = match zone {
        Zone::Fixed(offset) => format!("UTC{offset}"),
        Zone::Named(zone) => zone.name().to_owned(),
    };
    let said_by = match origin {
        ClockOrigin::Stamp => "the stamps themselves",
        ClockOrigin::Head => "the head of the log",
        ClockOrigin::Option => "--utc-offset",
        ClockOrigin::Fit | ClockOrigin::Unknown => "the fit",
    };
    let explanation = match &fit {
        Some(fit) => format!(
            "{named} by {said_by}; {} envelopes that occur once in the log and once on the wire put it \
             {:+.1} s from the capture's clock",
            fit.pairs, fit.skew
        ),
        None => format!("{named} by {said_by}; too little unique content to check it against the capture"),
    };
    ClockReading {
        zone: Some(zone),
        origin,
        skew: fit.as_ref().map(|fit| fit.skew),
        drift_ppm: fit.as_ref().and_then(|fit| fit.drift_ppm),
        drift_from: fit.as_ref().map_or(Timestamp::default(), |fit| fit.from),
        pairs: fit.map_or(0, |fit| fit.pairs),
        runner_up: None,
        explanation,
    }
}

/// No offset is known: the pairs vote, each for the quarter of an hour nearest to its difference.
fn fitted(pairs: &[Pair]) -> ClockReading {
    let mut votes: Vec<(i32, usize)> = Vec::new();
    let mut lone_distance = f64::INFINITY;
    for pair in pairs {
        let Some(as_utc) = pair.stamp.time.at(UtcOffset::default()) else { continue };
        let difference = as_utc.since(pair.wire).seconds() + STAMP_CENTRE_SECONDS;
        let steps = (difference / OFFSET_STEP_SECONDS).round();
        let offset = (steps * OFFSET_STEP_SECONDS) as i32;
        lone_distance = (difference - steps * OFFSET_STEP_SECONDS).abs();
        if UtcOffset::from_seconds(offset).is_none() {
            continue;
        }
        match votes.iter_mut().find(|(voted, _)| *voted == offset) {
            Some((_, count)) => *count += 1,
            None => votes.push((offset, 1)),
        }
    }
    votes.sort_by_key(|&(offset, count)| (std::cmp::Reverse(count), offset.abs(), offset));
    let mut ranked =
        votes.into_iter().filter_map(|(offset, count)| Some((UtcOffset::from_seconds(offset)?, count)));
    let (winner, runner_up) = (ranked.next(), ranked.next());
    let refused = |explanation: String| ClockReading {
        zone: None,
        origin: ClockOrigin::Unknown,
        skew: None,
        drift_ppm: None,
        drift_from: Timestamp::default(),
        pairs: 0,
        runner_up,
        explanation,
    };
    let Some((offset, count)) = winner else {
        return refused(
            "no head line tells the offset from UTC, and no envelope occurs once in the log and once on \
             the wire to fit it on; --utc-offset would tell it"
                .to_owned(),
        );
    };
    let second = runner_up.map_or(0, |(_, votes)| votes);
    if count < second * RUNNER_UP_FACTOR || (count == 1 && lone_distance > LONE_PAIR_TOLERANCE_SECONDS) {
        let rival = runner_up.map_or(String::new(), |(offset, votes)| format!(", {votes} for UTC{offset}"));
        return refused(format!(
            "no head line tells the offset from UTC, and the fit is too close to call: {count} for \
             UTC{offset}{rival}; --utc-offset would tell it"
        ));
    }
    let reading = with_zone(Zone::Fixed(offset), ClockOrigin::Fit, pairs);
    let rival = runner_up.map_or("none for any other".to_owned(), |(offset, votes)| {
        format!("{votes} for UTC{offset}, the runner-up")
    });
    ClockReading {
        pairs: count,
        runner_up,
        explanation: format!(
            "UTC{offset} fitted: {count} envelope{} that occur{} once in the log and once on the wire \
             vote for it, {rival}",
            if count == 1 { "" } else { "s" },
            if count == 1 { "s" } else { "" },
        ),
        ..reading
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cite::{LogId, LogRef};
    use crate::time::LogTime;

    fn pair(wall: i64, wire: f64) -> Pair {
        let time = chrono::DateTime::from_timestamp(wall, 0).unwrap().naive_utc();
        use chrono::{Datelike as _, Timelike as _};
        let time = LogTime::new(
            Some(time.year()),
            time.month(),
            time.day(),
            time.hour(),
            time.minute(),
            time.second(),
        );
        Pair {
            stamp: Stamp {
                time: time.unwrap(),
                clock: ClockIndex(0),
                line: LogRef { file: LogId(0), line: 1 },
            },
            wire: Timestamp::from_nanos((wire * 1e9) as i64),
        }
    }

    fn plus_hours(hours: f64, skew: f64, wires: &[f64]) -> Vec<Pair> {
        wires.iter().map(|&wire| pair((wire + hours * 3600.0 + skew).floor() as i64, wire)).collect()
    }

    #[test]
    fn an_offset_and_a_skew_of_minutes_are_fitted_together() {
        let reading = fitted(&plus_hours(5.5, 130.2, &[1e9, 1e9 + 100.3, 1e9 + 777.7]));
        assert_eq!(reading.zone, Some(Zone::Fixed(UtcOffset::from_seconds(19_800).unwrap())));
        assert!((reading.skew.unwrap() - 130.2).abs() < 0.6, "{reading:?}");
    }

    #[test]
    fn one_pair_carries_a_fit_only_when_it_lands_exactly() {
        assert!(fitted(&plus_hours(2.0, 0.3, &[1e9])).zone.is_some());
        let refused = fitted(&plus_hours(2.0, 61.0, &[1e9]));
        assert_eq!(refused.zone, None);
        assert!(refused.explanation.contains("too close to call"));
    }

    #[test]
    fn a_close_call_is_refused_and_names_the_runner_up() {
        let mut pairs = plus_hours(2.0, 0.0, &[1e9, 1e9 + 5.0, 1e9 + 9.0, 1e9 + 12.0]);
        pairs.extend(plus_hours(1.0, 0.0, &[1e9 + 100.0, 1e9 + 200.0]));
        let reading = fitted(&pairs);
        assert_eq!(reading.zone, None);
        assert_eq!(reading.runner_up.map(|(offset, votes)| (offset.seconds(), votes)), Some((3600, 2)));
    }

    #[test]
    fn a_drift_is_seen_over_hours() {
        let wires: Vec<f64> = (0..200).map(|n| 1e9 + f64::from(n) * 180.0).collect();
        let pairs: Vec<Pair> = wires
            .iter()
            .map(|&wire| pair((wire + 3.0 + (wire - 1e9) * 200e-6).floor() as i64, wire))
            .collect();
        let reading = with_zone(Zone::Fixed(UtcOffset::default()), ClockOrigin::Head, &pairs);
        assert!((reading.drift_ppm.unwrap() - 200.0).abs() < 20.0, "{reading:?}");
        let clocks = Clocks { readings: vec![reading] };
        let last = pairs.last().unwrap();
        let off = clocks.instant(&last.stamp).unwrap().since(last.wire).seconds();
        assert!((-1.2..0.2).contains(&off), "{off}");
    }

    #[test]
    fn pairs_that_disagree_tell_no_skew() {
        let pairs =
            [pair(1_000_000_000, 1e9), pair(1_000_000_400, 1e9 + 10.0), pair(1_000_000_900, 1e9 + 20.0)];
        let reading = with_zone(Zone::Fixed(UtcOffset::default()), ClockOrigin::Head, &pairs);
        assert_eq!(reading.skew, None);
    }

    #[test]
    fn a_named_zone_knows_its_summer() {
        let zone = Zone::Named(chrono_tz::Europe::Vienna);
        let summer = Stamp { time: LogTime::new(Some(2014), 8, 14, 13, 0, 0).unwrap(), ..pair(0, 0.0).stamp };
        let winter =
            Stamp { time: LogTime::new(Some(2014), 12, 14, 13, 0, 0).unwrap(), ..pair(0, 0.0).stamp };
        assert_eq!(offset_of(zone, &summer).unwrap().seconds(), 7200);
        assert_eq!(offset_of(zone, &winter).unwrap().seconds(), 3600);
    }
}
