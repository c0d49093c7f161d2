//! The passive reader of an SMTP dialogue.
//!
//! It follows a conversation that it cannot take part in, from two streams that may lie in the file
//! in any order, so it works like a network of two queues: what the client's next octets mean may
//! hang on a reply (after DATA, STARTTLS and AUTH), and then they wait for it; a reply waits for the
//! command that it answers. Which command that is follows from order and from TCP's own
//! acknowledgments: a reply cannot answer what had not reached the server when it was sent, nor what
//! the client sent after having it. The result is a function of the two streams alone.
//!
//! The reader guesses states, it polices nothing: oddities are noted and reading goes on. A gap is
//! crossed with the help of the replies behind it; what rests on that is marked as inferred.
//!
//! RFC 5321 (SMTP), 1870 (SIZE), 2033 (LMTP), 2920 (PIPELINING), 3030 (CHUNKING), 3207 (STARTTLS),
//! 4954 (AUTH); XCLIENT and XFORWARD of Postfix; the PROXY protocol of haproxy, versions 1 and 2.

mod body;
mod client;
mod course;
mod finish;
mod last_words;
mod lines;
mod outcome;
mod pairing;
mod pending;
mod server;

use std::collections::VecDeque;

use crate::capture::{Chunk, Gap};
use crate::cite::{Moment, Place};
use crate::net::Role;
use crate::smtp::dialog::body::BodyReader;
use crate::smtp::dialog::client::ClientSide;
use crate::smtp::dialog::course::Course;
use crate::smtp::dialog::last_words::LastWords;
use crate::smtp::dialog::pairing::Trust;
use crate::smtp::dialog::pending::Pending;
use crate::smtp::dialog::server::ServerSide;
use crate::smtp::session::Dialog;
use crate::smtp::tls::{Darkness, EncryptionStart};

/// Commands that may wait for replies at once; no real client sends as many ahead.
pub const MAX_PENDING: usize = 1024;
/// Replies that may wait for their commands at once.
pub const MAX_WAITING_REPLIES: usize = 1024;
/// Octets of text in those replies.
pub const MAX_WAITING_TEXT: usize = 256 * 1024;

/// Where a conversation is joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// At its first octet: the handshake is in the file.
    Handshake,
    /// Somewhere: the file begins later.
    MidFlow,
}

/// How much of each stream the other end acknowledged in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delivered {
    /// Octets of the client's stream that the server acknowledged.
    pub client: u64,
    /// Octets of the server's stream that the client acknowledged.
    pub server: u64,
}

/// Reads one dialogue. See the module.
#[derive(Debug)]
pub struct DialogReader {
    course: Course,
    client: ClientSide,
    server: ServerSide,
    /// Commands that have not been answered, in order.
    pending: VecDeque<Pending>,
    /// Whether the first reply, or its loss, is behind us.
    greeted: bool,
    trust: Trust,
    dark: Option<Box<Darkness>>,
    started: Moment,
    words: LastWords,
    /// The body that comes in chunks.
    chunks: Option<Box<BodyReader>>,
}

impl DialogReader {
    /// A reader for a connection whose first segment is `started`.
    pub fn new(beginning: Beginning, started: Moment) -> Self {
        Self {
            course: Course::default(),
            client: ClientSide::new(beginning),
            server: ServerSide::default(),
            pending: VecDeque::new(),
            greeted: false,
            trust: Trust::default(),
            dark: None,
            started,
            words: LastWords::default(),
            chunks: None,
        }
    }

    /// The next octets of the client's (`Role::Client`) or the server's stream.
    pub fn data(&mut self, role: Role, chunk: Chunk<'_>) {
        match role {
            Role::Client => self.client_octets(chunk),
            Role::Server => self.server_octets(chunk),
        }
        self.advance();
    }

    /// Octets are missing from a stream here.
    pub fn gap(&mut self, role: Role, gap: Gap) {
        if self.course.dialog.gaps.len() < Dialog::MAX_GAPS {
            self.course.dialog.gaps.push((role, gap));
        }
        match role {
            Role::Client => self.client_gap(gap),
            Role::Server => self.server_gap(gap),
        }
        self.advance();
    }

    /// A stream ended with a FIN at octet `length`. An acknowledgment of the FIN is one octet beyond.
    pub fn end_of_stream(&mut self, role: Role, length: u64, at: Moment) {
        match role {
            Role::Client => {
                self.client.length = Some(length);
                self.client.ended = Some(at);
            }
            Role::Server => self.server.frontier = self.server.frontier.max(length.saturating_add(1)),
        }
        self.advance();
    }

    /// The dialogue goes through a proxy, whose consent came before its first octet.
    pub fn came_through_proxy(&mut self, at: Moment) {
        self.oddity("an HTTP CONNECT before the dialogue", at);
    }

    /// The dialogue, now that nothing more will come.
    pub fn finish(self, delivered: Delivered) -> Dialog {
        finish::finish(self, delivered)
    }

    /// Does what has become possible: pairs replies, reads held octets.
    fn advance(&mut self) {
        loop {
            if self.reply_fell_into_gap() {
                self.oddity(
                    "octets whose meaning hangs on a reply that fell into a gap: guessed",
                    self.latest(),
                );
                self.decide_without_reply();
            } else if self.pair_next(pairing::Patience::Wait) || self.read_held() {
                // Each may make the other possible.
            } else if self.client.held.is_over_limit() {
                self.oddity(
                    "octets whose meaning hangs on a reply that did not come in time: guessed",
                    self.latest(),
                );
                self.decide_without_reply();
            } else if self.server.is_over_limit() {
                self.oddity(
                    "replies whose commands did not come in time: taken as they stood",
                    self.latest(),
                );
                self.pair_next(pairing::Patience::Over);
            } else {
                return;
            }
        }
    }

    fn oddity(&mut self, text: &'static str, at: Moment) {
        self.course.dialog.notes.oddity(text, Some(Place::Frame(at.frame.frame)));
    }

    /// The last moment that is known of, for what has none of its own.
    fn latest(&self) -> Moment {
        self.words.latest().unwrap_or(self.started)
    }

    fn dark(&mut self, how: EncryptionStart) -> &mut Darkness {
        self.dark.get_or_insert_with(|| Box::new(Darkness::new(how)))
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
