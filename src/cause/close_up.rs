//! A connection read a second time, close up: its headers one by one and the ends of its streams.
//!
//! The first reading keeps little of a connection; who sent a reset shows only in single
//! headers. So the connections of the cases, and no others, are read once more with their [`Trace`].

use ahash::AHashMap;

use crate::capture::{Chunk, Conversation, Flow, FlowSink, FlowStart, Gap, Interest, Pair, Side, Trace};
use crate::cite::{FrameRef, Moment};
use crate::net::Endpoint;
use crate::smtp::Session;
use crate::smtp::collect::Overheard;
use crate::smtp::recognise::Ports;

/// What the second reading of one connection tells.
#[derive(Debug, Clone)]
pub struct CloseUp {
    /// The session anew, with its commands, which the first reading gave up.
    pub session: Session,
    /// Its headers.
    pub trace: Box<Trace>,
    /// The lines and the last octets of each end's stream.
    pub text: Pair<TextFacts>,
}

/// What one end's stream looks like as text. Of an encrypted stream it tells nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextFacts {
    /// The last [`Self::MAX_TAIL`] octets before the stream's end or its last gap's end.
    pub tail: Vec<u8>,
    /// The offset behind the last octet.
    pub end: u64,
    /// Octets behind the last line end: the line that was not finished.
    pub unfinished: u64,
    /// The longest line, its end included where it has one.
    pub longest_line: Option<LongLine>,
}

/// A line by its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongLine {
    /// Octets, the line's end included.
    pub length: u64,
    /// Where it begins in the stream.
    pub offset: u64,
    /// The segment of its last octet.
    pub at: Moment,
}

impl TextFacts {
    /// Octets of a stream's end kept.
    pub const MAX_TAIL: usize = 512;

    fn take(&mut self, chunk: Chunk<'_>) {
        let mut offset = chunk.offset;
        for line in chunk.bytes.split_inclusive(|octet| *octet == b'\n') {
            self.unfinished += line.len() as u64;
            offset += line.len() as u64;
            if self.longest_line.is_none_or(|longest| self.unfinished > longest.length) {
                let length = self.unfinished;
                self.longest_line =
                    Some(LongLine { length, offset: offset.saturating_sub(length), at: chunk.at });
            }
            if line.ends_with(b"\n") {
                self.unfinished = 0;
            }
        }
        self.end = offset;
        let kept = chunk.bytes.len().min(Self::MAX_TAIL);
        let (_, last) = chunk.bytes.split_at(chunk.bytes.len() - kept);
        let surplus = (self.tail.len() + kept).saturating_sub(Self::MAX_TAIL);
        self.tail.drain(..surplus);
        self.tail.extend_from_slice(last);
    }

    fn skip(&mut self, gap: Gap) {
        self.tail.clear();
        self.unfinished = 0;
        self.end = gap.offset.saturating_add(gap.length);
    }
}

/// Gathers the close-ups of the connections that begin with certain frames.
#[derive(Debug)]
pub struct CloseUps {
    ports: Ports,
    wanted: AHashMap<FrameRef, Pair<Endpoint>>,
    found: AHashMap<FrameRef, Box<CloseUp>>,
}

impl CloseUps {
    /// Wants those of `sessions`; `ports` speak SMTP beside the well-known ones.
    pub fn of<'a>(sessions: impl IntoIterator<Item = &'a Session>, ports: &[u16]) -> Self {
        let wanted =
            sessions.into_iter().map(|session| (session.flow.first.frame, session.flow.endpoints)).collect();
        Self { ports: Ports::with(ports), wanted, found: AHashMap::new() }
    }

    /// The close-up of a session; its originator is the session's client.
    pub fn get(&self, session: &Session) -> Option<&CloseUp> {
        self.found.get(&session.flow.first.frame).map(|close_up| &**close_up)
    }
}

impl FlowSink for CloseUps {
    type Conversation = Reading;

    fn open(&mut self, start: &FlowStart) -> Reading {
        Reading { dialog: Overheard::new(&self.ports, start), text: Pair::default() }
    }

    fn close(&mut self, flow: Flow, reading: Reading) {
        let first = flow.first.frame;
        let Some(ends) = self.wanted.get(&first) else { return };
        let originator = flow.endpoints.originator;
        let Some(mut session) = reading.dialog.finish(flow) else { return };
        // The dialogue told the roles the second time as it did the first.
        if session.flow.endpoints != *ends {
            return;
        }
        session.shrink_to_fit();
        let flipped = session.flow.endpoints.originator != originator;
        let mut text = if flipped { reading.text.swapped() } else { reading.text };
        text.originator.tail.shrink_to_fit();
        text.responder.tail.shrink_to_fit();
        if let Some(trace) = session.flow.trace.take() {
            self.found.insert(first, Box::new(CloseUp { session, trace, text }));
        }
    }
}

/// Reads one connection the second time.
#[derive(Debug)]
pub struct Reading {
    dialog: Overheard,
    text: Pair<TextFacts>,
}

impl Conversation for Reading {
    fn data(&mut self, side: Side, chunk: Chunk<'_>) -> Interest {
        self.text.of_mut(side).take(chunk);
        self.dialog.data(side, chunk)
    }

    fn gap(&mut self, side: Side, gap: Gap) -> Interest {
        self.text.of_mut(side).skip(gap);
        self.dialog.gap(side, gap)
    }

    fn end_of_stream(&mut self, side: Side, length: u64, at: Moment, acknowledged: u64) {
        self.dialog.end_of_stream(side, length, at, acknowledged);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cite::CaptureId;
    use crate::time::Timestamp;

    #[test]
    fn lines_and_tail_do_not_depend_on_the_cut() {
        let text = [&b"EHLO x\r\nMAIL FROM:<>\r\n"[..], &[b'a'; 700], b"\r\nend"].concat();
        let at =
            Moment { time: Timestamp::from_nanos(0), frame: FrameRef { capture: CaptureId(0), frame: 1 } };
        for size in [1, 7, 100, text.len()] {
            let mut facts = TextFacts::default();
            let mut offset = 0;
            for bytes in text.chunks(size) {
                facts.take(Chunk { bytes, offset, at, acknowledged: 0 });
                offset += bytes.len() as u64;
            }
            assert_eq!(facts.tail, text[text.len() - TextFacts::MAX_TAIL..]);
            assert_eq!((facts.unfinished, facts.end), (3, text.len() as u64));
            let longest = facts.longest_line.unwrap();
            assert_eq!((longest.length, longest.offset), (702, 22));
        }
    }
}
