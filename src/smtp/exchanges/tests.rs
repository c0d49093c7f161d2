//! Scripts: a word every tenth of a second, and waits where they are said.

use super::*;
use crate::net::Role::{Client, Server};
use crate::smtp::ending::{Context, ending};
use crate::smtp::script::Script;

const MX: Context = Context { appliance: Server, silence: Span::from_seconds(60), aborted_at: None };

fn waits(session: &Session) -> Waits {
    let ending = ending(session, session.last_open_transaction(), &MX);
    Waits::of(session, &exchanges(session), &ending)
}

fn tenths(count: i64) -> Span {
    Span::from_millis(100 * count)
}

/// What each exchange took: `EHLO s0.1 c0.1`, with `b` for the body.
fn told(session: &Session) -> String {
    let one = |exchange: &Exchange<'_>| {
        let mut out = match exchange.word {
            Word::Connection => "(greeting)".to_owned(),
            Word::Command(verb) => verb.as_str().into_owned(),
            Word::Unfinished => "(unfinished)".to_owned(),
            Word::Nothing => "(unasked)".to_owned(),
        };
        let parts = [('b', exchange.body_took), ('s', exchange.server_took), ('c', exchange.client_took)];
        for (letter, span) in parts {
            if let Some(span) = span {
                out.push_str(&format!(" {letter}{:.1}", span.seconds()));
            }
        }
        out
    };
    exchanges(session).iter().map(one).collect::<Vec<_>>().join(", ")
}

fn to_data() -> Script {
    Script::new()
        .s("220 mx\r\n")
        .c("EHLO x\r\n")
        .wait(2)
        .s("250 mx\r\n")
        .wait(3)
        .c("MAIL FROM:<a@example.com>\r\n")
        .s("250 ok\r\n")
        .c("RCPT TO:<b@example.org>\r\n")
        .s("250 ok\r\n")
        .c("DATA\r\n")
        .s("354 go\r\n")
}

#[test]
fn each_waits_for_the_other_in_turn() {
    let session = to_data()
        .wait(1)
        .c("text\r\n")
        .wait(4)
        .c("more\r\n.\r\n")
        .wait(5)
        .s("250 ok\r\n")
        .c("QUIT\r\n")
        .s("221 bye\r\n")
        .fin(Server)
        .session();
    assert_eq!(
        told(&session),
        "(greeting) s0.1 c0.1, EHLO s2.1 c3.1, MAIL s0.1 c0.1, RCPT s0.1 c0.1, DATA s0.1 c1.1, \
         . b4.1 s5.1 c0.1, QUIT s0.1"
    );
    let waits = waits(&session);
    assert_eq!(waits.client.total, tenths(1 + 21 + 1 + 1 + 1 + 51 + 1));
    assert_eq!(waits.server.total, tenths(1 + 31 + 1 + 1 + 11 + 1));
    assert_eq!(waits.bodies, tenths(41));
    assert!(!waits.partial);
    let (client, server) = (waits.client.longest.unwrap(), waits.server.longest.unwrap());
    assert_eq!((client.lasted, client.stage, client.since.frame.frame), (tenths(51), Stage::EndOfData, 12));
    assert_eq!((server.lasted, server.stage, server.since.frame.frame), (tenths(31), Stage::Helo, 4));
}

#[test]
fn pipelined_commands_count_no_second_twice() {
    let session = Script::new()
        .s("220 mx\r\n")
        .c("EHLO x\r\n")
        .s("250 PIPELINING\r\n")
        .c("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
        .wait(1)
        .s("250 ok\r\n")
        .wait(2)
        .s("250 ok\r\n354 go\r\n")
        .c(".\r\n")
        .s("250 ok\r\n")
        .session();
    assert_eq!(
        told(&session),
        "(greeting) s0.1 c0.1, EHLO s0.1 c0.1, MAIL s1.1, RCPT s2.1, DATA s0.0 c0.1, . b0.0 s0.1"
    );
    let waits = waits(&session);
    let watched = session.flow.last.time.since(session.flow.first.time);
    assert_eq!(plus(waits.client.total, waits.server.total), watched);
}

#[test]
fn what_was_owed_at_the_end_counts() {
    let silent = waits(
        &to_data().c("text\r\n").wait(2).c("more\r\n").wait(300).s("421 bye\r\n").fin(Server).session(),
    );
    let longest = silent.server.longest.unwrap();
    assert_eq!((longest.lasted, longest.stage), (Span::from_millis(300_100), Stage::Body));
    assert_eq!(silent.bodies, tenths(21));
    assert_eq!(silent.client.longest.unwrap().stage, Stage::Helo);

    let broken_off = to_data().c("text\r\n").wait(2).c("more\r\n").fin(Client).session();
    assert!(told(&broken_off).ends_with("DATA s0.1 c0.1, (unfinished) b2.1"), "{}", told(&broken_off));
    assert!(!waits(&broken_off).partial);

    let stalled = waits(&to_data().c("text\r\n.\r\n").wait(90).fin(Client).session());
    let longest = stalled.client.longest.unwrap();
    assert_eq!((longest.lasted, longest.stage), (Span::from_millis(90_100), Stage::EndOfData));
    assert!(stalled.partial, "the dot was never answered");
}

#[test]
fn a_chunk_ends_with_its_last_octet() {
    let session = to_data_less()
        .c("BDAT 8\r\n")
        .wait(1)
        .c("text")
        .wait(2)
        .c("\r\n\r\n")
        .wait(3)
        .s("250 ok\r\n")
        .session();
    assert!(told(&session).ends_with("BDAT b3.2 s3.1"), "{}", told(&session));
}

fn to_data_less() -> Script {
    Script::new()
        .s("220 mx\r\n")
        .c("EHLO x\r\n")
        .s("250 mx\r\n")
        .c("MAIL FROM:<a@example.com>\r\n")
        .s("250 ok\r\n")
        .c("RCPT TO:<b@example.org>\r\n")
        .s("250 ok\r\n")
}

#[test]
fn what_the_file_lacks_makes_the_sums_partial() {
    let gap =
        Script::new().s("220 mx\r\n").missing(Client, "EHLO x\r\n").s("250 mx\r\n").c("QUIT\r\n").session();
    assert!(waits(&gap).partial);
    let unasked = Script::new().s("220 mx\r\n").wait(300).s("421 timed out\r\n").fin(Server).session();
    assert!(told(&unasked).ends_with("(unasked)"), "{}", told(&unasked));
    assert_eq!(waits(&unasked).server.longest.unwrap().lasted, Span::from_millis(300_100));
}

fn plus(one: Span, other: Span) -> Span {
    Span::from_nanos(one.nanos() + other.nanos())
}
