//! The third witness of a case, as every format shows it.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Line, Time};
use crate::net::Party;
use crate::text::Text;

/// The third witness: what the appliance's injection or domain debug log says was said on the
/// connection, against what the capture shows. It is testimony of the appliance, not of the wire.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DebugLogAccount {
    /// Its first line.
    pub first: Line,
    /// Its last line.
    pub last: Line,
    /// Both sides compared; null where they could not be, and [`Self::remarks`] says why.
    pub agrees: Option<bool>,
    /// What the appliance says that it received, against the wire.
    pub received: Option<OctetsCompared>,
    /// What the appliance says that it sent, against the wire.
    pub sent: Option<OctetsCompared>,
    /// Octets of the message's body in the log, as the wire counts them.
    pub body_octets: Option<u64>,
    /// Octets of the message's body on the wire; null where it is encrypted or not seen.
    pub wire_body_octets: Option<u64>,
    /// Whether the log has QUIT as a command of the client's.
    pub quit: Option<Line>,
    /// Where the wire is encrypted: commands and reply lines by the log, in their order, credentials
    /// hidden; the last ones where there are many.
    pub dialogue: Vec<DebugWord>,
    /// Commands and reply lines left out before those.
    pub dialogue_left_out: u64,
    /// In sentences: where both agree, where they differ and what that may mean.
    pub remarks: Vec<String>,
}

/// One direction of a debug log compared with the wire. Offsets count from 0 in that end's stream.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OctetsCompared {
    /// Octets in the log.
    pub in_log: u64,
    /// Octets on the wire, gaps included.
    pub on_wire: u64,
    /// Octets that are the same on both sides.
    pub equal: u64,
    /// Octets of credentials, which are neither kept nor compared.
    pub credentials: u64,
    /// Octets that the capture lacks.
    pub in_gaps: u64,
    /// Octets at the end that only the log has.
    pub only_in_log: u64,
    /// Octets at the end that only the wire has.
    pub only_on_wire: u64,
    /// Why the rest was not compared.
    pub stopped: Option<String>,
    /// The first octet that differs.
    pub first_difference: Option<OctetDifference>,
}

/// The first octet that differs between the debug log and the wire.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OctetDifference {
    /// Its place in that end's stream, from 0.
    pub offset: u64,
    /// The capture.
    pub capture: String,
    /// The frame that brings it.
    pub frame: u32,
    /// The line of the log that tells it.
    pub line: Option<Line>,
    /// What became of octets there.
    pub change: OctetChange,
    /// How many octets, where that can be told.
    pub octets: Option<u64>,
    /// What stands before it in its line, on both sides; null where credentials may be near.
    pub before: Option<Text>,
    /// What the log reads, cut at the end of its line or at 32 octets.
    pub log_reads: Option<Text>,
    /// What the wire reads.
    pub wire_reads: Option<Text>,
}

/// What became of octets between the wire and the debug log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OctetChange {
    /// They are others.
    Changed,
    /// Only the wire has them.
    OnlyOnWire,
    /// Only the log has them.
    OnlyInLog,
    /// Somewhere in so many octets: the log's were too many to be kept, and their digest differs.
    Within,
    /// Both sides do not agree again soon.
    Unclear,
}

/// A command or a reply line by the debug log.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DebugWord {
    /// Who said it.
    pub by: Party,
    /// What, cut at 256 octets.
    pub text: Text,
    /// When, by the log.
    pub time: Time,
    /// The line.
    pub line: u32,
}
