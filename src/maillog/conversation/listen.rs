//! Listens to a conversation octet by octet: which lines are commands and replies, where bodies
//! begin and end, where it goes dark; and takes out what nobody must see.
//!
//! Credentials are what follows the mechanism of AUTH, and every line of the client's while the last
//! reply was 334 (RFC 4954 section 4). They are overwritten before anything is kept of them.

use std::ops::Range;

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
    /// Where the bodies so far stand in the client's stream, without the line of the dot.
    bodies: Vec<Range<u64>>,
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
}

/// Bodies whose lengths are kept.
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
        if code == 354 {
            self.body = Some(Body { start: self.heard[0], past_head: false });
        } else if self.body.is_some() {
            // A body that was answered before its dot.
            self.end_of_body(0);
        }
        if code == 220 && self.starttls && self.dark_from.is_none() {
            self.dark_from = Some(self.heard);
        }
        self.starttls = false;
    }

    fn body_goes_on(&mut self, octet: u8, heard: &mut Heard) {
        self.heard[0] += 1;
        let Some(body) = &mut self.body else { return };
        if octet != b'\n' {
            self.client.push(octet);
            return;
        }
        let line = std::mem::take(&mut self.client);
        let text = line.text.strip_suffix(b"\r").unwrap_or(&line.text);
        if text == b"." {
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
            let end = self.heard[0].saturating_sub(less).max(body.start);
            self.bodies.push(body.start..end);
        }
    }

    /// Where every body stands in the client's stream, the one that is under way last.
    pub(super) fn bodies(&self) -> impl Iterator<Item = Range<u64>> {
        self.bodies.iter().cloned().chain(self.body.iter().map(|body| body.start..self.heard[0]))
    }
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
mod tests {
    use super::*;

    /// Hears what both ends say by turns, the client first; gives what is left of the client's octets.
    fn hear(listener: &mut Listener, said: &[(End, &str)]) -> (String, Vec<String>) {
        let (mut left, mut words) = (String::new(), Vec::new());
        for (end, text) in said {
            // Octet by octet and in one piece must be the same; here every other piece is cut.
            let mut octets = text.as_bytes().to_vec();
            let half = octets.len() / 2;
            for piece in [0..half, half..octets.len()] {
                let heard = listener.hear(*end, &mut octets[piece]);
                words.extend(heard.words.iter().map(ToString::to_string));
            }
            if *end == End::Client {
                left.push_str(std::str::from_utf8(&octets).unwrap());
            }
        }
        (left, words)
    }

    #[test]
    fn credentials_are_hidden_however_they_are_sent() {
        use End::{Client, Server};
        for (said, left) in [
            (
                vec![
                    (Client, "auth  PLAIN AGFubmEAc2VjcmV0\r\n"),
                    (Server, "235 ok\r\n"),
                    (Client, "MAIL\r\n"),
                ],
                "auth  PLAIN ****************\r\nMAIL\r\n",
            ),
            (
                vec![
                    (Client, "AUTH LOGIN\r\n"),
                    (Server, "334 VXNlcm5hbWU6\r\n"),
                    (Client, "YW5uYQ==\r\n"),
                    (Server, "334 UGFzc3dvcmQ6\r\n"),
                    (Client, "QUIT\r\n"),
                    (Server, "535-no\r\n535 no\r\n"),
                    (Client, "QUIT\r\n"),
                ],
                "AUTH LOGIN\r\n********\r\n****\r\nQUIT\r\n",
            ),
            (vec![(Client, " AUTH\tPLAIN x\r\nc2VjcmV0\r\n")], " AUTH\tPLAIN *\r\n********\r\n"),
            (
                vec![(Client, "AUTHOR x y\r\n"), (Client, "MAIL AUTH=<>\r\n")],
                "AUTHOR x y\r\nMAIL AUTH=<>\r\n",
            ),
            (
                vec![
                    (Client, "DATA\r\n"),
                    (Server, "354 go\r\n"),
                    (Client, "AUTH me please\r\n.\r\nAUTH X y\r\n"),
                ],
                "DATA\r\nAUTH me please\r\n.\r\nAUTH X *\r\n",
            ),
        ] {
            assert_eq!(hear(&mut Listener::default(), &said).0, left);
        }
    }

    #[test]
    fn words_bodies_and_darkness_are_told() {
        use End::{Client, Server};
        let mut listener = Listener::default();
        let (_, words) = hear(
            &mut listener,
            &[
                (Server, "220-hello\r\n220 there\r\n"),
                (Client, "EHLO a\r\n"),
                (Client, "DATA\r\n"),
                (Server, "354 go\r\n"),
                (Client, "Message-id: <1@x>\r\n\r\n..\r\nQUIT\r\n.\r\n"),
                (Server, "250 ok\r\n"),
                (Client, "STARTTLS\r\n"),
                (Server, "220 go\r\n"),
                (Client, "QUIT\r\n"),
            ],
        );
        let expected =
            ["220-hello", "220 there", "EHLO a", "DATA", "354 go", "250 ok", "STARTTLS", "220 go", "QUIT"];
        assert_eq!(words, expected);
        let body = 14..14 + 19 + 2 + 4 + 6;
        assert_eq!(listener.bodies, [body]);
        assert_eq!(listener.dark_from, Some([8 + 6 + 34 + 10, 11 + 11 + 8 + 8 + 8]));
    }
}
