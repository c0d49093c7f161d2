//! Who did it: signs in a connection's evidence and what they point at.
//!
//! ```text
//! close_up (second reading) -> evidence -> signs/ (one file a family) -> patterns (all cases) -> decide -> next_step
//! ```

pub mod close_up;
pub mod evidence;
pub mod headers;
pub mod signs;
#[cfg(test)]
mod testing;
pub mod vantage;

use schemars::JsonSchema;
use serde::Serialize;

pub use close_up::{CloseUp, CloseUps};
pub use evidence::Evidence;
pub use signs::{PointsAt, Sign, Strength};
pub use vantage::Vantage;

/// Who or what ended a connection, decided over its signs.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// What it was.
    pub kind: CauseKind,
    /// How sure that is.
    pub confidence: Confidence,
    /// What would settle it.
    pub next_step: Option<String>,
}

/// The closed list of causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// The appliance ran into a limit of its own.
    ApplianceLimit,
    /// The appliance's timer ran out.
    ApplianceTimer,
    /// Content of the message was blocked on the way.
    ContentBlocked,
    /// A device on the way reset the connection.
    MiddleboxReset,
    /// A device on the way rewrote the dialogue.
    MiddleboxRewriting,
    /// The evidence does not reach from here.
    NotVisibleHere,
    /// The path lost data.
    PathLostData,
    /// The path drops large packets without a word.
    PmtuBlackHole,
    /// Every recipient was refused.
    RecipientsRefused,
    /// The sender closed the connection.
    SenderClosed,
    /// The sender gave up waiting for the appliance.
    SenderGaveUpWaiting,
    /// The sender said QUIT.
    SenderQuit,
    /// The sender reset the connection.
    SenderReset,
    /// The sender only verified an address (call-back).
    VerificationProbe,
}

/// How sure a cause is. A mere suspicion stays in the signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// The evidence names it.
    Named,
    /// The evidence makes it likely.
    Likely,
}
