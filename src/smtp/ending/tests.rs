mod dark;
mod delivery;
mod goodbye;

use super::*;
use crate::capture::CloseKind;
use crate::net::Role::{Client, Server};
use crate::smtp::script::Script;
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
