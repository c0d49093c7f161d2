//! Why a run could not do what it was asked to, and what may help.

use std::fmt::Display;
use std::io;
use std::path::Path;

use mailwitness::report::build::shown_path;

use super::exit::Exit;

/// A run that failed. Hints are fields, not glued to the error's text.
#[derive(Debug)]
pub(crate) struct Failure {
    error: anyhow::Error,
    hints: Vec<String>,
    exit: Exit,
}

impl Failure {
    /// A failure by wrong usage or unreadable input.
    pub(crate) fn new(error: impl Into<anyhow::Error>) -> Self {
        Self { error: error.into(), hints: Vec::new(), exit: Exit::Usage }
    }

    /// A failure in words of ours.
    pub(crate) fn words(words: impl Display) -> Self {
        Self::new(anyhow::anyhow!("{words}"))
    }

    /// The run was interrupted.
    pub(crate) fn interrupted(consequence: &'static str) -> Self {
        Self { exit: Exit::Interrupted, ..Self::words(format_args!("interrupted; {consequence}")) }
    }

    /// The same with what may help.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The error and what led to it, outermost first.
    pub(crate) fn chain(&self) -> impl Iterator<Item = String> + '_ {
        self.error.chain().map(ToString::to_string)
    }

    /// What may help.
    pub(crate) fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Whether all that went wrong is that nobody reads on.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.error.chain().any(|cause| {
            let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
            let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
            io.or(json) == Some(io::ErrorKind::BrokenPipe)
        })
    }

    /// The exit that it means.
    pub(crate) fn exit(&self) -> Exit {
        if self.is_broken_pipe() { Exit::Done } else { self.exit }
    }
}

/// Paths written out in a command line that is only an example.
const MAX_PATHS: usize = 4;

/// A command line to type, its paths quoted as a shell needs it; of many paths the first ones.
pub(crate) fn command_line<'a>(name: &str, paths: impl Iterator<Item = &'a Path>) -> String {
    let mut words = vec![format!("mailwitness {name}")];
    for (place, path) in paths.enumerate() {
        if place == MAX_PATHS {
            words.push("...".to_owned());
            break;
        }
        words.push(quoted(&shown_path(path)));
    }
    words.join(" ")
}

fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:,@".contains(c);
    if path.chars().all(plain) && !path.is_empty() {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggested_command_can_be_typed() {
        let paths = |paths: &[&'static str]| command_line("sessions", paths.iter().copied().map(Path::new));
        assert_eq!(paths(&["a.pcap", "b c", "d'e"]), "mailwitness sessions a.pcap 'b c' 'd'\\''e'");
        assert_eq!(paths(&["a"; 100]), "mailwitness sessions a a a a ...");
    }

    #[test]
    fn a_closed_pipe_is_no_failure_however_deep_it_lies() {
        let closed = io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(Failure::new(anyhow::Error::new(closed).context("cannot write")).exit(), Exit::Done);
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(Failure::new(full).exit(), Exit::Usage);
    }

    #[test]
    fn the_chain_is_told_from_the_outside() {
        let failure = Failure::new(anyhow::anyhow!("inner").context("outer")).hint("try this");
        assert_eq!(failure.chain().collect::<Vec<_>>(), ["outer", "inner"]);
        assert_eq!(failure.hints(), ["try this"]);
    }
}
