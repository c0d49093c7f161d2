//! IP packets in pieces (RFC 791, RFC 8200 section 4.5) and with extension headers.

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

/// The fragments of a packet, in their order, copies among them.
pub(crate) fn parts(packet: Vec<u8>, fragments: Option<Fragments>, id: &mut u16) -> Vec<Vec<u8>> {
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
pub(crate) fn finish_4(bytes: &mut [u8]) {
    bytes[10..12].fill(0);
    let words = bytes[..20].chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    bytes[10..12].copy_from_slice(&(!folded as u16).to_be_bytes());
}

/// Octets of an extension header that says nothing: one PadN option (RFC 8200, section 4.2).
const PADDING: [u8; 6] = [1, 4, 0, 0, 0, 0];
/// Numbers of extension headers (RFC 8200, section 4.1).
pub(crate) const HOP_BY_HOP: u8 = 0;
pub(crate) const DESTINATION_OPTIONS: u8 = 60;

/// Puts an extension header right behind the header of an IPv6 packet; others stay as they are.
pub(crate) fn extended(mut packet: Vec<u8>, kind: u8) -> Vec<u8> {
    if packet[0] >> 4 != 6 {
        return packet;
    }
    let extension = [&[packet[6], 0][..], &PADDING].concat();
    let length = u16::from_be_bytes([packet[4], packet[5]]) + extension.len() as u16;
    packet[4..6].copy_from_slice(&length.to_be_bytes());
    packet[6] = kind;
    packet.splice(40..40, extension);
    packet
}
