//! Generates a capture, the mail log beside it and the truth about both:
//! `cargo bench --bench generate -- --out DIR --sessions 8000 --octets 1000000000`.
#![forbid(unsafe_code)]
// Cargo sets `test` here too, but without a harness there are no tests; tests/generate.rs runs them.
#![cfg_attr(test, allow(dead_code, unused_imports))]

#[path = "mod.rs"]
mod generate;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, ValueEnum};
use flate2::Compression;
use flate2::write::GzEncoder;
use generate::oddity::Oddity;
use generate::{Options, Sinks, Summary};

/// Octets that are written at once.
const BUFFER: usize = 1 << 20;

/// What stands behind the compressed octets where an oddity asks for it.
const GARBAGE: &[u8] = b"\0\0behind the compressed octets\0";

fn main() -> ExitCode {
    // `cargo test --benches` and `cargo bench` run this too, with arguments that are meant for others.
    let mut arguments = std::env::args_os().skip(1);
    let wanted =
        |argument: &str| argument.starts_with("--out") || ["--oddities", "--help", "-h"].contains(&argument);
    if !arguments.any(|argument| wanted(&argument.to_string_lossy())) {
        let usage = Options::command().render_help();
        return match writeln!(io::stdout(), "{usage}") {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let options = Options::parse().with_oddities();
    if options.oddities {
        return match io::stdout().write_all(generate::oddity::list().as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let started = std::time::Instant::now();
    let (code, text) = match run(&options) {
        Ok(summary) => (ExitCode::SUCCESS, report(&summary, started.elapsed().as_secs_f64())),
        Err(error) => (ExitCode::FAILURE, format!("generate: {error:#}")),
    };
    match writeln!(io::stderr(), "{text}") {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(options: &Options) -> anyhow::Result<Summary> {
    let out = options.out.as_deref().ok_or_else(|| anyhow::anyhow!("--out DIR is missing"))?;
    std::fs::create_dir_all(out)?;
    let format = options.format.to_possible_value();
    let mut extension = format.as_ref().map_or("pcap", |value| value.get_name()).to_owned();
    if options.gzip {
        extension += ".gz";
    }
    let create = |extension: &str| create(out, &options.name, extension);
    let (log, truth) = (create("log")?, create("truth")?);
    let (summary, mut sinks) = if options.log_only {
        let capture: Box<dyn Write> = Box::new(io::sink());
        generate::generate(options, Sinks { capture, log, truth })?
    } else if options.gzip {
        let capture = GzEncoder::new(create(&extension)?, Compression::fast());
        let (summary, sinks) = generate::generate(options, Sinks { capture, log, truth })?;
        let Sinks { capture, log, truth } = sinks;
        let mut capture = Box::new(capture.finish()?) as Box<dyn Write>;
        if options.oddity.has(Oddity::GzipGarbage) {
            capture.write_all(GARBAGE)?;
        }
        (summary, Sinks { capture, log, truth })
    } else {
        let capture: Box<dyn Write> = Box::new(create(&extension)?);
        generate::generate(options, Sinks { capture, log, truth })?
    };
    sinks.capture.flush()?;
    sinks.log.flush()?;
    sinks.truth.flush()?;
    Ok(summary)
}

fn create(out: &Path, name: &str, extension: &str) -> io::Result<BufWriter<File>> {
    Ok(BufWriter::with_capacity(BUFFER, File::create(out.join(format!("{name}.{extension}")))?))
}

fn report(summary: &Summary, seconds: f64) -> String {
    let Summary { sessions, frames, octets, log_lines, log_octets, most_open } = summary;
    let speed = (octets + log_octets) as f64 / 1e6 / seconds;
    format!(
        "{sessions} sessions (at most {most_open} at once), {frames} frames in {octets} octets, \
         {log_lines} log lines in {log_octets} octets, {seconds:.1} s, {speed:.0} MB/s"
    )
}
