//! Tries under TLS, by what the log says of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::cause::Evidence;
use crate::cause::patterns::Set;
use crate::cause::patterns::retries::tries::{Envelope, Try, addresses, attempt_under_tls};
use crate::maillog::Stamp;
use crate::net::Leg;
use crate::smtp::Stage;
use crate::text::Text;

/// Sender and recipients.
type Addresses = (Text, Vec<Text>);

/// Messages of the log that were accepted, by their envelopes: sizes and when.
#[derive(Debug, Default)]
pub(super) struct Accepted(BTreeMap<Addresses, Vec<(u64, Stamp)>>);

impl Accepted {
    /// Those with one of these envelopes, in one pass over the log.
    fn with(set: &Set<'_>, wanted: impl Iterator<Item = Addresses>) -> Self {
        let mut this = Self(wanted.map(|addresses| (addresses, Vec::new())).collect());
        if this.0.is_empty() {
            return this;
        }
        let injections = set.log.connections.iter().filter(|connection| connection.leg == Leg::Injection);
        for message in injections.flat_map(|connection| &connection.messages) {
            let Some(ready) = message.ready else { continue };
            if let Some(list) = addresses(message).and_then(|addresses| this.0.get_mut(&addresses)) {
                list.push(ready);
            }
        }
        this
    }

    /// Those with this envelope; of one that the wire showed, none.
    pub(super) fn of(&self, envelope: &Envelope) -> &[(u64, Stamp)] {
        let Envelope::Logged { mail_from, rcpt_to, .. } = envelope else { return &[] };
        self.0.get(&(mail_from.clone(), rcpt_to.clone())).map_or(&[], Vec::as_slice)
    }
}

/// Adds the cases under TLS that ended in what is surely a message.
pub(super) fn read<'a>(
    set: &Set<'a>,
    explained: &BTreeSet<usize>,
    messages: &mut BTreeMap<Envelope, Vec<Try<'a>>>,
) -> Accepted {
    let aborted = set.received().filter(|member| member.is_abort && !explained.contains(&member.session));
    let dark: Vec<_> = aborted
        .filter_map(|member| {
            let Evidence { session, ending, message, .. } = member.evidence;
            let in_a_body = session.dialog.encryption.is_some() && ending.stage == Stage::Body;
            let message = message.filter(|_| in_a_body)?;
            Some((member, message, Envelope::logged(session, message)?))
        })
        .collect();
    let accepted = Accepted::with(set, dark.iter().filter_map(|(_, message, _)| addresses(message)));
    for (member, _, envelope) in dark {
        let length = accepted.of(&envelope).iter().map(|(size, _)| *size).max().unwrap_or(0);
        let session = member.evidence.session;
        let one = attempt_under_tls(session, member.session, member.transaction, length);
        messages.entry(envelope).or_default().push(one);
    }
    accepted
}
