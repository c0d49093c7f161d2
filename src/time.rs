//! Time as the two witnesses know it: exact UTC on the wire, a zone-less wall clock in the log.
//!
//! [`Timestamp`] is an instant (UTC, nanoseconds). [`LogTime`] is what a C `ctime()` stamp says: a
//! date and a time of day without a zone, to the second, perhaps without a year. The two never mix
//! until a [`UtcOffset`] joins them.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// The leap year that stands in for an unknown one, so that 29 February stays representable.
const YEAR_WHEN_UNKNOWN: i32 = 2000;
/// 2000-01-01 in seconds since the epoch, and the seconds of a leap year: stamps without a year are
/// counted in a calendar whose every year has 29 February, whichever turn of the year they are after.
const FIRST_WHEN_UNKNOWN: i64 = 946_684_800;
const LEAP_YEAR_SECONDS: i64 = 366 * 86_400;

/// An instant in UTC, in nanoseconds since the Unix epoch (years 1678 to 2262).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant `nanos` nanoseconds after the epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The instant `seconds` and `nanos` after the epoch; saturates at the ends of the range.
    pub const fn from_parts(seconds: i64, nanos: u32) -> Self {
        Self(seconds.saturating_mul(NANOS_PER_SECOND).saturating_add(nanos as i64))
    }

    /// Nanoseconds since the epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(NANOS_PER_SECOND)
    }

    /// How much later `self` is than `earlier`; negative when it is not.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// This instant moved by `span`, saturating.
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// This instant moved back by `span`, saturating.
    pub const fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// Parses RFC 3339 (`2014-08-14T13:08:49Z`, with fraction and offset).
    ///
    /// ```
    /// use mailwitness::time::Timestamp;
    /// let time = Timestamp::parse_rfc3339("2014-08-14T15:08:49.25+02:00").unwrap();
    /// assert_eq!(time.to_string(), "2014-08-14T13:08:49.250000Z");
    /// ```
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let parsed = DateTime::parse_from_rfc3339(text).ok()?;
        parsed.timestamp_nanos_opt().map(Self)
    }

    /// Time of day in UTC as `HH:MM:SS.mmm`, for narrow tables.
    pub fn clock_face(self) -> String {
        let time = self.to_chrono();
        format!(
            "{:02}:{:02}:{:02}.{:03}",
            time.hour(),
            time.minute(),
            time.second(),
            time.nanosecond() / 1_000_000
        )
    }

    fn to_chrono(self) -> DateTime<chrono::Utc> {
        DateTime::from_timestamp_nanos(self.0)
    }
}

/// RFC 3339 in UTC with six digits of fraction, nine where the nanoseconds are known.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.to_chrono();
        if self.0.rem_euclid(1000) == 0 {
            write!(f, "{}", time.format("%Y-%m-%dT%H:%M:%S%.6fZ"))
        } else {
            write!(f, "{}", time.format("%Y-%m-%dT%H:%M:%S%.9fZ"))
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "RFC 3339, UTC, with a fraction of a second"
        })
    }
}

/// A signed length of time in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of `nanos` nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A span of `millis` milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// A span of whole seconds.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(NANOS_PER_SECOND))
    }

    /// Nanoseconds.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Seconds with fraction.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND as f64
    }

    /// The length without its sign.
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }
}

/// For people: `0.250 s`, `61 s`, `5 min 0 s`, `2 h 3 min`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let seconds = self.abs().seconds();
        let whole = seconds.round() as i64;
        match whole {
            0..10 => write!(f, "{sign}{seconds:.3} s"),
            10..120 => write!(f, "{sign}{whole} s"),
            120..7200 => write!(f, "{sign}{} min {} s", whole / 60, whole % 60),
            7200..172_800 => write!(f, "{sign}{} h {} min", whole / 3600, whole / 60 % 60),
            _ => write!(f, "{sign}{} days {} h", whole / 86_400, whole / 3600 % 24),
        }
    }
}

/// Serialised as seconds.
impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.seconds())
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Seconds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "description": "seconds" })
    }
}

/// What must be added to UTC to get a log's local time: local = UTC + offset.
///
/// The sign is that of the log's head line `Time offset from UTC: -21600 seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct UtcOffset(i32);

impl UtcOffset {
    /// The widest offset that is taken for real; zones in use span -12 h to +14 h.
    pub const MAX_SECONDS: i32 = 15 * 3600;

    /// An offset in seconds; `None` beyond [`Self::MAX_SECONDS`] either way.
    pub const fn from_seconds(seconds: i32) -> Option<Self> {
        if seconds >= -Self::MAX_SECONDS && seconds <= Self::MAX_SECONDS { Some(Self(seconds)) } else { None }
    }

    /// The offset in seconds.
    pub const fn seconds(self) -> i32 {
        self.0
    }
}

/// `+0200`, `-0600`, `+0530`; seconds are appended where there are any.
impl fmt::Display for UtcOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { '-' } else { '+' };
        let seconds = self.0.abs();
        write!(f, "{sign}{:02}{:02}", seconds / 3600, seconds / 60 % 60)?;
        match seconds % 60 {
            0 => Ok(()),
            rest => write!(f, "{rest:02}"),
        }
    }
}

/// A wall-clock time as a log prints it: no zone, whole seconds, perhaps no year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogTime {
    /// Seconds since the epoch as if the wall clock were UTC.
    seconds: i64,
    year_known: bool,
}

impl LogTime {
    /// 1970-01-01 00:00:00.
    pub const EPOCH: Self = Self { seconds: 0, year_known: true };

    /// A wall-clock time; `None` when no calendar has it.
    ///
    /// ```
    /// use mailwitness::time::LogTime;
    /// assert!(LogTime::new(Some(2014), 8, 14, 13, 8, 49).is_some());
    /// assert!(LogTime::new(Some(2014), 2, 30, 0, 0, 0).is_none());
    /// ```
    pub fn new(year: Option<i32>, month: u32, day: u32, hour: u32, minute: u32, second: u32) -> Option<Self> {
        // A leap second (60) is folded into the second before it, as the appliance's clock would.
        let naive = NaiveDate::from_ymd_opt(year.unwrap_or(YEAR_WHEN_UNKNOWN), month, day)?.and_hms_opt(
            hour,
            minute,
            second.min(59),
        )?;
        Some(Self { seconds: naive.and_utc().timestamp(), year_known: year.is_some() })
    }

    /// The wall clock `seconds` after the epoch, as if it were UTC; `None` beyond the calendar.
    pub fn from_wall_seconds(seconds: i64) -> Option<Self> {
        DateTime::from_timestamp(seconds, 0).map(|_| Self { seconds, year_known: true })
    }

    /// Whether the stamp told its year.
    pub const fn year_known(self) -> bool {
        self.year_known
    }

    /// Its year; `None` where the stamp told none.
    pub fn year(self) -> Option<i32> {
        self.to_chrono().filter(|_| self.year_known).map(|naive| naive.year())
    }

    /// Whether it is of 29 February.
    pub fn is_leap_day(self) -> bool {
        self.to_chrono().is_some_and(|naive| (naive.month(), naive.day()) == (2, 29))
    }

    /// Turns of the year before it in its log, where it has no year ([`Self::turned`]); else 0.
    pub const fn turns(self) -> i64 {
        if self.year_known {
            0
        } else {
            self.seconds.saturating_sub(FIRST_WHEN_UNKNOWN).div_euclid(LEAP_YEAR_SECONDS)
        }
    }

    /// The same wall-clock time in `year`; `None` for 29 February of a common year. Of a stamp that
    /// [`Self::turned`] moved on, `year` is that of the stamps before the first turn.
    pub fn with_year(self, year: i32) -> Option<Self> {
        let naive = self.to_chrono()?;
        let year = year.checked_add(i32::try_from(self.turns()).ok()?)?;
        let (month, day) = (naive.month(), naive.day());
        Self::new(Some(year), month, day, naive.hour(), naive.minute(), naive.second())
    }

    /// A stamp without a year, so many turns of the year after the first of its log: it still has no
    /// year, but it stands after those before the turn. `None` where the year is known.
    pub fn turned(self, turns: u16) -> Option<Self> {
        let in_year = self.seconds.saturating_sub(FIRST_WHEN_UNKNOWN).rem_euclid(LEAP_YEAR_SECONDS);
        let seconds = FIRST_WHEN_UNKNOWN + i64::from(turns) * LEAP_YEAR_SECONDS + in_year;
        (!self.year_known).then_some(Self { seconds, year_known: false })
    }

    /// Seconds since the epoch as if the wall clock were UTC: differences between stamps of one
    /// clock are differences of these. Without a year every year counts as a leap year.
    pub const fn wall_seconds(self) -> i64 {
        self.seconds
    }

    /// The instant at which a clock `offset` away from UTC began to show this second; `None`
    /// while the year is unknown.
    pub fn at(self, offset: UtcOffset) -> Option<Timestamp> {
        self.year_known.then(|| Timestamp::from_parts(self.seconds - i64::from(offset.seconds()), 0))
    }

    fn to_chrono(self) -> Option<NaiveDateTime> {
        let turned = if self.year_known { 0 } else { self.turns().saturating_mul(LEAP_YEAR_SECONDS) };
        DateTime::from_timestamp(self.seconds.saturating_sub(turned), 0).map(|time| time.naive_utc())
    }
}

/// `2014-08-14T13:08:49`, without a zone; `--08-14T13:08:49` without a year.
impl fmt::Display for LogTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(naive) = self.to_chrono() else { return f.write_str("?") };
        if self.year_known {
            write!(f, "{}", naive.format("%Y-%m-%dT%H:%M:%S"))
        } else {
            write!(f, "{}", naive.format("--%m-%dT%H:%M:%S"))
        }
    }
}

impl Serialize for LogTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for LogTime {
    fn schema_name() -> Cow<'static, str> {
        "LogTime".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "the log's own wall clock, ISO 8601 without zone; no UTC offset is known for it"
        })
    }
}

#[cfg(test)]
mod tests;
