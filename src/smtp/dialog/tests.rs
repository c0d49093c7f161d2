mod dialogues;
mod gaps;
mod mid_flow;
mod replies;
mod tls;
mod turns;

use super::*;
use crate::cite::Moment;
use crate::smtp::command::Verb;
use crate::smtp::reply::ReplyCode;
use crate::smtp::script::{Said, Script, course, feed, moment};
use crate::smtp::session::{Outcome, Stage};

pub(super) fn greeted() -> Script {
    Script::new()
        .s("220 mx.example.org ESMTP\r\n")
        .c("EHLO client.example\r\n")
        .s("250-mx.example.org\r\n250-SIZE 1000\r\n250 PIPELINING\r\n")
}

fn envelope() -> Script {
    greeted()
        .c("MAIL FROM:<a@example.com> SIZE=20\r\n")
        .s("250 ok\r\n")
        .c("RCPT TO:<b@example.org>\r\n")
        .s("250 ok\r\n")
}

fn in_body() -> Script {
    envelope().c("DATA\r\n").s("354 go\r\n")
}

pub(super) const MAIL: &str = "Message-ID: <1@example.com>\r\nSubject: hello\r\n\r\ntext\r\n..dot\r\n";

pub(super) fn kinds(dialog: &Dialog) -> Vec<&'static str> {
    let kind = |outcome: &Outcome| match outcome {
        Outcome::Completed { .. } => "completed",
        Outcome::Refused { .. } => "refused",
        Outcome::Abandoned { .. } => "abandoned",
        Outcome::Open => "open",
    };
    dialog.transactions.iter().map(|tx| kind(&tx.outcome)).collect()
}

#[test]
fn a_whole_mail_is_followed() {
    let dialog = in_body().c(MAIL).c(".\r\n").s("250 queued\r\n").c("QUIT\r\n").s("221 bye\r\n").play();
    assert_eq!(course(&dialog), "EHLO 250, MAIL 250, RCPT 250, DATA 354, . 250, QUIT 221");
    let tx = &dialog.transactions[0];
    assert_eq!(kinds(&dialog), ["completed"]);
    assert_eq!(tx.mail_from.as_str(), Some("a@example.com"));
    assert_eq!(tx.declared_size, Some(20));
    assert_eq!(tx.recipients[0].address.as_str(), Some("b@example.org"));
    assert_eq!(tx.body_octets, MAIL.len() as u64);
    assert_eq!(tx.message_id.as_ref().unwrap().as_str(), Some("<1@example.com>"));
    assert_eq!(tx.subject.as_ref().unwrap().as_str(), Some("hello"));
    assert_eq!(dialog.helo.as_ref().unwrap().as_str(), Some("client.example"));
    assert_eq!(dialog.capabilities.size, Some(1000));
    assert!(dialog.capabilities.pipelining);
    let quit = dialog.quit.unwrap();
    assert!(quit.all_answered_before);
    assert_eq!(quit.reply.unwrap().code, ReplyCode(221));
    assert_eq!((dialog.owed, dialog.stage), (None, Stage::Between));
    assert!(dialog.notes.is_empty(), "{:?}", dialog.notes);
}

#[test]
fn secrets_are_nowhere() {
    let secret = "c2VjcmV0LXBhc3N3b3Jk";
    let dialog = greeted()
        .c(format!("AUTH PLAIN {secret}\r\n"))
        .s("334 \r\n")
        .c(format!("{secret}\r\n"))
        .s("535 no\r\n")
        .c(format!("{secret}\r\n"))
        .s("500 no\r\n")
        .play();
    let shown = format!("{dialog:?}");
    assert!(!shown.contains("c2Vj") && !shown.to_lowercase().contains("c2vj"), "{shown}");
    assert!(dialog.authenticated);
}

#[test]
fn memory_stays_bounded_whatever_is_held() {
    let at: Moment = moment(2, Script::START);
    let mut reader = DialogReader::new(Beginning::Handshake, at);
    let line = b"MAIL FROM:<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>\r\nAUTH LOGIN\r\n";
    let mut offset = 0;
    for _ in 0..20_000 {
        reader.data(Role::Client, Chunk { bytes: line, offset, at, acknowledged: 0 });
        offset += line.len() as u64;
        assert!(!reader.client.held.is_over_limit());
        assert!(reader.pending.len() <= MAX_PENDING);
    }
    let reply = b"250 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    let mut reader = DialogReader::new(Beginning::Handshake, at);
    let mut offset = 0;
    for _ in 0..20_000 {
        reader.data(Role::Server, Chunk { bytes: reply, offset, at, acknowledged: 1_000_000 });
        offset += reply.len() as u64;
        assert!(!reader.server.is_over_limit());
    }
    let dialog = reader.finish(Delivered::default());
    assert!(dialog.commands.len() <= Dialog::MAX_COMMANDS);
}

#[test]
fn verbs_are_listed_in_the_order_of_the_stream() {
    let dialog = in_body().c(MAIL).c(".\r\n").play();
    let verbs: Vec<_> = dialog.commands.iter().map(|command| command.verb.clone()).collect();
    assert_eq!(verbs, [Verb::Ehlo, Verb::Mail, Verb::Rcpt, Verb::Data, Verb::EndOfData]);
}
