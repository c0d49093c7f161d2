//! Everything that logs say of one MID, ICID or DCID: of its connection, of the messages that came of
//! it, of their deliveries.
//!
//! A line may be about a message long before another ties that message to what was asked for, so the
//! logs are read several times: as long as a reading finds another id, another one follows. What is
//! held are the ids that belong together and the lines that are shown, never the log.
//!
//! What belongs together: a message and those that it was rewritten to, split into or generated from;
//! the connections that they came and went over, by the lines that name no other message. Of a
//! connection that was asked for, all its messages.

mod secrets;

use std::collections::BTreeMap;

use ahash::{AHashMap, AHashSet};

use crate::cite::Notes;
use crate::maillog::{ConnectionId, Line, LineKind, LineSink, Named, Stamp};
use crate::net::Leg;
use crate::text::Text;
use crate::time::LogTime;
use secrets::Secrets;

/// Ids that belong together; one connection may carry thousands of messages.
pub const MAX_IDS: usize = 65_536;

/// Lines that are shown.
pub const MAX_LINES: usize = 100_000;

/// Octets of the lines that are shown.
pub const MAX_OCTETS: usize = 32 * 1024 * 1024;

/// Octets of one line.
pub const MAX_TEXT: usize = 4096;

/// Readings of the logs.
pub const MAX_READINGS: u32 = 8;

/// Two opening lines of one id further apart than this many seconds are of two connections.
const REPEATED_WITHIN: i64 = 60;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// This id.
    Id(Id),
    /// The MID of that number, or else the ICID, or else the DCID.
    Number(u64),
}

/// A message or a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    /// A message.
    Mid(u64),
    /// A connection on which the appliance received.
    Icid(u64),
    /// A connection on which it delivered.
    Dcid(u64),
}

impl Id {
    /// The word before its number.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mid(_) => "MID",
            Self::Icid(_) => "ICID",
            Self::Dcid(_) => "DCID",
        }
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        match self {
            Self::Mid(number) | Self::Icid(number) | Self::Dcid(number) => number,
        }
    }

    const fn of(connection: ConnectionId) -> Self {
        match connection.leg {
            Leg::Injection => Self::Icid(connection.id),
            Leg::Delivery => Self::Dcid(connection.id),
        }
    }
}

/// `MID 7`.
impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.word(), self.number())
    }
}

/// A line that belongs to what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedLine {
    /// When and where.
    pub stamp: Stamp,
    /// The appliance, by a number of this reading.
    pub appliance: usize,
    /// What kind of line.
    pub kind: LineKind,
    /// What it names.
    pub named: Named,
    /// The line, who logged in and with what left out.
    pub text: Text,
}

/// Finds the lines.
#[derive(Debug)]
pub struct Trace {
    wanted: Wanted,
    /// What is followed: [`Wanted::Number`] is decided by the first reading.
    followed: Id,
    /// Whether the number was met as MID, ICID, DCID.
    met: [bool; 3],
    ids: AHashSet<(usize, Id)>,
    lines: Vec<TracedLine>,
    octets: usize,
    readings: u32,
    grew: bool,
    opened: AHashMap<(usize, Id), LogTime>,
    others: BTreeMap<(usize, Id), u64>,
    secrets: Secrets,
    notes: Notes,
}

impl Trace {
    /// Nothing read yet.
    pub fn new(wanted: Wanted) -> Self {
        let followed = match wanted {
            Wanted::Id(id) => id,
            Wanted::Number(number) => Id::Mid(number),
        };
        Self {
            wanted,
            followed,
            met: [false; 3],
            ids: AHashSet::new(),
            lines: Vec::new(),
            octets: 0,
            readings: 0,
            grew: false,
            opened: AHashMap::new(),
            others: BTreeMap::new(),
            secrets: Secrets::default(),
            notes: Notes::default(),
        }
    }

    /// The logs were read once more: whether they must be read again, from their beginnings.
    pub fn read_again(&mut self) -> bool {
        self.readings += 1;
        let grew = std::mem::take(&mut self.grew);
        let again = match self.wanted {
            Wanted::Number(number) if self.readings == 1 && !self.met[0] => {
                let other = match self.met {
                    [_, true, _] => Some(Id::Icid(number)),
                    [_, _, true] => Some(Id::Dcid(number)),
                    _ => None,
                };
                self.followed = other.unwrap_or(self.followed);
                other.is_some()
            }
            _ => grew,
        };
        if again && self.readings >= MAX_READINGS {
            self.notes.oddity("ids were still found when the logs had been read eight times", None);
            return false;
        }
        if again {
            self.lines.clear();
            self.octets = 0;
            self.opened.clear();
            self.others.clear();
            self.secrets = Secrets::default();
            self.notes = Notes::default();
        }
        again
    }

    /// What was followed.
    pub fn followed(&self) -> Id {
        self.followed
    }

    /// What else bears the number that was asked for without a word before it.
    pub fn namesakes(&self) -> impl Iterator<Item = Id> + '_ {
        let number = self.followed.number();
        let all = [Id::Mid(number), Id::Icid(number), Id::Dcid(number)].into_iter().zip(self.met);
        all.filter(|(id, met)| *met && *id != self.followed).map(|(id, _)| id)
    }

    /// The lines in the order of reading.
    pub fn lines(&self) -> &[TracedLine] {
        &self.lines
    }

    /// The ids that belong together beside the one that was asked for, in order.
    pub fn related(&self) -> Vec<Id> {
        let mut ids: Vec<Id> = self.ids.iter().map(|(_, id)| *id).filter(|id| *id != self.followed).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// How many other messages the connections of the message carried; their lines are not shown.
    pub fn others(&self) -> impl Iterator<Item = (Id, u64)> + '_ {
        self.others.iter().map(|((_, id), count)| (*id, *count))
    }

    /// What was left out.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    fn has(&self, appliance: usize, id: Id) -> bool {
        self.ids.contains(&(appliance, id))
    }

    fn add(&mut self, appliance: usize, id: Id) {
        if self.has(appliance, id) {
            return;
        }
        if self.ids.len() >= MAX_IDS {
            self.notes.oddity("messages and connections beyond those that are followed", None);
            return;
        }
        self.ids.insert((appliance, id));
        self.grew = true;
    }

    /// Learns what a line ties to what is followed.
    fn learn(&mut self, line: &Line<'_>) {
        let (at, named) = (line.appliance, line.named);
        let connections = || named.connections.iter().map(|connection| Id::of(*connection));
        let mids = || named.mids.iter().map(|mid| Id::Mid(*mid));
        let number = self.followed.number();
        for id in mids().chain(connections()).filter(|id| id.number() == number) {
            let [mid, icid, dcid] = &mut self.met;
            match id {
                Id::Mid(_) => *mid = true,
                Id::Icid(_) => *icid = true,
                Id::Dcid(_) => *dcid = true,
            }
            if id == self.followed {
                self.add(at, id);
            }
        }
        let leads = connections().any(|id| id == self.followed);
        if leads || mids().any(|id| self.has(at, id)) {
            for id in mids().chain(connections()) {
                self.add(at, id);
            }
        }
    }

    fn belongs(&self, line: &Line<'_>) -> bool {
        let (at, named) = (line.appliance, line.named);
        let has_connection = || named.connections.iter().any(|connection| self.has(at, Id::of(*connection)));
        if named.mids.is_empty() {
            return has_connection();
        }
        named.mids.iter().any(|mid| self.has(at, Id::Mid(*mid)))
    }

    /// A line of another message on a connection that is followed for the sake of one of its own.
    fn count_other(&mut self, line: &Line<'_>) {
        if !matches!(line.kind, LineKind::MessageStarted | LineKind::DeliveryStarted) {
            return;
        }
        for connection in &line.named.connections {
            let id = Id::of(*connection);
            if self.has(line.appliance, id) {
                *self.others.entry((line.appliance, id)).or_default() += 1;
            }
        }
    }

    fn notice_reuse(&mut self, line: &Line<'_>) {
        for connection in line.named.connections.iter().filter(|_| line.opens) {
            let time = line.stamp.time;
            let before = self.opened.insert((line.appliance, Id::of(*connection)), time);
            let apart = before.map_or(0, |before| (time.wall_seconds() - before.wall_seconds()).abs());
            if apart > REPEATED_WITHIN {
                self.notes.oddity("connections opened under an id that had been used: all are shown", None);
            }
        }
    }

    fn keep(&mut self, line: &Line<'_>) {
        if self.lines.len() >= MAX_LINES || self.octets >= MAX_OCTETS {
            self.notes.oddity("lines beyond those that are shown", None);
            return;
        }
        let shown = self.secrets.without(line.appliance, line.kind, line.text);
        if shown.len() > MAX_TEXT {
            self.notes.oddity("lines that were cut to 4096 octets", None);
        }
        let text = Text::bounded(&shown, MAX_TEXT);
        self.octets += text.as_bytes().len();
        self.lines.push(TracedLine {
            stamp: line.stamp,
            appliance: line.appliance,
            kind: line.kind,
            named: line.named.clone(),
            text,
        });
    }
}

impl LineSink for Trace {
    fn line(&mut self, line: &Line<'_>) {
        if line.repeated || (line.named.mids.is_empty() && line.named.connections.is_empty()) {
            return;
        }
        self.learn(line);
        if self.belongs(line) {
            self.notice_reuse(line);
            self.keep(line);
        } else if !line.named.mids.is_empty() {
            self.count_other(line);
        }
    }
}

#[cfg(test)]
mod tests;
