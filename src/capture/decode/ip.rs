//! The IP header and what it says of the datagram (RFC 791, RFC 8200).

use std::net::IpAddr;

use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6ExtensionsSlice, Ipv6HeaderSlice, ip_number};

use super::Skipped;

/// A whole TCP datagram, perhaps cut by the snapshot length.
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

fn cut(bytes: &[u8], header_len: usize, len: usize) -> &[u8] {
    let payload = bytes.get(header_len..).unwrap_or_default();
    payload.get(..len).unwrap_or(payload)
}
