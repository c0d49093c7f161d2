//! The report as a document: what `report --format json` prints, and what every other format shows.
//!
//! Keys and enum values are snake case; times are RFC 3339 in UTC with a fraction; durations are
//! seconds; octets that are not UTF-8 are `{"bytes": base64}`; endpoints are `ip:port`. Wherever a
//! `frame` stands, its `capture` (the path as given) stands beside it.

mod case;
mod clocks;
mod debug_log;
mod inputs;
mod matching;
mod outside;
mod summary;
mod wire;

pub use crate::investigate::{InputKind, InputRole, Time};
pub use crate::join::MatchOutcome;
pub use crate::join::clock::ClockOrigin;
pub use case::{Case, Frame, Line, LogAccount, SignAccount};
pub use clocks::{Clock, ClockPair, ClockSegment, RunnerUp};
pub use debug_log::{DebugLogAccount, DebugWord, OctetChange, OctetDifference, OctetsCompared};
pub use inputs::{Input, InputNote, Interface};
pub use matching::{MatchAccount, MatchEvidence, Rival};
pub use outside::OutsideAccount;
pub use summary::{Deliveries, Summary};
pub use wire::{EndingAccount, GapAccount, KeyFrame, TurnOf, WireAccount};

use schemars::JsonSchema;
use serde::Serialize;

use crate::cause::Vantage;
use crate::net::Endpoint;
use crate::smtp::Stage;
use crate::time::Timestamp;

/// The version of the JSON format; grows when a key changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// A whole report.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Document {
    /// The version of this format ([`SCHEMA_VERSION`]).
    pub schema: u32,
    /// The version of mailwitness that wrote it.
    pub version: String,
    /// What was read.
    pub inputs: Vec<Input>,
    /// The clocks of the logs.
    pub clocks: Vec<Clock>,
    /// The counts.
    pub summary: Summary,
    /// Where the captures were taken, by the packets of the appliance in the cases' connections.
    pub vantage: Vantage,
    /// What the set of connections shows that one cannot.
    pub patterns: Vec<Pattern>,
    /// Notes about the inputs taken together (times that do not meet, addresses that never meet).
    pub notes: Vec<String>,
    /// One entry a claim, in the order of the log.
    pub cases: Vec<Case>,
    /// Connections on the wire without an ICID in the log, where they were asked for
    /// (`--all`, `--remote`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unlogged: Vec<Unlogged>,
}

/// What a set of connections shows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Pattern {
    /// Its name: `dies_at_the_same_octet`, `same_reset_from_unrelated_senders`,
    /// `starttls_not_used_as_usual`, `aborts_of_one_network`.
    pub name: String,
    /// In a sentence.
    pub detail: String,
    /// How many connections show it.
    pub count: u64,
    /// An upper bound of the probability (0 to 1) that it is chance, corrected for how many messages,
    /// senders or networks were looked at.
    pub chance: f64,
    /// What that figure supposes, as the rest of "if ...".
    pub supposing: String,
    /// The cases that it rests on, by their places in `cases`, from 0.
    pub cases: Vec<u64>,
}

/// A connection on the wire that the log has no ICID for.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Unlogged {
    /// The client's endpoint.
    pub client: Endpoint,
    /// The server's endpoint.
    pub server: Endpoint,
    /// Community ID version 1.
    pub community_id: String,
    /// Its first frame's time.
    pub first: Timestamp,
    /// Its last frame's time.
    pub last: Timestamp,
    /// How far it came.
    pub stage: Stage,
    /// How it ended.
    pub ending: EndingAccount,
}
