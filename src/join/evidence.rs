//! What speaks for and against a pair of an ICID and a flow, in nats (natural log of the odds).
//!
//! Never evidence: `lost` with FIN, or "aborted" with an unfinished dialogue. That would build the
//! verdict into the match.

use ahash::AHashMap;

use crate::join::clock::Clocks;
use crate::maillog::{Message, Stamp};
use crate::net::Leg;
use crate::smtp::{Outcome, Session, Transaction};
use crate::text::Text;
use crate::time::Timestamp;

/// A stamp may lie this far before the second of its event: rounding down, and clocks read twice.
pub(super) const STAMP_EARLY_SECONDS: f64 = 1.3;
/// ... and this far behind it: the log is written after the fact.
const STAMP_LATE_SECONDS: f64 = 2.0;
/// The length of the time in which a stamp may be of one event.
pub(super) const STAMP_SECONDS: f64 = STAMP_EARLY_SECONDS + STAMP_LATE_SECONDS;
/// Each further second off costs this much.
const PER_SECOND_OFF: f64 = 2.0;
/// No single stamp costs more: a clock may have stepped.
const MAX_TIME_COST: f64 = 12.0;

/// What an equal sender or recipient list is worth at the least (a stranger's connection of the same
/// address in the same second rarely has it) and at the most.
const ENVELOPE_RANGE: (f64, f64) = (1.0, 6.0);
/// What a different one costs: more than address, opening and closing together can make good.
const ENVELOPE_CONFLICT: f64 = 20.0;
/// What a different one costs on the way out: the appliance may have rewritten it (masquerading,
/// aliases, bounce tags), so that it tells little.
const REWRITTEN: f64 = 2.0;
/// The remote server's words after a message, where both hold them: mostly with its name in that
/// server's queue.
const RESPONSE: f64 = 6.0;
/// Words shorter than this (`Ok`, `2.0.0 Ok`) are everybody's.
const LEAST_RESPONSE: usize = 12;
/// An equal Message-ID, and a different one.
const MESSAGE_ID: (f64, f64) = (6.0, 6.0);
/// An equal subject, and a different one (the log may print it decoded).
const SUBJECT: (f64, f64) = (2.0, 0.5);
/// A size that fits, and one that does not.
const SIZE: (f64, f64) = (1.5, 3.0);
/// `ready N bytes` is the message as stored: the appliance adds its Received line and rewrites line
/// ends, so it differs from the octets on the wire by up to this much.
const SIZE_SLACK: u64 = 4096;
/// An equal number of refused recipients, and a different one.
const REJECTED: (f64, f64) = (1.0, 1.0);

/// How often senders and recipient lists occur on the wire: what is rare weighs more.
#[derive(Debug, Default)]
pub struct Rarity {
    senders: AHashMap<Vec<u8>, u32>,
    recipients: AHashMap<Vec<u8>, u32>,
    transactions: u32,
}

impl Rarity {
    /// Counts over every accepted transaction of the captures.
    pub fn of(sessions: &[Session]) -> Self {
        let mut this = Self::default();
        for transaction in sessions.iter().flat_map(|session| &session.dialog.transactions) {
            if transaction.accepted() {
                *this.senders.entry(lower(&transaction.mail_from)).or_default() += 1;
                *this.recipients.entry(recipients_key(accepted_recipients(transaction))).or_default() += 1;
                this.transactions += 1;
            }
        }
        this
    }

    fn weight(&self, count: Option<&u32>) -> f64 {
        let share = f64::from(count.copied().unwrap_or(1)) / f64::from(self.transactions + 1);
        (-share.ln()).clamp(ENVELOPE_RANGE.0, ENVELOPE_RANGE.1)
    }
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Its name, in snake case.
    pub name: &'static str,
    /// What it weighs; negative speaks against.
    pub weight: f64,
    /// In words.
    pub detail: String,
}

impl Evidence {
    /// A piece of evidence.
    pub fn new(name: &'static str, weight: f64, detail: impl Into<String>) -> Self {
        Self { name, weight, detail: detail.into() }
    }
}

/// Takes a piece of evidence: its name, its weight, and its words where they are wanted.
pub(super) type Found<'f> = dyn FnMut(&'static str, f64, &dyn Fn() -> String) + 'f;

/// What a message and a transaction make of each other, added up.
pub fn pair_score(
    leg: Leg,
    message: &Message,
    transaction: &Transaction,
    clocks: &Clocks,
    rarity: &Rarity,
) -> f64 {
    let mut total = 0.0;
    weigh(leg, message, transaction, clocks, rarity, &mut |_, weight, _| total += weight);
    total
}

/// The same, piece by piece.
pub fn pair_evidence(
    leg: Leg,
    message: &Message,
    transaction: &Transaction,
    clocks: &Clocks,
    rarity: &Rarity,
) -> Vec<Evidence> {
    let mut all = Vec::new();
    weigh(leg, message, transaction, clocks, rarity, &mut |name, weight, detail| {
        all.push(Evidence::new(name, weight, detail()));
    });
    all
}

/// Whether a message of `size` bytes by the log may be `octets` octets on the wire.
pub fn fits_size(size: u64, octets: u64) -> bool {
    size.abs_diff(octets) <= SIZE_SLACK.max(octets / 50)
}

/// What a stamp that is `seconds` behind its event costs (negative: before it).
pub fn time_cost(seconds: f64) -> f64 {
    let off = (seconds - STAMP_LATE_SECONDS).max(-STAMP_EARLY_SECONDS - seconds).max(0.0);
    (off * PER_SECOND_OFF).min(MAX_TIME_COST)
}

fn weigh(
    leg: Leg,
    message: &Message,
    transaction: &Transaction,
    clocks: &Clocks,
    rarity: &Rarity,
    found: &mut Found<'_>,
) {
    if let Some((from, _)) = &message.mail_from
        && !transaction.mail_missing
    {
        if from.eq_ignore_case(&transaction.mail_from) {
            let weight = rarity.weight(rarity.senders.get(&lower(from)));
            found("mail_from", weight, &|| format!("both have MAIL FROM:<{from}>"));
        } else {
            let cost = if leg == Leg::Delivery { REWRITTEN } else { ENVELOPE_CONFLICT };
            found("mail_from", -cost, &|| {
                format!("the log has MAIL FROM:<{from}>, the wire <{}>", transaction.mail_from)
            });
        }
    }
    match leg {
        Leg::Injection => weigh_reception(message, transaction, clocks, rarity, found),
        Leg::Delivery => weigh_delivery(message, transaction, clocks, rarity, found),
    }
    weigh_content(message, transaction, found);
}

/// What the lines of a message's reception tell of its envelope: accepted recipients in their order,
/// stamped as they were answered.
fn weigh_reception(
    message: &Message,
    transaction: &Transaction,
    clocks: &Clocks,
    rarity: &Rarity,
    found: &mut Found<'_>,
) {
    weigh_recipients(message, transaction, rarity, found);
    let replied = transaction.mail_reply.map(|(_, moment)| moment.time);
    weigh_time("mail_time", message.started.as_ref(), replied, clocks, found);
    let first_recipient = transaction
        .recipients
        .iter()
        .find_map(|recipient| recipient.reply.filter(|(code, _)| code.is_positive()))
        .map(|(_, moment)| moment.time);
    weigh_time("rcpt_time", message.rcpt_to.first().map(|(_, at)| at), first_recipient, clocks, found);
}

/// Going out, some of the message's recipients go over this connection, `Delivery start` comes before
/// MAIL, and the remote server's words are kept.
fn weigh_delivery(
    message: &Message,
    transaction: &Transaction,
    clocks: &Clocks,
    rarity: &Rarity,
    found: &mut Found<'_>,
) {
    let is_known = |address: &Text| message.rcpt_to.iter().any(|(known, _)| known.eq_ignore_case(address));
    let sent = || transaction.recipients.iter().map(|recipient| &recipient.address);
    let (all, shared) = (sent().count(), sent().filter(|address| is_known(address)).count());
    if shared > 0 {
        let weight = rarity.weight(rarity.recipients.get(&recipients_key(accepted_recipients(transaction))));
        found("rcpt_to", weight, &|| format!("{shared} of {all} recipients on the wire are the message's"));
    } else if all > 0 && !message.rcpt_to.is_empty() {
        found("rcpt_to", -REWRITTEN, &|| "none of the recipients on the wire is the message's".to_owned());
    }
    // The greeting may be long in coming after the start; only MAIL before it speaks against the pair.
    if let Some(started) = message.started.as_ref().and_then(|stamp| clocks.instant(stamp))
        && !transaction.mail_missing
    {
        let behind = started.since(transaction.mail.time).seconds();
        let cost = time_cost(behind.max(0.0));
        if cost > 0.0 {
            found("mail_time", -cost, &|| {
                format!("`Delivery start` is {behind:+.1} s from MAIL on the wire")
            });
        }
    }
    if said_alike(message, transaction) {
        found("response", RESPONSE, &|| "both have the remote server's words to the message".to_owned());
    }
}

/// Whether log and wire hold the same words of the remote server to the message, words that are not
/// everybody's.
pub(super) fn said_alike(message: &Message, transaction: &Transaction) -> bool {
    let (Some(logged), Some(reply)) = (&message.response, &transaction.end_reply) else { return false };
    let (logged, wire) = (logged.as_bytes().trim_ascii(), reply.text.as_bytes().trim_ascii());
    logged.len() >= LEAST_RESPONSE
        && (logged == wire
            || wire.ends_with(logged)
            || logged.ends_with(wire) && wire.len() >= LEAST_RESPONSE)
}

/// Message-ID, subject and size.
fn weigh_content(message: &Message, transaction: &Transaction, found: &mut Found<'_>) {
    if let (Some(logged), Some(wire)) = (&message.message_id, &transaction.message_id) {
        if bare(logged) == bare(wire) {
            found("message_id", MESSAGE_ID.0, &|| format!("both have Message-ID {wire}"));
        } else {
            found("message_id", -MESSAGE_ID.1, &|| {
                format!("Message-ID {logged} in the log, {wire} on the wire")
            });
        }
    }
    if let (Some(logged), Some(wire)) = (&message.subject, &transaction.subject) {
        if logged == wire {
            found("subject", SUBJECT.0, &|| "both have the same subject".to_owned());
        } else {
            found("subject", -SUBJECT.1, &|| "the subjects are written differently".to_owned());
        }
    }
    if let Some((size, _)) = message.ready
        && transaction.body_missing == 0
        && transaction.data.is_some()
        && transaction.end_of_data.is_some()
    {
        let octets = transaction.body_octets;
        if fits_size(size, octets) {
            found("size", SIZE.0, &|| format!("{size} bytes in the log fit {octets} octets on the wire"));
        } else {
            found("size", -SIZE.1, &|| format!("{size} bytes in the log, {octets} octets on the wire"));
        }
    }
}

fn weigh_recipients(message: &Message, transaction: &Transaction, rarity: &Rarity, found: &mut Found<'_>) {
    // An excerpt may print a recipient line without its address: it tells nothing.
    if transaction.mail_missing || message.rcpt_to.iter().any(|(address, _)| address.is_empty()) {
        return;
    }
    // An unanswered RCPT may have been accepted beyond the end of the file.
    let possible: Vec<&Text> = transaction
        .recipients
        .iter()
        .filter(|recipient| recipient.reply.is_none_or(|(code, _)| code.is_positive()))
        .map(|recipient| &recipient.address)
        .collect();
    let wire = accepted_recipients(transaction).count();
    let logged = || message.rcpt_to.iter().map(|(address, _)| address);
    let listed = message.rcpt_to.len();
    let shared = logged().zip(&possible).take_while(|(a, b)| a.eq_ignore_case(b)).count();
    let wire_may_go_on = transaction.outcome == Outcome::Open || transaction.recipients_dropped > 0;
    let log_may_go_on = listed >= Message::MAX_RECIPIENTS || wire < possible.len();
    let agree = shared == listed.min(possible.len())
        && (listed <= possible.len() || wire_may_go_on)
        && (listed >= wire || log_may_go_on);
    if agree && shared > 0 {
        let weight = rarity.weight(rarity.recipients.get(&recipients_key(logged())));
        found("rcpt_to", weight, &|| match shared {
            1 => "both have the same accepted recipient".to_owned(),
            count => format!("both have the same {count} accepted recipients in the same order"),
        });
    } else if !agree {
        found("rcpt_to", -ENVELOPE_CONFLICT, &|| {
            format!("{listed} accepted recipients in the log, {wire} on the wire, the first {shared} equal")
        });
    }
    let refused = transaction
        .recipients
        .iter()
        .filter(|recipient| recipient.reply.is_some_and(|(code, _)| code.is_negative()))
        .count();
    if refused > 0 || !message.rejected.is_empty() {
        if refused == message.rejected.len() {
            found("rejected", REJECTED.0, &|| format!("both have {refused} refused recipients"));
        } else {
            found("rejected", -REJECTED.1, &|| {
                format!("{} refused recipients in the log, {refused} on the wire", message.rejected.len())
            });
        }
    }
}

fn weigh_time(
    name: &'static str,
    stamp: Option<&Stamp>,
    event: Option<Timestamp>,
    clocks: &Clocks,
    found: &mut Found<'_>,
) {
    if let (Some(logged), Some(event)) = (stamp.and_then(|stamp| clocks.instant(stamp)), event) {
        let behind = logged.since(event).seconds();
        let cost = time_cost(behind);
        if cost > 0.0 {
            found(name, -cost, &|| format!("the log's stamp is {behind:+.1} s from the reply on the wire"));
        }
    }
}

/// Recipients that were answered with 2xx: those that the log lists.
pub fn accepted_recipients(transaction: &Transaction) -> impl Iterator<Item = &Text> {
    transaction
        .recipients
        .iter()
        .filter(|recipient| recipient.reply.is_some_and(|(code, _)| code.is_positive()))
        .map(|recipient| &recipient.address)
}

fn recipients_key<'a>(recipients: impl Iterator<Item = &'a Text>) -> Vec<u8> {
    let mut key = Vec::new();
    for recipient in recipients {
        key.extend(recipient.as_bytes().iter().map(u8::to_ascii_lowercase));
        key.push(0);
    }
    key
}

fn lower(text: &Text) -> Vec<u8> {
    text.as_bytes().to_ascii_lowercase()
}

/// A Message-ID without its brackets: some logs and copies strip them.
pub(super) fn bare(message_id: &Text) -> &[u8] {
    let bytes = message_id.as_bytes().trim_ascii();
    let bytes = bytes.strip_prefix(b"<").unwrap_or(bytes);
    bytes.strip_suffix(b">").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_seconds_rounded_down_and_written_late() {
        assert_eq!(time_cost(-0.99), 0.0);
        assert_eq!(time_cost(1.9), 0.0);
        assert!(time_cost(-3.0) > 3.0);
        assert!((time_cost(4.0) - 4.0).abs() < 1e-9);
        assert_eq!(time_cost(3600.0), MAX_TIME_COST);
    }

    #[test]
    fn brackets_around_a_message_id_do_not_count() {
        assert_eq!(bare(&Text::from("<a@b>")), bare(&Text::from("a@b ")));
    }
}
