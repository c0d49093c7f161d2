//! Whole dialogues: their verbs with their replies, and what became of their transactions.

use super::*;

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
