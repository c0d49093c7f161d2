//! The client's command lines, and what is decided by the replies to them.

use crate::capture::Gap;
use crate::smtp::command::{self, Argument, Parsed, Verb};
use crate::smtp::dialog::client::{Await, Mode, Position};
use crate::smtp::dialog::course::Answer;
use crate::smtp::dialog::pending::{BodyPart, Pending};
use crate::smtp::dialog::{DialogReader, MAX_PENDING};
use crate::smtp::line::{Line, LineEnd};
use crate::smtp::session::ReplySeen;
use crate::smtp::tls::{EncryptionStart, begins_record};
use crate::text::Text;

/// Lines without a reply, none of them a command, that only a body holds: a SASL exchange waits for a
/// reply to each line (RFC 4954 section 4).
const LINES_OF_A_BODY: u32 = 2;

/// Octets of what a client has sent ahead that are looked at to guess what they are.
const GUESS_FROM: usize = 512;

impl DialogReader {
    pub(super) fn read_command_line(&mut self, left: &mut &[u8], here: Position) {
        if !self.client.lines.has_partial() && begins_record(left) {
            self.client.mode = Mode::Dark;
            let first_words = self.client.from_start && self.client.crlf_lines + self.client.bare_lines == 0;
            self.dark(if first_words { EncryptionStart::Implicit } else { EncryptionStart::StartTls });
            return;
        }
        let mut lines = std::mem::take(&mut self.client.lines);
        let before = left.len();
        let next = lines.next(left);
        self.client.passed.octets += (before - left.len()) as u64;
        if let Some(line) = next {
            let after = Position { end: here.end.saturating_sub(left.len() as u64), ..here };
            match self.client.mode {
                Mode::Sasl => self.sasl_line(after),
                Mode::Lost => self.lost_line(line, after),
                _ => self.command_line(line, after),
            }
            // The line may have been a secret: blank it at once.
            lines.forget();
        } else {
            self.client.line_from = Some(here);
            if matches!(self.client.mode, Mode::Lost) {
                self.client.lost = Some(here.at);
            } else {
                self.words.client(here.at, here.acknowledged);
            }
        }
        self.client.lines = lines;
    }

    /// A gap cuts a command line short, as a snapshot length does. An envelope is there whose address
    /// came whole; where the line ends, and what follows it in the gap, is not known.
    pub(super) fn read_cut_line(&mut self, gap: Gap) {
        let Some(from) = self.client.line_from.take() else { return };
        let reads_commands = matches!(self.client.mode, Mode::Commands | Mode::Lost);
        let mut lines = std::mem::take(&mut self.client.lines);
        let line = lines.partial();
        if reads_commands && lines.has_partial() && command::is_envelope_with_whole_address(line) {
            let Parsed { verb, argument } = command::parse(line);
            let end = gap.offset.saturating_add(1);
            self.push(verb, argument, Position { end, ..from }, None);
        }
        lines.forget();
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
            self.client.passed.lines = self.client.passed.lines.saturating_add(1);
            if self.client.passed.lines >= LINES_OF_A_BODY && self.has_said_nothing_known() {
                self.begin_in_body(here);
            }
        }
    }

    /// The file begins in mid-flow, and neither a command nor a reply has come.
    fn has_said_nothing_known(&self) -> bool {
        let dialog = &self.course.dialog;
        !self.client.from_start
            && dialog.commands.is_empty()
            && dialog.commands_dropped == 0
            && dialog.last_reply.is_none()
            && dialog.gaps.is_empty()
            && self.pending.is_empty()
            && self.server.replies.is_empty()
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

    /// Whether a whole line is held, or so much that it need not be whole, or all up to a gap.
    pub(super) fn has_enough_to_guess(&self) -> bool {
        let ahead = self.client.held.ahead(GUESS_FROM);
        ahead.len() >= GUESS_FROM
            || memchr::memchr(b'\n', ahead).is_some()
            || ahead.len() < self.client.held.len()
            || self.client.held.ends_in_gap()
    }

    /// The reply will not come, or not in time: decides by what the client sent ahead of it.
    pub(super) fn decide_without_reply(&mut self) {
        let ahead = self.client.held.ahead(GUESS_FROM);
        let line_end = memchr::memchr(b'\n', ahead).unwrap_or(ahead.len());
        let line = ahead.get(..line_end).unwrap_or_default();
        let command = command::is_unmistakable(line);
        let hello = begins_record(ahead);
        match std::mem::replace(&mut self.client.mode, Mode::Commands) {
            Mode::Await(Await::Data) if !command => self.client.mode = self.body_mode(),
            Mode::Await(Await::StartTls) if hello => self.client.mode = Mode::Dark,
            Mode::Await(Await::Auth) if !command => self.client.mode = Mode::Sasl,
            Mode::Await(_) => {}
            Mode::Candidate(candidate) => {
                self.client.mode = Mode::Candidate(candidate);
                let at = self.latest();
                // With the client's direction alone, its own view of what it sent counts.
                if self.server.frontier == 0 {
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

    pub(super) fn list(&mut self, verb: &Verb, here: Position) -> Option<usize> {
        self.words.client(here.at, here.acknowledged);
        self.course.list(verb.clone(), here.at)
    }

    pub(super) fn push(&mut self, verb: Verb, argument: Argument, here: Position, body: Option<BodyPart>) {
        let index = self.list(&verb, here);
        let command =
            Pending { body: body.map(Box::new), index, ..self.pending_command(verb, argument, here) };
        self.enqueue(command);
    }

    pub(super) fn pending_command(&mut self, verb: Verb, argument: Argument, here: Position) -> Pending {
        Pending {
            verb,
            argument,
            at: here.at,
            end: here.end,
            acknowledged: here.acknowledged,
            index: None,
            body: None,
            after_hole: self.client.after_hole.take(),
            inferred: false,
            last_chunk: false,
            chunk_whole: false,
            more_replies: 0,
            blank: false,
        }
    }

    pub(super) fn enqueue(&mut self, command: Pending) {
        if self.pending.len() == MAX_PENDING {
            self.oddity("more unanswered commands than are remembered", command.at);
            if let Some(oldest) = self.pending.pop_front() {
                self.course.resolve(oldest, Answer::None);
            }
        }
        self.pending.push_back(command);
    }
}
