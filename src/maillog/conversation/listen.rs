//! Listens to a conversation octet by octet: which lines are commands and replies, where bodies
//! begin and end (the dot's line, or the octets that BDAT tells: RFC 3030 section 2), where it goes dark;
//! and takes out what nobody must see.
//!
//! Credentials are what follows the mechanism of AUTH, and every line of the client's while the last
//! reply was 334 (RFC 4954 section 4). They are overwritten before anything is kept of them.

use std::ops::Range;

use crate::maillog::conversation::BodyPart;
use crate::text::Text;

/// What stands in the place of an octet of a credential.
pub(crate) const HIDDEN: u8 = b'*';

/// Octets kept of one command, reply line or Message-ID.
const MAX_WORD: usize = 256;

/// Which end speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Client,
    Server,
}

/// What was heard in one piece.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Commands or reply lines that are whole now, without their line ends.
    pub(super) words: Vec<Text>,
    /// Message-IDs of heads.
    pub(super) message_ids: Vec<Text>,
    /// Octets that were hidden, by their places in the piece.
    pub(super) hidden: Vec<Range<usize>>,
}

/// The state of both ends.
#[derive(Debug, Clone, Default)]
pub(super) struct Listener {
    client: Line,
    server: Line,
    /// A body is under way: the line is one of it.
    body: Option<Body>,
    /// The bodies so far.
    bodies: Vec<BodyPart>,
    /// A chunk of the message was told, and not yet the last one.
    chunks_go_on: bool,
    /// The client's next line is part of a SASL exchange.
    sasl: bool,
    /// The last command was STARTTLS.
    starttls: bool,
    /// Octets heard so far: the client's, the server's.
    heard: [u64; 2],
    /// How far both ends were when STARTTLS was accepted: the client's, the server's.
    pub(super) dark_from: Option<[u64; 2]>,
}

/// A line under way.
#[derive(Debug, Clone, Default)]
struct Line {
    text: Vec<u8>,
    /// Its octets so far, its end apart.
    length: usize,
    verb: Verb,
}

/// How far the reading of a command has come that may be AUTH.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Verb {
    /// In the verb, after so many letters of AUTH.
    #[default]
    Start,
    Letters(usize),
    /// Behind AUTH, before its mechanism; in it; behind it.
    Auth,
    Mechanism,
    Credentials,
    /// Another command.
    Other,
}

#[derive(Debug, Clone)]
struct Body {
    /// Where it begins in the client's stream.
    start: u64,
    /// The head is over.
    past_head: bool,
    /// Of a chunk: the octets that are still to come.
    left: Option<u64>,
    /// See [`BodyPart::goes_on`].
    goes_on: bool,
}

/// Bodies and chunks whose lengths are kept.
const MAX_BODIES: usize = 256;

impl Listener {
    /// Hears a piece of what `end` said and hides its credentials.
    pub(super) fn hear(&mut self, end: End, octets: &mut [u8]) -> Heard {
        let mut heard = Heard::default();
        for (at, octet) in octets.iter_mut().enumerate() {
            match end {
                End::Server => self.server_says(*octet, &mut heard),
                End::Client if self.body.is_some() => self.body_goes_on(*octet, &mut heard),
                End::Client => {
                    if self.client_says(*octet, &mut heard) {
                        *octet = HIDDEN;
                        match heard.hidden.last_mut() {
                            Some(range) if range.end == at => range.end = at + 1,
                            _ => heard.hidden.push(at..at + 1),
                        }
                    }
                }
            }
        }
        heard
    }

    /// Whether a body is under way.
    pub(super) fn in_body(&self) -> bool {
        self.body.is_some()
    }

    /// Takes in an octet of a command; `true` where it must be hidden.
    fn client_says(&mut self, octet: u8, heard: &mut Heard) -> bool {
        self.heard[0] += 1;
        if octet == b'\n' {
            let line = std::mem::take(&mut self.client);
            let secret = self.sasl;
            // What follows an AUTH unasked may be the rest of it.
            self.sasl |= matches!(line.verb, Verb::Auth | Verb::Mechanism | Verb::Credentials);
            let word = line.text.trim_ascii_end();
            if !secret {
                self.starttls = word.eq_ignore_ascii_case(b"STARTTLS");
                match chunk(word) {
                    Some(chunk) => self.chunk_begins(chunk),
                    None => self.chunks_go_on &= !ends_chunks(word),
                }
            }
            heard.words.push(Text::new(word));
            return false;
        }
        let hide = octet != b'\r' && (self.sasl || self.client.verb.hides(octet));
        if !self.sasl {
            self.client.verb = self.client.verb.after(octet);
        }
        self.client.push(if hide { HIDDEN } else { octet });
        hide
    }

    fn server_says(&mut self, octet: u8, heard: &mut Heard) {
        self.heard[1] += 1;
        if octet != b'\n' {
            self.server.push(octet);
            return;
        }
        let line = std::mem::take(&mut self.server);
        let word = line.text.trim_ascii_end();
        if let Some(code) = final_code(word) {
            self.answered(code);
        }
        heard.words.push(Text::new(word));
    }

    fn answered(&mut self, code: u16) {
        self.sasl = code == 334;
        let in_chunk = self.body.as_ref().is_some_and(|body| body.left.is_some());
        if in_chunk {
            // The answer to the chunk before: this one comes whole, whatever is said meanwhile.
        } else if code == 354 {
            let start = self.heard[0];
            self.body = Some(Body { start, past_head: false, left: None, goes_on: false });
        } else if self.body.is_some() {
            // A body that was answered before its dot.
            self.end_of_body(0);
        }
        if code == 220 && self.starttls && self.dark_from.is_none() {
            self.dark_from = Some(self.heard);
        }
        self.starttls = false;
    }

    fn chunk_begins(&mut self, Chunk { octets, is_last }: Chunk) {
        let goes_on = std::mem::replace(&mut self.chunks_go_on, !is_last);
        if octets > 0 {
            let start = self.heard[0];
            self.body = Some(Body { start, past_head: goes_on, left: Some(octets), goes_on });
        }
    }

    fn body_goes_on(&mut self, octet: u8, heard: &mut Heard) {
        self.line_of_body_goes_on(octet, heard);
        let Some(left) = self.body.as_mut().and_then(|body| body.left.as_mut()) else { return };
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.client = Line::default();
            self.end_of_body(0);
        }
    }

    fn line_of_body_goes_on(&mut self, octet: u8, heard: &mut Heard) {
        self.heard[0] += 1;
        let Some(body) = &mut self.body else { return };
        if octet != b'\n' {
            self.client.push(octet);
            return;
        }
        let line = std::mem::take(&mut self.client);
        let text = line.text.strip_suffix(b"\r").unwrap_or(&line.text);
        if text == b"." && body.left.is_none() {
            let of_the_dot = line.length as u64 + 1;
            self.end_of_body(of_the_dot);
            return;
        }
        if !body.past_head {
            body.past_head = text.is_empty();
            if let Some(id) = message_id(text) {
                heard.message_ids.push(Text::new(id));
            }
        }
    }

    fn end_of_body(&mut self, less: u64) {
        if let Some(body) = self.body.take()
            && self.bodies.len() < MAX_BODIES
        {
            self.bodies.push(body.until(self.heard[0].saturating_sub(less)));
        }
    }

    /// Where every body stands in the client's stream, the one that is under way last.
    pub(super) fn bodies(&self) -> impl Iterator<Item = BodyPart> {
        let room = self.bodies.len() < MAX_BODIES;
        let under_way = self.body.iter().filter(move |_| room);
        self.bodies.iter().cloned().chain(under_way.map(|body| body.until(self.heard[0])))
    }
}

impl Body {
    fn until(&self, end: u64) -> BodyPart {
        BodyPart { octets: self.start..end.max(self.start), goes_on: self.goes_on }
    }
}

/// `BDAT octets [LAST]`.
struct Chunk {
    octets: u64,
    is_last: bool,
}

fn chunk(command: &[u8]) -> Option<Chunk> {
    let mut words = command.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.next().filter(|verb| verb.eq_ignore_ascii_case(b"BDAT"))?;
    let octets = std::str::from_utf8(words.next()?).ok()?.parse().ok()?;
    Some(Chunk { octets, is_last: words.next().is_some_and(|word| word.eq_ignore_ascii_case(b"LAST")) })
}

/// Whether a command leaves no chunk of a message to go on with.
fn ends_chunks(command: &[u8]) -> bool {
    const VERBS: [&[u8]; 4] = [b"MAIL", b"RSET", b"EHLO", b"HELO"];
    VERBS.iter().any(|verb| command.get(..verb.len()).is_some_and(|head| head.eq_ignore_ascii_case(verb)))
}

impl Line {
    fn push(&mut self, octet: u8) {
        self.length += 1;
        if self.text.len() < MAX_WORD {
            self.text.push(octet);
        }
    }
}

impl Verb {
    fn after(self, octet: u8) -> Self {
        const AUTH: &[u8] = b"AUTH";
        let blank = matches!(octet, b' ' | b'\t');
        match self {
            Self::Start if blank => Self::Start,
            Self::Start | Self::Letters(_) => {
                let letters = if let Self::Letters(letters) = self { letters } else { 0 };
                match AUTH.get(letters) {
                    Some(letter) if letter.eq_ignore_ascii_case(&octet) => Self::Letters(letters + 1),
                    None if blank => Self::Auth,
                    _ => Self::Other,
                }
            }
            Self::Auth if !blank => Self::Mechanism,
            Self::Mechanism if blank => Self::Credentials,
            same => same,
        }
    }

    const fn hides(self, octet: u8) -> bool {
        matches!(self, Self::Credentials) && !matches!(octet, b' ' | b'\t')
    }
}

/// The code of a reply, on its last line.
fn final_code(line: &[u8]) -> Option<u16> {
    let (digits, rest) = line.split_at_checked(3)?;
    if !digits.iter().all(u8::is_ascii_digit) || rest.first().is_some_and(|octet| *octet != b' ') {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn message_id(line: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"Message-ID:";
    let (name, value) = line.split_at_checked(NAME.len())?;
    let value = value.trim_ascii();
    (name.eq_ignore_ascii_case(NAME) && !value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests;
