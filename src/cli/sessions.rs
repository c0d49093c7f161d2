//! `mailwitness sessions`: every SMTP connection on the wire and how it ended, without a log.

use mailwitness::investigate::Watch;

use super::args::SessionsArgs;
use super::exit::Exit;
use super::failure::Failure;
use super::plan;

pub(crate) fn run(args: &SessionsArgs, watch: &Watch) -> Result<Exit, Failure> {
    plan::check_period(&args.period)?;
    plan::check_standard_input(args.captures.iter().map(|path| path.as_path()))?;
    let reader = plan::reader(&args.wire)?;
    let _ = (watch, reader);
    Err(Failure::words("sessions are not wired"))
}
