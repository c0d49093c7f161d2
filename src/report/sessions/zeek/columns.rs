//! What stands in which column. Sources: `scripts/base/protocols/conn/main.zeek` and
//! `scripts/base/protocols/smtp/main.zeek` of Zeek.

use super::value::Value;
use super::{Column, uid};
use crate::capture::{Effect, Loss, StreamFacts};
use crate::smtp::tls::EncryptionStart;
use crate::smtp::{Session, Transaction};
use crate::time::{Span, Timestamp};

/// TCP's number in the IP header.
const IP_PROTO_TCP: u64 = 6;

/// What one row is made from.
#[derive(Debug, Clone)]
pub(super) struct Row<'a> {
    session: &'a Session,
    transaction: Option<(&'a Transaction, u64)>,
    community_id: String,
    uid: String,
    /// Unset where it is not positive, and the counts of octets with it, as in Zeek.
    duration: Option<Span>,
}

impl<'a> Row<'a> {
    /// The row of a connection without a transaction.
    pub(super) fn of(session: &'a Session) -> Self {
        let community_id = session.tuple().community_id();
        let duration = productive_until(session).since(session.flow.first.time);
        Self {
            uid: uid(session, &community_id),
            session,
            transaction: None,
            community_id,
            duration: (duration > Span::ZERO).then_some(duration),
        }
    }

    /// The row of its transaction at `depth`.
    pub(super) fn with(&self, transaction: &'a Transaction, depth: u64) -> Self {
        Self { transaction: Some((transaction, depth)), ..self.clone() }
    }
}

/// All columns in their order: those of `conn.log`, the Community ID, those of `smtp.log` with the
/// transaction's own time before them.
pub const COLUMNS: &[Column] = &[
    column("ts", "time", |row| Value::Time(row.session.flow.first.time)),
    column("uid", "string", |row| Value::Owned(row.uid.clone())),
    column("id.orig_h", "addr", |row| Value::Address(row.session.client().ip)),
    column("id.orig_p", "port", |row| Value::Count(row.session.client().port.into())),
    column("id.resp_h", "addr", |row| Value::Address(row.session.server().ip)),
    column("id.resp_p", "port", |row| Value::Count(row.session.server().port.into())),
    column("proto", "enum", |_| Value::Word("tcp")),
    column("service", "string", service),
    column("duration", "interval", |row| row.duration.map_or(Value::Unset, Value::Interval)),
    column("orig_bytes", "count", |row| octets(row, &row.session.flow.streams.originator)),
    column("resp_bytes", "count", |row| octets(row, &row.session.flow.streams.responder)),
    column("conn_state", "string", |row| Value::Word(row.session.flow.conn_state.as_str())),
    column("local_orig", "bool", unknown),
    column("local_resp", "bool", unknown),
    column("missed_bytes", "count", |row| {
        let streams = &row.session.flow.streams;
        Value::Count(missed(&streams.originator).saturating_add(missed(&streams.responder)))
    }),
    column("history", "string", |row| Value::Owned(row.session.flow.history.clone())),
    column("orig_pkts", "count", |row| Value::Count(row.session.flow.streams.originator.segments)),
    column("orig_ip_bytes", "count", unknown),
    column("resp_pkts", "count", |row| Value::Count(row.session.flow.streams.responder.segments)),
    column("resp_ip_bytes", "count", unknown),
    column("tunnel_parents", "set[string]", unknown),
    column("ip_proto", "count", |_| Value::Count(IP_PROTO_TCP)),
    column("community_id", "string", |row| Value::Owned(row.community_id.clone())),
    column("trans_ts", "time", |row| {
        row.transaction.map_or(Value::Unset, |(transaction, _)| Value::Time(transaction.mail.time))
    }),
    column("trans_depth", "count", |row| {
        row.transaction.map_or(Value::Unset, |(_, depth)| Value::Count(depth))
    }),
    column("helo", "string", |row| Value::text(row.session.dialog.helo.as_ref())),
    column("mailfrom", "string", |row| {
        Value::text(row.transaction.filter(|(tx, _)| !tx.mail_missing).map(|(tx, _)| &tx.mail_from))
    }),
    column("rcptto", "set[string]", |row| {
        let recipients = row.transaction.into_iter().flat_map(|(transaction, _)| &transaction.recipients);
        Value::set(recipients.map(|recipient| recipient.address.as_bytes()))
    }),
    column("date", "string", unknown),
    column("from", "string", unknown),
    column("to", "set[string]", unknown),
    column("cc", "set[string]", unknown),
    column("reply_to", "string", unknown),
    column("msg_id", "string", |row| {
        Value::text(row.transaction.and_then(|(transaction, _)| transaction.message_id.as_ref()))
    }),
    column("in_reply_to", "string", unknown),
    column("subject", "string", |row| {
        Value::text(row.transaction.and_then(|(transaction, _)| transaction.subject.as_ref()))
    }),
    column("x_originating_ip", "addr", unknown),
    column("first_received", "string", unknown),
    column("second_received", "string", unknown),
    column("last_reply", "string", last_reply),
    column("path", "vector[addr]", unknown),
    column("user_agent", "string", unknown),
    column("tls", "bool", |row| {
        let encryption = row.session.dialog.encryption.as_ref();
        Value::Bool(encryption.is_some_and(|tls| tls.how == EncryptionStart::StartTls && !tls.not_tls))
    }),
];

const fn column(name: &'static str, kind: &'static str, cell: for<'a> fn(&Row<'a>) -> Value<'a>) -> Column {
    Column { name, kind, cell }
}

fn unknown<'a>(_: &Row<'a>) -> Value<'a> {
    Value::Unset
}

/// Zeek lists the protocols that were confirmed: a port alone confirms none.
fn service<'a>(row: &Row<'a>) -> Value<'a> {
    let dialog = &row.session.dialog;
    let spoken = dialog.greeting.is_some() || !dialog.commands.is_empty();
    let encrypted = dialog.encryption.as_ref().is_some_and(|encryption| !encryption.not_tls);
    match (spoken, encrypted) {
        (true, true) => Value::Word("smtp,ssl"),
        (true, false) => Value::Word("smtp"),
        (false, true) => Value::Word("ssl"),
        (false, false) => Value::Unset,
    }
}

fn octets<'a>(row: &Row<'a>, stream: &StreamFacts) -> Value<'a> {
    row.duration.map_or(Value::Unset, |_| Value::Count(stream.end.max(stream.acknowledged)))
}

/// Gaps that were never acknowledged are no capture loss; of those beyond the ones kept nobody
/// knows, and they count.
fn missed(stream: &StreamFacts) -> u64 {
    let unacknowledged = stream.gaps.iter().filter(|gap| gap.loss == Loss::Unacknowledged);
    stream.missed_octets.saturating_sub(unacknowledged.map(|gap| gap.length).sum())
}

/// The last packet that counts: the last of all, or once a direction was closed the last close or
/// new payload.
fn productive_until(session: &Session) -> Timestamp {
    let flow = &session.flow;
    let closes =
        flow.closes.all.iter().filter(|close| matches!(close.effect, Effect::Effective | Effect::AboveHole));
    let closed = closes.map(|close| close.at.time).max();
    let octets = [&flow.streams.originator, &flow.streams.responder].into_iter();
    let octets = octets.filter_map(|stream| stream.last_octets.map(|at| at.time)).max();
    closed.map_or(flow.last.time, |closed| octets.map_or(closed, |octets| octets.max(closed)))
}

/// `250 ok`: the reply to the end of data; for the last transaction without one the last reply of
/// all. Of other replies the words are not kept.
fn last_reply<'a>(row: &Row<'a>) -> Value<'a> {
    let dialog = &row.session.dialog;
    let reply = match row.transaction {
        Some((transaction, _)) => {
            let is_last = dialog.transactions.last().is_some_and(|last| std::ptr::eq(last, transaction));
            let last = dialog.last_reply.as_ref().filter(|_| is_last && dialog.transactions_dropped == 0);
            transaction.end_reply.as_ref().or(last)
        }
        None => dialog.last_reply.as_ref(),
    };
    let Some(reply) = reply else { return Value::Unset };
    let line = reply.text.as_bytes().rsplit(|octet| *octet == b'\n').next().unwrap_or_default();
    // The octets themselves are escaped when they are written.
    let mut octets = reply.code.0.to_string().into_bytes();
    octets.push(b' ');
    octets.extend_from_slice(line);
    Value::Octets(octets)
}
