//! A store that hands out numbers for what it keeps.

/// Numbered entries; numbers of taken entries are used again.
#[derive(Debug)]
pub(super) struct Slab<T> {
    entries: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// How many entries it keeps.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Keeps `entry` under a number; `None` where no number is left.
    pub(super) fn insert(&mut self, entry: T) -> Option<u32> {
        if let Some(slot) = self.free.pop() {
            *self.entries.get_mut(slot as usize)? = Some(entry);
            return Some(slot);
        }
        let slot = u32::try_from(self.entries.len()).ok()?;
        self.entries.push(Some(entry));
        Some(slot)
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.entries.get_mut(slot as usize)?.as_mut()
    }

    /// Takes the entry out.
    pub(super) fn take(&mut self, slot: u32) -> Option<T> {
        let entry = self.entries.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        Some(entry)
    }

    /// The entries with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0_u32..).zip(&self.entries).filter_map(|(slot, entry)| Some((slot, entry.as_ref()?)))
    }

    /// Empties it: each entry made into something else, in the order of the numbers. What is no
    /// larger than an entry takes the memory of the entries, so that a large store is not held twice.
    pub(super) fn drain_into<U>(&mut self, mut make: impl FnMut(T) -> U) -> Vec<U> {
        self.free.clear();
        std::mem::take(&mut self.entries).into_iter().filter_map(|entry| entry.map(&mut make)).collect()
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
        let all = slab.drain_into(|entry| entry);
        assert_eq!((all.len(), all[0], all[1500], all[2999], slab.len()), (3000, 9, 7, 2999, 0));
        assert_eq!(slab.insert(1).unwrap(), 0);
    }
}
