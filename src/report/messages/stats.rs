//! The lines of logs by kind, known and unknown, as `messages --stats` prints them.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use crate::maillog::tally::Tally;
use crate::maillog::{Carrier, LineKind};
use crate::report::build::shown_notes;
use crate::report::document::{InputNote, Line};
use crate::report::words::{counted, grouped, safe};
use crate::report::wrap::{cut, width, wrap};

/// Columns before a kind or a shape.
const INDENT: usize = 15;

/// What `messages --stats --format json` prints: one document.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LineStats {
    /// Lines that count, in all files.
    pub lines: u64,
    /// Those of a kind that is known.
    pub known: u64,
    /// The others.
    pub unknown: u64,
    /// Lines that an earlier file holds too: not counted again.
    pub repeated: u64,
    /// Lines by kind, in all files; kinds without lines are left out.
    pub kinds: Vec<KindCount>,
    /// The files in the order in which they were given.
    pub files: Vec<FileStats>,
    /// Unknown lines by shape, the most frequent first.
    pub shapes: Vec<ShapeStats>,
    /// Unknown lines of further shapes, which are not told apart.
    pub unknown_beyond: u64,
    /// What was passed over.
    pub notes: Vec<InputNote>,
}

/// Lines of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct KindCount {
    /// The kind.
    pub kind: LineKind,
    /// How many.
    pub lines: u64,
}

/// The lines of one file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FileStats {
    /// The path as given.
    pub file: String,
    /// Lines that count.
    pub lines: u64,
    /// Those of a kind that is known.
    pub known: u64,
    /// The others.
    pub unknown: u64,
    /// Lines that an earlier file holds too.
    pub repeated: u64,
    /// By what they came in.
    pub carriers: Vec<CarrierStats>,
}

/// Lines that came in one way.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CarrierStats {
    /// What they came in.
    pub carrier: Carrier,
    /// How many.
    pub lines: u64,
    /// By kind.
    pub kinds: Vec<KindCount>,
}

/// Unknown lines of one shape.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShapeStats {
    /// Their words; addresses, names, numbers and values are placeholders.
    pub shape: String,
    /// How many.
    pub lines: u64,
    /// The first of them.
    pub first: Line,
}

impl LineStats {
    /// The document of a tally; `files` are the paths by their ids.
    pub fn new(tally: &Tally, files: &[String]) -> Self {
        let path = |id: usize| files.get(id).cloned().unwrap_or_else(|| "?".to_owned());
        let of_files: Vec<FileStats> = tally
            .files()
            .map(|(id, file)| {
                let of_carrier = |(carrier, lines)| {
                    let own = file.lines.iter().filter(|((own, _), _)| *own == carrier);
                    let kinds =
                        own.map(|((_, kind), lines)| KindCount { kind: *kind, lines: *lines }).collect();
                    CarrierStats { carrier, lines, kinds }
                };
                FileStats {
                    file: path(usize::from(id.0)),
                    lines: file.total(),
                    known: file.known(),
                    unknown: file.total() - file.known(),
                    repeated: file.repeated,
                    carriers: file.carriers().into_iter().map(of_carrier).collect(),
                }
            })
            .collect();
        let sum = |count: fn(&FileStats) -> u64| of_files.iter().map(count).sum::<u64>();
        let of_kind =
            |kind| tally.files().map(|(_, file)| file.kinds().get(&kind).copied().unwrap_or(0)).sum();
        let kinds = LineKind::ALL.iter().map(|kind| KindCount { kind: *kind, lines: of_kind(*kind) });
        Self {
            lines: sum(|file| file.lines),
            known: sum(|file| file.known),
            unknown: sum(|file| file.unknown),
            repeated: sum(|file| file.repeated),
            kinds: kinds.filter(|count| count.lines > 0).collect(),
            shapes: tally
                .shapes()
                .into_iter()
                .map(|shape| ShapeStats {
                    shape: shape.shape.clone(),
                    lines: shape.count,
                    first: Line { file: path(usize::from(shape.first.file.0)), line: shape.first.line },
                })
                .collect(),
            unknown_beyond: tally.beyond(),
            notes: shown_notes(tally.notes()),
            files: of_files,
        }
    }

    /// The document as text of at most `columns`.
    pub fn text(&self, columns: usize) -> String {
        let mut out = String::new();
        self.write_files(columns, &mut out);
        self.write_kinds(columns, &mut out);
        if self.unknown > 0 {
            self.write_shapes(columns, &mut out);
        }
        out
    }

    fn write_files(&self, columns: usize, out: &mut String) {
        /// Columns of the numbers to the right of a file's name.
        const NUMBERS: usize = 44;
        let name = columns.saturating_sub(NUMBERS + 2).max(12);
        // Writing to a string cannot fail.
        let mut row = |file: &str, carriers: &str, lines: &str, known: &str, share: &str| {
            let room = " ".repeat(name.saturating_sub(width(file)));
            let _ = writeln!(out, "  {file}{room} {carriers:<14} {lines:>11} {known:>9} {share:>6}");
        };
        row("FILE", "CARRIER", "LINES", "UNKNOWN", "KNOWN");
        for file in &self.files {
            let carriers: Vec<&str> = file.carriers.iter().map(|own| own.carrier.words()).collect();
            let carriers = cut(&carriers.join(", "), 14);
            let (lines, unknown) = (grouped(file.lines), grouped(file.unknown));
            row(&tail(&safe(&file.file), name), &carriers, &lines, &unknown, &share(file.known, file.lines));
        }
        if self.files.len() != 1 {
            let (lines, unknown) = (grouped(self.lines), grouped(self.unknown));
            row("all", "", &lines, &unknown, &share(self.known, self.lines));
        }
        if self.repeated > 0 {
            let repeated = counted(self.repeated, "line", "lines");
            let text = format!("{repeated} that an earlier file holds too: counted once.");
            let _ = writeln!(out, "\n  {text}");
        }
    }

    fn write_kinds(&self, columns: usize, out: &mut String) {
        let _ = writeln!(out, "\n        LINES  KIND");
        for count in &self.kinds {
            let words = cut(count.kind.words(), columns.saturating_sub(INDENT));
            let _ = writeln!(out, "  {:>11}  {words}", grouped(count.lines));
        }
    }

    fn write_shapes(&self, columns: usize, out: &mut String) {
        let room = columns.saturating_sub(INDENT).max(20);
        let _ = writeln!(out, "\n        LINES  UNKNOWN, BY SHAPE");
        for shape in &self.shapes {
            let place = format!("(first: {}:{})", safe(&shape.first.file), shape.first.line);
            let words = wrap(&shape.shape, room, room);
            let rows = words.iter().map(String::as_str).chain(std::iter::once(place.as_str()));
            for (at, row) in rows.enumerate() {
                let count = if at == 0 { grouped(shape.lines) } else { String::new() };
                let _ = writeln!(out, "  {count:>11}  {}", tail(row, room));
            }
        }
        if self.unknown_beyond > 0 {
            let _ = writeln!(out, "  {:>11}  of further shapes", grouped(self.unknown_beyond));
        }
        let advice = "Shapes may be posted so that they become known: addresses, hosts, numbers, ids and \
                      quoted values are placeholders. Free text without quotes stays, so read them first, \
                      and leave the places out.";
        let _ = writeln!(out);
        for line in wrap(advice, columns.saturating_sub(2), columns.saturating_sub(2)) {
            let _ = writeln!(out, "  {line}");
        }
    }
}

/// `part` of `all` in per cent, never rounded up to all of it.
fn share(part: u64, all: u64) -> String {
    if all == 0 {
        return "-".to_owned();
    }
    let tenths = u128::from(part) * 1000 / u128::from(all);
    if tenths == 1000 { "100 %".to_owned() } else { format!("{}.{} %", tenths / 10, tenths % 10) }
}

/// The end of a text that does not fit, with a mark before it: of a path the name counts.
fn tail(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = text;
    while width(kept) + 3 > columns {
        let mut characters = kept.chars();
        if characters.next().is_none() {
            break;
        }
        kept = characters.as_str();
    }
    format!("...{kept}")
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;
    use crate::report::messages::samples::walked;

    const LOG: &str = "\
Mon Mar  9 10:00:00 2026 Info: New SMTP ICID 31 interface Data 1 (192.0.2.25) address 198.51.100.7 reverse dns host mx verified yes
Mon Mar  9 10:00:00 2026 Info: MID 7 was borne aloft by 192.0.2.7 of mx.example.org for user anna, \"so it seems\", beyond all of the hills and then some more of them
Mon Mar  9 10:00:00 2026 Info: MID 8 was borne aloft by 192.0.2.8 of mx.example.org for user bert, \"so it seems\", beyond all of the hills and then some more of them
Mon Mar  9 10:00:01 2026 Info: Quux
Mon Mar  9 10:00:02 2026 Info: ICID 31 close
";

    fn stats() -> LineStats {
        let mut tally = Tally::default();
        walked(&[LOG, "<22>Mar  9 10:00:02 esa mail_logs: Info: ICID 32 close\n", LOG], &mut tally);
        let names =
            ["mail.current", "a/very/long/path/to/where/the/logs/of/the/relay/are/kept.log", "copy.log"];
        LineStats::new(&tally, &names.map(str::to_owned))
    }

    #[test]
    fn lines_of_known_and_unknown_kinds() {
        insta::assert_snapshot!(stats().text(80));
    }

    #[test]
    fn lines_are_no_wider_than_they_say() {
        for columns in [60, 80] {
            for line in stats().text(columns).lines() {
                assert!(line.width() <= columns, "{line}");
            }
        }
    }

    #[test]
    fn the_sums_are_those_of_the_parts() {
        let stats = stats();
        assert_eq!((stats.lines, stats.known, stats.unknown, stats.repeated), (6, 3, 3, 5));
        assert_eq!(stats.kinds.iter().map(|count| count.lines).sum::<u64>(), stats.lines);
        let of_carriers =
            stats.files.iter().flat_map(|file| &file.carriers).map(|own| own.lines).sum::<u64>();
        assert_eq!(of_carriers, stats.lines);
        assert_eq!(stats.shapes.iter().map(|shape| shape.lines).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn nearly_all_is_not_all() {
        assert_eq!(
            (share(0, 0), share(3, 3), share(9_999, 10_000)),
            ("-".into(), "100 %".into(), "99.9 %".into())
        );
        assert_eq!((tail("abcdef", 6), tail("abcdefg", 6)), ("abcdef".into(), "...efg".into()));
    }
}
