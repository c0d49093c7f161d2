//! How a transaction, or a connection without one, ended: the facts first, then the kind.

mod dark;
mod facts;
mod goodbye;
mod kind;
#[cfg(test)]
mod tests;
pub mod words;

use crate::cite::Moment;
use crate::net::Role;
use crate::smtp::session::Session;
use crate::smtp::{ReplyCode, Stage};
use crate::time::{Span, Timestamp};

/// How the transaction at index `transaction` of `session` ended; with `None` how the connection
/// did, for a session without transactions or a claim about the connection. An index that does not
/// exist counts as `None`.
///
/// The kinds are tried in the order of [`EndingKind`]; the first that fits is it.
pub fn ending(session: &Session, transaction: Option<usize>, context: &Context) -> Ending {
    kind::ending(session, transaction, context)
}

/// How the last message of an encrypted session ended. As [`ending`] says of its connection, but where the
/// sender's last words were a message, answered once, and then QUIT, the message is `completed`, inferred:
/// had another MAIL come in between, its words would show. That the answer was a 2xx cannot be read.
pub fn last_message_in_the_dark(session: &Session, context: &Context) -> Ending {
    let whole = ending(session, None, context);
    match dark::message_before_quit(session, &whole) {
        Some(answered) => Ending {
            kind: EndingKind::Completed,
            by: Some(Role::Server),
            at: Some(answered),
            stage: Stage::EndOfData,
            turn: None,
            waited: None,
            stall: None,
            missing: vec!["the words of the reply to the message, which are encrypted".to_owned()],
            ..whole
        },
        None => whole,
    }
}

/// What decides beside the session itself.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// Which end is the appliance. Without a log the server is taken for it.
    pub appliance: Role,
    /// Quiet for this long on somebody's turn is a stall (`--silence`).
    pub silence: Span,
    /// When the log says that the message was aborted, on the wire's clock; `None` without a log.
    pub aborted_at: Option<Timestamp>,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// The kind, by the order of the rules.
    pub kind: EndingKind,
    /// Who ended it (or who owed the word, for a silence); `None` where nobody did.
    pub by: Option<Role>,
    /// Why the appliance closed.
    pub why: Option<Why>,
    /// The form the appliance's close took; of another end's, where it was no FIN or RST alone.
    pub form: Option<Form>,
    /// The reply code that ended it, where one did.
    pub code: Option<ReplyCode>,
    /// Read from TLS record lengths or across a gap, not from plain commands.
    pub inferred: bool,
    /// Encrypted, and the client's last record is as long as a QUIT: it may have been one.
    pub may_be_quit: bool,
    /// QUIT and a FIN or RST before its 221.
    pub race: bool,
    /// Both ends closed within a round trip, neither in reaction to the other.
    pub crossed: bool,
    /// The frame that ended it; for a silence the last word heard.
    pub at: Option<Moment>,
    /// Where the transaction stood.
    pub stage: Stage,
    /// Whose move it was.
    pub turn: Option<Turn>,
    /// How long that move had been owed when it ended.
    pub waited: Option<Span>,
    /// Quiet for the silence limit or more, on whose turn.
    pub stall: Option<Stall>,
    /// A completed message whose 2xx the client never acknowledged: expect duplicates.
    pub reply_unacknowledged: bool,
    /// The capture reaches past the logged abort (or, without one, shows a close).
    pub covered: bool,
    /// What is missing to say more; sentences.
    pub missing: Vec<String>,
}

/// The kinds of DESIGN's table, in the order in which they are tried.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EndingKind {
    /// End of data received whole and answered 2xx, even if a FIN came before it.
    Completed,
    /// Ended by 4xx or 5xx to MAIL, DATA or the end of data, or no recipient was left.
    Refused,
    /// RSET, EHLO, HELO or a new MAIL ended it; the connection went on.
    Abandoned,
    /// QUIT, with every earlier command answered.
    Quit,
    /// The sender's FIN took effect first; or its alert of TLS, which the other end's FIN answered.
    Fin,
    /// An RST bearing the sender's address took effect first.
    Rst,
    /// The sender owed the word and stalled.
    Silence,
    /// The appliance owed the word and stalled.
    ApplianceStalled,
    /// The appliance closed first, without such a stall.
    ApplianceClosed,
    /// None of these before the file ends, starts, or has a gap just there.
    CaptureEnded,
}

/// Why the appliance closed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// 421 with a timer's words.
    Timer,
    /// A limit (size, commands, connections).
    Limit,
    /// Its policy refused the sender.
    Policy,
    /// Shut down or killed by the administrator.
    Killed,
    /// It does not say.
    Unknown,
}

/// The form of a close.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A reply (421) came first.
    Reply,
    /// FIN without a word.
    Fin,
    /// RST.
    Rst,
    /// An alert of TLS (close_notify, or an error), which the other end's FIN only answered.
    TlsAlert,
}

/// Whose move it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Turn {
    /// That end owed the next word.
    Of(Role),
    /// The word was said but never reached the other end.
    Path,
}

/// A long quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// Whose turn it was.
    pub on: Role,
    /// Since when.
    pub since: Moment,
    /// For how long, to the close or the end of the capture.
    pub lasted: Span,
    /// Whether TCP showed life in it (ACKs, keep-alives, window probes of that end).
    pub tcp_alive: bool,
}
