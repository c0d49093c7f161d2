use super::*;
use crate::cause::patterns::testing::Made;
use crate::cause::testing::Scene;
use crate::net::Role;
use crate::smtp::script::Script;

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

#[test]
fn a_black_hole_is_not_the_content() {
    let hole = Sign {
        rule: &crate::cause::signs::path::FULL_SIZE_MISSING,
        points_at: PointsAt::Path,
        strength: Strength::Strong,
        frames: Vec::new(),
        numbers: Vec::new(),
        detail: String::new(),
    };
    let mut made = Made::default();
    for _ in 0..3 {
        made.add("192.0.2.1", dies("x@y", 30_000), true).signed(hole.clone());
    }
    assert_eq!(made.found(read), Found::default());
}
