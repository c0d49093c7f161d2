//! A page of text: headings, labelled fields and lists, never wider than its style says.
//!
//! All text comes in plain and is made safe here; colour is added around whole words of ours only, so
//! that nothing from the input can open or close an escape sequence.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Paint};

use crate::report::words;
use crate::report::wrap::{self, cut, wrap};

/// Columns that a field's label takes up, its indent included.
const LABEL: usize = 13;
const INDENT: usize = 2;

/// How a page is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether ANSI colours are used. Nothing is said by colour alone.
    pub colour: bool,
    /// The widest line, in columns; at least [`Self::MIN_WIDTH`].
    pub width: usize,
}

impl Style {
    /// The width of a report.
    pub const WIDTH: usize = 80;
    /// Narrower than this nothing can be laid out.
    pub const MIN_WIDTH: usize = 60;
    /// 80 columns without colour: for files, pipes and tickets.
    pub const PLAIN: Self = Self { colour: false, width: Self::WIDTH };
    /// 80 columns with colour.
    pub const COLOURED: Self = Self { colour: true, width: Self::WIDTH };
}

impl Default for Style {
    fn default() -> Self {
        Self::PLAIN
    }
}

/// What a piece of text means, as far as it has a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Heading,
    Label,
    Good,
    Bad,
    Doubtful,
}

impl Tone {
    const fn paint(self) -> Paint {
        match self {
            Self::Plain => Paint::new(),
            Self::Heading => Paint::new().bold(),
            Self::Label => AnsiColor::Cyan.on_default(),
            Self::Good => AnsiColor::Green.on_default().bold(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Doubtful => AnsiColor::Yellow.on_default().bold(),
        }
    }
}

/// A page under way.
#[derive(Debug)]
pub(super) struct Page {
    /// What was written since it was last handed on.
    out: String,
    /// Whether what was handed on ends with an empty line, or is nothing yet.
    spaced: bool,
    colour: bool,
    width: usize,
}

impl Page {
    /// The widest text from the input that is shown whole; the JSON document has all of it.
    pub(super) const MAX_SHOWN: usize = 240;

    pub(super) fn new(style: Style) -> Self {
        Self {
            out: String::new(),
            spaced: true,
            colour: style.colour,
            width: style.width.max(Style::MIN_WIDTH),
        }
    }

    /// The widest line, in columns.
    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// Hands on what is written so far; it ends with a line.
    pub(super) fn flush_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(self.out.as_bytes())?;
        self.spaced = self.is_spaced();
        self.out.clear();
        Ok(())
    }

    /// An empty line, unless there is one already or nothing yet.
    pub(super) fn space(&mut self) {
        if !self.is_spaced() {
            self.out.push('\n');
        }
    }

    fn is_spaced(&self) -> bool {
        if self.out.is_empty() { self.spaced } else { self.out.ends_with("\n\n") || self.out == "\n" }
    }

    /// The heading of a section.
    pub(super) fn heading(&mut self, text: &str) {
        self.space();
        self.pieces(&[(text, Tone::Heading)]);
        self.space();
    }

    /// A line across the page that begins with `text`.
    pub(super) fn rule(&mut self, text: &str) {
        self.space();
        let rest = self.width.saturating_sub(wrap::width(text) + 4);
        let line = format!("-- {text} {}", "-".repeat(rest));
        self.pieces(&[(&line, Tone::Label)]);
    }

    /// One line of pieces, two spaces between them; pieces that do not fit go on the next line.
    pub(super) fn pieces(&mut self, pieces: &[(&str, Tone)]) {
        const BETWEEN: usize = 2;
        let mut used = 0;
        for (text, tone) in pieces {
            let text = cut(&words::safe(text), Self::MAX_SHOWN);
            let wanted = wrap::width(&text);
            if used > 0 && used + BETWEEN + wanted <= self.width {
                self.push_spaces(BETWEEN);
                used += BETWEEN + wanted;
                self.paint(&text, *tone);
                continue;
            }
            if used > 0 {
                self.out.push('\n');
            }
            let indent = if used > 0 { INDENT } else { 0 };
            used = 0;
            for (place, line) in wrap(&text, self.width - indent, self.width - INDENT).iter().enumerate() {
                let indent = if place > 0 {
                    self.out.push('\n');
                    INDENT
                } else {
                    indent
                };
                self.push_spaces(indent);
                self.paint(line, *tone);
                used = indent + wrap::width(line);
            }
        }
        self.out.push('\n');
    }

    /// A paragraph, indented.
    pub(super) fn prose(&mut self, text: &str) {
        self.block(INDENT, "", text);
    }

    /// A labelled value. Lines of `value` are kept; each is wrapped under its beginning.
    pub(super) fn field(&mut self, label: &str, value: &str) {
        self.fields(label, &[value.to_owned()]);
    }

    /// A labelled value in a tone.
    pub(super) fn field_in(&mut self, label: &str, value: &str, tone: Tone) {
        self.label(label);
        self.paint(&words::safe(value), tone);
        self.out.push('\n');
    }

    /// A label with several values below each other; nothing for no values.
    pub(super) fn fields(&mut self, label: &str, values: &[String]) {
        let lines = values.iter().flat_map(|value| value.lines());
        self.labelled(label, lines, "");
    }

    /// A label with a list of points; nothing for none.
    pub(super) fn points(&mut self, label: &str, points: &[String]) {
        self.labelled(label, points.iter().map(String::as_str), "- ");
    }

    /// A line of cells at fixed columns (text, width, tone), indented by `indent`. A cell that does not
    /// fit is cut; the last one has the rest of the line.
    pub(super) fn row(&mut self, indent: usize, cells: &[(&str, usize, Tone)]) {
        self.push_spaces(indent);
        let mut used = indent;
        let mut owed = 0;
        for (place, (cell, columns, tone)) in cells.iter().enumerate() {
            let is_last = place + 1 == cells.len();
            let room = self.width.saturating_sub(used + owed);
            let cell = cut(&words::safe(cell), if is_last { room } else { *columns });
            if cell.is_empty() {
                owed += columns + 1;
                continue;
            }
            // Blanks are written when something follows them.
            self.push_spaces(owed);
            self.paint(&cell, *tone);
            let taken = wrap::width(&cell);
            used += owed + taken;
            owed = columns.saturating_sub(taken) + 1;
        }
        self.out.push('\n');
    }

    /// A number at the end of a column of labels, with a remark behind it.
    pub(super) fn count(&mut self, label: &str, count: u64, remark: &str) {
        const COUNT_AT: usize = 46;
        let number = words::grouped(count);
        let pad = COUNT_AT.saturating_sub(INDENT + wrap::width(label) + number.len()).max(1);
        let lead = format!("{label}{}{number}", " ".repeat(pad));
        self.push_spaces(INDENT);
        self.out.push_str(&lead);
        let used = INDENT + wrap::width(&lead) + 2;
        if remark.is_empty() {
            self.out.push('\n');
            return;
        }
        let remark = words::safe(remark);
        let indent = used.min(self.width / 2);
        for (place, line) in
            wrap(&remark, self.width.saturating_sub(used), self.width - indent).iter().enumerate()
        {
            if place == 0 {
                self.push_spaces(2);
            } else {
                self.push_spaces(indent);
            }
            self.out.push_str(line);
            self.out.push('\n');
        }
    }

    fn labelled<'a>(&mut self, label: &str, lines: impl Iterator<Item = &'a str>, mark: &str) {
        let mut first = true;
        for line in lines {
            if first {
                self.label(label);
            } else {
                self.push_spaces(LABEL);
            }
            first = false;
            self.hang(LABEL, mark, line);
        }
    }

    fn block(&mut self, indent: usize, mark: &str, text: &str) {
        for line in text.lines() {
            self.push_spaces(indent);
            self.hang(indent, mark, line);
        }
    }

    /// Writes `line` where the cursor stands (at column `indent`); further lines hang under it.
    fn hang(&mut self, indent: usize, mark: &str, line: &str) {
        let room = self.width - indent - mark.len();
        for (place, line) in wrap(&words::safe(line), room, room).iter().enumerate() {
            if place == 0 {
                self.out.push_str(mark);
            } else {
                self.push_spaces(indent + mark.len());
            }
            self.out.push_str(line);
            self.out.push('\n');
        }
    }

    fn label(&mut self, label: &str) {
        self.push_spaces(INDENT);
        self.paint(label, Tone::Label);
        self.push_spaces(LABEL.saturating_sub(INDENT + label.len()).max(1));
    }

    fn paint(&mut self, text: &str, tone: Tone) {
        let paint = tone.paint();
        if self.colour && tone != Tone::Plain {
            self.out.push_str(&format!("{paint}{text}{paint:#}"));
        } else {
            self.out.push_str(text);
        }
    }

    fn push_spaces(&mut self, count: usize) {
        self.out.extend(std::iter::repeat_n(' ', count));
    }
}
