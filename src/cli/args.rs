//! The arguments as they are typed. What they mean is decided in [`super::plan`].

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};
use mailwitness::investigate::Zone;
use mailwitness::maillog::trace::Wanted;
use mailwitness::time::{Span, Timestamp};

use super::choices::{ColourWhen, Format, PageName, ReaderName, SchemaName, SessionsFormat};
use super::examples;
use super::values::{self, Address};

/// The capture is the witness to what the mail log claims.
///
/// mailwitness joins packet captures taken on a Cisco ESA (Secure Email Gateway) with its mail log.
/// For each message that the log says was aborted it finds the TCP connection in the capture and says
/// how it really ended (QUIT, FIN, RST or silence), who ended it, whose turn it was, and whether that
/// confirms the log.
#[derive(Debug, Parser)]
#[command(
    name = "mailwitness",
    version,
    max_term_width = 100,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_long_help = examples::after_help(examples::GENERAL, true)
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge what the log claims by what the capture shows.
    Report(ReportArgs),
    /// List every SMTP connection in captures and how it ended, without a log.
    Sessions(SessionsArgs),
    /// List every ICID and MID in logs and how it ended, without a capture.
    Messages(MessagesArgs),
    /// Print the JSON Schema of what a command writes with `--format json`.
    Schema(SchemaArgs),
    /// Print completions for a shell.
    Completions(CompletionsArgs),
    /// Print a manual page.
    Man(ManArgs),
}

/// `report`.
#[derive(Debug, Args)]
#[command(after_help = examples::after_help(examples::REPORT, false))]
pub(crate) struct ReportArgs {
    /// Captures, logs and directories, in any order; told apart by content, gzip unpacked, `-` is
    /// standard input.
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath, required_unless_present_all = ["log", "capture"])]
    pub(crate) files: Vec<PathBuf>,

    /// A log whose content does not show that it is one.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = INPUT)]
    pub(crate) log: Vec<PathBuf>,

    /// A capture whose content does not show that it is one.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = INPUT)]
    pub(crate) capture: Vec<PathBuf>,

    /// A capture taken on the sender's side of the firewall at the same time: what is on one side only
    /// was made, dropped or changed in between.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = INPUT)]
    pub(crate) outside: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) wire: WireArgs,

    /// Add the SHA-256 of each input to the report.
    #[arg(long, help_heading = INPUT)]
    pub(crate) hash: bool,

    #[command(flatten)]
    pub(crate) selection: SelectionArgs,

    /// Only this connection of a delivery.
    #[arg(long, value_name = "N", value_delimiter = ',', help_heading = SELECTION)]
    pub(crate) dcid: Vec<u64>,

    /// Also judge accepted, delivered and unfinished messages, and list connections that the log does not
    /// know.
    #[arg(long, help_heading = SELECTION)]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) clock: ClockArgs,

    /// An address that is translated (NAT): as the log has it, and as the capture has it.
    #[arg(long, value_name = "LOGGED=CAPTURED", value_parser = values::address_pair, help_heading = JUDGING)]
    pub(crate) map: Vec<(IpAddr, IpAddr)>,

    #[command(flatten)]
    pub(crate) silence: SilenceArgs,

    /// A timer of the appliance beside its defaults (300 s without a message, 720 and 900 s in all).
    #[arg(long, value_name = "SECONDS", value_parser = values::duration, help_heading = JUDGING)]
    pub(crate) timer: Vec<Span>,

    #[command(flatten)]
    pub(crate) output: OutputArgs,

    /// Exit with 1 if the wire contradicts a claim.
    #[arg(long, help_heading = OUTPUT)]
    pub(crate) exit_code: bool,
}

/// `sessions`.
#[derive(Debug, Args)]
#[command(after_help = examples::after_help(examples::SESSIONS, false))]
pub(crate) struct SessionsArgs {
    /// Captures; gzip is unpacked, `-` is standard input.
    #[arg(value_name = "CAPTURE", value_hint = ValueHint::FilePath, required = true)]
    pub(crate) captures: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) wire: WireArgs,

    /// Only connections to or from this address.
    #[arg(long, value_name = "IP", value_parser = values::ip_address, help_heading = SELECTION)]
    pub(crate) remote: Vec<IpAddr>,

    #[command(flatten)]
    pub(crate) period: PeriodArgs,

    #[command(flatten)]
    pub(crate) silence: SilenceArgs,

    /// The format.
    #[arg(long, value_enum, default_value = "text", help_heading = OUTPUT)]
    pub(crate) format: SessionsFormat,

    /// Also tell each command with its reply and what either end took (text and JSON).
    #[arg(long, help_heading = OUTPUT)]
    pub(crate) exchanges: bool,

    #[command(flatten)]
    pub(crate) destination: DestinationArgs,
}

/// `messages`.
#[derive(Debug, Args)]
#[command(after_help = examples::after_help(examples::MESSAGES, false))]
pub(crate) struct MessagesArgs {
    /// Logs, the oldest first; gzip is unpacked, `-` is standard input.
    #[arg(value_name = "LOG", value_hint = ValueHint::FilePath, required = true)]
    pub(crate) logs: Vec<PathBuf>,

    /// Count the lines by kind instead, and show what unknown lines look like, without addresses,
    /// names and numbers.
    #[arg(long, conflicts_with = "follow", conflicts_with_all = SELECTING, help_heading = SHOWN)]
    pub(crate) stats: bool,

    /// Show every line about one message or connection instead: MID:1404, ICID:10293 or DCID:8.
    ///
    /// Its connection, the ids that it was rewritten to, split into or generated from, and the
    /// deliveries are shown with it; of an ICID or DCID, all its messages. A number alone is looked up
    /// as MID, then as ICID, then as DCID. The logs are read several times.
    #[arg(long, value_name = "ID", value_parser = values::log_id, conflicts_with_all = SELECTING, help_heading = SHOWN)]
    pub(crate) follow: Option<Wanted>,

    #[command(flatten)]
    pub(crate) selection: SelectionArgs,

    #[command(flatten)]
    pub(crate) clock: ClockArgs,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `schema`.
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Whose output.
    #[arg(value_enum)]
    pub(crate) of: SchemaName,
}

/// `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// `man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The command to describe; without one, mailwitness itself.
    #[arg(value_enum)]
    pub(crate) command: Option<PageName>,
}

const INPUT: &str = "Input";
const SHOWN: &str = "What is shown";
const SELECTION: &str = "Selection";
const JUDGING: &str = "Judging";
const OUTPUT: &str = "Output";

/// The arguments that select messages: they have no say where lines are shown.
const SELECTING: [&str; 8] = ["mid", "icid", "remote", "mail_from", "rcpt", "message_id", "since", "until"];

/// How captures are read.
#[derive(Debug, Args)]
pub(crate) struct WireArgs {
    /// Only frames that match this libpcap filter, for instance `host 192.0.2.10`.
    #[arg(long, value_name = "BPF", help_heading = INPUT)]
    pub(crate) filter: Option<String>,

    /// Also read what is in tunnels: GRE (ERSPAN, NVGRE), VXLAN, Geneve, IP in IP.
    ///
    /// Frames keep their numbers; addresses are those within the tunnel.
    #[arg(long, help_heading = INPUT)]
    pub(crate) decap: bool,

    /// Who reads the captures.
    #[arg(long, value_enum, value_name = "READER", default_value = "native", help_heading = INPUT)]
    pub(crate) reader: ReaderName,

    /// A further TCP port of SMTP, beside 25, 465 and 587; listed even where nothing was said.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..), help_heading = INPUT)]
    pub(crate) port: Vec<u16>,
}

/// Which messages are wanted. Options of different kinds narrow each other.
#[derive(Debug, Args)]
pub(crate) struct SelectionArgs {
    /// Only this message; repeat it, or separate by commas, for several.
    #[arg(long, value_name = "N", value_delimiter = ',', help_heading = SELECTION)]
    pub(crate) mid: Vec<u64>,

    /// Only this connection of the log.
    #[arg(long, value_name = "N", value_delimiter = ',', help_heading = SELECTION)]
    pub(crate) icid: Vec<u64>,

    /// Only this remote address, as the log has it.
    #[arg(long, value_name = "IP", value_parser = values::ip_address, help_heading = SELECTION)]
    pub(crate) remote: Vec<IpAddr>,

    /// Only this envelope sender, whole and without regard to case; `<>` is the empty one.
    #[arg(long, value_name = "ADDRESS", value_parser = values::mail_address, help_heading = SELECTION)]
    pub(crate) mail_from: Vec<Address>,

    /// Only messages with this envelope recipient.
    #[arg(long, value_name = "ADDRESS", value_parser = values::mail_address, help_heading = SELECTION)]
    pub(crate) rcpt: Vec<Address>,

    /// Only this Message-ID, with or without its brackets.
    #[arg(long, value_name = "ID", value_parser = values::mail_address, help_heading = SELECTION)]
    pub(crate) message_id: Vec<Address>,

    #[command(flatten)]
    pub(crate) period: PeriodArgs,
}

/// A period in UTC.
#[derive(Debug, Args)]
pub(crate) struct PeriodArgs {
    /// Nothing before this time: RFC 3339, or YYYY-MM-DD[THH:MM[:SS]] in UTC.
    #[arg(long, value_name = "TIME", value_parser = values::since, help_heading = SELECTION)]
    pub(crate) since: Option<Timestamp>,

    /// Nothing after this time; a day, minute or second counts to its end.
    #[arg(long, value_name = "TIME", value_parser = values::until, help_heading = SELECTION)]
    pub(crate) until: Option<Timestamp>,
}

/// The clock of the logs.
#[derive(Debug, Args)]
pub(crate) struct ClockArgs {
    /// The logs' zone, where their heads do not tell it or are wrong: +HHMM, -06:00, seconds such as
    /// -21600s, or an IANA name such as Europe/Berlin.
    #[arg(long, value_name = "ZONE", value_parser = values::zone, allow_hyphen_values = true, help_heading = JUDGING)]
    pub(crate) utc_offset: Option<Zone>,
}

/// What counts as a stall.
#[derive(Debug, Args)]
pub(crate) struct SilenceArgs {
    /// Quiet for this long on somebody's turn is a stall.
    #[arg(long, value_name = "SECONDS", value_parser = values::duration, default_value = "60", help_heading = JUDGING)]
    pub(crate) silence: Span,
}

/// Where and how the result is written.
#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// The format.
    #[arg(long, value_enum, default_value = "text", help_heading = OUTPUT)]
    pub(crate) format: Format,

    #[command(flatten)]
    pub(crate) destination: DestinationArgs,
}

/// Where the result is written.
#[derive(Debug, Args)]
pub(crate) struct DestinationArgs {
    /// Write here instead of standard output; a file is replaced only when all is well.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = OUTPUT)]
    pub(crate) output: Option<PathBuf>,

    /// When to use colour; NO_COLOR is honoured.
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto", help_heading = OUTPUT)]
    pub(crate) color: ColourWhen,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }
}
