//! The open flows by their ends.

use std::collections::HashMap;

use ahash::RandomState;

use crate::capture::FlowSink;
use crate::capture::decode::IcmpError;
use crate::capture::segment::Segment;
use crate::capture::stream::Budget;
use crate::cite::{Moment, Notes, Place};
use crate::time::{Span, Timestamp};

use super::connection::{Connection, Surroundings};
use super::key::{FlowKey, Sender};
use super::opening::Opening;
use super::queue::{Queue, Ticket};
use super::stragglers::{STRAGGLERS_FOR, Stragglers};

/// Flows open at the same time. A mail gateway has some thousands; a flood of SYNs has more.
pub const MAX_OPEN_FLOWS: usize = 262_144;

/// Silence after which a flow is given up. SMTP's longest time-out is 10 minutes (RFC 5321 section
/// 4.5.3.2.6); TCP's keep-alive speaks every 2 hours at the earliest.
pub const IDLE_FOR: Span = Span::from_seconds(3600);

/// Silence after which a flow is given up that is nothing but SYNs; senders try for some 2 minutes.
pub const UNANSWERED_FOR: Span = Span::from_seconds(300);

/// How long the aftermath of a close by FINs still belongs to its flow.
pub const LINGER_AFTER_FINS: Span = Span::from_seconds(5);

/// The same for a close by RST, which only its aftermath can prove.
pub const LINGER_AFTER_RST: Span = Span::from_seconds(30);

/// Frames earlier than this before others are no disorder but another clock.
pub const STEP_BACK: Span = Span::from_seconds(60);

/// The latest time that is believed: beyond it nothing could be due later than now.
const LATEST: Timestamp = Timestamp::from_nanos(i64::MAX).minus(IDLE_FOR).minus(STRAGGLERS_FOR);

/// Flows looked at to find the one to give up first.
const LOOKED_AT_TO_EVICT: usize = 16;

/// The open flows of one capture, or of several that follow one another.
pub struct FlowTable<S: FlowSink> {
    places: HashMap<FlowKey, usize, RandomState>,
    slots: Vec<Slot<S::Conversation>>,
    free: Vec<usize>,
    queue: Queue,
    stragglers: Stragglers,
    budget: Budget,
    /// Capture time as believed: see [`Self::tick`].
    now: Timestamp,
    last_time: Option<Timestamp>,
    serials: u64,
    open: usize,
    limit: usize,
    traced: bool,
}

struct Slot<C> {
    serial: u64,
    key: FlowKey,
    state: State<C>,
}

enum State<C> {
    Free,
    Opening(Opening),
    Running(Box<Connection<C>>),
}

impl<S: FlowSink> FlowTable<S> {
    /// An empty table; `traced` says whether flows carry their trace.
    pub fn new(traced: bool) -> Self {
        Self::with_limit(traced, MAX_OPEN_FLOWS)
    }

    /// The same with another limit than [`MAX_OPEN_FLOWS`].
    pub fn with_limit(traced: bool, limit: usize) -> Self {
        Self {
            limit,
            places: HashMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
            queue: Queue::default(),
            stragglers: Stragglers::default(),
            budget: Budget::default(),
            now: Timestamp::from_nanos(i64::MIN),
            last_time: None,
            serials: 0,
            open: 0,
            traced,
        }
    }

    /// Capture time as far as it is believed; see [`Self::tick`].
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Flows open now.
    pub fn open_flows(&self) -> usize {
        self.open
    }

    /// Lets capture time go on; to be told of every frame of the file, whatever is in it.
    ///
    /// One frame with a mad time must not time out all flows, so time moves only as far as two
    /// frames in a row agree. It goes back only by a step of more than [`STEP_BACK`], which two
    /// frames in a row must agree on as well: the clock was set, or captures were put together
    /// regardless of time.
    #[inline]
    pub fn tick(&mut self, time: Timestamp) {
        let time = time.min(LATEST);
        let last = self.last_time.replace(time).unwrap_or(time);
        self.now = self.now.max(last.min(time));
        if last.max(time) < self.now.minus(STEP_BACK) {
            self.now = last.max(time);
        }
    }

    /// Takes one segment of the frame that the table was last told of. Notes go to `notes`, which
    /// are those of the segment's file.
    pub fn push(&mut self, segment: &Segment<'_>, at: Moment, sink: &mut S, notes: &mut Notes) {
        self.finish_due(sink, notes);
        let (key, sender) = FlowKey::of(segment);
        let Some(&place) = self.places.get(&key) else {
            if self.stragglers.swallow(&key, segment, sender, self.now) {
                notes.oddity("stragglers of finished connections", Some(Place::Frame(at.frame.frame)));
            } else {
                self.open(key, segment, sender, at, sink, notes);
            }
            return;
        };
        let Some(slot) = self.slots.get_mut(place) else { return };
        match &mut slot.state {
            State::Running(connection) if !connection.is_succeeded_by(segment, sender) => {
                let was_closed = connection.is_closed();
                let mut around = Surroundings { now: self.now, budget: &mut self.budget, notes };
                connection.take(segment, sender, at, &mut around);
                if !was_closed && connection.is_closed() {
                    self.queue.push(deadline(&slot.state), Ticket { serial: slot.serial, slot: place });
                }
            }
            State::Opening(opening) if !is_another_opening(opening, segment, sender) => {
                let before = opening.octets();
                opening.hold(segment, sender, at);
                self.budget.take(opening.octets() - before);
                if opening.is_ripe(self.now) || self.budget.exhausted() {
                    self.settle(place, sink, notes);
                }
            }
            State::Free | State::Opening(_) | State::Running(_) => {
                self.finish_slot(place, sink, notes);
                self.open(key, segment, sender, at, sink, notes);
            }
        }
    }

    /// Whether ICMP errors are to be told: only traces keep them.
    pub fn wants_errors(&self) -> bool {
        self.traced
    }

    /// Takes an ICMP error about a segment of a flow that is open.
    pub fn error(&mut self, error: &IcmpError, at: Moment) {
        let key = FlowKey::between(error.source, error.destination);
        let slot = self.places.get(&key).and_then(|place| self.slots.get_mut(*place));
        if let Some(Slot { state: State::Running(connection), .. }) = slot {
            connection.error(error, at);
        }
    }

    /// The input is over: finishes all flows in the order of their first segments.
    pub fn finish(&mut self, sink: &mut S, notes: &mut Notes) {
        // No frame follows that could agree with the last one: it is believed unless it is mad.
        if let Some(last) = self.last_time.filter(|last| last.since(self.now) < IDLE_FOR) {
            self.now = self.now.max(last);
        }
        let mut places: Vec<(u64, usize)> =
            self.slots.iter().enumerate().map(|(place, slot)| (slot.serial, place)).collect();
        places.sort_unstable();
        for (_, place) in places {
            self.finish_slot(place, sink, notes);
        }
        self.places.clear();
    }

    #[inline]
    fn finish_due(&mut self, sink: &mut S, notes: &mut Notes) {
        while let Some(ticket) = self.queue.pop_due(self.now) {
            self.look_at(ticket, sink, notes);
        }
    }

    /// Finishes the flow of a ticket if it is due, or puts it back.
    #[cold]
    fn look_at(&mut self, ticket: Ticket, sink: &mut S, notes: &mut Notes) {
        let Some(slot) = self.slots.get(ticket.slot) else { return };
        if slot.serial != ticket.serial {
            return;
        }
        let due = deadline(&slot.state);
        if due > self.now {
            self.queue.push(due, ticket);
        } else {
            self.finish_slot(ticket.slot, sink, notes);
        }
    }

    fn open(
        &mut self,
        key: FlowKey,
        segment: &Segment<'_>,
        sender: Sender,
        at: Moment,
        sink: &mut S,
        notes: &mut Notes,
    ) {
        if self.open >= self.limit {
            notes.oddity(
                "more flows open at a time than are kept: the longest silent one was given up",
                Some(Place::Frame(at.frame.frame)),
            );
            self.evict(sink, notes);
        }
        self.serials += 1;
        let opening = Opening::new(segment, sender, at);
        self.budget.take(opening.octets());
        let ripe = opening.is_ripe(self.now);
        let slot = Slot { serial: self.serials, key, state: State::Opening(opening) };
        let due = deadline(&slot.state);
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.slots.push(Slot { serial: 0, key, state: State::Free });
                self.slots.len() - 1
            }
        };
        if let Some(free) = self.slots.get_mut(place) {
            *free = slot;
        }
        self.open += 1;
        self.places.insert(key, place);
        self.queue.push(due, Ticket { serial: self.serials, slot: place });
        if ripe {
            self.settle(place, sink, notes);
        }
    }

    /// Turns an opening into a connection and plays what was held.
    fn settle(&mut self, place: usize, sink: &mut S, notes: &mut Notes) {
        let Some(slot) = self.slots.get_mut(place) else { return };
        if !matches!(slot.state, State::Opening(_)) {
            return;
        }
        let State::Opening(opening) = std::mem::replace(&mut slot.state, State::Free) else { return };
        let first = opening.first;
        self.budget.release(opening.octets());
        let (origin, held) = opening.settle();
        let conversation = sink.open(&Connection::<S::Conversation>::start(&origin, first));
        let mut connection = Box::new(Connection::new(conversation, &origin, first, self.traced));
        for held in &held {
            let mut around = Surroundings { now: self.now, budget: &mut self.budget, notes };
            connection.take(&held.segment(), held.sender, held.at, &mut around);
        }
        slot.state = State::Running(connection);
        if let State::Running(connection) = &slot.state
            && connection.is_closed()
        {
            self.queue.push(deadline(&slot.state), Ticket { serial: slot.serial, slot: place });
        }
    }

    /// Finishes the flow in a slot, if there is one.
    fn finish_slot(&mut self, place: usize, sink: &mut S, notes: &mut Notes) {
        self.settle(place, sink, notes);
        let Some(slot) = self.slots.get_mut(place) else { return };
        let State::Running(connection) = std::mem::replace(&mut slot.state, State::Free) else { return };
        slot.serial = 0;
        self.places.remove(&slot.key);
        self.free.push(place);
        self.open -= 1;
        if connection.is_closed() {
            self.stragglers.remember(slot.key, connection.next_numbers(), self.now);
        }
        let (flow, conversation) = connection.finish(self.now, &mut self.budget, notes);
        sink.close(flow, conversation);
    }

    /// Gives up the flow that is due first, as far as a look at some of them tells.
    #[cold]
    fn evict(&mut self, sink: &mut S, notes: &mut Notes) {
        let mut looked_at = Vec::with_capacity(LOOKED_AT_TO_EVICT);
        while looked_at.len() < LOOKED_AT_TO_EVICT {
            let Some(ticket) = self.queue.pop() else { break };
            // A ticket of a flow that is gone costs nothing but itself.
            if let Some(slot) = self.slots.get(ticket.slot).filter(|slot| slot.serial == ticket.serial) {
                looked_at.push((deadline(&slot.state), ticket));
            }
        }
        looked_at.sort_unstable_by(|one, other| other.cmp(one));
        if let Some((_, ticket)) = looked_at.pop() {
            self.finish_slot(ticket.slot, sink, notes);
        }
        for (due, ticket) in looked_at {
            self.queue.push(due, ticket);
        }
    }
}

impl<S: FlowSink> std::fmt::Debug for FlowTable<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlowTable").field("open", &self.open).field("now", &self.now).finish_non_exhaustive()
    }
}

/// When to look at a flow again.
fn deadline<C: crate::capture::Conversation>(state: &State<C>) -> Timestamp {
    match state {
        State::Free => Timestamp::from_nanos(i64::MAX),
        State::Opening(opening) if opening.only_syns() => opening.last.plus(UNANSWERED_FOR),
        State::Opening(opening) => opening.last.plus(IDLE_FOR),
        State::Running(connection) => {
            connection.lingers_until().unwrap_or_else(|| connection.active_until().plus(IDLE_FOR))
        }
    }
}

/// Whether a SYN has nothing to do with the one that waits for its answer.
fn is_another_opening(opening: &Opening, segment: &Segment<'_>, sender: Sender) -> bool {
    segment.flags.is_syn() && opening.isn(sender).is_some_and(|isn| isn != segment.seq)
}
