//! What the log asserts about an ending: the claim that a verdict judges.
//!
//! Coming in (ICID) a message is aborted, or a connection ended; going out (DCID) a delivery fails.

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
    /// Whether it also says `lost`; never known of a delivery, of which no log says so.
    pub lost: Lost,
    /// The reply code of the remote server that a `Bounced:` or `Delayed:` cites.
    pub code: Option<u16>,
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
    /// A delivery failed, `EOF`: the remote server ended its direction (a FIN).
    RemoteClosed,
    /// A delivery failed, `[Errno 54] Connection reset by peer`.
    RemoteReset,
    /// A delivery failed, `timeout` (or `[Errno 60]`, the network's own).
    DeliveryTimedOut,
    /// A delivery failed for another reason of the network, or in words that are not known.
    DeliveryFailed,
    /// `Bounced: DCID n MID m`: given up for good, by a reply where the log cites one.
    Bounced,
    /// `Delayed: DCID n MID m`: given up for now, by a reply where the log cites one.
    Delayed,
    /// `Message done DCID n MID m`: delivered.
    Delivered,
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

/// What the words of a claim assert, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// How sure it is.
    pub standing: Standing,
    /// What the log asserts, as the rest of the sentence "The log says that ...".
    pub asserts: &'static str,
    /// Where that is from.
    pub source: &'static str,
}

impl ClaimKind {
    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::ReceivingAborted,
        Self::ReceivingAbortedBySender,
        Self::AbortedOtherwise,
        Self::NoMessagesInjected,
        Self::ConnectionTimeExceeded,
        Self::ReceivingFailed,
        Self::Killed,
        Self::Accepted,
        Self::Unfinished,
        Self::RemoteClosed,
        Self::RemoteReset,
        Self::DeliveryTimedOut,
        Self::DeliveryFailed,
        Self::Bounced,
        Self::Delayed,
        Self::Delivered,
    ];

    /// Whether it says that something went wrong: what a report shows without being asked for more.
    pub const fn is_of_failure(self) -> bool {
        !matches!(self, Self::Accepted | Self::Unfinished | Self::Delivered)
    }

    /// What the log asserts by these words.
    pub const fn meaning(self) -> Meaning {
        use Standing::{Assumed, Documented, Seen};
        let (standing, asserts, source) = match self {
            Self::ReceivingAborted => (
                Documented,
                "the connection ended below SMTP, or the five-minute timer ran out",
                "Cisco TechNote 118295",
            ),
            Self::ReceivingAbortedBySender => (
                Documented,
                "the sender ended the message at SMTP's level, by QUIT before its data",
                "Cisco TechNote 118295",
            ),
            Self::AbortedOtherwise => (
                Assumed,
                "the message was given up while it was received",
                "no document explains these words",
            ),
            Self::NoMessagesInjected => (
                Documented,
                "the appliance ended the connection because no message was injected in the time allowed",
                "AsyncOS 10 user guide, Timeout for Unsuccessful Inbound Connections",
            ),
            Self::ConnectionTimeExceeded => (
                Documented,
                "the appliance ended the connection because it lasted longer than is allowed",
                "AsyncOS 10 user guide, Total Time Limit for All Inbound Connections",
            ),
            Self::ReceivingFailed => (
                Seen,
                "the appliance refused to receive, for a limit or a rule of its own",
                "samples of AsyncOS 4.5 to 14.2",
            ),
            Self::Killed => (Seen, "the appliance killed the connection", "samples of AsyncOS 3.8 to 5.1"),
            Self::Accepted => (
                Documented,
                "the message was accepted, written to disk and acknowledged",
                "AsyncOS 9.1.2 user guide, Text Mail Logs",
            ),
            Self::Unfinished => {
                (Assumed, "the message was begun", "no line tells of its end as far as the log goes")
            }
            Self::RemoteClosed => (
                Seen,
                "the remote server ended the connection (end of file)",
                "samples of `details: EOF`; the words are those of the appliance's network library",
            ),
            Self::RemoteReset => (
                Seen,
                "the remote server, or somebody in its name, reset the connection",
                "samples of `[Errno 54]`, which is FreeBSD's ECONNRESET (sys/errno.h)",
            ),
            Self::DeliveryTimedOut => (
                Seen,
                "the remote server did not answer until the appliance's patience ran out",
                "samples of `details: timeout`",
            ),
            Self::DeliveryFailed => (
                Assumed,
                "the delivery failed for a reason of the network",
                "no document explains these words",
            ),
            Self::Bounced => (
                Documented,
                "the delivery was given up for good, because of the reply that it cites",
                "AsyncOS 10 user guide, Text Mail Logs",
            ),
            Self::Delayed => (
                Documented,
                "the delivery was put off, because of the reply that it cites",
                "AsyncOS 10 user guide, Text Mail Logs",
            ),
            Self::Delivered => (
                Documented,
                "the message was delivered: the remote server took it",
                "AsyncOS 10 user guide, Text Mail Logs",
            ),
        };
        Meaning { standing, asserts, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_meaning_of_its_own() {
        for (at, kind) in ClaimKind::ALL.into_iter().enumerate() {
            assert!(!kind.meaning().asserts.ends_with('.'), "it is the rest of a sentence");
            let earlier = ClaimKind::ALL.into_iter().take(at);
            assert!(earlier.clone().all(|other| other != kind));
            assert!(earlier.clone().all(|other| other.meaning().asserts != kind.meaning().asserts));
        }
    }
}
