//! The client's stream: commands, bodies, or TLS records.

use crate::capture::{Chunk, Gap};
use crate::cite::Moment;
use crate::net::Role;
use crate::smtp::command::{self, Argument, Parsed, Verb};
use crate::smtp::dialog::course::Answer;
use crate::smtp::dialog::pairing::Trust;
use crate::smtp::dialog::pending::{BodyPart, BodyReader, Lenient, Pending};
use crate::smtp::dialog::{Beginning, DialogReader, MAX_PENDING};
use crate::smtp::dots::DotLine;
use crate::smtp::held::{Held, Piece};
use crate::smtp::line::{Line, LineEnd, LineSplitter};
use crate::smtp::proxy::{Proxied, ProxyHeader};
use crate::smtp::session::ReplySeen;
use crate::smtp::tls::{EncryptionStart, HANDSHAKE, begins_record};
use crate::text::Text;

/// Octets of what a client has sent ahead that are looked at to guess what they are.
const GUESS_FROM: usize = 512;

/// See the module.
#[derive(Debug)]
pub(super) struct ClientSide {
    pub(super) mode: Mode,
    lines: LineSplitter,
    pub(super) held: Held,
    /// Offset 0 is the first octet that the client said.
    pub(super) from_start: bool,
    /// How far the stream has come.
    pub(super) frontier: u64,
    /// How far it has been read.
    pub(super) parsed: u64,
    /// Where it ends, once its FIN has come.
    pub(super) length: Option<u64>,
    /// Commands may be missing from the file since the last one that was read.
    pub(super) after_hole: bool,
    /// What the server said up to here is not waited for any more.
    presumed: u64,
    /// An AUTH exchange has begun and no other known command has come since.
    sasl: bool,
    /// The last octets that were passed over behind a gap, or the gap.
    pub(super) lost: Option<Moment>,
    /// Lines with and without CR.
    crlf_lines: u64,
    bare_lines: u64,
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

/// A dot line that may or may not be the end of a body.
#[derive(Debug)]
pub(super) struct Candidate {
    body: BodyReader,
    length: u64,
    end: u64,
    at: Moment,
    acknowledged: u64,
}

/// A chunk under way. Its command is pending only from its last octet on, as the server can hardly
/// answer before.
#[derive(Debug)]
pub(super) struct Chunked {
    command: Pending,
    left: u64,
}

/// Where octets stand: their end's offset, the segment, what it acknowledges.
#[derive(Debug, Clone, Copy)]
struct Position {
    end: u64,
    at: Moment,
    acknowledged: u64,
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
            after_hole: !from_start,
            presumed: 0,
            sasl: false,
            lost: None,
            crlf_lines: 0,
            bare_lines: 0,
        }
    }

    /// The file begins just before the greeting after all.
    pub(super) fn begin_at_greeting(&mut self) {
        if self.parsed == 0 {
            self.mode = Mode::Start(ProxyHeader::default());
        }
        self.from_start = true;
        self.after_hole = false;
    }

    /// A 354 to a DATA that is not in the file.
    pub(super) fn begin_body_behind_hole(&mut self) {
        if matches!(self.mode, Mode::Lost) {
            self.lines.forget();
            self.mode = Mode::Body(Box::new(BodyReader::behind_a_hole()));
        }
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

    /// The client has ended all its lines with a bare LF so far.
    fn speaks_bare_lf(&self) -> bool {
        self.bare_lines > 0 && self.crlf_lines == 0
    }

    /// Whether a reply that had `acknowledged` octets of the client behind it shows that the dot line
    /// in question was the end (it answers nothing else), or that it was not (a true end had come by
    /// then); `None` when it came before.
    pub(super) fn was_the_end(&self, acknowledged: u64) -> Option<bool> {
        let Mode::Candidate(candidate) = &self.mode else { return None };
        if acknowledged < candidate.end {
            return None;
        }
        let mut dots = candidate.body.dots;
        let mut ahead = self.held.ahead(usize::MAX);
        let mut end = candidate.end;
        while let Some(dot) = dots.find(ahead) {
            end = end.saturating_add(dot.end as u64);
            if dot.line == DotLine::Strict {
                return Some(acknowledged < end);
            }
            ahead = ahead.get(dot.end..).unwrap_or_default();
        }
        Some(true)
    }

    /// The dot line in question is text.
    pub(super) fn candidate_is_text(&mut self) {
        match std::mem::replace(&mut self.mode, Mode::Commands) {
            Mode::Candidate(candidate) => {
                let mut body = candidate.body;
                body.lenient = Lenient::IsText;
                self.mode = Mode::Body(Box::new(body));
            }
            other => self.mode = other,
        }
    }

    /// The chunk under way; commands follow.
    fn take_chunk(&mut self) -> Option<Chunked> {
        match std::mem::replace(&mut self.mode, Mode::Commands) {
            Mode::Chunk(chunk) => Some(*chunk),
            other => {
                self.mode = other;
                None
            }
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
                self.dark(EncryptionStart::StartTls).read(Role::Client, octets, here.at);
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

    /// The body that is under way at the end.
    pub(super) fn body_under_way(&mut self) -> Option<BodyPart> {
        match &mut self.client.mode {
            Mode::Body(body) => Some(body.take_part()),
            _ => None,
        }
    }

    fn read_command_line(&mut self, left: &mut &[u8], here: Position) {
        if !self.client.lines.has_partial()
            && left.first().is_some_and(|first| self.may_be_record(*first, left))
        {
            self.client.mode = Mode::Dark;
            let first_words = self.client.from_start && self.client.crlf_lines + self.client.bare_lines == 0;
            self.dark(if first_words { EncryptionStart::Implicit } else { EncryptionStart::StartTls });
            return;
        }
        let mut lines = std::mem::take(&mut self.client.lines);
        if let Some(line) = lines.next(left) {
            let after = Position { end: here.end.saturating_sub(left.len() as u64), ..here };
            match self.client.mode {
                Mode::Sasl => self.sasl_line(after),
                Mode::Lost => self.lost_line(line, after),
                _ => self.command_line(line, after),
            }
            // The line may have been a secret: blank it at once.
            lines.forget();
        } else if matches!(self.client.mode, Mode::Lost) {
            self.client.lost = Some(here.at);
        } else {
            self.word(here.at);
        }
        self.client.lines = lines;
    }

    /// No command begins like a TLS record; where we have lost our place, ask for its version too.
    fn may_be_record(&self, first: u8, octets: &[u8]) -> bool {
        match self.client.mode {
            Mode::Lost => begins_record(first) && octets.get(1) == Some(&3),
            _ => first == HANDSHAKE,
        }
    }

    /// A line behind a gap: text, until one cannot be anything but a command.
    fn lost_line(&mut self, line: Line<'_>, here: Position) {
        if command::is_unmistakable(line.bytes) {
            self.client.mode = Mode::Commands;
            self.command_line(line, here);
        } else if line.bytes == b"." {
            self.client.mode = Mode::Commands;
            self.push(Verb::EndOfData, Argument::None, here, None);
        } else {
            self.client.lost = Some(here.at);
        }
    }

    fn sasl_line(&mut self, here: Position) {
        self.push(Verb::AuthLine, Argument::None, here, None);
        self.client.mode = Mode::Await(Await::Auth);
    }

    fn command_line(&mut self, line: Line<'_>, here: Position) {
        match line.end {
            LineEnd::CrLf => self.client.crlf_lines += 1,
            LineEnd::BareLf => {
                self.client.bare_lines += 1;
                self.oddity("commands that end with a bare LF", here.at);
            }
        }
        if line.dropped > 0 {
            self.oddity("command lines longer than are read", here.at);
        }
        if line.bytes.trim_ascii().is_empty() {
            // Some servers answer an empty line with 500, some pass over it.
            let blank = Pending {
                blank: true,
                ..self.pending_command(Verb::Unknown(Text::default()), Argument::None, here)
            };
            return self.enqueue(blank);
        }
        let Parsed { verb, argument } = command::parse(line.bytes);
        match &verb {
            // The rest of an exchange that the server has refused, and that must not be shown.
            Verb::Unknown(_) if self.client.sasl && command::is_sasl_line(line.bytes) => {
                return self.push(Verb::AuthLine, Argument::None, here, None);
            }
            Verb::Unknown(_) => {}
            other => self.client.sasl = *other == Verb::Auth,
        }
        if let (Verb::Bdat, Argument::Chunk { octets, last, odd }) = (&verb, &argument) {
            if *odd {
                self.oddity("sizes in BDAT that are no number or too large", here.at);
            }
            return self.begin_chunk(*octets, *last, here);
        }
        if matches!(verb, Verb::Mail | Verb::Rset | Verb::Ehlo | Verb::Helo | Verb::Lhlo) {
            self.chunks = None;
        }
        let awaits = match verb {
            Verb::Data => Some(Await::Data),
            Verb::StartTls => Some(Await::StartTls),
            Verb::Auth => Some(Await::Auth),
            _ => None,
        };
        self.push(verb, argument, here, None);
        if let Some(awaits) = awaits {
            self.client.mode = Mode::Await(awaits);
        }
    }

    fn begin_chunk(&mut self, octets: u64, last: bool, here: Position) {
        let index = self.list(&Verb::Bdat, here);
        let command = Pending {
            last_chunk: last,
            chunk_whole: true,
            index,
            ..self.pending_command(Verb::Bdat, Argument::None, here)
        };
        self.client.mode = Mode::Chunk(Box::new(Chunked { command, left: octets }));
        if octets == 0 {
            self.end_chunk(here.at);
        }
    }

    fn read_chunk(&mut self, left: &mut &[u8], here: Position) {
        let Mode::Chunk(chunk) = &mut self.client.mode else { return };
        let here_now = usize::try_from(chunk.left).unwrap_or(usize::MAX).min(left.len());
        let (octets, rest) = left.split_at(here_now);
        *left = rest;
        chunk.left -= here_now as u64;
        let over = chunk.left == 0;
        self.chunks.get_or_insert_with(|| Box::new(BodyReader::new(Lenient::IsText))).read(octets, here.at);
        self.word(here.at);
        if over {
            self.end_chunk(here.at);
        }
    }

    /// All octets of the chunk have come.
    fn end_chunk(&mut self, at: Moment) {
        if let Some(chunk) = self.client.take_chunk() {
            self.push_chunk(chunk.command, at);
        }
    }

    fn push_chunk(&mut self, mut command: Pending, at: Moment) {
        let part = match &mut self.chunks {
            Some(body) => body.take_part(),
            None => BodyPart { last: Some(at), ..BodyPart::default() },
        };
        command.body = Some(Box::new(part));
        if command.last_chunk {
            self.chunks = None;
        }
        self.enqueue(command);
    }

    /// The file ends in a chunk.
    pub(super) fn break_off_chunk(&mut self) {
        if let Some(chunk) = self.client.take_chunk() {
            let mut command = chunk.command;
            command.chunk_whole = false;
            let at = command.at;
            self.push_chunk(command, at);
        }
    }

    fn read_body(&mut self, left: &mut &[u8], here: Position) {
        let Mode::Body(body) = &mut self.client.mode else { return };
        let Some(dot) = body.dots.find(left) else {
            body.read(left, here.at);
            *left = &[];
            return self.word(here.at);
        };
        let (octets, rest) = left.split_at(dot.end);
        body.read(octets, here.at);
        *left = rest;
        let ends = match (dot.line, body.lenient) {
            (DotLine::Strict, _) | (DotLine::Lenient, Lenient::Ends) => true,
            (DotLine::Lenient, Lenient::AskReply) => false,
            (DotLine::Lenient, Lenient::IsText) => return self.word(here.at),
        };
        self.word(here.at);
        let after = Position { end: here.end.saturating_sub(rest.len() as u64), ..here };
        let Mode::Body(mut body) = std::mem::replace(&mut self.client.mode, Mode::Commands) else { return };
        if ends {
            body.without_dot(dot.length);
            let part = body.take_part();
            self.push(Verb::EndOfData, Argument::None, after, Some(part));
        } else {
            self.client.mode = Mode::Candidate(Box::new(Candidate {
                body: *body,
                length: dot.length,
                end: after.end,
                at: here.at,
                acknowledged: here.acknowledged,
            }));
        }
    }

    /// A reply has shown that the body is over.
    pub(super) fn end_body_by_reply(&mut self, at: Moment, acknowledged: u64, inferred: bool) {
        let end_seen = self.client.parsed.min(acknowledged);
        match std::mem::replace(&mut self.client.mode, Mode::Commands) {
            Mode::Candidate(mut candidate) => {
                candidate.body.without_dot(candidate.length);
                let here =
                    Position { end: candidate.end, at: candidate.at, acknowledged: candidate.acknowledged };
                let part = candidate.body.take_part();
                self.push_inferred(here, part, inferred);
            }
            Mode::Body(mut body) => {
                // What follows is commands, but where they begin is not known.
                self.client.mode = Mode::Lost;
                let part = body.take_part();
                let here = Position { end: end_seen, at, acknowledged: 0 };
                self.push_inferred(here, part, inferred);
                self.client.after_hole = true;
            }
            other => self.client.mode = other,
        }
    }

    fn push_inferred(&mut self, here: Position, part: BodyPart, inferred: bool) {
        let index = if inferred { None } else { self.list(&Verb::EndOfData, here) };
        let command = Pending {
            body: Some(Box::new(part)),
            inferred: true,
            index,
            ..self.pending_command(Verb::EndOfData, Argument::None, here)
        };
        self.enqueue(command);
    }

    fn read_before_tls(&mut self, left: &mut &[u8], here: Position, ready: u64) {
        if left.first().copied().is_some_and(begins_record) {
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
            self.client.after_hole = true;
        }
    }

    fn lose_place(&mut self, at: Moment) {
        self.client.lost = Some(at);
        self.client.lines.forget();
        self.client.mode = Mode::Lost;
    }

    /// The reply to the last command has come and says what follows.
    pub(super) fn reply_decides(&mut self, reply: &ReplySeen) {
        let Mode::Await(awaited) = self.client.mode else { return };
        self.client.mode = match awaited {
            Await::Data if reply.code.is_intermediate() => self.body_mode(),
            Await::StartTls if reply.code.is_positive() => {
                self.dark(EncryptionStart::StartTls).accepted = Some(reply.at);
                Mode::BeforeTls { ready: reply.end_offset }
            }
            Await::Auth if reply.code.is_intermediate() => Mode::Sasl,
            Await::Data | Await::StartTls | Await::Auth => Mode::Commands,
        };
    }

    fn body_mode(&self) -> Mode {
        let lenient = if self.client.speaks_bare_lf() { Lenient::Ends } else { Lenient::AskReply };
        Mode::Body(Box::new(BodyReader::new(lenient)))
    }

    /// The reply will not come, or not in time: decides by what the client sent ahead of it.
    pub(super) fn decide_without_reply(&mut self) {
        let ahead = self.client.held.ahead(GUESS_FROM);
        let line_end = memchr::memchr(b'\n', ahead).unwrap_or(ahead.len());
        let line = ahead.get(..line_end).unwrap_or_default();
        let command = command::is_unmistakable(line);
        let hello = ahead.first().copied().is_some_and(begins_record);
        match std::mem::replace(&mut self.client.mode, Mode::Commands) {
            Mode::Await(Await::Data) if !command => self.client.mode = self.body_mode(),
            Mode::Await(Await::StartTls) if hello => self.client.mode = Mode::Dark,
            Mode::Await(Await::Auth) if !command => self.client.mode = Mode::Sasl,
            Mode::Await(_) => {}
            Mode::Candidate(candidate) => {
                self.client.mode = Mode::Candidate(candidate);
                let at = self.latest();
                if command && self.server.frontier == 0 {
                    self.end_body_by_reply(at, u64::MAX, false);
                } else {
                    self.oddity(
                        "a dot between bare line ends that the server did not take for the end of the body",
                        at,
                    );
                    self.client.candidate_is_text();
                }
            }
            other => {
                self.client.mode = other;
                self.client.presumed = u64::MAX;
            }
        }
    }

    fn list(&mut self, verb: &Verb, here: Position) -> Option<usize> {
        self.word(here.at);
        self.course.list(verb.clone(), here.at)
    }

    fn push(&mut self, verb: Verb, argument: Argument, here: Position, body: Option<BodyPart>) {
        let index = self.list(&verb, here);
        let command =
            Pending { body: body.map(Box::new), index, ..self.pending_command(verb, argument, here) };
        self.enqueue(command);
    }

    fn pending_command(&mut self, verb: Verb, argument: Argument, here: Position) -> Pending {
        Pending {
            verb,
            argument,
            at: here.at,
            end: here.end,
            acknowledged: here.acknowledged,
            index: None,
            body: None,
            after_hole: std::mem::take(&mut self.client.after_hole),
            inferred: false,
            last_chunk: false,
            chunk_whole: false,
            more_replies: 0,
            blank: false,
        }
    }

    fn enqueue(&mut self, command: Pending) {
        if self.pending.len() == MAX_PENDING {
            self.oddity("more unanswered commands than are remembered", command.at);
            if let Some(oldest) = self.pending.pop_front() {
                self.course.resolve(oldest, Answer::None);
            }
        }
        self.pending.push_back(command);
    }
}
