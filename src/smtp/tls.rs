//! Encrypted stretches of a dialogue, as TLS records: their types and lengths are all that shows.

use std::collections::VecDeque;

use crate::cite::Moment;
use crate::net::Role;

/// Content type of a ChangeCipherSpec record (RFC 5246 section 7.1).
pub const CHANGE_CIPHER_SPEC: u8 = 20;
/// Content type of an alert record (RFC 8446 section 5.1).
pub const ALERT: u8 = 21;
/// Content type of a handshake record.
pub const HANDSHAKE: u8 = 22;
/// Content type of an application-data record; TLS 1.3 wraps everything after its hello in these.
pub const APPLICATION_DATA: u8 = 23;

/// Octets of a record's header: type, version, length.
const HEADER: usize = 5;
/// The longest a record may be: 2^14 octets and what TLS 1.2 lets encryption add (RFC 5246 section
/// 6.2.3; TLS 1.3 allows less).
const MAX_LENGTH: u16 = 16_384 + 2_048;

/// A dialogue that went dark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// How it began.
    pub how: EncryptionStart,
    /// From where on.
    pub since: Moment,
    /// The last [`Self::MAX_RECORDS`] application-data and alert records, both ways, in order.
    pub records: Vec<Record>,
    /// Records of any kind seen.
    pub records_seen: u64,
    /// Who sent the last record of any kind, and when.
    pub last_record: Option<(Role, Moment)>,
    /// Whether both ends got as far as application data.
    pub established: bool,
    /// Whether it is TLS 1.3, by what follows the client's or the server's ChangeCipherSpec: an
    /// encrypted Finished in a handshake record before 1.3 (RFC 5246 section 7.1), application data
    /// in 1.3 (RFC 8446 appendix D.4). `None` where neither was seen.
    pub tls13: Option<bool>,
    /// Octets missing from a record that was cut at the end of that end's stream.
    pub cut_record: Option<(Role, u64)>,
    /// The octets after STARTTLS (or at the start) are not TLS.
    pub not_tls: bool,
}

impl Encryption {
    /// Records kept.
    pub const MAX_RECORDS: usize = 32;
}

/// How encryption began.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EncryptionStart {
    /// STARTTLS was accepted (RFC 3207).
    StartTls,
    /// TLS from the first octet (RFC 8314).
    Implicit,
}

/// One TLS record's outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Who sent it.
    pub by: Role,
    /// Its content type octet (21 alert, 22 handshake, 23 application data).
    pub content_type: u8,
    /// Its length field.
    pub length: u16,
    /// The segment of its last octet.
    pub at: Moment,
}

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
    matches!(octet, CHANGE_CIPHER_SPEC..=APPLICATION_DATA)
}

/// Both directions of an encrypted stretch while it passes.
#[derive(Debug)]
pub(crate) struct Darkness {
    pub(crate) how: EncryptionStart,
    /// The reply that accepted STARTTLS.
    pub(crate) accepted: Option<Moment>,
    pub(crate) not_tls: bool,
    client: Direction,
    server: Direction,
}

#[derive(Debug, Default)]
struct Direction {
    reader: RecordReader,
    first: Option<Moment>,
    records: VecDeque<Record>,
    seen: u64,
    last: Option<Moment>,
    application_data: bool,
    cipher_changed: bool,
    tls13: Option<bool>,
}

impl Darkness {
    pub(crate) fn new(how: EncryptionStart) -> Self {
        Self {
            how,
            accepted: None,
            not_tls: false,
            client: Direction::default(),
            server: Direction::default(),
        }
    }

    fn of(&mut self, role: Role) -> &mut Direction {
        match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    /// The next octets of one direction.
    pub(crate) fn read(&mut self, role: Role, octets: &[u8], at: Moment) {
        let direction = self.of(role);
        direction.first.get_or_insert(at);
        let Direction { reader, records, seen, last, application_data, cipher_changed, tls13, .. } =
            direction;
        reader.read(octets, |content_type, length| {
            *seen = seen.saturating_add(1);
            *last = Some(at);
            *application_data |= content_type == APPLICATION_DATA;
            match content_type {
                CHANGE_CIPHER_SPEC => *cipher_changed = true,
                HANDSHAKE if *cipher_changed && tls13.is_none() => *tls13 = Some(false),
                APPLICATION_DATA if *cipher_changed && tls13.is_none() => *tls13 = Some(true),
                _ => {}
            }
            if matches!(content_type, APPLICATION_DATA | ALERT) {
                if records.len() == Encryption::MAX_RECORDS {
                    records.pop_front();
                }
                records.push_back(Record { by: role, content_type, length, at });
            }
        });
    }

    /// Octets of one direction are missing.
    pub(crate) fn gap(&mut self, role: Role, length: u64) {
        self.of(role).reader.gap(length);
    }

    /// Whether a direction can no longer be told into records.
    pub(crate) fn lost(&self) -> bool {
        self.client.reader.lost() || self.server.reader.lost()
    }

    /// What is kept of it. `fallback` is when it began if neither direction brought an octet.
    pub(crate) fn finish(mut self, fallback: Moment) -> Encryption {
        let first = self.client.first.into_iter().chain(self.server.first).min();
        let cut = |role, direction: &Direction| direction.reader.missing().map(|missing| (role, missing));
        let cut_record = cut(Role::Client, &self.client).or_else(|| cut(Role::Server, &self.server));
        let last_record = if self.server.last > self.client.last {
            self.server.last.map(|at| (Role::Server, at))
        } else {
            self.client.last.map(|at| (Role::Client, at))
        };
        let mut records: Vec<Record> =
            self.client.records.drain(..).chain(self.server.records.drain(..)).collect();
        records.sort_by_key(|record| record.at);
        records.drain(..records.len().saturating_sub(Encryption::MAX_RECORDS));
        records.shrink_to_fit();
        Encryption {
            how: self.how,
            since: self.accepted.or(first).unwrap_or(fallback),
            records,
            last_record,
            records_seen: self.client.seen.saturating_add(self.server.seen),
            tls13: self.client.tls13.or(self.server.tls13),
            established: self.client.application_data && self.server.application_data,
            cut_record,
            not_tls: self.not_tls || self.client.reader.never_tls() || self.server.reader.never_tls(),
        }
    }
}

/// Tells one direction into records without keeping what is in them.
#[derive(Debug, Default)]
struct RecordReader {
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
    fn read(&mut self, mut octets: &[u8], mut record: impl FnMut(u8, u16)) {
        if self.sync == Sync::Lost && is_record(octets) {
            (self.sync, self.have, self.left) = (Sync::InStep, 0, 0);
        }
        while self.sync == Sync::InStep && !octets.is_empty() {
            if self.left > 0 {
                let here = usize::try_from(self.left).unwrap_or(usize::MAX).min(octets.len());
                octets = octets.get(here..).unwrap_or_default();
                self.left -= here as u64;
                if self.left == 0 {
                    self.whole(&mut record);
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
                        self.whole(&mut record);
                    }
                }
                None => self.sync = if self.begun { Sync::Lost } else { Sync::NotTls },
            }
        }
    }

    fn whole(&mut self, record: &mut impl FnMut(u8, u16)) {
        self.have = 0;
        if let Some((content_type, length)) = header(self.header) {
            record(content_type, length);
        }
    }

    fn gap(&mut self, length: u64) {
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

    fn lost(&self) -> bool {
        self.sync == Sync::Lost
    }

    fn never_tls(&self) -> bool {
        self.sync == Sync::NotTls
    }

    /// Octets missing from the record that has begun.
    fn missing(&self) -> Option<u64> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cite::{CaptureId, FrameRef};
    use crate::time::Timestamp;

    fn moment(frame: u32) -> Moment {
        Moment {
            time: Timestamp::from_nanos(i64::from(frame)),
            frame: FrameRef { capture: CaptureId(0), frame },
        }
    }

    fn record(content_type: u8, length: u16) -> Vec<u8> {
        let mut octets = vec![content_type, 3, 3];
        octets.extend_from_slice(&length.to_be_bytes());
        octets.resize(HEADER + usize::from(length), 0xaa);
        octets
    }

    #[test]
    fn records_are_told_apart_however_they_are_cut() {
        let stream = [record(HANDSHAKE, 7), record(APPLICATION_DATA, 23), record(ALERT, 19)].concat();
        for size in 1..stream.len() {
            let mut dark = Darkness::new(EncryptionStart::StartTls);
            for piece in stream.chunks(size) {
                dark.read(Role::Client, piece, moment(1));
            }
            let seen = dark.finish(moment(0));
            let shapes: Vec<_> =
                seen.records.iter().map(|record| (record.content_type, record.length)).collect();
            assert_eq!(shapes, [(APPLICATION_DATA, 23), (ALERT, 19)]);
            assert_eq!((seen.records_seen, seen.cut_record, seen.not_tls), (3, None, false));
        }
    }

    #[test]
    fn a_cut_record_says_how_much_is_missing() {
        let whole = record(APPLICATION_DATA, 100);
        for kept in 1..whole.len() {
            let mut dark = Darkness::new(EncryptionStart::Implicit);
            dark.read(Role::Client, &whole[..kept], moment(1));
            let missing = if kept < HEADER { HEADER - kept } else { whole.len() - kept };
            assert_eq!(dark.finish(moment(0)).cut_record, Some((Role::Client, missing as u64)));
        }
    }

    #[test]
    fn a_gap_within_a_record_keeps_the_step_and_a_longer_one_is_recovered_from() {
        let mut dark = Darkness::new(EncryptionStart::StartTls);
        dark.read(Role::Client, &record(APPLICATION_DATA, 100)[..25], moment(1));
        dark.gap(Role::Client, 40);
        dark.read(Role::Client, &[0; 40], moment(2));
        assert!(!dark.lost());
        dark.read(Role::Client, &record(APPLICATION_DATA, 50)[..20], moment(3));
        dark.gap(Role::Client, 1000);
        dark.read(Role::Client, &[0x55; 30], moment(4));
        assert!(dark.lost());
        dark.read(Role::Client, &record(APPLICATION_DATA, 30), moment(5));
        assert!(!dark.lost());
        let lengths: Vec<_> = dark.finish(moment(0)).records.iter().map(|record| record.length).collect();
        assert_eq!(lengths, [100, 30]);
    }

    #[test]
    fn plain_text_is_not_tls_and_records_stay_bounded() {
        let mut dark = Darkness::new(EncryptionStart::StartTls);
        dark.read(Role::Server, b"421 no", moment(1));
        assert!(dark.finish(moment(0)).not_tls);
        let mut dark = Darkness::new(EncryptionStart::StartTls);
        for frame in 0..1000 {
            dark.read(Role::Client, &record(APPLICATION_DATA, 1), moment(frame));
            dark.read(Role::Server, &record(APPLICATION_DATA, 2), moment(frame));
        }
        let seen = dark.finish(moment(0));
        assert_eq!(
            (seen.records.len(), seen.records_seen, seen.established),
            (Encryption::MAX_RECORDS, 2000, true)
        );
    }
}
