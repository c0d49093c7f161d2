//! Events -> connections with their messages.
//!
//! The book finds the connection and the message that an event names, whatever other lines stand
//! between theirs, and hands out what is complete. Ids are counters of one appliance and begin anew
//! when it is set up again, so that an id alone is no name for ever: an opening line much later than
//! the last begins another connection.

mod deliveries;
mod handing_out;
mod left_out;
mod messages;
mod repeated;
mod said;
mod shelf;

use std::collections::VecDeque;

use ahash::AHashMap;

use crate::cite::{LogId, Notes, Place};
use crate::maillog::clock::{self, ClockReader};
use crate::maillog::connection::{Life, OpenConnection, OpenMessage};
use crate::maillog::conversation::Conversations;
use crate::maillog::event::{ConnectionId, Event, Fact};
use crate::maillog::repeats::Repeats;
use crate::maillog::slab::Slab;
use crate::maillog::source::Source;
use crate::maillog::{Connection, HostIndex, LogFile, MailLog, Message, SerialIndex, Stamp};
use crate::net::Leg;
use crate::time::LogTime;
pub(super) use repeated::Taken;
use shelf::{Due, Entry, Home, Shelf};

/// Two opening lines of one id this many seconds apart are one line told twice (two copies of a log,
/// a relay that stamps anew); further apart, the counter began anew.
pub(super) const REPEATED_WITHIN: i64 = 60;

/// A closed connection is no longer meant by its id after this many seconds. The appliance's own
/// limit for a connection is 15 minutes unless it is set otherwise; what is left covers changes of
/// daylight saving between two files.
pub(super) const REUSED_AFTER: i64 = 6 * 3600;

/// Connections that are kept open while streaming. The appliance takes 300 at a time unless it is
/// set otherwise, so that more have lost their `close` line.
pub(super) const MAX_OPEN: usize = 32_768;

/// Takes what the book completes.
pub trait LogSink {
    /// A connection no line of which is awaited any more. `context` holds the clocks, serials and
    /// files as far as they are known; its connections are empty.
    fn connection(&mut self, connection: Connection, context: &MailLog);

    /// A message whose connection the log does not name.
    fn orphan(&mut self, message: Message, context: &MailLog);
}

/// What becomes of complete connections.
pub(super) enum Keep<'s> {
    /// They are kept to the end, in the order of their first lines.
    Everything,
    /// They are handed out once they are closed and so many records have passed that name none of
    /// them: memory then depends on open connections.
    Open {
        /// Records that must have passed; up to twice as many where a line comes after the close.
        grace: u64,
        /// Takes them.
        sink: &'s mut dyn LogSink,
    },
}

/// Collects events into connections.
pub(super) struct Book<'s> {
    keep: Keep<'s>,
    with_delivery: bool,
    log: MailLog,
    clock: ClockReader,
    file: LogFile,
    /// Files in the order in which they are read, by their ids.
    order: AHashMap<LogId, usize>,
    /// Records so far.
    tick: u64,
    shelves: Vec<Shelf>,
    /// The shelf of the last record.
    shelf: usize,
    connections: Slab<OpenConnection>,
    orphans: Slab<OpenMessage>,
    due: VecDeque<Due>,
    left_out: VecDeque<(usize, u64)>,
    repeats: Repeats,
    conversations: Conversations,
}

impl<'s> Book<'s> {
    pub(super) fn new(keep: Keep<'s>, with_delivery: bool) -> Self {
        Self {
            keep,
            with_delivery,
            log: MailLog::default(),
            clock: ClockReader::default(),
            file: LogFile::default(),
            order: AHashMap::new(),
            tick: 0,
            shelves: vec![Shelf::default()],
            shelf: 0,
            connections: Slab::default(),
            orphans: Slab::default(),
            due: VecDeque::new(),
            left_out: VecDeque::new(),
            repeats: Repeats::default(),
            conversations: Conversations::default(),
        }
    }

    /// Learns of an appliance before its records come.
    pub(super) fn expect_serial(&mut self, serial: &[u8]) {
        clock::serial_index(&mut self.log, &mut self.file.notes, serial, 0);
    }

    /// The records of another file follow; `next` is the earliest stamp that a file after it begins with.
    pub(super) fn begin_file(&mut self, id: LogId, next: Option<LogTime>) {
        self.order.insert(id, self.order.len());
        self.repeats.begin_file(next);
        self.clock.begin_file(id);
        self.file = LogFile { file: id, ..LogFile::default() };
    }

    /// The file has no more records; it held so many octets.
    pub(super) fn end_file(&mut self, bytes: u64, notes: Notes) {
        let mut file = std::mem::take(&mut self.file);
        file.bytes = bytes;
        file.notes.merge(notes);
        self.log.files.push(file);
    }

    /// Takes in one record of this text, unless an earlier file holds it too.
    pub(super) fn record(
        &mut self,
        line: u32,
        time: LogTime,
        source: &Source<'_>,
        text: &[u8],
        event: &Event<'_>,
    ) -> Taken {
        self.tick += 1;
        self.file.records += 1;
        self.file.known += u64::from(event.fact != Fact::Unknown);
        let of_a_head = matches!(event.fact, Fact::HeadBegins | Fact::Version { .. } | Fact::Offset(_));
        self.file.of_heads += u64::from(of_a_head);
        self.clock.comes_from(&mut self.log, &mut self.file.notes, line, source);
        if self.clock.latest() != Some(time) {
            self.file.first = Some(self.file.first.map_or(time, |first| first.min(time)));
            self.file.last = Some(self.file.last.map_or(time, |last| last.max(time)));
        }
        let stamp = self.clock.stamp(&mut self.log, &mut self.file.notes, line, time, &event.fact);
        let appliance = self.shelf();
        let repeated = self.repeats_another(appliance, stamp, text, &event.fact);
        if !repeated {
            self.take(stamp, event);
        }
        Taken { stamp, appliance, repeated }
    }

    /// Takes in what else the last record tells, which happened at `time`.
    pub(super) fn also(&mut self, line: u32, time: LogTime, event: &Event<'_>) {
        let stamp = self.clock.stamp_aside(&mut self.log, line, time);
        self.take(stamp, event);
    }

    fn take(&mut self, stamp: Stamp, event: &Event<'_>) {
        let shelf = self.shelf();
        match (event.ids.connection, event.ids.mid) {
            (Some(ConnectionId { leg: Leg::Injection, id: 0 }), mid) => {
                self.take_without_connection(shelf, mid, stamp, &event.fact);
            }
            (Some(id @ ConnectionId { leg: Leg::Injection, .. }), Some(mid)) => {
                self.take_message_of(shelf, id, mid, stamp, &event.fact);
            }
            (Some(id), mid) => {
                if id.id == 0 && matches!(event.fact, Fact::Undelivered(_)) {
                    self.log.left_out.dcid_zero += 1;
                }
                if id.id != 0 && (self.with_delivery || id.leg == Leg::Injection) {
                    let slot = self.take_connection(shelf, id, mid.is_some(), stamp, &event.fact);
                    if let (Some(slot), Some(mid)) = (slot, mid) {
                        self.take_delivery(shelf, slot, mid, stamp, &event.fact);
                    }
                }
                if let Some(mid) = mid {
                    self.take_message(shelf, mid, stamp, &event.fact);
                }
            }
            (None, Some(mid)) => self.take_message(shelf, mid, stamp, &event.fact),
            (None, None) => {}
        }
        if !self.due.is_empty() {
            self.hand_out_due();
        }
        if self.connections.len() > MAX_OPEN && !matches!(self.keep, Keep::Everything) {
            self.hand_out_surplus();
        }
    }

    /// The shelf of the appliance that wrote the record. A record under no head belongs to the only
    /// appliance there is; as long as none is named, to one without a name, which the first head names.
    fn shelf(&mut self) -> usize {
        // Of several hosts each may be another appliance; only the first is taken for the one that
        // is named.
        let serial = match (self.clock.serial(&self.log), self.clock.host(), self.log.serials.as_slice()) {
            (Some(serial), ..) => Some(serial),
            (None, None | Some(HostIndex(0)), [_only]) => Some(SerialIndex(0)),
            _ => None,
        };
        let host = self.clock.host().filter(|_| serial.is_none());
        let is_theirs = |shelf: &Shelf| (shelf.serial, shelf.host) == (serial, host);
        if self.shelves.get(self.shelf).is_some_and(is_theirs) {
            return self.shelf;
        }
        self.shelf = match self.shelves.iter().position(is_theirs) {
            Some(at) => at,
            None => self.new_shelf(serial, host),
        };
        self.shelf
    }

    fn new_shelf(&mut self, serial: Option<SerialIndex>, host: Option<HostIndex>) -> usize {
        let named_now = self.shelves.iter().position(|shelf| {
            serial.is_some()
                && shelf.serial.is_none()
                && shelf.host.is_some()
                && shelf.host == self.clock.host()
        });
        if let Some((at, shelf)) = named_now.and_then(|at| Some((at, self.shelves.get_mut(at)?))) {
            (shelf.serial, shelf.host) = (serial, None);
            return at;
        }
        match self.shelves.first_mut() {
            Some(unnamed)
                if self.log.serials.len() == 1
                    && serial.is_some()
                    && unnamed.serial.is_none()
                    && unnamed.host.is_none() =>
            {
                (unnamed.serial, unnamed.host) = (serial, None);
                0
            }
            _ => {
                self.shelves.push(Shelf { serial, host, ..Shelf::default() });
                self.shelves.len() - 1
            }
        }
    }

    fn life(&self, shelf: usize) -> Life {
        let under_a_head = self.clock.serial(&self.log).is_some();
        Life { shelf, born: self.tick, touched: self.tick, under_a_head }
    }

    fn touch(life: &mut Life, tick: u64, under_a_head: bool) {
        life.touched = tick;
        life.under_a_head |= under_a_head;
    }

    /// A line that names an ICID and a MID: the message belongs to the connection.
    fn take_message_of(&mut self, shelf: usize, id: ConnectionId, mid: u64, stamp: Stamp, fact: &Fact<'_>) {
        let Some(slot) = self.take_connection(shelf, id, true, stamp, fact) else { return };
        let home = self.shelves.get(shelf).and_then(|shelf| shelf.messages.get(&mid)).copied();
        let index = match home {
            Some(Home::Connection { slot: known, index }) if known == slot => Some(index),
            Some(Home::Orphan(orphan)) if !self.is_another_message(orphan, stamp) => {
                let orphan = self.orphans.take(orphan);
                let connection = self.connections.get_mut(slot);
                connection.zip(orphan).and_then(|(connection, orphan)| connection.adopt(orphan))
            }
            // Where another connection or none had it, the counter began anew.
            _ => self.connections.get_mut(slot).and_then(|connection| connection.add(mid, stamp)),
        };
        let home_now = match index {
            Some(index) => Home::Connection { slot, index },
            None => {
                self.file
                    .notes
                    .loss("messages beyond those kept of one connection", Some(Place::Line(stamp.line.line)));
                self.forget_oldest_left_out(shelf, mid);
                Home::None
            }
        };
        if home != Some(home_now)
            && let Some(shelf) = self.shelves.get_mut(shelf)
        {
            shelf.messages.insert(mid, home_now);
        }
        if let (Some(index), Some(connection)) = (index, self.connections.get_mut(slot)) {
            connection.take_for(index, stamp, fact, &mut self.file.notes);
        }
    }

    /// A line that names a connection; gives where the book has it.
    fn take_connection(
        &mut self,
        shelf: usize,
        id: ConnectionId,
        names_message: bool,
        stamp: Stamp,
        fact: &Fact<'_>,
    ) -> Option<u32> {
        let known = self.shelves.get_mut(shelf)?.connections(id.leg).get(&id.id).copied();
        let slot = match known {
            Some(slot) if !self.is_another(slot, stamp, fact) => slot,
            superseded => {
                if let Some(slot) = superseded {
                    self.await_no_more(slot);
                }
                let open = OpenConnection::new(id, stamp, self.life(shelf));
                let Some(slot) = self.connections.insert(open) else {
                    self.file.notes.loss("connections beyond 32 bits", Some(Place::Line(stamp.line.line)));
                    return None;
                };
                self.shelves.get_mut(shelf)?.connections(id.leg).insert(id.id, slot);
                slot
            }
        };
        let under_a_head = self.clock.serial(&self.log).is_some();
        let connection = self.connections.get_mut(slot)?;
        Self::touch(&mut connection.life, self.tick, under_a_head);
        if names_message {
            connection.take_with_message(stamp);
        } else {
            let was_closed = connection.facts.closed.is_some();
            connection.take(stamp, fact, &mut self.file.notes);
            if connection.facts.closed.is_some() && !was_closed {
                self.await_no_more(slot);
            }
        }
        Some(slot)
    }

    /// Whether a line that bears the id of this connection means another: the counter began anew.
    fn is_another(&mut self, slot: u32, stamp: Stamp, fact: &Fact<'_>) -> bool {
        let Some(connection) = self.connections.get_mut(slot).map(|connection| &connection.facts) else {
            return true;
        };
        let since = |earlier: Stamp| stamp.time.wall_seconds() - earlier.time.wall_seconds();
        if let (Fact::Opened(opening), Some(opened)) = (fact, connection.opened) {
            let elsewhere = connection.remote.zip(opening.remote).is_some_and(|(known, told)| known != told);
            return elsewhere || since(opened).abs() > REPEATED_WITHIN;
        }
        connection.closed.is_some() && since(connection.last) > REUSED_AFTER
    }

    /// The connection is closed or its id means another: it is handed out after the grace.
    fn await_no_more(&mut self, slot: u32) {
        if let Some(born) = self.connections.get_mut(slot).map(|connection| connection.life.born) {
            self.wait_for(Entry::Connection(slot), born);
        }
    }

    fn wait_for(&mut self, entry: Entry, born: u64) {
        if let Keep::Open { grace, .. } = self.keep {
            self.due.push_back(Due { at: self.tick.saturating_add(grace), born, entry });
        }
    }
}

#[cfg(test)]
mod tests;
