//! How the log's connection of a case was found on the wire.

use schemars::JsonSchema;
use serde::Serialize;

use crate::join::MatchOutcome;
use crate::net::Endpoint;
use crate::smtp::ending::EndingKind;

/// How the log's connection was found on the wire.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MatchAccount {
    /// How it came out.
    pub outcome: MatchOutcome,
    /// The evidence added up, in nats; null where there is no candidate.
    pub score: Option<f64>,
    /// How much worse all would be without this pair, in nats.
    pub margin: Option<f64>,
    /// Each piece of evidence, once.
    pub evidence: Vec<MatchEvidence>,
    /// Other connections that it may be.
    pub rivals: Vec<Rival>,
    /// In a sentence.
    pub explanation: String,
}

/// One piece of evidence of a join.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MatchEvidence {
    /// Its name.
    pub name: String,
    /// What it weighs, in nats; negative speaks against.
    pub weight: f64,
    /// In words.
    pub detail: String,
}

/// Another connection that it may be.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Rival {
    /// The client's endpoint.
    pub client: Endpoint,
    /// The server's endpoint.
    pub server: Endpoint,
    /// Community ID version 1.
    pub community_id: String,
    /// How much worse all would be with it, in nats.
    pub worse_by: f64,
    /// How it ended, where the message is seen on it.
    pub kind: Option<EndingKind>,
    /// The capture.
    pub capture: String,
    /// Its first frame.
    pub frame: u32,
}
