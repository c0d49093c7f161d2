//! The TCP side of a connection's record: what each end sent, what the file lacks of it, how far
//! away each end is.

use schemars::JsonSchema;
use serde::Serialize;

use crate::capture::{Flow, RoundTrip, StreamFacts};
use crate::time::Span;

/// What both ends sent.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct StreamsRecord {
    /// The client's stream.
    pub client: StreamRecord,
    /// The server's stream.
    pub server: StreamRecord,
}

/// What one end sent.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct StreamRecord {
    /// Its segments.
    pub segments: u64,
    /// Octets of its stream that the capture holds, each counted once.
    pub octets: u64,
    /// Octets of its stream that the capture lacks.
    pub missed_octets: u64,
    /// Segments with octets that had all been seen before.
    pub retransmitted_segments: u64,
}

/// Round trips from where the capture was taken, and both together.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct RoundTripRecord {
    /// From end to end and back, by the handshake; null where it was not measured to both ends.
    pub seconds: Option<Span>,
    /// To the client and back.
    pub client: EndRoundTrip,
    /// To the server and back.
    pub server: EndRoundTrip,
}

/// The round trip to one end.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct EndRoundTrip {
    /// By the handshake: SYN to SYN-ACK for the server, SYN-ACK to ACK for the client; null where
    /// one is missing or was sent more than once.
    pub handshake_seconds: Option<Span>,
    /// The shortest from octets to their acknowledgment by this end; it may include what the end
    /// held the acknowledgment back.
    pub data_seconds: Option<Span>,
    /// How many of those were timed.
    pub data_samples: u64,
}

impl StreamsRecord {
    pub(super) const fn new(flow: &Flow) -> Self {
        Self {
            client: StreamRecord::new(&flow.streams.originator),
            server: StreamRecord::new(&flow.streams.responder),
        }
    }
}

impl StreamRecord {
    const fn new(facts: &StreamFacts) -> Self {
        Self {
            segments: facts.segments,
            octets: facts.octets,
            missed_octets: facts.missed_octets,
            retransmitted_segments: facts.retransmitted,
        }
    }
}

impl RoundTripRecord {
    pub(super) fn new(flow: &Flow) -> Self {
        let client = EndRoundTrip::new(flow.streams.originator.round_trip);
        let server = EndRoundTrip::new(flow.streams.responder.round_trip);
        let both = client.handshake_seconds.zip(server.handshake_seconds);
        Self {
            seconds: both.map(|(one, other)| Span::from_nanos(one.nanos().saturating_add(other.nanos()))),
            client,
            server,
        }
    }
}

impl EndRoundTrip {
    const fn new(measured: RoundTrip) -> Self {
        Self {
            handshake_seconds: measured.handshake,
            data_seconds: measured.data,
            data_samples: measured.samples,
        }
    }
}
