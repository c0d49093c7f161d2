//! Logs given together -> one account: files in the order of their time, whatever order they come in.

use std::io::{BufRead, Read};

use crate::cite::{LogId, Notes, Place};
use crate::maillog::book::{Book, Keep, LogSink, Taken};
use crate::maillog::carrier::Told;
use crate::maillog::conversation;
use crate::maillog::event::{Event, Fact, Ids, Known};
use crate::maillog::line::StampReader;
use crate::maillog::open::{Unreadable, open};
use crate::maillog::read::{Record, Records};
use crate::maillog::source::Source;
use crate::maillog::summary::{Summary, is_summary};
use crate::maillog::text::parse_text;
use crate::maillog::walk::{Carrier, Line, LineSink, Named};
use crate::maillog::{Connection, MailLog, Message, StampedBy};
use crate::time::{LogTime, UtcOffset};

/// Records that must have passed after a connection's last line before it is handed out: lines may
/// follow `close` within its second, and a busy appliance writes some thousands of lines a second.
const GRACE: u64 = 8192;

/// One log to read. The caller opens it; gzip is told by its magic number and unpacked here.
pub struct LogInput {
    /// Which of the inputs it is.
    pub id: LogId,
    /// Its octets.
    pub reader: Box<dyn BufRead + Send>,
}

/// What to read of the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadOptions {
    /// Whether delivery connections (DCID) are kept.
    pub delivery: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { delivery: true }
    }
}

/// Reads logs into one account of all that they tell. What cannot be read is a note of its file.
pub fn read_logs(inputs: Vec<LogInput>, options: ReadOptions) -> MailLog {
    read(inputs, Book::new(Keep::Everything, options.delivery), None)
}

/// Reads logs and hands out each connection once it is complete: memory depends on the connections
/// that are open, not on the length of the logs. A connection is complete when it is closed and some
/// thousands of records have passed since its last line; its accepted messages are complete with
/// `ready`, so that `Message finished` of a message that was long in delivery is not awaited. The
/// account that comes back holds all but the connections and orphans.
pub fn stream_logs(inputs: Vec<LogInput>, options: ReadOptions, sink: &mut dyn LogSink) -> MailLog {
    read(inputs, Book::new(Keep::Open { grace: GRACE, sink }, options.delivery), None)
}

/// Reads logs and gives out each of their lines, whatever it says, in the order of reading. The account
/// that comes back holds clocks, serials, hosts and files.
pub fn walk_logs(inputs: Vec<LogInput>, lines: &mut dyn LineSink) -> MailLog {
    let mut nobody = Nobody;
    let keep = Keep::Open { grace: GRACE, sink: &mut nobody };
    read(inputs, Book::new(keep, false), Some(lines))
}

/// Takes connections that nobody asked for.
struct Nobody;

impl LogSink for Nobody {
    fn connection(&mut self, _: Connection, _: &MailLog) {}

    fn orphan(&mut self, _: Message, _: &MailLog) {}
}

/// A log that was opened, and what its beginning tells of its place among the others.
struct Opened {
    id: LogId,
    records: Result<(Records<Box<dyn Read + Send>>, Told), Unreadable>,
    preview: Preview,
}

/// What a log begins with.
#[derive(Default)]
struct Preview {
    first: Option<LogTime>,
    offset: Option<UtcOffset>,
    serial: Option<Vec<u8>>,
}

/// Lines, where somebody wants them.
type Lines<'a> = Option<&'a mut dyn LineSink>;

pub(super) fn read(inputs: Vec<LogInput>, mut book: Book<'_>, mut lines: Lines<'_>) -> MailLog {
    let mut logs: Vec<Opened> = inputs.into_iter().map(Opened::new).collect();
    // A log without a head has no offset of its own; among others that of the first is the best guess.
    let offset = logs.iter().find_map(|log| log.preview.offset).unwrap_or_default();
    logs.sort_by_key(|log| {
        let first = log
            .preview
            .first
            .map(|time| time.wall_seconds() - i64::from(log.preview.offset.unwrap_or(offset).seconds()));
        // What has no time comes last. Of a copy and an excerpt that begin in one second the one with
        // the head comes first: its stamps say more.
        (first.is_none(), first, log.preview.offset.is_none(), log.id)
    });
    for serial in logs.iter().filter_map(|log| log.preview.serial.as_deref()) {
        book.expect_serial(serial);
    }
    let following = earliest_following(&logs);
    for (log, next) in logs.into_iter().zip(following) {
        book.begin_file(log.id, next);
        match log.records {
            Ok((records, told)) => read_one(records, &told, &mut book, &mut lines),
            Err(why) => {
                let mut notes = Notes::default();
                notes.loss(why.to_string(), None);
                book.end_file(0, notes);
            }
        }
    }
    let mut log = book.finish();
    log.files.sort_by_key(|file| file.file);
    log
}

/// For each log the earliest stamp that one after it begins with.
fn earliest_following(logs: &[Opened]) -> Vec<Option<LogTime>> {
    let mut earliest: Option<LogTime> = None;
    let mut following: Vec<Option<LogTime>> = Vec::with_capacity(logs.len());
    for log in logs.iter().rev() {
        following.push(earliest);
        earliest = match (earliest, log.preview.first) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    following.reverse();
    following
}

fn read_one(
    mut records: Records<Box<dyn Read + Send>>,
    told: &Told,
    book: &mut Book<'_>,
    lines: &mut Lines<'_>,
) {
    let mut count = 0_u64;
    let mut unknown = Notes::default();
    while let Some(record) = records.next() {
        count += 1;
        let carrier = told.carrier();
        let known = match lines {
            None => take(&record, book, None),
            Some(lines) => take(&record, book, Some((&mut **lines, carrier))),
        };
        if !known {
            unknown.oddity("records of a kind that is not known", Some(Place::Line(record.line)));
        }
    }
    let bytes = told.octets().unwrap_or(records.bytes());
    let mut notes = told.notes();
    notes.merge(records.into_notes());
    notes.merge(unknown);
    if count == 0 && bytes > 0 {
        notes.loss("no line begins with a timestamp of the text mail log", None);
    }
    book.end_file(bytes, notes);
}

/// Who wants the line, and what brought it, where its own shape does not say.
type Wanted<'a> = Option<(&'a mut dyn LineSink, Option<Carrier>)>;

/// Takes in one record; `false` where it is of a kind that is not known.
fn take(record: &Record<'_>, book: &mut Book<'_>, wanted: Wanted<'_>) -> bool {
    if is_summary(record.text) {
        return take_summary(record, book, wanted);
    }
    let event = parse_text(record.text);
    let taken = match conversation::read(record.text) {
        Some(said) => book.said(record, &event, &said),
        None => book.record(record.line, record.time, &record.source, record.text, &event),
    };
    if let Some((lines, carrier)) = wanted {
        let relayed = if record.source.is_plain() { Carrier::Text } else { Carrier::Syslog };
        let named = Named::of(record.text, &event);
        lines.line(&line(record, taken, carrier.unwrap_or(relayed), &event, &named));
    }
    event.fact != Fact::Unknown
}

/// Takes in a record that tells all of one message.
#[cold]
fn take_summary(record: &Record<'_>, book: &mut Book<'_>, wanted: Wanted<'_>) -> bool {
    let summary = Summary::read(record.text);
    let fact = if summary.is_some() { Fact::Known(Known::Summary) } else { Fact::Unknown };
    let event = Event { ids: Ids::default(), fact };
    // Its own stamps are the appliance's, whoever stamped the packet that it came in.
    let own = summary.as_ref().and_then(Summary::when);
    let (time, offset) = own.unwrap_or((record.time, record.source.offset));
    let by = if own.is_some() { StampedBy::Appliance } else { record.source.by };
    let serial = summary.as_ref().and_then(Summary::serial);
    let source = Source { serial, offset, by, ..record.source };
    let taken = book.record(record.line, time, &source, record.text, &event);
    let mut named = Named::default();
    if let Some(summary) = &summary {
        summary.tell(&mut |at, event| {
            named.add(event);
            if !taken.repeated {
                book.also(record.line, at.unwrap_or(time), event);
            }
        });
    }
    if let Some((lines, carrier)) = wanted {
        lines.line(&line(record, taken, carrier.unwrap_or(Carrier::Events), &event, &named));
    }
    summary.is_some()
}

fn line<'a>(
    record: &Record<'a>,
    taken: Taken,
    carrier: Carrier,
    event: &Event<'_>,
    named: &'a Named,
) -> Line<'a> {
    let Taken { stamp, appliance, repeated } = taken;
    let opens = matches!(event.fact, Fact::Opened(_));
    Line { stamp, appliance, repeated, carrier, kind: event.kind(), text: record.text, named, opens }
}

impl Opened {
    fn new(input: LogInput) -> Self {
        let mut records = open(input.reader).map(|(text, told)| (Records::new(text), told));
        let preview = records.as_mut().map(|(records, _)| Preview::of(records.preview())).unwrap_or_default();
        Self { id: input.id, records, preview }
    }
}

impl Preview {
    /// Lines after the first stamp in which a head is looked for; it has three.
    const HEAD_LINES: usize = 8;

    fn of(text: &[u8]) -> Self {
        let mut preview = Self::default();
        let mut stamps = StampReader::default();
        let mut after_first = 0;
        for line in text.split(|&octet| octet == b'\n') {
            let Some(head) = stamps.head(line) else { continue };
            preview.first.get_or_insert(head.time);
            match parse_text(line.get(head.text_at..).unwrap_or_default().trim_ascii()).fact {
                Fact::Version { serial: Some(serial) } => {
                    preview.serial.get_or_insert_with(|| serial.to_vec());
                }
                Fact::Offset(offset) => preview.offset = preview.offset.or(offset),
                _ => {}
            }
            after_first += 1;
            if after_first == Self::HEAD_LINES {
                break;
            }
        }
        preview
    }
}

#[cfg(test)]
mod tests;
