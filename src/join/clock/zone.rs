//! Zones: the offset at a wall-clock time, and what the rules of daylight saving allow.

use chrono::{DateTime, NaiveDateTime, Offset as _, TimeZone as _};
use chrono_tz::{TZ_VARIANTS, Tz};

use crate::time::{LogTime, UtcOffset};

/// Rules change at most every few weeks (Ramadan in Morocco); looked for at this distance.
const LOOK_EVERY_SECONDS: i64 = 7 * 86_400;
/// Changes of one zone that are told apart.
const MAX_CHANGES: usize = 32;
/// How far daylight saving moves a clock: an hour; half an hour on Lord Howe Island.
pub(super) const SAVINGS: [i32; 4] = [3600, -3600, 1800, -1800];

/// The zone of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// One offset throughout.
    Fixed(UtcOffset),
    /// An IANA zone with its daylight-saving rules.
    Named(Tz),
}

/// The offset at a wall-clock time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Local {
    /// There is one.
    Once(UtcOffset),
    /// The hour is repeated: the offset at the first pass and at the second.
    Twice(UtcOffset, UtcOffset),
    /// No calendar has it.
    Never,
}

impl Local {
    /// The offset, at the first pass where there are two.
    pub(super) const fn first(self) -> Option<UtcOffset> {
        match self {
            Self::Once(offset) | Self::Twice(offset, _) => Some(offset),
            Self::Never => None,
        }
    }
}

impl Zone {
    /// The offset at a wall-clock time. In an hour that is skipped it is that before the change.
    pub(super) fn local(self, wall: LogTime) -> Local {
        let zone = match self {
            Self::Fixed(offset) => return Local::Once(offset),
            Self::Named(zone) => zone,
        };
        let Some(naive) = naive(wall.wall_seconds()) else { return Local::Never };
        let seconds = |offset: <Tz as chrono::TimeZone>::Offset| {
            UtcOffset::from_seconds(offset.fix().local_minus_utc())
        };
        match zone.offset_from_local_datetime(&naive) {
            chrono::MappedLocalTime::Single(offset) => seconds(offset).map_or(Local::Never, Local::Once),
            chrono::MappedLocalTime::Ambiguous(first, second) => match (seconds(first), seconds(second)) {
                (Some(first), Some(second)) => Local::Twice(first, second),
                _ => Local::Never,
            },
            chrono::MappedLocalTime::None => zone
                .offset_from_local_datetime(&(naive - chrono::Duration::hours(1)))
                .earliest()
                .and_then(seconds)
                .map_or(Local::Never, Local::Once),
        }
    }

    /// Moves a fixed zone by so many seconds.
    pub(super) fn moved(self, by: i32) -> Option<Self> {
        match self {
            Self::Fixed(offset) => UtcOffset::from_seconds(offset.seconds() + by).map(Self::Fixed),
            Self::Named(_) => (by == 0).then_some(self),
        }
    }

    /// Where the offset changes between two wall-clock times: the wall clock's first second after
    /// the change, and the offset from then on.
    pub(super) fn changes(self, first: LogTime, last: LogTime) -> Vec<(LogTime, UtcOffset)> {
        let Self::Named(zone) = self else { return Vec::new() };
        let margin = i64::from(UtcOffset::MAX_SECONDS);
        let (mut at, end) = (first.wall_seconds() - margin, last.wall_seconds() + margin);
        let mut changes = Vec::new();
        while at < end && changes.len() < MAX_CHANGES {
            let next = (at + LOOK_EVERY_SECONDS).min(end);
            if let (Some(before), Some(after)) = (offset_at(zone, at), offset_at(zone, next))
                && before != after
            {
                let (mut low, mut high) = (at, next);
                while high - low > 1 {
                    let middle = low + (high - low) / 2;
                    if offset_at(zone, middle) == Some(before) { low = middle } else { high = middle }
                }
                let wall = LogTime::from_wall_seconds(high + i64::from(after.seconds()));
                changes.extend(wall.filter(|wall| *wall > first && *wall <= last).map(|wall| (wall, after)));
            }
            at = next;
        }
        changes
    }
}

/// The offset of `zone` at an instant, in seconds since the epoch.
fn offset_at(zone: Tz, utc: i64) -> Option<UtcOffset> {
    let offset = zone.offset_from_utc_datetime(&naive(utc)?);
    UtcOffset::from_seconds(offset.fix().local_minus_utc())
}

fn naive(seconds: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp(seconds, 0).map(|time| time.naive_utc())
}

/// A zone whose rules change `before` into `after` between two instants.
pub(super) fn changes_somewhere(before: UtcOffset, after: UtcOffset, from: i64, to: i64) -> Option<Tz> {
    TZ_VARIANTS
        .iter()
        .copied()
        .filter(|zone| zone.name().contains('/'))
        .find(|zone| offset_at(*zone, from) == Some(before) && offset_at(*zone, to) == Some(after))
}

/// Whether a zone has this offset at that instant.
pub(super) fn in_use(offset: UtcOffset, utc: i64) -> bool {
    TZ_VARIANTS.iter().any(|zone| offset_at(*zone, utc) == Some(offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIENNA: Zone = Zone::Named(chrono_tz::Europe::Vienna);

    fn wall(month: u32, day: u32, hour: u32, minute: u32) -> LogTime {
        LogTime::new(Some(2014), month, day, hour, minute, 0).unwrap()
    }

    fn offset(seconds: i32) -> UtcOffset {
        UtcOffset::from_seconds(seconds).unwrap()
    }

    #[test]
    fn a_named_zone_knows_its_summer() {
        assert_eq!(VIENNA.local(wall(8, 14, 13, 0)), Local::Once(offset(7200)));
        assert_eq!(VIENNA.local(wall(12, 14, 13, 0)), Local::Once(offset(3600)));
        assert_eq!(VIENNA.local(wall(10, 26, 2, 30)), Local::Twice(offset(7200), offset(3600)));
        assert_eq!(VIENNA.local(wall(3, 30, 2, 30)), Local::Once(offset(3600)));
    }

    #[test]
    fn changes_are_found_to_the_second() {
        let changes = VIENNA.changes(wall(1, 1, 0, 0), wall(12, 31, 0, 0));
        assert_eq!(changes, [(wall(3, 30, 3, 0), offset(7200)), (wall(10, 26, 2, 0), offset(3600))]);
        assert!(VIENNA.changes(wall(4, 1, 0, 0), wall(10, 1, 0, 0)).is_empty());
    }

    #[test]
    fn only_real_changes_explain_a_step() {
        let utc = |wall: LogTime| wall.wall_seconds();
        let (before, after) = (utc(wall(10, 26, 0, 59)), utc(wall(10, 26, 1, 1)));
        assert!(changes_somewhere(offset(7200), offset(3600), before, after).is_some());
        assert_eq!(changes_somewhere(offset(7200), offset(3600), before - 86_400, after - 86_400), None);
        assert!(in_use(offset(20_700), after) && !in_use(offset(8100), after));
    }
}
