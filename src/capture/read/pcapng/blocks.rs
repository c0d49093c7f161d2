//! The fields of pcapng blocks: byte order, options, interfaces and their clocks, packets.

use std::ops::Range;

use crate::capture::read::LinkType;
use crate::time::Timestamp;

/// Octets before a block's body: type and length (section 3.1).
pub(super) const BLOCK_HEAD: usize = 8;

/// The byte-order magic in the section's own order (section 4.1).
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

/// Options of the interface description (section 4.2) and statistics (section 4.6).
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;
const ISB_IFDROP: u16 = 5;
const ISB_OSDROP: u16 = 7;

/// The byte order of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Big,
    Little,
}

impl Order {
    pub(super) fn of_section(block: &[u8]) -> Option<Self> {
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

    pub(super) fn u32(self, block: &[u8], at: usize) -> Option<u32> {
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

/// The interface of a statistics block, and the frames that were dropped on it (section 4.6).
pub(super) fn reported_drops(block: &[u8], order: Order) -> (u32, u64) {
    const FIXED: usize = 20;
    let dropped = [ISB_IFDROP, ISB_OSDROP]
        .iter()
        .filter_map(|&code| order.u64(option(block, FIXED, order, code)?, 0))
        .fold(0, u64::saturating_add);
    (order.u32(block, BLOCK_HEAD).unwrap_or(u32::MAX), dropped)
}

/// One interface of a section.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interface {
    pub(super) link: LinkType,
    /// Longest frame captured; 0 where there is no limit.
    snaplen: u32,
    pub(super) clock: Clock,
    /// Frames that the capturing program reports as dropped.
    pub(super) dropped: u64,
}

impl Interface {
    pub(super) fn read(block: &[u8], order: Order) -> Option<Self> {
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
pub(super) struct Clock {
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
    pub(super) fn time(self, ticks: u64) -> Timestamp {
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
pub(super) struct Packet {
    pub(super) interface: u32,
    /// Its time in the interface's ticks; a simple packet block has none.
    pub(super) ticks: Option<u64>,
    pub(super) original_len: u32,
    /// Its octets within the block.
    pub(super) bytes: Range<usize>,
}

const CUT_PACKET: &str = "a packet block too short for the frame that it claims to hold";

impl Packet {
    /// Section 4.3.
    pub(super) fn enhanced(block: &[u8], order: Order) -> Result<Self, &'static str> {
        let interface = order.u32(block, 8).ok_or(CUT_PACKET)?;
        Self::timed(block, order, interface)
    }

    /// Appendix A, "Packet Block (obsolete!)".
    pub(super) fn obsolete(block: &[u8], order: Order) -> Result<Self, &'static str> {
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
    pub(super) fn simple(block: &[u8], order: Order, interfaces: &[Interface]) -> Result<Self, &'static str> {
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
