//! The key of a flow: its two ends without an order.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use crate::capture::segment::Segment;
use crate::net::Endpoint;

/// Both ends, the lower one first. It says nothing of who is the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FlowKey {
    lower: End,
    higher: End,
}

/// An address and port as numbers; IPv4 told apart from the same address mapped into IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    ip: u128,
    port: u16,
    is_v4: bool,
}

/// Which of the key's ends sent a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    Lower,
    Higher,
}

impl FlowKey {
    /// The key of the flows between two ends.
    pub(crate) fn between(one: Endpoint, other: Endpoint) -> Self {
        let (one, other) = (End::from(one), End::from(other));
        Self { lower: one.min(other), higher: one.max(other) }
    }

    /// The key of a segment's flow, and which end sent it.
    #[inline]
    pub(crate) fn of(segment: &Segment<'_>) -> (Self, Sender) {
        let source = End::from(segment.source);
        let destination = End::from(segment.destination);
        if source <= destination {
            (Self { lower: source, higher: destination }, Sender::Lower)
        } else {
            (Self { lower: destination, higher: source }, Sender::Higher)
        }
    }
}

/// As few words as hold all of it: this runs for every segment.
impl Hash for FlowKey {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let small = |end: &End| u64::from(end.port) << 1 | u64::from(end.is_v4);
        state.write_u128(self.lower.ip);
        state.write_u128(self.higher.ip);
        state.write_u64(small(&self.lower) << 32 | small(&self.higher));
    }
}

impl From<Endpoint> for End {
    #[inline]
    fn from(endpoint: Endpoint) -> Self {
        let (ip, is_v4) = match endpoint.ip {
            IpAddr::V4(ip) => (u128::from(ip.to_bits()), true),
            IpAddr::V6(ip) => (ip.to_bits(), false),
        };
        Self { ip, port: endpoint.port, is_v4 }
    }
}

impl Sender {
    /// The other end.
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Lower => Self::Higher,
            Self::Higher => Self::Lower,
        }
    }
}
