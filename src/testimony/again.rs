//! The second reading: the flows of reported cases, their octets handed to the comparison.

use ahash::AHashMap;

use crate::capture::{
    self, CaptureInput, Chunk, Flow, FlowSink, FlowStart, Gap, Interest, OriginatorFrom, Side, follow,
};
use crate::cite::Moment;
use crate::maillog::conversation::{Conversation, Direction};
use crate::net::Endpoint;
use crate::smtp::Session;
use crate::smtp::tls::EncryptionStart;
use crate::testimony::Compared;
use crate::testimony::compare::Comparison;

/// A connection on the wire and what the debug log says of it.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// On the wire.
    pub session: &'a Session,
    /// In the log.
    pub conversation: &'a Conversation,
}

/// Reads `captures` once more and compares what is wanted, in its order; `None` for a connection that
/// was not met again.
pub fn read_again(
    captures: Vec<CaptureInput>,
    options: &capture::Options,
    wanted: &[Wanted<'_>],
) -> Vec<Option<Compared>> {
    let mut by_ends: AHashMap<[Endpoint; 2], Vec<usize>> = AHashMap::new();
    for (index, one) in wanted.iter().enumerate() {
        by_ends.entry(ends(one.session.client(), one.session.server())).or_default().push(index);
    }
    let sink = Again { wanted, by_ends, found: vec![None; wanted.len()] };
    follow(captures, options, sink, &|_| {}).0.found
}

fn ends(one: Endpoint, other: Endpoint) -> [Endpoint; 2] {
    if one <= other { [one, other] } else { [other, one] }
}

struct Again<'a> {
    wanted: &'a [Wanted<'a>],
    by_ends: AHashMap<[Endpoint; 2], Vec<usize>>,
    found: Vec<Option<Compared>>,
}

/// The comparisons that one flow is part of.
struct Overheard<'a>(Vec<Pair<'a>>);

struct Pair<'a> {
    wanted: usize,
    client: Side,
    client_says: Direction,
    sent: Comparison<'a>,
    received: Comparison<'a>,
}

impl<'a> FlowSink for Again<'a> {
    type Conversation = Overheard<'a>;

    fn open(&mut self, start: &FlowStart) -> Overheard<'a> {
        let key = ends(start.endpoints.originator, start.endpoints.responder);
        let indices = self.by_ends.get(&key).into_iter().flatten();
        let pairs = indices.filter_map(|&index| {
            let Wanted { session, conversation } = *self.wanted.get(index)?;
            let is_originator = start.endpoints.originator == session.client();
            let comparison = |direction| {
                let dark = session.dialog.encryption.as_ref().map(|encryption| match encryption.how {
                    EncryptionStart::Implicit => 0,
                    // A log without STARTTLS is in clear to its end: the wire differs where it began.
                    EncryptionStart::StartTls => conversation.dark_from.map_or(
                        conversation.stream(direction).length,
                        |(sent, received)| {
                            if direction == Direction::Sent { sent } else { received }
                        },
                    ),
                });
                let whole = session.flow.originator_from == OriginatorFrom::Handshake;
                Comparison::new(conversation, direction, dark, whole)
            };
            Some(Pair {
                wanted: index,
                client: if is_originator { Side::Originator } else { Side::Responder },
                client_says: conversation.client(),
                sent: comparison(Direction::Sent),
                received: comparison(Direction::Received),
            })
        });
        Overheard(pairs.collect())
    }

    fn close(&mut self, flow: Flow, conversation: Overheard<'a>) {
        for pair in conversation.0 {
            let same = self.wanted.get(pair.wanted).is_some_and(|one| one.session.flow.first == flow.first);
            if same && let Some(slot) = self.found.get_mut(pair.wanted) {
                *slot = Some(Compared { sent: pair.sent.finish(), received: pair.received.finish() });
            }
        }
    }
}

impl<'a> Pair<'a> {
    fn of(&mut self, side: Side) -> &mut Comparison<'a> {
        let by_client = side == self.client;
        let received = by_client == (self.client_says == Direction::Received);
        if received { &mut self.received } else { &mut self.sent }
    }
}

impl Overheard<'_> {
    fn interest(&self) -> Interest {
        if self.0.is_empty() { Interest::HeadersOnly } else { Interest::Octets }
    }
}

impl capture::Conversation for Overheard<'_> {
    fn data(&mut self, side: Side, chunk: Chunk<'_>) -> Interest {
        for pair in &mut self.0 {
            pair.of(side).octets(chunk.offset, chunk.bytes, chunk.at);
        }
        self.interest()
    }

    fn gap(&mut self, side: Side, gap: Gap) -> Interest {
        for pair in &mut self.0 {
            pair.of(side).gap(gap.offset, gap.length, gap.at);
        }
        self.interest()
    }

    fn end_of_stream(&mut self, _: Side, _: u64, _: Moment, _: u64) {}
}
