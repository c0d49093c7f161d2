//! The mail log: lines in the order of their time, stamped as the appliance stamps them (whole seconds, local time).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::options::Options;
use super::rng::Rng;
use super::sender::SECOND;

/// Writes the log.
#[derive(Debug)]
pub(crate) struct Journal<W> {
    out: W,
    /// Lines to come: time, order, level, text.
    pending: BinaryHeap<Reverse<(i64, u64, &'static str, String)>>,
    order: u64,
    /// What is added to the wire's time to get the log's.
    ahead: i64,
    /// The second that `stamp` shows.
    second: i64,
    stamp: String,
    pub(super) address: String,
    pub(super) dcid: u64,
    /// Messages of the appliance's own so far.
    pub(super) own_mids: u64,
    /// When the counters are due next.
    pub(super) status_at: i64,
    pub(super) rng: Rng,
    pub(crate) lines: u64,
    pub(crate) octets: u64,
}

impl<W: Write> Journal<W> {
    /// Begins a log; its head is written some seconds before the first connection.
    pub(crate) fn new(out: W, options: &Options, address: String) -> Self {
        let mut rng = Rng::new(options.seed, u64::MAX - 1);
        let mut journal = Self {
            out,
            pending: BinaryHeap::new(),
            order: 0,
            ahead: options.utc_offset * SECOND + (options.skew * SECOND as f64) as i64,
            second: i64::MIN,
            stamp: String::new(),
            address,
            dcid: 200_000 + rng.below(900_000),
            own_mids: 0,
            // Nothing stands before the head.
            status_at: i64::MAX,
            rng,
            lines: 0,
            octets: 0,
        };
        let at = options.start * SECOND - 4 * SECOND;
        if !options.no_head {
            let offset = options.utc_offset;
            journal.line(at, "Begin Logfile".to_owned());
            journal.line(at, "Version: 14.2.0-620 SN: 420D4FEA709365BFB3E3-0AF2EE5E700E".to_owned());
            journal.line(at, format!("Time offset from UTC: {offset} seconds"));
        }
        journal.status_at = at + SECOND;
        // What the rules leave out: no network connection made this one.
        let mid = 900;
        journal.line(at + SECOND, format!("Start MID {mid} ICID 0 (ISQ Notification)"));
        journal.line(at + SECOND, format!("MID {mid} ICID 0 From: <postmaster@corp.example.com>"));
        journal.line(at + SECOND, format!("MID {mid} ICID 0 RID 0 To: <user1@corp.example.com>"));
        journal.line(at + SECOND, format!("MID {mid} ready 4120 bytes from <postmaster@corp.example.com>"));
        journal
    }

    /// Queues a line for its time (the wire's).
    pub(crate) fn line(&mut self, at: i64, text: String) {
        self.status(at);
        self.queue(at, " Info: ", text);
    }

    /// Queues a warning.
    pub(crate) fn warning(&mut self, at: i64, text: String) {
        self.queue(at, " Warning: ", text);
    }

    fn queue(&mut self, at: i64, level: &'static str, text: String) {
        self.order += 1;
        self.pending.push(Reverse((at, self.order, level, text)));
    }

    /// Writes all lines before `until`.
    pub(crate) fn flush_before(&mut self, until: i64) -> io::Result<()> {
        while let Some(Reverse((at, ..))) = self.pending.peek()
            && *at < until
        {
            let Some(Reverse((at, _, level, text))) = self.pending.pop() else { break };
            let second = (at + self.ahead).div_euclid(SECOND);
            if second != self.second {
                self.second = second;
                self.stamp.clear();
                stamp(&mut self.stamp, second);
            }
            self.out.write_all(self.stamp.as_bytes())?;
            self.out.write_all(level.as_bytes())?;
            self.out.write_all(text.as_bytes())?;
            self.out.write_all(b"\n")?;
            self.lines += 1;
            self.octets += (self.stamp.len() + level.len() + text.len() + 1) as u64;
        }
        Ok(())
    }

    /// Hands the file back.
    pub(crate) fn into_inner(self) -> W {
        self.out
    }
}

/// A value as Python's `repr` writes it: in single quotes, unless it holds one and no double one.
pub(crate) fn python(text: &str) -> String {
    match (text.contains('\''), text.contains('"')) {
        (true, false) => format!("\"{text}\""),
        (true, true) => format!("'{}'", text.replace('\'', "\\'")),
        (false, _) => format!("'{text}'"),
    }
}

/// Appends C's `ctime()` of a local time in seconds since 1970, without its line end.
fn stamp(out: &mut String, seconds: i64) {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (day, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days from the first of March of a year that begins a cycle of 400 (Howard Hinnant, chrono-compatible
    // low-level date algorithms).
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * march + 2) / 5 + 1;
    let month = (march + 2) % 12;
    let year = year + era * 400 + i64::from(month < 2);
    let name = |names: &'static [&'static str], at: i64| names.get(at as usize).copied().unwrap_or("???");
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "{} {} {of_month:2} {hour:02}:{minute:02}:{second:02} {year}",
        name(&DAYS, day.rem_euclid(7)),
        name(&MONTHS, month),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_read_like_ctime() {
        for (seconds, text) in [
            (0, "Thu Jan  1 00:00:00 1970"),
            (1_408_021_471, "Thu Aug 14 13:04:31 2014"),
            (951_782_400, "Tue Feb 29 00:00:00 2000"),
            (951_868_799, "Tue Feb 29 23:59:59 2000"),
            (1_798_761_599, "Thu Dec 31 23:59:59 2026"),
            (-1, "Wed Dec 31 23:59:59 1969"),
        ] {
            let mut out = String::new();
            stamp(&mut out, seconds);
            assert_eq!(out, text);
        }
    }

    #[test]
    fn quotes_are_pythons() {
        assert_eq!(python("plain"), "'plain'");
        assert_eq!(python("It's"), "\"It's\"");
        assert_eq!(python("a \"b\""), "'a \"b\"'");
        assert_eq!(python("it's \"b\""), "'it\\'s \"b\"'");
    }
}
