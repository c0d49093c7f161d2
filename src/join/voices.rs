//! What debug logs say of connections, as evidence for which flow is which ICID.
//!
//! A debug log bears the ICID and tells the dialogue: what it says that the mail log does not (HELO,
//! greeting, words of replies, Message-IDs of aborted messages) is compared with what the wire shows;
//! what is rare weighs more. Under TLS only how long each speech was can be compared. Envelopes count
//! by the mail log already and are left out here, and so is everything about the end.

use ahash::AHashMap;

use crate::cite::Moment;
use crate::join::evidence::Evidence;
use crate::maillog::conversation::{Conversation, Direction, Word};
use crate::maillog::{Connection, MailLog, Stamp};
use crate::net::{Leg, canonical};
use crate::smtp::Session;
use crate::smtp::tls::{Encryption, Speech};
use crate::text::Text;
use crate::time::LogTime;

/// What an equal name or text is worth at the most, and at the least.
const EQUAL: (f64, f64) = (6.0, 0.5);
/// A HELO name that differs: nothing that the appliance hears and the wire shows ought to, but a
/// device between them may change it.
const HELO_DIFFERS: f64 = 4.0;
/// A greeting or reply that differs: devices are known to change them.
const WORDS_DIFFER: f64 = 1.0;
/// A Message-ID in both, which an aborted message has in no other log.
const MESSAGE_ID: f64 = 6.0;
/// Speeches of the dark that must agree one after another; each is worth so much, all so much.
const SPEECHES: (usize, f64, f64) = (4, 0.75, 6.0);
/// How far the last speech of the log may stand from the last one on the wire.
const SHIFT: usize = 3;
/// A connection and a conversation of one id more seconds apart are not one: the counter began anew.
const APART: i64 = 26 * 3600;

/// Debug logs by the ids in them, and how often their words occur on the wire.
#[derive(Debug, Default)]
pub struct Voices<'a> {
    by_id: AHashMap<(Leg, u64), Vec<(usize, &'a Conversation)>>,
    counts: AHashMap<(Kind, &'a [u8]), u32>,
    sessions: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Helo,
    Reply,
    Sender,
}

impl<'a> Voices<'a> {
    /// Reads what the debug logs have; counts words only where there are such logs.
    pub fn new(log: &'a MailLog, sessions: &'a [Session]) -> Self {
        let mut this = Self::default();
        for (index, conversation) in log.conversations.iter().enumerate() {
            if let Some(id) = conversation.id {
                this.by_id.entry((conversation.leg, id)).or_default().push((index, conversation));
            }
        }
        if this.by_id.is_empty() {
            return this;
        }
        this.sessions = u32::try_from(sessions.len()).unwrap_or(u32::MAX);
        for session in sessions {
            if let Some(helo) = &session.dialog.helo {
                *this.counts.entry((Kind::Helo, helo.as_bytes())).or_default() += 1;
            }
            for reply in replies_of(session) {
                *this.counts.entry((Kind::Reply, reply)).or_default() += 1;
            }
        }
        this
    }

    /// What a debug log says of `connection`, an index into [`MailLog::conversations`].
    pub fn of(&self, connection: &Connection) -> Option<(usize, &'a Conversation)> {
        let all = self.by_id.get(&(connection.leg, connection.id))?;
        let fits = |conversation: &Conversation| {
            let serials = conversation.serial.zip(connection.serial);
            let peers = conversation.peer.zip(connection.remote);
            serials.is_none_or(|(one, other)| one == other)
                && peers.is_none_or(|(one, other)| canonical(one) == canonical(other))
        };
        let apart = |conversation: &Conversation| apart(conversation.first.time, connection.first.time);
        all.iter()
            .copied()
            .filter(|(_, conversation)| fits(conversation) && apart(conversation) <= APART)
            .min_by_key(|(index, conversation)| (apart(conversation), *index))
    }

    /// What speaks for and against `session` being `connection`.
    pub fn evidence(&self, connection: &Connection, session: &Session) -> Vec<Evidence> {
        let Some((_, conversation)) = self.of(connection) else { return Vec::new() };
        let mut all = Vec::new();
        all.extend(self.helo(conversation, session));
        all.extend(self.replies(conversation, session));
        all.extend(message_ids(conversation, connection, session));
        if let Some(encryption) = &session.dialog.encryption {
            all.extend(speeches(conversation, encryption));
        }
        all
    }

    /// Whether what a debug log says of `connection` is on no other flow but `session`: a HELO name, the
    /// words of a reply or a Message-ID; under TLS, speeches as long as those of none of `others`.
    pub fn tells(
        &self,
        connection: &Connection,
        session: &Session,
        mut others: impl Iterator<Item = &'a Session>,
    ) -> bool {
        let Some((_, conversation)) = self.of(connection) else { return false };
        let once = |kind, octets| self.counts.get(&(kind, octets)) == Some(&1);
        let helo = session
            .dialog
            .helo
            .as_ref()
            .filter(|_| self.helo(conversation, session).is_some_and(|evidence| evidence.weight > 0.0));
        if helo.is_some_and(|helo| once(Kind::Helo, helo.as_bytes()))
            || shared_replies(conversation, session).any(|reply| once(Kind::Reply, reply))
            || message_ids(conversation, connection, session).is_some_and(|evidence| evidence.weight > 0.0)
        {
            return true;
        }
        let speaks_so = |session: &Session| {
            let encryption = session.dialog.encryption.as_ref();
            encryption.is_some_and(|encryption| speeches(conversation, encryption).is_some())
        };
        speaks_so(session) && !others.any(speaks_so)
    }

    fn weight(&self, kind: Kind, octets: &[u8]) -> f64 {
        let count = self.counts.get(&(kind, octets)).copied().unwrap_or(1);
        let share = f64::from(count) / f64::from(self.sessions + 1);
        (-share.ln()).clamp(EQUAL.1, EQUAL.0)
    }

    fn helo(&self, conversation: &Conversation, session: &Session) -> Option<Evidence> {
        let wire = session.dialog.helo.as_ref()?;
        let mut names = clear_words(conversation).filter(|word| word.direction == conversation.client());
        let logged = names.by_ref().filter_map(|word| helo_name(word.text.as_bytes())).last()?;
        if logged.eq_ignore_ascii_case(wire.as_bytes()) {
            let weight = self.weight(Kind::Helo, wire.as_bytes());
            let detail = format!("the debug log and the wire have HELO {wire}");
            return Some(Evidence::new("debug_log_helo", weight, detail));
        }
        let detail = format!("HELO {} in the debug log, {wire} on the wire", Text::new(logged));
        Some(Evidence::new("debug_log_helo", -HELO_DIFFERS, detail))
    }

    /// The rarest of the replies that both have: a greeting or the answer to a message may bear a
    /// number that no other connection has.
    fn replies(&self, conversation: &Conversation, session: &Session) -> Option<Evidence> {
        let mut shared: Vec<&[u8]> = shared_replies(conversation, session).collect();
        shared.sort_by_key(|reply| self.counts.get(&(Kind::Reply, *reply)).copied().unwrap_or(1));
        let Some(rarest) = shared.first() else {
            // A reply that is cut on one side, or of several lines, is compared by its first line only.
            let any = replies_of(session).next().is_some() && clear_words(conversation).next().is_some();
            let detail = "no reply in the debug log is worded as on the wire";
            return any.then(|| Evidence::new("debug_log_reply", -WORDS_DIFFER, detail));
        };
        let detail = format!("the debug log and the wire have the reply `{}`", Text::bounded(rarest, 60));
        Some(Evidence::new("debug_log_reply", self.weight(Kind::Reply, rarest), detail))
    }
}

/// Pairs of a stamp and the moment on the wire that it must have been written at, by content that
/// occurs once in the debug logs and once on the wire: senders of accepted MAILs, answers to messages.
/// At most one of each conversation.
pub fn unique_pairs(log: &MailLog, sessions: &[Session]) -> Vec<(Stamp, Moment)> {
    if log.conversations.is_empty() {
        return Vec::new();
    }
    let mut wire: AHashMap<(Kind, Vec<u8>), Option<Moment>> = AHashMap::new();
    let mut on_wire = |kind, text: Vec<u8>, at| {
        if !text.is_empty() {
            wire.entry((kind, text)).and_modify(|seen| *seen = None).or_insert(Some(at));
        }
    };
    for transaction in sessions.iter().flat_map(|session| &session.dialog.transactions) {
        if let Some(reply) = &transaction.end_reply {
            on_wire(Kind::Reply, reply.text.as_bytes().to_vec(), reply.at);
        }
        if let Some((_, at)) = transaction.mail_reply.filter(|_| !transaction.mail_missing) {
            on_wire(Kind::Sender, transaction.mail_from.as_bytes().to_ascii_lowercase(), at);
        }
    }
    let mut logged: AHashMap<(Kind, Vec<u8>), Option<(usize, Stamp)>> = AHashMap::new();
    let mut in_log = |kind, text: Vec<u8>, at| {
        logged.entry((kind, text)).and_modify(|seen| *seen = None).or_insert(Some(at));
    };
    for (index, conversation) in log.conversations.iter().enumerate() {
        let client = conversation.client();
        let mut sender = None;
        for word in clear_words(conversation) {
            let text = word.text.as_bytes();
            if word.direction == client {
                sender = sender_of(text);
                continue;
            }
            // The appliance's reply is what both sides put a time to.
            if let Some(sender) = sender.take() {
                in_log(Kind::Sender, sender, (index, word.at));
            } else {
                in_log(Kind::Reply, text_of_reply(text).to_vec(), (index, word.at));
            }
        }
    }
    let mut pairs: Vec<(usize, Stamp, Moment)> = wire
        .into_iter()
        .filter_map(|(content, at)| {
            let (index, stamp) = logged.get(&content).copied().flatten()?;
            Some((index, stamp, at?))
        })
        .collect();
    pairs.sort_by_key(|(index, stamp, at)| (*index, stamp.line, *at));
    pairs.dedup_by_key(|(index, ..)| *index);
    pairs.into_iter().map(|(_, stamp, at)| (stamp, at)).collect()
}

/// Seconds between two stamps; where one has no year (syslog), it is of the year that brings them closest.
fn apart(one: LogTime, other: LogTime) -> i64 {
    let (dated, undated) = if one.year_known() { (one, other) } else { (other, one) };
    let between = |undated: LogTime| (dated.wall_seconds() - undated.wall_seconds()).abs();
    match dated.year() {
        Some(year) if !undated.year_known() => {
            // A log that runs on into the next year counts its turns from the first.
            let year = i64::from(year) - undated.turns();
            let near = (year - 1..=year + 1).filter_map(|year| undated.with_year(i32::try_from(year).ok()?));
            near.map(between).min().unwrap_or(i64::MAX)
        }
        _ => between(undated),
    }
}

/// The address of `MAIL FROM:<address> ...`, lower case.
fn sender_of(command: &[u8]) -> Option<Vec<u8>> {
    const MAIL: &[u8] = b"MAIL FROM:";
    let (verb, rest) = command.split_at_checked(MAIL.len())?;
    let rest = rest.trim_ascii_start().strip_prefix(b"<").filter(|_| verb.eq_ignore_ascii_case(MAIL))?;
    let end = memchr::memchr(b'>', rest)?;
    Some(rest.get(..end)?.to_ascii_lowercase())
}

/// The words that the wire shows as well.
fn clear_words(conversation: &Conversation) -> impl Iterator<Item = &Word> {
    let client = conversation.client();
    let dark = conversation.dark_from.is_some();
    conversation.words.iter().take_while(move |word| {
        let starttls = word.direction == client && word.text.as_bytes().eq_ignore_ascii_case(b"STARTTLS");
        !(dark && starttls)
    })
}

fn helo_name(command: &[u8]) -> Option<&[u8]> {
    let (verb, name) = command.split_at_checked(4)?;
    let is_helo = [b"EHLO", b"HELO", b"LHLO"].iter().any(|known| verb.eq_ignore_ascii_case(*known));
    (is_helo && name.first() == Some(&b' ')).then(|| name.trim_ascii())
}

/// `ok` of `250 ok`, `250-ok`.
fn text_of_reply(line: &[u8]) -> &[u8] {
    line.get(4..).unwrap_or_default()
}

/// The texts of replies that a session keeps: the greeting, and the answers to messages.
fn replies_of(session: &Session) -> impl Iterator<Item = &[u8]> {
    let greeting = session.dialog.greeting.as_ref();
    let answers = session.dialog.transactions.iter().filter_map(|one| one.end_reply.as_ref());
    let first_line = |text: &'_ [u8]| text.iter().position(|&octet| octet == b'\n').unwrap_or(text.len());
    greeting
        .into_iter()
        .chain(answers)
        .map(move |reply| {
            let text = reply.text.as_bytes();
            text.get(..first_line(text)).unwrap_or_default()
        })
        .filter(|text| !text.is_empty())
}

/// Those of them that the debug log has as well.
fn shared_replies<'s>(
    conversation: &'s Conversation,
    session: &'s Session,
) -> impl Iterator<Item = &'s [u8]> {
    replies_of(session).filter(|reply| {
        clear_words(conversation).any(|word| {
            word.direction != conversation.client() && text_of_reply(word.text.as_bytes()) == *reply
        })
    })
}

fn message_ids(conversation: &Conversation, connection: &Connection, session: &Session) -> Option<Evidence> {
    let in_mail_log =
        |id: &Text| connection.messages.iter().any(|message| message.message_id.as_ref() == Some(id));
    let on_wire: Vec<&Text> =
        session.dialog.transactions.iter().filter_map(|one| one.message_id.as_ref()).collect();
    let mut own = conversation.message_ids.iter().filter(|id| !in_mail_log(id));
    let first = own.clone().next()?;
    if let Some(shared) = own.find(|id| on_wire.contains(id)) {
        let detail = format!("the debug log and the wire have Message-ID {shared}");
        return Some(Evidence::new("debug_log_message_id", MESSAGE_ID, detail));
    }
    let detail = format!("Message-ID {first} of the debug log is not on the wire");
    (!on_wire.is_empty()).then(|| Evidence::new("debug_log_message_id", -MESSAGE_ID, detail))
}

/// Under TLS: how long each speech was, the last ones of both.
fn speeches(conversation: &Conversation, encryption: &Encryption) -> Option<Evidence> {
    let logged = dark_speeches(conversation);
    let client = conversation.client();
    let fits = |(direction, octets): &(Direction, u64), speech: &Speech| {
        let by_client = speech.by == crate::net::Role::Client;
        by_client == (*direction == client) && (speech.text.least..=speech.text.most).contains(octets)
    };
    // The wire may know of a last speech that the log does not have, or the other way round.
    let agreeing = |log_less: usize, wire_less: usize| {
        let log = logged.iter().rev().skip(log_less);
        let wire = encryption.speeches.iter().rev().skip(wire_less);
        log.zip(wire).take_while(|(logged, speech)| fits(logged, speech)).count()
    };
    let shifts = (0..SHIFT).flat_map(|one| [(one, 0), (0, one)]);
    let most = shifts.map(|(log, wire)| agreeing(log, wire)).max()?;
    let (least, each, all) = SPEECHES;
    let detail = format!("the last {most} speeches of the debug log are as long as those on the wire");
    (most >= least).then(|| Evidence::new("debug_log_speeches", (most as f64 * each).min(all), detail))
}

/// Who said how many octets without hearing anything in between, from where the wire is dark.
fn dark_speeches(conversation: &Conversation) -> Vec<(Direction, u64)> {
    let (sent, received) = conversation.dark_from.unwrap_or((0, 0));
    let mut all: Vec<(Direction, u64)> = Vec::new();
    for piece in &conversation.pieces {
        let from = if piece.direction == Direction::Sent { sent } else { received };
        if piece.offset < from {
            continue;
        }
        match all.last_mut() {
            Some((direction, octets)) if *direction == piece.direction => *octets += u64::from(piece.length),
            _ => all.push((piece.direction, piece.length.into())),
        }
    }
    all
}

#[cfg(test)]
mod tests;
