//! Both sides read at once, each on its thread: sessions from the captures, connections from the logs.

use std::collections::BTreeSet;
use std::io::BufReader;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::OnceLock;

use ahash::AHashSet;

use crate::capture::{self, CaptureInput};
use crate::cite::{CaptureId, LogId, Notes};
use crate::input;
use crate::investigate::drops::Dropped;
use crate::investigate::inputs::{Kind, open_all_but};
use crate::investigate::{InputFacts, InputKind, InputRole, InvestigateError, Plan, Reader, Time, Watch};
use crate::join::clock::Clocks;
use crate::maillog::{self, LogInput, LogKind, MailLog, ReadOptions};
use crate::net::{Leg, canonical};
use crate::smtp::{self, Session};
use crate::time::Timestamp;

/// Client addresses remembered of connections that the log knows nothing of, for the notes.
const MAX_OTHER_CLIENTS: usize = 64;

/// What both sides gave.
pub(super) struct Gathered {
    pub(super) inputs: Vec<InputFacts>,
    pub(super) capture_paths: Vec<PathBuf>,
    pub(super) log_paths: Vec<PathBuf>,
    pub(super) log: MailLog,
    pub(super) sessions: Vec<Session>,
    pub(super) seen: Seen,
    pub(super) addresses: Addresses,
    pub(super) spans: Spans,
    pub(super) dropped: Dropped,
}

/// What was seen on the wire and not kept.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// SMTP connections of any address.
    pub(super) sessions: u64,
    /// Connections to the appliance from addresses that the log does not know.
    pub(super) dropped_to_appliance: u64,
    /// Some of their clients.
    pub(super) other_clients: BTreeSet<IpAddr>,
}

/// The time that the captures cover.
#[derive(Debug, Default)]
pub(super) struct Spans {
    /// The first and the last frame of all.
    pub(super) captures: Option<(Timestamp, Timestamp)>,
}

/// The addresses that the log knows, as they stand on the wire.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    remotes: AHashSet<IpAddr>,
    locals: AHashSet<IpAddr>,
    /// Some connection's address is not in the log: every flow may be it.
    some_unknown: bool,
}

impl Addresses {
    fn of(log: &MailLog, map: &[(IpAddr, IpAddr)]) -> Self {
        let mut this = Self::default();
        let dress = |ip: IpAddr| {
            let ip = canonical(ip);
            let mapped = map.iter().find(|(from, _)| canonical(*from) == ip).map(|(_, to)| canonical(*to));
            [Some(ip), mapped].into_iter().flatten()
        };
        for connection in &log.connections {
            match connection.remote {
                Some(remote) => this.remotes.extend(dress(remote)),
                None => this.some_unknown |= connection.leg == Leg::Injection,
            }
            if connection.leg == Leg::Injection {
                this.locals.extend(connection.local.into_iter().flat_map(dress));
            }
        }
        this
    }

    /// Whether the join may need this session.
    fn knows(&self, session: &Session) -> bool {
        self.some_unknown
            || self.remotes.contains(&canonical(session.client().ip))
            || self.remotes.contains(&canonical(session.server().ip))
    }

    /// Whether the session came to the appliance (as far as the log tells its addresses).
    pub(super) fn is_to_appliance(&self, session: &Session) -> bool {
        self.locals.is_empty() || self.locals.contains(&canonical(session.server().ip))
    }
}

/// Opens, tells apart and reads every input.
pub(super) fn gather(plan: &Plan, watch: &Watch) -> Result<Gathered, InvestigateError> {
    let mut sides = Sides::default();
    for opened in open_all_but(&plan.inputs, &plan.outside) {
        if let Kind::Capture(input) = &opened.kind {
            watch.expect(input.raw_len.unwrap_or(0));
        }
        sides.add(opened.path, opened.kind, plan.hash);
    }
    if sides.captures.is_empty() && sides.logs.is_empty() {
        return Err(InvestigateError::NothingReadable(sides.inputs));
    }
    if sides.logs.is_empty() {
        return Err(InvestigateError::NoLog(sides.inputs));
    }
    if sides.captures.is_empty() {
        return Err(InvestigateError::NoCapture(sides.inputs));
    }
    let options = wire_options(plan.reader, plan.filter.as_deref(), plan.decap, watch)?;
    let addresses: OnceLock<Addresses> = OnceLock::new();
    let (captures, logs) = (std::mem::take(&mut sides.captures), std::mem::take(&mut sides.logs));
    let (log, wire) = std::thread::scope(|scope| {
        let log = scope.spawn(|| {
            let log = maillog::read_logs(logs, ReadOptions::default());
            // The capture side keeps only what the log can speak of, from here on.
            let _ = addresses.set(Addresses::of(&log, &plan.address_map));
            log
        });
        let wire = follow(plan, captures, &options, &addresses, watch);
        (log.join().unwrap_or_default(), wire)
    });
    let (mut kept, captures) = wire;
    let addresses = addresses.into_inner().unwrap_or_default();
    kept.keep_known(&addresses, plan.keeps_all());
    sides.learn_captures(&captures);
    sides.learn_logs(&log, plan);
    let spans = captures.iter().filter_map(|capture| Some((capture.first?, capture.last?)));
    let spans = Spans { captures: spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) };
    kept.sessions.shrink_to_fit();
    Ok(Gathered {
        inputs: sides.inputs,
        capture_paths: sides.capture_paths,
        log_paths: sides.log_paths,
        log,
        sessions: kept.sessions,
        seen: kept.seen,
        addresses,
        spans,
        dropped: Dropped::of(&captures),
    })
}

fn follow(
    plan: &Plan,
    captures: Vec<CaptureInput>,
    options: &capture::Options,
    addresses: &OnceLock<Addresses>,
    watch: &Watch,
) -> (Kept, Vec<capture::CaptureFile>) {
    let mut kept = Kept::default();
    let keeps_all = plan.keeps_all();
    let sink = smtp::Sessions::new(&plan.ports, |mut session: Session| {
        kept.seen.sessions += 1;
        // Attribution will ask for traces; until then a report has no use for them.
        session.compact();
        match addresses.get() {
            Some(addresses) if !keeps_all && !addresses.knows(&session) => kept.drop(&session, addresses),
            _ => kept.sessions.push(session),
        }
    });
    let (sink, files) = capture::follow(captures, options, sink, &|octets| watch.progress(octets));
    let phrasebook = sink.phrasebook;
    // What a server said in clear later than the encrypted session counts as well.
    for session in &mut kept.sessions {
        phrasebook.teach(session);
    }
    (kept, files)
}

/// How captures are read, by the plan's word.
///
/// # Errors
/// A filter that does not compile, or a build without libpcap.
pub fn wire_options(
    reader: Reader,
    filter: Option<&str>,
    decap: bool,
    watch: &Watch,
) -> Result<capture::Options, InvestigateError> {
    Ok(capture::Options {
        reader: match reader {
            Reader::Native => capture::read::ReaderKind::Own,
            Reader::Libpcap => capture::read::ReaderKind::Libpcap,
        },
        filter: filter.map(capture::read::Filter::new).transpose()?,
        decap,
        traced: false,
        only: None,
        interrupted: Some(watch.interruption()),
    })
}

/// The sessions kept so far.
#[derive(Default)]
struct Kept {
    sessions: Vec<Session>,
    seen: Seen,
}

impl Kept {
    fn drop(&mut self, session: &Session, addresses: &Addresses) {
        if addresses.is_to_appliance(session) {
            self.seen.dropped_to_appliance += 1;
        }
        if self.seen.other_clients.len() < MAX_OTHER_CLIENTS {
            self.seen.other_clients.insert(canonical(session.client().ip));
        }
    }

    /// Drops what was kept before the log was known, and puts the rest in an order that does not
    /// depend on which flow happened to end first.
    fn keep_known(&mut self, addresses: &Addresses, keeps_all: bool) {
        // In place: a second list of them, or a buffer to sort by, would be as large as all the rest.
        let mut sessions = std::mem::take(&mut self.sessions);
        sessions.retain(|session| {
            let known = keeps_all || addresses.knows(session);
            if !known {
                self.drop(session, addresses);
            }
            known
        });
        sessions.sort_unstable_by_key(|session| (session.flow.first.time, session.flow.first.frame));
        self.sessions = sessions;
    }
}

impl Plan {
    /// Whether connections that the log does not know are to be listed too.
    fn keeps_all(&self) -> bool {
        self.all || !self.selection.remotes.is_empty()
    }
}

/// The inputs by side, and what is known of each.
#[derive(Default)]
struct Sides {
    inputs: Vec<InputFacts>,
    captures: Vec<CaptureInput>,
    logs: Vec<LogInput>,
    capture_paths: Vec<PathBuf>,
    log_paths: Vec<PathBuf>,
    /// For each capture and each log, its place among the inputs.
    capture_places: Vec<usize>,
    log_places: Vec<usize>,
}

impl Sides {
    fn add(&mut self, path: PathBuf, kind: Kind, hash: bool) {
        let place = self.inputs.len();
        let mut facts = InputFacts {
            path: path.clone(),
            kind: InputKind::Unusable,
            role: InputRole::Inside,
            bytes: 0,
            format: String::new(),
            sha256: None,
            first: None,
            last: None,
            records: 0,
            interfaces: Vec::new(),
            notes: Notes::default(),
        };
        match kind {
            Kind::Capture(input) => match u16::try_from(self.captures.len()) {
                Ok(id) => {
                    facts.kind = InputKind::Capture;
                    // Whoever reads it opens a regular file anew, by the reader that was asked for.
                    let opened = input::is_read_once(&path).then_some(input);
                    self.captures.push(CaptureInput { id: CaptureId(id), path: path.clone(), opened });
                    self.capture_paths.push(path);
                    self.capture_places.push(place);
                }
                Err(_) => facts.notes.loss("more captures than can be told apart", None),
            },
            Kind::Log(input) => match u16::try_from(self.logs.len()) {
                Ok(id) => {
                    facts.kind = InputKind::Log;
                    self.logs
                        .push(LogInput { id: LogId(id), reader: Box::new(BufReader::new(input.reader)) });
                    self.log_paths.push(path);
                    self.log_places.push(place);
                }
                Err(_) => facts.notes.loss("more logs than can be told apart", None),
            },
            Kind::Unusable(why) => facts.notes.loss(why, None),
        }
        if hash && facts.kind != InputKind::Unusable {
            match input::sha256(&facts.path) {
                Ok(sum) => facts.sha256 = sum,
                Err(error) => facts.notes.oddity(format!("no SHA-256: {error}"), None),
            }
        }
        self.inputs.push(facts);
    }

    fn learn_captures(&mut self, files: &[capture::CaptureFile]) {
        for file in files {
            let place = self.capture_places.get(usize::from(file.id.0));
            let Some(facts) = place.and_then(|place| self.inputs.get_mut(*place)) else { continue };
            facts.bytes = file.bytes;
            facts.records = file.frames;
            facts.format = file.description();
            facts.first = file.first.map(Time::Utc);
            facts.last = file.last.map(Time::Utc);
            facts.interfaces = file.interfaces.clone();
            facts.notes.merge(file.notes.clone());
            if let Some(error) = &file.error {
                facts.kind = InputKind::Unusable;
                facts.notes.loss(error.to_string(), None);
            }
        }
    }

    fn learn_logs(&mut self, log: &MailLog, plan: &Plan) {
        // Input times are shown by the log's own word; fits are the join's business.
        let clocks = Clocks::read(log, &[], plan.zone);
        for file in &log.files {
            let place = self.log_places.get(usize::from(file.file.0));
            let Some(facts) = place.and_then(|place| self.inputs.get_mut(*place)) else { continue };
            let index = log
                .clocks
                .iter()
                .position(|clock| clock.file == file.file)
                .and_then(|i| u16::try_from(i).ok());
            let time = |local| {
                let line = crate::cite::LogRef { file: file.file, line: 1 };
                let clock = maillog::ClockIndex(index.unwrap_or(u16::MAX));
                let stamp = maillog::Stamp { time: local, clock, line };
                clocks.as_logged(&stamp).map_or(Time::Local(local), Time::Utc)
            };
            facts.bytes = match std::fs::metadata(&facts.path) {
                Ok(metadata) if metadata.is_file() => metadata.len(),
                _ => file.bytes,
            };
            facts.records = file.records;
            if file.kind() == LogKind::Debug {
                facts.kind = InputKind::DebugLog;
            }
            facts.format = file.kind().description().to_owned();
            facts.first = file.first.map(time);
            facts.last = file.last.map(time);
            facts.notes.merge(file.notes.clone());
        }
    }
}
