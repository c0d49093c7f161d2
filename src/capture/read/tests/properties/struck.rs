//! What can be read of a file with one damaged place, and what cannot be told from a frame.

use std::ops::Range;

use proptest::prelude::*;

use super::super::*;
use super::Form;
use crate::time::Timestamp;

/// A file with one damaged place, and what of it is known to be sound.
pub(super) struct Struck {
    pub(super) form: Form,
    pub(super) order: Order,
    pub(super) frames: Vec<Plain>,
    pub(super) file: Vec<u8>,
    /// Octets before the first frame.
    pub(super) head: usize,
    /// The octets that took the place of the old ones.
    pub(super) damage: Range<usize>,
    /// The frames up to here stand whole before the damage, those from `behind` on whole behind it.
    pub(super) before: usize,
    pub(super) behind: usize,
    /// Where the first struck frame begins, or the damage where it struck none.
    pub(super) begins: usize,
    /// Where the frames behind the damage begin.
    pub(super) resume: Vec<usize>,
}

/// What stands at a place of a file, read as if a frame began there.
#[derive(Debug, Clone)]
struct Reading {
    at: usize,
    /// Octets with the header.
    need: usize,
    /// `None` where it is no frame: a pcapng block of another kind, or one too short for its frame.
    frame: Option<Plain>,
    /// Whether nothing about its header is odd, its time left out.
    is_well_formed: bool,
}

impl Reading {
    /// Whether nothing about its header is odd.
    fn is_plausible(&self) -> bool {
        self.is_well_formed && self.frame.as_ref().is_some_and(|frame| is_near(frame.nanos))
    }
}

impl Struck {
    fn u32(&self, at: usize) -> Option<u32> {
        let octets: [u8; 4] = *self.file.get(at..)?.first_chunk()?;
        Some(if self.order == Order::Big { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) })
    }

    /// Reads a frame at `at`, whether or not one begins there.
    fn reading(&self, at: usize) -> Option<Reading> {
        match self.form {
            Form::Classic { magic, header } => {
                let field = |place: usize| self.u32(at + place);
                let [seconds, fraction] = [field(0)?, field(4)?].map(i64::from);
                let (captured, original_len) = (field(8)? as usize, field(12)?);
                let need = header + captured;
                let bytes = self.file.get(at + header..at + need)?;
                let nanos = seconds * 1_000_000_000 + fraction * if magic == NANO { 1 } else { 1000 };
                let is_well_formed = nanos / 1_000_000_000 == seconds
                    && (1..=original_len as usize).contains(&captured)
                    && original_len <= 1024 * 1024;
                let frame = Plain { original_len, ..plain(nanos, bytes) };
                Some(Reading { at, need, frame: Some(frame), is_well_formed })
            }
            Form::Pcapng => {
                let field = |place: usize| self.u32(at + place);
                let need = (field(4)? as usize).next_multiple_of(4);
                self.file.get(at..at + need.max(12))?;
                let frame = |captured: usize| {
                    let ticks = u64::from(field(12)?) << 32 | u64::from(field(16)?);
                    let bytes = self.file.get(at + 28..at + 28 + captured)?;
                    let fits = captured + 32 <= need && (field(0)?, field(8)?) == (6, 0);
                    let (seconds, micros) = (
                        ticks.cast_signed().div_euclid(1_000_000),
                        ticks.cast_signed().rem_euclid(1_000_000),
                    );
                    let nanos = Timestamp::from_parts(seconds, micros as u32 * 1000).nanos();
                    let frame = Plain { original_len: field(24)?, ..plain(nanos, bytes) };
                    fits.then_some(frame)
                };
                let frame = field(20).and_then(|captured| frame(captured as usize));
                let is_well_formed =
                    frame.is_some() && self.u32(at + need.saturating_sub(4)) == Some(need as u32);
                Some(Reading { at, need, frame, is_well_formed })
            }
        }
    }

    /// The places at which chance may make a header: the one that stands before the damage, whole, at
    /// the begin of the first struck frame, and those put together of octets on both sides of an edge of
    /// the damage, if they begin in the last octets of the frame before it. A header that is all noise or
    /// zeros, or all octets of a frame, is none of them.
    fn doubtful(&self) -> impl Iterator<Item = Reading> {
        let (edges, header) = ([self.damage.start, self.damage.end], self.form.header());
        let first = self.begins - if self.before > 0 { header - 1 } else { 0 };
        let limit = self.resume.first().copied().unwrap_or(self.file.len());
        (first..limit)
            .filter(move |&at| {
                at == self.begins && at + header <= edges[0]
                    || edges.iter().any(|&edge| at < edge && edge < at + header)
            })
            .filter_map(|at| self.reading(at))
            .filter(|reading| reading.at >= self.begins || self.is_in_its_time(reading))
    }

    /// Whether the time of a header that begins in the last frame before the damage lies between that
    /// frame's and that of the first behind.
    fn is_in_its_time(&self, reading: &Reading) -> bool {
        let second = |frame: &Plain| frame.nanos / 1_000_000_000;
        let earliest = self.frames[..self.before].last().map(second);
        let latest = self.frames.get(self.behind).map_or(i64::MAX, second);
        let is_between = |frame| earliest <= Some(second(frame)) && second(frame) <= latest;
        reading.is_plausible() && reading.frame.as_ref().is_some_and(is_between)
    }

    /// Whether frames go on at `at`, or the file ends there.
    fn is_sound(&self, at: usize) -> bool {
        at == self.file.len() || self.resume.contains(&at)
    }

    /// What no reader can tell from a frame: a header with a length that leads exactly to where frames go
    /// on, or to another one that does.
    fn impostors(&self) -> Vec<Reading> {
        let mut found: Vec<Reading> = Vec::new();
        let mut doubtful: Vec<Reading> = self.doubtful().collect();
        doubtful.sort_by_key(|reading| std::cmp::Reverse(reading.at));
        for reading in doubtful {
            let end = reading.at + reading.need;
            if self.is_sound(end) || found.iter().any(|other| other.at == end) {
                found.push(reading);
            }
        }
        found
    }

    /// What stands where the first struck frame began, if its header is odd in nothing and no sound frame
    /// begins within its length: frames lead to it, and nothing tells whether its octets are right, be it
    /// that it leads nowhere; the last frame before noise does not, either. The first frame of a file may
    /// be of any time.
    fn maimed(&self) -> Option<Reading> {
        let is_first = self.before == 0;
        let is_one = |reading: &Reading| reading.is_plausible() || (is_first && reading.is_well_formed);
        let reading = self.reading(self.begins).filter(is_one)?;
        let end = reading.at + reading.need;
        let hides = self.resume.iter().any(|&at| reading.at < at && at < end);
        (!hides).then_some(reading)
    }

    /// Holds what is read against what is there.
    pub(super) fn check(self) -> Result<(), TestCaseError> {
        let (read, error, notes) = super::read(self.file.clone());
        let (before, behind) = (&self.frames[..self.before], &self.frames[self.behind..]);
        let whole = read.iter().zip(before).take_while(|(read, was)| read == was).count();
        // The last may give way to a header that begins in it.
        let impostors = self.impostors();
        let gave_way = whole + 1 == before.len()
            && impostors.iter().any(|one| one.at < self.begins && one.frame.as_ref() == read.get(whole));
        let before = &before[..before.len() - usize::from(gave_way)];
        prop_assert!(whole == before.len(), "{whole} of {} before: {error:?} {notes:?}", before.len());
        let lost = (0..=behind.len()).find(|&from| read[whole..].ends_with(&behind[from..]));
        let lost = lost.unwrap_or(behind.len());
        let between = &read[whole..read.len() - (behind.len() - lost)];

        // What is read of the damage is a struck frame as it was, a maimed one, or an impostor.
        let excused: Vec<Reading> = impostors.iter().cloned().chain(self.maimed()).collect();
        let struck = &self.frames[self.before..self.behind];
        let mut octets = 0;
        let mut given = Vec::new();
        for frame in between {
            let place = excused.iter().find(|reading| reading.frame.as_ref() == Some(frame));
            let as_it_was = struck.contains(frame);
            prop_assert!(place.is_some() || as_it_was, "invented: {frame:?} {error:?} {notes:?}");
            octets += place.map_or_else(|| self.len_of(frame), |reading| reading.need);
            given.extend(place);
        }
        // A frame behind the damage is lost only inside of an impostor.
        let told = self.told(error.as_ref(), &notes);
        for at in &self.resume[..lost] {
            let mut hiding = impostors.iter().filter(|one| one.at < *at && *at < one.at + one.need);
            prop_assert!(
                hiding.any(|one| one.frame.is_none() || given.iter().any(|given| given.at == one.at)),
                "lost {lost} behind: {error:?} {notes:?}"
            );
        }
        // Every octet is in a frame, or told.
        octets += before.iter().chain(&behind[lost..]).map(|frame| self.len_of(frame)).sum::<usize>();
        let untold = (self.file.len() - self.head).checked_sub(octets + told);
        let blocks = notes.iter().any(|note| {
            [
                "a type that nobody knows",
                "too short for the frame",
                "does not describe",
                "of a type that is not read",
                "not what its type says",
            ]
            .iter()
            .any(|words| note.text.contains(words))
        });
        let accounted = if blocks { untold.is_some_and(|octets| octets > 0) } else { untold == Some(0) };
        prop_assert!(accounted, "{untold:?} octets untold: {error:?} {notes:?} {between:?}");
        Ok(())
    }

    fn len_of(&self, frame: &Plain) -> usize {
        match self.form {
            Form::Classic { header, .. } => header + frame.bytes.len(),
            Form::Pcapng => 44 + frame.bytes.len().next_multiple_of(4),
        }
    }

    /// The octets that an error and the notes say were passed over.
    fn told(&self, error: Option<&ReadError>, notes: &Notes) -> usize {
        let at_end = match error.map(|error| &error.cause) {
            Some(ReadCause::CutFrame { have, .. } | ReadCause::CutBlock { have, .. }) => *have,
            Some(ReadCause::Damaged { passed, .. }) => *passed as usize,
            _ => 0,
        };
        let noted = notes.iter().filter_map(|note| {
            let words = note.text.strip_suffix(" octets passed over")?;
            words.rsplit(' ').next()?.parse::<usize>().ok()
        });
        at_end + noted.sum::<usize>()
    }
}

/// Whether a time is within a day of all frames here.
fn is_near(nanos: i64) -> bool {
    const DAY: u64 = 24 * 3600;
    (nanos / 1_000_000_000).abs_diff(1_700_000_000) <= DAY
}
