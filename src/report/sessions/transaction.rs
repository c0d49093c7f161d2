//! One transaction in the record of its connection.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::Capturing;
use crate::cite::Moment;
use crate::smtp::{Outcome, ReplyCode, Stage, Transaction};
use crate::text::Text;
use crate::time::Timestamp;

/// From MAIL to its end.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TransactionRecord<'a> {
    /// The reverse path without brackets; null where the capture lacks MAIL itself.
    pub mail_from: Option<&'a Text>,
    /// The reply to MAIL; null where none was seen.
    pub mail_code: Option<ReplyCode>,
    /// Its RCPT commands.
    pub rcpt_to: Vec<RcptRecord<'a>>,
    /// Recipients beyond those listed.
    pub recipients_dropped: u64,
    /// How far it came.
    pub stage: Stage,
    /// How SMTP ended it.
    pub outcome: OutcomeRecord,
    /// The reply that decided it, where one did.
    pub code: Option<ReplyCode>,
    /// The command that gave it up.
    pub abandoned_by: Option<Cow<'static, str>>,
    /// Part of it is concluded from replies, because the capture lacks the octets.
    pub inferred: bool,
    /// Octets of the body on the wire.
    pub body_octets: u64,
    /// Octets of the body that the capture lacks.
    pub body_missing: u64,
    /// Message-ID as written.
    pub message_id: Option<&'a Text>,
    /// Subject as written.
    pub subject: Option<&'a Text>,
    /// When MAIL was sent.
    pub started: Timestamp,
    /// When its end of data was sent.
    pub end_of_data: Option<Timestamp>,
    /// When SMTP ended it; null where it did not.
    pub ended: Option<Timestamp>,
    /// The capture that holds its MAIL.
    pub capture: &'a str,
    /// The frame of its MAIL.
    pub frame: u32,
}

/// One RCPT.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RcptRecord<'a> {
    /// The forward path without brackets.
    pub address: &'a Text,
    /// Its reply; null where none was seen.
    pub code: Option<ReplyCode>,
}

/// How SMTP ended a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeRecord {
    /// End of data answered 2xx.
    Completed,
    /// 4xx or 5xx to MAIL, DATA or the end of data.
    Refused,
    /// RSET, a new greeting or a new MAIL.
    Abandoned,
    /// It did not: the ending of the connection did.
    Open,
}

impl<'a> TransactionRecord<'a> {
    pub(super) fn new(transaction: &'a Transaction, captures: &'a (impl Capturing + ?Sized)) -> Self {
        let (outcome, code, ended) = outcome(transaction);
        Self {
            mail_from: sender(transaction),
            mail_code: transaction.mail_reply.map(|(code, _)| code),
            rcpt_to: transaction
                .recipients
                .iter()
                .map(|recipient| RcptRecord {
                    address: &recipient.address,
                    code: recipient.reply.map(|(code, _)| code),
                })
                .collect(),
            recipients_dropped: transaction.recipients_dropped,
            stage: transaction.stage,
            outcome,
            code,
            abandoned_by: match &transaction.outcome {
                Outcome::Abandoned { by, .. } => Some(by.as_str()),
                _ => None,
            },
            inferred: transaction.inferred || transaction.acceptance_inferred,
            body_octets: transaction.body_octets,
            body_missing: transaction.body_missing,
            message_id: transaction.message_id.as_ref(),
            subject: transaction.subject.as_ref(),
            started: transaction.mail.time,
            end_of_data: transaction.end_of_data.map(|at| at.time),
            ended: ended.map(|at| at.time),
            capture: captures.path(transaction.mail.frame.capture),
            frame: transaction.mail.frame.frame,
        }
    }
}

/// The sender of a MAIL that the capture holds.
pub(super) fn sender(transaction: &Transaction) -> Option<&Text> {
    (!transaction.mail_missing).then_some(&transaction.mail_from)
}

fn outcome(transaction: &Transaction) -> (OutcomeRecord, Option<ReplyCode>, Option<Moment>) {
    match &transaction.outcome {
        Outcome::Completed { at } => {
            (OutcomeRecord::Completed, transaction.end_reply.as_ref().map(|reply| reply.code), Some(*at))
        }
        Outcome::Refused { code, at, .. } => (OutcomeRecord::Refused, Some(*code), Some(*at)),
        Outcome::Abandoned { at, .. } => (OutcomeRecord::Abandoned, None, Some(*at)),
        Outcome::Open => (OutcomeRecord::Open, None, None),
    }
}
