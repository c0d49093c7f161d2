//! Which flow is due next, without looking at all of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::Timestamp;

/// A slot of the table, with the serial number of the flow that lay in it then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket {
    pub(super) serial: u64,
    pub(super) slot: usize,
}

/// Tickets by the time at which to look at their flow again. A flow that was active since is put
/// back for later, so that activity itself costs nothing here.
#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<(Timestamp, Ticket)>>,
}

impl Queue {
    pub(super) fn push(&mut self, at: Timestamp, ticket: Ticket) {
        self.heap.push(Reverse((at, ticket)));
    }

    /// The first ticket due by `now`.
    #[inline]
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<Ticket> {
        match self.heap.peek() {
            Some(Reverse((at, _))) if *at <= now => self.pop(),
            _ => None,
        }
    }

    /// The first ticket.
    pub(super) fn pop(&mut self) -> Option<Ticket> {
        self.heap.pop().map(|Reverse((_, ticket))| ticket)
    }
}
