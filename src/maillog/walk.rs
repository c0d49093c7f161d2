//! Every line of a log, whatever it says: for counting lines, and for finding all that names an id.

use schemars::JsonSchema;
use serde::Serialize;

use crate::maillog::event::{ConnectionId, Event, Fact, Ids};
use crate::maillog::{LineKind, Stamp, conversation, scan};
use crate::net::Leg;

/// Takes the lines of logs.
pub trait LineSink {
    /// The next line.
    fn line(&mut self, line: &Line<'_>);
}

/// One line (a record: what a paste broke is joined).
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// When and where it stands.
    pub stamp: Stamp,
    /// The appliance that wrote it, by a number of this reading; ids are counters of one appliance.
    pub appliance: usize,
    /// An earlier file holds it too.
    pub repeated: bool,
    /// What brought it.
    pub carrier: Carrier,
    /// What kind of line it is.
    pub kind: LineKind,
    /// What follows stamp and level.
    pub text: &'a [u8],
    /// The ids that it names.
    pub named: &'a Named,
    /// It opens the connection that it names.
    pub opens: bool,
}

/// What a line came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Carrier {
    /// The appliance's own text, or an excerpt of it.
    Text,
    /// Syslog.
    Syslog,
    /// Records of JSON.
    Json,
    /// Rows of a table with the line in a column.
    Csv,
    /// Consolidated event logs (CEF).
    Events,
    /// Rows of a message tracking export.
    Tracking,
}

impl Carrier {
    /// Its name.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Syslog => "syslog",
            Self::Json => "JSON",
            Self::Csv => "CSV",
            Self::Events => "CEF",
            Self::Tracking => "tracking",
        }
    }
}

/// The ids that a line names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// The messages; those that a line ties to each other stand together.
    pub mids: Vec<u64>,
    /// The connections.
    pub connections: Vec<ConnectionId>,
}

impl Named {
    /// Ids of one kind kept of one line.
    const MAX: usize = 16;

    /// The ids of a line of this text.
    pub(super) fn of(text: &[u8], event: &Event<'_>) -> Self {
        let mut named = Self::default();
        named.add(event);
        if let Some((leg, Some(id), ..)) = conversation::part(text) {
            named.connection(ConnectionId { leg, id });
        } else if event.ids == Ids::default() {
            named.look_for(text);
        }
        named
    }

    /// Adds the ids of an event.
    pub(super) fn add(&mut self, event: &Event<'_>) {
        if let Some(mid) = event.ids.mid {
            self.mid(mid);
        }
        if let Fact::Derived { mid, from, .. } = event.fact {
            self.mid(mid);
            if let Some(from) = from {
                self.mid(from);
            }
        }
        if let Some(connection) = event.ids.connection {
            self.connection(connection);
        }
    }

    /// Looks for ids within a text whose words are not known. What stands in quotes is a stranger's,
    /// and ids are whole words (ESA-LOGS section 3).
    fn look_for(&mut self, text: &[u8]) {
        const WORDS: [(&[u8], Option<Leg>); 3] =
            [(b"MID", None), (b"ICID", Some(Leg::Injection)), (b"DCID", Some(Leg::Delivery))];
        let mut quote = None;
        let mut before = b' ';
        let mut rest = text;
        while let Some((&octet, after)) = rest.split_first() {
            match (quote, octet) {
                (Some(open), octet) if open == octet => quote = None,
                (None, b'\'' | b'"') if !before.is_ascii_alphanumeric() => quote = Some(octet),
                (None, _) if !before.is_ascii_alphanumeric() => {
                    let found = WORDS.iter().find_map(|(word, leg)| {
                        let tail = scan::strip(rest, word)?;
                        let tail = tail.strip_prefix(b":").unwrap_or(tail);
                        let (id, _) = scan::number(tail.trim_ascii_start())?;
                        Some((*leg, id))
                    });
                    match found {
                        Some((Some(leg), id)) => self.connection(ConnectionId { leg, id }),
                        Some((None, id)) => self.mid(id),
                        None => {}
                    }
                }
                _ => {}
            }
            (before, rest) = (octet, after);
        }
    }

    fn mid(&mut self, mid: u64) {
        if self.mids.len() < Self::MAX && !self.mids.contains(&mid) {
            self.mids.push(mid);
        }
    }

    /// Id 0 is no connection (ESA-LOGS section 3).
    fn connection(&mut self, connection: ConnectionId) {
        if connection.id != 0 && self.connections.len() < Self::MAX && !self.connections.contains(&connection)
        {
            self.connections.push(connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maillog::parse_text;

    fn named(text: &str) -> (Vec<u64>, Vec<(bool, u64)>) {
        let named = Named::of(text.as_bytes(), &parse_text(text.as_bytes()));
        let connections = named.connections.iter().map(|id| (id.leg == Leg::Delivery, id.id)).collect();
        (named.mids, connections)
    }

    #[test]
    fn ids_that_a_line_names() {
        let rows: [(&str, &[u64], &[(bool, u64)]); 10] = [
            ("Start MID 7 ICID 31", &[7], &[(false, 31)]),
            ("Start MID 7 ICID 0 (ISQ Notification)", &[7], &[]),
            ("MID 7 rewritten to MID 9 by antispam", &[7, 9], &[]),
            ("MID 9 was generated for bounce of MID 7", &[9, 7], &[]),
            ("Delivery start DCID 8 MID 7 to RID [0]", &[7], &[(true, 8)]),
            ("MID 7 Subject 'MID 9'", &[7], &[]),
            ("Something befell MID 7 on ICID: 31", &[7], &[(false, 31)]),
            ("Something befell 'MID 7' and CrtMID 9 and MIDI 3", &[], &[]),
            ("31 Rcvd from '192.0.2.1': 'MID 7'", &[], &[(false, 31)]),
            ("8 Sent: 'QUIT'", &[], &[(true, 8)]),
        ];
        for (text, mids, connections) in rows {
            assert_eq!(named(text), (mids.to_vec(), connections.to_vec()), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn octets_of_any_kind_name_no_more_than_is_kept(text in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let named = Named::of(&text, &parse_text(&text));
            proptest::prop_assert!(named.mids.len() <= Named::MAX);
        }
    }
}
