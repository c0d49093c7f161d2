//! One claim of the log, judged: the accounts of both witnesses, and the signs.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cause::{Bearing, CauseKind, Confidence, PointsAt, Strength};
use crate::investigate::Time;
use crate::maillog::{ClaimKind, Lost, Standing};
use crate::net::Leg;
use crate::report::document::{DebugLogAccount, MatchAccount, OutsideAccount, WireAccount};
use crate::text::Text;
use crate::verdict::VerdictKind;

/// One claim of the log, judged.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Case {
    /// The message; null where the claim is about a connection.
    pub mid: Option<u64>,
    /// The connection's ICID.
    pub icid: Option<u64>,
    /// The connection's DCID.
    pub dcid: Option<u64>,
    /// The appliance.
    pub serial: Option<Text>,
    /// Which way the mail went: `injection` over an ICID, `delivery` over a DCID. On the delivery leg
    /// `sender` stands everywhere for the far end, the remote server.
    pub leg: Leg,
    /// What the log claims.
    pub claim: ClaimKind,
    /// How sure it is what its words mean.
    pub standing: Standing,
    /// Whether the wire bears it out.
    pub verdict: VerdictKind,
    /// Who or what did it; null where nothing went wrong or no connection was found.
    pub cause: Option<CauseKind>,
    /// How sure the cause is; null where it is `not_visible_here`.
    pub confidence: Option<Confidence>,
    /// Why this cause and no other, in a sentence.
    pub cause_reason: Option<String>,
    /// Three lines: what the log asserts, what the wire shows, which words agree or clash.
    pub explanation: String,
    /// What speaks for the verdict.
    pub evidence_for: Vec<String>,
    /// What speaks against it.
    pub evidence_against: Vec<String>,
    /// What is missing to say more; never empty where the verdict is undetermined.
    pub missing: Vec<String>,
    /// What would settle it.
    pub next_step: Option<String>,
    /// The log's account.
    pub log: LogAccount,
    /// The wire's account; null where no connection was found.
    pub wire: Option<WireAccount>,
    /// What the appliance's debug log says of the connection, beside what the wire shows; only where
    /// there is such a log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debug_log: Option<DebugLogAccount>,
    /// The connection as a capture of the sender's side has it; only where one holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside: Option<OutsideAccount>,
    /// How the two were joined.
    #[serde(rename = "match")]
    pub matched: MatchAccount,
    /// Facts that point somewhere, for the cause and against it.
    pub signs: Vec<SignAccount>,
}

/// The log's account of a case.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LogAccount {
    /// The log's words for the end.
    pub reason: Text,
    /// The remote address.
    pub remote: Option<String>,
    /// The appliance's address.
    pub local: Option<String>,
    /// Envelope sender.
    pub mail_from: Option<Text>,
    /// Accepted recipients.
    pub rcpt_to: Vec<Text>,
    /// When the connection was opened, by the log.
    pub opened_at: Option<Time>,
    /// When the message started, by the log.
    pub started_at: Option<Time>,
    /// When the log says that it ended.
    pub aborted_at: Option<Time>,
    /// Whether the log says `lost`.
    pub lost: Lost,
    /// Timers of the appliance that fit the logged times.
    pub timers: Vec<String>,
    /// The lines that say all this.
    pub lines: Vec<Line>,
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Line {
    /// The path as given.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

/// A sign as shown.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SignAccount {
    /// Its name.
    pub name: String,
    /// Where it points.
    pub points_at: PointsAt,
    /// How strongly.
    pub strength: Strength,
    /// How it bears on the cause.
    pub bearing: Bearing,
    /// The numbers it used, by name.
    pub numbers: BTreeMap<String, f64>,
    /// Its frames.
    pub frames: Vec<Frame>,
    /// In a sentence.
    pub detail: String,
}

/// A frame of a capture.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Frame {
    /// The capture.
    pub capture: String,
    /// The frame.
    pub frame: u32,
}
