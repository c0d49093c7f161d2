//! Networks whose aborts stand out.

use std::collections::{BTreeMap, BTreeSet};

use crate::cause::patterns::chance::{Factorials, corrected};
use crate::cause::patterns::{Found, Pattern, Prefix, Set};

/// Its name in the report. It gives no sign: that a network's aborts stand out says nothing of who is at
/// fault.
const NAME: &str = "aborts_of_one_network";

/// Aborted connections of a network that are worth a word.
const MIN_ABORTS: usize = 3;
/// The highest chance, corrected for all networks, at which one stands out.
const MAX_CHANCE: f64 = 0.01;

#[derive(Debug, Default)]
struct Counts {
    sessions: usize,
    aborted: usize,
    cases: Vec<usize>,
}

pub(super) fn read(set: &Set<'_>, found: &mut Found) {
    let mut aborted: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for member in set.received().filter(|member| member.is_abort) {
        aborted.entry(member.session).or_default().push(member.case);
    }
    let mut networks: BTreeMap<Prefix, Counts> = BTreeMap::new();
    let (mut sessions, mut all_aborted) = (0, 0);
    for (place, session) in set.injections() {
        let counts = networks.entry(Prefix::of(session.client().ip)).or_default();
        counts.sessions += 1;
        sessions += 1;
        if let Some(cases) = aborted.get(&place) {
            counts.aborted += 1;
            all_aborted += 1;
            counts.cases.extend(cases);
        }
    }
    let looked_at = networks.len();
    if looked_at < 2 || all_aborted < MIN_ABORTS {
        return;
    }
    let factorials = Factorials::up_to(sessions);
    let patterns = networks.iter().filter(|(_, counts)| counts.aborted >= MIN_ABORTS).filter_map(
        |(network, counts)| {
            let single = factorials.upper_tail(sessions, all_aborted, counts.sessions, counts.aborted);
            let chance = corrected(single, looked_at);
            (chance <= MAX_CHANCE).then(|| Pattern {
                name: NAME,
                detail: format!(
                    "{} of {} connections from {network} were aborted, of all others {} of {}",
                    counts.aborted,
                    counts.sessions,
                    all_aborted - counts.aborted,
                    sessions - counts.sessions
                ),
                count: counts.aborted as u64,
                chance,
                supposing: "aborts fall on networks as their connections do (Fisher's exact test, corrected for \
                            all networks)",
                cases: counts.cases.iter().copied().collect::<BTreeSet<_>>().into_iter().collect(),
            })
        },
    );
    found.extend(patterns.collect());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::patterns::testing::Made;
    use crate::cause::testing::Scene;

    fn made(each: &[(&str, usize, usize)]) -> Found {
        let mut made = Made::default();
        for (ip, aborted, fine) in each {
            for number in 0..aborted + fine {
                made.add(ip, Scene::with_headers([]), number < *aborted);
            }
        }
        made.found(read)
    }

    #[test]
    fn a_network_that_stands_out() {
        let found = made(&[("192.0.2.1", 6, 0), ("198.51.100.1", 1, 40), ("203.0.113.1", 0, 40)]);
        assert_eq!(found.patterns.len(), 1);
        let pattern = &found.patterns[0];
        assert_eq!(
            pattern.detail,
            "6 of 6 connections from 192.0.2.0/24 were aborted, of all others 1 of 81"
        );
        assert_eq!((pattern.count, pattern.cases.len()), (6, 6));
        assert!(pattern.chance > 0.0 && pattern.chance < 1e-6, "{}", pattern.chance);
        assert!(found.signs.is_empty());
    }

    #[test]
    fn aborts_everywhere_or_too_few_show_nothing() {
        assert_eq!(made(&[("192.0.2.1", 5, 5), ("198.51.100.1", 5, 5)]), Found::default());
        assert_eq!(made(&[("192.0.2.1", 2, 0), ("198.51.100.1", 0, 50)]), Found::default());
        assert_eq!(made(&[("192.0.2.1", 9, 0)]), Found::default(), "nothing to compare it with");
        // Of many networks with one in two aborted, one with 3 of 3 is no wonder.
        let many: Vec<String> = (0..40).map(|number| format!("10.0.{number}.1")).collect();
        let mut each: Vec<(&str, usize, usize)> = many.iter().map(|ip| (ip.as_str(), 1, 1)).collect();
        each.push(("192.0.2.1", 3, 0));
        assert_eq!(made(&each), Found::default());
    }
}
