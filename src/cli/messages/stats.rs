//! `mailwitness messages --stats`: the lines of logs by kind, known and unknown.

use std::io::Write as _;

use anyhow::Context as _;
use mailwitness::investigate::Watch;
use mailwitness::maillog::tally::Tally;
use mailwitness::maillog::walk_logs;
use mailwitness::report::json;
use mailwitness::report::messages::stats::LineStats;

use super::{Logs, output_of};
use crate::cli::args::MessagesArgs;
use crate::cli::choices::Format;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::progress::Progress;

pub(super) fn run(args: &MessagesArgs, watch: &Watch) -> Result<Exit, Failure> {
    let mut output = output_of(args)?;
    let mut logs = Logs::open(&args.logs, watch)?;
    let progress = Progress::start(watch, !output.is_watched());
    let mut tally = Tally::default();
    let log = walk_logs(std::mem::take(&mut logs.inputs), &mut tally);
    drop(progress);
    logs.check(&log, watch)?;
    let stats = LineStats::new(&tally, &logs.names());
    match args.output.format {
        Format::Json => json::write_line(&stats, &mut output),
        Format::Text => output.write_all(stats.text(output.style().width).as_bytes()),
    }
    .context("cannot write the counts")
    .map_err(Failure::new)?;
    output.finish()?;
    for note in &stats.notes {
        output::tell_note("unknown lines", note);
    }
    Ok(logs.tell_losses(&log))
}
