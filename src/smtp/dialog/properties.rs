//! What must hold for any dialogue.

use proptest::prelude::*;

use super::tests::{MAIL, greeted, kinds};
use super::*;
use crate::smtp::script::{Script, What, course, moment};

/// A dialogue of random steps, in the order of cause and effect.
fn any_script() -> impl Strategy<Value = Script> {
    any_script_of((0..16u8).boxed())
}

/// One without AUTH, whose lines may look like commands where the AUTH itself is missing.
fn any_script_without_auth() -> impl Strategy<Value = Script> {
    any_script_of((0..16u8).prop_filter("AUTH", |kind| *kind != 7).boxed())
}

fn any_script_of(kinds: BoxedStrategy<u8>) -> impl Strategy<Value = Script> {
    let body = prop_oneof![
        Just("x\r\n".to_owned()),
        Just(MAIL.to_owned()),
        Just("a\n.\nb\r\n".to_owned()),
        Just("QUIT\r\nMAIL FROM:<x>\r\n..\r\n".to_owned()),
        Just(String::new()),
        "[a-z.\\r\\n]{0,60}".prop_map(|text| format!("{}\r\n", text.replace('.', "a"))),
    ];
    let step = (kinds, body, any::<bool>());
    (proptest::collection::vec(step, 0..12), 1..40usize).prop_map(|(steps, piece)| {
        let mut script = greeted().in_pieces(piece);
        for (kind, body, yes) in steps {
            script = any_step(script, kind, &body, yes);
        }
        script
    })
}

fn any_step(script: Script, kind: u8, body: &str, yes: bool) -> Script {
    let size = body.len();
    match kind {
        0 => script.c("MAIL FROM:<a@example.com>\r\n").s(if yes { "250 ok\r\n" } else { "451 later\r\n" }),
        1 => script.c("RCPT TO:<b@example.org>\r\n").s(if yes { "250 ok\r\n" } else { "550 no\r\n" }),
        2 if yes => script.c("DATA\r\n").s("354 go\r\n").c(format!("{body}.\r\n")).s("250 ok\r\n"),
        2 => script.c("DATA\r\n").s("354 go\r\n").c(format!("{body}.\r\n")).s("554 no\r\n"),
        3 => script.c("DATA\r\n").s("503 no\r\n"),
        4 => script.c(format!("BDAT {size}\r\n{body}")).s("250 ok\r\n"),
        5 => script.c(format!("BDAT {size} LAST\r\n{body}")).s(if yes { "250 ok\r\n" } else { "554 no\r\n" }),
        6 => script.c("RSET\r\n").s("250 ok\r\n"),
        7 if yes => script
            .c("AUTH LOGIN\r\n")
            .s("334 u\r\n")
            .c("dXNlcg==\r\n")
            .s("334 p\r\n")
            .c("QUIT\r\n")
            .s("235 ok\r\n"),
        7 => script.c("AUTH PLAIN AGEAYg==\r\n").s("535 no\r\n"),
        8 => script
            .c("MAIL FROM:<p@example.com>\r\nRCPT TO:<q@example.org>\r\nDATA\r\n")
            .s("250 ok\r\n250 ok\r\n354 go\r\n")
            .c(format!("{body}.\r\nNOOP\r\nRSET\r\n"))
            .s("250 queued\r\n250 ok\r\n250 ok\r\n"),
        9 => script
            .c(format!("MAIL FROM:<>\r\nRCPT TO:<q@example.org>\r\nBDAT {size} LAST\r\n{body}NOOP\r\n"))
            .s("250 ok\r\n450 later\r\n554 no\r\n250-ok\r\n250 ok\r\n"),
        10 => {
            script.c("MAIL FROM:<n@example.com>\r\nDATA\r\nhi\r\n.\r\n").s("250 ok\r\n354 go\r\n250 ok\r\n")
        }
        11 => script.c("EHLO again.example\r\n").s("250-hi\r\n250-SIZE\r\n250 CHUNKING\r\n"),
        12 => script.c("NOOP\r\n").s("250 ok\r\n"),
        13 => script.c("FOO bar\r\n").s("500 what\r\n"),
        14 => script.c("STARTTLS\r\n").s("454 no\r\n"),
        _ => script.c("VRFY a\r\nHELP\r\n").s("252 no\r\n214-a\r\n214 b\r\n"),
    }
}

/// What does not depend on how the streams are cut: everything but frames and times.
fn essence(dialog: &Dialog) -> String {
    let mut shown =
        format!("{} | {:?} {:?} | ", course(dialog), dialog.stage, dialog.owed.map(|owed| owed.by));
    for tx in &dialog.transactions {
        let recipients: Vec<_> = tx
            .recipients
            .iter()
            .map(|rcpt| (rcpt.address.to_string(), rcpt.reply.map(|(code, _)| code)))
            .collect();
        shown += &format!(
            "{:?} {recipients:?} {} {:?} {:?} {:?} ",
            tx.mail_from,
            tx.body_octets,
            tx.message_id,
            tx.stage,
            tx.end_reply.as_ref().map(|reply| reply.code)
        );
    }
    shown += &kinds(dialog).join(" ");
    shown + &format!(" {:?}", dialog.quit.as_ref().map(|quit| quit.all_answered_before))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_order_of_the_directions_in_the_file_changes_nothing(script in any_script(), coins in proptest::collection::vec(any::<bool>(), 64)) {
        let dialog = script.play();
        let mut coins = coins.into_iter().cycle();
        let order = script.shuffled(|| coins.next().unwrap());
        let other = script.play_from(Beginning::Handshake, &order);
        prop_assert_eq!(format!("{other:?}"), format!("{dialog:?}"));
    }

    #[test]
    fn nor_does_it_where_octets_are_missing(
        script in any_script_without_auth(),
        coins in proptest::collection::vec(any::<bool>(), 64),
        lost in proptest::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let mut holed = script.clone();
        for lost in lost {
            let said = lost.get_mut(&mut holed.said);
            if let What::Octets(octets) = &said.what {
                said.what = What::Missing(octets.len() as u64);
            }
        }
        let dialog = holed.play();
        let mut coins = coins.into_iter().cycle();
        let order = holed.shuffled(|| coins.next().unwrap());
        let other = holed.play_from(Beginning::Handshake, &order);
        // What was guessed may be guessed otherwise with more or less at hand.
        let guessed = |dialog: &Dialog| dialog.notes.iter().any(|note| note.text.ends_with("guessed"));
        if guessed(&dialog) || guessed(&other) {
            return Ok(());
        }
        let told = |dialog: &Dialog| format!("{} | {}", course(dialog), kinds(dialog).join(" "));
        prop_assert!(told(&other) == told(&dialog), "{}\n{}\n{}", script_in_words(&order), told(&dialog), told(&other));
    }

    #[test]
    fn the_cuts_between_segments_change_nothing(script in any_script(), cut in 1..9usize) {
        let mut recut = Script::new().in_pieces(cut);
        for said in &script.said {
            if let What::Octets(octets) = &said.what {
                recut = recut.say(said.by, octets);
            }
        }
        prop_assert_eq!(essence(&recut.play()), essence(&script.play()));
    }

    #[test]
    fn hostile_octets_do_no_harm(pieces in proptest::collection::vec((any::<bool>(), hostile(), any::<u32>(), 0..20u8), 0..200), mid_flow: bool) {
        let beginning = if mid_flow { Beginning::MidFlow } else { Beginning::Handshake };
        let mut reader = DialogReader::new(beginning, moment(1, Script::START));
        let mut offsets = [0u64; 2];
        for (by_client, bytes, acknowledged, gap) in pieces {
            let (role, offset) = if by_client { (Role::Client, &mut offsets[0]) } else { (Role::Server, &mut offsets[1]) };
            let at = moment(2, Script::START);
            if gap == 0 {
                let length = u64::from(acknowledged) + 1;
                reader.gap(role, Gap { offset: *offset, length, at, loss: crate::capture::Loss::Capture });
                *offset += length;
            }
            let acknowledged = if gap < 10 { offsets_other(&offsets, role) } else { u64::from(acknowledged) };
            let offset = match role { Role::Client => &mut offsets[0], Role::Server => &mut offsets[1] };
            if !bytes.is_empty() {
                reader.data(role, Chunk { bytes: &bytes, offset: *offset, at, acknowledged });
                *offset += bytes.len() as u64;
            }
        }
        let _ = reader.finish(Delivered { client: offsets[0], server: offsets[1] });
    }
}

fn offsets_other(offsets: &[u64; 2], role: Role) -> u64 {
    match role {
        Role::Client => offsets[1],
        Role::Server => offsets[0],
    }
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        proptest::sample::select(vec![
            "EHLO x\r\n",
            "MAIL FROM:<a>\r\n",
            "RCPT TO:<b>\n",
            "DATA\r\n",
            ".\r\n",
            "\n.\n",
            "BDAT 7 LAST\r\n",
            "BDAT 99999999999999999999\r\n",
            "RSET\r\n",
            "QUIT\r\n",
            "AUTH LOGIN\r\n",
            "STARTTLS\r\n",
            "220 ",
            "hi\r\n",
            "250-a\r\n",
            "250 b\r\n",
            "354 c\r\n",
            "334 d\r\n",
            "421 timeout\r\n",
            "550 e\r\n",
            "221 f\r\n",
            "\x16\x03\x01\0\x05",
            "\x17\x03\x03\0\x01x",
            "\r\n\r\n\0\r\nQUIT\n",
            "PROXY TCP4 ",
            "LHLO y\r\n",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ]
}

/// The pieces in their order, gaps as their length.
fn script_in_words(order: &[&crate::smtp::script::Said]) -> String {
    let piece = |said: &&crate::smtp::script::Said| match &said.what {
        What::Octets(octets) => format!(
            "{:?} {}+{}: {:?} ack {}",
            said.by,
            said.at.frame.frame,
            said.offset,
            String::from_utf8_lossy(octets),
            said.acknowledged
        ),
        What::Missing(length) => {
            format!("{:?} {}+{}: missing {length}", said.by, said.at.frame.frame, said.offset)
        }
    };
    order.iter().map(piece).collect::<Vec<_>>().join("\n")
}
