//! Which field of a record holds the line of the mail log, and the line out of it.

use crate::maillog::event::{Fact, Ids};
use crate::maillog::line::StampReader;
use crate::maillog::syslog;
use crate::maillog::text::parse_text;
use crate::time::Timestamp;

/// Records that are looked at to find the field.
pub(super) const SAMPLES: usize = 64;

/// Fields of one record that are looked at.
pub(super) const MAX_FIELDS: usize = 512;

/// Beyond this a number is taken for milliseconds since the epoch: in seconds it would be the year 5138.
const MILLISECONDS_FROM: f64 = 1e11;

/// Fields of a record: the path of each, its parts joined with dots, and its value as text.
pub(super) type Fields = Vec<(String, String)>;

/// Names that Elastic, Splunk and Graylog have for the time of a record, by the last part of the path.
const TIMES: [&str; 6] = ["@timestamp", "_time", "timestamp", "time", "eventtime", "datetime"];

/// Names for the host that sent it.
const HOSTS: [&str; 5] = ["host.name", "host.hostname", "hostname", "host", "observer.name"];

/// How surely a value is a line of a mail log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fitness {
    /// Known words of the log without a stamp.
    Words,
    /// With the header of a relay.
    Relayed,
    /// With the appliance's own stamp.
    Stamped,
}

/// How surely the value is a line of a mail log; `None` where it is not.
pub(super) fn fitness(value: &str) -> Option<Fitness> {
    let line = value.trim().as_bytes();
    match StampReader::default().head(line) {
        Some(head) if head.level && head.relayed.is_none_or(|relayed| !relayed.stamped) => {
            Some(Fitness::Stamped)
        }
        Some(head) if head.level => Some(Fitness::Relayed),
        _ => words(line).map(|_| Fitness::Words),
    }
}

/// The words of a line without a stamp, from its level word on where it has one.
fn words(line: &[u8]) -> Option<(bool, &[u8])> {
    if let Some((at, text_at)) = syslog::text_after(line, 0) {
        let text = line.get(text_at..)?;
        return (parse_text(text).fact != Fact::Unknown).then(|| (true, line.get(at..).unwrap_or(text)));
    }
    let event = parse_text(line);
    (event.fact != Fact::Unknown && event.ids != Ids::default()).then_some((false, line))
}

/// The field that holds the line in most of these records; of equals the one that holds it most surely,
/// then the first.
pub(super) fn choose<'a>(records: impl Iterator<Item = &'a Fields>) -> Option<String> {
    let mut found: Vec<(&str, usize, usize)> = Vec::new();
    for (path, value) in records.flatten() {
        let Some(fitness) = fitness(value) else { continue };
        let room = found.len() < MAX_FIELDS;
        match found.iter_mut().find(|(known, ..)| known == path) {
            Some((_, count, sureness)) => {
                *count += 1;
                *sureness += fitness as usize;
            }
            None if room => found.push((path, 1, fitness as usize)),
            None => {}
        }
    }
    let best = found.iter().map(|(_, count, sureness)| (*count, *sureness)).max()?;
    found.iter().find(|(_, count, sureness)| (*count, *sureness) == best).map(|(path, ..)| (*path).to_owned())
}

/// The log's line out of a record, appended to `out` without a line end; `false` where the record has
/// none, or nothing says when it was written.
pub(super) fn line_of(fields: &Fields, path: &str, out: &mut Vec<u8>) -> bool {
    let Some((_, value)) = fields.iter().find(|(known, _)| known == path) else { return false };
    let value = value.trim();
    match fitness(value) {
        Some(Fitness::Stamped | Fitness::Relayed) => {}
        // An unknown line may still have its stamp.
        None if StampReader::default().head(value.as_bytes()).is_some() => {}
        Some(Fitness::Words) | None => {
            let Some(stamp) = stamp(fields) else { return false };
            let host = host(fields).unwrap_or("-");
            out.extend_from_slice(format!("{stamp} {host} export: ").as_bytes());
            match words(value.as_bytes()) {
                Some((true, rest)) => return push_line(rest, out),
                _ => out.extend_from_slice(b"Info: "),
            }
        }
    }
    push_line(value.as_bytes(), out)
}

/// Appends text with its line ends turned to spaces: one record is one line.
fn push_line(text: &[u8], out: &mut Vec<u8>) -> bool {
    out.extend(text.iter().map(|&octet| if matches!(octet, b'\n' | b'\r') { b' ' } else { octet }));
    true
}

/// When the record was written, as RFC 3339 or without a zone, as the record has it.
fn stamp(fields: &Fields) -> Option<String> {
    TIMES.iter().find_map(|name| {
        let named = fields.iter().filter(|(path, _)| ends_with_name(path, name));
        named.map(|(_, value)| value.trim()).find_map(|value| {
            if let Ok(number) = value.parse::<f64>() {
                return epoch(number);
            }
            syslog::time(value.as_bytes()).map(|_| value.replace(' ', "T"))
        })
    })
}

/// A number of seconds, or milliseconds, since the epoch.
fn epoch(number: f64) -> Option<String> {
    let seconds = if number.abs() >= MILLISECONDS_FROM { number / 1000.0 } else { number };
    let nanos = seconds * 1e9;
    // Years 1990 to 2262: other numbers are no times.
    (6.3e17..9.2e18).contains(&nanos).then(|| Timestamp::from_nanos(nanos as i64).to_string())
}

fn host(fields: &Fields) -> Option<&str> {
    HOSTS.iter().find_map(|name| {
        let named = fields.iter().filter(|(path, _)| ends_with_name(path, name));
        named.map(|(_, value)| value.as_str()).find(|value| {
            !value.is_empty() && !value.ends_with(':') && value.bytes().all(|octet| octet.is_ascii_graphic())
        })
    })
}

/// Whether the path's last parts are this name.
fn ends_with_name(path: &str, name: &str) -> bool {
    let Some(before) = path.len().checked_sub(name.len()) else { return false };
    let fits = path.get(before..).is_some_and(|tail| tail.eq_ignore_ascii_case(name));
    fits && (before == 0 || path.as_bytes().get(before - 1) == Some(&b'.'))
}
