//! What signs are read from: one case's connection with all that is known of it.

use crate::capture::{Side, StreamFacts, Trace};
use crate::cause::{CloseUp, Vantage};
use crate::maillog::{Claim, Connection, Message};
use crate::net::{Leg, Role};
use crate::smtp::{Ending, Session, Transaction};
use crate::verdict::timers::Fit;

/// One case's connection. Roles come from the leg: the appliance is the server of an injection and
/// the client of a delivery.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Which way the mail went.
    pub leg: Leg,
    /// The connection.
    pub session: &'a Session,
    /// The transaction in it, where the case is about one that was found.
    pub transaction: Option<&'a Transaction>,
    /// How it ended.
    pub ending: &'a Ending,
    /// Its second reading; `None` where the capture could be read only once.
    pub close_up: Option<&'a CloseUp>,
    /// Where the capture was taken.
    pub vantage: Vantage,
    /// What the log claims.
    pub claim: &'a Claim,
    /// The log's connection.
    pub connection: Option<&'a Connection>,
    /// The log's message.
    pub message: Option<&'a Message>,
    /// Timers of the appliance that fit.
    pub timers: &'a [Fit],
}

impl<'a> Evidence<'a> {
    /// The side of the flow that is the sender.
    pub const fn sender(&self) -> Side {
        side(self.leg.appliance().other())
    }

    /// The side of the flow that is the appliance.
    pub const fn appliance(&self) -> Side {
        side(self.leg.appliance())
    }

    /// The facts of the sender's stream.
    pub fn sender_stream(&self) -> &'a StreamFacts {
        self.session.flow.streams.of(self.sender())
    }

    /// The facts of the appliance's stream.
    pub fn appliance_stream(&self) -> &'a StreamFacts {
        self.session.flow.streams.of(self.appliance())
    }

    /// The headers, where the connection was read a second time.
    pub fn trace(&self) -> Option<&'a Trace> {
        self.close_up.map(|close_up| &*close_up.trace)
    }
}

/// A session's originator is the client.
pub const fn side(role: Role) -> Side {
    match role {
        Role::Client => Side::Originator,
        Role::Server => Side::Responder,
    }
}
