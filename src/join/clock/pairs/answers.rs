//! Pairs of deliveries: what the remote server said to a message that it took.
//!
//! `MID n RID [0] Response '2.0.0 Ok: queued as 4F2A1B'` is written when the 2xx to the end of data has
//! come, in the words of that reply, so its stamp and the frame of the reply are a pair. The key is the
//! words, without the codes before them, or the Message-ID where the log holds the message's reception.
//!
//! Words that are everybody's (`Message accepted for delivery`) may occur once on each side and be of two
//! messages, as regularly as reports are sent every hour: without what looks like a number they are no pair.
//! With it they are a vote like any other. Certain are a Message-ID, and a number of a server that is known to
//! number its messages ([`Numbers`]).

use std::net::IpAddr;

use ahash::{AHashMap, AHashSet, RandomState};

use super::{Pair, agrees, differ_in_id, id_key, remotes};
use crate::maillog::{self, Attempt, Connection, MailLog, Message, Stamp};
use crate::net::{Leg, canonical};
use crate::smtp::{Outcome, Session, Transaction};
use crate::text::Text;

/// Letters and digits that the number of a message has at the least.
const LEAST_NUMBER: usize = 6;
/// Words of one answer that may be its number.
const MAX_NUMBERS: usize = 4;
/// Words after a number that make a measure of it.
const UNITS: [&[u8]; 9] = [b"byte", b"bytes", b"octets", b"kb", b"b", b"ms", b"s", b"sec", b"seconds"];

/// What a key is the hash of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Words(u64),
    MessageId(u64),
}

/// One place where a key occurs; a second one makes it worthless.
type Places = AHashMap<Key, Option<(usize, usize)>>;

/// The same content in both.
struct Found<'a> {
    key: Key,
    places: (usize, usize),
    connection: &'a Connection,
    attempt: &'a Attempt,
    session: &'a Session,
    transaction: &'a Transaction,
}

/// The pairs, each with its connection, an index into [`MailLog::connections`].
pub(super) fn pairs(log: &MailLog, sessions: &[Session], hasher: &RandomState) -> Vec<(usize, Pair)> {
    let logged = log_keys(log, hasher);
    if logged.is_empty() {
        return Vec::new();
    }
    // The appliance's own answers, to what comes in, are no server's.
    let senders = remotes(log, Leg::Injection);
    let goes_out = |session: &Session| !senders.contains(&canonical(session.client().ip));
    let wire = wire_keys(sessions, &goes_out, hasher);
    let found: Vec<Found<'_>> = logged
        .iter()
        .filter_map(|(key, place)| find(log, sessions, *key, (*place)?, (*wire.get(key)?)?))
        .collect();
    let numbers = Numbers::of(&found, log, taken(sessions, &goes_out), hasher);
    found.iter().filter_map(|one| Some((one.places.0, pair(one, &numbers, hasher)?))).collect()
}

fn find<'a>(
    log: &'a MailLog,
    sessions: &'a [Session],
    key: Key,
    logged: (usize, usize),
    wire: (usize, usize),
) -> Option<Found<'a>> {
    let connection = log.connections.get(logged.0)?;
    let (message, attempt) = deliveries(connection).nth(logged.1)?;
    let session = sessions.get(wire.0)?;
    let transaction = session.dialog.transactions.get(wire.1)?;
    let places = (logged.0, wire.0);
    let found = Found { key, places, connection, attempt, session, transaction };
    let told = match key {
        Key::MessageId(_) => true,
        Key::Words(_) => numbers(transaction.end_reply.as_ref()?.text.as_bytes()).next().is_some(),
    };
    (told && !differ_in_id(message, transaction)).then_some(found)
}

fn pair(found: &Found<'_>, numbers: &Numbers, hasher: &RandomState) -> Option<Pair> {
    let Found { key, places, connection, attempt, session, transaction } = found;
    let reply = transaction.end_reply.as_ref()?;
    let certain = match key {
        // To another server goes the same message to others.
        Key::MessageId(_) => found.same_server().is_some(),
        Key::Words(_) => numbers.tell(found, hasher),
    };
    Some(Pair {
        stamp: taken_at(attempt)?,
        wire: reply.at,
        // What only looks like a number may be another message's.
        settled: certain,
        certain,
        places: u32::try_from(places.0).ok().zip(u32::try_from(places.1).ok()),
        addresses_agree: agrees(connection.remote, session.server().ip)
            && agrees(connection.local, session.client().ip),
    })
}

/// The messages of a delivery connection with what its lines tell of each.
fn deliveries(connection: &Connection) -> impl Iterator<Item = (&Message, &Attempt)> {
    let attempts = connection.delivery.iter().flat_map(|delivery| &delivery.attempts);
    connection.messages.iter().zip(attempts).filter(|_| connection.leg == Leg::Delivery)
}

/// When the log says that the server took the message.
fn taken_at(attempt: &Attempt) -> Option<Stamp> {
    let done = attempt.outcome.as_ref().filter(|(outcome, _)| *outcome == maillog::Outcome::Done);
    attempt.response.as_ref().map(|(_, at)| *at).or(done.map(|(_, at)| *at))
}

/// A message that a server took, and what it said to it.
struct Taken<'a> {
    /// The session and the transaction.
    place: (usize, usize),
    server: IpAddr,
    message_id: Option<&'a Text>,
    said: &'a [u8],
}

fn taken<'a>(
    sessions: &'a [Session],
    goes_out: &'a impl Fn(&Session) -> bool,
) -> impl Iterator<Item = Taken<'a>> {
    let outgoing = sessions.iter().enumerate().filter(|(_, session)| goes_out(session));
    outgoing.flat_map(|(at, session)| {
        let transactions = session.dialog.transactions.iter().enumerate();
        transactions.filter_map(move |(number, transaction)| {
            let reply = transaction.end_reply.as_ref()?;
            let completed = matches!(transaction.outcome, Outcome::Completed { .. });
            let message_id = transaction.message_id.as_ref();
            let (place, server) = ((at, number), session.server().ip);
            completed.then_some(Taken { place, server, message_id, said: reply.text.as_bytes() })
        })
    })
}

fn log_keys(log: &MailLog, hasher: &RandomState) -> Places {
    let mut places = Places::new();
    for (at, connection) in log.connections.iter().enumerate() {
        for (number, (message, attempt)) in deliveries(connection).enumerate() {
            if taken_at(attempt).is_some() {
                let said = attempt.response.as_ref().map(|(text, _)| words(text.as_bytes()));
                let id = message.message_id.as_ref().map(|id| id_key(id.as_bytes()));
                occurs(&mut places, hasher, said, id, (at, number));
            }
        }
    }
    places
}

fn wire_keys(sessions: &[Session], goes_out: &impl Fn(&Session) -> bool, hasher: &RandomState) -> Places {
    let mut places = Places::new();
    for Taken { place, message_id, said, .. } in taken(sessions, goes_out) {
        let id = message_id.map(|id| id_key(id.as_bytes()));
        occurs(&mut places, hasher, Some(words(said)), id, place);
    }
    places
}

fn occurs(
    places: &mut Places,
    hasher: &RandomState,
    words: Option<Vec<u8>>,
    id: Option<Vec<u8>>,
    place: (usize, usize),
) {
    let words = words.filter(|words| !words.is_empty()).map(|words| Key::Words(hasher.hash_one(words)));
    let id = id.map(|id| Key::MessageId(hasher.hash_one(id)));
    for key in words.into_iter().chain(id) {
        places.entry(key).and_modify(|known| *known = None).or_insert(Some(place));
    }
}

/// The words of a reply without its codes (RFC 5321 section 4.2, RFC 3463 section 2), blanks and ends of
/// lines as one blank each.
fn words(reply: &[u8]) -> Vec<u8> {
    let is_code = |word: &[u8]| {
        let dots = word.iter().filter(|octet| **octet == b'.').count();
        let digits = word.iter().filter(|octet| octet.is_ascii_digit()).count();
        digits + dots == word.len() && (dots == 2 || dots == 0 && digits == 3)
    };
    let all = reply.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let bare: Vec<&[u8]> = all.skip_while(|word| is_code(word)).collect();
    bare.join(&b' ')
}

/// The numbers that servers give to messages, beside those that only look so: the name of a host of a cluster,
/// or of a cipher. A server that words its answers alike but for one word, which is never the same, gives
/// numbers; with so many of them on each side ([`Self::ENOUGH`]) chance would have repeated the name of a host.
#[derive(Debug, Default)]
struct Numbers {
    /// By what the server said but for one word: in the log and on the wire.
    by_wording: AHashMap<Wording, [Worded; 2]>,
}

/// A server and its words but for one.
type Wording = (IpAddr, u64);

/// The words that stood in the place of that one.
#[derive(Debug, Default)]
struct Worded {
    seen: AHashSet<u64>,
    repeated: bool,
}

impl Numbers {
    /// Of sixty hosts that share the load, twenty answers have two of one in forty-nine cases of fifty.
    const ENOUGH: usize = 20;

    /// Only the wordings of `found` are kept.
    fn of<'a>(
        found: &[Found<'_>],
        log: &MailLog,
        taken: impl Iterator<Item = Taken<'a>>,
        hasher: &RandomState,
    ) -> Self {
        let mut this = Self::default();
        for one in found {
            let Some((server, said)) = one.same_server() else { continue };
            let wordings = wordings(server, said, hasher).map(|(wording, _)| (wording, Default::default()));
            this.by_wording.extend(wordings);
        }
        let logged = log.connections.iter().flat_map(|connection| {
            deliveries(connection).filter_map(|(_, attempt)| {
                Some((0, connection.remote?, attempt.response.as_ref()?.0.as_bytes()))
            })
        });
        let wire = taken.map(|Taken { server, said, .. }| (1, server, said));
        for (side, server, said) in logged.chain(wire) {
            for (wording, number) in wordings(canonical(server), said, hasher) {
                let sides = this.by_wording.get_mut(&wording);
                if let Some(worded) = sides.and_then(|sides| sides.get_mut(side)) {
                    worded.repeated |= !worded.seen.insert(number);
                }
            }
        }
        this
    }

    /// Whether a number that can be no other message's stands in the words of a pair.
    fn tell(&self, found: &Found<'_>, hasher: &RandomState) -> bool {
        let Some((server, said)) = found.same_server() else { return false };
        wordings(server, said, hasher).any(|(wording, _)| {
            let enough = |worded: &Worded| worded.seen.len() >= Self::ENOUGH && !worded.repeated;
            self.by_wording.get(&wording).is_some_and(|sides| sides.iter().all(enough))
        })
    }
}

/// For each word that may be a number: the wording without it, and the word.
fn wordings<'a>(
    server: IpAddr,
    said: &'a [u8],
    hasher: &'a RandomState,
) -> impl Iterator<Item = (Wording, u64)> + 'a {
    numbers(said).take(MAX_NUMBERS).filter_map(move |number| {
        let at = memchr::memmem::find(said, number)?;
        let (before, rest) = said.split_at_checked(at)?;
        let others = (words(before), words(rest.get(number.len()..)?));
        Some(((server, hasher.hash_one(others)), hasher.hash_one(number)))
    })
}

impl Found<'_> {
    /// The server that both sides name, and its words.
    fn same_server(&self) -> Option<(IpAddr, &[u8])> {
        let server = canonical(self.session.server().ip);
        let named = self.connection.remote.is_some_and(|remote| canonical(remote) == server);
        let reply = self.transaction.end_reply.as_ref().filter(|_| named)?;
        Some((server, reply.text.as_bytes()))
    }
}

/// What may be the number of a message: letters and digits mixed, or digits alone that measure nothing; no
/// address and no name of a host.
fn numbers(said: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_border = |octet: &u8| octet.is_ascii_whitespace() || b"<>[](){}=,;:'\"".contains(octet);
    let tokens = || said.split(is_border).filter(|token| !token.is_empty());
    let nexts = tokens().skip(1).map(Some).chain([None]);
    tokens().zip(nexts).filter_map(|(token, next)| {
        let token = token.strip_suffix(b".").unwrap_or(token);
        let digits = token.iter().filter(|octet| octet.is_ascii_digit()).count();
        let letters = token.iter().filter(|octet| octet.is_ascii_alphabetic()).count();
        let is_measure = next.is_some_and(|next| UNITS.iter().any(|unit| next.eq_ignore_ascii_case(unit)));
        let is_number = match letters {
            0 => digits >= LEAST_NUMBER && digits == token.len() && !is_measure,
            _ => digits > 0 && digits + letters >= LEAST_NUMBER && !is_host(token),
        };
        is_number.then_some(token)
    })
}

/// An address, or labels with dots between them and no digit in the last; a Message-ID is none.
fn is_host(token: &[u8]) -> bool {
    let address = std::str::from_utf8(token).ok().and_then(|text| text.parse::<IpAddr>().ok());
    let last = token.rsplit(|octet| *octet == b'.').next().unwrap_or_default();
    let dotted = last.len() < token.len() && last.iter().all(u8::is_ascii_alphabetic);
    address.is_some() || dotted && !token.contains(&b'@')
}

#[cfg(test)]
mod tests;
