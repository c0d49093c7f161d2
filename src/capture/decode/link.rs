//! The way through the link layers to the IP header.

use super::Skipped;
use crate::capture::read::LinkType;

/// Tags and labels taken off one frame; more of them are a forgery.
const MAX_TAGS: usize = 16;

/// An IP packet and whose Ethernet address it came from.
pub(super) struct Packet<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) source_mac: Option<[u8; 6]>,
}

/// Takes off everything before the IP header.
#[inline]
pub(super) fn packet(link: LinkType, bytes: &[u8]) -> Result<Packet<'_>, Skipped> {
    let (bytes, source_mac) = match link {
        LinkType::ETHERNET => {
            let (header, rest) = bytes.split_first_chunk::<14>().ok_or(Skipped::DamagedLink)?;
            let [.., a, b, c, d, e, f, high, low] = *header;
            (ether_payload(u16::from_be_bytes([high, low]), rest)?, Some([a, b, c, d, e, f]))
        }
        LinkType::LINUX_SLL => (cooked(bytes)?, None),
        LinkType::LINUX_SLL2 => {
            let (header, rest) = bytes.split_first_chunk::<20>().ok_or(Skipped::DamagedLink)?;
            let [high, low, ..] = *header;
            (ether_payload(u16::from_be_bytes([high, low]), rest)?, None)
        }
        // The address family's number differs from system to system; the IP version does not.
        LinkType::NULL | LinkType::LOOP => (bytes.get(4..).ok_or(Skipped::DamagedLink)?, None),
        LinkType::RAW | LinkType::RAW_DLT | LinkType::RAW_OPENBSD | LinkType::IPV4 | LinkType::IPV6 => {
            (bytes, None)
        }
        LinkType::PPP => (ppp(bytes)?, None),
        LinkType::PPP_ETHER => (pppoe(bytes)?, None),
        other => return Err(Skipped::Link(other)),
    };
    Ok(Packet { bytes, source_mac })
}

/// Ethernet types (IANA, "IEEE 802 Numbers").
mod ether_type {
    pub(super) const IPV4: u16 = 0x0800;
    pub(super) const IPV6: u16 = 0x86dd;
    pub(super) const VLAN: u16 = 0x8100;
    pub(super) const PROVIDER_BRIDGING: u16 = 0x88a8;
    pub(super) const OLD_QINQ: u16 = 0x9100;
    pub(super) const MPLS: u16 = 0x8847;
    pub(super) const PPPOE_SESSION: u16 = 0x8864;
    /// The highest value of the field that is a length (IEEE 802.3 section 3.2.6).
    pub(super) const LAST_LENGTH: u16 = 1500;
}

fn ether_payload(mut kind: u16, mut rest: &[u8]) -> Result<&[u8], Skipped> {
    for _ in 0..MAX_TAGS {
        match kind {
            ether_type::IPV4 | ether_type::IPV6 => return Ok(rest),
            ether_type::VLAN | ether_type::PROVIDER_BRIDGING | ether_type::OLD_QINQ => {
                let ([_, _, high, low], behind) = rest.split_first_chunk().ok_or(Skipped::DamagedLink)?;
                kind = u16::from_be_bytes([*high, *low]);
                rest = behind;
            }
            ether_type::MPLS => return mpls(rest),
            ether_type::PPPOE_SESSION => return pppoe(rest),
            0..=ether_type::LAST_LENGTH => return snap(rest),
            _ => return Err(Skipped::NotIp),
        }
    }
    Err(Skipped::DamagedLink)
}

/// IEEE 802.2 with SNAP (RFC 1042): AA AA 03, organisation 0, Ethernet type.
fn snap(bytes: &[u8]) -> Result<&[u8], Skipped> {
    match bytes.split_first_chunk() {
        Some(([0xaa, 0xaa, 3, 0, 0, 0, high, low], rest)) => match u16::from_be_bytes([*high, *low]) {
            ether_type::IPV4 | ether_type::IPV6 => Ok(rest),
            _ => Err(Skipped::NotIp),
        },
        _ => Err(Skipped::NotIp),
    }
}

/// Labels up to the bottom of the stack (RFC 3032 section 2.1); what follows is taken for IP where
/// its first four bits are a version.
fn mpls(mut rest: &[u8]) -> Result<&[u8], Skipped> {
    const BOTTOM_OF_STACK: u8 = 1;
    for _ in 0..MAX_TAGS {
        let ([_, _, low, _], behind) = rest.split_first_chunk().ok_or(Skipped::DamagedLink)?;
        rest = behind;
        if low & BOTTOM_OF_STACK != 0 {
            return match rest.first().map(|octet| octet >> 4) {
                Some(4 | 6) => Ok(rest),
                _ => Err(Skipped::NotIp),
            };
        }
    }
    Err(Skipped::DamagedLink)
}

/// RFC 2516 section 4: version and type, code, session, length; then PPP without framing.
fn pppoe(bytes: &[u8]) -> Result<&[u8], Skipped> {
    const SESSION_DATA: u8 = 0;
    match bytes.split_first_chunk() {
        Some(([_, SESSION_DATA, _, _, _, _], rest)) => ppp(rest),
        Some(_) => Err(Skipped::NotIp),
        None => Err(Skipped::DamagedLink),
    }
}

/// RFC 1661 section 2 and RFC 1662 section 3.1: address and control may be there, the protocol
/// may be one octet.
fn ppp(bytes: &[u8]) -> Result<&[u8], Skipped> {
    let rest = bytes.strip_prefix(&[0xff, 3]).unwrap_or(bytes);
    match rest {
        [0, 0x21 | 0x57, payload @ ..] | [0x21 | 0x57, payload @ ..] => Ok(payload),
        [] | [_] => Err(Skipped::DamagedLink),
        _ => Err(Skipped::NotIp),
    }
}

/// LINKTYPE_LINUX_SLL: packet type, hardware type, address length, address (8), protocol.
fn cooked(bytes: &[u8]) -> Result<&[u8], Skipped> {
    let (header, rest) = bytes.split_first_chunk::<16>().ok_or(Skipped::DamagedLink)?;
    let [.., high, low] = *header;
    ether_payload(u16::from_be_bytes([high, low]), rest)
}
