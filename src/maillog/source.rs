//! Who handed a record on, beside what it says: the host that a relay names, and whose stamp it bears.

use crate::maillog::StampedBy;
use crate::time::{LogTime, UtcOffset};

/// More seconds than stamps of one log lie out of order, and less than a year: a stamp without a
/// year that falls behind by more stands in the next one.
const TURN_OF_THE_YEAR: i64 = 300 * 86_400;

/// What the carrier of a record tells beside its text; a plain log tells nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Source<'a> {
    /// The host as a syslog header names it.
    pub(super) host: Option<&'a [u8]>,
    /// The appliance's serial number, where each record bears it.
    pub(super) serial: Option<&'a [u8]>,
    /// The stamp's own offset from UTC.
    pub(super) offset: Option<UtcOffset>,
    /// Whose stamp it is.
    pub(super) by: StampedBy,
}

impl Source<'_> {
    /// Whether it is that of a plain log.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.host.is_none()
            && self.serial.is_none()
            && self.offset.is_none()
            && self.by == StampedBy::Appliance
    }
}

/// Puts stamps without a year in order over the turn of the year.
#[derive(Debug, Default)]
pub(super) struct Turns {
    latest: Option<LogTime>,
    turns: u16,
}

impl Turns {
    /// The stamp, moved on by the turns of the year before it.
    pub(super) fn place(&mut self, time: LogTime) -> LogTime {
        let moved = |turns| time.turned(turns).unwrap_or(time);
        let here = moved(self.turns);
        let Some(latest) = self.latest else {
            self.latest = Some(here);
            return here;
        };
        let ahead = here.wall_seconds() - latest.wall_seconds();
        let placed = if ahead < -TURN_OF_THE_YEAR && self.turns < u16::MAX {
            self.turns += 1;
            moved(self.turns)
        } else if ahead > TURN_OF_THE_YEAR && self.turns > 0 {
            // A line of the old year that came late.
            moved(self.turns - 1)
        } else {
            here
        };
        self.latest = Some(latest.max(placed));
        placed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_turns_once_whatever_comes_late() {
        let mut turns = Turns::default();
        let mut place = |month, day| {
            turns
                .place(LogTime::new(None, month, day, 12, 0, 0).unwrap())
                .with_year(2025)
                .unwrap()
                .to_string()
        };
        assert_eq!(place(12, 30), "2025-12-30T12:00:00");
        assert_eq!(place(1, 1), "2026-01-01T12:00:00");
        assert_eq!(place(12, 31), "2025-12-31T12:00:00");
        assert_eq!(place(1, 2), "2026-01-02T12:00:00");
        assert_eq!(place(6, 1), "2026-06-01T12:00:00");
        assert_eq!(place(5, 31), "2026-05-31T12:00:00");
    }
}
