//! Octets that the file lacks.

use super::*;

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
