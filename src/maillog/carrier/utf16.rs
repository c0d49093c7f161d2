//! Text of 16-bit units (PowerShell's `>` writes it) as UTF-8.

use std::io::{self, Read};

use super::outbox::Outbox;

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
    out: Outbox,
    ended: bool,
}

impl<R: Read> Decoded<R> {
    pub(in crate::maillog) fn new(source: R, order: ByteOrder) -> Self {
        Self { source, order, half: None, high: None, out: Outbox::default(), ended: false }
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
            self.out.octets.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.out.is_spent() {
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
        Ok(self.out.give(buffer))
    }
}
