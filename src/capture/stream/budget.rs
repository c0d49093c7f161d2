//! The memory that all streams together may use for octets that wait behind holes.

/// Octets that may wait in all streams of one flow table.
pub(crate) const MAX_WAITING_IN_ALL: usize = 256 * 1024 * 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct Budget {
    used: usize,
    limit: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(MAX_WAITING_IN_ALL)
    }
}

impl Budget {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { used: 0, limit }
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
    pub(crate) fn used(&self) -> usize {
        self.used
    }
}
