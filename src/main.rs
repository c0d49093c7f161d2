//! The `mailwitness` program. What it does is in the library; what it was asked to do is in [`cli`].
#![forbid(unsafe_code)]

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
