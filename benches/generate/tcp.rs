//! One TCP connection as the appliance's own network card sees it: times are when a segment of the sender arrives and
//! when one of the appliance leaves. Both ends follow the rules (RFC 9293, RFC 1122 section 4.2.3.2 for delayed
//! acknowledgements); the path and the capture do what the options say.

use std::collections::VecDeque;

use super::packet::flag;
use super::rng::Rng;
use super::segment::{Dir, Extra, Mark, Payload, Segment};
use super::sender::{MICRO, MILLI, SECOND, Sender, Stack};

/// What goes wrong, as shares of segments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    pub(crate) reorder: f64,
    pub(crate) duplicate: f64,
    pub(crate) loss: f64,
    pub(crate) overlap: f64,
    pub(crate) holes: f64,
    pub(crate) dialog_holes: f64,
}

/// One end.
#[derive(Debug)]
pub(crate) struct End {
    /// Initial sequence number.
    pub(crate) isn: u32,
    /// What it sends next.
    pub(crate) next: u64,
    /// What it has received of the other.
    pub(crate) heard: u64,
    ip_id: u16,
}

impl End {
    fn new(rng: &mut Rng, wrap: f64) -> Self {
        // Near the wrap: the numbers start again within the first 64 KiB.
        let isn = if rng.chance(wrap) { u32::MAX - rng.below(65_536) as u32 } else { rng.next() as u32 };
        Self { isn, next: 0, heard: 0, ip_id: rng.next() as u16 }
    }

    /// The IP identification of its next packet.
    pub(crate) fn take_id(&mut self) -> u16 {
        self.ip_id = self.ip_id.wrapping_add(1);
        self.ip_id
    }
}

/// How long either end waits with an acknowledgement.
const CLIENT_DELAY: i64 = 40 * MILLI;
pub(crate) const SERVER_DELAY: i64 = 100 * MILLI;
/// How long the appliance's kernel takes for an answer of its own.
pub(crate) const KERNEL: i64 = 25 * MICRO;
/// Lowest retransmission timeout beside the round trip (Linux), and that of a SYN (RFC 6298, section 2.1).
pub(crate) const RTO_MIN: i64 = 200 * MILLI;
const RTO_SYN: i64 = SECOND;

/// A connection.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) client: End,
    pub(crate) server: End,
    /// The time reached.
    pub(crate) now: i64,
    /// Who spoke last.
    pub(crate) spoke: Dir,
    pub(crate) rtt: i64,
    pub(crate) gap: i64,
    pub(crate) mss: u16,
    pub(crate) stack: Stack,
    pub(crate) faults: Faults,
    /// Segments to come, in the order of time once [`Self::settle`] has run.
    pub(crate) pending: VecDeque<Segment>,
    /// All that was said outside of bodies.
    pub(crate) text: Vec<u8>,
    /// Since when an end has owed an acknowledgement.
    pub(crate) client_owes: Option<i64>,
    pub(crate) server_owes: Option<i64>,
    /// What the appliance has sent and the sender not acknowledged.
    pub(crate) unheard: Vec<(u64, Payload)>,
    /// Segments of a body that go out in one round trip, and when the next may.
    pub(crate) flight: u64,
    pub(crate) flight_ready: i64,
}

impl Conn {
    /// A connection whose SYN arrives at `at`.
    pub(crate) fn new(sender: &Sender, at: i64, wrap: f64, faults: Faults, rng: &mut Rng) -> Self {
        // RFC 7323, section 3: timestamps take 12 octets of every segment.
        let stamps = if sender.stack.timestamps() { 12 } else { 0 };
        Self {
            client: End::new(rng, wrap),
            server: End::new(rng, wrap),
            now: at,
            spoke: Dir::Client,
            rtt: sender.rtt,
            gap: sender.gap,
            mss: sender.mss - stamps,
            stack: sender.stack,
            faults,
            pending: VecDeque::new(),
            text: Vec::new(),
            client_owes: None,
            server_owes: None,
            unheard: Vec::new(),
            flight: 10,
            flight_ready: at,
        }
    }

    /// Puts what is pending in the order of time.
    pub(crate) fn settle(&mut self) {
        self.pending.make_contiguous().sort_by_key(|segment| segment.at);
    }

    /// SYN, SYN-ACK, ACK.
    pub(crate) fn handshake(&mut self, rng: &mut Rng) {
        loop {
            self.send(Dir::Client, self.now, flag::SYN, 0, Payload::NONE, Extra::Syn);
            self.client.next = 1;
            self.server.heard = 1;
            let answered = self.now + KERNEL;
            self.send(Dir::Server, answered, flag::SYN | flag::ACK, 0, Payload::NONE, Extra::Syn);
            self.server.next = 1;
            self.client.heard = 1;
            if !rng.chance(self.faults.loss) {
                self.now = answered + self.rtt;
                break;
            }
            // The SYN-ACK was lost behind the capture.
            self.now += RTO_SYN;
        }
        self.send(Dir::Client, self.now, flag::ACK, 1, Payload::NONE, Extra::Usual);
    }

    /// The sender says something after thinking about it.
    pub(crate) fn client_says(&mut self, words: &[u8], think: i64, mark: Mark, rng: &mut Rng) {
        let lost = rng.chance(self.faults.loss);
        let mut at = self.client_turn(think + if lost { self.rtt + RTO_MIN } else { 0 });
        if lost {
            self.client.take_id();
        }
        let mut pieces = self.remember(words).peekable();
        let mut mark = mark;
        while let Some(piece) = pieces.next() {
            let push = if pieces.peek().is_none() { flag::PSH } else { 0 };
            self.send(Dir::Client, at, flag::ACK | push, self.client.next, piece, Extra::Usual);
            self.mark_last(std::mem::take(&mut mark));
            self.client.next += piece.length();
            self.server.heard = self.client.next;
            at += self.gap;
        }
        self.now = at - self.gap;
        self.server_owes = Some(self.now);
        self.spoke = Dir::Client;
        if rng.chance(self.faults.duplicate) {
            self.echo_last(rng);
        }
    }

    /// The appliance works for a while; long work lets its delayed acknowledgement go first.
    pub(crate) fn server_works(&mut self, work: i64) {
        self.acknowledge_late(self.now + work);
        self.now += work;
    }

    /// The appliance says something.
    pub(crate) fn server_says(&mut self, words: &[u8], mark: Mark, rng: &mut Rng) {
        let mut mark = mark;
        let pieces: Vec<Payload> = self.remember(words).collect();
        let (first, mut full) = (self.now, 0);
        for (place, piece) in pieces.iter().enumerate() {
            let push = if place + 1 == pieces.len() { flag::PSH } else { 0 };
            self.send(Dir::Server, self.now, flag::ACK | push, self.server.next, *piece, Extra::Usual);
            self.mark_last(std::mem::take(&mut mark));
            self.unheard.push((self.server.next, *piece));
            self.server.next += piece.length();
            full += 1;
            if full == 2 {
                // Every second full segment is acknowledged at once (RFC 9293, section 3.8.6.3).
                full = 0;
                self.client.heard = self.server.next;
                self.send(
                    Dir::Client,
                    self.now + self.rtt,
                    flag::ACK,
                    self.client.next,
                    Payload::NONE,
                    Extra::Usual,
                );
                self.unheard.clear();
            }
            self.now += 2 * MICRO;
        }
        self.server_owes = None;
        self.client_owes = if full > 0 { Some(first) } else { None };
        self.spoke = Dir::Server;
        if let (Some((offset, piece)), true) = (self.unheard.last().copied(), rng.chance(self.faults.loss)) {
            // Lost behind the capture; said again when the timer runs out.
            self.now += RTO_MIN + self.rtt;
            self.send(Dir::Server, self.now, flag::ACK | flag::PSH, offset, piece, Extra::Usual);
            self.client_owes = self.client_owes.map(|_| self.now);
        }
    }

    /// The sender's next word arrives; what it still had to acknowledge is acknowledged, alone where the word
    /// takes longer than the sender delays.
    pub(crate) fn client_turn(&mut self, think: i64) -> i64 {
        let travel = if self.spoke == Dir::Server { self.rtt } else { self.gap };
        let at = self.now + travel + think;
        self.acknowledge_late(at);
        match self.client_owes {
            Some(since) if since + self.rtt + CLIENT_DELAY < at => {
                self.client_acknowledges(since + self.rtt + CLIENT_DELAY);
            }
            Some(_) => {
                self.client_owes = None;
                self.client.heard = self.server.next;
                self.unheard.clear();
            }
            None => {}
        }
        at
    }

    /// The sender stays silent until `at`, but its TCP acknowledges.
    pub(crate) fn quiet_until(&mut self, at: i64) {
        self.acknowledge_late(at);
        if let Some(since) = self.client_owes
            && since + self.rtt + CLIENT_DELAY < at
        {
            self.client_acknowledges(since + self.rtt + CLIENT_DELAY);
        }
        self.now = self.now.max(at);
    }

    /// The sender acknowledges all that it was told.
    fn client_acknowledges(&mut self, at: i64) {
        self.client_owes = None;
        self.client.heard = self.server.next;
        self.unheard.clear();
        self.send(Dir::Client, at, flag::ACK, self.client.next, Payload::NONE, Extra::Usual);
    }

    /// The sender's TCP asks whether the appliance is still there (RFC 9293, section 3.8.4), again and again.
    pub(crate) fn keep_alive_until(&mut self, every: i64, until: i64) {
        self.quiet_until(self.now + every);
        while self.now < until {
            let flags = flag::ACK;
            self.send(
                Dir::Client,
                self.now,
                flags,
                self.client.next.saturating_sub(1),
                Payload::NONE,
                Extra::Usual,
            );
            self.send(Dir::Server, self.now + KERNEL, flags, self.server.next, Payload::NONE, Extra::Usual);
            self.now += every;
        }
        self.now = until;
    }

    /// The appliance's acknowledgement goes alone if nothing else takes it along before `until`.
    pub(crate) fn acknowledge_late(&mut self, until: i64) {
        if let Some(since) = self.server_owes
            && since + SERVER_DELAY < until
        {
            self.server_owes = None;
            self.send(
                Dir::Server,
                since + SERVER_DELAY,
                flag::ACK,
                self.server.next,
                Payload::NONE,
                Extra::Usual,
            );
        }
    }

    /// Queues a segment with the sender's or appliance's own acknowledgement number.
    pub(crate) fn send(&mut self, dir: Dir, at: i64, flags: u8, offset: u64, payload: Payload, extra: Extra) {
        let end = match dir {
            Dir::Client => &mut self.client,
            Dir::Server => &mut self.server,
        };
        let (ip_id, ack) = (end.take_id(), end.heard);
        self.queue(Segment {
            at,
            dir,
            offset,
            ack,
            flags,
            payload,
            extra,
            ip_id,
            window: None,
            hidden: false,
            mark: Mark::None,
        });
    }

    /// Queues a segment as it is.
    pub(crate) fn queue(&mut self, segment: Segment) {
        self.pending.push_back(segment);
    }

    /// Gives the segment that was queued last its mark.
    pub(crate) fn mark_last(&mut self, mark: Mark) {
        if let Some(last) = self.pending.back_mut() {
            last.mark = mark;
        }
    }

    /// Keeps words and cuts them into payloads.
    pub(crate) fn remember(&mut self, words: &[u8]) -> impl Iterator<Item = Payload> + use<> {
        let from = self.text.len() as u32;
        self.text.extend_from_slice(words);
        let (end, mss) = (self.text.len() as u32, u32::from(self.mss));
        (from..end)
            .step_by(usize::from(self.mss))
            .map(move |from| Payload::Text { from, length: mss.min(end - from) })
    }

    /// The network delivers the sender's last segment twice; the appliance answers the copy at once.
    fn echo_last(&mut self, rng: &mut Rng) {
        let Some(mut copy) = self.pending.back().copied() else { return };
        copy.at += rng.between(10, 300) * MICRO;
        copy.mark = Mark::None;
        self.queue(copy);
        self.now = copy.at + KERNEL;
        self.server_owes = None;
        let again = (copy.offset, copy.offset + copy.payload.length());
        let extra = Extra::Sack([again, (0, 0), (0, 0)]);
        self.send(Dir::Server, self.now, flag::ACK, self.server.next, Payload::NONE, extra);
    }
}
