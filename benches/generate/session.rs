//! A session that is open: it runs its steps, and turns the segments that they make into frames.

use std::collections::VecDeque;
use std::io::{self, Write};

use super::body::Pool;
use super::file::CaptureWriter;
use super::frames::Frames;
use super::journal::Journal;
use super::message::Message;
use super::oddity::segments::Shapes;
use super::oddity::{Oddity, words};
use super::options::{Link, Options};
use super::rng::Rng;
use super::script::{Script, Step};
use super::segment::{Dir, Mark, Payload};
use super::sender::{MICRO, MILLI, SECOND, Sender};
use super::story::Story;
use super::tcp::{Conn, Faults};
use super::tls::Cipher;
use super::truth::Fate;

/// Pause between two keep-alives (what many systems take when asked for short ones).
const KEEP_ALIVE: i64 = 75 * SECOND;

/// What a session needs of the world around it.
#[derive(Debug)]
pub(crate) struct World<L> {
    pub(crate) options: Options,
    pub(crate) pool: Pool,
    pub(crate) journal: Journal<L>,
    /// The appliance's counters.
    pub(crate) icid: u64,
    pub(crate) mid: u64,
    /// The time reached.
    pub(crate) now: i64,
    /// Frames before and after these times are not in the capture.
    pub(crate) capture_from: i64,
    pub(crate) capture_until: i64,
}

/// An open session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) number: u64,
    pub(crate) story: Story,
    pub(crate) sender: usize,
    pub(crate) port: u16,
    /// When the SYN came.
    pub(crate) began: i64,
    pub(crate) messages: Vec<Message>,
    pub(crate) mids: Vec<Option<u64>>,
    pub(crate) icid: Option<u64>,
    pub(crate) fate: Fate,
    pub(crate) cipher: Option<Cipher>,
    pub(crate) pipelining: bool,
    pub(crate) frames: Frames,
    /// Octets of each body that were sent.
    pub(crate) body_sent: Vec<u64>,
    pub(crate) conn: Conn,
    pub(crate) rng: Rng,
    /// No line of this session is earlier than the last.
    logged: i64,
    steps: VecDeque<Step>,
    /// When the connection was made.
    connected: i64,
    encrypted: bool,
    shapes: Shapes,
}

impl Session {
    /// Opens a session whose SYN comes at `began`.
    pub(crate) fn open(
        options: &Options,
        number: u64,
        story: Story,
        sender: &Sender,
        place: usize,
        port: u16,
        began: i64,
    ) -> Self {
        let mut rng = Rng::new(options.seed, number);
        let tls = rng.chance(options.tls);
        let cipher = tls.then(|| if rng.chance(options.tls12) { Cipher::Tls12 } else { Cipher::Tls13 });
        let count = match story {
            Story::DeliverMany => rng.between(2, i64::from(options.messages)) as u8,
            Story::Rset | Story::LimitBody => 2,
            Story::FinConnect | Story::FinEhlo | Story::SilenceConnect | Story::LimitConnections => 0,
            _ => 1,
        };
        let messages: Vec<_> = (0..count)
            .map(|index| Message::new(options, sender, story, number, index, cipher, &mut rng))
            .collect();
        let lookup = (rng.unit() * rng.unit() * options.lag * SECOND as f64) as i64;
        let habits = words::habits(&options.oddity, sender);
        let (steps, mut fate) = Script::write(story, sender, &messages, cipher, habits, lookup, &mut rng);
        let steps = words::reworked(&options.oddity, steps, &mut fate, &messages, cipher.is_some());
        let faults = Faults {
            reorder: options.reorder,
            duplicate: options.duplicate,
            loss: options.loss,
            overlap: options.overlap,
            holes: options.holes,
            dialog_holes: options.dialog_holes,
        };
        Self {
            number,
            story,
            sender: place,
            port,
            began,
            mids: vec![None; messages.len()],
            icid: None,
            fate,
            cipher: cipher.filter(|_| steps.iter().any(|step| matches!(step, Step::Tls(_)))),
            pipelining: habits.pipelining,
            frames: Frames::new(messages.len(), &mut rng),
            body_sent: vec![0; messages.len()],
            conn: Conn::new(sender, began, options.wrap, faults, &mut rng),
            messages,
            rng,
            logged: began,
            steps: steps.into(),
            connected: began,
            encrypted: false,
            shapes: Shapes::new(&options.oddity, story == Story::ReplyUnheard),
        }
    }

    /// Octets that this session will put in the capture, roughly: known before its first step.
    pub(crate) fn expected_octets(&self) -> u64 {
        /// Handshake and close; headers of one segment that is said; beside a full segment its own headers and half
        /// an acknowledgement.
        const AROUND: u64 = 600;
        const SAID: u64 = 130;
        const BESIDE: u64 = 12;
        self.steps.iter().fold(AROUND, |octets, step| {
            octets
                + match step {
                    Step::Client { words, .. } | Step::Server { words, .. } => SAID + words.len() as u64,
                    Step::Body { sending, .. } => sending.until + sending.until / BESIDE,
                    Step::Tls(_) => 5_000,
                    _ => 0,
                }
        })
    }

    /// Runs steps until a segment is to be sent, or a number of the appliance's counters to be taken, which must
    /// happen in the order of time over all sessions; gives that time, or `None` at the end of the session.
    pub(crate) fn advance<L: Write>(&mut self, world: &mut World<L>, sender: &Sender) -> Option<i64> {
        while self.conn.pending.is_empty() {
            let step = match self.steps.pop_front()? {
                Step::Log(entry) => Step::LogAt(entry, self.log_time()),
                step => step,
            };
            if let Step::LogAt(entry, at) = step
                && entry.is_numbered()
                && at > world.now
            {
                self.steps.push_front(step);
                return Some(at);
            }
            self.run(step, world, sender);
            self.conn.settle();
            if self.shapes.any() {
                let early = self.steps.iter().find_map(|step| match step {
                    Step::Client { words, .. } if self.conn.text.is_empty() => Some(words.clone()),
                    _ => None,
                });
                let early = early.map(|words| self.shapes.lines(words));
                self.conn.rework(&mut self.shapes, early.as_deref());
            }
        }
        self.conn.pending.front().map(|segment| segment.at)
    }

    /// Writes the next segment.
    pub(crate) fn write<L: Write, C: Write>(
        &mut self,
        world: &World<L>,
        sender: &Sender,
        out: Option<&mut CaptureWriter<C>>,
        scratch: &mut Vec<u8>,
    ) -> io::Result<()> {
        let Some(mut segment) = self.conn.pending.pop_front() else { return Ok(()) };
        let in_body = matches!(segment.payload, Payload::Body { .. });
        segment.hidden |= !in_body && self.rng.chance(self.conn.faults.dialog_holes);
        segment.hidden |= world.options.oddity.has(match segment.dir {
            Dir::Client => Oddity::ServerOnly,
            Dir::Server => Oddity::ClientOnly,
        });
        let seen = segment.at >= world.capture_from && segment.at < world.capture_until;
        self.frames.late |= segment.at >= world.capture_until;
        let Some(out) = out else { return Ok(()) };
        // A segment that the capture does not have still moves the clocks of both ends.
        let header = self.frames.header(&self.conn, &segment, sender, self.port, world.options.port);
        if segment.hidden && seen {
            self.frames.holes(in_body);
        }
        if segment.hidden || !seen {
            return Ok(());
        }
        let (conn, messages) = (&self.conn, &self.messages);
        let link = if out.wire.is_some() { Link::Raw } else { world.options.link };
        super::packet::build(scratch, link, &header, self.frames.options(), |octets| {
            super::frames::payload(conn, messages, &world.pool, segment.payload, octets);
        });
        if let Some(mut wire) = out.wire.take() {
            let macs = super::packet::macs(header.inbound);
            let (packets, completing) = wire.packets(scratch);
            for (place, packet) in packets.iter().enumerate() {
                for (copy, frame) in wire.frames(packet, &macs, out.interface()).iter().enumerate() {
                    let number = out.frame(segment.at, frame)?;
                    match (place, copy) {
                        (place, 0) if place == completing => self.frames.written(number, &segment),
                        _ => self.frames.beside(number),
                    }
                }
            }
            out.wire = Some(wire);
            return Ok(());
        }
        let number = out.frame(segment.at, scratch)?;
        self.frames.written(number, &segment);
        Ok(())
    }

    fn run<L: Write>(&mut self, step: Step, world: &mut World<L>, sender: &Sender) {
        match step {
            Step::Handshake => {
                self.conn.handshake(&mut self.rng);
                self.connected = self.conn.now;
            }
            Step::Log(entry) => {
                let at = self.log_time();
                self.log(entry, at, world, sender);
            }
            Step::LogAt(entry, at) => {
                // The reply comes after the line.
                self.conn.server_works((at - self.conn.now).max(0));
                self.log(entry, at, world, sender);
            }
            Step::Client { words, think, mark } => {
                let words = self.sealed(words, &world.pool);
                self.conn.client_says(&words, think, mark, &mut self.rng);
            }
            Step::Work(work) => self.conn.server_works(work),
            Step::Server { words, mark } => self.answer(words, mark, &world.pool),
            Step::Accepted(index) => {
                let mid = self.mids.get(usize::from(index)).copied().flatten().unwrap_or(0);
                self.answer(format!("250 ok:  Message {mid} accepted\r\n"), Mark::Reply(index), &world.pool);
            }
            Step::Tls(cipher) => self.start_tls(cipher, &sender.helo, &world.pool),
            Step::Body { mut sending, deadline } => {
                self.conn.fly(&mut sending, &mut self.rng);
                if let Some(sent) = self.body_sent.get_mut(usize::from(sending.message)) {
                    *sent = sending.sent;
                }
                let rest = sending.drip.unwrap_or(0);
                match deadline.map(|deadline| self.connected + deadline) {
                    Some(deadline) if self.conn.now + rest + SECOND > deadline => {
                        self.conn.server_works((deadline - self.conn.now).max(0));
                    }
                    _ if sending.sent < sending.until => {
                        self.steps.push_front(Step::Body { sending, deadline });
                    }
                    _ => {}
                }
            }
            Step::Quiet { until, keep_alive: false } => self.conn.quiet_until(self.connected + until),
            Step::Quiet { until, keep_alive: true } => {
                self.conn.keep_alive_until(KEEP_ALIVE, self.connected + until);
            }
            Step::Unheard { until } => self.conn.unheard_until(self.connected + until),
            Step::CloseNotify => {
                if let Some(cipher) = self.cipher {
                    let mut record = Vec::new();
                    cipher.close_notify(&world.pool, &mut self.rng, &mut record);
                    self.conn.server_says(&record, Mark::None, &mut self.rng);
                }
            }
            Step::ClientFin { think, mark } => self.conn.client_fin(think, mark),
            Step::ClientRst { think } => self.conn.client_rst(think),
            Step::ServerFin(answer, mark) => self.conn.server_fin(answer, mark, &mut self.rng),
            Step::ServerRst { message, from } => self.conn.server_rst(message, from),
            Step::Expel { words, answer } => {
                let words = self.sealed(words.to_owned(), &world.pool);
                self.conn.expel(&words, answer, &mut self.rng);
            }
        }
    }

    /// Octets of a body when it was sent whole: a last chunk has no dot.
    pub(crate) fn body_until(&self, message: &Message) -> u64 {
        match self.cipher.is_none() && self.shapes.chunked() {
            true => message.body.octets(),
            false => message.body.wire_octets(),
        }
    }

    /// When a line is written: now, and never before the one that came before it.
    fn log_time(&mut self) -> i64 {
        self.logged = (self.conn.now + self.rng.between(10, 400) * MICRO).max(self.logged);
        self.logged
    }

    fn answer(&mut self, words: String, mark: Mark, pool: &Pool) {
        let words = self.sealed(words, pool);
        self.conn.server_works(self.rng.between(40, 600) * MICRO);
        self.conn.server_says(&words, mark, &mut self.rng);
    }

    /// The words as they go over the wire.
    fn sealed(&mut self, words: String, pool: &Pool) -> Vec<u8> {
        let words = self.shapes.lines(words);
        match self.cipher.filter(|_| self.encrypted) {
            Some(cipher) => {
                let mut record = Vec::new();
                cipher.seal(words.len(), pool, &mut self.rng, &mut record);
                record
            }
            None => words.into_bytes(),
        }
    }

    fn start_tls(&mut self, cipher: Cipher, name: &str, pool: &Pool) {
        let rng = &mut self.rng;
        let hello = cipher.client_hello(name, rng);
        self.conn.client_says(&hello, rng.between(1, 9) * MILLI, Mark::None, rng);
        self.conn.server_works(rng.between(800, 4_000) * MICRO);
        let hello = cipher.server_hello(pool, rng);
        self.conn.server_says(&hello, Mark::None, rng);
        let finished = cipher.client_finished(pool, rng);
        self.conn.client_says(&finished, rng.between(1, 5) * MILLI, Mark::None, rng);
        if let Some(tickets) = cipher.tickets(pool, rng) {
            self.conn.server_works(rng.between(100, 900) * MICRO);
            self.conn.server_says(&tickets, Mark::None, rng);
        }
        self.encrypted = true;
    }
}
