//! Logs given together -> one account: files in the order of their time, whatever order they come in.

use std::io::{BufRead, Read};

use crate::cite::{LogId, Notes, Place};
use crate::maillog::book::{Book, Keep, LogSink};
use crate::maillog::carrier::Told;
use crate::maillog::conversation;
use crate::maillog::event::{Event, Fact, Ids, Known};
use crate::maillog::line::StampReader;
use crate::maillog::open::{Unreadable, open};
use crate::maillog::read::{Record, Records};
use crate::maillog::source::Source;
use crate::maillog::summary::{Summary, is_summary};
use crate::maillog::text::parse_text;
use crate::maillog::{MailLog, StampedBy};
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
    read(inputs, Book::new(Keep::Everything, options.delivery))
}

/// Reads logs and hands out each connection once it is complete: memory depends on the connections
/// that are open, not on the length of the logs. A connection is complete when it is closed and some
/// thousands of records have passed since its last line; its accepted messages are complete with
/// `ready`, so that `Message finished` of a message that was long in delivery is not awaited. The
/// account that comes back holds all but the connections and orphans.
pub fn stream_logs(inputs: Vec<LogInput>, options: ReadOptions, sink: &mut dyn LogSink) -> MailLog {
    read(inputs, Book::new(Keep::Open { grace: GRACE, sink }, options.delivery))
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

pub(super) fn read(inputs: Vec<LogInput>, mut book: Book<'_>) -> MailLog {
    let mut logs: Vec<Opened> = inputs.into_iter().map(Opened::new).collect();
    // A log without a head has no offset of its own; among others that of the first is the best guess.
    let offset = logs.iter().find_map(|log| log.preview.offset).unwrap_or_default();
    logs.sort_by_key(|log| {
        let first = log
            .preview
            .first
            .map(|time| time.wall_seconds() - i64::from(log.preview.offset.unwrap_or(offset).seconds()));
        // What has no time comes last.
        (first.is_none(), first, log.id)
    });
    for serial in logs.iter().filter_map(|log| log.preview.serial.as_deref()) {
        book.expect_serial(serial);
    }
    for log in logs {
        book.begin_file(log.id);
        match log.records {
            Ok((records, told)) => read_one(records, &told, &mut book),
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

fn read_one(mut records: Records<Box<dyn Read + Send>>, told: &Told, book: &mut Book<'_>) {
    let mut count = 0_u64;
    let mut unknown = Notes::default();
    while let Some(record) = records.next() {
        count += 1;
        if !take(&record, book) {
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

/// Takes in one record; `false` where it is of a kind that is not known.
fn take(record: &Record<'_>, book: &mut Book<'_>) -> bool {
    if is_summary(record.text) {
        return take_summary(record, book);
    }
    if let Some(said) = conversation::read(record.text) {
        book.said(record.line, record.time, &record.source, &said, record.broken);
        return true;
    }
    let event = parse_text(record.text);
    book.record(record.line, record.time, &record.source, &event);
    event.fact != Fact::Unknown
}

/// Takes in a record that tells all of one message.
#[cold]
fn take_summary(record: &Record<'_>, book: &mut Book<'_>) -> bool {
    let summary = Summary::read(record.text);
    let fact = if summary.is_some() { Fact::Known(Known::Summary) } else { Fact::Unknown };
    let event = Event { ids: Ids::default(), fact };
    let Some(summary) = summary else {
        book.record(record.line, record.time, &record.source, &event);
        return false;
    };
    // Its own stamps are the appliance's, whoever stamped the packet that it came in.
    let own = summary.when();
    let (time, offset) = own.unwrap_or((record.time, record.source.offset));
    let by = if own.is_some() { StampedBy::Appliance } else { record.source.by };
    let source = Source { serial: summary.serial(), offset, by, ..record.source };
    book.record(record.line, time, &source, &event);
    summary.tell(&mut |at, event| book.also(record.line, at.unwrap_or(time), event));
    true
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
