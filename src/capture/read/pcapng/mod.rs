//! pcapng (draft-ietf-opsawg-pcapng): sections of blocks, frames by interface.
//!
//! The blocks are read here and not by a library, without an allocation for each, with the obsolete
//! packet block, either byte order of `if_tsoffset` and the binary resolutions of `if_tsresol`.

mod blocks;
mod search;

use super::interfaces::{InterfaceFacts, MAX_INTERFACES_TOLD, MAX_TEXT};
use super::{Failure, Frame, OpenCause, ReadCause, Window};

use crate::cite::{Notes, Place};
use crate::text::{Text, escaped};
use crate::time::Timestamp;
use blocks::{Interface, Order, Packet};

/// The longest block that is read as a whole; libpcap's limit, too.
const MAX_BLOCK: usize = 16 * 1024 * 1024;

/// Interfaces kept per section.
const MAX_INTERFACES: usize = 65_536;

/// Comments shown of a file.
const MAX_COMMENTS: u32 = 16;

/// The highest type of those that the specification and Wireshark know one behind the other; of
/// others, a length beyond [`MAX_BLOCK`] is not believed (section 10.1).
const LAST_LOW_TYPE: u32 = 0x0c;

/// Octets of an empty block: type and length at its head, length again at its end (section 3.1).
const BLOCK_FRAME: usize = 12;

/// The least that options take up, with the length behind them.
const BLOCK_HEAD: usize = blocks::BLOCK_HEAD;

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

const UNDESCRIBED: &str = "a frame of an interface that the file does not describe";

/// Whether the file begins as a pcapng file does.
pub(super) fn is_section_header(head: &[u8]) -> bool {
    head.starts_with(&SECTION_HEADER.to_be_bytes()) && Order::of_section(head).is_some()
}

/// See the module.
pub(super) struct PcapngReader {
    window: Window,
    order: Order,
    interfaces: Vec<Interface>,
    /// What is told of the interfaces, of all sections.
    facts: Vec<InterfaceFacts>,
    /// Where those of this section begin among them.
    section_from: usize,
    section: u32,
    /// Hardware and operating system, by the section.
    host: (Option<Text>, Option<Text>),
    comments: u32,
    searches: u32,
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
            facts: Vec::new(),
            section_from: 0,
            section: 0,
            host: (None, None),
            comments: 0,
            searches: 0,
            frames: 0,
            last_time: Timestamp::default(),
        })
    }

    pub(super) fn next_frame(&mut self, notes: &mut Notes) -> Result<Option<Frame<'_>>, Failure> {
        let found = loop {
            let Some((kind, length)) = self.next_block(notes)? else { return Ok(None) };
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
                Ok(packet) if packet.options_begin() + BLOCK_HEAD < length && kind != SIMPLE_PACKET => {
                    self.note_comments(packet.options_begin(), length, place, notes);
                    if let Some(interface) = self.interfaces.get(packet.interface as usize) {
                        break (length, packet, *interface);
                    }
                    notes.loss(UNDESCRIBED, place);
                }
                Ok(packet) => match self.interfaces.get(packet.interface as usize) {
                    Some(interface) => break (length, packet, *interface),
                    None => notes.loss(UNDESCRIBED, place),
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
        for facts in &self.facts {
            facts.note_drops(&mut notes);
        }
        notes
    }

    /// What the file tells of its interfaces so far.
    pub(super) fn interfaces(&self) -> &[InterfaceFacts] {
        &self.facts
    }

    /// Type and whole length of the next block, which is in the window then; behind damage, of the
    /// next sound one.
    #[inline]
    fn next_block(&mut self, notes: &mut Notes) -> Result<Option<(u32, usize)>, Failure> {
        loop {
            match self.block_here() {
                Ok(Some((kind, length))) if !self.is_consistent(length) => {
                    // Some writers are wrong about the length at the end, and nothing else.
                    let next = self.window.have(length + BLOCK_FRAME) - length;
                    let goes_on = next == 0 || self.order_goes_on(length);
                    if goes_on || !self.search(notes) {
                        return Ok(Some((kind, length)));
                    }
                }
                Err(failure) if failure.is_damage() && self.search(notes) => {}
                other => return other,
            }
        }
    }

    /// Whether the length at the end of a block is that at its head.
    #[inline]
    fn is_consistent(&self, length: usize) -> bool {
        let block = self.window.data();
        // A length that is no multiple of four stands at both ends as it is.
        block.get(length - 4..length) == block.get(4..8) || !self.claimed(0).is_multiple_of(4)
    }

    fn claimed(&self, at: usize) -> usize {
        self.order.u32(self.window.data(), at + 4).unwrap_or_default() as usize
    }

    /// Whether a block of a known kind and a believable length begins at `at`.
    fn order_goes_on(&self, at: usize) -> bool {
        let kind = self.order.u32(self.window.data(), at).unwrap_or(u32::MAX);
        let length = self.claimed(at);
        (kind <= LAST_LOW_TYPE || kind == SECTION_HEADER)
            && length.is_multiple_of(4)
            && (BLOCK_FRAME..=MAX_BLOCK).contains(&length)
    }

    /// Looks for the next sound block behind damage, passes over what lies before it, and says so.
    #[cold]
    fn search(&mut self, notes: &mut Notes) -> bool {
        if self.searches == search::MAX_SEARCHES {
            return false;
        }
        self.searches += 1;
        let want = 2 * search::SEARCHED;
        let ended = self.window.have(want) < want;
        let Some(found) = search::find(self.window.data(), self.order, ended) else { return false };
        let offset = self.window.offset();
        let text = format!("damaged at octet {offset}: {found} octets passed over");
        notes.loss(text, Some(Place::Offset(offset)));
        self.window.take(found);
        true
    }

    /// Type and whole length of the block at hand.
    #[inline]
    fn block_here(&mut self) -> Result<Option<(u32, usize)>, Failure> {
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
                let passable = kind <= LAST_LOW_TYPE || NUMBERED_WITHOUT_FRAME.contains(&kind);
                if !passable || matches!(kind, ENHANCED_PACKET | OBSOLETE_PACKET | SIMPLE_PACKET) {
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
                if let Some(error) = self.window.take_error() {
                    return fail(error.into());
                }
                let cut = search::was_cut(self.window.data(), self.order, kind, need);
                return fail(if cut {
                    ReadCause::CutBlock { need, have }
                } else {
                    ReadCause::CutOrDamagedBlock { need, have }
                });
            }
            return Ok(Some((kind, need)));
        }
    }

    /// Shows the comments in the `length` octets of the block at hand, as far as there is room.
    fn note_comments(&mut self, fixed: usize, length: usize, place: Option<Place>, notes: &mut Notes) {
        let block = self.window.data().get(..length).unwrap_or_default();
        for comment in blocks::comments(block, fixed, self.order) {
            if self.comments == MAX_COMMENTS {
                notes.oddity("more comments in the file than are shown", place);
                return;
            }
            self.comments += 1;
            let shown = comment.get(..MAX_TEXT).unwrap_or(comment);
            let more = if shown.len() < comment.len() { " ..." } else { "" };
            notes.oddity(format!("comment: {}{more}", escaped(shown)), place);
        }
    }

    fn other_block(&mut self, kind: u32, length: usize, notes: &mut Notes) {
        let place = Some(Place::Offset(self.window.offset()));
        if matches!(kind, SECTION_HEADER | INTERFACE_DESCRIPTION) {
            self.note_comments(blocks::options_begin(kind == SECTION_HEADER), length, place, notes);
        }
        let block = self.window.data().get(..length).unwrap_or_default();
        match kind {
            SECTION_HEADER => {
                if !self.interfaces.is_empty() {
                    self.section = self.section.saturating_add(1);
                }
                self.interfaces.clear();
                self.section_from = self.facts.len();
                self.host = blocks::section_host(block, self.order);
            }
            INTERFACE_DESCRIPTION if self.interfaces.len() == MAX_INTERFACES => {
                notes.loss(
                    "more interfaces than are kept in one section",
                    Some(Place::Offset(self.window.offset())),
                );
            }
            INTERFACE_DESCRIPTION => match Interface::read(block, self.order) {
                Some(interface) => {
                    if self.facts.len() < MAX_INTERFACES_TOLD {
                        let mut facts = blocks::interface_facts(block, self.order, &interface);
                        facts.section = self.section;
                        facts.number = self.interfaces.len() as u32;
                        facts.hardware = facts.hardware.or_else(|| self.host.0.clone());
                        facts.system = facts.system.or_else(|| self.host.1.clone());
                        self.facts.push(facts);
                    }
                    self.interfaces.push(interface);
                }
                None => notes.loss("a damaged interface description", place),
            },
            INTERFACE_STATISTICS => {
                let number = blocks::statistics_of(block, self.order) as usize;
                if let Some(facts) = self.facts.get_mut(self.section_from.saturating_add(number)) {
                    blocks::take_statistics(block, self.order, facts);
                }
            }
            kind if NUMBERED_WITHOUT_FRAME.contains(&kind) => self.frames = self.frames.saturating_add(1),
            _ => {}
        }
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
