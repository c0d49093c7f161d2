//! `mailwitness man`: the manual pages, from the same definition as the help.

use std::io;

use clap::CommandFactory as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::args::{Cli, ManArgs, PageName};
use super::examples::{self, Examples};
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
    let (name, title, examples) = match page {
        None => (None, "mailwitness", examples::GENERAL),
        Some(PageName::Report) => (Some("report"), "mailwitness-report", examples::REPORT),
        Some(PageName::Sessions) => (Some("sessions"), "mailwitness-sessions", examples::SESSIONS),
        Some(PageName::Messages) => (Some("messages"), "mailwitness-messages", examples::MESSAGES),
        Some(PageName::Schema) => (Some("schema"), "mailwitness-schema", &[][..]),
        Some(PageName::Completions) => (Some("completions"), "mailwitness-completions", &[][..]),
        Some(PageName::Man) => (Some("man"), "mailwitness-man", &[][..]),
    };
    let command = match name.and_then(|name| command.find_subcommand(name)) {
        Some(subcommand) => subcommand.clone().name(title),
        None => command,
    };
    let has_commands = command.has_subcommands();
    let mut out = Vec::new();
    let man = Man::new(command).manual("mailwitness");
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    if has_commands {
        man.render_subcommands_section(&mut out)?;
    }
    write_exit_status(&mut out)?;
    write_environment(&mut out)?;
    if !examples.is_empty() {
        write_examples(examples, &mut out)?;
    }
    Ok(out)
}

fn write_exit_status(out: &mut Vec<u8>) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for exit in Exit::ALL {
        roff.control("TP", []).text([bold(exit.code().to_string())]).text([roman(exit.meaning())]);
    }
    roff.to_writer(out)
}

fn write_environment(out: &mut Vec<u8>) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", ["ENVIRONMENT"]);
    for (name, meaning) in [
        ("NO_COLOR", "Set to anything: no colour, unless --color always is given."),
        ("CLICOLOR_FORCE", "Set to anything but 0: colour also where no terminal is."),
    ] {
        roff.control("TP", []).text([bold(name)]).text([roman(meaning)]);
    }
    roff.to_writer(out)
}

fn write_examples(examples: Examples, out: &mut Vec<u8>) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    for (purpose, line) in examples {
        roff.control("PP", []).text([roman(format!("{purpose}:"))]).control("RS", ["4"]).control("nf", []);
        for part in line.lines() {
            roff.text([roman(part)]);
        }
        roff.control("fi", []).control("RE", []);
    }
    roff.to_writer(out)
}
