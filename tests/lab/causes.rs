//! Causes, each compared with the real one.

use std::fmt;

use mailwitness::cause::CauseKind;
use serde_json::Value;

use crate::cases::Measured;

/// The cause given for one aborted message, beside the real one.
pub(crate) struct Judged<'a> {
    pub(crate) case: &'a Measured,
    want: &'a Value,
    found: Option<&'a Value>,
}

/// How it compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Right,
    /// Nothing said of what could be known.
    Undetermined,
    Wrong,
    /// Not knowable, and so it was left, or no more than what can be seen was called likely.
    Left,
    /// Something said of what cannot be known.
    FalselyDetermined,
}

impl Judged<'_> {
    /// The real cause.
    pub(crate) fn real(&self) -> &str {
        self.want["cause"].as_str().unwrap_or("none")
    }

    /// The cause given; what names none is `not_visible_here`.
    pub(crate) fn given(&self) -> &str {
        self.found.and_then(|found| found["cause"].as_str()).unwrap_or(NOT_VISIBLE)
    }

    /// Whether the appliance was to deliver it.
    pub(crate) fn is_delivery(&self) -> bool {
        !self.want["dcid"].is_null()
    }

    pub(crate) fn confidence(&self) -> &str {
        self.found.and_then(|found| found["confidence"].as_str()).unwrap_or("")
    }

    pub(crate) fn knowable(&self) -> bool {
        self.want["cause_knowable"] == true
    }

    pub(crate) fn outcome(&self) -> Outcome {
        let given = self.given();
        if self.knowable() {
            return match given {
                NOT_VISIBLE => Outcome::Undetermined,
                given if given == self.real() => Outcome::Right,
                _ => Outcome::Wrong,
            };
        }
        let visible = self.want["cause_visible"].as_array().unwrap().iter().any(|cause| cause == given);
        match given {
            NOT_VISIBLE => Outcome::Left,
            _ if visible && self.confidence() == "likely" => Outcome::Left,
            _ => Outcome::FalselyDetermined,
        }
    }

    pub(crate) fn is_right(&self) -> bool {
        matches!(self.outcome(), Outcome::Right | Outcome::Left)
    }

    /// A device or the path is accused, where neither had a hand in it.
    pub(crate) fn is_false_accusation(&self) -> bool {
        accuses(self.given()) && !accuses(self.real())
    }
}

impl fmt::Display for Judged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: MID {}: {} {}, really {}{}",
            self.case.name,
            self.want["mid"],
            self.given(),
            self.confidence(),
            self.real(),
            if self.knowable() { "" } else { " (not knowable)" }
        )
    }
}

const NOT_VISIBLE: &str = "not_visible_here";

fn accuses(cause: &str) -> bool {
    CauseKind::ALL.into_iter().any(|kind| kind.accuses() && serde_json::to_value(kind).unwrap() == cause)
}

/// Every message that was aborted or could not be delivered; delivered ones, also where the log claims otherwise, have
/// no cause.
pub(crate) fn judged(measured: &[Measured]) -> impl Iterator<Item = Judged<'_>> {
    measured.iter().flat_map(|case| {
        let wanted = case.wanted().iter().chain(case.deliveries());
        wanted.filter(|want| !want["cause"].is_null()).map(move |want| Judged {
            case,
            want,
            found: Measured::found(&case.report, want),
        })
    })
}

/// Cases of the lab in which a device or the path had a hand and that can be known: how many have it named or
/// likely, how many there are, and those that have not.
pub(crate) fn interference(measured: &[Measured]) -> (usize, usize, Vec<&str>) {
    let (mut right, mut knowable, mut missed) = (0, 0, Vec::new());
    for case in measured.iter().filter(|case| !case.forged) {
        let mut theirs = judged(std::slice::from_ref(case))
            .filter(|it| accuses(it.real()) && it.knowable())
            .map(|it| it.outcome() == Outcome::Right)
            .peekable();
        if theirs.peek().is_none() {
            continue;
        }
        knowable += 1;
        if theirs.all(|named| named) { right += 1 } else { missed.push(case.name.as_str()) }
    }
    (right, knowable, missed)
}
