//! From block to block, and over damage to the next sound one.

use super::blocks::{self, Order};
use super::kinds::{self, INTERFACE_DESCRIPTION, MAY_BE_HUGE, SECTION_HEADER};
use super::search::{self, Before, Found};
use super::{BLOCK_FRAME, MAX_INTERFACES, PcapngReader};
use crate::capture::read::{Damage, Failure, ReadCause};
use crate::cite::{Notes, Place};

/// The longest block that is read as a whole; libpcap's limit, too.
const MAX_BLOCK: usize = 16 * 1024 * 1024;

/// Blocks of a known kind, one behind the other, that show that one with a wrong length at its end is
/// right otherwise.
const GOING_ON: usize = 3;

const WRONG_END: &str = "a block whose length at its end is not that at its head";

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

/// Whether a block of this type may stand anywhere in a file.
fn is_expected(kind: u32) -> bool {
    kinds::is_known(kind) || kind == SECTION_HEADER
}

impl PcapngReader {
    /// Type and whole length of the next block, which is in the window then; behind damage, of the
    /// next sound one.
    #[inline]
    pub(super) fn next_block(&mut self, notes: &mut Notes) -> Result<Option<(u32, usize)>, Failure> {
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
                    if is_expected(kind) && self.goes_on(length) && self.hidden(length).is_none() {
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
        data.get(length..).and_then(<[u8]>::first_chunk) == data.first_chunk::<4>()
            || self.leads_to_another(length)
    }

    #[inline(never)]
    fn leads_to_another(&mut self, length: usize) -> bool {
        if self.window.have(length + BLOCK_FRAME) < length + BLOCK_FRAME {
            return true;
        }
        self.order.u32(self.window.data(), length).is_some_and(is_expected)
    }

    /// Where inside of the block at hand blocks begin that run on beyond its end, so that its length is
    /// wrong.
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
        is_expected(kind)
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
}
