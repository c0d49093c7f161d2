use std::io::Cursor;

use super::*;
use crate::capture::CloseKind;
use crate::cite::LogId;
use crate::join::testing::{connection, log, moment, session};
use crate::join::{MatchOutcome, Options, join};
use crate::maillog::{LogInput, ReadOptions, read_logs};
use crate::net::Role;
use crate::smtp::tls::{EncryptionStart, TextLength};
use crate::smtp::{ReplyCode, Session};

/// Debug logs of these lines at one second, `ICID Sent to`/`Rcvd from` left to the caller.
fn spoken(lines: &[String]) -> Vec<Conversation> {
    let text: String = lines.iter().map(|line| format!("Mon Jan  5 12:00:11 2026 Info: {line}\n")).collect();
    let input = LogInput { id: LogId(1), reader: Box::new(Cursor::new(text.into_bytes())) };
    read_logs(vec![input], ReadOptions::default()).conversations
}

fn received(icid: u64, text: &str) -> String {
    format!("{icid} Rcvd from '192.0.2.10': '{text}\\r\\n'")
}

fn sent(icid: u64, text: &str) -> String {
    format!("{icid} Sent to '192.0.2.10': '{text}\\r\\n'")
}

/// Ten connections of one sender in one second with one envelope: only HELO tells them apart.
fn ten() -> (MailLog, Vec<Session>) {
    let mut sessions = Vec::new();
    let mut connections = Vec::new();
    for number in 0..10u16 {
        let mut wire =
            session(40_000 + number, 10.0, 30.0, "anna@example.net", "bert@example.com", CloseKind::Fin);
        wire.dialog.helo = Some(Text::from(format!("host{number}.example.net").as_str()));
        sessions.push(wire);
        connections.push(connection(number.into(), 10.0, 30.0, "anna@example.net", "bert@example.com"));
    }
    (log(connections), sessions)
}

fn helos(log: &MailLog) -> Vec<String> {
    // ICID n is the host n places before the last: the order of neither side tells.
    let named = |icid: u64| received(icid, &format!("EHLO host{}.example.net", 9 - icid));
    log.connections.iter().map(|connection| named(connection.id)).collect()
}

/// Mail logs come without a year through syslog, debug logs with theirs from the appliance.
#[test]
fn stamps_without_a_year_are_of_the_nearest() {
    let of = |year, month, day| LogTime::new(year, month, day, 0, 0, 10).unwrap();
    const DAY: i64 = 86_400;
    assert_eq!(apart(of(Some(2026), 6, 1), of(None, 6, 2)), DAY);
    assert_eq!(apart(of(None, 12, 31), of(Some(2026), 1, 1)), DAY);
    assert_eq!(apart(of(Some(2025), 12, 31), of(None, 1, 1)), DAY);
    // After a turn of the year in its log.
    assert_eq!(apart(of(Some(2026), 1, 2), of(None, 1, 1).turned(1).unwrap()), DAY);
    assert_eq!(apart(of(None, 6, 1), of(None, 6, 2)), DAY);
    assert_eq!(apart(of(Some(2026), 6, 1), of(Some(2025), 6, 1)), 365 * DAY);
}

#[test]
fn what_only_the_debug_log_tells_finds_the_flow() {
    let (mut log, sessions) = ten();
    let blind = join(&log, &sessions, &Options::default(), |_| true);
    assert!(blind.matches.iter().all(|one| one.outcome == MatchOutcome::Ambiguous));
    log.conversations = spoken(&helos(&log));
    let joined = join(&log, &sessions, &Options::default(), |_| true);
    for (connection, matched) in log.connections.iter().zip(&joined.matches) {
        assert_eq!(matched.outcome, MatchOutcome::Matched, "{matched:?}");
        assert_eq!(matched.session, Some(9 - connection.id as usize));
        let helo = matched.evidence.iter().filter(|piece| piece.name == "debug_log_helo");
        assert_eq!(helo.count(), 1, "each piece of evidence counts once");
    }
}

/// A device that changes HELO everywhere must not lead to another connection.
#[test]
fn a_name_that_differs_everywhere_moves_no_match() {
    let (mut log, mut sessions) = ten();
    for (number, session) in sessions.iter_mut().enumerate() {
        session.dialog.transactions[0].mail_from = Text::from(format!("a{number}@example.net").as_str());
        log.connections[number].messages[0].mail_from.as_mut().unwrap().0 =
            Text::from(format!("a{number}@example.net").as_str());
    }
    log.conversations = spoken(&(0..10).map(|icid| received(icid, "EHLO masked")).collect::<Vec<_>>());
    let joined = join(&log, &sessions, &Options::default(), |_| true);
    for (connection, matched) in log.connections.iter().zip(&joined.matches) {
        assert_eq!(matched.session, Some(connection.id as usize), "{matched:?}");
        assert_eq!(matched.outcome, MatchOutcome::Matched);
    }
}

#[test]
fn a_conversation_of_another_peer_or_day_is_not_the_connections() {
    let (mut log, sessions) = ten();
    log.conversations = spoken(&["5 Rcvd from '192.0.2.99': 'EHLO x\\r\\n'".to_owned()]);
    assert!(Voices::new(&log, &sessions).of(&log.connections[5]).is_none());
    log.conversations = spoken(&[received(5, "EHLO x")]);
    assert!(Voices::new(&log, &sessions).of(&log.connections[5]).is_some());
    assert!(Voices::new(&log, &sessions).of(&log.connections[6]).is_none());
    log.conversations[0].first.time = crate::time::LogTime::new(Some(2026), 1, 9, 12, 0, 0).unwrap();
    assert!(Voices::new(&log, &sessions).of(&log.connections[5]).is_none());
}

#[test]
fn message_ids_count_where_the_mail_log_has_none() {
    let (mut log, mut sessions) = ten();
    sessions[0].dialog.transactions[0].message_id = Some(Text::from("<1@example.net>"));
    log.conversations =
        spoken(&[received(0, "DATA"), sent(0, "354 go"), received(0, "Message-ID: <1@example.net>")]);
    let weight = |log: &MailLog, session: &Session| {
        let all = Voices::new(log, &sessions).evidence(&log.connections[0], session);
        all.iter().filter(|piece| piece.name == "debug_log_message_id").map(|piece| piece.weight).sum::<f64>()
    };
    assert_eq!(weight(&log, &sessions[0]), MESSAGE_ID);
    assert_eq!(weight(&log, &sessions[1]), 0.0, "no Message-ID on the wire tells nothing");
    log.connections[0].messages[0].message_id = Some(Text::from("<1@example.net>"));
    assert_eq!(weight(&log, &sessions[0]), 0.0, "the mail log has it already");
}

#[test]
fn lengths_of_speeches_are_all_that_tls_leaves() {
    let lines = [
        received(0, "STARTTLS"),
        sent(0, "220 go"),
        received(0, "EHLO a"),
        sent(0, "250 0123456789"),
        received(0, "MAIL FROM:<a@b.example>"),
        sent(0, "250 ok"),
        received(0, "QUIT"),
        sent(0, "221 bye"),
    ];
    let (mut log, sessions) = ten();
    log.conversations = spoken(&lines);
    let speech = |by, octets| Speech {
        by,
        records: 1,
        text: TextLength { least: octets, most: octets },
        first: moment(0.1, 1),
        last: moment(0.1, 1),
    };
    let weight = |lengths: &[(Role, u64)]| {
        let mut wire = sessions[0].clone();
        wire.dialog.encryption = Some(Box::new(Encryption {
            speeches: lengths.iter().map(|&(by, octets)| speech(by, octets)).collect(),
            ..Encryption::begun(EncryptionStart::StartTls, moment(0.1, 1))
        }));
        let all = Voices::new(&log, &sessions).evidence(&log.connections[0], &wire);
        all.iter().find(|piece| piece.name == "debug_log_speeches").map(|piece| piece.weight)
    };
    use Role::{Client, Server};
    let all = [(Client, 8), (Server, 16), (Client, 25), (Server, 8), (Client, 6), (Server, 9)];
    assert_eq!(weight(&all), Some(4.5));
    assert_eq!(weight(&all[..5]), Some(3.75), "the last one is not on the wire");
    assert_eq!(weight(&[(Client, 8), (Server, 16), (Client, 24), (Server, 8), (Client, 6)]), None);
    assert_eq!(weight(&[]), None);
}

/// Where nothing else tells the offset of the debug log, its own content does.
#[test]
fn unique_content_gives_pairs_for_the_clock() {
    let (mut log, mut sessions) = ten();
    for (number, session) in sessions.iter_mut().enumerate() {
        session.dialog.transactions[0].mail_from = Text::from(format!("a{number}@example.net").as_str());
        session.dialog.transactions[0].mail_reply = Some((ReplyCode(250), moment(11.4, 1)));
    }
    let mut lines: Vec<String> = Vec::new();
    for icid in 0..3 {
        lines.push(received(icid, &format!("mail from:<A{icid}@example.net> SIZE=5")));
        lines.push(sent(icid, "250 ok"));
    }
    // Twice in the log: no pair.
    lines.push(received(5, "MAIL FROM:<a0@example.net>"));
    lines.push(sent(5, "250 ok"));
    log.conversations = spoken(&lines);
    let pairs = unique_pairs(&log, &sessions);
    assert_eq!(pairs.len(), 2);
    assert_eq!(pairs[0].1, moment(11.4, 1));
    assert_eq!(pairs[0].0.line.line, 4);
}
