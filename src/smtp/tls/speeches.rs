//! What each end said in the dark: application data between two words of the other end.
//!
//! The two directions are read apart, in whatever order the file holds them, so turns are told by
//! TCP's own acknowledgments: an end goes on with the same speech as long as it has received
//! nothing new. Where those numbers cannot be true nobody's speeches are told.

use std::collections::VecDeque;

use crate::cite::Moment;
use crate::net::Role;
use crate::smtp::tls::lengths::{Protection, TextLength};

/// Speeches of each direction that are remembered.
const MAX_RECENT: usize = 16;

/// A client's speech of so many record octets is longer than a command line (RFC 5321 section
/// 4.5.3.1.4): a message, or an envelope sent at once.
const LONG: u64 = 512;

/// Records of a direction looked at to find the end of the handshake of TLS 1.3, which is in
/// application data as well: a certificate, its proof, and Finished.
const MAX_HANDSHAKE_RECORDS: usize = 3;

/// Lengths of a record with Finished in TLS 1.3: message head, HMAC of SHA-256 or SHA-384, type and
/// tag (RFC 8446 section 4.4.4).
const FINISHED: [u16; 2] = [4 + 32 + 17, 4 + 48 + 17];

/// What one end said without hearing anything in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speech {
    /// Who.
    pub by: Role,
    /// Records.
    pub records: u64,
    /// Octets of text in them, line ends included.
    pub text: TextLength,
    /// The segment of its first record's last octet.
    pub first: Moment,
    /// The segment of its last octet.
    pub last: Moment,
}

/// A speech as it is gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    records: u64,
    octets: u64,
    /// How much of the other stream had been received.
    heard: u64,
    first: Moment,
    last: Moment,
}

/// The speeches of one direction.
#[derive(Debug, Default)]
pub(super) struct Runs {
    recent: VecDeque<Run>,
    long: Vec<Run>,
    long_dropped: u64,
    /// A speech was forgotten: the first of `recent` is not the first of all.
    forgot: bool,
    /// The first records: their ends in the stream and their lengths.
    beginning: Vec<(u64, u16)>,
}

impl Runs {
    /// Long speeches kept.
    const MAX_LONG: usize = super::Encryption::MAX_LONG_SPEECHES;

    /// Takes one record of application data that is whole with octet `end` of its stream.
    pub(super) fn record(&mut self, length: u16, end: u64, heard: u64, at: Moment) {
        if self.beginning.len() < MAX_HANDSHAKE_RECORDS {
            self.beginning.push((end, length));
        }
        if let Some(run) = self.recent.back_mut()
            && run.heard == heard
        {
            run.records += 1;
            run.octets = run.octets.saturating_add(length.into());
            run.last = at;
            return;
        }
        if self.recent.len() == MAX_RECENT
            && let Some(oldest) = self.recent.pop_front()
        {
            self.forgot = true;
            self.keep_if_long(oldest);
        }
        self.recent.push_back(Run { records: 1, octets: length.into(), heard, first: at, last: at });
    }

    /// How much of the other stream had been received at its first remembered speech, and the most.
    pub(super) fn heard(&self) -> Option<(u64, u64)> {
        let first = self.recent.front()?.heard;
        Some((first, self.recent.iter().map(|run| run.heard).fold(first, u64::max)))
    }

    /// Where the client's handshake ends, under TLS 1.3.
    pub(super) fn end_of_handshake(&self) -> u64 {
        let finished = self.beginning.iter().find(|(_, length)| FINISHED.contains(length));
        finished.or(self.beginning.first()).map_or(0, |(end, _)| *end)
    }

    /// Takes the client's handshake records, up to `end`, out of its first speech.
    pub(super) fn forget_handshake(&mut self, end: u64) {
        let inside: Vec<u16> =
            self.beginning.iter().filter(|(at, _)| *at <= end).map(|(_, length)| *length).collect();
        let Some(first) = self.recent.front_mut() else { return };
        if self.forgot || inside.is_empty() {
            return;
        }
        first.records = first.records.saturating_sub(inside.len() as u64);
        first.octets = first.octets.saturating_sub(inside.iter().map(|length| u64::from(*length)).sum());
        if first.records == 0 {
            self.recent.pop_front();
        }
    }

    /// Takes out what was said before the other end had sent octet `heard`: the server's handshake.
    pub(super) fn forget_before(&mut self, heard: u64) {
        self.recent.retain(|run| run.heard >= heard);
    }

    /// The remembered speeches, and the long ones with the number of those not kept.
    pub(super) fn finish(mut self, by: Role, protection: Protection) -> (Vec<Speech>, Vec<Speech>, u64) {
        for run in self.recent.clone() {
            self.keep_if_long(run);
        }
        let speech = |run: &Run| Speech {
            by,
            records: run.records,
            text: protection.text(run.records, run.octets),
            first: run.first,
            last: run.last,
        };
        let recent = self.recent.iter().map(speech).collect();
        (recent, self.long.iter().map(speech).collect(), self.long_dropped)
    }

    fn keep_if_long(&mut self, run: Run) {
        if run.octets < LONG {
            return;
        }
        if self.long.len() < Self::MAX_LONG {
            self.long.push(run);
        } else {
            self.long_dropped = self.long_dropped.saturating_add(1);
        }
    }
}
