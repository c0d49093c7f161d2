//! What may have brought each kind of ending about, as a table.

use crate::cause::{CauseKind, Evidence};
use crate::smtp::EndingKind;

use CauseKind::{
    ApplianceLimit, ApplianceStalled, ApplianceTimer, ContentBlocked, MiddleboxLimit, MiddleboxProxy,
    MiddleboxReset, MiddleboxRewriting, PathLostData, PmtuBlackHole, RecipientsRefused, SenderGaveUpWaiting,
    SenderStalled, VerificationProbe,
};

/// Causes of this ending that need signs, in the order in which they are tried.
pub(super) fn of(evidence: &Evidence<'_>) -> &'static [CauseKind] {
    if gave_up_after_a_stall(evidence) {
        return STALL;
    }
    let kind = evidence.ending.kind;
    COURSES.iter().find(|course| course.ending == kind).map_or(&[], |course| course.by_signs)
}

/// Whether the server refused unasked, by a 421 after a stall: its timer ran out, and what had stalled is the
/// question.
pub(super) fn gave_up_after_a_stall(evidence: &Evidence<'_>) -> bool {
    evidence.ending.kind == EndingKind::Refused
        && evidence.ending.stall.is_some()
        && evidence.session.dialog.unsolicited.as_ref().is_some_and(|reply| reply.code.0 == 421)
}

/// What may have brought an ending about.
struct Course {
    ending: EndingKind,
    by_signs: &'static [CauseKind],
}

/// What lies behind a stall of the sender.
const STALL: &[CauseKind] = &[
    MiddleboxProxy,
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
            MiddleboxProxy,
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
            MiddleboxProxy,
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
        by_signs: &[
            MiddleboxProxy,
            MiddleboxRewriting,
            PmtuBlackHole,
            MiddleboxLimit,
            PathLostData,
            ApplianceStalled,
        ],
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
