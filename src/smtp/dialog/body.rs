//! Bodies: after DATA up to the dot, or in chunks.

use crate::cite::Moment;
use crate::smtp::command::{Argument, Verb};
use crate::smtp::dialog::DialogReader;
use crate::smtp::dialog::client::{ClientSide, Mode, Position};
use crate::smtp::dialog::pending::{BodyPart, Pending};
use crate::smtp::dots::{DotLine, DotScanner};
use crate::smtp::head::HeadReader;

/// A body while it passes.
#[derive(Debug)]
pub(super) struct BodyReader {
    part: BodyPart,
    head: HeadReader,
    pub(super) dots: DotScanner,
    pub(super) lenient: Lenient,
    /// Octets of it are missing; its end may be among them.
    pub(super) holed: bool,
}

/// What to make of a dot line without its CRs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lenient {
    /// It ends the body: this client ends all its lines so.
    Ends,
    /// The server's next reply will tell.
    AskReply,
    /// It is text.
    IsText,
}

impl BodyReader {
    pub(super) fn new(lenient: Lenient) -> Self {
        Self {
            part: BodyPart::default(),
            head: HeadReader::default(),
            dots: DotScanner::default(),
            lenient,
            holed: false,
        }
    }

    /// A body whose beginning is not in the file.
    pub(super) fn behind_a_hole() -> Self {
        let mut body = Self::new(Lenient::IsText);
        body.gap(0);
        body
    }

    pub(super) fn read(&mut self, octets: &[u8], at: Moment) {
        if octets.is_empty() {
            return;
        }
        if !self.head.is_over() {
            self.head.read(octets);
        }
        self.part.octets = self.part.octets.saturating_add(octets.len() as u64);
        self.part.first.get_or_insert(at);
        self.part.last = Some(at);
    }

    /// Takes the dot line back out of the count.
    pub(super) fn without_dot(&mut self, length: u64) {
        self.part.octets = self.part.octets.saturating_sub(length);
    }

    pub(super) fn gap(&mut self, length: u64) {
        self.part.missing = self.part.missing.saturating_add(length);
        self.head.gap();
        self.dots = DotScanner::behind_a_hole();
        self.holed = true;
    }

    /// What has been read since the last call. The head's fields are told each time.
    pub(super) fn take_part(&mut self) -> BodyPart {
        let mut part = std::mem::take(&mut self.part);
        part.message_id = self.head.message_id();
        part.subject = self.head.subject();
        part
    }

    /// The last segment that brought octets of it.
    pub(super) fn last(&self) -> Option<Moment> {
        self.part.last
    }
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
    pub(super) left: u64,
}

impl ClientSide {
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
    pub(super) fn take_chunk(&mut self) -> Option<Chunked> {
        match std::mem::replace(&mut self.mode, Mode::Commands) {
            Mode::Chunk(chunk) => Some(*chunk),
            other => {
                self.mode = other;
                None
            }
        }
    }

    /// A 354 to a DATA that is not in the file.
    pub(super) fn begin_body_behind_hole(&mut self) {
        if matches!(self.mode, Mode::Lost) {
            self.lines.forget();
            self.mode = Mode::Body(Box::new(BodyReader::behind_a_hole()));
        }
    }

    /// The file begins in a body, of which so many octets were passed over.
    fn body_from(&mut self, octets: u64, at: Moment) {
        let mut body = BodyReader::behind_a_hole();
        body.part.octets = octets;
        body.part.first = Some(at);
        body.part.last = Some(at);
        self.mode = Mode::Body(Box::new(body));
    }

    /// The client has ended all its lines with a bare LF so far.
    pub(super) fn speaks_bare_lf(&self) -> bool {
        self.bare_lines > 0 && self.crlf_lines == 0
    }
}

impl DialogReader {
    /// What was passed over since the file began is a body.
    pub(super) fn begin_in_body(&mut self, here: Position) {
        self.client.body_from(self.client.passed.octets, here.at);
        self.words.client(here.at, here.acknowledged);
        self.course.begun_before_the_file(self.started);
    }

    /// The body that is under way at the end.
    pub(super) fn body_under_way(&mut self) -> Option<BodyPart> {
        match &mut self.client.mode {
            Mode::Body(body) => Some(body.take_part()),
            _ => None,
        }
    }

    pub(super) fn begin_chunk(&mut self, octets: u64, last: bool, here: Position) {
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

    pub(super) fn read_chunk(&mut self, left: &mut &[u8], here: Position) {
        let Mode::Chunk(chunk) = &mut self.client.mode else { return };
        let here_now = usize::try_from(chunk.left).unwrap_or(usize::MAX).min(left.len());
        let (octets, rest) = left.split_at(here_now);
        *left = rest;
        chunk.left -= here_now as u64;
        let over = chunk.left == 0;
        self.chunks.get_or_insert_with(|| Box::new(BodyReader::new(Lenient::IsText))).read(octets, here.at);
        self.words.client(here.at, here.acknowledged);
        if over {
            self.end_chunk(here.at);
        }
    }

    /// All octets of the chunk have come.
    pub(super) fn end_chunk(&mut self, at: Moment) {
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

    pub(super) fn read_body(&mut self, left: &mut &[u8], here: Position) {
        let Mode::Body(body) = &mut self.client.mode else { return };
        let Some(dot) = body.dots.find(left) else {
            body.read(left, here.at);
            *left = &[];
            return self.words.client(here.at, here.acknowledged);
        };
        let (octets, rest) = left.split_at(dot.end);
        body.read(octets, here.at);
        *left = rest;
        let ends = match (dot.line, body.lenient) {
            (DotLine::Strict, _) | (DotLine::Lenient, Lenient::Ends) => true,
            (DotLine::Lenient, Lenient::AskReply) => false,
            (DotLine::Lenient, Lenient::IsText) => return self.words.client(here.at, here.acknowledged),
        };
        self.words.client(here.at, here.acknowledged);
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
                self.client.commands_may_miss_from(acknowledged);
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

    pub(super) fn body_mode(&self) -> Mode {
        let lenient = if self.client.speaks_bare_lf() { Lenient::Ends } else { Lenient::AskReply };
        Mode::Body(Box::new(BodyReader::new(lenient)))
    }
}
