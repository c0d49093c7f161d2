//! Capture files, frame by frame.
//!
//! Read are classic pcap (either byte order, microseconds, nanoseconds, Kuznetzov's "modified" form
//! and Ixia's) and pcapng (several sections and interfaces), plain or gzipped, from files and standard
//! input. The format is told by the first octets. A cut file gives every sound frame and
//! then one [`ReadError`] with the offset; a damaged one gives what is sound behind the damage too,
//! where it can be found, and a note of what was passed over.
//!
//! [`ReaderKind::Libpcap`] reads the same frames through libpcap, to check against: it cannot read
//! gzip, nor pcapng whose interfaces differ in link type or snapshot length.

mod error;
mod filter;
mod interfaces;
#[cfg(feature = "libpcap")]
mod libpcap;
mod link_type;
mod losses;
mod pcap;
mod pcapng;
mod window;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

pub use error::{Damage, OpenCause, OpenError, ReadCause, ReadError, WITHOUT_LIBPCAP};
pub use filter::{Filter, FilterError};
pub use interfaces::{InterfaceFacts, MAX_INTERFACES_TOLD};
pub use link_type::LinkType;

use crate::cite::Notes;
use crate::input::{self, Input};
use crate::time::Timestamp;
use pcap::PcapReader;
use pcapng::PcapngReader;
use window::Window;

/// One frame as captured.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Wireshark's number: from 1, every packet block counted, in each file anew; stays at
    /// `u32::MAX` beyond that.
    pub number: u32,
    /// When it was captured.
    pub time: Timestamp,
    /// What was captured of it.
    pub bytes: &'a [u8],
    /// Its length on the wire; more than `bytes` where the snapshot length cut it.
    pub original_len: u32,
    /// What its first octet begins.
    pub link: LinkType,
    /// The interface within its section (pcapng), else 0.
    pub interface: u32,
}

/// The format of a capture file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Classic pcap with microseconds.
    Pcap,
    /// Classic pcap with Kuznetzov's longer frame headers (old Red Hat kernels).
    PcapModified,
    /// Classic pcap with nanoseconds.
    PcapNanosecond,
    /// Classic pcap as Ixia's capturing cards write it.
    PcapIxia,
    /// pcapng.
    Pcapng,
    /// Whatever libpcap read.
    ReadByLibpcap,
}

impl Format {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcap => "pcap",
            Self::PcapModified => "modified pcap",
            Self::PcapNanosecond => "nanosecond pcap",
            Self::PcapIxia => "Ixia pcap",
            Self::Pcapng => "pcapng",
            Self::ReadByLibpcap => "pcap (read by libpcap)",
        }
    }
}

/// Who reads the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReaderKind {
    /// The reader of this crate.
    #[default]
    Own,
    /// libpcap, where it is compiled in.
    Libpcap,
}

/// Whether a file that begins with `head` (unpacked) is a capture.
pub fn looks_like_capture(head: &[u8]) -> bool {
    pcapng::is_section_header(head) || pcap::has_magic(head)
}

/// An open capture.
#[derive(Debug)]
pub struct CaptureReader {
    file: PathBuf,
    source: Source,
    format: Format,
    gzipped: bool,
    raw_len: Option<u64>,
    raw_bytes: Arc<AtomicU64>,
    notes: Notes,
    failed: bool,
}

#[derive(Debug)]
enum Source {
    Pcap(PcapReader),
    Pcapng(PcapngReader),
    #[cfg(feature = "libpcap")]
    Libpcap(libpcap::LibpcapReader),
}

impl CaptureReader {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    /// When it cannot be opened, is no capture, or asks for a libpcap that this build has not.
    pub fn open(path: &Path, kind: ReaderKind) -> Result<Self, OpenError> {
        match kind {
            ReaderKind::Own => {
                let input = input::open(path).map_err(|error| open_error(path, error.into()))?;
                Self::from_input(input, path)
            }
            ReaderKind::Libpcap => Self::open_with_libpcap(path),
        }
    }

    /// Reads an input that is open already; `name` stands in errors.
    ///
    /// # Errors
    /// When it is no capture.
    pub fn from_input(input: Input, name: &Path) -> Result<Self, OpenError> {
        let raw_bytes = input.raw_counter();
        let Input { head, reader, gzipped, raw_len, .. } = input;
        let window = Window::new(reader);
        let source = if pcapng::is_section_header(&head) {
            PcapngReader::open(window).map(|reader| (Format::Pcapng, Source::Pcapng(reader)))
        } else {
            PcapReader::open(window).map(|reader| (reader.format(), Source::Pcap(reader)))
        };
        let (format, source) = source.map_err(|cause| open_error(name, cause))?;
        let file = name.to_owned();
        let notes = Notes::default();
        Ok(Self { file, source, format, gzipped, raw_len, raw_bytes, notes, failed: false })
    }

    /// The next frame; `None` at the end, and after an error.
    ///
    /// # Errors
    /// Once, where the file cannot be read further.
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, ReadError> {
        if self.failed {
            return Ok(None);
        }
        let next = match &mut self.source {
            Source::Pcap(reader) => reader.next_frame(&mut self.notes),
            Source::Pcapng(reader) => reader.next_frame(&mut self.notes),
            #[cfg(feature = "libpcap")]
            Source::Libpcap(reader) => reader.next_frame(),
        };
        next.map_err(|Failure { offset, cause }| {
            self.failed = true;
            ReadError { file: self.file.clone(), offset, cause }
        })
    }

    /// The format of the file.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether the file is gzipped.
    pub fn gzipped(&self) -> bool {
        self.gzipped
    }

    /// Octets on disk, where it is a regular file.
    pub fn raw_len(&self) -> Option<u64> {
        self.raw_len
    }

    /// Octets read so far as they lie on disk.
    pub fn raw_bytes(&self) -> u64 {
        self.raw_bytes.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// What the file tells of the interfaces that it was captured on, so far (pcapng).
    pub fn interfaces(&self) -> &[InterfaceFacts] {
        match &self.source {
            Source::Pcapng(reader) => reader.interfaces(),
            _ => &[],
        }
    }

    /// What the reader passed over so far; to be asked at the end of the file.
    pub fn notes(&self) -> Notes {
        let mut notes = self.notes.clone();
        match &self.source {
            Source::Pcap(reader) => notes.merge(reader.closing_notes()),
            Source::Pcapng(reader) => notes.merge(reader.closing_notes()),
            #[cfg(feature = "libpcap")]
            Source::Libpcap(_) => {}
        }
        notes
    }

    #[cfg(feature = "libpcap")]
    fn open_with_libpcap(path: &Path) -> Result<Self, OpenError> {
        let raw_len = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|data| data.len());
        let source = libpcap::LibpcapReader::open(path).map_err(|cause| open_error(path, cause))?;
        let raw_bytes = source.bytes();
        Ok(Self {
            file: path.to_owned(),
            source: Source::Libpcap(source),
            format: Format::ReadByLibpcap,
            gzipped: false,
            raw_len,
            raw_bytes,
            notes: Notes::default(),
            failed: false,
        })
    }

    #[cfg(not(feature = "libpcap"))]
    fn open_with_libpcap(path: &Path) -> Result<Self, OpenError> {
        Err(open_error(path, OpenCause::WithoutLibpcap))
    }
}

/// Where and why a source cannot be read further.
#[derive(Debug)]
struct Failure {
    offset: u64,
    cause: ReadCause,
}

#[cold]
fn open_error(file: &Path, cause: OpenCause) -> OpenError {
    OpenError { file: file.to_owned(), cause }
}

#[cfg(test)]
mod tests;
