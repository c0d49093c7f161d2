use super::*;
use crate::cite::Moment;
use crate::smtp::command::Verb;
use crate::smtp::reply::ReplyCode;
use crate::smtp::script::{Said, Script, course, feed, moment};
use crate::smtp::session::{Outcome, Stage};
use crate::smtp::tls::EncryptionStart;

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

/// Each dialogue, its verbs with their replies, and what became of its transactions.
#[test]
fn dialogues_are_followed() {
    let rows: Vec<(&str, Script, &str, &[&str])> = vec![
        (
            "pipelined to the quit in one segment",
            greeted()
                .c("MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
                .s("250 ok\r\n250 ok\r\n354 go\r\n")
                .c("text\r\n.\r\nQUIT\r\n")
                .s("250 queued\r\n221 bye\r\n"),
            "EHLO 250, MAIL 250, RCPT 250, DATA 354, . 250, QUIT 221",
            &["completed"],
        ),
        (
            "the client does not wait for 354",
            greeted()
                .c("MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\ntext\r\n.\r\nQUIT\r\n")
                .s("250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n221 bye\r\n"),
            "EHLO 250, MAIL 250, RCPT 250, DATA 354, . 250, QUIT 221",
            &["completed"],
        ),
        (
            "DATA refused: commands follow",
            greeted()
                .c("MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
                .s("250 ok\r\n550 no\r\n503 no recipients\r\n")
                .c("QUIT\r\n")
                .s("221 bye\r\n"),
            "EHLO 250, MAIL 250, RCPT 550, DATA 503, QUIT 221",
            &["refused"],
        ),
        (
            "a letter that speaks of commands",
            in_body().c("QUIT\r\nRSET\r\n.\r\n").s("250 ok\r\n").c("QUIT\r\n").s("221 bye\r\n"),
            "EHLO 250, MAIL 250, RCPT 250, DATA 354, . 250, QUIT 221",
            &["completed"],
        ),
        (
            "a nested MAIL that is refused ends nothing",
            envelope().c("MAIL FROM:<x@example.com>\r\n").s("503 nested\r\n").c("RSET\r\n").s("250 ok\r\n"),
            "EHLO 250, MAIL 250, RCPT 250, MAIL 503, RSET 250",
            &["abandoned", "refused"],
        ),
        (
            "a nested MAIL that is accepted abandons",
            envelope().c("MAIL FROM:<x@example.com>\r\n").s("250 ok\r\n"),
            "EHLO 250, MAIL 250, RCPT 250, MAIL 250",
            &["abandoned", "open"],
        ),
        (
            "all recipients refused, then QUIT",
            greeted()
                .c("MAIL FROM:<>\r\n")
                .s("250 ok\r\n")
                .c("RCPT TO:<b@example.org>\r\n")
                .s("550 no\r\n")
                .c("QUIT\r\n")
                .s("221 bye\r\n"),
            "EHLO 250, MAIL 250, RCPT 550, QUIT 221",
            &["refused"],
        ),
        (
            "a DATA before any RCPT changes nothing",
            greeted().c("MAIL FROM:<>\r\n").s("250 ok\r\n").c("DATA\r\n").s("503 need RCPT\r\n"),
            "EHLO 250, MAIL 250, DATA 503",
            &["open"],
        ),
        (
            "a refused DATA that the client mends",
            greeted()
                .c("MAIL FROM:<>\r\n")
                .s("250 ok\r\n")
                .c("DATA\r\n")
                .s("503 need RCPT\r\n")
                .c("RCPT TO:<b@example.org>\r\n")
                .s("250 ok\r\n")
                .c("DATA\r\n")
                .s("354 go\r\n")
                .c("x\r\n.\r\n")
                .s("250 ok\r\n"),
            "EHLO 250, MAIL 250, DATA 503, RCPT 250, DATA 354, . 250",
            &["completed"],
        ),
        (
            "chunks",
            envelope()
                .c("BDAT 5\r\nMAIL\n")
                .s("250 5 octets\r\n")
                .c("BDAT 6 LAST\r\nQUIT\r\nQUIT\r\n")
                .s("250 queued\r\n221 bye\r\n"),
            "EHLO 250, MAIL 250, RCPT 250, BDAT 250, BDAT 250, QUIT 221",
            &["completed"],
        ),
        (
            "chunks pipelined with the envelope, an empty one last",
            greeted()
                .c("MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nBDAT 3\r\nabcBDAT 0 LAST\r\n")
                .s("250 ok\r\n250 ok\r\n250 ok\r\n250 queued\r\n"),
            "EHLO 250, MAIL 250, RCPT 250, BDAT 250, BDAT 250",
            &["completed"],
        ),
        (
            "AUTH LOGIN with challenges",
            greeted()
                .c("AUTH LOGIN\r\n")
                .s("334 VXNlcm5hbWU6\r\n")
                .c("QUIT\r\n")
                .s("334 UGFzc3dvcmQ6\r\n")
                .c("MAIL\r\n")
                .s("235 ok\r\n")
                .c("QUIT\r\n")
                .s("221 bye\r\n"),
            "EHLO 250, AUTH 334, (auth) 334, (auth) 235, QUIT 221",
            &[],
        ),
        (
            "AUTH PLAIN with an initial response, refused, and one that is cancelled",
            greeted()
                .c("AUTH PLAIN AGEAYg==\r\n")
                .s("535 no\r\n")
                .c("AUTH CRAM-MD5\r\n")
                .s("334 PDE+\r\n")
                .c("*\r\n")
                .s("501 cancelled\r\n")
                .c("MAIL FROM:<>\r\n")
                .s("250 ok\r\n"),
            "EHLO 250, AUTH 535, AUTH 334, (auth) 501, MAIL 250",
            &["open"],
        ),
        (
            "a refused AUTH LOGIN whose client had sent all its lines ahead",
            greeted()
                .c("AUTH LOGIN\r\ndXNlcg==\r\nc2VjcmV0\r\nQUIT\r\n")
                .s("504 no\r\n500 what\r\n500 what\r\n221 bye\r\n"),
            "EHLO 250, AUTH 504, (auth) 500, (auth) 500, QUIT 221",
            &[],
        ),
        (
            "bare LF all through",
            Script::new()
                .s("220 hi\n")
                .c("HELO x\n")
                .s("250 hi\n")
                .c("MAIL FROM:<>\nRCPT TO:<b@example.org>\nDATA\n")
                .s("250 ok\n250 ok\n354 go\n")
                .c("text\n.\nQUIT\n")
                .s("250 queued\n221 bye\n"),
            "HELO 250, MAIL 250, RCPT 250, DATA 354, . 250, QUIT 221",
            &["completed"],
        ),
        (
            "a dot between bare line ends, taken for the end by this server",
            in_body().c("text\n.\nQUIT\r\n").s("250 queued\r\n221 bye\r\n"),
            "EHLO 250, MAIL 250, RCPT 250, DATA 354, . 250, QUIT 221",
            &["completed"],
        ),
        (
            "a dot between bare line ends, which is text to this server",
            in_body().c("text\n.\nQUIT\r\nmore\r\n.\r\n").s("250 queued\r\n").c("QUIT\r\n").s("221 bye\r\n"),
            "EHLO 250, MAIL 250, RCPT 250, DATA 354, . 250, QUIT 221",
            &["completed"],
        ),
        (
            "unknown commands and an empty line that is passed over",
            greeted().c("XXXX a\r\n").s("500 what\r\n").c("\r\n").c("QUIT\r\n").s("221 bye\r\n"),
            "EHLO 250, ?XXXX 500, QUIT 221",
            &[],
        ),
        (
            "an empty line that is answered",
            greeted().c("\r\n").s("500 what\r\n").c("NOOP\r\n").s("250 ok\r\n"),
            "EHLO 250, NOOP 250",
            &[],
        ),
        (
            "a client that speaks before the greeting",
            Script::new().c("EHLO x\r\n").s("220 hi\r\n250 ok\r\n").c("QUIT\r\n").s("221 bye\r\n"),
            "EHLO 250, QUIT 221",
            &[],
        ),
        (
            "a proxy's header",
            Script::new()
                .c("PROXY TCP4 192.0.2.1 192.0.2.2 4000 25\r\n")
                .s("220 hi\r\n")
                .c("EHLO x\r\n")
                .s("250 ok\r\n"),
            "EHLO 250",
            &[],
        ),
        (
            "a command that crosses the timer's 421 stays unanswered",
            Script::new().s("220 hi\r\n").c("EHLO x\r\n").s("250 ok\r\n").c("NOOP\r\n"),
            "EHLO 250, NOOP -",
            &[],
        ),
        (
            "a refusal in mid-body",
            in_body().c("text\r\n").s("552 too large\r\n").c("more\r\n.\r\n").s("500 what\r\n"),
            "EHLO 250, MAIL 250, RCPT 250, DATA 354, . 500",
            &["refused"],
        ),
        (
            "a chunk that is refused before it is whole",
            envelope().c("BDAT 99999999999999999999\r\nabc").s("521 no\r\n"),
            "EHLO 250, MAIL 250, RCPT 250, BDAT 521",
            &["refused"],
        ),
        (
            "a chunk under way when the timer speaks",
            envelope().c("BDAT 10 LAST\r\nabc").s("421 timeout\r\n"),
            "EHLO 250, MAIL 250, RCPT 250, BDAT -",
            &["open"],
        ),
        (
            "a server that needs no MAIL",
            greeted().c("DATA\r\n").s("354 go\r\n").c("x\r\n.\r\n").s("250 ok\r\n"),
            "EHLO 250, DATA 354, . 250",
            &["completed"],
        ),
        (
            "LMTP answers once a recipient",
            Script::new()
                .s("220 lmtp\r\n")
                .c("LHLO x\r\n")
                .s("250 ok\r\n")
                .c("MAIL FROM:<>\r\nRCPT TO:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nDATA\r\n")
                .s("250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n")
                .c("x\r\n.\r\nQUIT\r\n")
                .s("250 for a\r\n250 for c\r\n221 bye\r\n"),
            "LHLO 250, MAIL 250, RCPT 250, RCPT 550, RCPT 250, DATA 354, . 250, QUIT 221",
            &["completed"],
        ),
        (
            "a 221 does not accept the mail before it",
            in_body().c("x\r\n.\r\nQUIT\r\n").s("221 bye\r\n"),
            "EHLO 250, MAIL 250, RCPT 250, DATA 354, . -, QUIT 221",
            &["open"],
        ),
    ];
    for (name, script, expected, outcomes) in rows {
        let dialog = script.play();
        assert_eq!(course(&dialog), expected, "{name}");
        assert_eq!(kinds(&dialog), outcomes, "{name}");
        // Whatever the order of the directions in the file.
        for backwards in [true, false] {
            let order = script.shuffled(|| backwards);
            let other = script.play_from(Beginning::Handshake, &order);
            assert_eq!(format!("{other:?}"), format!("{dialog:?}"), "{name}, client first: {backwards}");
        }
    }
}

/// Who owed the next word, and the frame since which.
type Since = (Role, u32);

#[test]
fn who_owed_the_next_word() {
    let rows: Vec<(&str, Script, Stage, Option<Since>)> = vec![
        ("nothing said", Script::new(), Stage::Connect, Some((Role::Server, 1))),
        ("greeted", Script::new().s("220 hi\r\n"), Stage::Greeting, Some((Role::Client, 2))),
        ("EHLO", Script::new().s("220 hi\r\n").c("EHLO x\r\n"), Stage::Helo, Some((Role::Server, 3))),
        ("half a command", greeted().c("MAIL FR"), Stage::Helo, Some((Role::Client, 5))),
        ("recipient", envelope(), Stage::Rcpt, Some((Role::Client, 8))),
        ("DATA", envelope().c("DATA\r\n"), Stage::Data, Some((Role::Server, 9))),
        ("354", in_body(), Stage::Data, Some((Role::Client, 10))),
        ("body", in_body().c("text\r\n"), Stage::Body, Some((Role::Client, 11))),
        ("dot", in_body().c("text\r\n.\r\n"), Stage::EndOfData, Some((Role::Server, 11))),
        ("dot and QUIT", in_body().c("x\r\n.\r\n").c("QUIT\r\n"), Stage::EndOfData, Some((Role::Server, 11))),
        ("queued", in_body().c("x\r\n.\r\n").s("250 ok\r\n"), Stage::Between, Some((Role::Client, 12))),
        ("421", in_body().c("text\r\n").s("421 timeout\r\n"), Stage::Body, Some((Role::Client, 11))),
        ("half a chunk", envelope().c("BDAT 9 LAST\r\nabc"), Stage::Body, Some((Role::Client, 9))),
        ("a chunk", envelope().c("BDAT 9\r\n").c("123456789"), Stage::Body, Some((Role::Server, 10))),
        ("last chunk", envelope().c("BDAT 1 LAST\r\na"), Stage::EndOfData, Some((Role::Server, 9))),
        ("221", greeted().c("QUIT\r\n").s("221 bye\r\n"), Stage::Helo, None),
    ];
    for (name, script, stage, owed) in rows {
        let dialog = script.play();
        assert_eq!(dialog.stage, stage, "{name}");
        assert_eq!(dialog.owed.map(|owed| (owed.by, owed.since.frame.frame)), owed, "{name}");
        assert!(dialog.owed.is_none_or(|owed| owed.delivered), "{name}");
    }
}

#[test]
fn the_last_word_may_not_have_arrived() {
    let script = envelope().c("DATA\r\n");
    let mut reader = DialogReader::new(Beginning::Handshake, moment(1, Script::START));
    for said in &script.said {
        crate::smtp::script::feed(&mut reader, said);
    }
    let delivered = Delivered { client: script.client - 1, ..script.delivered() };
    assert!(!reader.finish(delivered).owed.unwrap().delivered);
}

#[test]
fn unsolicited_replies_are_told_from_answers() {
    let dialog = in_body().c("text\r\n").wait(300).s("421 timeout exceeded\r\n").play();
    assert_eq!(dialog.unsolicited.as_ref().unwrap().code, ReplyCode(421));
    assert_eq!(kinds(&dialog), ["open"]);
    // The same 421 to a client whose NOOP was on its way: sent by a server that did not have it.
    let mut script = greeted().c("NOOP\r\n").s("421 timeout exceeded\r\n");
    script.said.last_mut().unwrap().acknowledged -= 6;
    let dialog = script.play();
    assert_eq!(course(&dialog), "EHLO 250, NOOP -");
    assert!(dialog.unsolicited.is_some());
    // And to one whose NOOP it answers.
    let dialog = greeted().c("NOOP\r\n").s("421 shutting down\r\n").play();
    assert_eq!(course(&dialog), "EHLO 250, NOOP 421");
    assert!(dialog.unsolicited.is_none());
}

#[test]
fn acknowledgments_that_make_no_sense_leave_the_order() {
    for nonsense in [0, u64::MAX] {
        let mut script = in_body().c("x\r\n.\r\n").s("250 ok\r\n").c("QUIT\r\n").s("221 bye\r\n");
        for said in &mut script.said {
            said.acknowledged = nonsense;
        }
        let dialog = script.play();
        assert_eq!(course(&dialog), "EHLO 250, MAIL 250, RCPT 250, DATA 354, . 250, QUIT 221", "{nonsense}");
    }
}

#[test]
fn starttls_goes_dark_and_a_refused_one_does_not() {
    let hello = [22, 3, 1, 0, 2, 0, 0];
    let data = [23, 3, 3, 0, 1, 0];
    let script = greeted().c("STARTTLS\r\n").s("220 go\r\n").c(hello).s(hello).c(data).s(data);
    let dialog = script.play();
    assert_eq!(course(&dialog), "EHLO 250, STARTTLS 220");
    let encryption = dialog.encryption.unwrap();
    assert!(encryption.established && !encryption.not_tls);
    assert_eq!((encryption.how, encryption.since.frame.frame), (EncryptionStart::StartTls, 6));
    assert_eq!((encryption.records.len(), encryption.records_seen), (2, 4));
    assert_eq!(dialog.stage, Stage::Tls);
    assert_eq!(dialog.owed.unwrap().by, Role::Client);

    let dialog = greeted().c("STARTTLS\r\n").s("454 no\r\n").c("QUIT\r\n").s("221 bye\r\n").play();
    assert_eq!(course(&dialog), "EHLO 250, STARTTLS 454, QUIT 221");
    assert!(dialog.encryption.is_none());

    let dialog = Script::new().c(hello).s(hello).play();
    assert_eq!(dialog.encryption.unwrap().how, EncryptionStart::Implicit);

    // Injected behind STARTTLS before the go-ahead.
    let dialog = greeted().c("STARTTLS\r\nMAIL FROM:<x>\r\n").s("220 go\r\n").c(hello).s(hello).play();
    assert_eq!(course(&dialog), "EHLO 250, STARTTLS 220");
    assert!(!dialog.encryption.unwrap().not_tls);

    // Accepted, and then the client goes on in plain text.
    let dialog = greeted().c("STARTTLS\r\n").s("220 go\r\n").c("QUIT\r\n").s("221 bye\r\n").play();
    assert_eq!(course(&dialog), "EHLO 250, STARTTLS 220, QUIT 221");
    assert!(dialog.encryption.unwrap().not_tls);
}

#[test]
fn replies_carry_the_dialogue_over_a_gap() {
    use Role::{Client, Server};
    // The end of the body and the dot are missing; the 250 proves them.
    let dialog = in_body()
        .c("Message-ID: <1@x>\r\n\r\ntext\r\n")
        .missing(Client, "more\r\n.\r\n")
        .s("250 queued\r\n")
        .c("QUIT\r\n")
        .s("221 bye\r\n")
        .play();
    assert_eq!(course(&dialog), "EHLO 250, MAIL 250, RCPT 250, DATA 354, QUIT 221");
    assert_eq!(kinds(&dialog), ["completed"]);
    assert!(dialog.transactions[0].inferred && !dialog.lost_in_gap);
    assert_eq!(dialog.transactions[0].body_missing, 9);

    // A gap within the body only.
    let dialog = in_body()
        .c("text\r\n")
        .missing(Client, "more")
        .c("rest\r\n.\r\n")
        .s("250 queued\r\n")
        .c("QUIT\r\n")
        .play();
    assert_eq!(course(&dialog), "EHLO 250, MAIL 250, RCPT 250, DATA 354, . 250, QUIT -");
    assert!(!dialog.transactions[0].inferred);

    // MAIL, RCPT and DATA are missing; the 354 proves the body.
    let dialog = greeted()
        .missing(Client, "MAIL FROM:<a>\r\n")
        .s("250 ok\r\n")
        .missing(Client, "RCPT TO:<b>\r\n")
        .s("250 ok\r\n")
        .missing(Client, "DATA\r\n")
        .s("354 go\r\n")
        .c("QUIT\r\nthat is what the letter says\r\n.\r\n")
        .s("250 queued\r\n")
        .c("QUIT\r\n")
        .s("221 bye\r\n")
        .play();
    assert_eq!(course(&dialog), "EHLO 250, . 250, QUIT 221");
    assert_eq!(kinds(&dialog), ["completed"]);
    assert!(dialog.transactions[0].mail_missing && dialog.transactions[0].accepted());

    // QUIT is missing; its 221 proves it.
    let dialog = envelope().missing(Client, "QUIT\r\n").s("221 bye\r\n").play();
    assert!(dialog.quit.unwrap().inferred);

    // The replies to MAIL and DATA are missing.
    let dialog = greeted()
        .c("MAIL FROM:<a>\r\n")
        .missing(Server, "250 ok\r\n")
        .c("RCPT TO:<b>\r\n")
        .s("250 ok\r\n")
        .c("DATA\r\n")
        .missing(Server, "354 go\r\n")
        .c("text\r\n.\r\n")
        .s("250 queued\r\n")
        .c("QUIT\r\n")
        .s("221 bye\r\n")
        .play();
    assert_eq!(course(&dialog), "EHLO 250, MAIL -, RCPT 250, DATA -, . 250, QUIT 221");
    assert_eq!(kinds(&dialog), ["completed"]);
    assert!(dialog.transactions[0].accepted() && dialog.transactions[0].acceptance_inferred);
    assert!(dialog.quit.unwrap().all_answered_before);

    // Nothing behind the gap tells anything.
    let dialog = greeted().missing(Client, "MAIL FROM:<a>\r\n").c("hm\r\n").play();
    assert!(dialog.lost_in_gap && dialog.owed.is_none());
}

#[test]
fn a_file_that_begins_in_mid_flow_is_joined() {
    let play =
        |script: &Script| script.play_from(Beginning::MidFlow, &script.said.iter().collect::<Vec<_>>());
    let script = Script::new()
        .s("250 ok\r\n")
        .c("RCPT TO:<b>\r\n")
        .s("250 ok\r\n")
        .c("DATA\r\n")
        .s("354 go\r\n")
        .c("x\r\n.\r\n")
        .s("250 queued\r\n");
    let dialog = play(&script);
    assert_eq!(course(&dialog), "RCPT 250, DATA 354, . 250");
    assert!(dialog.transactions[0].mail_missing);
    assert_eq!(kinds(&dialog), ["completed"]);
    let dialog =
        play(&Script::new().c("of a letter\r\n.\r\n").s("250 queued\r\n").c("QUIT\r\n").s("221 bye\r\n"));
    assert_eq!(course(&dialog), ". 250, QUIT 221");
    let dialog = play(&Script::new().s("220 hi\r\n").c("HELO x\r\n").s("250 ok\r\n"));
    assert_eq!(course(&dialog), "HELO 250");
    assert!(dialog.greeting.is_some());
}

#[test]
fn records_are_found_in_mid_flow() {
    let data = [23, 3, 3, 0, 1, 0];
    let script = Script::new().c([9, 9, 9]).s([7, 7]).c(data).s(data).c(data);
    let dialog = script.play_from(Beginning::MidFlow, &script.said.iter().collect::<Vec<_>>());
    let encryption = dialog.encryption.unwrap();
    assert_eq!((encryption.records.len(), encryption.not_tls), (3, false));
    assert!(dialog.commands.is_empty());
}

#[test]
fn one_direction_alone_is_read_as_well_as_can_be() {
    let script = in_body().c(MAIL).c(".\r\nQUIT\r\n").s("250 queued\r\n221 bye\r\n");
    let client: Vec<&Said> = script.said.iter().filter(|said| said.by == Role::Client).collect();
    let dialog = script.play_from(Beginning::Handshake, &client);
    assert_eq!(course(&dialog), "EHLO -, MAIL -, RCPT -, DATA -, . -, QUIT -");
    assert_eq!(dialog.transactions[0].body_octets, MAIL.len() as u64);
    let server: Vec<&Said> = script.said.iter().filter(|said| said.by == Role::Server).collect();
    let dialog = script.play_from(Beginning::Handshake, &server);
    assert!(dialog.greeting.is_some() && dialog.commands.is_empty());
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

#[test]
fn odd_replies_keep_commands_and_replies_in_step() {
    const CLASS: &str = "replies with a code outside 200 to 599: they say neither yes nor no";
    const NO_REPLY: &str = "lines of the server that are no replies";
    const UNFINISHED: &str = "replies whose last line promises another one that never comes";
    // What stands in the place of the reply to RCPT, the course from there on, and what is noted.
    let rows = [
        ("600 who\r\n", "RCPT 600, DATA 354, . 250, QUIT 221", Some(CLASS)),
        ("654-a\r\n654 b\r\n", "RCPT 654, DATA 354, . 250, QUIT 221", Some(CLASS)),
        ("000 x\r\n", "RCPT 0, DATA 354, . 250, QUIT 221", Some(CLASS)),
        ("150 x\r\n", "RCPT 150, DATA 354, . 250, QUIT 221", Some(CLASS)),
        ("250\r\n", "RCPT 250, DATA 354, . 250, QUIT 221", None),
        ("250\n", "RCPT 250, DATA 354, . 250, QUIT 221", None),
        ("250-\r\n", "RCPT 250, DATA 354, . 250, QUIT 221", Some(UNFINISHED)),
        ("250-ok\r\n", "RCPT 250, DATA 354, . 250, QUIT 221", Some(UNFINISHED)),
        ("600-\r\n", "RCPT 600, DATA 354, . 250, QUIT 221", Some(UNFINISHED)),
        ("99 x\r\n250 ok\r\n", "RCPT 250, DATA 354, . 250, QUIT 221", Some(NO_REPLY)),
        ("2500 x\r\n250 ok\r\n", "RCPT 250, DATA 354, . 250, QUIT 221", Some(NO_REPLY)),
    ];
    for (reply, expected, note) in rows {
        for piece in [usize::MAX, 3, 1] {
            let dialog = greeted()
                .in_pieces(piece)
                .c("MAIL FROM:<a@example.com>\r\n")
                .s("250 ok\r\n")
                .c("RCPT TO:<b@example.org>\r\n")
                .s(reply)
                .c("DATA\r\n")
                .s("354 go\r\n")
                .c("text\r\n.\r\n")
                .s("250 queued\r\n")
                .c("QUIT\r\n")
                .s("221 bye\r\n")
                .play();
            assert_eq!(course(&dialog), format!("EHLO 250, MAIL 250, {expected}"), "{reply:?}");
            let noted = dialog.notes.iter().any(|noted| Some(noted.text.as_ref()) == note);
            assert_eq!(noted, note.is_some(), "{reply:?}: {:?}", dialog.notes);
            assert_eq!(kinds(&dialog), ["completed"], "{reply:?}");
        }
    }
}

#[test]
fn an_odd_code_neither_accepts_nor_refuses_a_message() {
    let refused = |at: &str, dialog: Dialog| {
        assert_eq!(kinds(&dialog), ["open"], "{at}");
        assert_eq!(dialog.owed, None, "{at}: QUIT was answered");
    };
    let data = envelope().c("DATA\r\n").s("600 what\r\n").c("QUIT\r\n").s("221 bye\r\n").play();
    assert_eq!(course(&data), "EHLO 250, MAIL 250, RCPT 250, DATA 600, QUIT 221");
    refused("DATA", data);
    let dot = in_body().c("x\r\n.\r\n").s("600 what\r\n").c("QUIT\r\n").s("221 bye\r\n").play();
    assert_eq!(course(&dot), "EHLO 250, MAIL 250, RCPT 250, DATA 354, . 600, QUIT 221");
    refused("the dot", dot);
}

#[test]
fn a_reply_that_never_ends_is_still_due() {
    let dialog = envelope().c("DATA\r\n").s("354-\r\n").play();
    assert_eq!(course(&dialog), "EHLO 250, MAIL 250, RCPT 250, DATA -");
    let owed = dialog.owed.unwrap();
    assert_eq!(owed.by, Role::Server);
}

#[test]
fn lines_that_a_snapshot_length_cuts_give_their_address_and_code() {
    let dialog = Script::new()
        .s("220 mx.example.org ES")
        .missing(Role::Server, "MTP\r\n")
        .c("EHLO client.example\r\n")
        .s("250-mx.example.org\r\n250-SI")
        .missing(Role::Server, "ZE 1000\r\n250 PIPELINING\r\n")
        .c("MAIL FROM:<a@example.com> SI")
        .missing(Role::Client, "ZE=20\r\n")
        .s("250 sender <a@ex")
        .missing(Role::Server, "ample.com> ok\r\n")
        .c("RCPT TO:<b@example.org>\r\n")
        .s("250 recipient <b@ex")
        .missing(Role::Server, "ample.org> ok\r\n")
        .c("DATA\r\n")
        .s("354 go\r\n")
        .c("Message-ID: <1@exa")
        .missing(Role::Client, "mple.com>\r\n\r\ntext\r\n.\r\n")
        .s("250 queu")
        .missing(Role::Server, "ed\r\n")
        .c("QUIT\r\n")
        .s("221 bye\r\n")
        .play();
    assert_eq!(course(&dialog), "EHLO 250, MAIL 250, RCPT 250, DATA 354, QUIT 221");
    assert_eq!(kinds(&dialog), ["completed"]);
    let tx = &dialog.transactions[0];
    assert_eq!((tx.mail_from.as_str(), tx.mail_missing), (Some("a@example.com"), false));
    assert_eq!(tx.recipients[0].address.as_str(), Some("b@example.org"));
    assert!(tx.recipients[0].reply.is_some());
    assert_eq!((tx.body_octets, tx.body_missing), (18, 22));
    assert!(!dialog.lost_in_gap && dialog.quit.is_some());
}

#[test]
fn an_address_that_is_cut_is_not_told() {
    let dialog = greeted()
        .c("MAIL FROM:<a@exam")
        .missing(Role::Client, "ple.com>\r\n")
        .s("250 ok\r\n")
        .c("RCPT TO:<b@example.org>\r\n")
        .s("250 ok\r\n")
        .play();
    assert_eq!(dialog.transactions.len(), 1);
    assert!(dialog.transactions[0].mail_missing && dialog.transactions[0].accepted());
}

#[test]
fn a_file_that_begins_in_a_body_shows_a_transaction_without_its_mail() {
    let script = Script::new().c("e beginning of it\r\nmore text\r\n").c("and more\r\nQUIT\r\nthe e");
    let order: Vec<&Said> = script.shuffled(|| true);
    let dialog = script.play_from(Beginning::MidFlow, &order);
    let [tx] = dialog.transactions.as_slice() else { panic!("{:?}", dialog.transactions) };
    assert!(tx.mail_missing && tx.accepted() && tx.inferred);
    assert_eq!((tx.body_octets, tx.stage, dialog.stage), (51, Stage::Body, Stage::Body));
    assert_eq!((dialog.quit, dialog.owed.unwrap().by), (None, Role::Client));
    // A line of a SASL exchange has its reply, and no more than that is known of one line.
    for script in
        [Script::new().c("dGVzdA==\r\n").s("235 ok\r\n").c("dGVzdA==\r\n"), Script::new().c("x\r\n")]
    {
        let order: Vec<&Said> = script.shuffled(|| true);
        assert!(script.play_from(Beginning::MidFlow, &order).transactions.is_empty());
    }
}

#[test]
fn whose_move_it_was_is_told_as_of_the_clients_fin() {
    for (with_fin, by) in [(true, Role::Server), (false, Role::Client)] {
        let script = envelope().c("RCPT TO:<c@example.org>\r\n").s("250 ok\r\n");
        let order: Vec<&Said> = script.shuffled(|| true);
        let mut reader = DialogReader::new(Beginning::Handshake, moment(1, Script::START));
        let last = order.iter().rfind(|said| said.by == Role::Client).unwrap();
        let length = script.delivered().client;
        for said in &order {
            feed(&mut reader, said);
        }
        if with_fin {
            reader.end_of_stream(Role::Client, length, last.at);
        }
        assert_eq!(reader.finish(script.delivered()).owed.unwrap().by, by);
    }
}

/// The tail of a body, dot and all, behind octets that never reached the server: it waits for those.
#[test]
fn what_lies_behind_octets_that_never_came_was_not_heard() {
    use crate::capture::{Chunk, Gap, Loss};
    use crate::net::Role;
    let script = in_body();
    let ended = |acknowledged: u64| {
        let mut reader = DialogReader::new(Beginning::Handshake, moment(1, Script::START));
        for said in &script.said {
            feed(&mut reader, said);
        }
        let (offset, length) = (script.client, 2_896);
        let at = moment(90, script.now);
        reader.gap(Role::Client, Gap { offset, length, at, loss: Loss::Unacknowledged });
        let bytes = b"tail\r\n.\r\n";
        let chunk = Chunk { bytes, offset: offset + length, at, acknowledged: script.server };
        reader.data(Role::Client, chunk);
        reader.finish(Delivered { client: acknowledged, server: script.server })
    };
    let unheard = ended(script.client);
    assert_eq!(unheard.transactions[0].end_of_data, None);
    assert_eq!(unheard.stage, Stage::Data);
    assert_eq!(unheard.owed.map(|owed| owed.by), Some(Role::Client));
    // The server acknowledged all of it: only the file lacks the octets.
    let heard = ended(script.client + 2_896 + 9);
    assert!(heard.transactions[0].end_of_data.is_some());
    assert_eq!(heard.owed.map(|owed| owed.by), Some(Role::Server));
}
