//! Content that occurs once in the log and once on the wire: what every fit rests on.
//!
//! Of injections the key is the envelope (sender and accepted recipients, case ignored) or the
//! Message-ID, and a pair is the stamp of `Start MID` and the 2xx to MAIL. Of deliveries see
//! [`answers`]. Retries that were logged or captured only once make wrong pairs; the consensus of
//! [`super::tracks`] must bear them.

mod answers;

use std::net::IpAddr;

use ahash::{AHashMap, AHashSet, RandomState};

use crate::cite::Moment;
use crate::join::voices;
use crate::maillog::{MailLog, Message, Stamp};
use crate::net::{Leg, canonical};
use crate::smtp::{Outcome, Session, Transaction};

/// A stamp and the moment on the wire that it must have been written at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    pub(super) stamp: Stamp,
    pub(super) wire: Moment,
    /// Whether both saw the message accepted: there is no other attempt that either may be of.
    pub(super) settled: bool,
    /// Whether its Message-ID, or the number that a remote server gave it, occurs once among the accepted
    /// messages of the log and once among those of the wire: neither another attempt nor another message may
    /// be meant.
    pub(super) certain: bool,
    /// Where both stand: an index into the log's connections and one into the sessions; `None` for what only a
    /// debug log tells.
    pub(super) places: Option<(u32, u32)>,
    /// Whether log and wire agree on both addresses.
    addresses_agree: bool,
}

/// One place where a key occurs; a second one makes it worthless.
type Places = AHashMap<Key, Option<(usize, usize)>>;

/// The hash of an envelope or a Message-ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    hash: u64,
    /// It is the Message-ID of an accepted message, and attempts that failed do not count.
    accepted: bool,
}

/// The pairs, by clock, in the order of lines; at most one of any connection.
pub(super) fn unique_pairs(log: &MailLog, sessions: &[Session]) -> AHashMap<usize, Vec<Pair>> {
    let mut all: AHashMap<usize, Vec<Pair>> = AHashMap::new();
    if sessions.is_empty() {
        return all;
    }
    // Keys are hashes with a key of this run: two contents that meet in one are worth nothing, or
    // give one more wrong pair.
    let hasher = RandomState::new();
    let wire = wire_keys(log, sessions, &hasher);
    let logged = log_keys(log, &hasher);
    let mut taken = AHashSet::new();
    let found: Vec<(usize, Pair)> = logged
        .iter()
        .filter_map(|(key, place)| {
            let (connection, message) = (*place)?;
            let (session, transaction) = (*wire.get(key)?)?;
            let connection_facts = log.connections.get(connection)?;
            let message = connection_facts.messages.get(message)?;
            let places = u32::try_from(connection).ok().zip(u32::try_from(session).ok());
            let session = sessions.get(session)?;
            let transaction = session.dialog.transactions.get(transaction)?;
            if differ_in_id(message, transaction) {
                return None;
            }
            let pair = Pair {
                stamp: message.started.or(message.mail_from.as_ref().map(|(_, at)| *at))?,
                wire: transaction.mail_reply?.1,
                settled: message.ready.is_some() && matches!(transaction.outcome, Outcome::Completed { .. }),
                certain: key.accepted,
                places,
                addresses_agree: agrees(connection_facts.remote, session.client().ip)
                    && agrees(connection_facts.local, session.server().ip),
            };
            Some((connection, pair))
        })
        .collect();
    let mut found = without_strangers(found);
    found.extend(without_strangers(answers::pairs(log, sessions, &hasher)));
    found.sort_by_key(|(connection, pair)| (pair.stamp.line, pair.wire.frame, *connection, !pair.certain));
    for (connection, pair) in found {
        if taken.insert(connection) {
            all.entry(usize::from(pair.stamp.clock.0)).or_default().push(pair);
        }
    }
    for (stamp, wire) in voices::unique_pairs(log, sessions) {
        let pair = Pair { stamp, wire, settled: false, certain: false, places: None, addresses_agree: true };
        all.entry(usize::from(stamp.clock.0)).or_default().push(pair);
    }
    all
}

fn agrees(logged: Option<IpAddr>, wire: IpAddr) -> bool {
    logged.is_none_or(|ip| canonical(ip) == canonical(wire))
}

/// Where most agree in their addresses, no translation lies between and the others are strangers.
fn without_strangers(mut found: Vec<(usize, Pair)>) -> Vec<(usize, Pair)> {
    let agreeing = found.iter().filter(|(_, pair)| pair.addresses_agree).count();
    if agreeing * 2 >= found.len() {
        found.retain(|(_, pair)| pair.addresses_agree);
    }
    found
}

fn wire_keys(log: &MailLog, sessions: &[Session], hasher: &RandomState) -> Places {
    // What the appliance sends on bears the same envelopes.
    let (remotes, servers) = (remotes(log, Leg::Injection), remotes(log, Leg::Delivery));
    let comes_in = |session: &&Session| remotes.contains(&canonical(session.client().ip));
    let goes_out = |session: &&Session| servers.contains(&canonical(session.server().ip));
    let some_come_in = sessions.iter().any(|session| comes_in(&session));
    let mut places = Places::new();
    for (at, session) in sessions.iter().enumerate() {
        if !comes_in(&session) && (some_come_in || goes_out(&session)) {
            continue;
        }
        for (number, transaction) in session.dialog.transactions.iter().enumerate() {
            if !transaction.accepted() || transaction.mail_reply.is_none() {
                continue;
            }
            let recipients = transaction
                .recipients
                .iter()
                .filter(|recipient| recipient.reply.is_some_and(|(code, _)| code.is_positive()))
                .map(|recipient| recipient.address.as_bytes());
            let envelope = envelope_key(transaction.mail_from.as_bytes(), recipients);
            let id = transaction.message_id.as_ref().map(|id| id_key(id.as_bytes()));
            let accepted = matches!(transaction.outcome, Outcome::Completed { .. });
            occurs(&mut places, hasher, envelope, id, accepted, (at, number));
        }
    }
    places
}

/// Who sends to the appliance by the log, or whom it sends to.
fn remotes(log: &MailLog, leg: Leg) -> AHashSet<IpAddr> {
    let of_leg = log.connections.iter().filter(|connection| connection.leg == leg);
    of_leg.filter_map(|connection| connection.remote).map(canonical).collect()
}

fn log_keys(log: &MailLog, hasher: &RandomState) -> Places {
    let mut places = Places::new();
    for (at, connection) in log.connections.iter().enumerate() {
        if connection.leg != Leg::Injection {
            continue;
        }
        for (number, message) in connection.messages.iter().enumerate() {
            let recipients = message.rcpt_to.iter().map(|(address, _)| address.as_bytes());
            let envelope =
                message.mail_from.as_ref().and_then(|(from, _)| envelope_key(from.as_bytes(), recipients));
            let id = message.message_id.as_ref().map(|id| id_key(id.as_bytes()));
            occurs(&mut places, hasher, envelope, id, message.ready.is_some(), (at, number));
        }
    }
    places
}

/// Enters what a message holds; one that was `accepted` also under its Message-ID alone.
fn occurs(
    places: &mut Places,
    hasher: &RandomState,
    envelope: Option<Vec<u8>>,
    id: Option<Vec<u8>>,
    accepted: bool,
    place: (usize, usize),
) {
    let key = |content: &Vec<u8>, accepted| Key { hash: hasher.hash_one(content), accepted };
    let settled = id.iter().filter(|_| accepted).map(|id| key(id, true));
    for key in envelope.iter().chain(&id).map(|content| key(content, false)).chain(settled) {
        places.entry(key).and_modify(|known| *known = None).or_insert(Some(place));
    }
}

/// `None` without a recipient: too many probes look alike.
fn envelope_key<'a>(from: &[u8], recipients: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let mut key = from.to_ascii_lowercase();
    let sender = key.len();
    for recipient in recipients {
        key.push(0);
        key.extend(recipient.iter().map(u8::to_ascii_lowercase));
    }
    (key.len() > sender).then_some(key)
}

fn id_key(id: &[u8]) -> Vec<u8> {
    let id = id.trim_ascii();
    let bare = id.strip_prefix(b"<").and_then(|rest| rest.strip_suffix(b">")).unwrap_or(id);
    // No envelope begins so.
    [b"\0\0", bare].concat()
}

/// Both tell a Message-ID, and not the same: one envelope, two messages.
fn differ_in_id(message: &Message, transaction: &Transaction) -> bool {
    let (logged, wire) = (message.message_id.as_ref(), transaction.message_id.as_ref());
    logged.zip(wire).is_some_and(|(logged, wire)| id_key(logged.as_bytes()) != id_key(wire.as_bytes()))
}
