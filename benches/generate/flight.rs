//! A body on its way: flights of segments, one a round trip, and what the appliance's TCP answers to each.

use super::packet::flag;
use super::rng::Rng;
use super::segment::{Dir, Extra, Mark, Payload, Segment};
use super::sender::MICRO;
use super::tcp::{Conn, KERNEL, RTO_MIN, SERVER_DELAY};

/// Segments in flight at most: 40 of 1,460 octets stay below the appliance's window of 65,664.
const FLIGHT_MAX: u64 = 40;

/// A body that is being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sending {
    /// Which message.
    pub(crate) message: u8,
    /// The octet that this chunk of it begins with, and octets sent.
    pub(crate) from: u64,
    pub(crate) sent: u64,
    /// Octets to send in all: to here, which may be inside the body.
    pub(crate) until: u64,
    /// Rest between flights; with one, a flight is a single segment.
    pub(crate) drip: Option<i64>,
    /// The last segment bears a FIN.
    pub(crate) fin: bool,
}

/// A piece of the body as it arrives.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    at: i64,
    from: u64,
    to: u64,
    ip_id: u16,
    hidden: bool,
}

/// The appliance's side of one flight.
#[derive(Debug, Default)]
struct Received {
    /// All octets below are here.
    whole: u64,
    /// Pieces above, apart from each other, in order.
    above: Vec<(u64, u64)>,
    /// When the first acknowledgement left.
    first_ack: Option<i64>,
    /// When the third in a row said the same.
    third_duplicate: Option<i64>,
    duplicates: u32,
}

impl Conn {
    /// One flight; `sending.sent` moves on.
    pub(crate) fn fly(&mut self, sending: &mut Sending, rng: &mut Rng) {
        let start = match sending.drip {
            Some(rest) => self.client_turn(rest),
            None => {
                let ready = self.flight_ready;
                let at = self.client_turn(0);
                if self.spoke == Dir::Server { at } else { at.max(ready) }
            }
        };
        self.spoke = Dir::Client;
        // Octet 0 of the body in the client's stream.
        let base = self.client.next - sending.sent;
        let mss = u64::from(self.mss);
        let segments = if sending.drip.is_some() { 1 } else { self.flight.min(FLIGHT_MAX) };
        let end = sending.until.min(sending.sent + segments * mss);

        let mut arrivals = Vec::with_capacity(segments as usize + 2);
        let mut lost = Vec::new();
        let (mut from, mut at) = (sending.sent, start);
        while from < end {
            let to = end.min(from + mss);
            let ip_id = self.client.take_id();
            let hidden = rng.chance(self.faults.holes);
            let arrival = Arrival { at, from, to, ip_id, hidden };
            if rng.chance(self.faults.loss) {
                lost.push((from, to));
            } else if to < end && rng.chance(self.faults.reorder) {
                arrivals.push(Arrival { at: at + self.gap + rng.between(3, 40) * MICRO, ..arrival });
            } else {
                arrivals.push(arrival);
                if rng.chance(self.faults.duplicate) {
                    let at = if rng.chance(0.5) {
                        // The network's copy, right behind it.
                        at + rng.between(5, 60) * MICRO
                    } else {
                        // Sent again for nothing, later.
                        start + (end - sending.sent).div_ceil(mss) as i64 * self.gap + self.rtt / 4
                    };
                    let ip_id = if at < start + self.rtt / 4 { ip_id } else { self.client.take_id() };
                    arrivals.push(Arrival { at, hidden: false, ip_id, ..arrival });
                }
            }
            at += self.gap;
            from = to;
        }
        let mut received = Received { whole: sending.sent, ..Received::default() };
        let mut last = self.receive(&mut arrivals, &mut received, base, sending, end).max(at - self.gap);
        let mut acknowledged = received.first_ack.unwrap_or(last + SERVER_DELAY);
        if !lost.is_empty() {
            let again = match received.third_duplicate {
                Some(third) => third + self.rtt + self.gap,
                None => last + self.rtt + RTO_MIN,
            };
            let mut arrivals = self.send_again(&lost, again.max(last + self.gap), (sending.from, end), rng);
            last = self.receive(&mut arrivals, &mut received, base, sending, end);
            acknowledged = last;
            self.flight = (self.flight / 2).max(2);
        } else {
            self.flight = (self.flight * 2).min(FLIGHT_MAX);
        }
        debug_assert_eq!(received.whole, end);
        sending.sent = end;
        self.client.next = base + end + u64::from(sending.fin && end == sending.until);
        self.server.heard = self.client.next;
        self.now = last;
        self.flight_ready = (last + self.gap).max(acknowledged + self.rtt);
    }

    /// What was lost, as it arrives the second time.
    fn send_again(
        &mut self,
        lost: &[(u64, u64)],
        mut at: i64,
        (begin, end): (u64, u64),
        rng: &mut Rng,
    ) -> Vec<Arrival> {
        let mss = u64::from(self.mss);
        let mut arrivals = Vec::new();
        for (from, to) in lost {
            let mut ranges = vec![(*from, *to)];
            if rng.chance(self.faults.overlap) && *from > begin + mss {
                // Other pieces: the first begins in the segment before, the second ends in the one behind.
                let first = from - 1 - rng.below(mss / 2);
                let middle = end.min(first + mss);
                ranges = vec![(first, middle)];
                if middle < *to {
                    ranges.push((middle, end.min(to + 1 + rng.below(mss / 2))));
                }
            }
            for (from, to) in ranges {
                let ip_id = self.client.take_id();
                arrivals.push(Arrival { at, from, to, ip_id, hidden: false });
                at += self.gap;
            }
        }
        arrivals
    }

    /// Queues what arrives and what the appliance answers; gives the time of the last arrival or answer.
    fn receive(
        &mut self,
        arrivals: &mut [Arrival],
        received: &mut Received,
        base: u64,
        sending: &Sending,
        end: u64,
    ) -> i64 {
        arrivals.sort_by_key(|arrival| arrival.at);
        let mut last = self.now;
        for arrival in arrivals {
            self.server.heard = base + received.whole;
            self.acknowledge_late(arrival.at);
            let final_piece = arrival.to == end && end == sending.until;
            let mut flags = flag::ACK;
            if arrival.to == end {
                flags |= flag::PSH;
            }
            if final_piece && sending.fin {
                flags |= flag::FIN;
            }
            self.queue(Segment {
                at: arrival.at,
                dir: Dir::Client,
                offset: base + arrival.from,
                ack: self.client.heard,
                flags,
                payload: Payload::Body {
                    message: sending.message,
                    from: arrival.from,
                    length: (arrival.to - arrival.from) as u16,
                },
                extra: Extra::Usual,
                ip_id: arrival.ip_id,
                window: None,
                hidden: arrival.hidden,
                mark: if flags & flag::FIN != 0 { Mark::Ending } else { Mark::None },
            });
            last = last.max(arrival.at);
            let verdict = received.take(arrival.from, arrival.to);
            let complete = received.whole == end && final_piece && sending.fin;
            self.server.heard = base + received.whole + u64::from(complete);
            let at = arrival.at + KERNEL;
            let extra = match verdict {
                Taken::InOrder if self.server_owes.is_none() && !complete => {
                    self.server_owes = Some(arrival.at);
                    continue;
                }
                Taken::InOrder | Taken::Filled if received.above.is_empty() => Extra::Usual,
                Taken::InOrder | Taken::Filled => Extra::Sack(received.blocks(base, None)),
                Taken::Above => Extra::Sack(received.blocks(base, None)),
                Taken::Twice => Extra::Sack(received.blocks(base, Some((arrival.from, arrival.to)))),
            };
            self.server_owes = None;
            self.send(Dir::Server, at, flag::ACK, self.server.next, Payload::NONE, extra);
            received.note_ack(verdict, at);
            last = last.max(at);
        }
        last
    }
}

/// What an arrival meant to the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// The next octets, nothing above them.
    InOrder,
    /// The next octets, with others above.
    Filled,
    /// Octets above a hole.
    Above,
    /// Nothing new.
    Twice,
}

impl Received {
    fn take(&mut self, from: u64, to: u64) -> Taken {
        if to <= self.whole || self.above.iter().any(|(low, high)| *low <= from && to <= *high) {
            return Taken::Twice;
        }
        if from > self.whole {
            self.above.push((from, to));
            self.above.sort_unstable();
            self.above.dedup_by(|next, before| {
                let joined = next.0 <= before.1;
                if joined {
                    before.1 = before.1.max(next.1);
                }
                joined
            });
            return Taken::Above;
        }
        self.whole = to;
        let taken = if self.above.is_empty() { Taken::InOrder } else { Taken::Filled };
        while let Some((low, high)) = self.above.first().copied()
            && low <= self.whole
        {
            self.whole = self.whole.max(high);
            self.above.remove(0);
        }
        taken
    }

    /// Blocks of a selective acknowledgement, what came twice first (RFC 2883).
    fn blocks(&self, base: u64, twice: Option<(u64, u64)>) -> [(u64, u64); 3] {
        let mut blocks = [(0, 0); 3];
        let all = twice.iter().chain(self.above.iter().rev());
        for (place, (from, to)) in blocks.iter_mut().zip(all) {
            *place = (base + from, base + to);
        }
        blocks
    }

    fn note_ack(&mut self, taken: Taken, at: i64) {
        if matches!(taken, Taken::Above) {
            self.duplicates += 1;
            if self.duplicates == 3 {
                self.third_duplicate = Some(at);
            }
        } else if taken != Taken::Twice {
            self.first_ack.get_or_insert(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_filled_across_what_lies_above() {
        let mut received = Received { whole: 100, ..Received::default() };
        assert_eq!(received.take(100, 200), Taken::InOrder);
        assert_eq!(received.take(300, 400), Taken::Above);
        assert_eq!(received.take(500, 600), Taken::Above);
        assert_eq!(received.take(400, 500), Taken::Above);
        assert_eq!(received.above, [(300, 600)]);
        assert_eq!(received.take(350, 450), Taken::Twice);
        assert_eq!(received.take(50, 150), Taken::Twice);
        assert_eq!(received.blocks(1_000, Some((50, 150))), [(1_050, 1_150), (1_300, 1_600), (0, 0)]);
        // Overlaps what is here and what lies above.
        assert_eq!(received.take(150, 350), Taken::Filled);
        assert_eq!((received.whole, received.above.len()), (600, 0));
    }
}
