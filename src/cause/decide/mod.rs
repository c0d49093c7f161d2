//! The decision over the signs.
//!
//! What the ending allows stands in one table (`COURSES`): causes that accuse are tried in their order,
//! and one of them holds with a decisive sign (named) or with two strong ones of different groups (likely,
//! unless a strong sign of the sender speaks against it). Else the ending's own account holds: who
//! closed, as far as its signs bear that out. A suspicion below that stays in the signs.
//!
//! The closer is not the cause: where a timer of the appliance, or a sender's close, follows a stall, the
//! stall is looked into first.

mod courses;
mod own;
#[cfg(test)]
mod tests;
mod weigh;

use crate::capture::CloseKind;
use crate::cause::signs::{Group, resets};
use crate::cause::{Cause, CauseKind, Confidence, Evidence, Sign, Strength, Vantage, next_step};
use crate::smtp::EndingKind;

pub(super) use own::OWN_RESET_LIKELY;
use own::own_account;
pub(super) use weigh::groups;
use weigh::{bearing, shown_from_outside, weigh};

/// Decides over `signs`, which were read from `evidence`. `None` where nothing went wrong.
pub fn decide(evidence: &Evidence<'_>, signs: &[Sign]) -> Option<Cause> {
    let kind = evidence.ending.kind;
    if kind == EndingKind::Completed {
        return None;
    }
    let by_signs = courses::of(evidence);
    // A forged reset that changed nothing is no cause of a FIN that came later.
    let of_the_end: Vec<Sign> = signs
        .iter()
        .filter(|sign| kind != EndingKind::Fin || !resets::FAMILY.rules.contains(&sign.rule))
        .cloned()
        .collect();
    let weighed = &of_the_end;
    let decided = shown_from_outside(by_signs, weighed)
        .into_iter()
        .chain(by_signs.iter().copied())
        .find_map(|cause| weigh(cause, weighed).map(|confidence| Account::of(cause, confidence, weighed)))
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
        Self::new(CauseKind::NotVisibleHere, Confidence::Likely, because)
    }

    /// On the way, what bears the appliance's address may be forged just as well.
    fn seen_from(mut self, vantage: Vantage, evidence: &Evidence<'_>) -> Self {
        let by_tcp = evidence
            .session
            .flow
            .closes
            .effective
            .is_some_and(|close| close.kind == CloseKind::Rst && close.by == evidence.appliance());
        if self.kind == CauseKind::ApplianceClosed && by_tcp && vantage != Vantage::OnAppliance {
            self.confidence = Confidence::Likely;
            self.because.push_str(
                "; the capture was not shown to be taken on the appliance, so its address may be borrowed",
            );
        }
        self
    }
}
