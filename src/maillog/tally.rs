//! Lines counted by kind, and those that are not known grouped by shape.

use std::collections::BTreeMap;

use ahash::AHashMap;

use crate::cite::{LogId, LogRef, Notes, Place};
use crate::maillog::shape::shape;
use crate::maillog::{Carrier, Line, LineKind, LineSink};

/// Shapes of unknown lines that are told apart: more than anybody reports, and a log of another
/// program has as many as it has lines.
pub const MAX_SHAPES: usize = 256;

/// Counts the lines of logs.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    files: BTreeMap<LogId, FileTally>,
    shapes: Vec<Shape>,
    by_shape: AHashMap<String, usize>,
    beyond: u64,
    notes: Notes,
}

/// The lines of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileTally {
    /// By what brought them and what kind they are. Lines that an earlier file holds too are not in it.
    pub lines: BTreeMap<(Carrier, LineKind), u64>,
    /// Lines that an earlier file holds too.
    pub repeated: u64,
}

/// Unknown lines of one shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Their words, with placeholders for what is somebody's own; ASCII without control characters.
    pub shape: String,
    /// How many there are.
    pub count: u64,
    /// The first.
    pub first: LogRef,
}

impl Tally {
    /// The files in the order in which they were given.
    pub fn files(&self) -> impl Iterator<Item = (LogId, &FileTally)> {
        self.files.iter().map(|(id, file)| (*id, file))
    }

    /// The shapes of unknown lines, the most frequent first; of equal counts the first met first.
    pub fn shapes(&self) -> Vec<&Shape> {
        let mut shapes: Vec<&Shape> = self.shapes.iter().collect();
        shapes.sort_by_key(|shape| std::cmp::Reverse(shape.count));
        shapes
    }

    /// Unknown lines whose shape is not told, because there were [`MAX_SHAPES`] before it.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    /// What was passed over.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }
}

impl LineSink for Tally {
    fn line(&mut self, line: &Line<'_>) {
        let file = self.files.entry(line.stamp.line.file).or_default();
        if line.repeated {
            file.repeated += 1;
            return;
        }
        *file.lines.entry((line.carrier, line.kind)).or_default() += 1;
        if line.kind.is_known() {
            return;
        }
        let shape = shape(line.text);
        let room = self.shapes.len() < MAX_SHAPES;
        match self.by_shape.get(&shape).and_then(|at| self.shapes.get_mut(*at)) {
            Some(known) => known.count += 1,
            None if !room => {
                self.beyond += 1;
                let place = Some(Place::Line(line.stamp.line.line));
                self.notes.oddity("unknown lines of more shapes than are told apart", place);
            }
            None => {
                self.by_shape.insert(shape.clone(), self.shapes.len());
                self.shapes.push(Shape { shape, count: 1, first: line.stamp.line });
            }
        }
    }
}

impl FileTally {
    /// Its lines that count.
    pub fn total(&self) -> u64 {
        self.lines.values().sum()
    }

    /// Those of a kind that is known.
    pub fn known(&self) -> u64 {
        self.lines.iter().filter(|((_, kind), _)| kind.is_known()).map(|(_, count)| count).sum()
    }

    /// How many lines each carrier brought.
    pub fn carriers(&self) -> BTreeMap<Carrier, u64> {
        let mut carriers = BTreeMap::new();
        for ((carrier, _), count) in &self.lines {
            *carriers.entry(*carrier).or_default() += count;
        }
        carriers
    }

    /// How many lines there are of each kind.
    pub fn kinds(&self) -> BTreeMap<LineKind, u64> {
        let mut kinds = BTreeMap::new();
        for ((_, kind), count) in &self.lines {
            *kinds.entry(*kind).or_default() += count;
        }
        kinds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maillog::tests::inputs;
    use crate::maillog::walk_logs;

    fn tally(logs: &[&str]) -> Tally {
        let mut tally = Tally::default();
        walk_logs(inputs(logs), &mut tally);
        tally
    }

    #[test]
    fn lines_count_by_kind_and_carrier() {
        let log = "Mon Mar  9 10:00:00 2026 Info: Start MID 7 ICID 31\n\
                   Mon Mar  9 10:00:00 2026 Info: MID 7 flew over anna@example.org\n\
                   Mon Mar  9 10:00:01 2026 Info: MID 8 flew over bert@example.org\n\
                   Mon Mar  9 10:00:01 2026 Info: ICID 31 close\n";
        let relayed = "<22>Mar  9 10:00:02 esa mail_logs: Info: ICID 32 close\n";
        let tally = tally(&[log, relayed]);
        let files: Vec<_> = tally.files().collect();
        assert_eq!((files[0].1.total(), files[0].1.known()), (4, 2));
        assert_eq!(files[0].1.kinds()[&LineKind::Unknown], 2);
        assert_eq!(files[1].1.carriers().into_iter().collect::<Vec<_>>(), [(Carrier::Syslog, 1)]);
        let shapes = tally.shapes();
        assert_eq!(shapes.len(), 1);
        assert_eq!((shapes[0].shape.as_str(), shapes[0].count), ("MID <n> flew over <address>", 2));
        assert_eq!(shapes[0].first.line, 2);
    }

    #[test]
    fn lines_of_two_files_count_once() {
        let line = |second: u32| format!("Mon Mar  9 10:00:{second:02} 2026 Info: ICID {second} lost\n");
        let one: String = (0..20).map(line).collect();
        let two: String = (10..30).map(line).collect();
        for logs in [[one.as_str(), &two], [&two, &one]] {
            let tally = tally(&logs);
            let (total, repeated) = tally.files().fold((0, 0), |(total, repeated), (_, file)| {
                (total + file.total(), repeated + file.repeated)
            });
            assert_eq!((total, repeated), (30, 10));
        }
    }

    #[test]
    fn shapes_are_bounded() {
        let letters = |number: usize| {
            let letter = |at: usize| char::from(b'a' + u8::try_from(at % 26).unwrap());
            [letter(number), letter(number / 26)].iter().collect::<String>()
        };
        let log: String = (0..MAX_SHAPES + 5)
            .map(|number| format!("Mon Mar  9 10:00:00 2026 Info: quux {}\n", letters(number)))
            .collect();
        let tally = tally(&[&log]);
        assert_eq!((tally.shapes().len(), tally.beyond()), (MAX_SHAPES, 5));
        assert!(!tally.notes().is_empty());
    }
}
