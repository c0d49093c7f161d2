//! The same frames through libpcap.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pcap::{Capture, Error, Offline, Precision};

use super::{Failure, Frame, LinkType, OpenCause, ReadCause};
use crate::time::{Span, Timestamp};

/// Octets of the file header and of a frame header, for a count of what was read.
const FILE_HEADER: u64 = 24;
const FRAME_HEADER: u64 = 16;

/// See the module.
pub(super) struct LibpcapReader {
    capture: Capture<Offline>,
    link: LinkType,
    frames: u32,
    /// Octets read as a classic file would hold them; libpcap does not tell its own count.
    bytes: Arc<AtomicU64>,
}

impl LibpcapReader {
    pub(super) fn open(path: &Path) -> Result<Self, OpenCause> {
        let capture = Capture::from_file_with_precision(path, Precision::Nano)
            .map_err(|error| OpenCause::Libpcap(words(error)))?;
        let link = LinkType::from_dlt(capture.get_datalink().0);
        Ok(Self { capture, link, frames: 0, bytes: Arc::new(AtomicU64::new(FILE_HEADER)) })
    }

    pub(super) fn bytes(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.bytes)
    }

    pub(super) fn next_frame(&mut self) -> Result<Option<Frame<'_>>, Failure> {
        let offset = self.bytes.load(Ordering::Relaxed);
        let packet = match self.capture.next_packet() {
            Ok(packet) => packet,
            Err(Error::NoMorePackets) => return Ok(None),
            Err(error) => return Err(Failure { offset, cause: ReadCause::Libpcap(words(error)) }),
        };
        self.frames = self.frames.saturating_add(1);
        self.bytes.fetch_add(FRAME_HEADER + packet.data.len() as u64, Ordering::Relaxed);
        // Asked for nanoseconds, libpcap puts them where microseconds are by name. In damaged files
        // they may be more than a second.
        #[allow(clippy::useless_conversion, reason = "32 bits wide on some systems")]
        let (seconds, nanos) = (i64::from(packet.header.ts.tv_sec), i64::from(packet.header.ts.tv_usec));
        let time = Timestamp::from_parts(seconds, 0).plus(Span::from_nanos(nanos));
        Ok(Some(Frame {
            number: self.frames,
            time,
            bytes: packet.data,
            original_len: packet.header.len,
            link: self.link,
            interface: 0,
        }))
    }
}

/// libpcap's own words, without the crate's around them.
pub(super) fn words(error: Error) -> String {
    match error {
        Error::PcapError(words) => words,
        error => error.to_string(),
    }
}

impl std::fmt::Debug for LibpcapReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LibpcapReader")
            .field("link", &self.link)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}
