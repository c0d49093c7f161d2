//! What leaves the book, and when.

use super::shelf::{Due, Entry, Home};
use super::{Book, Keep};
use crate::maillog::connection::{Life, OpenConnection};
use crate::maillog::{Connection, MailLog, SerialIndex};

impl Book<'_> {
    /// The whole account; connections that are handed out at all have been so by then.
    pub(in crate::maillog) fn finish(mut self) -> MailLog {
        if let [_only] = self.log.serials.as_slice() {
            for clock in &mut self.log.clocks {
                clock.serial = Some(SerialIndex(0));
            }
        }
        if matches!(self.keep, Keep::Everything) {
            // Numbers were given in the order of the first lines, none of them twice.
            let mut connections = std::mem::take(&mut self.connections);
            let mut orphans = std::mem::take(&mut self.orphans);
            let conversations = std::mem::take(&mut self.conversations).finish();
            return MailLog {
                conversations,
                connections: connections.drain_into(|open| self.finished(open)),
                orphans: orphans.drain_into(|open| {
                    let serial = self.serial_of(open.life);
                    open.finish(serial)
                }),
                ..self.log
            };
        }
        let mut rest: Vec<(u64, Entry)> = Vec::with_capacity(self.connections.len() + self.orphans.len());
        rest.extend(self.connections.iter().map(|(slot, open)| (open.life.born, Entry::Connection(slot))));
        rest.extend(self.orphans.iter().map(|(slot, open)| (open.life.born, Entry::Orphan(slot))));
        rest.sort_unstable_by_key(|(born, _)| *born);
        for (_, entry) in rest {
            self.hand_out(entry);
        }
        self.log
    }

    /// Hands out the entries whose grace has passed.
    pub(super) fn hand_out_due(&mut self) {
        let Keep::Open { grace, .. } = self.keep else { return };
        // Each entry waits equally long, so that the queue is in the order of its times.
        while let Some(due) = self.due.front().copied().filter(|due| due.at <= self.tick) {
            self.due.pop_front();
            let life = match due.entry {
                Entry::Connection(slot) => self.connections.get_mut(slot).map(|entry| entry.life),
                Entry::Orphan(slot) => self.orphans.get_mut(slot).map(|entry| entry.life),
            };
            let Some(life) = life.filter(|life| life.born == due.born) else { continue };
            let named_since = life.touched.saturating_add(grace) > due.at;
            if named_since {
                self.due.push_back(Due { at: self.tick.saturating_add(grace), ..due });
            } else {
                self.hand_out(due.entry);
            }
        }
    }

    /// Hands out those that were not named for longest, because too many are open at once.
    pub(super) fn hand_out_surplus(&mut self) {
        self.file.notes.oddity("connections given up while open, because too many were open at once", None);
        let mut ages: Vec<(u64, u32)> =
            self.connections.iter().map(|(slot, entry)| (entry.life.touched, slot)).collect();
        // A quarter at once, so that the search for the oldest is paid by many.
        let surplus = ages.len() / 4;
        ages.select_nth_unstable(surplus);
        ages.truncate(surplus);
        ages.sort_unstable();
        for (_, slot) in ages {
            self.hand_out(Entry::Connection(slot));
        }
    }

    fn hand_out(&mut self, entry: Entry) {
        match entry {
            Entry::Connection(slot) => {
                let Some(open) = self.connections.take(slot) else { return };
                self.forget(slot, &open);
                let connection = self.finished(open);
                if let Keep::Open { sink, .. } = &mut self.keep {
                    sink.connection(connection, &self.log);
                }
            }
            Entry::Orphan(slot) => {
                let Some(open) = self.orphans.take(slot) else { return };
                if let Some(shelf) = self.shelves.get_mut(open.life.shelf)
                    && shelf.messages.get(&open.facts.mid) == Some(&Home::Orphan(slot))
                {
                    shelf.messages.remove(&open.facts.mid);
                }
                let serial = self.serial_of(open.life);
                if let Keep::Open { sink, .. } = &mut self.keep {
                    sink.orphan(open.finish(serial), &self.log);
                }
            }
        }
    }

    /// Takes the ids off the shelf, unless they mean another by now.
    fn forget(&mut self, slot: u32, open: &OpenConnection) {
        let Some(shelf) = self.shelves.get_mut(open.life.shelf) else { return };
        let ids = shelf.connections(open.facts.leg);
        if ids.get(&open.facts.id) == Some(&slot) {
            ids.remove(&open.facts.id);
        }
        for attempt in open.facts.delivery.iter().flat_map(|delivery| &delivery.attempts) {
            if shelf.delivering.get(&attempt.mid) == Some(&slot) {
                shelf.delivering.remove(&attempt.mid);
            }
        }
        for message in &open.facts.messages {
            if let Some(Home::Connection { slot: home, .. }) = shelf.messages.get(&message.mid)
                && *home == slot
            {
                shelf.messages.remove(&message.mid);
            }
        }
    }

    fn finished(&self, open: OpenConnection) -> Connection {
        let serial = self.serial_of(open.life);
        open.finish(serial, |line| (self.order.get(&line.file).copied().unwrap_or(usize::MAX), line.line))
    }

    /// The appliance of an entry. Lines under no head are the only appliance's; where several turned
    /// up, nothing says whose they are.
    fn serial_of(&self, life: Life) -> Option<SerialIndex> {
        let named = life.under_a_head || self.log.serials.len() == 1;
        self.shelves.get(life.shelf).filter(|_| named).and_then(|shelf| shelf.serial)
    }
}

#[cfg(test)]
mod tests;
