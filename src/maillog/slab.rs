//! A store that hands out numbers for what it keeps.

/// Entries in one block. The store grows by whole blocks and gives them back one by one, so that
/// emptying a large one does not need its memory twice.
const BLOCK: usize = 1024;

/// Numbered entries; numbers of taken entries are used again.
#[derive(Debug)]
pub(super) struct Slab<T> {
    blocks: Vec<Vec<Option<T>>>,
    free: Vec<u32>,
    count: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { blocks: Vec::new(), free: Vec::new(), count: 0 }
    }
}

impl<T> Slab<T> {
    /// How many entries it keeps.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Keeps `entry` under a number; the entry comes back where no number is left.
    pub(super) fn insert(&mut self, entry: T) -> Result<u32, T> {
        if let Some(slot) = self.free.pop() {
            if let Some(place) = self.place(slot) {
                *place = Some(entry);
            }
            self.count += 1;
            return Ok(slot);
        }
        let at = match self.blocks.last() {
            Some(block) if block.len() < BLOCK => (self.blocks.len() - 1) * BLOCK + block.len(),
            _ => self.blocks.len() * BLOCK,
        };
        let Ok(slot) = u32::try_from(at) else { return Err(entry) };
        if at.is_multiple_of(BLOCK) {
            self.blocks.push(Vec::with_capacity(BLOCK));
        }
        if let Some(block) = self.blocks.last_mut() {
            block.push(Some(entry));
        }
        self.count += 1;
        Ok(slot)
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.place(slot)?.as_mut()
    }

    /// Takes the entry out.
    pub(super) fn take(&mut self, slot: u32) -> Option<T> {
        let entry = self.place(slot)?.take()?;
        self.free.push(slot);
        self.count -= 1;
        Some(entry)
    }

    /// The entries with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let all = self.blocks.iter().flatten();
        (0_u32..).zip(all).filter_map(|(slot, entry)| Some((slot, entry.as_ref()?)))
    }

    /// Empties it, in the order of the numbers.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> + use<T> {
        self.free.clear();
        self.count = 0;
        std::mem::take(&mut self.blocks).into_iter().flatten().flatten()
    }

    fn place(&mut self, slot: u32) -> Option<&mut Option<T>> {
        let at = slot as usize;
        self.blocks.get_mut(at / BLOCK)?.get_mut(at % BLOCK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_again() {
        let mut slab = Slab::default();
        let slots: Vec<_> = (0..3000).map(|n| slab.insert(n).unwrap()).collect();
        assert_eq!(slots, (0..3000).collect::<Vec<_>>());
        assert_eq!((slab.take(1500), slab.take(1500), slab.len()), (Some(1500), None, 2999));
        assert_eq!(slab.insert(7).unwrap(), 1500);
        *slab.get_mut(0).unwrap() = 9;
        assert_eq!(slab.get_mut(3000), None);
        assert_eq!(slab.iter().next(), Some((0, &9)));
        let all: Vec<_> = slab.drain().collect();
        assert_eq!((all.len(), all[0], all[1500], all[2999], slab.len()), (3000, 9, 7, 2999, 0));
        assert_eq!(slab.insert(1).unwrap(), 0);
    }
}
