//! A log made by hand for the tests of the list.

use crate::cite::{LogId, LogRef};
use crate::investigate::Time;
use crate::maillog::{
    AbortReason, ApplianceEnd, ApplianceEndKind, ClockIndex, Connection, Finish, LineSink, LogInput, MailLog,
    Message, Policy, PolicyAction, SerialIndex, Stamp, walk_logs,
};
use crate::net::Leg;
use crate::report::messages::{LogView, MessageRecord};
use crate::text::Text;
use crate::time::{LogTime, UtcOffset};

pub(crate) fn stamp(line: u32) -> Stamp {
    Stamp {
        time: LogTime::new(Some(2014), 8, 14, 13, line / 60, line % 60).unwrap(),
        clock: ClockIndex(0),
        line: LogRef { file: LogId(0), line },
    }
}

pub(crate) fn connection(id: u64, line: u32) -> Connection {
    Connection {
        serial: Some(SerialIndex(0)),
        leg: Leg::Injection,
        id,
        opened: Some(stamp(line)),
        first: stamp(line),
        last: stamp(line + 9),
        interface: Some(Text::from("Management")),
        local: Some("198.51.100.25".parse().unwrap()),
        remote: Some("192.0.2.10".parse().unwrap()),
        reverse_dns: None,
        policy: None,
        tls: None,
        rejected_recipients: 0,
        lost: None,
        closed: Some(stamp(line + 9)),
        ended_by_appliance: None,
        last_without_mid: Some(stamp(line + 9)),
        messages: vec![],
        delivery: None,
        lines: vec![stamp(line).line, stamp(line + 9).line],
    }
}

pub(crate) fn message(mid: u64, line: u32) -> Message {
    Message {
        mid,
        serial: Some(SerialIndex(0)),
        icid: Some(10_293),
        started: Some(stamp(line)),
        mail_from: Some((Text::from("anna@example.net"), stamp(line + 1))),
        rcpt_to: vec![(Text::from("bert@example.com"), stamp(line + 2))],
        rejected: vec![],
        message_id: None,
        subject: None,
        ready: None,
        aborted: None,
        finished: None,
        first: stamp(line),
        last: stamp(line + 4),
        lines: (line..line + 5).map(|line| stamp(line).line).collect(),
    }
}

/// Every way a message or a connection can end.
pub(crate) fn log() -> MailLog {
    let aborted = |mid, line, reason| Message {
        aborted: Some((reason, stamp(line + 3))),
        finished: Some((Finish::Aborted, stamp(line + 4))),
        ..message(mid, line)
    };
    let accepted = |mid, line| Message { ready: Some((1622, stamp(line + 3))), ..message(mid, line) };
    let ended =
        |kind, words: &str, line| Some(ApplianceEnd { kind, words: Text::from(words), at: stamp(line) });
    let policy = |action, line| Some(Policy { action, group: Text::from("BLOCKED"), at: stamp(line) });
    let mut many = accepted(5, 50);
    many.rcpt_to =
        (0..4).map(|place| (Text::from(format!("r{place}@example.com").as_str()), stamp(52))).collect();
    many.message_id = Some(Text::from("<5@example.net>"));
    MailLog {
        serials: vec![Text::from("000F1F6ACFA6-2Y5SQ41")],
        connections: vec![
            Connection {
                lost: Some(stamp(13)),
                messages: vec![aborted(1404, 10, AbortReason::ReceivingAborted)],
                ..connection(10_293, 9)
            },
            Connection {
                messages: vec![
                    accepted(2, 20),
                    aborted(3, 30, AbortReason::ReceivingAbortedBySender),
                    Message {
                        ready: Some((9, stamp(41))),
                        ..aborted(4, 40, AbortReason::Policy(Text::from("Dropped by CASE")))
                    },
                    many,
                    message(6, 60),
                ],
                closed: None,
                last_without_mid: Some(stamp(19)),
                ..connection(10_294, 19)
            },
            Connection {
                closed: None,
                ended_by_appliance: ended(
                    ApplianceEndKind::NoMessagesInjected,
                    "no messages injected within timeout period",
                    70,
                ),
                ..connection(10_295, 65)
            },
            Connection {
                ended_by_appliance: ended(
                    ApplianceEndKind::ReceivingFailed,
                    "Receiving Failed: Message loop",
                    80,
                ),
                ..connection(10_296, 75)
            },
            Connection {
                ended_by_appliance: ended(ApplianceEndKind::Killed, "SMTP server connection killed", 90),
                ..connection(10_297, 85)
            },
            Connection { policy: policy(PolicyAction::Reject, 91), ..connection(10_298, 90) },
            Connection { lost: Some(stamp(100)), ..connection(10_299, 95) },
            Connection { policy: policy(PolicyAction::Accept, 101), ..connection(10_300, 100) },
            Connection { closed: None, remote: None, serial: None, ..connection(10_301, 110) },
            Connection { leg: Leg::Delivery, ..connection(7, 115) },
            Connection {
                remote: Some("2001:db8:1234:5678:9abc:def0:1234:5678".parse().unwrap()),
                ..connection(u64::MAX, 120)
            },
        ],
        orphans: vec![Message {
            icid: None,
            mail_from: Some((Text::new(b"\xff\x1b[31m"), stamp(130))),
            ..aborted(1_558_778, 130, AbortReason::Other(Text::from("Receiving went wrong")))
        }],
        ..MailLog::default()
    }
}

/// Gives the lines of logs to `lines`.
pub(crate) fn walked(logs: &[&str], lines: &mut dyn LineSink) -> MailLog {
    let input = |(at, log): (usize, &&str)| LogInput {
        id: LogId(u16::try_from(at).unwrap()),
        reader: Box::new(std::io::Cursor::new(log.as_bytes().to_vec())),
    };
    walk_logs(logs.iter().enumerate().map(input).collect(), lines)
}

/// All records of a log, with its times two hours ahead of UTC.
pub(crate) fn records<T>(log: &MailLog, take: impl FnMut(MessageRecord<'_>) -> T) -> Vec<T> {
    let files = ["mail.current".to_owned()];
    let offset = UtcOffset::from_seconds(7200).unwrap();
    let time = |stamp: Stamp| stamp.time.at(offset).map_or(Time::Local(stamp.time), Time::Utc);
    let view = LogView { context: log, files: &files, time: &time };
    let of_connections = log.connections.iter().flat_map(|connection| view.connection(connection));
    of_connections.chain(log.orphans.iter().map(|orphan| view.orphan(orphan))).map(take).collect()
}
