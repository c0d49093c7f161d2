//! pcapng (draft-ietf-opsawg-pcapng): sections of blocks, frames by interface.
//!
//! The blocks are read here and not by a library, without an allocation for each, with the obsolete
//! packet block, either byte order of `if_tsoffset` and the binary resolutions of `if_tsresol`.

mod blocks;
mod kinds;
mod search;

use super::interfaces::{InterfaceFacts, MAX_INTERFACES_TOLD, MAX_TEXT};
use super::losses::Losses;
use super::{Damage, Failure, Frame, OpenCause, ReadCause, Window};

use crate::cite::{Notes, Place};
use crate::text::{Text, escaped};
use crate::time::Timestamp;
use blocks::{Interface, Order, Packet};
use kinds::{
    ENHANCED_PACKET, INTERFACE_DESCRIPTION, INTERFACE_STATISTICS, MAY_BE_HUGE, NUMBERED_WITHOUT_FRAME,
    OBSOLETE_PACKET, SECTION_HEADER, SIMPLE_PACKET,
};
use search::{Before, Found};

/// The longest block that is read as a whole; libpcap's limit, too.
const MAX_BLOCK: usize = 16 * 1024 * 1024;

/// Interfaces kept per section.
const MAX_INTERFACES: usize = 65_536;

/// Comments shown of a file.
const MAX_COMMENTS: u32 = 16;

/// Blocks of a known kind, one behind the other, that show that one with a wrong length at its end is
/// right otherwise.
const GOING_ON: usize = 3;

/// Octets of an empty block: type and length at its head, length again at its end (section 3.1).
const BLOCK_FRAME: usize = 12;

/// The least that options take up, with the length behind them.
const BLOCK_HEAD: usize = blocks::BLOCK_HEAD;

const WRONG_END: &str = "a block whose length at its end is not that at its head";
const UNDESCRIBED: &str = "a frame of an interface that the file does not describe";

/// Whether the file begins as a pcapng file does.
pub(super) fn is_section_header(head: &[u8]) -> bool {
    head.starts_with(&SECTION_HEADER.to_be_bytes()) && Order::of_section(head).is_some()
}

/// What stands where a block should.
enum Here {
    /// The end of the file.
    End,
    /// A block that is in the window as a whole, and its length with its padding.
    Block { kind: u32, length: usize },
    /// A block that is longer than the file goes on: cut, or of a wrong length.
    CutOrDamaged { kind: u32, need: usize, have: usize },
    /// No block.
    Damaged { kind: u32, damage: Damage },
}

/// See the module.
pub(super) struct PcapngReader {
    window: Window,
    order: Order,
    /// Those of the section; `None` where the description is damaged, so that the others keep their
    /// numbers.
    interfaces: Vec<Option<Interface>>,
    /// What is told of the interfaces, of all sections.
    facts: Vec<InterfaceFacts>,
    /// Where those of this section begin among them.
    section_from: usize,
    section: u32,
    /// Hardware and operating system, by the section.
    host: (Option<Text>, Option<Text>),
    comments: u32,
    losses: Losses,
    frames: u32,
    last_time: Option<Timestamp>,
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
            losses: Losses::default(),
            frames: 0,
            last_time: None,
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
                    if let Some(Some(interface)) = self.interfaces.get(packet.interface as usize) {
                        break (length, packet, *interface);
                    }
                    notes.loss(UNDESCRIBED, place);
                }
                Ok(packet) => match self.interfaces.get(packet.interface as usize) {
                    Some(Some(interface)) => break (length, packet, *interface),
                    _ => notes.loss(UNDESCRIBED, place),
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
                self.last_time.unwrap_or_default()
            }
        };
        self.last_time = Some(time);
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
        let mut notes = self.window.notes().clone();
        for facts in &self.facts {
            facts.note_drops(&mut notes);
        }
        self.losses.note_rest(&mut notes);
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
            match self.block_here()? {
                Here::End => return Ok(None),
                Here::Block { kind, length } if self.is_consistent(length) => {
                    if self.leads_on(length) {
                        return Ok(Some((kind, length)));
                    }
                    match self.hidden(length) {
                        Some(count) => self.pass_over(kind, count, Damage::WrongLength, notes),
                        None => return Ok(Some((kind, length))),
                    }
                }
                Here::Block { kind, length } => {
                    // Some writers are wrong about the length at the end, and nothing else.
                    if self.goes_on(length) && self.hidden(length).is_none() {
                        notes.oddity(WRONG_END, Some(Place::Offset(self.window.offset())));
                        return Ok(Some((kind, length)));
                    }
                    self.search(kind, Damage::WrongLength, notes)?;
                }
                Here::CutOrDamaged { kind, need, have } => {
                    match search::find(&self.window, self.before(), 1..have) {
                        Found::At(count) if self.is_of_this_file(kind, need, count) => {
                            self.pass_over(kind, count, Damage::WrongLength, notes);
                        }
                        _ => {
                            let cause = ReadCause::CutBlock { need, have };
                            return Err(Failure { offset: self.window.offset(), cause });
                        }
                    }
                }
                Here::Damaged { kind, damage } => self.search(kind, damage, notes)?,
            }
        }
    }

    /// Whether the length at the end of a block is that at its head.
    #[inline]
    fn is_consistent(&self, length: usize) -> bool {
        let block = self.window.data();
        block.get(length - 4..length) == block.get(4..8)
    }

    /// Whether a block of the same kind, or of another known one, may begin behind the block at hand, or
    /// the file ends there.
    #[inline]
    fn leads_on(&mut self, length: usize) -> bool {
        let data = self.window.data();
        data.get(length..length + 4).is_some_and(|kind| data.starts_with(kind))
            || self.leads_to_another(length)
    }

    #[inline(never)]
    fn leads_to_another(&mut self, length: usize) -> bool {
        if self.window.have(length + BLOCK_FRAME) < length + BLOCK_FRAME {
            return true;
        }
        let kind = self.order.u32(self.window.data(), length).unwrap_or_default();
        kinds::is_known(kind) || kind == SECTION_HEADER
    }

    /// Where inside of the block at hand blocks begin that run on beyond its end: the other length that
    /// is right is that of one of them.
    #[cold]
    fn hidden(&mut self, length: usize) -> Option<usize> {
        self.window.have(length + search::LOOKAHEAD);
        search::find_across(&self.window, self.before(), length)
    }

    fn claimed(&self, at: usize) -> usize {
        self.order.u32(self.window.data(), at + 4).unwrap_or_default() as usize
    }

    /// Whether the block at hand, of this length, leads to the end of the file, to a block that stands at
    /// both its ends, or to several of a known kind one behind the other.
    fn goes_on(&mut self, length: usize) -> bool {
        let mut at = length;
        for _ in 0..GOING_ON {
            if self.window.have(at + BLOCK_FRAME) <= at {
                return self.window.ended_well();
            }
            if !self.is_likely(at) {
                return false;
            }
            let length = self.claimed(at).next_multiple_of(4);
            if self.window.have(at + length) < at + length {
                return false;
            }
            if self.order.u32(self.window.data(), at + length - 4)
                == self.order.u32(self.window.data(), at + 4)
            {
                return true;
            }
            at += length;
        }
        true
    }

    /// Whether a block of a known kind and a likely length begins at `at`. Writers that forget to round
    /// lengths up to a multiple of four forget it for all.
    fn is_likely(&self, at: usize) -> bool {
        let kind = self.order.u32(self.window.data(), at).unwrap_or_default();
        let length = self.claimed(at);
        (kinds::is_known(kind) || kind == SECTION_HEADER)
            && (length.is_multiple_of(4) || !self.claimed(0).is_multiple_of(4))
            && (BLOCK_FRAME..=search::MAX_FOUND).contains(&length)
    }

    /// What is known of the file so far.
    fn before(&self) -> Before<'_> {
        Before { order: self.order, interfaces: &self.interfaces, last_time: self.last_time }
    }

    /// Looks for the next sound block behind damage, however far, passes over what lies before it, and
    /// says so.
    #[cold]
    fn search(&mut self, kind: u32, damage: Damage, notes: &mut Notes) -> Result<(), Failure> {
        let offset = self.window.offset();
        let (mut passed, mut from) = (0, 1);
        let mut remembered = kind;
        loop {
            match search::find(&self.window, self.before(), from..usize::MAX) {
                Found::At(count) => {
                    self.lose(remembered, count);
                    self.window.take(count);
                    passed += count as u64;
                    self.losses.passed_over(offset, passed, damage, notes);
                    return Ok(());
                }
                Found::Unclear(count) => {
                    self.lose(remembered, count);
                    remembered = 0;
                    self.window.take(count);
                    passed += count as u64;
                    self.window.have(search::LOOKAHEAD + search::SEARCHED);
                    from = 0;
                }
                Found::Nothing => {
                    let left = self.window.data().len();
                    passed += left as u64;
                    self.window.take(left);
                    if let Some(error) = self.window.take_error() {
                        self.losses.passed_over(offset, passed, damage, notes);
                        return Err(Failure { offset: offset + passed, cause: error.into() });
                    }
                    return Err(Failure { offset, cause: ReadCause::Damaged { damage, passed } });
                }
            }
        }
    }

    /// Whether the block found at `at`, inside a block that is longer than the file goes on, is one of
    /// this file, and not of a capture in the frame that the file was cut in.
    fn is_of_this_file(&self, kind: u32, length: usize, at: usize) -> bool {
        let data = self.window.data();
        let another_begins = self.order.u32(data, at) == Some(SECTION_HEADER);
        !(another_begins && search::was_cut(data, self.order, kind, length))
    }

    fn pass_over(&mut self, kind: u32, count: usize, damage: Damage, notes: &mut Notes) {
        let offset = self.window.offset();
        self.lose(kind, count);
        self.window.take(count);
        self.losses.passed_over(offset, count as u64, damage, notes);
    }

    /// What a damaged block of this kind, and what stands in the `count` octets that are passed over,
    /// takes with it: behind a lost section header nothing is known of the interfaces, and behind a
    /// lost interface description the others keep their numbers.
    fn lose(&mut self, kind: u32, count: usize) {
        let passed = self.window.data().get(..count).unwrap_or_default();
        if kind == SECTION_HEADER || passed.windows(4).any(blocks::is_byte_order_magic) {
            self.interfaces.clear();
            self.section_from = self.facts.len();
            self.section = self.section.saturating_add(1);
        } else if kind == INTERFACE_DESCRIPTION && self.interfaces.len() < MAX_INTERFACES {
            self.interfaces.push(None);
        }
    }

    /// What stands at the front of the window; a block is in it as a whole then.
    #[inline]
    fn block_here(&mut self) -> Result<Here, Failure> {
        loop {
            let offset = self.window.offset();
            let have = self.window.have(BLOCK_FRAME);
            if have < BLOCK_FRAME {
                return match self.window.take_error() {
                    Some(error) => Err(Failure { offset, cause: error.into() }),
                    None if have == 0 => Ok(Here::End),
                    None => Err(Failure { offset, cause: ReadCause::CutBlock { need: BLOCK_FRAME, have } }),
                };
            }
            let head = self.window.data();
            let kind = self.order.u32(head, 0).unwrap_or_default();
            if head.starts_with(&SECTION_HEADER.to_be_bytes()) {
                match Order::of_section(head) {
                    Some(order) => self.order = order,
                    None => {
                        let damage = Damage::BadBlock("a section header without its byte-order magic");
                        return Ok(Here::Damaged { kind, damage });
                    }
                }
            }
            let claimed = self.order.u32(self.window.data(), 4).unwrap_or_default();
            if (claimed as usize) < BLOCK_FRAME {
                let damage = Damage::BadBlock("a block shorter than an empty one");
                return Ok(Here::Damaged { kind, damage });
            }
            // The length is a multiple of four (section 3.1); writers that forget it pad all the same.
            let length = u64::from(claimed).next_multiple_of(4);
            if length > MAX_BLOCK as u64 {
                self.window.have(search::LOOKAHEAD + search::SEARCHED);
                let inside = search::find(&self.window, self.before(), 1..search::SEARCHED);
                if !MAY_BE_HUGE.contains(&kind) || matches!(inside, Found::At(_)) {
                    let damage = Damage::AbsurdLength { length, limit: MAX_BLOCK as u64 };
                    return Ok(Here::Damaged { kind, damage });
                }
                let missing = self.window.skip(length);
                if missing > 0 {
                    let cut =
                        ReadCause::CutBlock { need: length as usize, have: (length - missing) as usize };
                    let cause = self.window.take_error().map_or(cut, ReadCause::Io);
                    return Err(Failure { offset, cause });
                }
                continue;
            }
            let need = length as usize;
            let have = self.window.have(need);
            if have >= need {
                return Ok(Here::Block { kind, length: need });
            }
            if let Some(error) = self.window.take_error() {
                return Err(Failure { offset, cause: error.into() });
            }
            return Ok(Here::CutOrDamaged { kind, need, have });
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
        if kinds::is_known(kind) && !blocks::is_sound(kind, block, self.order) {
            notes.oddity("a block that is not what its type says", place);
        }
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
            INTERFACE_DESCRIPTION => {
                let interface = Interface::read(block, self.order);
                match &interface {
                    Some(interface) if self.facts.len() < MAX_INTERFACES_TOLD => {
                        let mut facts = blocks::interface_facts(block, self.order, interface);
                        facts.section = self.section;
                        facts.number = self.interfaces.len() as u32;
                        facts.hardware = facts.hardware.or_else(|| self.host.0.clone());
                        facts.system = facts.system.or_else(|| self.host.1.clone());
                        self.facts.push(facts);
                    }
                    Some(_) => {}
                    None => notes.loss("a damaged interface description", place),
                }
                self.interfaces.push(interface);
            }
            INTERFACE_STATISTICS => {
                let number = blocks::statistics_of(block, self.order);
                let of_section = self.facts.get_mut(self.section_from..).unwrap_or_default();
                if let Some(facts) = of_section.iter_mut().find(|facts| facts.number == number) {
                    blocks::take_statistics(block, self.order, facts);
                }
            }
            kind if NUMBERED_WITHOUT_FRAME.contains(&kind) => self.frames = self.frames.saturating_add(1),
            kind if kinds::is_known(kind) => {}
            kind if kinds::is_of_a_program(kind) => {
                notes.oddity("a block of a program's own is passed over", place);
            }
            // Legal (section 3.1), and yet what a damaged type looks like.
            _ => notes.oddity("a block of a type that nobody knows is passed over", place),
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
