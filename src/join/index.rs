//! The flows by the ways a log can lead to them, in the order of time.
//!
//! What an envelope, a Message-ID or an address leads to is one run of a sorted array, so a window of
//! time costs two binary searches, however many connections one sender has. A directory over the first
//! bits of the ways' hashes leads to where a run can be: most ways lead to nothing, and that shows at
//! once. Runs are never walked beyond a bound; what is too crowded to be walked is marked as a range
//! and counted.

use std::net::IpAddr;
use std::ops::Range;

use ahash::{AHashSet, RandomState};

use crate::capture::OriginatorFrom;
use crate::join::evidence::bare;
use crate::net::{Leg, canonical};
use crate::smtp::{Session, Transaction};
use crate::text::Text;
use crate::time::{Span, Timestamp};

/// A greeting this long after the SYN is a slow one: such flows stand in a run of their own, so that
/// a few slow lookups don't widen the window of all others.
pub(super) const QUICK: Span = Span::from_seconds(4);

/// How soon a flow's greeting came: what its `New SMTP ICID` can be stamped with depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Pace {
    /// The greeting came within [`QUICK`].
    Quick,
    /// It came later, or is not in the file.
    Slow,
    /// The flow had begun before the file.
    Begun,
}

/// All paces.
pub(super) const PACES: [Pace; 3] = [Pace::Quick, Pace::Slow, Pace::Begun];

/// What a flow shows of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Content {
    /// Whatever it shows.
    Any,
    /// It went dark.
    Dark,
    /// It is whole and holds no accepted MAIL.
    Blank,
    /// Part of it is missing, which may have held a MAIL.
    Holed,
}

/// A way to flows. Where there is an address, only flows of that address count.
#[derive(Debug, Clone, Copy, Hash)]
pub(super) enum Way<'a> {
    /// By what they show.
    Content(Content),
    /// By an accepted MAIL of that sender.
    Sender(&'a [u8]),
    /// By an accepted MAIL of that sender without a recipient that is known to be accepted.
    Unaddressed(&'a [u8]),
    /// By sender and first recipient, `None` where no recipient is known.
    Envelope(&'a [u8], Option<&'a [u8]>),
    /// By Message-ID, brackets left out.
    MessageId(&'a [u8]),
}

/// The flows, sorted by way and by their first frame.
pub(super) struct Index {
    entries: Vec<Entry>,
    directory: Directory,
    hasher: RandomState,
    /// Where ranges begin (+1) and end (-1) that were too crowded to be walked.
    crowds: Vec<i32>,
    /// The longest that any flow lasts.
    pub(super) longest: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    way: u64,
    first: Timestamp,
    session: u32,
}

impl Index {
    /// Indexes every flow whose far address is `wanted` for its leg; under no address too where
    /// `some_lack_remote`.
    pub(super) fn new(
        sessions: &[Session],
        wanted: &AHashSet<(Leg, IpAddr)>,
        some_lack_remote: bool,
    ) -> Self {
        let mut this = Self {
            entries: Vec::with_capacity(sessions.len() * 4),
            directory: Directory::default(),
            // Fixed seeds: equal inputs give equal reports. Who finds collisions makes his own
            // connections ambiguous.
            hasher: RandomState::with_seeds(0x5eed, 0xface, 0xcafe, 0xf00d),
            crowds: Vec::new(),
            longest: Span::ZERO,
        };
        for (session, number) in sessions.iter().zip(0u32..) {
            this.longest = this.longest.max(session.flow.last.time.since(session.flow.first.time));
            let far = [
                (Leg::Injection, canonical(session.client().ip)),
                (Leg::Delivery, canonical(session.server().ip)),
            ];
            for (leg, ip) in far {
                if wanted.contains(&(leg, ip)) {
                    this.add(session, number, leg, Some(ip));
                }
            }
            if some_lack_remote {
                this.add(session, number, Leg::Injection, None);
            }
        }
        this.entries.sort_unstable();
        this.entries.dedup();
        this.directory = Directory::of(&this.entries);
        this.crowds = vec![0; this.entries.len() + 1];
        this
    }

    /// The flows that `way` leads to and that begin between two moments, both included.
    pub(super) fn range(
        &self,
        leg: Leg,
        ip: Option<IpAddr>,
        way: Way<'_>,
        pace: Pace,
        window: (Timestamp, Timestamp),
    ) -> Range<usize> {
        let way = self.hash(leg, ip, way, pace);
        let near = self.directory.near(way);
        let entries = self.entries.get(near.clone()).unwrap_or_default();
        let from = entries.partition_point(|entry| (entry.way, entry.first) < (way, window.0));
        let rest = entries.get(from..).unwrap_or_default();
        let length = rest.partition_point(|entry| (entry.way, entry.first) <= (way, window.1));
        near.start + from..near.start + from + length
    }

    /// The sessions of a range.
    pub(super) fn sessions(&self, range: Range<usize>) -> impl Iterator<Item = usize> + '_ {
        self.entries.get(range).unwrap_or_default().iter().map(|entry| entry.session as usize)
    }

    /// The middle of a range, by time: the few entries around `at`.
    pub(super) fn around(&self, range: Range<usize>, at: Timestamp, few: usize) -> Range<usize> {
        let entries = self.entries.get(range.clone()).unwrap_or_default();
        let middle = range.start + entries.partition_point(|entry| entry.first < at);
        middle.saturating_sub(few / 2).max(range.start)..(middle + few / 2).min(range.end)
    }

    /// Marks a range as too crowded to be walked: some connection may be any flow of it.
    pub(super) fn mark_crowded(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        for (at, step) in [(range.start, 1), (range.end, -1)] {
            if let Some(mark) = self.crowds.get_mut(at) {
                *mark += step;
            }
        }
    }

    /// Whether each of `sessions` flows lies in a crowded range.
    pub(super) fn crowded(&self, sessions: usize) -> Vec<bool> {
        let mut crowded = vec![false; sessions];
        let mut deep = 0;
        for (entry, mark) in self.entries.iter().zip(&self.crowds) {
            deep += mark;
            if deep > 0
                && let Some(flag) = crowded.get_mut(entry.session as usize)
            {
                *flag = true;
            }
        }
        crowded
    }

    fn add(&mut self, session: &Session, number: u32, leg: Leg, ip: Option<IpAddr>) {
        let pace = pace(session);
        let first = session.flow.first.time;
        let mut push = |way: Way<'_>| {
            let way = self.hasher.hash_one((leg, ip, way, pace));
            self.entries.push(Entry { way, first, session: number });
        };
        let dark = session.dialog.encryption.as_ref().is_some_and(|encryption| encryption.established);
        let whole = wire_is_whole(session);
        let mut blank = true;
        let mut unsaid = false;
        for transaction in session.dialog.transactions.iter().filter(|transaction| transaction.accepted()) {
            blank = false;
            unsaid |= transaction.mail_missing;
            let from = lower(&transaction.mail_from);
            let to = first_recipient(transaction).map(lower);
            push(Way::Sender(&from));
            push(Way::Envelope(&from, to.as_deref()));
            if is_unaddressed(transaction) {
                push(Way::Unaddressed(&from));
            }
            if let Some(id) = &transaction.message_id {
                push(Way::MessageId(bare(id)));
            }
        }
        // Without an address only content leads to a flow.
        if ip.is_none() {
            return;
        }
        push(Way::Content(Content::Any));
        if session.dialog.encryption.is_some() {
            push(Way::Content(Content::Dark));
        }
        // Where the handshake failed nothing was said that could be hidden.
        if !dark && !whole && (blank || unsaid) {
            push(Way::Content(Content::Holed));
        } else if !dark && blank {
            push(Way::Content(Content::Blank));
        }
    }

    fn hash(&self, leg: Leg, ip: Option<IpAddr>, way: Way<'_>, pace: Pace) -> u64 {
        self.hasher.hash_one((leg, ip, way, pace))
    }
}

/// Where the entries of a way can be among all, by the first bits of its hash.
#[derive(Debug, Default)]
struct Directory {
    /// Entry `n` is the place of the first entry whose way's first [`Self::bits`] bits are `n` or more;
    /// one more at the end.
    begins: Vec<usize>,
    bits: u32,
}

impl Directory {
    /// Of sorted entries: as many places as there are entries, within a factor of two.
    fn of(entries: &[Entry]) -> Self {
        let bits = entries.len().checked_ilog2().unwrap_or(0).max(1);
        let mut this = Self { begins: Vec::with_capacity((1 << bits) + 1), bits };
        for (place, entry) in entries.iter().enumerate() {
            let slot = this.slot(entry.way);
            while this.begins.len() <= slot {
                this.begins.push(place);
            }
        }
        this.begins.resize((1 << bits) + 1, entries.len());
        this
    }

    /// Where all entries of `way` are, with few others.
    fn near(&self, way: u64) -> Range<usize> {
        let slot = self.slot(way);
        match self.begins.get(slot..=slot + 1) {
            Some(&[from, to]) => from..to,
            _ => 0..0,
        }
    }

    fn slot(&self, way: u64) -> usize {
        usize::try_from(way.unbounded_shr(u64::BITS - self.bits)).unwrap_or(usize::MAX)
    }
}

/// Whether the file holds the dialogue from its beginning to its end without a hole.
pub(super) fn wire_is_whole(session: &Session) -> bool {
    let flow = &session.flow;
    flow.originator_from == OriginatorFrom::Handshake
        && !flow.open_at_end
        && flow.streams.originator.missed_octets == 0
        && flow.streams.responder.missed_octets == 0
        && session.dialog.transactions_dropped == 0
}

/// Lower case, as envelopes are compared.
pub(super) fn lower(text: &Text) -> Vec<u8> {
    text.as_bytes().to_ascii_lowercase()
}

/// Whether the log may list no recipient of it.
fn is_unaddressed(transaction: &Transaction) -> bool {
    let replies = || transaction.recipients.iter().map(|recipient| recipient.reply);
    replies().any(|reply| reply.is_none()) || replies().flatten().all(|(code, _)| !code.is_positive())
}

/// The first recipient that was not refused: where it was accepted, the log lists it first.
fn first_recipient(transaction: &Transaction) -> Option<&Text> {
    transaction
        .recipients
        .iter()
        .find(|recipient| recipient.reply.is_none_or(|(code, _)| code.is_positive()))
        .map(|recipient| &recipient.address)
}

fn pace(session: &Session) -> Pace {
    let flow = &session.flow;
    let greeted = session.dialog.greeting.as_ref().map(|reply| reply.at.time.since(flow.first.time));
    match (flow.originator_from, greeted) {
        (OriginatorFrom::Handshake, Some(after)) if after <= QUICK => Pace::Quick,
        (OriginatorFrom::Handshake, _) => Pace::Slow,
        _ => Pace::Begun,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::CloseKind;
    use crate::join::testing::{REMOTE, instant, session};

    fn index() -> Index {
        let sessions: Vec<Session> = (0..10u16)
            .map(|n| {
                let from = format!("anna{}@example.net", n % 2);
                session(40_000 + n, f64::from(n), 5.0, &from, "Bert@example.com", CloseKind::Fin)
            })
            .collect();
        let wanted = [(Leg::Injection, REMOTE.parse().unwrap())].into_iter().collect();
        Index::new(&sessions, &wanted, false)
    }

    fn found(index: &Index, way: Way<'_>, window: (f64, f64)) -> Vec<usize> {
        let window = (instant(window.0), instant(window.1));
        let ip = Some(REMOTE.parse().unwrap());
        let ranges = PACES.map(|pace| index.range(Leg::Injection, ip, way, pace, window));
        ranges.into_iter().flat_map(|range| index.sessions(range)).collect()
    }

    #[test]
    fn a_window_of_time_is_cut_out_of_what_a_way_leads_to() {
        let index = index();
        assert_eq!(found(&index, Way::Sender(b"anna1@example.net"), (2.0, 7.0)), [3, 5, 7]);
        let envelope = Way::Envelope(b"anna0@example.net", Some(b"bert@example.com"));
        assert_eq!(found(&index, envelope, (0.0, 2.5)), [0, 2]);
        assert_eq!(found(&index, Way::Content(Content::Any), (8.5, 99.0)), [9]);
        assert!(found(&index, Way::Content(Content::Blank), (0.0, 99.0)).is_empty(), "each holds a MAIL");
        assert!(found(&index, Way::MessageId(b"a@b"), (0.0, 99.0)).is_empty());
    }

    #[test]
    fn the_directory_leads_to_every_way_and_to_no_other() {
        for count in [0u64, 1, 2, 3, 1000] {
            let way = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % (u64::MAX - 7);
            let mut entries: Vec<Entry> = (0..count)
                .flat_map(|n| {
                    [instant(1.0), instant(2.0)].map(|first| Entry { way: way(n), first, session: 0 })
                })
                .collect();
            entries.sort_unstable();
            let directory = Directory::of(&entries);
            for n in 0..count {
                let near = &entries[directory.near(way(n))];
                assert_eq!(near.iter().filter(|entry| entry.way == way(n)).count(), 2, "{n} of {count}");
                assert!(near.len() < 40, "{} beside {n} of {count}", near.len());
            }
            for absent in [0, 1, u64::MAX, u64::MAX / 2] {
                assert!(entries[directory.near(absent)].len() < 40);
            }
        }
    }

    #[test]
    fn crowded_ranges_mark_their_flows_and_no_others() {
        let mut index = index();
        let ip = Some(REMOTE.parse().unwrap());
        for pace in PACES {
            for window in [(2.0, 4.0), (4.0, 5.0)] {
                let window = (instant(window.0), instant(window.1));
                let range = index.range(Leg::Injection, ip, Way::Content(Content::Any), pace, window);
                index.mark_crowded(range);
            }
        }
        let crowded = index.crowded(10);
        let which: Vec<usize> = (0..10).filter(|&n| crowded[n]).collect();
        assert_eq!(which, [2, 3, 4, 5]);
    }
}
