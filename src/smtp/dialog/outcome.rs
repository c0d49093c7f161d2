//! How a transaction is begun and ended.

use crate::cite::Moment;
use crate::smtp::dialog::course::Answer;
use crate::smtp::reply::ReplyCode;
use crate::smtp::session::{Outcome, Recipient, Stage, Transaction};
use crate::text::Text;

/// Enters the end of data and its reply; whether the transaction is over with it.
pub(super) fn end(tx: &mut Transaction, at: Moment, answer: Answer<'_>) -> bool {
    tx.end_of_data = Some(at);
    tx.stage = Stage::EndOfData;
    let Some(reply) = answer.reply() else {
        tx.end_reply_missing = matches!(answer, Answer::InGap);
        return tx.end_reply_missing;
    };
    // A 221 takes leave; it accepts no mail.
    if reply.code.is_positive() && reply.code != ReplyCode::CLOSING {
        tx.outcome = Outcome::Completed { at: reply.at };
        tx.acceptance_inferred |= tx.mail_reply.is_none();
        tx.end_reply = Some(reply.clone());
    } else if reply.code.is_negative() && tx.outcome == Outcome::Open {
        tx.outcome = Outcome::Refused { stage: Stage::EndOfData, code: reply.code, at: reply.at };
        tx.end_reply = Some(reply.clone());
    }
    true
}

/// All recipients refused and no body under way: the last refusal ended it.
pub(super) fn refuse_if_nobody_left(tx: &mut Transaction) {
    if tx.outcome != Outcome::Open || tx.data_reply.is_some_and(|(code, _)| !code.is_negative()) {
        return;
    }
    let refusal = |recipient: &Recipient| recipient.reply.filter(|(code, _)| code.is_negative());
    let all_refused = tx.recipients.iter().all(|recipient| refusal(recipient).is_some());
    if let Some((code, at)) = tx.recipients.last().and_then(refusal)
        && all_refused
        && tx.recipients_dropped == 0
    {
        tx.outcome = Outcome::Refused { stage: Stage::Rcpt, code, at };
        tx.stage = Stage::Rcpt;
    }
}

impl Transaction {
    pub(super) fn begun(at: Moment) -> Self {
        Self {
            mail: at,
            mail_reply: None,
            mail_from: Text::default(),
            mail_missing: false,
            acceptance_inferred: false,
            declared_size: None,
            recipients: Vec::new(),
            recipients_dropped: 0,
            data: None,
            data_reply: None,
            body_octets: 0,
            body_missing: 0,
            last_body: None,
            end_of_data: None,
            end_reply: None,
            end_reply_missing: false,
            inferred: false,
            message_id: None,
            subject: None,
            outcome: Outcome::Open,
            stage: Stage::Mail,
        }
    }

    /// A refused DATA does not end a transaction for a client who goes on with it and is let.
    pub(super) fn reopen(&mut self) {
        if matches!(self.outcome, Outcome::Refused { stage: Stage::Data | Stage::Rcpt, .. }) {
            self.outcome = Outcome::Open;
        }
    }
}
