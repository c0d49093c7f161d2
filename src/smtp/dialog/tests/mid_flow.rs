//! Files that begin in mid-flow, or that hold one direction alone.

use super::*;

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
