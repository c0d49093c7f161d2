//! The second witness: a case's connection as a capture of the sender's side has it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::cause::outside::Passage;
use crate::net::{Endpoint, Party};
use crate::time::Span;

/// A case's connection as a capture of the sender's side (`--outside`) has it, beside the appliance's.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OutsideAccount {
    /// The capture.
    pub capture: String,
    /// The sender's end there; null where it could not be told.
    pub sender: Option<Endpoint>,
    /// The appliance's end there.
    pub appliance: Option<Endpoint>,
    /// Whose address or port is another there (NAT).
    pub translated: Vec<Party>,
    /// Whose sequence numbers are others there, by one shift for all of the connection.
    pub renumbered: Vec<Party>,
    /// Whether the packets are the same ones on both sides.
    pub passage: Passage,
    /// Packets at the same place of the dialogue on both sides.
    pub packets_on_both_sides: u64,
    /// Whether it has all octets that arrived at the appliance, and covers the connection's time.
    pub whole: bool,
    /// How far its clock is ahead of the other captures'.
    pub clock_ahead_seconds: Span,
    /// By how much that may be wrong: half a packet's way there and back.
    pub give_or_take_seconds: Span,
    /// Hops between the two places, by the TTLs of the sender's packets.
    pub hops: i16,
    /// Nothing lies between the two captures, so that the second shows nothing.
    pub same_place: bool,
}
