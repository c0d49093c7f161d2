//! The table of claims and endings, written once as data. A test shows that it is total and that no
//! situation meets two rules.

use crate::maillog::{ClaimKind, Lost};
use crate::net::Party;
use crate::smtp::EndingKind;
use crate::smtp::ending::Why;
use crate::verdict::VerdictKind;

use ClaimKind::{
    AbortedOtherwise, Accepted, ConnectionTimeExceeded, Killed, NoMessagesInjected, ReceivingAborted,
    ReceivingAbortedBySender, ReceivingFailed, Unfinished,
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
const OWN_REASONS: &[Why] = &[Why::Limit, Why::Policy, Why::Killed];
const CAPTURE_ENDED: &str = "the capture does not hold the end of this connection";
const NEAR_END: &str = "octets near the end are missing from the capture";
const WORDS: &str = "the vendor's words for such an ending are not known";

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
/// five-minute timer) and on `Receiving aborted by sender` (QUIT before DATA).
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
};

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIMS: [ClaimKind; 9] = [
        ReceivingAborted,
        ReceivingAbortedBySender,
        AbortedOtherwise,
        NoMessagesInjected,
        ConnectionTimeExceeded,
        ReceivingFailed,
        Killed,
        Accepted,
        Unfinished,
    ];
    const ENDINGS: [EndingKind; 10] = [
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
    ];

    fn every_situation() -> impl Iterator<Item = Situation> {
        let whys = [
            None,
            Some(Why::Timer),
            Some(Why::Limit),
            Some(Why::Policy),
            Some(Why::Killed),
            Some(Why::Unknown),
        ];
        let parties = [None, Some(Party::Sender), Some(Party::Appliance)];
        CLAIMS.into_iter().flat_map(move |claim| {
            ENDINGS.into_iter().flat_map(move |ending| {
                whys.into_iter().flat_map(move |why| {
                    parties.into_iter().flat_map(move |by| {
                        [Lost::Yes, Lost::No, Lost::Unknown].into_iter().flat_map(move |lost| {
                            (0..8u8).map(move |bits| Situation {
                                claim,
                                lost,
                                ending,
                                by,
                                why,
                                race: bits & 1 != 0,
                                by_rset: bits & 2 != 0,
                                whole: bits & 4 != 0,
                            })
                        })
                    })
                })
            })
        })
    }

    #[test]
    fn every_situation_meets_exactly_one_rule() {
        for situation in every_situation() {
            let matching: Vec<_> = RULES.iter().filter(|rule| rule.matches(&situation)).collect();
            assert_eq!(matching.len(), 1, "{situation:?} meets {matching:#?}");
        }
    }

    #[test]
    fn every_rule_is_met_and_says_what_is_missing_where_it_cannot_tell() {
        for rule in RULES {
            assert!(every_situation().any(|situation| rule.matches(&situation)), "never met: {rule:?}");
            assert_eq!(rule.missing.is_empty(), rule.verdict != Undetermined, "{rule:?}");
            assert!(!rule.because.is_empty());
        }
    }

    /// The rows of the specification, one by one.
    #[test]
    fn the_rows_say_what_was_specified() {
        let plain = Situation {
            claim: ReceivingAborted,
            lost: Lost::Unknown,
            ending: Fin,
            by: Some(Party::Sender),
            why: None,
            race: false,
            by_rset: false,
            whole: true,
        };
        let says = |situation: Situation| rule(&situation).unwrap().verdict;
        for (ending, lost, why, race, expected) in [
            (Fin, Lost::Yes, None, false, Confirmed),
            (Rst, Lost::Yes, None, false, Confirmed),
            (Silence, Lost::Unknown, None, false, Confirmed),
            (Silence, Lost::Yes, None, false, Undetermined),
            (ApplianceClosed, Lost::No, Some(Why::Timer), false, Confirmed),
            (ApplianceClosed, Lost::Yes, Some(Why::Limit), false, Contradicted),
            (ApplianceClosed, Lost::No, Some(Why::Limit), false, Undetermined),
            (Completed, Lost::Yes, None, false, Contradicted),
            (Quit, Lost::No, None, false, Contradicted),
            (Quit, Lost::No, None, true, Undetermined),
            (Refused, Lost::No, None, false, Undetermined),
            (ApplianceStalled, Lost::Yes, None, false, Undetermined),
            (CaptureEnded, Lost::Yes, None, false, Undetermined),
        ] {
            assert_eq!(says(Situation { ending, lost, why, race, ..plain }), expected, "{ending:?}");
        }
        let by_sender = Situation { claim: ReceivingAbortedBySender, ..plain };
        assert_eq!(says(Situation { ending: Quit, ..by_sender }), Confirmed);
        assert_eq!(says(Situation { ending: Fin, ..by_sender }), Contradicted);
        assert_eq!(says(Situation { ending: Fin, whole: false, ..by_sender }), Undetermined);
        assert_eq!(says(Situation { ending: Abandoned, by_rset: true, ..by_sender }), Confirmed);
        let timer = Situation { claim: NoMessagesInjected, ..plain };
        assert_eq!(says(Situation { ending: Silence, ..timer }), Confirmed);
        assert_eq!(says(Situation { ending: Quit, ..timer }), Contradicted);
    }
}
