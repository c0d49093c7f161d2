//! Documents made by hand, one feature each, for the tests of every format.

mod cases;

pub(crate) use cases::*;

use std::net::IpAddr;

use crate::investigate::{InputKind, InputRole, Time};
use crate::join::clock::ClockOrigin;
use crate::net::{Endpoint, Party};
use crate::report::document::*;
use crate::smtp::Stage;
use crate::smtp::ending::EndingKind;
use crate::text::Text;
use crate::time::{LogTime, Timestamp, UtcOffset};
use crate::verdict::VerdictKind;

const ABORTED_AT: i64 = 1_408_021_729;

pub(crate) fn at(seconds: i64, micros: u32) -> Timestamp {
    Timestamp::from_parts(ABORTED_AT + seconds, micros * 1000)
}

fn endpoint(ip: &str, port: u16) -> Endpoint {
    Endpoint::new(ip.parse::<IpAddr>().unwrap(), port)
}

pub(crate) fn ending(kind: EndingKind, by: Option<Party>) -> EndingAccount {
    EndingAccount {
        kind,
        by,
        why: None,
        form: None,
        code: None,
        inferred: false,
        race: false,
        crossed: false,
        capture: Some("captures/gateway.pcap".to_owned()),
        frame: Some(16),
        time: Some(at(0, 250_000)),
    }
}

pub(crate) fn document(cases: Vec<Case>) -> Document {
    let count = |verdict| cases.iter().filter(|case| case.verdict == verdict).count() as u64;
    Document {
        schema: SCHEMA_VERSION,
        version: "0.0.0".to_owned(),
        inputs: vec![
            Input {
                path: "captures/gateway.pcap".to_owned(),
                kind: InputKind::Capture,
                role: InputRole::Inside,
                bytes: 123_456,
                format: "pcapng, Ethernet".to_owned(),
                sha256: Some("0123456789abcdef".repeat(4)),
                first: Some(Time::Utc(at(-60, 0))),
                last: Some(Time::Utc(at(60, 0))),
                records: 1_234,
                interfaces: vec![Interface {
                    section: 0,
                    number: 0,
                    name: Some(Text::from("eth0")),
                    description: None,
                    link_type: 1,
                    link: Some("ETHERNET".to_owned()),
                    snapshot_length: Some(262_144),
                    ticks_per_second: 1_000_000_000,
                    filter: Some(Text::from("tcp port 25")),
                    system: None,
                    hardware: None,
                    received: Some(1_300),
                    dropped_by_interface: Some(0),
                    dropped_by_system: None,
                }],
                notes: vec![InputNote {
                    text: "the file ends in mid-frame".to_owned(),
                    count: 1,
                    first: Some("offset 1514".to_owned()),
                    loss: true,
                }],
            },
            Input {
                path: "mail.current".to_owned(),
                kind: InputKind::Log,
                role: InputRole::Inside,
                bytes: 9_876,
                format: "mail_logs text".to_owned(),
                sha256: None,
                first: LogTime::new(Some(2014), 8, 14, 13, 0, 0).map(Time::Local),
                last: None,
                records: 1,
                interfaces: vec![],
                notes: vec![InputNote {
                    text: "a line of an unknown kind".to_owned(),
                    count: 12,
                    first: Some("line 7".to_owned()),
                    loss: false,
                }],
            },
        ],
        clocks: vec![Clock {
            log: "mail.current".to_owned(),
            serial: Some(Text::from("000F1F6ACFA6-2Y5SQ41")),
            segments: vec![ClockSegment {
                from: LogTime::new(Some(2014), 8, 14, 13, 0, 0).unwrap(),
                utc_offset_seconds: UtcOffset::from_seconds(7200),
                source: ClockOrigin::Head,
                skew_seconds: Some(-0.4),
                drift_ppm: Some(1.5),
                step_not_placed: false,
            }],
            explanation: "The head of the log tells the offset, and 12 pairs agree with it.".to_owned(),
            year: None,
            runner_up: None,
            pair_count: 12,
            pairs: vec![ClockPair {
                file: "mail.current".to_owned(),
                line: 1_204,
                logged: LogTime::new(Some(2014), 8, 14, 13, 8, 49).unwrap(),
                capture: "trace.pcap".to_owned(),
                frame: 5_120,
                time: at(-7_200, 250_000),
            }],
        }],
        summary: Summary {
            aborted: cases.len() as u64,
            confirmed: count(VerdictKind::Confirmed),
            contradicted: count(VerdictKind::Contradicted),
            undetermined: count(VerdictKind::Undetermined),
            connections: 431,
            finished: 0,
            wire_connections: 1_502,
            wire_without_icid: 81,
            matched: 420,
            icid_zero: 3,
            policy_aborts: 0,
            deliveries: Deliveries::default(),
        },
        vantage: crate::cause::Vantage::Beside,
        patterns: vec![],
        notes: vec!["The capture begins 12 s after the log.".to_owned()],
        cases,
        unlogged: vec![],
    }
}

pub(crate) fn unlogged() -> Unlogged {
    Unlogged {
        client: endpoint("2001:db8:1234:5678:9abc:def0:1234:5678", 65_535),
        server: endpoint("198.51.100.25", 25),
        community_id: "1:".to_owned(),
        first: at(-10, 0),
        last: at(-5, 1),
        stage: Stage::Greeting,
        ending: ending(EndingKind::Rst, Some(Party::Sender)),
    }
}

/// One document with everything in it.
pub(crate) fn everything() -> Document {
    let mut document = document(vec![
        confirmed(),
        contradicted(),
        ambiguous(),
        not_found(),
        crowded(),
        with_debug_log(),
        hostile(),
    ]);
    document.unlogged = vec![unlogged(); 60];
    document
}
