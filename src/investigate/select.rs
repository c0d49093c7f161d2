//! Which claims the user wants to see.

use crate::investigate::Selection;
use crate::investigate::cases::message_of;
use crate::join::Joined;
use crate::maillog::{Claim, Connection, MailLog};
use crate::net::{Leg, canonical};
use crate::smtp::{Session, Transaction};
use crate::text::Text;

/// A selection with what it needs to look at.
pub(super) struct Selected<'a> {
    selection: &'a Selection,
    log: &'a MailLog,
    sessions: &'a [Session],
    joined: &'a Joined,
}

impl<'a> Selected<'a> {
    /// Applies `selection` to claims of `log`.
    pub(super) fn new(
        selection: &'a Selection,
        log: &'a MailLog,
        sessions: &'a [Session],
        joined: &'a Joined,
    ) -> Self {
        Self { selection, log, sessions, joined }
    }

    /// Whether `claim` is wanted: it fits every list that is not empty.
    pub(super) fn wants(&self, claim: &Claim) -> bool {
        let selection = self.selection;
        let message = message_of(self.log, claim);
        let connection = claim.connection.and_then(|index| self.log.connections.get(index));
        let id = |leg| connection.filter(|connection| connection.leg == leg).map(|connection| connection.id);
        let icid = id(Leg::Injection).or(message.and_then(|message| message.icid));
        let transaction = self.transaction(claim);
        let at = self.joined.clocks.instant(&claim.at);
        let logged =
            |texts: &[(Text, _)], wanted: &Text| texts.iter().any(|(text, _)| same_address(text, wanted));
        any(&selection.mids, |mid| message.is_some_and(|message| message.mid == *mid))
            && any(&selection.icids, |wanted| icid == Some(*wanted))
            && any(&selection.dcids, |wanted| id(Leg::Delivery) == Some(*wanted))
            && any(&selection.remotes, |wanted| remote_is(connection, *wanted))
            && any(&selection.mail_from, |wanted| {
                message.is_some_and(|message| {
                    message.mail_from.as_ref().is_some_and(|(text, _)| same_address(text, wanted))
                })
            })
            && any(&selection.rcpt_to, |wanted| {
                message.is_some_and(|message| {
                    logged(&message.rcpt_to, wanted) || logged(&message.rejected, wanted)
                })
            })
            && any(&selection.message_ids, |wanted| {
                let in_log = message.and_then(|message| message.message_id.as_ref());
                let on_wire = transaction.and_then(|transaction| transaction.message_id.as_ref());
                in_log.into_iter().chain(on_wire).any(|id| same_address(id, wanted))
            })
            && selection.since.is_none_or(|since| at.is_none_or(|at| at >= since))
            && selection.until.is_none_or(|until| at.is_none_or(|at| at <= until))
    }

    fn transaction(&self, claim: &Claim) -> Option<&Transaction> {
        let matched = self.joined.matches.get(claim.connection?)?;
        let transaction = matched.alignment.of_message.get(claim.message?).copied().flatten()?;
        self.sessions.get(matched.session?)?.dialog.transactions.get(transaction)
    }
}

/// An empty list wants all.
fn any<T>(list: &[T], fits: impl FnMut(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(fits)
}

fn remote_is(connection: Option<&Connection>, wanted: std::net::IpAddr) -> bool {
    connection.and_then(|connection| connection.remote).is_some_and(|ip| canonical(ip) == canonical(wanted))
}

/// Equal but for case and angle brackets.
fn same_address(text: &Text, wanted: &Text) -> bool {
    bare(text.as_bytes()).eq_ignore_ascii_case(bare(wanted.as_bytes()))
}

fn bare(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.trim_ascii();
    bytes.strip_prefix(b"<").and_then(|rest| rest.strip_suffix(b">")).unwrap_or(bytes)
}
