//! What was read: each input file, and what was passed over in it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::investigate::{InputKind, InputRole, Time};
use crate::text::Text;

/// One input file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Input {
    /// The path as given; `-` is standard input.
    pub path: String,
    /// What it turned out to be.
    pub kind: InputKind,
    /// Which side it is from: `outside` for what `--outside` names.
    pub role: InputRole,
    /// Its octets as they lie on disk.
    pub bytes: u64,
    /// Its container or shape in words: `pcapng, Ethernet`, `mail_logs text`.
    pub format: String,
    /// SHA-256 of the file as it lies on disk (`--hash`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The time of its first frame or line.
    pub first: Option<Time>,
    /// The time of its last frame or line.
    pub last: Option<Time>,
    /// Frames of a capture, records of a log.
    pub records: u64,
    /// The interfaces of a capture, as far as it tells of them (pcapng).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<Interface>,
    /// What was passed over.
    pub notes: Vec<InputNote>,
}

/// An interface that a capture was taken on (pcapng).
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Interface {
    /// The section of the file that describes it, from 0.
    pub section: u32,
    /// Its place in the section, from 0.
    pub number: u32,
    /// Its name (`eth0`).
    pub name: Option<Text>,
    /// What its owner says that it is.
    pub description: Option<Text>,
    /// The link type by its registered number (<https://www.tcpdump.org/linktypes.html>).
    pub link_type: u32,
    /// The link type's registered name, where it is one that turns up in practice.
    pub link: Option<String>,
    /// Octets kept of each frame; null where there is no limit.
    pub snapshot_length: Option<u32>,
    /// The resolution of its times, in parts of a second.
    pub ticks_per_second: u64,
    /// The filter that it was captured with, in libpcap's language.
    pub filter: Option<Text>,
    /// The operating system of the capturing host.
    pub system: Option<Text>,
    /// The hardware of that host.
    pub hardware: Option<Text>,
    /// Frames received, as the capturing program counted; null where it did not say.
    pub received: Option<u64>,
    /// Frames that the interface dropped; null where the capturing program did not say.
    pub dropped_by_interface: Option<u64>,
    /// Frames that the operating system dropped; null where the capturing program did not say.
    pub dropped_by_system: Option<u64>,
}

/// Something passed over in an input.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InputNote {
    /// What.
    pub text: String,
    /// How often.
    pub count: u64,
    /// Where first, in words: `line 12`, `frame 7`, `offset 1514`.
    pub first: Option<String>,
    /// Whether part of the input could not be used.
    pub loss: bool,
}
