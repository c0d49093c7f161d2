//! The memory that all streams together may use: for octets that wait, and for octets remembered.

/// Octets that may wait in all streams of one flow table.
pub(crate) const MAX_WAITING_IN_ALL: usize = 256 * 1024 * 1024;

/// Octets that are remembered of all streams of one flow table, to compare copies with: those of
/// some thousand connections at once. Further streams compare copies by their checksums only.
pub(crate) const MAX_REMEMBERED_IN_ALL: usize = 32 * 1024 * 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct Budget {
    used: usize,
    limit: usize,
    remembered: usize,
    remembered_limit: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(MAX_WAITING_IN_ALL)
    }
}

impl Budget {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { used: 0, limit, remembered: 0, remembered_limit: MAX_REMEMBERED_IN_ALL }
    }

    /// Takes room for remembered octets, if there is any.
    pub(crate) fn take_remembered(&mut self, octets: usize) -> bool {
        let wanted = self.remembered.saturating_add(octets);
        let fits = wanted <= self.remembered_limit;
        if fits {
            self.remembered = wanted;
        }
        fits
    }

    pub(crate) fn release_remembered(&mut self, octets: usize) {
        debug_assert!(octets <= self.remembered, "more octets forgotten than remembered");
        self.remembered = self.remembered.saturating_sub(octets);
    }

    pub(crate) fn take(&mut self, octets: usize) {
        self.used = self.used.saturating_add(octets);
    }

    pub(crate) fn release(&mut self, octets: usize) {
        debug_assert!(octets <= self.used, "more octets released than taken");
        self.used = self.used.saturating_sub(octets);
    }

    pub(crate) fn exhausted(&self) -> bool {
        self.used > self.limit
    }

    #[cfg(test)]
    pub(crate) fn with_remembered(limit: usize) -> Self {
        Self { remembered_limit: limit, ..Self::default() }
    }

    #[cfg(test)]
    pub(crate) fn remembered(&self) -> usize {
        self.remembered
    }

    #[cfg(test)]
    pub(crate) fn used(&self) -> usize {
        self.used
    }
}
