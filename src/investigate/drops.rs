//! Frames that the capturing programs dropped: they passed, and no capture holds them. Whoever judges
//! a silence must know of them.

use crate::capture::CaptureFile;
use crate::case::Case;
use crate::cite::CaptureId;
use crate::smtp::{EndingKind, Session};

/// Frames dropped, by capture; only captures that lack some.
#[derive(Debug, Default)]
pub(super) struct Dropped(Vec<(CaptureId, u64)>);

impl Dropped {
    pub(super) fn of(files: &[CaptureFile]) -> Self {
        let count = |file: &CaptureFile| {
            file.interfaces.iter().fold(0u64, |sum, facts| sum.saturating_add(facts.dropped()))
        };
        Self(files.iter().map(|file| (file.id, count(file))).filter(|(_, count)| *count > 0).collect())
    }

    /// What must be said of the captures taken together.
    pub(super) fn note(&self) -> Option<String> {
        let frames = self.0.iter().fold(0u64, |sum, (_, count)| sum.saturating_add(*count));
        (frames > 0).then(|| {
            format!(
                "the capturing programs say that they dropped {frames} frames: where the wire is silent, an \
                 answer may have passed that was not captured"
            )
        })
    }

    /// Sets the drops against every case that rests on a silence in such a capture.
    pub(super) fn weigh(&self, cases: &mut [Case], sessions: &[Session]) {
        for case in cases {
            let rests_on_silence = case.ending.as_ref().is_some_and(|ending| {
                matches!(ending.kind, EndingKind::Silence | EndingKind::ApplianceStalled)
            });
            let session = case.matched.as_ref().and_then(|matched| sessions.get(matched.session?));
            let Some(session) = session.filter(|_| rests_on_silence) else { continue };
            if let Some((_, frames)) = self.0.iter().find(|(capture, _)| *capture == session.flow.capture) {
                case.verdict.evidence_against.push(format!(
                    "the capturing program dropped {frames} frames of this capture: one of them may have ended \
                     the silence"
                ));
            }
        }
    }
}
