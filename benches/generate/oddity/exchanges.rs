//! Oddities that are words of their own: something said and answered before the greeting, after EHLO, or at MAIL.

use super::words::{answers, says};
use super::{Oddities, Oddity};
use crate::generate::script::Step;

/// Octets of a long line.
const LONG: usize = 100_000;
const NESTED: (&str, &str) = ("MAIL FROM:<nested@example.net>\r\n", "503 #5.5.1 Nested MAIL command\r\n");
const PROXY: &str = "PROXY TCP4 192.0.2.7 203.0.113.25 40000 25\r\n";
const CONNECT: [&str; 2] = [
    "CONNECT mx1.corp.example.com:25 HTTP/1.1\r\nHost: mx1.corp.example.com:25\r\n\r\n",
    "HTTP/1.1 200 Connection established\r\n\r\n",
];

/// The steps with what the oddities have both ends say besides.
pub(super) fn with(oddities: &Oddities, steps: Vec<Step>) -> Vec<Step> {
    let mut all = Vec::with_capacity(steps.len() + 16);
    let hello = steps.iter().find_map(|step| said(step, &["EHLO ", "LHLO "])).map(str::to_owned);
    // What was asked and is to be answered next.
    let (mut greeted, mut asked, mut enveloped) = (false, Asked::Nothing, false);
    for mut step in steps {
        let opens = matches!(step, Step::Handshake);
        if said(&step, &["EHLO ", "LHLO "]).is_some() && !greeted {
            (greeted, asked) = (true, Asked::Hello);
        } else if said(&step, &["MAIL "]).is_some() && !enveloped {
            enveloped = true;
            asked = at_mail(oddities, &mut step, &mut all);
        }
        let reply = match &mut step {
            Step::Server { words, .. } if asked != Asked::Nothing => {
                if asked == Asked::Nested && words.starts_with("250 ") {
                    let behind = words.find('\n').map_or(words.len(), |place| place + 1);
                    words.insert_str(behind, NESTED.1);
                }
                Some((words.starts_with("250"), words.clone()))
            }
            _ => None,
        };
        all.push(step);
        if opens {
            before_the_greeting(oddities, &mut all);
        }
        let Some((granted, words)) = reply else { continue };
        match std::mem::replace(&mut asked, Asked::Nothing) {
            Asked::Hello => after_hello(oddities, hello.as_deref().unwrap_or_default(), &words, &mut all),
            Asked::Mail if granted => {
                if oddities.has(Oddity::NestedMail) {
                    all.extend([says(NESTED.0), answers(NESTED.1)]);
                }
                if oddities.has(Oddity::DataRefused) {
                    all.extend([says("DATA\r\n"), answers("503 #5.5.1 RCPT first\r\n")]);
                }
            }
            _ => {}
        }
    }
    all
}

/// What the reply that is awaited is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nothing,
    Hello,
    /// MAIL alone.
    Mail,
    /// An envelope in one go, with a second MAIL in it.
    Nested,
}

/// The first MAIL: where it goes with others, what is odd goes with or before it.
fn at_mail(oddities: &Oddities, step: &mut Step, all: &mut Vec<Step>) -> Asked {
    let Step::Client { words, .. } = step else { return Asked::Nothing };
    if words.matches('\n').count() == 1 {
        return Asked::Mail;
    }
    if oddities.has(Oddity::DataRefused) {
        all.extend([says("DATA\r\n"), answers("503 #5.5.1 MAIL first\r\n")]);
    }
    if !oddities.has(Oddity::NestedMail) {
        return Asked::Nothing;
    }
    let behind = words.find('\n').map_or(words.len(), |place| place + 1);
    words.insert_str(behind, NESTED.0);
    Asked::Nested
}

fn before_the_greeting(oddities: &Oddities, all: &mut Vec<Step>) {
    if oddities.has(Oddity::HttpConnect) {
        let [asks, grants] = CONNECT;
        all.extend([says(asks), answers(grants)]);
    }
    if oddities.has(Oddity::Proxy) {
        all.push(says(PROXY));
    }
}

fn after_hello(oddities: &Oddities, hello: &str, extensions: &str, all: &mut Vec<Step>) {
    let mut turns = |oddity, words: &[(&str, &str)]| {
        if oddities.has(oddity) {
            for (asks, grants) in words {
                all.extend([says(*asks), answers(*grants)]);
            }
        }
    };
    turns(Oddity::EightBit, &[("NOOP \u{e4}\0\u{20ac}\u{7f}\r\n", "250 \u{fc}\0 ok\r\n")]);
    let long = format!("NOOP {}\r\n", "x".repeat(LONG));
    turns(Oddity::LongLine, &[(&long, "500 #5.5.1 line too long\r\n")]);
    turns(Oddity::OddReplies, &[("NOOP\r\n", "666 what\r\n")]);
    turns(
        Oddity::Auth,
        &[
            ("AUTH PLAIN AGEAYg==\r\n", "535 #5.7.8 no\r\n"),
            ("AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n"),
            ("YQ==\r\n", "334 UGFzc3dvcmQ6\r\n"),
            ("*\r\n", "501 #5.7.0 cancelled\r\n"),
            ("AUTH CRAM-MD5\r\n", "334 PDE+\r\n"),
            ("YSBi\r\n", "235 welcome\r\n"),
        ],
    );
    let forward = "XFORWARD NAME=x.example ADDR=192.0.2.7\r\n";
    turns(Oddity::Xforward, &[(forward, "250 ok\r\n")]);
    let client = "XCLIENT NAME=x.example ADDR=192.0.2.7\r\n";
    turns(Oddity::Xclient, &[(client, "220 mx1.corp.example.com ESMTP\r\n"), (hello, extensions)]);
}

/// What the sender says in a step, if it begins so.
fn said<'a>(step: &'a Step, begins: &[&str]) -> Option<&'a str> {
    match step {
        Step::Client { words, .. } if begins.iter().any(|begin| words.starts_with(begin)) => Some(words),
        _ => None,
    }
}
