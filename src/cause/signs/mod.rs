//! Signs: single facts of a connection that point somewhere. One file a family.

use schemars::JsonSchema;
use serde::Serialize;

use crate::cite::FrameRef;

/// One fact that points somewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Sign {
    /// Its name, in snake case.
    pub name: &'static str,
    /// Where it points.
    pub points_at: PointsAt,
    /// How strongly.
    pub strength: Strength,
    /// The frames it was read from.
    pub frames: Vec<FrameRef>,
    /// A sentence for people with the numbers it used.
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
