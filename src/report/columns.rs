//! Lists in fixed columns, one row at a time, so that a list can be shown while it grows.

use anstyle::Style;

use crate::report::words;
use crate::report::wrap::{cut, width};

/// One column of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub title: &'static str,
    /// Its width.
    pub width: usize,
    /// What happens to a cell that does not fit.
    pub overflow: Overflow,
}

/// What happens to a cell that does not fit its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// It is cut, with a mark.
    Cut,
    /// It is shown whole, and the row goes on in the next line: for what must never be cut, such as
    /// an address or a number.
    NextLine,
}

/// How wide a list may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Breadth {
    /// At most 80 columns: for terminals, where a broken line is worse than a missing column.
    #[default]
    Narrow,
    /// At most 120 columns: for wide terminals, files and pipes.
    Wide,
}

impl Breadth {
    /// Columns of a wide list.
    pub const WIDE: usize = 120;

    /// Columns of a narrow list.
    pub const NARROW: usize = 80;

    /// The widest line.
    pub const fn columns(self) -> usize {
        match self {
            Self::Narrow => Self::NARROW,
            Self::Wide => Self::WIDE,
        }
    }

    /// The breadth that fits `columns`; unknown for files and pipes, which take any.
    pub const fn fitting(columns: Option<usize>) -> Self {
        match columns {
            Some(columns) if columns < Self::WIDE => Self::Narrow,
            _ => Self::Wide,
        }
    }
}

/// The heading of a list, without a line end.
pub fn heading(columns: &[Column]) -> String {
    let titles: Vec<&str> = columns.iter().map(|column| column.title).collect();
    row(columns, &titles)
}

/// One row, without a line end at its end. Cells are made safe to show.
pub fn row(columns: &[Column], cells: &[&str]) -> String {
    painted_row(columns, cells, &[])
}

/// [`row`], with colours around whole cells, by their places.
pub fn painted_row(columns: &[Column], cells: &[&str], paints: &[(usize, Style)]) -> String {
    let mut out = String::new();
    let mut used = 0;
    let mut start = 0;
    for (place, (column, cell)) in columns.iter().zip(cells).enumerate() {
        let cell = words::safe(cell);
        let cell = match column.overflow {
            Overflow::Cut => cut(&cell, column.width),
            Overflow::NextLine => cell,
        };
        if used > start {
            trim_end(&mut out);
            out.push('\n');
            used = 0;
        }
        out.extend(std::iter::repeat_n(' ', start - used));
        match paints.iter().find(|(painted, _)| *painted == place) {
            Some((_, paint)) if !cell.is_empty() => out.push_str(&format!("{paint}{cell}{paint:#}")),
            _ => out.push_str(&cell),
        }
        used = start + width(&cell);
        start += column.width + 1;
        // A cell may use up its column, but not the space behind it.
        if used == start {
            used += 1;
        }
    }
    trim_end(&mut out);
    out
}

fn trim_end(out: &mut String) {
    out.truncate(out.trim_end().len());
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column { title: "A", width: 4, overflow: Overflow::NextLine },
        Column { title: "B", width: 8, overflow: Overflow::Cut },
        Column { title: "C", width: 3, overflow: Overflow::NextLine },
    ];

    #[test]
    fn cells_stand_in_their_columns() {
        assert_eq!(heading(&COLUMNS), "A    B        C");
        assert_eq!(row(&COLUMNS, &["1", "two", "3"]), "1    two      3");
        assert_eq!(row(&COLUMNS, &["1234", "12345678", "3"]), "1234 12345678 3");
        assert_eq!(row(&COLUMNS, &["1", "", ""]), "1");
    }

    #[test]
    fn what_does_not_fit_is_cut_or_goes_on_below() {
        assert_eq!(row(&COLUMNS, &["12345", "123456789", "3"]), "12345\n     123[...] 3");
        assert_eq!(row(&COLUMNS, &["123456789", "b", "3"]), "123456789\n     b        3");
    }

    #[test]
    fn hostile_cells_stay_in_their_row() {
        assert_eq!(row(&COLUMNS, &["\n", "\u{1b}[1m", "3"]), "\\n   \\x1b[1m  3");
    }

    #[test]
    fn a_pipe_takes_wide_lists() {
        assert_eq!(Breadth::fitting(None), Breadth::Wide);
        assert_eq!(Breadth::fitting(Some(119)), Breadth::Narrow);
    }
}
