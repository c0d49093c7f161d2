use super::testing::{LOCAL, REMOTE, connection, log, session};
use super::*;
use crate::capture::CloseKind;
use crate::smtp::ReplyCode;
use crate::smtp::session::ReplySeen;

/// Fifty connections of one sender inside one second; `from` names each one's sender.
fn fifty(from: impl Fn(u16) -> String, apart: f64) -> (MailLog, Vec<Session>) {
    // Far apart they come unevenly: at even intervals nobody can tell a shift of one from none.
    let uneven =
        |number: u16| if apart > 1.0 { f64::from(u32::from(number).pow(2) * 37 % 101) * 0.1 } else { 0.0 };
    let mut sessions = Vec::new();
    let mut connections = Vec::new();
    for number in 0..50u16 {
        let begins = 10.0 + f64::from(number) * apart + uneven(number);
        let from = from(number);
        sessions.push(session(40_000 + number, begins, 30.0, &from, "bert@example.com", CloseKind::Fin));
        connections.push(connection(u64::from(number), begins, 30.0, &from, "bert@example.com"));
    }
    // The log writes them down in another order than the wire shows them.
    connections.reverse();
    (log(connections), sessions)
}

#[test]
fn fifty_connections_inside_one_second_with_different_envelopes_all_land_right() {
    let (log, sessions) = fifty(|number| format!("anna{number}@example.net"), 0.018);
    let joined = join(&log, &sessions, &Options::default(), |_| true);
    for (connection, matched) in log.connections.iter().zip(&joined.matches) {
        assert_eq!(matched.outcome, MatchOutcome::Matched, "ICID {}: {matched:?}", connection.id);
        assert_eq!(matched.session, Some(connection.id as usize));
        assert_eq!(matched.alignment.of_message, [Some(0)]);
    }
}

#[test]
fn with_equal_envelopes_they_are_ambiguous_and_every_rival_is_named() {
    let (log, sessions) = fifty(|_| "anna@example.net".to_owned(), 0.018);
    let joined = join(&log, &sessions, &Options::default(), |_| true);
    for matched in &joined.matches {
        assert_eq!(matched.outcome, MatchOutcome::Ambiguous);
        assert_eq!(matched.rivals.len(), 49);
    }
    assert_eq!(joined.possible.len(), 50);
    assert!(joined.connection_of.iter().all(Option::is_none));
}

#[test]
fn time_tells_equal_envelopes_apart() {
    let (log, sessions) = fifty(|_| "anna@example.net".to_owned(), 20.0);
    let joined = join(&log, &sessions, &Options::default(), |_| true);
    for (connection, matched) in log.connections.iter().zip(&joined.matches) {
        assert_eq!(matched.outcome, MatchOutcome::Matched, "ICID {}: {matched:?}", connection.id);
        assert_eq!(matched.session, Some(connection.id as usize));
    }
}

#[test]
fn times_alone_match_nobody_where_both_sides_lack_connections() {
    let (mut log, mut sessions) = fifty(|_| "anna@example.net".to_owned(), 20.0);
    sessions.retain(|session| session.client().port % 3 != 0);
    for session in &mut sessions {
        let at = session.flow.first;
        let text = crate::text::Text::from("mx ESMTP");
        session.dialog.greeting = Some(crate::smtp::session::ReplySeen {
            code: crate::smtp::ReplyCode(220),
            text,
            at,
            end_offset: 10,
        });
    }
    log.connections.retain(|connection| connection.id % 4 != 0);
    let joined = join(&log, &sessions, &Options::default(), |_| true);
    assert!(joined.matches.iter().any(|matched| matched.doubt == Some(Doubt::BothInPart)));
    assert!(joined.matches.iter().all(|matched| matched.outcome != MatchOutcome::Matched));
}

#[test]
fn an_address_with_many_names_is_no_evidence() {
    let (log, mut sessions) = fifty(|number| format!("anna{number}@example.net"), 20.0);
    for session in &mut sessions {
        let name = format!("host{}.example.net", session.client().port % 5);
        session.dialog.helo = Some(crate::text::Text::from(name.as_str()));
    }
    let joined = join(&log, &sessions, &Options::default(), |_| true);
    assert_eq!(joined.pools, [("192.0.2.10".parse().unwrap(), 5)]);
    for matched in &joined.matches {
        let address = matched.evidence.iter().find(|piece| piece.name == "address").unwrap();
        assert_eq!(address.weight, 0.0, "{address:?}");
        assert_eq!(matched.outcome, MatchOutcome::Matched);
    }
}

#[test]
fn more_than_can_be_weighed_is_a_crowd_and_no_verdict_rests_on_some_of_it() {
    let envelope = ("anna@example.net", "bert@example.com");
    let sessions: Vec<Session> = (0..300)
        .map(|n| {
            session(40_000 + n, 10.0 + f64::from(n) * 0.002, 30.0, envelope.0, envelope.1, CloseKind::Fin)
        })
        .collect();
    let logged =
        (0..300).map(|n| connection(n, 10.0 + n as f64 * 0.002, 30.0, envelope.0, envelope.1)).collect();
    let joined = join(&log(logged), &sessions, &Options::default(), |_| true);
    for matched in &joined.matches {
        assert_eq!((matched.outcome, matched.doubt), (MatchOutcome::Ambiguous, Some(Doubt::Crowd)));
        assert_eq!((matched.candidates, matched.rivals.len()), (300, 0));
        assert!(matched.session.is_some());
    }
    assert_eq!(joined.possible.len(), 300);
}

#[test]
fn a_connection_that_is_not_in_the_file_is_not_given_anothers_flow() {
    let (mut log, mut sessions) = fifty(|number| format!("anna{number}@example.net"), 0.018);
    sessions.truncate(49);
    log.connections.retain(|connection| connection.id >= 40);
    let joined = join(&log, &sessions, &Options::default(), |_| true);
    let lone = log.connections.iter().position(|connection| connection.id == 49).unwrap();
    assert_eq!(joined.matches[lone].outcome, MatchOutcome::NotFound);
    assert!(joined.matches[lone].candidates > 0, "in reach of address and time, not of content");
    assert_eq!(joined.connection_of.iter().flatten().count(), 9);
}

/// STARTTLS was granted, and the connection ended in the handshake: no message on either side.
#[test]
fn a_connection_whose_handshake_failed_is_found_like_any_other_without_a_message() {
    use crate::maillog::Tls;
    use crate::smtp::tls::{Encryption, EncryptionStart};
    let (mut log, mut sessions) = fifty(|_| "anna@example.net".to_owned(), 20.0);
    for (connection, session) in log.connections.iter_mut().zip(&mut sessions) {
        connection.messages.clear();
        connection.tls = Some((Tls::Failed, connection.first));
        session.dialog.transactions.clear();
        let begun = Encryption::begun(EncryptionStart::StartTls, session.flow.first);
        session.dialog.encryption = Some(Box::new(begun));
    }
    let joined = join(&log, &sessions, &Options::default(), |_| true);
    assert_eq!(joined.connection_of.iter().flatten().count(), 50);
}

#[test]
fn an_address_behind_a_translation_is_found_by_its_map() {
    let (log, mut sessions) = fifty(|number| format!("anna{number}@example.net"), 0.018);
    for session in &mut sessions {
        session.flow.endpoints.originator.ip = "203.0.113.7".parse().unwrap();
    }
    let lost = join(&log, &sessions, &Options::default(), |_| true);
    assert!(lost.matches.iter().all(|matched| matched.outcome == MatchOutcome::NotFound));
    let map = vec![("192.0.2.10".parse().unwrap(), "203.0.113.7".parse().unwrap())];
    let joined = join(&log, &sessions, &Options { address_map: map, ..Options::default() }, |_| true);
    assert!(joined.matches.iter().all(|matched| matched.outcome == MatchOutcome::Matched));
}

#[test]
fn a_connection_whose_beginning_the_log_lacks_is_found_by_its_envelope() {
    let (mut log, sessions) = fifty(|number| format!("anna{number}@example.net"), 0.018);
    for connection in &mut log.connections {
        (connection.opened, connection.remote, connection.local) = (None, None, None);
        connection.first = connection.messages[0].first;
    }
    let joined = join(&log, &sessions, &Options::default(), |_| true);
    for (connection, matched) in log.connections.iter().zip(&joined.matches) {
        assert_eq!(matched.session, Some(connection.id as usize), "{matched:?}");
        assert_eq!(matched.outcome, MatchOutcome::Matched);
    }
}

#[test]
fn without_a_clock_the_envelopes_carry_the_join_and_fit_the_clock() {
    let (mut log, sessions) = fifty(|number| format!("anna{number}@example.net"), 0.018);
    log.clocks[0].head_offset = None;
    let joined = join(&log, &sessions, &Options::default(), |_| true);
    assert_eq!(joined.clocks.readings()[0].segments[0].origin, clock::ClockOrigin::Fit);
    assert!(joined.matches.iter().all(|matched| matched.outcome == MatchOutcome::Matched));
}

#[test]
fn the_evidence_adds_up_to_the_score() {
    let (log, sessions) = fifty(|number| format!("anna{number}@example.net"), 0.018);
    let joined = join(&log, &sessions, &Options::default(), |_| true);
    for matched in &joined.matches {
        let sum: f64 = matched.evidence.iter().map(|piece| piece.weight).sum();
        assert!((sum - matched.score.unwrap()).abs() < 0.02, "{matched:?}");
        assert!(matched.evidence.iter().any(|piece| piece.name == "mail_from"));
    }
}

#[test]
fn an_rcpt_whose_reply_the_file_lacks_speaks_against_nothing() {
    let (log, mut sessions) = fifty(|number| format!("anna{number}@example.net"), 0.018);
    for session in &mut sessions {
        session.dialog.transactions[0].recipients[0].reply = None;
        session.flow.open_at_end = true;
    }
    let joined = join(&log, &sessions, &Options::default(), |_| true);
    assert!(joined.matches.iter().all(|matched| matched.outcome == MatchOutcome::Matched));
}

/// Two deliveries to one server within a second, over one of which two messages go.
fn deliveries() -> (MailLog, Vec<Session>) {
    let (remote, local) = (LOCAL.parse().unwrap(), REMOTE.parse().unwrap());
    let mut sessions: Vec<Session> = [(40_001, "anna@example.net"), (40_002, "carl@example.net")]
        .into_iter()
        .map(|(port, from)| session(port, 10.0, 30.0, from, "bert@example.com", CloseKind::Rst))
        .collect();
    // The second goes on with a message whose sender the appliance rewrote.
    let mut second = sessions[1].dialog.transactions[0].clone();
    second.mail_from = "prvs=0123456789=dora@example.net".into();
    sessions[1].dialog.transactions.push(second);
    let connections = [(1, "carl@example.net"), (2, "anna@example.net")].map(|(dcid, from)| Connection {
        leg: Leg::Delivery,
        remote: Some(remote),
        local: Some(local),
        ..connection(dcid, 10.0, 30.0, from, "bert@example.com")
    });
    let mut log = log(connections.into());
    let mut second = log.connections[0].messages[0].clone();
    second.mid += 100;
    second.mail_from = Some(("dora@example.net".into(), second.first));
    log.connections[0].messages.push(second);
    (log, sessions)
}

#[test]
fn deliveries_are_told_apart_by_the_envelopes_of_their_messages() {
    let (log, sessions) = deliveries();
    let joined = join(&log, &sessions, &Options::default(), |_| true);
    let found: Vec<_> = joined.matches.iter().map(|matched| (matched.outcome, matched.session)).collect();
    assert_eq!(found, [(MatchOutcome::Matched, Some(1)), (MatchOutcome::Matched, Some(0))]);
    assert_eq!(joined.matches[0].alignment.of_message, [Some(0), Some(1)]);
}

/// Where the log holds no envelope (it was given the lines of the delivery alone), the remote
/// server's words tell.
#[test]
fn the_remote_servers_words_tell_a_delivery() {
    let (mut log, mut sessions) = deliveries();
    for message in log.connections.iter_mut().flat_map(|connection| &mut connection.messages) {
        message.mail_from = None;
        message.rcpt_to.clear();
    }
    log.connections[0].messages.truncate(1);
    sessions[1].dialog.transactions.truncate(1);
    let outcomes = |log: &MailLog, sessions: &[Session]| {
        let joined = join(log, sessions, &Options::default(), |_| true);
        joined.matches.iter().map(|matched| (matched.outcome, matched.session)).collect::<Vec<_>>()
    };
    assert!(outcomes(&log, &sessions).iter().all(|(outcome, _)| *outcome == MatchOutcome::Ambiguous));
    for (connection, (session, words)) in
        log.connections.iter_mut().zip([(1, "2.0.0 Ok: queued as 4F2A1B"), (0, "2.0.0 Ok: queued as 77")])
    {
        connection.messages[0].response = Some(Box::new(words.into()));
        sessions[session].dialog.transactions[0].end_reply = Some(ReplySeen {
            code: ReplyCode(250),
            text: words.into(),
            at: sessions[session].flow.last,
            end_offset: 200,
        });
    }
    assert_eq!(
        outcomes(&log, &sessions),
        [(MatchOutcome::Matched, Some(1)), (MatchOutcome::Matched, Some(0))]
    );
}
