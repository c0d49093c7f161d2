//! Is the log right? The table of claims and endings, and the timers.

use schemars::JsonSchema;
use serde::Serialize;

/// What the wire makes of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// The wire shows what the log claims.
    Confirmed,
    /// The wire shows something that the claim excludes.
    Contradicted,
    /// It cannot be told; what is missing is said.
    Undetermined,
}
