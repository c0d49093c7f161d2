//! The state of the searches of an assignment, and who may take what.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::Edge;

/// For each real right node, the left nodes with an edge to it, one after the other.
#[derive(Debug)]
pub(super) struct Takers {
    /// Where the takers of each right node begin; one more than there are right nodes.
    begins: Vec<usize>,
    lefts: Vec<u32>,
}

impl Takers {
    pub(super) fn of(edges: &[Vec<Edge>], rights: usize) -> Self {
        let mut begins = vec![0usize; rights + 1];
        for edge in edges.iter().flatten() {
            if let Some(count) = begins.get_mut(edge.session() + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for begin in &mut begins {
            sum += *begin;
            *begin = sum;
        }
        let mut lefts = vec![0u32; sum];
        let mut free = begins.clone();
        for (edges, left) in edges.iter().zip(0u32..) {
            for edge in edges {
                let Some(at) = free.get_mut(edge.session()) else { continue };
                if let Some(slot) = lefts.get_mut(*at) {
                    *slot = left;
                }
                *at += 1;
            }
        }
        Self { begins, lefts }
    }

    pub(super) fn range(&self, right: usize) -> std::ops::Range<usize> {
        match (self.begins.get(right), self.begins.get(right + 1)) {
            (Some(&from), Some(&to)) => from..to,
            _ => 0..0,
        }
    }

    pub(super) fn get(&self, at: usize) -> Option<usize> {
        self.lefts.get(at).map(|&left| left as usize)
    }
}

/// The state of one Dijkstra search, reused: entries of earlier searches are told by their number.
#[derive(Debug)]
pub(super) struct Search {
    number: u32,
    seen: Vec<(u32, f64, usize)>,
    done: Vec<u32>,
    heap: BinaryHeap<Step>,
}

impl Search {
    pub(super) fn new(nodes: usize) -> Self {
        Self { number: 0, seen: vec![(0, 0.0, 0); nodes], done: vec![0; nodes], heap: BinaryHeap::new() }
    }

    pub(super) fn begin(&mut self) {
        self.number += 1;
        self.heap.clear();
    }

    pub(super) fn offer(&mut self, right: usize, distance: f64, from: usize) {
        let Some(entry) = self.seen.get_mut(right) else { return };
        if entry.0 == self.number && entry.1 <= distance {
            return;
        }
        *entry = (self.number, distance, from);
        self.heap.push(Step { distance, right });
    }

    pub(super) fn pop(&mut self) -> Option<(f64, usize)> {
        while let Some(Step { distance, right }) = self.heap.pop() {
            let done = self.done.get_mut(right)?;
            if *done != self.number {
                *done = self.number;
                return Some((distance, right));
            }
        }
        None
    }

    pub(super) fn came_from(&self, right: usize) -> usize {
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
