//! Reads what was generated back, with code that has nothing in common with the generator.

use std::collections::BTreeMap;

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use serde_json::Value;

/// One frame.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Units of the file (micro- or nanoseconds).
    pub(crate) at: u64,
    pub(crate) client: String,
    pub(crate) from_client: bool,
    pub(crate) seq: u32,
    pub(crate) syn: bool,
    pub(crate) fin: bool,
    pub(crate) rst: bool,
    pub(crate) payload: Vec<u8>,
}

/// The frames of a classic capture, every checksum verified; frame `n` is at `n - 1`.
pub(crate) fn frames(capture: &[u8]) -> Vec<Frame> {
    let word = |at: usize| u32::from_le_bytes(capture[at..at + 4].try_into().unwrap());
    let units = if word(0) == 0xa1b2_3c4d { 1_000_000_000 } else { 1_000_000 };
    let (link, mut at, mut all) = (word(20), 24, Vec::new());
    while at < capture.len() {
        let (kept, length) = (word(at + 8) as usize, word(at + 12) as usize);
        assert_eq!(kept, length, "cut frames are not for this reader");
        let time = u64::from(word(at)) * units + u64::from(word(at + 4));
        all.push(frame(time, link, &capture[at + 16..at + 16 + kept]));
        at += 16 + kept;
    }
    all
}

fn frame(at: u64, link: u32, octets: &[u8]) -> Frame {
    let packet = match link {
        1 => SlicedPacket::from_ethernet(octets),
        101 => SlicedPacket::from_ip(octets),
        113 => SlicedPacket::from_linux_sll(octets),
        other => panic!("link type {other}"),
    }
    .unwrap();
    let Some(TransportSlice::Tcp(tcp)) = packet.transport else { panic!("no TCP") };
    let (from, to, checksum) = match packet.net.unwrap() {
        NetSlice::Ipv4(ip) => {
            let header = ip.header();
            assert_eq!(header.header_checksum(), header.to_header().calc_header_checksum());
            let sum = tcp.calc_checksum_ipv4(header.source(), header.destination()).unwrap();
            (header.source_addr().to_string(), header.destination_addr().to_string(), sum)
        }
        NetSlice::Ipv6(ip) => {
            let header = ip.header();
            let sum = tcp.calc_checksum_ipv6(header.source(), header.destination()).unwrap();
            let bracketed = |address: std::net::Ipv6Addr| format!("[{address}]");
            (bracketed(header.source_addr()), bracketed(header.destination_addr()), sum)
        }
        NetSlice::Arp(_) => panic!("ARP"),
    };
    assert_eq!(tcp.checksum(), checksum);
    let from_client = tcp.destination_port() == 25;
    let (address, port) = if from_client { (from, tcp.source_port()) } else { (to, tcp.destination_port()) };
    Frame {
        at,
        client: format!("{address}:{port}"),
        from_client,
        seq: tcp.sequence_number(),
        syn: tcp.syn(),
        fin: tcp.fin(),
        rst: tcp.rst(),
        payload: tcp.payload().to_vec(),
    }
}

/// The lines of the truth.
pub(crate) fn truth(lines: &[u8]) -> Vec<Value> {
    lines
        .split(|octet| *octet == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// One direction of a connection put together: octets that come twice must be the same both times.
/// Gives the octets up to the first that is missing, and whether any is.
pub(crate) fn stream<'a>(frames: impl Iterator<Item = &'a Frame>) -> (Vec<u8>, bool) {
    let (mut first, mut octets) = (None, BTreeMap::<u32, u8>::new());
    for frame in frames.filter(|frame| !frame.rst) {
        // The SYN is octet 0; it may be sent again.
        let first = *first.get_or_insert(frame.seq);
        let from = frame.seq.wrapping_sub(first) + u32::from(frame.syn);
        for (offset, octet) in (from..).zip(&frame.payload) {
            let known = *octets.entry(offset).or_insert(*octet);
            assert_eq!(known, *octet, "{} says two things at offset {offset}", frame.client);
        }
    }
    let whole = octets.keys().zip(1..).take_while(|(offset, expected)| **offset == *expected).count();
    (octets.values().take(whole).copied().collect(), whole < octets.len())
}
