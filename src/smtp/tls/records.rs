//! TLS records by their headers (RFC 8446 section 5.1), in one direction of a stream.

use super::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE};

/// Octets of a record's header: type, version, length.
pub(super) const HEADER: usize = 5;
/// The longest a record may be: 2^14 octets and what TLS 1.2 lets encryption add (RFC 5246 section
/// 6.2.3; TLS 1.3 allows less).
const MAX_LENGTH: u16 = 16_384 + 2_048;

/// Whether `octets` begin a TLS record as far as they go: a content type, which no reply and no
/// command begins with, and version 3.
pub(crate) fn begins_record(octets: &[u8]) -> bool {
    match octets {
        [content_type] => is_content_type(*content_type),
        [content_type, version, ..] => is_content_type(*content_type) && *version == 3,
        [] => false,
    }
}

/// Whether `octets` hold a whole and sensible record header, so that they may be taken for a record
/// without knowing what came before.
pub(crate) fn is_record(octets: &[u8]) -> bool {
    octets.first_chunk().copied().and_then(header).is_some()
}

const fn is_content_type(octet: u8) -> bool {
    matches!(octet, CHANGE_CIPHER_SPEC | ALERT | HANDSHAKE | APPLICATION_DATA)
}

/// Takes what a [`RecordReader`] finds.
pub(super) trait RecordSink {
    /// Some octets of a record's content, in order.
    fn content(&mut self, content_type: u8, octets: &[u8]);

    /// A record is whole; `behind` octets of those given follow it.
    fn whole(&mut self, content_type: u8, length: u16, behind: usize);
}

/// Tells one direction into records without keeping what is in them.
#[derive(Debug, Default)]
pub(super) struct RecordReader {
    header: [u8; HEADER],
    have: usize,
    /// Octets of the current record still to come.
    left: u64,
    begun: bool,
    sync: Sync,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Sync {
    #[default]
    InStep,
    /// Behind a gap, or after octets that are no record: headers are looked for at the beginning
    /// of each piece, where senders start their records as a rule.
    Lost,
    /// The first octets were no record.
    NotTls,
}

impl RecordReader {
    pub(super) fn read(&mut self, mut octets: &[u8], sink: &mut impl RecordSink) {
        if self.sync == Sync::Lost && is_record(octets) {
            (self.sync, self.have, self.left) = (Sync::InStep, 0, 0);
        }
        while self.sync == Sync::InStep && !octets.is_empty() {
            if self.left > 0 {
                let here = usize::try_from(self.left).unwrap_or(usize::MAX).min(octets.len());
                let (content, rest) = octets.split_at_checked(here).unwrap_or((octets, &[]));
                octets = rest;
                self.left -= here as u64;
                let [content_type, ..] = self.header;
                sink.content(content_type, content);
                if self.left == 0 {
                    self.whole(octets.len(), sink);
                }
                continue;
            }
            let Some((first, rest)) = octets.split_first() else { break };
            octets = rest;
            if let Some(place) = self.header.get_mut(self.have) {
                *place = *first;
            }
            self.have += 1;
            if self.have < HEADER {
                continue;
            }
            match header(self.header) {
                Some((_, length)) => {
                    self.begun = true;
                    self.left = u64::from(length);
                    if length == 0 {
                        self.whole(octets.len(), sink);
                    }
                }
                None => self.sync = if self.begun { Sync::Lost } else { Sync::NotTls },
            }
        }
    }

    fn whole(&mut self, behind: usize, sink: &mut impl RecordSink) {
        self.have = 0;
        if let Some((content_type, length)) = header(self.header) {
            sink.whole(content_type, length, behind);
        }
    }

    pub(super) fn gap(&mut self, length: u64) {
        if self.sync != Sync::InStep {
            return;
        }
        if self.left > length {
            self.left -= length;
        } else {
            // A gap that ends exactly with the record ends in step, but then the record's own
            // arrival is not in the file either.
            let in_step = self.left == length && self.have == HEADER;
            (self.have, self.left) = (0, 0);
            self.sync = if in_step { Sync::InStep } else { Sync::Lost };
        }
    }

    pub(super) fn lost(&self) -> bool {
        self.sync == Sync::Lost
    }

    pub(super) fn never_tls(&self) -> bool {
        self.sync == Sync::NotTls
    }

    /// Octets missing from the record that has begun.
    pub(super) fn missing(&self) -> Option<u64> {
        match (self.sync, self.left, self.have) {
            (Sync::InStep, 0, 1..HEADER) => Some((HEADER - self.have) as u64),
            (Sync::InStep, left @ 1.., _) => Some(left),
            _ => None,
        }
    }
}

/// Type and length in a header that makes sense: a known type, version 3.0 to 3.4, a length within
/// limits.
fn header([content_type, major, minor, high, low]: [u8; HEADER]) -> Option<(u8, u16)> {
    let length = u16::from_be_bytes([high, low]);
    (is_content_type(content_type) && major == 3 && minor <= 4 && length <= MAX_LENGTH)
        .then_some((content_type, length))
}
