//! Text of 16-bit units (PowerShell's `>` writes it) as UTF-8.

use std::io::{self, Read};

/// Octets read at once; even.
const CHUNK: usize = 32 * 1024;

/// Which octet of a unit comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::maillog) enum ByteOrder {
    /// The low one.
    Little,
    /// The high one.
    Big,
}

/// A reader that gives UTF-8.
pub(in crate::maillog) struct Decoded<R> {
    source: R,
    order: ByteOrder,
    /// An octet whose other half was not read yet.
    half: Option<u8>,
    /// A unit whose second half of a pair was not read yet.
    high: Option<u16>,
    out: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R: Read> Decoded<R> {
    pub(in crate::maillog) fn new(source: R, order: ByteOrder) -> Self {
        Self { source, order, half: None, high: None, out: Vec::new(), given: 0, ended: false }
    }

    fn take(&mut self, octets: &[u8]) {
        let mut units = Vec::with_capacity(octets.len() / 2 + 2);
        units.extend(self.high.take());
        for &octet in octets {
            let Some(first) = self.half.take() else {
                self.half = Some(octet);
                continue;
            };
            units.push(match self.order {
                ByteOrder::Little => u16::from_le_bytes([first, octet]),
                ByteOrder::Big => u16::from_be_bytes([first, octet]),
            });
        }
        if let Some(last @ 0xd800..=0xdbff) = units.last().copied() {
            units.pop();
            self.high = Some(last);
        }
        self.decode(units);
    }

    fn decode(&mut self, units: Vec<u16>) {
        for character in char::decode_utf16(units) {
            let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
            self.out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.out.len() {
            self.out.clear();
            self.given = 0;
            if self.ended {
                return Ok(0);
            }
            let mut chunk = vec![0; CHUNK];
            let count = self.source.read(&mut chunk)?;
            self.take(chunk.get(..count).unwrap_or_default());
            if count == 0 {
                self.ended = true;
                let rest = self.high.take().into_iter().chain(self.half.take().map(|_| 0xfffd)).collect();
                self.decode(rest);
            }
        }
        let ready = self.out.get(self.given..).unwrap_or_default();
        let count = ready.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), ready.get(..count)) {
            to.copy_from_slice(from);
        }
        self.given += count;
        Ok(count)
    }
}
