//! Compares TCP flows with an oracle computed apart from this code, over captures that nobody of
//! this project made. Without the shared folder the test says so and passes.
//!
//! Where the two differ and the packets were looked at, the reason stands in [`KNOWN`]; any other
//! difference fails the test.
#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says what it compared"
)]

mod shared;

use std::collections::HashMap;
use std::path::Path;

use mailwitness::capture::{
    CaptureInput, Chunk, CloseKind, Conversation, Flow, FlowSink, FlowStart, Gap, Interest, Options, Side,
    follow,
};
use mailwitness::cite::{CaptureId, Moment};
use serde_json::Value;

/// Files whose streams differ, and why.
const KNOWN: [(&str, &str); 9] = [
    (
        "ndpi__fuzz-2006-09-29-28586.pcap",
        "frames 27 and 80: TCP headers of 40 octets in 20, which no receiver takes, and with which tshark begins \
         streams; frame 40: a FIN of the connection of frame 6, which tshark counts to that of frame 27; frame \
         65: RST and FIN at once count as RST",
    ),
    (
        "pcapplusplus__tcp-malformed.pcap",
        "frames 1 and 2: a header of 28 octets in 20, which no receiver takes (RFC 9293 section 3.1)",
    ),
    ("pcapplusplus__tcp-reassembly.pcap", "frame 66: packets quoted in an sFlow sample, not sent"),
    (
        "suricata-verify__split-handshake-5whs.pcap",
        "frames 1 to 8 are one connection, opened by a split handshake: the server answers with an ACK and then a SYN \
         of its own; tshark begins a second stream at that SYN, frame 3",
    ),
    (
        "suricata-verify__tls_DER-incomplete-header.pcap",
        "the frame header behind frame 6 is damaged: tshark ends there, and what can be found behind it is read",
    ),
    (
        "suricata-verify__tcp-session-stream-out-of-window.pcap",
        "frame 3: 11 octets 100,000 beyond the SYN where the window is 256; no receiver takes them",
    ),
    (
        "tcpflow__test5-lines-randomized.pcapng",
        "frames 1 to 11 are one connection in disorder; tshark begins a second stream at the SYN of frame 10",
    ),
    (
        "wireshark-wiki__dns-remoteshell.pcap",
        "every frame through the wireless bridge stands there twice, first in the card's own format (Ethernet \
         type 2452, frames 6, 37, 41 ...), then as sent; only the second is read",
    ),
    ("wireshark-wiki__ejemplo.pcap", "frame 1: a TCP header of no octets, which no receiver takes"),
];

/// Streams of the oracle that this code must agree on, at least.
const LEAST_AGREEMENT: usize = 729;

#[derive(Default)]
struct Collector(HashMap<u64, (Flow, Octets)>);

/// Octets heard of each end, and how far the calls have come.
#[derive(Default)]
struct Octets {
    heard: [u64; 2],
    next: [u64; 2],
    ended: [bool; 2],
}

const fn place(side: Side) -> usize {
    match side {
        Side::Originator => 0,
        Side::Responder => 1,
    }
}

impl Conversation for Octets {
    fn data(&mut self, side: Side, chunk: Chunk<'_>) -> Interest {
        let side = place(side);
        assert!(!chunk.bytes.is_empty() && chunk.offset == self.next[side] && !self.ended[side]);
        self.next[side] += chunk.bytes.len() as u64;
        self.heard[side] += chunk.bytes.len() as u64;
        Interest::Octets
    }

    fn gap(&mut self, side: Side, gap: Gap) -> Interest {
        let side = place(side);
        assert!(gap.length > 0 && gap.offset == self.next[side] && !self.ended[side]);
        self.next[side] += gap.length;
        Interest::Octets
    }

    fn end_of_stream(&mut self, side: Side, length: u64, _: Moment, _: u64) {
        assert_eq!(length, self.next[place(side)]);
        self.ended[place(side)] = true;
    }
}

impl FlowSink for Collector {
    type Conversation = Octets;

    fn open(&mut self, _: &FlowStart) -> Octets {
        Octets::default()
    }

    fn close(&mut self, flow: Flow, octets: Octets) {
        assert!(flow.closes.all.iter().is_sorted_by_key(|close| close.at.frame.frame));
        assert_eq!(flow.streams.originator.octets, octets.heard[0]);
        self.0.insert(flow.first.frame.frame.into(), (flow, octets));
    }
}

fn flows_of(path: &Path) -> HashMap<u64, (Flow, Octets)> {
    let inputs = vec![CaptureInput::new(CaptureId(0), path)];
    let decap = shared::TUNNELS.iter().any(|name| path.ends_with(name));
    let options = Options { traced: true, decap, ..Options::default() };
    let (collector, files) = follow(inputs, &options, Collector::default(), &|_| {});
    assert!(files[0].error.is_none(), "{:?}", files[0]);
    collector.0
}

/// What differs between the oracle's stream and the flow of the same first frame.
fn difference(stream: &Value, flows: &HashMap<u64, (Flow, Octets)>) -> Option<String> {
    let first = stream["first_frame"].as_u64().unwrap();
    let Some((flow, octets)) = flows.get(&first) else {
        return Some(format!("no flow begins at frame {first}"));
    };
    let originator = flow.endpoints.originator;
    let client = (stream["client"].as_str().unwrap(), stream["client_port"].as_u64().unwrap());
    let client_is_originator = (originator.ip.to_string().as_str(), u64::from(originator.port)) == client;
    let client_side = if client_is_originator { Side::Originator } else { Side::Responder };
    let ours = flow.closes.first_seen.map(|close| {
        let kind = if close.kind == CloseKind::Fin { "FIN" } else { "RST" };
        let by = if close.by == client_side { "client" } else { "server" };
        (kind, by, u64::from(close.at.frame.frame))
    });
    let text = |key: &str| stream[key].as_str().unwrap_or_default();
    let theirs = stream["first_close_frame"]
        .as_u64()
        .map(|frame| (text("first_close"), text("first_close_by"), frame));
    if ours != theirs {
        return Some(format!("closes: {ours:?}, oracle {theirs:?}"));
    }
    let ours = (octets.heard[place(client_side)], octets.heard[place(client_side.other())]);
    let theirs = (stream["client_bytes"].as_u64().unwrap(), stream["server_bytes"].as_u64().unwrap());
    (ours != theirs).then(|| format!("octets: {ours:?}, oracle {theirs:?}"))
}

#[test]
fn flows_agree_with_the_oracle() {
    let Some(folder) = shared::captures() else { return };
    let oracle = std::fs::read_to_string(folder.join("oracle.jsonl")).unwrap();
    let mut by_file: HashMap<String, Vec<Value>> = HashMap::new();
    for line in oracle.lines() {
        let stream: Value = serde_json::from_str(line).unwrap();
        by_file.entry(stream["file"].as_str().unwrap().to_owned()).or_default().push(stream);
    }
    let (mut agreed, mut known, mut unknown) = (0, 0, Vec::new());
    for (name, streams) in &by_file {
        let flows = flows_of(&folder.join("files").join(name));
        for stream in streams {
            match difference(stream, &flows) {
                None => agreed += 1,
                Some(_) if KNOWN.iter().any(|(file, _)| file == name) => known += 1,
                Some(how) => unknown.push(format!("{name}, stream {}: {how}", stream["stream"])),
            }
        }
    }
    println!("{agreed} streams agree, {known} differ for known reasons");
    for (file, why) in KNOWN {
        println!("  {file}: {why}");
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(agreed >= LEAST_AGREEMENT, "only {agreed} agree");
}
