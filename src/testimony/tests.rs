//! One direction against octets of the wire: equal, changed, missing, with gaps, in the dark.

use std::io::Cursor;

use super::compare::Comparison;
use super::*;
use crate::cite::{CaptureId, FrameRef, LogId, Moment};
use crate::maillog::conversation::{Conversation, Direction, Unsure};
use crate::maillog::{LogInput, ReadOptions, read_logs};
use crate::time::Timestamp;

fn conversation(lines: &[&str]) -> Conversation {
    let text: String =
        lines.iter().map(|line| format!("Mon Mar  9 10:00:00 2026 Info: 5 {line}\n")).collect();
    let input = LogInput { id: LogId(0), reader: Box::new(Cursor::new(text.into_bytes())) };
    read_logs(vec![input], ReadOptions::default()).conversations.remove(0)
}

fn received(octets: &[&str]) -> Conversation {
    let lines: Vec<String> =
        octets.iter().map(|said| format!("Rcvd from '192.0.2.1': '{}'", said.escape_default())).collect();
    conversation(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

fn at(frame: u32) -> Moment {
    Moment { time: Timestamp::default(), frame: FrameRef { capture: CaptureId(0), frame } }
}

/// The client's octets against `wire`, in pieces of so many octets, each in a frame of its own.
fn against(conversation: &Conversation, wire: &[u8], piece: usize) -> Account {
    let mut comparison = Comparison::new(conversation, Direction::Received, None, true);
    for (index, bytes) in wire.chunks(piece).enumerate() {
        comparison.octets((index * piece) as u64, bytes, at(index as u32 + 1));
    }
    comparison.finish()
}

const SAID: [&str; 4] =
    ["EHLO a.example.net\r\n", "MAIL FROM:<a@example.net>\r\n", "RCPT TO:<b@example.com>\r\n", "QUIT\r\n"];

#[test]
fn equal_octets_agree_however_they_are_cut() {
    let conversation = received(&SAID);
    let wire = SAID.concat();
    for piece in 1..wire.len() {
        let account = against(&conversation, wire.as_bytes(), piece);
        assert!(account.agrees() && account.stopped.is_none(), "{account:?}");
        assert_eq!((account.equal, account.in_log), (wire.len() as u64, wire.len() as u64));
    }
}

#[test]
fn the_first_difference_is_told_with_frame_line_and_both_readings() {
    let conversation = received(&SAID);
    let wire = SAID.concat();
    let place = wire.find("b@ex").unwrap();
    let told = |wire: String, change: Change, log_reads: &str, wire_reads: &str| {
        for piece in [1, 7, 1000] {
            let account = against(&conversation, wire.as_bytes(), piece);
            let difference = account.difference.unwrap();
            let frame = (place / piece) as u32 + 1;
            assert_eq!((difference.offset, difference.change), (place as u64, change), "{piece}");
            assert_eq!((difference.at.frame.frame, difference.line.unwrap().line), (frame, 3));
            let readings = difference.readings.unwrap();
            assert_eq!(readings.before.as_str(), Some("RCPT TO:<"));
            assert_eq!(readings.log.as_str(), Some(log_reads));
            assert_eq!(readings.wire.as_str(), Some(wire_reads));
        }
    };
    let log = "b@example.com>\r\n";
    told(wire.replacen("b@ex", "c@ex", 1), Change::Changed(1), log, "c@example.com>\r\n");
    told(wire.replacen("b@ex", "XXb@ex", 1), Change::OnlyOnWire(2), log, "XXb@example.com>\r\n");
    told(wire.replacen("b@ex", "@ex", 1), Change::OnlyInLog(1), log, "@example.com>\r\n");
    told(wire.replacen("b@example.com>", "c", 1), Change::Unclear, log, "c\r\n");
    // Close to the end, where little follows that could agree.
    let account = against(&conversation, wire.replace("QUIT", "QUXT").as_bytes(), 1000);
    assert_eq!(account.difference.unwrap().change, Change::Changed(1));
}

#[test]
fn what_one_side_has_more_at_its_end_is_no_difference() {
    let conversation = received(&SAID);
    let wire = SAID.concat();
    let account = against(&conversation, format!("{wire}NOOP\r\n").as_bytes(), 50);
    let rest = account.only_on_wire.unwrap();
    assert_eq!((rest.octets, rest.offset, rest.at.unwrap().frame.frame), (6, wire.len() as u64, 2));
    assert!(account.difference.is_none() && account.only_in_log.is_none() && !account.agrees());
    let account = against(&conversation, &wire.as_bytes()[..wire.len() - 6], 50);
    let rest = account.only_in_log.unwrap();
    assert_eq!((rest.octets, rest.at, rest.line.unwrap().line), (6, None, 4));
    assert!(account.difference.is_none() && !account.agrees());
}

#[test]
fn gaps_stay_gaps() {
    let conversation = received(&SAID);
    let wire = SAID.concat();
    let mut comparison = Comparison::new(&conversation, Direction::Received, None, true);
    comparison.octets(0, &wire.as_bytes()[..10], at(1));
    comparison.gap(10, 30, at(2));
    comparison.octets(40, &wire.as_bytes()[40..], at(2));
    let account = comparison.finish();
    assert_eq!((account.in_gaps, account.equal), (30, wire.len() as u64 - 30));
    assert_eq!(account.first_gap, Some((10, 30, at(2))));
    assert!(account.agrees());
}

#[test]
fn a_capture_that_begins_in_the_midst_is_aligned_by_content() {
    let conversation = received(&SAID);
    let wire = SAID.concat();
    let mut comparison = Comparison::new(&conversation, Direction::Received, None, false);
    comparison.octets(0, &wire.as_bytes()[20..], at(1));
    let account = comparison.finish();
    assert_eq!((account.before_capture, account.equal), (20, wire.len() as u64 - 20));
    assert!(account.agrees() && account.stopped.is_none());
    let mut comparison = Comparison::new(&conversation, Direction::Received, None, false);
    comparison.octets(0, b"something quite different\r\n", at(1));
    let account = comparison.finish();
    assert_eq!((account.stopped, account.difference), (Some(Stopped::NotAligned), None));
}

#[test]
fn from_starttls_on_the_wire_is_dark() {
    let conversation = conversation(&[
        r"Rcvd from '192.0.2.1': 'STARTTLS\r\n'",
        r"Sent to '192.0.2.1': '220 go\r\n'",
        r"Rcvd from '192.0.2.1': 'QUIT\r\n'",
    ]);
    let dark = conversation.dark_from.map(|(_, received)| received);
    assert_eq!(dark, Some(10));
    let mut comparison = Comparison::new(&conversation, Direction::Received, dark, true);
    comparison.octets(0, b"STARTTLS\r\n\x16\x03\x01", at(1));
    let account = comparison.finish();
    assert_eq!((account.stopped, account.equal), (Some(Stopped::Encrypted), 10));
    assert!(account.agrees());
}

#[test]
fn credentials_are_passed_over_and_never_shown() {
    let conversation = conversation(&[
        r"Rcvd from '192.0.2.1': 'AUTH PLAIN AGEAYg==\r\n'",
        r"Sent to '192.0.2.1': '235 ok\r\n'",
        r"Rcvd from '192.0.2.1': 'QUIT\r\n'",
    ]);
    let account = against(&conversation, b"AUTH PLAIN XXXXXXXX\r\nQUIT\r\n", 5);
    assert_eq!((account.hidden, account.agrees()), (8, true));
    for wire in ["AUTH PLAIN SECRET\r\nQUIT\r\n", "AUTH LOGIN SECRETS!\r\nQUIT\r\n", "SECRETSSECRET\r\n"] {
        let account = against(&conversation, wire.as_bytes(), 5);
        let difference = account.difference.unwrap();
        assert_eq!(difference.readings, None, "{wire}");
    }
}

/// Beyond what memory allows a digest tells the piece that differs.
#[test]
fn octets_that_are_not_kept_are_compared_by_their_digests() {
    let mut conversation = received(&SAID);
    conversation.received.octets.truncate(SAID[0].len());
    let wire = SAID.concat();
    for piece in [1, 9, 1000] {
        assert!(against(&conversation, wire.as_bytes(), piece).agrees(), "{piece}");
        let account = against(&conversation, wire.replace("b@ex", "c@ex").as_bytes(), piece);
        let difference = account.difference.unwrap();
        assert_eq!(difference.change, Change::Within(SAID[2].len() as u64));
        assert_eq!(difference.offset, (SAID[0].len() + SAID[1].len()) as u64);
    }
}

#[test]
fn a_cut_line_ends_the_comparison() {
    let conversation =
        conversation(&[r"Rcvd from '192.0.2.1': 'EHLO a", r"Rcvd from '192.0.2.1': 'QUIT\r\n'"]);
    let account = against(&conversation, b"EHLO a.example.net\r\nQUIT\r\n", 5);
    assert_eq!((account.equal, account.stopped), (6, Some(Stopped::Unsure(Unsure::Cut))));
    assert!(account.agrees());
}

/// What bears no id is taken for a connection's as long as the wire agrees, and blames nobody.
#[test]
fn lines_without_an_id_prove_no_difference() {
    let text = "Mon Mar  9 10:00:00 2026 Info: 5 Rcvd from '192.0.2.1': 'EHLO a\\r\\n'\n\
                Mon Mar  9 10:00:01 2026 Info: Rcvd from '192.0.2.1': 'QUIT\\r\\n'\n\
                Mon Mar  9 10:00:02 2026 Info: 6 Rcvd from '192.0.2.1': 'RSET\\r\\n'\n";
    let input = LogInput { id: LogId(0), reader: Box::new(Cursor::new(text.as_bytes())) };
    let log = read_logs(vec![input], ReadOptions::default());
    let [first, second] = &log.conversations[..] else { panic!("{:?}", log.conversations) };
    let account = against(first, b"EHLO a\r\nQUIT\r\n", 3);
    assert!(account.agrees() && account.stopped.is_none(), "{account:?}");
    let unsure = Some(Stopped::Unsure(Unsure::WithoutId));
    for wire in [&b"EHLO a\r\nRSET\r\n"[..], b"EHLO a\r\n"] {
        let account = against(first, wire, 3);
        assert_eq!((account.agrees(), account.stopped), (true, unsure));
    }
    assert!(!against(first, b"EHLO b\r\nQUIT\r\n", 3).agrees(), "the line with the id is its own");
    assert_eq!(against(second, b"EHLO b\r\nRSET\r\n", 3).stopped, unsure, "its first line may be missing");
}
