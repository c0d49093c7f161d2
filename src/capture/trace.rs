//! The bounded record of a flow's headers, for those who ask later who sent what.
//!
//! Kept: the handshake with its options; per direction the spread of TTL, IP ID, timestamps and
//! window; the last 64 segment headers; every header after the first close up to a cap; the
//! distinct ACK values that each end sent of late.

use std::collections::VecDeque;
use std::net::IpAddr;

use crate::capture::Pair;
use crate::capture::decode::IcmpKind;
use crate::capture::segment::{Checksum, Flags, SeqNumber};
use crate::cite::Moment;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// The SYN of the originator and the SYN-ACK of the responder, where captured.
    pub handshake: Pair<Option<SynFacts>>,
    /// What each direction's headers looked like over the whole flow.
    pub habits: Pair<HeaderHabits>,
    /// The last [`Self::MAX_RECENT`] headers up to the first close.
    pub recent: VecDeque<SegmentHeader>,
    /// The first [`Self::MAX_AFTER_CLOSE`] headers from the first FIN or RST on.
    pub after_close: Vec<SegmentHeader>,
    /// Headers after the first close that were not kept.
    pub after_close_dropped: u64,
    /// The last [`Self::MAX_ACKS`] distinct ACK numbers each end sent, oldest first.
    pub recent_acks: Pair<VecDeque<u32>>,
    /// The first [`Self::MAX_ERRORS`] ICMP errors about its segments.
    pub errors: Vec<ErrorNotice>,
}

/// An ICMP error about one of a flow's segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorNotice {
    /// When and where.
    pub at: Moment,
    /// Who says so.
    pub from: IpAddr,
    /// What is said.
    pub kind: IcmpKind,
    /// Whose segment it is about.
    pub about: super::Side,
    /// That segment's sequence number.
    pub seq: u32,
}

impl Trace {
    /// ICMP errors kept.
    pub const MAX_ERRORS: usize = 16;
    /// Headers kept before the first close.
    pub const MAX_RECENT: usize = 64;
    /// Headers kept after it.
    pub const MAX_AFTER_CLOSE: usize = 256;
    /// Distinct ACK numbers kept for each end.
    pub const MAX_ACKS: usize = 32;

    /// Gives back what lists had in reserve.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.recent.shrink_to_fit();
        self.after_close.shrink_to_fit();
        self.recent_acks.originator.shrink_to_fit();
        self.recent_acks.responder.shrink_to_fit();
    }

    pub(crate) fn flipped(self) -> Self {
        let flip = |header: SegmentHeader| SegmentHeader { by: header.by.other(), ..header };
        let turn = |error: ErrorNotice| ErrorNotice { about: error.about.other(), ..error };
        Self {
            handshake: self.handshake.swapped(),
            habits: self.habits.swapped(),
            recent: self.recent.into_iter().map(flip).collect(),
            after_close: self.after_close.into_iter().map(flip).collect(),
            recent_acks: self.recent_acks.swapped(),
            errors: self.errors.into_iter().map(turn).collect(),
            ..self
        }
    }
}

/// A SYN or SYN-ACK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SynFacts {
    /// When and where.
    pub at: Moment,
    /// Its initial sequence number.
    pub isn: u32,
    /// Its TTL or hop limit.
    pub ttl: u8,
    /// Its window, unscaled by definition (RFC 7323 section 2.2).
    pub window: u16,
    /// Maximum segment size option.
    pub mss: Option<u16>,
    /// Window scale option.
    pub window_scale: Option<u8>,
    /// SACK-permitted option.
    pub sack_permitted: bool,
    /// Timestamps option: TSval.
    pub timestamp: Option<u32>,
    /// Option kinds in their order, at most 16.
    pub option_order: Vec<u8>,
    /// SYNs or SYN-ACKs like this one that followed.
    pub repeats: u32,
}

/// What one direction's headers looked like (SYNs and RSTs left out of the spreads).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderHabits {
    /// TTL or hop limit and how often: the first eight distinct values.
    pub ttls: Vec<(u8, u64)>,
    /// Steps from one IP ID to the next that were 1 to 8 (a counter), modulo 65,536.
    pub ip_id_small_steps: u64,
    /// Other steps.
    pub ip_id_other_steps: u64,
    /// The last IP ID; `None` for IPv6.
    pub last_ip_id: Option<u16>,
    /// The first and last TSval with their segments.
    pub first_timestamp: Option<(u32, Moment)>,
    /// See [`Self::first_timestamp`].
    pub last_timestamp: Option<(u32, Moment)>,
    /// Segments without a timestamps option.
    pub without_timestamp: u64,
    /// Smallest raw window.
    pub min_window: Option<u16>,
    /// Largest raw window.
    pub max_window: Option<u16>,
    /// Largest payload in octets.
    pub max_payload: u32,
    /// Segments whose TCP checksum was wrong (where it could be checked).
    pub bad_checksums: u64,
}

/// One segment's headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    /// When and where.
    pub at: Moment,
    /// Whose address it bears.
    pub by: super::Side,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number; meaningful where `flags` has ACK.
    pub ack: u32,
    /// TCP flags.
    pub flags: Flags,
    /// Raw window.
    pub window: u16,
    /// Payload octets by the IP header, also where the snaplen cut them.
    pub payload: u32,
    /// TTL or hop limit.
    pub ttl: u8,
    /// DSCP and ECN octet.
    pub traffic_class: u8,
    /// IP identification; `None` for IPv6.
    pub ip_id: Option<u16>,
    /// TSval and TSecr.
    pub timestamps: Option<(u32, u32)>,
    /// The first SACK block: its left and right edge (RFC 2018 section 3).
    pub sack: Option<(u32, u32)>,
    /// What its TCP checksum says.
    pub checksum: Checksum,
    /// The Ethernet source address, where there is one.
    pub source_mac: Option<[u8; 6]>,
}

impl SegmentHeader {
    /// The number behind its last octet, SYN and FIN counted (RFC 9293 section 3.4).
    pub const fn behind(&self) -> SeqNumber {
        let payload = if self.flags.rst() { 0 } else { self.payload };
        SeqNumber(self.seq).plus(payload).plus(self.flags.syn() as u32).plus(self.flags.fin() as u32)
    }
}
