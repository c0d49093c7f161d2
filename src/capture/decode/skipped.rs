//! Why a frame holds no usable TCP segment, and how often.

use crate::capture::read::LinkType;
use crate::cite::{Notes, Place};

/// Why a frame was passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Skipped {
    /// Its link type is not read.
    Link(LinkType),
    /// Cut or damaged before its IP header.
    DamagedLink,
    /// It holds no IP (ARP, LLDP, spanning tree ...).
    NotIp,
    /// Cut or damaged within its IP header.
    DamagedIp,
    /// Part of a fragmented IP datagram that is not whole with it.
    Fragment,
    /// In a tunnel, and tunnels are not to be opened.
    Tunnel,
    /// It holds another protocol than TCP.
    NotTcp,
    /// Cut or damaged within its TCP header.
    DamagedTcp,
}

/// Frames passed over, by cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SkippedCounts {
    /// Link types that are not read, with their frames and the first of them, at most
    /// [`Self::MAX_LINKS`].
    pub links: Vec<(LinkType, u64, u32)>,
    /// Frames without IP.
    pub not_ip: u64,
    /// IP datagrams without TCP.
    pub not_tcp: u64,
    /// Fragments of IP datagrams that were not whole with them.
    pub fragments: u64,
    /// Frames with TCP in a tunnel that was not opened, and the first of them.
    pub tunnels: (u64, u32),
    /// Frames cut or damaged in their headers, and the first of them.
    pub damaged: (u64, u32),
}

impl SkippedCounts {
    /// Link types told apart.
    pub const MAX_LINKS: usize = 16;

    /// Counts the frame `number`.
    pub fn add(&mut self, cause: Skipped, number: u32) {
        let tally = match cause {
            Skipped::NotIp => return self.not_ip += 1,
            Skipped::NotTcp => return self.not_tcp += 1,
            Skipped::Link(link) => return self.add_link(link, number),
            Skipped::Fragment => return self.fragments += 1,
            Skipped::Tunnel => &mut self.tunnels,
            Skipped::DamagedLink | Skipped::DamagedIp | Skipped::DamagedTcp => &mut self.damaged,
        };
        if tally.0 == 0 {
            tally.1 = number;
        }
        tally.0 += 1;
    }

    /// All frames passed over.
    pub fn total(&self) -> u64 {
        let links: u64 = self.links.iter().map(|(_, count, _)| count).sum();
        links + self.not_ip + self.not_tcp + self.fragments + self.tunnels.0 + self.damaged.0
    }

    /// What of it cost the reader something.
    pub fn notes(&self) -> Notes {
        let mut notes = Notes::default();
        for &(link, count, first) in &self.links {
            let advice = if link.is_wireless() {
                "a wireless LAN, which is not read: capture on the wired side, or on the appliance"
            } else {
                "which is not read"
            };
            let text = format!("{count} frames of link type {link}, {advice}");
            notes.loss(text, Some(Place::Frame(first)));
        }
        let (tunnels, first) = self.tunnels;
        if tunnels > 0 {
            let text = format!("{tunnels} frames with TCP in tunnels, which --decap reads");
            notes.oddity(text, Some(Place::Frame(first)));
        }
        let (damaged, first) = self.damaged;
        if damaged > 0 {
            let text = format!("{damaged} frames cut or damaged within their headers");
            notes.oddity(text, Some(Place::Frame(first)));
        }
        notes
    }

    fn add_link(&mut self, link: LinkType, number: u32) {
        let known = self.links.iter().position(|(known, ..)| *known == link);
        if known.is_none() && self.links.len() < Self::MAX_LINKS {
            self.links.push((link, 1, number));
            return;
        }
        // Beyond the cap, all further types are counted under the last.
        let place = known.unwrap_or(Self::MAX_LINKS - 1);
        if let Some((_, count, _)) = self.links.get_mut(place) {
            *count += 1;
        }
    }
}
