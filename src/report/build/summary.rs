//! The counts of a report.

use super::Builder;
use crate::join::MatchOutcome;
use crate::net::Leg;
use crate::report::document::{Deliveries, Summary};
use crate::verdict::VerdictKind;

impl Builder<'_> {
    pub(super) fn summary(&self) -> Summary {
        let investigation = self.investigation;
        let connections = &investigation.log.connections;
        let of = |leg| connections.iter().filter(|connection| connection.leg == leg).count() as u64;
        let matched = |leg| {
            let pairs = connections.iter().zip(&investigation.joined.matches);
            pairs
                .filter(|(connection, matched)| {
                    connection.leg == leg && matched.outcome == MatchOutcome::Matched
                })
                .count() as u64
        };
        let mut summary = Summary {
            connections: of(Leg::Injection),
            wire_connections: investigation.wire_connections,
            wire_without_icid: investigation.wire_without_icid,
            matched: matched(Leg::Injection),
            icid_zero: investigation.log.left_out.icid_zero,
            policy_aborts: investigation.log.left_out.policy_aborts,
            deliveries: Deliveries {
                connections: of(Leg::Delivery),
                matched: matched(Leg::Delivery),
                never_connected: investigation.log.left_out.dcid_zero,
                ..Deliveries::default()
            },
            ..Summary::default()
        };
        for case in &investigation.cases {
            if !case.is_abort() {
                summary.finished += 1;
                continue;
            }
            let leg = case.claim.connection.and_then(|index| connections.get(index)).map(|one| one.leg);
            let deliveries = &mut summary.deliveries;
            let (all, of_verdict) = match (leg, case.verdict.kind) {
                (Some(Leg::Delivery), VerdictKind::Confirmed) => {
                    (&mut deliveries.failed, &mut deliveries.confirmed)
                }
                (Some(Leg::Delivery), VerdictKind::Contradicted) => {
                    (&mut deliveries.failed, &mut deliveries.contradicted)
                }
                (Some(Leg::Delivery), VerdictKind::Undetermined) => {
                    (&mut deliveries.failed, &mut deliveries.undetermined)
                }
                (_, VerdictKind::Confirmed) => (&mut summary.aborted, &mut summary.confirmed),
                (_, VerdictKind::Contradicted) => (&mut summary.aborted, &mut summary.contradicted),
                (_, VerdictKind::Undetermined) => (&mut summary.aborted, &mut summary.undetermined),
            };
            *all += 1;
            *of_verdict += 1;
        }
        summary
    }
}
