//! The investigation: both sides on their threads, the join, the verdicts. The only place that sees all.

mod attribution;
mod cases;
mod drops;
mod gather;
mod inputs;
mod meeting;
mod plan;
mod second_side;
mod select;
mod third_witness;

use std::path::PathBuf;

use ahash::{AHashMap, AHashSet};
use schemars::JsonSchema;
use serde::Serialize;

use crate::capture::read::InterfaceFacts;
use crate::case::Case;
use crate::cause::outside::Comparison;
use crate::cause::{Pattern, Vantage};
use crate::cite::Notes;
pub use crate::join::clock::Zone;
use crate::join::{Joined, Options, join};
use crate::maillog::{self, MailLog};
use crate::smtp::Session;
use crate::time::{LogTime, Timestamp};

pub use cases::message_of;
pub use gather::wire_options;
pub use inputs::{Kind, Opened, open_all};
pub use plan::{DEFAULT_SILENCE, InputPath, Plan, Reader, Selection, Told, Watch};

/// Everything that an investigation found.
#[derive(Debug)]
pub struct Investigation {
    /// What was asked.
    pub plan: Plan,
    /// What was read, in the order given.
    pub inputs: Vec<InputFacts>,
    /// Paths of the captures, by [`crate::cite::CaptureId`]; those of the sender's side come last.
    pub capture_paths: Vec<PathBuf>,
    /// Paths of the logs, by [`crate::cite::LogId`].
    pub log_paths: Vec<PathBuf>,
    /// The log.
    pub log: MailLog,
    /// Sessions whose addresses occur in the log, and those that were asked for.
    pub sessions: Vec<Session>,
    /// The join.
    pub joined: Joined,
    /// The claims, judged.
    pub cases: Vec<Case>,
    /// For the place of a case what a capture of the sender's side shows of its connection.
    pub comparisons: AHashMap<usize, Comparison>,
    /// Where the captures were taken, by the connections of the cases.
    pub vantage: Vantage,
    /// What the set of connections shows that one cannot.
    pub patterns: Vec<Pattern>,
    /// SMTP connections on the wire.
    pub wire_connections: u64,
    /// Of these, connections to the appliance that the log has no ICID for.
    pub wire_without_icid: u64,
    /// Those among [`Self::sessions`] that are to be listed (`--all`, `--remote`).
    pub unlogged_listed: Vec<usize>,
    /// Notes about the inputs taken together.
    pub notes: Vec<String>,
}

impl Investigation {
    /// Whether part of the input could not be used.
    pub fn any_loss(&self) -> bool {
        self.inputs.iter().any(|input| input.kind == InputKind::Unusable || input.notes.any_loss())
    }
}

/// One input as read.
#[derive(Debug, Clone)]
pub struct InputFacts {
    /// The path as given.
    pub path: PathBuf,
    /// What it turned out to be.
    pub kind: InputKind,
    /// Which side it is from.
    pub role: InputRole,
    /// Octets as they lie on disk.
    pub bytes: u64,
    /// Its container or shape in words.
    pub format: String,
    /// SHA-256 of the file as it lies on disk.
    pub sha256: Option<String>,
    /// Its first and last time.
    pub first: Option<Time>,
    /// See [`Self::first`].
    pub last: Option<Time>,
    /// Frames or records.
    pub records: u64,
    /// What a capture tells of the interfaces that it was captured on (pcapng).
    pub interfaces: Vec<InterfaceFacts>,
    /// What was passed over.
    pub notes: Notes,
}

/// What an input turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// A capture.
    Capture,
    /// A mail log.
    Log,
    /// A debug log: what was said on connections, octet by octet.
    DebugLog,
    /// Neither, or unreadable.
    Unusable,
}

/// Which side an input is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum InputRole {
    /// The appliance's: what is judged.
    #[default]
    Inside,
    /// The sender's side of the firewall (`--outside`): what it is compared with.
    Outside,
}

/// A time: an instant in UTC, or a log's wall clock while no offset is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Time {
    /// UTC.
    Utc(Timestamp),
    /// The log's own clock, no offset known.
    Local(LogTime),
}

/// Why there is nothing to investigate.
#[derive(Debug, thiserror::Error)]
pub enum InvestigateError {
    /// No input could be read: each with why.
    #[error("no input could be read")]
    NothingReadable(Vec<InputFacts>),
    /// Captures without a log.
    #[error("the inputs hold captures but no mail log")]
    NoLog(Vec<InputFacts>),
    /// Logs without a capture.
    #[error("the inputs hold mail logs but no capture")]
    NoCapture(Vec<InputFacts>),
    /// The filter does not compile, or cannot be had in this build.
    #[error(transparent)]
    Filter(#[from] crate::capture::read::FilterError),
    /// Stopped by the caller.
    #[error("interrupted")]
    Interrupted,
}

/// Reads both sides, joins them and judges every claim that the plan wants.
///
/// # Errors
/// When there is nothing to join; input that can be read in part is used as far as it goes, and the
/// rest is in the notes of [`Investigation::inputs`].
pub fn investigate(plan: &Plan, watch: &Watch) -> Result<Investigation, InvestigateError> {
    let mut gathered = gather::gather(plan, watch)?;
    if watch.is_interrupted() {
        return Err(InvestigateError::Interrupted);
    }
    let options = Options { zone: plan.zone, address_map: plan.address_map.clone() };
    maillog::outgoing::attach(&mut gathered.log);
    let claims = maillog::claims(&gathered.log, plan.all);
    let claimed: AHashSet<usize> = claims.iter().filter_map(|claim| claim.connection).collect();
    let joined = join(&gathered.log, &gathered.sessions, &options, |index| claimed.contains(&index));
    let mut cases = cases::judged(plan, claims, &gathered.log, &gathered.sessions, &joined);
    third_witness::hear(&mut cases, plan, watch, &gathered)?;
    if watch.is_interrupted() {
        return Err(InvestigateError::Interrupted);
    }
    let attribution = attribution::attribute(
        plan,
        watch,
        &gathered.log,
        &gathered.sessions,
        &gathered.capture_paths,
        &mut cases,
    )?;
    gathered.dropped.weigh(&mut cases, &gathered.sessions);
    let mut notes =
        meeting::notes(&gathered.log, &gathered.sessions, &gathered.seen, &joined, &gathered.spans);
    notes.extend(gathered.dropped.note());
    notes.extend(attribution.second.notes);
    gathered.inputs.extend(attribution.second.inputs);
    let unlogged: Vec<usize> = gathered
        .sessions
        .iter()
        .enumerate()
        .filter(|(index, session)| {
            !joined.possible.contains(index) && gathered.addresses.is_to_appliance(session)
        })
        .map(|(index, _)| index)
        .collect();
    let wanted = |index: &usize| {
        plan.all
            || gathered.sessions.get(*index).is_some_and(|session| {
                plan.selection.remotes.iter().any(|remote| {
                    crate::net::canonical(*remote) == crate::net::canonical(session.client().ip)
                })
            })
    };
    Ok(Investigation {
        wire_connections: gathered.seen.sessions,
        wire_without_icid: gathered.seen.dropped_to_appliance + unlogged.len() as u64,
        unlogged_listed: unlogged.into_iter().filter(wanted).collect(),
        plan: plan.clone(),
        inputs: gathered.inputs,
        capture_paths: gathered.capture_paths.into_iter().chain(plan.outside.iter().cloned()).collect(),
        log_paths: gathered.log_paths,
        log: gathered.log,
        sessions: gathered.sessions,
        joined,
        cases,
        comparisons: attribution.second.comparisons,
        vantage: attribution.vantage,
        patterns: attribution.patterns,
        notes,
    })
}
