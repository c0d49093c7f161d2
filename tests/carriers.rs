//! One made-up log in every carrier: what comes out is what the plain text gives, less what the
//! carrier loses.

// A failed test is a panic by design, in its helpers too.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use mailwitness::cite::LogId;
use mailwitness::maillog::{
    AbortReason, LogInput, MailLog, Message, ReadOptions, StampedBy, looks_like_mail_log, read_logs,
};
use mailwitness::net::Leg;

/// The first octets that tell what a file is.
const HEAD: usize = 4096;

fn read(names: &[&str]) -> MailLog {
    let input = |(at, name): (usize, &&str)| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/carriers").join(name);
        let head = std::fs::read(&path).unwrap();
        assert!(looks_like_mail_log(&head[..head.len().min(HEAD)]), "{name} is not known by its content");
        let reader = Box::new(BufReader::new(File::open(path).unwrap()));
        LogInput { id: LogId(u16::try_from(at).unwrap()), reader }
    };
    read_logs(names.iter().enumerate().map(input).collect(), ReadOptions::default())
}

/// What a message tells, without times and lines.
fn facts(message: &Message) -> impl PartialEq + std::fmt::Debug + use<> {
    let texts = |list: &[(mailwitness::text::Text, _)]| {
        list.iter().map(|(text, _)| text.to_string()).collect::<Vec<_>>()
    };
    (
        (message.mid, message.icid),
        message.mail_from.as_ref().map(|(text, _)| text.to_string()),
        texts(&message.rcpt_to),
        (message.message_id.clone(), message.subject.clone()),
        message.ready.map(|(size, _)| size),
        message.aborted.as_ref().map(|(reason, _)| reason.clone()),
    )
}

/// What a log tells of its connections, without times and lines.
fn connections(log: &MailLog) -> Vec<impl PartialEq + std::fmt::Debug + use<>> {
    let told = log.connections.iter().map(|connection| {
        let delivery = connection.delivery.as_ref().map(|delivery| {
            delivery
                .attempts
                .iter()
                .map(|attempt| {
                    let response = attempt.response.as_ref().map(|(text, _)| text.to_string());
                    (attempt.mid, response, attempt.outcome.as_ref().map(|(outcome, _)| outcome.clone()))
                })
                .collect::<Vec<_>>()
        });
        (
            (connection.leg == Leg::Delivery, connection.id),
            (connection.remote, connection.local, connection.reverse_dns.clone()),
            connection.policy.as_ref().map(|policy| policy.group.clone()),
            (connection.opened.is_some(), connection.lost.is_some(), connection.closed.is_some()),
            connection.messages.iter().map(facts).collect::<Vec<_>>(),
            delivery,
        )
    });
    told.collect()
}

#[test]
fn carriers_of_whole_lines_tell_what_the_plain_log_tells() {
    let plain = connections(&read(&["plain.log"]));
    assert_eq!(plain.len(), 2);
    for (name, by, offset) in [
        ("utf16.log", StampedBy::Appliance, None),
        ("grep.log", StampedBy::Appliance, None),
        ("findevent.log", StampedBy::Appliance, None),
        ("rfc3164.log", StampedBy::Relay, None),
        ("rfc3164-host.log", StampedBy::Relay, None),
        ("rfc3164-year.log", StampedBy::Relay, None),
        ("bracketed.log", StampedBy::Relay, None),
        ("rfc5424.log", StampedBy::Relay, Some(3600)),
        ("inner-stamp.log", StampedBy::Appliance, None),
        ("scrambled.log", StampedBy::Relay, None),
        ("elastic.json", StampedBy::Relay, None),
        ("splunk.json", StampedBy::Appliance, None),
        ("graylog.json", StampedBy::Relay, Some(3600)),
        ("splunk.csv", StampedBy::Appliance, None),
    ] {
        let log = read(&[name]);
        assert_eq!(connections(&log), plain, "{name}");
        assert!(log.orphans.is_empty(), "{name}");
        let [clock] = log.clocks.as_slice() else { panic!("{name}: {:?}", log.clocks) };
        assert_eq!(clock.stamped_by, by, "{name}");
        assert_eq!(clock.stamp_offset.map(|offset| offset.seconds()), offset, "{name}");
        let face = clock.first.to_string();
        assert!(face.ends_with("-03-09T10:00:00"), "{name}: {face}");
        let file = &log.files[0];
        assert_eq!((file.records, file.known), (20, 20), "{name}");
        assert!(!file.notes.any_loss(), "{name}: {:?}", file.notes);
    }
}

/// Octets that are not UTF-8 stay as they are.
#[test]
fn latin_1_differs_in_its_text_only() {
    let (plain, latin) = (read(&["plain.log"]), read(&["latin1.log"]));
    let subject = |log: &MailLog| log.connections[0].messages[0].subject.clone().unwrap();
    assert_eq!(subject(&latin).as_bytes(), b"a, \"b\" and Gr\xfc\xdfe");
    assert_ne!(subject(&latin), subject(&plain));
    assert_eq!(latin.files[0].known, plain.files[0].known);
}

#[test]
fn summaries_tell_the_messages_and_not_the_connections() {
    let plain = read(&["plain.log"]);
    for name in ["cef-14.log", "cef-15.log", "tracking.csv"] {
        let log = read(&[name]);
        let connection = &log.connections[0];
        assert_eq!((connection.id, connection.remote), (31, plain.connections[0].remote), "{name}");
        assert_eq!((connection.opened, connection.closed, connection.lost), (None, None, None), "{name}");
        let mut messages: Vec<&Message> = connection.messages.iter().collect();
        messages.sort_by_key(|message| message.mid);
        for (message, expected) in messages.iter().zip(&plain.connections[0].messages) {
            let expected_size = expected.ready.map(|(size, _)| size).filter(|_| name != "tracking.csv");
            assert_eq!(message.ready.map(|(size, _)| size), expected_size, "{name}");
            assert_eq!(message.aborted.is_some(), expected.aborted.is_some(), "{name}");
            assert_eq!(message.mail_from.as_ref().unwrap().0, expected.mail_from.as_ref().unwrap().0);
            assert_eq!(message.rcpt_to[0].0, expected.rcpt_to[0].0, "{name}");
            assert_eq!((&message.message_id, &message.subject), (&expected.message_id, &expected.subject));
        }
        assert_eq!(messages[1].aborted.as_ref().unwrap().0, AbortReason::ReceivingAborted, "{name}");
        let started = messages[1].started.unwrap();
        assert!(started.time.to_string().ends_with("-03-09T10:00:04"), "{name}: {}", started.time);
        assert_eq!(log.files[0].known, 2, "{name}");
    }
}

/// The details page of message tracking, copied: its sentences tell what the lines tell, but that a
/// connection was closed.
#[test]
fn tracking_details_tell_what_the_plain_log_tells() {
    let (plain, details) = (read(&["plain.log"]), read(&["details.txt"]));
    let without_close = |mut log: MailLog| {
        for connection in &mut log.connections {
            connection.closed = None;
        }
        connections(&log)
    };
    let file = &details.files[0];
    assert_eq!((file.records, file.known), (17, 17));
    assert_eq!(details.clocks[0].stamp_offset.map(|offset| offset.seconds()), Some(3600));
    assert_eq!(without_close(details), without_close(plain));
}

/// Ids are counters of one appliance: two hosts in one relay's file do not share them.
#[test]
fn hosts_of_one_relay_do_not_share_ids() {
    let (one, other) = (read(&["rfc3164-host.log"]), read(&["rfc5424.log"]));
    assert_eq!((one.hosts.len(), other.hosts.len()), (1, 1));
    let mixed = format!(
        "{}{}",
        "Mar  9 10:00:00 esa1 mail_logs: Info: New SMTP ICID 5 interface x address 198.51.100.7\n",
        "Mar  9 10:00:00 esa2 mail_logs: Info: New SMTP ICID 5 interface x address 198.51.100.7\n"
    );
    let input = LogInput { id: LogId(0), reader: Box::new(std::io::Cursor::new(mixed.into_bytes())) };
    let log = read_logs(vec![input], ReadOptions::default());
    assert_eq!((log.connections.len(), log.hosts.len(), log.clocks.len()), (2, 2, 2));
}
