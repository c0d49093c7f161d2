//! The wire's account of a case.

use super::Builder;
use crate::capture::Loss;
use crate::net::{Leg, Party};
use crate::report::document::{EndingAccount, GapAccount, TurnOf, WireAccount};
use crate::report::key_frames::key_frames;
use crate::smtp::ending::Turn;
use crate::smtp::{Ending, Session};

impl Builder<'_> {
    pub(super) fn wire_account(
        &self,
        session: &Session,
        transaction: Option<usize>,
        ending: &Ending,
        leg: Leg,
    ) -> WireAccount {
        let transaction = transaction.and_then(|index| session.dialog.transactions.get(index));
        WireAccount {
            client: session.client(),
            server: session.server(),
            community_id: session.tuple().community_id(),
            conn_state: session.flow.conn_state.as_str().to_owned(),
            history: session.flow.history.clone(),
            ending: self.ending(ending, leg),
            stage: ending.stage,
            turn: ending.turn.map(|turn| match turn {
                Turn::Path => TurnOf::Path,
                Turn::Of(role) => match leg.party(role) {
                    Party::Sender => TurnOf::Sender,
                    Party::Appliance => TurnOf::Appliance,
                },
            }),
            waited_seconds: ending.waited,
            body_octets: transaction
                .map_or(0, |transaction| transaction.body_octets.saturating_add(transaction.body_missing)),
            gaps: self.gaps(session, leg),
            frames: key_frames(session, transaction, ending, leg, |at| self.capture_path(at)),
            encrypted: session.dialog.encryption.is_some(),
        }
    }

    pub(super) fn ending(&self, ending: &Ending, leg: Leg) -> EndingAccount {
        EndingAccount {
            kind: ending.kind,
            by: ending.by.map(|role| leg.party(role)),
            why: ending.why,
            form: ending.form,
            code: ending.code,
            inferred: ending.inferred,
            race: ending.race,
            crossed: ending.crossed,
            capture: ending.at.map(|at| self.capture_path(at)),
            frame: ending.at.map(|at| at.frame.frame),
            time: ending.at.map(|at| at.time),
        }
    }

    fn gaps(&self, session: &Session, leg: Leg) -> Vec<GapAccount> {
        session
            .dialog
            .gaps
            .iter()
            .map(|(role, gap)| GapAccount {
                by: leg.party(*role),
                offset: gap.offset,
                octets: gap.length,
                acknowledged: gap.loss == Loss::Capture,
                capture: self.capture_path(gap.at),
                frame: gap.at.frame.frame,
            })
            .collect()
    }
}
