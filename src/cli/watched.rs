//! A reader that can be stopped, and that tells how far it has come.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mailwitness::input::Input;
use mailwitness::investigate::Watch;

/// Octets taken from the input at once.
const BUFFER: usize = 128 * 1024;

/// An input that ends early once its watch is interrupted.
pub(crate) struct Watched {
    inner: Box<dyn Read + Send>,
    raw: Arc<AtomicU64>,
    told: u64,
    watch: Watch,
}

impl Watched {
    /// Watches `input` while it is read.
    pub(crate) fn new(input: Input, watch: Watch) -> BufReader<Self> {
        let raw = input.raw_counter();
        BufReader::with_capacity(BUFFER, Self { inner: input.reader, raw, told: 0, watch })
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.watch.is_interrupted() {
            return Ok(0);
        }
        let count = self.inner.read(buffer)?;
        let raw = self.raw.load(Ordering::Relaxed);
        self.watch.octets_read().fetch_add(raw.saturating_sub(self.told), Ordering::Relaxed);
        self.told = raw;
        Ok(count)
    }
}
