//! Is this flow SMTP, and which end is the client?
//!
//! A well-known port is enough to list a flow; on any other port it must greet or talk like SMTP.
//! FTP greets with 220 too, and shares some verbs, so only words that no other protocol begins with
//! count there. Roles come from the handshake; without one, from who greets and who commands; else
//! from the port.

use crate::capture::{FlowStart, OriginatorFrom, Side};
use crate::smtp::command;
use crate::smtp::reply::ReplyLine;

/// Ports whose flows are listed whatever they carry: SMTP (RFC 5321), submissions (RFC 8314) and
/// submission (RFC 6409).
pub const WELL_KNOWN_PORTS: [u16; 3] = [25, 465, 587];

/// Octets of a first line after which it must have made sense.
pub const PROBE: usize = 64;

/// The longest greeting whose words are looked at.
const MAX_FIRST_LINE: usize = 512;

/// The ports that make a flow SMTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ports {
    extra: Vec<u16>,
}

impl Ports {
    /// The well-known ports and `extra` ones.
    pub fn with(extra: &[u16]) -> Self {
        let mut extra = extra.to_vec();
        extra.sort_unstable();
        extra.dedup();
        Self { extra }
    }

    /// Whether flows to `port` are SMTP.
    pub fn contains(&self, port: u16) -> bool {
        WELL_KNOWN_PORTS.contains(&port) || self.extra.binary_search(&port).is_ok()
    }

    /// The end that the ports show to be the server. Where the handshake is known only the
    /// responder's port counts.
    pub(crate) fn server(&self, start: &FlowStart) -> Option<Side> {
        if self.contains(start.endpoints.responder.port) {
            Some(Side::Responder)
        } else if start.originator_from == OriginatorFrom::FirstSegment
            && self.contains(start.endpoints.originator.port)
        {
            Some(Side::Originator)
        } else {
            None
        }
    }
}

/// What one end's first octets look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// Too few to tell.
    TooShort,
    /// A server's line. `sure`: of no other protocol than SMTP.
    Reply { sure: bool },
    /// A client's line. `sure` as above.
    Command { sure: bool },
    /// Nothing that SMTP begins with.
    Other,
}

/// Judges the first octets of one end.
pub(crate) fn speech(octets: &[u8]) -> Speech {
    let Some(first) = octets.first() else { return Speech::TooShort };
    if !first.is_ascii_alphanumeric() && *first != b' ' {
        return Speech::Other;
    }
    let line = match memchr::memchr(b'\n', octets) {
        Some(end) => octets.get(..end).unwrap_or(octets),
        None if octets.len() < PROBE => return Speech::TooShort,
        None => octets,
    };
    let line = line.trim_ascii_end();
    if let Some(reply) = ReplyLine::parse(line) {
        return Speech::Reply { sure: is_surely_smtp(&reply) };
    }
    let sure = command::is_unmistakable(line) && !starts_with_word(line, &["DATA", "RSET", "QUIT", "AUTH"]);
    if sure {
        return Speech::Command { sure: true };
    }
    const SHARED: &[&str] =
        &["DATA", "RSET", "QUIT", "NOOP", "HELP", "AUTH", "VRFY", "EXPN", "STARTTLS", "BDAT"];
    if starts_with_word(line, SHARED) { Speech::Command { sure: false } } else { Speech::Other }
}

/// A greeting that names the protocol, a go-ahead for mail, or an enhanced status code (RFC 3463),
/// which only SMTP has.
fn is_surely_smtp(reply: &ReplyLine<'_>) -> bool {
    let text = reply.text.get(..MAX_FIRST_LINE).unwrap_or(reply.text).to_ascii_uppercase();
    let says = |word: &[u8]| memchr::memmem::find(&text, word).is_some();
    match reply.code.0 {
        354 => true,
        220 | 421 | 554 => says(b"SMTP") || says(b"LMTP") || has_status(&text, reply.code.0),
        code => has_status(&text, code),
    }
}

fn has_status(text: &[u8], code: u16) -> bool {
    matches!(text, [class, b'.', subject, b'.', detail, ..]
        if u16::from(class.wrapping_sub(b'0')) == code / 100
            && subject.is_ascii_digit()
            && detail.is_ascii_digit())
}

fn starts_with_word(line: &[u8], words: &[&str]) -> bool {
    let word = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    words.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines_are_judged_by_what_no_other_protocol_says() {
        let rows: &[(&str, Speech)] = &[
            ("220 mx.example.org ESMTP\r\n", Speech::Reply { sure: true }),
            ("220-mx.example.org\r\n", Speech::Reply { sure: false }),
            ("220 (vsFTPd 3.0.3)\r\n", Speech::Reply { sure: false }),
            ("421 4.3.2 no\r\n", Speech::Reply { sure: true }),
            ("250 2.1.5 ok\r\n", Speech::Reply { sure: true }),
            ("354 go\r\n", Speech::Reply { sure: true }),
            ("200 nntp\r\n", Speech::Reply { sure: false }),
            ("EHLO x\r\n", Speech::Command { sure: true }),
            ("mail from:<a>\r\n", Speech::Command { sure: true }),
            ("QUIT\r\n", Speech::Command { sure: false }),
            ("AUTH TLS\r\n", Speech::Command { sure: false }),
            ("USER anonymous\r\n", Speech::Other),
            ("GET / HTTP/1.1\r\n", Speech::Other),
            ("HTTP/1.1 200 OK\r\n", Speech::Other),
            ("+OK pop\r\n", Speech::Other),
            ("* OK imap\r\n", Speech::Other),
            ("\u{16}\u{3}\u{1}", Speech::Other),
            ("220", Speech::TooShort),
            ("EHL", Speech::TooShort),
            ("", Speech::TooShort),
        ];
        for (octets, expected) in rows {
            assert_eq!(speech(octets.as_bytes()), *expected, "{octets:?}");
        }
        assert_eq!(speech(&[b'a'; PROBE]), Speech::Other);
    }

    #[test]
    fn ports_beyond_the_well_known_are_asked_for() {
        assert!(Ports::default().contains(25) && !Ports::default().contains(2525));
        assert!(Ports::with(&[2525, 26]).contains(26));
    }
}
