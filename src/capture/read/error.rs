//! What can go wrong while a capture is opened and read.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// What to do about a build without libpcap, in the words of every error that needs it.
pub const WITHOUT_LIBPCAP: &str = "this build has no libpcap; build with the default features \
     (`cargo build --release`, which needs libpcap-dev) to have it";

/// A capture that could not be opened.
#[derive(Debug, Error)]
#[error("{}: {cause}", file.display())]
pub struct OpenError {
    /// The file as it was named.
    pub file: PathBuf,
    /// Why.
    pub cause: OpenCause,
}

/// Why a capture could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenCause {
    /// The operating system refused, or the file does not unpack.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Its first octets are those of no capture format.
    #[error("not a capture file (neither pcap nor pcapng)")]
    NotACapture,
    /// It ends within its first header.
    #[error("the file ends within its header ({have} octets)")]
    CutHeader {
        /// Octets in the file.
        have: usize,
    },
    /// Its first pcapng block makes no sense.
    #[error("the first pcapng block is damaged: {0}")]
    BadSection(&'static str),
    /// libpcap was asked for and is not compiled in.
    #[error("{WITHOUT_LIBPCAP}")]
    WithoutLibpcap,
    /// libpcap refused, in its words.
    #[error("libpcap: {0}")]
    Libpcap(String),
}

/// A capture that could not be read to its end. All frames before the place were given.
#[derive(Debug, Error)]
#[error("{}: at offset {offset}: {cause}", file.display())]
pub struct ReadError {
    /// The file as it was named.
    pub file: PathBuf,
    /// The octet of the (unpacked) file at which the unreadable frame or block begins.
    pub offset: u64,
    /// Why.
    pub cause: ReadCause,
}

/// Why a capture could not be read further.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadCause {
    /// The operating system refused, or the gzip stream is damaged or cut.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The file ends within a frame.
    #[error("the file ends in mid-frame ({have} of {need} octets)")]
    CutFrame {
        /// Octets the frame says it has, its header counted.
        need: usize,
        /// Octets left in the file.
        have: usize,
    },
    /// The file ends within a block.
    #[error("the file ends in mid-block ({have} of {need} octets)")]
    CutBlock {
        /// Octets the block says it has.
        need: usize,
        /// Octets left in the file.
        have: usize,
    },
    /// Damage, and nothing sound behind it.
    #[error("damaged: {damage}; the {passed} octets up to the end are passed over")]
    Damaged {
        /// What is wrong at the place.
        damage: Damage,
        /// Octets up to the end of the file.
        passed: u64,
    },
    /// libpcap stopped, in its words.
    #[error("libpcap: {0}")]
    Libpcap(String),
}

/// What is wrong where a file is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Damage {
    /// A length beyond all reason.
    #[error("a frame or block claims {length} octets, more than the {limit} that are believed")]
    AbsurdLength {
        /// What it claims.
        length: u64,
        /// What is believed.
        limit: u64,
    },
    /// What stands where a frame header should makes no sense, or leads to no other.
    #[error("no frame header where one should be")]
    NoFrameHeader,
    /// Frames begin inside what a frame or block claims for itself.
    #[error("a frame or block of a wrong length")]
    WrongLength,
    /// A pcapng block whose structure makes no sense.
    #[error("{0}")]
    BadBlock(&'static str),
}
