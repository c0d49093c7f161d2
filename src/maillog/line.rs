//! The stamp and the level word at the start of every record: `Www Mmm dd HH:MM:SS YYYY Level: text`.
//!
//! The stamp is C's `ctime()`: English names, the day padded with a space. Copies from web pages
//! collapse the two spaces to one, so either is taken. There is no zone and no fraction in any
//! version that was seen; a fraction is passed over should one come.

use crate::maillog::syslog;
use crate::time::{LogTime, UtcOffset};

/// How far into a line a prefix may reach: `grep` over several files puts the file's name (and
/// perhaps the line number) before the stamp, a syslog relay puts its own header there.
pub(super) const MAX_PREFIX: usize = 256;

/// Places in a prefix at which a stamp is looked for.
const MAX_PREFIX_TRIES: usize = 16;

/// The longest stamp that is remembered.
const MAX_STAMP: usize = 40;

/// The length of a stamp as `ctime()` writes it.
const CTIME: usize = 24;

/// What some editors put before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

const WEEKDAYS: [[u8; 3]; 7] = [*b"sun", *b"mon", *b"tue", *b"wed", *b"thu", *b"fri", *b"sat"];

const MONTHS: [[u8; 3]; 12] = [
    *b"jan", *b"feb", *b"mar", *b"apr", *b"may", *b"jun", *b"jul", *b"aug", *b"sep", *b"oct", *b"nov",
    *b"dec",
];

/// The level words that the appliance prints.
const LEVELS: [&[u8]; 6] = [b"info", b"warning", b"critical", b"debug", b"trace", b"information"];

/// The head of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Its stamp.
    pub(super) time: LogTime,
    /// Whether a level word that is known follows the stamp.
    pub(super) level: bool,
    /// Where the record's text starts in the line.
    pub(super) text_at: usize,
    /// What a relay's header tells beside it; the plain line has none.
    pub(super) relayed: Option<Relayed>,
}

/// What the header of a syslog line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Relayed {
    /// Where the host's name stands in the line.
    pub(super) host: Option<(usize, usize)>,
    /// The stamp's own offset from UTC.
    pub(super) offset: Option<UtcOffset>,
    /// Whether the stamp is the header's; otherwise the appliance's own stood after it.
    pub(super) stamped: bool,
}

/// Reads stamps. Most lines bear the stamp of the line before, so the last one is remembered.
#[derive(Debug, Default)]
pub(super) struct StampReader {
    memo: Option<Memo>,
}

#[derive(Debug)]
struct Memo {
    octets: [u8; MAX_STAMP],
    length: usize,
    time: LogTime,
}

impl StampReader {
    /// The head of the record that starts on this line; `None` where none does.
    #[inline]
    pub(super) fn head(&mut self, line: &[u8]) -> Option<Head> {
        if let Some(memo) = &self.memo
            && memo.length == CTIME
            && let Some((stamp, rest)) = line.split_first_chunk::<CTIME>()
            && memo.octets.first_chunk() == Some(stamp)
            && rest.starts_with(b" Info: ")
        {
            return Some(Head {
                time: memo.time,
                level: true,
                text_at: CTIME + b" Info: ".len(),
                relayed: None,
            });
        }
        self.any_head(line)
    }

    fn any_head(&mut self, line: &[u8]) -> Option<Head> {
        let mark = if line.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let indent = line.iter().skip(mark).take_while(|octet| matches!(octet, b' ' | b'\t')).count();
        if let Some(head) = self.head_at(line, mark + indent) {
            return Some(head);
        }
        if let Some(head) = details_head(line, mark + indent) {
            return Some(head);
        }
        if let Some(head) = syslog::head(line, mark + indent) {
            return Some(head);
        }
        // A stamp after a prefix must have its level word: a date in the midst of a text has none.
        let window = line.get(..MAX_PREFIX).unwrap_or(line);
        memchr::memchr2_iter(b':', b'-', window).take(MAX_PREFIX_TRIES).find_map(|colon| {
            let spaces = line.get(colon + 1..)?.iter().take_while(|&&octet| octet == b' ').count();
            self.head_at(line, colon + 1 + spaces).filter(|head| head.level)
        })
    }

    /// The head that starts at `at`.
    fn head_at(&mut self, line: &[u8], at: usize) -> Option<Head> {
        let rest = line.get(at..)?;
        let (time, length) = self.stamp(rest)?;
        let after = rest.get(length..)?;
        let text = after.strip_prefix(b" ").unwrap_or(after);
        let (level, skipped) = level(text);
        let head = Head { time, level, text_at: line.len() - text.len() + skipped, relayed: None };
        // File form of the consolidated event logs: a colon follows the stamp, and no level.
        Some(match text.strip_prefix(b": ").filter(|text| text.starts_with(syslog::CEF)) {
            Some(event) => Head { level: true, text_at: line.len() - event.len(), ..head },
            None => head,
        })
    }

    fn stamp(&mut self, text: &[u8]) -> Option<(LogTime, usize)> {
        if let Some(memo) = &self.memo
            && let Some(known) = memo.octets.get(..memo.length)
            && text.starts_with(known)
            && !text.get(memo.length).is_some_and(u8::is_ascii_digit)
        {
            return Some((memo.time, memo.length));
        }
        let (time, length) = parse_stamp(text)?;
        let mut octets = [0; MAX_STAMP];
        if let (Some(slot), Some(stamp)) = (octets.get_mut(..length), text.get(..length)) {
            slot.copy_from_slice(stamp);
            self.memo = Some(Memo { octets, length, time });
        }
        Some((time, length))
    }
}

/// The stamp of a line copied from the details page of message tracking: `02 Dec 2019 14:11:36 (GMT
/// +01:00)`, and no level.
fn details_head(line: &[u8], at: usize) -> Option<Head> {
    if !line.get(at)?.is_ascii_digit() {
        return None;
    }
    let mut scan = Scan { text: line, at };
    let day = scan.digits(1, 2)?;
    scan.octet(b' ')?;
    let month = scan.month()?;
    scan.octet(b' ')?;
    let year = scan.digits(4, 4)?;
    scan.octet(b' ')?;
    let hour = scan.digits(2, 2)?;
    scan.octet(b':')?;
    let minute = scan.digits(2, 2)?;
    scan.octet(b':')?;
    let second = scan.digits(2, 2)?;
    let time = LogTime::new(i32::try_from(year).ok(), month, day, hour, minute, second)?;
    let (zone, text) = line
        .get(scan.at..)?
        .strip_prefix(b" (GMT")?
        .split_at_checked(memchr::memchr(b')', line.get(scan.at + b" (GMT".len()..)?)?)?;
    let offset = match zone.trim_ascii() {
        b"" => UtcOffset::default(),
        zone => {
            let mut scan = Scan { text: zone, at: 1 };
            let hours = scan.digits(2, 2)?;
            scan.octet(b':')?;
            let seconds = i32::try_from(hours * 3600 + scan.digits(2, 2)? * 60).ok()?;
            let sign = match zone.first()? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            UtcOffset::from_seconds(sign * seconds)?
        }
    };
    // A sentence follows; in a table of messages it would be a separator, or a value.
    let (b' ' | b'\t', text) = text.strip_prefix(b")")?.split_first()? else { return None };
    let text = text.trim_ascii_start();
    if !text.first().is_some_and(|octet| octet.is_ascii_alphabetic() || *octet == b'(') {
        return None;
    }
    let relayed = Some(Relayed { host: None, offset: Some(offset), stamped: false });
    Some(Head { time, level: true, text_at: line.len() - text.len(), relayed })
}

/// Whether a known level word starts the text, and how many octets it takes with its colon; an
/// unknown word stays part of the text.
pub(super) fn level(text: &[u8]) -> (bool, usize) {
    let length = text.iter().take_while(|octet| octet.is_ascii_alphabetic()).count();
    let Some((word, rest)) = text.split_at_checked(length) else { return (false, 0) };
    if !rest.starts_with(b":") || !LEVELS.iter().any(|known| word.eq_ignore_ascii_case(known)) {
        return (false, 0);
    }
    let spaces = rest.iter().skip(1).take_while(|&&octet| octet == b' ').count();
    (true, length + 1 + spaces)
}

/// The stamp at the start of `text` and its length.
pub(super) fn parse_stamp(text: &[u8]) -> Option<(LogTime, usize)> {
    let mut scan = Scan { text, at: 0 };
    scan.name(&WEEKDAYS)?;
    scan.spaces()?;
    let month = scan.month()?;
    scan.spaces()?;
    let day = scan.digits(1, 2)?;
    scan.spaces()?;
    let hour = scan.digits(2, 2)?;
    scan.octet(b':')?;
    let minute = scan.digits(2, 2)?;
    scan.octet(b':')?;
    let second = scan.digits(2, 2)?;
    if scan.octet(b'.').is_some() {
        scan.digits(1, 9)?;
    }
    scan.spaces()?;
    let year = scan.digits(4, 4)?;
    if scan.text.get(scan.at).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let time = LogTime::new(i32::try_from(year).ok(), month, day, hour, minute, second)?;
    Some((time, scan.at))
}

/// Reads the parts of a stamp, one after the other.
pub(super) struct Scan<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
}

impl Scan<'_> {
    pub(super) fn octet(&mut self, wanted: u8) -> Option<()> {
        (*self.text.get(self.at)? == wanted).then(|| self.at += 1)
    }

    /// One space, or two where the day is padded.
    pub(super) fn spaces(&mut self) -> Option<()> {
        self.octet(b' ')?;
        let _ = self.octet(b' ');
        Some(())
    }

    pub(super) fn month(&mut self) -> Option<u32> {
        self.name(&MONTHS).map(|index| index + 1)
    }

    fn name<const N: usize>(&mut self, names: &[[u8; 3]; N]) -> Option<u32> {
        let word: [u8; 3] = self.text.get(self.at..self.at + 3)?.try_into().ok()?;
        let word = word.map(|octet| octet.to_ascii_lowercase());
        let index = names.iter().position(|name| *name == word)?;
        self.at += 3;
        u32::try_from(index).ok()
    }

    pub(super) fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let mut value = 0_u32;
        let mut count = 0;
        while count < most
            && let Some(digit @ b'0'..=b'9') = self.text.get(self.at + count)
        {
            value = value * 10 + u32::from(digit - b'0');
            count += 1;
        }
        self.at += count;
        (count >= least).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[u8]) -> Option<(String, bool, &[u8])> {
        StampReader::default()
            .head(line)
            .map(|head| (head.time.to_string(), head.level, line.get(head.text_at..).unwrap()))
    }

    /// ESA-LOGS section 1: the line's shape.
    #[test]
    fn stamps_of_every_shape() {
        let rows: [(&[u8], &str, bool, &[u8]); 15] = [
            (b"Thu Aug 14 13:08:49 2014 Info: ICID 1 close", "2014-08-14T13:08:49", true, b"ICID 1 close"),
            (b"Tue Jan  6 15:03:18 2004 Info: x", "2004-01-06T15:03:18", true, b"x"),
            (b"Tue Jan 6 15:03:18 2004 Info: x", "2004-01-06T15:03:18", true, b"x"),
            (b"TUE jan 6 15:03:18 2004 WARNING:  x", "2004-01-06T15:03:18", true, b"x"),
            (b"   Tue Jan 6 15:03:18 2004 Critical: x", "2004-01-06T15:03:18", true, b"x"),
            (b"Tue Jan 6 15:03:18 2004 Verbose: x", "2004-01-06T15:03:18", false, b"Verbose: x"),
            (b"Tue Jan 6 15:03:18 2004", "2004-01-06T15:03:18", false, b""),
            (b"Tue Jan 6 15:03:18.250 2004 Info: x", "2004-01-06T15:03:18", true, b"x"),
            (b"mail.@20141119T091646.s:Wed Nov 19 09:16:46 2014 Info: x", "2014-11-19T09:16:46", true, b"x"),
            (b"/var/log/mail.s:123:Wed Nov 19 09:16:46 2014 Info: x", "2014-11-19T09:16:46", true, b"x"),
            (b"mail.s-124-Wed Nov 19 09:16:46 2014 Info: x", "2014-11-19T09:16:46", true, b"x"),
            (b"<111>Aug 10 host app: Mon Aug 10 09:52:59 2020 Info: x", "2020-08-10T09:52:59", true, b"x"),
            (b"02 Dec 2019 14:11:36 (GMT +01:00)\tMessage 7", "2019-12-02T14:11:36", true, b"Message 7"),
            (b"2 Dec 2019 14:11:36 (GMT) Message 7", "2019-12-02T14:11:36", true, b"Message 7"),
            (b"Mon Aug 10 09:52:59 2020: CEF:0|x", "2020-08-10T09:52:59", true, b"CEF:0|x"),
        ];
        for (line, time, level, text) in rows {
            assert_eq!(read(line), Some((time.to_owned(), level, text)), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn what_is_no_stamp() {
        let rows: [&[u8]; 12] = [
            b"(192.0.2.199) address 192.0.2.200 reverse dns host mx.example.com verified no",
            b"SBRS not enabled",
            b"Message 7 to RID [0] pending till: Wed Nov 19 09:16:46 2014",
            b"Wed Foo 19 09:16:46 2014 Info: x",
            b"Wed Feb 30 09:16:46 2014 Info: x",
            b"Wed Nov 19 09:16:46 20145 Info: x",
            b"Wed Nov 19 9:16:46 2014 Info: x",
            b"02 Dec 2019 14:11:36 Message 7",
            b"02 Dec 2019 14:11:36 (GMT 01:00) Message 7",
            b"02 Dec 2019 14:11:36 (GMT +01:00),7,31",
            b"02 Dec 2019 14:11:36 (GMT +01:00)\t7\t31",
            b"",
        ];
        for line in rows {
            assert_eq!(read(line), None, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn the_memory_of_the_last_stamp_does_not_blur_the_next() {
        let mut stamps = StampReader::default();
        let lines: [(&[u8], &str); 4] = [
            (b"Tue Jan  6 15:03:18 2004 Info: a", "2004-01-06T15:03:18"),
            (b"Tue Jan  6 15:03:18 2004 Info: b", "2004-01-06T15:03:18"),
            (b"Tue Jan  6 15:03:19 2004 Info: c", "2004-01-06T15:03:19"),
            (b"Tue Jan 6 15:03:18 2004 Info: d", "2004-01-06T15:03:18"),
        ];
        for (line, time) in lines {
            assert_eq!(stamps.head(line).unwrap().time.to_string(), time);
        }
        // One digit more than the remembered stamp is no stamp.
        assert_eq!(stamps.head(b"Tue Jan 6 15:03:18 20041 Info: e"), None);
    }
}
