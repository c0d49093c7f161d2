//! What is true about a session, written as one line of JSON, and the verdict that follows from it.
//!
//! The lines come in the order in which sessions end; [`SessionTruth`] and what it holds say what each key means.
//! `ending` is the connection's own: where a message was completed or refused before it, or an all-refused one was
//! still open, the message's `kind` says so and the session's `ending` is the QUIT or FIN that came after. Frames
//! are numbered from 1 as they stand in the file, and `null` where the capture does not have them.
//! `expected` follows from claim and kind alone: for sessions with TLS it says what holds, which may be more
//! than records can show.

use serde::Serialize;

/// How something ended on the wire: the kinds of mailwitness's own rules, stated here a second time so that
/// the truth does not lean on what it is to test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Completed,
    Refused,
    Abandoned,
    Quit,
    Fin,
    Rst,
    Silence,
    ApplianceStalled,
    ApplianceClosed,
    CaptureEnded,
}

/// Why the appliance closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Why {
    Timer,
    Limit,
    /// It was stopped: on the wire nothing says so.
    Killed,
}

/// What the log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// `Receiving aborted`, with or without `lost`.
    Aborted { lost: bool },
    /// `Receiving aborted by sender`.
    BySender,
    /// `ready`.
    Ready,
    /// `no messages injected within timeout period`.
    TimedOut,
    /// `exceeded allowable connection time`.
    Exceeded,
    /// `Receiving Failed`, and the connection closed.
    Failed,
    /// `Receiving Failed`, in reply to a dot; the connection went on.
    FailedAtDot,
}

/// Whether the wire agrees with the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Confirmed,
    Contradicted,
    Undetermined,
}

/// The verdict that a claim deserves.
pub(crate) fn verdict(claim: Claim, kind: Kind, why: Option<Why>, race: bool) -> Verdict {
    use Verdict::{Confirmed, Contradicted, Undetermined};
    match (claim, kind) {
        (_, Kind::CaptureEnded) => Undetermined,
        (Claim::Ready, Kind::Completed) => Confirmed,
        (Claim::Ready, _) => Contradicted,
        (Claim::Aborted { .. } | Claim::BySender, Kind::Quit) if race => Undetermined,
        (Claim::Aborted { .. }, Kind::Fin | Kind::Rst) => Confirmed,
        (Claim::Aborted { lost: false }, Kind::Silence) => Confirmed,
        (Claim::Aborted { .. }, Kind::ApplianceClosed) if why == Some(Why::Timer) => Confirmed,
        (Claim::Aborted { lost: true }, Kind::ApplianceClosed) if why == Some(Why::Limit) => Contradicted,
        (Claim::Aborted { .. }, Kind::Completed | Kind::Quit) => Contradicted,
        (Claim::Aborted { .. }, _) => Undetermined,
        (Claim::BySender, Kind::Quit | Kind::Abandoned) => Confirmed,
        (
            Claim::BySender,
            Kind::Completed | Kind::Fin | Kind::Rst | Kind::Silence | Kind::ApplianceClosed,
        ) => Contradicted,
        (Claim::BySender, _) => Undetermined,
        (Claim::TimedOut | Claim::Exceeded, Kind::Silence) => Confirmed,
        (Claim::TimedOut | Claim::Exceeded, Kind::ApplianceClosed) if why == Some(Why::Timer) => Confirmed,
        (Claim::TimedOut | Claim::Exceeded, Kind::Quit | Kind::Fin | Kind::Rst) => Contradicted,
        (Claim::TimedOut | Claim::Exceeded, _) => Undetermined,
        (Claim::FailedAtDot, _) => Confirmed,
        (Claim::Failed, Kind::ApplianceClosed) if why == Some(Why::Limit) => Confirmed,
        (Claim::Failed, Kind::Fin | Kind::Rst | Kind::Quit) => Contradicted,
        (Claim::Failed, _) => Undetermined,
    }
}

/// How a session ends when nothing cuts it off.
#[derive(Debug, Clone)]
pub(crate) struct Fate {
    pub(crate) kind: Kind,
    /// `client` or `server`.
    pub(crate) by: &'static str,
    pub(crate) why: Option<Why>,
    pub(crate) race: bool,
    pub(crate) stage: &'static str,
    /// What the log says of the connection itself, and its words.
    pub(crate) claim: Option<(Claim, &'static str)>,
    pub(crate) messages: Vec<MessageFate>,
}

/// How a message ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MessageFate {
    /// MAIL is said at all.
    pub(crate) started: bool,
    /// `accepted`, `aborted`, `aborted_by_sender`, `refused` (no MID).
    pub(crate) outcome: &'static str,
    /// In the log's words.
    pub(crate) reason: Option<&'static str>,
    pub(crate) claim: Option<Claim>,
    pub(crate) kind: Kind,
    pub(crate) race: bool,
}

impl MessageFate {
    pub(crate) fn accepted() -> Self {
        let claim = Some(Claim::Ready);
        Self { started: true, outcome: "accepted", reason: None, claim, kind: Kind::Completed, race: false }
    }

    pub(crate) fn aborted(claim: Claim, kind: Kind) -> Self {
        let (outcome, reason) = match claim {
            Claim::BySender => ("aborted_by_sender", "Receiving aborted by sender"),
            _ => ("aborted", "Receiving aborted"),
        };
        let (reason, claim) = (Some(reason), Some(claim));
        Self { started: true, outcome, reason, claim, kind, race: false }
    }

    pub(crate) fn never_logged(kind: Kind) -> Self {
        Self { started: true, outcome: "refused", reason: None, claim: None, kind, race: false }
    }
}

impl Fate {
    pub(crate) fn new(messages: usize) -> Self {
        let unsaid = MessageFate { started: false, ..MessageFate::never_logged(Kind::CaptureEnded) };
        Self {
            kind: Kind::CaptureEnded,
            by: "client",
            why: None,
            race: false,
            stage: "connect",
            claim: None,
            messages: vec![unsaid; messages],
        }
    }

    pub(crate) fn ends(&mut self, kind: Kind, by: &'static str, stage: &'static str) {
        (self.kind, self.by, self.stage) = (kind, by, stage);
    }

    pub(crate) fn claims(&mut self, claim: Claim, words: &'static str) {
        self.claim = Some((claim, words));
    }

    pub(crate) fn started(&mut self, index: u8) {
        if let Some(message) = self.messages.get_mut(usize::from(index)) {
            message.started = true;
        }
    }

    pub(crate) fn message(&mut self, index: u8, fate: MessageFate) {
        if let Some(message) = self.messages.get_mut(usize::from(index)) {
            *message = fate;
        }
    }
}

/// One line of the truth.
#[derive(Debug, Serialize)]
pub(crate) struct SessionTruth<'a> {
    /// From 0, in the order of the SYNs.
    pub(crate) session: u64,
    /// The story's name on the command line.
    pub(crate) story: &'static str,
    /// `ip:port`, `[ip]:port`.
    pub(crate) client: String,
    pub(crate) server: String,
    pub(crate) icid: Option<u64>,
    /// Nanoseconds since 1970 of the first SYN.
    pub(crate) opened: i64,
    pub(crate) first_frame: Option<u64>,
    pub(crate) last_frame: Option<u64>,
    /// How many are in the capture.
    pub(crate) frames: u64,
    /// STARTTLS was said and granted.
    pub(crate) starttls: bool,
    /// `1.2` or `1.3`.
    pub(crate) tls: Option<&'static str>,
    /// The sender says MAIL, RCPT and DATA in one go.
    pub(crate) pipelining: bool,
    /// The oddities of the wire that it was given.
    pub(crate) oddities: Vec<&'static str>,
    /// The capture begins after the SYN.
    pub(crate) begun_before: bool,
    /// Segments that the appliance had and the capture missed: in bodies, elsewhere.
    pub(crate) holes: [u64; 2],
    pub(crate) ending: EndingTruth,
    pub(crate) claim: Option<ClaimTruth>,
    pub(crate) messages: Vec<MessageTruth<'a>>,
}

/// How the session ended.
#[derive(Debug, Serialize)]
pub(crate) struct EndingTruth {
    pub(crate) kind: Kind,
    /// `client` or `server`; for a silence, who owed the word.
    pub(crate) by: Option<&'static str>,
    /// Why the appliance closed, also at the end of a silence.
    pub(crate) why: Option<Why>,
    /// QUIT and a FIN before its 221.
    pub(crate) race: bool,
    /// `None` where the capture ends first.
    pub(crate) stage: Option<&'static str>,
    /// The QUIT, FIN or RST; for a silence the sender's last octets.
    pub(crate) frame: Option<u64>,
    /// The appliance's own FIN, RST or 421.
    pub(crate) close_frame: Option<u64>,
}

/// What the log says of the connection.
#[derive(Debug, Serialize)]
pub(crate) struct ClaimTruth {
    pub(crate) words: &'static str,
    pub(crate) expected: Option<Verdict>,
}

/// How a message ended.
#[derive(Debug, Serialize)]
pub(crate) struct MessageTruth<'a> {
    pub(crate) mid: Option<u64>,
    pub(crate) mail_from: &'a str,
    /// The accepted ones.
    pub(crate) rcpt_to: Vec<&'a str>,
    pub(crate) rejected: Vec<&'a str>,
    /// Only where the head was sent whole.
    pub(crate) message_id: Option<&'a str>,
    pub(crate) outcome: &'static str,
    pub(crate) reason: Option<&'static str>,
    pub(crate) kind: Kind,
    /// `None` where no claim was made, or where frames that matter are missing from the capture.
    pub(crate) expected: Option<Verdict>,
    /// MAIL.
    pub(crate) mail_frame: Option<u64>,
    /// The reply that ended it: to the dot, to RSET, to a refused MAIL.
    pub(crate) reply_frame: Option<u64>,
    /// Octets of the body that were sent, as they went over the wire; without TLS less the dot, if it was sent.
    pub(crate) body_octets: u64,
    /// All octets that there are.
    pub(crate) body_whole: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_follow_the_table() {
        let aborted = |kind, why, lost| verdict(Claim::Aborted { lost }, kind, why, false);
        assert_eq!(aborted(Kind::Fin, None, true), Verdict::Confirmed);
        assert_eq!(aborted(Kind::Silence, None, false), Verdict::Confirmed);
        assert_eq!(aborted(Kind::Silence, None, true), Verdict::Undetermined);
        assert_eq!(aborted(Kind::ApplianceClosed, Some(Why::Timer), false), Verdict::Confirmed);
        assert_eq!(aborted(Kind::ApplianceClosed, Some(Why::Killed), false), Verdict::Undetermined);
        assert_eq!(aborted(Kind::Quit, None, true), Verdict::Contradicted);
        assert_eq!(verdict(Claim::BySender, Kind::Quit, None, false), Verdict::Confirmed);
        assert_eq!(verdict(Claim::BySender, Kind::Quit, None, true), Verdict::Undetermined);
        assert_eq!(verdict(Claim::BySender, Kind::Fin, None, false), Verdict::Contradicted);
        assert_eq!(verdict(Claim::Ready, Kind::CaptureEnded, None, false), Verdict::Undetermined);
    }
}
