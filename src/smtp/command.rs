//! SMTP commands (RFC 5321 section 4.1 and its extensions).
//!
//! Servers take more than the grammar allows, so this does too: any case, blanks before the verb
//! and round the colon, paths without brackets.

use std::borrow::Cow;

use crate::smtp::session::Dialog;
use crate::text::{Text, escaped};

/// What a client's line was.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Verb {
    /// `EHLO`.
    Ehlo,
    /// `HELO`.
    Helo,
    /// `LHLO` (LMTP, RFC 2033).
    Lhlo,
    /// `MAIL`.
    Mail,
    /// `RCPT`.
    Rcpt,
    /// `DATA`.
    Data,
    /// `BDAT` (RFC 3030).
    Bdat,
    /// The end of data: the line with a single dot.
    EndOfData,
    /// `RSET`.
    Rset,
    /// `NOOP`.
    Noop,
    /// `QUIT`.
    Quit,
    /// `VRFY`.
    Vrfy,
    /// `EXPN`.
    Expn,
    /// `HELP`.
    Help,
    /// `ETRN` (RFC 1985).
    Etrn,
    /// `STARTTLS` (RFC 3207).
    StartTls,
    /// `AUTH` (RFC 4954).
    Auth,
    /// `XCLIENT` (Postfix): a proxy tells of the true client, and the dialogue begins anew with a
    /// greeting.
    Xclient,
    /// `XFORWARD` (Postfix): a filter tells of the true client, for the log.
    Xforward,
    /// A line of a SASL exchange; its content is never kept.
    AuthLine,
    /// A line that is no known command: its first word, bounded.
    Unknown(Text),
}

impl Verb {
    /// Octets kept of the first word of an unknown command: enough for every verb that is in use
    /// (`X-ANONYMOUSTLS`) and for what overwriting firewalls leave of a known one.
    pub const MAX_UNKNOWN: usize = 16;

    /// As reports spell it: upper-case verbs, `.` for the end of data, `(auth)` for a SASL line,
    /// `?X` for an unknown verb X.
    pub fn as_str(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Ehlo => "EHLO",
            Self::Helo => "HELO",
            Self::Lhlo => "LHLO",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Bdat => "BDAT",
            Self::EndOfData => ".",
            Self::Rset => "RSET",
            Self::Noop => "NOOP",
            Self::Quit => "QUIT",
            Self::Vrfy => "VRFY",
            Self::Expn => "EXPN",
            Self::Help => "HELP",
            Self::Etrn => "ETRN",
            Self::StartTls => "STARTTLS",
            Self::Auth => "AUTH",
            Self::Xclient => "XCLIENT",
            Self::Xforward => "XFORWARD",
            Self::AuthLine => "(auth)",
            Self::Unknown(word) => return Cow::Owned(format!("?{}", escaped(word.as_bytes()))),
        })
    }
}

/// Verbs by their words.
const VERBS: &[(&[u8], Verb)] = &[
    (b"EHLO", Verb::Ehlo),
    (b"HELO", Verb::Helo),
    (b"LHLO", Verb::Lhlo),
    (b"MAIL", Verb::Mail),
    (b"RCPT", Verb::Rcpt),
    (b"DATA", Verb::Data),
    (b"BDAT", Verb::Bdat),
    (b"RSET", Verb::Rset),
    (b"NOOP", Verb::Noop),
    (b"QUIT", Verb::Quit),
    (b"VRFY", Verb::Vrfy),
    (b"EXPN", Verb::Expn),
    (b"HELP", Verb::Help),
    (b"ETRN", Verb::Etrn),
    (b"STARTTLS", Verb::StartTls),
    (b"AUTH", Verb::Auth),
    (b"XCLIENT", Verb::Xclient),
    (b"XFORWARD", Verb::Xforward),
];

/// A command line, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The verb.
    pub verb: Verb,
    /// What later rooms need of its argument.
    pub argument: Argument,
}

/// The part of a command's argument that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// Nothing of it.
    None,
    /// The name in HELO, EHLO or LHLO.
    Name(Text),
    /// The path in MAIL or RCPT, without brackets and source route.
    Path {
        /// The address; empty for `<>`.
        address: Text,
        /// The `SIZE` parameter (RFC 1870).
        size: Option<u64>,
    },
    /// A chunk's size in BDAT.
    Chunk {
        /// Octets that follow; `u64::MAX` for anything beyond.
        octets: u64,
        /// `LAST` was said.
        last: bool,
        /// The size was missing, no number, or beyond 64 bits.
        odd: bool,
    },
}

/// Reads a command line (without its line end).
pub fn parse(line: &[u8]) -> Parsed {
    let line = line.trim_ascii();
    let (word, rest) = split_word(line);
    let Some((_, verb)) = VERBS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) else {
        return Parsed { verb: Verb::Unknown(unknown_word(word)), argument: Argument::None };
    };
    let argument = match verb {
        Verb::Ehlo | Verb::Helo | Verb::Lhlo => {
            Argument::Name(Text::bounded(rest.trim_ascii(), Dialog::MAX_TEXT))
        }
        Verb::Mail => path(rest, b"FROM"),
        Verb::Rcpt => path(rest, b"TO"),
        Verb::Bdat => chunk(rest),
        _ => Argument::None,
    };
    Parsed { verb: verb.clone(), argument }
}

/// Whether a line is a command beyond doubt, so that a reader who has lost his place may take it
/// for one. `DATA` in a letter's text is the risk; a verb with its own argument, or alone, is not.
pub fn is_unmistakable(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    let (word, rest) = split_word(line);
    let rest = rest.trim_ascii();
    let Some((_, verb)) = VERBS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) else {
        return false;
    };
    match verb {
        Verb::Ehlo | Verb::Helo | Verb::Lhlo => !rest.is_empty() && !rest.contains(&b' '),
        Verb::Mail => after_keyword(rest, b"FROM").is_some(),
        Verb::Rcpt => after_keyword(rest, b"TO").is_some(),
        Verb::Bdat => rest.first().is_some_and(u8::is_ascii_digit),
        Verb::Auth => rest.first().is_some_and(u8::is_ascii_uppercase),
        Verb::Xclient | Verb::Xforward => rest.contains(&b'='),
        Verb::Data | Verb::Rset | Verb::Noop | Verb::Quit | Verb::StartTls => rest.is_empty(),
        _ => false,
    }
}

/// Whether the beginning of a line is MAIL or RCPT with its address up to the closing bracket.
pub fn is_envelope_with_whole_address(line: &[u8]) -> bool {
    let (word, rest) = split_word(line);
    let keyword: &[u8] = match () {
        () if word.eq_ignore_ascii_case(b"MAIL") => b"FROM",
        () if word.eq_ignore_ascii_case(b"RCPT") => b"TO",
        () => return false,
    };
    after_keyword(rest.trim_ascii(), keyword)
        .map(<[u8]>::trim_ascii_start)
        .is_some_and(|path| path.first() == Some(&b'<') && path.contains(&b'>'))
}

/// Whether a line is one word of base64 (or the `*` that cancels), as SASL lines are (RFC 4954
/// section 4).
pub fn is_sasl_line(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line == b"*"
        || line == b"="
        || (!line.is_empty()
            && line.len().is_multiple_of(4)
            && line.iter().all(|octet| octet.is_ascii_alphanumeric() || b"+/=".contains(octet)))
}

fn split_word(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    line.split_at(end)
}

/// The word as it is shown: upper-case, and nothing of it unless it looks like a verb, since what
/// does not (base64 mixes cases) may be part of a letter or a secret.
fn unknown_word(word: &[u8]) -> Text {
    let one_case = !(word.iter().any(u8::is_ascii_uppercase) && word.iter().any(u8::is_ascii_lowercase));
    let verb_like = word.len() <= Verb::MAX_UNKNOWN
        && word.iter().all(|octet| octet.is_ascii_alphanumeric() || b"-_*".contains(octet));
    if verb_like && one_case { Text::new(&word.to_ascii_uppercase()) } else { Text::default() }
}

/// What follows `keyword` and its colon.
fn after_keyword<'a>(rest: &'a [u8], keyword: &[u8]) -> Option<&'a [u8]> {
    let rest = rest.trim_ascii_start();
    let (head, tail) = rest.split_at_checked(keyword.len())?;
    if !head.eq_ignore_ascii_case(keyword) {
        return None;
    }
    Some(tail.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start())
}

fn path(rest: &[u8], keyword: &[u8]) -> Argument {
    let Some(rest) = after_keyword(rest, keyword) else {
        return Argument::Path { address: Text::default(), size: None };
    };
    let (path, parameters) = match rest.strip_prefix(b"<") {
        Some(inside) => {
            let end = end_of_mailbox(inside, b'>');
            (inside.get(..end).unwrap_or(inside), inside.get(end + 1..).unwrap_or_default())
        }
        None => rest.split_at(end_of_mailbox(rest, b' ')),
    };
    Argument::Path {
        address: Text::bounded(without_route(path.trim_ascii()), Dialog::MAX_TEXT),
        size: size_parameter(parameters),
    }
}

/// Where `stop` stands outside a quoted local part (RFC 5321 section 4.1.2 `Quoted-string`).
fn end_of_mailbox(text: &[u8], stop: u8) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    for (place, &octet) in text.iter().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if octet == stop && !quoted => return place,
            _ => {}
        }
    }
    // A quote that never closes quotes nothing.
    if quoted { text.iter().position(|&octet| octet == stop).unwrap_or(text.len()) } else { text.len() }
}

/// `@one,@two:user@host` is `user@host` (RFC 5321 appendix C).
fn without_route(path: &[u8]) -> &[u8] {
    if path.first() != Some(&b'@') {
        return path;
    }
    match path.iter().position(|&octet| octet == b':') {
        Some(colon) => path.get(colon + 1..).unwrap_or_default(),
        None => path,
    }
}

fn size_parameter(parameters: &[u8]) -> Option<u64> {
    parameters.split(u8::is_ascii_whitespace).find_map(|parameter| {
        let (name, value) = parameter.split_at_checked(b"SIZE=".len())?;
        if name.eq_ignore_ascii_case(b"SIZE=") { number(value).map(|(size, _)| size) } else { None }
    })
}

fn chunk(rest: &[u8]) -> Argument {
    let mut words = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let size = words.next().and_then(number);
    let last = words.next().is_some_and(|word| word.eq_ignore_ascii_case(b"LAST"));
    match size {
        Some((octets, saturated)) => Argument::Chunk { octets, last, odd: saturated },
        None => Argument::Chunk { octets: 0, last, odd: true },
    }
}

/// A decimal number and whether it was beyond 64 bits.
fn number(digits: &[u8]) -> Option<(u64, bool)> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits
        .iter()
        .try_fold(0u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
    Some((value.unwrap_or(u64::MAX), value.is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(line: &str) -> (String, Option<u64>) {
        match parse(line.as_bytes()).argument {
            Argument::Path { address, size } => (address.to_string(), size),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn paths_are_read_as_servers_read_them() {
        let rows = [
            ("MAIL FROM:<a@example.org>", "a@example.org", None),
            ("mail from: <a@example.org> SIZE=1234 BODY=8BITMIME", "a@example.org", Some(1234)),
            ("MAIL FROM :<>", "", None),
            ("MAIL FROM:<> size=99999999999999999999999", "", Some(u64::MAX)),
            ("RCPT TO:a@example.org NOTIFY=NEVER", "a@example.org", None),
            ("RCPT TO:<@one.example,@two.example:a@example.org>", "a@example.org", None),
            (r#"RCPT TO:<"a > b\" c"@example.org> X=1"#, r#""a > b\\" c"@example.org"#, None),
            (r#"RCPT TO:<"a@example.org> X=1"#, r#""a@example.org"#, None),
            ("RCPT TO:<a@example.org", "a@example.org", None),
            ("RCPT TO", "", None),
            ("RCPT", "", None),
        ];
        for (line, expected, size) in rows {
            assert_eq!(address(line), (expected.to_owned(), size), "{line}");
        }
    }

    #[test]
    fn verbs_are_spelled_as_reports_show_them() {
        let rows = [
            ("ehlo x", "EHLO"),
            ("  quit", "QUIT"),
            ("DATA now", "DATA"),
            ("XXXX example.org", "?XXXX"),
            ("xforward NAME=x", "XFORWARD"),
            ("GET / HTTP/1.0", "?GET"),
            ("Subject: a private matter", "?"),
            ("dGhpcyBpcyBhIHNlY3JldA==", "?"),
            ("", "?"),
        ];
        for (line, expected) in rows {
            assert_eq!(parse(line.as_bytes()).verb.as_str(), expected, "{line}");
        }
        assert_eq!(Verb::EndOfData.as_str(), ".");
        assert_eq!(Verb::AuthLine.as_str(), "(auth)");
    }

    #[test]
    fn chunk_sizes_saturate() {
        let rows = [
            ("BDAT 86 LAST", 86, true, false),
            ("bdat 0 last", 0, true, false),
            ("BDAT 18446744073709551615", u64::MAX, false, false),
            ("BDAT 18446744073709551616", u64::MAX, false, true),
            ("BDAT -1", 0, false, true),
            ("BDAT", 0, false, true),
        ];
        for (line, octets, last, odd) in rows {
            let expected = Argument::Chunk { octets, last, odd };
            assert_eq!(parse(line.as_bytes()).argument, expected, "{line}");
        }
    }

    #[test]
    fn only_what_cannot_be_text_is_unmistakable() {
        for line in ["MAIL FROM:<>", "rcpt to:<a@b>", "QUIT", "DATA", "EHLO x.example", "BDAT 3 LAST"] {
            assert!(is_unmistakable(line.as_bytes()), "{line}");
        }
        for line in ["Mail from home", "Help me", "data are plural", "Quit smoking", "", ".", "EHLO"] {
            assert!(!is_unmistakable(line.as_bytes()), "{line}");
        }
    }
}
