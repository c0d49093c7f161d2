//! Who owed the next word.

use super::*;
use crate::capture::Loss;

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
        feed(&mut reader, said);
    }
    let delivered = Delivered { client: script.client - 1, ..script.delivered() };
    assert!(!reader.finish(delivered).owed.unwrap().delivered);
}

#[test]
fn a_reply_that_never_ends_is_still_due() {
    let dialog = envelope().c("DATA\r\n").s("354-\r\n").play();
    assert_eq!(course(&dialog), "EHLO 250, MAIL 250, RCPT 250, DATA -");
    let owed = dialog.owed.unwrap();
    assert_eq!(owed.by, Role::Server);
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
