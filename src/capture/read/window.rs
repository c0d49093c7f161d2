//! A window that slides over a stream of octets and grows where one frame needs it.

use std::io::{self, Read};

use crate::cite::Notes;
use crate::input::Passed;

/// Octets read at a time, and the size of the window until a frame needs more. Small enough to
/// stay in a core's cache between the kernel's copy and the decoder.
const FIRST_SIZE: usize = 256 * 1024;

/// See the module. The octets between `start` and `end` are read and not yet consumed.
pub(super) struct Window {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset in the stream of the octet at `start`.
    offset: u64,
    ended: bool,
    error: Option<io::Error>,
    /// What the stream says of places that were passed over.
    notes: Notes,
}

impl Window {
    pub(super) fn new(reader: Box<dyn Read + Send>) -> Self {
        Self {
            reader,
            buffer: vec![0; FIRST_SIZE],
            start: 0,
            end: 0,
            offset: 0,
            ended: false,
            error: None,
            notes: Notes::default(),
        }
    }

    /// Offset in the stream of the next octet.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// What is read and not yet consumed.
    pub(super) fn data(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Makes at least `need` octets available, and says how many are: fewer only at the end of the
    /// stream or where it cannot be read further ([`Self::take_error`]).
    #[inline]
    pub(super) fn have(&mut self, need: usize) -> usize {
        let have = self.end - self.start;
        if have >= need { have } else { self.refill(need) }
    }

    /// Passes over `count` available octets and gives them.
    #[inline]
    pub(super) fn take(&mut self, count: usize) -> &[u8] {
        let from = self.start;
        let to = self.end.min(from + count);
        self.start = to;
        self.offset += (to - from) as u64;
        self.buffer.get(from..to).unwrap_or_default()
    }

    /// Passes over `count` octets, also where they are more than the window could hold; says how
    /// many could not be passed over because the stream ended.
    pub(super) fn skip(&mut self, count: u64) -> u64 {
        let mut left = count;
        while left > 0 {
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(FIRST_SIZE);
            let have = self.have(step).min(step);
            if have == 0 {
                break;
            }
            self.take(have);
            left -= have as u64;
        }
        left
    }

    /// What the stream says of places that were passed over, so far.
    pub(super) fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Whether what is in the window is all that is left.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Whether the stream ended, and not by an error.
    pub(super) fn ended_well(&self) -> bool {
        self.ended && self.error.is_none()
    }

    /// The error that ended the stream early, if one did.
    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    #[cold]
    fn refill(&mut self, need: usize) -> usize {
        // Moved only where there is no room behind: who looks far ahead often would move all of it each time.
        if self.buffer.len() - self.start < need {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < need {
            self.buffer.resize(need.next_power_of_two(), 0);
        }
        while self.end - self.start < need && !self.ended {
            let free = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.reader.read(free) {
                Ok(0) => self.ended = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => match Passed::of(&error) {
                    Some(passed) => {
                        passed.note(self.offset + (self.end - self.start) as u64, &mut self.notes);
                    }
                    None => {
                        self.error = Some(error);
                        self.ended = true;
                    }
                },
            }
        }
        self.end - self.start
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn grows_slides_and_stops_at_the_end() {
        let content: Vec<u8> = (0..1_000_000u32).map(|n| (n % 251) as u8).collect();
        let mut window = Window::new(Box::new(Cursor::new(content.clone())));
        let mut got = Vec::new();
        for step in [1, 16, 300_000, 7, 600_000] {
            assert!(window.have(step) >= step);
            got.extend_from_slice(window.take(step));
        }
        assert_eq!(got, content[..got.len()]);
        assert_eq!(window.offset(), got.len() as u64);
        assert_eq!(window.skip(50_000), 0);
        let rest = content.len() - got.len() - 50_000;
        assert_eq!(window.have(rest + 1), rest);
        assert_eq!(window.skip(rest as u64 + 9), 9);
        assert!(window.take_error().is_none());
    }
}
