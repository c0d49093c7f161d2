//! SMTP replies (RFC 5321 section 4.2).

mod reader;

use schemars::JsonSchema;
use serde::Serialize;

pub(crate) use reader::{Heard, Hole, ReplyReader, ServerLine, Step};

/// A three-digit reply code; classed by its first digit, never by a table of known codes
/// (RFC 5321 section 4.3.2). One whose first digit is none of 2 to 5 is of no class: it answers its
/// command, and says neither yes nor no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ReplyCode(pub u16);

impl ReplyCode {
    /// 220: the greeting, and the go-ahead for TLS.
    pub const READY: Self = Self(220);
    /// 221: the answer to QUIT.
    pub const CLOSING: Self = Self(221);
    /// 334: a SASL challenge (RFC 4954 section 4).
    pub const CHALLENGE: Self = Self(334);
    /// 354: start mail input.
    pub const START_INPUT: Self = Self(354);
    /// 421: the service closes the channel; may come at any time (RFC 5321 section 3.8).
    pub const NOT_AVAILABLE: Self = Self(421);
    /// 503: a command at the wrong time, which changes nothing (RFC 5321 section 4.1.4).
    pub const OUT_OF_ORDER: Self = Self(503);

    /// 2yz.
    pub const fn is_positive(self) -> bool {
        self.0 / 100 == 2
    }

    /// 3yz.
    pub const fn is_intermediate(self) -> bool {
        self.0 / 100 == 3
    }

    /// 4yz or 5yz.
    pub const fn is_negative(self) -> bool {
        matches!(self.0 / 100, 4 | 5)
    }

    /// Of a class that RFC 5321 section 4.2.1 knows for SMTP: 2yz to 5yz. It names 1yz too, for
    /// commands that SMTP has not.
    pub const fn is_of_a_class(self) -> bool {
        matches!(self.0 / 100, 2..=5)
    }
}

/// What the server offered in its reply to EHLO, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// `PIPELINING` (RFC 2920).
    pub pipelining: bool,
    /// `CHUNKING`: BDAT is understood (RFC 3030).
    pub chunking: bool,
    /// `STARTTLS` (RFC 3207).
    pub starttls: bool,
    /// `AUTH` (RFC 4954).
    pub auth: bool,
    /// `SIZE` with its limit (RFC 1870); 0 where none was told.
    pub size: Option<u64>,
    /// A keyword was overwritten (`XXXXXXXX`), as some firewalls do to hide an extension.
    pub overwritten: bool,
}

impl Capabilities {
    fn keyword(&mut self, line: &[u8]) {
        let mut words = line.split(|&octet| octet == b' ' || octet == b'=').filter(|word| !word.is_empty());
        let Some(word) = words.next() else { return };
        let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
        if is(b"PIPELINING") {
            self.pipelining = true;
        } else if is(b"CHUNKING") {
            self.chunking = true;
        } else if is(b"STARTTLS") {
            self.starttls = true;
        } else if is(b"AUTH") {
            self.auth = true;
        } else if is(b"SIZE") {
            let limit = words.next().and_then(|word| std::str::from_utf8(word).ok()?.parse().ok());
            self.size = Some(limit.unwrap_or(0));
        } else if is_overwritten(word) {
            self.overwritten = true;
        }
    }
}

/// `XXXX`, `XXXXXXXX`, `XXXXXXXA`: what firewalls write over a keyword that they hide; the last
/// letter is sometimes another one.
fn is_overwritten(word: &[u8]) -> bool {
    word.split_last().is_some_and(|(last, head)| {
        head.len() >= 3 && last.is_ascii_alphabetic() && head.iter().all(|octet| matches!(octet, b'X' | b'x'))
    })
}

/// A reply line taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyLine<'a> {
    /// Its code.
    pub code: ReplyCode,
    /// More lines of the same reply follow.
    pub more: bool,
    /// What stands behind the code.
    pub text: &'a [u8],
}

impl<'a> ReplyLine<'a> {
    /// Reads a line; `None` unless it begins with a code from 200 to 599 and no fourth digit.
    /// A code alone, or with text that no blank parts from it, is taken as a last line.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        Self::parse_any(line).filter(|line| line.code.is_of_a_class())
    }

    /// Reads a line where a reply is due: any three digits are a code there, as they are to clients
    /// (`Reply-code` of RFC 5321 section 4.2 allows 200 to 559).
    pub fn parse_any(line: &'a [u8]) -> Option<Self> {
        let (digits, rest) = line.split_at_checked(3)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
        let (more, text) = match rest.split_first() {
            None => (false, rest),
            Some((b'-', text)) => (true, text),
            Some((b' ' | b'\t', text)) => (false, text),
            Some((digit, _)) if digit.is_ascii_digit() => return None,
            Some(_) => (false, rest),
        };
        Some(Self { code: ReplyCode(code), more, text: text.trim_ascii_end() })
    }
}
