//! One frame: link, IP and TCP headers around a payload, with true checksums.

use std::net::IpAddr;

use super::options::Link;

/// TCP flags (RFC 9293, section 3.1).
pub(crate) mod flag {
    pub(crate) const FIN: u8 = 0x01;
    pub(crate) const SYN: u8 = 0x02;
    pub(crate) const RST: u8 = 0x04;
    pub(crate) const PSH: u8 = 0x08;
    pub(crate) const ACK: u8 = 0x10;
}

/// The Ethernet address of the appliance, and of the router that all mail comes through (both locally administered).
const APPLIANCE_MAC: [u8; 6] = [0x02, 0x00, 0x5e, 0x19, 0x00, 0x19];
const ROUTER_MAC: [u8; 6] = [0x02, 0x00, 0x5e, 0x19, 0x00, 0x01];
/// The shortest Ethernet frame without its check sequence: what comes in is padded to it, what goes out is seen before.
const ETHERNET_MIN: usize = 60;

/// Everything in the headers that is not a length or a checksum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    /// Source and destination.
    pub(crate) from: (IpAddr, u16),
    pub(crate) to: (IpAddr, u16),
    /// Whether the frame comes in to the appliance.
    pub(crate) inbound: bool,
    pub(crate) ttl: u8,
    pub(crate) ip_id: u16,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u8,
    pub(crate) window: u16,
}

/// Destination and source of a frame.
pub(crate) fn macs(inbound: bool) -> [u8; 12] {
    let (to, from) = if inbound { (APPLIANCE_MAC, ROUTER_MAC) } else { (ROUTER_MAC, APPLIANCE_MAC) };
    let mut both = [0; 12];
    for (place, octet) in both.iter_mut().zip(to.into_iter().chain(from)) {
        *place = octet;
    }
    both
}

/// Puts a frame in `out`, which is emptied first. `options` are padded to four octets by the caller;
/// `payload` appends the payload.
pub(crate) fn build(
    out: &mut Vec<u8>,
    link: Link,
    header: &Header,
    options: &[u8],
    payload: impl FnOnce(&mut Vec<u8>),
) {
    out.clear();
    let ethertype: u16 = if header.from.0.is_ipv4() { 0x0800 } else { 0x86dd };
    match link {
        Link::Ethernet => {
            out.extend_from_slice(&macs(header.inbound));
            out.extend_from_slice(&ethertype.to_be_bytes());
        }
        Link::Cooked => {
            // Packet type (0 to us, 4 from us), ARPHRD_ETHER, address length, address in eight octets, protocol.
            let (kind, mac) = if header.inbound { (0u16, ROUTER_MAC) } else { (4, APPLIANCE_MAC) };
            out.extend_from_slice(&kind.to_be_bytes());
            out.extend_from_slice(&[0, 1, 0, 6]);
            out.extend_from_slice(&mac);
            out.extend_from_slice(&[0, 0]);
            out.extend_from_slice(&ethertype.to_be_bytes());
        }
        Link::Raw => {}
    }
    let ip = out.len();
    let pseudo = network(out, header);
    let tcp = out.len();
    out.extend_from_slice(&header.from.1.to_be_bytes());
    out.extend_from_slice(&header.to.1.to_be_bytes());
    out.extend_from_slice(&header.seq.to_be_bytes());
    out.extend_from_slice(&header.ack.to_be_bytes());
    out.extend_from_slice(&[(5 + options.len() as u8 / 4) << 4, header.flags]);
    out.extend_from_slice(&header.window.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(options);
    payload(out);

    let length = (out.len() - tcp) as u16;
    if header.from.0.is_ipv4() {
        put(out, ip + 2, length + (tcp - ip) as u16);
        let sum = checksum(tail(out, ip, tcp), 0);
        put(out, ip + 10, sum);
    } else {
        put(out, ip + 4, length);
    }
    let sum = checksum(tail(out, tcp, out.len()), pseudo + u64::from(length));
    put(out, tcp + 16, sum);
    if header.inbound && link == Link::Ethernet && out.len() < ETHERNET_MIN {
        out.resize(ETHERNET_MIN, 0);
    }
}

/// Appends the IP header, its length and checksum still 0, and gives the sum of the pseudo header without its length.
fn network(out: &mut Vec<u8>, header: &Header) -> u64 {
    /// IP's number for TCP.
    const TCP: u8 = 6;
    let addresses = out.len();
    match (header.from.0, header.to.0) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            // Version and length, no service class, total length; identification, don't fragment.
            out.extend_from_slice(&[0x45, 0, 0, 0]);
            out.extend_from_slice(&header.ip_id.to_be_bytes());
            out.extend_from_slice(&[0x40, 0, header.ttl, TCP, 0, 0]);
            out.extend_from_slice(&from.octets());
            out.extend_from_slice(&to.octets());
            u64::from(TCP) + sum_of(tail(out, addresses + 12, addresses + 20))
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            out.extend_from_slice(&[0x60, 0, 0, 0, 0, 0, TCP, header.ttl]);
            out.extend_from_slice(&from.octets());
            out.extend_from_slice(&to.octets());
            u64::from(TCP) + sum_of(tail(out, addresses + 8, addresses + 40))
        }
        // The population never mixes families.
        _ => 0,
    }
}

fn tail(out: &[u8], from: usize, to: usize) -> &[u8] {
    out.get(from..to).unwrap_or_default()
}

fn put(out: &mut [u8], at: usize, value: u16) {
    if let Some(place) = out.get_mut(at..at + 2) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}

/// The Internet checksum (RFC 1071) of some octets and what was summed before.
fn checksum(octets: &[u8], before: u64) -> u16 {
    let mut sum = before + sum_of(octets);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The sum of the 16-bit words, not folded. Four octets at a time: the upper half counts for itself when
/// the sum is folded (RFC 1071, section 2, deferred carries).
fn sum_of(octets: &[u8]) -> u64 {
    let (words, rest) = octets.as_chunks::<4>();
    let mut sum: u64 = words.iter().map(|word| u64::from(u32::from_be_bytes(*word))).sum();
    let mut last = [0; 4];
    for (place, octet) in last.iter_mut().zip(rest) {
        *place = *octet;
    }
    sum += u64::from(u32::from_be_bytes(last));
    (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071_comes_out() {
        // Section 3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7], 0), !0xddf2);
        // An odd octet counts as if a zero followed.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2], 0), !0xf201);
    }

    #[test]
    fn words_of_four_octets_sum_like_words_of_two() {
        let octets: Vec<u8> = (0..1461u32).map(|n| (n * n % 251) as u8).collect();
        for length in [0, 1, 2, 3, 4, 5, 7, 8, 1460, 1461] {
            let plain: u64 = octets[..length]
                .chunks(2)
                .map(|pair| u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0)))
                .sum();
            let fold = |mut sum: u64| {
                while sum > 0xffff {
                    sum = (sum & 0xffff) + (sum >> 16);
                }
                sum as u16
            };
            assert_eq!(checksum(&octets[..length], 0), !fold(plain), "{length} octets");
        }
    }

    #[test]
    fn a_frame_verifies() {
        let header = Header {
            from: ("192.0.2.1".parse().unwrap(), 40_000),
            to: ("203.0.113.25".parse().unwrap(), 25),
            inbound: true,
            ttl: 57,
            ip_id: 0xfffe,
            seq: u32::MAX,
            ack: 7,
            flags: flag::PSH | flag::ACK,
            window: 500,
        };
        let mut out = Vec::new();
        build(&mut out, Link::Raw, &header, &[], |out| out.extend_from_slice(b"QUIT\r\n"));
        assert_eq!(out.len(), 46);
        // A header with its checksum in place sums to nothing.
        assert_eq!(checksum(&out[..20], 0), 0);
        let pseudo = sum_of(&out[12..20]) + 6 + 26;
        assert_eq!(checksum(&out[20..], pseudo), 0);
        build(&mut out, Link::Ethernet, &Header { flags: flag::ACK, ..header }, &[], |_| {});
        assert_eq!(out.len(), ETHERNET_MIN);
    }
}
