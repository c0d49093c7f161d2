//! The forms that SMTP takes in practice: each dialogue is read to the same commands and replies,
//! however its octets are cut into segments.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod play;

use mailwitness::smtp::Session;
use play::{Dialogue, Options, pieces, play};

/// A dialogue, the commands with their reply codes that it is read to, and its transactions:
/// sender, accepted recipients, octets of the body, code of the end.
struct Form {
    name: &'static str,
    dialogue: Dialogue,
    port: u16,
    commands: &'static str,
    transactions: &'static [&'static str],
}

fn form(
    name: &'static str,
    dialogue: Dialogue,
    commands: &'static str,
    transactions: &'static [&'static str],
) -> Form {
    Form { name, dialogue, port: 25, commands, transactions }
}

fn on_port(port: u16, form: Form) -> Form {
    Form { port, ..form }
}

fn greeted() -> Dialogue {
    Dialogue::default().s("220 mx ESMTP\r\n").c("EHLO x\r\n").s("250-mx\r\n250 CHUNKING\r\n")
}

fn enveloped() -> Dialogue {
    greeted().c("MAIL FROM:<a@x.example>\r\n").s("250 ok\r\n").c("RCPT TO:<b@y.example>\r\n").s("250 ok\r\n")
}

fn going() -> Dialogue {
    enveloped().c("DATA\r\n").s("354 go\r\n")
}

fn left(dialogue: Dialogue) -> Dialogue {
    dialogue.c("QUIT\r\n").s("221 bye\r\n")
}

fn forms() -> Vec<Form> {
    let long = "x".repeat(100_000);
    let huge_chunk = "BDAT 99999999999999999999999 LAST\r\n";
    vec![
        form(
            "line feeds alone",
            left(
                Dialogue::default()
                    .s("220 mx ESMTP\n")
                    .c("HELO x\n")
                    .s("250 mx\n")
                    .c("MAIL FROM:<a@x.example>\n")
                    .s("250 ok\n")
                    .c("RCPT TO:<b@y.example>\n")
                    .s("250 ok\n")
                    .c("DATA\n")
                    .s("354 go\n")
                    .c("text\n.\n")
                    .s("250 queued\n"),
            ),
            "HELO=250 MAIL=250 RCPT=250 DATA=354 .=250 QUIT=221",
            &["a@x.example>b@y.example 5 250"],
        ),
        form(
            "the envelope in one segment with DATA, QUIT behind the dot",
            greeted()
                .c("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n")
                .s("250 ok\r\n250 ok\r\n354 go\r\n")
                .c("text\r\n.\r\nQUIT\r\n")
                .s("250 queued\r\n221 bye\r\n"),
            "EHLO=250 MAIL=250 RCPT=250 DATA=354 .=250 QUIT=221",
            &["a@x.example>b@y.example 6 250"],
        ),
        form(
            "DATA refused, and the next message",
            left(
                enveloped()
                    .c("DATA\r\n")
                    .s("451 not now\r\n")
                    .c("RSET\r\n")
                    .s("250 ok\r\n")
                    .c("MAIL FROM:<c@x.example>\r\n")
                    .s("250 ok\r\n"),
            ),
            "EHLO=250 MAIL=250 RCPT=250 DATA=451 RSET=250 MAIL=250 QUIT=221",
            &["a@x.example>b@y.example 0 451", "c@x.example> 0 -"],
        ),
        form(
            "a nested MAIL",
            left(enveloped().c("MAIL FROM:<c@x.example>\r\n").s("503 nested\r\n")),
            "EHLO=250 MAIL=250 RCPT=250 MAIL=503 QUIT=221",
            &["a@x.example>b@y.example 0 -", "c@x.example> 0 503"],
        ),
        form(
            "octets of eight bits and NUL, in commands and body",
            left(
                greeted()
                    .c(b"MAIL FROM:<\xe4\0@x.example>\r\n")
                    .s("250 ok\r\n")
                    .c("RCPT TO:<b@y.example>\r\n")
                    .s("250 ok\r\n")
                    .c("DATA\r\n")
                    .s("354 go\r\n")
                    .c(b"\0\xff\r\n\0.\r\n.\r\n")
                    .s(b"250 \xff\0queued\r\n"),
            ),
            "EHLO=250 MAIL=250 RCPT=250 DATA=354 .=250 QUIT=221",
            &["\\xe4\\x00@x.example>b@y.example 8 250"],
        ),
        form(
            "a line of 100,000 octets in the body and as a command",
            left(
                going()
                    .c(format!("{long}\r\n.\r\n"))
                    .s("250 queued\r\n")
                    .c(format!("NOOP {long}\r\n"))
                    .s("500 too long\r\n"),
            ),
            "EHLO=250 MAIL=250 RCPT=250 DATA=354 .=250 NOOP=500 QUIT=221",
            &["a@x.example>b@y.example 100002 250"],
        ),
        form(
            "odd codes and replies without text",
            left(
                Dialogue::default()
                    .s("220\r\n")
                    .c("EHLO x\r\n")
                    .s("250-\r\n250\r\n")
                    .c("MAIL FROM:<a@x.example>\r\n")
                    .s("299 \r\n")
                    .c("RCPT TO:<b@y.example>\r\n")
                    .s("251\r\n")
                    .c("NOOP\r\n")
                    .s("666 what\r\n"),
            ),
            "EHLO=250 MAIL=299 RCPT=251 NOOP=666 QUIT=221",
            &["a@x.example>b@y.example 0 -"],
        ),
        form(
            "a chunk beyond 64 bits",
            enveloped().c(format!("{huge_chunk}text\r\n")),
            "EHLO=250 MAIL=250 RCPT=250 BDAT=-",
            &["a@x.example>b@y.example 6 -"],
        ),
        form(
            "chunks, pipelined with the envelope and each other",
            left(
                greeted()
                    .c("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nBDAT 6\r\ntext\r\nBDAT 9 LAST\r\nQUIT\r\nx\r\n")
                    .s("250 ok\r\n250 ok\r\n250 6 octets\r\n250 queued\r\n"),
            ),
            "EHLO=250 MAIL=250 RCPT=250 BDAT=250 BDAT=250 QUIT=221",
            &["a@x.example>b@y.example 15 250"],
        ),
        form(
            "AUTH with an initial response, with challenges, cancelled, and refused",
            left(
                greeted()
                    .c("AUTH PLAIN AGEAYg==\r\n")
                    .s("535 no\r\n")
                    .c("AUTH LOGIN\r\n")
                    .s("334 VXNlcm5hbWU6\r\n")
                    .c("YQ==\r\n")
                    .s("334 UGFzc3dvcmQ6\r\n")
                    .c("*\r\n")
                    .s("501 cancelled\r\n")
                    .c("AUTH CRAM-MD5\r\n")
                    .s("334 PDE+\r\n")
                    .c("YSBi\r\n")
                    .s("235 welcome\r\n"),
            ),
            "EHLO=250 AUTH=535 AUTH=334 (auth)=334 (auth)=501 AUTH=334 (auth)=235 QUIT=221",
            &[],
        ),
        form(
            "XCLIENT, whose reply greets anew, and XFORWARD",
            left(
                greeted()
                    .c("XFORWARD NAME=x.example ADDR=192.0.2.7\r\n")
                    .s("250 ok\r\n")
                    .c("XCLIENT NAME=x.example ADDR=192.0.2.7\r\n")
                    .s("220 mx ESMTP\r\n")
                    .c("EHLO y\r\n")
                    .s("250 mx\r\n")
                    .c("MAIL FROM:<a@x.example>\r\n")
                    .s("250 ok\r\n"),
            ),
            "EHLO=250 XFORWARD=250 XCLIENT=220 EHLO=250 MAIL=250 QUIT=221",
            &["a@x.example> 0 -"],
        ),
        form(
            "a PROXY header before the greeting",
            left(
                Dialogue::default()
                    .c("PROXY TCP4 192.0.2.7 198.51.100.25 40000 25\r\n")
                    .s("220 mx ESMTP\r\n")
                    .c("EHLO x\r\n")
                    .s("250 mx\r\n"),
            ),
            "EHLO=250 QUIT=221",
            &[],
        ),
        on_port(
            3128,
            form(
                "through an HTTP proxy",
                left(
                    Dialogue::default()
                        .c("CONNECT mx.y.example:25 HTTP/1.1\r\nHost: mx.y.example\r\n\r\n")
                        .s("HTTP/1.1 200 Connection established\r\n\r\n")
                        .s("220 mx ESMTP\r\n")
                        .c("EHLO x\r\n")
                        .s("250 mx\r\n"),
                ),
                "EHLO=250 QUIT=221",
                &[],
            ),
        ),
        on_port(
            24,
            form(
                "LMTP, which answers the end of data for each recipient",
                left(
                    Dialogue::default()
                        .s("220 mx LMTP\r\n")
                        .c("LHLO x\r\n")
                        .s("250 mx\r\n")
                        .c("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nRCPT TO:<c@y.example>\r\nDATA\r\n")
                        .s("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n")
                        .c("text\r\n.\r\n")
                        .s("250 one\r\n452 two\r\n"),
                ),
                "LHLO=250 MAIL=250 RCPT=250 RCPT=250 DATA=354 .=452 QUIT=221",
                &["a@x.example>b@y.example,c@y.example 6 452"],
            ),
        ),
        on_port(
            10_025,
            form("any port", left(enveloped()), "EHLO=250 MAIL=250 RCPT=250 QUIT=221", &["a@x.example>b@y.example 0 -"]),
        ),
    ]
}

fn commands(session: &Session) -> String {
    let commands = session.dialog.commands.iter().map(|command| {
        let code = command.reply.map_or("-".to_owned(), |(code, _)| code.0.to_string());
        format!("{}={code}", command.verb.as_str())
    });
    commands.collect::<Vec<_>>().join(" ")
}

fn transactions(session: &Session) -> Vec<String> {
    let transactions = session.dialog.transactions.iter().map(|tx| {
        let accepted = tx.recipients.iter().filter(|to| to.reply.is_some_and(|(code, _)| code.is_positive()));
        let to: Vec<String> = accepted.map(|recipient| recipient.address.to_string()).collect();
        let refused = match &tx.outcome {
            mailwitness::smtp::Outcome::Refused { code, .. } => Some(code.0),
            _ => None,
        };
        let end = tx.end_reply.as_ref().map(|reply| reply.code.0).or(refused);
        let end = end.map_or("-".to_owned(), |code| code.to_string());
        format!("{}>{} {} {end}", tx.mail_from, to.join(","), tx.body_octets)
    });
    transactions.collect()
}

#[test]
fn every_form_is_read_alike_however_it_is_cut() {
    for form in forms() {
        let options = Options { port: form.port, ..Options::default() };
        for cut in [usize::MAX, 1460, 536, 7, 3] {
            let long = form.dialogue.octets() > 50_000;
            if long && cut < 536 {
                continue;
            }
            let session = play(&form.dialogue, &pieces(&form.dialogue, cut, 0), options);
            let read = (commands(&session), transactions(&session));
            let expected: Vec<String> = form.transactions.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(read, (form.commands.to_owned(), expected), "{}, cut {cut}", form.name);
        }
    }
}
