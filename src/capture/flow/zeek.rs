//! Zeek's `conn_state` and `history`, by Zeek's own rules.
//!
//! Sources: `conn_state()` in `scripts/base/protocols/conn/main.zeek`; `update_history()` and the
//! `Update...State()` functions of `src/packet_analysis/protocol/tcp/TCPSessionAdapter.cc`.
//!
//! Letters kept: `s h a d f r` as there, `q i` (odd flags), `c g t w` (bad checksum, gap,
//! retransmission, zero window). The last four are written at their first occurrence only, where
//! Zeek repeats them at every power of ten. Zeek ends a connection 5 s after its last close and
//! counts the aftermath as a new one; here it stays in the same history.

use crate::capture::segment::Flags;
use crate::capture::{ConnState, Flow, Pair, Side};

/// What Zeek takes an endpoint for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum EndState {
    /// Nothing seen from it.
    #[default]
    Inactive,
    /// It sent a SYN.
    SynSent,
    /// It sent a SYN-ACK without being asked.
    SynAckSent,
    /// It talks, but no SYN was seen.
    Partial,
    /// Its handshake is done.
    Established,
    /// It sent a FIN.
    Closed,
    /// It sent an RST.
    Reset,
}

/// The last SYN, FIN and RST that got a letter: another sequence number earns another letter.
#[derive(Debug, Clone, Copy, Default)]
struct LastMarks {
    syn: i64,
    fin: i64,
    rst: i64,
}

/// One letter a bit.
type Letters = u32;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Zeek {
    states: Pair<EndState>,
    marks: Pair<LastMarks>,
    written: Pair<Letters>,
    history: String,
}

impl Zeek {
    /// Counts one segment of `side`: `offset` is its place in the stream, `len` its payload.
    #[inline]
    pub(super) fn segment(&mut self, side: Side, flags: Flags, offset: i64, len: u32) {
        self.update_history(side, flags, offset, len);
        if flags.syn() || flags.fin() || flags.rst() || *self.states.of(side) == EndState::Inactive {
            self.update_state(side, flags, len);
        }
    }

    /// Writes `letter` for `side`, once.
    pub(super) fn once(&mut self, side: Side, letter: u8) {
        self.write(side, letter);
    }

    /// A zero window counts unless it comes when no window matters any more.
    #[inline]
    pub(super) fn zero_window(&mut self, side: Side, flags: Flags) {
        let over =
            *self.states.of(side.other()) == EndState::Closed || *self.states.of(side) == EndState::Reset;
        if !flags.rst() && !over {
            self.write(side, b'w');
        }
    }

    /// The history so far.
    pub(super) fn into_history(self) -> String {
        self.history
    }

    /// Zeek's word. `any_octets` says whether either stream held any.
    pub(super) fn conn_state(&self, any_octets: bool) -> ConnState {
        use EndState::{Closed, Established, Inactive, Partial, Reset, SynAckSent, SynSent};
        let (orig, resp) = (self.states.originator, self.states.responder);
        let idle = |state| matches!(state, Inactive | Partial);
        match (orig, resp) {
            (SynSent | SynAckSent, Reset) => ConnState::Rej,
            (Reset, Reset) if !any_octets => ConnState::Rej,
            (orig, Reset) if idle(orig) => ConnState::Rstrh,
            (_, Reset) => ConnState::Rstr,
            (Reset, resp) if idle(resp) => ConnState::Rstos0,
            (Reset, _) => ConnState::Rsto,
            (Closed, Closed) => ConnState::SF,
            (Closed, resp) if idle(resp) => ConnState::Sh,
            (Closed, _) => ConnState::S2,
            (orig, Closed) if idle(orig) => ConnState::Shr,
            (_, Closed) => ConnState::S3,
            (SynSent, Inactive) => ConnState::S0,
            (Established, Established) => ConnState::S1,
            _ => ConnState::Oth,
        }
    }

    fn update_history(&mut self, side: Side, flags: Flags, offset: i64, len: u32) {
        let marks = *self.marks.of(side);
        let letter = match (flags.syn(), flags.fin(), flags.rst()) {
            (false, false, false) if len > 0 => b'd',
            (false, false, false) if flags.ack() => b'a',
            (false, false, false) => return,
            (true, false, false) => {
                self.marks.of_mut(side).syn = offset;
                let letter = if flags.ack() { b'h' } else { b's' };
                return self.write_marked(side, letter, marks.syn != offset);
            }
            (false, true, false) => {
                let end = offset.saturating_add(len.into());
                self.marks.of_mut(side).fin = end;
                return self.write_marked(side, b'f', marks.fin != end);
            }
            (false, false, true) => {
                self.marks.of_mut(side).rst = offset;
                return self.write_marked(side, b'r', marks.rst != offset);
            }
            (_, true, true) => b'i',
            (true, _, _) => b'q',
        };
        self.write(side, letter);
    }

    /// Writes a letter; once more where `moved` says that this is not a mere repeat.
    fn write_marked(&mut self, side: Side, letter: u8, moved: bool) {
        if !self.write(side, letter) && moved {
            self.push(side, letter);
        }
    }

    /// Writes a letter unless `side` has it; says whether it did.
    #[inline]
    fn write(&mut self, side: Side, letter: u8) -> bool {
        let bit = 1 << (letter & 0x1f);
        let written = self.written.of_mut(side);
        if *written & bit != 0 {
            return false;
        }
        *written |= bit;
        self.push(side, letter);
        true
    }

    fn push(&mut self, side: Side, letter: u8) {
        if self.history.len() < Flow::MAX_HISTORY {
            self.history.push(char::from(match side {
                Side::Originator => letter.to_ascii_uppercase(),
                Side::Responder => letter,
            }));
        }
    }

    fn update_state(&mut self, side: Side, flags: Flags, len: u32) {
        use EndState::{Closed, Established, Inactive, Partial, Reset, SynAckSent, SynSent};
        let peer = *self.states.of(side.other());
        let state = self.states.of_mut(side);
        match *state {
            Inactive => {
                let mut peer_established = false;
                if flags.syn() {
                    *state = match side {
                        Side::Originator if flags.ack() => SynAckSent,
                        Side::Originator => SynSent,
                        Side::Responder => {
                            peer_established = peer == SynSent;
                            Established
                        }
                    };
                }
                if flags.fin() {
                    *state = Closed;
                }
                if flags.rst() {
                    *state = Reset;
                }
                if *state == Inactive {
                    let acks_the_syn = side == Side::Responder && len == 0 && peer == SynSent;
                    if flags.ack() && peer == Established {
                        *state = Established;
                    } else if !acks_the_syn {
                        *state = Partial;
                    }
                }
                if peer_established {
                    *self.states.of_mut(side.other()) = Established;
                }
            }
            SynSent | SynAckSent => {
                if flags.fin() {
                    *state = Closed;
                }
                if flags.rst() {
                    *state = Reset;
                }
            }
            Established | Partial => {
                if flags.syn() && !flags.ack() && *state == Partial && peer == Inactive {
                    *state = SynSent;
                }
                if flags.fin() && !flags.rst() {
                    *state = Closed;
                }
                if flags.rst() {
                    *state = Reset;
                }
            }
            Closed => {
                if flags.rst() && peer != Closed {
                    *state = Reset;
                }
            }
            Reset => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYN: Flags = Flags::SYN;
    const SYN_ACK: Flags = Flags::from_bits(0x12);
    const ACK: Flags = Flags::ACK;
    const FIN_ACK: Flags = Flags::from_bits(0x11);
    const RST: Flags = Flags::RST;
    const RST_ACK: Flags = Flags::from_bits(0x14);

    /// Segments as (from the originator, flags, place, payload), and what Zeek says of them.
    #[test]
    fn words_and_letters_are_zeeks() {
        type Row = (&'static [(bool, Flags, i64, u32)], ConnState, &'static str);
        let rows: [Row; 9] = [
            (&[(true, SYN, -1, 0)], ConnState::S0, "S"),
            (&[(true, SYN, -1, 0), (false, RST_ACK, 0, 0)], ConnState::Rej, "Sr"),
            (&[(true, SYN, -1, 0), (false, SYN_ACK, -1, 0), (true, ACK, 0, 0)], ConnState::S1, "ShA"),
            (
                &[
                    (true, SYN, -1, 0),
                    (false, SYN_ACK, -1, 0),
                    (true, ACK, 0, 0),
                    (false, ACK, 0, 20),
                    (true, ACK, 0, 10),
                    (true, FIN_ACK, 10, 0),
                    (true, FIN_ACK, 10, 0),
                    (false, ACK, 20, 0),
                    (false, FIN_ACK, 20, 0),
                ],
                ConnState::SF,
                "ShAdDFaf",
            ),
            (&[(true, SYN, -1, 0), (false, SYN_ACK, -1, 0), (true, RST, 0, 0)], ConnState::Rsto, "ShR"),
            (&[(true, SYN, -1, 0), (true, RST, 0, 0)], ConnState::Rstos0, "SR"),
            (&[(true, SYN, -1, 0), (true, FIN_ACK, 0, 0)], ConnState::Sh, "SF"),
            (&[(true, ACK, 0, 5), (false, ACK, 0, 0)], ConnState::Oth, "Da"),
            // An RST at another place gets another letter; a repeated one does not.
            (
                &[(true, ACK, 0, 5), (false, RST, 3, 0), (false, RST, 3, 0), (false, RST, 9, 0)],
                ConnState::Rstrh,
                "Drr",
            ),
        ];
        for (segments, state, history) in rows {
            let mut zeek = Zeek::default();
            for &(from_originator, flags, offset, len) in segments {
                let side = if from_originator { Side::Originator } else { Side::Responder };
                zeek.segment(side, flags, offset, len);
            }
            assert_eq!(zeek.conn_state(true), state, "{history}");
            assert_eq!(zeek.into_history(), history);
        }
    }
}
