//! pcapng (draft-ietf-opsawg-pcapng): sections of blocks, frames by interface.
//!
//! The blocks are read here and not by `pcap-parser`, which allocates for every block with
//! options, has no obsolete packet block, reads `if_tsoffset` in one byte order only and refuses
//! the binary time resolutions of `if_tsresol`.

mod blocks;

use super::{Failure, Frame, OpenCause, ReadCause, Window};

use crate::cite::{Notes, Place};
use crate::time::Timestamp;
use blocks::{Interface, Order, Packet, reported_drops};

/// The longest block that is read as a whole; libpcap's limit, too.
const MAX_BLOCK: usize = 16 * 1024 * 1024;

/// Interfaces kept per section.
const MAX_INTERFACES: usize = 65_536;

/// Octets of an empty block: type and length at its head, length again at its end (section 3.1).
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
                let (interface, dropped) = reported_drops(block, self.order);
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
