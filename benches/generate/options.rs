//! What is to be generated.

use std::path::PathBuf;

use super::oddity::{ANY_PORT, Oddities, Oddity, PROXY_PORT};
use super::story::Mix;

/// What spreads and lookups stay below.
const MODEST: f64 = 120.0;
/// Seconds of a year.
const YEAR: f64 = 31_557_600.0;

/// A share from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share is a number from 0 to 1".to_owned()),
    }
}

/// A number that is not below 0.
fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if (0.0..=MODEST).contains(&number) => Ok(number),
        _ => Err(format!("a number from 0 to {MODEST} is wanted")),
    }
}

/// A number of seconds, either way.
fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.abs() <= YEAR => Ok(number),
        _ => Err("a number of seconds of less than a year is wanted".to_owned()),
    }
}

/// A number above 0.
fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("a number above 0 is wanted".to_owned()),
    }
}

/// Makes a packet capture, the mail log of the appliance that it was taken on, and the truth about both.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "generate", bin_name = "cargo bench --bench generate --")]
pub(crate) struct Options {
    /// Directory to write NAME.pcap, NAME.log and NAME.truth to.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// What the three files are called.
    #[arg(long, default_value = "generated")]
    pub(crate) name: String,
    /// Same seed and options, same octets.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// Connections to make [default: 200, or as many as --octets takes].
    #[arg(long, value_name = "N")]
    pub(crate) sessions: Option<u64>,
    /// Stop opening connections when the capture will be about this long.
    #[arg(long, value_name = "BYTES")]
    pub(crate) octets: Option<u64>,
    /// Client addresses; a few of them make most of the connections.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) senders: u32,
    /// Ports that each sender uses in turn [default: 32 to 1024]: what bounds its connections at a time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=60_000))]
    pub(crate) ports: Option<u16>,
    /// Connections per second.
    #[arg(long, default_value_t = 10.0, value_parser = positive)]
    pub(crate) rate: f64,
    /// Mean octets of a message.
    #[arg(long, default_value_t = 8_000, value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    pub(crate) body: u64,
    /// Spread of the message size: standard deviation of its logarithm.
    #[arg(long, default_value_t = 0.9, value_parser = not_negative)]
    pub(crate) spread: f64,
    /// Endings and their weights: `rst_body=2,deliver=5` for only these, `+rst_body=90` to change the default mix.
    #[arg(long)]
    pub(crate) mix: Option<Mix>,
    /// At most this many messages on one connection.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u8).range(2..=100))]
    pub(crate) messages: u8,

    /// Share of segments that arrive behind the next one.
    #[arg(long, default_value_t = 0.002, value_parser = share)]
    pub(crate) reorder: f64,
    /// Share of segments that arrive twice, or are sent again for nothing.
    #[arg(long, default_value_t = 0.002, value_parser = share)]
    pub(crate) duplicate: f64,
    /// Share of segments that the path loses: they are sent again.
    #[arg(long, default_value_t = 0.003, value_parser = share)]
    pub(crate) loss: f64,
    /// Share of those sent again in other pieces, overlapping what came before and after.
    #[arg(long, default_value_t = 0.25, value_parser = share)]
    pub(crate) overlap: f64,
    /// Share of body segments that the appliance got and the capture missed.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub(crate) holes: f64,
    /// Share of all other frames that the capture missed.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub(crate) dialog_holes: f64,

    /// Share of connections with STARTTLS.
    #[arg(long, default_value_t = 0.1, value_parser = share)]
    pub(crate) tls: f64,
    /// Share of those with TLS 1.2 (resumed, AES-GCM); the others have TLS 1.3.
    #[arg(long, default_value_t = 0.2, value_parser = share)]
    pub(crate) tls12: f64,
    /// Share of senders that pipeline (RFC 2920).
    #[arg(long, default_value_t = 0.3, value_parser = share)]
    pub(crate) pipelining: f64,
    /// Share of senders whose messages all have the same envelope.
    #[arg(long, default_value_t = 0.3, value_parser = share)]
    pub(crate) equal_envelopes: f64,
    /// Share of senders with an IPv6 address.
    #[arg(long, default_value_t = 0.1, value_parser = share)]
    pub(crate) ipv6: f64,
    /// Share of streams whose sequence numbers wrap around soon.
    #[arg(long, default_value_t = 0.1, value_parser = share)]
    pub(crate) wrap: f64,

    /// When the first connection begins: seconds since 1970, UTC.
    #[arg(long, default_value_t = 1_773_216_000, value_parser = clap::value_parser!(i64).range(0..4_000_000_000))]
    pub(crate) start: i64,
    /// Local time minus UTC, in seconds, as the log's head has it.
    #[arg(long, default_value_t = 3_600, allow_negative_numbers = true,
        value_parser = clap::value_parser!(i64).range(-50_400..=50_400))]
    pub(crate) utc_offset: i64,
    /// How far the log's clock is ahead of the capture's, in seconds.
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true, value_parser = seconds)]
    pub(crate) skew: f64,
    /// Longest reverse lookup, in seconds: `New SMTP ICID` and the greeting come after it.
    #[arg(long, default_value_t = 2.0, value_parser = not_negative)]
    pub(crate) lag: f64,
    /// Write the log without its head.
    #[arg(long)]
    pub(crate) no_head: bool,
    /// Write no capture (and no frame numbers in the truth).
    #[arg(long)]
    pub(crate) log_only: bool,

    /// Connections that are open when the capture begins.
    #[arg(long, default_value_t = 0)]
    pub(crate) early: u64,
    /// Connections that are open when the capture ends; the log goes on.
    #[arg(long, default_value_t = 3)]
    pub(crate) late: u64,
    /// Octets kept of each frame.
    #[arg(long, default_value_t = 262_144, value_parser = clap::value_parser!(u32).range(64..))]
    pub(crate) snaplen: u32,
    /// What the frames begin with.
    #[arg(long, value_enum, default_value = "ethernet")]
    pub(crate) link: Link,
    /// The appliance's port.
    #[arg(long, default_value_t = 25)]
    pub(crate) port: u16,
    /// The file format.
    #[arg(long, value_enum, default_value = "pcap")]
    pub(crate) format: Format,
    /// Stamps in nanoseconds, not microseconds.
    #[arg(long)]
    pub(crate) nanoseconds: bool,
    /// Compress the capture.
    #[arg(long)]
    pub(crate) gzip: bool,

    /// Oddities of the wire that every connection has which can: NAME[,NAME...]; --oddities lists them.
    #[arg(long, value_name = "NAMES", default_value = "", hide_default_value = true, value_parser = oddities)]
    pub(crate) oddity: Oddities,
    /// List the oddities, and make nothing.
    #[arg(long)]
    pub(crate) oddities: bool,

    /// Passed by cargo; means nothing.
    #[arg(long, hide = true)]
    pub(crate) bench: bool,
}

/// None, or some.
fn oddities(names: &str) -> Result<Oddities, String> {
    if names.is_empty() { Ok(Oddities::default()) } else { names.parse() }
}

impl Options {
    /// The same, with what its oddities ask of it.
    pub(crate) fn with_oddities(&self) -> Self {
        /// Share of segments lost of [`Oddity::PathLoss`].
        const LOSS: f64 = 0.1;
        let mut options = self.clone();
        if options.oddity.has(Oddity::AnyPort) {
            options.port = ANY_PORT;
        }
        if options.oddity.has(Oddity::HttpConnect) {
            options.port = PROXY_PORT;
        }
        if options.oddity.has(Oddity::PathLoss) {
            options.loss = options.loss.max(LOSS);
        }
        options.gzip |= options.oddity.has(Oddity::GzipGarbage);
        options
    }
}

/// What the frames begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Link {
    /// Ethernet II.
    Ethernet,
    /// Nothing: IP at once.
    Raw,
    /// Linux cooked capture, version 1.
    Cooked,
}

impl Link {
    /// The number in the file (tcpdump.org/linktypes.html).
    pub(crate) fn number(self) -> u16 {
        match self {
            Self::Ethernet => 1,
            Self::Raw => 101,
            Self::Cooked => 113,
        }
    }
}

/// The file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// libpcap's own.
    Pcap,
    /// pcapng, one section, one interface.
    Pcapng,
}
