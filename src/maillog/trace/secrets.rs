//! What of a line is not shown: who logged in, and with what.
//!
//! The mail log names the user of SMTP AUTH, and people type passwords where the user name belongs;
//! debug logs hold the credentials themselves.

use std::borrow::Cow;

use ahash::AHashSet;

use crate::maillog::conversation::{self, Direction};
use crate::maillog::{LineKind, scan};
use crate::net::Leg;

/// What stands in for it.
const NOT_SHOWN: &[u8] = b"[not shown]";

/// A connection of a debug log.
type Speaker = (usize, Leg, Option<u64>);

/// Remembers on which connections credentials are on their way.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// Connections on which the server asked for them (334, RFC 4954 section 4).
    asked: AHashSet<Speaker>,
}

impl Secrets {
    /// The text without them.
    pub(super) fn without<'a>(&mut self, appliance: usize, kind: LineKind, text: &'a [u8]) -> Cow<'a, [u8]> {
        match kind {
            LineKind::Authentication => without_user(text),
            LineKind::Conversation => self.without_credentials(appliance, text),
            _ => Cow::Borrowed(text),
        }
    }

    fn without_credentials<'a>(&mut self, appliance: usize, text: &'a [u8]) -> Cow<'a, [u8]> {
        let Some((leg, id, direction, literal)) = conversation::part(text) else {
            return Cow::Borrowed(text);
        };
        let speaker = (appliance, leg, id);
        // Who received is the server: the appliance for injections, the remote side for deliveries.
        let by_server = matches!(
            (leg, direction),
            (Leg::Injection, Direction::Sent) | (Leg::Delivery, Direction::Received)
        );
        if by_server {
            if literal.get(1..).is_some_and(|words| words.starts_with(b"334")) {
                self.asked.insert(speaker);
            } else {
                self.asked.remove(&speaker);
            }
            return Cow::Borrowed(text);
        }
        let kept_of_literal = match scan::find(literal, b"AUTH ") {
            _ if self.asked.contains(&speaker) => 1,
            Some(at) => at + b"AUTH ".len(),
            None => return Cow::Borrowed(text),
        };
        cut_at(text, text.len().saturating_sub(literal.len()) + kept_of_literal)
    }
}

/// `... for user: U using AUTH mechanism: M with profile: P` without the user; of another wording all
/// that follows the id is left out, but for the one that names nobody.
fn without_user(text: &[u8]) -> Cow<'_, [u8]> {
    if scan::find(text, b"was required but").is_some() {
        return Cow::Borrowed(text);
    }
    const BEFORE: &[u8] = b" for user";
    if let (Some(from), Some(to)) = (scan::find(text, BEFORE), scan::find_last(text, b" using AUTH")) {
        let from = from + BEFORE.len();
        let colon = usize::from(text.get(from) == Some(&b':'));
        if let (Some(head), Some(tail)) = (text.get(..from + colon), text.get(to..)) {
            return Cow::Owned([head, b" ", NOT_SHOWN, tail].concat());
        }
    }
    let id_ends = memchr::memchr(b')', text).map_or(0, |at| at + 1);
    cut_at(text, id_ends)
}

fn cut_at(text: &[u8], at: usize) -> Cow<'_, [u8]> {
    Cow::Owned([text.get(..at).unwrap_or_default(), NOT_SHOWN].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_and_nothing_secret_is_shown() {
        let rows = [
            (
                LineKind::Authentication,
                "SMTP Auth: (ICID 30) succeeded for user: anna using AUTH mechanism: LOGIN with profile: p",
                "SMTP Auth: (ICID 30) succeeded for user: [not shown] using AUTH mechanism: LOGIN with profile: p",
            ),
            (
                LineKind::Authentication,
                "SMTP Auth (ICID 30) failed for user anna using AUTH x using AUTH mechanism: LOGIN",
                "SMTP Auth (ICID 30) failed for user [not shown] using AUTH mechanism: LOGIN",
            ),
            (
                LineKind::Authentication,
                "SMTP Auth: (ICID 30) anna is locked",
                "SMTP Auth: (ICID 30)[not shown]",
            ),
            (
                LineKind::Authentication,
                "SMTP Auth (ICID 30) was required but remote host did not initiate it",
                "SMTP Auth (ICID 30) was required but remote host did not initiate it",
            ),
            (
                LineKind::Conversation,
                "30 Rcvd from '192.0.2.1': 'EHLO x'",
                "30 Rcvd from '192.0.2.1': 'EHLO x'",
            ),
            (
                LineKind::Conversation,
                "30 Rcvd from '192.0.2.1': 'auth PLAIN AGFubmEA\\015\\012'",
                "30 Rcvd from '192.0.2.1': 'auth [not shown]",
            ),
            (
                LineKind::Conversation,
                "30 Sent to '192.0.2.1': '334 VXNlcg=='",
                "30 Sent to '192.0.2.1': '334 VXNlcg=='",
            ),
            (LineKind::Conversation, "31 Rcvd from '192.0.2.1': 'NOOP'", "31 Rcvd from '192.0.2.1': 'NOOP'"),
            (
                LineKind::Conversation,
                "30 Rcvd from '192.0.2.1': 'YW5uYQ=='",
                "30 Rcvd from '192.0.2.1': '[not shown]",
            ),
            (
                LineKind::Conversation,
                "30 Rcvd from '192.0.2.1': 'cGFzcw=='",
                "30 Rcvd from '192.0.2.1': '[not shown]",
            ),
            (LineKind::Conversation, "30 Sent to '192.0.2.1': '235 ok'", "30 Sent to '192.0.2.1': '235 ok'"),
            (LineKind::Conversation, "30 Rcvd from '192.0.2.1': 'QUIT'", "30 Rcvd from '192.0.2.1': 'QUIT'"),
            (LineKind::Conversation, "8 Sent: 'AUTH PLAIN AGFubmEA'", "8 Sent: 'AUTH [not shown]"),
        ];
        let mut secrets = Secrets::default();
        for (kind, text, expected) in rows {
            let shown = secrets.without(0, kind, text.as_bytes());
            assert_eq!(String::from_utf8_lossy(&shown), expected);
        }
    }
}
