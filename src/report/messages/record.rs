//! One message, or one connection without a message, as `messages --format json` prints it.

use std::borrow::Cow;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cite::LogRef;
use crate::maillog::{
    AbortReason, ApplianceEndKind, Connection, Lost, MailLog, Message, PolicyAction, SerialIndex, Stamp,
};
use crate::net::Leg;
use crate::report::document::{Line, Time};
use crate::text::Text;

/// A MID, or an ICID without any MID, and how it ended by the log.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MessageRecord<'a> {
    /// The message; null for a connection without any.
    pub mid: Option<u64>,
    /// The connection; null where no line names it.
    pub icid: Option<u64>,
    /// The appliance's serial number, where the head of the log tells it.
    pub serial: Option<&'a Text>,
    /// The remote address.
    pub remote: Option<IpAddr>,
    /// The appliance's address.
    pub local: Option<IpAddr>,
    /// The envelope sender without brackets.
    pub mail_from: Option<&'a Text>,
    /// Accepted recipients.
    pub rcpt_to: Vec<&'a Text>,
    /// Refused recipients.
    pub rejected: Vec<&'a Text>,
    /// How it ended.
    pub outcome: MessageOutcome,
    /// The log's words for it, where it has any.
    pub reason: Option<Cow<'a, Text>>,
    /// The log's words for a connection that the appliance ended by itself.
    pub connection_reason: Option<&'a Text>,
    /// Whether the log says `lost` of the connection, from the message's end on.
    pub lost: Lost,
    /// When it started (the connection, for a record without a message).
    pub started_at: Option<Time>,
    /// When it ended; null for one that has not.
    pub ended_at: Option<Time>,
    /// Octets of an accepted message as stored.
    pub size: Option<u64>,
    /// Message-ID as written.
    pub message_id: Option<&'a Text>,
    /// Subject as written.
    pub subject: Option<&'a Text>,
    /// The lines that say all this.
    pub lines: Vec<Line>,
}

/// How a message, or a connection without one, ended by the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageOutcome {
    /// `ready N bytes`: accepted.
    Accepted,
    /// `Message aborted` while it was received; `reason` says in which words.
    Aborted,
    /// `Dropped by ...` or `Bounced by ...`: received, then ended by policy.
    EndedByPolicy,
    /// Neither accepted nor aborted as far as the log goes.
    Unfinished,
    /// No message; the connection was refused by policy (`REJECT`, `TCPREFUSE`).
    Refused,
    /// No message; a timer of the appliance ended the connection.
    TimedOut,
    /// No message; `Receiving Failed`.
    ReceivingFailed,
    /// No message; the appliance shut the connection down.
    Killed,
    /// No message; the connection was lost.
    Lost,
    /// No message; the connection was closed in order.
    Closed,
    /// No message; the log does not say how the connection ended.
    Open,
}

/// A log, and how its files and times are to be shown.
#[derive(Clone, Copy)]
pub struct LogView<'a> {
    /// The log.
    pub log: &'a MailLog,
    /// The paths of its files as given, by their ids.
    pub files: &'a [&'a str],
    /// Its times: UTC where an offset is known.
    pub time: &'a dyn Fn(Stamp) -> Time,
}

/// All records of a log: by connection in the order of the log, then the messages whose connection
/// the log does not name. Deliveries (DCID) are left out.
pub fn records<'a>(view: LogView<'a>) -> impl Iterator<Item = MessageRecord<'a>> {
    let connections = view.log.connections.iter().filter(|connection| connection.leg == Leg::Injection);
    connections
        .flat_map(move |connection| {
            let alone = connection.messages.is_empty().then(|| of_connection(view, connection));
            let messages =
                connection.messages.iter().map(move |message| of_message(view, Some(connection), message));
            alone.into_iter().chain(messages)
        })
        .chain(view.log.orphans.iter().map(move |message| of_message(view, None, message)))
}

/// Whether the log says that `connection` was lost at `end` or later; for a connection without a
/// message, ever.
///
/// It is `No` only where the log holds lines of the connection that name no message from then on: a
/// search for the MID drops them all.
fn lost_from(connection: &Connection, end: Option<Stamp>) -> Lost {
    let from_then_on =
        |stamp: Stamp| end.is_none_or(|end| stamp.clock != end.clock || stamp.time >= end.time);
    if connection.lost.is_some_and(from_then_on) {
        Lost::Yes
    } else if connection.last_without_mid.is_some_and(from_then_on) {
        Lost::No
    } else {
        Lost::Unknown
    }
}

fn of_message<'a>(
    view: LogView<'a>,
    connection: Option<&'a Connection>,
    message: &'a Message,
) -> MessageRecord<'a> {
    let (outcome, ended) = outcome(message);
    MessageRecord {
        mid: Some(message.mid),
        icid: message.icid,
        serial: view.serial(message.serial),
        remote: connection.and_then(|connection| connection.remote),
        local: connection.and_then(|connection| connection.local),
        mail_from: message.mail_from.as_ref().map(|(address, _)| address),
        rcpt_to: message.rcpt_to.iter().map(|(address, _)| address).collect(),
        rejected: message.rejected.iter().map(|(address, _)| address).collect(),
        outcome,
        reason: reason(message),
        connection_reason: connection.and_then(connection_reason),
        lost: connection.map_or(Lost::Unknown, |connection| lost_from(connection, ended)),
        started_at: message.started.map(view.time),
        ended_at: ended.map(view.time),
        size: message.ready.map(|(size, _)| size),
        message_id: message.message_id.as_ref(),
        subject: message.subject.as_ref(),
        lines: view.lines(&message.lines),
    }
}

fn of_connection<'a>(view: LogView<'a>, connection: &'a Connection) -> MessageRecord<'a> {
    let (outcome, ended) = connection_outcome(connection);
    MessageRecord {
        mid: None,
        icid: Some(connection.id),
        serial: view.serial(connection.serial),
        remote: connection.remote,
        local: connection.local,
        mail_from: None,
        rcpt_to: Vec::new(),
        rejected: Vec::new(),
        outcome,
        reason: connection_reason(connection).map(Cow::Borrowed),
        connection_reason: connection_reason(connection),
        lost: lost_from(connection, None),
        started_at: connection.opened.map(view.time),
        ended_at: ended.map(view.time),
        size: None,
        message_id: None,
        subject: None,
        lines: view.lines(&connection.lines),
    }
}

fn outcome(message: &Message) -> (MessageOutcome, Option<Stamp>) {
    match (&message.aborted, &message.ready) {
        (Some((AbortReason::Policy(_), at)), _) => (MessageOutcome::EndedByPolicy, Some(*at)),
        (_, Some((_, at))) => (MessageOutcome::Accepted, Some(*at)),
        (Some((_, at)), None) => (MessageOutcome::Aborted, Some(*at)),
        (None, None) => (MessageOutcome::Unfinished, None),
    }
}

fn connection_outcome(connection: &Connection) -> (MessageOutcome, Option<Stamp>) {
    if let Some(end) = &connection.ended_by_appliance {
        let outcome = match end.kind {
            ApplianceEndKind::NoMessagesInjected | ApplianceEndKind::ConnectionTimeExceeded => {
                MessageOutcome::TimedOut
            }
            ApplianceEndKind::ReceivingFailed => MessageOutcome::ReceivingFailed,
            ApplianceEndKind::Killed => MessageOutcome::Killed,
        };
        return (outcome, Some(end.at));
    }
    if let Some(policy) = &connection.policy
        && matches!(policy.action, PolicyAction::Reject | PolicyAction::TcpRefuse)
    {
        return (MessageOutcome::Refused, connection.closed.or(connection.lost).or(Some(policy.at)));
    }
    match (connection.lost, connection.closed) {
        (Some(at), _) => (MessageOutcome::Lost, Some(at)),
        (None, Some(at)) => (MessageOutcome::Closed, Some(at)),
        (None, None) => (MessageOutcome::Open, None),
    }
}

fn reason(message: &Message) -> Option<Cow<'_, Text>> {
    let (reason, _) = message.aborted.as_ref()?;
    Some(match reason {
        AbortReason::ReceivingAborted => Cow::Owned(Text::from("Receiving aborted")),
        AbortReason::ReceivingAbortedBySender => Cow::Owned(Text::from("Receiving aborted by sender")),
        AbortReason::Policy(words) | AbortReason::Other(words) => Cow::Borrowed(words),
    })
}

fn connection_reason(connection: &Connection) -> Option<&Text> {
    connection.ended_by_appliance.as_ref().map(|end| &end.words)
}

impl<'a> LogView<'a> {
    fn serial(self, serial: Option<SerialIndex>) -> Option<&'a Text> {
        serial.and_then(|serial| self.log.serials.get(usize::from(serial.0)))
    }

    fn lines(self, lines: &[LogRef]) -> Vec<Line> {
        lines
            .iter()
            .map(|line| Line {
                file: self.files.get(usize::from(line.file.0)).map_or("?", |path| *path).to_owned(),
                line: line.line,
            })
            .collect()
    }
}
