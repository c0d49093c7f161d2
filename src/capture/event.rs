//! What the capture side hands on: ordered octets, gaps and the end of each stream, flow by flow.
//!
//! Whoever reads the streams implements [`Conversation`] (one value a flow) and [`FlowSink`] (makes
//! them, takes them back with the finished [`Flow`]). Octets are borrowed from the
//! packet where it came in order.

use crate::capture::Flow;
use crate::cite::{CaptureId, Moment};
use crate::net::{Endpoint, Role};

/// The two ends of a flow in Zeek's words.
///
/// The originator is who sent the SYN; where no SYN or SYN-ACK was captured, who sent the first
/// captured segment. Only [`OriginatorFrom::Handshake`] makes it the client for certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Who opened the connection, or spoke first in the file.
    Originator,
    /// The other end.
    Responder,
}

impl Side {
    /// The other end.
    pub const fn other(self) -> Self {
        match self {
            Self::Originator => Self::Responder,
            Self::Responder => Self::Originator,
        }
    }
}

/// What the choice of [`Side::Originator`] rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OriginatorFrom {
    /// A SYN or SYN-ACK was captured.
    Handshake,
    /// Only that its segment came first in the file.
    FirstSegment,
}

/// One value for each end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pair<T> {
    /// The originator's.
    pub originator: T,
    /// The responder's.
    pub responder: T,
}

impl<T> Pair<T> {
    /// The value of `side`.
    pub const fn of(&self, side: Side) -> &T {
        match side {
            Side::Originator => &self.originator,
            Side::Responder => &self.responder,
        }
    }

    /// The value of `side`, to change.
    pub const fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Originator => &mut self.originator,
            Side::Responder => &mut self.responder,
        }
    }

    /// The same values with the ends exchanged.
    pub fn swapped(self) -> Self {
        Self { originator: self.responder, responder: self.originator }
    }
}

/// Octets of one stream, in order, each octet once.
#[derive(Debug, Clone, Copy)]
pub struct Chunk<'a> {
    /// The octets; never empty.
    pub bytes: &'a [u8],
    /// Place of the first octet in the stream: 0 is the octet after the SYN, or the first known one
    /// where the file begins in mid-flow.
    pub offset: u64,
    /// The segment that brought them (the one whose copy counted).
    pub at: Moment,
    /// How far that segment acknowledges the *other* stream (an offset in it: all octets before it
    /// had reached this side). The clock of cause and effect that survives any reordering.
    pub acknowledged: u64,
}

/// Octets of one stream that the file does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Place of the first missing octet.
    pub offset: u64,
    /// How many are missing.
    pub length: u64,
    /// Where it was found: the segment after the hole, or the one that acknowledged it.
    pub at: Moment,
    /// Who lost them.
    pub loss: Loss,
}

/// Who lost the octets of a [`Gap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loss {
    /// The other end acknowledged them: the capture lost them, the connection did not.
    Capture,
    /// Never acknowledged in this file: lost on the path, or the file ends too early to tell.
    Unacknowledged,
}

/// Whether a conversation wants more octets of its flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Go on.
    Octets,
    /// No more octets: follow the flow by its headers only (it is not SMTP).
    HeadersOnly,
}

/// What is known of a flow when its first segment arrives.
#[derive(Debug, Clone, Copy)]
pub struct FlowStart {
    /// The capture it begins in.
    pub capture: CaptureId,
    /// The ends.
    pub endpoints: Pair<Endpoint>,
    /// What the choice of originator rests on so far.
    pub originator_from: OriginatorFrom,
    /// The first segment.
    pub at: Moment,
}

/// Reads the two streams of one flow.
pub trait Conversation {
    /// The next octets of `side`'s stream.
    fn data(&mut self, side: Side, chunk: Chunk<'_>) -> Interest;

    /// Octets of `side`'s stream are missing here; the stream goes on behind them.
    fn gap(&mut self, side: Side, gap: Gap) -> Interest;

    /// `side`'s FIN is reached: its stream ends at octet `length`. `acknowledged` is as in [`Chunk`].
    fn end_of_stream(&mut self, side: Side, length: u64, at: Moment, acknowledged: u64);
}

/// Makes conversations and takes them back when their flow is over (or the file is).
pub trait FlowSink {
    /// The reader of one flow's streams.
    type Conversation: Conversation;

    /// A flow begins.
    fn open(&mut self, start: &FlowStart) -> Self::Conversation;

    /// A flow is over; nothing more comes for it. `role_of_originator` of the conversation may
    /// differ from [`Role::Client`] where no handshake was captured.
    fn close(&mut self, flow: Flow, conversation: Self::Conversation);
}

/// The originator is the client unless the dialogue showed otherwise.
pub const PRESUMED_ROLE_OF_ORIGINATOR: Role = Role::Client;
