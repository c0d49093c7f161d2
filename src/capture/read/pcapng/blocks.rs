//! The fields of pcapng blocks: byte order, options, interfaces and their clocks, packets.

use std::ops::Range;

use super::kinds::{
    DECRYPTION_SECRETS, INTERFACE_DESCRIPTION, INTERFACE_STATISTICS, JOURNAL_EXPORT, NAME_RESOLUTION,
    SECTION_HEADER,
};
use crate::capture::read::LinkType;
use crate::capture::read::interfaces::{InterfaceFacts, MAX_TEXT};
use crate::text::Text;
use crate::time::Timestamp;

/// Octets before a block's body: type and length (section 3.1).
pub(super) const BLOCK_HEAD: usize = 8;

/// The byte-order magic in the section's own order (section 4.1).
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

/// Options of all blocks (section 3.5), the section header (section 4.1), the interface description
/// (section 4.2) and statistics (section 4.6).
const COMMENT: u16 = 1;
const SHB_HARDWARE: u16 = 2;
const SHB_OS: u16 = 3;
const IF_NAME: u16 = 2;
const IF_DESCRIPTION: u16 = 3;
const IF_TSRESOL: u16 = 9;
const IF_FILTER: u16 = 11;
const IF_OS: u16 = 12;
const IF_TSOFFSET: u16 = 14;
const IF_HARDWARE: u16 = 15;
const ISB_IFRECV: u16 = 4;
const ISB_IFDROP: u16 = 5;
const ISB_OSDROP: u16 = 7;

/// Octets before the options of the section header, the interface description and the statistics.
const SECTION_FIXED: usize = 24;
const INTERFACE_FIXED: usize = 16;
const STATISTICS_FIXED: usize = 20;

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

/// Whether these are the octets of the byte-order magic, in either order.
pub(super) fn is_byte_order_magic(octets: &[u8]) -> bool {
    octets == BYTE_ORDER_MAGIC.to_be_bytes() || octets == BYTE_ORDER_MAGIC.to_le_bytes()
}

/// The value of the first option `code` behind the `fixed` octets of a block (section 3.5).
fn option(block: &[u8], fixed: usize, order: Order, code: u16) -> Option<&[u8]> {
    options(block, fixed, order).find(|(found, _)| *found == code).map(|(_, value)| value)
}

/// The options behind the `fixed` octets of a block, as far as they are sound.
fn options(block: &[u8], fixed: usize, order: Order) -> impl Iterator<Item = (u16, &[u8])> {
    let end = block.len().saturating_sub(4);
    let mut rest = block.get(fixed..end).unwrap_or_default();
    std::iter::from_fn(move || {
        let (code, length) = (order.u16(rest, 0)?, usize::from(order.u16(rest, 2)?));
        let value = rest.get(4..4 + length)?;
        // Padding may be missing behind the last one.
        rest = rest.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        (code != 0).then_some((code, value))
    })
}

/// What stands behind the end mark of a list of options, or nothing if the list fills `rest`; `None`
/// where it is no list.
fn behind_list(mut rest: &[u8], order: Order) -> Option<&[u8]> {
    while !rest.is_empty() {
        let (code, length) = (order.u16(rest, 0)?, usize::from(order.u16(rest, 2)?));
        if code == 0 && length > 0 {
            return None;
        }
        rest = rest.get(4 + length.next_multiple_of(4)..)?;
        if code == 0 {
            break;
        }
    }
    Some(rest)
}

/// Whether options fill a block from its `fixed` octets on to its end.
fn are_sound_options(block: &[u8], fixed: usize, order: Order) -> bool {
    let list = block.get(fixed..block.len().saturating_sub(4));
    list.and_then(|list| behind_list(list, order)).is_some_and(<[u8]>::is_empty)
}

/// Whether records of names fill a block, and options behind them.
fn are_sound_names(block: &[u8], order: Order) -> bool {
    let list = block.get(BLOCK_HEAD..block.len().saturating_sub(4));
    let options = list.and_then(|list| behind_list(list, order));
    options.and_then(|options| behind_list(options, order)).is_some_and(<[u8]>::is_empty)
}

/// Whether a block without a frame is one of its kind in every particular that is fixed: it is looked
/// for behind damage, and chance puts types together.
pub(super) fn is_sound(kind: u32, block: &[u8], order: Order) -> bool {
    let u16 = |at| order.u16(block, BLOCK_HEAD + at);
    let u32 = |at| order.u32(block, BLOCK_HEAD + at);
    match kind {
        // Section 4.1: version 1.0, or 1.2 of some writers.
        SECTION_HEADER => u16(4) == Some(1) && are_sound_options(block, SECTION_FIXED, order),
        // Section 4.2: the field between link type and snapshot length is zero.
        INTERFACE_DESCRIPTION => u16(2) == Some(0) && are_sound_options(block, INTERFACE_FIXED, order),
        // Section 4.6: of some interface, at some time.
        INTERFACE_STATISTICS => are_sound_options(block, STATISTICS_FIXED, order),
        // Section 4.5: records as options are, the last one empty, and options.
        NAME_RESOLUTION => are_sound_names(block, order),
        // Section 4.7: secrets and their length.
        DECRYPTION_SECRETS => u32(4).is_some_and(|length| length as usize <= block.len()),
        // systemd's export format: fields in capitals, the first of them an address field.
        JOURNAL_EXPORT => block.get(BLOCK_HEAD..).is_some_and(|body| body.starts_with(b"__")),
        // Section 4.8: custom blocks, with the number of an enterprise. Of the others, no rule is known.
        _ => u32(0).is_some_and(|enterprise| enterprise > 0),
    }
}

/// Whether a block is a simple packet block in every particular (section 4.4): it is as long as its
/// frame and the snapshot length of the first interface make it.
pub(super) fn is_sound_simple_packet(block: &[u8], order: Order, interfaces: &[Option<Interface>]) -> bool {
    Packet::simple(block, order, interfaces)
        .is_ok_and(|packet| packet.bytes.end.next_multiple_of(4) + 4 == block.len())
}

/// The comments behind the `fixed` octets of a block.
pub(super) fn comments(block: &[u8], fixed: usize, order: Order) -> impl Iterator<Item = &[u8]> {
    options(block, fixed, order).filter(|(code, _)| *code == COMMENT).map(|(_, value)| value)
}

/// Where the options of the blocks begin that may have a comment and hold no frame.
pub(super) const fn options_begin(section: bool) -> usize {
    if section { SECTION_FIXED } else { INTERFACE_FIXED }
}

fn text(block: &[u8], fixed: usize, order: Order, code: u16) -> Option<Text> {
    let value = option(block, fixed, order, code)?;
    let value = value.split(|octet| *octet == 0).next().unwrap_or_default();
    (!value.is_empty()).then(|| Text::bounded(value, MAX_TEXT))
}

/// Hardware and operating system by the section header.
pub(super) fn section_host(block: &[u8], order: Order) -> (Option<Text>, Option<Text>) {
    let text = |code| text(block, SECTION_FIXED, order, code);
    (text(SHB_HARDWARE), text(SHB_OS))
}

/// What an interface description tells beside what frames need.
pub(super) fn interface_facts(block: &[u8], order: Order, interface: &Interface) -> InterfaceFacts {
    let text = |code| text(block, INTERFACE_FIXED, order, code);
    // Its first octet says in what language it is: 0 for libpcap's.
    let filter = option(block, INTERFACE_FIXED, order, IF_FILTER);
    let filter = filter.and_then(|value| value.strip_prefix(&[0])).filter(|words| !words.is_empty());
    InterfaceFacts {
        section: 0,
        number: 0,
        link: interface.link,
        snaplen: interface.snaplen,
        ticks_per_second: u64::try_from(interface.clock.ticks_per_second).unwrap_or(u64::MAX),
        name: text(IF_NAME),
        description: text(IF_DESCRIPTION),
        filter: filter.map(|words| Text::bounded(words, MAX_TEXT)),
        system: text(IF_OS),
        hardware: text(IF_HARDWARE),
        received: None,
        dropped_by_interface: None,
        dropped_by_system: None,
    }
}

/// The interface of a statistics block (section 4.6).
pub(super) fn statistics_of(block: &[u8], order: Order) -> u32 {
    order.u32(block, BLOCK_HEAD).unwrap_or(u32::MAX)
}

/// Takes over what a statistics block counts. Counters run on from one such block to the next, so
/// the last one counts.
pub(super) fn take_statistics(block: &[u8], order: Order, facts: &mut InterfaceFacts) {
    let count = |code| order.u64(option(block, STATISTICS_FIXED, order, code)?, 0);
    facts.received = count(ISB_IFRECV).or(facts.received);
    facts.dropped_by_interface = count(ISB_IFDROP).or(facts.dropped_by_interface);
    facts.dropped_by_system = count(ISB_OSDROP).or(facts.dropped_by_system);
}

/// One interface of a section.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interface {
    pub(super) link: LinkType,
    /// Longest frame captured; 0 where there is no limit.
    snaplen: u32,
    pub(super) clock: Clock,
}

impl Interface {
    pub(super) fn read(block: &[u8], order: Order) -> Option<Self> {
        const FIXED: usize = INTERFACE_FIXED;
        let link = LinkType(u32::from(order.u16(block, BLOCK_HEAD)?));
        let snaplen = order.u32(block, 12)?;
        let resolution = option(block, FIXED, order, IF_TSRESOL).and_then(|value| value.first().copied());
        let offset = option(block, FIXED, order, IF_TSOFFSET).and_then(|value| order.u64(value, 0));
        let clock = Clock::new(resolution, offset.unwrap_or_default().cast_signed());
        Some(Self { link, snaplen, clock })
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
                let seconds = ticks.div_euclid(rate);
                // The remainder, without a second division.
                (seconds, i128::from(ticks.wrapping_sub(seconds.wrapping_mul(rate))))
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

impl Packet {
    /// Where its options begin, in a block that may have some.
    #[inline]
    pub(super) fn options_begin(&self) -> usize {
        self.bytes.end.next_multiple_of(4)
    }
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
    pub(super) fn simple(
        block: &[u8],
        order: Order,
        interfaces: &[Option<Interface>],
    ) -> Result<Self, &'static str> {
        const FIXED: usize = 12;
        let original_len = order.u32(block, 8).filter(|length| *length > 0).ok_or(CUT_PACKET)?;
        let snaplen = match interfaces.first() {
            Some(Some(interface)) if interface.snaplen > 0 => interface.snaplen,
            _ => u32::MAX,
        };
        let room = block.len().saturating_sub(FIXED + 4);
        let captured = (original_len.min(snaplen) as usize).min(room);
        Ok(Self { interface: 0, ticks: None, original_len, bytes: FIXED..FIXED + captured })
    }
}
