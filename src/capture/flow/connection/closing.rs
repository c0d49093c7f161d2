//! FINs and RSTs of one flow, as they arrive.

use super::Connection;
use crate::capture::close::{Arrival, SignOfLife};
use crate::capture::flow::outlet::Out;
use crate::capture::segment::Segment;
use crate::capture::{CloseKind, Conversation, Side};
use crate::cite::Moment;

impl<C: Conversation> Connection<C> {
    /// Looks for a FIN or RST in the segment, or for a sign that an earlier one had no effect.
    pub(super) fn take_close(
        &mut self,
        segment: &Segment<'_>,
        side: Side,
        offset: i64,
        at: Moment,
        acked_now: Option<i64>,
    ) {
        let flags = segment.flags;
        if flags.rst() {
            let arrival = self.arrival(CloseKind::Rst, side, at, offset, acked_now);
            return self.closes.close(arrival, self.handshake.round_trip_to(side.other()));
        }
        if self.closes.any() && !flags.syn() {
            let pure_ack = segment.seq_len() == 0;
            self.closes.life(SignOfLife { by: side, at, acknowledged: acked_now, pure_ack });
        }
        if flags.fin() {
            let before = segment.seq_len().saturating_sub(1);
            self.take_fin(side, offset.saturating_add(before.into()), at, acked_now);
        }
        if self.closed_at.is_none() && self.both_fins_acked() {
            self.closed_at = Some(at.time);
        }
    }

    fn take_fin(&mut self, side: Side, offset: i64, at: Moment, acked_now: Option<i64>) {
        let arrival = self.arrival(CloseKind::Fin, side, at, offset, acked_now);
        self.closes.close(arrival, self.handshake.round_trip_to(side.other()));
        let reach = self.ends.of(side.other()).reach();
        let Self { ends, conversation, interest, .. } = self;
        let end = ends.of_mut(side);
        if (0..=end.edge(reach)).contains(&offset) {
            end.fin = Some(end.fin.map_or(offset, |known| known.min(offset)));
            end.sent = end.sent.max(offset.saturating_add(1));
        }
        end.stream.end_at(offset, at, end.acknowledges, &mut Out { conversation, interest, side });
    }

    fn arrival(&self, kind: CloseKind, by: Side, at: Moment, offset: i64, acked_now: Option<i64>) -> Arrival {
        let (end, other) = (self.ends.of(by), self.ends.of(by.other()));
        Arrival {
            kind,
            by,
            at,
            offset,
            acknowledged: acked_now.map(|acked| u64::try_from(acked).unwrap_or(0)),
            sent: end.sent,
            acked: end.acked.cast_signed(),
            refuses: end.isn.is_none() && end.sent == 0 && other.isn.is_some(),
        }
    }

    fn both_fins_acked(&self) -> bool {
        [&self.ends.originator, &self.ends.responder]
            .iter()
            .all(|end| end.fin.is_some_and(|fin| end.acked.cast_signed() > fin))
    }
}
