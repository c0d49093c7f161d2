//! ICMP errors about TCP segments: a router's or host's word on why a packet went no further.
//!
//! An error quotes the head of the packet that it is about (RFC 792; RFC 4443 section 3): the ports and
//! the sequence number of the segment tell which connection that was.

use std::net::IpAddr;

use etherparse::{IpNumber, ip_number};

use super::ip;
use crate::net::Endpoint;

/// An ICMP error with the segment that it quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IcmpError {
    /// Who says so.
    pub from: IpAddr,
    /// What is said.
    pub kind: IcmpKind,
    /// The quoted segment's source.
    pub source: Endpoint,
    /// The quoted segment's destination.
    pub destination: Endpoint,
    /// The quoted segment's sequence number.
    pub seq: u32,
}

/// What an ICMP error says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IcmpKind {
    /// No way to the host or its network.
    Unreachable,
    /// A device's rules forbid it (RFC 1812 section 5.2.7.1; RFC 4443 section 3.1, code 1).
    Prohibited,
    /// The port, or the protocol, is not served.
    NotServed,
    /// The packet is too large for the next link, which takes so many octets (0: not said).
    TooBig(u32),
    /// It passed too many routers, or waited too long for its fragments.
    TimeExceeded,
}

/// ICMP for IPv6 (RFC 4443).
const ICMP_V6: IpNumber = ip_number::IPV6_ICMP;
/// Octets of an ICMP error before the quoted packet.
const HEADER: usize = 8;

/// Reads the ICMP error in an IP packet, if it is one about a TCP segment.
pub(super) fn read(bytes: &[u8], wire_len: usize) -> Option<IcmpError> {
    let packet = ip::any(bytes, wire_len).ok()?;
    if packet.fragment.is_some() {
        return None;
    }
    let payload = packet.datagram.payload;
    let (head, quoted) = payload.split_at_checked(HEADER)?;
    let (&[kind, code, _, _, a, b, c, d], true) = (head.first_chunk::<HEADER>()?, !quoted.is_empty()) else {
        return None;
    };
    let kind = match packet.protocol {
        ip_number::ICMP => version_4(kind, code, u16::from_be_bytes([c, d]))?,
        ICMP_V6 => version_6(kind, code, u32::from_be_bytes([a, b, c, d]))?,
        _ => return None,
    };
    let about = ip::any(quoted, quoted.len()).ok()?;
    let [p, q, r, s, t, u, v, w] = *about.datagram.payload.first_chunk::<8>()?;
    (about.protocol == ip_number::TCP).then_some(IcmpError {
        from: packet.datagram.source,
        kind,
        source: Endpoint::new(about.datagram.source, u16::from_be_bytes([p, q])),
        destination: Endpoint::new(about.datagram.destination, u16::from_be_bytes([r, s])),
        seq: u32::from_be_bytes([t, u, v, w]),
    })
}

/// RFC 792, RFC 1191 section 4, RFC 1812 section 5.2.7.1.
const fn version_4(kind: u8, code: u8, next_mtu: u16) -> Option<IcmpKind> {
    Some(match (kind, code) {
        (3, 4) => IcmpKind::TooBig(next_mtu as u32),
        (3, 2 | 3) => IcmpKind::NotServed,
        (3, 9 | 10 | 13) => IcmpKind::Prohibited,
        (3, _) => IcmpKind::Unreachable,
        (11, _) => IcmpKind::TimeExceeded,
        _ => return None,
    })
}

/// RFC 4443 section 3.
const fn version_6(kind: u8, code: u8, mtu: u32) -> Option<IcmpKind> {
    Some(match (kind, code) {
        (1, 1 | 5 | 6) => IcmpKind::Prohibited,
        (1, 4) => IcmpKind::NotServed,
        (1, _) => IcmpKind::Unreachable,
        (2, _) => IcmpKind::TooBig(mtu),
        (3, _) => IcmpKind::TimeExceeded,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted() -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 40, 0, 1, 0x40, 0, 61, 6, 0, 0, 198, 51, 100, 25, 192, 0, 2, 10];
        packet.extend([0, 25, 0x9c, 0x40, 0, 0, 1, 2]);
        packet
    }

    fn error(kind: u8, code: u8, rest: [u8; 4], quoted: &[u8]) -> Vec<u8> {
        let length = 20 + 8 + quoted.len();
        let mut packet =
            vec![0x45, 0, 0, length as u8, 0, 1, 0, 0, 64, 1, 0, 0, 203, 0, 113, 1, 198, 51, 100, 25];
        packet.extend([kind, code, 0, 0]);
        packet.extend(rest);
        packet.extend(quoted);
        packet
    }

    #[test]
    fn an_error_names_the_segment_that_it_is_about() {
        let packet = error(3, 1, [0; 4], &quoted());
        let read = read(&packet, packet.len()).unwrap();
        assert_eq!(read.kind, IcmpKind::Unreachable);
        assert_eq!(read.source.to_string(), "198.51.100.25:25");
        assert_eq!(read.destination.to_string(), "192.0.2.10:40000");
        assert_eq!((read.seq, read.from.to_string().as_str()), (0x102, "203.0.113.1"));
    }

    #[test]
    fn kinds_and_what_is_none() {
        let kind = |kind, code, rest| {
            let packet = error(kind, code, rest, &quoted());
            read(&packet, packet.len()).map(|error| error.kind)
        };
        assert_eq!(kind(3, 4, [0, 0, 5, 20]), Some(IcmpKind::TooBig(1300)));
        assert_eq!(kind(3, 13, [0; 4]), Some(IcmpKind::Prohibited));
        assert_eq!(kind(11, 0, [0; 4]), Some(IcmpKind::TimeExceeded));
        assert_eq!(kind(8, 0, [0; 4]), None, "an echo");
        // Cut within the quoted ports, and about UDP.
        for quoted in [&quoted()[..24], &[&quoted()[..9], &[17], &quoted()[10..]].concat()] {
            let packet = error(3, 1, [0; 4], quoted);
            assert_eq!(read(&packet, packet.len()), None);
        }
    }
}
