//! Classic pcap (draft-ietf-opsawg-pcap): a file header, then frames each with its own.
//!
//! Frame headers are read here and not by a library, so that the next sound one can be looked for
//! behind damage.

mod header;

use super::{Failure, Format, Frame, OpenCause, ReadCause, Window};
use crate::cite::{Notes, Place};
pub(super) use header::has_magic;
use header::{FILE_HEADER, FileHeader, FrameHeader, MAX_FRAME};

/// How far behind damage the next sound frame is looked for.
const SEARCHED: usize = 1024 * 1024;

/// How often in a file.
const MAX_SEARCHES: u32 = 32;

/// Plausible frame headers, one behind the other, that are taken for the file's going on; fewer
/// where the last of their frames ends with the file.
const CHAIN: usize = 3;

/// See the module.
pub(super) struct PcapReader {
    window: Window,
    header: FileHeader,
    frames: u32,
    /// Seconds of the frame before; of the first sound one, before that.
    seconds: Option<u32>,
    searches: u32,
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
        Ok(Self { window, header, frames: 0, seconds: None, searches: 0 })
    }

    pub(super) fn format(&self) -> Format {
        self.header.format
    }

    #[inline]
    pub(super) fn next_frame(&mut self, notes: &mut Notes) -> Result<Option<Frame<'_>>, Failure> {
        let head = self.header.frame_header;
        if self.window.have(head) < head {
            return self.end();
        }
        let Some(mut frame) = self.header.frame(self.window.data()) else { return self.end() };
        if !self.header.is_sound(&frame, self.seconds.unwrap_or(frame.seconds)) {
            frame = self.doubt(frame, notes)?;
        }
        let mut need = head + frame.captured as usize;
        if self.window.have(need) < need {
            frame = self.cut(frame, notes)?;
            need = head + frame.captured as usize;
        }
        self.frames = self.frames.saturating_add(1);
        self.seconds = Some(frame.seconds);
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

    /// Fewer octets are left than a frame header has.
    #[cold]
    fn end(&mut self) -> Result<Option<Frame<'_>>, Failure> {
        let (offset, need) = (self.window.offset(), self.header.frame_header);
        let have = self.window.have(need);
        if let Some(error) = self.window.take_error() {
            return Err(Failure { offset, cause: error.into() });
        }
        if have == 0 {
            return Ok(None);
        }
        Err(Failure { offset, cause: ReadCause::CutFrame { need, have } })
    }

    /// A header that is odd in some way: taken as it is where the file goes on behind its frame, else
    /// for damage, if frames can be found behind it.
    #[cold]
    fn doubt(&mut self, frame: FrameHeader, notes: &mut Notes) -> Result<FrameHeader, Failure> {
        let length = frame.captured as usize;
        let offset = self.window.offset();
        if length <= MAX_FRAME && self.goes_on(frame) {
            return Ok(frame);
        }
        match self.search(notes) {
            Some(found) => Ok(found),
            None if length <= MAX_FRAME => Ok(frame),
            None => {
                let (length, limit) = (u64::from(frame.captured), MAX_FRAME as u64);
                Err(Failure { offset, cause: ReadCause::AbsurdLength { length, limit } })
            }
        }
    }

    /// Whether the lengths lead from `frame`, which stands at the front of the window, to a frame of
    /// about its time or that of the one before, or to the end of the file.
    fn goes_on(&mut self, frame: FrameHeader) -> bool {
        let (mut at, mut length) = (0, frame.captured as usize);
        for _ in 0..CHAIN {
            at += self.header.frame_header + length;
            let need = at + self.header.frame_header;
            if self.window.have(need) < need {
                return self.window.have(at) == at;
            }
            let next = self.header.frame(self.window.data().get(at..).unwrap_or_default());
            let Some(next) = next.filter(|next| next.captured as usize <= MAX_FRAME) else { return false };
            // Nothing but zeros is no frame, and leads nowhere.
            let both_hold = frame.captured > 0 && next.captured > 0;
            if self.seconds.is_some_and(|before| next.is_near(before))
                || (both_hold && next.is_near(frame.seconds))
            {
                return true;
            }
            length = next.captured as usize;
        }
        false
    }

    /// The file ends before the frame does: because it was cut there, or because its header is
    /// damaged and frames can be found behind it.
    #[cold]
    fn cut(&mut self, frame: FrameHeader, notes: &mut Notes) -> Result<FrameHeader, Failure> {
        let offset = self.window.offset();
        let need = self.header.frame_header + frame.captured as usize;
        let have = self.window.have(need);
        if let Some(error) = self.window.take_error() {
            return Err(Failure { offset, cause: error.into() });
        }
        match self.search(notes) {
            Some(found) => Ok(found),
            None => Err(Failure { offset, cause: ReadCause::CutFrame { need, have } }),
        }
    }

    /// Looks for the next frames behind damage, passes over what lies before them, and says so. The
    /// frame that it gives is in the window as a whole.
    fn search(&mut self, notes: &mut Notes) -> Option<FrameHeader> {
        if self.searches == MAX_SEARCHES {
            return None;
        }
        self.searches += 1;
        let have = self.window.have(SEARCHED + self.header.frame_header);
        let ended = have < SEARCHED + self.header.frame_header;
        let data = self.window.data();
        let found = (1..SEARCHED.min(have)).find(|&at| self.is_chain(data, at, ended))?;
        let offset = self.window.offset();
        let text = format!("damaged at octet {offset}: {found} octets passed over");
        notes.loss(text, Some(Place::Offset(offset)));
        self.window.take(found);
        self.header.frame(self.window.data())
    }

    /// Whether frames begin at `at`, one behind the other.
    fn is_chain(&self, data: &[u8], mut at: usize, ended: bool) -> bool {
        let mut before = self.seconds;
        for _ in 0..CHAIN {
            let Some(frame) = data.get(at..).and_then(|rest| self.header.frame(rest)) else { return false };
            if !self.header.is_plausible(&frame, before.unwrap_or(frame.seconds)) {
                return false;
            }
            before = Some(frame.seconds);
            at += self.header.frame_header + frame.captured as usize;
            if at >= data.len() {
                return ended && at == data.len();
            }
        }
        true
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
