//! The best assignment of log connections to flows, over all of them at once, and what each pair is
//! worth: how much worse everything would be without it.
//!
//! Sparse minimum-cost assignment by successive shortest augmenting paths with potentials (the
//! Hungarian method; R. Jonker and A. Volgenant, "A shortest augmenting path algorithm for dense and
//! sparse linear assignment problems", Computing 38, 1987). Every left node also has a private node
//! that stands for "its flow is not in the file", at score 0, so a left node with no edge worth more
//! than nothing stays unassigned. Scores are nats: higher is better.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// An edge from a left node: to a right node, with a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// The right node.
    pub right: usize,
    /// What the pair is worth, in nats.
    pub score: f64,
}

/// Steps one search for an alternative may take; beyond it the margin found so far is a lower bound.
const MAX_STEPS: usize = 20_000;

/// A finished assignment; answers questions about alternatives.
#[derive(Debug)]
pub struct Assignment<'a> {
    edges: &'a [Vec<Edge>],
    rights: usize,
    /// For each real right node, the left nodes with an edge to it.
    takers: Vec<Vec<usize>>,
    /// For each left node, the right node it holds (real, or its private one).
    of_left: Vec<usize>,
    /// For each right node (real ones first, then the private ones), who holds it.
    of_right: Vec<Option<usize>>,
    left_potential: Vec<f64>,
    right_potential: Vec<f64>,
    search: Search,
}

impl<'a> Assignment<'a> {
    /// Assigns every left node, best in total. `edges[left]` lists the candidates of each left node;
    /// right nodes are `0..rights`.
    pub fn solve(edges: &'a [Vec<Edge>], rights: usize) -> Self {
        let nodes = rights + edges.len();
        let mut takers = vec![Vec::new(); rights];
        for (left, edges) in edges.iter().enumerate() {
            for edge in edges {
                if let Some(takers) = takers.get_mut(edge.right) {
                    takers.push(left);
                }
            }
        }
        let mut this = Self {
            edges,
            rights,
            takers,
            of_left: vec![usize::MAX; edges.len()],
            of_right: vec![None; nodes],
            // The cheapest edge: with right potentials never above 0 no reduced cost is negative.
            left_potential: edges
                .iter()
                .map(|edges| edges.iter().map(|edge| -edge.score).fold(0.0, f64::min))
                .collect(),
            right_potential: vec![0.0; nodes],
            search: Search::new(nodes),
        };
        for left in 0..edges.len() {
            this.augment(left);
        }
        this
    }

    /// The right node that `left` got; `None`: its flow is not in the file.
    pub fn right_of(&self, left: usize) -> Option<usize> {
        self.of_left.get(left).copied().filter(|&right| right < self.rights)
    }

    /// Who got `right`.
    pub fn left_of(&self, right: usize) -> Option<usize> {
        self.of_right.get(right).copied().flatten()
    }

    /// How much worse the best assignment without the pair (`left`, what it got) is.
    pub fn margin(&mut self, left: usize) -> f64 {
        let Some(&held) = self.of_left.get(left) else { return 0.0 };
        let refund = self.refund(held);
        self.detour(left, None, held, refund)
    }

    /// How much worse the best assignment is in which `left` gets `right` instead; infinite where
    /// there is no such edge.
    pub fn worse_with(&mut self, left: usize, right: usize) -> f64 {
        let Some(&held) = self.of_left.get(left) else { return f64::INFINITY };
        if held == right {
            return 0.0;
        }
        let Some(reduced) = self.reduced_cost(left, right) else { return f64::INFINITY };
        let refund = self.refund(held);
        match self.left_of(right) {
            None => reduced - refund,
            Some(displaced) => reduced + self.detour(displaced, Some(left), held, refund),
        }
    }

    /// The cheapest way to seat `left` anew, away from the right node it holds and not through
    /// `without`. `freed` is free to be taken; where the way ends elsewhere, `refund` (at most 0) is
    /// what the others gain by its being free.
    fn detour(&mut self, left: usize, without: Option<usize>, freed: usize, refund: f64) -> f64 {
        let held = self.of_left.get(left).copied().unwrap_or(usize::MAX);
        let mut best = f64::INFINITY;
        let mut steps = 0;
        self.search.begin();
        self.relax(left, 0.0, Some(held));
        while let Some((distance, right)) = self.search.pop() {
            // Every end costs at least its distance.
            if distance >= best || steps == MAX_STEPS {
                return best.min(distance);
            }
            steps += 1;
            if right == freed {
                best = best.min(distance);
                continue;
            }
            match self.left_of(right) {
                None => best = best.min(distance - refund),
                Some(owner) if Some(owner) == without || owner == left => {}
                Some(owner) => self.relax(owner, distance, None),
            }
        }
        best
    }

    /// The price of `right` that is not won back when its holder goes and the others may move up:
    /// never above 0.
    ///
    /// A way of [`Self::detour`] and such a chain of moves may cross; then the same steps also make a
    /// way to the freed node that costs no more, so taking the lesser of the two is exact.
    fn refund(&mut self, right: usize) -> f64 {
        let price = self.right_potential(right);
        let holder = self.left_of(right);
        let mut gained = 0.0f64;
        let mut steps = 0;
        self.search.begin();
        self.search.offer(right, 0.0, usize::MAX);
        while let Some((distance, freed)) = self.search.pop() {
            gained = gained.max(self.right_potential(freed) - price - distance);
            steps += 1;
            // No chain gains more than the price.
            if distance >= -price || steps == MAX_STEPS {
                break;
            }
            for at in 0..self.takers.get(freed).map_or(0, Vec::len) {
                let Some(&taker) = self.takers.get(freed).and_then(|takers| takers.get(at)) else { break };
                let Some(&leaves) = self.of_left.get(taker) else { continue };
                if Some(taker) == holder || leaves == freed {
                    continue;
                }
                if let Some(reduced) = self.reduced_cost(taker, freed) {
                    self.search.offer(leaves, distance + reduced, taker);
                }
            }
        }
        price + gained
    }

    fn augment(&mut self, start: usize) {
        self.search.begin();
        self.relax(start, 0.0, None);
        let mut reached: Vec<(f64, usize)> = Vec::new();
        let end = loop {
            // The private node guarantees an end.
            let Some((distance, right)) = self.search.pop() else { return };
            match self.left_of(right) {
                None => break (distance, right),
                Some(owner) => {
                    reached.push((distance, right));
                    self.relax(owner, distance, None);
                }
            }
        };
        for (distance, right) in reached {
            let slack = end.0 - distance;
            if let Some(potential) = self.right_potential.get_mut(right) {
                *potential -= slack;
            }
            if let Some(owner) = self.left_of(right)
                && let Some(potential) = self.left_potential.get_mut(owner)
            {
                *potential += slack;
            }
        }
        if let Some(potential) = self.left_potential.get_mut(start) {
            *potential += end.0;
        }
        let mut right = end.1;
        loop {
            let left = self.search.came_from(right);
            let next = self.of_left.get(left).copied().unwrap_or(usize::MAX);
            if let Some(slot) = self.of_right.get_mut(right) {
                *slot = Some(left);
            }
            if let Some(slot) = self.of_left.get_mut(left) {
                *slot = right;
            }
            if left == start {
                return;
            }
            right = next;
        }
    }

    /// Looks at every edge of `left` but the one to `except`.
    fn relax(&mut self, left: usize, distance: f64, except: Option<usize>) {
        let private = self.rights + left;
        let own = self.left_potential.get(left).copied().unwrap_or(0.0);
        let edges = self.edges;
        let all = edges.get(left).into_iter().flatten().map(|edge| (edge.right, -edge.score));
        for (right, cost) in all.chain([(private, 0.0)]) {
            if Some(right) == except || self.of_left.get(left) == Some(&right) {
                continue;
            }
            let reduced = (cost - own - self.right_potential(right)).max(0.0);
            self.search.offer(right, distance + reduced, left);
        }
    }

    fn reduced_cost(&self, left: usize, right: usize) -> Option<f64> {
        let edge = self.edges.get(left)?.iter().find(|edge| edge.right == right)?;
        let own = self.left_potential.get(left).copied().unwrap_or(0.0);
        Some((-edge.score - own - self.right_potential(right)).max(0.0))
    }

    fn right_potential(&self, right: usize) -> f64 {
        self.right_potential.get(right).copied().unwrap_or(0.0)
    }
}

/// The state of one Dijkstra search, reused: entries of earlier searches are told by their number.
#[derive(Debug)]
struct Search {
    number: u32,
    seen: Vec<(u32, f64, usize)>,
    done: Vec<u32>,
    heap: BinaryHeap<Step>,
}

impl Search {
    fn new(nodes: usize) -> Self {
        Self { number: 0, seen: vec![(0, 0.0, 0); nodes], done: vec![0; nodes], heap: BinaryHeap::new() }
    }

    fn begin(&mut self) {
        self.number += 1;
        self.heap.clear();
    }

    fn offer(&mut self, right: usize, distance: f64, from: usize) {
        let Some(entry) = self.seen.get_mut(right) else { return };
        if entry.0 == self.number && entry.1 <= distance {
            return;
        }
        *entry = (self.number, distance, from);
        self.heap.push(Step { distance, right });
    }

    fn pop(&mut self) -> Option<(f64, usize)> {
        while let Some(Step { distance, right }) = self.heap.pop() {
            let done = self.done.get_mut(right)?;
            if *done != self.number {
                *done = self.number;
                return Some((distance, right));
            }
        }
        None
    }

    fn came_from(&self, right: usize) -> usize {
        self.seen.get(right).map_or(0, |entry| entry.2)
    }
}

/// A right node on the heap; the nearest is the greatest.
#[derive(Debug)]
struct Step {
    distance: f64,
    right: usize,
}

impl Ord for Step {
    fn cmp(&self, other: &Self) -> Ordering {
        // Ties by number, so that equal inputs always give the same assignment.
        other.distance.total_cmp(&self.distance).then_with(|| other.right.cmp(&self.right))
    }
}

impl PartialOrd for Step {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Step {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Step {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn total(edges: &[Vec<Edge>], choice: &[Option<usize>]) -> f64 {
        choice
            .iter()
            .enumerate()
            .filter_map(|(left, right)| {
                right.map(|right| edges[left].iter().find(|e| e.right == right).unwrap().score)
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
        let options = edges[left].iter().map(|e| (Some(e.right), e.score)).chain([(None, 0.0)]);
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
        let edge =
            (0usize..5, -20i32..80).prop_map(|(right, score)| Edge { right, score: f64::from(score) / 4.0 });
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
                    let forced = brute(&edges, 0, &mut Vec::new(), None, Some((left, edge.right)));
                    let worse = assignment.worse_with(left, edge.right);
                    prop_assert!((worse - (best - forced)).abs() < 1e-9, "worse {worse}, {}", best - forced);
                }
            }
        }
    }

    #[test]
    fn a_pair_worth_nothing_is_not_made() {
        let edges = vec![vec![Edge { right: 0, score: -1.0 }]];
        assert_eq!(Assignment::solve(&edges, 1).right_of(0), None);
    }

    #[test]
    fn the_whole_outranks_the_first_come() {
        let edges = vec![
            vec![Edge { right: 0, score: 10.0 }, Edge { right: 1, score: 9.0 }],
            vec![Edge { right: 0, score: 10.0 }],
        ];
        let mut assignment = Assignment::solve(&edges, 2);
        assert_eq!((assignment.right_of(0), assignment.right_of(1)), (Some(1), Some(0)));
        assert!((assignment.margin(1) - 9.0).abs() < 1e-9);
    }
}
