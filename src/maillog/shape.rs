//! What an unknown line looks like, without what is somebody's own: for grouping such lines, and for
//! posting them.
//!
//! Words of ASCII letters stay, everything else becomes a placeholder: `<address>`, `<ip>`, `<host>`,
//! `<url>`, `<path>`, `<n>` for numbers, `<id>` for words with digits in them, `'<text>'` for what is
//! quoted, `<value>` for what stands after `name=`, after `name:` of a small-lettered name, and after
//! words that name somebody or something. A sentence that is not quoted stays as it is: no program
//! can tell it from the log's own words.

use std::net::IpAddr;

use crate::maillog::scan;

/// Characters of a shape; what follows is cut.
const MAX_SHAPE: usize = 240;

/// Octets of a line that are looked at.
const LOOKED_AT: usize = 2048;

/// Words of letters longer than this are no words.
const LONGEST_WORD: usize = 24;

/// What shows that a shape was cut.
const CUT: &str = "[...]";

/// Words after which a name or a secret stands.
const NAMING: [&str; 20] = [
    "user",
    "username",
    "login",
    "password",
    "passphrase",
    "subject",
    "profile",
    "policy",
    "filter",
    "listener",
    "interface",
    "host",
    "hostname",
    "domain",
    "group",
    "sg",
    "file",
    "filename",
    "account",
    "quarantine",
];

/// The shape of a line's text.
pub(super) fn shape(text: &[u8]) -> String {
    let text = text.get(..LOOKED_AT).unwrap_or(text);
    let mut out = String::new();
    let mut rest = text;
    let mut named = false;
    while !rest.is_empty() && out.len() < MAX_SHAPE {
        if let Some((literal, after)) = quoted(rest) {
            out.push_str(literal);
            (rest, named) = (after, false);
            continue;
        }
        if let Some((placeholder, after)) = bracketed(rest) {
            out.push_str(placeholder);
            (rest, named) = (after, false);
            continue;
        }
        let end = rest.iter().position(|octet| ends_token(*octet)).unwrap_or(rest.len());
        // What is quoted after `name=` is one value, whatever stands in it.
        let end = rest.windows(2).take(end).position(opens_value).map_or(end, |at| end.min(at + 1));
        let Some((token, after)) = rest.split_at_checked(end) else { break };
        if token.is_empty() {
            // A separator stands for itself.
            let (octet, after) = after.split_first().unwrap_or((&b' ', b""));
            out.push(if octet.is_ascii_graphic() { char::from(*octet) } else { ' ' });
            rest = after;
            continue;
        }
        let first = out.is_empty();
        named = write_token(token, named, first, &mut out);
        rest = after;
    }
    if out.len() >= MAX_SHAPE || !rest.is_empty() {
        // All of it is ASCII.
        out.truncate(MAX_SHAPE - CUT.len());
        out.push_str(CUT);
    }
    let words: Vec<&str> = out.split_whitespace().collect();
    words.join(" ")
}

const fn ends_token(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b',' | b';' | b'|' | b'<' | b'>')
}

const fn opens_value(pair: &[u8]) -> bool {
    matches!(pair, [b'=', b'\'' | b'"'])
}

/// A quoted value at the start of the text: a placeholder in its quotes, and what follows.
fn quoted(text: &[u8]) -> Option<(&'static str, &[u8])> {
    let (&quote @ (b'\'' | b'"'), inner) = text.split_first()? else { return None };
    let mut escaped = false;
    let end = inner.iter().position(|octet| {
        let ends = *octet == quote && !escaped;
        escaped = *octet == b'\\' && !escaped;
        ends
    });
    // One that was cut short is a value all the same.
    let after = end.and_then(|end| inner.get(end + 1..)).unwrap_or_default();
    Some((if quote == b'"' { "\"<text>\"" } else { "'<text>'" }, after))
}

/// `<...>` at the start of the text.
fn bracketed(text: &[u8]) -> Option<(&'static str, &[u8])> {
    let inner = text.strip_prefix(b"<")?;
    let end = memchr::memchr(b'>', inner)?;
    Some(("<address>", inner.get(end + 1..).unwrap_or_default()))
}

/// Writes a token as it is or as its placeholder; whether what follows it is somebody's own.
fn write_token(token: &[u8], named: bool, first: bool, out: &mut String) -> bool {
    if let Some(at) = memchr::memchr(b'=', token) {
        let (name, value) = token.split_at_checked(at).unwrap_or((token, b""));
        let plain = name.len() <= LONGEST_WORD
            && name.iter().all(|octet| octet.is_ascii_alphabetic() || *octet == b'_');
        match placeholder(name).filter(|_| !plain) {
            Some(placeholder) => out.push_str(placeholder),
            None => out.extend(name.iter().map(|octet| char::from(*octet))),
        }
        out.push('=');
        // A value in quotes or brackets follows by itself.
        if value.len() > 1 {
            out.push_str("<value>");
        }
        return value.len() == 1;
    }
    let (word, tail) = without_tail(token);
    if named && !word.is_empty() {
        out.push_str("<value>");
    } else {
        match placeholder(word) {
            Some(placeholder) => out.push_str(placeholder),
            None => out.extend(word.iter().map(|octet| char::from(*octet))),
        }
    }
    out.extend(tail.iter().map(|octet| char::from(*octet)));
    let small = word.first().is_some_and(u8::is_ascii_lowercase);
    let is_name = tail.starts_with(b":") && small && !first;
    let naming = NAMING.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()));
    (is_name || naming || (named && word.is_empty())) && placeholder(word).is_none()
}

/// A token without the punctuation at its end.
fn without_tail(token: &[u8]) -> (&[u8], &[u8]) {
    let end =
        token.iter().rposition(|octet| !matches!(octet, b':' | b'.' | b'!' | b'?')).map_or(0, |at| at + 1);
    token.split_at_checked(end).unwrap_or((token, b""))
}

/// What stands in for a word that may be somebody's own; `None` for a word of the log.
fn placeholder(word: &[u8]) -> Option<&'static str> {
    let has = |octet| memchr::memchr(octet, word).is_some();
    let letters = |octet: &u8| octet.is_ascii_alphabetic() || matches!(octet, b'-' | b'/' | b'\'');
    if word.is_empty() {
        return None;
    }
    if scan::find(word, b"://").is_some() {
        return Some("<url>");
    }
    if has(b'@') {
        return Some("<address>");
    }
    if is_address(word) {
        return Some("<ip>");
    }
    let number =
        |octet: &u8| octet.is_ascii_digit() || matches!(octet, b'.' | b',' | b'-' | b'+' | b'%' | b':');
    if word.iter().all(number) && word.iter().any(u8::is_ascii_digit) {
        return Some("<n>");
    }
    if word.starts_with(b"/")
        || word.starts_with(b"\\")
        || word.iter().filter(|octet| **octet == b'/').count() > 1
    {
        return Some("<path>");
    }
    if has(b'.') {
        return Some("<host>");
    }
    if word.iter().all(letters) && word.len() <= LONGEST_WORD {
        return None;
    }
    // Punctuation alone is nobody's.
    word.iter().any(|octet| octet.is_ascii_alphanumeric() || !octet.is_ascii_graphic()).then_some("<id>")
}

/// An IP address, with a port or a prefix length or without.
fn is_address(word: &[u8]) -> bool {
    let Ok(word) = std::str::from_utf8(word) else { return false };
    let bare = word.split(['/', '%']).next().unwrap_or(word);
    bare.parse::<IpAddr>().is_ok() || bare.parse::<std::net::SocketAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_somebodys_own_is_not_in_a_shape() {
        let rows = [
            ("MID 7 flew over <anna@example.org>", "MID <n> flew over <address>"),
            ("MID 7 flew over anna@example.org.", "MID <n> flew over <address>."),
            ("ICID 31 quux 'it\\'s \"so\"' and \"so's it\"", "ICID <n> quux '<text>' and \"<text>\""),
            ("quux from 192.0.2.1 via 2001:db8::1 (198.51.100.7)", "quux from <ip> via <ip> (<ip>)"),
            ("quux 192.0.2.0/24 192.0.2.1:25", "quux <ip> <ip>"),
            ("quux mx.example.org said 4.7.1", "quux <host> said <n>"),
            ("quux https://example.org/x?y=z at", "quux <url>=<value> at"),
            ("quux /var/log/anna job 3f2b-aa09", "quux <path> job <id>"),
            (
                "Quux: failed for user: anna with profile: staff",
                "Quux: failed for user: <value> with profile: <value>",
            ),
            ("Quux failed for user anna", "Quux failed for user <value>"),
            ("Quux dhap_limit=4, sender_group=Anna", "Quux dhap_limit=<value>, sender_group=<value>"),
            ("quux name='Anna B' z=", "quux name='<text>' z="),
            ("quux Gr\u{fc}\u{df}e \x1b[31m", "quux <id> <id>[<id>"),
            ("quux 'cut off", "quux '<text>'"),
            ("  quux   <b  ", "quux <b"),
            ("", ""),
        ];
        for (text, expected) in rows {
            assert_eq!(shape(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn long_lines_are_cut() {
        let found = shape("quux ".repeat(1000).as_bytes());
        assert!(found.len() <= MAX_SHAPE && found.ends_with(CUT), "{found}");
    }

    proptest::proptest! {
        /// Whatever the octets are, a shape is short ASCII without digits of theirs.
        #[test]
        fn shapes_are_plain(text in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
            let found = shape(&text);
            proptest::prop_assert!(found.len() <= MAX_SHAPE);
            proptest::prop_assert!(found.bytes().all(|octet| octet == b' ' || octet.is_ascii_graphic()));
            proptest::prop_assert!(!found.bytes().any(|octet| octet.is_ascii_digit()), "{found}");
        }

        #[test]
        fn addresses_do_not_stay(local in "[a-z]{6,12}", word in "[a-z]{1,6}", dress in "[<(\\[,;:=' ]{0,2}") {
            let text = format!("{word} {dress}{local}@example.org {word}");
            let found = shape(text.as_bytes());
            proptest::prop_assert!(!found.contains("example"), "{text} -> {found}");
        }
    }
}
