//! Oddities of TCP: the segments of one step of a connection, reworked before they go into the file.

use super::{Family, Oddities, Oddity};
use crate::generate::packet::flag;
use crate::generate::segment::{Dir, Extra, Mark, Payload, Segment};
use crate::generate::tcp::Conn;

/// Octets of a super-segment at most: half of what an IP packet holds, so that every tunnel has room.
const SUPER_MAX: u64 = 32_000;
/// How far into a body the capture loses nothing: its head stays whole.
const HEAD: u64 = 3_000;

/// The oddities of one connection, and which it has had.
#[derive(Debug)]
pub(crate) struct Shapes {
    pub(super) wanted: Oddities,
    /// Nobody acknowledges what the appliance says in the end: no probe of the sender's may do so.
    pub(super) unheard: bool,
    /// What happens once has happened.
    pub(super) done: Vec<Oddity>,
    /// Either end has closed.
    pub(super) closed: bool,
}

impl Shapes {
    pub(crate) fn new(wanted: &Oddities, unheard: bool) -> Self {
        Self { wanted: wanted.clone(), unheard, done: Vec::new(), closed: false }
    }

    /// Whether there is anything to rework.
    pub(crate) fn any(&self) -> bool {
        self.wanted.iter().any(|oddity| matches!(oddity.family(), Family::Tcp | Family::Close))
    }

    /// The words with their lines' ends as the connection has them.
    pub(crate) fn lines(&self, words: String) -> String {
        if self.wanted.has(Oddity::LfOnly) { words.replace("\r\n", "\n") } else { words }
    }

    /// Whether bodies come in chunks.
    pub(crate) fn chunked(&self) -> bool {
        self.wanted.has(Oddity::Chunks)
    }

    /// Whether it is wanted, and was not had yet; now it is.
    pub(super) fn once(&mut self, oddity: Oddity) -> bool {
        let first = self.wanted.has(oddity) && !self.done.contains(&oddity);
        if first {
            self.done.push(oddity);
        }
        first
    }
}

impl Conn {
    /// Reworks what is pending, which is all of one step, in the order of time. `early`: the sender's first words.
    pub(crate) fn rework(&mut self, shapes: &mut Shapes, early: Option<&str>) {
        let mut segments: Vec<Segment> = self.pending.drain(..).collect();
        let closing = |segment: &Segment| segment.flags & (flag::FIN | flag::RST) != 0;
        shapes.closed |= segments.iter().any(closing);
        if segments.first().is_some_and(|segment| segment.flags & flag::SYN != 0) {
            self.open_oddly(shapes, early, &mut segments);
        } else {
            self.transfer_oddly(shapes, &mut segments);
            self.close_oddly(shapes, &mut segments);
            if !shapes.closed {
                self.probe(shapes, &mut segments);
                self.reset_in_vain(shapes, &mut segments);
            }
        }
        self.pending.extend(segments);
    }

    fn open_oddly(&mut self, shapes: &Shapes, early: Option<&str>, segments: &mut Vec<Segment>) {
        if shapes.wanted.has(Oddity::SynData)
            && let Some(words) = early
            && let Some(payload) = self.remember(words.as_bytes()).next()
        {
            for segment in segments.iter_mut().filter(|segment| segment.flags == flag::SYN) {
                segment.payload = payload;
            }
        }
        if shapes.wanted.has(Oddity::SimultaneousOpen)
            && let [syn, answer, last] = segments.as_slice()
        {
            let both = flag::SYN | flag::ACK;
            let crossing = Segment { flags: flag::SYN, ack: 0, ..*answer };
            let ip_id = self.server.take_id();
            let client = Segment { flags: both, offset: 0, extra: Extra::Syn, ..*last };
            let server = Segment { at: last.at, ip_id, ..*answer };
            *segments = vec![*syn, crossing, client, server];
        }
        if shapes.wanted.has(Oddity::NoSyn) {
            segments.clear();
        }
    }

    fn transfer_oddly(&mut self, shapes: &mut Shapes, segments: &mut Vec<Segment>) {
        if shapes.wanted.has(Oddity::SuperSegments) {
            *segments = merged(segments);
        }
        let place = |segments: &[Segment]| {
            (1..segments.len()).find(|place| {
                let (before, this) = (segments[place - 1], segments[*place]);
                follows(&before, &this) && before.payload.length() > 16 && this.flags & flag::FIN == 0
            })
        };
        if shapes.wanted.has(Oddity::OverlapEqual)
            && let Some(place) = place(segments)
            && let Payload::Body { message, from, length } = segments[place].payload
        {
            let back = segments[place - 1].payload.length() / 2;
            let payload = Payload::Body { message, from: from - back, length };
            let ip_id = self.client.take_id();
            let offset = segments[place].offset - back;
            let again = Segment { offset, payload, ip_id, mark: Mark::None, ..segments[place] };
            segments.insert(place + 1, again);
        }
        if let Some(place) = place(segments)
            && segments[place].payload.length() <= u64::from(self.mss)
            && shapes.once(Oddity::OverlapDiffering)
        {
            let other = vec![b'?'; segments[place].payload.length() as usize];
            let payload = self.remember(&other).next().unwrap_or(Payload::NONE);
            let ip_id = self.client.take_id();
            let again = Segment { payload, ip_id, mark: Mark::None, ..segments[place] };
            segments.insert(place + 1, again);
        }
        let spare = segments.windows(2).position(|pair| {
            let deep = matches!(pair[0].payload, Payload::Body { from, .. } if from > HEAD);
            deep && follows(&pair[0], &pair[1])
        });
        if let Some(place) = spare
            && shapes.once(Oddity::CaptureLoss)
        {
            segments[place].hidden = true;
        }
    }

    /// The sender asks whether the appliance is there, and the appliance's window closes and opens.
    fn probe(&mut self, shapes: &Shapes, segments: &mut Vec<Segment>) {
        let Some(last) = segments.iter().rfind(|segment| segment.payload != Payload::NONE).copied() else {
            return;
        };
        let at = segments.last().map_or(last.at, |segment| segment.at);
        if self.client.next <= 1 || self.server.next <= 1 {
            return;
        }
        if shapes.wanted.has(Oddity::KeepAlives) && last.dir == Dir::Server && !shapes.unheard {
            // RFC 1122, section 4.2.3.6: with an octet or without.
            let octet = self.remember(b"\0").next().unwrap_or(Payload::NONE);
            for payload in [Payload::NONE, octet] {
                segments.push(self.plain(Dir::Client, at, self.client.next - 1, payload));
                segments.push(self.plain(Dir::Server, at, self.server.next, Payload::NONE));
            }
        }
        if shapes.wanted.has(Oddity::ZeroWindows) && last.dir == Dir::Client {
            let closed =
                Segment { window: Some(0), ..self.plain(Dir::Server, at, self.server.next, Payload::NONE) };
            segments.push(closed);
            segments.push(self.plain(Dir::Client, at, self.client.next - 1, Payload::NONE));
            segments.push(Segment { ip_id: self.server.take_id(), ..closed });
            segments.push(self.plain(Dir::Server, at, self.server.next, Payload::NONE));
        }
    }

    /// A segment with an acknowledgement of all that was heard.
    pub(super) fn plain(&mut self, dir: Dir, at: i64, offset: u64, payload: Payload) -> Segment {
        let end = if dir == Dir::Client { &mut self.client } else { &mut self.server };
        let (ip_id, ack) = (end.take_id(), end.heard);
        Segment {
            at,
            dir,
            offset,
            ack,
            flags: flag::ACK,
            payload,
            extra: Extra::Usual,
            ip_id,
            window: None,
            hidden: false,
            mark: Mark::None,
        }
    }
}

/// Whether both are of one body and the second begins where the first ends.
fn follows(before: &Segment, this: &Segment) -> bool {
    match (before.payload, this.payload) {
        (Payload::Body { message, from, length }, Payload::Body { message: same, from: next, .. }) => {
            message == same && from + u64::from(length) == next && before.dir == this.dir
        }
        _ => false,
    }
}

/// Segments of a body that follow each other as few long ones; the acknowledgements of their parts fall away.
fn merged(segments: &[Segment]) -> Vec<Segment> {
    let mut all: Vec<Segment> = Vec::with_capacity(segments.len());
    // Where the last piece of a body stands, and the acknowledgements since.
    let mut body: Option<usize> = None;
    for segment in segments {
        let joined = body.and_then(|place| {
            let before = all[place];
            let (Payload::Body { length, .. }, Payload::Body { length: more, .. }) =
                (before.payload, segment.payload)
            else {
                return None;
            };
            let fits = u64::from(length) + u64::from(more) <= SUPER_MAX;
            let quiet = all[place + 1..].iter().all(|other| {
                let pure = other.payload == Payload::NONE && other.extra == Extra::Usual;
                pure && other.flags == flag::ACK && other.dir == Dir::Server
            });
            (fits && quiet && follows(&before, segment)).then_some((place, length + more))
        });
        match (joined, segment.payload) {
            (Some((place, length)), Payload::Body { message, .. }) => {
                let Payload::Body { from, .. } = all[place].payload else { continue };
                all.truncate(place + 1);
                let before = all[place];
                all[place] = Segment {
                    at: segment.at,
                    flags: segment.flags,
                    mark: segment.mark,
                    payload: Payload::Body { message, from, length },
                    ..before
                };
            }
            (_, payload) => {
                if payload != Payload::NONE {
                    body = Some(all.len());
                }
                all.push(*segment);
            }
        }
    }
    all
}
