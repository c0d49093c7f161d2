//! What an investigation is asked to do: checked, and free of the command line's spelling.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::join::clock::Zone;
use crate::text::Text;
use crate::time::{Span, Timestamp};

/// Quiet on somebody's turn for this long is a stall, unless `--silence` says otherwise.
pub const DEFAULT_SILENCE: Span = Span::from_seconds(60);

/// A checked plan.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Captures, logs and directories, in any order.
    pub inputs: Vec<InputPath>,
    /// Captures taken on the sender's side of the firewall at the same time.
    pub outside: Vec<PathBuf>,
    /// Which claims are wanted.
    pub selection: Selection,
    /// Also accepted and unfinished messages.
    pub all: bool,
    /// Who reads the captures.
    pub reader: Reader,
    /// A libpcap filter expression, applied to every frame.
    pub filter: Option<String>,
    /// Open tunnels (GRE, VXLAN, Geneve, IP in IP).
    pub decap: bool,
    /// Further TCP ports on which SMTP is spoken.
    pub ports: Vec<u16>,
    /// The logs' zone, where their heads do not tell it or are wrong.
    pub zone: Option<Zone>,
    /// Quiet for this long on somebody's turn is a stall.
    pub silence: Span,
    /// Timers of the appliance beside its defaults.
    pub timers: Vec<Span>,
    /// Addresses that differ between log and wire (NAT): (as logged, as captured).
    pub address_map: Vec<(IpAddr, IpAddr)>,
    /// Compute SHA-256 of every input.
    pub hash: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            inputs: Vec::new(),
            outside: Vec::new(),
            selection: Selection::default(),
            all: false,
            reader: Reader::default(),
            filter: None,
            decap: false,
            ports: Vec::new(),
            zone: None,
            silence: DEFAULT_SILENCE,
            timers: Vec::new(),
            address_map: Vec::new(),
            hash: false,
        }
    }
}

/// One input as named by the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputPath {
    /// The path; `-` is standard input.
    pub path: PathBuf,
    /// What the user says it is.
    pub told: Told,
}

/// What the user says an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Told {
    /// Nothing: its content tells.
    #[default]
    ByContent,
    /// A capture (`--capture`).
    Capture,
    /// A log (`--log`).
    Log,
}

/// Who reads the captures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reader {
    /// Our own: every container, streaming.
    #[default]
    Native,
    /// libpcap, the reference.
    Libpcap,
}

/// Which claims are wanted; an empty list wants all. Different lists narrow each other.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// MIDs.
    pub mids: Vec<u64>,
    /// ICIDs.
    pub icids: Vec<u64>,
    /// DCIDs.
    pub dcids: Vec<u64>,
    /// Remote addresses, as logged.
    pub remotes: Vec<IpAddr>,
    /// Envelope senders, compared without case.
    pub mail_from: Vec<Text>,
    /// Envelope recipients, compared without case.
    pub rcpt_to: Vec<Text>,
    /// Message-IDs, with or without brackets.
    pub message_ids: Vec<Text>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Not after.
    pub until: Option<Timestamp>,
}

/// What the caller may watch and stop while an investigation runs.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    interrupted: Arc<AtomicBool>,
    octets_read: Arc<AtomicU64>,
    octets_total: Arc<AtomicU64>,
}

impl Watch {
    /// Asks the run to stop; it ends soon, with what it has.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to stop.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// The flag itself, for readers that poll it.
    pub fn interruption(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupted)
    }

    /// Tells how many octets of the input files were read so far.
    pub fn progress(&self, octets: u64) {
        self.octets_read.store(octets, Ordering::Relaxed);
    }

    /// Adds the octets of another input to what will be read.
    pub fn expect(&self, octets: u64) {
        self.octets_total.fetch_add(octets, Ordering::Relaxed);
    }

    /// Octets of the input files read so far, as they lie on disk.
    pub fn octets_read(&self) -> &Arc<AtomicU64> {
        &self.octets_read
    }

    /// Octets of the input files in all, where known.
    pub fn octets_total(&self) -> &Arc<AtomicU64> {
        &self.octets_total
    }
}
