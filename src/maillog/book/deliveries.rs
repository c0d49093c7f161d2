//! What became of messages on the connections that they went out over.

use super::Book;
use crate::maillog::Stamp;
use crate::maillog::event::Fact;

impl Book<'_> {
    /// A line that names a DCID and a MID: what became of the message there.
    pub(super) fn take_delivery(&mut self, shelf: usize, slot: u32, mid: u64, stamp: Stamp, fact: &Fact<'_>) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        connection.take_delivery(mid, stamp, fact, &mut self.file.notes);
        if let (Fact::DeliveryStarted, Some(shelf)) = (fact, self.shelves.get_mut(shelf)) {
            shelf.delivering.insert(mid, slot);
        }
    }

    /// The remote server's words name the MID alone: they belong to its last delivery.
    pub(super) fn take_response(&mut self, shelf: usize, mid: u64, stamp: Stamp, fact: &Fact<'_>) {
        let slot = self.shelves.get(shelf).and_then(|shelf| shelf.delivering.get(&mid)).copied();
        if let Some(connection) = slot.and_then(|slot| self.connections.get_mut(slot))
            && connection.delivers(mid)
        {
            connection.take_delivery(mid, stamp, fact, &mut self.file.notes);
        }
    }
}
