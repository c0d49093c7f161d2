//! The octets of a carrier, translated line by line.

use std::io::{self, Read};

use super::outbox::Outbox;
use super::{MAX_LINE, Told, Translate};
use crate::input::Passed;

/// Octets read at once.
const CHUNK: usize = 64 * 1024;

/// A reader that gives the lines a carrier was translated to.
pub(super) struct Translated<R> {
    source: R,
    translate: Box<dyn Translate>,
    told: Told,
    chunk: Vec<u8>,
    /// The part of a line that was read so far.
    pending: Vec<u8>,
    /// The line is too long: its rest is passed over.
    overlong: bool,
    line: u32,
    out: Outbox,
    ended: bool,
}

impl<R: Read> Translated<R> {
    pub(super) fn new(source: R, translate: Box<dyn Translate>, told: Told) -> Self {
        Self {
            source,
            translate,
            told,
            chunk: vec![0; CHUNK],
            pending: Vec::new(),
            overlong: false,
            line: 1,
            out: Outbox::default(),
            ended: false,
        }
    }

    fn take(&mut self, count: usize) {
        self.told.count(count as u64);
        let chunk = std::mem::take(&mut self.chunk);
        let mut rest = chunk.get(..count).unwrap_or_default();
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at_checked(at).unwrap_or((rest, b""));
            self.keep(line);
            self.hand_on();
            rest = after.get(1..).unwrap_or_default();
        }
        self.keep(rest);
        self.chunk = chunk;
    }

    fn keep(&mut self, part: &[u8]) {
        if self.pending.len() + part.len() > MAX_LINE {
            self.overlong = true;
        }
        if !self.overlong {
            self.pending.extend_from_slice(part);
        }
    }

    fn hand_on(&mut self) {
        if self.overlong {
            self.told.loss("records longer than 1 MiB were passed over", self.line);
            self.pending.clear();
        }
        self.translate.line(&self.pending, &mut self.out.octets);
        self.pending.clear();
        self.overlong = false;
        self.line = self.line.saturating_add(1);
    }

    fn end(&mut self) {
        if !self.pending.is_empty() || self.overlong {
            self.hand_on();
        }
        self.translate.end(&mut self.out.octets);
        self.ended = true;
    }
}

impl<R: Read> Read for Translated<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.out.is_spent() {
            if self.ended {
                return Ok(0);
            }
            match self.source.read(&mut self.chunk) {
                Ok(0) => self.end(),
                Ok(count) => self.take(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if Passed::of(&error).is_some() => return Err(error),
                Err(error) => {
                    // What came before the error is given first.
                    self.end();
                    self.ended = true;
                    if self.out.octets.is_empty() {
                        return Err(error);
                    }
                    self.told.loss("reading broke off before the end", self.line);
                }
            }
        }
        Ok(self.out.give(buffer))
    }
}
