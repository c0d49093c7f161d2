//! The way from a stream to its flow's conversation.

use crate::capture::stream::Outlet;
use crate::capture::{Chunk, Conversation, Gap, Interest, Side};
use crate::cite::Moment;

/// Hands what comes out of a stream to the conversation, until that has heard enough.
pub(super) struct Out<'a, C> {
    pub(super) conversation: &'a mut C,
    pub(super) interest: &'a mut Interest,
    pub(super) side: Side,
}

impl<C: Conversation> Out<'_, C> {
    fn settle(&mut self, interest: Interest) -> Interest {
        if interest == Interest::HeadersOnly {
            *self.interest = Interest::HeadersOnly;
        }
        *self.interest
    }
}

impl<C: Conversation> Outlet for Out<'_, C> {
    #[inline]
    fn octets(&mut self, chunk: Chunk<'_>) -> Interest {
        if *self.interest == Interest::HeadersOnly {
            return Interest::HeadersOnly;
        }
        let interest = self.conversation.data(self.side, chunk);
        self.settle(interest)
    }

    fn gap(&mut self, gap: Gap) -> Interest {
        if *self.interest == Interest::HeadersOnly {
            return Interest::HeadersOnly;
        }
        let interest = self.conversation.gap(self.side, gap);
        self.settle(interest)
    }

    fn end(&mut self, length: u64, at: Moment, acknowledged: u64) {
        if *self.interest == Interest::Octets {
            self.conversation.end_of_stream(self.side, length, at, acknowledged);
        }
    }
}
