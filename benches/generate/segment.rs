//! A segment before it is a frame: offsets in place of sequence numbers, and where its octets are to be had.

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dir {
    /// The sender, which is the client.
    Client,
    /// The appliance, which is the server.
    Server,
}

/// Where a segment's payload comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload {
    /// [`Conn::text`].
    Text { from: u32, length: u32 },
    /// A message's body.
    Body { message: u8, from: u64, length: u16 },
}

impl Payload {
    /// Nothing.
    pub(crate) const NONE: Self = Self::Text { from: 0, length: 0 };

    /// Both as one, where the other follows at once and a segment holds them.
    pub(crate) fn joined(self, other: Self, mss: u16) -> Option<Self> {
        match (self, other) {
            (Self::Text { from, length }, Self::Text { from: next, length: more })
                if from + length == next && length + more <= u32::from(mss) =>
            {
                Some(Self::Text { from, length: length + more })
            }
            _ => None,
        }
    }

    /// Its octets.
    pub(crate) fn length(self) -> u64 {
        match self {
            Self::Text { length, .. } => u64::from(length),
            Self::Body { length, .. } => u64::from(length),
        }
    }
}

/// What the truth wants to know the frame of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mark {
    /// Nothing.
    #[default]
    None,
    /// What ended the session: QUIT, FIN, RST.
    Ending,
    /// The appliance's close, where that is not the ending itself.
    Close,
    /// MAIL of a message.
    Mail(u8),
    /// The reply that ended a message.
    Reply(u8),
}

/// Options beyond the usual ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Extra {
    /// Timestamps, where both ends want them.
    #[default]
    Usual,
    /// Those of a SYN.
    Syn,
    /// Up to three blocks of selective acknowledgement, as offsets in the client's stream.
    Sack([(u64, u64); 3]),
    /// None at all, window 0: an RST from a socket that is no more.
    Bare,
}

/// A segment to be written at its time. Offsets count a stream's octets with its SYN as octet 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    pub(crate) at: i64,
    pub(crate) dir: Dir,
    pub(crate) offset: u64,
    pub(crate) ack: u64,
    pub(crate) flags: u8,
    pub(crate) payload: Payload,
    pub(crate) extra: Extra,
    pub(crate) ip_id: u16,
    /// Its window, where it is not its stack's usual one.
    pub(crate) window: Option<u16>,
    /// The capture misses it.
    pub(crate) hidden: bool,
    pub(crate) mark: Mark,
}
