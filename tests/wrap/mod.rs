//! Puts plain Ethernet frames into other wrappings: links, tags, tunnels, fragments, and files of all
//! kinds. It shares no code with mailwitness.

mod file;
mod link;

pub(crate) use file::{FileForm, Kind};
pub(crate) use link::{LINKS, Link};

/// One frame: nanoseconds since 1970, and its octets.
#[derive(Debug, Clone)]
pub(crate) struct Plain {
    pub(crate) nanos: i64,
    pub(crate) bytes: Vec<u8>,
}

/// How frames are wrapped.
#[derive(Debug, Clone)]
pub(crate) struct Wrapping {
    pub(crate) link: Link,
    /// The tunnels, the innermost first.
    pub(crate) tunnels: Vec<Tunnel>,
    pub(crate) inner: Option<Fragments>,
    /// How the outermost packet is cut, where there is a tunnel.
    pub(crate) outer: Option<Fragments>,
    pub(crate) file: FileForm,
}

/// How IP packets are cut into fragments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fragments {
    /// Octets in each, in units of eight.
    pub(crate) units: usize,
    /// Which of them comes first; the others follow in order, from the first again.
    pub(crate) rotated: usize,
    pub(crate) backwards: bool,
    /// Every so many come twice.
    pub(crate) twice: usize,
}

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

pub(crate) const TUNNELS: [Tunnel; 9] = [
    Tunnel::IpInIp,
    Tunnel::Gre,
    Tunnel::GreWithAll,
    Tunnel::GreBridged,
    Tunnel::Erspan1,
    Tunnel::Erspan2,
    Tunnel::Erspan3,
    Tunnel::Vxlan,
    Tunnel::Geneve,
];

/// The wrapped file, and for each of its frames the plain frame that is whole with it.
pub(crate) fn wrap(frames: &[Plain], wrapping: &Wrapping) -> (Vec<u8>, Vec<Option<u64>>) {
    let (mut wrapped, mut numbers) = (Vec::new(), Vec::new());
    let mut id = 0u16;
    for (number, frame) in (1..).zip(frames) {
        let macs = &frame.bytes[..12];
        let mut packets = parts(whole_ip(&frame.bytes[14..]), wrapping.inner, &mut id);
        let completing = last_new(&packets);
        for (depth, tunnel) in wrapping.tunnels.iter().enumerate() {
            // Version 4 and 6 in turn carry each other.
            for packet in &mut packets {
                *packet = tunnelled(packet, *tunnel, depth % 2 == 1, id);
            }
            id = id.wrapping_add(1);
        }
        for (place, packet) in packets.into_iter().enumerate() {
            let outer = wrapping.outer.filter(|_| !wrapping.tunnels.is_empty());
            let pieces = parts(packet, outer, &mut id);
            let last = last_new(&pieces);
            for (piece, packet) in pieces.iter().enumerate() {
                let bytes = wrapping.link.framed(packet, macs);
                wrapped.push(Plain { nanos: frame.nanos, bytes });
                numbers.push((place == completing && piece == last).then_some(number));
            }
        }
    }
    (wrapping.file.written(wrapping.link.number(), &wrapped), numbers)
}

/// The last packet that is not a copy of an earlier one: with it, the frame is whole.
fn last_new(packets: &[Vec<u8>]) -> usize {
    let is_new = |place: &usize| !packets[..*place].contains(&packets[*place]);
    (0..packets.len()).rev().find(is_new).unwrap()
}

/// The IP packet without the padding behind it.
fn whole_ip(bytes: &[u8]) -> Vec<u8> {
    let length = match bytes[0] >> 4 {
        4 => usize::from(u16::from_be_bytes([bytes[2], bytes[3]])),
        _ => 40 + usize::from(u16::from_be_bytes([bytes[4], bytes[5]])),
    };
    bytes[..length].to_vec()
}

/// The fragments of a packet, in their order, copies among them.
fn parts(packet: Vec<u8>, fragments: Option<Fragments>, id: &mut u16) -> Vec<Vec<u8>> {
    let Some(Fragments { units, rotated, backwards, twice }) = fragments else { return vec![packet] };
    let version_4 = packet[0] >> 4 == 4;
    let (header, payload) = packet.split_at(if version_4 { 20 } else { 40 });
    if payload.len() <= units * 8 {
        return vec![packet];
    }
    *id = id.wrapping_add(1);
    let mut all: Vec<Vec<u8>> = Vec::new();
    for (place, part) in payload.chunks(units * 8).enumerate() {
        let more = (place + 1) * units * 8 < payload.len();
        all.push(if version_4 {
            fragment_4(header, part, *id, place * units, more)
        } else {
            fragment_6(header, part, *id, place * units, more)
        });
    }
    let turns = rotated % all.len();
    all.rotate_left(turns);
    if backwards {
        all.reverse();
    }
    let copies: Vec<Vec<u8>> = all.iter().step_by(twice.max(1)).cloned().collect();
    if twice > 0 {
        all.extend(copies);
    }
    all
}

fn fragment_4(header: &[u8], part: &[u8], id: u16, place: usize, more: bool) -> Vec<u8> {
    let mut bytes = [header, part].concat();
    let length = bytes.len() as u16;
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    bytes[4..6].copy_from_slice(&id.to_be_bytes());
    bytes[6..8].copy_from_slice(&(place as u16 | u16::from(more) << 13).to_be_bytes());
    finish_4(&mut bytes);
    bytes
}

fn fragment_6(header: &[u8], part: &[u8], id: u16, place: usize, more: bool) -> Vec<u8> {
    let place = ((place as u16) << 3 | u16::from(more)).to_be_bytes();
    let extension = [&[header[6], 0][..], &place, &u32::from(id).to_be_bytes()].concat();
    let mut bytes = [header, &extension, part].concat();
    bytes[4..6].copy_from_slice(&(part.len() as u16 + 8).to_be_bytes());
    bytes[6] = 44;
    bytes
}

/// Puts the checksum of a version 4 header in its place (RFC 1071).
fn finish_4(bytes: &mut [u8]) {
    bytes[10..12].fill(0);
    let words = bytes[..20].chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    bytes[10..12].copy_from_slice(&(!folded as u16).to_be_bytes());
}

fn tunnelled(packet: &[u8], tunnel: Tunnel, over_6: bool, id: u16) -> Vec<u8> {
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
