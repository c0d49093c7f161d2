//! What the list of messages looks like, as JSON and as text.

use unicode_width::UnicodeWidthStr as _;

use super::samples::{connection, log, message, records, stamp};
use super::{MessageOutcome, MessageTable};
use crate::maillog::{AbortReason, Connection, Lost, MailLog, Message};
use crate::report::columns::Breadth;

fn table(breadth: Breadth) -> String {
    let mut table = MessageTable::new(breadth);
    records(&log(), |record| table.row(&record)).concat()
}

#[test]
fn every_ending_has_its_word() {
    let found = records(&log(), |record| (record.mid, record.icid, record.outcome));
    use MessageOutcome::*;
    let expected = [
        (Some(1404), Some(10_293), Aborted),
        (Some(2), Some(10_293), Accepted),
        (Some(3), Some(10_293), Aborted),
        (Some(4), Some(10_293), EndedByPolicy),
        (Some(5), Some(10_293), Accepted),
        (Some(6), Some(10_293), Unfinished),
        (None, Some(10_295), TimedOut),
        (None, Some(10_296), ReceivingFailed),
        (None, Some(10_297), Killed),
        (None, Some(10_298), Refused),
        (None, Some(10_299), Lost),
        (None, Some(10_300), Closed),
        (None, Some(10_301), Open),
        (None, Some(u64::MAX), Closed),
        (Some(1_558_778), None, Aborted),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_record_has_what_was_asked_for() {
    let record = records(&log(), |record| serde_json::to_value(record).unwrap()).remove(0);
    assert_eq!(record["serial"], "000F1F6ACFA6-2Y5SQ41");
    assert_eq!(record["remote"], "192.0.2.10");
    assert_eq!(record["reason"], "Receiving aborted");
    assert_eq!(record["lost"], "yes");
    assert_eq!(record["started_at"], "2014-08-14T11:00:10.000000Z");
    assert_eq!(record["ended_at"], "2014-08-14T11:00:13.000000Z");
    assert_eq!(record["size"], serde_json::Value::Null);
    assert_eq!(record["lines"][0], serde_json::json!({"file": "mail.current", "line": 10}));
}

/// `lost` is known only where lines of the connection that name no message stand from the end on.
#[test]
fn whether_it_was_lost_is_not_guessed() {
    for (lost, last_without_mid, expected) in [
        (Some(stamp(13)), Some(stamp(14)), Lost::Yes),
        (Some(stamp(20)), None, Lost::Yes),
        (None, Some(stamp(14)), Lost::No),
        (None, Some(stamp(12)), Lost::Unknown),
        (None, None, Lost::Unknown),
    ] {
        let message = Message { aborted: Some((AbortReason::ReceivingAborted, stamp(13))), ..message(1, 10) };
        let connection = Connection { lost, last_without_mid, messages: vec![message], ..connection(1, 9) };
        let log = MailLog { connections: vec![connection], ..MailLog::default() };
        assert_eq!(records(&log, |record| record.lost), [expected], "{lost:?} {last_without_mid:?}");
    }
}

#[test]
fn a_narrow_list() {
    insta::assert_snapshot!(table(Breadth::Narrow));
}

#[test]
fn a_wide_list() {
    insta::assert_snapshot!(table(Breadth::Wide));
}

#[test]
fn lists_are_no_wider_than_they_say() {
    for (breadth, columns) in [(Breadth::Narrow, 80), (Breadth::Wide, 120)] {
        for line in table(breadth).lines() {
            assert!(line.width() <= columns, "{line}");
        }
    }
}
