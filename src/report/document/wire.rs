//! The wire's account of a case.

use schemars::JsonSchema;
use serde::Serialize;

use crate::net::{Endpoint, Party};
use crate::smtp::ending::{EndingKind, Form, Why};
use crate::smtp::{ReplyCode, Stage};
use crate::time::{Span, Timestamp};

/// The wire's account of a case.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WireAccount {
    /// The client's endpoint.
    pub client: Endpoint,
    /// The server's endpoint.
    pub server: Endpoint,
    /// Community ID version 1.
    pub community_id: String,
    /// Zeek's `conn_state`.
    pub conn_state: String,
    /// Zeek's `history`.
    pub history: String,
    /// How it ended.
    pub ending: EndingAccount,
    /// How far the transaction had come.
    pub stage: Stage,
    /// Whose move it was.
    pub turn: Option<TurnOf>,
    /// How long that move had been owed.
    pub waited_seconds: Option<Span>,
    /// Octets of the body on the wire, by their numbers: those that the file lacks too, and with them the
    /// end of data where that is missing.
    pub body_octets: u64,
    /// What the file lacks of it.
    pub gaps: Vec<GapAccount>,
    /// Key frames in their order: handshake, commands, the last octet, the end.
    pub frames: Vec<KeyFrame>,
    /// Whether the dialogue was encrypted.
    pub encrypted: bool,
}

/// How a transaction ended on the wire.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EndingAccount {
    /// The kind.
    pub kind: EndingKind,
    /// Who ended it.
    pub by: Option<Party>,
    /// Why the appliance closed.
    pub why: Option<Why>,
    /// The form its close took; of another end's, an alert of TLS that the other's FIN answered.
    pub form: Option<Form>,
    /// The reply that ended it.
    pub code: Option<ReplyCode>,
    /// Read from record lengths or across a gap.
    pub inferred: bool,
    /// QUIT and a close before its 221.
    pub race: bool,
    /// Both ends closed independently within a round trip.
    pub crossed: bool,
    /// The capture.
    pub capture: Option<String>,
    /// The frame.
    pub frame: Option<u32>,
    /// Its time.
    pub time: Option<Timestamp>,
}

/// Whose move it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TurnOf {
    /// The appliance's.
    Appliance,
    /// The word was said and never arrived.
    Path,
    /// The sender's.
    Sender,
}

/// Octets that the file lacks.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct GapAccount {
    /// Whose octets.
    pub by: Party,
    /// Place in that end's stream.
    pub offset: u64,
    /// How many.
    pub octets: u64,
    /// The other end acknowledged them: only the capture lacks them.
    pub acknowledged: bool,
    /// The capture.
    pub capture: String,
    /// The frame where it shows.
    pub frame: u32,
}

/// A frame worth looking at.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct KeyFrame {
    /// What it is: `SYN`, `MAIL`, `RCPT`, `DATA`, `last octet`, `FIN`.
    pub what: String,
    /// Who sent it.
    pub by: Party,
    /// The capture.
    pub capture: String,
    /// The frame.
    pub frame: u32,
    /// Its time.
    pub time: Timestamp,
}
