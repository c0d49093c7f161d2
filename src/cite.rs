//! Where a fact stands: a frame of a capture, a line of a log; and the notes about what was passed over.

use std::borrow::Cow;
use std::fmt;

use crate::time::Timestamp;

/// A capture among the inputs, by its place in the list of inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CaptureId(pub u16);

/// A log among the inputs, by its place in the list of inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogId(pub u16);

/// One frame of one capture. `frame` is Wireshark's number: from 1, per file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameRef {
    /// The capture.
    pub capture: CaptureId,
    /// The number of the frame in it, from 1; stays at `u32::MAX` beyond four thousand million.
    pub frame: u32,
}

/// A frame and its time: when and where something was seen on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// When.
    pub time: Timestamp,
    /// Where.
    pub frame: FrameRef,
}

impl Moment {
    /// Whether it comes before `other`: in one capture by the place in it, for a clock may be set
    /// back while it runs; else by time.
    pub fn precedes(self, other: Self) -> bool {
        if self.frame.capture == other.frame.capture { self.frame < other.frame } else { self < other }
    }
}

/// Sorts things by when they were seen: those of one capture by their places in it, see
/// [`Moment::precedes`]; those of several by time.
pub fn sort_by_moment<T>(things: &mut [T], moment: impl Fn(&T) -> Moment) {
    let capture = |thing: &T| moment(thing).frame.capture;
    let first = things.first().map(capture);
    if things.iter().all(|thing| Some(capture(thing)) == first) {
        things.sort_by_key(|thing| moment(thing).frame);
    } else {
        things.sort_by_key(moment);
    }
}

/// One line of one log. Lines count from 1; a record broken over several lines is cited by its first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogRef {
    /// The log.
    pub file: LogId,
    /// The physical line, from 1.
    pub line: u32,
}

/// How much a [`Note`] takes away from the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// An oddity; nothing was lost by passing over it.
    Oddity,
    /// Part of the input could not be used: the run ends with exit code 3.
    Loss,
}

/// Where a note was first due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A frame of a capture.
    Frame(u32),
    /// A line of a log.
    Line(u32),
    /// An octet of a file, from 0.
    Offset(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(frame) => write!(f, "frame {frame}"),
            Self::Line(line) => write!(f, "line {line}"),
            Self::Offset(offset) => write!(f, "offset {offset}"),
        }
    }
}

/// An oddity that was passed over, counted and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it cost.
    pub severity: Severity,
    /// What was seen, in words; contains nothing from the input that is not escaped.
    pub text: Cow<'static, str>,
    /// How often.
    pub count: u64,
    /// Where first.
    pub first: Option<Place>,
}

/// Notes about one input, equal ones counted together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes(Vec<Note>);

impl Notes {
    /// Kinds of notes kept for one input; input that is odd in more ways is counted under the last.
    pub const MAX_KINDS: usize = 64;

    /// Counts a note.
    pub fn add(&mut self, severity: Severity, text: impl Into<Cow<'static, str>>, first: Option<Place>) {
        let text = text.into();
        if let Some(note) = self.0.iter_mut().find(|note| note.text == text) {
            note.count += 1;
            return;
        }
        if self.0.len() == Self::MAX_KINDS {
            if let Some(last) = self.0.last_mut() {
                last.text = Cow::Borrowed("further kinds of oddities");
                last.severity = last.severity.max(severity);
                last.count += 1;
            }
            return;
        }
        self.0.push(Note { severity, text, count: 1, first });
    }

    /// Counts an oddity that cost nothing.
    pub fn oddity(&mut self, text: impl Into<Cow<'static, str>>, first: Option<Place>) {
        self.add(Severity::Oddity, text, first);
    }

    /// Counts a loss of input.
    pub fn loss(&mut self, text: impl Into<Cow<'static, str>>, first: Option<Place>) {
        self.add(Severity::Loss, text, first);
    }

    /// The notes in the order of their first appearance.
    pub fn iter(&self) -> std::slice::Iter<'_, Note> {
        self.0.iter()
    }

    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether part of the input could not be used.
    pub fn any_loss(&self) -> bool {
        self.0.iter().any(|note| note.severity == Severity::Loss)
    }

    /// Puts the notes in the order of their places, so that it does not depend on who noted first.
    pub fn sort_by_place(&mut self) {
        self.0.sort_by(|one, other| (one.first, &one.text).cmp(&(other.first, &other.text)));
    }

    /// Adds the notes of another reader of the same input.
    pub fn merge(&mut self, other: Self) {
        for note in other.0 {
            match self.0.iter_mut().find(|mine| mine.text == note.text) {
                Some(mine) => mine.count += note.count,
                None => self.0.push(note),
            }
        }
        self.0.truncate(Self::MAX_KINDS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_one_capture_the_place_tells_what_came_first() {
        let moment = |time, capture, frame| Moment {
            time: Timestamp::from_nanos(time),
            frame: FrameRef { capture: CaptureId(capture), frame },
        };
        // The clock was set back between the two.
        let (early, late) = (moment(900, 0, 5), moment(100, 0, 6));
        assert!(early.precedes(late) && !late.precedes(early) && !late.precedes(late));
        let elsewhere = moment(500, 1, 1);
        assert!(elsewhere.precedes(early) && late.precedes(elsewhere));
        let mut one = [late, early];
        sort_by_moment(&mut one, |moment| *moment);
        assert_eq!(one, [early, late]);
        let mut several = [early, elsewhere, late];
        sort_by_moment(&mut several, |moment| *moment);
        assert_eq!(several, [late, elsewhere, early]);
    }

    #[test]
    fn equal_notes_are_counted_at_their_first_place() {
        let mut notes = Notes::default();
        notes.oddity("a line of an unknown kind", Some(Place::Line(3)));
        notes.oddity("a line of an unknown kind", Some(Place::Line(9)));
        notes.loss("the file ends in mid-frame", Some(Place::Offset(1514)));
        let all: Vec<_> = notes.iter().collect();
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].count, all[0].first), (2, Some(Place::Line(3))));
        assert!(notes.any_loss());
    }

    #[test]
    fn kinds_of_notes_are_bounded() {
        let mut notes = Notes::default();
        for number in 0..1000 {
            notes.oddity(format!("oddity {number}"), None);
        }
        assert_eq!(notes.iter().count(), Notes::MAX_KINDS);
        assert_eq!(notes.iter().map(|note| note.count).sum::<u64>(), 1000);
    }
}
