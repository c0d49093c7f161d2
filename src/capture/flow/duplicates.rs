//! Frames that the capture holds twice: a mirror port that sees a packet on its way in and out, a
//! VLAN and its parent interface, bonded ports. A copy says nothing new, and must not be taken for
//! a retransmission or for a burst of resets.
//!
//! The reset by which a host answers a packet of a connection that it does not know has no IP ID and no timestamp
//! (RFC 9293 section 3.10.7.1): it answers each packet by one, and those are alike. They are no copies; and that a copy of
//! one counts as another says no more than the first.
//!
//! A packet that was sent again is told from a copy by what its sender changes: a new IP ID, a new
//! timestamp, and above all the time that TCP waits before it sends again.

use crate::capture::segment::Segment;
use crate::time::{Span, Timestamp};

/// How far apart the two frames of one packet may lie where its IP ID says that it is the same:
/// interfaces are read in turns, of some milliseconds each.
const WITHIN: Span = Span::from_millis(50);

/// The same for packets without an IP ID (IPv6, or 0 throughout): far less than the shortest
/// retransmission time-out of any system (200 ms), and than the duplicate ACKs of one flight take
/// to call for a fast one (RFC 5681 section 3.2).
const WITHIN_WITHOUT_ID: Span = Span::from_millis(1);

/// Packets of a direction that a copy may lie behind.
const REMEMBERED: usize = 4;

/// The last packets of one direction.
#[derive(Debug, Default)]
pub(super) struct Duplicates {
    recent: [Option<Packet>; REMEMBERED],
    newest: u8,
}

/// What is the same in a packet and its copy. A router between two capture points would take one
/// from the TTL, but then the two are not one packet at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fingerprint {
    seq: u32,
    ack: u32,
    payload_len: u32,
    timestamps: Option<(u32, u32)>,
    payload_sum: Option<u16>,
    ip_id: Option<u16>,
    window: u16,
    flags: u8,
    ttl: u8,
}

#[derive(Debug, Clone, Copy)]
struct Packet {
    is: Fingerprint,
    time: Timestamp,
}

impl Duplicates {
    /// Whether `segment` is a copy of one just before it; remembers it if not.
    #[inline]
    pub(super) fn is_copy(&mut self, segment: &Segment<'_>, time: Timestamp) -> bool {
        let numbered = segment.ip_id.is_some_and(|id| id != 0);
        if segment.flags.rst() && !segment.flags.ack() && !numbered {
            return false;
        }
        let is = Fingerprint {
            seq: segment.seq.0,
            ack: segment.ack.0,
            payload_len: segment.payload_len,
            timestamps: segment.options.timestamps,
            payload_sum: segment.payload_sum,
            ip_id: segment.ip_id,
            window: segment.window,
            flags: segment.flags.bits(),
            ttl: segment.ttl,
        };
        // A keep-alive probe and a zero-window probe are sent again on purpose, but seconds apart.
        let within = if numbered { WITHIN } else { WITHIN_WITHOUT_ID };
        let known = self
            .recent
            .iter()
            .flatten()
            .any(|packet| packet.is == is && time.since(packet.time).abs() <= within);
        if !known {
            self.newest = (self.newest + 1) % REMEMBERED as u8;
            if let Some(slot) = self.recent.get_mut(usize::from(self.newest)) {
                *slot = Some(Packet { is, time });
            }
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::segment::{Checksum, Flags, SeqNumber, TcpOptions};
    use crate::net::Endpoint;

    fn segment(ip_id: Option<u16>) -> Segment<'static> {
        let end = |port| Endpoint::new(std::net::Ipv4Addr::LOCALHOST.into(), port);
        Segment {
            source: end(40_000),
            destination: end(25),
            seq: SeqNumber(7),
            ack: SeqNumber(9),
            flags: Flags::ACK,
            window: 500,
            payload: b"text",
            payload_len: 4,
            options: TcpOptions::default(),
            raw_options: &[],
            ttl: 62,
            traffic_class: 0,
            ip_id,
            source_mac: None,
            checksum: Checksum::Good,
            payload_sum: Some(3),
        }
    }

    fn is_copy(first: &Segment<'_>, second: &Segment<'_>, micros: i64) -> bool {
        let mut duplicates = Duplicates::default();
        assert!(!duplicates.is_copy(first, Timestamp::default()));
        duplicates.is_copy(second, Timestamp::default().plus(Span::from_nanos(micros * 1000)))
    }

    #[test]
    fn a_copy_is_told_from_what_was_sent_again() {
        let numbered = segment(Some(5));
        assert!(is_copy(&numbered, &numbered, 49_000));
        assert!(!is_copy(&numbered, &numbered, 200_000), "the shortest retransmission time-out");
        assert!(!is_copy(&numbered, &segment(Some(6)), 10), "a new IP ID");
        for bare in [segment(Some(0)), segment(None)] {
            assert!(is_copy(&bare, &bare, 900));
            assert!(!is_copy(&bare, &bare, 2_000));
        }
    }

    #[test]
    fn a_closed_host_answers_each_packet_by_one_and_the_same_reset() {
        for (ip_id, copied) in [(Some(0), false), (None, false), (Some(5), true)] {
            let bare = Segment { flags: Flags::RST, ..segment(ip_id) };
            assert_eq!(is_copy(&bare, &bare, 30), copied, "{ip_id:?}");
        }
        let active = Segment { flags: Flags::RST.with(Flags::ACK), ..segment(Some(0)) };
        assert!(is_copy(&active, &active, 30));
    }

    #[test]
    fn packets_that_differ_in_a_header_are_no_copies() {
        let one = segment(Some(5));
        let others = [
            Segment { ttl: 63, ..one },
            Segment { window: 501, ..one },
            Segment { flags: Flags::RST, ..one },
            Segment { ack: SeqNumber(10), ..one },
            Segment { payload_sum: Some(4), ..one },
        ];
        for other in others {
            assert!(!is_copy(&one, &other, 10), "{other:?}");
        }
    }
}
