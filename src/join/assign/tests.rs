use super::*;
use proptest::prelude::*;

fn total(edges: &[Vec<Edge>], choice: &[Option<usize>]) -> f64 {
    choice
        .iter()
        .enumerate()
        .filter_map(|(left, right)| {
            right.map(|right| f64::from(edges[left].iter().find(|e| e.session() == right).unwrap().score))
        })
        .sum()
}

/// The best total by trying everything; `ban` forbids a pair, `force` demands one.
fn brute(
    edges: &[Vec<Edge>],
    left: usize,
    used: &mut Vec<usize>,
    ban: Option<(usize, Option<usize>)>,
    force: Option<(usize, usize)>,
) -> f64 {
    if left == edges.len() {
        return 0.0;
    }
    let mut best = f64::NEG_INFINITY;
    let options = edges[left].iter().map(|e| (Some(e.session()), f64::from(e.score))).chain([(None, 0.0)]);
    for (right, score) in options {
        if ban == Some((left, right)) || force.is_some_and(|(l, r)| l == left && right != Some(r)) {
            continue;
        }
        if let Some(right) = right {
            if used.contains(&right) {
                continue;
            }
            used.push(right);
        }
        best = best.max(score + brute(edges, left + 1, used, ban, force));
        if right.is_some() {
            used.pop();
        }
    }
    best
}

fn graph() -> impl Strategy<Value = Vec<Vec<Edge>>> {
    let edge = (0usize..5, -20i32..80).prop_map(|(right, score)| Edge::new(right, f64::from(score) / 4.0));
    let edges = prop::collection::vec(edge, 0..5).prop_map(|mut edges| {
        edges.sort_by_key(|e| e.right);
        edges.dedup_by_key(|e| e.right);
        edges
    });
    prop::collection::vec(edges, 1..6)
}

proptest! {
    #[test]
    fn totals_margins_and_alternatives_are_those_of_trying_everything(edges in graph()) {
        let mut assignment = Assignment::solve(&edges, 5);
        let choice: Vec<_> = (0..edges.len()).map(|left| assignment.right_of(left)).collect();
        let best = brute(&edges, 0, &mut Vec::new(), None, None);
        prop_assert!((total(&edges, &choice) - best).abs() < 1e-9);
        for (left, &held) in choice.iter().enumerate() {
            let without = brute(&edges, 0, &mut Vec::new(), Some((left, held)), None);
            let margin = assignment.margin(left);
            if without.is_finite() || margin.is_finite() {
                prop_assert!((margin - (best - without)).abs() < 1e-9, "margin {margin}, {}", best - without);
            }
            for edge in &edges[left] {
                let forced = brute(&edges, 0, &mut Vec::new(), None, Some((left, edge.session())));
                let worse = assignment.worse_with(left, edge.session());
                prop_assert!((worse - (best - forced)).abs() < 1e-9, "worse {worse}, {}", best - forced);
            }
        }
    }
}

#[test]
fn a_pair_worth_nothing_is_not_made() {
    let edges = vec![vec![Edge::new(0, -1.0)]];
    assert_eq!(Assignment::solve(&edges, 1).right_of(0), None);
}

#[test]
fn the_whole_outranks_the_first_come() {
    let edges = vec![vec![Edge::new(0, 10.0), Edge::new(1, 9.0)], vec![Edge::new(0, 10.0)]];
    let mut assignment = Assignment::solve(&edges, 2);
    assert_eq!((assignment.right_of(0), assignment.right_of(1)), (Some(1), Some(0)));
    assert!((assignment.margin(1) - 9.0).abs() < 1e-9);
}
