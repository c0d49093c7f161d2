//! The packets of one connection on one side, one bounded record each.

use crate::capture::segment::{Checksum, Flags, Segment};
use crate::cite::Moment;
use crate::net::Endpoint;
use crate::time::{Span, Timestamp};

/// One packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// When and where.
    pub at: Moment,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number.
    pub ack: u32,
    /// Octets of payload.
    pub payload: u32,
    /// The sum of its payload; `None` where it is not whole or the packet is damaged.
    pub sum: Option<u16>,
    /// IP identification.
    pub ip_id: Option<u16>,
    /// TSval of its timestamps option.
    pub stamp: Option<u32>,
    /// TCP flags.
    pub flags: Flags,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Whether it bears the sender's address.
    pub by_sender: bool,
}

impl Packet {
    pub(super) fn of(segment: &Segment<'_>, at: Moment, by_sender: bool) -> Self {
        Self {
            at,
            seq: segment.seq.0,
            ack: segment.ack.0,
            payload: segment.stream_len(),
            sum: segment.payload_sum.filter(|_| segment.checksum != Checksum::Bad),
            ip_id: segment.ip_id,
            stamp: segment.options.timestamps.map(|(value, _)| value),
            flags: segment.flags,
            ttl: segment.ttl,
            by_sender,
        }
    }

    /// Whether it has something by which to know it: lone acknowledgments have not.
    pub(super) const fn is_telling(&self) -> bool {
        self.payload > 0 || self.flags.syn() || self.is_close()
    }

    /// A FIN or an RST.
    pub(super) const fn is_close(&self) -> bool {
        self.flags.fin() || self.flags.rst()
    }
}

/// What a SYN tells of the stack that made it. The MSS is left out: routers lower it on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Its window.
    pub window: u16,
    /// Its window scale.
    pub window_scale: Option<u8>,
    /// The kinds of its options in their order.
    pub options: Vec<u8>,
}

/// The packets of one connection on one side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tape {
    /// In the order of the file.
    pub packets: Vec<Packet>,
    /// What the SYNs look like: the sender's, the appliance's.
    pub looks: [Option<Look>; 2],
    /// The ends as captured here: the sender's, the appliance's.
    pub ends: Option<[Endpoint; 2]>,
    /// Packets were left out: too many, or those of two connections cannot be told apart.
    pub cut: bool,
}

impl Tape {
    /// Packets kept of one connection.
    pub const MAX_PACKETS: usize = 65_536;
    /// How far behind their order a capture of several interfaces may have its frames.
    const OUT_OF_ORDER: Span = Span::from_millis(100);
    /// Packets kept in all.
    pub const MAX_TOTAL: usize = 2_000_000;

    pub(super) fn push(&mut self, segment: &Segment<'_>, at: Moment, by_sender: bool, total: &mut usize) {
        if self.packets.len() >= Self::MAX_PACKETS || *total >= Self::MAX_TOTAL {
            self.cut = true;
            return;
        }
        let (one, other) = (segment.source, segment.destination);
        self.ends.get_or_insert(if by_sender { [one, other] } else { [other, one] });
        if segment.flags.syn() {
            let [sender, appliance] = &mut self.looks;
            let look = if by_sender { sender } else { appliance };
            look.get_or_insert_with(|| Look {
                window: segment.window,
                window_scale: segment.options.window_scale,
                options: segment.option_kinds(),
            });
        }
        self.packets.push(Packet::of(segment, at, by_sender));
        *total += 1;
    }

    /// The number of an end's SYN; `None` too where the ports were used again and its SYNs bear several.
    pub(super) fn isn(&self, by_sender: bool) -> Option<u32> {
        let own = self.packets.iter().filter(|packet| packet.by_sender == by_sender);
        let mut numbers = own.filter(|packet| packet.flags.syn()).map(|packet| packet.seq);
        let first = numbers.next()?;
        numbers.all(|number| number == first).then_some(first)
    }

    /// The sender's SYN of this very connection is at `begin` and has the number `isn`: forgets what was there
    /// before it, for that is an earlier connection's between the same ports.
    pub(super) fn begin_at(&mut self, begin: Timestamp, isn: u32, total: &mut usize) {
        if self.packets.is_empty() || self.isn(true) == Some(isn) {
            return;
        }
        let before = self.packets.len();
        self.packets.retain(|packet| packet.at.time >= begin.minus(Self::OUT_OF_ORDER));
        if self.packets.len() < before {
            self.looks = [None, None];
            self.cut &= !self.packets.is_empty();
        }
        *total = total.saturating_sub(before - self.packets.len());
    }
}
