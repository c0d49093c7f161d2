//! From TCP segments to sessions: however a dialogue's octets are split into segments, reordered,
//! repeated and overlapped, it is the same dialogue.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod play;

use play::{Dialogue, Options, Piece, essence, pieces, play};
use proptest::prelude::*;

fn any_dialogue() -> impl Strategy<Value = Dialogue> {
    proptest::collection::vec((0..8u8, "[a-z .]{0,30}"), 0..6).prop_map(|steps| {
        let greeted = Dialogue::default()
            .s("220 mx.example.org ESMTP\r\n")
            .c("EHLO client.example\r\n")
            .s("250-mx.example.org\r\n250 PIPELINING\r\n");
        let told = steps.into_iter().fold(greeted, |dialogue, (kind, text)| step(dialogue, kind, &text));
        told.c("QUIT\r\n").s("221 bye\r\n")
    })
}

fn step(dialogue: Dialogue, kind: u8, text: &str) -> Dialogue {
    let envelope = "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n";
    let mail = format!("Message-ID: <1@example.com>\r\nSubject: {text}\r\n\r\nx{text}\r\n..\r\nQUIT\r\n");
    let size = mail.len();
    match kind {
        0 => dialogue.c(envelope).s("250 ok\r\n550 no\r\n").c("RSET\r\n").s("250 ok\r\n"),
        1 => dialogue
            .c(format!("{envelope}DATA\r\n"))
            .s("250 ok\r\n250 ok\r\n354 go\r\n")
            .c(format!("{mail}.\r\n"))
            .s("250 queued\r\n"),
        2 => dialogue
            .c(format!("{envelope}BDAT {size} LAST\r\n{mail}"))
            .s("250 ok\r\n250 ok\r\n250 queued\r\n"),
        3 => dialogue
            .c("AUTH LOGIN\r\n")
            .s("334 VXNlcm5hbWU6\r\n")
            .c("dXNlcg==\r\n")
            .s("334 UGFzc3dvcmQ6\r\n")
            .c("QUIT\r\n")
            .s("535 no\r\n"),
        4 => dialogue.c("STARTTLS\r\n").s("454 no\r\n"),
        5 => dialogue.c("NOOP\r\nVRFY a\r\n").s("250 ok\r\n252-a\r\n252 b\r\n"),
        6 => dialogue
            .c(format!("{envelope}DATA\r\n{mail}.\r\nNOOP\r\n"))
            .s("250 ok\r\n250 ok\r\n354 go\r\n554 no\r\n250 ok\r\n"),
        _ => dialogue.c("FOO\r\n").s("500 what\r\n"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_dialogue_survives_any_split_order_copy_and_overlap(
        dialogue in any_dialogue(),
        cut in 8..200usize,
        overlap in 0..40usize,
        keys in proptest::collection::vec((any::<u16>(), any::<bool>()), 256),
    ) {
        let whole = play(&dialogue, &pieces(&dialogue, usize::MAX, 0), Options::default());
        prop_assert_eq!(whole.dialog.quit.as_ref().map(|quit| quit.all_answered_before), Some(true));
        let mut keyed: Vec<(u16, Piece)> = Vec::new();
        for (piece, (key, twice)) in pieces(&dialogue, cut, overlap).into_iter().zip(keys.iter().cycle()) {
            if *twice {
                keyed.push((key.rotate_left(8), piece.clone()));
            }
            keyed.push((*key, piece));
        }
        keyed.sort_by_key(|(key, _)| *key);
        let shuffled: Vec<Piece> = keyed.into_iter().map(|(_, piece)| piece).take(250).collect();
        prop_assume!(shuffled.len() < 250);
        prop_assert_eq!(essence(&play(&dialogue, &shuffled, Options::default())), essence(&whole));
    }

    #[test]
    fn frames_that_the_capture_holds_twice_are_no_retransmissions(
        dialogue in any_dialogue(),
        cut in 8..200usize,
    ) {
        let pieces = pieces(&dialogue, cut, 0);
        let once = play(&dialogue, &pieces, Options::default());
        let twice = play(&dialogue, &pieces, Options { twice: true, ..Options::default() });
        prop_assert_eq!(essence(&once), essence(&twice));
        for (once, twice) in [
            (&once.flow.streams.originator, &twice.flow.streams.originator),
            (&once.flow.streams.responder, &twice.flow.streams.responder),
        ] {
            prop_assert_eq!(twice.duplicates, once.segments);
            prop_assert_eq!((twice.segments, twice.retransmitted), (once.segments, 0));
        }
        prop_assert_eq!(once.flow.closes.all.len(), twice.flow.closes.all.len());
        prop_assert_eq!(&once.flow.history, &twice.flow.history);
    }
}
