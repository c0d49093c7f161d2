//! An end that says goodbye by an alert of TLS and lets the other end's FIN go first.

use super::dark::{dark, record};
use super::*;
use crate::smtp::tls::TlsVersion;

const AT_CLIENT: Context = Context { appliance: Client, ..AT_SERVER };

fn command(octets: u16) -> Vec<u8> {
    record(23, octets + 17)
}

/// A dialogue whose last words are the client's of so many octets, and the server's answer.
fn asked(octets: u16) -> Script {
    dark().c(command(16)).s(command(100)).c(command(octets)).s(command(20))
}

fn alert() -> Vec<u8> {
    record(23, 19)
}

#[test]
fn who_sent_the_alert_closed_first() {
    let rows: Vec<(&str, Script, Context, EndingKind, Role)> = vec![
        ("the client's", asked(30).c(alert()).fin(Server).fin(Client), AT_SERVER, Fin, Client),
        (
            "the client's, answered in kind",
            asked(30).c(alert()).s(alert()).fin(Server),
            AT_SERVER,
            Fin,
            Client,
        ),
        ("the remote server's", asked(30).s(alert()).fin(Client).fin(Server), AT_CLIENT, Fin, Server),
        (
            "the remote server's, and one more word",
            asked(30).s(alert()).c(command(5)).fin(Client),
            AT_CLIENT,
            Fin,
            Server,
        ),
        ("the appliance's", asked(30).s(alert()).fin(Client).fin(Server), AT_SERVER, ApplianceClosed, Server),
        ("the appliance's own", asked(30).c(alert()).fin(Server), AT_CLIENT, ApplianceClosed, Client),
    ];
    for (name, script, context, kind, by) in rows {
        let ending = ended(&script, &context);
        assert_eq!((ending.kind, ending.by), (kind, Some(by)), "{name}: {ending:?}");
        assert_eq!(
            (ending.form, ending.crossed, ending.inferred),
            (Some(Form::TlsAlert), false, true),
            "{name}"
        );
        // What it says cannot be read.
        assert!(
            ending.missing.iter().any(|missing| missing.contains("alert")),
            "{name}: {:?}",
            ending.missing
        );
        let session = script.session();
        let alert =
            session.dialog.encryption.as_ref().unwrap().records.iter().find(|record| record.length == 19);
        assert_eq!(ending.at, alert.map(|record| record.at), "{name}");
    }
}

/// Before TLS 1.3 the type of the record is in clear.
#[test]
fn an_alert_of_tls_1_2_is_told_by_its_type() {
    let hello = record(22, 2);
    let finished = [record(20, 1), record(22, 40)].concat();
    let begun = greeted().c("STARTTLS\r\n").s("220 go\r\n").c(&hello).s(&hello);
    let spoken = begun.c(&finished).s(&finished).c(record(23, 45)).s(record(23, 60));
    let ending =
        ended(&spoken.clone().c(record(21, 26)).s(record(21, 26)).fin(Server).fin(Client), &AT_SERVER);
    assert_eq!(
        (ending.kind, ending.by, ending.form),
        (Fin, Some(Client), Some(Form::TlsAlert)),
        "{ending:?}"
    );
    // Nineteen octets are a word there.
    let word = ended(&spoken.c(record(23, 19)).fin(Server), &AT_SERVER);
    assert_eq!((word.kind, word.form), (ApplianceClosed, Some(Form::Fin)), "{word:?}");
}

#[test]
fn what_does_not_answer_an_alert_ends_the_connection_itself() {
    let rows: Vec<(&str, Script, EndingKind, Role, Option<Form>)> = vec![
        ("its own FIN comes first", asked(30).c(alert()).fin(Client).fin(Server), Fin, Client, None),
        (
            "the appliance spoke its goodbye before",
            asked(30).s(alert()).c(alert()).fin(Client),
            ApplianceClosed,
            Server,
            Some(Form::TlsAlert),
        ),
        ("a reset", asked(30).c(alert()).rst(Server), ApplianceClosed, Server, Some(Form::Rst)),
        (
            "it was no last word",
            asked(30).c(alert()).c(command(30)).fin(Server),
            ApplianceClosed,
            Server,
            Some(Form::Fin),
        ),
        (
            "line ends in records of their own are no alerts",
            dark().c(command(14)).c(alert()).s(command(100)).c(command(28)).c(alert()).fin(Server),
            ApplianceClosed,
            Server,
            Some(Form::Fin),
        ),
        (
            "long unheard",
            asked(30).c(alert()).wait(9).close(Server, CloseKind::Fin, false),
            ApplianceClosed,
            Server,
            Some(Form::Fin),
        ),
    ];
    for (name, script, kind, by, form) in rows {
        let ending = ended(&script, &AT_SERVER);
        assert_eq!((ending.kind, ending.by, ending.form), (kind, Some(by), form), "{name}: {ending:?}");
    }
    let crossed = ended(&asked(30).c(alert()).close(Server, CloseKind::Fin, false), &AT_SERVER);
    assert_eq!((crossed.kind, crossed.crossed), (Fin, true), "{crossed:?}");
}

/// Two goodbyes that crossed: neither end knew of the other's.
#[test]
fn goodbyes_that_cross_say_so() {
    let mut script = asked(30).c(alert()).s(alert()).fin(Server);
    let last = script.said.last_mut().unwrap();
    last.acknowledged -= 24;
    let ending = ended(&script, &AT_SERVER);
    assert_eq!((ending.kind, ending.by, ending.crossed), (Fin, Some(Client), true), "{ending:?}");
}

#[test]
fn a_server_that_answers_an_alert_takes_no_leave_behind_a_quit() {
    // Six octets and one answer: QUIT and 221, or DATA and 354.
    let gave_up = ended(&asked(6).c(alert()).fin(Server), &AT_SERVER);
    assert_eq!((gave_up.kind, gave_up.by, gave_up.may_be_quit), (Fin, Some(Client), true), "{gave_up:?}");
    let quit = ended(&asked(6).s(alert()).c(alert()).fin(Client), &AT_SERVER);
    assert_eq!((quit.kind, quit.by), (Quit, Some(Client)), "{quit:?}");
}

#[test]
fn a_stall_before_an_alert_is_found() {
    let silent = ended(&asked(30).wait(300).s(command(60)).s(alert()).fin(Client), &AT_SERVER);
    assert_eq!((silent.kind, silent.by), (Silence, Some(Client)), "{silent:?}");
    let wordless = ended(&asked(30).wait(300).s(alert()).fin(Client), &AT_SERVER);
    assert_eq!((wordless.kind, wordless.by), (Silence, Some(Client)), "{wordless:?}");
    assert!(wordless.stall.is_some_and(|stall| stall.lasted >= Span::from_seconds(300)), "{wordless:?}");
}

/// With a tag of eight octets an alert has eleven, and nineteen are a word.
#[test]
fn the_suite_tells_how_long_an_alert_is() {
    let with_suite = |script: Script| {
        let mut session = script.session();
        let encryption = session.dialog.encryption.as_mut().unwrap();
        (encryption.version, encryption.cipher_suite) = (Some(TlsVersion(0x0304)), Some(0x1305));
        ending(&session, None, &AT_SERVER)
    };
    assert_eq!(with_suite(asked(30).c(record(23, 11)).fin(Server)).form, Some(Form::TlsAlert));
    assert_eq!(with_suite(asked(30).c(alert()).fin(Server)).form, Some(Form::Fin));
}
