//! The decision over the signs.
//!
//! What the ending allows stands in one table (`COURSES`): causes that accuse are tried in their order,
//! and one of them holds with a decisive sign (named) or with two strong ones of different groups (likely,
//! unless a strong sign of the sender speaks against it). Else the ending's own account holds: who
//! closed, as far as its signs bear that out. A suspicion below that stays in the signs.
//!
//! The closer is not the cause: where a timer of the appliance, or a sender's close, follows a stall, the
//! stall is looked into first.

use crate::capture::{CloseKind, Effect};
use crate::cause::signs::resets::Class;
use crate::cause::signs::{Group, resets, tls};
use crate::cause::{
    Bearing, Cause, CauseKind, Confidence, Evidence, PointsAt, Sign, Strength, Vantage, headers, next_step,
};
use crate::smtp::ending::{Turn, Why};
use crate::smtp::{EndingKind, Outcome};

use CauseKind::{
    ApplianceClosed, ApplianceLimit, ApplianceRefused, ApplianceStalled, ApplianceTimer, ContentBlocked,
    MiddleboxLimit, MiddleboxReset, MiddleboxRewriting, NotVisibleHere, PathLostData, PmtuBlackHole,
    RecipientsRefused, SenderAbandoned, SenderClosed, SenderGaveUpWaiting, SenderQuit, SenderReset,
    SenderStalled, VerificationProbe,
};

/// Independent strong signs that make an accusation likely.
const STRONG_SIGNS: usize = 2;
/// Independent signs of the sender, moderate or better, that make it likely that it reset the connection.
/// They never name it: a device on the way sees all that it would have to imitate.
const OWN_RESET_LIKELY: usize = 2;

/// What may have brought an ending about.
struct Course {
    ending: EndingKind,
    /// Causes that need signs, in the order in which they are tried.
    by_signs: &'static [CauseKind],
}

/// What lies behind a stall of the sender.
const STALL: &[CauseKind] = &[
    MiddleboxRewriting,
    PmtuBlackHole,
    MiddleboxLimit,
    ContentBlocked,
    PathLostData,
    MiddleboxReset,
    SenderStalled,
];

const COURSES: &[Course] = &[
    Course {
        ending: EndingKind::Refused,
        by_signs: &[MiddleboxRewriting, RecipientsRefused, ApplianceLimit],
    },
    Course {
        ending: EndingKind::Abandoned,
        by_signs: &[MiddleboxRewriting, VerificationProbe, RecipientsRefused],
    },
    Course {
        ending: EndingKind::Quit,
        by_signs: &[MiddleboxRewriting, VerificationProbe, RecipientsRefused],
    },
    Course {
        ending: EndingKind::Fin,
        by_signs: &[
            MiddleboxRewriting,
            MiddleboxReset,
            PmtuBlackHole,
            MiddleboxLimit,
            ContentBlocked,
            SenderGaveUpWaiting,
            VerificationProbe,
            RecipientsRefused,
            PathLostData,
        ],
    },
    Course {
        ending: EndingKind::Rst,
        by_signs: &[
            MiddleboxRewriting,
            ContentBlocked,
            MiddleboxReset,
            PmtuBlackHole,
            MiddleboxLimit,
            SenderGaveUpWaiting,
            PathLostData,
        ],
    },
    Course { ending: EndingKind::Silence, by_signs: STALL },
    Course {
        ending: EndingKind::ApplianceStalled,
        by_signs: &[MiddleboxRewriting, PmtuBlackHole, MiddleboxLimit, PathLostData, ApplianceStalled],
    },
    Course {
        ending: EndingKind::ApplianceClosed,
        by_signs: &[
            MiddleboxRewriting,
            ApplianceLimit,
            PmtuBlackHole,
            MiddleboxLimit,
            ContentBlocked,
            PathLostData,
            ApplianceTimer,
            SenderStalled,
        ],
    },
];

/// Decides over `signs`, which were read from `evidence`. `None` where nothing went wrong.
pub fn decide(evidence: &Evidence<'_>, signs: &[Sign]) -> Option<Cause> {
    let kind = evidence.ending.kind;
    if kind == EndingKind::Completed {
        return None;
    }
    let by_signs =
        COURSES.iter().find(|course| course.ending == kind).map_or(&[][..], |course| course.by_signs);
    // A forged reset that changed nothing is no cause of a FIN that came later.
    let of_the_end: Vec<Sign> = signs
        .iter()
        .filter(|sign| kind != EndingKind::Fin || !resets::FAMILY.rules.contains(&sign.rule))
        .cloned()
        .collect();
    let weighed = &of_the_end;
    let decided = by_signs
        .iter()
        .find_map(|cause| weigh(*cause, weighed).map(|confidence| Account::of(*cause, confidence, weighed)))
        .unwrap_or_else(|| own_account(evidence, weighed));
    let decided = decided.seen_from(evidence.vantage, evidence);
    let bearings = signs.iter().map(|sign| bearing(decided.kind, sign)).collect();
    let settled = signs
        .iter()
        .any(|sign| sign.rule.group == Group::Outside && sign.rule.supports.contains(&decided.kind));
    let asked = next_step::next_step(decided.kind, decided.confidence, evidence);
    Some(Cause {
        kind: decided.kind,
        confidence: decided.confidence,
        because: decided.because,
        bearings,
        next_step: if settled { next_step::between(decided.kind) } else { asked },
    })
}

/// A cause with its reason.
struct Account {
    kind: CauseKind,
    confidence: Confidence,
    because: String,
}

impl Account {
    fn new(kind: CauseKind, confidence: Confidence, because: impl Into<String>) -> Self {
        Self { kind, confidence, because: because.into() }
    }

    /// A cause that signs bear out: its strongest signs are its reason.
    fn of(kind: CauseKind, confidence: Confidence, signs: &[Sign]) -> Self {
        let mut supporting: Vec<&Sign> =
            signs.iter().filter(|sign| sign.rule.supports.contains(&kind)).collect();
        supporting.sort_by_key(|sign| std::cmp::Reverse(sign.strength));
        let strongest = supporting.first().map_or(Strength::Weak, |sign| sign.strength);
        let told: Vec<&str> = supporting
            .iter()
            .filter(|sign| sign.strength == strongest)
            .map(|sign| sign.detail.as_str())
            .collect();
        Self::new(kind, confidence, told.join("; "))
    }

    fn not_visible(because: impl Into<String>) -> Self {
        Self::new(NotVisibleHere, Confidence::Likely, because)
    }

    /// On the way, what bears the appliance's address may be forged just as well.
    fn seen_from(mut self, vantage: Vantage, evidence: &Evidence<'_>) -> Self {
        let by_tcp = evidence
            .session
            .flow
            .closes
            .effective
            .is_some_and(|close| close.kind == CloseKind::Rst && close.by == evidence.appliance());
        if self.kind == ApplianceClosed && by_tcp && vantage != Vantage::OnAppliance {
            self.confidence = Confidence::Likely;
            self.because.push_str(
                "; the capture was not shown to be taken on the appliance, so its address may be borrowed",
            );
        }
        self
    }
}

/// How sure `cause` is by its signs alone.
fn weigh(cause: CauseKind, signs: &[Sign]) -> Option<Confidence> {
    let supporting = |sign: &&Sign| sign.rule.supports.contains(&cause);
    if cause.accuses() && signs.iter().any(shown_outside) {
        return None;
    }
    if signs.iter().filter(supporting).any(|sign| sign.strength == Strength::Decisive) {
        // Octets that never came are a fact; whether a line or a device took them does not show from one
        // place.
        let from_one_place = !signs.iter().filter(supporting).any(|sign| sign.rule.group == Group::Outside);
        let likely = cause == PathLostData && from_one_place;
        return Some(if likely { Confidence::Likely } else { Confidence::Named });
    }
    let strong = groups(signs.iter().filter(supporting), Strength::Strong);
    let against = cause.accuses()
        && signs.iter().any(|sign| sign.points_at == PointsAt::Sender && sign.strength >= Strength::Strong);
    let needed = if cause.accuses() { STRONG_SIGNS } else { 1 };
    (strong >= needed && !against).then_some(Confidence::Likely)
}

/// Whether a capture of the sender's side shows that the sender did it.
fn shown_outside(sign: &Sign) -> bool {
    sign.rule.group == Group::Outside
        && sign.points_at == PointsAt::Sender
        && sign.strength == Strength::Decisive
}

/// In how many independent groups there is a sign of at least `strength`.
fn groups<'a>(signs: impl Iterator<Item = &'a Sign>, strength: Strength) -> usize {
    let mut seen: Vec<Group> =
        signs.filter(|sign| sign.strength >= strength).map(|sign| sign.rule.group).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len()
}

/// How a sign bears on the cause.
fn bearing(cause: CauseKind, sign: &Sign) -> Bearing {
    if sign.rule.supports.contains(&cause) {
        Bearing::For
    } else if cause == NotVisibleHere {
        // Nothing was decided that it could speak against.
        Bearing::Aside
    } else if sign.rule.speaks_against(cause) && sign.strength > Strength::Weak {
        Bearing::Against
    } else {
        Bearing::Aside
    }
}

/// The ending's own account, where no sign shows what lies behind it.
fn own_account(evidence: &Evidence<'_>, signs: &[Sign]) -> Account {
    let ending = evidence.ending;
    match ending.kind {
        EndingKind::Quit => {
            Account::new(SenderQuit, Confidence::Named, "the sender left at SMTP's level, by QUIT")
        }
        EndingKind::Abandoned => Account::new(
            SenderAbandoned,
            Confidence::Named,
            "the sender gave the message up by a command and kept the connection",
        ),
        EndingKind::Refused => refused(evidence),
        EndingKind::Fin => fin(evidence, signs),
        EndingKind::Rst => rst(evidence, signs),
        EndingKind::Silence => silence(evidence),
        EndingKind::ApplianceStalled => match ending.turn {
            Some(Turn::Path) => Account::not_visible(
                "the appliance's last words were never acknowledged: the path, or the sender's host, was gone",
            ),
            _ => Account::new(
                ApplianceStalled,
                Confidence::Likely,
                "it was the appliance's turn, its last word had been answered, and nothing came from it",
            ),
        },
        EndingKind::ApplianceClosed => appliance_closed(evidence),
        EndingKind::Completed | EndingKind::CaptureEnded => {
            Account::not_visible("the capture does not hold the end of this connection")
        }
    }
}

fn refused(evidence: &Evidence<'_>) -> Account {
    let code = match evidence.transaction.map(|transaction| &transaction.outcome) {
        Some(Outcome::Refused { code, .. }) => Some(*code),
        _ => evidence.ending.code,
    };
    let words = code.map_or_else(String::new, |code| format!(" with {}", code.0));
    Account::new(ApplianceRefused, Confidence::Named, format!("the appliance refused{words}"))
}

fn fin(evidence: &Evidence<'_>, signs: &[Sign]) -> Account {
    if let Some(sign) = signs.iter().find(|sign| shown_outside(sign)) {
        return Account::new(SenderClosed, Confidence::Named, sign.detail.clone());
    }
    let accusing = groups(accusing_reset(signs), Strength::Moderate);
    if accusing > 0 {
        return Account::not_visible(
            "the FIN that ended it bears the sender's address, but not all of its header is the sender's usual one",
        );
    }
    let record_cut = signs.iter().any(|sign| sign.rule == &tls::RECORD_CUT);
    if evidence.session.dialog.encryption.is_some() && !record_cut {
        return Account::new(
            SenderClosed,
            Confidence::Likely,
            "a FIN in sequence ended the connection; whether a QUIT came just before it cannot be read under TLS",
        );
    }
    if resets::distance::usual_ttl(evidence).is_some_and(|usual| headers::hops(usual.ttl).0 == 0) {
        return Account::new(
            SenderClosed,
            Confidence::Likely,
            "a FIN in sequence ended the connection; all that bears the sender's address was sent by a directly \
             attached host, so unless the sender is that, a proxy speaks for it",
        );
    }
    // A FIN nearly always comes from a real stack: the sender's, or that of a proxy that ends its connection.
    Account::new(
        SenderClosed,
        Confidence::Named,
        "a FIN in sequence, as the sender's own stack sends it, ended the connection without QUIT",
    )
}

fn rst(evidence: &Evidence<'_>, signs: &[Sign]) -> Account {
    if let Some(sign) = signs.iter().find(|sign| shown_outside(sign)) {
        return Account::new(SenderReset, Confidence::Named, sign.detail.clone());
    }
    let closes = &evidence.session.flow.closes;
    let sender = evidence.sender();
    let closed_before = closes
        .all
        .iter()
        .any(|close| close.by == sender && close.kind == CloseKind::Fin && close.effect == Effect::Effective);
    let effective = closes.effective.map(|close| close.at.frame);
    let class = resets::class_of(evidence, effective);
    if class == Some(Class::Stateless) && !closed_before {
        return Account::not_visible(
            "the reset only answers a packet of the appliance: its sender knows no such connection any more. \
             How that came about, by a close that was lost on the way, a restart, or a device that reset the \
             sender's side, happened out of sight",
        );
    }
    if groups(accusing_reset(signs), Strength::Moderate) > 0 {
        return Account::not_visible(
            "some of the reset's header is not the sender's usual one, but too little to name a device",
        );
    }
    let own =
        groups(signs.iter().filter(|sign| sign.rule.supports.contains(&SenderReset)), Strength::Moderate);
    if own >= OWN_RESET_LIKELY {
        return Account::new(
            SenderReset,
            Confidence::Likely,
            format!(
                "{own} independent marks of the reset are the sender's own; a device would have to imitate each"
            ),
        );
    }
    Account::not_visible(match evidence.close_up {
        Some(_) => {
            "the reset bears the sender's address, and too little in it tells whether the sender sent it"
        }
        None => {
            "the capture could be read only once, so the reset's header was not compared: save it as a file"
        }
    })
}

/// Signs that a reset or FIN is not the sender's.
fn accusing_reset(signs: &[Sign]) -> impl Iterator<Item = &Sign> {
    signs
        .iter()
        .filter(|sign| sign.points_at == PointsAt::Middlebox && sign.rule.supports.contains(&MiddleboxReset))
}

fn silence(evidence: &Evidence<'_>) -> Account {
    let alive = evidence.ending.stall.is_some_and(|stall| stall.tcp_alive);
    Account::not_visible(if alive {
        "the sender owed the next word and said nothing, while its TCP was alive: its program, or a proxy's, or a \
         device that held its data back"
    } else {
        "the sender owed the next word, and nothing came: its host, the path, or a device that dropped its \
         packets or reset only its side; all look the same from here"
    })
}

fn appliance_closed(evidence: &Evidence<'_>) -> Account {
    let ending = evidence.ending;
    match ending.why {
        Some(Why::Limit) => {
            Account::new(ApplianceLimit, Confidence::Named, "the appliance closed with the words of a limit")
        }
        Some(Why::Policy) => Account::new(
            ApplianceRefused,
            Confidence::Named,
            "the appliance closed with the words of a policy",
        ),
        Some(Why::Timer) if ending.stall.is_some() => silence(evidence),
        Some(Why::Timer) => Account::new(
            ApplianceTimer,
            Confidence::Named,
            "the appliance's timer ran out while the sender still talked",
        ),
        Some(Why::Killed) => Account::new(
            ApplianceClosed,
            Confidence::Named,
            "the appliance was shut down or the connection killed",
        ),
        Some(Why::Unknown) | None => Account::new(
            ApplianceClosed,
            Confidence::Likely,
            "the appliance's own close came first, and nothing on the wire says why",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::trace::SegmentHeader;
    use crate::cause::signs::FAMILIES;
    use crate::cause::testing::{Scene, reset, sender};

    fn decided(scene: &Scene) -> Cause {
        let evidence = scene.evidence();
        let signs = crate::cause::signs::signs(&evidence);
        decide(&evidence, &signs).unwrap()
    }

    #[test]
    fn every_cause_can_be_reached() {
        let by_signs: Vec<CauseKind> =
            COURSES.iter().flat_map(|course| course.by_signs.iter().copied()).collect();
        let own = [
            SenderQuit,
            SenderAbandoned,
            ApplianceRefused,
            NotVisibleHere,
            SenderClosed,
            SenderReset,
            ApplianceStalled,
            ApplianceLimit,
            ApplianceTimer,
            ApplianceClosed,
        ];
        for cause in CauseKind::ALL {
            assert!(by_signs.contains(&cause) || own.contains(&cause), "{cause:?} is never decided");
        }
    }

    #[test]
    fn what_is_tried_by_signs_has_signs() {
        for cause in COURSES.iter().flat_map(|course| course.by_signs) {
            let of_one = FAMILIES.iter().flat_map(|family| family.rules);
            let supported =
                of_one.chain(crate::cause::patterns::RULES).any(|rule| rule.supports.contains(cause));
            assert!(supported, "no sign supports {cause:?}");
        }
    }

    #[test]
    fn one_strong_sign_accuses_nobody_and_a_decisive_one_does() {
        let far = SegmentHeader { ttl: 120, ip_id: Some(107), ..reset(0) };
        let cause = decided(&Scene::with_headers([far]));
        assert_eq!(cause.kind, NotVisibleHere);
        let data = |millis, id| SegmentHeader { payload: 100, ip_id: Some(id), ..sender(millis) };
        let cause = decided(&Scene::with_headers([far, data(200, 108), data(400, 109), data(800, 110)]));
        assert_eq!((cause.kind, cause.confidence), (MiddleboxReset, Confidence::Named));
        assert!(cause.bearings.contains(&Bearing::For) && cause.bearings.contains(&Bearing::Against));
    }

    #[test]
    fn a_senders_own_reset_needs_marks_of_its_own() {
        let own = SegmentHeader { ip_id: Some(107), ..reset(60) };
        let cause = decided(&Scene::with_headers([own]));
        assert_eq!((cause.kind, cause.confidence), (SenderReset, Confidence::Likely));
        let unmarked = SegmentHeader { ip_id: None, ..reset(60) };
        assert_eq!(decided(&Scene::with_headers([unmarked])).kind, NotVisibleHere);
    }
}
