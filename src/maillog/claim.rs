//! What the log asserts about an ending: the claim that a verdict judges.

use schemars::JsonSchema;
use serde::Serialize;

use crate::maillog::Stamp;
use crate::text::Text;

/// One assertion of the log: about a message, or about a connection without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What it says.
    pub kind: ClaimKind,
    /// The connection, as an index into [`super::MailLog::connections`]; `None` for an orphan.
    pub connection: Option<usize>,
    /// The message, as an index into the connection's messages (or the orphans).
    pub message: Option<usize>,
    /// The log's own words, for instance `Receiving aborted`.
    pub reason: Text,
    /// Where it says so.
    pub at: Stamp,
    /// Whether it also says `lost`.
    pub lost: Lost,
}

/// The kinds of claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    /// `Message aborted MID n Receiving aborted`: ended below SMTP, or by the five-minute timer.
    ReceivingAborted,
    /// `Message aborted MID n Receiving aborted by sender`: the sender ended it at SMTP's level.
    ReceivingAbortedBySender,
    /// `Message aborted MID n` with words that are not known.
    AbortedOtherwise,
    /// `disconnected address A, no messages injected within timeout period`.
    NoMessagesInjected,
    /// `disconnected address A, exceeded allowable connection time`.
    ConnectionTimeExceeded,
    /// `Receiving Failed: ...`.
    ReceivingFailed,
    /// `connection killed`.
    Killed,
    /// `ready N bytes`: the message was accepted.
    Accepted,
    /// Neither aborted nor accepted as far as the log goes.
    Unfinished,
}

/// Whether the log says `ICID n lost`.
///
/// A missing `lost` line is evidence only where the input holds lines of that ICID that name no MID
/// from the abort on; a `grep` for the MID drops them all, and then it is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lost {
    /// It says `lost`.
    Yes,
    /// It would have said so, and does not.
    No,
    /// The input does not hold the lines that would tell.
    Unknown,
}

/// How sure it is what the log's words mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The vendor's documents say what the words mean.
    Documented,
    /// Seen in real samples, explained nowhere.
    Seen,
    /// Our reading of the words.
    Assumed,
}
