//! Times, places and addresses as the text report shows them.

use std::collections::BTreeMap;

use super::page::Page;
use crate::investigate::Time;
use crate::report::document::{Case, Line};
use crate::report::words;
use crate::report::wrap::cut;
use crate::text::Text;
use crate::time::Timestamp;

/// Line numbers listed for one file.
const MAX_LINE_RANGES: usize = 12;

/// Columns that one address or subject may take up.
const MAX_TEXT: usize = 160;

/// `2014-08-14 13:08:49 UTC`, with a fraction where there is one.
pub(super) fn instant(time: Timestamp) -> String {
    let text = time.to_string().replace('T', " ");
    let text = text.trim_end_matches('Z');
    format!("{} UTC", text.strip_suffix(".000000").unwrap_or(text))
}

/// As [`instant`]; a log's wall clock says that it is one.
pub(super) fn time(time: Time) -> String {
    match time {
        Time::Utc(time) => instant(time),
        Time::Local(time) => format!("{} by the log's clock", time.to_string().replace('T', " ")),
    }
}

/// `first to second`, as far as they are known; `None` where neither is.
pub(super) fn stretch(first: Option<Time>, last: Option<Time>) -> Option<String> {
    match (first, last) {
        (Some(first), Some(last)) => Some(format!("{} to {}", time(first), time(last))),
        (Some(one), None) | (None, Some(one)) => Some(time(one)),
        (None, None) => None,
    }
}

/// A text from the input, cut where it is too long to read.
pub(super) fn text(text: &Text) -> String {
    cut(&text.to_string(), MAX_TEXT)
}

/// An envelope address; the empty reverse path is `<>`.
pub(super) fn address(address: &Text) -> String {
    if address.is_empty() { "<>".to_owned() } else { text(address) }
}

/// A list of at most `limit` addresses, one a line, and how many more there are.
pub(super) fn addresses(list: &[Text], limit: usize) -> Vec<String> {
    let mut shown: Vec<String> = list.iter().take(limit).map(address).collect();
    if let Some(more) = list.len().checked_sub(limit).filter(|more| *more > 0) {
        shown.push(format!("and {} more", words::grouped(more as u64)));
    }
    shown
}

/// Lines of logs by file, neighbours joined: `mail.log, lines 12-18, 20`.
pub(super) fn lines(lines: &[Line]) -> Vec<String> {
    let mut by_file: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for line in lines {
        by_file.entry(&line.file).or_default().push(line.line);
    }
    by_file
        .into_iter()
        .map(|(file, mut numbers)| {
            numbers.sort_unstable();
            numbers.dedup();
            let noun = if numbers.len() == 1 { "line" } else { "lines" };
            format!("{}, {noun} {}", path(file), ranges(&numbers))
        })
        .collect()
}

/// A path, cut in its middle where it is too long: both its beginning and its name tell something.
pub(super) fn path(path: &str) -> String {
    cut(&words::safe(path), Page::MAX_SHOWN)
}

/// What a case is about: `MID 1404`, `ICID 10293`, `DCID 7`.
pub(super) fn case_name(case: &Case) -> String {
    let named = |name: &str, id: Option<u64>| id.map(|id| format!("{name} {id}"));
    named("MID", case.mid)
        .or_else(|| named("ICID", case.icid))
        .or_else(|| named("DCID", case.dcid))
        .unwrap_or_else(|| "unnamed".to_owned())
}

/// `12-18, 20` of sorted, distinct numbers.
fn ranges(numbers: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*number) => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let mut shown: Vec<String> = ranges
        .iter()
        .take(MAX_LINE_RANGES)
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
        .collect();
    if ranges.len() > MAX_LINE_RANGES {
        shown.push("...".to_owned());
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_lines_are_joined() {
        let line = |file: &str, line| Line { file: file.to_owned(), line };
        let shown = lines(&[line("b.log", 3), line("a.log", 7), line("b.log", 4), line("b.log", 9)]);
        assert_eq!(shown, ["a.log, line 7", "b.log, lines 3-4, 9"]);
        assert_eq!(ranges(&[u32::MAX]), u32::MAX.to_string());
    }

    #[test]
    fn a_fraction_is_shown_where_there_is_one() {
        let second = Timestamp::from_parts(1_408_021_729, 0);
        assert_eq!(instant(second), "2014-08-14 13:08:49 UTC");
        assert_eq!(
            instant(Timestamp::from_parts(1_408_021_729, 250_000_000)),
            "2014-08-14 13:08:49.250000 UTC"
        );
    }
}
