//! Scripted dialogues for tests: what each end says, in the order of cause and effect, as chunks
//! with true offsets and acknowledgments.

use crate::capture::{
    Chunk, Close, CloseKind, Closes, ConnState, Effect, Flow, Gap, Loss, OriginatorFrom, Pair, Side,
    StreamFacts,
};
use crate::cite::{CaptureId, FrameRef, Moment};
use crate::net::{Endpoint, Role};
use crate::smtp::dialog::{Beginning, Delivered, DialogReader};
use crate::smtp::session::{Dialog, RolesFrom, Session};
use crate::time::{Span, Timestamp};

/// The moment of a frame; frames are a tenth of a second apart unless the script waits.
pub(crate) fn moment(frame: u32, time: Timestamp) -> Moment {
    Moment { time, frame: FrameRef { capture: CaptureId(0), frame } }
}

/// One piece of a stream.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) by: Role,
    pub(crate) what: What,
    pub(crate) offset: u64,
    pub(crate) at: Moment,
    pub(crate) acknowledged: u64,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    Octets(Vec<u8>),
    Missing(u64),
}

/// A dialogue under construction.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) said: Vec<Said>,
    pub(crate) client: u64,
    pub(crate) server: u64,
    pub(crate) frame: u32,
    pub(crate) now: Timestamp,
    pub(crate) closes: Vec<Close>,
    /// The client acknowledged the server's last octets, and the other way round.
    pub(crate) delivered: Pair<bool>,
    /// The window that the server announced last.
    pub(crate) server_window: u32,
    piece: usize,
}

impl Script {
    pub(crate) const START: Timestamp = Timestamp::from_nanos(1_000_000_000_000);

    pub(crate) fn new() -> Self {
        Self {
            said: Vec::new(),
            client: 0,
            server: 0,
            frame: 1,
            now: Self::START,
            closes: Vec::new(),
            delivered: Pair { originator: true, responder: true },
            server_window: 65_535,
            piece: usize::MAX,
        }
    }

    /// Cuts what is said from here on into pieces of so many octets.
    pub(crate) fn in_pieces(mut self, piece: usize) -> Self {
        self.piece = piece;
        self
    }

    /// The client says something.
    pub(crate) fn c(self, octets: impl AsRef<[u8]>) -> Self {
        self.say(Role::Client, octets.as_ref())
    }

    /// The server says something.
    pub(crate) fn s(self, octets: impl AsRef<[u8]>) -> Self {
        self.say(Role::Server, octets.as_ref())
    }

    /// Time passes.
    pub(crate) fn wait(mut self, seconds: i64) -> Self {
        self.now = self.now.plus(Span::from_seconds(seconds));
        self
    }

    /// Says what the file does not hold.
    pub(crate) fn missing(mut self, by: Role, octets: impl AsRef<[u8]>) -> Self {
        let length = octets.as_ref().len() as u64;
        self.push(by, What::Missing(length), length);
        self
    }

    pub(crate) fn say(mut self, by: Role, octets: &[u8]) -> Self {
        for piece in octets.chunks(self.piece.min(octets.len().max(1))) {
            self.push(by, What::Octets(piece.to_vec()), piece.len() as u64);
        }
        self
    }

    /// The next frame's moment.
    pub(crate) fn tick(&mut self) -> Moment {
        self.frame += 1;
        self.now = self.now.plus(Span::from_millis(100));
        moment(self.frame, self.now)
    }

    fn push(&mut self, by: Role, what: What, length: u64) {
        let at = self.tick();
        let (offset, acknowledged) = match by {
            Role::Client => (self.client, self.server),
            Role::Server => (self.server, self.client),
        };
        self.said.push(Said { by, what, offset, at, acknowledged });
        match by {
            Role::Client => self.client += length,
            Role::Server => self.server += length,
        }
    }

    /// An end sends a FIN, knowing of all that the other end sent.
    pub(crate) fn fin(self, by: Role) -> Self {
        self.close(by, CloseKind::Fin, true)
    }

    /// An end sends an RST, knowing of all that the other end sent.
    pub(crate) fn rst(self, by: Role) -> Self {
        self.close(by, CloseKind::Rst, true)
    }

    /// A close; `aware`: it acknowledges all that the other end sent, a FIN included. The first one
    /// takes effect.
    pub(crate) fn close(mut self, by: Role, kind: CloseKind, aware: bool) -> Self {
        let at = self.tick();
        let (offset, other) = match by {
            Role::Client => (self.client, self.server),
            Role::Server => (self.server, self.client),
        };
        let by = if by == Role::Client { Side::Originator } else { Side::Responder };
        let fins = self.closes.iter().any(|close| close.by != by && close.kind == CloseKind::Fin);
        let acknowledged = if aware { other + u64::from(fins) } else { other.saturating_sub(1) };
        let effect = if self.closes.is_empty() { Effect::Effective } else { Effect::Aftermath };
        self.closes.push(Close { kind, by, at, offset, acknowledged: Some(acknowledged), effect });
        self
    }

    /// The last octets of an end were never acknowledged.
    pub(crate) fn undelivered(mut self, by: Role) -> Self {
        match by {
            Role::Client => self.delivered.originator = false,
            Role::Server => self.delivered.responder = false,
        }
        self
    }

    pub(crate) fn delivered(&self) -> Delivered {
        let reached = |length: u64, all: bool| if all { length } else { length.saturating_sub(1) };
        Delivered {
            client: reached(self.client, self.delivered.originator),
            server: reached(self.server, self.delivered.responder),
        }
    }

    /// The session that the capture would show; its file goes on until now.
    pub(crate) fn session(&self) -> Session {
        let last = moment(self.frame, self.now);
        let delivered = self.delivered();
        let end = |ip: &str, port| Endpoint::new(ip.parse().unwrap(), port);
        let first_close = self.closes.first().copied();
        let stream = |by: Role, length, acknowledged, window| {
            let gaps = self.said.iter().filter(|said| said.by == by).filter_map(|said| match said.what {
                What::Missing(length) => {
                    Some(Gap { offset: said.offset, length, at: said.at, loss: Loss::Capture })
                }
                What::Octets(_) => None,
            });
            StreamFacts {
                end: length,
                acknowledged,
                window,
                mss: Some(1460),
                last: Some(last),
                gaps: gaps.collect(),
                ..StreamFacts::default()
            }
        };
        let flow = Flow {
            capture: CaptureId(0),
            endpoints: Pair { originator: end("192.0.2.1", 40_000), responder: end("198.51.100.25", 25) },
            originator_from: OriginatorFrom::Handshake,
            first: moment(1, Self::START),
            last,
            segments: self.frame.into(),
            streams: Pair {
                originator: stream(Role::Client, self.client, delivered.client, 65_535),
                responder: stream(Role::Server, self.server, delivered.server, self.server_window),
            },
            closes: Closes { first_seen: first_close, effective: first_close, all: self.closes.clone() },
            conn_state: ConnState::S1,
            history: String::new(),
            open_at_end: first_close.is_none(),
            watched_until: self.now,
            trace: None,
        };
        Session { flow, roles_from: RolesFrom::Handshake, dialog: self.play() }
    }

    /// Plays it in its own order.
    pub(crate) fn play(&self) -> Dialog {
        self.play_from(Beginning::Handshake, &self.said.iter().collect::<Vec<_>>())
    }

    /// Plays pieces in any order that keeps each end's own.
    pub(crate) fn play_from(&self, beginning: Beginning, order: &[&Said]) -> Dialog {
        let mut reader = DialogReader::new(beginning, moment(1, Self::START));
        for said in order {
            feed(&mut reader, said);
        }
        reader.finish(self.delivered())
    }

    /// The pieces with the two directions shuffled together as `coin` says (true: the client's turn).
    pub(crate) fn shuffled(&self, mut coin: impl FnMut() -> bool) -> Vec<&Said> {
        let mut client = self.said.iter().filter(|said| said.by == Role::Client).peekable();
        let mut server = self.said.iter().filter(|said| said.by == Role::Server).peekable();
        let mut order = Vec::with_capacity(self.said.len());
        while client.peek().is_some() || server.peek().is_some() {
            let from_client = server.peek().is_none() || (client.peek().is_some() && coin());
            order.extend(if from_client { client.next() } else { server.next() });
        }
        order
    }
}

pub(crate) fn feed(reader: &mut DialogReader, said: &Said) {
    match &said.what {
        What::Octets(bytes) => reader.data(
            said.by,
            Chunk { bytes, offset: said.offset, at: said.at, acknowledged: said.acknowledged },
        ),
        What::Missing(length) => reader
            .gap(said.by, Gap { offset: said.offset, length: *length, at: said.at, loss: Loss::Capture }),
    }
}

/// The verbs and reply codes of a dialogue, `EHLO 250, MAIL 250, QUIT -`.
pub(crate) fn course(dialog: &Dialog) -> String {
    let shown = dialog.commands.iter().map(|command| match command.reply {
        Some((code, _)) => format!("{} {}", command.verb.as_str(), code.0),
        None => format!("{} -", command.verb.as_str()),
    });
    shown.collect::<Vec<_>>().join(", ")
}
