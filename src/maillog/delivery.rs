//! The delivery side: what went out over a DCID, and how that ended.
//!
//! On its way out the appliance is the client, and its log tells what the inbound side never tells:
//! whether the network said end of file, gave an `errno` or timed out.

use crate::maillog::Stamp;
use crate::maillog::connection::make_room;
use crate::maillog::event::{Fact, Failure, Undelivered};
use crate::text::Text;

/// What a delivery connection (DCID) carried.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    /// The messages in the order of their first lines, bounded by [`Self::MAX_ATTEMPTS`].
    pub attempts: Vec<Attempt>,
    /// The first `Connection Error`.
    pub error: Option<ConnectionFailure>,
}

/// One message on one delivery connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The message.
    pub mid: u64,
    /// `Delivery start`.
    pub started: Option<Stamp>,
    /// The remote server's words, the first where several recipients had their own.
    pub response: Option<(Text, Stamp)>,
    /// What became of it: the first word, except that what went wrong outranks `Message done`, which
    /// only says that the appliance is done with the recipients of this connection.
    pub outcome: Option<(Outcome, Stamp)>,
}

/// What became of a message on a delivery connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// `Message done`.
    Done,
    /// `Bounced:`, `Delayed:`, `Possible Delivery:`.
    Undelivered(Shortfall),
}

/// Recipients that were not, or perhaps not, delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// What became of them.
    pub kind: UndeliveredKind,
    /// The enhanced status code (RFC 3463).
    pub status: Option<Text>,
    /// The reply code; `None` where no server gave one (the log's `'000'`).
    pub code: Option<u16>,
    /// What the network said.
    pub network: Option<NetworkError>,
    /// The log's words.
    pub words: Text,
}

/// `Connection Error` of a DCID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionFailure {
    /// What the network said.
    pub network: NetworkError,
    /// The log's words for it.
    pub details: Text,
    /// The log's reason.
    pub reason: Option<Text>,
    /// Where it says so.
    pub at: Stamp,
}

/// What became of recipients that were not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UndeliveredKind {
    /// For good.
    Bounced,
    /// For now.
    Delayed,
    /// The connection broke after the data: nobody knows.
    Possible,
}

/// What the network said of a connection, in the log's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NetworkError {
    /// `EOF`: the remote side ended its direction (a FIN).
    EndOfFile,
    /// `[Errno n]`: the number of the appliance's system, which is FreeBSD.
    Errno(u16),
    /// `timeout`, `timed out`.
    Timeout,
    /// Other words.
    Other,
}

impl Delivery {
    /// Messages kept of one connection.
    pub const MAX_ATTEMPTS: usize = 1024;
    /// Octets kept of any one text.
    pub const MAX_TEXT: usize = 512;

    /// Takes in a line about a message; `false` where there is no room for it.
    pub(super) fn take(&mut self, mid: u64, stamp: Stamp, fact: &Fact<'_>) -> bool {
        // Nearly always the last one.
        let at = match self.attempts.iter().rposition(|attempt| attempt.mid == mid) {
            Some(at) => at,
            None if self.attempts.len() >= Self::MAX_ATTEMPTS => return false,
            None => {
                make_room(&mut self.attempts);
                self.attempts.push(Attempt { mid, started: None, response: None, outcome: None });
                self.attempts.len() - 1
            }
        };
        let Some(attempt) = self.attempts.get_mut(at) else { return false };
        match fact {
            Fact::DeliveryStarted => {
                attempt.started.get_or_insert(stamp);
            }
            Fact::Delivered => {
                attempt.outcome.get_or_insert((Outcome::Done, stamp));
            }
            Fact::Response(words) => {
                attempt.response.get_or_insert_with(|| (Text::bounded(words, Self::MAX_TEXT), stamp));
            }
            Fact::Undelivered(undelivered)
                if !matches!(attempt.outcome, Some((Outcome::Undelivered(_), _))) =>
            {
                attempt.outcome = Some((Outcome::Undelivered(Shortfall::of(undelivered)), stamp));
            }
            _ => {}
        }
        true
    }

    /// Takes in that the connection failed.
    pub(super) fn fail(&mut self, failure: &Failure<'_>, stamp: Stamp) {
        self.error.get_or_insert_with(|| ConnectionFailure {
            network: failure.network,
            details: Text::bounded(failure.details, Self::MAX_TEXT),
            reason: failure.reason.map(|reason| Text::bounded(reason, Self::MAX_TEXT)),
            at: stamp,
        });
    }
}

impl Shortfall {
    fn of(undelivered: &Undelivered<'_>) -> Self {
        Self {
            kind: undelivered.kind,
            status: undelivered.status.map(|status| Text::bounded(status, Delivery::MAX_TEXT)),
            code: undelivered.code,
            network: undelivered.network,
            words: Text::bounded(undelivered.words, Delivery::MAX_TEXT),
        }
    }
}

impl NetworkError {
    /// The name of an `errno` as FreeBSD numbers them (`sys/errno.h`); other systems number otherwise.
    pub const fn errno_name(self) -> Option<&'static str> {
        Some(match self {
            Self::Errno(32) => "EPIPE",
            Self::Errno(50) => "ENETDOWN",
            Self::Errno(51) => "ENETUNREACH",
            Self::Errno(53) => "ECONNABORTED",
            Self::Errno(54) => "ECONNRESET",
            Self::Errno(60) => "ETIMEDOUT",
            Self::Errno(61) => "ECONNREFUSED",
            Self::Errno(64) => "EHOSTDOWN",
            Self::Errno(65) => "EHOSTUNREACH",
            _ => return None,
        })
    }

    /// Whether the remote side, or somebody in its name, reset the connection.
    pub const fn is_reset(self) -> bool {
        matches!(self, Self::Errno(54))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maillog::tests::read_text;

    const LOG: &str = "\
Mon Mar  9 10:00:00 2026 Info: New SMTP DCID 8 interface 192.0.2.25 address 203.0.113.9 port 25
Mon Mar  9 10:00:01 2026 Info: Delivery start DCID 8 MID 7 to RID [0, 1]
Mon Mar  9 10:00:02 2026 Info: MID 7 RID [0] Response '2.0.0 Ok: queued as X'
Mon Mar  9 10:00:02 2026 Info: Message done DCID 8 MID 7 to RID [0]
Mon Mar  9 10:00:02 2026 Info: Bounced: DCID 8 MID 7 to RID 1 - 5.1.0 - Unknown address error ('550', ['5.1.1 no such user']) []
Mon Mar  9 10:00:03 2026 Info: Delivery start DCID 8 MID 9 to RID [0]
Mon Mar  9 10:00:04 2026 Info: Connection Error: DCID 8 domain: example.org IP: 203.0.113.9 port: 25 details: [Errno 54] Connection reset by peer interface: 192.0.2.25 reason: network error
Mon Mar  9 10:00:04 2026 Info: Delayed: DCID 8 MID 9 to RID 0 - 4.1.0 - Unknown address error ('000', ['[Errno 54] Connection reset by peer']) []
Mon Mar  9 10:00:04 2026 Info: DCID 8 close
Mon Mar  9 10:00:05 2026 Info: MID 11 RID [0] Response 'of a delivery that is not known'
";

    #[test]
    fn a_delivery_holds_what_its_lines_tell() {
        let log = read_text(LOG);
        let [connection] = log.connections.as_slice() else { panic!("{log:?}") };
        let delivery = connection.delivery.as_ref().unwrap();
        let [seven, nine] = delivery.attempts.as_slice() else { panic!("{delivery:?}") };
        assert_eq!((seven.mid, seven.started.unwrap().line.line), (7, 2));
        assert_eq!(seven.response.as_ref().unwrap().0, "2.0.0 Ok: queued as X".into());
        let Some((Outcome::Undelivered(bounced), at)) = &seven.outcome else { panic!("{seven:?}") };
        assert_eq!((bounced.kind, bounced.code, at.line.line), (UndeliveredKind::Bounced, Some(550), 5));
        assert_eq!(bounced.status, Some("5.1.0".into()));
        let Some((Outcome::Undelivered(delayed), _)) = &nine.outcome else { panic!("{nine:?}") };
        assert_eq!((delayed.kind, delayed.code), (UndeliveredKind::Delayed, None));
        assert_eq!(delayed.network, Some(NetworkError::Errno(54)));
        let error = delivery.error.as_ref().unwrap();
        assert!(error.network.is_reset());
        assert_eq!(error.network.errno_name(), Some("ECONNRESET"));
        assert_eq!(error.details, "[Errno 54] Connection reset by peer".into());
        assert_eq!(error.reason, Some("network error".into()));
        assert_eq!(connection.closed.unwrap().line.line, 9);
        assert_eq!(log.files[0].known, 10);
    }

    #[test]
    fn attempts_are_bounded_and_noted() {
        let lines = (0..=Delivery::MAX_ATTEMPTS).map(|mid| {
            format!("Mon Mar  9 10:00:00 2026 Info: Delivery start DCID 8 MID {mid} to RID [0]\n")
        });
        let log = read_text(&lines.collect::<String>());
        assert_eq!(log.connections[0].delivery.as_ref().unwrap().attempts.len(), Delivery::MAX_ATTEMPTS);
        assert_eq!(log.files[0].notes.iter().count(), 1, "{:?}", log.files[0].notes);
    }
}
