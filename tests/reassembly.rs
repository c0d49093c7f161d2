//! From TCP segments to sessions: however a dialogue's octets are split into segments, reordered,
//! repeated and overlapped, it is the same dialogue.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use mailwitness::capture::flow::FlowTable;
use mailwitness::capture::segment::{Checksum, Flags, Segment, SeqNumber, TcpOptions};
use mailwitness::cite::{CaptureId, FrameRef, Moment, Notes};
use mailwitness::net::{Endpoint, Role};
use mailwitness::smtp::{Session, Sessions};
use mailwitness::time::Timestamp;
use proptest::prelude::*;

/// Near the end of the sequence space, so that every longer dialogue wraps round it.
const CLIENT_ISN: u32 = u32::MAX - 50;
const SERVER_ISN: u32 = u32::MAX - 200;

/// What one end says, having heard all that was said before it.
#[derive(Debug, Clone)]
struct Said {
    by: Role,
    octets: Vec<u8>,
    offset: u32,
    heard: u32,
}

/// A dialogue in the order of cause and effect.
#[derive(Debug, Clone, Default)]
struct Dialogue {
    said: Vec<Said>,
    client: u32,
    server: u32,
}

impl Dialogue {
    fn c(self, octets: &str) -> Self {
        self.say(Role::Client, octets)
    }

    fn s(self, octets: &str) -> Self {
        self.say(Role::Server, octets)
    }

    fn say(mut self, by: Role, octets: &str) -> Self {
        let (mine, heard) = match by {
            Role::Client => (&mut self.client, self.server),
            Role::Server => (&mut self.server, self.client),
        };
        self.said.push(Said { by, octets: octets.as_bytes().to_vec(), offset: *mine, heard });
        *mine += octets.len() as u32;
        self
    }
}

/// One segment's octets.
#[derive(Debug, Clone)]
struct Piece {
    by: Role,
    octets: Vec<u8>,
    offset: u32,
    heard: u32,
}

/// Cuts what was said into pieces of `cut` octets; each begins `overlap` octets early.
fn pieces(dialogue: &Dialogue, cut: usize, overlap: usize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for said in &dialogue.said {
        for begin in (0..said.octets.len()).step_by(cut) {
            let early = begin.saturating_sub(overlap);
            let end = (begin + cut).min(said.octets.len());
            pieces.push(Piece {
                by: said.by,
                octets: said.octets[early..end].to_vec(),
                offset: said.offset + early as u32,
                heard: said.heard,
            });
        }
    }
    pieces
}

/// Plays the pieces in their order, between a handshake and two FINs.
fn play(dialogue: &Dialogue, pieces: &[Piece]) -> Session {
    let mut found = Vec::new();
    let mut sink = Sessions::new(&[], |session| found.push(session));
    let mut table = FlowTable::new(false);
    let mut notes = Notes::default();
    let mut frame = 0;
    let mut push = |by, flags: Flags, offset: u32, heard: u32, payload: &[u8]| {
        frame += 1;
        let time = Timestamp::from_nanos(i64::from(frame) * 1_000_000);
        let at = Moment { time, frame: FrameRef { capture: CaptureId(0), frame } };
        table.tick(time);
        table.push(&segment(by, flags, offset, heard, payload), at, &mut sink, &mut notes);
    };
    // Offset 0 is the octet after the SYN; the SYN itself stands one before.
    push(Role::Client, Flags::SYN, u32::MAX, u32::MAX, &[]);
    push(Role::Server, Flags::SYN.with(Flags::ACK), u32::MAX, 0, &[]);
    push(Role::Client, Flags::ACK, 0, 0, &[]);
    for piece in pieces {
        push(piece.by, Flags::ACK.with(Flags::PSH), piece.offset, piece.heard, &piece.octets);
    }
    let (client, server) = (dialogue.client, dialogue.server);
    push(Role::Client, Flags::FIN.with(Flags::ACK), client, server, &[]);
    push(Role::Server, Flags::FIN.with(Flags::ACK), server, client + 1, &[]);
    push(Role::Client, Flags::ACK, client + 1, server + 1, &[]);
    table.finish(&mut sink, &mut notes);
    drop(sink);
    assert_eq!(found.len(), 1);
    found.pop().unwrap()
}

fn segment(by: Role, flags: Flags, offset: u32, heard: u32, payload: &[u8]) -> Segment<'_> {
    let client = Endpoint::new("192.0.2.1".parse().unwrap(), 40_000);
    let server = Endpoint::new("198.51.100.25".parse().unwrap(), 25);
    let (source, destination, mine, other) = match by {
        Role::Client => (client, server, CLIENT_ISN, SERVER_ISN),
        Role::Server => (server, client, SERVER_ISN, CLIENT_ISN),
    };
    Segment {
        source,
        destination,
        seq: SeqNumber(mine).plus(1).plus(offset),
        ack: SeqNumber(other).plus(1).plus(heard),
        flags,
        window: 65_535,
        payload,
        payload_len: payload.len() as u32,
        options: TcpOptions::default(),
        raw_options: &[],
        ttl: 64,
        traffic_class: 0,
        ip_id: Some(1),
        source_mac: None,
        checksum: Checksum::Good,
        payload_sum: None,
    }
}

/// Everything of a session but frames and times.
fn essence(session: &Session) -> String {
    let dialog = &session.dialog;
    let commands: Vec<_> = dialog
        .commands
        .iter()
        .map(|command| (command.verb.as_str(), command.reply.map(|(code, _)| code.0)))
        .collect();
    let transactions: Vec<_> = dialog
        .transactions
        .iter()
        .map(|tx| {
            let recipients: Vec<_> = tx
                .recipients
                .iter()
                .map(|recipient| (&recipient.address, recipient.reply.map(|(code, _)| code.0)))
                .collect();
            let end = tx.end_reply.as_ref().map(|reply| (reply.code.0, reply.end_offset));
            (&tx.mail_from, recipients, tx.body_octets, &tx.message_id, &tx.subject, tx.stage, end)
        })
        .collect();
    let quit = dialog.quit.as_ref().map(|quit| (quit.end_offset, quit.all_answered_before));
    format!("{commands:?} {transactions:?} {quit:?} {:?} {:?}", dialog.stage, dialog.notes)
}

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
            .c(&format!("{envelope}DATA\r\n"))
            .s("250 ok\r\n250 ok\r\n354 go\r\n")
            .c(&format!("{mail}.\r\n"))
            .s("250 queued\r\n"),
        2 => dialogue
            .c(&format!("{envelope}BDAT {size} LAST\r\n{mail}"))
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
            .c(&format!("{envelope}DATA\r\n{mail}.\r\nNOOP\r\n"))
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
        let whole = play(&dialogue, &pieces(&dialogue, usize::MAX, 0));
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
        prop_assert_eq!(essence(&play(&dialogue, &shuffled)), essence(&whole));
    }
}
