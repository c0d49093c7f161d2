//! From the capture side's flows to sessions.

use crate::capture::{Chunk, Conversation, Flow, FlowSink, FlowStart, Gap, Interest, OriginatorFrom, Side};
use crate::cite::Moment;
use crate::net::Role;
use crate::smtp::connect::{Head, head};
use crate::smtp::dialog::{Beginning, Delivered, DialogReader};
use crate::smtp::known_replies::Phrasebook;
use crate::smtp::recognise::{Ports, Speech, speech};
use crate::smtp::session::{RolesFrom, Session};

/// Octets that are held of a flow until it is known whether it is SMTP. A first line each is all
/// that is asked for; a server may send many before the client speaks.
pub const MAX_UNDECIDED: usize = 16 * 1024;

/// Pieces of them.
const MAX_UNDECIDED_PIECES: usize = 64;

/// Hands every finished SMTP flow to a function, as a [`Session`], and counts the others.
#[derive(Debug)]
pub struct Sessions<F> {
    take: F,
    ports: Ports,
    /// What the servers of the sessions so far say in clear.
    pub phrasebook: Phrasebook,
    /// SMTP flows.
    pub sessions: u64,
    /// Flows that are not SMTP.
    pub others: u64,
}

impl<F: FnMut(Session)> Sessions<F> {
    /// Gives sessions to `take`; flows to `extra_ports` count as SMTP whatever they carry, like
    /// those to [`WELL_KNOWN_PORTS`](crate::smtp::recognise::WELL_KNOWN_PORTS).
    pub fn new(extra_ports: &[u16], take: F) -> Self {
        Self {
            take,
            ports: Ports::with(extra_ports),
            phrasebook: Phrasebook::default(),
            sessions: 0,
            others: 0,
        }
    }

    /// Gives back the function, with what it has gathered.
    pub fn into_inner(self) -> F {
        self.take
    }
}

impl<F: FnMut(Session)> FlowSink for Sessions<F> {
    type Conversation = Overheard;

    fn open(&mut self, start: &FlowStart) -> Overheard {
        Overheard::new(&self.ports, start)
    }

    fn close(&mut self, flow: Flow, conversation: Overheard) {
        match conversation.finish(flow) {
            Some(mut session) => {
                self.sessions += 1;
                self.phrasebook.hear(&session);
                self.phrasebook.teach(&mut session);
                (self.take)(session);
            }
            None => self.others += 1,
        }
    }
}

/// Listens to one flow.
#[derive(Debug)]
pub struct Overheard {
    state: State,
    handshake: bool,
    server_by_port: Option<Side>,
    client: Side,
    started: Moment,
}

#[derive(Debug)]
enum State {
    /// SMTP by its port; nothing has been said.
    Silent(RolesFrom),
    /// What was said before it could be judged.
    Undecided(Vec<Piece>),
    Smtp(Box<DialogReader>, RolesFrom),
    NotSmtp,
}

#[derive(Debug)]
struct Piece {
    side: Side,
    offset: u64,
    at: Moment,
    acknowledged: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    Octets(Vec<u8>),
    Gap(Gap),
    End,
}

impl Conversation for Overheard {
    fn data(&mut self, side: Side, chunk: Chunk<'_>) -> Interest {
        if let Some((role, reader)) = self.reader(side) {
            reader.data(role, chunk);
            return Interest::Octets;
        }
        let what = || What::Octets(chunk.bytes.to_vec());
        self.undecided(side, chunk.offset, chunk.at, chunk.acknowledged, what)
    }

    fn gap(&mut self, side: Side, gap: Gap) -> Interest {
        if let Some((role, reader)) = self.reader(side) {
            reader.gap(role, gap);
            return Interest::Octets;
        }
        self.undecided(side, gap.offset, gap.at, 0, || What::Gap(gap))
    }

    fn end_of_stream(&mut self, side: Side, length: u64, at: Moment, acknowledged: u64) {
        if let Some((role, reader)) = self.reader(side) {
            reader.end_of_stream(role, length, at);
        } else if let State::Undecided(_) = self.state {
            self.undecided(side, length, at, acknowledged, || What::End);
        }
    }
}

impl Overheard {
    /// Begins to listen.
    pub fn new(ports: &Ports, start: &FlowStart) -> Self {
        let server_by_port = ports.server(start);
        let handshake = start.originator_from == OriginatorFrom::Handshake;
        let state = match (handshake, server_by_port) {
            (true, Some(_)) => State::Silent(RolesFrom::Handshake),
            _ => State::Undecided(Vec::new()),
        };
        Self { state, handshake, server_by_port, client: Side::Originator, started: start.at }
    }

    /// The session, if the flow is SMTP.
    pub fn finish(mut self, flow: Flow) -> Option<Session> {
        if let State::Undecided(_) = self.state
            && let Judgement::Smtp { server, roles } = self.judge(true)
        {
            self.begin(server, roles);
        }
        let (reader, roles_from) = match self.state {
            State::Smtp(reader, roles) => (reader, roles),
            State::Silent(roles) => (self.new_reader(), roles),
            State::Undecided(_) | State::NotSmtp => return None,
        };
        let flow = if self.client == Side::Originator { flow } else { flow.flipped() };
        let delivered = Delivered {
            client: flow.streams.originator.acknowledged,
            server: flow.streams.responder.acknowledged,
        };
        Some(Session { dialog: reader.finish(delivered), flow, roles_from })
    }

    /// The reader, if this is SMTP, and the role of `side`.
    fn reader(&mut self, side: Side) -> Option<(Role, &mut DialogReader)> {
        if let State::Silent(roles) = self.state {
            self.state = State::Smtp(self.new_reader(), roles);
        }
        let role = if side == self.client { Role::Client } else { Role::Server };
        match &mut self.state {
            State::Smtp(reader, _) => Some((role, reader)),
            _ => None,
        }
    }

    fn new_reader(&self) -> Box<DialogReader> {
        let beginning = if self.handshake { Beginning::Handshake } else { Beginning::MidFlow };
        Box::new(DialogReader::new(beginning, self.started))
    }

    fn undecided(
        &mut self,
        side: Side,
        offset: u64,
        at: Moment,
        acknowledged: u64,
        what: impl FnOnce() -> What,
    ) -> Interest {
        let State::Undecided(pieces) = &mut self.state else { return Interest::HeadersOnly };
        pieces.push(Piece { side, offset, at, acknowledged, what: what() });
        match self.judge(false) {
            Judgement::Wait => Interest::Octets,
            Judgement::NotSmtp => {
                self.state = State::NotSmtp;
                Interest::HeadersOnly
            }
            Judgement::Smtp { server, roles } => {
                self.begin(server, roles);
                Interest::Octets
            }
        }
    }

    /// What the pieces show; `last`: nothing more will come.
    fn judge(&self, last: bool) -> Judgement {
        let State::Undecided(pieces) = &self.state else { return Judgement::Wait };
        let [originator, responder] =
            [Side::Originator, Side::Responder].map(|side| first_speech(pieces, side));
        let speeches = [(Side::Originator, originator), (Side::Responder, responder)];
        let told = speeches.iter().find_map(|(side, speech)| match speech {
            Speech::Reply { sure } => Some((*side, *sure)),
            Speech::Command { sure } => Some((side.other(), *sure)),
            _ => None,
        });
        if let Some(by_port) = self.server_by_port {
            // SMTP it is; only the roles are in question.
            return match told {
                Some((server, _)) => Judgement::Smtp { server, roles: RolesFrom::Greeting },
                None if last
                    || too_many(pieces)
                    || speeches.iter().any(|(_, speech)| *speech == Speech::Other) =>
                {
                    Judgement::Smtp { server: by_port, roles: RolesFrom::Port }
                }
                None => Judgement::Wait,
            };
        }
        let sure = speeches.iter().find_map(|(side, speech)| match speech {
            Speech::Reply { sure: true } => Some(*side),
            Speech::Command { sure: true } => Some(side.other()),
            _ => None,
        });
        if let Some(server) = sure {
            return if self.handshake {
                Judgement::Smtp { server: Side::Responder, roles: RolesFrom::Handshake }
            } else {
                Judgement::Smtp { server, roles: RolesFrom::Greeting }
            };
        }
        let open = speeches.iter().any(|(_, speech)| *speech == Speech::TooShort);
        let other = speeches.iter().any(|(_, speech)| *speech == Speech::Other);
        if last || other || !open || too_many(pieces) { Judgement::NotSmtp } else { Judgement::Wait }
    }

    /// It is SMTP: reads what was held.
    fn begin(&mut self, server: Side, roles: RolesFrom) {
        self.client = server.other();
        let reader = self.new_reader();
        let State::Undecided(pieces) = std::mem::replace(&mut self.state, State::Smtp(reader, roles)) else {
            return;
        };
        let heads = [Side::Originator, Side::Responder].map(|side| (side, head_of_tunnel(&pieces, side)));
        for piece in pieces {
            let Some((role, reader)) = self.reader(piece.side) else { return };
            let Piece { offset, at, acknowledged, .. } = piece;
            let behind_head = heads.iter().find(|(side, _)| *side == piece.side).map_or(0, |(_, head)| *head);
            match piece.what {
                What::Octets(bytes) => {
                    // Octets of the head that lie in this piece.
                    let passed = usize::try_from(behind_head.saturating_sub(offset)).unwrap_or(usize::MAX);
                    if passed > 0 && offset == 0 && role == Role::Client {
                        reader.came_through_proxy(at);
                    }
                    let bytes = bytes.get(passed..).unwrap_or_default();
                    if !bytes.is_empty() {
                        let offset = offset.max(behind_head);
                        reader.data(role, Chunk { bytes, offset, at, acknowledged });
                    }
                }
                What::Gap(gap) => reader.gap(role, gap),
                What::End => reader.end_of_stream(role, offset, at),
            }
        }
    }
}

enum Judgement {
    Wait,
    NotSmtp,
    Smtp { server: Side, roles: RolesFrom },
}

fn octets_of(pieces: &[Piece], side: Side) -> impl Iterator<Item = &[u8]> {
    pieces.iter().filter(move |piece| piece.side == side).filter_map(|piece| match &piece.what {
        What::Octets(bytes) => Some(bytes.as_slice()),
        What::Gap(_) | What::End => None,
    })
}

/// Octets of an HTTP tunnel's head before what `side` has to say; 0 where there is none.
fn head_of_tunnel(pieces: &[Piece], side: Side) -> u64 {
    let whole: Vec<u8> = octets_of(pieces, side).flatten().copied().collect();
    match head(&whole) {
        Head::Whole(octets) => octets as u64,
        Head::None | Head::Begun => 0,
    }
}

fn first_speech(pieces: &[Piece], side: Side) -> Speech {
    let mut octets = octets_of(pieces, side);
    let Some(first) = octets.next() else { return Speech::TooShort };
    if head(first) != Head::None {
        let whole = octets.fold(first.to_vec(), |whole, more| [&whole, more].concat());
        return match head(&whole) {
            Head::None => speech(&whole),
            Head::Begun => Speech::TooShort,
            Head::Whole(octets) => speech(whole.get(octets..).unwrap_or_default()),
        };
    }
    match speech(first) {
        Speech::TooShort => speech(&octets.fold(first.to_vec(), |whole, more| [&whole, more].concat())),
        judged => judged,
    }
}

fn too_many(pieces: &[Piece]) -> bool {
    let octets = pieces.iter().map(|piece| match &piece.what {
        What::Octets(bytes) => bytes.len(),
        What::Gap(_) | What::End => 0,
    });
    pieces.len() > MAX_UNDECIDED_PIECES || octets.sum::<usize>() > MAX_UNDECIDED
}
