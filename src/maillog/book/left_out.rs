//! What came over no connection: bounces, splits, copies, digests, refused hosts.

use super::Book;
use super::shelf::Home;
use crate::maillog::event::Fact;
use crate::maillog::{PolicyAction, Stamp};

/// Messages that came over no connection, of which the ids are remembered.
const MAX_LEFT_OUT: usize = 65_536;

impl Book<'_> {
    /// A line of `ICID 0`: the message is the appliance's own.
    pub(super) fn take_without_connection(
        &mut self,
        shelf: usize,
        mid: Option<u64>,
        stamp: Stamp,
        fact: &Fact<'_>,
    ) {
        match (mid, fact) {
            (Some(mid), _) => {
                if self.leave_out(shelf, mid) {
                    self.log.left_out.icid_zero += 1;
                } else {
                    self.take_message(shelf, mid, stamp, fact);
                }
            }
            (None, Fact::Policy { action: PolicyAction::TcpRefuse, .. }) => {
                self.log.left_out.refused_without_icid += 1;
            }
            (None, _) => {}
        }
    }

    /// Remembers that a message came over no connection; `false` where it is known already.
    pub(super) fn leave_out(&mut self, shelf: usize, mid: u64) -> bool {
        let Some(messages) = self.shelves.get_mut(shelf).map(|shelf| &mut shelf.messages) else {
            return false;
        };
        if messages.contains_key(&mid) {
            return false;
        }
        messages.insert(mid, Home::None);
        self.forget_oldest_left_out(shelf, mid);
        true
    }

    /// Keeps the ids of messages without a home from piling up; `mid` is the newest.
    pub(super) fn forget_oldest_left_out(&mut self, shelf: usize, mid: u64) {
        self.left_out.push_back((shelf, mid));
        if self.left_out.len() > MAX_LEFT_OUT
            && let Some((shelf, mid)) = self.left_out.pop_front()
            && let Some(shelf) = self.shelves.get_mut(shelf)
            && shelf.messages.get(&mid) == Some(&Home::None)
        {
            shelf.messages.remove(&mid);
        }
    }
}
