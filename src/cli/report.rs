//! `mailwitness report`: judge what the log claims by what the capture shows.

use std::io::Write as _;

use anyhow::Context as _;
use mailwitness::investigate::{Plan, Watch};
use mailwitness::report::document::{Document, InputKind};
use mailwitness::report::{json, text};

use super::args::{Format, ReportArgs};
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::plan;
use super::progress::Progress;

pub(crate) fn run(args: &ReportArgs, watch: &Watch) -> Result<Exit, Failure> {
    let plan = plan::of_report(args)?;
    let mut output = Output::open(&args.output, plan.inputs.iter().map(|input| input.path.as_path()))?;
    let progress = Progress::start(watch, true);
    let document = examine(&plan, watch)?;
    drop(progress);
    if watch.is_interrupted() {
        return Err(Failure::interrupted("no report was written"));
    }
    check_both_sides(&document)?;
    let written = match args.output.format {
        Format::Json => json::write_document(&document, &mut output),
        Format::Text => output.write_all(text::render(&document, output.style()).as_bytes()),
    };
    written.context("cannot write the report").map_err(Failure::new)?;
    output.finish()?;
    Ok(exit(&document, args.exit_code))
}

fn examine(plan: &Plan, watch: &Watch) -> Result<Document, Failure> {
    let _ = (plan, watch);
    Err(Failure::words("reports are not wired"))
}

/// A report needs both witnesses; with one of them alone another command is meant.
fn check_both_sides(document: &Document) -> Result<(), Failure> {
    let paths = |kind: InputKind| -> Vec<&str> {
        document.inputs.iter().filter(|input| input.kind == kind).map(|input| input.path.as_str()).collect()
    };
    match (paths(InputKind::Capture).as_slice(), paths(InputKind::Log).as_slice()) {
        ([], []) => Err(unreadable(document)),
        (captures, []) => Err(Failure::words("there are only captures, and a report needs a log too").hint(
            format!("to list the connections in them and how they ended: {}", command("sessions", captures)),
        )),
        ([], logs) => Err(Failure::words("there are only logs, and a report needs a capture too")
            .hint(format!("to list the messages in them and how they ended: {}", command("messages", logs)))),
        _ => Ok(()),
    }
}

fn unreadable(document: &Document) -> Failure {
    let mut failure = Failure::words("no input can be read");
    for input in &document.inputs {
        let reason =
            input.notes.first().map_or("neither a capture nor a mail log", |note| note.text.as_str());
        failure = failure.hint(format!("{}: {reason}", input.path));
    }
    failure
}

/// A command line to type, the paths quoted as a shell needs it.
fn command(name: &str, paths: &[&str]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| quoted(path)).collect();
    format!("mailwitness {name} {}", paths.join(" "))
}

fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:,@".contains(c);
    if path.chars().all(plain) && !path.is_empty() {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

fn exit(document: &Document, exit_code: bool) -> Exit {
    let partial = document
        .inputs
        .iter()
        .any(|input| input.kind == InputKind::Unusable || input.notes.iter().any(|note| note.loss));
    if exit_code && document.summary.contradicted > 0 {
        Exit::Contradicted
    } else if partial {
        Exit::Partial
    } else {
        Exit::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggested_command_can_be_typed() {
        assert_eq!(
            command("sessions", &["a.pcap", "b c", "d'e"]),
            "mailwitness sessions a.pcap 'b c' 'd'\\''e'"
        );
    }
}
