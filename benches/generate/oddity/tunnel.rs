//! Tunnels: an IP packet within another.

use super::packet::finish_4;

/// A tunnel.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tunnel {
    IpInIp,
    Gre,
    /// With a checksum, a key and a sequence number.
    GreWithAll,
    GreBridged,
    Erspan1,
    Erspan2,
    Erspan3,
    Vxlan,
    Geneve,
}

/// The packet in a tunnel, which goes over IPv6 or IPv4.
pub(crate) fn tunnelled(packet: &[u8], tunnel: Tunnel, over_6: bool, id: u16) -> Vec<u8> {
    let version_4 = packet[0] >> 4 == 4;
    let kind: [u8; 2] = if version_4 { [8, 0] } else { [0x86, 0xdd] };
    let frame = [&[2, 0, 0, 0, 9, 1, 2, 0, 0, 0, 9, 2][..], &kind, packet].concat();
    let (protocol, payload) = match tunnel {
        Tunnel::IpInIp => (if version_4 { 4 } else { 41 }, packet.to_vec()),
        Tunnel::Gre => (47, [&[0, 0][..], &kind, packet].concat()),
        Tunnel::GreWithAll => {
            (47, [&[0xb0, 0][..], &kind, &[1, 2, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1], packet].concat())
        }
        Tunnel::GreBridged => (47, [&[0x20, 0, 0x65, 0x58, 0, 0, 9, 0][..], &frame].concat()),
        Tunnel::Erspan1 => (47, [&[0, 0, 0x88, 0xbe][..], &frame].concat()),
        Tunnel::Erspan2 => {
            (47, [&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 1, 0, 0, 0, 0][..], &frame].concat())
        }
        Tunnel::Erspan3 => {
            let head = [0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1];
            (47, [&head[..], &[0; 8], &frame].concat())
        }
        Tunnel::Vxlan => (17, udp(4789, &[&[8, 0, 0, 0, 0, 0, 9, 0][..], &frame].concat())),
        Tunnel::Geneve => {
            (17, udp(6081, &[&[1, 0, 0x65, 0x58, 0, 0, 9, 0, 1, 2, 3, 4][..], &frame].concat()))
        }
    };
    if over_6 {
        let length = (payload.len() as u16).to_be_bytes();
        let head = [&[0x60, 0, 0, 0][..], &length, &[protocol, 64], &[0xfd; 16], &[0xfc; 16]].concat();
        return [head, payload].concat();
    }
    let length = (payload.len() as u16 + 20).to_be_bytes();
    let head = [&[0x45, 0][..], &length, &id.to_be_bytes(), &[0, 0, 64, protocol, 0, 0]].concat();
    let mut bytes = [&head[..], &[10, 9, 9, 1], &[10, 9, 9, 2], &payload].concat();
    finish_4(&mut bytes);
    bytes
}

/// A UDP datagram without a checksum (RFC 768).
fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16 + 8).to_be_bytes();
    [&[0xc0, 0][..], &port.to_be_bytes(), &length, &[0, 0], payload].concat()
}
