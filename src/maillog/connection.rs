//! One connection, or one message, while its lines come in.
//!
//! The first word on a matter holds: a line that comes twice (an excerpt given beside the whole log)
//! changes nothing.

use ahash::AHashMap;

use crate::cite::{LogRef, Notes, Place};
use crate::maillog::event::{Abort, ConnectionId, Fact, Opening};
use crate::maillog::{
    AbortReason, ApplianceEnd, ApplianceEndKind, Connection, Message, Policy, SerialIndex, Stamp,
};
use crate::text::Text;

/// Lines that are kept free for those that tell of an end, among the lines of a connection or message.
const LINES_FOR_ENDS: usize = 8;

/// Messages kept of one connection; a relay may send thousands over one.
pub(super) const MAX_MESSAGES: usize = 65_536;

/// A connection whose lines come in.
#[derive(Debug)]
pub(super) struct OpenConnection {
    pub(super) facts: Connection,
    pub(super) life: Life,
    /// A message came in whose first line had been read before it was known to belong here.
    unordered: bool,
    /// Recipients' numbers of the messages that do not simply count from 0.
    rids: Option<Box<AHashMap<u32, Vec<u32>>>>,
}

/// A message whose connection is not known.
#[derive(Debug)]
pub(super) struct OpenMessage {
    pub(super) facts: Message,
    pub(super) life: Life,
    rids: Option<Vec<u32>>,
}

/// What the book needs to know of an entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    /// The shelf that it stands on.
    pub(super) shelf: usize,
    /// The record that made it.
    pub(super) born: u64,
    /// The last record that named it.
    pub(super) touched: u64,
    /// Whether a line of it stood under a head that names the appliance.
    pub(super) under_a_head: bool,
}

impl OpenConnection {
    pub(super) fn new(id: ConnectionId, stamp: Stamp, life: Life) -> Self {
        let facts = Connection {
            serial: None,
            leg: id.leg,
            id: id.id,
            opened: None,
            first: stamp,
            last: stamp,
            interface: None,
            local: None,
            remote: None,
            reverse_dns: None,
            policy: None,
            tls: None,
            rejected_recipients: 0,
            lost: None,
            closed: None,
            ended_by_appliance: None,
            last_without_mid: None,
            messages: Vec::new(),
            delivery: None,
            lines: Vec::new(),
        };
        Self { facts, life, unordered: false, rids: None }
    }

    /// Takes in a line that names this connection and no message.
    pub(super) fn take(&mut self, stamp: Stamp, fact: &Fact<'_>, notes: &mut Notes) {
        let connection = &mut self.facts;
        connection.last = stamp;
        // A record about a message tells nothing of lines that name the connection alone.
        if !matches!(fact, Fact::Described(..)) {
            connection.last_without_mid = Some(stamp);
        }
        cite(&mut connection.lines, Connection::MAX_LINES, stamp.line, fact.is_an_end(), notes);
        match fact {
            Fact::Opened(opening) => {
                connection.opened.get_or_insert(stamp);
                self.open(opening, stamp, notes);
            }
            Fact::Lost(opening) => {
                connection.lost.get_or_insert(stamp);
                if let Some(opening) = opening {
                    self.open(opening, stamp, notes);
                }
            }
            Fact::Policy { action, group } => {
                connection.policy.get_or_insert_with(|| Policy {
                    action: *action,
                    group: bounded(group, stamp, notes),
                    at: stamp,
                });
            }
            Fact::Tls(tls) => connection.tls = Some((*tls, stamp)),
            Fact::ConnectionRejectsRecipient => {
                connection.rejected_recipients = connection.rejected_recipients.saturating_add(1);
            }
            Fact::Closed => {
                connection.closed.get_or_insert(stamp);
            }
            Fact::Ended { kind, words } => {
                // A refusal may leave the connection standing; what came after it ended it.
                let weaker = connection
                    .ended_by_appliance
                    .as_ref()
                    .is_none_or(|end| end.kind == ApplianceEndKind::ReceivingFailed && *kind != end.kind);
                if weaker {
                    let words = bounded(words, stamp, notes);
                    connection.ended_by_appliance = Some(ApplianceEnd { kind: *kind, words, at: stamp });
                }
            }
            Fact::Described(opening, tls) => {
                connection.tls = connection.tls.or(tls.map(|tls| (tls, stamp)));
                self.open(opening, stamp, notes);
            }
            Fact::ConnectionError(failure) => {
                connection.remote = connection.remote.or(failure.remote);
                connection.local = connection.local.or(failure.local);
                connection.delivery.get_or_insert_default().fail(failure, stamp);
            }
            _ => {}
        }
    }

    /// Takes in that a line names this connection and a message.
    pub(super) fn take_with_message(&mut self, stamp: Stamp) {
        self.facts.last = stamp;
    }

    /// Takes in what a line tells of the delivery of a message over this connection.
    pub(super) fn take_delivery(&mut self, mid: u64, stamp: Stamp, fact: &Fact<'_>, notes: &mut Notes) {
        if !self.facts.delivery.get_or_insert_default().take(mid, stamp, fact) {
            notes.oddity("messages beyond those kept of one delivery", Some(Place::Line(stamp.line.line)));
        }
    }

    /// Whether the message goes out over this connection.
    pub(super) fn delivers(&self, mid: u64) -> bool {
        self.facts
            .delivery
            .as_ref()
            .is_some_and(|delivery| delivery.attempts.iter().any(|one| one.mid == mid))
    }

    fn open(&mut self, opening: &Opening<'_>, stamp: Stamp, notes: &mut Notes) {
        let connection = &mut self.facts;
        connection.local = connection.local.or(opening.local);
        connection.remote = connection.remote.or(opening.remote);
        let mut keep = |place: &mut Option<Text>, text: Option<&[u8]>| {
            if let (None, Some(text)) = (&place, text) {
                *place = Some(bounded(text, stamp, notes));
            }
        };
        keep(&mut connection.interface, opening.interface);
        keep(&mut connection.reverse_dns, opening.reverse_dns);
    }

    /// A new message on this connection; gives its index, or `None` where there are too many.
    pub(super) fn add(&mut self, mid: u64, stamp: Stamp) -> Option<u32> {
        self.push(new_message(mid, stamp))
    }

    /// Takes over a message of which the first lines did not say that it came over this connection.
    pub(super) fn adopt(&mut self, orphan: OpenMessage) -> Option<u32> {
        let index = self.push(orphan.facts)?;
        self.unordered = true;
        self.life.under_a_head |= orphan.life.under_a_head;
        if let Some(rids) = orphan.rids {
            self.rids.get_or_insert_default().insert(index, rids);
        }
        Some(index)
    }

    fn push(&mut self, mut message: Message) -> Option<u32> {
        let index = u32::try_from(self.facts.messages.len()).ok()?;
        if self.facts.messages.len() >= MAX_MESSAGES {
            return None;
        }
        message.icid = Some(self.facts.id);
        make_room(&mut self.facts.messages);
        self.facts.messages.push(message);
        Some(index)
    }

    /// Takes in a line that names the message with this index.
    pub(super) fn take_for(&mut self, index: u32, stamp: Stamp, fact: &Fact<'_>, notes: &mut Notes) {
        let Some(message) = self.facts.messages.get_mut(index as usize) else { return };
        if let Fact::Recipient { rid, address } = *fact {
            // Almost always the next in the order; only what is not needs the numbers kept.
            let listed = self.rids.as_ref().is_some_and(|lists| lists.contains_key(&index));
            if !listed && rid as usize == message.rcpt_to.len() && (rid as usize) < Message::MAX_RECIPIENTS {
                make_room(&mut message.rcpt_to);
                message.rcpt_to.push((bounded(address, stamp, notes), stamp));
            } else {
                let lists = self.rids.get_or_insert_default();
                let list = lists.entry(index).or_insert_with(|| numbered(message));
                insert_recipient(message, list, rid, address, stamp, notes);
            }
        }
        take(message, stamp, fact, notes);
    }

    /// The connection as told, once no line of it is awaited. `order` ranks lines as they were read.
    pub(super) fn finish(
        mut self,
        serial: Option<SerialIndex>,
        order: impl Fn(LogRef) -> (usize, u32),
    ) -> Connection {
        self.facts.serial = serial;
        if self.unordered {
            self.facts.messages.sort_by_key(|message| order(message.first.line));
        }
        for message in &mut self.facts.messages {
            message.serial = serial;
        }
        self.facts
    }
}

impl OpenMessage {
    pub(super) fn new(mid: u64, stamp: Stamp, life: Life) -> Self {
        Self { facts: new_message(mid, stamp), life, rids: None }
    }

    /// Takes in a line that names the message.
    pub(super) fn take(&mut self, stamp: Stamp, fact: &Fact<'_>, notes: &mut Notes) {
        if let Fact::Recipient { rid, address } = *fact {
            let list = self.rids.get_or_insert_with(|| numbered(&self.facts));
            insert_recipient(&mut self.facts, list, rid, address, stamp, notes);
        }
        take(&mut self.facts, stamp, fact, notes);
    }

    pub(super) fn finish(mut self, serial: Option<SerialIndex>) -> Message {
        self.facts.serial = serial;
        self.facts
    }
}

/// Room for one more, without the slack that a vector takes at first: most connections have one
/// message, and most messages one recipient.
pub(super) fn make_room<T>(entries: &mut Vec<T>) {
    if entries.len() == entries.capacity() {
        entries.reserve_exact(entries.len().max(1));
    }
}

fn new_message(mid: u64, stamp: Stamp) -> Message {
    Message {
        mid,
        serial: None,
        icid: None,
        started: None,
        mail_from: None,
        rcpt_to: Vec::new(),
        rejected: Vec::new(),
        message_id: None,
        subject: None,
        ready: None,
        aborted: None,
        finished: None,
        response: None,
        first: stamp,
        last: stamp,
        lines: Vec::new(),
    }
}

/// Takes in all facts but a recipient.
fn take(message: &mut Message, stamp: Stamp, fact: &Fact<'_>, notes: &mut Notes) {
    message.last = stamp;
    // What the appliance does with a message that it has taken, or given up, is not its reception.
    let received = message.ready.is_none() && message.aborted.is_none();
    if received || fact.is_an_end() {
        cite(&mut message.lines, Message::MAX_LINES, stamp.line, fact.is_an_end(), notes);
    }
    match fact {
        Fact::Started => {
            message.started.get_or_insert(stamp);
        }
        Fact::Sender(address) => keep_sender(message, address, stamp, notes),
        Fact::RecipientRejected(address) => reject(message, address, stamp, notes),
        Fact::MessageId(id) => {
            message.message_id.get_or_insert_with(|| bounded(id, stamp, notes));
        }
        Fact::Subject(subject) => {
            message.subject.get_or_insert_with(|| bounded(subject, stamp, notes));
        }
        Fact::Ready { bytes, sender } => {
            message.ready.get_or_insert((*bytes, stamp));
            if let Some(address) = sender {
                keep_sender(message, address, stamp, notes);
            }
        }
        Fact::Aborted(abort) => {
            message.aborted.get_or_insert_with(|| (reason(abort, stamp, notes), stamp));
        }
        Fact::Finished(finish) => {
            message.finished.get_or_insert((*finish, stamp));
        }
        _ => {}
    }
}

fn keep_sender(message: &mut Message, address: &[u8], stamp: Stamp, notes: &mut Notes) {
    message.mail_from.get_or_insert_with(|| (bounded(address, stamp, notes), stamp));
}

fn reject(message: &mut Message, address: &[u8], stamp: Stamp, notes: &mut Notes) {
    // One host may try one recipient over and over; only another file tells the same line again.
    let repeated = stamp.line.file != message.first.line.file
        && message.rejected.iter().any(|(known, at)| {
            known.as_bytes() == address && at.time == stamp.time && at.line.file != stamp.line.file
        });
    if repeated {
        return;
    }
    if message.rejected.len() < Message::MAX_RECIPIENTS {
        message.rejected.push((bounded(address, stamp, notes), stamp));
    } else {
        too_many_recipients(stamp, notes);
    }
}

fn reason(abort: &Abort<'_>, stamp: Stamp, notes: &mut Notes) -> AbortReason {
    match abort {
        Abort::Receiving => AbortReason::ReceivingAborted,
        Abort::BySender => AbortReason::ReceivingAbortedBySender,
        Abort::Policy(words) => AbortReason::Policy(bounded(words, stamp, notes)),
        Abort::Other(words) => AbortReason::Other(bounded(words, stamp, notes)),
    }
}

/// The recipients' numbers of a message whose recipients have come in order so far.
fn numbered(message: &Message) -> Vec<u32> {
    (0..).zip(&message.rcpt_to).map(|(rid, _)| rid).collect()
}

/// Keeps a recipient in the order of the numbers; one that is there already is passed over.
fn insert_recipient(
    message: &mut Message,
    rids: &mut Vec<u32>,
    rid: u32,
    address: &[u8],
    stamp: Stamp,
    notes: &mut Notes,
) {
    let at = rids.partition_point(|known| *known < rid);
    if rids.get(at) == Some(&rid) {
        return;
    }
    if rids.len() >= Message::MAX_RECIPIENTS {
        return too_many_recipients(stamp, notes);
    }
    rids.insert(at, rid);
    message.rcpt_to.insert(at, (bounded(address, stamp, notes), stamp));
}

fn too_many_recipients(stamp: Stamp, notes: &mut Notes) {
    notes.oddity("recipients beyond those kept of one message", Some(Place::Line(stamp.line.line)));
}

/// Keeps a line among at most `limit`; the last places are for lines that tell of an end.
fn cite(lines: &mut Vec<LogRef>, limit: usize, line: LogRef, of_an_end: bool, notes: &mut Notes) {
    if lines.last() == Some(&line) {
        return;
    }
    let room = if of_an_end { limit } else { limit - LINES_FOR_ENDS };
    if lines.len() < room {
        lines.push(line);
    } else {
        notes.oddity("lines beyond those cited of one connection or message", Some(Place::Line(line.line)));
    }
}

fn bounded(text: &[u8], stamp: Stamp, notes: &mut Notes) -> Text {
    if text.len() > Connection::MAX_TEXT {
        notes.oddity("values longer than 998 octets were cut", Some(Place::Line(stamp.line.line)));
    }
    Text::bounded(text, Connection::MAX_TEXT)
}
