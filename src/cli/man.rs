//! `mailwitness man`: the manual pages, from the same definition as the help.

use std::io;

use clap::CommandFactory as _;
use clap_mangen::Man;

use super::args::{Cli, ManArgs, PageName};
use super::exit::Exit;
use super::failure::Failure;
use super::output;

pub(crate) fn run(args: &ManArgs) -> Result<Exit, Failure> {
    let page = render(args.command).map_err(Failure::new)?;
    output::print(&page)
}

fn render(page: Option<PageName>) -> io::Result<Vec<u8>> {
    let mut command = Cli::command();
    command.build();
    let page = page.map(|page| match page {
        PageName::Report => ("report", "mailwitness-report"),
        PageName::Sessions => ("sessions", "mailwitness-sessions"),
        PageName::Messages => ("messages", "mailwitness-messages"),
    });
    let subcommand = page.and_then(|(name, title)| Some(command.find_subcommand(name)?.clone().name(title)));
    let command = subcommand.unwrap_or(command);
    let mut out = Vec::new();
    Man::new(command).manual("mailwitness").render(&mut out)?;
    Ok(out)
}
