//! What the list of sessions looks like, as JSON and as text.

use unicode_width::UnicodeWidthStr as _;

use super::samples::{all, fin_after_rcpt, odd, two_transactions};
use super::{Detail, SessionRecord, SessionTable};
use crate::report::columns::Breadth;
use crate::smtp::{Ending, Session};

fn json(sample: &(Session, Ending)) -> serde_json::Value {
    let captures = ["wire.pcap".to_owned()];
    serde_json::to_value(SessionRecord::new(&sample.0, &sample.1, captures.as_slice(), Detail::Connection))
        .unwrap()
}

fn table(breadth: Breadth, colour: bool, detail: Detail) -> String {
    let captures = ["wire.pcap".to_owned()];
    let mut table = SessionTable::new(breadth, colour);
    all()
        .iter()
        .map(|(session, ending)| table.row(&SessionRecord::new(session, ending, captures.as_slice(), detail)))
        .collect()
}

#[test]
fn a_record_has_what_was_asked_for() {
    let record = json(&fin_after_rcpt());
    assert_eq!(record["capture"], "wire.pcap");
    assert_eq!(record["client"], "192.0.2.10:34476");
    assert_eq!(record["conn_state"], "SF");
    assert_eq!(record["commands"], serde_json::json!(["EHLO", "MAIL", "RCPT", "RCPT", "RCPT"]));
    assert_eq!(record["mail_from"], serde_json::json!(["anna@example.net"]));
    assert_eq!(
        record["rcpt_to"],
        serde_json::json!(["bert@example.com", {"bytes": "/0BleGFtcGxlLmNvbQ=="}, "cora@example.com"])
    );
    assert_eq!(record["first_close"]["kind"], "fin");
    assert_eq!(record["first_close"]["by"], "client");
    assert_eq!(record["first_close"]["frame"], 16);
    assert_eq!(record["ending"]["kind"], "fin");
    assert_eq!(record["ending"]["stage"], "rcpt");
    assert_eq!(record["ending"]["waited_seconds"], 2.0);
    assert_eq!(record["transactions"][0]["outcome"], "open");
    assert_eq!(record["transactions"][0]["rcpt_to"][1]["code"], 550);
    assert_eq!(record["quit"], false);
}

#[test]
fn transactions_tell_how_each_ended() {
    let record = json(&two_transactions());
    assert_eq!(record["quit"], true);
    assert_eq!(record["transactions"][0]["outcome"], "completed");
    assert_eq!(record["transactions"][0]["code"], 250);
    assert_eq!(record["transactions"][0]["message_id"], "<1@example.net>");
    assert_eq!(record["transactions"][1]["outcome"], "abandoned");
    assert_eq!(record["transactions"][1]["abandoned_by"], "RSET");
}

#[test]
fn odd_sessions_keep_their_oddities() {
    let record = json(&odd());
    assert_eq!(record["commands"][1], "?\\x1b[31m\\xff");
    assert_eq!(record["starttls"], true);
    assert_eq!(record["tls"], "start_tls");
    assert_eq!(record["ending"]["turn"], "path");
    assert_eq!(record["gaps"][0]["acknowledged"], true);
}

#[test]
fn a_narrow_list() {
    insta::assert_snapshot!(table(Breadth::Narrow, false, Detail::Connection));
}

#[test]
fn a_wide_list() {
    insta::assert_snapshot!(table(Breadth::Wide, false, Detail::Connection));
}

#[test]
fn lists_are_no_wider_than_they_say() {
    for (breadth, columns) in [(Breadth::Narrow, 80), (Breadth::Wide, 120)] {
        for line in table(breadth, false, Detail::Exchanges).lines() {
            assert!(line.width() <= columns, "{line}");
        }
    }
}

#[test]
fn a_list_with_every_word() {
    insta::assert_snapshot!(table(Breadth::Narrow, false, Detail::Exchanges));
}

/// Colour is put round the words and changes none.
#[test]
fn colour_adds_nothing() {
    for breadth in [Breadth::Narrow, Breadth::Wide] {
        let coloured = table(breadth, true, Detail::Exchanges);
        assert!(coloured.contains("\u{1b}[31m"), "{coloured}");
        let plain = anstream::adapter::strip_str(&coloured).to_string();
        assert_eq!(plain, table(breadth, false, Detail::Exchanges));
    }
}
