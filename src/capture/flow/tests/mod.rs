mod closes;
mod lifetimes;
mod shapes;

use std::net::Ipv4Addr;

use proptest::prelude::*;

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

#[test]
fn a_whole_connection_is_told_as_it_was() {
    let (flow, heard) = play(&dialogue());
    assert_eq!(heard.octets.originator, CLIENT_OCTETS);
    assert_eq!(heard.octets.responder, SERVER_OCTETS);
    assert_eq!(heard.ends, Pair { originator: Some(46), responder: Some(41) });
    assert!(heard.gaps.is_empty());
    assert_eq!(flow.endpoints, Pair { originator: CLIENT, responder: SERVER });
    assert_eq!(flow.originator_from, OriginatorFrom::Handshake);
    assert_eq!((flow.conn_state, flow.history.as_str()), (ConnState::SF, "ShAdDafF"));
    assert_eq!(effects(&flow), [(Fin, Responder, Effect::Effective), (Fin, Originator, Effect::Effective)]);
    assert!(!flow.open_at_end);
    assert_eq!(flow.segments, 15);
    let client = &flow.streams.originator;
    assert_eq!((client.octets, client.end, client.acknowledged, client.segments), (46, 46, 46, 7));
    assert_eq!(client.window, 8192);
    // "acknowledged" is that of the segment that brought the octets.
    assert!(heard.acknowledged.contains(&(Originator, 8, 16)));
    let trace = flow.trace.unwrap();
    assert_eq!(trace.recent.len(), 12);
    assert_eq!(trace.after_close.len(), 3);
    assert_eq!(trace.handshake.responder.as_ref().unwrap().isn, u32::MAX - 3);
    assert_eq!(Vec::from(trace.recent_acks.originator.clone()).len(), 5);
}

#[test]
fn the_syn_may_come_after_the_syn_ack() {
    let mut segments = dialogue();
    segments.swap(0, 1);
    let (flow, heard) = play(&segments);
    assert_eq!(flow.endpoints.originator, CLIENT);
    assert_eq!(flow.originator_from, OriginatorFrom::Handshake);
    assert_eq!(heard.octets.originator, CLIENT_OCTETS);
}

#[test]
fn without_a_handshake_the_first_segment_names_the_originator_and_nothing_is_lost() {
    let segments = &dialogue()[5..];
    let (flow, heard) = play(segments);
    assert_eq!(flow.endpoints.originator, SERVER);
    assert_eq!(flow.originator_from, OriginatorFrom::FirstSegment);
    assert_eq!(heard.octets.originator, &SERVER_OCTETS[8..]);
    assert_eq!(heard.octets.responder, &CLIENT_OCTETS[8..]);
    assert!(heard.gaps.is_empty());
    assert_eq!(flow.conn_state, ConnState::SF);
}

#[test]
fn a_file_that_begins_in_mid_flow_keeps_its_first_segments_in_any_order() {
    let segments = [
        data(Client, 200, 50, b"second"),
        seg(Server, ACK, 50, 190),
        data(Client, 194, 50, b"first."),
        data(Client, 206, 50, b" third"),
    ];
    let (_, heard) = play(&segments);
    assert_eq!(heard.octets.originator, b"first.second third");
    assert!(heard.gaps.is_empty(), "what was under way before the file began is not missing");
}

#[test]
fn octets_lost_between_a_captured_syn_and_the_first_segment_are_a_gap() {
    let (_, heard) =
        play(&[seg(Client, SYN, -1, 0), seg(Client, ACK, 0, 0), data(Server, 8, 0, b"250 mx\r\n")]);
    assert_eq!(heard.gaps, [(Responder, 0, 8, Loss::Unacknowledged)]);
    assert_eq!(heard.octets.responder, b"250 mx\r\n");
}

#[test]
fn keep_alives_are_no_data() {
    let (flow, heard) = play(&established(&[
        data(Server, 0, 0, b"220 mx\r\n"),
        seg(Client, ACK, 0, 8),
        data(Server, 7, 0, b"\0").at(70_000),
        seg(Client, ACK, 0, 8).at(70_001),
        seg(Server, ACK, 7, 0).at(140_000),
    ]));
    assert_eq!(heard.octets.responder, b"220 mx\r\n");
    assert_eq!((flow.streams.responder.retransmitted, flow.history.as_str()), (0, "ShAda"));
    assert_eq!(flow.streams.responder.differing_overlaps, 0);
}

#[test]
fn data_on_the_syn_and_on_the_fin_is_heard() {
    let mut syn = seg(Client, SYN, -1, 0);
    syn.payload = b"EHLO a\r\n";
    let mut fin = seg(Client, FIN_ACK, 8, 0);
    fin.payload = b"QUIT\r\n";
    let (flow, heard) = play(&[syn, seg(Server, SYN_ACK, -1, 8), fin, seg(Server, ACK, 0, 15)]);
    assert_eq!(heard.octets.originator, b"EHLO a\r\nQUIT\r\n");
    assert_eq!(heard.ends.originator, Some(14));
    assert_eq!(flow.closes.effective.unwrap().offset, 14);
}

#[test]
fn a_conversation_may_ask_for_headers_only() {
    let mut bench = Bench::new();
    bench.sink.only = Some(4);
    bench.play(&dialogue());
    let (flow, heard) = bench.finish_one();
    assert_eq!(heard.octets.responder, b"220 mx\r\n");
    assert!(heard.octets.originator.is_empty());
    assert_eq!(flow.conn_state, ConnState::SF);
    assert_eq!(effects(&flow), [(Fin, Responder, Effect::Effective), (Fin, Originator, Effect::Effective)]);
    assert_eq!((flow.streams.originator.octets, flow.streams.responder.octets), (46, 41));
}

#[test]
fn window_scaling_needs_both_ends() {
    for (client, server, window) in
        [(Some(7), Some(2), 8192 << 7), (Some(7), None, 8192), (None, Some(2), 8192)]
    {
        let mut bench = Bench::new();
        let [syn, syn_ack, ack] = handshake()[..] else { panic!("three segments") };
        bench.options = TcpOptions { window_scale: client, mss: Some(1460), ..TcpOptions::default() };
        bench.push(syn);
        bench.options = TcpOptions { window_scale: server, ..TcpOptions::default() };
        bench.push(syn_ack);
        bench.push(ack);
        let (flow, _) = bench.finish_one();
        assert_eq!(flow.streams.originator.window, window);
        assert_eq!((flow.streams.originator.mss, flow.streams.responder.mss), (Some(1460), None));
    }
}

#[test]
fn an_acknowledgment_from_nowhere_does_not_invent_octets() {
    let (flow, heard) = play(&established(&[
        data(Client, 0, 0, b"EHLO a\r\n"),
        // Damaged or forged.
        seg(Server, ACK, 0, 900_000_000),
        seg(Server, ACK, 0, 8),
    ]));
    assert!(heard.gaps.is_empty());
    assert_eq!(flow.streams.originator.acknowledged, 8);
}

proptest! {
    #[test]
    fn any_order_of_a_dialogue_gives_the_same_octets(
        order in Just((0..dialogue().len()).collect::<Vec<_>>()).prop_shuffle(),
        isns in any::<[u32; 2]>(),
        copies in proptest::collection::vec(0..dialogue().len(), 0..6),
    ) {
        let segments = dialogue();
        let mut bench = Bench::new();
        bench.isns = isns;
        for (millis, place) in order.into_iter().chain(copies).enumerate() {
            bench.push(segments[place].at(millis as i64));
        }
        let (flow, heard) = bench.finish_one();
        prop_assert_eq!(flow.endpoints.originator, CLIENT);
        prop_assert_eq!(&heard.octets.originator, CLIENT_OCTETS);
        prop_assert_eq!(&heard.octets.responder, SERVER_OCTETS);
        prop_assert!(heard.gaps.is_empty());
        prop_assert_eq!(heard.ends, Pair { originator: Some(46), responder: Some(41) });
    }

    #[test]
    fn arbitrary_segments_never_panic_and_all_flows_come_back(
        segments in proptest::collection::vec(
            (any::<bool>(), any::<u8>(), -3i64..60, -3i64..60, 0usize..20, 0i64..100_000), 0..80,
        ),
        wild in proptest::collection::vec((0usize..80, any::<i64>()), 0..5),
    ) {
        let mut bench = Bench::new();
        for (place, (client, flags, seq, ack, len, millis)) in segments.into_iter().enumerate() {
            let from = if client { Client } else { Server };
            let mut seg = seg(from, Flags::from_bits(flags), seq, ack).at(millis);
            seg.payload = &CLIENT_OCTETS[..len];
            if let Some((_, number)) = wild.iter().find(|(at, _)| *at == place) {
                seg.seq = *number;
                seg.ack = number.rotate_left(17);
            }
            bench.push(seg);
        }
        for (flow, _) in bench.finish() {
            prop_assert!(flow.history.len() <= Flow::MAX_HISTORY);
            prop_assert!(flow.closes.all.len() <= Closes::MOST);
        }
    }
}
