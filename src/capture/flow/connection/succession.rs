//! Where one connection ends and the next on the same ports begins.

use super::Connection;
use crate::capture::flow::key::Sender;
use crate::capture::segment::{Segment, SeqNumber};
use crate::capture::{Conversation, Side};

/// How far from the expected number a SYN must be to begin a new connection although the old one
/// was not seen to close; nearer ones may be forged or astray (RFC 5961 section 4).
const FAR_ISN: i64 = 1 << 20;

impl<C: Conversation> Connection<C> {
    /// Whether `segment` cannot belong to this connection but opens a new one on the same ports.
    #[inline]
    pub(in crate::capture::flow) fn is_succeeded_by(&self, segment: &Segment<'_>, sender: Sender) -> bool {
        if !segment.flags.syn() || segment.flags.rst() {
            return false;
        }
        let side = self.side_of(sender);
        let end = self.ends.of(side);
        match (end.isn, end.beginning) {
            (Some(isn), _) if isn == segment.seq => false,
            _ if self.is_late_answer(segment, side) => false,
            (None, Some(beginning)) if beginning == segment.seq.plus(1) => false,
            (None, None) => false,
            _ => self.closes.any() || end.offset_of(segment.seq).saturating_sub(end.sent).abs() > FAR_ISN,
        }
    }

    /// Whether a SYN-ACK answers this connection's SYN although the beginning of its stream had been
    /// guessed otherwise: from the challenge ACK of an older connection, or an earlier SYN cookie.
    pub(super) fn is_late_answer(&self, segment: &Segment<'_>, side: Side) -> bool {
        let end = self.ends.of(side);
        let asked = self.ends.of(side.other()).isn;
        segment.flags.is_syn_ack()
            && asked.is_some_and(|isn| segment.ack == isn.plus(1))
            && end.acked == 0
            && end.stream.is_untouched()
    }

    /// The next numbers of both ends, lower end of the key first, to know stragglers by.
    pub(in crate::capture::flow) fn next_numbers(&self) -> [Option<SeqNumber>; 2] {
        let next = |sender| {
            let end = self.ends.of(self.side_of(sender));
            end.beginning.map(|beginning| beginning.plus(end.sent.max(0) as u32))
        };
        [next(Sender::Lower), next(Sender::Higher)]
    }
}
