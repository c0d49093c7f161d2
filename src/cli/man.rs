//! `mailwitness man`: the manual pages, from the same definition as the help.

use std::io;

use clap::CommandFactory as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use mailwitness::report::sessions::{csv, zeek};

use super::args::{Cli, ManArgs};
use super::choices::PageName;
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
    if page == Some(PageName::Sessions) {
        write_below_the_row(&mut out)?;
        write_csv(&mut out)?;
        write_zeek(&mut out)?;
    }
    write_exit_status(&mut out)?;
    write_environment(&mut out)?;
    if !examples.is_empty() {
        write_examples(examples, &mut out)?;
    }
    Ok(out)
}

fn write_below_the_row(out: &mut Vec<u8>) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", ["TEXT"]);
    roff.text([roman(
        "Below each connection stands what is known beyond its row. RTT a+b ms: the round trip from where the \
         capture was taken to the client and to the server, by the handshake (<= by the shortest \
         acknowledgment of data). What the client waited for the server's replies and the server for the \
         client's next word, as seen there, with a single wait of a second or more and its stage. Octets \
         that the capture lacks, and segments that were sent again.",
    )]);
    roff.to_writer(out)
}

fn write_csv(out: &mut Vec<u8>) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", ["CSV COLUMNS"]);
    roff.text([roman(
        "RFC 4180, with a header row. Times are RFC 3339 in UTC; what is not known is empty. Lists are joined \
         by |, which within an element is \\x7c; the empty reverse path is <>. Control characters and octets \
         that are not UTF-8 are escaped as in text, a backslash is doubled. Text that begins with = + - @ or \
         an apostrophe gets an apostrophe before it, so that no spreadsheet takes it for a formula.",
    )]);
    for column in csv::COLUMNS {
        roff.control("TP", []).text([bold(column.name)]).text([roman(column.meaning)]);
    }
    roff.to_writer(out)
}

fn write_zeek(out: &mut Vec<u8>) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", ["ZEEK COLUMNS"]);
    roff.text([roman(
        "Those of Zeek's conn.log and smtp.log by their names and types, one row a transaction and at least one \
         a connection; what is not known is unset. uid is derived from the Community ID and the time of the \
         first frame, so it is stable, and not that of Zeek's own logs: join by community_id. trans_ts is the \
         time of MAIL. #open and #close are the times of the first and the last connection.",
    )]);
    for column in zeek::COLUMNS {
        roff.control("TP", []).text([bold(column.name)]).text([roman(column.kind)]);
    }
    roff.to_writer(out)
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
