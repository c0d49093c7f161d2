//! The TCP header, its options and its checksum (RFC 9293 sections 3.1 and 3.2).

use std::net::IpAddr;

use etherparse::{TcpOptionElement, TcpOptionsIterator};

use super::Skipped;
use super::ip::Datagram;
use crate::capture::segment::{Checksum, Flags, Segment, SeqNumber, TcpOptions};
use crate::net::Endpoint;

/// Octets of a header without options.
const FIXED_HEADER: usize = 20;

/// NOP, NOP, Timestamps of length 10: all the options that most segments have (RFC 7323 appendix A).
const USUAL_TIMESTAMPS: [u8; 4] = [1, 1, 8, 10];

/// More payload than this in one segment was merged by the capturing host (LRO, GRO), or never cut
/// up (TSO): its checksum is not that of any segment on the wire. An IP datagram of 9,000 octets,
/// the usual jumbo frame.
const LONGEST_REAL_SEGMENT: usize = 9000;

/// IANA protocol number of TCP, as the pseudo-header has it.
const PROTOCOL_TCP: u16 = 6;

#[inline]
pub(super) fn segment<'a>(
    datagram: &Datagram<'a>,
    source_mac: Option<[u8; 6]>,
) -> Result<Segment<'a>, Skipped> {
    let bytes = datagram.payload;
    let fixed: &[u8; FIXED_HEADER] = bytes.first_chunk().ok_or(Skipped::DamagedTcp)?;
    let [s1, s0, d1, d0, q3, q2, q1, q0, a3, a2, a1, a0, offset, flags, w1, w0, ..] = *fixed;
    let header_len = usize::from(offset >> 4) * 4;
    if header_len < FIXED_HEADER || header_len > datagram.len {
        return Err(Skipped::DamagedTcp);
    }
    // The snapshot length may have cut the options: what is left of them still counts.
    let header_end = header_len.min(bytes.len());
    let raw_options = bytes.get(FIXED_HEADER..header_end).unwrap_or_default();
    let payload_len = datagram.len - header_len;
    let payload = bytes.get(header_len..).unwrap_or_default();
    // One pass over the payload serves both the checksum and the comparison of copies.
    let payload_sum = (payload.len() == payload_len).then(|| sum(payload));
    let checksum = match payload_sum {
        Some(payload_sum) => {
            checksum(datagram, sum(bytes.get(..header_len).unwrap_or_default()) + payload_sum)
        }
        None => Checksum::Unchecked,
    };
    Ok(Segment {
        source: Endpoint::new(datagram.source, u16::from_be_bytes([s1, s0])),
        destination: Endpoint::new(datagram.destination, u16::from_be_bytes([d1, d0])),
        seq: SeqNumber(u32::from_be_bytes([q3, q2, q1, q0])),
        ack: SeqNumber(u32::from_be_bytes([a3, a2, a1, a0])),
        flags: Flags::from_bits(flags),
        window: u16::from_be_bytes([w1, w0]),
        payload,
        payload_len: u32::try_from(payload_len).unwrap_or(u32::MAX),
        options: options(raw_options),
        raw_options,
        ttl: datagram.ttl,
        traffic_class: datagram.traffic_class,
        ip_id: datagram.ip_id,
        source_mac,
        checksum,
        payload_sum: payload_sum.map(fold),
    })
}

fn options(raw: &[u8]) -> TcpOptions {
    let mut options = TcpOptions::default();
    if raw.is_empty() {
        return options;
    }
    if let Some((&USUAL_TIMESTAMPS, rest)) = raw.split_first_chunk::<4>()
        && let Ok([v3, v2, v1, v0, e3, e2, e1, e0]) = <[u8; 8]>::try_from(rest)
    {
        options.timestamps =
            Some((u32::from_be_bytes([v3, v2, v1, v0]), u32::from_be_bytes([e3, e2, e1, e0])));
        return options;
    }
    // A damaged option ends the list; those before it are sound.
    for option in TcpOptionsIterator::from_slice(raw).map_while(Result::ok) {
        match option {
            TcpOptionElement::MaximumSegmentSize(size) => options.mss = Some(size),
            TcpOptionElement::WindowScale(shift) => options.window_scale = Some(shift),
            TcpOptionElement::SelectiveAcknowledgementPermitted => options.sack_permitted = true,
            TcpOptionElement::Timestamp(value, echo) => options.timestamps = Some((value, echo)),
            TcpOptionElement::Noop | TcpOptionElement::SelectiveAcknowledgement(..) => {}
        }
    }
    options
}

/// Judges a whole segment by the `content` sum of its header and payload.
fn checksum(datagram: &Datagram<'_>, content: u64) -> Checksum {
    if !datagram.len_told || datagram.len > LONGEST_REAL_SEGMENT {
        return Checksum::Unchecked;
    }
    let addresses = match (datagram.source, datagram.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => sum(&source.octets()) + sum(&destination.octets()),
        (IpAddr::V6(source), IpAddr::V6(destination)) => sum(&source.octets()) + sum(&destination.octets()),
        _ => return Checksum::Unchecked,
    };
    let pseudo_header = PROTOCOL_TCP + datagram.len as u16;
    let total = addresses + u64::from(pseudo_header.swap_bytes()) + content;
    // With the checksum field among them, the words add up to all ones where it is right.
    if fold(total) == u16::MAX { Checksum::Good } else { Checksum::Bad }
}

/// The sum of little-endian 32-bit words, not yet folded. It is congruent, modulo 2^16 - 1, to that
/// of 16-bit words, and to that of big-endian ones with its octets exchanged (RFC 1071 section 2);
/// this order is the one that processors add up fastest.
#[inline]
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let whole: u64 = words.iter().map(|word| u64::from(u32::from_le_bytes(*word))).sum();
    let mut last = [0; 4];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    whole + u64::from(u32::from_le_bytes(last))
}

/// Folds a sum to 16 bits with end-around carry; 0 only for a sum of nothing.
const fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    sum as u16
}
