//! The facts of one finished TCP flow.

use crate::capture::trace::Trace;
use crate::capture::{Gap, OriginatorFrom, Pair, Side};
use crate::cite::{CaptureId, Moment};
use crate::net::Endpoint;
use crate::time::{Span, Timestamp};

/// One TCP connection as the capture shows it.
#[derive(Debug, Clone)]
pub struct Flow {
    /// The capture that holds its first segment.
    pub capture: CaptureId,
    /// The ends.
    pub endpoints: Pair<Endpoint>,
    /// What the choice of originator rests on.
    pub originator_from: OriginatorFrom,
    /// Its first segment.
    pub first: Moment,
    /// Its last segment.
    pub last: Moment,
    /// Segments captured, both ways.
    pub segments: u64,
    /// Each end's stream.
    pub streams: Pair<StreamFacts>,
    /// How TCP ended it.
    pub closes: Closes,
    /// Zeek's word for how the connection went.
    pub conn_state: ConnState,
    /// Zeek's `history`: `ShAdDaFf`, at most [`Flow::MAX_HISTORY`] letters.
    pub history: String,
    /// Whether the flow was still open when the file ended (or was given up as idle).
    pub open_at_end: bool,
    /// How long the capture kept watching: its end, or the time when the flow was given up. What
    /// happened later is not in it.
    pub watched_until: Timestamp,
    /// The bounded record of its headers; dropped where nobody will ask for it.
    pub trace: Option<Box<Trace>>,
}

impl Flow {
    /// Letters of `history` kept.
    pub const MAX_HISTORY: usize = 64;

    /// The same flow with its ends exchanged, for a dialogue that shows the "originator" to be the
    /// server. `conn_state` and `history` change with it (`^` is put before the history, as Zeek does).
    #[must_use]
    pub fn flipped(self) -> Self {
        let history = self
            .history
            .chars()
            .map(|letter| {
                if letter.is_ascii_uppercase() {
                    letter.to_ascii_lowercase()
                } else {
                    letter.to_ascii_uppercase()
                }
            })
            .collect::<String>();
        Self {
            endpoints: self.endpoints.swapped(),
            streams: self.streams.swapped(),
            closes: self.closes.flipped(),
            conn_state: self.conn_state.flipped(),
            history: format!("^{history}"),
            trace: self.trace.map(|trace| Box::new(trace.flipped())),
            ..self
        }
    }
}

/// What is known of one direction.
#[derive(Debug, Clone, Default)]
pub struct StreamFacts {
    /// Segments this end sent.
    pub segments: u64,
    /// Octets of its stream that the file holds, each once.
    pub octets: u64,
    /// End of the stream as far as seen: the highest offset of any octet.
    pub end: u64,
    /// How much of this stream the *other* end acknowledged (offset).
    pub acknowledged: u64,
    /// Segments that brought nothing new.
    pub retransmitted: u64,
    /// Frames that were copies of one just before them, as mirror ports and VLANs with their parent
    /// interfaces make them: they are left out of everything else.
    pub duplicates: u64,
    /// Octets missing from the file.
    pub missed_octets: u64,
    /// The first [`Self::MAX_GAPS`] gaps.
    pub gaps: Vec<Gap>,
    /// Its last segment of any kind.
    pub last: Option<Moment>,
    /// Its last segment with new octets.
    pub last_octets: Option<Moment>,
    /// The receive window it last announced, in octets, scaled where the handshake told the scale.
    pub window: u32,
    /// Whether [`Self::window`] may be some power of two greater, since the handshake, which tells the
    /// scale (RFC 7323 section 2.2), is not in the file.
    pub window_may_be_larger: bool,
    /// The other end acknowledged one number more than the stream has octets, and no FIN was seen: a
    /// FIN that the capture lost, told by the acknowledgment of it alone.
    pub lost_fin: bool,
    /// The segment size it allowed the other end (option of its SYN), where captured.
    pub mss: Option<u16>,
    /// Copies of the same octets that differed in content.
    pub differing_overlaps: u64,
    /// The time from the capture point to this end and back.
    pub round_trip: RoundTrip,
}

impl StreamFacts {
    /// Gaps kept with their place.
    pub const MAX_GAPS: usize = 16;
}

/// The time from the capture point to one end and back. Both ends' together are the connection's
/// round trip, wherever on the path the capture was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoundTrip {
    /// Of the handshake: from SYN to SYN-ACK for the responder, from SYN-ACK to ACK for the
    /// originator. `None` where one of them is not in the file, or was sent more than once and it
    /// cannot be told which copy was answered (Karn's rule, RFC 6298 section 3).
    pub handshake: Option<Span>,
    /// The shortest of the [`Self::samples`]: from octets of the other end to the first
    /// acknowledgment by this end that covers them. An upper bound: an end may hold its
    /// acknowledgment back for up to 0.5 s (RFC 9293 section 3.8.6.3), or send it with its answer.
    pub data: Option<Span>,
    /// How many segments were timed; none that was sent again, or while another was timed.
    pub samples: u64,
}

/// How TCP ended a flow.
#[derive(Debug, Clone, Default)]
pub struct Closes {
    /// The first FIN or RST in the file, whether or not it took effect.
    pub first_seen: Option<Close>,
    /// The first that took effect (see [`Close::effect`]).
    pub effective: Option<Close>,
    /// The first FIN of each end, and [`Self::MAX_KEPT`] closes, in order: the first ones, but of these
    /// the last that killed nothing make room for later ones. At most [`Self::MOST`].
    pub all: Vec<Close>,
}

impl Closes {
    /// Closes kept per flow, whatever they are.
    pub const MAX_KEPT: usize = 8;

    /// The most closes kept per flow: each end's first FIN is kept where there is no room for more.
    pub const MOST: usize = Self::MAX_KEPT + 2;

    /// The first close by `side` of either kind that took effect.
    pub fn effective_by(&self, side: Side) -> Option<&Close> {
        self.all.iter().find(|close| close.by == side && close.effect == Effect::Effective)
    }

    fn flipped(self) -> Self {
        let flip = |close: Close| Close { by: close.by.other(), ..close };
        Self {
            first_seen: self.first_seen.map(flip),
            effective: self.effective.map(flip),
            all: self.all.into_iter().map(flip).collect(),
        }
    }
}

/// One FIN or RST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close {
    /// FIN or RST.
    pub kind: CloseKind,
    /// Whose address it bears.
    pub by: Side,
    /// When and where.
    pub at: Moment,
    /// Its place in that end's stream (the offset of the FIN or RST itself).
    pub offset: u64,
    /// How much of the other stream its ACK covers; `None` for an RST without ACK.
    pub acknowledged: Option<u64>,
    /// Whether it ended anything.
    pub effect: Effect,
}

/// FIN or RST.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CloseKind {
    /// An orderly close of one direction.
    Fin,
    /// A reset of the connection.
    Rst,
}

/// Whether a close ended anything: an RST is judged by what follows it, not by its bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// It took effect.
    Effective,
    /// A FIN above a hole: the other end could not know of it.
    AboveHole,
    /// An RST that was answered with a challenge ACK, or after which the connection went on
    /// (RFC 5961 section 3.2): stale or forged, it killed nothing. Also a FIN at a place where the
    /// stream did not end.
    Ignored,
    /// Came after the connection had ended already.
    Aftermath,
}

/// Zeek's `conn_state` (scripts/base/protocols/conn/main.zeek).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnState {
    /// Connection attempt seen, no reply.
    S0,
    /// Established, not terminated.
    S1,
    /// Normal establishment and termination.
    SF,
    /// Attempt rejected.
    Rej,
    /// Established, close attempt by the originator seen (no reply from the responder).
    S2,
    /// Established, close attempt by the responder seen (no reply from the originator).
    S3,
    /// Established, the originator aborted with an RST.
    Rsto,
    /// The responder sent an RST.
    Rstr,
    /// The originator sent a SYN followed by an RST, no SYN-ACK seen.
    Rstos0,
    /// The responder sent a SYN-ACK followed by an RST, no SYN from the originator seen.
    Rstrh,
    /// The originator sent a SYN followed by a FIN, no SYN-ACK seen.
    Sh,
    /// The responder sent a SYN-ACK followed by a FIN, no SYN from the originator seen.
    Shr,
    /// No SYN seen, just midstream traffic.
    Oth,
}

impl ConnState {
    /// Zeek's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S0 => "S0",
            Self::S1 => "S1",
            Self::SF => "SF",
            Self::Rej => "REJ",
            Self::S2 => "S2",
            Self::S3 => "S3",
            Self::Rsto => "RSTO",
            Self::Rstr => "RSTR",
            Self::Rstos0 => "RSTOS0",
            Self::Rstrh => "RSTRH",
            Self::Sh => "SH",
            Self::Shr => "SHR",
            Self::Oth => "OTH",
        }
    }

    const fn flipped(self) -> Self {
        match self {
            Self::S2 => Self::S3,
            Self::S3 => Self::S2,
            Self::Rsto => Self::Rstr,
            Self::Rstr => Self::Rsto,
            other => other,
        }
    }
}
