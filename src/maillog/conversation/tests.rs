//! Conversations out of mixed, cut, repeated and hostile lines.

use super::collect::{Bounds, MAX_CONVERSATIONS};
use super::*;
use crate::cite::{LogId, Notes};
use crate::maillog::tests::{read_text, read_texts};
use crate::maillog::{ClockIndex, LogKind, MailLog};
use crate::time::LogTime;

fn text(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("Mon Mar  9 10:00:00 2026 Info: {line}\n")).collect()
}

fn notes(log: &MailLog) -> u64 {
    log.files.iter().flat_map(|file| file.notes.iter()).map(|note| note.count).sum()
}

fn said(conversation: &Conversation, direction: Direction) -> String {
    String::from_utf8(conversation.stream(direction).octets.clone()).unwrap()
}

/// ESA-LOGS section 10: sessions are mixed, and an id may be missing.
#[test]
fn sessions_are_told_apart() {
    let log = read_text(&text(&[
        "Begin Logfile",
        r"31 Sent to '192.0.2.1': '220 mx.example.com ESMTP\015\012'",
        r"Sent to '192.0.2.2': '220 mx.example.com ESMTP\015\012'",
        r"31 Rcvd from '192.0.2.1': 'EHLO a\015\012'",
        r"32 Rcvd from '192.0.2.2': 'EHLO b\r\n'",
        r"Rcvd from '192.0.2.2': 'QUIT\r\n'",
        r"8 Sent: 'MAIL FROM:<a@example.com>'",
        r"8 Rcvd: '250 OK'",
    ]));
    let all = &log.conversations;
    let ids: Vec<_> = all.iter().map(|one| (one.leg, one.id)).collect();
    assert_eq!(ids, [(Leg::Injection, Some(31)), (Leg::Injection, Some(32)), (Leg::Delivery, Some(8))]);
    assert_eq!(said(&all[0], Direction::Received), "EHLO a\r\n");
    assert_eq!(said(&all[1], Direction::Sent), "220 mx.example.com ESMTP\r\n");
    assert_eq!(said(&all[1], Direction::Received), "EHLO b\r\nQUIT\r\n");
    assert_eq!(all[1].quit().unwrap().at.line.line, 6);
    assert_eq!(all[1].line_at(Direction::Received, 9).unwrap().line, 6);
    assert_eq!(said(&all[2], Direction::Sent), "MAIL FROM:<a@example.com>\r\n");
    assert!(all[2].line_ends_implied && !all[0].line_ends_implied);
    assert_eq!((notes(&log), log.files[0].kind()), (0, LogKind::Debug));
}

#[test]
fn a_line_that_may_be_of_two_is_of_none_and_leaves_both_unsure() {
    let log = read_text(&text(&[
        "31 Sent to '192.0.2.1': 'a'",
        "32 Sent to '192.0.2.1': 'b'",
        "Rcvd from '192.0.2.1': 'c'",
    ]));
    assert_eq!(log.conversations.iter().map(|one| one.pieces.len()).collect::<Vec<_>>(), [1, 1]);
    for one in &log.conversations {
        assert_eq!((one.received.unsure, one.sent.unsure), (Some((0, Unsure::WithoutId)), None));
    }
    assert_eq!(notes(&log), 1);
}

#[test]
fn cut_and_broken_lines_end_what_is_sure() {
    let log = read_text(&text(&[
        r"31 Rcvd from '192.0.2.1': 'EHLO a\015\012'",
        r"31 Rcvd from '192.0.2.1': 'MAIL\01",
        r"31 Rcvd from '192.0.2.1': 'QUIT\015\012'",
        "31 Sent to '192.0.2.1': '220 a\nb'",
    ]));
    let [one] = &log.conversations[..] else { panic!("{:?}", log.conversations) };
    assert_eq!(one.received.unsure, Some((12, Unsure::Cut)));
    assert_eq!(said(one, Direction::Received), "EHLO a\r\nMAILQUIT\r\n");
    assert_eq!(one.sent.unsure, Some((0, Unsure::Broken)));
}

#[test]
fn rotated_sets_are_one_and_lines_told_twice_count_once() {
    let line = |second: u32, text: &str| format!("Mon Mar  9 10:00:{second:02} 2026 Info: 31 {text}\n");
    let first =
        line(1, "Sent to '192.0.2.1': '220 a\\r\\n'") + &line(2, "Rcvd from '192.0.2.1': 'EHLO a\\r\\n'");
    let second =
        line(3, "Sent to '192.0.2.1': '250 a\\r\\n'") + &line(9, "Rcvd from '192.0.2.1': 'QUIT\\r\\n'");
    let log = read_texts(&[&second, &first, &format!("{first}{second}"), &first]);
    let [one] = &log.conversations[..] else { panic!("{:?}", log.conversations) };
    assert_eq!(said(one, Direction::Received), "EHLO a\r\nQUIT\r\n");
    assert_eq!(said(one, Direction::Sent), "220 a\r\n250 a\r\n");
    assert_eq!(one.pieces.len(), 4);
}

/// An id is a counter of one appliance, and begins anew.
#[test]
fn an_id_that_comes_again_a_day_later_is_another_connection() {
    let log = read_text(
        "Mon Mar  9 10:00:00 2026 Info: 31 Sent to '192.0.2.1': 'a'\n\
         Tue Mar 10 10:00:00 2026 Info: 31 Sent to '192.0.2.1': 'b'\n",
    );
    assert_eq!(log.conversations.len(), 2);
}

#[test]
fn credentials_are_not_kept() {
    let log = read_text(&text(&[
        r"31 Rcvd from '192.0.2.1': 'AUTH PLAIN AGFubmEA'",
        r"31 Rcvd from '192.0.2.1': 'c2VjcmV0\015\012'",
        r"31 Sent to '192.0.2.1': '235 ok\015\012'",
        r"31 Rcvd from '192.0.2.1': 'QUIT\015\012'",
    ]));
    let one = &log.conversations[0];
    assert_eq!(said(one, Direction::Received), "AUTH PLAIN ****************\r\nQUIT\r\n");
    let hidden = 11..27;
    assert_eq!(one.received.hidden, [hidden]);
    assert_eq!(one.words[0].text, "AUTH PLAIN ****************".into());
    assert!(!format!("{log:?}").contains("AGFu") && !format!("{log:?}").contains("c2Vj"));
}

/// ESA-LOGS section 10: the only line of a domain debug log that is quoted has no line end. Bodies may be left
/// out then, or stand there line by line: neither can be counted.
#[test]
fn bodies_are_counted_where_the_log_has_the_ends_of_lines() {
    let said =
        ["Rcvd: '220 mx'", "Sent: 'DATA'", "Rcvd: '354 go'", "Sent: 'one'", "Rcvd: '250 ok'", "Sent: 'QUIT'"];
    let quoted: Vec<String> = said.iter().map(|line| format!("8 {line}")).collect();
    let whole: Vec<String> = quoted
        .iter()
        .map(|line| line.strip_suffix('\'').unwrap().to_owned() + r"\015\012'")
        .map(|line| line.replace("one", r"one\015\012."))
        .collect();
    for (lines, octets) in [(quoted, None), (whole, Some(5))] {
        let log = read_text(&text(&lines.iter().map(String::as_str).collect::<Vec<_>>()));
        let one = &log.conversations[0];
        assert_eq!((one.body_octets(0), one.body_octets(1)), (octets, None), "{one:?}");
        assert_eq!(one.last_command().unwrap().text, "QUIT".into());
    }
}

#[test]
fn memory_is_bounded() {
    let mut conversations = Conversations::within(Bounds { octets: 8, pieces: 3 });
    let mut notes = Notes::default();
    let stamp = |line| Stamp {
        time: LogTime::new(Some(2026), 3, 9, 10, 0, 0).unwrap(),
        clock: ClockIndex(0),
        line: LogRef { file: LogId(0), line },
    };
    let text = b"31 Rcvd from '192.0.2.1': '0123456789'".as_slice();
    for line in 1..6 {
        conversations.take(&read(text).unwrap(), stamp(line), (0, None), false, &mut notes);
    }
    let [one] = &conversations.finish()[..] else { panic!("one conversation") };
    assert_eq!((one.received.octets.len(), one.received.length), (10, 30));
    assert_eq!(one.received.unsure, Some((30, Unsure::TooMany)));
    assert_eq!(one.pieces[2].digest, digest(b"0123456789"));
    assert!(notes.any_loss());

    let mut conversations = Conversations::default();
    for id in 0..MAX_CONVERSATIONS + 10 {
        let text = format!("{id} Sent to '192.0.2.1': 'a'");
        conversations.take(&read(text.as_bytes()).unwrap(), stamp(1), (0, None), false, &mut notes);
    }
    assert_eq!(conversations.finish().len(), MAX_CONVERSATIONS);
}

proptest::proptest! {
    #[test]
    fn octets_of_any_kind_do_not_panic(rest in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        for start in ["5 Sent to '", "5 Sent: '", "5 Rcvd from '192.0.2.1': 'AUTH PLAIN "] {
            let line = [b"Mon Mar  9 10:00:00 2026 Info: ", start.as_bytes(), &rest].concat();
            read_text(&String::from_utf8_lossy(&line));
        }
    }
}
