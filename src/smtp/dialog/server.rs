//! The server's stream: replies, or TLS records.

use std::collections::VecDeque;

use crate::capture::{Chunk, Gap};
use crate::net::Role;
use crate::smtp::dialog::{DialogReader, MAX_WAITING_REPLIES, MAX_WAITING_TEXT};
use crate::smtp::line::LineSplitter;
use crate::smtp::reply::{Heard, Hole, ReplyLine, ReplyReader, ServerLine, Step};
use crate::smtp::tls::{EncryptionStart, Piece, begins_record, is_record};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct ServerSide {
    lines: LineSplitter,
    reader: ReplyReader,
    /// Where the line that has begun stands in the stream.
    line_start: u64,
    dark: bool,
    /// Behind a gap: the next line may be the rest of one.
    out_of_step: bool,
    /// How far the stream has come.
    pub(super) frontier: u64,
    /// What is missing behind the last whole reply.
    tail_hole: Option<Hole>,
    /// What is missing before the reply that is to be paired next, while commands may be pending that
    /// were answered there.
    pub(super) hole: Option<Hole>,
    /// Replies that wait for their commands.
    pub(super) replies: VecDeque<Heard>,
    waiting_text: usize,
}

impl ServerSide {
    pub(super) fn is_over_limit(&self) -> bool {
        self.replies.len() > MAX_WAITING_REPLIES || self.waiting_text > MAX_WAITING_TEXT
    }

    fn push(&mut self, mut heard: Heard) {
        heard.hole = self.tail_hole.take();
        self.waiting_text += heard.reply.text.as_bytes().len();
        self.replies.push_back(heard);
    }

    /// Brings the gaps before the next reply to mind; with `all`, those behind the last reply too.
    pub(super) fn come_to_next(&mut self, all: bool) {
        let next = self.replies.front().and_then(|heard| heard.hole);
        let tail = if all && self.replies.is_empty() { self.tail_hole } else { None };
        self.hole = Hole::joined(Hole::joined(self.hole, next), tail);
    }

    /// Whether a gap lies in the server's stream between two places in it.
    pub(super) fn has_hole_between(&self, after: u64, up_to: u64) -> bool {
        let next = self.replies.front().and_then(|heard| heard.hole);
        [self.hole, next, self.tail_hole]
            .into_iter()
            .flatten()
            .any(|hole| hole.to > after && hole.from < up_to)
    }

    pub(super) fn take_reply(&mut self) -> Option<Heard> {
        let heard = self.replies.pop_front()?;
        self.waiting_text -= heard.reply.text.as_bytes().len();
        Some(heard)
    }
}

impl DialogReader {
    pub(super) fn server_octets(&mut self, chunk: Chunk<'_>) {
        let end = chunk.offset.saturating_add(chunk.bytes.len() as u64);
        self.server.frontier = end;
        let mut left = chunk.bytes;
        let mut lines = std::mem::take(&mut self.server.lines);
        // Where the beginning is not in the file, a segment that begins with a record shows the way.
        let joined = self.server.tail_hole.is_some() || !self.client.from_start;
        self.server.dark |= joined && is_record(left);
        while !left.is_empty() {
            if self.server.dark || (!lines.has_partial() && begins_record(left)) {
                self.server.dark = true;
                let how = if end == left.len() as u64 {
                    EncryptionStart::Implicit
                } else {
                    EncryptionStart::StartTls
                };
                let piece = Piece { octets: left, end, at: chunk.at, acknowledged: chunk.acknowledged };
                self.dark(how).read(Role::Server, piece);
                break;
            }
            if !lines.has_partial() {
                self.server.line_start = end.saturating_sub(left.len() as u64);
            }
            let Some(line) = lines.next(&mut left) else { break };
            let line = ServerLine {
                bytes: line.bytes,
                start_offset: self.server.line_start,
                end_offset: end.saturating_sub(left.len() as u64),
                at: chunk.at,
                acknowledged: chunk.acknowledged,
            };
            self.server_line(line);
        }
        self.server.lines = lines;
    }

    pub(super) fn server_gap(&mut self, gap: Gap) {
        self.server.frontier = gap.offset.saturating_add(gap.length);
        if self.server.dark {
            self.dark(EncryptionStart::StartTls).gap(Role::Server, gap.length);
            return;
        }
        if let Some(heard) = self.server.reader.cut() {
            self.server.push(heard);
        } else if gap.offset == 0 {
            self.greeted = true;
        }
        let hole = Hole { from: gap.offset, to: self.server.frontier };
        self.server.tail_hole = Hole::joined(self.server.tail_hole, Some(hole));
        self.server.lines.forget();
        self.server.out_of_step = true;
    }

    fn server_line(&mut self, line: ServerLine<'_>) {
        if std::mem::take(&mut self.server.out_of_step) && ReplyLine::parse(line.bytes).is_none() {
            return;
        }
        match self.server.reader.line(line) {
            Step::Whole(heard) => self.heard(heard),
            Step::Another(before, next) => {
                self.oddity("replies whose last line promises another one that never comes", before.reply.at);
                self.heard(before);
                if let Some(next) = next {
                    self.heard(next);
                }
            }
            Step::More => {}
            Step::Foreign => self.oddity("lines of the server that are no replies", line.at),
        }
    }

    fn heard(&mut self, heard: Heard) {
        if !heard.reply.code.is_of_a_class() {
            self.oddity(
                "replies with a code outside 200 to 599: they say neither yes nor no",
                heard.reply.at,
            );
        }
        self.server.push(heard);
    }
}
