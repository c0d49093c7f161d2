//! The server's stream: replies, or TLS records.

use std::collections::VecDeque;

use crate::capture::{Chunk, Gap};
use crate::net::Role;
use crate::smtp::dialog::{DialogReader, MAX_WAITING_REPLIES, MAX_WAITING_TEXT};
use crate::smtp::line::LineSplitter;
use crate::smtp::reply::{Heard, ReplyLine, ReplyReader, ServerLine, Step};
use crate::smtp::tls::{EncryptionStart, begins_record};

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
    /// Where the last gap ends, while commands that it may have answered are still pending.
    pub(super) hole: Option<u64>,
    /// Replies that wait for their commands.
    pub(super) replies: VecDeque<Heard>,
    waiting_text: usize,
}

impl ServerSide {
    pub(super) fn is_over_limit(&self) -> bool {
        self.replies.len() > MAX_WAITING_REPLIES || self.waiting_text > MAX_WAITING_TEXT
    }

    fn push(&mut self, heard: Heard) {
        self.waiting_text += heard.reply.text.as_bytes().len();
        self.replies.push_back(heard);
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
        while let Some(&first) = left.first() {
            if self.server.dark || (!lines.has_partial() && begins_record(first)) {
                self.server.dark = true;
                let how = if end == left.len() as u64 {
                    EncryptionStart::Implicit
                } else {
                    EncryptionStart::StartTls
                };
                self.dark(how).read(Role::Server, left, chunk.at);
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
        self.server.hole = Some(self.server.frontier);
        if let Some(heard) = self.server.reader.cut() {
            self.server.push(heard);
        } else if gap.offset == 0 {
            self.greeted = true;
        }
        self.server.lines.forget();
        self.server.out_of_step = true;
    }

    fn server_line(&mut self, line: ServerLine<'_>) {
        if std::mem::take(&mut self.server.out_of_step) && ReplyLine::parse(line.bytes).is_none() {
            return;
        }
        match self.server.reader.line(line) {
            Step::Whole(heard) => self.server.push(heard),
            Step::More => {}
            Step::Foreign => self.oddity("lines of the server that are no replies", line.at),
        }
    }
}
