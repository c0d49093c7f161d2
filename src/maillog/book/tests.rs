//! What connections hold, ids that come again, and bounds.

use super::*;
use crate::cite::LogRef;
use crate::maillog::tests::{read_text, read_texts};
use crate::maillog::{Finish, Tls};

const MONDAY: &str = "Mon Mar  9";

pub(super) fn line(second: u32, text: &str) -> String {
    format!("{MONDAY} {:02}:{:02}:{:02} 2015 Info: {text}", second / 3600, second / 60 % 60, second % 60)
}

pub(super) fn log(lines: &[(u32, &str)]) -> String {
    lines.iter().map(|(second, text)| line(*second, text) + "\n").collect()
}

pub(super) fn open(second: u32, icid: u64, remote: &str) -> (u32, String) {
    let host = "reverse dns host unknown verified no";
    (second, format!("New SMTP ICID {icid} interface In (192.0.2.25) address {remote} {host}"))
}

#[test]
fn a_connection_holds_what_its_lines_tell() {
    let text = log(&[
        (
            10,
            "New SMTP ICID 31 interface Data 1 (192.0.2.25) address 198.51.100.7 reverse dns host mx.example.org verified yes",
        ),
        (10, "ICID 31 ACCEPT SG UNKNOWNLIST match sbrs[-1.0:10.0] SBRS 1.0"),
        (11, "ICID 31 TLS success protocol TLSv1.2 cipher X"),
        (11, "ICID 31 To: <early@example.com> Rejected by RAT"),
        (12, "Start MID 7 ICID 31"),
        (12, "MID 7 ICID 31 From: <a@example.org>"),
        (13, "MID 7 ICID 31 RID 0 To: <b@example.com>"),
        (13, "MID 7 ICID 31 To: <c@example.com> Rejected by RAT"),
        (14, "MID 7 ICID 31 RID 1 To: <d@example.com>"),
        (15, "MID 7 Message-ID '<1@example.org>'"),
        (15, "MID 7 Subject 'it\\'s'"),
        (16, "MID 7 ready 512 bytes from <a@example.org>"),
        (16, "MID 7 queued for delivery"),
        (17, "ICID 31 close"),
        (18, "New SMTP DCID 8 interface 192.0.2.25 address 203.0.113.9 port 25"),
        (18, "Delivery start DCID 8 MID 7 to RID [0, 1]"),
        (19, "Message done DCID 8 MID 7 to RID [0, 1]"),
        (19, "Message finished MID 7 done"),
        (24, "DCID 8 close"),
    ]);
    let log = read_text(&text);
    let [inbound, outbound] = log.connections.as_slice() else { panic!("{log:?}") };
    let at = |line: u32| LogRef { file: LogId(0), line };
    assert_eq!((inbound.leg, inbound.id, outbound.leg, outbound.id), (Leg::Injection, 31, Leg::Delivery, 8));
    assert_eq!(inbound.interface, Some("Data 1".into()));
    assert_eq!(inbound.local, "192.0.2.25".parse().ok());
    assert_eq!(inbound.remote, "198.51.100.7".parse().ok());
    assert_eq!(inbound.reverse_dns, Some("mx.example.org".into()));
    assert_eq!(inbound.policy.as_ref().unwrap().group, "UNKNOWNLIST".into());
    assert_eq!(inbound.tls.map(|(tls, at)| (tls, at.line.line)), Some((Tls::Success, 3)));
    assert_eq!(inbound.rejected_recipients, 1);
    assert_eq!((inbound.opened, inbound.closed.unwrap().line), (Some(inbound.first), at(14)));
    assert_eq!((inbound.last.line, inbound.last_without_mid.unwrap().line), (at(14), at(14)));
    assert_eq!(inbound.lines, [1, 2, 3, 4, 14].map(at));
    let [message] = inbound.messages.as_slice() else { panic!("{inbound:?}") };
    assert_eq!((message.mid, message.icid, message.first.line), (7, Some(31), at(5)));
    assert_eq!(message.mail_from.as_ref().unwrap().0, "a@example.org".into());
    let recipients: Vec<_> = message.rcpt_to.iter().map(|(to, at)| (to.to_string(), at.line.line)).collect();
    assert_eq!(recipients, [("b@example.com".to_owned(), 7), ("d@example.com".to_owned(), 9)]);
    assert_eq!(message.rejected[0].0, "c@example.com".into());
    assert_eq!(message.message_id, Some("<1@example.org>".into()));
    assert_eq!(message.subject, Some("it's".into()));
    assert_eq!(message.ready.map(|(bytes, at)| (bytes, at.line.line)), Some((512, 12)));
    assert_eq!(message.finished.map(|(finish, at)| (finish, at.line.line)), Some((Finish::Done, 18)));
    assert_eq!(message.last.line, at(18));
    assert_eq!(message.lines, [5, 6, 7, 8, 9, 10, 11, 12, 18].map(at));
    assert_eq!((outbound.remote, outbound.closed.unwrap().line), ("203.0.113.9".parse().ok(), at(19)));
    assert_eq!((log.files[0].records, log.files[0].known), (19, 19));
}

/// A counter that began anew: one id, two connections.
#[test]
fn an_id_much_later_is_another_connection() {
    let (second, first_open) = open(10, 1, "198.51.100.7");
    let (_, again) = open(10, 1, "198.51.100.8");
    let text = log(&[
        (second, &first_open),
        (11, "Start MID 1 ICID 1"),
        (12, "Message aborted MID 1 Receiving aborted"),
        (12, "ICID 1 close"),
        // The same line out of a second copy of the log is no other connection.
        (second, &first_open),
        (4000, &again),
        (4001, "Start MID 1 ICID 1"),
        (4002, "MID 1 ready 9 bytes from <>"),
        (4003, "ICID 1 close"),
        // Without an opening line it takes longer to be sure.
        (40_000, "Start MID 1 ICID 1"),
        (40_001, "MID 1 ICID 1 From: <later@example.org>"),
    ]);
    let log = read_text(&text);
    let told: Vec<_> = log
        .connections
        .iter()
        .map(|connection| (connection.remote.map(|ip| ip.to_string()), connection.messages.len()))
        .collect();
    assert_eq!(told, [(Some("198.51.100.7".into()), 1), (Some("198.51.100.8".into()), 1), (None, 1)]);
    assert!(log.connections[0].messages[0].aborted.is_some());
    assert!(log.connections[1].messages[0].ready.is_some());
    assert!(log.connections[1].messages[0].aborted.is_none());
    assert!(log.connections[2].messages[0].mail_from.is_some());
    assert!(log.orphans.is_empty());
}

/// ESA-LOGS section 9: lines of one second pushed over UDP may come in any order.
#[test]
fn a_message_whose_first_line_comes_late_finds_its_connection() {
    let text = log(&[
        (10, "MID 7 ready 512 bytes from <a@example.org>"),
        (10, "Start MID 6 ICID 31"),
        (10, "MID 7 ICID 31 RID 1 To: <c@example.com>"),
        (10, "MID 7 ICID 31 RID 0 To: <b@example.com>"),
        (10, "MID 7 ICID 31 From: <a@example.org>"),
        (10, "Start MID 7 ICID 31"),
    ]);
    let log = read_text(&text);
    let [connection] = log.connections.as_slice() else { panic!("{log:?}") };
    let mids: Vec<_> = connection.messages.iter().map(|message| message.mid).collect();
    assert_eq!((mids, log.orphans.len()), (vec![7, 6], 0));
    let recipients: Vec<_> = connection.messages[0].rcpt_to.iter().map(|(to, _)| to.to_string()).collect();
    assert_eq!(recipients, ["b@example.com", "c@example.com"]);
    assert_eq!(connection.messages[0].icid, Some(31));
}

/// ESA-LOGS sections 3 and 6: what is no connection on the network is left out and counted.
#[test]
fn the_appliances_own_messages_are_left_out() {
    let text = log(&[
        (10, "Start MID 7 ICID 0 (ISQ Notification)"),
        (10, "MID 7 ICID 0 From: <>"),
        (10, "MID 7 ready 99 bytes from <>"),
        (11, "MID 8 was generated based on MID 7 by bcc filter 'F'"),
        (11, "MID 8 ready 99 bytes from <>"),
        (12, "MID 7 rewritten to MID 9 by antispam"),
        (12, "MID 9 ICID 0 RID 0 To: <a@example.com>"),
        (12, "Message aborted MID 9 Dropped by CASE"),
        (13, "ICID 0 TCPREFUSE SG BAD match 198.51.100.0/24 SBRS None"),
        (13, "ICID 0 close"),
        (14, "Bounced: DCID 0 MID 7 to RID 0 - 5.1.0 - x ('000', []) []"),
        (15, "Message finished MID 55 done"),
        (15, "MID 56 antivirus negative"),
    ]);
    let log = read_text(&text);
    assert!(log.connections.is_empty() && log.orphans.is_empty(), "{log:?}");
    let left_out = log.left_out;
    assert_eq!((left_out.icid_zero, left_out.policy_aborts, left_out.refused_without_icid), (1, 1, 1));
}

/// Two copies of a log, or an excerpt beside the whole.
#[test]
fn lines_told_twice_change_nothing() {
    let (second, opening) = open(10, 31, "198.51.100.7");
    let text = log(&[
        (second, &opening),
        (11, "Start MID 7 ICID 31"),
        (11, "MID 7 ICID 31 From: <a@example.org>"),
        (12, "MID 7 ICID 31 RID 0 To: <b@example.com>"),
        (12, "MID 7 ICID 31 RID 1 To: <b@example.com>"),
        (13, "MID 7 ICID 31 To: <c@example.com> Rejected by RAT"),
        (13, "MID 7 ICID 31 To: <c@example.com> Rejected by RAT"),
        (14, "Message aborted MID 7 Receiving aborted"),
        (14, "ICID 31 close"),
    ]);
    let once = read_texts(&[&text]);
    let twice = read_texts(&[&text, &text]);
    assert_eq!(once.connections.len(), 1);
    let strip = |log: &MailLog| {
        let mut connection = log.connections[0].clone();
        let message = connection.messages.remove(0);
        (message.rcpt_to, message.rejected, message.aborted, connection.opened, connection.closed)
    };
    assert_eq!(strip(&once), strip(&twice));
    assert_eq!((twice.connections.len(), twice.orphans.len()), (1, 0));
    assert_eq!(once.connections[0].messages[0].rejected.len(), 2);
}

#[test]
fn bounds_hold_and_are_noted() {
    let mut text = log(&[(10, "Start MID 7 ICID 31")]);
    for rid in 0..Message::MAX_RECIPIENTS + 20 {
        text += &log(&[(11, &format!("MID 7 ICID 31 RID {rid} To: <r{rid}@example.com>"))]);
        text += &log(&[(11, "MID 7 ICID 31 To: <x@example.com> Rejected by RAT"), (11, "ICID 31 SBRS 1.0")]);
    }
    text += &log(&[
        (12, &format!("MID 7 Subject '{}'", "s".repeat(2000))),
        (13, "Message aborted MID 7 Receiving aborted"),
        (13, "Message finished MID 7 aborted"),
        (13, "ICID 31 close"),
    ]);
    let log = read_text(&text);
    let connection = &log.connections[0];
    let message = &connection.messages[0];
    assert_eq!(
        (message.rcpt_to.len(), message.rejected.len()),
        (Message::MAX_RECIPIENTS, Message::MAX_RECIPIENTS)
    );
    assert_eq!(message.subject.as_ref().unwrap().as_bytes().len(), Connection::MAX_TEXT);
    assert!(message.lines.len() <= Message::MAX_LINES && connection.lines.len() <= Connection::MAX_LINES);
    // The lines that tell of the end are among those kept.
    assert_eq!(*message.lines.last().unwrap(), message.finished.unwrap().1.line);
    assert_eq!(*connection.lines.last().unwrap(), connection.closed.unwrap().line);
    assert_eq!(log.files[0].notes.iter().count(), 3);
    assert!(!log.files[0].notes.any_loss());
}

#[test]
fn a_connection_has_so_many_messages_and_no_more() {
    let mut text = String::new();
    for mid in 1..=crate::maillog::connection::MAX_MESSAGES + 5 {
        text += &log(&[(11, &format!("Start MID {mid} ICID 31"))]);
    }
    text += &log(&[(12, "MID 65540 ready 5 bytes from <>")]);
    let log = read_text(&text);
    assert_eq!(log.connections[0].messages.len(), crate::maillog::connection::MAX_MESSAGES);
    assert!(log.orphans.is_empty(), "a message that was passed over is no orphan");
    assert!(log.files[0].notes.any_loss());
}
