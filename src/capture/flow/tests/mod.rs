mod closes;
mod dialogues;
mod lifetimes;
mod properties;
mod shapes;

use std::net::Ipv4Addr;

use super::*;
use crate::capture::segment::{Checksum, Flags, Segment, SeqNumber, TcpOptions};
use crate::capture::{
    Chunk, Close, CloseKind, Closes, ConnState, Conversation, Effect, Flow, FlowSink, FlowStart, Gap,
    Interest, Loss, OriginatorFrom, Pair, Side,
};
use crate::cite::{CaptureId, FrameRef, Moment, Notes};
use crate::net::Endpoint;
use crate::time::{Span, Timestamp};

const CLIENT: Endpoint = Endpoint::new(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10)), 49_152);
const SERVER: Endpoint = Endpoint::new(std::net::IpAddr::V4(Ipv4Addr::new(198, 51, 100, 25)), 25);

const SYN: Flags = Flags::SYN;
const SYN_ACK: Flags = Flags::from_bits(0x12);
const ACK: Flags = Flags::ACK;
const FIN_ACK: Flags = Flags::from_bits(0x11);
const RST: Flags = Flags::RST;
const RST_ACK: Flags = Flags::from_bits(0x14);

/// Who sends a segment of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Client,
    Server,
}

use End::{Client, Server};

/// A segment of a test; numbers are offsets in the streams (-1 is the SYN's).
#[derive(Debug, Clone, Copy)]
struct Seg {
    from: End,
    flags: Flags,
    seq: i64,
    ack: i64,
    payload: &'static [u8],
    millis: i64,
}

fn seg(from: End, flags: Flags, seq: i64, ack: i64) -> Seg {
    Seg { from, flags, seq, ack, payload: b"", millis: 0 }
}

fn data(from: End, seq: i64, ack: i64, payload: &'static [u8]) -> Seg {
    Seg { payload, ..seg(from, ACK, seq, ack) }
}

impl Seg {
    fn at(self, millis: i64) -> Self {
        Self { millis, ..self }
    }
}

/// What a conversation heard.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Heard {
    octets: Pair<Vec<u8>>,
    gaps: Vec<(Side, u64, u64, Loss)>,
    ends: Pair<Option<u64>>,
    acknowledged: Vec<(Side, u64, u64)>,
    only: Option<usize>,
}

impl Conversation for Heard {
    fn data(&mut self, side: Side, chunk: Chunk<'_>) -> Interest {
        self.octets.of_mut(side).extend_from_slice(chunk.bytes);
        self.acknowledged.push((side, chunk.offset, chunk.acknowledged));
        match self.only {
            Some(limit) if self.octets.of(side).len() >= limit => Interest::HeadersOnly,
            _ => Interest::Octets,
        }
    }

    fn gap(&mut self, side: Side, gap: Gap) -> Interest {
        self.gaps.push((side, gap.offset, gap.length, gap.loss));
        Interest::Octets
    }

    fn end_of_stream(&mut self, side: Side, length: u64, _: Moment, _: u64) {
        assert!(self.ends.of_mut(side).replace(length).is_none());
    }
}

#[derive(Debug, Default)]
struct Sink {
    only: Option<usize>,
    opened: usize,
    closed: Vec<(Flow, Heard)>,
}

impl FlowSink for Sink {
    type Conversation = Heard;

    fn open(&mut self, _: &FlowStart) -> Heard {
        self.opened += 1;
        Heard { only: self.only, ..Heard::default() }
    }

    fn close(&mut self, flow: Flow, heard: Heard) {
        self.closed.push((flow, heard));
    }
}

/// A table with its sink and a clock.
struct Bench {
    table: FlowTable<Sink>,
    sink: Sink,
    notes: Notes,
    frame: u32,
    isns: [u32; 2],
    client_port: u16,
    options: TcpOptions,
    checksum: Checksum,
}

impl Bench {
    fn new() -> Self {
        Self {
            table: FlowTable::new(true),
            sink: Sink::default(),
            notes: Notes::default(),
            frame: 0,
            isns: [1000, u32::MAX - 3],
            client_port: CLIENT.port,
            options: TcpOptions::default(),
            checksum: Checksum::Good,
        }
    }

    fn play(&mut self, segments: &[Seg]) {
        for &segment in segments {
            self.push(segment);
        }
    }

    fn push(&mut self, seg: Seg) {
        let client = Endpoint { port: self.client_port, ..CLIENT };
        let [client_isn, server_isn] = self.isns;
        let ((source, isn), (destination, other_isn)) = match seg.from {
            Client => ((client, client_isn), (SERVER, server_isn)),
            Server => ((SERVER, server_isn), (client, client_isn)),
        };
        let number = |isn: u32, offset: i64| SeqNumber(isn.wrapping_add(1).wrapping_add(offset as u32));
        let segment = Segment {
            source,
            destination,
            seq: number(isn, seg.seq),
            ack: if seg.flags.ack() { number(other_isn, seg.ack) } else { SeqNumber(0) },
            flags: seg.flags,
            window: 8192,
            payload: seg.payload,
            payload_len: seg.payload.len() as u32,
            options: self.options,
            raw_options: &[],
            ttl: 64,
            traffic_class: 0,
            ip_id: Some(self.frame as u16),
            source_mac: None,
            checksum: self.checksum,
            payload_sum: None,
        };
        self.frame += 1;
        let time = Timestamp::default().plus(Span::from_millis(seg.millis));
        let at = Moment { time, frame: FrameRef { capture: CaptureId(0), frame: self.frame } };
        self.table.tick(time);
        self.table.push(&segment, at, &mut self.sink, &mut self.notes);
    }

    fn finish(mut self) -> Vec<(Flow, Heard)> {
        self.table.finish(&mut self.sink, &mut self.notes);
        assert_eq!(self.table.open_flows(), 0);
        assert_eq!(self.sink.opened, self.sink.closed.len());
        self.sink.closed
    }

    fn finish_one(self) -> (Flow, Heard) {
        let mut flows = self.finish();
        assert_eq!(flows.len(), 1, "{flows:#?}");
        flows.remove(0)
    }
}

fn play(segments: &[Seg]) -> (Flow, Heard) {
    let mut bench = Bench::new();
    bench.play(segments);
    bench.finish_one()
}

fn handshake() -> Vec<Seg> {
    vec![seg(Client, SYN, -1, 0).at(0), seg(Server, SYN_ACK, -1, 0).at(20), seg(Client, ACK, 0, 0).at(21)]
}

/// Handshake, then `more` after it.
fn established(more: &[Seg]) -> Vec<Seg> {
    handshake().into_iter().chain(more.iter().copied()).collect()
}

/// A whole small dialogue, closed by both ends.
fn dialogue() -> Vec<Seg> {
    established(&[
        data(Server, 0, 0, b"220 mx\r\n").at(50),
        data(Client, 0, 8, b"EHLO a\r\n").at(70),
        data(Server, 8, 8, b"250 mx\r\n").at(90),
        data(Client, 8, 16, b"MAIL FROM:<a@b>\r\n").at(91),
        data(Client, 25, 16, b"RCPT TO:<c@d>\r\n").at(92),
        seg(Server, ACK, 16, 40).at(93),
        data(Server, 16, 40, b"250 ok\r\n250 ok\r\n").at(95),
        data(Client, 40, 32, b"QUIT\r\n").at(110),
        data(Server, 32, 46, b"221 bye\r\n").at(120),
        seg(Server, FIN_ACK, 41, 46).at(121),
        seg(Client, FIN_ACK, 46, 42).at(130),
        seg(Server, ACK, 42, 47).at(150),
    ])
}

const CLIENT_OCTETS: &[u8] = b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nQUIT\r\n";
const SERVER_OCTETS: &[u8] = b"220 mx\r\n250 mx\r\n250 ok\r\n250 ok\r\n221 bye\r\n";

fn effects(flow: &Flow) -> Vec<(CloseKind, Side, Effect)> {
    flow.closes.all.iter().map(|close| (close.kind, close.by, close.effect)).collect()
}

use CloseKind::{Fin, Rst};
use Side::{Originator, Responder};
