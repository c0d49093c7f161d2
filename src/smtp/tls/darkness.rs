//! Both directions of an encrypted stretch while it passes.

use std::collections::VecDeque;

use super::hello::{Hello, HelloReader};
use super::lengths::Protection;
use super::records::{RecordReader, RecordSink};
use super::speeches::Runs;
use super::{
    ALERT, ALERT_OCTETS, APPLICATION_DATA, Alert, AlertDescription, CHANGE_CIPHER_SPEC, Encryption,
    EncryptionStart, HANDSHAKE, LastRecord, Record, TlsVersion,
};
use crate::cite::{Moment, sort_by_moment};
use crate::net::Role;

/// See the module.
#[derive(Debug)]
pub(crate) struct Darkness {
    pub(crate) how: EncryptionStart,
    /// The reply that accepted STARTTLS.
    pub(crate) accepted: Option<Moment>,
    pub(crate) not_tls: bool,
    client: Direction,
    server: Direction,
}

/// Some octets of one direction, and where they stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'a> {
    pub(crate) octets: &'a [u8],
    /// Where they end in their stream.
    pub(crate) end: u64,
    pub(crate) at: Moment,
    /// How much of the other stream had been received.
    pub(crate) acknowledged: u64,
}

#[derive(Debug, Default)]
struct Direction {
    reader: RecordReader,
    first: Option<Moment>,
    facts: Facts,
}

#[derive(Debug, Default)]
struct Facts {
    records: VecDeque<Record>,
    seen: u64,
    last: Option<Moment>,
    application_data: bool,
    handshake: bool,
    cipher_changed: bool,
    tls13: Option<bool>,
    hello_reader: HelloReader,
    hello: Option<Hello>,
    alert: Option<(AlertDescription, Moment)>,
    /// Where its first record ends in its stream, and the last one.
    first_end: Option<u64>,
    last_end: u64,
    /// The last two octets of any record's content.
    last_octets: [u8; 2],
    runs: Runs,
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
    pub(crate) fn read(&mut self, role: Role, piece: Piece<'_>) {
        let direction = self.of(role);
        direction.first.get_or_insert(piece.at);
        let Direction { reader, facts, .. } = direction;
        reader.read(piece.octets, &mut Found { by: role, piece, facts });
    }

    /// Octets of one direction are missing.
    pub(crate) fn gap(&mut self, role: Role, length: u64) {
        let direction = self.of(role);
        direction.reader.gap(length);
        direction.facts.hello_reader.give_up();
    }

    /// Whether a direction can no longer be told into records.
    pub(crate) fn lost(&self) -> bool {
        self.client.reader.lost() || self.server.reader.lost()
    }

    /// What is kept of it. `fallback` is when it began if neither direction brought an octet.
    pub(crate) fn finish(self, fallback: Moment) -> Encryption {
        let Self { how, accepted, not_tls, client, server } = self;
        let not_tls = not_tls || client.reader.never_tls() || server.reader.never_tls();
        let first = client.first.into_iter().chain(server.first).min();
        let cut = |role, direction: &Direction| direction.reader.missing().map(|missing| (role, missing));
        let cut_record = cut(Role::Client, &client).or_else(|| cut(Role::Server, &server));
        let (mut client, mut server) = (client.facts, server.facts);
        let last = |by, facts: &Facts| facts.last.map(|at| LastRecord { by, at, end: facts.last_end });
        let last_records = [last(Role::Client, &client), last(Role::Server, &server)];
        let last_record = last_records
            .into_iter()
            .flatten()
            .reduce(|one, other| if one.at.precedes(other.at) { other } else { one });
        let mut records: Vec<Record> = client.records.drain(..).chain(server.records.drain(..)).collect();
        sort_by_moment(&mut records, |record| record.at);
        records.drain(..records.len().saturating_sub(Encryption::MAX_RECORDS));
        records.shrink_to_fit();

        let (version, cipher_suite) = match server.hello.take() {
            Some(Hello::Server { version, cipher_suite }) => (Some(TlsVersion(version)), Some(cipher_suite)),
            _ => (None, None),
        };
        let server_name = match client.hello.take() {
            Some(Hello::Client { server_name }) => server_name,
            _ => None,
        };
        let tls13 = version.map(|version| version.0 >= 0x0304).or(client.tls13).or(server.tls13);
        if !client.hears(&server) || !server.hears(&client) {
            (client.runs, server.runs) = (Runs::default(), Runs::default());
        }
        if tls13 == Some(true) {
            // Only where the handshake is in the file; else all is speech.
            let finished = if client.handshake { client.runs.end_of_handshake() } else { 0 };
            client.runs.forget_handshake(finished);
            server.runs.forget_before(finished);
        }
        let protection = Protection::of(version.map(|version| version.0), cipher_suite);
        let alerts = [(Role::Client, client.alert), (Role::Server, server.alert)];
        let alert = alerts
            .into_iter()
            .filter_map(|(by, alert)| alert.map(|(description, at)| Alert { by, description, at }))
            .reduce(|one, other| if one.at.precedes(other.at) { other } else { one });
        let (mut speeches, long_speeches, long_speeches_dropped) =
            client.runs.finish(Role::Client, protection);
        speeches.extend(server.runs.finish(Role::Server, protection).0);
        sort_by_moment(&mut speeches, |speech| speech.first);
        Encryption {
            version,
            cipher_suite,
            server_name,
            records,
            records_seen: client.seen.saturating_add(server.seen),
            speeches,
            long_speeches,
            long_speeches_dropped,
            last_record,
            tls13,
            established: client.application_data && server.application_data,
            alert,
            cut_record,
            not_tls,
            ..Encryption::begun(how, accepted.or(first).unwrap_or(fallback))
        }
    }
}

impl Facts {
    /// Whether the acknowledgment numbers of this end can be true, as those of hand-made captures
    /// often are not: who sends application data has received the other end's hello, and nobody has
    /// received what was not sent.
    fn hears(&self, other: &Self) -> bool {
        let (Some((first, last)), Some(hello)) = (self.runs.heard(), other.first_end) else { return true };
        !other.handshake || (last >= hello && first <= other.last_end)
    }
}

/// Takes the records of one piece.
struct Found<'a> {
    by: Role,
    piece: Piece<'a>,
    facts: &'a mut Facts,
}

impl RecordSink for Found<'_> {
    fn content(&mut self, content_type: u8, octets: &[u8]) {
        if content_type == HANDSHAKE && !self.facts.cipher_changed && self.facts.hello.is_none() {
            self.facts.hello = self.facts.hello_reader.read(octets);
        }
        let from = octets.len().saturating_sub(2);
        for &octet in octets.get(from..).unwrap_or_default() {
            let [_, before] = self.facts.last_octets;
            self.facts.last_octets = [before, octet];
        }
    }

    fn whole(&mut self, content_type: u8, length: u16, behind: usize) {
        let Self { by, piece, facts } = self;
        let at = piece.at;
        let end = piece.end.saturating_sub(behind as u64);
        facts.first_end.get_or_insert(end);
        facts.last_end = end;
        facts.seen = facts.seen.saturating_add(1);
        facts.last = Some(at);
        facts.application_data |= content_type == APPLICATION_DATA;
        facts.handshake |= content_type == HANDSHAKE;
        match content_type {
            CHANGE_CIPHER_SPEC => facts.cipher_changed = true,
            HANDSHAKE if facts.cipher_changed && facts.tls13.is_none() => facts.tls13 = Some(false),
            APPLICATION_DATA if facts.cipher_changed && facts.tls13.is_none() => facts.tls13 = Some(true),
            ALERT if length == ALERT_OCTETS => {
                let [_, description] = facts.last_octets;
                facts.alert = Some((AlertDescription(description), at));
            }
            _ => {}
        }
        if content_type == APPLICATION_DATA {
            // An alert of TLS 1.3 looks the same, and is no speech.
            if length != super::ALERT_OF_TLS13 || facts.tls13 == Some(false) {
                facts.runs.record(length, end, piece.acknowledged, at);
            }
        }
        if matches!(content_type, APPLICATION_DATA | ALERT) {
            if facts.records.len() == Encryption::MAX_RECORDS {
                facts.records.pop_front();
            }
            let acknowledged = piece.acknowledged;
            facts.records.push_back(Record { by: *by, content_type, length, at, end, acknowledged });
        }
    }
}
