use super::*;
use crate::cause::patterns::testing::Made;
use crate::cause::testing::Scene;
use crate::cite::LogId;
use crate::maillog::{LogInput, ReadOptions};
use crate::net::Role;
use crate::smtp::Stage;
use crate::smtp::script::Script;
use crate::smtp::tls::{Encryption, EncryptionStart};
use std::fmt::Write as _;

fn begun(id: &str, body: usize) -> Script {
    let line = "all work and no play makes a dull line of sixty octets\r\n";
    let text = line.repeat(body / line.len() + 1);
    Script::new()
        .s("220 x\r\n")
        .c("EHLO a\r\n")
        .s("250 x\r\n")
        .c("MAIL FROM:<a@a> SIZE=200000\r\n")
        .s("250 ok\r\n")
        .c("RCPT TO:<b@b>\r\n")
        .s("250 ok\r\n")
        .c("DATA\r\n")
        .s("354 go\r\n")
        .c(format!("Message-ID: <{id}>\r\n\r\n{}", text.get(..body).unwrap()))
}

/// A body that dies behind `body` octets, and silence.
fn dies(id: &str, body: usize) -> Scene {
    Scene::of(&begun(id, body).wait(300).s("421 timeout\r\n").fin(Role::Server))
}

fn strengths(found: &Found, rule: &Rule) -> Vec<Strength> {
    let of_rule = found.signs.iter().filter(|(_, sign)| sign.rule.name == rule.name);
    of_rule.map(|(_, sign)| sign.strength).collect()
}

#[test]
fn three_tries_at_one_octet_are_decisive() {
    let mut made = Made::default();
    for (ip, body) in [("192.0.2.1", 30_000), ("192.0.2.2", 30_900), ("192.0.2.1", 30_400)] {
        made.add(ip, dies("x@y", body), true);
    }
    let found = made.found(read);
    assert_eq!(strengths(&found, &SAME_OCTET), [Strength::Decisive; 3]);
    assert_eq!((found.patterns[0].count, &found.patterns[0].cases), (3, &vec![0, 1, 2]));
    assert!(found.patterns[0].chance < 0.001, "{found:?}");
}

#[test]
fn two_are_strong_and_only_where_chance_does_not_explain_them() {
    let mut made = Made::default();
    made.add("192.0.2.1", dies("x@y", 30_000), true).add("192.0.2.1", dies("x@y", 30_100), true);
    assert_eq!(strengths(&made.found(read), &SAME_OCTET), [Strength::Strong; 2]);
}

#[test]
fn tries_that_die_at_different_octets_show_nothing() {
    let mut made = Made::default();
    for body in [30_000, 60_000, 33_000] {
        made.add("192.0.2.1", dies("x@y", body), true);
    }
    assert_eq!(made.found(read), Found::default());
}

#[test]
fn different_messages_are_no_tries() {
    let mut made = Made::default();
    for id in ["a@y", "b@y", "c@y"] {
        made.add("192.0.2.1", dies(id, 30_000), true);
    }
    assert_eq!(made.found(read), Found::default());
    // And where each is tried again, it is not the content of one.
    for id in ["a@y", "b@y", "c@y"] {
        made.add("192.0.2.1", dies(id, 30_000), true).add("192.0.2.1", dies(id, 30_000), true);
    }
    assert_eq!(strengths(&made.found(read), &SAME_OCTET), [Strength::Strong; 9]);
}

#[test]
fn a_try_that_got_through_speaks_against_it() {
    let mut made = Made::default();
    for _ in 0..3 {
        made.add("192.0.2.1", dies("x@y", 30_000), true);
    }
    let whole = begun("x@y", 199_000).c("\r\n.\r\n").s("250 ok\r\n").c("QUIT\r\n").s("221 bye\r\n");
    made.add("192.0.2.1", Scene::of(&whole), false);
    let found = made.found(read);
    assert_eq!(strengths(&found, &SAME_OCTET), [Strength::Moderate; 3]);
    assert_eq!(strengths(&found, &GOT_THROUGH), [Strength::Moderate; 3]);
}

#[test]
fn what_the_sender_ends_itself_is_not_decisive() {
    let mut made = Made::default();
    for _ in 0..3 {
        made.add("192.0.2.1", Scene::of(&begun("x@y", 30_000).fin(Role::Client)), true);
    }
    assert_eq!(strengths(&made.found(read), &SAME_OCTET), [Strength::Strong; 3]);
}

/// A connection under TLS whose sender said `octets` in all before it fell silent in a message.
fn dies_in_the_dark(octets: u64) -> Scene {
    let script = Script::new().s("220 x\r\n").c("EHLO a\r\n").s("250 STARTTLS\r\n").fin(Role::Server);
    let mut scene = Scene::of(&script);
    let since = scene.session.flow.last;
    scene.session.dialog.encryption = Some(Box::new(Encryption::begun(EncryptionStart::StartTls, since)));
    scene.session.flow.streams.originator.end = octets;
    (scene.ending.kind, scene.ending.stage) = (EndingKind::Silence, Stage::Body);
    scene
}

/// Aborted messages with one envelope, a connection each, and one that may have been accepted after them.
fn made_in_the_dark(octets: &[u64], accepted: bool) -> Made {
    let mut log = String::from("Wed Nov 25 12:00:00 2026 Info: Begin Logfile\n");
    let mut made = Made::default();
    for (place, octets) in octets.iter().enumerate() {
        made.add("192.0.2.1", dies_in_the_dark(*octets), true);
        made.logged.insert(place, (place, 0));
    }
    for number in 0..octets.len() + usize::from(accepted) {
        let (icid, mid) = (100 + number, 200 + number);
        let end = if number == octets.len() {
            format!("MID {mid} ready 90000 bytes from <a@a>")
        } else {
            format!("Message aborted MID {mid} Receiving aborted")
        };
        for words in [
            format!(
                "New SMTP ICID {icid} interface Data 1 (198.51.100.25) address 192.0.2.1 reverse dns host unknown verified no"
            ),
            format!("Start MID {mid} ICID {icid}"),
            format!("MID {mid} ICID {icid} From: <a@a>"),
            format!("MID {mid} ICID {icid} RID 0 To: <b@b>"),
            end,
        ] {
            writeln!(log, "Wed Nov 25 12:{number:02}:01 2026 Info: {words}").unwrap();
        }
    }
    let reader = Box::new(std::io::Cursor::new(log.into_bytes()));
    let input = LogInput { id: LogId(0), reader };
    made.log = crate::maillog::read_logs(vec![input], ReadOptions::default());
    assert_eq!(made.log.connections.len(), octets.len() + usize::from(accepted));
    made
}

#[test]
fn tries_under_tls_are_known_by_the_log_and_their_octets() {
    let found = made_in_the_dark(&[30_000, 30_700, 29_900], true).found(read);
    assert_eq!(strengths(&found, &SAME_OCTET_UNDER_TLS), [Strength::Moderate; 3], "one got through");
    assert_eq!(strengths(&found, &GOT_THROUGH), [Strength::Moderate; 3]);
    let found = made_in_the_dark(&[30_000, 30_700, 29_900], false).found(read);
    assert_eq!(strengths(&found, &SAME_OCTET_UNDER_TLS), [Strength::Strong; 3], "nothing can read it");
    assert!(found.patterns[0].detail.contains("nothing on the way can read it"), "{found:?}");
    assert!(strengths(&found, &SAME_OCTET).is_empty());
}

#[test]
fn tries_under_tls_that_die_here_and_there_show_nothing() {
    assert_eq!(made_in_the_dark(&[12_000, 40_000, 75_000], false).found(read), Found::default());
    // Two of them close by chance: of a message of a few segments that is no wonder.
    assert_eq!(made_in_the_dark(&[2_900, 4_100], false).found(read), Found::default());
}

#[test]
fn what_explains_the_place_is_not_the_content() {
    use crate::cause::signs::{answers::ACKS_LOST, path};
    for (rule, strength) in [
        (&path::FULL_SIZE_MISSING, Strength::Strong),
        (&path::WINDOW_UNSCALED, Strength::Moderate),
        (&ACKS_LOST, Strength::Decisive),
    ] {
        let sign = Sign {
            rule,
            points_at: PointsAt::Path,
            strength,
            frames: Vec::new(),
            numbers: Vec::new(),
            detail: String::new(),
        };
        let mut made = Made::default();
        for _ in 0..3 {
            made.add("192.0.2.1", dies("x@y", 30_000), true).signed(sign.clone());
        }
        assert_eq!(made.found(read), Found::default(), "{}", rule.name);
    }
}
