//! The table of claims and endings, written once as data. A test shows that it is total and that no
//! situation meets two rules.

use crate::maillog::{ClaimKind, Lost};
use crate::net::Party;
use crate::smtp::EndingKind;
use crate::smtp::ending::Why;
use crate::verdict::VerdictKind;

use ClaimKind::{
    AbortedOtherwise, Accepted, Bounced, ConnectionTimeExceeded, Delayed, Delivered, DeliveryFailed,
    DeliveryTimedOut, Killed, NoMessagesInjected, ReceivingAborted, ReceivingAbortedBySender,
    ReceivingFailed, RemoteClosed, RemoteReset, Unfinished,
};
use EndingKind::{
    Abandoned, ApplianceClosed, ApplianceStalled, CaptureEnded, Completed, Fin, Quit, Refused, Rst, Silence,
};
use VerdictKind::{Confirmed, Contradicted, Undetermined};

/// Everything about a claim and an ending that the verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// What the log claims.
    pub claim: ClaimKind,
    /// Whether it says `lost`.
    pub lost: Lost,
    /// How it ended on the wire.
    pub ending: EndingKind,
    /// Who ended it.
    pub by: Option<Party>,
    /// Why the appliance closed.
    pub why: Option<Why>,
    /// QUIT and a close before its 221.
    pub race: bool,
    /// The command that abandoned the transaction was RSET.
    pub by_rset: bool,
    /// No gap near the end, and the end is in the file.
    pub whole: bool,
    /// Whether the reply that the log cites was given.
    pub code: CodeSeen,
    /// The far end owed the next word, or the path lost the last one.
    pub far_owed: bool,
    /// An RST bearing the far end's address came before the appliance's own close, whether or not it
    /// ended the connection.
    pub far_reset: bool,
    /// The same of a FIN.
    pub far_fin: bool,
}

/// Whether the wire shows the reply code that the log cites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeSeen {
    /// The log cites none.
    NoneCited,
    /// It was given.
    Seen,
    /// It was not.
    NotSeen,
}

/// One rule: where every list holds, its verdict does.
#[derive(Debug)]
pub struct Rule {
    /// Claims it speaks of.
    pub claims: &'static [ClaimKind],
    /// Endings it speaks of.
    pub endings: &'static [EndingKind],
    /// What else must hold.
    pub when: &'static [When],
    /// Its verdict.
    pub verdict: VerdictKind,
    /// Which words agree or clash, in a sentence.
    pub because: &'static str,
    /// What would tell, where the verdict is undetermined.
    pub missing: &'static str,
}

/// A condition beside claim and ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The log says `lost`.
    Lost,
    /// The log does not say so, or its input cannot tell.
    NotLost,
    /// QUIT raced with a close.
    Race,
    /// It did not.
    NoRace,
    /// RSET abandoned it.
    ByRset,
    /// Another command did.
    NotByRset,
    /// The appliance's reason is one of these.
    Why(&'static [Why]),
    /// It is none of these, or none is given.
    NotWhy(&'static [Why]),
    /// The capture is whole near the end.
    Whole,
    /// It is not.
    NotWhole,
    /// The log cites a reply code, and the wire shows it.
    CodeSeen,
    /// The log cites one, and the wire does not show it.
    CodeNotSeen,
    /// The log cites none.
    NoneCited,
    /// The far end owed the next word, or the path lost the last one.
    FarOwed,
    /// Neither.
    NotFarOwed,
    /// An RST of the far end came before the appliance's own close.
    FarReset,
    /// None does.
    NotFarReset,
    /// A FIN of the far end came before the appliance's own close.
    FarFin,
    /// None does.
    NotFarFin,
}

impl When {
    fn holds(self, situation: &Situation) -> bool {
        match self {
            Self::Lost => situation.lost == Lost::Yes,
            Self::NotLost => situation.lost != Lost::Yes,
            Self::Race => situation.race,
            Self::NoRace => !situation.race,
            Self::ByRset => situation.by_rset,
            Self::NotByRset => !situation.by_rset,
            Self::Why(list) => situation.why.is_some_and(|why| list.contains(&why)),
            Self::NotWhy(list) => !situation.why.is_some_and(|why| list.contains(&why)),
            Self::Whole => situation.whole,
            Self::NotWhole => !situation.whole,
            Self::CodeSeen => situation.code == CodeSeen::Seen,
            Self::CodeNotSeen => situation.code == CodeSeen::NotSeen,
            Self::NoneCited => situation.code == CodeSeen::NoneCited,
            Self::FarOwed => situation.far_owed,
            Self::NotFarOwed => !situation.far_owed,
            Self::FarReset => situation.far_reset,
            Self::NotFarReset => !situation.far_reset,
            Self::FarFin => situation.far_fin,
            Self::NotFarFin => !situation.far_fin,
        }
    }
}

/// The rule for a situation. The table is total (a test shows it); `None` cannot happen.
pub fn rule(situation: &Situation) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.matches(situation))
}

impl Rule {
    fn matches(&self, situation: &Situation) -> bool {
        self.claims.contains(&situation.claim)
            && self.endings.contains(&situation.ending)
            && self.when.iter().all(|when| when.holds(situation))
    }
}

const TIMERS: &[ClaimKind] = &[NoMessagesInjected, ConnectionTimeExceeded];
const NETWORK: &[ClaimKind] = &[RemoteClosed, RemoteReset, DeliveryTimedOut, DeliveryFailed];
const REFUSALS: &[ClaimKind] = &[Bounced, Delayed];
const ALL: &[EndingKind] = &[
    Abandoned,
    ApplianceClosed,
    ApplianceStalled,
    CaptureEnded,
    Completed,
    Fin,
    Quit,
    Refused,
    Rst,
    Silence,
];
const OWN_REASONS: &[Why] = &[Why::Limit, Why::Policy, Why::Killed];
const CAPTURE_ENDED: &str = "the capture does not hold the end of this connection";
const NEAR_END: &str = "octets near the end are missing from the capture";
const WORDS: &str = "the vendor's words for such an ending are not known";

const LATER_END: &str = "the end of the connection after this message";
const OWN_TURN: &str = "what the appliance was waiting for: its other logs of that time would tell";

macro_rules! rules {
    ($($claims:expr, $endings:expr, $when:expr => $verdict:expr, $because:expr, $missing:expr;)*) => {
        &[$(Rule {
            claims: $claims,
            endings: $endings,
            when: $when,
            verdict: $verdict,
            because: $because,
            missing: $missing,
        }),*]
    };
}

/// The table. Sources: the vendor's technote on `Receiving aborted` (premature FIN, reset, or the
/// five-minute timer) and on `Receiving aborted by sender` (QUIT before DATA). On the delivery side the
/// words are those of the sockets: a read of nothing is end of file (`EOF`), a reset is ECONNRESET (54 on
/// FreeBSD), no answer is `timeout`.
pub static RULES: &[Rule] = rules! {
    // Receiving aborted: ended below SMTP, or by the timer.
    &[ReceivingAborted], &[Fin], &[] => Confirmed,
        "`Receiving aborted` agrees: a FIN without QUIT ends the connection below SMTP", "";
    &[ReceivingAborted], &[Rst], &[] => Confirmed,
        "`Receiving aborted` agrees: a reset ends the connection below SMTP", "";
    &[ReceivingAborted], &[Silence], &[When::NotLost] => Confirmed,
        "`Receiving aborted` agrees: no word came from the sender until the appliance gave up (the timeout case)", "";
    &[ReceivingAborted], &[Silence], &[When::Lost] => Undetermined,
        "`lost` says that TCP ended from the other side; on the wire the sender only fell silent",
        "a FIN or RST that would explain `lost` is not in the capture";
    &[ReceivingAborted], &[ApplianceClosed], &[When::Why(&[Why::Timer])] => Confirmed,
        "`Receiving aborted` agrees: the appliance's own timer ended the connection (the timeout case)", "";
    &[ReceivingAborted], &[ApplianceClosed], &[When::Why(OWN_REASONS), When::Lost] => Contradicted,
        "`lost` clashes: the appliance ended the connection itself, for a reason of its own", "";
    &[ReceivingAborted], &[ApplianceClosed], &[When::Why(OWN_REASONS), When::NotLost] => Undetermined,
        "the appliance ended the connection itself; whether it calls that `Receiving aborted` is not known",
        WORDS;
    &[ReceivingAborted], &[ApplianceClosed], &[When::NotWhy(&[Why::Timer, Why::Limit, Why::Policy, Why::Killed])] => Undetermined,
        "the appliance closed first and gave no reason on the wire",
        "why the appliance closed: its other logs of that time would tell";
    &[ReceivingAborted], &[Completed], &[] => Contradicted,
        "`Receiving aborted` clashes: the message was received whole and answered 2xx", "";
    &[ReceivingAborted], &[Quit], &[When::NoRace] => Contradicted,
        "`Receiving aborted` clashes: the sender said QUIT, which the log calls `aborted by sender`", "";
    &[ReceivingAborted], &[Quit], &[When::Race] => Undetermined,
        "QUIT and a close came before the 221: which of the two the appliance noticed first is not on the wire",
        "which of QUIT and close the appliance read first";
    &[ReceivingAborted], &[Abandoned, Refused], &[] => Undetermined,
        "SMTP itself ended the transaction; whether the log calls that `Receiving aborted` is not known", WORDS;
    &[ReceivingAborted], &[ApplianceStalled], &[] => Undetermined,
        "the appliance owed the next word and did not give it; whether the log calls that `Receiving aborted` is not known",
        "why the appliance did not answer: its other logs of that time would tell";
    &[ReceivingAborted], &[CaptureEnded], &[] => Undetermined,
        "the wire shows neither what the log claims nor anything against it", CAPTURE_ENDED;

    // Receiving aborted by sender: ended by the sender at SMTP's level.
    &[ReceivingAbortedBySender], &[Quit], &[When::NoRace] => Confirmed,
        "`by sender` agrees: the sender said QUIT before the message was complete", "";
    &[ReceivingAbortedBySender], &[Quit], &[When::Race] => Undetermined,
        "QUIT and a close came before the 221: which of the two the appliance noticed first is not on the wire",
        "which of QUIT and close the appliance read first";
    &[ReceivingAbortedBySender], &[Abandoned], &[When::ByRset] => Confirmed,
        "`by sender` agrees: the sender gave the transaction up with RSET (a variant of the documented QUIT)", "";
    &[ReceivingAbortedBySender], &[Abandoned], &[When::NotByRset] => Undetermined,
        "the sender began anew without QUIT or RSET; whether the log calls that `by sender` is not known", WORDS;
    &[ReceivingAbortedBySender], &[Completed], &[] => Contradicted,
        "`aborted by sender` clashes: the message was received whole and answered 2xx", "";
    &[ReceivingAbortedBySender], &[Fin, Rst], &[When::Whole] => Contradicted,
        "`by sender` (QUIT) clashes: the connection was closed below SMTP, and no QUIT was sent", "";
    &[ReceivingAbortedBySender], &[Silence], &[When::Whole] => Contradicted,
        "`by sender` (QUIT) clashes: the sender fell silent, and no QUIT was sent", "";
    &[ReceivingAbortedBySender], &[ApplianceClosed], &[When::Whole] => Contradicted,
        "`by sender` clashes: the appliance closed first, and no QUIT was sent", "";
    &[ReceivingAbortedBySender], &[Fin, Rst, Silence, ApplianceClosed], &[When::NotWhole] => Undetermined,
        "no QUIT is seen, but a gap may hide one", NEAR_END;
    &[ReceivingAbortedBySender], &[Refused, ApplianceStalled], &[] => Undetermined,
        "it did not end by the sender's word alone; whether the log calls that `by sender` is not known", WORDS;
    &[ReceivingAbortedBySender], &[CaptureEnded], &[] => Undetermined,
        "the wire shows neither what the log claims nor anything against it", CAPTURE_ENDED;

    // The appliance's timers on a connection.
    TIMERS, &[ApplianceClosed], &[When::Why(&[Why::Timer])] => Confirmed,
        "the log's timer agrees: the appliance said so and closed", "";
    TIMERS, &[Silence], &[] => Confirmed,
        "the log's timer agrees: the sender fell silent and the appliance closed", "";
    TIMERS, &[Quit, Fin, Rst], &[] => Contradicted,
        "the log's timer clashes: the sender had ended the connection before it", "";
    TIMERS, &[ApplianceClosed], &[When::NotWhy(&[Why::Timer])] => Undetermined,
        "the appliance closed, but no words of a timer are on the wire",
        "the appliance's 421 with the timer's words";
    TIMERS, &[Completed, Refused, Abandoned, ApplianceStalled], &[] => Undetermined,
        "the last transaction ended before; the end of the connection itself does not show",
        "the end of the connection after its last transaction";
    TIMERS, &[CaptureEnded], &[] => Undetermined,
        "the wire shows neither what the log claims nor anything against it", CAPTURE_ENDED;

    // Receiving Failed: the appliance refused.
    &[ReceivingFailed], &[Refused], &[] => Confirmed,
        "`Receiving Failed` agrees: the appliance refused with a reply", "";
    &[ReceivingFailed], &[ApplianceClosed], &[When::Why(&[Why::Limit])] => Confirmed,
        "`Receiving Failed` agrees: the appliance closed at a limit", "";
    &[ReceivingFailed], &[Fin, Rst, Quit], &[] => Contradicted,
        "`Receiving Failed` clashes: the sender ended the connection before any refusal", "";
    &[ReceivingFailed], &[ApplianceClosed], &[When::NotWhy(&[Why::Limit])] => Undetermined,
        "the appliance closed, but no words of a limit are on the wire", "the appliance's reply with its reason";
    &[ReceivingFailed], &[Completed, Abandoned, Silence, ApplianceStalled], &[] => Undetermined,
        "no refusal is on the wire", "a reply that refuses";
    &[ReceivingFailed], &[CaptureEnded], &[] => Undetermined,
        "the wire shows neither what the log claims nor anything against it", CAPTURE_ENDED;

    // Connection killed by the administrator or a shutdown.
    &[Killed], &[ApplianceClosed], &[When::NotWhy(&[Why::Timer, Why::Limit, Why::Policy])] => Confirmed,
        "`killed` agrees: the appliance closed first", "";
    &[Killed], &[ApplianceClosed], &[When::Why(&[Why::Timer, Why::Limit, Why::Policy])] => Undetermined,
        "the appliance closed first, but its words give another reason", "which of the two reasons came first";
    &[Killed], &[Fin, Rst, Quit], &[] => Contradicted,
        "`killed` clashes: the sender ended the connection first", "";
    &[Killed], &[Completed, Refused, Abandoned, Silence, ApplianceStalled], &[] => Undetermined,
        "the appliance's own close does not show", "the appliance's FIN or RST";
    &[Killed], &[CaptureEnded], &[] => Undetermined,
        "the wire shows neither what the log claims nor anything against it", CAPTURE_ENDED;

    // ready N bytes: accepted.
    &[Accepted], &[Completed], &[] => Confirmed,
        "`ready` agrees: the message was received whole and answered 2xx", "";
    &[Accepted], &[Refused, Abandoned, Quit, Fin, Rst, Silence, ApplianceStalled, ApplianceClosed], &[When::Whole] => Contradicted,
        "`ready` clashes: the wire shows no message received whole and answered 2xx", "";
    &[Accepted], &[Refused, Abandoned, Quit, Fin, Rst, Silence, ApplianceStalled, ApplianceClosed], &[When::NotWhole] => Undetermined,
        "no complete message is seen, but a gap may hide it", NEAR_END;
    &[Accepted], &[CaptureEnded], &[] => Undetermined,
        "the wire shows neither what the log claims nor anything against it", CAPTURE_ENDED;

    // No claim that the wire could bear out.
    &[AbortedOtherwise],
    &[Abandoned, ApplianceClosed, ApplianceStalled, CaptureEnded, Completed, Fin, Quit, Refused, Rst, Silence],
    &[] => Undetermined, "what these words of the log mean for the wire is not known", "the meaning of the log's words";
    &[Unfinished],
    &[Abandoned, ApplianceClosed, ApplianceStalled, CaptureEnded, Completed, Fin, Quit, Refused, Rst, Silence],
    &[] => Undetermined, "the log does not say how the message ended", "the log's lines about the end of this message";

    // Going out, the network's word for the end of a connection.
    NETWORK, &[Completed], &[] => Contradicted,
        "the log's failure clashes: the remote server took the whole message and answered 2xx", "";
    NETWORK, &[CaptureEnded], &[] => Undetermined,
        "the wire shows neither what the log claims nor anything against it", CAPTURE_ENDED;
    NETWORK, &[Abandoned], &[] => Undetermined,
        "the appliance gave the transaction up itself and the connection went on", LATER_END;
    &[RemoteClosed], &[Fin], &[] => Confirmed,
        "`EOF` agrees: a FIN of the remote server ended the connection", "";
    &[RemoteClosed], &[Rst, Silence, Quit, ApplianceClosed, ApplianceStalled], &[When::FarFin] => Undetermined,
        "a FIN bearing the remote server's address is in the capture, but by the wire it did not end the connection",
        "which of the two the appliance's program met";
    &[RemoteClosed], &[Rst], &[When::NotFarFin, When::Whole] => Contradicted,
        "`EOF` clashes: a reset ended the connection, which the appliance calls `[Errno 54]`", "";
    &[RemoteClosed], &[Silence], &[When::NotFarFin, When::Whole] => Contradicted,
        "`EOF` clashes: no FIN came from the remote server, it only fell silent", "";
    &[RemoteClosed], &[Quit, ApplianceClosed, ApplianceStalled], &[When::NotFarFin, When::Whole] => Contradicted,
        "`EOF` clashes: the appliance ended the connection, the remote server had not", "";
    &[RemoteClosed], &[Rst, Silence, Quit, ApplianceClosed, ApplianceStalled], &[When::NotFarFin, When::NotWhole] => Undetermined,
        "no FIN of the remote server ended it as far as is seen, but a gap may hide one", NEAR_END;
    &[RemoteReset], &[Rst], &[] => Confirmed,
        "`[Errno 54]` agrees: a reset bearing the remote server's address ended the connection", "";
    &[RemoteReset], &[Fin], &[When::FarReset] => Confirmed,
        "`[Errno 54]` agrees: a reset bearing the remote server's address followed its FIN", "";
    &[RemoteReset], &[Fin], &[When::NotFarReset, When::Whole] => Contradicted,
        "`[Errno 54]` clashes: a FIN ended the connection, which the appliance calls `EOF`", "";
    &[RemoteReset], &[Silence, Quit, ApplianceClosed, ApplianceStalled], &[When::FarReset] => Undetermined,
        "a reset bearing the remote server's address is in the capture, but the connection had ended before it",
        "which of the two the appliance's program met";
    &[RemoteReset], &[Silence, Quit, ApplianceClosed, ApplianceStalled], &[When::NotFarReset, When::Whole] => Contradicted,
        "`[Errno 54]` clashes: no reset bearing the remote server's address came before the appliance closed", "";
    &[RemoteReset], &[Fin, Silence, Quit, ApplianceClosed, ApplianceStalled], &[When::NotFarReset, When::NotWhole] => Undetermined,
        "no reset is seen, but a gap may hide one", NEAR_END;
    &[DeliveryTimedOut], &[Silence], &[] => Confirmed,
        "`timeout` agrees: the remote server owed the next word and fell silent", "";
    &[DeliveryTimedOut], &[ApplianceStalled, ApplianceClosed], &[When::FarOwed] => Confirmed,
        "`timeout` agrees: no answer reached the appliance until it gave up", "";
    &[DeliveryTimedOut], &[ApplianceStalled, ApplianceClosed], &[When::NotFarOwed] => Undetermined,
        "the appliance ended the connection, but by the wire it was its own turn", OWN_TURN;
    &[DeliveryTimedOut], &[Fin, Rst], &[When::Whole] => Contradicted,
        "`timeout` clashes: the remote server had ended the connection before", "";
    &[DeliveryTimedOut], &[Fin, Rst], &[When::NotWhole] => Undetermined,
        "the remote server seems to have ended it, but octets are missing just there", NEAR_END;
    &[DeliveryTimedOut], &[Quit], &[] => Undetermined,
        "the appliance took leave with everything answered; where it waited does not show", OWN_TURN;
    &[RemoteClosed, RemoteReset, DeliveryTimedOut], &[Refused], &[] => Undetermined,
        "the remote server refused with a reply; what became of the connection after it is another matter", LATER_END;
    &[DeliveryFailed], &[Fin, Rst, Silence, ApplianceStalled, ApplianceClosed, Quit, Refused], &[] => Undetermined,
        "what these words of the log mean for the wire is not known", "the meaning of the log's words";

    // Going out, a reply that refused.
    REFUSALS, ALL, &[When::CodeSeen] => Confirmed,
        "the log's reply code agrees: the remote server answered with it", "";
    REFUSALS, ALL, &[When::NoneCited] => Undetermined,
        "the log cites no reply and no word of the network: there is nothing to compare", "the reason in the log's line";
    REFUSALS, &[Completed, Refused, Abandoned, Quit, Fin, Rst, Silence, ApplianceStalled, ApplianceClosed],
        &[When::CodeNotSeen, When::Whole] => Contradicted,
        "the log's reply code clashes: no reply to this message bears it", "";
    REFUSALS, &[Completed, Refused, Abandoned, Quit, Fin, Rst, Silence, ApplianceStalled, ApplianceClosed],
        &[When::CodeNotSeen, When::NotWhole] => Undetermined,
        "the cited reply is not seen, but a gap may hide it", NEAR_END;
    REFUSALS, &[CaptureEnded], &[When::CodeNotSeen] => Undetermined,
        "the wire shows neither what the log claims nor anything against it", CAPTURE_ENDED;

    // Delivered.
    &[Delivered], &[Completed], &[] => Confirmed,
        "`Message done` agrees: the remote server took the whole message and answered 2xx", "";
    &[Delivered], &[Refused, Abandoned, Quit, Fin, Rst, Silence, ApplianceStalled, ApplianceClosed], &[When::Whole] => Contradicted,
        "`Message done` clashes: the wire shows no message taken whole and answered 2xx", "";
    &[Delivered], &[Refused, Abandoned, Quit, Fin, Rst, Silence, ApplianceStalled, ApplianceClosed], &[When::NotWhole] => Undetermined,
        "no complete message is seen, but a gap may hide it", NEAR_END;
    &[Delivered], &[CaptureEnded], &[] => Undetermined,
        "the wire shows neither what the log claims nor anything against it", CAPTURE_ENDED;
};

#[cfg(test)]
mod tests;
