//! `mailwitness report`: judge what the log claims by what the capture shows.

use std::path::Path;

use anyhow::Context as _;
use mailwitness::investigate::{InputFacts, InputKind, InvestigateError, Plan, Watch, investigate};
use mailwitness::report::build::{build, shown_path};
use mailwitness::report::document::Document;
use mailwitness::report::{json, text};

use super::args::ReportArgs;
use super::choices::Format;
use super::exit::Exit;
use super::failure::{Failure, command_line};
use super::output::{self, Output};
use super::plan;
use super::progress::Progress;

pub(crate) fn run(args: &ReportArgs, watch: &Watch) -> Result<Exit, Failure> {
    let plan = plan::of_report(args)?;
    let mut output =
        Output::open(&args.output.destination, plan.inputs.iter().map(|input| input.path.as_path()))?;
    let progress = Progress::start(watch, true);
    let document = examine(&plan, watch)?;
    drop(progress);
    if watch.is_interrupted() {
        return Err(Failure::interrupted("no report was written"));
    }
    let written = match args.output.format {
        Format::Json => json::write_document(&document, &mut output),
        Format::Text => text::write(&document, output.style(), &mut output),
    };
    written.context("cannot write the report").map_err(Failure::new)?;
    output.finish()?;
    Ok(exit(&document, args.exit_code))
}

fn examine(plan: &Plan, watch: &Watch) -> Result<Document, Failure> {
    match investigate(plan, watch) {
        Ok(investigation) => Ok(build(&investigation)),
        Err(InvestigateError::Interrupted) => Err(Failure::interrupted("no report was written")),
        Err(InvestigateError::NothingReadable(inputs)) => Err(unreadable(&inputs)),
        Err(InvestigateError::NoLog(inputs)) => {
            let captures = paths(&inputs, InputKind::Capture);
            let failure =
                Failure::words("there are only captures, and a report needs a log too").hint(format!(
                    "to list the connections in them and how they ended: {}",
                    command_line("sessions", captures)
                ));
            Err(with_unusable(failure, &inputs))
        }
        Err(InvestigateError::NoCapture(inputs)) => {
            let logs = paths(&inputs, InputKind::Log).chain(paths(&inputs, InputKind::DebugLog));
            let failure =
                Failure::words("there are only logs, and a report needs a capture too").hint(format!(
                    "to list the messages in them and how they ended: {}",
                    command_line("messages", logs)
                ));
            Err(with_unusable(failure, &inputs))
        }
        Err(error @ InvestigateError::Filter(_)) => Err(Failure::new(error)),
    }
}

fn unreadable(inputs: &[InputFacts]) -> Failure {
    with_unusable(Failure::words("no input can be read"), inputs)
}

/// Each input that is neither capture nor log, with why.
fn with_unusable(mut failure: Failure, inputs: &[InputFacts]) -> Failure {
    for input in inputs.iter().filter(|input| input.kind == InputKind::Unusable) {
        let why =
            input.notes.iter().next().map_or("neither a capture nor a mail log", |note| note.text.as_ref());
        failure = failure.hint(format!("{}: {why}", shown_path(&input.path)));
    }
    failure
}

fn paths(inputs: &[InputFacts], kind: InputKind) -> impl Iterator<Item = &Path> {
    inputs.iter().filter(move |input| input.kind == kind).map(|input| input.path.as_path())
}

fn exit(document: &Document, exit_code: bool) -> Exit {
    let partial = tell_losses(document);
    if exit_code && document.summary.contradicted + document.summary.deliveries.contradicted > 0 {
        Exit::Contradicted
    } else if partial {
        Exit::Partial
    } else {
        Exit::Done
    }
}

/// Tells what could not be read, and whether there is anything; the report has it too, but a file or
/// a pipe hides it.
fn tell_losses(document: &Document) -> bool {
    let mut any = false;
    for input in &document.inputs {
        for note in input.notes.iter().filter(|note| note.loss || input.kind == InputKind::Unusable) {
            any = true;
            output::tell_note(&input.path, note);
        }
        any |= input.kind == InputKind::Unusable;
    }
    any
}
