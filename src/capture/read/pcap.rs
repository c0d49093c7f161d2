//! Classic pcap (draft-ietf-opsawg-pcap): a file header, then frames each with its own.

use pcap_parser::pcap::{
    parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified, parse_pcap_header,
};
use pcap_parser::{LegacyPcapBlock, PcapError, PcapHeader};

use super::{Failure, Format, Frame, LinkType, OpenCause, ReadCause, Window};
use crate::time::Timestamp;

/// The longest frame that is believed. Linux gives at most 512 KiB to one packet (BIG TCP); a
/// longer claim means that the file is damaged here.
const MAX_FRAME: usize = 1024 * 1024;

/// Octets of the file header.
const FILE_HEADER: usize = 24;

/// The link type proper: above it lie the length of a frame check sequence and reserved bits
/// (draft-ietf-opsawg-pcap section 4).
const LINK_TYPE_MASK: u32 = 0x03ff_ffff;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// The magic numbers in file order: micro, nano, modified; little-endian and, of the first two,
/// big-endian.
const MAGICS: [[u8; 4]; 5] = [
    [0xd4, 0xc3, 0xb2, 0xa1],
    [0x4d, 0x3c, 0xb2, 0xa1],
    [0x34, 0xcd, 0xb2, 0xa1],
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0xa1, 0xb2, 0x3c, 0x4d],
];

type ParseFrame = for<'a> fn(&'a [u8]) -> Parsed<'a>;
type Parsed<'a> = Result<(&'a [u8], LegacyPcapBlock<'a>), pcap_parser::nom::Err<PcapError<&'a [u8]>>>;

/// Whether the file begins as a classic pcap file does.
pub(super) fn has_magic(head: &[u8]) -> bool {
    MAGICS.iter().any(|magic| head.starts_with(magic))
}

/// See the module.
pub(super) struct PcapReader {
    window: Window,
    format: Format,
    parse: ParseFrame,
    /// Nanoseconds in one unit of the frame's second time field.
    nanos_per_unit: i64,
    /// Octets of a frame header, by format.
    header_len: usize,
    link: LinkType,
    frames: u32,
}

impl PcapReader {
    pub(super) fn open(mut window: Window) -> Result<Self, OpenCause> {
        let have = window.have(FILE_HEADER);
        if have < FILE_HEADER
            && let Some(error) = window.take_error()
        {
            return Err(error.into());
        }
        let head = window.take(FILE_HEADER);
        if head.is_empty() {
            return Err(OpenCause::Empty);
        }
        if !has_magic(head) {
            return Err(OpenCause::NotACapture);
        }
        let (_, header) = parse_pcap_header(head).map_err(|_| OpenCause::CutHeader { have })?;
        let (format, nanos_per_unit) = units(&header);
        let (parse, header_len): (ParseFrame, usize) = if header.is_modified_format() {
            (parse_pcap_frame_modified, 24)
        } else if header.is_bigendian() {
            (parse_pcap_frame_be, 16)
        } else {
            (parse_pcap_frame, 16)
        };
        let link = LinkType(header.network.0.cast_unsigned() & LINK_TYPE_MASK);
        Ok(Self { window, format, parse, nanos_per_unit, header_len, link, frames: 0 })
    }

    pub(super) fn format(&self) -> Format {
        self.format
    }

    pub(super) fn next_frame(&mut self) -> Result<Option<Frame<'_>>, Failure> {
        let have = self.window.have(self.header_len);
        let (length, block) = match (self.parse)(self.window.data()) {
            Ok((rest, block)) => (have - rest.len(), Header::from(&block)),
            Err(_) => match self.complete()? {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        self.frames = self.frames.saturating_add(1);
        let nanos = i64::from(block.seconds)
            .saturating_mul(NANOS_PER_SECOND)
            .saturating_add(i64::from(block.fraction).saturating_mul(self.nanos_per_unit));
        let bytes = self.window.take(length);
        Ok(Some(Frame {
            number: self.frames,
            time: Timestamp::from_nanos(nanos),
            bytes: bytes.get(self.header_len..).unwrap_or_default(),
            original_len: block.original_len,
            link: self.link,
            interface: 0,
        }))
    }

    /// The slow way to a frame: part of it is not in the window yet.
    #[cold]
    fn complete(&mut self) -> Result<Option<(usize, Header)>, Failure> {
        let offset = self.window.offset();
        let have = self.window.have(self.header_len);
        if have < self.header_len {
            if let Some(error) = self.window.take_error() {
                return Err(Failure { offset, cause: error.into() });
            }
            let cut = ReadCause::CutFrame { need: self.header_len, have };
            return if have == 0 { Ok(None) } else { Err(Failure { offset, cause: cut }) };
        }
        // A frame parser that lacks octets says how many; the frame's header is there already.
        let missing = match (self.parse)(self.window.data()) {
            Ok((rest, block)) => return Ok(Some((have - rest.len(), Header::from(&block)))),
            Err(pcap_parser::nom::Err::Incomplete(pcap_parser::nom::Needed::Size(missing))) => missing.get(),
            Err(_) => 0,
        };
        let need = have.saturating_add(missing);
        let longest = MAX_FRAME + self.header_len;
        if missing == 0 || need > longest {
            let cause = ReadCause::AbsurdLength { length: need as u64, limit: longest as u64 };
            return Err(Failure { offset, cause });
        }
        let have = self.window.have(need);
        if have < need {
            let cut = ReadCause::CutFrame { need, have };
            let cause = self.window.take_error().map_or(cut, ReadCause::Io);
            return Err(Failure { offset, cause });
        }
        match (self.parse)(self.window.data()) {
            Ok((rest, block)) => Ok(Some((have - rest.len(), Header::from(&block)))),
            Err(_) => Err(Failure { offset, cause: ReadCause::CutFrame { need, have } }),
        }
    }
}

impl std::fmt::Debug for PcapReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PcapReader")
            .field("link", &self.link)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

/// A frame header without its octets.
struct Header {
    seconds: u32,
    fraction: u32,
    original_len: u32,
}

impl From<&LegacyPcapBlock<'_>> for Header {
    fn from(block: &LegacyPcapBlock<'_>) -> Self {
        Self { seconds: block.ts_sec, fraction: block.ts_usec, original_len: block.origlen }
    }
}

fn units(header: &PcapHeader) -> (Format, i64) {
    if header.is_nanosecond_precision() {
        (Format::PcapNanosecond, 1)
    } else if header.is_modified_format() {
        (Format::PcapModified, 1000)
    } else {
        (Format::Pcap, 1000)
    }
}
