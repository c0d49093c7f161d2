//! The second witness's account of a case.

use super::Builder;
use crate::cause::outside::Comparison;
use crate::net::Party;
use crate::report::document::OutsideAccount;

impl Builder<'_> {
    /// `place`: the case's place in the list of cases.
    pub(super) fn outside(&self, place: usize) -> Option<OutsideAccount> {
        let comparison = self.investigation.comparisons.get(&place)?;
        let parties = |which: [bool; 2]| {
            let [sender, appliance] = which;
            let each = [(sender, Party::Sender), (appliance, Party::Appliance)];
            each.into_iter().filter_map(|(is_so, party)| is_so.then_some(party)).collect()
        };
        let Comparison { ends, clock, .. } = comparison;
        Some(OutsideAccount {
            capture: self.path_of(comparison.first.capture.0),
            sender: ends.map(|[_, [sender, _]]| sender),
            appliance: ends.map(|[_, [_, appliance]]| appliance),
            translated: parties(comparison.translated()),
            renumbered: parties(comparison.identity.renumbered),
            passage: comparison.passage,
            packets_on_both_sides: comparison.matched as u64,
            whole: comparison.whole,
            clock_ahead_seconds: clock.ahead,
            give_or_take_seconds: clock.give_or_take,
            hops: comparison.hops,
            same_place: comparison.one_place.is_some(),
        })
    }
}
