//! What a log connection and a flow make of each other beside their messages: address, opening,
//! closing, TLS.

use std::net::IpAddr;

use ahash::AHashMap;

use crate::capture::OriginatorFrom;
use crate::join::Options;
use crate::join::clock::Clocks;
use crate::join::dark;
use crate::join::evidence::{Found, time_cost};
use crate::join::index::wire_is_whole;
use crate::join::voices::Voices;
use crate::maillog::{Connection, Message, Tls};
use crate::net::{Leg, canonical};
use crate::smtp::Session;
use crate::time::Span;

/// `New SMTP ICID` comes after the reverse lookup, which may take this long while no greeting is seen.
pub(super) const MAX_LOOKUP: Span = Span::from_seconds(60);

/// A pair that address and time allow was in reach of the capture: the odds before any evidence.
/// An address that many hosts share tells nothing.
const PRESENT: f64 = 2.0;
/// The opening fits to the second; a stranger's connection of the same address seldom does.
const OPENED_FITS: f64 = 4.0;
/// Where the log does not hold the opening, as `grep` for a MID leaves it out, a MAIL stands in for it:
/// one of many that a connection may have.
const MAIL_FITS: f64 = 2.0;
/// The closing fits to the second, and the most that one that does not may cost.
const CLOSED: (f64, f64) = (2.0, 6.0);
/// What a late line of an end takes from the right pair.
pub(super) const ONE_LATE_LINE: f64 = CLOSED.0 + CLOSED.1;
/// TLS in both; in one of the two only: more than all times together can make good.
const TLS: (f64, f64) = (1.0, 20.0);
/// The appliance's own address differs between log and wire.
const LOCAL_DIFFERS: f64 = 4.0;

/// What weighs a pair.
#[derive(Clone, Copy)]
pub(super) struct Scales<'a> {
    pub(super) clocks: &'a Clocks,
    pub(super) options: &'a Options,
    /// Addresses that many hosts share, with how many names they greet with.
    pub(super) pools: &'a AHashMap<IpAddr, usize>,
    /// What debug logs say.
    pub(super) voices: &'a Voices<'a>,
}

impl Scales<'_> {
    /// Every piece of evidence of the connection itself.
    pub(super) fn weigh(self, connection: &Connection, session: &Session, found: &mut Found<'_>) {
        let (remote, local) = match connection.leg {
            Leg::Injection => (session.client().ip, session.server().ip),
            Leg::Delivery => (session.server().ip, session.client().ip),
        };
        match connection.remote {
            Some(_) if self.pools.contains_key(&canonical(remote)) => found("address", 0.0, &|| {
                format!("several hosts stand behind {remote}: that both have it tells little")
            }),
            Some(logged) if canonical(logged) == canonical(remote) => {
                found("address", PRESENT, &|| format!("both have the remote address {remote}"));
            }
            Some(logged) => {
                found("address", PRESENT, &|| format!("{logged} in the log is {remote} on the wire (--map)"))
            }
            None => found("address", 0.0, &|| "the log does not hold the connection's opening".to_owned()),
        }
        if connection.opened.is_none() && self.some_mail_fits(connection, session) {
            found("mail_fits", MAIL_FITS, &|| {
                "a MAIL of the log fits one on the wire to the second".to_owned()
            });
        }
        if let Some(logged) = connection.local
            && canonical(logged) != canonical(local)
            && !mapped(self.options, logged).any(|mapped| mapped == canonical(local))
        {
            found("local_address", -LOCAL_DIFFERS, &|| {
                format!("the appliance is {logged} in the log, {local} on the wire")
            });
        }
        if let Some((cost, after_syn)) = self.opening(connection, session) {
            found("opened", if cost == 0.0 { OPENED_FITS } else { -cost }, &|| {
                format!("the log opens it {after_syn:+.1} s from its first frame")
            });
        }
        self.weigh_closing(connection, session, found);
        weigh_tls(connection, session, found);
        dark::weigh(connection, session, self.clocks, wire_is_whole(session), found);
        for piece in self.voices.evidence(connection, session) {
            found(piece.name, piece.weight, &|| piece.detail.clone());
        }
    }

    /// Whether the stamp of a message fits the 2xx to a MAIL.
    fn some_mail_fits(self, connection: &Connection, session: &Session) -> bool {
        let logged = |message: &Message| message.started.and_then(|stamp| self.clocks.instant(&stamp));
        let answered = || {
            let accepted = session.dialog.transactions.iter().filter(|transaction| transaction.accepted());
            accepted.filter_map(|transaction| transaction.mail_reply.map(|(_, moment)| moment.time))
        };
        connection
            .messages
            .iter()
            .filter_map(logged)
            .any(|logged| answered().any(|answered| time_cost(logged.since(answered).seconds()) == 0.0))
    }

    /// What the stamp of `New SMTP ICID` costs, 0 where it fits, and how far it is behind the first
    /// frame: it is stamped between the SYN and a little after the greeting.
    pub(super) fn opening(self, connection: &Connection, session: &Session) -> Option<(f64, f64)> {
        let logged = self.clocks.instant(connection.opened.as_ref()?)?;
        let after_syn = logged.since(session.flow.first.time).seconds();
        let greeted = session.dialog.greeting.as_ref().map(|reply| reply.at.time);
        let after_greeting =
            logged.since(greeted.unwrap_or(session.flow.first.time.plus(MAX_LOOKUP))).seconds();
        let before = if session.flow.originator_from == OriginatorFrom::Handshake {
            time_cost(after_syn.min(0.0))
        } else {
            0.0
        };
        Some((before.max(time_cost(after_greeting.max(0.0))), after_syn))
    }

    /// The time of the end, whatever its manner: the appliance logs it as it happens.
    fn weigh_closing(self, connection: &Connection, session: &Session, found: &mut Found<'_>) {
        let stamp = connection.end();
        if let (Some(logged), Some(close)) =
            (stamp.and_then(|stamp| self.clocks.instant(stamp)), session.flow.closes.effective.as_ref())
        {
            let behind = logged.since(close.at.time).seconds();
            let cost = time_cost(behind).min(CLOSED.1);
            found("closed", if cost == 0.0 { CLOSED.0 } else { -cost }, &|| {
                format!("the log ends it {behind:+.1} s from the first close on the wire")
            });
        }
    }
}

/// What an address of the log is on the wire, by the user's word: none, one, or a pool.
pub(super) fn mapped(options: &Options, logged: IpAddr) -> impl Iterator<Item = IpAddr> + '_ {
    let map = options.address_map.iter();
    map.filter(move |(from, _)| canonical(*from) == canonical(logged)).map(|(_, to)| canonical(*to))
}

fn weigh_tls(connection: &Connection, session: &Session, found: &mut Found<'_>) {
    let logged = connection.tls.as_ref().map(|(tls, _)| *tls == Tls::Success);
    let wire = session.dialog.encryption.as_ref().is_some_and(|encryption| encryption.established);
    match (logged, wire) {
        (Some(true), true) => found("tls", TLS.0, &|| "encrypted in both".to_owned()),
        (Some(true), false) if wire_is_whole(session) => {
            found("tls", -TLS.1, &|| "TLS succeeded by the log, the wire is in clear".to_owned());
        }
        (None, true) if connection.opened.is_some() => {
            found("tls", -TLS.1, &|| "encrypted on the wire, the log tells of no TLS".to_owned());
        }
        _ => {}
    }
}
