//! The capture file: classic pcap or pcapng, microseconds or nanoseconds; other forms are [`super::oddity::form`]'s.

use std::io::{self, Write};

use super::oddity::form::{FileForm, Kind};
use super::oddity::wire::Wire;
use super::oddity::{Oddities, Oddity};
use super::options::{Format, Options};
use super::sender::MILLI;

/// With [`Oddity::ClockSteps`], how far off the clock is, in turn, each for so many frames.
const CLOCKS: [i64; 4] = [0, 7_000 * MILLI, 0, -1_500 * MILLI];
const CLOCK_FRAMES: u64 = 300;

/// Writes frames and counts them.
#[derive(Debug)]
pub(crate) struct CaptureWriter<W> {
    out: W,
    format: Format,
    nanoseconds: bool,
    snaplen: u32,
    oddities: Oddities,
    /// A form of file that only an oddity has, and the links of its interfaces.
    form: Option<FileForm>,
    links: Vec<u16>,
    record: Vec<u8>,
    /// What becomes of packets, where they do not go as usual.
    pub(crate) wire: Option<Wire>,
    /// Frames written.
    pub(crate) frames: u64,
    /// Octets written, before any compression.
    pub(crate) octets: u64,
}

impl<W: Write> CaptureWriter<W> {
    /// Writes the file's head.
    pub(crate) fn new(out: W, options: &Options) -> io::Result<Self> {
        let &Options { format, nanoseconds, snaplen, .. } = options;
        let oddities = options.oddity.clone();
        let wire = Wire::new(&oddities, options.link);
        let links = wire.as_ref().map_or_else(|| vec![options.link.number()], Wire::links);
        let link = links.first().copied().unwrap_or_default();
        let form = form(&oddities, nanoseconds);
        let mut head = Vec::new();
        let record = Vec::new();
        let mut writer = Self {
            out,
            format,
            nanoseconds,
            snaplen,
            oddities,
            form,
            links,
            record,
            wire,
            frames: 0,
            octets: 0,
        };
        if let Some(form) = form {
            form.head(link, &mut head);
            writer.write(&head)?;
            return Ok(writer);
        }
        match format {
            Format::Pcap => {
                // draft-ietf-opsawg-pcap, section 4: magic, version 2.4, two zeros, snaplen, link type.
                let magic: u32 = if nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
                head.extend_from_slice(&magic.to_le_bytes());
                head.extend_from_slice(&[2, 0, 4, 0]);
                head.extend_from_slice(&[0; 8]);
                head.extend_from_slice(&snaplen.to_le_bytes());
                head.extend_from_slice(&u32::from(link).to_le_bytes());
            }
            Format::Pcapng => {
                // draft-ietf-opsawg-pcapng: section header, section length unknown.
                block(&mut head, 0x0a0d_0d0a, |body| {
                    body.extend_from_slice(&0x1a2b_3c4d_u32.to_le_bytes());
                    body.extend_from_slice(&[1, 0, 0, 0]);
                    body.extend_from_slice(&[0xff; 8]);
                });
                // Interface description with if_name (2) and if_tsresol (9).
                block(&mut head, 1, |body| {
                    body.extend_from_slice(&link.to_le_bytes());
                    body.extend_from_slice(&[0, 0]);
                    body.extend_from_slice(&snaplen.to_le_bytes());
                    body.extend_from_slice(&[2, 0, 6, 0]);
                    body.extend_from_slice(b"Data 1\0\0");
                    body.extend_from_slice(&[9, 0, 1, 0, if nanoseconds { 9 } else { 6 }, 0, 0, 0]);
                    body.extend_from_slice(&[0, 0, 0, 0]);
                });
            }
        }
        writer.write(&head)?;
        Ok(writer)
    }

    /// Writes one frame, cut to the snap length, and gives its number, from 1. `at` is in nanoseconds since 1970.
    pub(crate) fn frame(&mut self, at: i64, frame: &[u8]) -> io::Result<u64> {
        let mut at = at;
        if self.oddities.has(Oddity::ClockSteps) {
            let turn = (self.frames / CLOCK_FRAMES) as usize % CLOCKS.len();
            at += CLOCKS.get(turn).unwrap_or(&0);
        }
        if let Some(form) = self.form {
            let mut record = std::mem::take(&mut self.record);
            record.clear();
            form.frame(self.frames as usize, &self.links, at, frame, &mut record);
            self.write(&record)?;
            self.record = record;
            self.frames += 1;
            return Ok(self.frames);
        }
        let kept = frame.get(..self.snaplen as usize).unwrap_or(frame);
        let [kept_length, length] = [kept.len() as u32, frame.len() as u32].map(u32::to_le_bytes);
        match self.format {
            Format::Pcap => {
                let below = at.rem_euclid(1_000_000_000) as u32;
                let below = if self.nanoseconds { below } else { below / 1_000 };
                let seconds = at.div_euclid(1_000_000_000) as u32;
                let mut head = [0; 16];
                let fields = [seconds.to_le_bytes(), below.to_le_bytes(), kept_length, length];
                for (place, field) in head.as_chunks_mut().0.iter_mut().zip(fields) {
                    *place = field;
                }
                self.write(&head)?;
                self.write(kept)?;
            }
            Format::Pcapng => {
                // Enhanced packet block (6): interface, time in two halves, lengths, octets padded to four.
                let units = if self.nanoseconds { at as u64 } else { at as u64 / 1_000 };
                let padding = kept.len().next_multiple_of(4) - kept.len();
                let total = ((32 + kept.len() + padding) as u32).to_le_bytes();
                let mut head = [0; 28];
                let fields = [
                    6u32.to_le_bytes(),
                    total,
                    [0; 4],
                    ((units >> 32) as u32).to_le_bytes(),
                    (units as u32).to_le_bytes(),
                    kept_length,
                    length,
                ];
                for (place, field) in head.as_chunks_mut().0.iter_mut().zip(fields) {
                    *place = field;
                }
                self.write(&head)?;
                self.write(kept)?;
                self.write([0; 3].get(..padding).unwrap_or_default())?;
                self.write(&total)?;
            }
        }
        self.frames += 1;
        Ok(self.frames)
    }

    /// The interface of the next frame.
    pub(crate) fn interface(&self) -> usize {
        self.form.map_or(0, |form| form.interface(self.frames as usize))
    }

    /// Writes what stands behind the last frame; `at` is the time of what is no whole frame.
    pub(crate) fn finish(&mut self, at: i64) -> io::Result<()> {
        if self.oddities.has(Oddity::CutFile) {
            const FRAME: [u8; 200] = [0; 200];
            let mut file = Vec::new();
            self.to(&mut file).frame(at, &FRAME)?;
            self.write(file.get(..file.len() - FRAME.len() / 2).unwrap_or_default())?;
        } else if let Some(form) = self.form {
            let mut end = Vec::new();
            form.end(self.frames as usize, &mut end);
            self.write(&end)?;
        }
        Ok(())
    }

    /// Hands the file back.
    pub(crate) fn into_inner(self) -> W {
        self.out
    }

    /// The same, going on into another file.
    fn to<V: Write>(&self, out: V) -> CaptureWriter<V> {
        let &Self { format, nanoseconds, snaplen, form, frames, octets, .. } = self;
        let (oddities, links, record, wire) = (self.oddities.clone(), self.links.clone(), Vec::new(), None);
        CaptureWriter {
            out,
            format,
            nanoseconds,
            snaplen,
            oddities,
            form,
            links,
            record,
            wire,
            frames,
            octets,
        }
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.octets += octets.len() as u64;
        self.out.write_all(octets)
    }
}

/// The form that the oddities ask for, if they do.
fn form(oddities: &Oddities, nanoseconds: bool) -> Option<FileForm> {
    let big_endian = oddities.has(Oddity::BigEndian);
    let usual = if nanoseconds { Kind::Nanoseconds } else { Kind::Pcap };
    let kind = oddities.iter().find_map(Oddity::kind).or(big_endian.then_some(usual))?;
    Some(FileForm { big_endian, kind })
}

/// Appends a block: its type, its length before and after its body.
fn block(out: &mut Vec<u8>, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    body(&mut inner);
    let length = (inner.len() as u32 + 12).to_le_bytes();
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&length);
    out.append(&mut inner);
    out.extend_from_slice(&length);
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn written(arguments: &[&str]) -> Vec<u8> {
        let options = Options::parse_from(["generate"].iter().chain(arguments));
        let mut writer = CaptureWriter::new(Vec::new(), &options).unwrap();
        assert_eq!(writer.frame(1_700_000_000_123_456_789, &[7; 65]).unwrap(), 1);
        assert_eq!(writer.octets, writer.out.len() as u64);
        writer.into_inner()
    }

    #[test]
    fn pcap_has_its_magic_and_cuts_frames() {
        let micro = written(&["--snaplen", "64"]);
        assert_eq!(micro[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
        assert_eq!(micro.len(), 24 + 16 + 64);
        assert_eq!(micro[28..40], [0x40, 0xe2, 1, 0, 64, 0, 0, 0, 65, 0, 0, 0]);
        let nano = written(&["--nanoseconds"]);
        assert_eq!(nano[..4], [0x4d, 0x3c, 0xb2, 0xa1]);
        assert_eq!(nano[28..32], 123_456_789u32.to_le_bytes());
    }

    #[test]
    fn pcapng_blocks_say_their_length_twice() {
        let file = written(&["--format", "pcapng"]);
        let mut rest = file.as_slice();
        let mut kinds = Vec::new();
        while !rest.is_empty() {
            let length = u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
            assert_eq!(rest[length - 4..length], rest[4..8]);
            assert_eq!(length % 4, 0);
            kinds.push(u32::from_le_bytes(rest[..4].try_into().unwrap()));
            rest = &rest[length..];
        }
        assert_eq!(kinds, [0x0a0d_0d0a, 1, 6]);
    }
}
