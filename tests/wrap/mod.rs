//! Puts plain Ethernet frames into other wrappings: links, tags, tunnels, fragments, and files of all
//! kinds, with the generator's wrapping paper. It shares no code with mailwitness.

use crate::generate::oddity::form::FileForm;
use crate::generate::oddity::link::Link;
use crate::generate::oddity::packet::{Fragments, parts};
use crate::generate::oddity::tunnel::{Tunnel, tunnelled};
use crate::generate::oddity::wire::last_new;

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
    (written(wrapping.file, wrapping.link.number(), &wrapped), numbers)
}

/// The IP packet without the padding behind it.
fn whole_ip(bytes: &[u8]) -> Vec<u8> {
    let length = match bytes[0] >> 4 {
        4 => usize::from(u16::from_be_bytes([bytes[2], bytes[3]])),
        _ => 40 + usize::from(u16::from_be_bytes([bytes[4], bytes[5]])),
    };
    bytes[..length].to_vec()
}

fn written(form: FileForm, link: u16, frames: &[Plain]) -> Vec<u8> {
    let mut file = Vec::new();
    form.head(link, &mut file);
    for (place, frame) in frames.iter().enumerate() {
        form.frame(place, &[link], frame.nanos, &frame.bytes, &mut file);
    }
    form.end(frames.len(), &mut file);
    file
}
