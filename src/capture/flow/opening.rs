//! The first segments of a flow, held until it is known where its streams begin and who opened it.
//!
//! A capturing host may deliver the first frames out of order, and a file may begin in the middle
//! of a connection. So segments are held until both beginnings are known from a SYN-ACK (or two
//! SYNs), or [`MAX_HELD`], [`MAX_HELD_OCTETS`] or (SYNs sent again apart) [`LONGEST_HOLD`] is reached;
//! then they are played in the order of their arrival. A normal connection is held for its SYN alone.
//!
//! Without a SYN of its own, a stream begins at the lowest of the octets held of it: those of a
//! file that begins in mid-flow are all given, and none is reported missing that was under way
//! before the file began. Where the other end's SYN was seen, the lowest acknowledgment counts as
//! well: then what precedes it belongs to this connection and is missing.

use crate::capture::segment::{Segment, SeqNumber};
use crate::capture::{OriginatorFrom, Pair};
use crate::cite::Moment;
use crate::net::Endpoint;
use crate::time::{Span, Timestamp};

use super::key::Sender;

/// Segments held at most.
pub const MAX_HELD: usize = 256;

/// Octets of payload held at most.
pub const MAX_HELD_OCTETS: usize = 256 * 1024;

/// How long they are held at most, in capture time.
pub const LONGEST_HOLD: Span = Span::from_seconds(2);

/// A segment with its payload.
#[derive(Debug)]
pub(super) struct Held {
    segment: Segment<'static>,
    payload: Box<[u8]>,
    options: Box<[u8]>,
    pub(super) sender: Sender,
    pub(super) at: Moment,
}

impl Held {
    fn new(segment: &Segment<'_>, sender: Sender, at: Moment) -> Self {
        Self {
            segment: Segment { payload: &[], raw_options: &[], ..*segment },
            payload: segment.payload.into(),
            options: segment.raw_options.into(),
            sender,
            at,
        }
    }

    /// The segment as it arrived.
    pub(super) fn segment(&self) -> Segment<'_> {
        Segment { payload: &self.payload, raw_options: &self.options, ..self.segment }
    }
}

/// Where a flow's streams begin and who opened it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    /// Which of the key's ends is the originator.
    pub(super) originator: Sender,
    pub(super) from: OriginatorFrom,
    pub(super) endpoints: Pair<Endpoint>,
    /// The sequence number of the octet at offset 0, where it is known.
    pub(super) beginnings: Pair<Option<SeqNumber>>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Opening {
    held: Vec<Held>,
    octets: usize,
    /// A SYN-ACK was held, or SYNs of both ends: both beginnings are known.
    complete: bool,
    only_syns: bool,
    pub(super) first: Moment,
    pub(super) last: Timestamp,
}

impl Opening {
    pub(super) fn new(segment: &Segment<'_>, sender: Sender, at: Moment) -> Self {
        let mut opening = Self {
            held: Vec::with_capacity(2),
            octets: 0,
            complete: false,
            only_syns: true,
            first: at,
            last: at.time,
        };
        opening.hold(segment, sender, at);
        opening
    }

    /// Holds one more segment.
    pub(super) fn hold(&mut self, segment: &Segment<'_>, sender: Sender, at: Moment) {
        self.octets += segment.payload.len();
        self.last = self.last.max(at.time);
        let crossing = segment.flags.is_syn() && self.isn(sender.other()).is_some();
        self.complete |= segment.flags.is_syn_ack() || crossing;
        self.only_syns &= segment.flags.is_syn();
        self.held.push(Held::new(segment, sender, at));
    }

    /// Octets held.
    pub(super) fn octets(&self) -> usize {
        self.octets
    }

    /// Whether all is known, or no more can be held.
    pub(super) fn is_ripe(&self, now: Timestamp) -> bool {
        self.complete
            || self.held.len() >= MAX_HELD
            || self.octets >= MAX_HELD_OCTETS
            || (now.since(self.first.time) >= LONGEST_HOLD && !self.only_syns)
    }

    /// Whether only SYNs were seen.
    pub(super) fn only_syns(&self) -> bool {
        self.only_syns
    }

    /// The initial sequence number of a SYN that `sender` sent.
    pub(super) fn isn(&self, sender: Sender) -> Option<SeqNumber> {
        let mut syns = self.held.iter().filter(|held| held.segment.flags.syn() && held.sender == sender);
        syns.next().map(|held| held.segment.seq)
    }

    /// Where the streams begin, and the segments in the order of their arrival.
    pub(super) fn settle(self) -> (Origin, Vec<Held>) {
        let held = &self.held;
        let syn = held.iter().find(|held| held.segment.flags.is_syn());
        let syn_ack = held.iter().find(|held| held.segment.flags.is_syn_ack());
        let (originator, from) = match (syn, syn_ack, held.first()) {
            (Some(syn), ..) => (syn.sender, OriginatorFrom::Handshake),
            (None, Some(syn_ack), _) => (syn_ack.sender.other(), OriginatorFrom::Handshake),
            (None, None, first) => {
                (first.map_or(Sender::Lower, |held| held.sender), OriginatorFrom::FirstSegment)
            }
        };
        let endpoints = held.first().map(|held| {
            let (source, destination) = (held.segment.source, held.segment.destination);
            if held.sender == originator {
                Pair { originator: source, responder: destination }
            } else {
                Pair { originator: destination, responder: source }
            }
        });
        // A flow is never without a segment; the fallback only spares a panic.
        let nowhere = Endpoint::new(std::net::Ipv4Addr::UNSPECIFIED.into(), 0);
        let endpoints = endpoints.unwrap_or(Pair { originator: nowhere, responder: nowhere });
        let beginnings = Pair {
            originator: self.beginning(originator, syn_ack.map(|held| held.segment.ack)),
            responder: self.beginning(originator.other(), None),
        };
        (Origin { originator, from, endpoints, beginnings }, self.held)
    }

    /// Where the stream of `sender` begins; `told` is what the other end's SYN-ACK says.
    fn beginning(&self, sender: Sender, told: Option<SeqNumber>) -> Option<SeqNumber> {
        if let Some(isn) = self.isn(sender) {
            return Some(isn.plus(1));
        }
        if told.is_some() {
            return told;
        }
        let mine = self.held.iter().filter(|held| held.sender == sender && !held.segment.flags.rst());
        let theirs = self
            .held
            .iter()
            .filter(|held| held.sender != sender && held.segment.flags.ack() && !held.segment.flags.rst());
        let numbers = || mine.clone().map(|held| held.segment.seq);
        // A lone octet just before another segment's number is a keep-alive probe, no data.
        let is_probe = |segment: &Segment<'_>| {
            segment.stream_len() == 1 && numbers().any(|seq| seq == segment.seq.plus(1))
        };
        let occupied = mine.clone().filter(|held| held.segment.seq_len() > 0 && !is_probe(&held.segment));
        let lowest_occupied = lowest(occupied.map(|held| held.segment.seq));
        let acked = || theirs.clone().map(|held| held.segment.ack);
        match (lowest_occupied, self.isn(sender.other())) {
            (Some(octet), Some(_)) => lowest(acked().chain([octet])),
            (Some(octet), None) => Some(octet),
            (None, Some(_)) => lowest(acked().chain(numbers())),
            // Pure ACKs stand at the next octet, keep-alive probes one before it; what is not
            // acknowledged of earlier octets was sent before the file began.
            (None, None) => highest(acked().chain(numbers())),
        }
    }
}

fn lowest(numbers: impl Iterator<Item = SeqNumber>) -> Option<SeqNumber> {
    numbers.reduce(|low, number| if number.beyond(low) < 0 { number } else { low })
}

fn highest(numbers: impl Iterator<Item = SeqNumber>) -> Option<SeqNumber> {
    numbers.reduce(|high, number| if number.beyond(high) > 0 { number } else { high })
}
