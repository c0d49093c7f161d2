//! The third witness: what the appliance's debug log says was said on a connection, against what the
//! capture shows.
//!
//! Both ought to tell the same octets. Where they do not, something between the capture point and the
//! appliance's SMTP changed, added or took octets (or a copy of the log is not whole): the first
//! difference is pointed out with its frame and its line. Sessions keep no octets, so the flows of
//! reported cases are read a second time from their captures, and compared as they come.

mod account;
mod again;
mod compare;
mod standing;
#[cfg(test)]
mod tests;

pub use account::{Account, Change, Difference, Reading, Rest, Stopped};
pub use again::{Wanted, read_again};

use crate::maillog::conversation::Direction;

/// What the debug log is worth to one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Testimony {
    /// The conversation, an index into [`crate::maillog::MailLog::conversations`].
    pub conversation: usize,
    /// Its octets against those of the wire; `None` where they could not be compared.
    pub compared: Option<Compared>,
    /// Why they could not.
    pub not_compared: Option<&'static str>,
    /// Octets of the message's body in the log, where it tells them.
    pub body_octets: Option<u64>,
}

/// Both directions compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// What the appliance says that it sent.
    pub sent: Account,
    /// What it says that it received.
    pub received: Account,
}

impl Compared {
    /// Both directions.
    pub const fn accounts(&self) -> [(Direction, &Account); 2] {
        [(Direction::Received, &self.received), (Direction::Sent, &self.sent)]
    }

    /// Whether no octet differs, and none is on one side only.
    pub fn agrees(&self) -> bool {
        self.accounts().iter().all(|(_, account)| account.agrees())
    }
}
