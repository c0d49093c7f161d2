//! Replies out of the ordinary: unasked for, with odd codes, with numbers that make no sense.

use super::*;

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
