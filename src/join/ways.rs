//! The ways that lead from a connection of the log to flows.

use std::net::IpAddr;

use crate::join::Options;
use crate::join::index::{Content, Way, lower};
use crate::join::pair::mapped;
use crate::maillog::{Connection, Tls};
use crate::net::{Leg, canonical};

/// Messages of a connection whose envelopes are looked up: the first, and the last.
const MAX_LOOKED_UP: usize = 16;

/// What a message's lines tell of its first recipient.
enum To {
    Address(Vec<u8>),
    /// There is one; an excerpt left the address out.
    Unreadable,
    Nobody,
}

/// The ways from a connection of the log to flows.
pub(super) struct Ways {
    /// Where to look; `None`: the log does not tell the address.
    pub(super) addresses: Vec<Option<IpAddr>>,
    envelopes: Vec<(Vec<u8>, To)>,
    contents: Vec<Content>,
}

impl Ways {
    pub(super) fn of(connection: &Connection, options: &Options) -> Self {
        let addresses = match connection.remote {
            Some(remote) => addresses(options, remote).map(Some).collect(),
            None => vec![None],
        };
        let messages = connection.messages.iter();
        let envelopes: Vec<_> = messages
            .clone()
            .take(MAX_LOOKED_UP / 2)
            .chain(messages.skip(MAX_LOOKED_UP / 2).rev().take(MAX_LOOKED_UP / 2))
            .filter_map(|message| {
                let (from, _) = message.mail_from.as_ref()?;
                let to = match message.rcpt_to.first() {
                    Some((to, _)) if to.is_empty() => To::Unreadable,
                    Some((to, _)) => To::Address(lower(to)),
                    None => To::Nobody,
                };
                Some((lower(from), to))
            })
            .collect();
        let mut contents = vec![Content::Holed];
        let tls = connection.tls.as_ref().is_some_and(|(tls, _)| *tls == Tls::Success);
        if tls || connection.opened.is_none() {
            contents.push(Content::Dark);
        }
        if envelopes.is_empty() {
            contents.push(Content::Blank);
            if !log_is_whole(connection) || connection.leg == Leg::Delivery || !connection.messages.is_empty()
            {
                contents = vec![Content::Any];
            }
        }
        Self { addresses, envelopes, contents }
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = Way<'_>> {
        let envelopes = self.envelopes.iter().flat_map(|(from, to)| match to {
            // The wire may show MAIL and no RCPT.
            To::Address(to) => [Some(Way::Envelope(from, Some(to))), Some(Way::Envelope(from, None))],
            To::Unreadable => [Some(Way::Sender(from)), None],
            To::Nobody => [Some(Way::Unaddressed(from)), None],
        });
        envelopes.flatten().chain(self.contents.iter().map(|&content| Way::Content(content)))
    }
}

/// An address of the log, and what it is on the wire by the user's word.
pub(super) fn addresses(options: &Options, logged: IpAddr) -> impl Iterator<Item = IpAddr> + '_ {
    std::iter::once(canonical(logged)).chain(mapped(options, logged))
}

/// Whether the log holds the connection from its beginning to its end.
pub(super) fn log_is_whole(connection: &Connection) -> bool {
    connection.opened.is_some() && connection.closed.is_some()
}
