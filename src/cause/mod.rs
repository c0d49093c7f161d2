//! Who did it: signs in a connection's evidence, what they point at, and a decision over them.
//!
//! ```text
//! close_up (second reading) -> evidence -> signs/ (one file a family) -> outside (second capture)
//!     -> patterns (all cases) -> decide -> next_step
//! ```
//!
//! The decision never accuses a device or the path on one sign that is not decisive, and everything that
//! speaks against it is shown beside it.

pub mod close_up;
pub mod decide;
pub mod evidence;
pub mod headers;
pub mod next_step;
pub mod outside;
pub mod patterns;
pub mod signs;
#[cfg(test)]
mod testing;
pub mod vantage;

use schemars::JsonSchema;
use serde::Serialize;

pub use close_up::{CloseUp, CloseUps};
pub use decide::decide;
pub use evidence::{Evidence, SecondSide};
pub use patterns::Pattern;
pub use signs::{PointsAt, Sign, Strength};
pub use vantage::Vantage;

/// Who or what ended a connection, decided over its signs.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// What it was.
    pub kind: CauseKind,
    /// How sure that is.
    pub confidence: Confidence,
    /// A sentence for people: why this and nothing else.
    pub because: String,
    /// For each sign of the case, in their order, how it bears on this cause.
    pub bearings: Vec<Bearing>,
    /// What would settle it.
    pub next_step: Option<String>,
}

/// How a sign bears on the cause that was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bearing {
    /// It speaks for it.
    For,
    /// It speaks against it.
    Against,
    /// Neither.
    Aside,
}

/// The closed list of causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// The appliance closed the connection by itself: shut down, killed, or without a word.
    ApplianceClosed,
    /// The appliance ran into a limit of its own: size, header lines, commands, connections, recipients.
    ApplianceLimit,
    /// The appliance refused with 4xx or 5xx for another reason.
    ApplianceRefused,
    /// The appliance owed a reply, or had its window closed, and nothing came.
    ApplianceStalled,
    /// The appliance's timer ended a sender that still talked, only too slowly or to no purpose.
    ApplianceTimer,
    /// Stopped or reset on the way by the content of the message.
    ContentBlocked,
    /// A device on the way stopped forwarding at a limit of its own.
    MiddleboxLimit,
    /// A proxy on the way, with a connection to either end, closed the one to the appliance or kept what the
    /// sender sent.
    MiddleboxProxy,
    /// A device on the way reset (or closed) the connection in the sender's name.
    MiddleboxReset,
    /// A device on the way changed the dialogue.
    MiddleboxRewriting,
    /// The evidence does not reach from here; the reason is given.
    NotVisibleHere,
    /// The path lost data or went dead, without a sign of intent.
    PathLostData,
    /// The path drops large packets without a word.
    PmtuBlackHole,
    /// On a delivery: the remote server refused with 4xx or 5xx.
    RemoteRefused,
    /// Every recipient was refused, and the sender left.
    RecipientsRefused,
    /// The sender gave the message up within the dialogue: RSET, EHLO or another MAIL.
    SenderAbandoned,
    /// The sender closed the connection.
    SenderClosed,
    /// The sender gave up waiting for the appliance.
    SenderGaveUpWaiting,
    /// The sender said QUIT.
    SenderQuit,
    /// The sender reset the connection.
    SenderReset,
    /// The sender's host lives, its program said nothing more.
    SenderStalled,
    /// The sender only verified an address (call-back).
    VerificationProbe,
}

impl CauseKind {
    /// Every kind.
    pub const ALL: [Self; 22] = [
        Self::ApplianceClosed,
        Self::ApplianceLimit,
        Self::ApplianceRefused,
        Self::ApplianceStalled,
        Self::ApplianceTimer,
        Self::ContentBlocked,
        Self::MiddleboxLimit,
        Self::MiddleboxProxy,
        Self::MiddleboxReset,
        Self::MiddleboxRewriting,
        Self::NotVisibleHere,
        Self::PathLostData,
        Self::PmtuBlackHole,
        Self::RemoteRefused,
        Self::RecipientsRefused,
        Self::SenderAbandoned,
        Self::SenderClosed,
        Self::SenderGaveUpWaiting,
        Self::SenderQuit,
        Self::SenderReset,
        Self::SenderStalled,
        Self::VerificationProbe,
    ];

    /// Whether it accuses a device or the path: never on one sign that is not decisive.
    pub const fn accuses(self) -> bool {
        matches!(
            self,
            Self::ContentBlocked
                | Self::MiddleboxLimit
                | Self::MiddleboxProxy
                | Self::MiddleboxReset
                | Self::MiddleboxRewriting
                | Self::PathLostData
                | Self::PmtuBlackHole
        )
    }

    /// Whether it is told by what did not arrive: then the capture must not lack frames there.
    pub const fn rests_on_absence(self) -> bool {
        matches!(self, Self::ContentBlocked | Self::MiddleboxLimit | Self::PathLostData | Self::PmtuBlackHole)
    }

    /// Whether it is the deed of a device on the way.
    pub const fn is_a_device(self) -> bool {
        self.accuses() && !matches!(self, Self::PathLostData | Self::PmtuBlackHole)
    }

    /// The kind in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ApplianceClosed => "the appliance closed the connection",
            Self::ApplianceLimit => "a limit of the appliance",
            Self::ApplianceRefused => "the appliance refused",
            Self::ApplianceStalled => "the appliance did not answer",
            Self::ApplianceTimer => "a timer of the appliance",
            Self::ContentBlocked => "content blocked on the way",
            Self::MiddleboxLimit => "a limit of a device on the way",
            Self::MiddleboxProxy => "a proxy on the way ended or held the connection",
            Self::MiddleboxReset => "a device on the way reset the connection",
            Self::MiddleboxRewriting => "a device on the way changed the dialogue",
            Self::NotVisibleHere => "not visible here",
            Self::PathLostData => "the path lost data",
            Self::PmtuBlackHole => "the path drops large packets (PMTU black hole)",
            Self::RemoteRefused => "the remote server refused",
            Self::RecipientsRefused => "all recipients were refused",
            Self::SenderAbandoned => "the sender gave the message up",
            Self::SenderClosed => "the sender closed the connection",
            Self::SenderGaveUpWaiting => "the sender gave up waiting",
            Self::SenderQuit => "the sender said QUIT",
            Self::SenderReset => "the sender reset the connection",
            Self::SenderStalled => "the sender said nothing more",
            Self::VerificationProbe => "the sender only verified an address",
        }
    }
}

/// How sure a cause is. A mere suspicion stays in the signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// The evidence makes it likely.
    Likely,
    /// The evidence names it.
    Named,
}
