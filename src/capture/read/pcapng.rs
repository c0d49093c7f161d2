//! pcapng (draft-ietf-opsawg-pcapng): sections of blocks, frames by interface.
//!
//! The blocks are read here and not by `pcap-parser`, which allocates for every block with
//! options, has no obsolete packet block, reads `if_tsoffset` in one byte order only and refuses
//! the binary time resolutions of `if_tsresol`.

use std::ops::Range;

use super::{Failure, Frame, LinkType, OpenCause, ReadCause, Window};
use crate::cite::{Notes, Place};
use crate::time::Timestamp;

/// The longest block that is read as a whole; libpcap's limit, too.
const MAX_BLOCK: usize = 16 * 1024 * 1024;

/// Interfaces kept per section.
const MAX_INTERFACES: usize = 65_536;

/// Type and length at the head of a block, length again at its end (section 3.1).
const BLOCK_HEAD: usize = 8;
const BLOCK_FRAME: usize = 12;

/// Block types (section 10.1).
const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

/// Blocks without a frame to which Wireshark gives a frame number all the same: the journal export
/// block, Sysdig's events and custom blocks.
const NUMBERED_WITHOUT_FRAME: [u32; 5] = [0x9, 0x204, 0x208, 0x0bad, 0x4000_0bad];

/// The byte-order magic in the section's own order (section 4.1).
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

/// Options of the interface description (section 4.2) and statistics (section 4.6).
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;
const ISB_IFDROP: u16 = 5;
const ISB_OSDROP: u16 = 7;

/// Whether the file begins as a pcapng file does.
pub(super) fn is_section_header(head: &[u8]) -> bool {
    head.starts_with(&SECTION_HEADER.to_be_bytes()) && Order::of_section(head).is_some()
}

/// See the module.
pub(super) struct PcapngReader {
    window: Window,
    order: Order,
    interfaces: Vec<Interface>,
    /// Frames that the capturing program reports as dropped, in sections that are over.
    dropped_before: u64,
    frames: u32,
    last_time: Timestamp,
}

impl PcapngReader {
    pub(super) fn open(mut window: Window) -> Result<Self, OpenCause> {
        let have = window.have(BLOCK_FRAME);
        let order = Order::of_section(window.data()).ok_or(OpenCause::CutHeader { have })?;
        Ok(Self {
            window,
            order,
            interfaces: Vec::new(),
            dropped_before: 0,
            frames: 0,
            last_time: Timestamp::default(),
        })
    }

    pub(super) fn next_frame(&mut self, notes: &mut Notes) -> Result<Option<Frame<'_>>, Failure> {
        let found = loop {
            let Some((kind, length)) = self.next_block()? else { return Ok(None) };
            let block = self.window.data().get(..length).unwrap_or_default();
            let found = match kind {
                ENHANCED_PACKET => Packet::enhanced(block, self.order),
                OBSOLETE_PACKET => Packet::obsolete(block, self.order),
                SIMPLE_PACKET => Packet::simple(block, self.order, &self.interfaces),
                _ => {
                    self.other_block(kind, length, notes);
                    self.window.take(length);
                    continue;
                }
            };
            self.frames = self.frames.saturating_add(1);
            let place = Some(Place::Frame(self.frames));
            match found {
                Err(damage) => notes.loss(damage, place),
                Ok(packet) => match self.interfaces.get(packet.interface as usize) {
                    Some(interface) => break (length, packet, *interface),
                    None => notes.loss("a frame of an interface that the file does not describe", place),
                },
            }
            self.window.take(length);
        };
        let (length, packet, interface) = found;
        let time = match packet.ticks {
            Some(ticks) => interface.clock.time(ticks),
            None => {
                notes.oddity(
                    "a frame without a time (it is given that of the one before)",
                    Some(Place::Frame(self.frames)),
                );
                self.last_time
            }
        };
        self.last_time = time;
        let block = self.window.take(length);
        Ok(Some(Frame {
            number: self.frames,
            time,
            bytes: block.get(packet.bytes).unwrap_or_default(),
            original_len: packet.original_len,
            link: interface.link,
            interface: packet.interface,
        }))
    }

    /// What can be said only at the end of the file.
    pub(super) fn closing_notes(&self) -> Notes {
        let mut notes = Notes::default();
        let dropped = self.dropped_before.saturating_add(self.dropped_in_section());
        if dropped > 0 {
            notes.oddity(format!("the capturing program says that it dropped {dropped} frames"), None);
        }
        notes
    }

    /// Type and whole length of the next block, which is in the window then.
    fn next_block(&mut self) -> Result<Option<(u32, usize)>, Failure> {
        loop {
            let offset = self.window.offset();
            let fail = |cause| Err(Failure { offset, cause });
            let have = self.window.have(BLOCK_FRAME);
            if have < BLOCK_FRAME {
                if let Some(error) = self.window.take_error() {
                    return fail(error.into());
                }
                return if have == 0 {
                    Ok(None)
                } else {
                    fail(ReadCause::CutBlock { need: BLOCK_FRAME, have })
                };
            }
            let head = self.window.data();
            if head.starts_with(&SECTION_HEADER.to_be_bytes()) {
                match Order::of_section(head) {
                    Some(order) => self.order = order,
                    None => {
                        return fail(ReadCause::BadBlock("a section header without its byte-order magic"));
                    }
                }
            }
            let head = self.window.data();
            let kind = self.order.u32(head, 0).unwrap_or_default();
            let claimed = self.order.u32(head, 4).unwrap_or_default();
            if (claimed as usize) < BLOCK_FRAME {
                return fail(ReadCause::BadBlock("its length is less than that of an empty block"));
            }
            // The length is a multiple of four (section 3.1); writers that forget it pad all the same.
            let length = u64::from(claimed).next_multiple_of(4);
            if length > MAX_BLOCK as u64 {
                if matches!(kind, ENHANCED_PACKET | OBSOLETE_PACKET | SIMPLE_PACKET) || kind == SECTION_HEADER
                {
                    return fail(ReadCause::AbsurdLength { length, limit: MAX_BLOCK as u64 });
                }
                let missing = self.window.skip(length);
                if missing > 0 {
                    let cut =
                        ReadCause::CutBlock { need: length as usize, have: (length - missing) as usize };
                    return fail(self.window.take_error().map_or(cut, ReadCause::Io));
                }
                continue;
            }
            let need = length as usize;
            let have = self.window.have(need);
            if have < need {
                let cut = ReadCause::CutBlock { need, have };
                return fail(self.window.take_error().map_or(cut, ReadCause::Io));
            }
            return Ok(Some((kind, need)));
        }
    }

    fn other_block(&mut self, kind: u32, length: usize, notes: &mut Notes) {
        let block = self.window.data().get(..length).unwrap_or_default();
        match kind {
            SECTION_HEADER => {
                self.dropped_before = self.dropped_before.saturating_add(self.dropped_in_section());
                self.interfaces.clear();
            }
            INTERFACE_DESCRIPTION if self.interfaces.len() == MAX_INTERFACES => {
                notes.loss(
                    "more interfaces than are kept in one section",
                    Some(Place::Offset(self.window.offset())),
                );
            }
            INTERFACE_DESCRIPTION => match Interface::read(block, self.order) {
                Some(interface) => self.interfaces.push(interface),
                None => {
                    notes.loss("a damaged interface description", Some(Place::Offset(self.window.offset())))
                }
            },
            INTERFACE_STATISTICS => {
                let order = self.order;
                let dropped = [ISB_IFDROP, ISB_OSDROP]
                    .iter()
                    .filter_map(|&code| order.u64(option(block, 20, order, code)?, 0))
                    .fold(0u64, u64::saturating_add);
                let interface = order.u32(block, BLOCK_HEAD).unwrap_or(u32::MAX);
                // Counters run on from one statistics block to the next: the last one counts.
                if let Some(interface) = self.interfaces.get_mut(interface as usize) {
                    interface.dropped = dropped;
                }
            }
            kind if NUMBERED_WITHOUT_FRAME.contains(&kind) => self.frames = self.frames.saturating_add(1),
            _ => {}
        }
    }

    fn dropped_in_section(&self) -> u64 {
        self.interfaces.iter().fold(0, |sum, interface| sum.saturating_add(interface.dropped))
    }
}

impl std::fmt::Debug for PcapngReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PcapngReader")
            .field("interfaces", &self.interfaces.len())
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

/// The byte order of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Big,
    Little,
}

impl Order {
    fn of_section(block: &[u8]) -> Option<Self> {
        [Self::Little, Self::Big]
            .into_iter()
            .find(|order| order.u32(block, BLOCK_HEAD) == Some(BYTE_ORDER_MAGIC))
    }

    fn u16(self, block: &[u8], at: usize) -> Option<u16> {
        let octets = *block.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Big => u16::from_be_bytes(octets),
            Self::Little => u16::from_le_bytes(octets),
        })
    }

    fn u32(self, block: &[u8], at: usize) -> Option<u32> {
        let octets = *block.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Big => u32::from_be_bytes(octets),
            Self::Little => u32::from_le_bytes(octets),
        })
    }

    fn u64(self, block: &[u8], at: usize) -> Option<u64> {
        let octets = *block.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Big => u64::from_be_bytes(octets),
            Self::Little => u64::from_le_bytes(octets),
        })
    }
}

/// The value of the first option `code` behind the `fixed` octets of a block (section 3.5).
fn option(block: &[u8], fixed: usize, order: Order, code: u16) -> Option<&[u8]> {
    let mut rest = block.get(fixed..block.len().checked_sub(4)?)?;
    loop {
        let (found, length) = (order.u16(rest, 0)?, usize::from(order.u16(rest, 2)?));
        let value = rest.get(4..4 + length)?;
        match found {
            0 => return None,
            found if found == code => return Some(value),
            _ => rest = rest.get(4 + length.next_multiple_of(4)..)?,
        }
    }
}

/// One interface of a section.
#[derive(Debug, Clone, Copy)]
struct Interface {
    link: LinkType,
    /// Longest frame captured; 0 where there is no limit.
    snaplen: u32,
    clock: Clock,
    dropped: u64,
}

impl Interface {
    fn read(block: &[u8], order: Order) -> Option<Self> {
        const FIXED: usize = 16;
        let link = LinkType(u32::from(order.u16(block, BLOCK_HEAD)?));
        let snaplen = order.u32(block, 12)?;
        let resolution = option(block, FIXED, order, IF_TSRESOL).and_then(|value| value.first().copied());
        let offset = option(block, FIXED, order, IF_TSOFFSET).and_then(|value| order.u64(value, 0));
        let clock = Clock::new(resolution, offset.unwrap_or_default().cast_signed());
        Some(Self { link, snaplen, clock, dropped: 0 })
    }
}

/// How an interface counts time (section 4.2, `if_tsresol` and `if_tsoffset`).
#[derive(Debug, Clone, Copy)]
struct Clock {
    ticks_per_second: i128,
    offset_seconds: i64,
}

impl Clock {
    /// The highest power of ten that is calculated with; an interface with finer ticks than that
    /// cannot count up to one second in 64 bits.
    const MAX_DECIMAL: u32 = 38;
    /// The same of two.
    const MAX_BINARY: u32 = 126;

    fn new(resolution: Option<u8>, offset_seconds: i64) -> Self {
        const MICROSECONDS: u8 = 6;
        let resolution = resolution.unwrap_or(MICROSECONDS);
        let exponent = u32::from(resolution & 0x7f);
        let ticks_per_second = if resolution & 0x80 == 0 {
            10i128.pow(exponent.min(Self::MAX_DECIMAL))
        } else {
            1i128 << exponent.min(Self::MAX_BINARY)
        };
        Self { ticks_per_second, offset_seconds }
    }

    /// The instant of a tick. The count is unsigned by the letter, but a count with its highest bit
    /// set is far beyond every calendar, and in practice a time before 1970.
    fn time(self, ticks: u64) -> Timestamp {
        const NANOS: i128 = 1_000_000_000;
        let ticks = i128::from(ticks.cast_signed());
        let (seconds, rest) = match i64::try_from(self.ticks_per_second) {
            // Sixty-four bits do for all clocks in use, and are faster.
            Ok(rate) => {
                let ticks = ticks as i64;
                (ticks.div_euclid(rate), i128::from(ticks.rem_euclid(rate)))
            }
            Err(_) => {
                (ticks.div_euclid(self.ticks_per_second) as i64, ticks.rem_euclid(self.ticks_per_second))
            }
        };
        let nanos = match u64::try_from(rest) {
            Ok(rest) if self.ticks_per_second <= NANOS => rest * NANOS as u64 / self.ticks_per_second as u64,
            _ => scale_down(rest, self.ticks_per_second),
        };
        Timestamp::from_parts(seconds.saturating_add(self.offset_seconds), nanos as u32)
    }
}

/// `rest / rate` in nanoseconds where the plain product might not fit: `rest` is less than `rate`.
fn scale_down(rest: i128, rate: i128) -> u64 {
    const NANOS: i128 = 1_000_000_000;
    let nanos = match rest.checked_mul(NANOS) {
        Some(product) => product / rate,
        None => rest / (rate / NANOS),
    };
    nanos.min(NANOS - 1) as u64
}

/// A packet block without its octets.
struct Packet {
    interface: u32,
    /// Its time in the interface's ticks; a simple packet block has none.
    ticks: Option<u64>,
    original_len: u32,
    /// Its octets within the block.
    bytes: Range<usize>,
}

const CUT_PACKET: &str = "a packet block too short for the frame that it claims to hold";

impl Packet {
    /// Section 4.3.
    fn enhanced(block: &[u8], order: Order) -> Result<Self, &'static str> {
        let interface = order.u32(block, 8).ok_or(CUT_PACKET)?;
        Self::timed(block, order, interface)
    }

    /// Appendix A, "Packet Block (obsolete!)".
    fn obsolete(block: &[u8], order: Order) -> Result<Self, &'static str> {
        let interface = u32::from(order.u16(block, 8).ok_or(CUT_PACKET)?);
        Self::timed(block, order, interface)
    }

    fn timed(block: &[u8], order: Order, interface: u32) -> Result<Self, &'static str> {
        const FIXED: usize = 28;
        let field = |at| order.u32(block, at).ok_or(CUT_PACKET);
        let ticks = u64::from(field(12)?) << 32 | u64::from(field(16)?);
        let captured = field(20)? as usize;
        if captured > block.len().saturating_sub(FIXED + 4) {
            return Err(CUT_PACKET);
        }
        Ok(Self { interface, ticks: Some(ticks), original_len: field(24)?, bytes: FIXED..FIXED + captured })
    }

    /// Section 4.4: it belongs to the section's first interface, whose snapshot length tells how
    /// much of it was captured.
    fn simple(block: &[u8], order: Order, interfaces: &[Interface]) -> Result<Self, &'static str> {
        const FIXED: usize = 12;
        let original_len = order.u32(block, 8).ok_or(CUT_PACKET)?;
        let snaplen = match interfaces.first() {
            Some(interface) if interface.snaplen > 0 => interface.snaplen,
            _ => u32::MAX,
        };
        let room = block.len().saturating_sub(FIXED + 4);
        let captured = (original_len.min(snaplen) as usize).min(room);
        Ok(Self { interface: 0, ticks: None, original_len, bytes: FIXED..FIXED + captured })
    }
}
