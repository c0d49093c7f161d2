//! Signs: single facts of a connection that point somewhere. One file a family.
//!
//! A sign is read by a small pure function over an [`Evidence`]. Its [`Rule`] says what it is called
//! and which group of independent evidence it belongs to: of one group only the strongest counts.

pub mod answers;
pub mod appliance;
pub mod capture;
pub mod dialogue;
pub mod fins;
pub mod icmp;
pub mod limits;
pub mod path;
pub mod resets;
pub mod sender;
pub mod tls;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cause::{CauseKind, Evidence};
use crate::cite::FrameRef;

/// A family of signs: what can be read, and how.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// The rules of its signs.
    pub rules: &'static [&'static Rule],
    /// Reads them.
    pub read: fn(&Evidence<'_>, &mut Vec<Sign>),
}

/// Every family.
pub const FAMILIES: &[Family] = &[
    capture::FAMILY,
    resets::FAMILY,
    fins::FAMILY,
    dialogue::FAMILY,
    limits::FAMILY,
    tls::FAMILY,
    path::FAMILY,
    icmp::FAMILY,
    answers::FAMILY,
    sender::FAMILY,
    appliance::FAMILY,
];

/// The signs of one connection.
pub fn signs(evidence: &Evidence<'_>) -> Vec<Sign> {
    let mut found = Vec::new();
    for family in FAMILIES {
        (family.read)(evidence, &mut found);
    }
    found
}

/// What all signs of one name have in common. How it is tested, where that is from and what is known
/// to raise it falsely stands at the rule's constant.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, in snake case.
    pub name: &'static str,
    /// Which evidence it depends on.
    pub group: Group,
    /// The causes that it bears out.
    pub supports: &'static [CauseKind],
}

impl Rule {
    /// Whether it bears out another account of the same ending than `cause`: a device's against the
    /// sender's own, and the other way round.
    pub fn speaks_against(&self, cause: CauseKind) -> bool {
        !self.supports.is_empty() && !self.supports.contains(&cause)
    }
}

/// Evidence that comes from one source: signs of one group do not support each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// TTL, hop distance, source MAC.
    Distance,
    /// IP ID, echoes of our packets.
    Identity,
    /// Sequence and acknowledgment numbers.
    Numbers,
    /// The shape of the header: window, options, checksum, DSCP.
    Shape,
    /// When it came.
    Timing,
    /// What went on afterwards.
    Aftermath,
    /// The text of the dialogue.
    Text,
    /// Lengths and types of TLS records.
    Records,
    /// What other connections show.
    Others,
    /// What a capture of the sender's side shows.
    Outside,
    /// What the log says.
    Log,
    /// What is missing from the file.
    Capture,
}

/// One fact that points somewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Sign {
    /// What it is.
    pub rule: &'static Rule,
    /// Where it points.
    pub points_at: PointsAt,
    /// How strongly.
    pub strength: Strength,
    /// The frames it was read from.
    pub frames: Vec<FrameRef>,
    /// The numbers it used, by name.
    pub numbers: Vec<(&'static str, f64)>,
    /// A sentence for people.
    pub detail: String,
}

/// Where a sign points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PointsAt {
    /// The appliance.
    Appliance,
    /// The capture itself.
    Capture,
    /// A device in between.
    Middlebox,
    /// The path without anybody's intent.
    Path,
    /// The sender.
    Sender,
}

/// How strongly a sign points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Never reported alone.
    Weak,
    /// Counts beside others.
    Moderate,
    /// Two independent ones make it likely.
    Strong,
    /// One is enough.
    Decisive,
}
