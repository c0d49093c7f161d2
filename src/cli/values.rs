//! Single values of arguments: from what was typed to what it means, with an error that says what to
//! type instead.

use std::net::IpAddr;

use mailwitness::investigate::Zone;
use mailwitness::maillog::trace::{Id, Wanted};
use mailwitness::text::Text;
use mailwitness::time::{LogTime, Span, Timestamp, UtcOffset};

use super::zone_names;

/// The longest silence or timer that is taken for meant.
const MAX_DURATION_SECONDS: f64 = 7.0 * 86_400.0;

/// An envelope address or Message-ID without its brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address(pub(crate) Text);

/// An IP address, also in brackets.
pub(crate) fn ip_address(typed: &str) -> Result<IpAddr, String> {
    let bare = typed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(typed);
    bare.parse().map_err(|_| "not an IP address (host names are not looked up)".to_owned())
}

/// `A=B`, two IP addresses.
pub(crate) fn address_pair(typed: &str) -> Result<(IpAddr, IpAddr), String> {
    let (logged, captured) =
        typed.split_once('=').ok_or("write it as LOGGED=CAPTURED, for instance 10.0.0.25=198.51.100.25")?;
    Ok((ip_address(logged)?, ip_address(captured)?))
}

/// An address or Message-ID, with or without angle brackets.
pub(crate) fn mail_address(typed: &str) -> Result<Address, String> {
    let typed = typed.trim();
    let bare = typed.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(typed);
    if typed.is_empty() {
        return Err("empty; write <> for the empty sender".to_owned());
    }
    Ok(Address(Text::from(bare)))
}

/// `MID:1404`, `ICID:10293`, `DCID:8`, or a number alone; a space or nothing does for the colon.
pub(crate) fn log_id(typed: &str) -> Result<Wanted, String> {
    const HINT: &str = "write MID:1404, ICID:10293, DCID:8, or a number alone";
    let typed = typed.trim();
    let digits = typed.trim_start_matches(|c: char| c.is_ascii_alphabetic() || matches!(c, ':' | ' '));
    let (word, number) = typed.split_at(typed.len() - digits.len());
    let plain = !number.is_empty() && number.bytes().all(|octet| octet.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| plain).ok_or(HINT)?;
    let word = word.trim_end_matches([':', ' ']);
    match word.to_ascii_uppercase().as_str() {
        "" if digits.len() == typed.len() => Ok(Wanted::Number(number)),
        "MID" => Ok(Wanted::Id(Id::Mid(number))),
        // 0 is no connection: the log writes it for messages of the appliance's own.
        "ICID" if number > 0 => Ok(Wanted::Id(Id::Icid(number))),
        "DCID" if number > 0 => Ok(Wanted::Id(Id::Dcid(number))),
        _ => Err(HINT.to_owned()),
    }
}

/// A positive number of seconds.
pub(crate) fn duration(typed: &str) -> Result<Span, String> {
    let number = typed.strip_suffix('s').unwrap_or(typed).trim_end();
    let seconds: f64 = number.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if !(seconds > 0.0 && seconds <= MAX_DURATION_SECONDS) {
        return Err("must be more than 0 and at most 604800 (a week)".to_owned());
    }
    Ok(Span::from_millis((seconds * 1000.0).round().max(1.0) as i64))
}

/// A time, from its first instant on.
pub(crate) fn since(typed: &str) -> Result<Timestamp, String> {
    instants(typed).map(|(first, _)| first)
}

/// A time, up to its last instant: a day counts whole, so does a minute or a second.
pub(crate) fn until(typed: &str) -> Result<Timestamp, String> {
    instants(typed).map(|(_, last)| last)
}

/// The zone of a log.
pub(crate) fn zone(typed: &str) -> Result<Zone, String> {
    let typed = typed.trim();
    if matches!(typed, "Z" | "z") {
        return Ok(Zone::Fixed(UtcOffset::default()));
    }
    if typed.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '\u{2212}')) {
        return offset(typed).map(Zone::Fixed);
    }
    zone_names::find(typed).map(Zone::Named)
}

const OFFSET_HINT: &str =
    "write an offset as +HHMM or -06:00, or in seconds as -21600s; the sign is that of local time minus UTC";

/// `+0200`, `-06:00`, `+02`, `-060000`, `-21600s`, `3600 seconds`, `10800`.
///
/// A sign and up to four digits are hours and minutes, as everywhere; seconds, as in the log's own
/// head line, need their unit, or five digits.
fn offset(typed: &str) -> Result<UtcOffset, String> {
    let (sign, digits) = match typed.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (-1, rest),
        None => (1, typed.strip_prefix('+').unwrap_or(typed)),
    };
    let signed = typed.len() != digits.len();
    let without_unit = ["seconds", "sec", "s"].iter().find_map(|unit| digits.strip_suffix(unit));
    let seconds = match without_unit {
        Some(number) => number_of(number.trim_end()),
        None => match (digits.split_once(':'), digits.len(), signed) {
            (Some((hours, minutes)), _, true) if minutes.len() == 2 => hours_and_minutes(hours, minutes, "0"),
            (None, 1 | 2, true) => hours_and_minutes(digits, "0", "0"),
            (None, 4, true) => hours_and_minutes(part(digits, 0..2), part(digits, 2..4), "0"),
            (None, 6, true) => hours_and_minutes(part(digits, 0..2), part(digits, 2..4), part(digits, 4..6)),
            (None, 5, _) => number_of(digits),
            (None, 1, false) if digits == "0" => Some(0),
            _ => None,
        },
    };
    seconds.and_then(|seconds| UtcOffset::from_seconds(sign * seconds)).ok_or_else(|| OFFSET_HINT.to_owned())
}

fn hours_and_minutes(hours: &str, minutes: &str, seconds: &str) -> Option<i32> {
    let below_sixty = |text: &str| number_of(text).filter(|number| *number < 60);
    Some(number_of(hours)? * 3600 + below_sixty(minutes)? * 60 + below_sixty(seconds)?)
}

/// A number of at most five digits: no sign, no overflow.
fn number_of(digits: &str) -> Option<i32> {
    let plain = !digits.is_empty() && digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

fn part(text: &str, range: std::ops::Range<usize>) -> &str {
    text.get(range).unwrap_or_default()
}

const TIME_HINT: &str = "write RFC 3339 (2014-08-14T13:08:49+02:00), or YYYY-MM-DD[THH:MM[:SS]] for UTC";

/// The first and the last instant of what was typed.
fn instants(typed: &str) -> Result<(Timestamp, Timestamp), String> {
    let typed = typed.trim();
    if let Some(time) = Timestamp::parse_rfc3339(typed) {
        let length = if typed.contains('.') { Span::from_nanos(1) } else { Span::from_seconds(1) };
        return Ok((time, last_of(time, length)));
    }
    let (day, clock) =
        typed.split_once(['T', 't', ' ']).map_or((typed, None), |(day, clock)| (day, Some(clock)));
    let (first, length) = utc(day, clock).ok_or(TIME_HINT)?;
    Ok((first, last_of(first, length)))
}

fn utc(day: &str, clock: Option<&str>) -> Option<(Timestamp, Span)> {
    let mut date = day.split('-');
    let (year, month, day) = (digits(date.next()?, 4)?, digits(date.next()?, 2)?, digits(date.next()?, 2)?);
    let mut time = clock.unwrap_or("00:00:00").split(':');
    let (hour, minute) = (digits(time.next()?, 2)?, digits(time.next()?, 2)?);
    let (second, length) = match (clock, time.next()) {
        (None, _) => (0, Span::from_seconds(86_400)),
        (Some(_), None) => (0, Span::from_seconds(60)),
        (Some(_), Some(second)) => (digits(second, 2)?, Span::from_seconds(1)),
    };
    if date.next().is_some() || time.next().is_some() || second > 59 {
        return None;
    }
    let wall = LogTime::new(i32::try_from(year).ok(), month, day, hour, minute, second)?;
    Some((wall.at(UtcOffset::default())?, length))
}

fn digits(text: &str, count: usize) -> Option<u32> {
    let plain = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn last_of(first: Timestamp, length: Span) -> Timestamp {
    first.plus(length).minus(Span::from_nanos(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_as_people_write_them() {
        let rows = [
            ("+0200", Some(7200)),
            ("-0600", Some(-21_600)),
            ("-06:00", Some(-21_600)),
            ("+5:30", Some(19_800)),
            ("+02", Some(7200)),
            ("-6", Some(-21_600)),
            ("\u{2212}0600", Some(-21_600)),
            ("-21600", Some(-21_600)),
            ("10800", Some(10_800)),
            ("-3600s", Some(-3600)),
            ("3600 seconds", Some(3600)),
            ("0", Some(0)),
            ("0 seconds", Some(0)),
            ("Z", Some(0)),
            ("+013015", Some(5415)),
            // Not hours and minutes, and seconds only with their unit.
            ("+3600", None),
            ("3600", None),
            ("0200", None),
            ("2", None),
            ("+0260", None),
            ("+1600", None),
            ("+", None),
            ("+-200", None),
            ("+02:0", None),
            ("+99999999999999999999s", None),
            ("+é0", None),
        ];
        for (typed, expected) in rows {
            let found = zone(typed).ok().map(|zone| match zone {
                Zone::Fixed(offset) => offset.seconds(),
                Zone::Named(name) => panic!("{typed} became {name}"),
            });
            assert_eq!(found, expected, "{typed}");
        }
    }

    #[test]
    fn zones_by_name() {
        assert_eq!(zone("Europe/Berlin"), Ok(Zone::Named(chrono_tz::Europe::Berlin)));
        assert_eq!(zone("UTC"), Ok(Zone::Named(chrono_tz::UTC)));
    }

    #[test]
    fn a_period_counts_to_the_end_of_what_was_written() {
        let rows = [
            ("2014-08-14", "2014-08-14T00:00:00.000000Z", "2014-08-14T23:59:59.999999999Z"),
            ("2014-08-14T13:08", "2014-08-14T13:08:00.000000Z", "2014-08-14T13:08:59.999999999Z"),
            ("2014-08-14 13:08:49", "2014-08-14T13:08:49.000000Z", "2014-08-14T13:08:49.999999999Z"),
            ("2014-08-14T13:08:49Z", "2014-08-14T13:08:49.000000Z", "2014-08-14T13:08:49.999999999Z"),
            ("2014-08-14T15:08:49.5+02:00", "2014-08-14T13:08:49.500000Z", "2014-08-14T13:08:49.500000Z"),
        ];
        for (typed, first, last) in rows {
            assert_eq!(since(typed).unwrap().to_string(), first, "{typed}");
            assert_eq!(until(typed).unwrap().to_string(), last, "{typed}");
        }
        for wrong in
            ["", "today", "2014-02-30", "2014-8-14", "2014-08-14T25:00", "2014-08-14T1:00", "14.08.2014"]
        {
            assert!(since(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ids_of_the_log() {
        for (typed, expected) in [
            ("MID:1404", Some(Wanted::Id(Id::Mid(1404)))),
            ("mid 1404", Some(Wanted::Id(Id::Mid(1404)))),
            ("ICID:10293", Some(Wanted::Id(Id::Icid(10_293)))),
            ("DCID8", Some(Wanted::Id(Id::Dcid(8)))),
            (" 1404 ", Some(Wanted::Number(1404))),
            ("ICID:0", None),
            ("RCID:8", None),
            ("MID:", None),
            ("MID:-1", None),
            (":8", None),
            ("8x", None),
            ("99999999999999999999", None),
            ("", None),
        ] {
            assert_eq!(log_id(typed).ok(), expected, "{typed}");
        }
    }

    #[test]
    fn durations_are_positive_and_bounded() {
        assert_eq!(duration("60"), Ok(Span::from_seconds(60)));
        assert_eq!(duration("0.5s"), Ok(Span::from_millis(500)));
        for wrong in ["0", "-1", "NaN", "inf", "1e9", "sixty", ""] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_lose_their_brackets() {
        assert_eq!(mail_address("<a@b>"), Ok(Address(Text::from("a@b"))));
        assert_eq!(mail_address("<>"), Ok(Address(Text::default())));
        assert!(mail_address("").is_err());
        assert_eq!(ip_address("[2001:db8::1]"), "2001:db8::1".parse().map_err(|_| String::new()));
        assert!(address_pair("10.0.0.1").is_err());
        assert!(address_pair("10.0.0.1=host").is_err());
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_is_typed_panics(typed in "[-+:.0-9TZsa-z /é\u{2212}]{0,24}") {
            let _ = (zone(&typed), since(&typed), until(&typed), duration(&typed), log_id(&typed));
            let _ = (ip_address(&typed), address_pair(&typed), mail_address(&typed));
        }

        #[test]
        fn every_offset_that_is_shown_can_be_typed(seconds in -54_000i32..=54_000) {
            let offset = UtcOffset::from_seconds(seconds).unwrap();
            proptest::prop_assert_eq!(zone(&offset.to_string()), Ok(Zone::Fixed(offset)));
        }
    }
}
