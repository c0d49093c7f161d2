//! From what was typed to a checked [`Plan`]; nothing past it knows the command line.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use mailwitness::investigate::{InputPath, Plan, Reader, Selection, Told};
use mailwitness::net::canonical;
use mailwitness::report::build::shown_path;
use mailwitness::text::Text;

use super::args::{PeriodArgs, ReportArgs, SelectionArgs, WireArgs};
use super::choices::ReaderName;
use super::failure::Failure;
use super::values::Address;

/// The plan of a report.
///
/// # Errors
/// When arguments contradict each other, or this build cannot do what they ask for.
pub(super) fn of_report(args: &ReportArgs) -> Result<Plan, Failure> {
    let told = |paths: &[PathBuf], told: Told| -> Vec<InputPath> {
        paths.iter().map(|path| InputPath { path: path.clone(), told }).collect()
    };
    let inputs =
        [told(&args.files, Told::ByContent), told(&args.log, Told::Log), told(&args.capture, Told::Capture)]
            .concat();
    check_standard_input(inputs.iter().map(|input| &input.path).chain(&args.outside).map(PathBuf::as_path))?;
    check_outside(&inputs, &args.outside)?;
    check_map(&args.map)?;
    Ok(Plan {
        inputs,
        outside: args.outside.clone(),
        selection: Selection { dcids: args.dcid.clone(), ..selection(&args.selection)? },
        all: args.all,
        reader: reader(&args.wire)?,
        filter: args.wire.filter.clone(),
        decap: args.wire.decap,
        ports: args.wire.port.clone(),
        zone: args.clock.utc_offset,
        silence: args.silence.silence,
        timers: args.timer.clone(),
        address_map: args.map.iter().map(|(a, b)| (canonical(*a), canonical(*b))).collect(),
        hash: args.hash,
    })
}

/// The selection, with a period that is one.
pub(super) fn selection(args: &SelectionArgs) -> Result<Selection, Failure> {
    check_period(&args.period)?;
    Ok(Selection {
        mids: args.mid.clone(),
        icids: args.icid.clone(),
        dcids: Vec::new(),
        remotes: args.remote.iter().copied().map(canonical).collect(),
        mail_from: texts(&args.mail_from),
        rcpt_to: texts(&args.rcpt),
        message_ids: texts(&args.message_id),
        since: args.period.since,
        until: args.period.until,
    })
}

/// The reader, where this build has it; a filter needs libpcap too.
pub(super) fn reader(args: &WireArgs) -> Result<Reader, Failure> {
    let reader = match args.reader {
        ReaderName::Native => Reader::Native,
        ReaderName::Libpcap => Reader::Libpcap,
    };
    if cfg!(feature = "libpcap") || (reader == Reader::Native && args.filter.is_none()) {
        return Ok(reader);
    }
    let option = if args.filter.is_some() { "--filter" } else { "--reader libpcap" };
    Err(Failure::words(format_args!("{option} needs libpcap, and this build has none"))
        .hint("build mailwitness with its default features"))
}

/// A period that ends before it begins selects nothing and is never meant.
pub(super) fn check_period(period: &PeriodArgs) -> Result<(), Failure> {
    match (period.since, period.until) {
        (Some(since), Some(until)) if until < since => {
            Err(Failure::words(format_args!("--until {until} lies before --since {since}")))
        }
        _ => Ok(()),
    }
}

/// Standard input can be read once.
pub(super) fn check_standard_input<'a>(paths: impl Iterator<Item = &'a Path>) -> Result<(), Failure> {
    if paths.filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Failure::words("standard input (-) can be read only once"));
    }
    Ok(())
}

/// One file is one side's, and is read once.
fn check_outside(inputs: &[InputPath], outside: &[PathBuf]) -> Result<(), Failure> {
    let real = |path: &Path| path.canonicalize().ok();
    for (place, path) in outside.iter().enumerate() {
        let Some(file) = real(path) else { continue };
        if inputs.iter().any(|input| real(&input.path).is_some_and(|other| other == file)) {
            return Err(Failure::words(format_args!(
                "{} is given as a capture of the appliance's side and of the sender's (--outside): it can be one of \
                 them",
                shown_path(path)
            )));
        }
        if outside.iter().take(place).any(|other| real(other).is_some_and(|other| other == file)) {
            return Err(Failure::words(format_args!("--outside names {} twice", shown_path(path))));
        }
    }
    Ok(())
}

/// A logged address stands for one captured address.
fn check_map(map: &[(IpAddr, IpAddr)]) -> Result<(), Failure> {
    for (place, (logged, captured)) in map.iter().enumerate() {
        let other = map.iter().take(place).find(|(earlier, other)| earlier == logged && other != captured);
        if let Some((_, other)) = other {
            return Err(Failure::words(format_args!(
                "--map gives {logged} two addresses: {other}, {captured}"
            )));
        }
    }
    Ok(())
}

fn texts(addresses: &[Address]) -> Vec<Text> {
    addresses.iter().map(|address| address.0.clone()).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use mailwitness::investigate::Zone;
    use mailwitness::time::{Span, UtcOffset};

    use super::*;
    use crate::cli::args::{Cli, Command};

    fn plan(typed: &[&str]) -> Result<Plan, Failure> {
        let cli = Cli::try_parse_from(["mailwitness", "report"].iter().chain(typed)).unwrap();
        let Command::Report(args) = cli.command else { panic!("not a report") };
        of_report(&args)
    }

    #[test]
    fn what_was_typed_arrives_in_the_plan() {
        let plan = plan(&[
            "a.pcap",
            "b.log",
            "--log",
            "odd",
            "--mid",
            "1,2",
            "--mid",
            "3",
            "--remote",
            "::ffff:192.0.2.1",
            "--mail-from",
            "<>",
            "--utc-offset",
            "-0600",
            "--timer",
            "300",
            "--timer",
            "12.5",
            "--map",
            "10.0.0.1=198.51.100.1",
            "--silence",
            "30",
            "--port",
            "2525",
            "--hash",
            "--all",
        ])
        .unwrap();
        assert_eq!(plan.inputs.len(), 3);
        assert_eq!(plan.inputs[2], InputPath { path: PathBuf::from("odd"), told: Told::Log });
        assert_eq!(plan.selection.mids, [1, 2, 3]);
        assert_eq!(plan.selection.remotes, ["192.0.2.1".parse::<IpAddr>().unwrap()]);
        assert_eq!(plan.selection.mail_from, [Text::default()]);
        assert_eq!(plan.zone, Some(Zone::Fixed(UtcOffset::from_seconds(-21_600).unwrap())));
        assert_eq!(plan.timers, [Span::from_seconds(300), Span::from_millis(12_500)]);
        assert_eq!(plan.silence, Span::from_seconds(30));
        assert_eq!(plan.ports, [2525]);
        assert!(plan.hash && plan.all);
    }

    #[test]
    fn nothing_typed_leaves_the_defaults() {
        let (typed, default) = (plan(&["a"]).unwrap(), Plan::default());
        assert_eq!(typed.silence, default.silence);
        assert_eq!(typed.reader, default.reader);
        assert_eq!(typed.all, default.all);
        assert!(typed.timers.is_empty() && typed.zone.is_none() && typed.filter.is_none());
    }

    #[test]
    fn contradictions_are_refused() {
        for wrong in [
            &["a", "--since", "2014-08-15", "--until", "2014-08-14"][..],
            &["-", "--log", "-"],
            &["a", "--map", "10.0.0.1=10.0.0.2", "--map", "10.0.0.1=10.0.0.3"],
        ] {
            assert!(plan(wrong).is_err(), "{wrong:?}");
        }
        assert!(plan(&["a", "--since", "2014-08-14", "--until", "2014-08-14"]).is_ok());
    }
}
