//! Clocks one by one: what is told, what is fitted, what is refused, and in which words.

use super::*;
use crate::capture::CloseKind;
use crate::cite::LogId;
use crate::join::testing::{NOON, session};
use crate::maillog::{LogInput, ReadOptions, read_logs};

fn read(texts: &[&str]) -> MailLog {
    let input = |(at, text): (u16, &&str)| LogInput {
        id: LogId(at),
        reader: Box::new(std::io::Cursor::new(text.as_bytes().to_vec())),
    };
    read_logs((0..).zip(texts).map(input).collect(), ReadOptions::default())
}

/// The lines of a connection whose MAIL is accepted at `stamp`, a whole stamp with its level.
fn lines(stamp: &str, id: u32) -> String {
    format!(
        "{stamp} New SMTP ICID {id} interface Data (198.51.100.25) address 192.0.2.10 reverse dns host unknown \
         verified no\n{stamp} Start MID {id} ICID {id}\n{stamp} MID {id} ICID {id} From: <s{id}@example.net>\n\
         {stamp} MID {id} ICID {id} RID 0 To: <bert@example.com>\n{stamp} ICID {id} close\n"
    )
}

fn head(stamp: &str, serial: &str, offset: i32) -> String {
    format!(
        "{stamp} Begin Logfile\n{stamp} Version: 14.0 SN: {serial}\n{stamp} Time offset from UTC: {offset} seconds\n"
    )
}

/// The wire's side of [`lines`], with MAIL accepted at a UTC time.
fn wire(time: &str, id: u16) -> Session {
    let at = Timestamp::parse_rfc3339(time).unwrap();
    let noon = Timestamp::from_nanos((NOON * 1e9) as i64);
    let begins = at.since(noon).seconds() - 0.5;
    session(10_000 + id, begins, 5.0, &format!("s{id}@example.net"), "bert@example.com", CloseKind::Fin)
}

/// The instants of every `Start MID`, in the order of connections; `-` for none.
fn instants(log: &MailLog, clocks: &Clocks) -> Vec<String> {
    let starts = log.connections.iter().filter_map(|connection| connection.messages.first()?.started);
    starts
        .map(|stamp| clocks.instant(&stamp).map_or("-".to_owned(), |at| at.to_string()[..19].to_owned()))
        .collect()
}

fn offsets(reading: &ClockReading) -> Vec<Option<i32>> {
    reading
        .segments
        .iter()
        .map(|segment| match segment.zone {
            Some(Zone::Fixed(offset)) => Some(offset.seconds()),
            _ => None,
        })
        .collect()
}

/// ESA-LOGS section 2: the offset is written once, at the start of the file.
#[test]
fn the_repeated_hour_is_read_by_the_order_of_lines() {
    let text = head("Sun Oct 26 01:00:00 2014 Info:", "A", 7200)
        + &lines("Sun Oct 26 02:59:58 2014 Info:", 1)
        + &lines("Sun Oct 26 02:00:01 2014 Info:", 2);
    let log = read(&[&text]);
    let clocks = Clocks::read(&log, &[], None);
    let reading = &clocks.readings()[0];
    assert_eq!(instants(&log, &clocks), ["2014-10-26T00:59:58", "2014-10-26T01:00:01"]);
    assert_eq!(offsets(reading), [Some(7200), Some(3600)]);
    assert_eq!(reading.segments[1].origin, ClockOrigin::OrderOfLines);
    assert_eq!(reading.segments[1].from_line, 9);
    assert!(
        reading.explanation.contains("At line 9 the stamps step back by 59 min 57 s"),
        "{}",
        reading.explanation
    );
    // A zone by name reads it the same way.
    let zone = Some(Zone::Named(chrono_tz::Europe::Vienna));
    let named = Clocks::read(&log, &[], zone);
    assert_eq!(instants(&log, &named), instants(&log, &clocks));
    let shown: Vec<_> = named.readings()[0].stretches(log.clocks[0].last).iter().map(|s| s.offset).collect();
    assert_eq!(shown, [UtcOffset::from_seconds(7200), UtcOffset::from_seconds(3600)]);
}

#[test]
fn a_missing_hour_is_a_change_only_where_a_zone_has_it_then() {
    let spring = |day: u32| {
        head(&format!("Sun Mar {day} 00:30:00 2014 Info:"), "A", 3600)
            + &lines(&format!("Sun Mar {day} 01:20:00 2014 Info:"), 1)
            + &lines(&format!("Sun Mar {day} 01:40:00 2014 Info:"), 2)
            + &lines(&format!("Sun Mar {day} 01:59:50 2014 Info:"), 3)
            + &lines(&format!("Sun Mar {day} 03:00:05 2014 Info:"), 4)
    };
    let log = read(&[&spring(30)]);
    // The head itself stands 50 minutes before: a log as quiet as that tells nothing.
    assert_eq!(instants(&log, &Clocks::read(&log, &[], None))[3], "2014-03-30T02:00:05");
    let busy = spring(30).replace("00:30:00", "01:00:00");
    let log = read(&[&busy]);
    let clocks = Clocks::read(&log, &[], None);
    assert_eq!(instants(&log, &clocks)[3], "2014-03-30T01:00:05");
    let log = read(&[&spring(23).replace("00:30:00", "01:00:00")]);
    assert_eq!(instants(&log, &Clocks::read(&log, &[], None))[3], "2014-03-23T02:00:05");
}

#[test]
fn a_named_zone_with_one_pass_only_is_not_guessed() {
    let log = read(&[&lines("Sun Oct 26 02:30:00 2014 Info:", 1)]);
    let zone = Some(Zone::Named(chrono_tz::Europe::Vienna));
    let clocks = Clocks::read(&log, &[], zone);
    assert_eq!(instants(&log, &clocks), ["-"]);
    assert!(clocks.readings()[0].explanation.contains("An hour is repeated"), "{:?}", clocks.readings());
    let log =
        read(&[&(head("Sun Oct 26 02:20:00 2014 Info:", "A", 3600)
            + &lines("Sun Oct 26 02:30:00 2014 Info:", 1))]);
    assert_eq!(instants(&log, &Clocks::read(&log, &[], zone)), ["2014-10-26T01:30:00"]);
}

/// RFC 3164 section 4.1.2: the stamp has no year.
#[test]
fn years_come_from_the_capture_and_cross_new_year() {
    let text = lines("<166>Dec 31 23:59:50 mail_logs: Info:", 1)
        + &lines("<166>Jan  1 00:00:10 mail_logs: Info:", 2);
    let log = read(&[&text]);
    let zone = Some(Zone::Fixed(UtcOffset::default()));
    let wires = [wire("2025-12-31T23:59:50.5Z", 1), wire("2026-01-01T00:00:10.5Z", 2)];
    let clocks = Clocks::read(&log, &wires, zone);
    assert_eq!(instants(&log, &clocks), ["2025-12-31T23:59:50", "2026-01-01T00:00:10"]);
    assert_eq!(clocks.readings()[0].year, Some(Year { first: 2025, origin: YearOrigin::Pairs }));
    // Only the far side of New Year was captured, and nothing that the log tells.
    let later = Clocks::read(&log, &[wire("2026-01-01T00:00:10.5Z", 9)], zone);
    assert_eq!(later.readings()[0].year, Some(Year { first: 2025, origin: YearOrigin::Capture }));
    let nearest = Clocks::read(&log, &[wire("2026-02-11T00:00:10.5Z", 9)], zone);
    assert_eq!(nearest.readings()[0].year, Some(Year { first: 2025, origin: YearOrigin::Nearest }));
    assert!(nearest.readings()[0].explanation.contains("2025 is assumed"));
    // No capture, no year.
    let alone = Clocks::read(&log, &[], zone);
    assert_eq!(
        (alone.readings()[0].year, instants(&log, &alone)),
        (None, vec!["-".to_owned(), "-".to_owned()])
    );
}

#[test]
fn a_leap_day_leaves_leap_years_only() {
    let log = read(&[&lines("<166>Feb 29 10:00:00 mail_logs: Info:", 1)]);
    let zone = Some(Zone::Fixed(UtcOffset::default()));
    let clocks = Clocks::read(&log, &[wire("2025-01-10T10:00:00.5Z", 9)], zone);
    assert_eq!(clocks.readings()[0].year, None, "2024 and 2028 are both more than half a year away");
    let clocks = Clocks::read(&log, &[wire("2024-03-10T10:00:00.5Z", 9)], zone);
    assert_eq!(instants(&log, &clocks), ["2024-02-29T10:00:00"]);
}

#[test]
fn one_pair_fits_no_offset_but_says_what_would() {
    let log = read(&[&lines("Thu Aug 14 13:00:00 2014 Info:", 1)]);
    let clocks = Clocks::read(&log, &[wire("2014-08-14T11:00:00.3Z", 1)], None);
    let reading = &clocks.readings()[0];
    assert_eq!((offsets(reading), instants(&log, &clocks)), (vec![None], vec!["-".to_owned()]));
    assert!(reading.explanation.contains("--utc-offset +0200 takes it so"), "{}", reading.explanation);
}

/// Stamps and frames of connections, a minute apart from noon on, ahead by `ahead` seconds.
fn minutes(range: std::ops::Range<u16>, ahead: impl Fn(u16) -> i64) -> (String, Vec<Session>) {
    let noon = Timestamp::parse_rfc3339("2014-08-14T12:00:00.4Z").unwrap();
    let (mut text, mut sessions) = (String::new(), Vec::new());
    for id in range {
        let at = noon.plus(Span::from_seconds(i64::from(id) * 60));
        let wall = chrono::DateTime::from_timestamp(at.seconds() + ahead(id), 0).unwrap();
        text += &lines(&wall.format("%a %b %e %H:%M:%S %Y Info:").to_string(), u32::from(id));
        sessions.push(wire(&at.to_string(), id));
    }
    (text, sessions)
}

#[test]
fn a_close_call_is_refused_and_names_the_runner_up() {
    let (text, sessions) = minutes(1..11, |id| if id % 3 == 0 { 3600 } else { 7200 });
    let log = read(&[&text]);
    let clocks = Clocks::read(&log, &sessions, None);
    let reading = &clocks.readings()[0];
    assert_eq!(offsets(reading), [None]);
    let (ahead, votes) = reading.runner_up.unwrap();
    assert_eq!((ahead.round(), votes), (3600.0, 3));
    assert!(
        reading.explanation.contains("too close to call: 7 pairs are for UTC+0200"),
        "{}",
        reading.explanation
    );
}

#[test]
fn a_clock_set_in_the_middle_is_found_at_its_line() {
    let (text, sessions) = minutes(1..21, |id| if id > 10 { 3600 - 300 } else { 3600 });
    let set = head("Thu Aug 14 13:00:00 2014 Info:", "A", 3600)
        + "Thu Aug 14 13:05:30 2014 Info: The system time was changed from Thu, 14 Aug 2014 13:10:30 to Thu, 14 Aug \
           2014 13:05:30 using information from 192.0.2.123\n";
    let told = head("Thu Aug 14 13:00:00 2014 Info:", "A", 3600) + &text;
    let log = read(&[&told, &set]);
    let clocks = Clocks::read(&log, &sessions, None);
    let reading = &clocks.readings()[0];
    let skews: Vec<_> = reading.segments.iter().map(|segment| segment.skew.map(f64::round)).collect();
    assert_eq!(skews, [Some(0.0), Some(-300.0)]);
    assert_eq!(reading.segments[1].from_line, 3 + 10 * 5 + 1);
    assert!(
        reading.explanation.contains("The clock is set back by 5 min 0 s at line 54, as line 4"),
        "{}",
        reading.explanation
    );
    assert!(reading.examples.len() >= 3 && reading.pairs == 20, "{reading:?}");
}

#[test]
fn two_appliances_have_two_clocks() {
    let (one, mut sessions) = minutes(1..6, |_| 3600 + 40);
    let (other, more) = minutes(6..11, |_| -18_000 - 20);
    sessions.extend(more);
    let one = head("Thu Aug 14 13:00:00 2014 Info:", "A", 3600) + &one;
    let other = head("Thu Aug 14 07:00:00 2014 Info:", "B", -18_000) + &other;
    let log = read(&[&one, &other]);
    let clocks = Clocks::read(&log, &sessions, None);
    let mut skews: Vec<_> = clocks.readings().iter().map(|r| r.segments[0].skew.map(f64::round)).collect();
    skews.sort_by(|a, b| a.partial_cmp(b).unwrap());
    assert_eq!(skews, [Some(-20.0), Some(40.0)]);
}

#[test]
fn a_rotation_does_not_cut_the_course() {
    let (first, mut sessions) = minutes(1..6, |_| 3600 + 40);
    let (second, more) = minutes(6..8, |_| 3600 + 40);
    sessions.extend(more);
    let first = head("Thu Aug 14 13:00:00 2014 Info:", "A", 3600) + &first;
    let second = head("Thu Aug 14 13:06:30 2014 Info:", "A", 3600) + &second;
    let log = read(&[&second, &first]);
    let clocks = Clocks::read(&log, &sessions, None);
    assert!(
        clocks.readings().iter().all(|r| r.segments[0].skew.map(f64::round) == Some(40.0)),
        "{:?}",
        clocks.readings()
    );
}

/// The capture is of another machine, as told it lies wholly beside the log: retries would look so, but
/// an accepted message has none.
#[test]
fn minutes_of_skew_beside_a_short_capture_rest_on_accepted_messages() {
    let (text, mut sessions) = minutes(1..5, |_| 3600 - 1000);
    let told = head("Thu Aug 14 12:40:00 2014 Info:", "A", 3600) + &text;
    let log = read(&[&told]);
    let clocks = Clocks::read(&log, &sessions, None);
    assert_eq!(clocks.readings()[0].segments[0].skew, None);
    assert!(clocks.readings()[0].explanation.contains("retries of aborted messages"));
    let mut log = log;
    for connection in &mut log.connections {
        let message = &mut connection.messages[0];
        message.ready = message.started.map(|at| (100, at));
    }
    for session in &mut sessions {
        let transaction = &mut session.dialog.transactions[0];
        let at = transaction.mail_reply.unwrap().1;
        transaction.outcome = crate::smtp::Outcome::Completed { at };
    }
    let clocks = Clocks::read(&log, &sessions, None);
    assert_eq!(clocks.readings()[0].segments[0].skew.map(f64::round), Some(-1000.0));
}
