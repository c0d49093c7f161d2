use super::*;

#[test]
fn a_head_line_of_minus_six_hours_moves_the_log_forward() {
    let stamp = LogTime::new(Some(2014), 11, 19, 9, 16, 46).unwrap();
    let offset = UtcOffset::from_seconds(-21_600).unwrap();
    assert_eq!(stamp.at(offset).unwrap().to_string(), "2014-11-19T15:16:46.000000Z");
    assert_eq!(offset.to_string(), "-0600");
}

#[test]
fn a_stamp_without_a_year_has_no_instant() {
    let stamp = LogTime::new(None, 2, 29, 1, 2, 3).unwrap();
    assert_eq!(stamp.at(UtcOffset::default()), None);
    assert_eq!(stamp.to_string(), "--02-29T01:02:03");
    assert_eq!(stamp.with_year(2023), None);
    assert!(stamp.with_year(2024).unwrap().at(UtcOffset::default()).is_some());
}

#[test]
fn stamps_without_a_year_are_in_order_over_new_year() {
    let december = LogTime::new(None, 12, 31, 23, 59, 59).unwrap();
    let january = LogTime::new(None, 1, 1, 0, 0, 0).unwrap().turned(1).unwrap();
    assert_eq!(january.wall_seconds() - december.wall_seconds(), 1);
    assert_eq!(january.to_string(), "--01-01T00:00:00");
    assert_eq!(january.with_year(2025).unwrap().to_string(), "2026-01-01T00:00:00");
    assert_eq!(LogTime::new(Some(2025), 1, 1, 0, 0, 0).unwrap().turned(1), None);
    let leap = LogTime::new(None, 2, 29, 9, 0, 0).unwrap().turned(1).unwrap();
    assert!(leap > january && leap.is_leap_day() && leap.turned(1) == Some(leap));
    assert_eq!(leap.to_string(), "--02-29T09:00:00");
    assert_eq!(leap.with_year(2023).unwrap().to_string(), "2024-02-29T09:00:00");
    assert_eq!(leap.with_year(2024), None);
}

#[test]
fn nanoseconds_are_shown_only_where_there_are_any() {
    assert_eq!(Timestamp::from_nanos(1).to_string(), "1970-01-01T00:00:00.000000001Z");
    assert_eq!(Timestamp::from_nanos(-1_000).to_string(), "1969-12-31T23:59:59.999999Z");
}

#[test]
fn spans_read_like_speech() {
    assert_eq!(Span::from_millis(250).to_string(), "0.250 s");
    assert_eq!(Span::from_seconds(300).to_string(), "5 min 0 s");
    assert_eq!(Span::from_seconds(-61).to_string(), "-61 s");
}
