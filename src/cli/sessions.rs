//! `mailwitness sessions`: every SMTP connection on the wire and how it ended, without a log.
//!
//! Connections are shown as they end; memory depends on the open ones only. Some encrypted ones wait
//! until the captures are read: what their server says in clear later tells how they ended.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use mailwitness::capture::read::OpenCause;
use mailwitness::capture::{self, CaptureFile, CaptureInput};
use mailwitness::cite::CaptureId;
use mailwitness::input;
use mailwitness::investigate::{InputPath, Kind, Told, Watch, open_all, wire_options};
use mailwitness::maillog::looks_like_mail_log;
use mailwitness::net::{Role, canonical};
use mailwitness::report::build::shown_path;
use mailwitness::report::json;
use mailwitness::report::sessions::zeek::ZeekLog;
use mailwitness::report::sessions::{Detail, SessionRecord, SessionTable, csv};
use mailwitness::smtp::ending::{Context, Ending, ending};
use mailwitness::smtp::known_replies::Phrasebook;
use mailwitness::smtp::{self, Session};

use super::args::SessionsArgs;
use super::choices::SessionsFormat;
use super::exit::Exit;
use super::failure::{Failure, command_line};
use super::output::{self, Output};
use super::plan;
use super::progress::Progress;

pub(crate) fn run(args: &SessionsArgs, watch: &Watch) -> Result<Exit, Failure> {
    plan::check_period(&args.period)?;
    check_exchanges(args)?;
    plan::check_standard_input(args.captures.iter().map(PathBuf::as_path))?;
    let reader = plan::reader(&args.wire)?;
    let options = wire_options(reader, args.wire.filter.as_deref(), args.wire.decap, watch);
    let options = options.map_err(Failure::new)?;
    let output = Output::open(&args.destination, args.captures.iter().map(PathBuf::as_path))?;
    let inputs = inputs(&args.captures)?;
    expect(&inputs, watch);

    let paths: Vec<String> = inputs.iter().map(|input| shown_path(&input.path)).collect();
    let progress = Progress::start(watch, !output.is_watched());
    let mut list = List::begin(args, output, &paths).context(CANNOT_WRITE).map_err(Failure::new)?;
    let sink = smtp::Sessions::new(&args.wire.port, |session: Session| {
        if list.failed.is_none()
            && let Err(error) = list.take(session)
        {
            list.failed = Some(error);
            // Nobody takes what is still to come.
            watch.interrupt();
        }
    });
    let (sink, files) = capture::follow(inputs, &options, sink, &|octets| watch.progress(octets));
    let phrasebook = sink.phrasebook;
    drop(progress);

    if let Some(error) = list.failed.take() {
        return Err(error).context(CANNOT_WRITE).map_err(Failure::new);
    }
    if watch.is_interrupted() {
        return Err(Failure::interrupted("the list is not whole"));
    }
    if files.iter().all(|file| file.error.is_some()) {
        return Err(unreadable(&files));
    }
    list.show_held(&phrasebook).context(CANNOT_WRITE).map_err(Failure::new)?;
    let shown = list.shown;
    list.end().context(CANNOT_WRITE).map_err(Failure::new)?.finish()?;
    if shown == 0 {
        output::note("no SMTP connection in the captures that was asked for");
    }
    Ok(tell_losses(&files))
}

const CANNOT_WRITE: &str = "cannot write the list";

/// Encrypted connections that wait until the captures are read; any more are shown as they end.
const MAX_HELD: usize = 256;

/// Rows of connections have no room for exchanges.
fn check_exchanges(args: &SessionsArgs) -> Result<(), Failure> {
    let format = match args.format {
        SessionsFormat::Text | SessionsFormat::Json => return Ok(()),
        SessionsFormat::Csv => "csv",
        SessionsFormat::Zeek => "zeek",
    };
    if !args.exchanges {
        return Ok(());
    }
    Err(Failure::words(format_args!("--exchanges goes with --format text or json, not with {format}")))
}

/// The list under way.
struct List<'a> {
    args: &'a SessionsArgs,
    output: Output,
    paths: &'a [String],
    writer: Writer,
    shown: u64,
    failed: Option<io::Error>,
    held: Vec<Session>,
}

/// What a format remembers from row to row.
enum Writer {
    Text(SessionTable),
    Json,
    Csv,
    Zeek(ZeekLog),
}

impl<'a> List<'a> {
    fn begin(args: &'a SessionsArgs, mut output: Output, paths: &'a [String]) -> io::Result<Self> {
        let writer = match args.format {
            SessionsFormat::Text => Writer::Text(SessionTable::new(output.breadth(), output.style().colour)),
            SessionsFormat::Json => Writer::Json,
            SessionsFormat::Csv => {
                csv::write_header(&mut output)?;
                Writer::Csv
            }
            SessionsFormat::Zeek => Writer::Zeek(ZeekLog::default()),
        };
        Ok(Self { args, output, paths, writer, shown: 0, failed: None, held: Vec::new() })
    }

    /// The rows are all written.
    fn end(mut self) -> io::Result<Output> {
        if let Writer::Zeek(log) = &mut self.writer {
            log.finish(&mut self.output)?;
        }
        Ok(self.output)
    }

    /// Shows a connection, unless its server's words in clear may still tell how it ended.
    fn take(&mut self, session: Session) -> io::Result<()> {
        let waits = session.dialog.encryption.is_some()
            && self.held.len() < MAX_HELD
            && self.wants(&session)
            && self.ending(&session).may_be_quit;
        if waits {
            self.held.push(session);
            return Ok(());
        }
        self.show(&session)
    }

    /// Shows those that waited.
    fn show_held(&mut self, phrasebook: &Phrasebook) -> io::Result<()> {
        for mut session in std::mem::take(&mut self.held) {
            phrasebook.teach(&mut session);
            self.show(&session)?;
        }
        Ok(())
    }

    fn ending(&self, session: &Session) -> Ending {
        let silence = self.args.silence.silence;
        let context = Context { appliance: Role::Server, silence, aborted_at: None };
        ending(session, session.last_open_transaction(), &context)
    }

    fn show(&mut self, session: &Session) -> io::Result<()> {
        if !self.wants(session) {
            return Ok(());
        }
        let ending = self.ending(session);
        let detail = if self.args.exchanges { Detail::Exchanges } else { Detail::Connection };
        let record = || SessionRecord::new(session, &ending, self.paths, detail);
        self.shown += 1;
        match &mut self.writer {
            Writer::Text(table) => self.output.write_all(table.row(&record()).as_bytes())?,
            Writer::Json => json::write_line(&record(), &mut self.output)?,
            Writer::Csv => csv::write_record(&record(), &mut self.output)?,
            Writer::Zeek(log) => log.write(session, &mut self.output)?,
        }
        self.output.row_written()
    }

    /// Whether the connection has a wanted end, and a frame in the wanted period.
    fn wants(&self, session: &Session) -> bool {
        let ends = [canonical(session.client().ip), canonical(session.server().ip)];
        let remotes = &self.args.remote;
        let period = &self.args.period;
        (remotes.is_empty() || remotes.iter().any(|remote| ends.contains(&canonical(*remote))))
            && period.since.is_none_or(|since| session.flow.last.time >= since)
            && period.until.is_none_or(|until| session.flow.first.time <= until)
    }
}

/// The captures that were named, and those in the directories that were.
fn inputs(named: &[PathBuf]) -> Result<Vec<CaptureInput>, Failure> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for path in named {
        if path.is_dir() {
            paths.extend(captures_in(path)?);
        } else {
            paths.push(path.clone());
        }
    }
    let number = paths.len();
    let inputs: Vec<CaptureInput> = (0..=u16::MAX)
        .zip(paths)
        .map(|(id, path)| CaptureInput { id: CaptureId(id), path, opened: None })
        .collect();
    if inputs.len() < number {
        return Err(Failure::words(format_args!("{number} captures are more than can be told apart")));
    }
    Ok(inputs)
}

fn captures_in(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let all = open_all(&[InputPath { path: directory.to_owned(), told: Told::ByContent }]);
    let captures: Vec<PathBuf> = all
        .into_iter()
        // What could not be opened is kept, so that its error is told.
        .filter(|input| input.failed || matches!(input.kind, Kind::Capture(_)))
        .map(|input| input.path)
        .collect();
    if captures.is_empty() {
        return Err(Failure::words(format_args!(
            "{}: the directory holds no captures",
            shown_path(directory)
        )));
    }
    Ok(captures)
}

/// Tells the progress bar how much is to come.
fn expect(inputs: &[CaptureInput], watch: &Watch) {
    for input in inputs {
        if let Ok(metadata) = std::fs::metadata(&input.path)
            && metadata.is_file()
        {
            watch.expect(metadata.len());
        }
    }
}

/// Nothing could be read: why, for each file, and the command that is meant if they are logs.
fn unreadable(files: &[CaptureFile]) -> Failure {
    let logs: Vec<&Path> = files.iter().filter(|file| is_log(file)).map(|file| file.path.as_path()).collect();
    let failure = match files {
        [CaptureFile { error: Some(error), .. }] => Failure::words(error),
        _ => files
            .iter()
            .filter_map(|file| file.error.as_ref())
            .fold(Failure::words("no capture can be read"), |failure, error| failure.hint(error.to_string())),
    };
    if logs.is_empty() {
        return failure;
    }
    failure.hint(format!("to list the messages in a log: {}", command_line("messages", logs.into_iter())))
}

fn is_log(file: &CaptureFile) -> bool {
    let no_capture = file.error.as_ref().is_some_and(|error| matches!(error.cause, OpenCause::NotACapture));
    no_capture && input::open(&file.path).is_ok_and(|input| looks_like_mail_log(&input.head))
}

/// Tells what was passed over in each capture; a list has no place for it.
fn tell_losses(files: &[CaptureFile]) -> Exit {
    let mut exit = Exit::Done;
    for file in files {
        if let Some(error) = &file.error {
            output::warn(&error.to_string());
            exit = Exit::Partial;
        }
        output::notes(&shown_path(&file.path), &file.notes);
        if file.notes.any_loss() {
            exit = Exit::Partial;
        }
    }
    exit
}
