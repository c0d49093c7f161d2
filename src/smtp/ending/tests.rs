mod delivery;
mod goodbye;

use super::*;
use crate::capture::CloseKind;
use crate::net::Role::{Client, Server};
use crate::smtp::script::Script;
use crate::smtp::tls::{KnownReplies, TlsVersion};
use EndingKind::*;

const AT_SERVER: Context = Context { appliance: Server, silence: Span::from_seconds(60), aborted_at: None };

fn greeted() -> Script {
    Script::new().s("220 mx ESMTP\r\n").c("EHLO x\r\n").s("250 mx\r\n")
}

fn mail() -> Script {
    greeted().c("MAIL FROM:<a@example.com>\r\n").s("250 ok\r\n")
}

fn recipient() -> Script {
    mail().c("RCPT TO:<b@example.org>\r\n").s("250 ok\r\n")
}

fn body() -> Script {
    recipient().c("DATA\r\n").s("354 go\r\n").c("some text\r\n")
}

fn dot() -> Script {
    body().c(".\r\n")
}

fn ended(script: &Script, context: &Context) -> Ending {
    let session = script.session();
    let last = session.dialog.transactions.len().checked_sub(1);
    ending(&session, last, context)
}

/// The last frame of a script.
fn last(script: &Script) -> u32 {
    script.frame
}

#[test]
fn each_row_of_the_table() {
    let timer = "421 Timed out waiting for successful message injection, disconnecting.\r\n";
    let rows: Vec<(&str, Script, EndingKind, Option<Role>)> = vec![
        // SMTP's own endings come before anything that TCP did.
        ("accepted", dot().s("250 ok\r\n").fin(Client), Completed, Some(Server)),
        ("accepted after a half-close", dot().fin(Client).s("250 ok\r\n"), Completed, Some(Server)),
        ("accepted, then reset", dot().s("250 ok\r\n").rst(Client), Completed, Some(Server)),
        ("refused at the end", dot().s("554 spam\r\n").fin(Client), Refused, Some(Server)),
        ("refused at DATA", recipient().c("DATA\r\n").s("451 no\r\n"), Refused, Some(Server)),
        ("refused at MAIL", greeted().c("MAIL FROM:<a>\r\n").s("550 no\r\n"), Refused, Some(Server)),
        ("nobody left", mail().c("RCPT TO:<b>\r\n").s("550 no\r\n").fin(Client), Refused, Some(Server)),
        ("reset by command", recipient().c("RSET\r\n").s("250 ok\r\n").fin(Client), Abandoned, Some(Client)),
        ("a new EHLO", recipient().c("EHLO x\r\n").s("250 ok\r\n").fin(Client), Abandoned, Some(Client)),
        ("a nested MAIL refused", mail().c("MAIL FROM:<x>\r\n").s("503 no\r\n"), Refused, Some(Server)),
        // QUIT.
        ("quit", recipient().c("QUIT\r\n").s("221 bye\r\n").fin(Server), Quit, Some(Client)),
        ("quit without its 221", recipient().c("QUIT\r\n").fin(Client), Quit, Some(Client)),
        ("quit behind an unanswered dot", body().c(".\r\nQUIT\r\n").fin(Client), Fin, Some(Client)),
        ("quit in the body is text", body().c("QUIT\r\n").fin(Client), Fin, Some(Client)),
        (
            "quit because of the 421",
            body().wait(300).s(timer).c("QUIT\r\n").fin(Server),
            Silence,
            Some(Client),
        ),
        (
            "the same between commands",
            recipient().wait(300).s(timer).c("QUIT\r\n").fin(Server),
            Silence,
            Some(Client),
        ),
        (
            "the same with its 221",
            recipient().wait(300).s(timer).c("QUIT\r\n").s("221 bye\r\n").fin(Server),
            Silence,
            Some(Client),
        ),
        (
            "DATA unanswered until the timer, then QUIT",
            recipient().c("DATA\r\n").wait(300).s(timer).c("QUIT\r\n").fin(Client),
            Refused,
            Some(Server),
        ),
        // Closes.
        ("the sender's FIN", body().fin(Client).fin(Server), Fin, Some(Client)),
        ("the sender's FIN after a long wait", dot().wait(61).fin(Client), Fin, Some(Client)),
        ("the sender's RST", body().rst(Client), Rst, Some(Client)),
        ("the appliance's FIN", recipient().fin(Server), ApplianceClosed, Some(Server)),
        ("the appliance's RST", body().rst(Server), ApplianceClosed, Some(Server)),
        ("a 421 at once", body().s("421 shutting down\r\n").fin(Server), ApplianceClosed, Some(Server)),
        (
            "a 421 that the client answers with its FIN",
            body().s("421 bye\r\n").fin(Client),
            ApplianceClosed,
            Some(Server),
        ),
        // Silence, on whose turn.
        ("silence in the body", body().wait(300).s(timer).fin(Server), Silence, Some(Client)),
        ("silence after RCPT", recipient().wait(300).s(timer).fin(Server), Silence, Some(Client)),
        ("silence before MAIL", greeted().wait(300).fin(Server), Silence, Some(Client)),
        ("silence in half a command", mail().c("RCPT T").wait(300).fin(Server), Silence, Some(Client)),
        ("the dot unanswered", dot().wait(300).s("421 sorry\r\n").fin(Server), Refused, Some(Server)),
        ("the dot unanswered, then a FIN", dot().wait(300).fin(Server), ApplianceStalled, Some(Server)),
        (
            "DATA unanswered, then an RST",
            recipient().c("DATA\r\n").wait(99).rst(Server),
            ApplianceStalled,
            Some(Server),
        ),
        (
            "a 354 never acknowledged",
            recipient().c("DATA\r\n").s("354 go\r\n").undelivered(Server).wait(99).fin(Server),
            ApplianceStalled,
            Some(Server),
        ),
        ("no greeting", Script::new().wait(300).fin(Client), Fin, Some(Client)),
        // The file knows no end.
        ("the file ends", body(), CaptureEnded, None),
        ("the file ends after a long quiet", body().wait(900), CaptureEnded, None),
    ];
    for (name, script, kind, by) in rows {
        let ending = ended(&script, &AT_SERVER);
        assert_eq!((ending.kind, ending.by), (kind, by), "{name}: {ending:?}");
        assert_eq!(
            ending.missing.is_empty(),
            !matches!(kind, CaptureEnded) && !name.contains("never"),
            "{name}"
        );
        assert!(ending.at.is_some_and(|at| at.frame.frame <= last(&script)), "{name}");
        match kind {
            Completed | Refused | Abandoned => {
                assert_eq!((ending.turn, ending.stall), (None, None), "{name}")
            }
            Quit => assert_eq!((ending.turn, ending.stall), (Some(Turn::Of(Client)), None), "{name}"),
            _ => {}
        }
    }
}

#[test]
fn the_log_can_vouch_for_a_silence() {
    let script = body().wait(300);
    let aborted =
        |seconds| Context { aborted_at: Some(Script::START.plus(Span::from_seconds(seconds))), ..AT_SERVER };
    let covered = ended(&script, &aborted(290));
    assert_eq!((covered.kind, covered.covered), (Silence, true));
    assert_eq!(covered.turn, Some(Turn::Of(Client)));
    let later = ended(&script, &aborted(999));
    assert_eq!((later.kind, later.covered), (CaptureEnded, false));
    assert_eq!(ended(&dot().wait(300), &aborted(290)).kind, ApplianceStalled);
    // A shorter quiet is none.
    assert_eq!(ended(&body().wait(30), &aborted(20)).kind, CaptureEnded);
}

#[test]
fn turns_and_waits_are_told() {
    let gave_up = ended(&dot().wait(61).fin(Client), &AT_SERVER);
    assert_eq!(gave_up.turn, Some(Turn::Of(Server)));
    assert_eq!(gave_up.waited.unwrap().seconds().round(), 61.0);
    assert_eq!(gave_up.stage, Stage::EndOfData);
    assert_eq!(gave_up.stall.unwrap().on, Server);
    let in_body = ended(&body().fin(Client), &AT_SERVER);
    assert_eq!((in_body.turn, in_body.stage, in_body.stall), (Some(Turn::Of(Client)), Stage::Body, None));
    let path = ended(&recipient().undelivered(Server).wait(5).fin(Client), &AT_SERVER);
    assert_eq!(path.turn, Some(Turn::Path));
    // Within a round trip nothing is late.
    let soon = ended(&recipient().undelivered(Server).fin(Client), &AT_SERVER);
    assert_eq!(soon.turn, Some(Turn::Of(Client)));
    let mut full = body().wait(99).fin(Client);
    full.server_window = 100;
    assert_eq!(ended(&full, &AT_SERVER).turn, Some(Turn::Of(Server)));
    let mut full = body().wait(99).fin(Server);
    full.server_window = 100;
    let stalled = ended(&full, &AT_SERVER);
    assert_eq!((stalled.kind, stalled.missing.len()), (ApplianceStalled, 1));
}

#[test]
fn why_and_form_of_the_appliances_close() {
    let rows = [
        ("421 Exceeded allowable connection time, disconnecting.\r\n", Why::Timer),
        ("421 4.4.2 mx Error: timeout exceeded\r\n", Why::Timer),
        ("421 Exceeded bad SMTP command limit, disconnecting.\r\n", Why::Limit),
        ("421 4.7.0 mx Error: too many errors\r\n", Why::Limit),
        ("421 4.3.2 Service not available, closing transmission channel\r\n", Why::Killed),
        ("421 4.7.1 rejected by reputation\r\n", Why::Policy),
        ("421 so long\r\n", Why::Unknown),
    ];
    for (reply, why) in rows {
        let ending = ended(&body().s(reply).fin(Server), &AT_SERVER);
        assert_eq!(
            (ending.kind, ending.why, ending.form),
            (ApplianceClosed, Some(why), Some(Form::Reply)),
            "{reply}"
        );
        assert_eq!(ending.code.unwrap().0, 421);
    }
    let turned_away =
        ended(&Script::new().s("554 bad reputation\r\n").c("EHLO x\r\n").fin(Server), &AT_SERVER);
    assert_eq!((turned_away.why, turned_away.form), (Some(Why::Policy), Some(Form::Reply)));
    let fin = ended(&body().fin(Server), &AT_SERVER);
    assert_eq!((fin.why, fin.form, fin.code), (Some(Why::Unknown), Some(Form::Fin), None));
    let timer = ended(&body().wait(300).s("421 timed out\r\n").fin(Server), &AT_SERVER);
    assert_eq!((timer.kind, timer.why, timer.form), (Silence, None, None), "the stall came first");
}

#[test]
fn races_and_crossings() {
    let quit = ended(&recipient().c("QUIT\r\n").s("221 bye\r\n").fin(Server), &AT_SERVER);
    assert!(!quit.race && !quit.crossed);
    assert!(ended(&recipient().c("QUIT\r\n").fin(Client).s("221 bye\r\n"), &AT_SERVER).race);
    assert!(ended(&recipient().c("QUIT\r\n").rst(Server), &AT_SERVER).race);
    assert!(!ended(&recipient().c("QUIT\r\n"), &AT_SERVER).race);
    let reacted = ended(&body().fin(Client).fin(Server), &AT_SERVER);
    assert!(!reacted.crossed);
    let crossed = ended(&body().fin(Client).close(Server, CloseKind::Fin, false), &AT_SERVER);
    assert!(crossed.crossed && crossed.kind == Fin);
    // Independent, but long after: the first one did not get through, that is no crossing.
    let late = ended(&body().fin(Client).wait(30).close(Server, CloseKind::Fin, false), &AT_SERVER);
    assert!(!late.crossed);
    let unaware = ended(&body().s("421 bye\r\n").close(Client, CloseKind::Fin, false), &AT_SERVER);
    assert!(unaware.crossed);
    assert_eq!(unaware.kind, ApplianceClosed);
}

#[test]
fn an_acceptance_that_was_not_acknowledged_expects_duplicates() {
    assert!(!ended(&dot().s("250 ok\r\n").fin(Client), &AT_SERVER).reply_unacknowledged);
    assert!(ended(&dot().s("250 ok\r\n").undelivered(Server).rst(Client), &AT_SERVER).reply_unacknowledged);
}

#[test]
fn on_the_delivery_leg_the_server_is_the_sender() {
    let context = Context { appliance: Client, ..AT_SERVER };
    let rows: Vec<(Script, EndingKind, Option<Role>)> = vec![
        (body().fin(Server), Fin, Some(Server)),
        (body().rst(Server), Rst, Some(Server)),
        (body().fin(Client), ApplianceClosed, Some(Client)),
        (dot().wait(300).fin(Client), Silence, Some(Server)),
        (body().wait(300).fin(Client), ApplianceStalled, Some(Client)),
        (body().s("421 shutting down\r\n").fin(Client), Refused, Some(Server)),
    ];
    for (script, kind, by) in rows {
        let ending = ended(&script, &context);
        assert_eq!((ending.kind, ending.by), (kind, by), "{ending:?}");
    }
}

#[test]
fn a_gap_at_the_end_is_never_taken_for_silence() {
    let script = body().missing(Client, "more\r\n").wait(300).fin(Server);
    let ending = ended(&script, &AT_SERVER);
    assert_eq!(ending.kind, ApplianceClosed);
    assert!(ending.inferred && !ending.missing.is_empty());
    let context = Context { aborted_at: Some(Script::START), ..AT_SERVER };
    assert_eq!(ended(&body().missing(Client, "more\r\n").wait(300), &context).kind, CaptureEnded);
}

#[test]
fn a_message_whose_answer_fell_into_a_gap_is_not_the_connections_end() {
    let script = dot().missing(Server, "250 ok\r\n").c("MAIL FROM:<n>\r\n").s("250 ok\r\n").fin(Client);
    let session = script.session();
    let first = ending(&session, Some(0), &AT_SERVER);
    assert_eq!((first.kind, first.missing.len()), (CaptureEnded, 1));
    assert_eq!(ending(&session, Some(1), &AT_SERVER).kind, Fin);
    assert_eq!(ending(&session, None, &AT_SERVER).kind, Fin);
}

/// TLS 1.3 after STARTTLS, both ends at application data.
fn dark() -> Script {
    let hello = record(22, 2);
    let finished = [record(20, 1), record(23, 53)].concat();
    greeted()
        .c("STARTTLS\r\n")
        .s("220 go\r\n")
        .c(&hello)
        .s([hello.clone(), finished.clone()].concat())
        .c(finished)
}

fn record(content_type: u8, length: u16) -> Vec<u8> {
    let mut octets = vec![content_type, 3, 3];
    octets.extend_from_slice(&length.to_be_bytes());
    octets.resize(5 + usize::from(length), 0);
    octets
}

#[test]
fn encrypted_endings_say_no_more_than_records_do() {
    let command = |n: u16| record(23, n + 17);
    let spoken = || dark().c(command(16)).s(command(100)).c(command(30)).s(command(20));
    let quit = || spoken().c(command(6)).s(command(15));
    let rows: Vec<(&str, Script, EndingKind, Option<Role>)> = vec![
        ("six octets, one answer, the server leaves", quit().fin(Server).fin(Client), Quit, Some(Client)),
        (
            "the same with close_notify",
            quit().s(record(23, 19)).c(record(23, 19)).fin(Client),
            Quit,
            Some(Client),
        ),
        ("the client leaves first: perhaps QUIT, perhaps not", quit().fin(Client), Fin, Some(Client)),
        ("six octets without an answer", spoken().c(command(6)).fin(Client), Fin, Some(Client)),
        ("six octets and a body: DATA", quit().c(command(1000)).fin(Client), Fin, Some(Client)),
        (
            "six octets, then another command: RSET",
            quit().c(command(30)).s(command(14)).fin(Server),
            ApplianceClosed,
            Some(Server),
        ),
        ("cut in a record", spoken().c(&command(1000)[..500]).rst(Client), Rst, Some(Client)),
        ("quiet after the server's record", spoken().wait(300).fin(Server), Silence, Some(Client)),
        (
            "quiet after the client's record",
            spoken().c(command(1000)).wait(300).fin(Server),
            ApplianceClosed,
            Some(Server),
        ),
        ("the server leaves long after the answer", quit().wait(300).fin(Server), Silence, Some(Client)),
        ("the file ends", spoken(), CaptureEnded, None),
    ];
    for (name, script, kind, by) in rows {
        let ending = ended(&script, &AT_SERVER);
        assert_eq!((ending.kind, ending.by), (kind, by), "{name}: {ending:?}");
        assert!(ending.inferred, "{name}");
        assert_eq!(ending.missing.is_empty(), kind == Quit, "{name}: {:?}", ending.missing);
        assert_eq!(ending.stage, Stage::Tls, "{name}");
    }
    let cut = ended(&spoken().c(&command(1000)[..500]).rst(Client), &AT_SERVER);
    assert_eq!(cut.missing, ["522 octets of the sender's last TLS record"]);
}

#[test]
fn an_unasked_word_before_the_server_leaves_is_its_timer() {
    let command = |n: u16| record(23, n + 17);
    let spoken = || dark().c(command(16)).s(command(100)).c(command(30)).s(command(20));
    let silent = ended(&spoken().wait(300).s(command(60)).fin(Server), &AT_SERVER);
    assert_eq!((silent.kind, silent.by), (Silence, Some(Client)), "{silent:?}");
    assert!(silent.inferred && silent.stall.is_some_and(|stall| stall.on == Client));
    // At once, or with a word of the client between, it is an answer.
    let answered = ended(&spoken().s(command(60)).fin(Server), &AT_SERVER);
    assert_eq!((answered.kind, answered.by), (ApplianceClosed, Some(Server)));
    let asked = ended(&spoken().wait(300).c(command(9)).s(command(60)).fin(Server), &AT_SERVER);
    assert_eq!(asked.kind, ApplianceClosed);
    // A server that goes on did not leave.
    let goes_on = ended(&spoken().wait(300).s(command(60)).c(command(30)).fin(Client), &AT_SERVER);
    assert_eq!(goes_on.kind, Fin);
}

#[test]
fn a_servers_fixed_replies_tell_quit_from_data() {
    let command = |n: u16| record(23, n + 17);
    let script = dark().c(command(16)).s(command(100)).c(command(6)).s(command(15)).fin(Client);
    let known = |closing: &[u16], go_ahead: &[u16]| {
        let mut session = script.session();
        let encryption = session.dialog.encryption.as_mut().unwrap();
        (encryption.version, encryption.cipher_suite) = (Some(TlsVersion(0x0304)), Some(0x1301));
        encryption.known_replies = KnownReplies { closing: closing.to_vec(), go_ahead: go_ahead.to_vec() };
        ending(&session, None, &AT_SERVER)
    };
    assert_eq!((known(&[15], &[37]).kind, known(&[15], &[37]).stage), (Quit, Stage::Tls));
    let data = known(&[21], &[15]);
    assert_eq!((data.kind, data.stage, data.may_be_quit), (Fin, Stage::Data, false));
    for (closing, go_ahead) in [(&[][..], &[][..]), (&[15], &[15]), (&[21], &[37])] {
        let open = known(closing, go_ahead);
        assert_eq!((open.kind, open.may_be_quit), (Fin, true), "{closing:?} {go_ahead:?}");
    }
}

#[test]
fn a_quit_sent_behind_a_dot_without_waiting_is_told_by_its_answers() {
    let command = |n: u16| record(23, n + 17);
    let body = |last: u16| {
        let spoken = dark().c(command(16)).s(command(100)).c(command(6)).s(command(37));
        spoken.c([command(1000), command(last)].concat())
    };
    let quit = ended(&body(6).s([command(30), command(15)].concat()).fin(Server).fin(Client), &AT_SERVER);
    assert_eq!((quit.kind, quit.by, quit.inferred), (Quit, Some(Client), true), "{quit:?}");
    // A word some time behind the answer is no answer; and five octets are a dot in a record of its own.
    let late = ended(&body(6).s(command(30)).wait(5).s(command(15)).fin(Server), &AT_SERVER);
    assert_eq!((late.kind, late.may_be_quit), (ApplianceClosed, true), "{late:?}");
    let dot = ended(&body(5).s([command(30), command(15)].concat()).fin(Server), &AT_SERVER);
    assert_eq!((dot.kind, dot.may_be_quit), (ApplianceClosed, true), "{dot:?}");
    // More answers than there was said.
    let more = body(6).s([command(30), command(15), command(15)].concat()).fin(Server);
    assert_eq!(ended(&more, &AT_SERVER).kind, ApplianceClosed);
}

#[test]
fn tickets_behind_the_handshake_answer_nothing() {
    let command = |n: u16| record(23, n + 17);
    let tickets = || dark().s([command(233), command(233)].concat());
    let quit = tickets().c(command(16)).s(command(100)).c(command(6)).s(command(15)).fin(Server);
    assert_eq!(ended(&quit, &AT_SERVER).kind, Quit);
    let silent = ended(&tickets().wait(300).fin(Server), &AT_SERVER);
    assert_eq!((silent.kind, silent.by), (Silence, Some(Client)), "{silent:?}");
    let left = ended(&tickets().fin(Client), &AT_SERVER);
    assert_eq!((left.kind, left.may_be_quit), (Fin, false), "{left:?}");
}

#[test]
fn an_alert_in_clear_ends_a_handshake() {
    let alert = [21, 3, 3, 0, 2, 2, 40];
    let refused = greeted().c("STARTTLS\r\n").s("220 go\r\n").c(record(22, 200)).s(alert);
    for (script, kind, by) in [
        (refused.clone().fin(Server), ApplianceClosed, Server),
        (refused.clone().fin(Client), Fin, Client),
        (refused.rst(Client), Rst, Client),
    ] {
        let session = script.session();
        let encryption = session.dialog.encryption.as_ref().unwrap();
        let said = encryption.alert.map(|alert| (alert.by, alert.description.to_string()));
        assert_eq!(said, Some((Server, "handshake_failure".to_owned())));
        assert!(!encryption.established);
        let ending = ending(&session, None, &AT_SERVER);
        assert_eq!((ending.kind, ending.by, ending.may_be_quit), (kind, Some(by), false), "{ending:?}");
    }
}

#[test]
fn a_long_speech_without_an_answer_is_a_body() {
    let command = |n: u16| record(23, n + 17);
    let spoken = || dark().c(command(16)).s(command(100)).c(command(6)).s(command(20));
    let mut session = spoken().c(command(9000)).fin(Client).session();
    let encryption = session.dialog.encryption.as_ref().unwrap();
    // Without the hellos the suite is not known, and the length only a range.
    let [message] = encryption.long_speeches.as_slice() else { panic!("{encryption:?}") };
    assert!(message.text.may_be(9000) && message.text.least > 8900, "{message:?}");
    assert_eq!(ending(&session, None, &AT_SERVER).stage, Stage::Body);
    session = spoken().c(command(9000)).s(command(20)).fin(Client).session();
    assert_eq!(ending(&session, None, &AT_SERVER).stage, Stage::Tls);
}

#[test]
fn numbers_that_cannot_be_true_make_no_body() {
    let command = |n: u16| record(23, n + 17);
    let numberless = |script: Script| {
        let mut script = script;
        for said in &mut script.said {
            said.acknowledged = 0;
        }
        script.session()
    };
    let spoken = || dark().c(command(16)).s(command(100)).c(command(6)).s(command(20));
    let long = numberless(spoken().c(command(9000)).fin(Client));
    let encryption = long.dialog.encryption.as_ref().unwrap();
    assert!(encryption.established && encryption.speeches.is_empty() && encryption.long_speeches.is_empty());
    let ended = ending(&long, None, &AT_SERVER);
    assert_eq!((ended.kind, ended.stage, ended.inferred), (Fin, Stage::Tls, true));
    // QUIT is told by records, which no number changes.
    let quit = numberless(spoken().c(command(6)).s(command(15)).fin(Server).fin(Client));
    assert_eq!(ending(&quit, None, &AT_SERVER).kind, Quit);
}

#[test]
fn a_handshake_takes_turns() {
    let ready = || greeted().c("STARTTLS\r\n").s("220 go\r\n");
    let nothing = ended(&ready().wait(99).fin(Server), &AT_SERVER);
    assert_eq!((nothing.kind, nothing.inferred, nothing.stage), (Silence, false, Stage::Tls));
    let hello = ended(&ready().c(record(22, 200)).wait(99).fin(Server), &AT_SERVER);
    assert_eq!((hello.kind, hello.inferred), (ApplianceStalled, true));
    let answered = ended(&ready().c(record(22, 200)).s(record(22, 90)).wait(99).fin(Server), &AT_SERVER);
    assert_eq!(answered.kind, Silence);
}

#[test]
fn a_connection_without_transactions_ends_too() {
    for (script, kind) in [
        (greeted().c("QUIT\r\n").s("221 bye\r\n").fin(Client), Quit),
        (Script::new().s("554 no\r\n").fin(Server), ApplianceClosed),
        (Script::new().s("554 no\r\n").fin(Client), ApplianceClosed),
        (Script::new().s("554 no\r\n").c("QUIT\r\n").s("221 bye\r\n").fin(Server), Quit),
        (Script::new().s("220 hi\r\n").rst(Client), Rst),
        (Script::new(), CaptureEnded),
    ] {
        assert_eq!(ended(&script, &AT_SERVER).kind, kind);
    }
    // An index that does not exist is the connection.
    let session = greeted().fin(Client).session();
    assert_eq!(ending(&session, Some(7), &AT_SERVER).kind, Fin);
}

#[test]
fn the_appliances_answer_to_a_fin_that_the_capture_lost_is_no_close_of_its_own() {
    let mut session = body().fin(Server).session();
    session.flow.streams.originator.lost_fin = true;
    let end = session.flow.streams.originator.end;
    for (acknowledged, kind) in [(end + 1, CaptureEnded), (end, ApplianceClosed)] {
        session.flow.closes.effective.as_mut().unwrap().acknowledged = Some(acknowledged);
        assert_eq!(ending(&session, Some(0), &AT_SERVER).kind, kind);
    }
}

#[test]
fn a_window_of_unknown_scale_closes_nothing() {
    let mut script = body().wait(99).fin(Client);
    script.server_window = 100;
    let mut session = script.session();
    session.flow.streams.responder.window_may_be_larger = true;
    assert_eq!(ending(&session, Some(0), &AT_SERVER).turn, Some(Turn::Of(Client)));
}

#[test]
fn a_timer_that_runs_out_behind_the_dot_answers_nothing() {
    let timer = "421 Timed out waiting for successful message injection, disconnecting.\r\n";
    let stalled = ended(&dot().wait(300).s(timer).fin(Server), &AT_SERVER);
    assert_eq!(
        (stalled.kind, stalled.by, stalled.stage, stalled.turn),
        (ApplianceStalled, Some(Server), Stage::EndOfData, Some(Turn::Of(Server)))
    );
    let busy = ended(&dot().s("421 4.3.2 too many connections\r\n").fin(Server), &AT_SERVER);
    assert_eq!(busy.kind, Refused);
}
