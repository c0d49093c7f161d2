//! Lines that name a message and not the connection that it came over.

use super::shelf::{Entry, Home};
use super::{Book, REUSED_AFTER};
use crate::maillog::Stamp;
use crate::maillog::connection::OpenMessage;
use crate::maillog::event::{Abort, Fact};

impl Book<'_> {
    /// Whether a line that bears the id of this orphan means another message.
    pub(super) fn is_another_message(&mut self, orphan: u32, stamp: Stamp) -> bool {
        self.orphans.get_mut(orphan).is_none_or(|orphan| {
            stamp.time.wall_seconds() - orphan.facts.last.time.wall_seconds() > REUSED_AFTER
        })
    }

    /// A line that names a message and no ICID.
    pub(super) fn take_message(&mut self, shelf: usize, mid: u64, stamp: Stamp, fact: &Fact<'_>) {
        if let Fact::Aborted(Abort::Policy(_)) = fact {
            self.log.left_out.policy_aborts += 1;
        }
        if let Fact::Derived { mid: derived, .. } = fact {
            self.leave_out(shelf, *derived);
        }
        if self.with_delivery
            && let Fact::Response(_) = fact
        {
            self.take_response(shelf, mid, stamp, fact);
        }
        let home = self.shelves.get(shelf).and_then(|shelf| shelf.messages.get(&mid)).copied();
        let under_a_head = self.clock.serial(&self.log).is_some();
        match home {
            Some(Home::Connection { slot, index }) => {
                if let Some(connection) = self.connections.get_mut(slot) {
                    Self::touch(&mut connection.life, self.tick, under_a_head);
                    connection.take_for(index, stamp, fact, &mut self.file.notes);
                }
            }
            Some(Home::Orphan(slot)) => {
                if let Some(orphan) = self.orphans.get_mut(slot) {
                    Self::touch(&mut orphan.life, self.tick, under_a_head);
                    orphan.take(stamp, fact, &mut self.file.notes);
                }
            }
            Some(Home::None) => {}
            None if fact.is_of_reception() => self.take_orphan(shelf, mid, stamp, fact),
            None => {}
        }
    }

    fn take_orphan(&mut self, shelf: usize, mid: u64, stamp: Stamp, fact: &Fact<'_>) {
        let mut orphan = OpenMessage::new(mid, stamp, self.life(shelf));
        orphan.take(stamp, fact, &mut self.file.notes);
        let Some(slot) = self.orphans.insert(orphan) else { return };
        if let Some(shelf) = self.shelves.get_mut(shelf) {
            shelf.messages.insert(mid, Home::Orphan(slot));
        }
        self.wait_for(Entry::Orphan(slot), self.tick);
    }
}
