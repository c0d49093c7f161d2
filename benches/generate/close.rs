//! How a connection is closed, by either end, and what still comes afterwards.

use super::packet::flag;
use super::rng::Rng;
use super::script::Answer;
use super::segment::{Dir, Extra, Mark, Payload};
use super::sender::{MICRO, MILLI, SECOND};
use super::tcp::{Conn, KERNEL, RTO_MIN};

/// The longest pause between two retransmissions (FreeBSD's TCPTV_REXMTMAX).
const RTO_MAX: i64 = 64 * SECOND;
/// Retransmissions before the appliance gives up on a path that is dead.
const REPEATS: u32 = 9;
/// Segments that were still under way when the appliance reset the connection.
const IN_FLIGHT: u64 = 2;

impl Conn {
    /// The sender's FIN, acknowledged.
    pub(crate) fn client_fin(&mut self, think: i64, mark: Mark) {
        let at = self.client_turn(think);
        self.send(Dir::Client, at, flag::FIN | flag::ACK, self.client.next, Payload::NONE, Extra::Usual);
        self.mark_last(mark);
        self.client.next += 1;
        self.server.heard = self.client.next;
        self.server_owes = None;
        self.now = at + KERNEL;
        self.spoke = Dir::Client;
        self.send(Dir::Server, self.now, flag::ACK, self.server.next, Payload::NONE, Extra::Usual);
    }

    /// The sender's RST as an application causes it: with an acknowledgement, in sequence.
    pub(crate) fn client_rst(&mut self, think: i64) {
        let at = self.client_turn(think);
        self.send(Dir::Client, at, flag::RST | flag::ACK, self.client.next, Payload::NONE, Extra::Usual);
        self.mark_last(Mark::Ending);
        self.now = at;
    }

    /// The appliance's FIN, and what becomes of it.
    pub(crate) fn server_fin(&mut self, answer: Answer, mark: Mark, rng: &mut Rng) {
        let at = self.now + rng.between(40, 900) * MICRO;
        self.send(Dir::Server, at, flag::FIN | flag::ACK, self.server.next, Payload::NONE, Extra::Usual);
        self.mark_last(mark);
        self.aftermath(at, answer, rng);
    }

    /// The appliance's last words, a FIN right behind them, and what becomes of both.
    pub(crate) fn expel(&mut self, words: &[u8], answer: Answer, rng: &mut Rng) {
        self.acknowledge_late(self.now);
        let pieces: Vec<Payload> = self.remember(words).collect();
        for piece in pieces {
            self.send(Dir::Server, self.now, flag::PSH | flag::ACK, self.server.next, piece, Extra::Usual);
            self.mark_last(Mark::Close);
            self.unheard.push((self.server.next, piece));
            self.server.next += piece.length();
        }
        self.server_owes = None;
        self.spoke = Dir::Server;
        self.server_fin(answer, Mark::None, rng);
    }

    /// The appliance's RST; what was under way is answered with more of them.
    pub(crate) fn server_rst(&mut self, message: u8, from: u64) {
        let mut at = self.now + KERNEL;
        self.send(Dir::Server, at, flag::RST | flag::ACK, self.server.next, Payload::NONE, Extra::Usual);
        self.mark_last(Mark::Ending);
        for place in 0..IN_FLIGHT {
            at += self.gap.max(KERNEL * 2);
            let (length, from) = (self.mss, from + place * u64::from(self.mss));
            let payload = Payload::Body { message, from, length };
            self.send(Dir::Client, at, flag::ACK, self.client.next, payload, Extra::Usual);
            self.client.next += u64::from(self.mss);
            self.send(Dir::Server, at + KERNEL, flag::RST, self.client.heard, Payload::NONE, Extra::Bare);
        }
        self.now = at + KERNEL;
    }

    /// The appliance says its last words again and again, with doubling pauses, until `until`.
    pub(crate) fn unheard_until(&mut self, until: i64) {
        self.client_owes = None;
        let mut pause = RTO_MIN + self.rtt;
        let mut at = self.now + pause;
        while at < until {
            self.repeat(at, 0);
            pause = (pause * 2).min(RTO_MAX);
            at += pause;
        }
        self.now = until;
    }

    fn aftermath(&mut self, fin: i64, answer: Answer, rng: &mut Rng) {
        let fin_offset = self.server.next;
        self.server.next += 1;
        let back = fin + self.rtt;
        self.client_owes = None;
        match answer {
            Answer::Ack => {
                self.client.heard = self.server.next;
                self.send(Dir::Client, back, flag::ACK, self.client.next, Payload::NONE, Extra::Usual);
                self.now = back;
            }
            Answer::Fin => {
                self.client.heard = self.server.next;
                let mut at = back;
                if rng.chance(0.5) {
                    // Its TCP acknowledges before its application has noticed.
                    self.send(Dir::Client, at, flag::ACK, self.client.next, Payload::NONE, Extra::Usual);
                    at += rng.between(1, 40) * MILLI;
                }
                let flags = flag::FIN | flag::ACK;
                self.send(Dir::Client, at, flags, self.client.next, Payload::NONE, Extra::Usual);
                self.client.next += 1;
                self.server.heard = self.client.next;
                self.now = at + KERNEL;
                self.send(Dir::Server, self.now, flag::ACK, self.server.next, Payload::NONE, Extra::Usual);
            }
            Answer::Reset => {
                // One RST for each segment that meets no socket; its number is what the segment acknowledged.
                for place in 0..=self.unheard.len() as i64 {
                    let at = back + place * 3 * MICRO;
                    self.send(Dir::Client, at, flag::RST, self.server.heard, Payload::NONE, Extra::Bare);
                    self.now = at;
                }
            }
            Answer::Nothing => {
                let mut pause = RTO_MIN + self.rtt;
                let mut at = fin;
                for _ in 0..REPEATS {
                    at += pause;
                    pause = (pause * 2).min(RTO_MAX);
                    if self.unheard.is_empty() {
                        let flags = flag::FIN | flag::ACK;
                        self.send(Dir::Server, at, flags, fin_offset, Payload::NONE, Extra::Usual);
                    } else {
                        self.repeat(at, flag::FIN);
                    }
                }
                self.now = at + pause;
                let flags = flag::RST | flag::ACK;
                self.send(Dir::Server, self.now, flags, self.server.next, Payload::NONE, Extra::Usual);
            }
        }
    }

    /// Says all again that the sender has not acknowledged, `flags` added to the last of it. What was said in
    /// several goes is said in one now, as far as a segment holds it.
    fn repeat(&mut self, at: i64, flags: u8) {
        let mut again: Vec<(u64, Payload)> = Vec::new();
        for (offset, piece) in &self.unheard {
            let joined = again.last().and_then(|(_, before)| before.joined(*piece, self.mss));
            match (again.last_mut(), joined) {
                (Some((_, before)), Some(joined)) => *before = joined,
                _ => again.push((*offset, *piece)),
            }
        }
        let mut left = again.len();
        for (offset, piece) in again {
            left -= 1;
            let last = if left == 0 { flags } else { 0 };
            self.send(Dir::Server, at, flag::ACK | flag::PSH | last, offset, piece, Extra::Usual);
        }
    }
}
