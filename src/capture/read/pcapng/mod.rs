//! pcapng (draft-ietf-opsawg-pcapng): sections of blocks, frames by interface.
//!
//! The blocks are read here and not by a library, without an allocation for each, with the obsolete
//! packet block, either byte order of `if_tsoffset` and the binary resolutions of `if_tsresol`.

mod blocks;
mod kinds;
mod search;
mod walk;

use super::interfaces::{InterfaceFacts, MAX_INTERFACES_TOLD, MAX_TEXT};
use super::losses::Losses;
use super::{Failure, Frame, OpenCause, Window};

use crate::cite::{Notes, Place};
use crate::text::{Text, escaped};
use crate::time::Timestamp;
use blocks::{Interface, Order, Packet};
use kinds::{
    ENHANCED_PACKET, INTERFACE_DESCRIPTION, INTERFACE_STATISTICS, NUMBERED_WITHOUT_FRAME, OBSOLETE_PACKET,
    SECTION_HEADER, SIMPLE_PACKET,
};

/// Interfaces kept per section.
const MAX_INTERFACES: usize = 65_536;

/// Comments shown of a file.
const MAX_COMMENTS: u32 = 16;

/// Octets of an empty block: type and length at its head, length again at its end (section 3.1).
const BLOCK_FRAME: usize = 12;

/// The least that options take up, with the length behind them.
const BLOCK_HEAD: usize = blocks::BLOCK_HEAD;

const UNDESCRIBED: &str = "a frame of an interface that the file does not describe";

/// Whether the file begins as a pcapng file does.
pub(super) fn is_section_header(head: &[u8]) -> bool {
    head.starts_with(&SECTION_HEADER.to_be_bytes()) && Order::of_section(head).is_some()
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
        if kinds::is_known(kind) && !kinds::is_not_read(kind) && !blocks::is_sound(kind, block, self.order) {
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
            kind if kinds::is_not_read(kind) => {
                notes.oddity("a block of a type that is not read here is passed over", place);
            }
            kind if kinds::is_known(kind) => {}
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
