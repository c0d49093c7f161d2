//! Is the log right? The table of claims and endings, the timers, and the words.

pub mod judge;
pub mod table;
pub mod timers;
pub mod words;

use schemars::JsonSchema;
use serde::Serialize;

pub use judge::{Evidence, Verdict, judge};

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
