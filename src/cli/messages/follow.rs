//! `mailwitness messages --follow ID`: everything that the logs say of one message or connection.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use mailwitness::investigate::Watch;
use mailwitness::maillog::trace::{Id, Trace, Wanted};
use mailwitness::maillog::walk_logs;
use mailwitness::report::build::shown_path;
use mailwitness::report::json;
use mailwitness::report::messages::LogView;
use mailwitness::report::messages::follow::{followed, text};

use super::{ClockCache, Logs, output_of, time};
use crate::cli::args::MessagesArgs;
use crate::cli::choices::Format;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, command_line};
use crate::cli::output;
use crate::cli::progress::Progress;

pub(super) fn run(args: &MessagesArgs, wanted: Wanted, watch: &Watch) -> Result<Exit, Failure> {
    for path in &args.logs {
        check_readable_twice(path)?;
    }
    let mut output = output_of(args)?;
    let mut trace = Trace::new(wanted);
    let progress = Progress::start(watch, !output.is_watched());
    let (logs, log) = loop {
        let mut logs = Logs::open(&args.logs, watch)?;
        let log = walk_logs(std::mem::take(&mut logs.inputs), &mut trace);
        logs.check(&log, watch)?;
        if !trace.read_again() {
            break (logs, log);
        }
    };
    drop(progress);
    let names = logs.names();
    let clocks = ClockCache::new(args.clock.utc_offset).of(&log);
    let time = |stamp| time(&clocks, stamp);
    let lines = followed(LogView { context: &log, files: &names, time: &time }, &trace);
    match args.output.format {
        Format::Json => lines.iter().try_for_each(|line| json::write_line(line, &mut output)),
        Format::Text if lines.is_empty() => Ok(()),
        Format::Text => output.write_all(text(&trace, &lines, output.style().width).as_bytes()),
    }
    .context("cannot write the lines")
    .map_err(Failure::new)?;
    output.finish()?;
    if lines.is_empty() {
        let sought = match wanted {
            Wanted::Id(id) => id.to_string(),
            Wanted::Number(number) => format!("MID, ICID or DCID {number}"),
        };
        output::note(&format!("no line in the logs names {sought}"));
    } else {
        tell_lookup(wanted, &trace);
    }
    output::notes(&trace.followed().to_string(), trace.notes());
    Ok(logs.tell_losses(&log))
}

/// What a number alone was taken for.
fn tell_lookup(wanted: Wanted, trace: &Trace) {
    let Wanted::Number(number) = wanted else { return };
    let others: Vec<String> =
        trace.namesakes().map(|id: Id| format!("--follow {}:{}", id.word(), id.number())).collect();
    let also = match others.as_slice() {
        [] => String::new(),
        others => format!("; others bear the number too: {}", others.join(", ")),
    };
    output::note(&format!("{number} was looked up and taken for {}{also}", trace.followed()));
}

/// What is read several times must be there several times.
fn check_readable_twice(path: &Path) -> Result<(), Failure> {
    let gone_once_read = path.as_os_str() == "-"
        || std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
    if !gone_once_read {
        return Ok(());
    }
    let example = command_line("messages", std::iter::once(Path::new("saved.log")));
    Err(Failure::words(format_args!(
        "{} can be read only once, and --follow reads the logs several times",
        shown_path(path)
    ))
    .hint(format!("save it to a file first: {example} --follow ...")))
}
