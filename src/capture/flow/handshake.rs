//! When the parts of the handshake passed the capture point.

use crate::capture::Side;
use crate::capture::segment::Flags;
use crate::time::{Span, Timestamp};

/// The first SYN, SYN-ACK and ACK.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    syn: Option<Timestamp>,
    syn_ack: Option<Timestamp>,
    ack: Option<Timestamp>,
}

impl Handshake {
    /// Takes a segment of `side`; only the first ones matter.
    #[inline]
    pub(super) fn note(&mut self, flags: Flags, side: Side, time: Timestamp) {
        if self.ack.is_some() {
            return;
        }
        if flags.is_syn() {
            self.syn.get_or_insert(time);
        } else if flags.is_syn_ack() {
            self.syn_ack.get_or_insert(time);
        } else if side == Side::Originator && flags.ack() {
            self.ack = Some(time);
        }
    }

    /// The time from the capture point to `side` and back.
    pub(super) fn round_trip_to(&self, side: Side) -> Option<Span> {
        let (sent, answered) = match side {
            Side::Responder => (self.syn?, self.syn_ack?),
            Side::Originator => (self.syn_ack?, self.ack?),
        };
        Some(answered.since(sent))
    }
}
