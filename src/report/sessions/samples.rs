//! Sessions made by hand for the tests of the list.

use crate::capture::{
    Close, CloseKind, Closes, ConnState, Effect, Flow, Gap, Loss, OriginatorFrom, Pair, RoundTrip, Side,
    StreamFacts,
};
use crate::cite::{CaptureId, FrameRef, Moment};
use crate::net::{Endpoint, Role};
use crate::smtp::ending::{EndingKind, Form, Turn, Why};
use crate::smtp::session::{Command, Quit, Recipient, ReplySeen, RolesFrom};
use crate::smtp::tls::{Encryption, EncryptionStart};
use crate::smtp::{Dialog, Ending, Outcome, ReplyCode, Session, Stage, Transaction, Verb};
use crate::text::Text;
use crate::time::{Span, Timestamp};

pub(crate) fn moment(frame: u32) -> Moment {
    Moment {
        time: Timestamp::from_parts(1_408_021_729 + i64::from(frame), 0),
        frame: FrameRef { capture: CaptureId(0), frame },
    }
}

fn flow(client: &str, server: &str) -> Flow {
    let endpoint = |ip: &str, port| Endpoint::new(ip.parse().unwrap(), port);
    let fin = Close {
        kind: CloseKind::Fin,
        by: Side::Originator,
        at: moment(16),
        offset: 100,
        acknowledged: Some(200),
        effect: Effect::Effective,
    };
    Flow {
        capture: CaptureId(0),
        endpoints: Pair { originator: endpoint(client, 34_476), responder: endpoint(server, 25) },
        originator_from: OriginatorFrom::Handshake,
        first: moment(1),
        last: moment(17),
        segments: 17,
        streams: Pair { originator: StreamFacts::default(), responder: StreamFacts::default() },
        closes: Closes { first_seen: Some(fin), effective: Some(fin), all: vec![fin] },
        conn_state: ConnState::SF,
        history: "ShAdDaFf".to_owned(),
        open_at_end: false,
        watched_until: moment(17).time,
        trace: None,
    }
}

fn transaction(outcome: Outcome, stage: Stage) -> Transaction {
    let reply = |code| Some((ReplyCode(code), moment(11)));
    Transaction {
        mail: moment(10),
        mail_reply: reply(250),
        mail_from: Text::from("anna@example.net"),
        mail_missing: false,
        acceptance_inferred: false,
        declared_size: None,
        recipients: vec![
            Recipient { address: Text::from("bert@example.com"), at: moment(12), reply: reply(250) },
            Recipient { address: Text::new(b"\xff@example.com"), at: moment(13), reply: reply(550) },
            Recipient { address: Text::from("cora@example.com"), at: moment(14), reply: None },
        ],
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
        outcome,
        stage,
    }
}

fn ending(kind: EndingKind, by: Option<Role>, stage: Stage) -> Ending {
    Ending {
        kind,
        by,
        why: None,
        form: None,
        code: None,
        inferred: false,
        may_be_quit: false,
        race: false,
        crossed: false,
        at: Some(moment(16)),
        stage,
        turn: Some(Turn::Of(Role::Client)),
        waited: Some(Span::from_seconds(2)),
        stall: None,
        reply_unacknowledged: false,
        covered: true,
        missing: vec![],
    }
}

fn session(flow: Flow, verbs: &[Verb], transactions: Vec<Transaction>) -> Session {
    let commands = verbs
        .iter()
        .map(|verb| Command {
            verb: verb.clone(),
            at: moment(5),
            reply: Some((ReplyCode(250), moment(6))),
            body: None,
        })
        .collect();
    let dialog =
        Dialog { commands, transactions, helo: Some(Text::from("mx.example.net")), ..Dialog::default() };
    Session { flow, roles_from: RolesFrom::Handshake, dialog }
}

/// The client's FIN after RCPT.
pub(crate) fn fin_after_rcpt() -> (Session, Ending) {
    let session = session(
        flow("192.0.2.10", "198.51.100.25"),
        &[Verb::Ehlo, Verb::Mail, Verb::Rcpt, Verb::Rcpt, Verb::Rcpt],
        vec![transaction(Outcome::Open, Stage::Rcpt)],
    );
    (session, ending(EndingKind::Fin, Some(Role::Client), Stage::Rcpt))
}

/// One message delivered and one given up, then QUIT.
pub(crate) fn two_transactions() -> (Session, Ending) {
    let mut delivered = transaction(Outcome::Completed { at: moment(15) }, Stage::EndOfData);
    delivered.end_reply =
        Some(ReplySeen { code: ReplyCode(250), text: Text::from("ok"), at: moment(15), end_offset: 200 });
    delivered.end_of_data = Some(moment(14));
    delivered.body_octets = 1514;
    delivered.message_id = Some(Text::from("<1@example.net>"));
    let given_up = transaction(Outcome::Abandoned { by: Verb::Rset, at: moment(16) }, Stage::Rcpt);
    let mut flow = flow("192.0.2.10", "198.51.100.25");
    let round_trip = |millis, samples| RoundTrip {
        handshake: Some(Span::from_millis(millis)),
        data: Some(Span::from_millis(millis + 1)),
        samples,
    };
    flow.streams.originator.round_trip = round_trip(250, 3);
    flow.streams.originator.retransmitted = 2;
    flow.streams.responder.round_trip = round_trip(1, 4);
    flow.streams.responder.missed_octets = 1460;
    let mut session = session(
        flow,
        &[
            Verb::Ehlo,
            Verb::Mail,
            Verb::Rcpt,
            Verb::Data,
            Verb::EndOfData,
            Verb::Mail,
            Verb::Rset,
            Verb::Quit,
        ],
        vec![delivered, given_up],
    );
    session.dialog.quit = Some(Quit {
        at: moment(16),
        end_offset: 90,
        acknowledged: 190,
        inferred: false,
        all_answered_before: true,
        reply: None,
    });
    (session, ending(EndingKind::Quit, Some(Role::Client), Stage::Between))
}

/// Encrypted over IPv6, a gap, and the server's timer; the client wrote to hurt the terminal.
pub(crate) fn odd() -> (Session, Ending) {
    let mut session = session(
        flow("2001:db8:1234:5678:9abc:def0:1234:5678", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"),
        &[Verb::Ehlo, Verb::Unknown(Text::new(b"\x1b[31m\xff")), Verb::StartTls],
        vec![],
    );
    session.roles_from = RolesFrom::Greeting;
    session.dialog.encryption = Some(Box::new(Encryption {
        established: true,
        ..Encryption::begun(EncryptionStart::StartTls, moment(8))
    }));
    session.dialog.gaps =
        vec![(Role::Client, Gap { offset: 10, length: 20, at: moment(9), loss: Loss::Capture })];
    let ending = Ending {
        why: Some(Why::Timer),
        form: Some(Form::Reply),
        code: Some(ReplyCode(421)),
        inferred: true,
        turn: Some(Turn::Path),
        ..ending(EndingKind::ApplianceClosed, Some(Role::Server), Stage::Tls)
    };
    session.dialog.greeting =
        Some(ReplySeen { code: ReplyCode(220), text: Text::from("mx"), at: moment(4), end_offset: 10 });
    (session, ending)
}

/// Nothing but a handshake, and no end.
pub(crate) fn bare() -> (Session, Ending) {
    let mut session = session(flow("192.0.2.11", "198.51.100.25"), &[], vec![]);
    session.flow.closes = Closes::default();
    session.dialog.helo = None;
    session.roles_from = RolesFrom::Port;
    let ending = Ending {
        at: None,
        turn: None,
        waited: None,
        ..ending(EndingKind::CaptureEnded, None, Stage::Connect)
    };
    (session, ending)
}

pub(crate) fn all() -> Vec<(Session, Ending)> {
    vec![fin_after_rcpt(), two_transactions(), odd(), bare()]
}
