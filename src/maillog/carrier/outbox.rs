//! Octets that were made and wait to be read.

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub(super) octets: Vec<u8>,
    given: usize,
}

impl Outbox {
    /// Whether all was given; if so, room is made for more.
    pub(super) fn is_spent(&mut self) -> bool {
        let spent = self.given == self.octets.len();
        if spent {
            self.octets.clear();
            self.given = 0;
        }
        spent
    }

    /// Gives as many octets as there are, and as `buffer` takes.
    pub(super) fn give(&mut self, buffer: &mut [u8]) -> usize {
        let ready = self.octets.get(self.given..).unwrap_or_default();
        let count = ready.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), ready.get(..count)) {
            to.copy_from_slice(from);
        }
        self.given += count;
        count
    }
}
