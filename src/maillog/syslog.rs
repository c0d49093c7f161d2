//! The mail log as a syslog relay hands it on: a header with a stamp, then the appliance's own words.
//!
//! ```text
//! <166>Mar 17 18:24:37 mail_logs: Info: ICID 5 close                       RFC 3164, no host
//! <94>Nov 24 14:22:57 esa1 mail_logs: Info: ICID 5 close
//! <22>1 2026-03-17T18:24:37.003+01:00 esa1 mail_logs - - - Info: ...       RFC 5424
//! 2019 Sep 28 16:13:51 esa1 mail [info] tag:nopid Info: ...
//! Oct 19 06:33:29 2011 esa1 mail_logs: Info: ...
//! <111>Aug 10 09:52:59 esa1 app: Mon Aug 10 09:52:59 2020 Info: ...        the inner stamp is kept
//! ```
//!
//! A header must be followed by a level word of the appliance, or by the start of a consolidated
//! event: a date in the midst of a text has neither. Where the appliance's own stamp stands before
//! the level, it is the one that counts; the header's may be the relay's.

use crate::maillog::line::{Head, MAX_PREFIX, Relayed, Scan, level, parse_stamp};
use crate::time::{LogTime, UtcOffset};

/// How a consolidated event begins (ArcSight Common Event Format).
pub(super) const CEF: &[u8] = b"CEF:0|";

/// Lines of this many octets and more may have been cut: RFC 3164 section 4.1 has no longer packets,
/// and a relay that takes the priority off leaves up to five octets less.
pub(super) const CUT_AT: usize = 1019;

/// The longest packet of RFC 3164.
pub(super) const LONGEST: usize = 1024;

/// Colons looked at for the one after a level word.
const MAX_COLONS: usize = 24;

/// The head of a syslog line that starts at `at`; `None` where the line is none.
pub(super) fn head(line: &[u8], at: usize) -> Option<Head> {
    let mut scan = Scan { text: line, at };
    priority(&mut scan);
    let (time, offset) = stamp(&mut scan)?;
    // A colon may end the stamp (`Mar 17 18:24:37: `).
    let _ = scan.octet(b':');
    scan.octet(b' ')?;
    let after = scan.at;
    let (level_at, text_at) = text_after(line, after)?;
    let host = host(line, after, level_at);
    let inner = inner_stamp(line, after, level_at);
    let relayed = Relayed { host, offset: offset.filter(|_| inner.is_none()), stamped: inner.is_none() };
    Some(Head { time: inner.unwrap_or(time), level: true, text_at, relayed: Some(relayed) })
}

/// A stamp by itself, as exports write it in a field of its own.
pub(super) fn time(text: &[u8]) -> Option<(LogTime, Option<UtcOffset>)> {
    let mut scan = Scan { text, at: 0 };
    stamp(&mut scan).filter(|_| ends_word(&scan))
}

/// `<166>`, and the version of RFC 5424 after it.
fn priority(scan: &mut Scan<'_>) {
    let start = scan.at;
    let read = |scan: &mut Scan<'_>| {
        scan.octet(b'<')?;
        scan.digits(1, 3)?;
        scan.octet(b'>')?;
        let version = scan.at;
        if scan.octet(b'1').and_then(|()| scan.octet(b' ')).is_none() {
            scan.at = version;
        }
        Some(())
    };
    if read(scan).is_none() {
        scan.at = start;
    }
}

/// The header's stamp, with its offset where it has one.
fn stamp(scan: &mut Scan<'_>) -> Option<(LogTime, Option<UtcOffset>)> {
    let start = scan.at;
    if let Some(time) = named_month(scan) {
        return Some((time, None));
    }
    scan.at = start;
    iso(scan)
}

/// `Mar 17 18:24:37`, `Mar 17 18:24:37 2026`, `2026 Mar 17 18:24:37`.
fn named_month(scan: &mut Scan<'_>) -> Option<LogTime> {
    let start = scan.at;
    let mut year = scan.digits(4, 4).filter(|_| scan.octet(b' ').is_some());
    if year.is_none() {
        scan.at = start;
    }
    let month = scan.month()?;
    scan.spaces()?;
    let day = scan.digits(1, 2)?;
    scan.spaces()?;
    let (hour, minute, second) = clock(scan)?;
    let end = scan.at;
    if year.is_none() {
        year = scan.octet(b' ').and_then(|()| scan.digits(4, 4)).filter(|_| ends_word(scan));
        if year.is_none() {
            scan.at = end;
        }
    }
    LogTime::new(year.and_then(|year| i32::try_from(year).ok()), month, day, hour, minute, second)
}

/// RFC 3339, with a space for the `T` and without an offset too, as exports write it.
fn iso(scan: &mut Scan<'_>) -> Option<(LogTime, Option<UtcOffset>)> {
    let year = scan.digits(4, 4)?;
    scan.octet(b'-')?;
    let month = scan.digits(2, 2)?;
    scan.octet(b'-')?;
    let day = scan.digits(2, 2)?;
    scan.octet(b'T').or_else(|| scan.octet(b' '))?;
    let (hour, minute, second) = clock(scan)?;
    let offset = zone(scan)?;
    let time = LogTime::new(i32::try_from(year).ok(), month, day, hour, minute, second)?;
    Some((time, offset))
}

/// `18:24:37`, with a fraction that is passed over: the appliance's stamps have whole seconds.
fn clock(scan: &mut Scan<'_>) -> Option<(u32, u32, u32)> {
    let hour = scan.digits(2, 2)?;
    scan.octet(b':')?;
    let minute = scan.digits(2, 2)?;
    scan.octet(b':')?;
    let second = scan.digits(2, 2)?;
    if scan.octet(b'.').or_else(|| scan.octet(b',')).is_some() {
        scan.digits(1, 9)?;
    }
    Some((hour, minute, second))
}

/// `Z`, `+01:00`, `-0600`, or nothing.
fn zone(scan: &mut Scan<'_>) -> Option<Option<UtcOffset>> {
    if scan.octet(b'Z').is_some() {
        return Some(Some(UtcOffset::default()));
    }
    let sign = match scan.text.get(scan.at) {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Some(None),
    };
    scan.at += 1;
    let hours = scan.digits(2, 2)?;
    let _ = scan.octet(b':');
    let minutes = scan.digits(2, 2)?;
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    UtcOffset::from_seconds(sign * seconds).map(Some)
}

fn ends_word(scan: &Scan<'_>) -> bool {
    !scan.text.get(scan.at).is_some_and(u8::is_ascii_alphanumeric)
}

/// Where the level word stands, and where the record's text begins.
pub(super) fn text_after(line: &[u8], after: usize) -> Option<(usize, usize)> {
    let window = line.get(..after.saturating_add(MAX_PREFIX)).unwrap_or(line).get(after..)?;
    memchr::memchr_iter(b':', window).take(MAX_COLONS).find_map(|colon| {
        let before = window.get(..colon)?;
        let letters = before.iter().rev().take_while(|octet| octet.is_ascii_alphabetic()).count();
        let start = after + colon - letters;
        let own_word =
            start == after || line.get(start - 1).is_some_and(|octet| matches!(octet, b' ' | b':' | b']'));
        if !own_word {
            return None;
        }
        let text = line.get(start..)?;
        if text.starts_with(CEF) {
            return Some((start, start));
        }
        match level(text) {
            (true, skipped) => Some((start, start + skipped)),
            _ => None,
        }
    })
}

/// The first word after the stamp, unless it is the tag (which ends in a colon) or stands for nothing.
fn host(line: &[u8], after: usize, until: usize) -> Option<(usize, usize)> {
    let header = line.get(after..until)?;
    let length = memchr::memchr(b' ', header)?;
    let word = header.get(..length)?;
    let name = !word.is_empty() && word != b"-" && !word.ends_with(b":") && !word.starts_with(b"[");
    name.then_some((after, after + length))
}

/// The appliance's own stamp, which ends right before the level word.
fn inner_stamp(line: &[u8], after: usize, level_at: usize) -> Option<LogTime> {
    // The day may be padded or not; before a consolidated event stand a colon and a space.
    [25, 24, 26].into_iter().find_map(|length| {
        let start = level_at.checked_sub(length).filter(|start| *start >= after)?;
        let text = line.get(start..level_at)?;
        let (time, taken) = parse_stamp(text)?;
        let rest = text.get(taken..)?;
        matches!(rest, b" " | b": ").then_some(time)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stamp, host, offset in seconds, whether the stamp is the header's, text.
    type Row = (&'static str, Option<&'static str>, Option<i32>, bool, &'static str);

    fn read(line: &str) -> Option<(String, Option<&str>, Option<i32>, bool, &str)> {
        let head = head(line.as_bytes(), 0)?;
        let relayed = head.relayed.unwrap();
        let host = relayed.host.map(|(from, to)| &line[from..to]);
        let offset = relayed.offset.map(UtcOffset::seconds);
        Some((head.time.to_string(), host, offset, relayed.stamped, &line[head.text_at..]))
    }

    /// ESA-LOGS section 9: syslog.
    #[test]
    fn headers_of_every_shape() {
        let rows: [(&str, Row); 14] = [
            (
                "<166>Mar 17 18:24:37 mail_logs: Info: ICID 5 close",
                ("--03-17T18:24:37", None, None, true, "ICID 5 close"),
            ),
            (
                "<94>Nov 24 14:22:57 esa1.example.com mail_logs: Info: x",
                ("--11-24T14:22:57", Some("esa1.example.com"), None, true, "x"),
            ),
            ("Feb  1 08:32:59 c60 smail: Warning: x", ("--02-01T08:32:59", Some("c60"), None, true, "x")),
            (
                "Feb 29 08:32:59 192.0.2.25 mail: Info: x",
                ("--02-29T08:32:59", Some("192.0.2.25"), None, true, "x"),
            ),
            (
                "2019 Sep 28 16:13:51 esa1 mail [info] tag:nopid Info: x",
                ("2019-09-28T16:13:51", Some("esa1"), None, true, "x"),
            ),
            (
                "Oct 19 06:33:29 2011 esa1 mail_logs: Info: x",
                ("2011-10-19T06:33:29", Some("esa1"), None, true, "x"),
            ),
            (
                "<111>Aug 10 09:53:01 esa1 app: Mon Aug 10 09:52:59 2020 Info: x",
                ("2020-08-10T09:52:59", Some("esa1"), None, false, "x"),
            ),
            (
                "<111>Aug  6 09:53:01 esa1 app: Thu Aug 6 09:52:59 2020 Info: x",
                ("2020-08-06T09:52:59", Some("esa1"), None, false, "x"),
            ),
            (
                "<22>1 2026-03-17T18:24:37.003+01:00 esa1 mail_logs - - - Info: x",
                ("2026-03-17T18:24:37", Some("esa1"), Some(3600), true, "x"),
            ),
            (
                "<22>1 2026-03-17T18:24:37Z - mail_logs 99 - [a b=\"c\"] Info: x",
                ("2026-03-17T18:24:37", None, Some(0), true, "x"),
            ),
            (
                "2026-03-17T18:24:37-0600 esa1 mail_logs: Info: x",
                ("2026-03-17T18:24:37", Some("esa1"), Some(-21_600), true, "x"),
            ),
            ("2026-03-17 18:24:37,500 mail_logs: Info: x", ("2026-03-17T18:24:37", None, None, true, "x")),
            (
                "<14>Nov 17 15:00:12 esa1 events: Tue Nov 17 15:00:10 2020: CEF:0|Cisco|x",
                ("2020-11-17T15:00:10", Some("esa1"), None, false, "CEF:0|Cisco|x"),
            ),
            (
                "Nov 17 15:00:12 esa1 CEF:0|Cisco|x",
                ("--11-17T15:00:12", Some("esa1"), None, true, "CEF:0|Cisco|x"),
            ),
        ];
        for (line, (time, host, offset, stamped, text)) in rows {
            assert_eq!(read(line), Some((time.to_owned(), host, offset, stamped, text)), "{line}");
        }
    }

    #[test]
    fn what_is_no_header() {
        for line in [
            "Mar 17 18:24:37 esa1 sshd[5]: Accepted password",
            "Mar 17 18:24:37 esa1 mail_logs: Information desk",
            "Mar 32 18:24:37 mail_logs: Info: x",
            "2026-13-17T18:24:37Z mail_logs: Info: x",
            "2026-03-17T18:24:37+99:00 mail_logs: Info: x",
            "<166>mail_logs: Info: x",
            "<1664>Mar 17 18:24:37 mail_logs: Info: x",
            "Mar 17 18:24:37",
            "",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn octets_of_any_kind_do_not_panic(
            start in proptest::sample::select(vec!["", "<166>", "<22>1 ", "Mar 17 18:24:37 ", "2026-03-17T18:24:37Z "]),
            rest in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400),
        ) {
            let line = [start.as_bytes(), &rest].concat();
            let found = head(&line, 0);
            proptest::prop_assert!(found.is_none_or(|head| head.text_at <= line.len()));
        }
    }
}
