//! Which flows an ICID may be, and what each is worth.
//!
//! Unique content leads first: who knows the envelope looks only at flows that show that envelope, or
//! that may hide it. Windows of time narrow it down. Where more flows remain than can be weighed,
//! nothing is guessed: the connection is crowded, and so is every flow that it may be.

use std::net::IpAddr;
use std::ops::Range;

use ahash::AHashSet;

use crate::capture::OriginatorFrom;
use crate::join::align::{Alignment, GapCosts, align};
use crate::join::assign::Edge;
use crate::join::evidence::{Evidence, Rarity, bare, pair_evidence};
use crate::join::index::{Content, Index, PACES, Pace, QUICK, Way, lower, wire_is_whole};
use crate::join::pair::{MAX_LOOKUP, Scales};
use crate::join::ways::{Ways, addresses, log_is_whole};
use crate::maillog::{Connection, MailLog, Message};
use crate::net::{Leg, canonical};
use crate::smtp::{Session, Transaction};
use crate::time::{Span, Timestamp};

/// Flows weighed for one connection. Where more fit, an ambiguous answer is all but certain.
const MAX_CANDIDATES: usize = 96;
/// Flows looked at to find those.
const MAX_SCAN: usize = 2048;
/// Flows weighed of a crowd, to show the likeliest of some.
const SAMPLE: usize = 16;
/// A stamp may precede its event by its own second and a little.
const EARLY: Span = Span::from_seconds(3);
/// In a crowd only flows stay whose opening is off by less than this costs; what is dropped is behind
/// those that fit by that much and by what an opening that fits is worth.
const TIGHT_COST: f64 = 3.0;
/// The same in time, one side or the other: what fits, and what [`TIGHT_COST`] allows.
const TIGHT: Span = Span::from_millis(3_500);

/// A message that a whole capture does not show, or a MAIL that a whole log does not.
const MISSING_FROM_WHOLE: f64 = 12.0;
/// The same where the capture or the log is known to hold only part.
const MISSING_FROM_PART: f64 = 1.0;
/// Both sides show envelopes, and none of them is on both.
const NOTHING_SHARED: f64 = 20.0;

/// The flows that a connection may be.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// Those that are worth more than nothing.
    pub(super) edges: Vec<Edge>,
    /// How many content, address and time allow.
    pub(super) in_reach: usize,
    /// More fit than can be weighed; [`Self::edges`] is empty.
    pub(super) crowded: bool,
}

/// Finds and weighs candidates.
pub(super) struct Candidates<'a> {
    sessions: &'a [Session],
    scales: Scales<'a>,
    rarity: Rarity,
    index: Index,
}

impl<'a> Candidates<'a> {
    pub(super) fn new(log: &MailLog, sessions: &'a [Session], scales: Scales<'a>) -> Self {
        let mut wanted: AHashSet<(Leg, IpAddr)> = AHashSet::new();
        let mut some_lack_remote = false;
        for connection in &log.connections {
            match connection.remote {
                Some(remote) => {
                    wanted.extend(addresses(scales.options, remote).map(|address| (connection.leg, address)));
                }
                None => some_lack_remote = true,
            }
        }
        Self {
            sessions,
            scales,
            rarity: Rarity::of(sessions),
            index: Index::new(sessions, &wanted, some_lack_remote),
        }
    }

    /// The flows that `connection` may be; a crowd is remembered in the index.
    pub(super) fn of(&mut self, connection: &Connection) -> Reach {
        let ways = Ways::of(connection, self.scales.options);
        let mut ranges = self.ranges(connection, &ways, false);
        let mut in_reach = self.in_reach(connection, &ranges);
        let mut tight = false;
        if in_reach.as_ref().is_none_or(|near| near.len() > MAX_CANDIDATES) {
            tight = true;
            ranges = self.ranges(connection, &ways, true);
            in_reach = self.in_reach(connection, &ranges);
            if let Some(near) = &mut in_reach {
                near.retain(|&session| self.opens_near(connection, session));
            }
        }
        let total = ranges.iter().map(Range::len).sum();
        let (near, mut crowded) = match in_reach {
            Some(near) if near.len() <= MAX_CANDIDATES => (near, false),
            _ => (self.holders(connection, &ways), true),
        };
        let in_reach = if crowded { total } else { near.len() };
        let edges = self.weigh(connection, &near);
        if tight || crowded {
            // What was left out lags far behind a pair whose opening fits, and not behind others.
            let fits = |edge: &Edge| {
                let session = self.sessions.get(edge.session());
                let opening = session.and_then(|session| self.scales.opening(connection, session));
                opening.is_some_and(|(cost, _)| cost == 0.0)
            };
            crowded = !best(&edges).is_some_and(fits) && (crowded || !edges.is_empty());
        }
        if crowded {
            for range in ranges {
                self.index.mark_crowded(range);
            }
            return Reach { edges: Vec::new(), in_reach, crowded };
        }
        Reach { edges, in_reach, crowded }
    }

    /// For each flow, whether some crowded connection may be it.
    pub(super) fn crowded(&self) -> Vec<bool> {
        self.index.crowded(self.sessions.len())
    }

    /// The likeliest of some flows around a crowded connection's opening, with its score, which may be
    /// below nothing.
    pub(super) fn likeliest(&self, connection: &Connection) -> Option<Edge> {
        let at = connection.opened.as_ref().unwrap_or(&connection.first);
        let at = self.scales.clocks.instant(at)?;
        let ways = Ways::of(connection, self.scales.options);
        let ranges = self.ranges(connection, &ways, true);
        let mut near: Vec<usize> = ranges
            .into_iter()
            .flat_map(|range| self.index.sessions(self.index.around(range, at, SAMPLE)))
            .collect();
        near.sort_unstable();
        near.dedup();
        let weighed = near.iter().map(|&session| Edge::new(session, self.score(connection, session)));
        best(&weighed.collect::<Vec<_>>()).copied()
    }

    /// Which transaction of the flow each message of the connection is.
    pub(super) fn alignment(&self, connection: &Connection, session: usize) -> Alignment {
        let Some(session) = self.sessions.get(session) else { return Alignment::default() };
        let transactions = accepted(session);
        if session.dialog.encryption.is_some() && transactions.is_empty() {
            return Alignment { of_message: vec![None; connection.messages.len()], ..Alignment::default() };
        }
        let gaps = GapCosts {
            message: if wire_is_whole(session) { MISSING_FROM_WHOLE } else { MISSING_FROM_PART },
            transaction: if log_is_whole(connection) { MISSING_FROM_WHOLE } else { MISSING_FROM_PART },
        };
        let mut alignment =
            align(&connection.messages, &transactions, self.scales.clocks, &self.rarity, gaps);
        if session.dialog.encryption.is_none()
            && alignment.of_message.iter().all(Option::is_none)
            && connection.messages.iter().any(|message| message.mail_from.is_some())
            && transactions.iter().any(|(_, transaction)| !transaction.mail_missing)
        {
            alignment.score -= NOTHING_SHARED;
        }
        alignment
    }

    /// Every piece of evidence of a pair.
    pub(super) fn evidence(&self, connection: &Connection, session: usize) -> Vec<Evidence> {
        let Some(wire) = self.sessions.get(session) else { return Vec::new() };
        let mut all = Vec::new();
        self.scales.weigh(connection, wire, &mut |name, weight, detail| {
            all.push(Evidence::new(name, weight, detail()));
        });
        let alignment = self.alignment(connection, session);
        for (message, transaction) in paired(connection, wire, &alignment) {
            for mut piece in pair_evidence(message, transaction, self.scales.clocks, &self.rarity) {
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

    /// Whether a message of the pair is told from all others by what it holds: the same Message-ID on
    /// both sides, or an envelope that this address sent on one flow only.
    pub(super) fn told_by_content(
        &self,
        connection: &Connection,
        session: usize,
        alignment: &Alignment,
    ) -> bool {
        let Some(wire) = self.sessions.get(session) else { return false };
        let far = match connection.leg {
            Leg::Injection => wire.client().ip,
            Leg::Delivery => wire.server().ip,
        };
        let ip = connection.remote.map(|_| canonical(far));
        let always = (Timestamp::from_nanos(i64::MIN), Timestamp::from_nanos(i64::MAX));
        let once = |way: Way<'_>| {
            let count = |pace| self.index.range(connection.leg, ip, way, pace, always).len();
            PACES.into_iter().map(count).sum::<usize>() == 1
        };
        paired(connection, wire, alignment).any(|(message, transaction)| {
            let same_id = message.message_id.as_ref().zip(transaction.message_id.as_ref());
            if same_id.is_some_and(|(logged, wire)| bare(logged) == bare(wire)) {
                return true;
            }
            let Some((from, _)) = &message.mail_from else { return false };
            if transaction.mail_missing || !from.eq_ignore_case(&transaction.mail_from) {
                return false;
            }
            let from = lower(from);
            once(Way::Sender(&from))
                || message.rcpt_to.first().is_some_and(|(to, _)| once(Way::Envelope(&from, Some(&lower(to)))))
        })
    }

    fn weigh(&self, connection: &Connection, near: &[usize]) -> Vec<Edge> {
        let weighed = near.iter().map(|&session| Edge::new(session, self.score(connection, session)));
        weighed.filter(|edge| edge.score > 0.0).collect()
    }

    fn score(&self, connection: &Connection, session: usize) -> f64 {
        let Some(wire) = self.sessions.get(session) else { return f64::NEG_INFINITY };
        let mut own = 0.0;
        self.scales.weigh(connection, wire, &mut |_, weight, _| own += weight);
        own + self.alignment(connection, session).score
    }

    fn ranges(&self, connection: &Connection, ways: &Ways, tight: bool) -> Vec<Range<usize>> {
        let windows = PACES.map(|pace| (pace, self.window(connection, pace, tight)));
        let mut ranges = Vec::new();
        for &ip in &ways.addresses {
            for way in ways.all() {
                for (pace, window) in windows {
                    let range = self.index.range(connection.leg, ip, way, pace, window);
                    if !range.is_empty() {
                        ranges.push(range);
                    }
                }
            }
        }
        ranges
    }

    /// When flows begin that were alive while the connection was, by how soon they greeted.
    fn window(&self, connection: &Connection, pace: Pace, tight: bool) -> (Timestamp, Timestamp) {
        let always = (Timestamp::from_nanos(i64::MIN), Timestamp::from_nanos(i64::MAX));
        let instant = |stamp| self.scales.clocks.instant(stamp);
        // No clock: every flow of the address is in reach, content must tell.
        let (Some(first), Some(last)) = (instant(&connection.first), instant(&connection.last)) else {
            return always;
        };
        let opened = connection.opened.as_ref().and_then(instant);
        let latest = opened.unwrap_or(last).plus(EARLY);
        match (pace, opened) {
            (Pace::Begun, _) => (always.0, latest),
            (Pace::Quick, Some(opened)) if tight => (opened.minus(TIGHT).minus(QUICK), latest),
            (_, Some(opened)) => (opened.minus(MAX_LOOKUP), latest),
            (_, None) => (first.minus(self.index.longest).minus(MAX_LOOKUP), latest),
        }
    }

    /// How many flows address and time alone allow, whatever their content; `None` where the log does
    /// not tell the address.
    pub(super) fn by_address(&self, connection: &Connection) -> Option<usize> {
        let remote = connection.remote?;
        let mut ranges = Vec::new();
        for address in addresses(self.scales.options, remote) {
            for pace in PACES {
                let (way, window) = (Way::Content(Content::Any), self.window(connection, pace, false));
                ranges.push(self.index.range(connection.leg, Some(address), way, pace, window));
            }
        }
        let near = self.in_reach(connection, &ranges).map(|near| near.len());
        Some(near.unwrap_or_else(|| ranges.iter().map(Range::len).sum()))
    }

    /// The flows of all ranges that were alive while the connection was; `None` where they are too
    /// many to be looked at.
    fn in_reach(&self, connection: &Connection, ranges: &[Range<usize>]) -> Option<Vec<usize>> {
        if ranges.iter().map(Range::len).sum::<usize>() > MAX_SCAN {
            return None;
        }
        let mut near: Vec<usize> =
            ranges.iter().flat_map(|range| self.index.sessions(range.clone())).collect();
        near.sort_unstable();
        near.dedup();
        near.retain(|&session| self.lived_with(connection, session));
        Some(near)
    }

    fn lived_with(&self, connection: &Connection, session: usize) -> bool {
        let Some(session) = self.sessions.get(session) else { return false };
        let Some(first) = self.scales.clocks.instant(&connection.first) else { return true };
        if session.flow.last.time < first.minus(MAX_LOOKUP) {
            return false;
        }
        let began_in_file = session.flow.originator_from == OriginatorFrom::Handshake;
        let apart = first.since(session.flow.first.time);
        !(connection.opened.is_some() && began_in_file && apart > MAX_LOOKUP)
    }

    fn opens_near(&self, connection: &Connection, session: usize) -> bool {
        let session = self.sessions.get(session);
        let opening = session.and_then(|session| self.scales.opening(connection, session));
        opening.is_none_or(|(cost, _)| cost <= TIGHT_COST)
    }

    /// The flows that hold a Message-ID of the connection, retries of the message among them.
    fn holders(&self, connection: &Connection, ways: &Ways) -> Vec<usize> {
        let mut ranges = Vec::new();
        for &ip in &ways.addresses {
            for id in connection.messages.iter().filter_map(|message| message.message_id.as_ref()) {
                for pace in PACES {
                    let window = self.window(connection, pace, false);
                    let way = Way::MessageId(bare(id));
                    ranges.push(self.index.range(connection.leg, ip, way, pace, window));
                }
            }
        }
        self.in_reach(connection, &ranges).filter(|near| near.len() <= MAX_CANDIDATES).unwrap_or_default()
    }
}

/// The best of some edges, the earlier flow of equals.
pub(super) fn best(edges: &[Edge]) -> Option<&Edge> {
    edges.iter().max_by(|a, b| a.score.total_cmp(&b.score).then(b.right.cmp(&a.right)))
}

/// The messages that have a transaction, with it.
fn paired<'a>(
    connection: &'a Connection,
    wire: &'a Session,
    alignment: &'a Alignment,
) -> impl Iterator<Item = (&'a Message, &'a Transaction)> {
    connection
        .messages
        .iter()
        .zip(&alignment.of_message)
        .filter_map(|(message, transaction)| Some((message, wire.dialog.transactions.get((*transaction)?)?)))
}

/// Accepted MAILs with their place among all transactions.
fn accepted(session: &Session) -> Vec<(usize, &Transaction)> {
    session.dialog.transactions.iter().enumerate().filter(|(_, transaction)| transaction.accepted()).collect()
}
