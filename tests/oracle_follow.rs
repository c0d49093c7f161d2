//! Compares the octets of every stream with what tshark's "follow stream" gives, over captures that
//! nobody of this project made. Without the shared folder or tshark the test says so and passes.
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
use std::process::Command;

use mailwitness::capture::{
    CaptureInput, Chunk, Conversation, Flow, FlowSink, FlowStart, Gap, Interest, Options, Side, follow,
};
use mailwitness::cite::{CaptureId, Moment};
use serde_json::Value;

/// Files whose streams differ, and why.
const KNOWN: [(&str, &str); 21] = [
    (
        "ndpi__fuzz-2006-09-29-28586.pcap",
        "frames damaged at random: the headers of frames 27 and 80 claim flags that exclude each other and \
         lengths beyond the datagram; frame 65 has RST and FIN, which is a reset; frame 40 is a FIN of the \
         connection that frame 6 began",
    ),
    (
        "pcapplusplus__tcp-malformed.pcap",
        "frames 1 and 2: the TCP header claims more octets than the datagram has",
    ),
    (
        "pcapplusplus__tcp-reassembly.pcap",
        "frame 66 is a UDP datagram: its TCP headers are quoted in sFlow samples",
    ),
    (
        "suricata-verify__split-handshake-5whs.pcap",
        "a split handshake: the server answers the SYN of frame 1 with an ACK and, in frame 3, a SYN of its own: one \
         connection, which tshark counts as two",
    ),
    (
        "tcpflow__test5-lines-randomized.pcapng",
        "frames in random order, the SYN last (frame 10): one connection, which tshark counts as two",
    ),
    (
        "wireshark-wiki__dns-remoteshell.pcap",
        "frames of Ethernet type 0x2452 hold a wireless card's own copy of what was sent over the air",
    ),
    ("wireshark-wiki__ejemplo.pcap", "frame 1: its TCP header claims to be shorter than any can be"),
    (
        "chrissanders__tcp_dupack.pcapng",
        "frames 2, 4 and 6 lie behind a hole of 9,576 octets that the file never fills: tshark leaves them out, and \
         gives frame 8, which comes last and lies before it",
    ),
    (
        "pcapplusplus__unidirectional_tcp_stream_with_missing_packet.pcap",
        "one direction only, with a hole of 1,420 octets between frames 3 and 4: tshark gives nothing behind it, since \
         nobody acknowledges it",
    ),
    (
        "suricata-verify__tls_DER-incomplete-header.pcap",
        "the header of frame 7 is damaged: tshark stops there, here reading goes on at octet 5115 behind it",
    ),
    ("suricata-verify__smtp-bug-5981.pcap", WRONG_CHECKSUM),
    ("suricata-verify__smtp-bug-5989.pcap", WRONG_CHECKSUM),
    ("suricata-verify__smtp-long-DATA-line.pcap", WRONG_CHECKSUM),
    ("suricata-verify__tcp-rst-unacked-stream-01-raw.pcap", RST_WORDS),
    (
        "suricata-verify__tcp-rst-unacked-stream-03-gap.pcap",
        "frames 5 and 6 lie behind a hole of 4 octets: tshark leaves them out; the words of the RST in frame 7, which \
         are no part of the stream, it gives",
    ),
    (
        "suricata-verify__tcp-rst-unacked-stream-07-http.pcap",
        "frames 5 and 6 lie behind a hole of 16 octets that nobody acknowledged before the RST: tshark leaves them out",
    ),
    ("suricata-verify__tcp-rst-with-data.pcap", RST_WORDS),
    ("tcpdump__tcp_rst_data-trunc.pcap", RST_WORDS),
    (
        "tcpflow__test1-out-of-order.pcapng",
        "two segments in the wrong order: tshark gives the first and leaves out the one before it",
    ),
    (
        "zeek__fragmented-4.pcap",
        "frames 3 to 5: fragments whose octets overlap and differ: the first copy counts here, the last there",
    ),
    (
        "zeek__reassembly.pcap",
        "52 octets that two frames hold differently (28 and 64, 110 and 112): the copy captured first counts here",
    ),
];

/// The payload of an RST is a remark and no part of the stream (RFC 9293 section 3.5.3); tshark gives it.
const RST_WORDS: &str = "the payload of an RST is no part of the stream";

/// Frame 21 (in the last of the three 22) holds 6,458 octets and a wrong TCP checksum, so its receiver dropped it;
/// frames 22 to 26 bring the same numbers with other octets and right checksums. Those count here; tshark gives what
/// came first.
const WRONG_CHECKSUM: &str =
    "a segment with a wrong checksum, and other octets of the same numbers with a right one";

/// Streams that are the same to the octet, at least.
const LEAST_EQUAL: usize = 721;

/// Octets of each end. Gaps are left out: tshark's words for them are taken out as well.
#[derive(Default)]
struct Octets([Vec<u8>; 2]);

impl Conversation for Octets {
    fn data(&mut self, side: Side, chunk: Chunk<'_>) -> Interest {
        self.0[usize::from(side == Side::Responder)].extend_from_slice(chunk.bytes);
        Interest::Octets
    }

    fn gap(&mut self, _: Side, _: Gap) -> Interest {
        Interest::Octets
    }

    fn end_of_stream(&mut self, _: Side, _: u64, _: Moment, _: u64) {}
}

/// Flows by their first frames.
#[derive(Default)]
struct Collector(HashMap<u64, (Flow, Octets)>);

impl FlowSink for Collector {
    type Conversation = Octets;

    fn open(&mut self, _: &FlowStart) -> Octets {
        Octets::default()
    }

    fn close(&mut self, flow: Flow, octets: Octets) {
        self.0.insert(flow.first.frame.frame.into(), (flow, octets));
    }
}

/// tshark's streams by their numbers: the first end's name and the octets of both ends.
fn followed(path: &Path, streams: &[Value]) -> Option<HashMap<u64, (String, [Vec<u8>; 2])>> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(path).arg("-q");
    for stream in streams {
        command.arg("-z").arg(format!("follow,tcp,raw,{}", stream["stream"]));
    }
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut found = HashMap::new();
    let mut current: Option<(u64, String, [Vec<u8>; 2])> = None;
    for line in text.lines() {
        if line.starts_with("=====") {
            if let Some((number, name, octets)) = current.take() {
                found.insert(number, (name, octets));
            }
        } else if let Some(number) = line.strip_prefix("Filter: tcp.stream eq ") {
            current = Some((number.parse().ok()?, String::new(), Default::default()));
        } else if let Some((_, name, octets)) = &mut current {
            if let Some(node) = line.strip_prefix("Node 0: ") {
                *name = node.to_owned();
            } else if !line.starts_with("Node 1: ") {
                let (end, hex) = line.strip_prefix('\t').map_or((0, line), |hex| (1, hex));
                let octet = |place| u8::from_str_radix(hex.get(place..place + 2)?, 16).ok();
                octets[end].extend((0..hex.len()).step_by(2).map_while(octet));
            }
        }
    }
    let gap = regex::bytes::Regex::new(r"\[\d+ bytes missing in capture file\]\.?\x00?").unwrap();
    for (_, ends) in found.values_mut() {
        for end in ends {
            *end = gap.replace_all(end, &b""[..]).into_owned();
        }
    }
    Some(found)
}

#[test]
fn streams_are_those_of_tshark() {
    let Some(folder) = shared::captures() else { return };
    if Command::new("tshark").arg("--version").output().is_err() {
        println!("no tshark on this machine: nothing is compared");
        return;
    }
    let oracle = std::fs::read_to_string(folder.join("oracle.jsonl")).unwrap();
    let mut by_file: HashMap<String, Vec<Value>> = HashMap::new();
    for line in oracle.lines() {
        let stream: Value = serde_json::from_str(line).unwrap();
        by_file.entry(stream["file"].as_str().unwrap().to_owned()).or_default().push(stream);
    }
    let (mut equal, mut known, mut unknown) = (0, 0, Vec::new());
    for (name, streams) in &by_file {
        let path = folder.join("files").join(name);
        let inputs = vec![CaptureInput::new(CaptureId(0), &path)];
        let decap = shared::TUNNELS.contains(&name.as_str());
        let options = Options { decap, ..Options::default() };
        let (flows, _) = follow(inputs, &options, Collector::default(), &|_| {});
        let theirs = followed(&path, streams).unwrap();
        for stream in streams {
            let difference = difference(stream, &flows.0, &theirs);
            match difference {
                None => equal += 1,
                Some(_) if KNOWN.iter().any(|(file, _)| file == name) => known += 1,
                Some(how) => unknown.push(format!("{name}, stream {}: {how}", stream["stream"])),
            }
        }
    }
    println!("{equal} streams are equal to the octet, {known} differ for known reasons");
    for (file, why) in KNOWN {
        println!("  {file}: {why}");
    }
    unknown.sort();
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(equal >= LEAST_EQUAL, "only {equal} are equal");
}

fn difference(
    stream: &Value,
    flows: &HashMap<u64, (Flow, Octets)>,
    theirs: &HashMap<u64, (String, [Vec<u8>; 2])>,
) -> Option<String> {
    let first = stream["first_frame"].as_u64().unwrap();
    let Some((flow, octets)) = flows.get(&first) else {
        return Some(format!("no flow begins at frame {first}"));
    };
    let Some((first_end, theirs)) = theirs.get(&stream["stream"].as_u64().unwrap()) else {
        return Some("tshark follows nothing".to_owned());
    };
    let originator = flow.endpoints.originator;
    let name = match originator.ip {
        std::net::IpAddr::V4(ip) => format!("{ip}:{}", originator.port),
        std::net::IpAddr::V6(ip) => format!("[{ip}]:{}", originator.port),
    };
    let ours = if *first_end == name { [&octets.0[0], &octets.0[1]] } else { [&octets.0[1], &octets.0[0]] };
    for (end, (ours, theirs)) in ours.into_iter().zip(theirs).enumerate() {
        if ours != theirs {
            let same = ours.iter().zip(theirs).take_while(|(a, b)| a == b).count();
            let (ours, theirs) = (ours.len(), theirs.len());
            return Some(format!("end {end}: {ours} octets, tshark {theirs}, the first {same} equal"));
        }
    }
    None
}
