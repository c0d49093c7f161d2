//! The report as a document: what `report --format json` prints, and what every other format shows.
//!
//! Keys and enum values are snake case; times are RFC 3339 in UTC with a fraction; durations are
//! seconds; octets that are not UTF-8 are `{"bytes": base64}`; endpoints are `ip:port`. Wherever a
//! `frame` stands, its `capture` (the path as given) stands beside it.

mod debug_log;
mod outside;

pub use crate::investigate::{InputKind, InputRole, Time};
pub use crate::join::MatchOutcome;
pub use crate::join::clock::ClockOrigin;
pub use debug_log::{DebugLogAccount, DebugWord, OctetChange, OctetDifference, OctetsCompared};
pub use outside::OutsideAccount;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cause::{Bearing, CauseKind, Confidence, PointsAt, Strength, Vantage};
use crate::maillog::{ClaimKind, Lost, Standing};
use crate::net::{Endpoint, Leg, Party};
use crate::smtp::ending::{EndingKind, Form, Why};
use crate::smtp::{ReplyCode, Stage};
use crate::text::Text;
use crate::time::{LogTime, Span, Timestamp, UtcOffset};
use crate::verdict::VerdictKind;

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

/// One input file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Input {
    /// The path as given; `-` is standard input.
    pub path: String,
    /// What it turned out to be.
    pub kind: InputKind,
    /// Which side it is from: `outside` for what `--outside` names.
    pub role: InputRole,
    /// Its octets as they lie on disk.
    pub bytes: u64,
    /// Its container or shape in words: `pcapng, Ethernet`, `mail_logs text`.
    pub format: String,
    /// SHA-256 of the file as it lies on disk (`--hash`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The time of its first frame or line.
    pub first: Option<Time>,
    /// The time of its last frame or line.
    pub last: Option<Time>,
    /// Frames of a capture, records of a log.
    pub records: u64,
    /// The interfaces of a capture, as far as it tells of them (pcapng).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<Interface>,
    /// What was passed over.
    pub notes: Vec<InputNote>,
}

/// An interface that a capture was taken on (pcapng).
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Interface {
    /// The section of the file that describes it, from 0.
    pub section: u32,
    /// Its place in the section, from 0.
    pub number: u32,
    /// Its name (`eth0`).
    pub name: Option<Text>,
    /// What its owner says that it is.
    pub description: Option<Text>,
    /// The link type by its registered number (<https://www.tcpdump.org/linktypes.html>).
    pub link_type: u32,
    /// The link type's registered name, where it is one that turns up in practice.
    pub link: Option<String>,
    /// Octets kept of each frame; null where there is no limit.
    pub snapshot_length: Option<u32>,
    /// The resolution of its times, in parts of a second.
    pub ticks_per_second: u64,
    /// The filter that it was captured with, in libpcap's language.
    pub filter: Option<Text>,
    /// The operating system of the capturing host.
    pub system: Option<Text>,
    /// The hardware of that host.
    pub hardware: Option<Text>,
    /// Frames received, as the capturing program counted; null where it did not say.
    pub received: Option<u64>,
    /// Frames that the interface dropped; null where the capturing program did not say.
    pub dropped_by_interface: Option<u64>,
    /// Frames that the operating system dropped; null where the capturing program did not say.
    pub dropped_by_system: Option<u64>,
}

/// Something passed over in an input.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InputNote {
    /// What.
    pub text: String,
    /// How often.
    pub count: u64,
    /// Where first, in words: `line 12`, `frame 7`, `offset 1514`.
    pub first: Option<String>,
    /// Whether part of the input could not be used.
    pub loss: bool,
}

/// The clock of one log.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Clock {
    /// The path of the log.
    pub log: String,
    /// The appliance's serial number, where the log tells it.
    pub serial: Option<Text>,
    /// Its stretches of one offset each.
    pub segments: Vec<ClockSegment>,
    /// How the offset was found, in a sentence or two, and what would settle what is open.
    pub explanation: String,
    /// The year of its first stamps, where they tell none and the capture does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<i32>,
    /// What came second in the fit, where there was a fit and a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runner_up: Option<RunnerUp>,
    /// Pairs of a line and a frame that the fit rests on: content that occurs once in the log and once
    /// on the wire.
    pub pair_count: u64,
    /// Some of them.
    pub pairs: Vec<ClockPair>,
}

/// What came second in the fit of a clock.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct RunnerUp {
    /// How far the log would be ahead: of UTC where the offset was to be found, of the capture beyond
    /// the offset where that is told.
    pub ahead_seconds: f64,
    /// Pairs that are for it.
    pub votes: u64,
}

/// A line of the log and a frame of the capture that tell of the same event: MAIL was accepted.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ClockPair {
    /// The path of the log.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// Its stamp, as the log prints it.
    pub logged: LogTime,
    /// The capture.
    pub capture: String,
    /// The frame of the reply to MAIL, or of a remote server's to a message.
    pub frame: u32,
    /// Its time.
    pub time: Timestamp,
}

/// A stretch of a log with one offset.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ClockSegment {
    /// Its first stamp.
    pub from: LogTime,
    /// local = UTC + offset; null while none is known.
    pub utc_offset_seconds: Option<UtcOffset>,
    /// What says so.
    pub source: ClockOrigin,
    /// How far the log's clock is ahead of the capture's beyond the offset, where it could be fitted.
    pub skew_seconds: Option<f64>,
    /// How fast the two clocks part, in parts per million, where it could be fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift_ppm: Option<f64>,
    /// True where the clock was set somewhere in this stretch and nothing tells where: its stamps are
    /// matched by content alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub step_not_placed: bool,
}

/// The counts of a report.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Summary {
    /// Claims judged about what came in and was aborted; deliveries are counted apart.
    pub aborted: u64,
    /// Of these, confirmed by the wire.
    pub confirmed: u64,
    /// Of these, contradicted by it.
    pub contradicted: u64,
    /// Of these, undetermined.
    pub undetermined: u64,
    /// Connections in the log that came in (`ICID 0` left out).
    pub connections: u64,
    /// Claims about accepted, delivered or unfinished messages, with `--all`.
    pub finished: u64,
    /// SMTP connections on the wire.
    pub wire_connections: u64,
    /// Of these, without an ICID in the log.
    pub wire_without_icid: u64,
    /// Of [`Self::connections`], those found on the wire.
    pub matched: u64,
    /// Messages of the log that are left out by rule: `ICID 0`.
    pub icid_zero: u64,
    /// Aborts by policy, which are no endings of connections.
    pub policy_aborts: u64,
    /// Mail that goes out, where the appliance is the client.
    pub deliveries: Deliveries,
}

/// What the log says of its deliveries, and what the wire makes of it.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Deliveries {
    /// Claims judged about a delivery that failed over a connection.
    pub failed: u64,
    /// Of these, confirmed by the wire.
    pub confirmed: u64,
    /// Of these, contradicted by it.
    pub contradicted: u64,
    /// Of these, undetermined.
    pub undetermined: u64,
    /// Connections in the log that went out (DCIDs).
    pub connections: u64,
    /// Of these, those found on the wire.
    pub matched: u64,
    /// Bounces and delays of `DCID 0`, which never had a connection: left out.
    pub never_connected: u64,
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
    /// The form its close took.
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
