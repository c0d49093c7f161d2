//! Cases, one feature each.

use super::{at, ending, endpoint};
use crate::investigate::Time;
use crate::join::MatchOutcome;
use crate::maillog::{ClaimKind, Lost, Standing};
use crate::net::{Leg, Party};
use crate::report::document::*;
use crate::smtp::ending::{EndingKind, Form, Why};
use crate::smtp::{ReplyCode, Stage};
use crate::text::Text;
use crate::time::{LogTime, Span};
use crate::verdict::VerdictKind;

fn frame(what: &str, by: Party, frame: u32, seconds: i64) -> KeyFrame {
    KeyFrame {
        what: what.to_owned(),
        by,
        capture: "captures/gateway.pcap".to_owned(),
        frame,
        time: at(seconds, 0),
    }
}

pub(crate) fn confirmed() -> Case {
    Case {
        mid: Some(1404),
        icid: Some(10293),
        dcid: None,
        serial: Some(Text::from("000F1F6ACFA6-2Y5SQ41")),
        leg: Leg::Injection,
        claim: ClaimKind::ReceivingAborted,
        standing: Standing::Documented,
        verdict: VerdictKind::Confirmed,
        cause: None,
        cause_reason: None,
        confidence: None,
        explanation:
            "The log says that receiving was aborted below SMTP, and that the connection was lost.\n\
                      The wire shows the sender's FIN after RCPT, without QUIT.\n\
                      \"Receiving aborted\" and \"lost\" both agree with a FIN."
                .to_owned(),
        evidence_for: vec!["the sender closed first, in frame 16".to_owned()],
        evidence_against: vec![],
        missing: vec![],
        next_step: None,
        log: LogAccount {
            reason: Text::from("Receiving aborted"),
            remote: Some("192.0.2.10".to_owned()),
            local: Some("198.51.100.25".to_owned()),
            mail_from: Some(Text::from("anna@example.net")),
            rcpt_to: vec![Text::from("bert@example.com")],
            opened_at: Some(Time::Utc(at(-38, 0))),
            started_at: Some(Time::Utc(at(-37, 0))),
            aborted_at: Some(Time::Utc(at(0, 0))),
            lost: Lost::Yes,
            timers: vec![],
            lines: [3, 4, 5, 6, 9].map(|line| Line { file: "mail.current".to_owned(), line }).to_vec(),
        },
        wire: Some(WireAccount {
            client: endpoint("192.0.2.10", 34476),
            server: endpoint("198.51.100.25", 25),
            community_id: "1:RzDnnE7xf3zea0xSdR9S8QLoGxY=".to_owned(),
            conn_state: "SF".to_owned(),
            history: "ShAdDaFf".to_owned(),
            ending: ending(EndingKind::Fin, Some(Party::Sender)),
            stage: Stage::Rcpt,
            turn: Some(TurnOf::Sender),
            waited_seconds: Some(Span::from_seconds(36)),
            body_octets: 0,
            gaps: vec![],
            frames: vec![
                frame("SYN", Party::Sender, 1, -38),
                frame("MAIL", Party::Sender, 10, -37),
                frame("RCPT", Party::Sender, 13, -36),
                frame("FIN", Party::Sender, 16, 0),
            ],
            encrypted: false,
        }),
        debug_log: None,
        outside: None,
        matched: MatchAccount {
            outcome: MatchOutcome::Matched,
            score: Some(14.25),
            margin: Some(9.5),
            evidence: vec![
                MatchEvidence {
                    name: "time".to_owned(),
                    weight: 1.5,
                    detail: "MAIL and RCPT within a second of the log's stamps".to_owned(),
                },
                MatchEvidence {
                    name: "envelope".to_owned(),
                    weight: 12.75,
                    detail: "sender and recipient are the same".to_owned(),
                },
            ],
            rivals: vec![],
            explanation: "One connection fits, and no other comes near.".to_owned(),
        },
        signs: vec![],
    }
}

pub(crate) fn contradicted() -> Case {
    let mut case = confirmed();
    case.mid = Some(1405);
    case.verdict = VerdictKind::Contradicted;
    case.explanation =
        "The log says that receiving was aborted.\nThe wire shows that the message was taken.\n\
                        A message that was taken was not aborted."
            .to_owned();
    case.evidence_for = vec!["250 to the end of data, in frame 16".to_owned()];
    case.evidence_against = vec!["the log says \"lost\" in the same second".to_owned()];
    let wire = case.wire.as_mut().unwrap();
    wire.ending = ending(EndingKind::Completed, None);
    wire.ending.code = Some(ReplyCode(250));
    wire.stage = Stage::EndOfData;
    wire.body_octets = 1_048_576;
    wire.turn = None;
    wire.waited_seconds = None;
    case
}

pub(crate) fn ambiguous() -> Case {
    let mut case = confirmed();
    case.mid = Some(1406);
    case.verdict = VerdictKind::Undetermined;
    case.missing = vec!["evidence that tells these connections apart: the message sent no RCPT".to_owned()];
    case.log.lost = Lost::Unknown;
    let rival = |port: u16, worse_by: f64, kind| Rival {
        client: endpoint("192.0.2.10", port),
        server: endpoint("198.51.100.25", 25),
        community_id: "1:".to_owned(),
        worse_by,
        kind,
        capture: "captures/gateway.pcap".to_owned(),
        frame: u32::from(port),
    };
    case.matched.outcome = MatchOutcome::Ambiguous;
    case.matched.margin = Some(0.25);
    case.matched.rivals = (0..7)
        .map(|place| {
            let kind = [Some(EndingKind::Rst), Some(EndingKind::Silence), None][usize::from(place) % 3];
            rival(34_500 + place, 0.25 + f64::from(place), kind)
        })
        .collect();
    case.matched.explanation =
        "Eight connections of this sender overlap, and the log tells no port.".to_owned();
    let wire = case.wire.as_mut().unwrap();
    wire.ending.crossed = true;
    wire.ending.race = true;
    wire.gaps = vec![GapAccount {
        by: Party::Sender,
        offset: 100,
        octets: 1,
        acknowledged: true,
        capture: "captures/gateway.pcap".to_owned(),
        frame: 12,
    }];
    case
}

pub(crate) fn not_found() -> Case {
    let mut case = confirmed();
    case.mid = None;
    case.icid = Some(10294);
    case.claim = ClaimKind::NoMessagesInjected;
    case.standing = Standing::Seen;
    case.verdict = VerdictKind::Undetermined;
    case.serial = None;
    case.wire = None;
    case.missing = vec!["a capture that holds this connection".to_owned()];
    case.log.reason = Text::from("no messages injected within timeout period");
    case.log.mail_from = None;
    case.log.rcpt_to = vec![];
    case.log.started_at = None;
    case.log.opened_at = LogTime::new(Some(2014), 8, 14, 13, 3, 49).map(Time::Local);
    case.log.aborted_at = LogTime::new(Some(2014), 8, 14, 13, 8, 49).map(Time::Local);
    case.log.timers = vec!["300 s without a message, measured from the connection's begin".to_owned()];
    case.matched = MatchAccount {
        outcome: MatchOutcome::NotFound,
        score: None,
        margin: None,
        evidence: vec![],
        rivals: vec![],
        explanation: "No connection from 192.0.2.10 at that time.".to_owned(),
    };
    case
}

/// An appliance's timer over IPv6, the empty sender, many recipients, encrypted.
pub(crate) fn crowded() -> Case {
    let mut case = confirmed();
    case.mid = Some(18_446_744_073_709_551_615);
    case.log.remote = Some("2001:db8:1234:5678:9abc:def0:1234:5678".to_owned());
    case.log.local = Some("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff".to_owned());
    case.log.mail_from = Some(Text::default());
    case.log.rcpt_to =
        (0..1000).map(|place| Text::from(format!("recipient-{place}@example.com").as_str())).collect();
    case.log.lines =
        (0..200).map(|line| Line { file: "mail.current".to_owned(), line: line * 2 + 1 }).collect();
    let wire = case.wire.as_mut().unwrap();
    wire.client = endpoint("2001:db8:1234:5678:9abc:def0:1234:5678", 65_535);
    wire.server = endpoint("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", 25);
    wire.ending = EndingAccount {
        why: Some(Why::Timer),
        form: Some(Form::Reply),
        code: Some(ReplyCode(421)),
        inferred: true,
        ..ending(EndingKind::ApplianceClosed, Some(Party::Appliance))
    };
    wire.encrypted = true;
    wire.frames = (1..200).map(|number| frame("RCPT", Party::Sender, number * 1000, 0)).collect();
    case
}

/// A third witness that differs from the wire, in a dialogue that is encrypted later on.
pub(crate) fn with_debug_log() -> Case {
    let mut case = confirmed();
    let line = |line| Line { file: "injection_debug.log".to_owned(), line };
    let compared = OctetsCompared {
        in_log: 1_812,
        on_wire: 1_811,
        equal: 46,
        credentials: 12,
        in_gaps: 0,
        only_in_log: 0,
        only_on_wire: 0,
        stopped: None,
        first_difference: Some(OctetDifference {
            offset: 58,
            capture: "captures/gateway.pcap".to_owned(),
            frame: 8,
            line: Some(line(17)),
            change: OctetChange::OnlyInLog,
            octets: Some(1),
            before: Some(Text::from("EHLO client.")),
            log_reads: Some(Text::from("example.net\r\n")),
            wire_reads: Some(Text::new(b"xample.net\xff\n")),
        }),
    };
    let sent = OctetsCompared {
        stopped: Some("the wire is encrypted from here on".to_owned()),
        first_difference: None,
        ..compared.clone()
    };
    let word = |by, text: &str, number| DebugWord {
        by,
        text: Text::from(text),
        time: Time::Utc(at(-30, 0)),
        line: number,
    };
    case.debug_log = Some(DebugLogAccount {
        first: line(12),
        last: line(31),
        agrees: Some(false),
        received: Some(compared),
        sent: Some(sent),
        body_octets: Some(900),
        wire_body_octets: None,
        quit: Some(line(30)),
        dialogue: vec![
            word(Party::Sender, "EHLO client.example.net", 17),
            word(Party::Appliance, "250-mx.example.com \u{1b}[1m", 18),
            word(Party::Sender, "QUIT", 30),
        ],
        dialogue_left_out: 7,
        remarks: vec!["the body has 900 octets in the log, 899 on the wire".to_owned()],
    });
    case
}

/// Everything that a stranger can write tries to reach the terminal, and is long.
pub(crate) fn hostile() -> Case {
    let mut case = confirmed();
    let poison = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\r\n\t\u{feff}";
    let long = format!("{poison}{}", "漢字\u{301}".repeat(300));
    case.log.mail_from = Some(Text::new(&[b"\xff\xfe\x1b[2J".as_slice(), long.as_bytes()].concat()));
    case.log.rcpt_to = vec![Text::from(poison); 3];
    case.log.reason = Text::from(poison);
    case.serial = Some(Text::from(poison));
    case.explanation = long.clone();
    case.evidence_for = vec![long.clone(); 20];
    case.missing = vec!["x".repeat(500)];
    case.log.lines = vec![Line { file: format!("{poison}/{}", "d".repeat(300)), line: 1 }];
    let wire = case.wire.as_mut().unwrap();
    wire.ending.capture = Some(format!("/var/{poison}.pcap"));
    wire.history = poison.to_owned();
    for frame in &mut wire.frames {
        frame.capture = format!("/var/{poison}.pcap");
        frame.what = long.clone();
    }
    case.matched.explanation = poison.to_owned();
    case.matched.evidence[0].detail = long;
    case
}
