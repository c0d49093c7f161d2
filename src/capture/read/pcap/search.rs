//! Finding the next sound frames behind damage.

use std::ops::Range;

use super::{CHAIN, FileHeader, MAX_FRAME, Window};

/// The longest frame header of all forms.
const LONGEST_HEADER: usize = 24;

/// Octets that a chain of frames can take up.
pub(super) const LOOKAHEAD: usize = CHAIN * (LONGEST_HEADER + MAX_FRAME);

/// Octets searched before more are asked for. With [`LOOKAHEAD`] they fill the window, whose size is
/// a power of two, and leave it some room.
pub(super) const SEARCHED: usize = MAX_FRAME / 2;

/// What a search in the window came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Frames go on here.
    At(usize),
    /// There is none before here, and more of the file must be in the window to tell about here.
    Unclear(usize),
    /// No frames.
    Nothing,
}

/// The first place of `places` in the window at which frames go on that follow one of the second
/// `before`.
pub(super) fn find(window: &Window, header: &FileHeader, before: Option<u32>, places: Range<usize>) -> Found {
    let (data, ended) = (window.data(), window.ended());
    let limit = data.len().min(places.end);
    for at in places.start..limit {
        match chain(data, header, before, at, ended.then(|| window.ended_well())) {
            Chain::Holds => return Found::At(at),
            Chain::Unclear => return Found::Unclear(at),
            Chain::Breaks => {}
        }
    }
    if ended || places.end <= data.len() { Found::Nothing } else { Found::Unclear(limit) }
}

enum Chain {
    Holds,
    Breaks,
    Unclear,
}

/// Whether frames begin at `at`, one behind the other: [`CHAIN`] headers, or fewer that end with the file,
/// or two of a known time the last of which the file is cut in. `end` says whether the data end with the file,
/// and whether that is where it was meant to end.
#[inline]
fn chain(
    data: &[u8],
    header: &FileHeader,
    mut before: Option<u32>,
    mut at: usize,
    end: Option<bool>,
) -> Chain {
    let is_time_known = before.is_some();
    for step in 0..CHAIN {
        let rest = data.get(at..).unwrap_or_default();
        let frame = header.frame(rest).filter(|_| rest.len() >= header.frame_header);
        let Some(frame) = frame else {
            return match end {
                None => Chain::Unclear,
                Some(true) if step > 0 && at == data.len() => Chain::Holds,
                Some(_) if step > 1 && is_time_known => Chain::Holds,
                Some(_) => Chain::Breaks,
            };
        };
        if !header.is_plausible(&frame, before.unwrap_or(frame.seconds)) {
            return Chain::Breaks;
        }
        before = Some(frame.seconds);
        at += header.frame_header + frame.captured as usize;
    }
    Chain::Holds
}
