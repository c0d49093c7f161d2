//! Lines that two files hold: rotated sets with overlaps, a copy beside an excerpt.
//!
//! A record of a later file repeats one of an earlier file when appliance, stamp and text are the
//! same; of equal records within one second the second repeats the second. Only records that stand
//! where a later file begins, or after that, are remembered, so that a set without overlaps costs
//! nothing.

use ahash::{AHashMap, RandomState};

use crate::time::LogTime;

/// Records that are remembered; 16 octets each.
pub(super) const MAX_REMEMBERED: usize = 2 * 1024 * 1024;

/// Seconds by which a file may begin before its first line says so: heads were seen that are stamped
/// some seconds after the lines that follow them (ESA-LOGS section 1).
const SLACK: i64 = 60;

/// Records of one second that are told apart from equal ones.
const MAX_IN_ONE_SECOND: usize = 65_536;

/// What became of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// It is the first of its kind.
    New,
    /// An earlier file holds it.
    Repeated,
    /// Not remembered for want of room.
    NoRoom,
}

/// Remembers the records that a later file may repeat.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    hasher: RandomState,
    /// The file, by its place in the order of reading, that a record was first met in.
    seen: AHashMap<u64, usize>,
    file: usize,
    /// Seconds of the clock from which on records are remembered; `None` where no file follows.
    from: Option<i64>,
    /// Equal records so far of the second that is read.
    second: Option<LogTime>,
    of_second: AHashMap<u64, u32>,
}

impl Repeats {
    /// Another file begins; `next` is the earliest stamp that a later one begins with.
    pub(super) fn begin_file(&mut self, next: Option<LogTime>) {
        self.file += 1;
        self.from = next.map(|time| time.wall_seconds() - SLACK);
        self.second = None;
    }

    /// Whether an earlier file holds the record.
    #[inline]
    pub(super) fn ask(&mut self, appliance: usize, time: LogTime, text: &[u8]) -> Asked {
        let remembered = self.from.is_some_and(|from| time.wall_seconds() >= from);
        if !remembered && self.seen.is_empty() {
            return Asked::New;
        }
        self.ask_memory(appliance, time, text, remembered)
    }

    #[cold]
    fn ask_memory(&mut self, appliance: usize, time: LogTime, text: &[u8], remembered: bool) -> Asked {
        if self.second != Some(time) {
            self.second = Some(time);
            self.of_second.clear();
        }
        let text = self.hasher.hash_one(text);
        let nth = match self.of_second.get_mut(&text) {
            Some(nth) => {
                *nth += 1;
                *nth
            }
            None => {
                if self.of_second.len() < MAX_IN_ONE_SECOND {
                    self.of_second.insert(text, 0);
                }
                0
            }
        };
        let key = self.hasher.hash_one((appliance, time, text, nth));
        match self.seen.get(&key) {
            Some(file) if *file != self.file => Asked::Repeated,
            Some(_) => Asked::New,
            None if !remembered => Asked::New,
            None if self.seen.len() >= MAX_REMEMBERED => Asked::NoRoom,
            None => {
                self.seen.insert(key, self.file);
                Asked::New
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u32) -> LogTime {
        LogTime::new(Some(2026), 3, 9, 10, second / 60, second % 60).unwrap()
    }

    #[test]
    fn equal_records_are_counted_one_by_one() {
        let mut repeats = Repeats::default();
        repeats.begin_file(Some(at(100)));
        let first =
            [repeats.ask(0, at(10), b"a"), repeats.ask(0, at(100), b"a"), repeats.ask(0, at(100), b"a")];
        assert_eq!(first, [Asked::New; 3]);
        repeats.begin_file(None);
        // What stands well before the later file is not remembered.
        assert_eq!(repeats.ask(0, at(10), b"a"), Asked::New);
        let second = [(); 3].map(|()| repeats.ask(0, at(100), b"a"));
        assert_eq!(second, [Asked::Repeated, Asked::Repeated, Asked::New]);
        assert_eq!(repeats.ask(1, at(100), b"a"), Asked::New);
        assert_eq!(repeats.ask(0, at(101), b"a"), Asked::New);
    }

    #[test]
    fn a_file_alone_remembers_nothing() {
        let mut repeats = Repeats::default();
        repeats.begin_file(None);
        assert_eq!([(); 2].map(|()| repeats.ask(0, at(1), b"a")), [Asked::New; 2]);
        assert!(repeats.seen.is_empty());
    }
}
