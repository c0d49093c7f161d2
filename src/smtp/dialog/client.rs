//! The client's stream: commands, bodies, or TLS records.

use crate::capture::{Chunk, Gap};
use crate::cite::Moment;
use crate::net::Role;
use crate::smtp::dialog::body::{BodyReader, Candidate, Chunked, Lenient};
use crate::smtp::dialog::pairing::Trust;
use crate::smtp::dialog::{Beginning, DialogReader};
use crate::smtp::held::{Held, Piece};
use crate::smtp::line::LineSplitter;
use crate::smtp::proxy::{Proxied, ProxyHeader};
use crate::smtp::tls::{self, EncryptionStart, begins_record, is_record};

/// See the module.
#[derive(Debug)]
pub(super) struct ClientSide {
    pub(super) mode: Mode,
    pub(super) lines: LineSplitter,
    pub(super) held: Held,
    /// Offset 0 is the first octet that the client said.
    pub(super) from_start: bool,
    /// How far the stream has come.
    pub(super) frontier: u64,
    /// How far it has been read.
    pub(super) parsed: u64,
    /// Where it ends, once its FIN has come.
    pub(super) length: Option<u64>,
    /// When it ended.
    pub(super) ended: Option<Moment>,
    /// Commands may be missing from the file since the last one that was read.
    ///
    /// The value is what a server must have acknowledged to have received any of them.
    pub(super) after_hole: Option<u64>,
    /// What the server said up to here is not waited for any more.
    pub(super) presumed: u64,
    /// An AUTH exchange has begun and no other known command has come since.
    pub(super) sasl: bool,
    /// The last octets that were passed over behind a gap, or the gap.
    pub(super) lost: Option<Moment>,
    /// The segment that brought the line that has begun.
    pub(super) line_from: Option<Position>,
    /// What was passed over since the file began, where it begins in mid-flow.
    pub(super) passed: Passed,
    /// Lines with and without CR.
    pub(super) crlf_lines: u64,
    pub(super) bare_lines: u64,
}

/// What the next octets of the client are.
#[derive(Debug)]
pub(super) enum Mode {
    /// The beginning of the stream: perhaps a PROXY header, perhaps TLS.
    Start(ProxyHeader),
    /// Command lines.
    Commands,
    /// Hangs on the reply to the last command.
    Await(Await),
    /// The answer to a SASL challenge.
    Sasl,
    /// A body, up to the line with a single dot.
    Body(Box<BodyReader>),
    /// A body in which a dot line without its CRs was found; the next reply tells whether it was the
    /// end.
    Candidate(Box<Candidate>),
    /// A chunk of BDAT, told by its size.
    Chunk(Box<Chunked>),
    /// The server is ready for TLS: hello or not?
    BeforeTls {
        /// Where the go-ahead ends in the server's stream.
        ready: u64,
    },
    /// TLS.
    Dark,
    /// Behind a gap: commands, or text.
    Lost,
}

/// Commands whose reply says what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Await {
    Data,
    StartTls,
    Auth,
}

/// Octets that were passed over, and the lines that they were.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Passed {
    pub(super) octets: u64,
    pub(super) lines: u32,
}

/// Where octets stand: their end's offset, the segment, what it acknowledges.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    pub(super) end: u64,
    pub(super) at: Moment,
    pub(super) acknowledged: u64,
}

impl ClientSide {
    pub(super) fn new(beginning: Beginning) -> Self {
        let from_start = beginning == Beginning::Handshake;
        Self {
            mode: if from_start { Mode::Start(ProxyHeader::default()) } else { Mode::Lost },
            lines: LineSplitter::default(),
            held: Held::default(),
            from_start,
            frontier: 0,
            parsed: 0,
            length: None,
            ended: None,
            after_hole: (!from_start).then_some(0),
            presumed: 0,
            sasl: false,
            lost: None,
            line_from: None,
            passed: Passed::default(),
            crlf_lines: 0,
            bare_lines: 0,
        }
    }

    /// Commands may be missing that a server has who acknowledged so much.
    pub(super) fn commands_may_miss_from(&mut self, acknowledged: u64) {
        self.after_hole.get_or_insert(acknowledged);
    }

    /// The file begins just before the greeting after all.
    pub(super) fn begin_at_greeting(&mut self) {
        if self.parsed == 0 {
            self.mode = Mode::Start(ProxyHeader::default());
        }
        self.from_start = true;
        self.after_hole = None;
    }

    /// Whether everything is read that a server had received who acknowledged so much.
    pub(super) fn is_read_up_to(&self, acknowledged: u64) -> bool {
        self.parsed >= acknowledged || self.length.is_some_and(|length| self.parsed >= length)
    }

    /// Whether the octets of a segment that acknowledges `acknowledged` must wait.
    fn must_wait(&self, acknowledged: u64, server: &super::ServerSide) -> bool {
        match &self.mode {
            Mode::Await(_) | Mode::Candidate(_) => true,
            Mode::Lost => self.must_hear_first(acknowledged, server),
            Mode::Body(body) if body.holed => self.must_hear_first(acknowledged, server),
            _ => false,
        }
    }

    /// Behind a gap it is the replies that show where the client stood, so those that it had received
    /// come first.
    fn must_hear_first(&self, acknowledged: u64, server: &super::ServerSide) -> bool {
        if acknowledged <= self.presumed {
            return false;
        }
        server.frontier < acknowledged
            || server.replies.front().is_some_and(|heard| heard.reply.end_offset <= acknowledged)
    }

    /// If octets are held until replies are heard that end by some offset: that offset.
    pub(super) fn waits_for_reply_up_to(&self) -> Option<u64> {
        let holed = match &self.mode {
            Mode::Lost => true,
            Mode::Body(body) => body.holed,
            _ => false,
        };
        match self.held.front() {
            Some(Piece::Octets { acknowledged, .. }) if holed => Some(acknowledged),
            _ => None,
        }
    }
}

impl DialogReader {
    pub(super) fn client_octets(&mut self, chunk: Chunk<'_>) {
        self.client.frontier = chunk.offset.saturating_add(chunk.bytes.len() as u64);
        let used = if self.client.held.is_empty() { self.read_client(chunk) } else { 0 };
        let rest = chunk.bytes.get(used..).unwrap_or_default();
        let offset = chunk.offset.saturating_add(used as u64);
        self.client.held.push(rest, offset, chunk.at, chunk.acknowledged);
    }

    pub(super) fn client_gap(&mut self, gap: Gap) {
        self.client.frontier = gap.offset.saturating_add(gap.length);
        if self.client.held.is_empty() && !matches!(self.client.mode, Mode::Await(_) | Mode::Candidate(_)) {
            self.read_gap(gap);
        } else {
            self.client.held.push_gap(gap);
        }
    }

    /// Reads what is held, as far as it can be; whether it could.
    pub(super) fn read_held(&mut self) -> bool {
        let mut moved = false;
        while let Some(piece) = self.client.held.front() {
            match piece {
                Piece::Gap(gap) => {
                    if matches!(self.client.mode, Mode::Await(_) | Mode::Candidate(_)) {
                        break;
                    }
                    self.client.held.pop();
                    self.read_gap(gap);
                }
                Piece::Octets { length, offset, at, acknowledged } => {
                    let (octets, start) = self.client.held.lend();
                    let bytes = octets.get(start..start + length).unwrap_or_default();
                    let used = self.read_client(Chunk { bytes, offset, at, acknowledged });
                    self.client.held.give_back(octets, used);
                    if used == 0 {
                        break;
                    }
                }
            }
            moved = true;
        }
        moved
    }

    /// Reads until the octets are used up or must wait; how many were read.
    fn read_client(&mut self, chunk: Chunk<'_>) -> usize {
        let mut left = chunk.bytes;
        let end = chunk.offset.saturating_add(chunk.bytes.len() as u64);
        if matches!(self.client.mode, Mode::Lost) && is_record(left) {
            self.client.lines.forget();
            self.client.mode = Mode::Dark;
            self.dark(EncryptionStart::StartTls);
        }
        while !left.is_empty() && !self.client.must_wait(chunk.acknowledged, &self.server) {
            let here = Position { end, at: chunk.at, acknowledged: chunk.acknowledged };
            self.read_step(&mut left, here);
            self.client.parsed = end.saturating_sub(left.len() as u64);
        }
        chunk.bytes.len() - left.len()
    }

    /// Reads one line, or one stretch of a body. `here.end` is where `left` ends.
    fn read_step(&mut self, left: &mut &[u8], here: Position) {
        match &mut self.client.mode {
            Mode::Start(proxy) => match proxy.read(left) {
                Proxied::Undecided => {}
                Proxied::Over => {
                    self.client.mode = Mode::Commands;
                    self.oddity("a PROXY header before the dialogue", here.at);
                }
                Proxied::Plain(taken) => self.read_plain_start(&taken, left.len(), here),
            },
            Mode::Commands | Mode::Sasl | Mode::Lost => self.read_command_line(left, here),
            Mode::Body(_) => self.read_body(left, here),
            Mode::Chunk(_) => self.read_chunk(left, here),
            Mode::BeforeTls { ready } => {
                let ready = *ready;
                self.read_before_tls(left, here, ready);
            }
            Mode::Dark => {
                let octets = std::mem::take(left);
                let piece =
                    tls::Piece { octets, end: here.end, at: here.at, acknowledged: here.acknowledged };
                self.dark(EncryptionStart::StartTls).read(Role::Client, piece);
            }
            Mode::Await(_) | Mode::Candidate(_) => {}
        }
    }

    /// Octets that might have begun a PROXY header and did not: at most a few, and no line of theirs
    /// switches to anything but commands.
    fn read_plain_start(&mut self, mut taken: &[u8], behind: usize, here: Position) {
        self.client.mode = Mode::Commands;
        let end = here.end.saturating_sub(behind as u64);
        while !taken.is_empty() {
            self.read_command_line(&mut taken, Position { end, ..here });
        }
    }

    /// The stream is over before it was clear whether it begins with a PROXY header.
    pub(super) fn read_undecided_start(&mut self) {
        if let Mode::Start(proxy) = &mut self.client.mode {
            let taken = proxy.take_undecided();
            let at = self.latest();
            let here = Position { end: self.client.parsed, at, acknowledged: 0 };
            self.read_plain_start(&taken, 0, here);
        }
    }

    fn read_before_tls(&mut self, left: &mut &[u8], here: Position, ready: u64) {
        if begins_record(left) {
            self.client.mode = Mode::Dark;
        } else if here.acknowledged < ready && self.trust != Trust::Broken {
            // Sent before the go-ahead had arrived: a server must discard it (RFC 3207 section 4.2).
            *left = &[];
            self.oddity("commands sent behind STARTTLS before the server was ready", here.at);
        } else {
            self.dark(EncryptionStart::StartTls).not_tls = true;
            self.client.mode = Mode::Commands;
        }
    }

    fn read_gap(&mut self, gap: Gap) {
        self.read_cut_line(gap);
        self.client.parsed = gap.offset.saturating_add(gap.length);
        match &mut self.client.mode {
            Mode::Body(body) => body.gap(gap.length),
            Mode::Chunk(chunk) => {
                let inside = chunk.left.min(gap.length);
                chunk.left -= inside;
                let over = chunk.left == 0;
                self.chunks.get_or_insert_with(|| Box::new(BodyReader::new(Lenient::IsText))).gap(inside);
                if over {
                    self.end_chunk(gap.at);
                    if inside < gap.length {
                        self.lose_place(gap.at);
                    }
                }
            }
            Mode::Dark => self.dark(EncryptionStart::StartTls).gap(Role::Client, gap.length),
            _ => self.lose_place(gap.at),
        }
        if !matches!(self.client.mode, Mode::Dark | Mode::Chunk(_)) {
            self.client.commands_may_miss_from(gap.offset.saturating_add(1));
        }
    }

    pub(super) fn lose_place(&mut self, at: Moment) {
        self.client.lost = Some(at);
        self.client.lines.forget();
        self.client.mode = Mode::Lost;
    }
}
