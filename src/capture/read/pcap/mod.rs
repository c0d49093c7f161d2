//! Classic pcap (draft-ietf-opsawg-pcap): a file header, then frames each with its own.
//!
//! Frame headers are read here and not by a library, so that the next sound one can be looked for
//! behind damage. A frame is believed when its header is sound and its length leads to another sound
//! header or to the end of the file; everything else is looked into ([`PcapReader::begin`],
//! [`PcapReader::weigh`]).

mod header;
mod search;

use super::losses::Losses;
use super::{Damage, Failure, Format, Frame, OpenCause, ReadCause, Window};
use crate::cite::Notes;
pub(super) use header::has_magic;
use header::{FILE_HEADER, FileHeader, FrameHeader, MAX_FRAME};
use search::{Found, LOOKAHEAD, SEARCHED};

/// Plausible frame headers, one behind the other, that are taken for the file's going on; fewer
/// where the file ends with their frames.
const CHAIN: usize = 3;

/// How far behind a frame's time that of a header may lie that is half in the frame, and the last.
const PATCHWORK_SECONDS: u32 = 3600;

/// See the module.
pub(super) struct PcapReader {
    window: Window,
    header: FileHeader,
    /// The header at hand, where it was found sound from the frame before.
    ahead: Option<FrameHeader>,
    frames: u32,
    /// Seconds of the last frame whose time is beyond doubt.
    seconds: Option<u32>,
    losses: Losses,
}

impl PcapReader {
    pub(super) fn open(mut window: Window) -> Result<Self, OpenCause> {
        let have = window.have(FILE_HEADER);
        if have < FILE_HEADER
            && let Some(error) = window.take_error()
        {
            return Err(error.into());
        }
        if have == 0 {
            return Err(OpenCause::Empty);
        }
        let header = FileHeader::read(window.data()).ok_or(OpenCause::NotACapture)?;
        if have < FILE_HEADER {
            return Err(OpenCause::CutHeader { have });
        }
        window.have(header.len);
        window.take(header.len);
        Ok(Self { window, header, ahead: None, frames: 0, seconds: None, losses: Losses::default() })
    }

    pub(super) fn format(&self) -> Format {
        self.header.format
    }

    /// What can be said only at the end of the file.
    pub(super) fn closing_notes(&self) -> Notes {
        let mut notes = self.window.notes().clone();
        self.losses.note_rest(&mut notes);
        notes
    }

    #[inline]
    pub(super) fn next_frame(&mut self, notes: &mut Notes) -> Result<Option<Frame<'_>>, Failure> {
        let head = self.header.frame_header;
        let (frame, need) = loop {
            let frame = match self.ahead.take() {
                Some(frame) => frame,
                None => match self.begin(notes)? {
                    Some(frame) => frame,
                    None => return Ok(None),
                },
            };
            let need = head + frame.captured as usize;
            if self.window.have(need + head) >= need + head {
                let next = self.window.data().get(need..).and_then(|rest| self.header.frame(rest));
                self.ahead = next.filter(|next| self.header.is_sound(next, frame.seconds));
            }
            if self.ahead.is_some() && frame.captured > 0 {
                self.seconds = Some(frame.seconds);
                break (frame, need);
            }
            if self.weigh(frame, need, notes)? {
                break (frame, need);
            }
            self.ahead = None;
        };
        self.frames = self.frames.saturating_add(1);
        let bytes = self.window.take(need);
        Ok(Some(Frame {
            number: self.frames,
            time: self.header.time(&frame),
            bytes: bytes.get(head..).unwrap_or_default(),
            original_len: frame.original_len,
            link: self.header.link,
            interface: 0,
        }))
    }

    /// The header at hand, which no sound frame led to; where it is none, the next one behind.
    #[cold]
    fn begin(&mut self, notes: &mut Notes) -> Result<Option<FrameHeader>, Failure> {
        let (offset, need) = (self.window.offset(), self.header.frame_header);
        let have = self.window.have(need);
        let Some(frame) = self.header.frame(self.window.data()).filter(|_| have >= need) else {
            if let Some(error) = self.window.take_error() {
                return Err(Failure { offset, cause: error.into() });
            }
            return if have == 0 {
                Ok(None)
            } else {
                Err(Failure { offset, cause: ReadCause::CutFrame { need, have } })
            };
        };
        let length = frame.captured as usize;
        // The first header of a file has nothing to be held against but itself.
        let before = self.seconds.or((self.frames == 0).then_some(frame.seconds));
        if before.is_some_and(|before| self.header.is_sound(&frame, before)) || self.goes_on(frame) {
            return Ok(Some(frame));
        }
        let damage = if length > MAX_FRAME {
            Damage::AbsurdLength { length: length as u64, limit: MAX_FRAME as u64 }
        } else {
            Damage::NoFrameHeader
        };
        self.search(damage, notes)
    }

    /// Weighs a frame behind whose `need` octets no sound header stands, or that is empty: whether it is one all the
    /// same. Where frames can be found inside of it, its length is wrong, and it is passed over; so it
    /// is where it leads nowhere and its header is odd.
    #[cold]
    fn weigh(&mut self, frame: FrameHeader, need: usize, notes: &mut Notes) -> Result<bool, Failure> {
        let offset = self.window.offset();
        let have = self.window.have(need);
        if have < need
            && let Some(error) = self.window.take_error()
        {
            return Err(Failure { offset, cause: error.into() });
        }
        if have >= need && self.goes_on(frame) {
            let time_holds = self.seconds.is_none_or(|before| frame.is_near(before))
                || self.next(need).is_some_and(|next| next.is_near(frame.seconds));
            if time_holds && frame.captured > 0 {
                self.seconds = Some(frame.seconds);
            }
            return Ok(true);
        }
        self.window.have(need + LOOKAHEAD);
        let before = self.seconds.unwrap_or(frame.seconds);
        let find = |before| search::find(&self.window, &self.header, before, 1..need.min(have));
        let inside = match find(Some(before)) {
            // The header at hand is the first, and its time may be as wrong as its length.
            Found::Nothing if self.seconds.is_none() => find(None),
            found => found,
        };
        if let Found::At(count) = inside
            && self.is_no_patchwork(count, &frame, need)
        {
            self.window.take(count);
            self.losses.passed_over(offset, count as u64, Damage::WrongLength, notes);
            return Ok(false);
        }
        if have < need {
            return Err(Failure { offset, cause: ReadCause::CutFrame { need, have } });
        }
        if frame.captured > 0 && self.header.is_sound(&frame, before) {
            return Ok(true);
        }
        self.search(Damage::NoFrameHeader, notes)?;
        Ok(false)
    }

    /// Whether a header found at `at` inside of `frame` is one: where it only begins in there, it may be
    /// the frame's last octets and a header that lost its first. Then its time must lie between the
    /// frame's and that of the next.
    fn is_no_patchwork(&self, at: usize, frame: &FrameHeader, need: usize) -> bool {
        let head = self.header.frame_header;
        if at + head <= need {
            return true;
        }
        let Some(found) = self.next(at) else { return false };
        let behind = self.next(at + head + found.captured as usize).map(|next| next.seconds);
        let latest = behind.unwrap_or_else(|| frame.seconds.saturating_add(PATCHWORK_SECONDS));
        (frame.seconds..=latest).contains(&found.seconds)
    }

    /// The header at `at`, if it is in the window.
    fn next(&self, at: usize) -> Option<FrameHeader> {
        self.window.data().get(at..).and_then(|rest| self.header.frame(rest))
    }

    /// Whether the lengths lead from `frame`, which stands at the front of the window, to a frame of
    /// about its time or that of the one before, to several that are odd in nothing but their times,
    /// or to the end of the file.
    fn goes_on(&mut self, frame: FrameHeader) -> bool {
        let head = self.header.frame_header;
        let is_near = self.seconds.is_some_and(|before| frame.is_near(before));
        if frame.captured == 0 {
            return (is_near || self.seconds.is_none()) && self.leads_straight_on(frame);
        }
        if !is_near && !self.header.is_well_formed(&frame) {
            return false;
        }
        let mut all_well_formed = self.header.is_well_formed(&frame);
        let (mut at, mut previous) = (0, frame);
        for step in 0..CHAIN {
            at += head + previous.captured as usize;
            if self.window.have(at + head) < at + head {
                return (step == 0 || all_well_formed) && self.ends_at(at);
            }
            let Some(next) = self.next(at).filter(|next| next.captured as usize <= MAX_FRAME) else {
                return false;
            };
            let is_near = self.seconds.is_some_and(|before| next.is_near(before));
            if is_near && next.captured > 0 && next.original_len > 0 {
                return true;
            }
            let well_formed = self.header.is_well_formed(&next);
            all_well_formed &= well_formed;
            if all_well_formed && next.is_near(previous.seconds) {
                return true;
            }
            // A header may be odd in its time or else, not in both.
            if !is_near && !well_formed {
                return false;
            }
            previous = next;
        }
        all_well_formed
    }

    /// Whether a sound header stands behind `frame`, which holds no octets, or several where no frame
    /// stands before it: little but its place speaks for such a frame. Nothing but zeros is none,
    /// wherever it leads.
    fn leads_straight_on(&mut self, frame: FrameHeader) -> bool {
        let head = self.header.frame_header;
        let (mut at, behind) = (head, if self.seconds.is_some() { 1 } else { CHAIN });
        for _ in 0..behind {
            if self.window.have(at + head) < at + head {
                return !frame.is_nothing() && self.ends_at(at);
            }
            let next = self.next(at).filter(|next| self.header.is_sound(next, frame.seconds));
            let Some(next) = next else { return false };
            at += head + next.captured as usize;
        }
        !frame.is_nothing()
    }

    /// Whether the file ends at `at` of the window, and was meant to.
    fn ends_at(&mut self, at: usize) -> bool {
        self.window.have(at + 1) == at && self.window.ended_well()
    }

    /// Looks for the next frames behind damage, however far, passes over what lies before them, and
    /// says so.
    #[cold]
    fn search(&mut self, damage: Damage, notes: &mut Notes) -> Result<Option<FrameHeader>, Failure> {
        let offset = self.window.offset();
        let mut from = 1;
        loop {
            match search::find(&self.window, &self.header, self.seconds, from..usize::MAX) {
                Found::At(count) => {
                    self.window.take(count);
                    let passed = self.window.offset() - offset;
                    self.losses.passed_over(offset, passed, damage, notes);
                    return Ok(self.next(0));
                }
                Found::Unclear(count) => {
                    self.window.take(count);
                    self.window.have(LOOKAHEAD + SEARCHED);
                    from = 0;
                }
                Found::Nothing => {
                    let left = self.window.data().len();
                    let passed = self.window.offset() - offset + left as u64;
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
}

impl std::fmt::Debug for PcapReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PcapReader")
            .field("header", &self.header)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}
