//! The headers of classic pcap: that of the file, and that of each frame.

use crate::capture::read::{Format, LinkType};
use crate::time::Timestamp;

/// Octets of the file header.
pub(super) const FILE_HEADER: usize = 24;

/// The longest frame that is believed. Linux gives at most 512 KiB to one packet (BIG TCP); a
/// longer claim means that the file is damaged here.
pub(super) const MAX_FRAME: usize = 1024 * 1024;

/// The link type proper: above it lie the length of a frame check sequence and reserved bits
/// (draft-ietf-opsawg-pcap section 4).
const LINK_TYPE_MASK: u32 = 0x03ff_ffff;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// How far from the frame before a frame may lie in time to be beyond suspicion, in seconds.
const USUAL_PAUSE: i64 = 24 * 3600;

/// The magic numbers, and what each stands for: the format, nanoseconds in a unit of the second time
/// field, octets of a frame header, and octets between file header and first frame. Kuznetzov's
/// modified form has eight octets more a frame; that of Ixia's `lcap` (of hardware and of software;
/// Wireshark, wiretap/libpcap.c) has the length of all frames behind the file header.
const MAGICS: [(u32, Format, i64, usize, usize); 5] = [
    (0xa1b2_c3d4, Format::Pcap, 1000, 16, 0),
    (0xa1b2_3c4d, Format::PcapNanosecond, 1, 16, 0),
    (0xa1b2_cd34, Format::PcapModified, 1000, 24, 0),
    (0x1c00_01ac, Format::PcapIxia, 1000, 16, 4),
    (0x1c00_01ab, Format::PcapIxia, 1000, 16, 4),
];

/// Whether the file begins as a classic pcap file does.
pub(in crate::capture::read) fn has_magic(head: &[u8]) -> bool {
    FileHeader::form(head).is_some()
}

/// What the file header says.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileHeader {
    big_endian: bool,
    pub(super) format: Format,
    nanos_per_unit: i64,
    pub(super) link: LinkType,
    snaplen: u32,
    /// Octets of a frame header.
    pub(super) frame_header: usize,
    /// Octets before the first frame, this header counted.
    pub(super) len: usize,
}

impl FileHeader {
    /// Reads the header; `None` where there is no magic number.
    pub(super) fn read(head: &[u8]) -> Option<Self> {
        let (big_endian, (_, format, nanos_per_unit, frame_header, behind)) = Self::form(head)?;
        let word = |at| word(head, at, big_endian).unwrap_or_default();
        Some(Self {
            big_endian,
            format,
            nanos_per_unit,
            link: LinkType(word(20) & LINK_TYPE_MASK),
            snaplen: word(16),
            frame_header,
            len: FILE_HEADER + behind,
        })
    }

    /// Reads a frame header.
    #[inline]
    pub(super) fn frame(&self, bytes: &[u8]) -> Option<FrameHeader> {
        let [s0, s1, s2, s3, f0, f1, f2, f3, c0, c1, c2, c3, o0, o1, o2, o3] = *bytes.first_chunk::<16>()?;
        let words = [[s0, s1, s2, s3], [f0, f1, f2, f3], [c0, c1, c2, c3], [o0, o1, o2, o3]];
        let [seconds, fraction, captured, original_len] =
            words.map(if self.big_endian { u32::from_be_bytes } else { u32::from_le_bytes });
        Some(FrameHeader { seconds, fraction, captured, original_len })
    }

    /// When a frame was captured.
    #[inline]
    pub(super) fn time(&self, frame: &FrameHeader) -> Timestamp {
        let nanos = i64::from(frame.seconds)
            .saturating_mul(NANOS_PER_SECOND)
            .saturating_add(i64::from(frame.fraction).saturating_mul(self.nanos_per_unit));
        Timestamp::from_nanos(nanos)
    }

    /// Whether nothing about a frame header is odd that follows one of the second `before`. A frame
    /// that had no octets on the wire is odd: so are zeros.
    #[inline]
    pub(super) fn is_sound(&self, frame: &FrameHeader, before: u32) -> bool {
        (frame.captured.max(1)..=MAX_FRAME as u32).contains(&frame.original_len)
            && i64::from(frame.fraction) * self.nanos_per_unit < NANOS_PER_SECOND
            && frame.is_near(before)
    }

    /// Whether a frame header can be believed where a frame header is looked for.
    #[inline]
    pub(super) fn is_plausible(&self, frame: &FrameHeader, before: u32) -> bool {
        self.is_well_formed(frame) && frame.is_near(before)
    }

    /// Whether all but its time speaks for a frame header.
    #[inline]
    pub(super) fn is_well_formed(&self, frame: &FrameHeader) -> bool {
        let longest = if self.snaplen == 0 { MAX_FRAME } else { (self.snaplen as usize).min(MAX_FRAME) };
        frame.captured > 0 && frame.captured as usize <= longest && self.is_sound(frame, frame.seconds)
    }

    fn form(head: &[u8]) -> Option<(bool, (u32, Format, i64, usize, usize))> {
        [false, true].into_iter().find_map(|big_endian| {
            let magic = word(head, 0, big_endian)?;
            MAGICS.into_iter().find(|form| form.0 == magic).map(|form| (big_endian, form))
        })
    }
}

/// A frame header.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameHeader {
    pub(super) seconds: u32,
    fraction: u32,
    /// Octets of the frame in the file.
    pub(super) captured: u32,
    pub(super) original_len: u32,
}

impl FrameHeader {
    /// Whether it is nothing but zeros.
    pub(super) fn is_nothing(&self) -> bool {
        (self.seconds, self.fraction, self.captured, self.original_len) == (0, 0, 0, 0)
    }

    /// Whether its length is believable, and its time not far from the second `before`.
    #[inline]
    pub(super) fn is_near(&self, before: u32) -> bool {
        self.captured as usize <= MAX_FRAME
            && (i64::from(self.seconds) - i64::from(before)).abs() <= USUAL_PAUSE
    }
}

fn word(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let octets = *bytes.get(at..)?.first_chunk()?;
    Some(if big_endian { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) })
}
