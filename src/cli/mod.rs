//! The command line: arguments as typed, the checked plan, one file a subcommand, exit codes.

mod args;
mod choices;
mod completions;
mod examples;
mod exit;
mod failure;
mod man;
mod messages;
mod output;
mod plan;
mod progress;
mod report;
mod schema;
mod sessions;
mod values;
mod watched;
mod zone_names;

use std::process::ExitCode;

use clap::Parser as _;
use mailwitness::investigate::Watch;

use args::{Cli, Command};
use exit::Exit;
use failure::Failure;

/// Does what the arguments ask for.
pub(crate) fn run() -> ExitCode {
    let exit = match Cli::try_parse() {
        Ok(cli) => perform(cli.command).unwrap_or_else(|failure| output::complain(&failure)),
        Err(error) => output::usage(&error),
    };
    exit.into()
}

fn perform(command: Command) -> Result<Exit, Failure> {
    let watch = Watch::default();
    stop_when_interrupted(&watch)?;
    match command {
        Command::Report(args) => report::run(&args, &watch),
        Command::Sessions(args) => sessions::run(&args, &watch),
        Command::Messages(args) => messages::run(&args, &watch),
        Command::Schema(args) => schema::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}

/// The first interruption asks the run to stop, so that it can clean up; the second one ends it.
fn stop_when_interrupted(watch: &Watch) -> Result<(), Failure> {
    let watch = watch.clone();
    ctrlc::set_handler(move || {
        if watch.is_interrupted() {
            output::discard_temporary();
            let exit = output::complain(&Failure::interrupted("nothing was finished"));
            std::process::exit(i32::from(exit.code()));
        }
        watch.interrupt();
    })
    .map_err(|error| Failure::new(anyhow::Error::new(error).context("cannot watch for interruptions")))
}
