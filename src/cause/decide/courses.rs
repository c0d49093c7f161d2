//! What may have brought each kind of ending about, as a table.

use crate::cause::CauseKind;
use crate::smtp::EndingKind;

use CauseKind::{
    ApplianceLimit, ApplianceStalled, ApplianceTimer, ContentBlocked, MiddleboxLimit, MiddleboxProxy,
    MiddleboxReset, MiddleboxRewriting, PathLostData, PmtuBlackHole, RecipientsRefused, SenderGaveUpWaiting,
    SenderStalled, VerificationProbe,
};

/// What may have brought an ending about.
pub(super) struct Course {
    pub(super) ending: EndingKind,
    /// Causes that need signs, in the order in which they are tried.
    pub(super) by_signs: &'static [CauseKind],
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

pub(super) const COURSES: &[Course] = &[
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
