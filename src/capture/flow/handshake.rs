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
    syn_repeated: bool,
    syn_ack_repeated: bool,
}

impl Handshake {
    /// Takes a segment of `side`; only the first ones matter.
    #[inline]
    pub(super) fn note(&mut self, flags: Flags, side: Side, time: Timestamp) {
        if self.ack.is_some() {
            return;
        }
        if flags.is_syn() {
            self.syn_repeated |= self.syn.is_some();
            self.syn.get_or_insert(time);
        } else if flags.is_syn_ack() {
            self.syn_ack_repeated |= self.syn_ack.is_some();
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

    /// [`Self::round_trip_to`], where it can be told which copy was answered.
    pub(super) fn measured_to(&self, side: Side) -> Option<Span> {
        let repeated = match side {
            Side::Responder => self.syn_repeated,
            Side::Originator => self.syn_ack_repeated,
        };
        self.round_trip_to(side).filter(|took| !repeated && *took >= Span::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_is_split_at_the_capture_point() {
        let at = |millis| Timestamp::from_parts(100, 0).plus(Span::from_millis(millis));
        let syn_ack = Flags::SYN.with(Flags::ACK);
        let mut clean = Handshake::default();
        clean.note(Flags::SYN, Side::Originator, at(0));
        clean.note(syn_ack, Side::Responder, at(3));
        clean.note(Flags::ACK, Side::Originator, at(10));
        assert_eq!(clean.measured_to(Side::Responder), Some(Span::from_millis(3)));
        assert_eq!(clean.measured_to(Side::Originator), Some(Span::from_millis(7)));

        let mut repeated = Handshake::default();
        repeated.note(Flags::SYN, Side::Originator, at(0));
        repeated.note(Flags::SYN, Side::Originator, at(1000));
        repeated.note(syn_ack, Side::Responder, at(1003));
        repeated.note(Flags::ACK, Side::Originator, at(1010));
        assert_eq!(repeated.measured_to(Side::Responder), None);
        assert_eq!(repeated.measured_to(Side::Originator), Some(Span::from_millis(7)));

        let mut alone = Handshake::default();
        alone.note(Flags::ACK, Side::Originator, at(0));
        assert_eq!(alone.measured_to(Side::Originator), None);
    }
}
