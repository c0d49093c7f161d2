//! Where the book keeps what it will find again by an id.

use ahash::AHashMap;

use crate::maillog::{HostIndex, SerialIndex};
use crate::net::Leg;

/// Where the book has a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    Connection {
        slot: u32,
        index: u32,
    },
    Orphan(u32),
    /// It came over no connection.
    None,
}

/// The ids of one appliance.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) serial: Option<SerialIndex>,
    /// The host that a relay names, where no head says whose serial number it has.
    pub(super) host: Option<HostIndex>,
    pub(super) injections: AHashMap<u64, u32>,
    pub(super) deliveries: AHashMap<u64, u32>,
    pub(super) messages: AHashMap<u64, Home>,
    /// Messages in delivery, by MID: the connection that the last began on.
    pub(super) delivering: AHashMap<u64, u32>,
}

impl Shelf {
    /// The connections of one leg by their ids.
    pub(super) fn connections(&mut self, leg: Leg) -> &mut AHashMap<u64, u32> {
        match leg {
            Leg::Injection => &mut self.injections,
            Leg::Delivery => &mut self.deliveries,
        }
    }
}

/// An entry to be handed out when its time has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    /// The record at which it is due.
    pub(super) at: u64,
    /// The record that made the entry: its number may be another's by then.
    pub(super) born: u64,
    pub(super) entry: Entry,
}

/// What can be handed out, by its number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Entry {
    Connection(u32),
    Orphan(u32),
}
