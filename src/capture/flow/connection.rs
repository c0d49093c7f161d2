//! One flow from the moment its ends are known: each segment goes to its stream, to the record of
//! closes, to Zeek's words and to the trace.

mod closing;
mod succession;

use crate::capture::close::CloseTracker;
use crate::capture::decode::IcmpError;
use crate::capture::segment::{Checksum, Segment};
use crate::capture::stream::{Budget, News, Offer};
use crate::capture::{Conversation, Flow, FlowStart, Interest, OriginatorFrom, Pair, Side};
use crate::cite::{Moment, Notes, Place};
use crate::net::Endpoint;
use crate::time::Timestamp;

use super::direction::Direction;
use super::handshake::Handshake;
use super::key::Sender;
use super::opening::Origin;
use super::outlet::Out;
use super::recorder::Recorder;
use super::table::{LINGER_AFTER_FINS, LINGER_AFTER_RST};
use super::zeek::Zeek;

/// See the module.
pub(super) struct Connection<C> {
    conversation: C,
    interest: Interest,
    originator: Sender,
    originator_from: OriginatorFrom,
    endpoints: Pair<Endpoint>,
    first: Moment,
    last: Moment,
    segments: u64,
    ends: Pair<Direction>,
    closes: CloseTracker,
    zeek: Zeek,
    recorder: Option<Box<Recorder>>,
    handshake: Handshake,
    /// When both FINs were acknowledged.
    closed_at: Option<Timestamp>,
    /// The latest time of any of its segments.
    active_until: Timestamp,
}

/// What a connection needs of its table for each segment.
pub(super) struct Surroundings<'a> {
    pub(super) now: Timestamp,
    pub(super) budget: &'a mut Budget,
    pub(super) notes: &'a mut Notes,
}

impl<C: Conversation> Connection<C> {
    pub(super) fn new(conversation: C, origin: &Origin, first: Moment, traced: bool) -> Self {
        let mut ends: Pair<Direction> =
            Pair { originator: Direction::default(), responder: Direction::default() };
        ends.originator.beginning = origin.beginnings.originator;
        ends.responder.beginning = origin.beginnings.responder;
        Self {
            conversation,
            interest: Interest::Octets,
            originator: origin.originator,
            originator_from: origin.from,
            endpoints: origin.endpoints,
            first,
            last: first,
            segments: 0,
            ends,
            closes: CloseTracker::default(),
            zeek: Zeek::default(),
            recorder: traced.then(Box::default),
            handshake: Handshake::default(),
            closed_at: None,
            active_until: first.time,
        }
    }

    /// The start of a flow, as its conversation is opened with it.
    pub(super) fn start(origin: &Origin, first: Moment) -> FlowStart {
        FlowStart {
            capture: first.frame.capture,
            endpoints: origin.endpoints,
            originator_from: origin.from,
            at: first,
        }
    }

    /// Records an ICMP error about one of its segments.
    #[cold]
    pub(super) fn error(&mut self, error: &IcmpError, at: Moment) {
        let about =
            if error.source == self.endpoints.originator { Side::Originator } else { Side::Responder };
        if let Some(recorder) = &mut self.recorder {
            recorder.error(error, about, at);
        }
    }

    pub(super) fn side_of(&self, sender: Sender) -> Side {
        if sender == self.originator { Side::Originator } else { Side::Responder }
    }

    /// The latest time of its segments.
    pub(super) fn active_until(&self) -> Timestamp {
        self.active_until
    }

    /// Whether both FINs were acknowledged, or an RST came that nothing speaks against.
    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        self.closed_at.is_some() || self.closes.reset_at().is_some()
    }

    /// Until when its aftermath is waited for, once it is closed.
    pub(super) fn lingers_until(&self) -> Option<Timestamp> {
        let fins = self.closed_at.map(|closed| closed.plus(LINGER_AFTER_FINS));
        let reset = self.closes.reset_at().map(|reset| reset.plus(LINGER_AFTER_RST));
        fins.into_iter().chain(reset).min()
    }

    /// Takes one segment.
    pub(super) fn take(
        &mut self,
        segment: &Segment<'_>,
        sender: Sender,
        at: Moment,
        around: &mut Surroundings<'_>,
    ) {
        let side = self.side_of(sender);
        let flags = segment.flags;
        let end = self.ends.of_mut(side);
        if end.duplicates.is_copy(segment, at.time) {
            end.facts.duplicates += 1;
            return;
        }
        if flags.syn() && self.is_late_answer(segment, side) {
            let end = self.ends.of_mut(side);
            end.beginning = Some(segment.payload_seq());
            end.sent = 0;
        }
        self.segments += 1;
        self.last = at;
        self.active_until = self.active_until.max(at.time);

        let offset = self.place(segment, side);
        let (acknowledged, acked_now) = self.take_ack(segment, side, around.now);
        self.handshake.note(flags, side, at.time);
        let other = self.ends.of_mut(side.other());
        other.timer.acknowledged(other.acked, at.time);
        if flags.syn() && !flags.rst() {
            self.ends.of_mut(side).take_syn(segment);
        }
        let other_scales = self.ends.of(side.other()).offers_scaling();
        let end = self.ends.of_mut(side);
        end.count(at);
        end.take_window(segment, other_scales);
        self.zeek.segment(side, flags, offset, segment.payload_len);
        if segment.window == 0 {
            self.zeek.zero_window(side, flags);
        }
        if segment.checksum == Checksum::Bad {
            self.zeek.once(side, b'c');
        }
        if segment.stream_len() > 0 {
            self.take_octets(segment, side, offset, at, acknowledged, around);
        }
        self.take_close(segment, side, offset, at, acked_now);
        if self.is_closed() {
            // Closed flows linger by the thousand, and nothing but copies comes any more.
            self.ends.originator.stream.forget_recent(around.budget);
            self.ends.responder.stream.forget_recent(around.budget);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.record(segment, side, at, self.closes.any());
        }
        self.give_up_holes(at, around);
    }

    /// The flow is over: flushes its streams and tells its facts.
    pub(super) fn finish(
        mut self,
        watched_until: Timestamp,
        budget: &mut Budget,
        notes: &mut Notes,
    ) -> (Flow, C) {
        let at = self.last;
        for side in [Side::Originator, Side::Responder] {
            let reach = self.ends.of(side.other()).reach();
            let Self { ends, conversation, interest, .. } = &mut self;
            let end = ends.of_mut(side);
            let mut out = Out { conversation, interest, side };
            end.stream.finish(end.acked, reach, at, budget, &mut out);
        }
        self.settle_interest(budget);
        let place = Some(Place::Frame(self.first.frame.frame));
        let stream_ends = Pair {
            originator: self.ends.originator.stream_end(),
            responder: self.ends.responder.stream_end(),
        };
        let any_octets = self.ends.originator.sent > 0 || self.ends.responder.sent > 0;
        let open_at_end = !self.is_closed();
        let mut streams = Pair {
            originator: self.ends.originator.take_facts(notes, place),
            responder: self.ends.responder.take_facts(notes, place),
        };
        for side in [Side::Originator, Side::Responder] {
            // It is the other end's octets that an end acknowledges.
            let timer = &self.ends.of(side.other()).timer;
            streams.of_mut(side).round_trip = timer.facts(self.handshake.measured_to(side));
        }
        let flow = Flow {
            capture: self.first.frame.capture,
            endpoints: self.endpoints,
            originator_from: self.originator_from,
            first: self.first,
            last: self.last,
            segments: self.segments,
            streams,
            closes: self.closes.finish(&stream_ends),
            conn_state: self.zeek.conn_state(any_octets),
            history: self.zeek.into_history(),
            open_at_end,
            watched_until,
            trace: self.recorder.map(|recorder| Box::new(recorder.into_trace())),
        };
        (flow, self.conversation)
    }

    /// The place of a segment's first octet (of its SYN: -1) in its stream.
    #[inline]
    fn place(&mut self, segment: &Segment<'_>, side: Side) -> i64 {
        let end = self.ends.of_mut(side);
        if end.beginning.is_none() && !segment.flags.rst() {
            end.beginning = Some(segment.payload_seq());
        }
        end.offset_of(segment.seq)
    }

    /// Takes the acknowledgment: how far this end acknowledges the other stream with this segment,
    /// and the same as the segment literally says.
    #[inline]
    fn take_ack(&mut self, segment: &Segment<'_>, side: Side, now: Timestamp) -> (u64, Option<i64>) {
        if !segment.flags.ack() {
            return (self.ends.of(side).acknowledges, None);
        }
        let reach = self.ends.of(side).reach();
        let other = self.ends.of_mut(side.other());
        if other.beginning.is_none() && !segment.flags.rst() {
            other.beginning = Some(segment.ack);
        }
        let offset = other.offset_of(segment.ack);
        // An RST's acknowledgment may be anything (as Zeek and Wireshark hold, too).
        if !segment.flags.rst() {
            other.take_ack(offset, reach, now);
        }
        let believed = u64::try_from(offset).unwrap_or(0).min(other.acked);
        let mine = self.ends.of_mut(side);
        mine.acknowledges = mine.acknowledges.max(believed);
        (believed, Some(offset))
    }

    fn take_octets(
        &mut self,
        segment: &Segment<'_>,
        side: Side,
        offset: i64,
        at: Moment,
        acknowledged: u64,
        around: &mut Surroundings<'_>,
    ) {
        let offset = offset.saturating_add(i64::from(segment.flags.syn()));
        let reach = self.ends.of(side.other()).reach();
        let Self { ends, conversation, interest, .. } = self;
        let end = ends.of_mut(side);
        let len = segment.stream_len();
        let behind = offset.saturating_add(len.into());
        // A keep-alive probe is the octet before the next one (RFC 9293 section 3.8.4); what it
        // holds is arbitrary.
        let acked = end.acked.cast_signed();
        if len == 1 && behind == acked && behind == end.stream.next().cast_signed() && behind > 0 {
            return;
        }
        let doubtful = segment.checksum == Checksum::Bad && end.checksums_hold;
        end.checksums_hold |= segment.checksum == Checksum::Good;
        let sum = segment.payload_sum;
        let offer = Offer { offset, bytes: segment.payload, len, sum, doubtful, at, acknowledged };
        let mut out = Out { conversation, interest, side };
        let news = end.stream.offer(offer, end.acked, reach, around.budget, &mut out);
        let place = Some(Place::Frame(at.frame.frame));
        match news {
            News::Octets => {
                end.facts.last_octets = Some(at);
                if offset >= end.sent {
                    end.timer.sent(behind, end.acked, at.time);
                } else {
                    end.timer.sent_again();
                }
                // What no window allows is not the stream's; it says nothing of how far that went.
                if behind <= end.edge(reach) {
                    end.sent = end.sent.max(behind);
                }
            }
            News::Copy => {
                end.facts.retransmitted += 1;
                end.timer.sent_again();
                self.zeek.once(side, b't');
            }
            News::BeforeBeginning => {
                around.notes.oddity("octets from before the first known one of their stream", place);
            }
            News::BeyondEnd => {
                end.went_on = true;
                around.notes.oddity("octets beyond the FIN of their stream", place);
            }
        }
        if *interest == Interest::HeadersOnly {
            self.settle_interest(around.budget);
        }
    }

    #[inline]
    fn give_up_holes(&mut self, at: Moment, around: &mut Surroundings<'_>) {
        for side in [Side::Originator, Side::Responder] {
            let Self { ends, conversation, interest, .. } = &mut *self;
            let end = ends.of_mut(side);
            let mut out = Out { conversation, interest, side };
            end.stream.give_up_due(end.acked, at, around.now, around.budget, &mut out);
            if end.stream.tally().missed > 0 {
                self.zeek.once(side, b'g');
            }
        }
        if self.interest == Interest::HeadersOnly {
            self.settle_interest(around.budget);
        }
    }

    /// Stops reassembly once the conversation asked for it.
    fn settle_interest(&mut self, budget: &mut Budget) {
        if self.interest == Interest::HeadersOnly {
            self.ends.originator.stream.follow_headers_only(budget);
            self.ends.responder.stream.follow_headers_only(budget);
        }
    }
}
