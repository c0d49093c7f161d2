//! One SMTP connection as `sessions --format json` prints it.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::link::{RoundTripRecord, StreamsRecord};
use super::tls::TlsRecord;
use super::transaction::{TransactionRecord, sender};
use super::waits::{ExchangeRecord, WaitsRecord};
use crate::capture::{CloseKind, Loss, Side};
use crate::cite::CaptureId;
use crate::net::{Endpoint, Role};
use crate::smtp::ending::{EndingKind, Form, Turn, Why};
use crate::smtp::exchanges::{Waits, exchanges};
use crate::smtp::session::RolesFrom;
use crate::smtp::tls::EncryptionStart;
use crate::smtp::{Ending, ReplyCode, Session, Stage, Verb};
use crate::text::Text;
use crate::time::{Span, Timestamp};

/// The paths of the captures, as the user gave them, by their ids.
pub trait Capturing {
    /// The path of `capture`.
    fn path(&self, capture: CaptureId) -> &str;
}

impl Capturing for [String] {
    fn path(&self, capture: CaptureId) -> &str {
        self.get(usize::from(capture.0)).map_or("?", String::as_str)
    }
}

/// One SMTP connection on the wire and how it ended.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SessionRecord<'a> {
    /// The capture that holds its first frame, by its path as given.
    pub capture: &'a str,
    /// Its first frame.
    pub frame: u32,
    /// The end that speaks commands.
    pub client: Endpoint,
    /// The end that speaks replies.
    pub server: Endpoint,
    /// What says which end is the client.
    pub roles_from: RoleSource,
    /// The time of its first frame.
    pub first: Timestamp,
    /// The time of its last frame.
    pub last: Timestamp,
    /// Its frames, both ways.
    pub frames: u64,
    /// Community ID version 1.
    pub community_id: String,
    /// Zeek's `conn_state`.
    pub conn_state: &'static str,
    /// Zeek's `history`.
    pub history: &'a str,
    /// The name in HELO, EHLO or LHLO: the last one accepted, else the last one sent.
    pub helo: Option<&'a Text>,
    /// What the client sent, in order: upper-case verbs, `.` the end of a body, `(auth)` a SASL
    /// line, `?X` an unknown verb.
    pub commands: Vec<Cow<'static, str>>,
    /// Commands beyond those listed.
    pub commands_dropped: u64,
    /// Senders of all MAIL commands in order, accepted or not; `transactions` tells them apart.
    pub mail_from: Vec<&'a Text>,
    /// Recipients of all RCPT commands in order, accepted or not.
    pub rcpt_to: Vec<&'a Text>,
    /// STARTTLS was sent.
    pub starttls: bool,
    /// How the dialogue became encrypted; null where it did not.
    pub tls: Option<EncryptionStart>,
    /// What its hellos and alerts tell, which are in clear; null where the dialogue is.
    pub tls_facts: Option<TlsRecord<'a>>,
    /// AUTH was used.
    pub authenticated: bool,
    /// QUIT was sent as a command.
    pub quit: bool,
    /// The first FIN or RST in the file, whether or not it took effect.
    pub first_close: Option<CloseRecord<'a>>,
    /// How the last open transaction ended, else the connection.
    pub ending: EndingRecord<'a>,
    /// MAIL commands and what became of each.
    pub transactions: Vec<TransactionRecord<'a>>,
    /// Transactions beyond those listed.
    pub transactions_dropped: u64,
    /// Octets of the dialogue that the capture lacks.
    pub gaps: Vec<GapRecord<'a>>,
    /// What each end sent.
    pub streams: StreamsRecord,
    /// How far away each end is.
    pub round_trip: RoundTripRecord,
    /// Who waited for whom.
    pub waits: WaitsRecord<'a>,
    /// Each word and its reply (with `--exchanges`): as many as `commands`, and the greeting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchanges: Option<Vec<ExchangeRecord<'a>>>,
}

/// How much a record tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// The connection.
    #[default]
    Connection,
    /// Also each exchange in it.
    Exchanges,
}

/// What says which end is the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleSource {
    /// The TCP handshake.
    Handshake,
    /// Who greeted or sent commands.
    Greeting,
    /// A well-known port.
    Port,
}

/// A FIN or RST.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CloseRecord<'a> {
    /// Which.
    pub kind: CloseWord,
    /// Whose address it bears.
    pub by: Role,
    /// The capture.
    pub capture: &'a str,
    /// The frame.
    pub frame: u32,
    /// Its time.
    pub time: Timestamp,
}

/// FIN or RST.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloseWord {
    /// FIN.
    Fin,
    /// RST.
    Rst,
}

/// How it ended.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EndingRecord<'a> {
    /// The kind; `appliance_closed` and `appliance_stalled` mean the server here.
    pub kind: EndingKind,
    /// Who ended it, or who owed the word where nobody spoke.
    pub by: Option<Role>,
    /// Why the server closed.
    pub why: Option<Why>,
    /// The form of the server's close; of a client's, an alert of TLS that the server's FIN answered.
    pub form: Option<Form>,
    /// The reply that ended it.
    pub code: Option<ReplyCode>,
    /// Read from record lengths or across a gap.
    pub inferred: bool,
    /// QUIT and a close before its 221.
    pub race: bool,
    /// Both ends closed independently within a round trip.
    pub crossed: bool,
    /// Where the dialogue stood.
    pub stage: Stage,
    /// Whose move it was.
    pub turn: Option<TurnRecord>,
    /// How long that move had been owed.
    pub waited_seconds: Option<Span>,
    /// The capture.
    pub capture: Option<&'a str>,
    /// The frame that ended it; for a silence the last word heard.
    pub frame: Option<u32>,
    /// Its time.
    pub time: Option<Timestamp>,
}

/// Whose move it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TurnRecord {
    /// The client's.
    Client,
    /// The server's.
    Server,
    /// The word was said and never arrived.
    Path,
}

/// Octets that the capture lacks.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct GapRecord<'a> {
    /// Whose octets.
    pub by: Role,
    /// Place in that end's stream.
    pub offset: u64,
    /// How many.
    pub octets: u64,
    /// The other end acknowledged them: only the capture lacks them.
    pub acknowledged: bool,
    /// The capture.
    pub capture: &'a str,
    /// The frame where it shows.
    pub frame: u32,
}

impl<'a> SessionRecord<'a> {
    /// The record of `session`, which ended as `ending` says.
    pub fn new(
        session: &'a Session,
        ending: &Ending,
        captures: &'a (impl Capturing + ?Sized),
        detail: Detail,
    ) -> Self {
        let (flow, dialog) = (&session.flow, &session.dialog);
        let exchanges = exchanges(session);
        Self {
            capture: captures.path(flow.first.frame.capture),
            frame: flow.first.frame.frame,
            client: session.client(),
            server: session.server(),
            roles_from: role_source(session.roles_from),
            first: flow.first.time,
            last: flow.last.time,
            frames: flow.segments,
            community_id: session.tuple().community_id(),
            conn_state: flow.conn_state.as_str(),
            history: &flow.history,
            helo: dialog.helo.as_ref(),
            commands: dialog.commands.iter().map(|command| command.verb.as_str()).collect(),
            commands_dropped: dialog.commands_dropped,
            mail_from: dialog.transactions.iter().filter_map(sender).collect(),
            rcpt_to: dialog
                .transactions
                .iter()
                .flat_map(|transaction| &transaction.recipients)
                .map(|recipient| &recipient.address)
                .collect(),
            starttls: dialog.commands.iter().any(|command| command.verb == Verb::StartTls),
            tls: dialog.encryption.as_ref().map(|encryption| encryption.how),
            tls_facts: dialog.encryption.as_ref().map(|encryption| {
                let alerted = encryption.alert.map_or(flow.first.frame, |alert| alert.at.frame);
                TlsRecord::new(encryption, captures.path(alerted.capture))
            }),
            authenticated: dialog.authenticated,
            quit: dialog.quit.is_some(),
            first_close: flow.closes.first_seen.as_ref().map(|close| CloseRecord {
                kind: match close.kind {
                    CloseKind::Fin => CloseWord::Fin,
                    CloseKind::Rst => CloseWord::Rst,
                },
                by: role_of(close.by),
                capture: captures.path(close.at.frame.capture),
                frame: close.at.frame.frame,
                time: close.at.time,
            }),
            ending: EndingRecord::new(ending, captures),
            transactions: dialog
                .transactions
                .iter()
                .map(|transaction| TransactionRecord::new(transaction, captures))
                .collect(),
            transactions_dropped: dialog.transactions_dropped,
            gaps: dialog
                .gaps
                .iter()
                .map(|(by, gap)| GapRecord {
                    by: *by,
                    offset: gap.offset,
                    octets: gap.length,
                    acknowledged: gap.loss == Loss::Capture,
                    capture: captures.path(gap.at.frame.capture),
                    frame: gap.at.frame.frame,
                })
                .collect(),
            streams: StreamsRecord::new(flow),
            round_trip: RoundTripRecord::new(flow),
            waits: WaitsRecord::new(&Waits::of(session, &exchanges, ending), captures),
            exchanges: (detail == Detail::Exchanges)
                .then(|| exchanges.iter().map(|exchange| ExchangeRecord::new(exchange, captures)).collect()),
        }
    }
}

impl<'a> EndingRecord<'a> {
    fn new(ending: &Ending, captures: &'a (impl Capturing + ?Sized)) -> Self {
        Self {
            kind: ending.kind,
            by: ending.by,
            why: ending.why,
            form: ending.form,
            code: ending.code,
            inferred: ending.inferred,
            race: ending.race,
            crossed: ending.crossed,
            stage: ending.stage,
            turn: ending.turn.map(|turn| match turn {
                Turn::Of(Role::Client) => TurnRecord::Client,
                Turn::Of(Role::Server) => TurnRecord::Server,
                Turn::Path => TurnRecord::Path,
            }),
            waited_seconds: ending.waited,
            capture: ending.at.map(|at| captures.path(at.frame.capture)),
            frame: ending.at.map(|at| at.frame.frame),
            time: ending.at.map(|at| at.time),
        }
    }
}

/// A session's originator is its client.
const fn role_of(side: Side) -> Role {
    match side {
        Side::Originator => Role::Client,
        Side::Responder => Role::Server,
    }
}

const fn role_source(roles: RolesFrom) -> RoleSource {
    match roles {
        RolesFrom::Handshake => RoleSource::Handshake,
        RolesFrom::Greeting => RoleSource::Greeting,
        RolesFrom::Port => RoleSource::Port,
    }
}
