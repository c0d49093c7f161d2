//! What the exit status says.

use std::process::ExitCode;

/// How a run ended. Where several apply, the first of: interrupted, usage, contradicted, partial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or the reader of our output has had enough.
    Done,
    /// `--exit-code`: the wire contradicts at least one claim.
    Contradicted,
    /// Wrong usage, no input that can be read, or no output that can be written.
    Usage,
    /// Done, but part of the input could not be read.
    Partial,
    /// Interrupted: what was asked for is not there, or not whole.
    Interrupted,
}

impl Exit {
    /// All of them, by their codes.
    pub(crate) const ALL: [Self; 5] =
        [Self::Done, Self::Contradicted, Self::Usage, Self::Partial, Self::Interrupted];

    /// What it says, for the help and the manual.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done (also when the reader of a pipe has had enough)",
            Self::Contradicted => "with --exit-code: the wire contradicts at least one claim",
            Self::Usage => "wrong usage, no input that can be read, or no output that can be written",
            Self::Partial => "done, but part of the input could not be read",
            Self::Interrupted => "interrupted",
        }
    }

    /// The status as the shell sees it.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Contradicted => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            // 128 + SIGINT, as shells have it.
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
