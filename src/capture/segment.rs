//! One TCP segment, and arithmetic on sequence numbers (RFC 9293 sections 3.1 and 3.4).

use crate::net::Endpoint;

/// A sequence or acknowledgment number. Ordered only by distance: the space wraps (RFC 9293
/// section 3.4), so there is no `Ord`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SeqNumber(pub u32);

impl SeqNumber {
    /// The number `octets` further on, wrapping.
    #[must_use]
    pub const fn plus(self, octets: u32) -> Self {
        Self(self.0.wrapping_add(octets))
    }

    /// How far `self` lies beyond `other`: negative where it lies before it. Numbers half the space
    /// apart count as before.
    pub const fn beyond(self, other: Self) -> i64 {
        self.0.wrapping_sub(other.0).cast_signed() as i64
    }

    /// The place of this number in a stream whose octet at `known_offset` has the number `known`:
    /// the one nearest to it of all that are congruent modulo 2^32.
    pub const fn offset_near(self, known: Self, known_offset: i64) -> i64 {
        known_offset.saturating_add(self.beyond(known))
    }
}

/// The control bits of a segment (RFC 9293 section 3.1; CWR and ECE: RFC 3168).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(u8);

impl Flags {
    /// FIN.
    pub const FIN: Self = Self(0x01);
    /// SYN.
    pub const SYN: Self = Self(0x02);
    /// RST.
    pub const RST: Self = Self(0x04);
    /// PSH.
    pub const PSH: Self = Self(0x08);
    /// ACK.
    pub const ACK: Self = Self(0x10);

    /// The low eight bits of the header's flags.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The low eight bits of the header's flags.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// FIN is set.
    pub const fn fin(self) -> bool {
        self.0 & Self::FIN.0 != 0
    }

    /// SYN is set.
    pub const fn syn(self) -> bool {
        self.0 & Self::SYN.0 != 0
    }

    /// RST is set.
    pub const fn rst(self) -> bool {
        self.0 & Self::RST.0 != 0
    }

    /// ACK is set.
    pub const fn ack(self) -> bool {
        self.0 & Self::ACK.0 != 0
    }

    /// SYN without ACK: an opening.
    pub const fn is_syn(self) -> bool {
        self.syn() && !self.ack() && !self.rst()
    }

    /// SYN and ACK: the answer to an opening.
    pub const fn is_syn_ack(self) -> bool {
        self.syn() && self.ack() && !self.rst()
    }
}

/// The TCP options that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpOptions {
    /// Maximum segment size (kind 2, RFC 9293 section 3.7.1).
    pub mss: Option<u16>,
    /// Window scale (kind 3, RFC 7323 section 2).
    pub window_scale: Option<u8>,
    /// SACK-permitted (kind 4, RFC 2018 section 2).
    pub sack_permitted: bool,
    /// Timestamps (kind 8, RFC 7323 section 3): TSval and TSecr.
    pub timestamps: Option<(u32, u32)>,
}

/// What the TCP checksum says of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksum {
    /// It is right.
    Good,
    /// It is wrong: damage, a forgery, or a host that leaves it to its network card.
    Bad,
    /// It cannot be checked: the frame was cut, or merged from several by the capturing host.
    #[default]
    Unchecked,
}

/// One TCP segment as captured.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// Who sent it, by its source address.
    pub source: Endpoint,
    /// Who it is for.
    pub destination: Endpoint,
    /// Sequence number of its first octet (of its SYN, where it has one).
    pub seq: SeqNumber,
    /// Acknowledgment number; means nothing without ACK.
    pub ack: SeqNumber,
    /// Control bits.
    pub flags: Flags,
    /// Raw window.
    pub window: u16,
    /// What was captured of its payload.
    pub payload: &'a [u8],
    /// Octets of payload on the wire, by the IP header.
    pub payload_len: u32,
    /// Options.
    pub options: TcpOptions,
    /// The options as they stand in the header, for their order.
    pub raw_options: &'a [u8],
    /// TTL or hop limit.
    pub ttl: u8,
    /// DSCP and ECN octet.
    pub traffic_class: u8,
    /// IP identification; `None` for IPv6.
    pub ip_id: Option<u16>,
    /// Ethernet source address, where there is one.
    pub source_mac: Option<[u8; 6]>,
    /// What its checksum says.
    pub checksum: Checksum,
    /// The Internet checksum of its payload (RFC 1071, not complemented), to tell copies apart;
    /// `None` where the payload is not whole.
    pub payload_sum: Option<u16>,
}

impl Segment<'_> {
    /// Octets of sequence space that it takes up: payload, SYN and FIN (RFC 9293 section 3.4,
    /// SEG.LEN). The payload of an RST is a remark, no part of the stream (RFC 9293 section 3.5.3).
    pub const fn seq_len(&self) -> u32 {
        let payload = if self.flags.rst() { 0 } else { self.payload_len };
        payload.wrapping_add(self.flags.syn() as u32).wrapping_add(self.flags.fin() as u32)
    }

    /// Octets of stream that it claims to bring.
    pub const fn stream_len(&self) -> u32 {
        if self.flags.rst() { 0 } else { self.payload_len }
    }

    /// Sequence number of its first payload octet.
    pub const fn payload_seq(&self) -> SeqNumber {
        self.seq.plus(self.flags.syn() as u32)
    }

    /// The option kinds in their order, at most [`Self::MAX_OPTION_KINDS`].
    pub fn option_kinds(&self) -> Vec<u8> {
        let mut kinds = Vec::new();
        let mut rest = self.raw_options;
        while let [kind, after @ ..] = rest {
            if kinds.len() == Self::MAX_OPTION_KINDS {
                break;
            }
            kinds.push(*kind);
            rest = match (kind, after) {
                (0, _) => break,
                (1, _) => after,
                (_, [length, ..]) if *length >= 2 => rest.get(usize::from(*length)..).unwrap_or_default(),
                _ => break,
            };
        }
        kinds
    }

    /// The first SACK block (kind 5): its left and right edge (RFC 2018 section 3).
    pub fn first_sack_block(&self) -> Option<(u32, u32)> {
        let mut rest = self.raw_options;
        while let [kind, after @ ..] = rest {
            rest = match (kind, after) {
                (0, _) => return None,
                (1, _) => after,
                (5, [_, a, b, c, d, e, f, g, h, ..]) => {
                    return Some((
                        u32::from_be_bytes([*a, *b, *c, *d]),
                        u32::from_be_bytes([*e, *f, *g, *h]),
                    ));
                }
                (_, [length, ..]) if *length >= 2 => rest.get(usize::from(*length)..).unwrap_or_default(),
                _ => return None,
            };
        }
        None
    }

    /// Option kinds kept of a SYN.
    pub const MAX_OPTION_KINDS: usize = 16;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_wrap() {
        assert_eq!(SeqNumber(5).beyond(SeqNumber(u32::MAX)), 6);
        assert_eq!(SeqNumber(u32::MAX).beyond(SeqNumber(5)), -6);
        assert_eq!(SeqNumber(3).plus(u32::MAX), SeqNumber(2));
        let far = 5_000_000_000;
        assert_eq!(SeqNumber(10).offset_near(SeqNumber(20), far), far - 10);
        assert_eq!(SeqNumber(0x8000_0000).beyond(SeqNumber(0)), -0x8000_0000);
    }

    #[test]
    fn syn_ack_is_not_any_of_its_bits() {
        assert!(!Flags::SYN.is_syn_ack() && !Flags::ACK.is_syn_ack());
        assert!(Flags::SYN.with(Flags::ACK).is_syn_ack());
        assert!(Flags::SYN.is_syn());
    }
}
