//! From a frame to the TCP segment in it, or to the reason why there is none.
//!
//! Links: Ethernet with VLAN tags, MPLS and PPPoE, PPP, Linux cooked capture (both versions),
//! BSD loopback, raw IP. IP: version 4, and version 6 with its extension headers. Payload ends
//! where the IP header says, so that the padding of short Ethernet frames is none; frames cut by
//! the snapshot length keep their headers and what there is of the payload.
//!
//! Not read: tunnels (GRE, VXLAN, IP in IP), IP fragments (counted), other links (counted).

mod ip;
mod link;
mod skipped;
mod tcp;

pub use skipped::{Skipped, SkippedCounts};

use crate::capture::read::Frame;
use crate::capture::segment::Segment;

/// The TCP segment in `frame`.
///
/// # Errors
/// Why there is none, or none that can be used.
#[inline]
pub fn decode<'a>(frame: &Frame<'a>) -> Result<Segment<'a>, Skipped> {
    let packet = link::packet(frame.link, frame.bytes)?;
    // What the link layer took; the snapshot length may have cut the frame behind that.
    let taken = frame.bytes.len() - packet.bytes.len();
    let wire_len = (frame.original_len as usize).max(frame.bytes.len()).saturating_sub(taken);
    let datagram = ip::datagram(packet.bytes, wire_len)?;
    tcp::segment(&datagram, packet.source_mac)
}

#[cfg(test)]
mod tests;
