//! What was passed over in a damaged file, counted and told.

use super::Damage;
use crate::cite::{Notes, Place};

/// Damaged places that are told one by one; those behind are told together.
const MAX_TOLD: u32 = 16;

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Losses {
    told: u32,
    /// Damaged places that were not told one by one, their octets, and the first of them.
    further: u64,
    octets: u64,
    first: Option<Place>,
}

impl Losses {
    /// Says that `count` octets from `offset` on were passed over because of `damage`.
    pub(super) fn passed_over(&mut self, offset: u64, count: u64, damage: Damage, notes: &mut Notes) {
        let place = Some(Place::Offset(offset));
        if self.told < MAX_TOLD {
            self.told += 1;
            notes.loss(format!("damaged at octet {offset} ({damage}): {count} octets passed over"), place);
            return;
        }
        self.first = self.first.or(place);
        self.further += 1;
        self.octets = self.octets.saturating_add(count);
    }

    /// What was not told one by one.
    pub(super) fn note_rest(&self, notes: &mut Notes) {
        if self.further > 0 {
            let Self { further, octets, .. } = self;
            let text = format!("damaged at {further} further places: {octets} octets passed over");
            notes.loss(text, self.first);
        }
    }
}
