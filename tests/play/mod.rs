//! Dialogues played as TCP segments through the table of flows to a session.
#![allow(dead_code, reason = "each test uses its part")]

use mailwitness::capture::flow::FlowTable;
use mailwitness::capture::segment::{Checksum, Flags, Segment, SeqNumber, TcpOptions};
use mailwitness::cite::{CaptureId, FrameRef, Moment, Notes};
use mailwitness::net::{Endpoint, Role};
use mailwitness::smtp::{Session, Sessions};
use mailwitness::time::Timestamp;

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
pub(crate) struct Dialogue {
    said: Vec<Said>,
    client: u32,
    server: u32,
}

impl Dialogue {
    pub(crate) fn c(self, octets: impl AsRef<[u8]>) -> Self {
        self.say(Role::Client, octets)
    }

    pub(crate) fn s(self, octets: impl AsRef<[u8]>) -> Self {
        self.say(Role::Server, octets)
    }

    /// Octets of both ends.
    pub(crate) fn octets(&self) -> u32 {
        self.client + self.server
    }

    pub(crate) fn say(mut self, by: Role, octets: impl AsRef<[u8]>) -> Self {
        let octets = octets.as_ref();
        let (mine, heard) = match by {
            Role::Client => (&mut self.client, self.server),
            Role::Server => (&mut self.server, self.client),
        };
        self.said.push(Said { by, octets: octets.to_vec(), offset: *mine, heard });
        *mine += octets.len() as u32;
        self
    }
}

/// One segment's octets.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    by: Role,
    octets: Vec<u8>,
    offset: u32,
    heard: u32,
}

/// Cuts what was said into pieces of `cut` octets; each begins `overlap` octets early.
pub(crate) fn pieces(dialogue: &Dialogue, cut: usize, overlap: usize) -> Vec<Piece> {
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

/// What else a capture may be like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// The server's port.
    pub(crate) port: u16,
    /// Every frame is in the file twice.
    pub(crate) twice: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: 25, twice: false }
    }
}

/// Plays the pieces in their order, between a handshake and two FINs.
pub(crate) fn play(dialogue: &Dialogue, pieces: &[Piece], options: Options) -> Session {
    let mut found = Vec::new();
    let mut sink = Sessions::new(&[], |session| found.push(session));
    let mut table = FlowTable::new(false);
    let mut notes = Notes::default();
    let (mut frame, mut packets) = (0, 0);
    let mut push = |by, flags: Flags, offset: u32, heard: u32, payload: &[u8]| {
        let mut segment = segment(by, flags, offset, heard, payload, options.port);
        packets += 1;
        segment.ip_id = Some(packets);
        for _ in 0..if options.twice { 2 } else { 1 } {
            frame += 1;
            let time = Timestamp::from_nanos(i64::from(frame) * 1_000_000);
            let at = Moment { time, frame: FrameRef { capture: CaptureId(0), frame } };
            table.tick(time);
            table.push(&segment, at, &mut sink, &mut notes);
        }
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

fn segment(by: Role, flags: Flags, offset: u32, heard: u32, payload: &[u8], port: u16) -> Segment<'_> {
    let client = Endpoint::new("192.0.2.1".parse().unwrap(), 40_000);
    let server = Endpoint::new("198.51.100.25".parse().unwrap(), port);
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
pub(crate) fn essence(session: &Session) -> String {
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
