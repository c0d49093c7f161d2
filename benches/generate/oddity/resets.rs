//! Oddities of closing: resets of every shape, with and without effect, and ends that close at once.

use super::Oddity;
use super::segments::Shapes;
use crate::generate::packet::flag;
use crate::generate::segment::{Dir, Extra, Mark, Payload, Segment};
use crate::generate::tcp::Conn;

/// How far an RST is ahead of the next octet, but within every window, to be challenged (RFC 5961, section 3.2).
const AHEAD: u64 = 64;

impl Conn {
    /// An RST that ends nothing, once, after a reply to the sender.
    pub(super) fn reset_in_vain(&mut self, shapes: &mut Shapes, segments: &mut Vec<Segment>) {
        let Some(last) = segments.last().copied() else { return };
        if last.dir != Dir::Server || last.payload == Payload::NONE || self.client.next <= 1 {
            return;
        }
        let reset = |offset| Segment {
            dir: Dir::Client,
            offset,
            ack: 0,
            flags: flag::RST,
            payload: Payload::NONE,
            extra: Extra::Bare,
            mark: Mark::None,
            ..last
        };
        if shapes.once(Oddity::RstStale) {
            segments.push(reset(0));
        }
        if shapes.once(Oddity::RstChallenged) {
            segments.push(reset(self.client.next + AHEAD));
            segments.push(self.plain(Dir::Server, last.at, self.server.next, Payload::NONE));
        }
    }

    /// The sender's RST in another shape, and FINs that cross.
    pub(super) fn close_oddly(&mut self, shapes: &Shapes, segments: &mut Vec<Segment>) {
        let resets = |segment: &Segment| segment.dir == Dir::Client && segment.mark == Mark::Ending;
        let place = segments.iter().position(|segment| resets(segment) && segment.flags & flag::RST != 0);
        if let Some(place) = place {
            let before = segments[place];
            if shapes.wanted.has(Oddity::RstExact) {
                segments[place] = Segment { flags: flag::RST, ack: 0, extra: Extra::Bare, ..before };
            }
            if shapes.wanted.has(Oddity::RstAck) {
                segments[place].window = Some(0);
                let again = Segment { mark: Mark::None, ip_id: self.client.take_id(), ..segments[place] };
                segments.insert(place + 1, again);
            }
        }
        if shapes.wanted.has(Oddity::SimultaneousClose) {
            self.cross(segments);
        }
    }

    /// The appliance's FIN and the sender's, which answers it, made to cross.
    fn cross(&mut self, segments: &mut Vec<Segment>) {
        let fin = |dir| move |segment: &Segment| segment.dir == dir && segment.flags & flag::FIN != 0;
        let Some(first) = segments.iter().position(fin(Dir::Server)) else { return };
        let Some(answer) = segments.iter().position(fin(Dir::Client)).filter(|place| *place > first) else {
            return;
        };
        let (server, client) = (segments[first], segments[answer]);
        let crossing = Segment { at: server.at, ack: server.offset + server.payload.length(), ..client };
        let later = client.at;
        segments.truncate(first + 1);
        segments.push(crossing);
        segments.push(self.plain(Dir::Server, later, self.server.next, Payload::NONE));
        segments.push(self.plain(Dir::Client, later, self.client.next, Payload::NONE));
    }
}
