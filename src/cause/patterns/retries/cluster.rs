//! Tries that died close together.

use crate::cause::patterns::chance;
use crate::cause::patterns::retries::tries::Try;

/// Tries that make a pattern.
pub(super) const TRIES: usize = 2;

/// The most tries that died within a segment of each other.
#[derive(Debug)]
pub(super) struct Cluster<'a> {
    pub(super) tries: Vec<Try<'a>>,
    pub(super) from: u64,
    pub(super) to: u64,
    tolerance: u64,
    length: u64,
}

impl<'a> Cluster<'a> {
    pub(super) fn of(tries: &[Try<'a>]) -> Option<Self> {
        let mut dead: Vec<(u64, Try<'a>)> = tries.iter().filter_map(|one| Some((one.died?, *one))).collect();
        dead.sort_by_key(|(died, one)| (*died, one.session));
        let tolerance = dead.iter().map(|(_, one)| one.tolerance).min()?;
        let (mut best, mut begin) = (0..0, 0);
        for (end, (died, _)) in dead.iter().enumerate() {
            while dead.get(begin).is_some_and(|(first, _)| died - first > tolerance) {
                begin += 1;
            }
            if end + 1 - begin > best.len() {
                best = begin..end + 1;
            }
        }
        let close = dead.get(best).filter(|close| close.len() >= TRIES)?;
        let ((from, _), (to, _)) = (close.first()?, close.last()?);
        let length = tries.iter().map(|one| one.length).max()?;
        Some(Self {
            tries: close.iter().map(|(_, one)| *one).collect(),
            from: *from,
            to: *to,
            tolerance,
            length,
        })
    }

    /// Whether a try, of whatever message, died at this place.
    pub(super) fn holds(&self, one: &Try<'_>) -> bool {
        one.died.is_some_and(|died| {
            died.saturating_add(self.tolerance) >= self.to && died <= self.from.saturating_add(self.tolerance)
        })
    }

    /// The chance that this many of `died` tries end so close, if each may end anywhere in the message.
    pub(super) fn chance(&self, died: usize) -> f64 {
        chance::some_within(died, self.tries.len(), self.tolerance as f64 / self.length.max(1) as f64)
    }

    pub(super) fn place(&self, of: &str) -> String {
        if self.from == self.to {
            format!("octet {} of {of}", self.from)
        } else {
            format!("octets {} to {} of {of}", self.from, self.to)
        }
    }
}
