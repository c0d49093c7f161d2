//! Tables with a header row (RFC 4180): the raw line in a column, or message tracking with a column
//! for each fact.

use crate::maillog::line::StampReader;
use crate::maillog::walk::Carrier;

use super::fields::{self, Fields, SAMPLES};
use super::tracking::Tracking;
use super::{MAX_LINE, Told, Translate};

/// Separators, the usual one first.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Columns of a table; more are no export of ours.
const MAX_COLUMNS: usize = 512;

/// Octets of a column's name.
const MAX_NAME: usize = 128;

/// A table whose columns are known.
pub(super) struct Rows {
    separator: u8,
    names: Vec<String>,
    holds: Holds,
    told: Told,
    /// The octets of a row that goes on over line ends within quotes, and the lines that it took.
    pending: Vec<u8>,
    lines: usize,
    line: u32,
}

/// What a row holds.
enum Holds {
    /// The raw line, in the column with this name.
    Line(String),
    /// A message, its facts by columns.
    Message(Tracking),
}

/// The table that `head` begins, where it is one whose rows hold a mail log.
pub(super) fn tell(head: &[u8]) -> Option<Rows> {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    // A line that begins with its stamp is a log's own: what is around it may hold commas.
    let mut stamps = StampReader::default();
    let mut lines = text.split(|&octet| octet == b'\n').take(SAMPLES);
    if lines.any(|line| stamps.head(line).is_some_and(|head| head.level)) {
        return None;
    }
    SEPARATORS.into_iter().find_map(|separator| {
        let mut rest = text;
        let names = next_row(&mut rest, separator)?;
        let plain = |name: &String| !name.trim().is_empty() && name.len() <= MAX_NAME;
        if !(2..=MAX_COLUMNS).contains(&names.len()) || !names.iter().any(plain) {
            return None;
        }
        let mut rows = Vec::new();
        while rows.len() < SAMPLES
            && let Some(row) = next_row(&mut rest, separator)
        {
            // The last one may be cut by the end of what is looked at.
            if row.len() == names.len() {
                rows.push(named(&names, row));
            }
        }
        let tracking = Tracking::of(&names).filter(|_| !rows.is_empty());
        let holds = match (tracking, fields::choose(rows.iter())) {
            (Some(tracking), _) => Holds::Message(tracking),
            (None, column) => Holds::Line(column?),
        };
        Some(Rows { separator, names, holds, told: Told::default(), pending: Vec::new(), lines: 0, line: 0 })
    })
}

impl Rows {
    /// What kind of table it is.
    pub(super) const fn carrier(&self) -> Carrier {
        match self.holds {
            Holds::Line(_) => Carrier::Csv,
            Holds::Message(_) => Carrier::Tracking,
        }
    }

    /// The table, telling what it passes over.
    pub(super) fn telling(self, told: Told) -> Self {
        Self { told, ..self }
    }

    fn row(&mut self, out: &mut Vec<u8>) {
        let start = out.len();
        let row = next_row(&mut self.pending.as_slice(), self.separator).unwrap_or_default();
        let is_header = self.line as usize == self.lines;
        let is_blank = row.iter().all(|value| value.trim().is_empty());
        if !is_header && !is_blank && !self.write(row, out) {
            out.truncate(start);
            self.told.oddity("rows that hold no line of the log and no message", self.line);
        }
        // As many lines as the row took, so that the numbers of those that follow are right.
        out.extend(std::iter::repeat_n(b'\n', self.lines));
        self.pending.clear();
        self.lines = 0;
    }

    fn write(&self, row: Vec<String>, out: &mut Vec<u8>) -> bool {
        if row.len() != self.names.len() {
            return false;
        }
        match &self.holds {
            Holds::Line(column) => fields::line_of(&named(&self.names, row), column, out),
            Holds::Message(tracking) => tracking.write(&row, out),
        }
    }
}

impl Translate for Rows {
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        self.line = self.line.saturating_add(1);
        if self.lines > 0 {
            self.pending.push(b'\n');
        }
        self.pending.extend_from_slice(line);
        self.lines += 1;
        // An odd number of quotes: a quoted value goes on.
        let quotes = memchr::memchr_iter(b'"', &self.pending).count();
        if quotes.is_multiple_of(2) || self.pending.len() > MAX_LINE {
            self.row(out);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.lines > 0 {
            self.row(out);
        }
    }
}

fn named(names: &[String], row: Vec<String>) -> Fields {
    names.iter().cloned().zip(row).collect()
}

/// Takes the next row off the text: its values, without quotes. `None` at the end.
fn next_row(text: &mut &[u8], separator: u8) -> Option<Vec<String>> {
    if text.is_empty() {
        return None;
    }
    let mut values = Vec::new();
    loop {
        let (value, rest, more) = next_value(text, separator);
        *text = rest;
        if values.len() < MAX_COLUMNS + 1 {
            values.push(String::from_utf8_lossy(&value).into_owned());
        }
        if !more {
            return Some(values);
        }
    }
}

/// The next value, what follows it, and whether the row goes on.
fn next_value(text: &[u8], separator: u8) -> (Vec<u8>, &[u8], bool) {
    let mut value = Vec::new();
    let mut rest = text;
    if let Some(quoted) = text.strip_prefix(b"\"") {
        rest = quoted;
        while let Some(at) = memchr::memchr(b'"', rest) {
            value.extend_from_slice(rest.get(..at).unwrap_or_default());
            rest = rest.get(at + 1..).unwrap_or_default();
            match rest.strip_prefix(b"\"") {
                Some(after) => {
                    value.push(b'"');
                    rest = after;
                }
                None => break,
            }
        }
    }
    let end = memchr::memchr2(separator, b'\n', rest).unwrap_or(rest.len());
    let (tail, after) = rest.split_at_checked(end).unwrap_or((rest, b""));
    value.extend_from_slice(
        tail.strip_suffix(b"\r").filter(|_| !after.starts_with(&[separator])).unwrap_or(tail),
    );
    match after.split_first() {
        Some((octet, after)) => (value, after, *octet == separator),
        None => (value, after, false),
    }
}
