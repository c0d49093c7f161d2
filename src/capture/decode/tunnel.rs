//! The way into tunnels (`--decap`): what an IP datagram carries that is a frame or a datagram itself.

use etherparse::{IpNumber, ip_number};

use super::link::ether_type;

/// What a tunnel carries, and how many octets its headers took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Inner<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) kind: InnerKind,
}

/// What the first octet of a tunnel's content begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InnerKind {
    /// An Ethernet frame.
    Ethernet,
    /// What an Ethernet type says.
    EtherType(u16),
    /// A PPP frame.
    Ppp,
}

/// Destination ports of VXLAN: the registered one (RFC 7348 section 8) and that of the first Linux
/// kernels with it; and of Geneve (RFC 8926 section 3.3).
const VXLAN_PORTS: [u16; 2] = [4789, 8472];
const GENEVE_PORT: u16 = 6081;

/// That of the form which says what it carries (draft-ietf-nvo3-vxlan-gpe section 3.1).
const VXLAN_GPE_PORT: u16 = 4790;

/// Whether datagrams of `protocol` may carry a tunnel.
pub(super) fn may_carry(protocol: IpNumber) -> bool {
    matches!(protocol, ip_number::IPV4 | ip_number::IPV6 | ip_number::GRE | ip_number::UDP)
}

/// Whether `payload`, the front of a UDP datagram, is addressed to a tunnel's port.
pub(super) fn is_tunnel_port(payload: &[u8]) -> bool {
    payload.first_chunk::<4>().is_some_and(|[_, _, high, low]| {
        let port = u16::from_be_bytes([*high, *low]);
        port == GENEVE_PORT || port == VXLAN_GPE_PORT || VXLAN_PORTS.contains(&port)
    })
}

/// What the tunnel in a datagram of `protocol` carries; `None` where it is no tunnel that is read.
pub(super) fn open(protocol: IpNumber, payload: &[u8]) -> Option<Inner<'_>> {
    match protocol {
        // RFC 2003 and RFC 2473, RFC 4213 section 3.5.
        ip_number::IPV4 => Some(Inner { bytes: payload, kind: InnerKind::EtherType(ether_type::IPV4) }),
        ip_number::IPV6 => Some(Inner { bytes: payload, kind: InnerKind::EtherType(ether_type::IPV6) }),
        ip_number::GRE => gre(payload),
        ip_number::UDP if is_tunnel_port(payload) => udp(payload),
        _ => None,
    }
}

fn udp(datagram: &[u8]) -> Option<Inner<'_>> {
    let ([_, _, high, low, _, _, _, _], rest) = datagram.split_first_chunk::<8>()?;
    match u16::from_be_bytes([*high, *low]) {
        GENEVE_PORT => geneve(rest),
        VXLAN_GPE_PORT => vxlan_gpe(rest),
        _ => vxlan(rest),
    }
}

/// RFC 7348 section 5: flags, of which the one for a valid network identifier must be set.
fn vxlan(payload: &[u8]) -> Option<Inner<'_>> {
    const HAS_NETWORK: u8 = 0x08;
    let (header, bytes) = payload.split_first_chunk::<8>()?;
    (header[0] & HAS_NETWORK != 0).then_some(Inner { bytes, kind: InnerKind::Ethernet })
}

/// draft-ietf-nvo3-vxlan-gpe section 3: a further flag says that the fourth octet tells the protocol.
fn vxlan_gpe(payload: &[u8]) -> Option<Inner<'_>> {
    const HAS_PROTOCOL: u8 = 0x04;
    let inner = vxlan(payload)?;
    let [flags, _, _, protocol, ..] = *payload else { return None };
    let kind = match protocol {
        _ if flags & HAS_PROTOCOL == 0 => InnerKind::Ethernet,
        1 => InnerKind::EtherType(ether_type::IPV4),
        2 => InnerKind::EtherType(ether_type::IPV6),
        3 => InnerKind::Ethernet,
        _ => return None,
    };
    Some(Inner { kind, ..inner })
}

/// RFC 8926 section 3.4: version and length of the options in units of four octets, flags, protocol.
fn geneve(payload: &[u8]) -> Option<Inner<'_>> {
    let ([first, _, high, low, ..], rest) = payload.split_first_chunk::<8>()?;
    let (version, options) = (first >> 6, usize::from(first & 0x3f) * 4);
    let bytes = rest.get(options..)?;
    (version == 0).then(|| Inner { bytes, kind: kind(u16::from_be_bytes([*high, *low])) })
}

fn kind(protocol: u16) -> InnerKind {
    match protocol {
        ether_type::BRIDGED => InnerKind::Ethernet,
        ether_type::PPP => InnerKind::Ppp,
        other => InnerKind::EtherType(other),
    }
}

/// RFC 2784, RFC 2890 (key, sequence number) and, version 1, RFC 2637 (PPTP).
fn gre(payload: &[u8]) -> Option<Inner<'_>> {
    const CHECKSUM: u8 = 0x80;
    const ROUTING: u8 = 0x40;
    const KEY: u8 = 0x20;
    const SEQUENCE: u8 = 0x10;
    const ACKNOWLEDGMENT: u8 = 0x80;
    const VERSION: u8 = 0x07;
    let ([flags, second, high, low], rest) = payload.split_first_chunk::<4>()?;
    let protocol = u16::from_be_bytes([*high, *low]);
    let field = |present: bool| if present { 4 } else { 0 };
    let (checksum, key) = (flags & CHECKSUM != 0, flags & KEY != 0);
    let sequence = flags & SEQUENCE != 0;
    let taken = match second & VERSION {
        // Source routes (RFC 1701) are gone since RFC 2784.
        0 if flags & ROUTING == 0 => field(checksum) + field(key) + field(sequence),
        1 => 4 + field(sequence) + field(second & ACKNOWLEDGMENT != 0),
        _ => return None,
    };
    let bytes = rest.get(taken..)?;
    match protocol {
        ether_type::ERSPAN => erspan(bytes, sequence),
        ether_type::ERSPAN_3 => erspan_3(bytes),
        _ => Some(Inner { bytes, kind: kind(protocol) }),
    }
}

/// draft-foschiano-erspan-03 section 4.1 and 4.2: type I has no header of its own, and no sequence
/// number in that of GRE; that of type II has eight octets.
fn erspan(bytes: &[u8], sequence: bool) -> Option<Inner<'_>> {
    let bytes = if sequence { bytes.get(8..)? } else { bytes };
    Some(Inner { bytes, kind: InnerKind::Ethernet })
}

/// draft-foschiano-erspan-03 section 4.3: twelve octets, eight more where the last bit says so.
fn erspan_3(bytes: &[u8]) -> Option<Inner<'_>> {
    const HAS_SUBHEADER: u8 = 1;
    let (header, rest) = bytes.split_first_chunk::<12>()?;
    let bytes = if header[11] & HAS_SUBHEADER != 0 { rest.get(8..)? } else { rest };
    Some(Inner { bytes, kind: InnerKind::Ethernet })
}
