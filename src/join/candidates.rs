//! Which flows an ICID may be, and what each is worth.

use std::net::IpAddr;

use ahash::AHashMap;

use crate::capture::OriginatorFrom;
use crate::join::Options;
use crate::join::align::{Alignment, GapCosts, align};
use crate::join::clock::Clocks;
use crate::join::dark;
use crate::join::evidence::{Evidence, Rarity, pair_evidence, time_cost};
use crate::join::voices::Voices;
use crate::maillog::{Connection, MailLog, Tls};
use crate::net::{Leg, canonical};
use crate::smtp::{Session, Transaction};
use crate::time::{Span, Timestamp};

/// Flows weighed for one connection: the nearest in time.
const MAX_CANDIDATES: usize = 512;
/// `New SMTP ICID` comes after the reverse lookup, which may take this long while no greeting is seen.
const MAX_LOOKUP: Span = Span::from_seconds(60);
/// A stamp may precede its event by its own second and a little.
const EARLY: Span = Span::from_seconds(3);

/// A pair that address and time allow was in reach of the capture: the odds before any evidence.
const PRESENT: f64 = 2.0;
/// The opening fits to the second; a stranger's connection of the same address seldom does.
const OPENED_FITS: f64 = 4.0;
/// The closing fits to the second, and the most that one that does not may cost.
const CLOSED: (f64, f64) = (2.0, 6.0);
/// TLS in both; in one of the two only.
const TLS: (f64, f64) = (1.0, 8.0);
/// The appliance's own address differs between log and wire.
const LOCAL_DIFFERS: f64 = 4.0;
/// A message that a whole capture does not show, or a MAIL that a whole log does not.
const MISSING_FROM_WHOLE: f64 = 12.0;
/// The same where the capture or the log is known to hold only part.
const MISSING_FROM_PART: f64 = 1.0;

/// A flow that a connection may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The flow, an index into the sessions.
    pub session: usize,
    /// What the pair is worth, in nats.
    pub score: f64,
}

/// The flows by the ways a log can name them.
pub struct Candidates<'a> {
    sessions: &'a [Session],
    clocks: &'a Clocks,
    options: &'a Options,
    rarity: Rarity,
    voices: Voices<'a>,
    by_remote: AHashMap<(Leg, IpAddr), Track>,
    by_sender: AHashMap<Vec<u8>, Track>,
}

/// Flows in the order of their first frame, and how long any of them lasts.
#[derive(Default)]
struct Track {
    flows: Vec<(Timestamp, usize)>,
    longest: Span,
}

impl<'a> Candidates<'a> {
    /// Indexes the flows by remote address, and by envelope sender for connections whose opening
    /// the log does not hold.
    pub fn new(log: &'a MailLog, sessions: &'a [Session], clocks: &'a Clocks, options: &'a Options) -> Self {
        let mut by_remote: AHashMap<(Leg, IpAddr), Track> = AHashMap::new();
        let mut by_sender: AHashMap<Vec<u8>, Track> = AHashMap::new();
        let some_lack_remote = log.connections.iter().any(|connection| connection.remote.is_none());
        for (index, session) in sessions.iter().enumerate() {
            let lasted = session.flow.last.time.since(session.flow.first.time);
            let entry = (session.flow.first.time, index);
            for key in [
                (Leg::Injection, canonical(session.client().ip)),
                (Leg::Delivery, canonical(session.server().ip)),
            ] {
                by_remote.entry(key).or_default().add(entry, lasted);
            }
            if some_lack_remote {
                for transaction in &session.dialog.transactions {
                    let key = transaction.mail_from.as_bytes().to_ascii_lowercase();
                    by_sender.entry(key).or_default().add(entry, lasted);
                }
            }
        }
        for track in by_remote.values_mut().chain(by_sender.values_mut()) {
            track.flows.sort_unstable();
            track.flows.dedup();
        }
        Self {
            sessions,
            clocks,
            options,
            rarity: Rarity::of(sessions),
            voices: Voices::new(log, sessions),
            by_remote,
            by_sender,
        }
    }

    /// The flows that `connection` may be, worth more than nothing; and how many address and time
    /// alone allow.
    pub fn of(&self, connection: &Connection) -> (Vec<Candidate>, usize) {
        let mut near: Vec<(Span, usize)> = Vec::new();
        for track in self.tracks(connection) {
            self.near_in(track, connection, &mut near);
        }
        near.sort_unstable();
        near.dedup_by_key(|(_, session)| *session);
        let in_reach = near.len();
        near.truncate(MAX_CANDIDATES);
        let worthy = near.into_iter().filter_map(|(_, session)| {
            let score = self.score(connection, session);
            (score > 0.0).then_some(Candidate { session, score })
        });
        (worthy.collect(), in_reach)
    }

    /// Which transaction of the flow each message of the connection is.
    pub fn alignment(&self, connection: &Connection, session: usize) -> Alignment {
        let Some(session) = self.sessions.get(session) else { return Alignment::default() };
        let transactions = accepted(session);
        if session.dialog.encryption.is_some() && transactions.is_empty() {
            return Alignment { of_message: vec![None; connection.messages.len()], ..Alignment::default() };
        }
        let gaps = GapCosts {
            message: if wire_is_whole(session) { MISSING_FROM_WHOLE } else { MISSING_FROM_PART },
            transaction: if log_is_whole(connection) { MISSING_FROM_WHOLE } else { MISSING_FROM_PART },
        };
        align(&connection.messages, &transactions, self.clocks, &self.rarity, gaps)
    }

    /// Every piece of evidence of a pair.
    pub fn evidence(&self, connection: &Connection, session: usize) -> Vec<Evidence> {
        let Some(wire) = self.sessions.get(session) else { return Vec::new() };
        let mut all = self.of_connection(connection, wire);
        let alignment = self.alignment(connection, session);
        for (message, transaction) in connection.messages.iter().zip(&alignment.of_message) {
            let Some(transaction) = transaction.and_then(|index| wire.dialog.transactions.get(index)) else {
                continue;
            };
            for mut piece in pair_evidence(message, transaction, self.clocks, &self.rarity) {
                piece.detail = format!("MID {}: {}", message.mid, piece.detail);
                all.push(piece);
            }
        }
        let paired: f64 = all.iter().map(|piece| piece.weight).sum();
        let rest = self.score(connection, session) - paired;
        if alignment.left_over > 0 && rest.abs() > 0.01 {
            let detail =
                format!("{} messages or MAILs have no counterpart on the other side", alignment.left_over);
            all.push(Evidence::new("accepted_mails", rest, detail));
        }
        all
    }

    fn score(&self, connection: &Connection, session: usize) -> f64 {
        let Some(wire) = self.sessions.get(session) else { return f64::NEG_INFINITY };
        let own: f64 = self.of_connection(connection, wire).iter().map(|piece| piece.weight).sum();
        own + self.alignment(connection, session).score
    }

    fn of_connection(&self, connection: &Connection, session: &Session) -> Vec<Evidence> {
        let mut all = Vec::with_capacity(5);
        let (remote, local) = match connection.leg {
            Leg::Injection => (session.client().ip, session.server().ip),
            Leg::Delivery => (session.server().ip, session.client().ip),
        };
        all.push(match connection.remote {
            Some(logged) if canonical(logged) == canonical(remote) => {
                Evidence::new("address", PRESENT, format!("both have the remote address {remote}"))
            }
            Some(logged) => Evidence::new(
                "address",
                PRESENT,
                format!("{logged} in the log is {remote} on the wire (--map)"),
            ),
            None => Evidence::new("address", 0.0, "the log does not hold the connection's opening"),
        });
        if let Some(logged) = connection.local
            && canonical(logged) != canonical(local)
            && self.mapped(logged).is_none_or(|mapped| mapped != canonical(local))
        {
            let detail = format!("the appliance is {logged} in the log, {local} on the wire");
            all.push(Evidence::new("local_address", -LOCAL_DIFFERS, detail));
        }
        all.extend(self.opening(connection, session));
        all.extend(self.closing(connection, session));
        all.extend(tls(connection, session));
        all.extend(dark::sizes(connection, session, self.clocks, wire_is_whole(session)));
        all.extend(self.voices.evidence(connection, session));
        all
    }

    /// `New SMTP ICID` is stamped between the SYN and a little after the greeting.
    fn opening(&self, connection: &Connection, session: &Session) -> Option<Evidence> {
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
        let cost = before.max(time_cost(after_greeting.max(0.0)));
        let detail = format!("the log opens it {after_syn:+.1} s from its first frame");
        Some(Evidence::new("opened", if cost == 0.0 { OPENED_FITS } else { -cost }, detail))
    }

    /// The time of the end, whatever its manner: the appliance logs it as it happens.
    fn closing(&self, connection: &Connection, session: &Session) -> Option<Evidence> {
        let stamp = connection.lost.as_ref().or(connection.closed.as_ref())?;
        let logged = self.clocks.instant(stamp)?;
        let close = session.flow.closes.effective.as_ref()?;
        let behind = logged.since(close.at.time).seconds();
        let cost = time_cost(behind).min(CLOSED.1);
        let detail = format!("the log ends it {behind:+.1} s from the first close on the wire");
        Some(Evidence::new("closed", if cost == 0.0 { CLOSED.0 } else { -cost }, detail))
    }

    fn tracks(&self, connection: &Connection) -> Vec<&Track> {
        match connection.remote {
            Some(remote) => {
                let addresses = [Some(canonical(remote)), self.mapped(remote)];
                addresses
                    .into_iter()
                    .flatten()
                    .filter_map(|address| self.by_remote.get(&(connection.leg, address)))
                    .collect()
            }
            None => connection
                .messages
                .iter()
                .filter_map(|message| message.mail_from.as_ref())
                .filter_map(|(from, _)| self.by_sender.get(&from.as_bytes().to_ascii_lowercase()))
                .take(1)
                .collect(),
        }
    }

    fn mapped(&self, logged: IpAddr) -> Option<IpAddr> {
        let map = &self.options.address_map;
        map.iter().find(|(from, _)| canonical(*from) == canonical(logged)).map(|(_, to)| canonical(*to))
    }

    /// Collects the flows of `track` that were alive while the connection was, with how far their
    /// beginnings lie apart.
    fn near_in(&self, track: &Track, connection: &Connection, near: &mut Vec<(Span, usize)>) {
        let (Some(first), Some(last)) =
            (self.clocks.instant(&connection.first), self.clocks.instant(&connection.last))
        else {
            // No clock: every flow of the address is in reach, content must tell.
            near.extend(track.flows.iter().take(MAX_CANDIDATES).map(|&(_, session)| (Span::ZERO, session)));
            return;
        };
        let opened = connection.opened.as_ref().and_then(|stamp| self.clocks.instant(stamp));
        let earliest = first.minus(track.longest).minus(MAX_LOOKUP);
        let latest = opened.unwrap_or(last).plus(EARLY);
        let from = track.flows.partition_point(|&(time, _)| time < earliest);
        let flows = track.flows.get(from..).unwrap_or_default();
        for &(time, index) in flows.iter().take_while(|(time, _)| *time <= latest) {
            let Some(session) = self.sessions.get(index) else { continue };
            if session.flow.last.time < first.minus(MAX_LOOKUP) {
                continue;
            }
            let apart = opened.unwrap_or(first).since(time);
            let began_in_file = session.flow.originator_from == OriginatorFrom::Handshake;
            if opened.is_some() && began_in_file && apart > MAX_LOOKUP {
                continue;
            }
            near.push((apart.abs(), index));
        }
        // Only the nearest will be weighed; the rest need not pile up.
        if near.len() > 8 * MAX_CANDIDATES {
            near.select_nth_unstable(MAX_CANDIDATES);
            near.truncate(MAX_CANDIDATES);
        }
    }
}

impl Track {
    fn add(&mut self, entry: (Timestamp, usize), lasted: Span) {
        self.flows.push(entry);
        self.longest = self.longest.max(lasted);
    }
}

fn tls(connection: &Connection, session: &Session) -> Option<Evidence> {
    let logged = connection.tls.as_ref().map(|(tls, _)| *tls == Tls::Success);
    let wire = session.dialog.encryption.as_ref().is_some_and(|encryption| encryption.established);
    match (logged, wire) {
        (Some(true), true) => Some(Evidence::new("tls", TLS.0, "encrypted in both")),
        (Some(true), false) if wire_is_whole(session) => {
            Some(Evidence::new("tls", -TLS.1, "TLS succeeded by the log, the wire is in clear"))
        }
        (None, true) if connection.opened.is_some() => {
            Some(Evidence::new("tls", -TLS.1, "encrypted on the wire, the log tells of no TLS"))
        }
        _ => None,
    }
}

/// Accepted MAILs with their place among all transactions.
fn accepted(session: &Session) -> Vec<(usize, &Transaction)> {
    session.dialog.transactions.iter().enumerate().filter(|(_, transaction)| transaction.accepted()).collect()
}

/// Whether the file holds the dialogue from its beginning to its end without a hole.
fn wire_is_whole(session: &Session) -> bool {
    let flow = &session.flow;
    flow.originator_from == OriginatorFrom::Handshake
        && !flow.open_at_end
        && flow.streams.originator.missed_octets == 0
        && flow.streams.responder.missed_octets == 0
        && session.dialog.transactions_dropped == 0
}

fn log_is_whole(connection: &Connection) -> bool {
    connection.opened.is_some() && connection.closed.is_some()
}
