//! A case: one claim of the log with everything that was found out about it.
//!
//! Case = Claim + Match + Ending + Verdict + Cause.

use crate::cause::{Cause, Sign};
use crate::join::Match;
use crate::maillog::{Claim, ClaimKind};
use crate::smtp::Ending;
use crate::testimony::Testimony;
use crate::verdict::Verdict;
use crate::verdict::timers::Fit;

/// See the module.
#[derive(Debug, Clone)]
pub struct Case {
    /// What the log claims.
    pub claim: Claim,
    /// How its connection was found; `None` for a message whose connection no line names.
    pub matched: Option<Match>,
    /// The transaction, an index into those of the matched session.
    pub transaction: Option<usize>,
    /// How it ended on the wire; `None` where there is nothing on the wire to judge.
    pub ending: Option<Ending>,
    /// How each rival of an ambiguous match ended, in the order of the match's rivals.
    pub rival_endings: Vec<Ending>,
    /// Timers that fit.
    pub timers: Vec<Fit>,
    /// The judgement.
    pub verdict: Verdict,
    /// What the appliance's debug log says of the connection, where there is one.
    pub testimony: Option<Testimony>,
    /// Who did it; `None` until attribution exists.
    pub cause: Option<Cause>,
    /// What points somewhere; empty until attribution exists.
    pub signs: Vec<Sign>,
}

impl Case {
    /// Whether it is about a message that did not end well, or a connection that was ended: what a
    /// report shows without being asked for more.
    pub fn is_abort(&self) -> bool {
        !matches!(self.claim.kind, ClaimKind::Accepted | ClaimKind::Unfinished)
    }
}
