//! The IP header and what it says of the datagram (RFC 791, RFC 8200).
//!
//! [`datagram`] is the short way for what nearly every frame holds, a whole TCP datagram; [`any`]
//! reads the rest: fragments, and datagrams that may hold a tunnel.

use std::net::IpAddr;

use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6ExtensionsSlice, Ipv6HeaderSlice, ip_number};

use super::Skipped;

/// A whole TCP datagram, perhaps cut by the snapshot length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Datagram<'a> {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) ttl: u8,
    pub(super) traffic_class: u8,
    pub(super) ip_id: Option<u16>,
    /// What was captured of its payload; never more than `len`.
    pub(super) payload: &'a [u8],
    /// Octets of payload on the wire.
    pub(super) len: usize,
    /// Whether the header told `len`; where not (segmentation offload leaves it 0), it is what the
    /// frame had.
    pub(super) len_told: bool,
}

/// Reads the IP header of `bytes`, which were `wire_len` octets before they were cut.
#[inline]
pub(super) fn datagram(bytes: &[u8], wire_len: usize) -> Result<Datagram<'_>, Skipped> {
    match bytes.first().map(|octet| octet >> 4) {
        Some(4) => version_4(bytes, wire_len),
        Some(6) => version_6(bytes, wire_len),
        Some(_) => Err(Skipped::NotIp),
        None => Err(Skipped::DamagedIp),
    }
}

fn version_4(bytes: &[u8], wire_len: usize) -> Result<Datagram<'_>, Skipped> {
    let header = Ipv4HeaderSlice::from_slice(bytes).map_err(|_| Skipped::DamagedIp)?;
    if header.protocol() != ip_number::TCP {
        return Err(Skipped::NotTcp);
    }
    if header.is_fragmenting_payload() {
        return Err(Skipped::Fragment);
    }
    payload_4(&header, bytes, wire_len)
}

#[inline]
fn payload_4<'a>(
    header: &Ipv4HeaderSlice<'_>,
    bytes: &'a [u8],
    wire_len: usize,
) -> Result<Datagram<'a>, Skipped> {
    let header_len = header.slice().len();
    let told = usize::from(header.total_len());
    if told != 0 && told < header_len {
        return Err(Skipped::DamagedIp);
    }
    let total = if told == 0 { wire_len } else { told };
    let len = total.saturating_sub(header_len);
    Ok(Datagram {
        source: header.source_addr().into(),
        destination: header.destination_addr().into(),
        ttl: header.ttl(),
        traffic_class: header.dcp().value() << 2 | header.ecn().value(),
        ip_id: Some(header.identification()),
        payload: cut(bytes, header_len, len),
        len,
        len_told: told != 0,
    })
}

fn version_6(bytes: &[u8], wire_len: usize) -> Result<Datagram<'_>, Skipped> {
    let header = Ipv6HeaderSlice::from_slice(bytes).map_err(|_| Skipped::DamagedIp)?;
    let behind = bytes.get(header.slice().len()..).unwrap_or_default();
    let taken = match header.next_header() {
        ip_number::TCP => 0,
        next => extensions(next, behind)?,
    };
    payload_6(&header, bytes, wire_len, taken)
}

/// `taken` octets of extension headers are passed over.
#[inline]
fn payload_6<'a>(
    header: &Ipv6HeaderSlice<'_>,
    bytes: &'a [u8],
    wire_len: usize,
    taken: usize,
) -> Result<Datagram<'a>, Skipped> {
    let header_len = header.slice().len() + taken;
    // 0 also stands in jumbograms (RFC 2675 section 3), whose length the frame tells as well.
    let told = usize::from(header.payload_length());
    let total = if told == 0 { wire_len } else { header.slice().len() + told };
    let len = total.checked_sub(header_len).ok_or(Skipped::DamagedIp)?;
    Ok(Datagram {
        source: header.source_addr().into(),
        destination: header.destination_addr().into(),
        ttl: header.hop_limit(),
        traffic_class: header.traffic_class(),
        ip_id: None,
        payload: cut(bytes, header_len, len),
        len,
        len_told: told != 0,
    })
}

/// Octets of the extension headers before TCP.
fn extensions(next: IpNumber, behind: &[u8]) -> Result<usize, Skipped> {
    let (extensions, last, rest, error) = Ipv6ExtensionsSlice::from_slice_lax(next, behind);
    if extensions.is_fragmenting_payload() {
        return Err(Skipped::Fragment);
    }
    match (last, error) {
        (ip_number::TCP, None) => Ok(behind.len() - rest.len()),
        (_, Some(_)) => Err(Skipped::DamagedIp),
        (_, None) => Err(Skipped::NotTcp),
    }
}

/// Any IP packet.
#[derive(Debug)]
pub(super) struct Packet<'a> {
    /// Its header's facts and its payload, behind all extension headers but those in a fragment.
    pub(super) datagram: Datagram<'a>,
    pub(super) protocol: IpNumber,
    pub(super) fragment: Option<Fragment>,
}

/// Where a fragment belongs (RFC 791 section 3.2, RFC 8200 section 4.5).
#[derive(Debug, Clone, Copy)]
pub(super) struct Fragment {
    pub(super) id: u32,
    /// Octets of the datagram's fragmentable part before it.
    pub(super) offset: usize,
    /// Whether others follow.
    pub(super) more: bool,
}

/// Octets of a unit of the fragment offset.
const FRAGMENT_UNIT: usize = 8;

/// Reads any IP packet.
pub(super) fn any(bytes: &[u8], wire_len: usize) -> Result<Packet<'_>, Skipped> {
    match bytes.first().map(|octet| octet >> 4) {
        Some(4) => any_4(bytes, wire_len),
        Some(6) => any_6(bytes, wire_len),
        Some(_) => Err(Skipped::NotIp),
        None => Err(Skipped::DamagedIp),
    }
}

/// The protocol behind the extension headers at the front of `packet`'s payload, which are taken off
/// it, or the fragment that they tell of.
pub(super) fn behind_extensions(mut packet: Packet<'_>) -> Result<Packet<'_>, Skipped> {
    loop {
        let Packet { datagram, protocol, .. } = &packet;
        let rest = datagram.payload;
        let taken = match *protocol {
            ip_number::IPV6_HEADER_HOP_BY_HOP
            | ip_number::IPV6_ROUTE_HEADER
            | ip_number::IPV6_DESTINATION_OPTIONS
            | ip_number::MOBILITY_HEADER
            | ip_number::HIP
            | ip_number::SHIM6 => 8 * (length_octet(rest)? + 1),
            // RFC 4302 section 2.2: in units of four octets, less two.
            ip_number::AUTHENTICATION_HEADER => 4 * (length_octet(rest)? + 2),
            ip_number::IPV6_FRAGMENTATION_HEADER => {
                let ([_, _, high, low, id @ ..], _) =
                    rest.split_first_chunk::<8>().ok_or(Skipped::DamagedIp)?;
                let place = u16::from_be_bytes([*high, *low]);
                let (offset, more) = (usize::from(place & !7), place & 1 != 0);
                // One that is first and last is no fragment (RFC 6946).
                if offset > 0 || more {
                    packet.fragment = Some(Fragment { id: u32::from_be_bytes(*id), offset, more });
                }
                FRAGMENT_UNIT
            }
            _ => return Ok(packet),
        };
        let next = *rest.first().ok_or(Skipped::DamagedIp)?;
        packet.protocol = IpNumber(next);
        packet.datagram.payload = rest.get(taken..).ok_or(Skipped::DamagedIp)?;
        packet.datagram.len = packet.datagram.len.checked_sub(taken).ok_or(Skipped::DamagedIp)?;
        if packet.fragment.is_some() {
            return Ok(packet);
        }
    }
}

fn length_octet(header: &[u8]) -> Result<usize, Skipped> {
    header.get(1).map(|octet| usize::from(*octet)).ok_or(Skipped::DamagedIp)
}

fn any_4(bytes: &[u8], wire_len: usize) -> Result<Packet<'_>, Skipped> {
    let header = Ipv4HeaderSlice::from_slice(bytes).map_err(|_| Skipped::DamagedIp)?;
    let datagram = payload_4(&header, bytes, wire_len)?;
    let fragment = header.is_fragmenting_payload().then(|| Fragment {
        id: header.identification().into(),
        offset: usize::from(header.fragments_offset().value()) * FRAGMENT_UNIT,
        more: header.more_fragments(),
    });
    let packet = Packet { datagram, protocol: header.protocol(), fragment };
    if fragment.is_some() { Ok(packet) } else { behind_extensions(packet) }
}

fn any_6(bytes: &[u8], wire_len: usize) -> Result<Packet<'_>, Skipped> {
    let header = Ipv6HeaderSlice::from_slice(bytes).map_err(|_| Skipped::DamagedIp)?;
    let datagram = payload_6(&header, bytes, wire_len, 0)?;
    behind_extensions(Packet { datagram, protocol: header.next_header(), fragment: None })
}

fn cut(bytes: &[u8], header_len: usize, len: usize) -> &[u8] {
    let payload = bytes.get(header_len..).unwrap_or_default();
    payload.get(..len).unwrap_or(payload)
}
