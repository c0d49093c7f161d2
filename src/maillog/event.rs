//! What one record says, whatever dialect it was written in.
//!
//! An event borrows from its record. It names at most one connection and one message, and states
//! one fact about them; a fact that the join has no use for is [`Fact::Known`] by its kind, so that
//! the count of known records is honest.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::maillog::{ApplianceEndKind, Finish, NetworkError, PolicyAction, Tls, UndeliveredKind};
use crate::net::Leg;
use crate::time::{LogTime, UtcOffset};

/// One record, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'a> {
    /// The ids that it names.
    pub ids: Ids,
    /// What it says of them.
    pub fact: Fact<'a>,
}

/// The ids that a record names (ESA-LOGS section 3: ICID, DCID, MID, matched as whole words).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ids {
    /// The connection.
    pub connection: Option<ConnectionId>,
    /// The message.
    pub mid: Option<u64>,
}

/// An ICID or a DCID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    /// Which of the two.
    pub leg: Leg,
    /// The number; 0 is no connection on the network.
    pub id: u64,
}

/// What a record says of the ids that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<'a> {
    /// `Begin Logfile`: a head begins, and with it a clock.
    HeadBegins,
    /// `Version: V SN: S`: whose log it is.
    Version {
        /// The serial number, where the line has one.
        serial: Option<&'a [u8]>,
    },
    /// `Time offset from UTC: N seconds`; `None` for an offset that no zone has.
    Offset(Option<UtcOffset>),
    /// `The system time was changed from A to B`.
    ClockSet(Box<(LogTime, LogTime)>),

    /// `New SMTP ICID`, `New SMTP DCID`. Boxed, so that every other fact is small to hand on.
    Opened(Box<Opening<'a>>),
    /// What a record about a message tells of its connection, and how TLS went on it.
    Described(Box<Opening<'a>>, Option<Tls>),
    /// The host access table's word.
    Policy {
        /// The verb.
        action: PolicyAction,
        /// The sender group.
        group: &'a [u8],
    },
    /// How TLS went.
    Tls(Tls),
    /// A recipient refused outside of any message.
    ConnectionRejectsRecipient,
    /// `lost`, with what the long form of early versions tells of the connection.
    Lost(Option<Box<Opening<'a>>>),
    /// `close`.
    Closed,
    /// The appliance ended it.
    Ended {
        /// Why.
        kind: ApplianceEndKind,
        /// The log's words.
        words: &'a [u8],
    },

    /// `Start MID`.
    Started,
    /// `From:`, without brackets.
    Sender(&'a [u8]),
    /// `RID r To:`, without brackets.
    Recipient {
        /// The recipient's number in the message, from 0.
        rid: u32,
        /// The address; may be empty.
        address: &'a [u8],
    },
    /// A recipient refused.
    RecipientRejected(&'a [u8]),
    /// `Message-ID`.
    MessageId(Cow<'a, [u8]>),
    /// `Subject`.
    Subject(Cow<'a, [u8]>),
    /// `ready N bytes from <A>`.
    Ready {
        /// The size as stored.
        bytes: u64,
        /// The sender, repeated here.
        sender: Option<&'a [u8]>,
    },
    /// `Message aborted`.
    Aborted(Abort<'a>),
    /// `Message finished`.
    Finished(Finish),
    /// The appliance made a message of its own out of another; it came over no connection.
    Derived {
        /// The new message.
        mid: u64,
        /// The one it was made of, where the line names it.
        from: Option<u64>,
        /// How.
        by: Derivation,
    },

    /// `Delivery start`: the message goes out over the DCID.
    DeliveryStarted,
    /// `Message done`: its recipients on the DCID are delivered.
    Delivered,
    /// `Response`: the remote server's words to the message.
    Response(Cow<'a, [u8]>),
    /// `Bounced:`, `Delayed:`, `Possible Delivery:`: the recipients were not, or perhaps not, delivered.
    Undelivered(Box<Undelivered<'a>>),
    /// `Connection Error:` of the DCID.
    ConnectionError(Box<Failure<'a>>),

    /// Known, and of no use to the join.
    Known(Known),
    /// Not known.
    Unknown,
}

impl Fact<'_> {
    /// Whether the fact tells how a connection or message ended: such lines are kept when others
    /// no longer are.
    pub fn is_an_end(&self) -> bool {
        matches!(
            self,
            Self::Lost(_)
                | Self::Closed
                | Self::Ended { .. }
                | Self::Ready { .. }
                | Self::Aborted(_)
                | Self::Finished(_)
        )
    }

    /// Whether the fact is of a message's reception, so that it is worth keeping even where no
    /// line says over which connection the message came.
    pub fn is_of_reception(&self) -> bool {
        match self {
            Self::Started
            | Self::Sender(_)
            | Self::Recipient { .. }
            | Self::RecipientRejected(_)
            | Self::MessageId(_)
            | Self::Subject(_)
            | Self::Ready { .. } => true,
            Self::Aborted(abort) => !matches!(abort, Abort::Policy(_)),
            _ => false,
        }
    }
}

/// What an opening line tells; every part may be missing (versions before 3.8 print less).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opening<'a> {
    /// The interface's name.
    pub interface: Option<&'a [u8]>,
    /// The appliance's address.
    pub local: Option<IpAddr>,
    /// The remote address.
    pub remote: Option<IpAddr>,
    /// The remote host's reverse name.
    pub reverse_dns: Option<&'a [u8]>,
}

/// The words after `Message aborted MID n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abort<'a> {
    /// `Receiving aborted`, early `Injection aborted`.
    Receiving,
    /// `Receiving aborted by sender`.
    BySender,
    /// `Dropped by ...`, `Bounced by ...`.
    Policy(&'a [u8]),
    /// Other words.
    Other(&'a [u8]),
}

/// How the appliance made a message out of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Derivation {
    /// `rewritten to`: the new message takes the old one's place.
    Rewritten,
    /// `was split creating`: for some of the recipients.
    Split,
    /// `generated based on`: a copy or notice.
    Generated,
    /// `generated for bounce of`.
    Bounce,
}

/// Recipients that were not delivered, as a line tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered<'a> {
    /// What became of them.
    pub kind: UndeliveredKind,
    /// The enhanced status code (RFC 3463), where there is one.
    pub status: Option<&'a [u8]>,
    /// The reply code of the remote server; `None` where it gave none (`'000'`).
    pub code: Option<u16>,
    /// What the network said.
    pub network: Option<NetworkError>,
    /// The log's words after the recipients.
    pub words: &'a [u8],
}

/// A connection that failed, as a line tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure<'a> {
    /// The remote address.
    pub remote: Option<IpAddr>,
    /// The appliance's address, where the line gives its address.
    pub local: Option<IpAddr>,
    /// What the network said.
    pub network: NetworkError,
    /// The log's words for it (`details:`).
    pub details: &'a [u8],
    /// `reason:`.
    pub reason: Option<&'a [u8]>,
}

/// Kinds of records that are known and say nothing about how a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Known {
    /// Verdicts against spam and graymail.
    AntiSpam,
    /// Verdicts against viruses, and of file reputation.
    AntiVirus,
    /// SMTP AUTH; who logged in is not kept.
    Authentication,
    /// Content policy: filters, attachments, data loss prevention, URLs, custom entries.
    Content,
    /// Octets of a connection in a debug log; [`conversation`](crate::maillog::conversation) reads them.
    Conversation,
    /// Delivery (DCID, queue, bounces).
    Delivery,
    /// Directory lookups and the directory harvest guard.
    Directory,
    /// A limit was reached; what came of it follows in a line of its own.
    Limit,
    /// Outbreak filters.
    Outbreak,
    /// The host access table, in more words.
    Policy,
    /// Quarantines.
    Quarantine,
    /// `Status:`, the appliance's counters.
    Status,
    /// All of one message in one record; its facts are taken in one by one.
    Summary,
    /// A sender or recipient address that was refused or let pass for its form or domain.
    SenderCheck,
    /// The appliance's own state.
    System,
    /// A command that the appliance did not understand.
    Syntax,
    /// SPF, DKIM, DMARC, sender domain reputation.
    Verification,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events are handed on by value for every record of a log.
    #[test]
    fn events_are_small() {
        assert!(size_of::<Event<'_>>() <= 80, "{}", size_of::<Event<'_>>());
    }
}
