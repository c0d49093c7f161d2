//! One message, or one connection without a message, as `messages --format json` prints it.

use std::borrow::Cow;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cite::LogRef;
use crate::investigate::Time;
use crate::maillog::{
    self, AbortReason, ApplianceEndKind, Connection, Lost, MailLog, Message, PolicyAction, SerialIndex, Stamp,
};
use crate::net::Leg;
use crate::report::document::Line;
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

/// What the records of a log need beside its connections.
#[derive(Clone, Copy)]
pub struct LogView<'a> {
    /// The log's serial numbers; its connections are not looked at.
    pub context: &'a MailLog,
    /// The paths of its files as given, by their ids.
    pub files: &'a [String],
    /// Its times: UTC where an offset is known.
    pub time: &'a dyn Fn(Stamp) -> Time,
}

impl std::fmt::Debug for LogView<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogView").field("files", &self.files).finish_non_exhaustive()
    }
}

impl<'a> LogView<'a> {
    /// The records of a connection: one for each of its messages, or one for itself where it has
    /// none. A delivery (DCID) has no records.
    pub fn connection(self, connection: &'a Connection) -> impl Iterator<Item = MessageRecord<'a>> {
        let (messages, alone) = match (connection.leg, connection.messages.as_slice()) {
            (Leg::Delivery, _) => (&[][..], None),
            (Leg::Injection, []) => (&[][..], Some(of_connection(self, connection))),
            (Leg::Injection, messages) => (messages, None),
        };
        alone
            .into_iter()
            .chain(messages.iter().map(move |message| of_message(self, Some(connection), message)))
    }

    /// The record of a message whose connection the log does not name.
    pub fn orphan(self, message: &'a Message) -> MessageRecord<'a> {
        of_message(self, None, message)
    }

    pub(super) fn serial(self, serial: Option<SerialIndex>) -> Option<&'a Text> {
        serial.and_then(|serial| self.context.serials.get(usize::from(serial.0)))
    }

    fn lines(self, lines: &[LogRef]) -> Vec<Line> {
        let path = |line: &LogRef| self.files.get(usize::from(line.file.0)).map_or("?", String::as_str);
        lines.iter().map(|line| Line { file: path(line).to_owned(), line: line.line }).collect()
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
        lost: lost_of(connection, ended),
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
        lost: lost_of_connection(connection),
        started_at: connection.opened.map(view.time),
        ended_at: ended.map(view.time),
        size: None,
        message_id: None,
        subject: None,
        lines: view.lines(&connection.lines),
    }
}

/// `Message aborted` is the later word: a message may be accepted and then ended by policy.
fn outcome(message: &Message) -> (MessageOutcome, Option<Stamp>) {
    match (&message.aborted, &message.ready) {
        (Some((AbortReason::Policy(_), at)), _) => (MessageOutcome::EndedByPolicy, Some(*at)),
        (Some((_, at)), _) => (MessageOutcome::Aborted, Some(*at)),
        (None, Some((_, at))) => (MessageOutcome::Accepted, Some(*at)),
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

/// Whether the log says `lost` of a message's connection; while the message has not ended, only a
/// line that says so tells.
fn lost_of(connection: Option<&Connection>, end: Option<Stamp>) -> Lost {
    match (connection, end) {
        (None, _) => Lost::Unknown,
        (Some(connection), Some(end)) => maillog::lost(connection, end),
        (Some(connection), None) if connection.lost.is_some() => Lost::Yes,
        (Some(_), None) => Lost::Unknown,
    }
}

/// For a connection by itself `close` without `lost` before it says enough.
const fn lost_of_connection(connection: &Connection) -> Lost {
    match (&connection.lost, &connection.closed) {
        (Some(_), _) => Lost::Yes,
        (None, Some(_)) => Lost::No,
        (None, None) => Lost::Unknown,
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
