//! What the exit status says.

use std::process::ExitCode;

/// How a run ended. Where several apply, the first of: interrupted, usage, contradicted, partial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or the reader of our output has had enough.
    Done,
    /// `--exit-code`: the wire contradicts at least one claim.
    Contradicted,
    /// Wrong usage, or no input that can be read.
    Usage,
    /// Done, but part of the input could not be read.
    Partial,
    /// Interrupted: what was asked for is not there, or not whole.
    Interrupted,
}

impl Exit {
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
