//! Sessions and log connections made by hand, for the tests of the join and what stands on it.

use std::net::IpAddr;

use crate::capture::{
    Close, CloseKind, Closes, ConnState, Effect, Flow, OriginatorFrom, Pair, Side, StreamFacts,
};
use crate::cite::{CaptureId, FrameRef, LogId, LogRef, Moment};
use crate::maillog::{ClockIndex, ClockSource, Connection, MailLog, Message, Stamp, StampedBy};
use crate::net::{Endpoint, Leg};
use crate::smtp::ReplyCode;
use crate::smtp::session::{Dialog, Outcome, Recipient, RolesFrom, Session, Stage, Transaction};
use crate::text::Text;
use crate::time::{LogTime, Timestamp, UtcOffset};

/// 2026-01-05 12:00:00 UTC.
pub(crate) const NOON: f64 = 1_767_614_400.0;
pub(crate) const REMOTE: &str = "192.0.2.10";
pub(crate) const LOCAL: &str = "198.51.100.25";

pub(crate) fn instant(seconds_after_noon: f64) -> Timestamp {
    Timestamp::from_nanos(((NOON + seconds_after_noon) * 1e9) as i64)
}

pub(crate) fn moment(seconds_after_noon: f64, frame: u32) -> Moment {
    Moment { time: instant(seconds_after_noon), frame: FrameRef { capture: CaptureId(0), frame } }
}

/// The log's stamp of an event: its second, rounded down, on a clock at UTC.
pub(crate) fn stamp(seconds_after_noon: f64, line: u32) -> Stamp {
    let whole = seconds_after_noon.floor() as u32;
    Stamp {
        time: LogTime::new(Some(2026), 1, 5, 12 + whole / 3600, whole / 60 % 60, whole % 60).unwrap(),
        clock: ClockIndex(0),
        line: LogRef { file: LogId(0), line },
    }
}

/// A connection that sends MAIL and RCPT half a second after it begins, both accepted, and is closed
/// by `kind` after `lasts` seconds.
pub(crate) fn session(port: u16, begins: f64, lasts: f64, from: &str, to: &str, kind: CloseKind) -> Session {
    let first = u32::from(port) * 100;
    let close = Close {
        kind,
        by: Side::Originator,
        at: moment(begins + lasts, first + 9),
        offset: 100,
        acknowledged: Some(200),
        effect: Effect::Effective,
    };
    let stream = StreamFacts { octets: 100, end: 100, acknowledged: 100, ..StreamFacts::default() };
    let ok = |at: f64, frame: u32| Some((ReplyCode(250), moment(begins + at, first + frame)));
    let transaction = Transaction {
        mail: moment(begins + 0.4, first + 4),
        mail_reply: ok(0.5, 5),
        mail_from: Text::from(from),
        mail_missing: false,
        acceptance_inferred: false,
        declared_size: None,
        recipients: vec![Recipient {
            address: Text::from(to),
            at: moment(begins + 0.5, first + 6),
            reply: ok(0.6, 7),
        }],
        recipients_dropped: 0,
        data: None,
        data_reply: None,
        body_octets: 0,
        body_missing: 0,
        last_body: None,
        end_of_data: None,
        end_reply: None,
        end_reply_missing: false,
        inferred: false,
        message_id: None,
        subject: None,
        outcome: Outcome::Open,
        stage: Stage::Rcpt,
    };
    Session {
        flow: Flow {
            capture: CaptureId(0),
            endpoints: Pair {
                originator: Endpoint::new(REMOTE.parse().unwrap(), port),
                responder: Endpoint::new(LOCAL.parse().unwrap(), 25),
            },
            originator_from: OriginatorFrom::Handshake,
            first: moment(begins, first),
            last: moment(begins + lasts, first + 9),
            segments: 10,
            streams: Pair { originator: stream.clone(), responder: stream },
            closes: Closes { first_seen: Some(close), effective: Some(close), all: vec![close] },
            conn_state: ConnState::SF,
            history: "ShADdFf".to_owned(),
            open_at_end: false,
            watched_until: instant(begins + lasts + 100.0),
            trace: None,
        },
        roles_from: RolesFrom::Handshake,
        dialog: Dialog { transactions: vec![transaction], stage: Stage::Rcpt, ..Dialog::default() },
    }
}

/// What the appliance logs of such a connection.
pub(crate) fn connection(icid: u64, begins: f64, lasts: f64, from: &str, to: &str) -> Connection {
    let line = u32::try_from(icid).unwrap() * 10;
    let mail = stamp(begins + 0.5, line + 2);
    let end = stamp(begins + lasts, line + 5);
    let address = |text: &str| text.parse::<IpAddr>().ok();
    Connection {
        serial: None,
        leg: Leg::Injection,
        id: icid,
        opened: Some(stamp(begins + 0.2, line)),
        first: stamp(begins + 0.2, line),
        last: end,
        interface: None,
        local: address(LOCAL),
        remote: address(REMOTE),
        reverse_dns: None,
        policy: None,
        tls: None,
        rejected_recipients: 0,
        lost: Some(end),
        closed: Some(end),
        ended_by_appliance: None,
        last_without_mid: Some(end),
        messages: vec![Message {
            mid: icid + 1000,
            serial: None,
            icid: Some(icid),
            started: Some(mail),
            mail_from: Some((Text::from(from), mail)),
            rcpt_to: vec![(Text::from(to), stamp(begins + 0.6, line + 3))],
            rejected: Vec::new(),
            message_id: None,
            subject: None,
            ready: None,
            aborted: None,
            finished: None,
            first: mail,
            last: end,
            lines: Vec::new(),
        }],
        delivery: None,
        lines: Vec::new(),
    }
}

pub(crate) fn log(connections: Vec<Connection>) -> MailLog {
    let begin = stamp(0.0, 1).time;
    MailLog {
        clocks: vec![ClockSource {
            file: LogId(0),
            from_line: 1,
            serial: None,
            head_offset: Some(UtcOffset::default()),
            host: None,
            stamp_offset: None,
            stamped_by: StampedBy::Appliance,
            first: begin,
            last: begin,
            steps: vec![],
            leap_day: None,
        }],
        connections,
        ..MailLog::default()
    }
}
