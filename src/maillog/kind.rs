//! What kind of line a record is: the one list by which lines are counted.

use schemars::JsonSchema;
use serde::Serialize;

use crate::maillog::event::{Event, Fact, Known};
use crate::net::Leg;

/// Declares the kinds with their meanings, in the order in which they are shown.
macro_rules! kinds {
    ($($variant:ident $words:literal,)+) => {
        /// What kind of line a record is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum LineKind {
            $(#[doc = $words] $variant,)+
        }

        impl LineKind {
            /// All of them, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// What such lines are, in words.
            pub const fn words(self) -> &'static str {
                match self {
                    $(Self::$variant => $words,)+
                }
            }
        }
    };
}

kinds! {
    Head "head of a file: version, serial number, offset",
    ConnectionOpened "New SMTP ICID",
    Policy "ACCEPT, RELAY, REJECT, TCPREFUSE, reputation",
    Authentication "SMTP AUTH",
    Tls "TLS, both ways",
    MessageStarted "Start MID",
    Sender "From",
    Recipient "To",
    RecipientRefused "recipient refused",
    SenderCheck "address refused or let pass for its form or domain",
    Syntax "command not understood",
    MessageId "Message-ID",
    Subject "Subject",
    Ready "ready: accepted",
    ConnectionLost "ICID or DCID lost",
    EndedByAppliance "timer, Receiving Failed, killed",
    Limit "System limit reached",
    Aborted "Message aborted",
    Finished "Message finished",
    ConnectionClosed "ICID close",
    AntiSpam "verdicts against spam",
    AntiVirus "verdicts against viruses and on files",
    Outbreak "outbreak filters",
    Verification "SPF, DKIM, DMARC, sender domain reputation",
    Content "policies, filters, attachments, DLP, URLs, log entries",
    Quarantine "quarantines",
    Directory "LDAP, aliases, directory harvest guard",
    Derived "rewritten, split, generated: ids that change",
    DeliveryOpened "New SMTP DCID",
    DeliveryStarted "Delivery start",
    Response "Response of the remote server",
    Delivered "Message done",
    Undelivered "Bounced, Delayed, Possible Delivery",
    ConnectionError "Connection Error of a DCID",
    DeliveryClosed "DCID close",
    Delivery "queue, double bounces, deleted and pending recipients",
    Summary "all of one message in one record (CEF, tracking)",
    Conversation "octets of a debug log",
    Status "Status: counters of the appliance",
    System "the appliance's own state",
    Unknown "not known",
}

impl LineKind {
    /// Whether lines of this kind are known.
    pub fn is_known(self) -> bool {
        self != Self::Unknown
    }
}

impl Event<'_> {
    /// What kind of line the record is.
    pub fn kind(&self) -> LineKind {
        let delivery = self.ids.connection.is_some_and(|connection| connection.leg == Leg::Delivery);
        match &self.fact {
            Fact::HeadBegins | Fact::Version { .. } | Fact::Offset(_) => LineKind::Head,
            Fact::Opened(_) | Fact::Described(..) if delivery => LineKind::DeliveryOpened,
            Fact::Opened(_) | Fact::Described(..) => LineKind::ConnectionOpened,
            Fact::Policy { .. } => LineKind::Policy,
            Fact::Tls(_) => LineKind::Tls,
            Fact::ConnectionRejectsRecipient | Fact::RecipientRejected(_) => LineKind::RecipientRefused,
            Fact::Lost(_) => LineKind::ConnectionLost,
            Fact::Closed if delivery => LineKind::DeliveryClosed,
            Fact::Closed => LineKind::ConnectionClosed,
            Fact::Ended { .. } => LineKind::EndedByAppliance,
            Fact::Started => LineKind::MessageStarted,
            Fact::Sender(_) => LineKind::Sender,
            Fact::Recipient { .. } => LineKind::Recipient,
            Fact::MessageId(_) => LineKind::MessageId,
            Fact::Subject(_) => LineKind::Subject,
            Fact::Ready { .. } => LineKind::Ready,
            Fact::Aborted(_) => LineKind::Aborted,
            Fact::Finished(_) => LineKind::Finished,
            Fact::Derived { .. } => LineKind::Derived,
            Fact::DeliveryStarted => LineKind::DeliveryStarted,
            Fact::Delivered => LineKind::Delivered,
            Fact::Response(_) => LineKind::Response,
            Fact::Undelivered(_) => LineKind::Undelivered,
            Fact::ConnectionError(_) => LineKind::ConnectionError,
            Fact::ClockSet(_) => LineKind::System,
            Fact::Known(known) => of_known(*known),
            Fact::Unknown => LineKind::Unknown,
        }
    }
}

const fn of_known(known: Known) -> LineKind {
    match known {
        Known::AntiSpam => LineKind::AntiSpam,
        Known::AntiVirus => LineKind::AntiVirus,
        Known::Authentication => LineKind::Authentication,
        Known::Content => LineKind::Content,
        Known::Conversation => LineKind::Conversation,
        Known::Delivery => LineKind::Delivery,
        Known::Directory => LineKind::Directory,
        Known::Limit => LineKind::Limit,
        Known::Outbreak => LineKind::Outbreak,
        Known::Policy => LineKind::Policy,
        Known::Quarantine => LineKind::Quarantine,
        Known::SenderCheck => LineKind::SenderCheck,
        Known::Status => LineKind::Status,
        Known::Summary => LineKind::Summary,
        Known::Syntax => LineKind::Syntax,
        Known::System => LineKind::System,
        Known::Verification => LineKind::Verification,
    }
}
