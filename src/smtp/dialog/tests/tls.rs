//! Where the dialogue goes dark.

use super::*;

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
fn records_are_found_in_mid_flow() {
    let data = [23, 3, 3, 0, 1, 0];
    let script = Script::new().c([9, 9, 9]).s([7, 7]).c(data).s(data).c(data);
    let dialog = script.play_from(Beginning::MidFlow, &script.said.iter().collect::<Vec<_>>());
    let encryption = dialog.encryption.unwrap();
    assert_eq!((encryption.records.len(), encryption.not_tls), (3, false));
    assert!(dialog.commands.is_empty());
}
