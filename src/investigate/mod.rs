//! The investigation: both sides on their threads, the join, the verdicts. The only place that sees all.

mod plan;

pub use plan::{DEFAULT_SILENCE, InputPath, Plan, Reader, Selection, Told, Watch};
pub use crate::join::clock::Zone;
