//! Makes a packet capture, the mail log of the appliance that it was taken on, and the truth about both: any number of
//! sessions, written as they happen, so that memory depends on the sessions that are open and not on the capture.
//!
//! Same options, same octets. Nothing of mailwitness is used here, so that neither can be wrong with the other.
//!
//! A [`story::Story`] says how a session goes; [`tale`] and [`script`] make it steps, [`session`] runs them, and
//! [`tcp`], [`flight`] and [`close`] turn what is said into segments, with what path and capture do to them.
//! [`frames`], [`packet`] and [`file`] write those down; [`lines`] and [`journal`] write the log, [`outcome`] and
//! [`truth`] the truth. One queue keeps all open sessions in the order of time.
//!
//! [`oddity`] holds what is rare: files, links, tunnels, fragments, segments and dialogues as few have them, on demand.
//!
//! Not modelled: delivery connections on the wire, implicit TLS, IP options, middleboxes (no forged RST), ICMP.
//!
//! Times are nanoseconds since 1970 in UTC; a stream's offsets count its SYN as octet 0.

mod aftermath;
mod body;
mod close;
mod file;
mod flight;
mod frames;
mod journal;
mod lines;
mod message;
#[allow(clippy::indexing_slicing, reason = "packets are made here: what is in them is known")]
pub(crate) mod oddity;
mod options;
mod outcome;
mod packet;
mod rng;
mod script;
mod segment;
mod sender;
mod session;
pub(crate) mod story;
mod tale;
mod tcp;
mod tls;
mod truth;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};

use body::Pool;
use file::CaptureWriter;
use journal::Journal;
use rng::Rng;
use sender::{MILLI, SECOND, Sender, appliance};
use session::{Session, World};
use story::{Mix, Story};

pub(crate) use options::Options;

/// Sessions without a word about it.
const SESSIONS_DEFAULT: u64 = 200;
/// How long after the last of the early connections the capture begins, and how the late ones are spaced.
const EARLY_LEAD: i64 = 300 * MILLI;
const LATE_SPACING: i64 = 700 * MILLI;

/// Where it all goes.
#[derive(Debug)]
pub(crate) struct Sinks<C, L, T> {
    pub(crate) capture: C,
    pub(crate) log: L,
    pub(crate) truth: T,
}

/// What was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) sessions: u64,
    pub(crate) frames: u64,
    /// Octets of the capture, before compression.
    pub(crate) octets: u64,
    pub(crate) log_lines: u64,
    pub(crate) log_octets: u64,
    /// Most sessions that were open at once.
    pub(crate) most_open: usize,
}

/// Makes everything. The sinks come back, so that whoever compresses can finish.
///
/// # Errors
/// Those of the sinks.
pub(crate) fn generate<C: Write, L: Write, T: Write>(
    options: &Options,
    sinks: Sinks<C, L, T>,
) -> io::Result<(Summary, Sinks<C, L, T>)> {
    Generator::new(options, sinks)?.run()
}

/// The state of a run.
struct Generator<C, L, T> {
    world: World<L>,
    capture: CaptureWriter<C>,
    truth: T,
    mix: Mix,
    senders: Vec<Sender>,
    rng: Rng,
    /// Open sessions, their places free to be taken again, and when each has its next segment.
    open: Vec<Option<Session>>,
    free: Vec<usize>,
    queue: BinaryHeap<Reverse<(i64, u64, usize)>>,
    started: u64,
    expected_octets: u64,
    scratch: Vec<u8>,
    most_open: usize,
}

impl<C: Write, L: Write, T: Write> Generator<C, L, T> {
    fn new(options: &Options, sinks: Sinks<C, L, T>) -> io::Result<Self> {
        let options = &options.with_oddities();
        let senders: Vec<_> = (0..options.senders).map(|index| Sender::new(options, index)).collect();
        let of = std::net::IpAddr::from([0, 0, 0, 0]);
        let mut rng = Rng::new(options.seed, u64::MAX - 2);
        let world = World {
            options: options.clone(),
            pool: Pool::new(options.seed),
            journal: Journal::new(sinks.log, options, appliance(of).to_string()),
            icid: 10_000 + rng.below(4_000_000),
            mid: 1_000 + rng.below(2_000_000),
            now: i64::MIN,
            capture_from: if options.early == 0 { i64::MIN } else { i64::MAX },
            capture_until: i64::MAX,
        };
        Ok(Self {
            world,
            capture: CaptureWriter::new(sinks.capture, options)?,
            truth: sinks.truth,
            mix: options.mix.clone().unwrap_or_default(),
            senders,
            rng,
            open: Vec::new(),
            free: Vec::new(),
            queue: BinaryHeap::new(),
            started: 0,
            expected_octets: 0,
            scratch: Vec::with_capacity(2_048),
            most_open: 0,
        })
    }

    fn run(mut self) -> io::Result<(Summary, Sinks<C, L, T>)> {
        let mut next_start = self.world.options.start * SECOND + self.rng.below(SECOND as u64) as i64;
        while self.wants_more() {
            let at = self.queue.peek().map_or(i64::MAX, |Reverse((at, ..))| *at);
            if next_start <= at {
                self.start(next_start)?;
                if self.started == self.world.options.early && self.world.capture_from == i64::MAX {
                    self.world.capture_from = next_start + EARLY_LEAD;
                }
                let pause = self.rng.exponential(SECOND as f64 / self.world.options.rate);
                next_start += (pause as i64).max(1);
            } else {
                self.step()?;
            }
        }
        // Fewer connections than early ones: the capture begins behind them all.
        self.world.capture_from = self.world.capture_from.min(self.world.now);
        while !self.queue.is_empty() {
            self.step()?;
        }
        self.late(self.world.now.max(next_start) + SECOND)?;
        self.world.journal.flush_before(i64::MAX)?;
        if !self.world.options.log_only {
            self.capture.finish(self.world.now)?;
        }
        let summary = Summary {
            sessions: self.started,
            frames: self.capture.frames,
            octets: self.capture.octets,
            log_lines: self.world.journal.lines,
            log_octets: self.world.journal.octets,
            most_open: self.most_open,
        };
        let sinks = Sinks {
            capture: self.capture.into_inner(),
            log: self.world.journal.into_inner(),
            truth: self.truth,
        };
        Ok((summary, sinks))
    }

    fn wants_more(&self) -> bool {
        let options = &self.world.options;
        let enough_octets = options.octets.is_some_and(|octets| self.expected_octets >= octets);
        let most = match (options.sessions, options.octets) {
            (Some(sessions), _) => sessions,
            (None, Some(_)) => u64::MAX,
            (None, None) => SESSIONS_DEFAULT,
        };
        !enough_octets && self.started < most
    }

    /// The last sessions: the capture ends while they are open, the log goes on.
    fn late(&mut self, from: i64) -> io::Result<()> {
        let late = self.world.options.late as i64;
        let mut at = from;
        for _ in 0..late {
            while self.queue.peek().is_some_and(|Reverse((next, ..))| *next <= at) {
                self.step()?;
            }
            self.start(at)?;
            at += LATE_SPACING;
        }
        self.world.capture_until = at;
        while !self.queue.is_empty() {
            self.step()?;
        }
        Ok(())
    }

    /// Opens a session at `at`, unless its sender has no port left.
    fn start(&mut self, at: i64) -> io::Result<()> {
        // Few senders make most connections.
        let (a, b) = (self.rng.unit(), self.rng.unit());
        let place = (a * b * self.senders.len() as f64) as usize;
        let story = self.rng.weighted(&self.mix.0).unwrap_or(Story::Deliver);
        let Some(sender) = self.senders.get_mut(place) else { return Ok(()) };
        let Some(port) = sender.take_port(at) else { return Ok(()) };
        let mut session = Session::open(&self.world.options, self.started, story, sender, place, port, at);
        self.started += 1;
        self.world.now = at;
        self.expected_octets += session.expected_octets();
        let next = session.advance(&mut self.world, sender);
        let slot = self.free.pop().unwrap_or(self.open.len());
        let Some(next) = next else { return Ok(()) };
        self.queue.push(Reverse((next, session.number, slot)));
        match self.open.get_mut(slot) {
            Some(place) => *place = Some(session),
            None => self.open.push(Some(session)),
        }
        self.most_open = self.most_open.max(self.queue.len());
        Ok(())
    }

    /// Writes the next segment of all.
    fn step(&mut self) -> io::Result<()> {
        let Some(Reverse((at, number, slot))) = self.queue.pop() else { return Ok(()) };
        debug_assert!(at >= self.world.now, "session {number} goes back in time");
        self.world.now = at;
        self.world.journal.flush_before(at)?;
        let Some(place) = self.open.get_mut(slot) else { return Ok(()) };
        let Some(session) = place else { return Ok(()) };
        let Some(sender) = self.senders.get_mut(session.sender) else { return Ok(()) };
        let capture = (!self.world.options.log_only).then_some(&mut self.capture);
        session.write(&self.world, sender, capture, &mut self.scratch)?;
        match session.advance(&mut self.world, sender) {
            Some(next) => self.queue.push(Reverse((next, number, slot))),
            None => {
                sender.release(session.port, at);
                let truth = session.truth(&self.world, sender);
                serde_json::to_writer(&mut self.truth, &truth)?;
                self.truth.write_all(b"\n")?;
                *place = None;
                self.free.push(slot);
            }
        }
        Ok(())
    }
}
