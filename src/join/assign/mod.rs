//! The best assignment of log connections to flows, over all of them at once, and what each pair is
//! worth: how much worse everything would be without it.
//!
//! Sparse minimum-cost assignment by successive shortest augmenting paths with potentials (the
//! Hungarian method; R. Jonker and A. Volgenant, "A shortest augmenting path algorithm for dense and
//! sparse linear assignment problems", Computing 38, 1987). Every left node also has a private node
//! that stands for "its flow is not in the file", at score 0, so a left node with no edge worth more
//! than nothing stays unassigned. Scores are nats: higher is better.

mod search;
#[cfg(test)]
mod tests;

use search::{Search, Takers};

/// An edge from a left node: to a right node, with a score. There may be millions, so it is small.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// The right node.
    pub right: u32,
    /// What the pair is worth, in nats.
    pub score: f32,
}

impl Edge {
    /// An edge to `right`. There are fewer than 2^32 right nodes: each takes more than an octet.
    pub fn new(right: usize, score: f64) -> Self {
        Self { right: u32::try_from(right).unwrap_or(u32::MAX), score: score as f32 }
    }

    /// The right node.
    pub fn session(self) -> usize {
        self.right as usize
    }

    fn cost(self) -> f64 {
        -f64::from(self.score)
    }
}

/// Steps one search for an alternative may take; beyond it the margin found so far is a lower bound.
const MAX_STEPS: usize = 300;
/// The same where one of many rivals is weighed.
const MAX_RIVAL_STEPS: usize = 32;
/// Steps that seating one left node may take; beyond it the node is left out, see
/// [`Assignment::is_left_out`].
const MAX_SEATING_STEPS: usize = 20_000;

/// A finished assignment; answers questions about alternatives.
#[derive(Debug)]
pub struct Assignment<'a> {
    edges: &'a [Vec<Edge>],
    rights: usize,
    takers: Takers,
    /// For each left node, the right node it holds (real, or its private one).
    of_left: Vec<usize>,
    /// For each right node (real ones first, then the private ones), who holds it.
    of_right: Vec<Option<usize>>,
    left_potential: Vec<f64>,
    right_potential: Vec<f64>,
    /// The last refund worked out, and of which right node.
    last_refund: Option<(usize, f64)>,
    search: Search,
}

impl<'a> Assignment<'a> {
    /// Assigns every left node, best in total. `edges[left]` lists the candidates of each left node in
    /// the order of right nodes, which are `0..rights`.
    pub fn solve(edges: &'a [Vec<Edge>], rights: usize) -> Self {
        let nodes = rights + edges.len();
        let mut this = Self {
            edges,
            rights,
            takers: Takers::of(edges, rights),
            of_left: vec![usize::MAX; edges.len()],
            of_right: vec![None; nodes],
            // The cheapest edge: with right potentials never above 0 no reduced cost is negative.
            left_potential: edges
                .iter()
                .map(|edges| edges.iter().map(|edge| edge.cost()).fold(0.0, f64::min))
                .collect(),
            right_potential: vec![0.0; nodes],
            last_refund: None,
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

    /// Whether `left` has no place, not even the private one: finding it took too many steps. What
    /// is told of the others holds for an assignment without it, so what it may be is not certain.
    pub fn is_left_out(&self, left: usize) -> bool {
        self.of_left.get(left) == Some(&usize::MAX)
    }

    /// Who got `right`.
    pub fn left_of(&self, right: usize) -> Option<usize> {
        self.of_right.get(right).copied().flatten()
    }

    /// How much worse the best assignment without the pair (`left`, what it got) is.
    pub fn margin(&mut self, left: usize) -> f64 {
        let Some(&held) = self.of_left.get(left) else { return 0.0 };
        let refund = self.refund(held);
        self.detour(left, None, held, refund, MAX_STEPS)
    }

    /// How much worse the best assignment is in which `left` gets `right` instead, or at least so
    /// much where finding out takes too many steps; infinite where there is no such edge.
    pub fn worse_with(&mut self, left: usize, right: usize) -> f64 {
        let Some(&held) = self.of_left.get(left) else { return f64::INFINITY };
        if held == right {
            return 0.0;
        }
        let Some(reduced) = self.reduced_cost(left, right) else { return f64::INFINITY };
        let refund = self.refund(held);
        match self.left_of(right) {
            None => reduced - refund,
            Some(displaced) => reduced + self.detour(displaced, Some(left), held, refund, MAX_RIVAL_STEPS),
        }
    }

    /// The cheapest way to seat `left` anew, away from the right node it holds and not through
    /// `without`. `freed` is free to be taken; where the way ends elsewhere, `refund` (at most 0) is
    /// what the others gain by its being free.
    ///
    /// An end counts as soon as it is seen, so that in a crowd of equals the search ends at once.
    fn detour(
        &mut self,
        left: usize,
        without: Option<usize>,
        freed: usize,
        refund: f64,
        most_steps: usize,
    ) -> f64 {
        let held = self.of_left.get(left).copied().unwrap_or(usize::MAX);
        let mut best = f64::INFINITY;
        let mut steps = 0;
        self.search.begin();
        let mut next = Some((0.0, left, Some(held)));
        loop {
            if let Some((distance, owner, except)) = next.take() {
                self.relax(owner, distance, except, &mut |of_right, right, distance| {
                    let end = if right == freed {
                        Some(distance)
                    } else {
                        of_right.get(right).copied().flatten().is_none().then_some(distance - refund)
                    };
                    best = end.map_or(best, |end| best.min(end));
                    end.is_none()
                });
            }
            let Some((distance, right)) = self.search.pop() else { return best };
            // Every end costs at least its distance.
            if distance >= best || steps == most_steps {
                return best.min(distance);
            }
            steps += 1;
            match self.left_of(right) {
                Some(owner) if Some(owner) != without && owner != left => {
                    next = Some((distance, owner, None));
                }
                _ => {}
            }
        }
    }

    /// The price of `right` that is not won back when its holder goes and the others may move up:
    /// never above 0.
    ///
    /// A way of [`Self::detour`] and such a chain of moves may cross; then the same steps also make a
    /// way to the freed node that costs no more, so taking the lesser of the two is exact.
    fn refund(&mut self, right: usize) -> f64 {
        if let Some((of, refund)) = self.last_refund
            && of == right
        {
            return refund;
        }
        let refund = self.work_out_refund(right);
        self.last_refund = Some((right, refund));
        refund
    }

    fn work_out_refund(&mut self, right: usize) -> f64 {
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
            if distance >= -price {
                break;
            }
            // To win all of it back is the least that a margin can be made of.
            if steps == MAX_STEPS {
                return 0.0;
            }
            for at in self.takers.range(freed) {
                let Some(taker) = self.takers.get(at) else { break };
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
        let mut reached: Vec<(f64, usize)> = Vec::new();
        let mut next = Some((0.0, start));
        let end = loop {
            if let Some((distance, owner)) = next.take() {
                // A free node that costs nothing more is as near as any can be.
                let mut here = None;
                self.relax(owner, distance, None, &mut |of_right, right, at| {
                    if at <= distance && here.is_none() && of_right.get(right).copied().flatten().is_none() {
                        here = Some(right);
                    }
                    true
                });
                if let Some(right) = here {
                    break (distance, right);
                }
            }
            // The private node guarantees an end.
            let Some((distance, right)) = self.search.pop() else { return };
            match self.left_of(right) {
                None => break (distance, right),
                Some(_) if reached.len() == MAX_SEATING_STEPS => return,
                Some(owner) => {
                    reached.push((distance, right));
                    next = Some((distance, owner));
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

    /// Looks at every edge of `left` but the one to `except`; `wants` is told each right node and how
    /// far it is, and says whether the search is to go on from there.
    fn relax(
        &mut self,
        left: usize,
        distance: f64,
        except: Option<usize>,
        wants: &mut dyn FnMut(&[Option<usize>], usize, f64) -> bool,
    ) {
        let private = self.rights + left;
        let own = self.left_potential.get(left).copied().unwrap_or(0.0);
        let edges = self.edges;
        let all = edges.get(left).into_iter().flatten().map(|edge| (edge.session(), edge.cost()));
        for (right, cost) in all.chain([(private, 0.0)]) {
            if Some(right) == except || self.of_left.get(left) == Some(&right) {
                continue;
            }
            let at = distance + (cost - own - self.right_potential(right)).max(0.0);
            if wants(&self.of_right, right, at) {
                self.search.offer(right, at, left);
            }
        }
    }

    fn reduced_cost(&self, left: usize, right: usize) -> Option<f64> {
        let edges = self.edges.get(left)?;
        let at = edges.binary_search_by_key(&right, |edge| edge.session()).ok()?;
        let edge = edges.get(at)?;
        let own = self.left_potential.get(left).copied().unwrap_or(0.0);
        Some((edge.cost() - own - self.right_potential(right)).max(0.0))
    }

    fn right_potential(&self, right: usize) -> f64 {
        self.right_potential.get(right).copied().unwrap_or(0.0)
    }
}
