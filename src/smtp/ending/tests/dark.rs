//! Endings under TLS, told by the lengths of records.

use super::*;
use crate::smtp::tls::{KnownReplies, TlsVersion};

/// TLS 1.3 after STARTTLS, both ends at application data.
pub(super) fn dark() -> Script {
    let hello = record(22, 2);
    let finished = [record(20, 1), record(23, 53)].concat();
    greeted()
        .c("STARTTLS\r\n")
        .s("220 go\r\n")
        .c(&hello)
        .s([hello.clone(), finished.clone()].concat())
        .c(finished)
}

pub(super) fn record(content_type: u8, length: u16) -> Vec<u8> {
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
