//! What a stream counts.

use super::Stream;
use crate::capture::{Gap, Loss, StreamFacts};

/// What a stream counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Octets handed on.
    pub(crate) octets: u64,
    /// Octets handed on as gaps.
    pub(crate) missed: u64,
    /// The first gaps.
    pub(crate) gaps: Vec<Gap>,
    /// End of the last octet handed on.
    pub(crate) end: u64,
    /// Segments with octets that differ from an earlier copy.
    pub(crate) differing: u64,
    /// Segments that took the place of octets with a wrong checksum.
    pub(crate) replaced: u64,
    /// Some octets were not remembered, for want of room.
    pub(crate) forgotten: bool,
    /// Holes given up because too much waited behind them.
    pub(crate) forced: u64,
    /// Waiting octets dropped because no window could have allowed them.
    pub(crate) beyond_window: u64,
    /// Place of the first gap that was not acknowledged.
    pub(crate) first_unacknowledged: Option<u64>,
}

impl Tally {
    /// Counts a gap, and keeps its place while there is room.
    pub(super) fn add_gap(&mut self, gap: Gap) {
        self.missed += gap.length;
        if self.gaps.len() < StreamFacts::MAX_GAPS {
            self.gaps.push(gap);
        }
        if gap.loss == Loss::Unacknowledged {
            self.first_unacknowledged.get_or_insert(gap.offset);
        }
    }
}

impl Stream {
    /// Moves the counts into the facts of the flow.
    pub(crate) fn take_facts(&mut self, facts: &mut StreamFacts) {
        let tally = std::mem::take(&mut self.tally);
        facts.octets = tally.octets;
        facts.missed_octets = tally.missed;
        facts.gaps = tally.gaps;
        facts.end = tally.end;
        facts.differing_overlaps = tally.differing;
    }
}
