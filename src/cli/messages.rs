//! `mailwitness messages`: every ICID and MID in the log and how it ended, without a capture; with
//! `--stats` its lines by kind, with `--follow` those of one id.
//!
//! Connections are shown as they are complete; memory depends on the open ones only.

mod follow;
mod stats;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Context as _;
use mailwitness::capture::read::looks_like_capture;
use mailwitness::cite::LogId;
use mailwitness::input::{self, Input};
use mailwitness::investigate::{InputPath, Kind, Selection, Time, Told, Watch, Zone, open_all};
use mailwitness::join::clock::Clocks;
use mailwitness::maillog::{
    ClockSource, Connection, LogFile, LogInput, LogSink, MailLog, Message, ReadOptions, Stamp, stream_logs,
};
use mailwitness::report::build::shown_path;
use mailwitness::report::json;
use mailwitness::report::messages::{LogView, MessageRecord, MessageTable};

use super::args::MessagesArgs;
use super::choices::Format;
use super::exit::Exit;
use super::failure::{Failure, command_line};
use super::output::{self, Output};
use super::plan;
use super::progress::Progress;
use super::watched::Watched;

pub(crate) fn run(args: &MessagesArgs, watch: &Watch) -> Result<Exit, Failure> {
    plan::check_standard_input(args.logs.iter().map(PathBuf::as_path))?;
    match args.follow {
        _ if args.stats => stats::run(args, watch),
        Some(wanted) => follow::run(args, wanted, watch),
        None => list(args, watch),
    }
}

/// Where the result goes; no log is overwritten.
fn output_of(args: &MessagesArgs) -> Result<Output, Failure> {
    Output::open(&args.output.destination, args.logs.iter().map(PathBuf::as_path))
}

fn list(args: &MessagesArgs, watch: &Watch) -> Result<Exit, Failure> {
    let selection = plan::selection(&args.selection)?;
    let output = output_of(args)?;
    let mut logs = Logs::open(&args.logs, watch)?;
    let names = logs.names();

    let progress = Progress::start(watch, !output.is_watched());
    let mut list = List {
        format: args.output.format,
        table: MessageTable::new(output.breadth()),
        output,
        selection: &selection,
        names: &names,
        clocks: ClockCache::new(args.clock.utc_offset),
        watch,
        shown: 0,
        failed: None,
    };
    let log = stream_logs(std::mem::take(&mut logs.inputs), ReadOptions { delivery: false }, &mut list);
    drop(progress);

    if let Some(error) = list.failed.take() {
        return Err(error).context("cannot write the list").map_err(Failure::new);
    }
    logs.check(&log, watch)?;
    list.output.finish()?;
    if list.shown == 0 {
        output::note("no message or connection in the logs that was asked for");
    }
    Ok(logs.tell_losses(&log))
}

/// Nothing in it was a record, and not for want of octets.
fn is_unreadable(file: &LogFile) -> bool {
    file.records == 0 && file.notes.any_loss()
}

/// The logs that were named, and those in the directories that were.
#[derive(Default)]
struct Logs {
    inputs: Vec<LogInput>,
    /// Their paths, by their ids.
    paths: Vec<PathBuf>,
    /// Those that are captures by their content.
    captures: Vec<PathBuf>,
    /// Those that could not be opened, and why.
    unopened: Vec<(PathBuf, String)>,
}

impl Logs {
    /// Opens what was named.
    fn open(paths: &[PathBuf], watch: &Watch) -> Result<Self, Failure> {
        let mut logs = Self::default();
        for path in paths {
            logs.add(path, watch)?;
        }
        Ok(logs)
    }

    /// Their paths as they are shown, by their ids.
    fn names(&self) -> Vec<String> {
        self.paths.iter().map(|path| shown_path(path)).collect()
    }

    /// Whether they were read, and to the end.
    fn check(&self, log: &MailLog, watch: &Watch) -> Result<(), Failure> {
        if watch.is_interrupted() {
            return Err(Failure::interrupted("the list is not whole"));
        }
        if log.files.iter().all(is_unreadable) {
            return Err(self.unreadable(log));
        }
        Ok(())
    }

    fn add(&mut self, path: &Path, watch: &Watch) -> Result<(), Failure> {
        if !path.is_dir() {
            match input::open(path) {
                Ok(input) => self.take(path.to_owned(), input.closed_until_read(path), watch)?,
                Err(error) => self.unopened.push((path.to_owned(), error.to_string())),
            }
            return Ok(());
        }
        let before = self.inputs.len() + self.unopened.len();
        for found in open_all(&[InputPath { path: path.to_owned(), told: Told::ByContent }]) {
            match found.kind {
                Kind::Log(input) => self.take(found.path, input, watch)?,
                // It may have been a log: it is not passed over in silence.
                Kind::Unusable(why) if found.failed => self.unopened.push((found.path, why)),
                _ => {}
            }
        }
        if self.inputs.len() + self.unopened.len() == before {
            self.unopened.push((path.to_owned(), "the directory holds no mail logs".to_owned()));
        }
        Ok(())
    }

    fn take(&mut self, path: PathBuf, input: Input, watch: &Watch) -> Result<(), Failure> {
        let id = u16::try_from(self.inputs.len())
            .map(LogId)
            .map_err(|_| Failure::words("more logs than can be told apart"))?;
        if looks_like_capture(&input.head) {
            self.captures.push(path.clone());
        }
        watch.expect(input.raw_len.unwrap_or(0));
        self.inputs.push(LogInput { id, reader: Box::new(Watched::new(input, watch.clone())) });
        self.paths.push(path);
        Ok(())
    }

    /// Nothing could be read: why, for each file, and the command that is meant if they are captures.
    fn unreadable(&self, log: &MailLog) -> Failure {
        let reasons: Vec<String> = self
            .unopened
            .iter()
            .map(|(path, why)| format!("{}: {why}", shown_path(path)))
            .chain(log.files.iter().map(|file| {
                let why = file.notes.iter().next().map_or("nothing in it", |note| note.text.as_ref());
                format!("{}: {why}", self.name(file))
            }))
            .collect();
        let failure = match reasons.as_slice() {
            [one] => Failure::words(one),
            several => several.iter().fold(Failure::words("no log can be read"), Failure::hint),
        };
        if self.captures.is_empty() {
            return failure;
        }
        let captures = self.captures.iter().map(PathBuf::as_path);
        failure.hint(format!("to list the connections in a capture: {}", command_line("sessions", captures)))
    }

    /// Tells what was passed over in each log; a list has no place for it.
    fn tell_losses(&self, log: &MailLog) -> Exit {
        for (path, why) in &self.unopened {
            output::warn(&format!("{}: {why}", shown_path(path)));
        }
        for file in &log.files {
            if file.said > 0 {
                // What was said on connections is compared with the wire, and there is none here.
                let kind = file.kind().description();
                let name = self.name(file);
                output::note(&format!("{name}: {kind}; a report compares it with captures"));
            }
            output::notes(&self.name(file), &file.notes);
        }
        let lossy = !self.unopened.is_empty() || log.files.iter().any(|file| file.notes.any_loss());
        if lossy { Exit::Partial } else { Exit::Done }
    }

    fn name(&self, file: &LogFile) -> String {
        self.paths.get(usize::from(file.file.0)).map_or_else(|| "?".to_owned(), |path| shown_path(path))
    }
}

/// The list under way.
struct List<'a> {
    format: Format,
    output: Output,
    table: MessageTable,
    selection: &'a Selection,
    names: &'a [String],
    clocks: ClockCache,
    watch: &'a Watch,
    shown: u64,
    failed: Option<io::Error>,
}

impl LogSink for List<'_> {
    fn connection(&mut self, connection: Connection, context: &MailLog) {
        let clocks = self.clocks.of(context);
        let time = |stamp| time(&clocks, stamp);
        let view = LogView { context, files: self.names, time: &time };
        for record in view.connection(&connection) {
            self.show(&record);
        }
    }

    fn orphan(&mut self, message: Message, context: &MailLog) {
        let clocks = self.clocks.of(context);
        let time = |stamp| time(&clocks, stamp);
        let view = LogView { context, files: self.names, time: &time };
        self.show(&view.orphan(&message));
    }
}

impl List<'_> {
    fn show(&mut self, record: &MessageRecord<'_>) {
        if self.failed.is_some() || self.watch.is_interrupted() || !record.is_wanted(self.selection) {
            return;
        }
        self.shown += 1;
        if let Err(error) = self.write(record) {
            self.failed = Some(error);
            // Nobody takes what is still to come.
            self.watch.interrupt();
        }
    }

    fn write(&mut self, record: &MessageRecord<'_>) -> io::Result<()> {
        match self.format {
            Format::Json => json::write_line(record, &mut self.output)?,
            Format::Text => self.output.write_all(self.table.row(record).as_bytes())?,
        }
        self.output.row_written()
    }
}

fn time(clocks: &Clocks, stamp: Stamp) -> Time {
    clocks.as_logged(&stamp).map_or(Time::Local(stamp.time), Time::Utc)
}

/// The clocks as far as the log has told them: read anew only when it tells more.
struct ClockCache {
    zone: Option<Zone>,
    told: Option<(usize, ClockSource)>,
    clocks: Rc<Clocks>,
}

impl ClockCache {
    fn new(zone: Option<Zone>) -> Self {
        Self { zone, told: None, clocks: Rc::default() }
    }

    fn of(&mut self, context: &MailLog) -> Rc<Clocks> {
        // Beside its last stamp, a clock changes where it steps and while its head is read.
        let last = context.clocks.last();
        let known = self.told.as_ref().is_some_and(|(count, known)| {
            *count == context.clocks.len()
                && last.is_some_and(|last| last.head_offset == known.head_offset && last.steps == known.steps)
        });
        if !known {
            self.told = last.map(|last| (context.clocks.len(), last.clone()));
            self.clocks = Rc::new(Clocks::read(context, &[], self.zone));
        }
        Rc::clone(&self.clocks)
    }
}
