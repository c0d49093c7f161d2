//! Pairs of deliveries: which are made, which are certain, and what is fitted on them.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::super::unique_pairs;
use super::*;
use crate::capture::CloseKind;
use crate::cite::{LogId, Moment};
use crate::join::clock::{ClockOrigin, Clocks};
use crate::join::testing::{LOCAL, NOON, REMOTE, instant, moment, session};
use crate::maillog::outgoing::attach;
use crate::maillog::{LogInput, ReadOptions, read_logs};
use crate::net::Endpoint;
use crate::smtp::ReplyCode;
use crate::smtp::session::ReplySeen;
use crate::time::{LogTime, Span};

/// Ports of the wire count from here, as messages do.
const PORTS: u16 = 10_000;
/// Lines that a delivery has in the log, the `Response` being the last but one.
const LINES: u32 = 5;

/// The lines of a delivery that is answered so many seconds after noon, by a clock `ahead` of UTC.
fn logged(text: &mut String, number: usize, at: f64, ahead: i64, said: &str) {
    let wall = LogTime::from_wall_seconds((NOON + at).floor() as i64 + ahead).unwrap().wall_seconds();
    let stamp = chrono::DateTime::from_timestamp(wall, 0).unwrap().format("%a %b %e %H:%M:%S %Y Info:");
    let (dcid, mid) = (100 + number, 1000 + number);
    writeln!(
        text,
        "{stamp} New SMTP DCID {dcid} interface {LOCAL} address {REMOTE} port 25\n\
         {stamp} Delivery start DCID {dcid} MID {mid} to RID [0]\n\
         {stamp} Message done DCID {dcid} MID {mid} to RID [0]\n\
         {stamp} MID {mid} RID [0] Response '{said}'\n\
         {stamp} DCID {dcid} close"
    )
    .unwrap();
}

/// The wire's side of it: the appliance is the client.
fn on_wire(number: usize, at: f64, said: &str) -> Session {
    let port = PORTS + u16::try_from(number).unwrap();
    let mut session = session(port, at - 1.0, 1.5, "anna@example.net", "bert@example.com", CloseKind::Fin);
    session.flow.endpoints.originator = Endpoint::new(LOCAL.parse().unwrap(), port);
    session.flow.endpoints.responder = Endpoint::new(REMOTE.parse().unwrap(), 25);
    let at = moment(at, u32::from(port) * 100 + 8);
    let transaction = &mut session.dialog.transactions[0];
    transaction.end_reply = Some(ReplySeen { code: ReplyCode(250), text: said.into(), at, end_offset: 0 });
    transaction.outcome = Outcome::Completed { at };
    session
}

fn read(text: String) -> MailLog {
    let reader = Box::new(std::io::Cursor::new(text.into_bytes()));
    let mut log = read_logs(vec![LogInput { id: LogId(0), reader }], ReadOptions::default());
    attach(&mut log);
    log
}

/// For each pair: the message of the log, that of the wire, and whether it is certain.
fn told(log: &MailLog, sessions: &[Session]) -> Vec<(usize, usize, bool)> {
    let pairs = unique_pairs(log, sessions);
    let of = |pair: &Pair| {
        let line = pair.stamp.line.line;
        assert_eq!(line % LINES, LINES - 1, "the stamp is that of `Response`");
        let wire: Moment = pair.wire;
        let number = wire.frame.frame / 100 - u32::from(PORTS);
        ((line / LINES) as usize, number as usize, pair.certain)
    };
    pairs.values().flatten().map(of).collect()
}

/// A log of these answers, a minute apart, and the same on the wire.
fn both(answers: &[&str], ahead: i64) -> (MailLog, Vec<Session>) {
    let (mut text, mut sessions) = (String::new(), Vec::new());
    for (number, said) in answers.iter().enumerate() {
        let at = 60.0 * number as f64 + 0.4;
        logged(&mut text, number, at, ahead, said);
        sessions.push(on_wire(number, at, said));
    }
    (read(text), sessions)
}

#[test]
fn numbers_of_messages_are_told_from_other_words() {
    for (said, expected) in [
        ("2.0.0 Ok: queued as 4F2A1B", &["4F2A1B"][..]),
        ("2.0.0 w05CTqg3012345 Message accepted for delivery", &["w05CTqg3012345"]),
        ("OK id=1vcABC-00000001abc-2XyZ", &["1vcABC-00000001abc-2XyZ"]),
        ("ok:  Message 200257070 accepted", &["200257070"]),
        (
            "2.6.0 <6f1a@host.example.com> [InternalId=4823449, Hostname=AB1.example.com] 8123 bytes in 0.2 sec",
            &["6f1a@host.example.com", "4823449"],
        ),
        ("2.0.0 OK  1767614400 d2e1a72fcca58-7b.41 - gsmtp", &["1767614400", "d2e1a72fcca58-7b.41"]),
        ("2.0.0 Message accepted for delivery", &[]),
        ("queued 1234567 bytes", &[]),
        ("Ok, mx01.example.net [192.0.2.10] took it at 2026-01-05 12:00:00", &[]),
    ] {
        let found: Vec<&[u8]> = numbers(said.as_bytes()).collect();
        let expected: Vec<&[u8]> = expected.iter().map(|number| number.as_bytes()).collect();
        assert_eq!(found, expected, "{said}");
    }
}

#[test]
fn codes_and_blanks_do_not_tell_words_apart() {
    for said in ["2.0.0 Ok: queued  as X", "250 2.0.0 Ok: queued as X ", "Ok: queued\nas X"] {
        assert_eq!(words(said.as_bytes()), b"Ok: queued as X");
    }
}

#[test]
fn answers_of_a_server_that_numbers_its_messages_are_certain() {
    let numbered: Vec<String> = (0..20).map(|n| format!("2.0.0 Ok: queued as 4F2A{n:02}")).collect();
    let answers: Vec<&str> = numbered.iter().map(String::as_str).collect();
    let certain = |answers: &[&str]| {
        let (log, sessions) = both(answers, 0);
        let pairs = told(&log, &sessions);
        assert!(pairs.iter().all(|(logged, wire, _)| logged == wire));
        (pairs.len(), pairs.iter().filter(|(_, _, certain)| *certain).count())
    };
    assert_eq!(certain(&answers), (20, 20));
    // Too few to tell a number from the name of a host: votes, and no more.
    assert_eq!(certain(&answers[..19]), (19, 0));
    // A server that words two answers alike to the number gives none.
    assert_eq!(certain(&[&answers[..], &answers[7..8]].concat()), (19, 0));
    // What is no number at all makes no pair.
    assert_eq!(certain(&["ok", "Message accepted for delivery"]), (0, 0));
    // Another server's numbers are not this one's.
    let (log, mut sessions) = both(&answers, 0);
    for session in &mut sessions {
        session.flow.endpoints.responder.ip = "203.0.113.99".parse().unwrap();
    }
    assert!(told(&log, &sessions).iter().all(|(_, _, certain)| !certain));
}

/// The log tells no offset, and nothing but deliveries.
#[test]
fn an_offset_is_fitted_on_deliveries_alone() {
    let answers = ["Ok: queued as 4F2A1B", "Ok: queued as 4F2A1C", "Ok: queued as 4F2A1D"];
    let (log, sessions) = both(&answers, -5 * 3600);
    let clocks = Clocks::read(&log, &sessions, None);
    let [segment] = clocks.readings()[0].segments.as_slice() else { panic!("{clocks:?}") };
    assert_eq!((segment.origin, segment.pairs), (ClockOrigin::Fit, 3));
    for (number, connection) in log.connections.iter().enumerate() {
        let off = clocks.instant(connection.opened.as_ref().unwrap()).unwrap();
        let off = off.since(instant(60.0 * number as f64 + 0.4));
        assert!(off.abs() <= Span::from_seconds(1), "{off}");
    }
}

#[test]
fn words_that_are_everybodys_fit_nothing() {
    let (log, sessions) = both(&["Message accepted for delivery"; 5], -5 * 3600);
    let clocks = Clocks::read(&log, &sessions, None);
    let reading = &clocks.readings()[0];
    assert_eq!((reading.is_known(), reading.pairs), (false, 0));
    assert!(
        reading.explanation.contains("no remote server's answer to a message occurs once"),
        "{reading:?}"
    );
}

/// A message whose reception the log holds too has its Message-ID; words may then be anything.
#[test]
fn a_message_id_of_the_reception_makes_a_pair() {
    let mut text = String::new();
    let stamp = "Mon Jan  5 12:00:00 2026 Info:";
    writeln!(
        text,
        "{stamp} New SMTP ICID 7 interface Data (198.51.100.25) address 203.0.113.5 reverse dns host unknown \
         verified no\n{stamp} Start MID 1000 ICID 7\n{stamp} MID 1000 ICID 7 From: <a@example.net>\n\
         {stamp} MID 1000 ICID 7 RID 0 To: <b@example.com>\n{stamp} MID 1000 Message-ID '<one@example.net>'"
    )
    .unwrap();
    logged(&mut text, 0, 5.4, 0, "ok");
    let log = read(text);
    let mut wire = on_wire(0, 5.4, "ok");
    wire.dialog.transactions[0].message_id = Some("<one@example.net>".into());
    let pairs = unique_pairs(&log, std::slice::from_ref(&wire));
    let pairs: Vec<&Pair> = pairs.values().flatten().collect();
    assert_eq!(
        pairs.iter().map(|pair| (pair.certain, pair.stamp.line.line)).collect::<Vec<_>>(),
        [(true, 9)]
    );
    // Words that are alike are no pair of messages that are not.
    wire.dialog.transactions[0].message_id = Some("<other@example.net>".into());
    assert!(unique_pairs(&log, &[wire]).is_empty());
}

/// A delivery of a made-up world.
#[derive(Debug, Clone)]
struct Event {
    at: f64,
    lag: f64,
    logged: bool,
    captured: bool,
    words: Words,
}

#[derive(Debug, Clone, Copy)]
enum Words {
    /// With a number of its own.
    Numbered,
    /// One of a few that are everybody's.
    Common(u8),
    /// The same, with the name of a host in it.
    Named(u8),
    /// With nothing but that of one host of a few.
    Host(u8),
}

impl Words {
    fn said(self, number: usize) -> String {
        match self {
            Self::Numbered => format!("2.0.0 Ok: queued as {:X}", 0x4F_2A1B + number * 7919),
            Self::Common(which) => format!("2.0.0 Message accepted for delivery{}", ".".repeat(which.into())),
            Self::Named(which) => {
                format!("2.0.0 {} by mx4server", "accepted ".repeat(1 + usize::from(which)))
            }
            Self::Host(which) => format!("2.0.0 Ok: taken by mta{which:02}eu1"),
        }
    }
}

fn events(numbered: u32) -> impl Strategy<Value = Vec<Event>> {
    let words = prop_oneof![
        numbered => Just(Words::Numbered),
        2 => (0..6u8).prop_map(Words::Common),
        2 => (0..6u8).prop_map(Words::Named),
        2 => (0..12u8).prop_map(Words::Host),
    ];
    let event = (0.0..3600.0f64, 0.0..2.0f64, prop::bool::weighted(0.7), prop::bool::weighted(0.7), words)
        .prop_map(|(at, lag, logged, captured, words)| Event { at, lag, logged, captured, words });
    prop::collection::vec(event, 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is logged and captured of it: a certain pair is a true one, and what is fitted is right.
    #[test]
    fn certain_pairs_are_true_and_fits_are_right(
        events in (0u32..8).prop_flat_map(events),
        quarters in -48..56i64,
    ) {
        let ahead = quarters * 900;
        let (mut text, mut sessions, mut of_line) = (String::new(), Vec::new(), Vec::new());
        for (number, event) in events.iter().enumerate() {
            let said = event.words.said(number);
            if event.logged {
                logged(&mut text, number, event.at + event.lag, ahead, &said);
                of_line.push(number);
            }
            sessions.extend(event.captured.then(|| on_wire(number, event.at, &said)));
        }
        let log = read(text);
        for (logged, wire, certain) in told(&log, &sessions) {
            let logged = of_line[logged];
            prop_assert!(!certain || logged == wire, "{:?} is not {:?}", events[logged], events[wire]);
        }
        let clocks = Clocks::read(&log, &sessions, None);
        // By the course of true pairs; a lone stranger's line may be out of its reach.
        let numbered = |event: &Event| matches!(event.words, Words::Numbered) && event.logged && event.captured;
        if events.iter().filter(|event| numbered(event)).count() < 4 {
            return Ok(());
        }
        for connection in &log.connections {
            let number = (connection.id - 100) as usize;
            let Some(at) = connection.opened.as_ref().and_then(|stamp| clocks.instant(stamp)) else { continue };
            if numbered(&events[number]) {
                let off = at.since(instant(events[number].at));
                prop_assert!(off.abs() <= Span::from_millis(4_500), "{number} is {off} off: {clocks:?}");
            }
        }
    }
}
