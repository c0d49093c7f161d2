//! The headers that operating systems put before packets of their own accord.

use super::{Packet, Skipped, ether_payload, packet};
use crate::capture::read::LinkType;

/// LINKTYPE_LINUX_SLL: packet type, hardware type, address length, address (8), protocol.
pub(super) fn cooked(bytes: &[u8]) -> Result<&[u8], Skipped> {
    let (header, rest) = bytes.split_first_chunk::<16>().ok_or(Skipped::DamagedLink)?;
    let [.., high, low] = *header;
    ether_payload(u16::from_be_bytes([high, low]), rest)
}

/// LINKTYPE_LINUX_SLL2: protocol, two reserved octets, interface, hardware type, packet type, address
/// length, address (8).
pub(super) fn cooked_2(bytes: &[u8]) -> Result<&[u8], Skipped> {
    let (header, rest) = bytes.split_first_chunk::<20>().ok_or(Skipped::DamagedLink)?;
    let [high, low, ..] = *header;
    ether_payload(u16::from_be_bytes([high, low]), rest)
}

/// LINKTYPE_NFLOG: family, version 0, resource; then fields of length (its own four octets counted),
/// type and value, padded to four octets. Length and type are in the byte order of the capturing
/// host, which need not be that of the file: it is the one in which the fields lead to a payload.
pub(super) fn nflog(bytes: &[u8]) -> Result<&[u8], Skipped> {
    let ([_, version, _, _], fields) = bytes.split_first_chunk().ok_or(Skipped::DamagedLink)?;
    if *version != 0 {
        return Err(Skipped::DamagedLink);
    }
    let payload = nflog_payload(fields, u16::from_le_bytes)
        .or_else(|| nflog_payload(fields, u16::from_be_bytes))
        .ok_or(Skipped::DamagedLink)?;
    if_ip(payload)
}

fn nflog_payload(mut fields: &[u8], number: fn([u8; 2]) -> u16) -> Option<&[u8]> {
    /// NFULA_PAYLOAD.
    const PAYLOAD: u16 = 9;
    loop {
        let ([l0, l1, t0, t1], _) = fields.split_first_chunk()?;
        let (length, kind) = (usize::from(number([*l0, *l1])), number([*t0, *t1]));
        let value = fields.get(4..length.max(4))?;
        if kind == PAYLOAD {
            // The snapshot length may have cut it.
            return Some(value);
        }
        if length < 4 {
            return None;
        }
        fields = fields.get(length.next_multiple_of(4)..)?;
    }
}

/// LINKTYPE_PFLOG: its first octet is its length, without the padding to four octets that follows.
pub(super) fn pflog(bytes: &[u8]) -> Result<&[u8], Skipped> {
    /// The header of the first version; all later ones are longer.
    const SHORTEST: usize = 28;
    let length = usize::from(*bytes.first().ok_or(Skipped::DamagedLink)?);
    if length < SHORTEST {
        return Err(Skipped::DamagedLink);
    }
    if_ip(bytes.get(length.next_multiple_of(4)..).ok_or(Skipped::DamagedLink)?)
}

/// LINKTYPE_ENC: address family, security parameter index, flags.
pub(super) fn enc(bytes: &[u8]) -> Result<&[u8], Skipped> {
    let (_, rest) = bytes.split_first_chunk::<12>().ok_or(Skipped::DamagedLink)?;
    if_ip(rest)
}

/// LINKTYPE_PKTAP: length of the header, kind of record, link type of what follows, and more, all
/// little-endian.
pub(super) fn pktap(bytes: &[u8], link: LinkType) -> Result<Packet<'_>, Skipped> {
    /// The header of the first version.
    const SHORTEST: u32 = 108;
    const IS_PACKET: u32 = 1;
    let word = |at: usize| {
        let octets = bytes.get(at..)?.first_chunk()?;
        Some(u32::from_le_bytes(*octets))
    };
    let (Some(length), Some(kind), Some(inner)) = (word(0), word(4), word(8)) else {
        return Err(Skipped::DamagedLink);
    };
    let rest = bytes.get(length as usize..).ok_or(Skipped::DamagedLink)?;
    if length < SHORTEST {
        return Err(Skipped::DamagedLink);
    }
    match LinkType(inner) {
        _ if kind != IS_PACKET => Err(Skipped::NotIp),
        LinkType::PKTAP | LinkType::USER2 => Err(Skipped::Link(link)),
        inner => packet(inner, rest),
    }
}

/// The address families' numbers differ from system to system; the IP version does not.
fn if_ip(bytes: &[u8]) -> Result<&[u8], Skipped> {
    match bytes.first().map(|octet| octet >> 4) {
        Some(4 | 6) => Ok(bytes),
        Some(_) => Err(Skipped::NotIp),
        None => Err(Skipped::DamagedLink),
    }
}
