//! Who waited for whom, in the record of a connection.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::Capturing;
use crate::cite::Moment;
use crate::smtp::exchanges::{Exchange, Wait, Waits, Word};
use crate::smtp::{ReplyCode, Stage};
use crate::time::{Span, Timestamp};

/// What stands in the verb's place of the greeting. No verb is spelled so.
pub(super) const GREETING: &str = "(greeting)";
/// What stands in the verb's place of a body whose end never came.
pub(super) const UNFINISHED: &str = "(unfinished)";
/// What stands in the verb's place of a reply to nothing.
pub(super) const UNASKED: &str = "(unasked)";

/// Who waited for whom, added up. Seconds are those of the capture point; none is counted twice.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct WaitsRecord<'a> {
    /// The client waited for the server's replies, the greeting among them.
    pub client_seconds: Span,
    /// The server waited for the client's next command or body.
    pub server_seconds: Span,
    /// Bodies were sent; nobody's wait.
    pub body_seconds: Span,
    /// The client's longest wait at a time.
    pub longest_client: Option<WaitRecord<'a>>,
    /// The server's longest wait at a time.
    pub longest_server: Option<WaitRecord<'a>>,
    /// The sums are not the whole: commands or replies were not seen, or the dialogue is encrypted.
    pub partial: bool,
}

/// One wait.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct WaitRecord<'a> {
    /// How long.
    pub seconds: Span,
    /// Where the dialogue stood.
    pub stage: Stage,
    /// The capture.
    pub capture: &'a str,
    /// The frame of the last word before it; for the greeting that of the connection's first segment.
    pub frame: u32,
}

/// One word of the client and its reply (with `--exchanges`).
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ExchangeRecord<'a> {
    /// The word as in `commands`; `(greeting)` for the greeting, `(unfinished)` for a body whose end
    /// never came, `(unasked)` for a reply to nothing.
    pub verb: Cow<'static, str>,
    /// The word's last octet, or the last of an unfinished body; for the greeting the connection's
    /// first segment.
    pub sent: Option<PassedRecord<'a>>,
    /// The first octet of the body or chunk that it ends.
    pub body: Option<PassedRecord<'a>>,
    /// The reply's code.
    pub code: Option<ReplyCode>,
    /// The reply's last octet.
    pub reply: Option<PassedRecord<'a>>,
    /// From the first octet of the body to its end.
    pub body_seconds: Option<Span>,
    /// What the server took to reply: since the word, or since the reply before it if that is later.
    pub server_seconds: Option<Span>,
    /// What the client then took to speak again; null where it had done so before, or never did.
    pub client_seconds: Option<Span>,
}

/// When and where something passed.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct PassedRecord<'a> {
    /// Its time.
    pub time: Timestamp,
    /// The capture.
    pub capture: &'a str,
    /// The frame.
    pub frame: u32,
}

impl<'a> WaitsRecord<'a> {
    pub(super) fn new(waits: &Waits, captures: &'a (impl Capturing + ?Sized)) -> Self {
        let record = |wait: Wait| WaitRecord {
            seconds: wait.lasted,
            stage: wait.stage,
            capture: captures.path(wait.since.frame.capture),
            frame: wait.since.frame.frame,
        };
        Self {
            client_seconds: waits.client.total,
            server_seconds: waits.server.total,
            body_seconds: waits.bodies,
            longest_client: waits.client.longest.map(record),
            longest_server: waits.server.longest.map(record),
            partial: waits.partial,
        }
    }
}

impl<'a> ExchangeRecord<'a> {
    pub(super) fn new(exchange: &Exchange<'_>, captures: &'a (impl Capturing + ?Sized)) -> Self {
        let passed = |at: Moment| PassedRecord {
            time: at.time,
            capture: captures.path(at.frame.capture),
            frame: at.frame.frame,
        };
        Self {
            verb: match exchange.word {
                Word::Connection => Cow::Borrowed(GREETING),
                Word::Command(verb) => verb.as_str(),
                Word::Unfinished => Cow::Borrowed(UNFINISHED),
                Word::Nothing => Cow::Borrowed(UNASKED),
            },
            sent: exchange.sent.map(passed),
            body: exchange.body_from.map(passed),
            code: exchange.reply.map(|(code, _)| code),
            reply: exchange.reply.map(|(_, at)| passed(at)),
            body_seconds: exchange.body_took,
            server_seconds: exchange.server_took,
            client_seconds: exchange.client_took,
        }
    }
}
