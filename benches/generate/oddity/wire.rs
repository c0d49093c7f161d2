//! An IP packet as it lies in the file: with extension headers, in fragments, through a tunnel, on a link, twice.

use super::link::Link;
use super::packet::{DESTINATION_OPTIONS, Fragments, HOP_BY_HOP, extended, parts};
use super::tunnel::{Tunnel, tunnelled};
use super::{Family, Oddities, Oddity};
use crate::generate::options;

/// The fragments of [`Oddity::Fragments`].
const FRAGMENTS: Fragments = Fragments { units: 60, rotated: 0, backwards: true, twice: 2 };
/// SNAP takes eight of the 1500 octets that a frame with a length may have (IEEE 802.3 section 3.2.6).
const FITTING_SNAP: Fragments = Fragments { units: 100, rotated: 0, backwards: false, twice: 0 };

/// What becomes of every packet.
#[derive(Debug)]
pub(crate) struct Wire {
    /// The links of the file's interfaces.
    links: Vec<Link>,
    extensions: bool,
    fragments: Option<Fragments>,
    tunnel: Option<Tunnel>,
    /// Every frame comes once more, on this link if it is another.
    again: Option<Option<Link>>,
    id: u16,
}

impl Wire {
    /// Nothing, where packets go as usual.
    pub(crate) fn new(oddities: &Oddities, link: options::Link) -> Option<Self> {
        let packets = [Family::Link, Family::Tunnel, Family::Packet];
        let sections = oddities.has(Oddity::Sections);
        if !sections && !oddities.iter().any(|oddity| packets.contains(&oddity.family())) {
            return None;
        }
        let usual = match link {
            options::Link::Ethernet => Link::Ethernet(0),
            options::Link::Raw => Link::Raw,
            options::Link::Cooked => Link::Cooked,
        };
        let link = oddities.iter().find_map(Oddity::link).unwrap_or(usual);
        let again = match (oddities.has(Oddity::VlanAndParent), oddities.has(Oddity::Mirror)) {
            (true, _) => Some(Some(Link::Ethernet(0))),
            (false, true) => Some(None),
            _ => None,
        };
        // Frames that are there twice are on one interface.
        let links = match sections && again.is_none() {
            true => vec![link, Link::Raw, Link::Cooked],
            false => vec![link],
        };
        Some(Self {
            links,
            extensions: oddities.has(Oddity::Extensions),
            fragments: match oddities.has(Oddity::Fragments) {
                true => Some(FRAGMENTS),
                false => (link == Link::Snap).then_some(FITTING_SNAP),
            },
            tunnel: oddities.iter().find_map(Oddity::tunnel),
            again,
            id: 0,
        })
    }

    /// The numbers of its interfaces' links.
    pub(crate) fn links(&self) -> Vec<u16> {
        self.links.iter().map(|link| link.number()).collect()
    }

    /// The packets that go over the wire for one, in fragments where it is cut, and which of them makes it whole.
    pub(crate) fn packets(&mut self, packet: &[u8]) -> (Vec<Vec<u8>>, usize) {
        let mut packet = packet.to_vec();
        if self.extensions {
            packet = extended(packet, DESTINATION_OPTIONS);
        }
        let mut packets = parts(packet, self.fragments, &mut self.id);
        let completing = last_new(&packets);
        for packet in &mut packets {
            if self.extensions {
                *packet = extended(std::mem::take(packet), HOP_BY_HOP);
            }
            if let Some(tunnel) = self.tunnel {
                self.id = self.id.wrapping_add(1);
                *packet = tunnelled(packet, tunnel, false, self.id);
            }
        }
        (packets, completing)
    }

    /// The frames of a packet on an interface: one, or two.
    pub(crate) fn frames(&self, packet: &[u8], macs: &[u8], interface: usize) -> Vec<Vec<u8>> {
        let link = self.links[interface % self.links.len()];
        let mut frames = vec![link.framed(packet, macs)];
        if let Some(other) = self.again {
            frames.push(other.unwrap_or(link).framed(packet, macs));
        }
        frames
    }
}

/// The last packet that is not a copy of an earlier one: with it, the packet is whole.
pub(crate) fn last_new(packets: &[Vec<u8>]) -> usize {
    let is_new = |place: &usize| !packets[..*place].contains(&packets[*place]);
    (0..packets.len()).rev().find(is_new).unwrap_or(0)
}
