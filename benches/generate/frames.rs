//! Segments become frames: sequence numbers, timestamps, options, and which frame it was that the truth asks for.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::body::{PIECE_MAX, Pool};
use super::message::Message;
use super::packet::{Header, flag};
use super::rng::Rng;
use super::segment::{Dir, Extra, Mark, Payload, Segment};
use super::sender::{MILLI, Sender, Stack, appliance};
use super::tcp::Conn;

/// Departures of the appliance that are remembered for the sender's echoes.
const DEPARTURES_MAX: usize = 64;
/// The appliance's TTL as its own card sees it, and its largest segment.
const APPLIANCE: Stack = Stack::Bsd;
const MSS_V4: u16 = 1_460;
const MSS_V6: u16 = 1_440;

/// What is known of a session's frames.
#[derive(Debug)]
pub(crate) struct Frames {
    pub(crate) first: Option<u64>,
    pub(crate) last: Option<u64>,
    pub(crate) count: u64,
    pub(crate) ending: Option<u64>,
    pub(crate) close: Option<u64>,
    pub(crate) mail: Vec<Option<u64>>,
    pub(crate) reply: Vec<Option<u64>>,
    /// The last frame with octets of the sender before the appliance's close.
    pub(crate) last_words: Option<u64>,
    /// Segments that the capture missed: in bodies, elsewhere.
    pub(crate) missed: [u64; 2],
    /// Something came after the capture's end.
    pub(crate) late: bool,
    // Timestamps (RFC 7323): the clocks' beginnings, when the appliance sent, what either may echo.
    clocks: [u32; 2],
    departures: VecDeque<i64>,
    recent: u32,
    acknowledged: u64,
    options: Vec<u8>,
}

impl Frames {
    pub(crate) fn new(messages: usize, rng: &mut Rng) -> Self {
        Self {
            first: None,
            last: None,
            count: 0,
            ending: None,
            close: None,
            mail: vec![None; messages],
            reply: vec![None; messages],
            last_words: None,
            missed: [0; 2],
            late: false,
            clocks: [rng.next() as u32, rng.next() as u32],
            departures: VecDeque::with_capacity(DEPARTURES_MAX),
            recent: 0,
            acknowledged: 0,
            options: Vec::with_capacity(40),
        }
    }

    /// The headers of a segment; its TCP options are in [`Self::options`] then.
    pub(crate) fn header(
        &mut self,
        conn: &Conn,
        segment: &Segment,
        sender: &Sender,
        port: u16,
        appliance_port: u16,
    ) -> Header {
        self.write_options(conn, segment, sender);
        let inbound = segment.dir == Dir::Client;
        let (own, other) = if inbound { (&conn.client, &conn.server) } else { (&conn.server, &conn.client) };
        let stack = if inbound { conn.stack } else { APPLIANCE };
        let (syn_window, window) = stack.windows();
        let bare = segment.extra == Extra::Bare;
        let client = (sender.address, port);
        let server = (appliance(sender.address), appliance_port);
        let (from, to) = if inbound { (client, server) } else { (server, client) };
        Header {
            from,
            to,
            inbound,
            ttl: if inbound { sender.ttl } else { stack.ttl() },
            // A socket that is no more has no counter (Linux).
            ip_id: if bare && stack == Stack::Linux { 0 } else { segment.ip_id },
            seq: own.isn.wrapping_add(segment.offset as u32),
            ack: match segment.flags & flag::ACK {
                0 => 0,
                _ => other.isn.wrapping_add(segment.ack as u32),
            },
            flags: segment.flags,
            window: match segment.flags {
                _ if segment.window.is_some() => segment.window.unwrap_or_default(),
                _ if bare => 0,
                flags if flags & flag::RST != 0 && stack == Stack::Windows => 0,
                flags if flags & flag::SYN != 0 => syn_window,
                _ => window,
            },
        }
    }

    /// The options of the last [`Self::header`].
    pub(crate) fn options(&self) -> &[u8] {
        &self.options
    }

    /// Takes the number of a frame that was written.
    pub(crate) fn written(&mut self, number: u64, segment: &Segment) {
        self.beside(number);
        if segment.dir == Dir::Client && segment.payload.length() > 0 && self.close.is_none() {
            self.last_words = Some(number);
        }
        let place = match segment.mark {
            Mark::None => return,
            Mark::Ending => Some(&mut self.ending),
            Mark::Close => Some(&mut self.close),
            Mark::Mail(index) => self.mail.get_mut(usize::from(index)),
            Mark::Reply(index) => self.reply.get_mut(usize::from(index)),
        };
        if let Some(place) = place {
            place.get_or_insert(number);
        }
    }

    /// Takes the number of a frame beside that one: a fragment, or a copy.
    pub(crate) fn beside(&mut self, number: u64) {
        self.first.get_or_insert(number);
        self.last = Some(number);
        self.count += 1;
    }

    /// Counts a segment that the capture missed.
    pub(crate) fn holes(&mut self, in_body: bool) {
        let [bodies, others] = &mut self.missed;
        *if in_body { bodies } else { others } += 1;
    }

    fn write_options(&mut self, conn: &Conn, segment: &Segment, sender: &Sender) {
        let inbound = segment.dir == Dir::Client;
        let stamps = conn.stack.timestamps();
        let [value, echo] = self.timestamps(conn, segment);
        let out = &mut self.options;
        out.clear();
        let timestamp = |out: &mut Vec<u8>| {
            out.extend_from_slice(&[8, 10]);
            out.extend_from_slice(&value.to_be_bytes());
            out.extend_from_slice(&echo.to_be_bytes());
        };
        match segment.extra {
            Extra::Bare => {}
            Extra::Syn => {
                let stack = if inbound { conn.stack } else { APPLIANCE };
                let mss = match (inbound, sender.address) {
                    (true, _) => sender.mss,
                    (false, IpAddr::V4(_)) => MSS_V4,
                    (false, IpAddr::V6(_)) => MSS_V6,
                };
                out.extend_from_slice(&[2, 4]);
                out.extend_from_slice(&mss.to_be_bytes());
                match stack {
                    Stack::Linux => {
                        out.extend_from_slice(&[4, 2]);
                        timestamp(out);
                        out.extend_from_slice(&[1, 3, 3, stack.scale()]);
                    }
                    Stack::Windows => out.extend_from_slice(&[1, 3, 3, stack.scale(), 1, 1, 4, 2]),
                    Stack::Bsd => {
                        out.extend_from_slice(&[1, 3, 3, stack.scale(), 4, 2]);
                        if stamps { timestamp(out) } else { out.extend_from_slice(&[0, 0]) }
                    }
                }
            }
            Extra::Usual | Extra::Sack(_) => {
                if stamps {
                    out.extend_from_slice(&[1, 1]);
                    timestamp(out);
                }
            }
        }
        if segment.extra == Extra::Syn && segment.payload != Payload::NONE {
            // Fast open with a cookie (RFC 7413, section 4.1.1).
            out.extend_from_slice(&[1, 1, 34, 10, 7, 7, 7, 7, 7, 7, 7, 7]);
        }
        if let Extra::Sack(blocks) = segment.extra {
            let blocks = blocks.iter().filter(|(from, to)| from < to);
            let count = blocks.clone().count() as u8;
            if count > 0 {
                out.extend_from_slice(&[1, 1, 5, 2 + 8 * count]);
            }
            for (from, to) in blocks {
                for edge in [from, to] {
                    out.extend_from_slice(&conn.client.isn.wrapping_add(*edge as u32).to_be_bytes());
                }
            }
        }
    }

    /// The value and the echo of a segment's timestamps; what it teaches the other end is remembered.
    fn timestamps(&mut self, conn: &Conn, segment: &Segment) -> [u32; 2] {
        let [client, server] = self.clocks;
        let clock = |start: u32, at: i64| start.wrapping_add((at / MILLI) as u32);
        match segment.dir {
            Dir::Client => {
                let value = clock(client, segment.at - conn.rtt / 2);
                let known = segment.at - conn.rtt;
                while self.departures.get(1).is_some_and(|at| *at <= known) {
                    self.departures.pop_front();
                }
                let echo = self.departures.front().map_or(0, |at| clock(server, *at));
                if segment.offset <= self.acknowledged {
                    self.recent = value;
                }
                [value, if segment.flags & flag::ACK == 0 { 0 } else { echo }]
            }
            Dir::Server => {
                if self.departures.len() == DEPARTURES_MAX {
                    self.departures.pop_front();
                }
                self.departures.push_back(segment.at);
                self.acknowledged = segment.ack;
                [clock(server, segment.at), self.recent]
            }
        }
    }
}

/// Appends a payload.
pub(crate) fn payload(conn: &Conn, messages: &[Message], pool: &Pool, payload: Payload, out: &mut Vec<u8>) {
    match payload {
        Payload::Text { from, length } => {
            let from = from as usize;
            out.extend_from_slice(conn.text.get(from..from + length as usize).unwrap_or_default());
        }
        Payload::Body { message, from, length } => {
            if let Some(message) = messages.get(usize::from(message)) {
                let until = from + u64::from(length);
                for from in (from..until).step_by(PIECE_MAX) {
                    message.body.render(pool, from, PIECE_MAX.min((until - from) as usize), out);
                }
            }
        }
    }
}
