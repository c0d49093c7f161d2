//! How the log's connection of a case was found on the wire.

use super::Builder;
use crate::case::Case;
use crate::join::{Doubt, MatchOutcome};
use crate::report::document::{MatchAccount, MatchEvidence, Rival};

/// Rivals listed for an ambiguous connection; their number is told whole.
const MAX_RIVALS: usize = 32;

impl Builder<'_> {
    pub(super) fn match_account(&self, case: &Case) -> MatchAccount {
        let Some(matched) = &case.matched else {
            return MatchAccount {
                outcome: MatchOutcome::NotFound,
                score: None,
                margin: None,
                evidence: Vec::new(),
                rivals: Vec::new(),
                explanation: "no line of the log names the connection".to_owned(),
            };
        };
        let explanation = match matched.outcome {
            MatchOutcome::Matched => match matched.candidates {
                0 | 1 => "no other connection is in reach of its address and time".to_owned(),
                count => {
                    format!("{count} connections are in reach of its address and time; this one fits best")
                }
            },
            MatchOutcome::Ambiguous if matched.doubt == Some(Doubt::Crowd) => format!(
                "it may be any of {} connections, too many to weigh; the likeliest of some is shown",
                matched.candidates
            ),
            MatchOutcome::Ambiguous if matched.rivals.is_empty() => {
                "it may be this connection; what is missing stands with the verdict".to_owned()
            }
            MatchOutcome::Ambiguous => {
                format!("it may be any of {} connections; the likeliest is shown", matched.rivals.len() + 1)
            }
            MatchOutcome::NotFound => {
                format!("{} connections are in reach of its address and time", matched.candidates)
            }
        };
        MatchAccount {
            outcome: matched.outcome,
            score: matched.score,
            margin: matched.margin,
            evidence: matched
                .evidence
                .iter()
                .map(|piece| MatchEvidence {
                    name: piece.name.to_owned(),
                    weight: piece.weight,
                    detail: piece.detail.clone(),
                })
                .collect(),
            rivals: matched
                .rivals
                .iter()
                .take(MAX_RIVALS)
                .enumerate()
                .filter_map(|(index, rival)| {
                    let session = self.investigation.sessions.get(rival.session)?;
                    Some(Rival {
                        client: session.client(),
                        server: session.server(),
                        community_id: session.tuple().community_id(),
                        worse_by: rival.worse_by,
                        kind: case.rival_endings.get(index).map(|ending| ending.kind),
                        capture: self.capture_path(session.flow.first),
                        frame: session.flow.first.frame.frame,
                    })
                })
                .collect(),
            explanation,
        }
    }
}
