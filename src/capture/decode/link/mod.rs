//! The way through the link layers to the IP header.

mod host;

use super::Skipped;
use crate::capture::read::LinkType;

/// Tags and labels taken off one frame; more of them are a forgery.
const MAX_TAGS: usize = 16;

/// An IP packet and whose Ethernet address it came from.
#[derive(Debug, Clone, Copy)]
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
        LinkType::LINUX_SLL => (host::cooked(bytes)?, None),
        LinkType::LINUX_SLL2 => (host::cooked_2(bytes)?, None),
        // The address family's number differs from system to system; the IP version does not.
        LinkType::NULL | LinkType::LOOP => (bytes.get(4..).ok_or(Skipped::DamagedLink)?, None),
        LinkType::RAW | LinkType::RAW_DLT | LinkType::RAW_OPENBSD | LinkType::IPV4 | LinkType::IPV6 => {
            (bytes, None)
        }
        other => return rare(other, bytes),
    };
    Ok(Packet { bytes, source_mac })
}

/// The links that few captures have.
#[cold]
fn rare(link: LinkType, bytes: &[u8]) -> Result<Packet<'_>, Skipped> {
    let bytes = match link {
        LinkType::PPP => ppp(bytes)?,
        LinkType::PPP_HDLC | LinkType::C_HDLC => hdlc(bytes)?,
        // The octet that would be the address, 0xff, tells the direction.
        LinkType::PPP_PPPD => match bytes {
            [0 | 1, 3, rest @ ..] => ppp(rest)?,
            _ => return Err(Skipped::DamagedLink),
        },
        // One octet before it tells the direction.
        LinkType::PPP_WITH_DIRECTION => ppp(bytes.get(1..).ok_or(Skipped::DamagedLink)?)?,
        LinkType::PPP_ETHER => pppoe(bytes)?,
        LinkType::NFLOG => host::nflog(bytes)?,
        LinkType::PFLOG => host::pflog(bytes)?,
        LinkType::ENC => host::enc(bytes)?,
        LinkType::PKTAP => return host::pktap(bytes, link),
        // Apple wrote PKTAP under a number for private use before it had one of its own.
        LinkType::USER2 => return host::pktap(bytes, link).map_err(|_| Skipped::Link(link)),
        other => return Err(Skipped::Link(other)),
    };
    Ok(Packet { bytes, source_mac: None })
}

/// Ethernet types (IANA, "IEEE 802 Numbers").
pub(super) mod ether_type {
    pub(in crate::capture::decode) const IPV4: u16 = 0x0800;
    pub(in crate::capture::decode) const IPV6: u16 = 0x86dd;
    pub(in crate::capture::decode) const VLAN: u16 = 0x8100;
    pub(in crate::capture::decode) const PROVIDER_BRIDGING: u16 = 0x88a8;
    pub(in crate::capture::decode) const OLD_QINQ: u16 = 0x9100;
    pub(in crate::capture::decode) const MPLS: u16 = 0x8847;
    /// With labels that the sender assigned (RFC 5332).
    pub(in crate::capture::decode) const MPLS_UPSTREAM: u16 = 0x8848;
    pub(in crate::capture::decode) const PPPOE_SESSION: u16 = 0x8864;
    /// An Ethernet frame, in GRE and Geneve (RFC 1701, RFC 7637 section 3.2, RFC 8926 section 3.4).
    pub(in crate::capture::decode) const BRIDGED: u16 = 0x6558;
    /// PPP, in GRE (RFC 2637 section 4.1).
    pub(in crate::capture::decode) const PPP: u16 = 0x880b;
    /// A mirrored Ethernet frame, in GRE (draft-foschiano-erspan-03).
    pub(in crate::capture::decode) const ERSPAN: u16 = 0x88be;
    pub(in crate::capture::decode) const ERSPAN_3: u16 = 0x22eb;
    /// The highest value of the field that is a length (IEEE 802.3 section 3.2.6).
    pub(in crate::capture::decode) const LAST_LENGTH: u16 = 1500;
}

pub(super) fn ether_payload(mut kind: u16, mut rest: &[u8]) -> Result<&[u8], Skipped> {
    for _ in 0..MAX_TAGS {
        match kind {
            ether_type::IPV4 | ether_type::IPV6 => return Ok(rest),
            ether_type::VLAN | ether_type::PROVIDER_BRIDGING | ether_type::OLD_QINQ => {
                let ([_, _, high, low], behind) = rest.split_first_chunk().ok_or(Skipped::DamagedLink)?;
                kind = u16::from_be_bytes([*high, *low]);
                rest = behind;
            }
            ether_type::MPLS | ether_type::MPLS_UPSTREAM => return mpls(rest),
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
pub(super) fn ppp(bytes: &[u8]) -> Result<&[u8], Skipped> {
    let rest = bytes.strip_prefix(&[0xff, 3]).unwrap_or(bytes);
    match rest {
        [0, 0x21 | 0x57, payload @ ..] | [0x21 | 0x57, payload @ ..] => Ok(payload),
        [] | [_] => Err(Skipped::DamagedLink),
        _ => Err(Skipped::NotIp),
    }
}

/// PPP in HDLC-like framing (RFC 1662 section 3.1), or Cisco's: address (unicast or broadcast),
/// control, Ethernet type. The address tells them apart.
fn hdlc(bytes: &[u8]) -> Result<&[u8], Skipped> {
    match bytes {
        [0x0f | 0x8f, 0, high, low, rest @ ..] => ether_payload(u16::from_be_bytes([*high, *low]), rest),
        _ => ppp(bytes),
    }
}
