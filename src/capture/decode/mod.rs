//! From a frame to the TCP segment in it, or to the reason why there is none.
//!
//! Links: Ethernet with VLAN tags, MPLS and PPPoE, PPP and Cisco HDLC, Linux cooked capture (both
//! versions) and NFLOG, BSD loopback, PFLOG and ENC, Apple's PKTAP, raw IP. IP: version 4, and
//! version 6 with its extension headers; fragments are put together. Payload ends where the IP header
//! says, so that the padding of short Ethernet frames is none; frames cut by the snapshot length keep
//! their headers and what there is of the payload.
//!
//! Tunnels (IP in IP, GRE with ERSPAN and NVGRE, VXLAN, Geneve) are opened where that was asked for,
//! else counted. Other links are counted.

mod assembly;
mod icmp;
mod ip;
mod link;
mod skipped;
mod tcp;
mod tunnel;

use etherparse::ip_number;

pub use icmp::{IcmpError, IcmpKind};
pub use skipped::{Skipped, SkippedCounts};

use crate::capture::read::Frame;
use crate::capture::segment::Segment;
use crate::cite::{CaptureId, FrameRef, Moment, Notes, Place};
use assembly::Assembly;
use tunnel::{Inner, InnerKind};

/// Tunnels within tunnels that are opened.
pub const MAX_TUNNELS: u8 = 8;

/// Datagrams put together for one frame: one of the outer tunnel, one of the inner ...
const MAX_ASSEMBLED: usize = 4;

/// Decodes the frames of captures that follow one another: it keeps the fragments that wait for
/// others of their datagram.
#[derive(Debug, Default)]
pub struct Decoder {
    /// Whether tunnels are opened.
    decap: bool,
    assembly: Assembly,
    /// The datagrams put together for the frame at hand, the outermost first.
    whole: [Vec<u8>; MAX_ASSEMBLED],
}

impl Decoder {
    /// One that opens tunnels, or does not.
    pub fn new(decap: bool) -> Self {
        Self { decap, ..Self::default() }
    }

    /// The TCP segment in `frame` of `capture`, or in the IP datagram whose last missing fragment it
    /// brings. `notes` are told what is odd about fragments.
    ///
    /// # Errors
    /// Why there is none, or none that can be used.
    #[inline]
    pub fn segment<'a>(
        &'a mut self,
        frame: &Frame<'a>,
        capture: CaptureId,
        notes: &mut Notes,
    ) -> Result<Segment<'a>, Skipped> {
        let packet = link::packet(frame.link, frame.bytes)?;
        // What the link layer took; the snapshot length may have cut the frame behind that.
        let taken = frame.bytes.len() - packet.bytes.len();
        let wire_len = (frame.original_len as usize).max(frame.bytes.len()).saturating_sub(taken);
        match ip::datagram(packet.bytes, wire_len) {
            Ok(datagram) => tcp::segment(&datagram, packet.source_mac),
            Err(Skipped::Fragment | Skipped::NotTcp) => {
                let frame_ref = FrameRef { capture, frame: frame.number };
                let at = Moment { time: frame.time, frame: frame_ref };
                let Self { decap, assembly, whole } = self;
                let mut way = Way { decap: *decap, assembly, at, notes, depth: 0 };
                let packet = Found { bytes: packet.bytes, wire_len, source_mac: packet.source_mac };
                way.ip(packet, whole)
            }
            Err(cause) => Err(cause),
        }
    }

    /// The ICMP error in `frame`, if it is one about a TCP segment.
    #[cold]
    pub fn icmp_error(frame: &Frame<'_>) -> Option<IcmpError> {
        let packet = link::packet(frame.link, frame.bytes).ok()?;
        let taken = frame.bytes.len() - packet.bytes.len();
        let wire_len = (frame.original_len as usize).max(frame.bytes.len()).saturating_sub(taken);
        icmp::read(packet.bytes, wire_len)
    }

    /// Says of which captures there are fragments whose datagram never became whole, and gives them
    /// up: to be asked when no further capture follows.
    pub fn finish(&mut self, mut tell: impl FnMut(CaptureId, Notes)) {
        for unfinished in self.assembly.finish() {
            let mut notes = Notes::default();
            let count = unfinished.fragments;
            let text = format!("{count} IP fragments whose datagram is not whole");
            notes.loss(text, Some(Place::Frame(unfinished.first)));
            tell(unfinished.capture, notes);
        }
    }
}

/// An IP packet on some level of a frame.
#[derive(Debug, Clone, Copy)]
struct Found<'a> {
    bytes: &'a [u8],
    wire_len: usize,
    source_mac: Option<[u8; 6]>,
}

/// The long way to a segment, through fragments and tunnels.
struct Way<'a> {
    decap: bool,
    assembly: &'a mut Assembly,
    at: Moment,
    notes: &'a mut Notes,
    /// Tunnels passed through.
    depth: u8,
}

impl Way<'_> {
    #[cold]
    fn ip<'a>(&mut self, found: Found<'a>, whole: &'a mut [Vec<u8>]) -> Result<Segment<'a>, Skipped> {
        self.inside(ip::any(found.bytes, found.wire_len)?, found.source_mac, whole)
    }

    fn inside<'a>(
        &mut self,
        packet: ip::Packet<'a>,
        source_mac: Option<[u8; 6]>,
        whole: &'a mut [Vec<u8>],
    ) -> Result<Segment<'a>, Skipped> {
        if let Some(fragment) = packet.fragment {
            if !self.wants(&packet) {
                return Err(Skipped::NotTcp);
            }
            // A fragment within a tunnel that is not opened: others may be elsewhere.
            if self.depth > 0 && !self.decap {
                return Err(Skipped::Fragment);
            }
            let (buffer, others) = whole.split_first_mut().ok_or(Skipped::Fragment)?;
            let complete = self.assembly.push(&packet, fragment, self.depth, self.at, buffer, self.notes);
            let packet = ip::behind_extensions(complete.ok_or(Skipped::Fragment)?)?;
            return self.inside(packet, source_mac, others);
        }
        if packet.protocol == ip_number::TCP {
            return tcp::segment(&packet.datagram, source_mac);
        }
        let datagram = packet.datagram;
        let inner = tunnel::open(packet.protocol, datagram.payload).ok_or(Skipped::NotTcp)?;
        if self.depth == MAX_TUNNELS {
            let words = "more tunnels within each other than are opened";
            self.notes.loss(words, Some(Place::Frame(self.at.frame.frame)));
            return Err(Skipped::Tunnel);
        }
        self.depth += 1;
        let segment = open_inner(&datagram, inner).and_then(|found| self.ip(found, whole));
        match segment {
            _ if self.decap => segment,
            Ok(_) | Err(Skipped::Fragment | Skipped::Tunnel) => Err(Skipped::Tunnel),
            // What is damaged in there is nobody's loss as long as it is not asked for.
            Err(_) => Err(Skipped::NotTcp),
        }
    }

    /// Whether a fragment may be one of a TCP segment.
    fn wants(&self, packet: &ip::Packet<'_>) -> bool {
        match packet.protocol {
            ip_number::TCP | ip_number::AUTHENTICATION_HEADER | ip_number::IPV6_DESTINATION_OPTIONS => true,
            protocol => self.decap && tunnel::may_carry(protocol),
        }
    }
}

/// The IP packet that `inner`, the content of a tunnel in `datagram`, holds.
fn open_inner<'a>(datagram: &ip::Datagram<'a>, inner: Inner<'a>) -> Result<Found<'a>, Skipped> {
    let packet = match inner.kind {
        InnerKind::Ethernet => link::packet(crate::capture::read::LinkType::ETHERNET, inner.bytes)?,
        InnerKind::EtherType(kind) => {
            link::Packet { bytes: link::ether_payload(kind, inner.bytes)?, source_mac: None }
        }
        InnerKind::Ppp => link::Packet { bytes: link::ppp(inner.bytes)?, source_mac: None },
    };
    let taken = datagram.payload.len() - packet.bytes.len();
    let wire_len = datagram.len.saturating_sub(taken);
    Ok(Found { bytes: packet.bytes, wire_len, source_mac: packet.source_mac })
}

#[cfg(test)]
mod tests;
