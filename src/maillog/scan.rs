//! Small readers over the octets of one record: words, numbers, addresses, quoted values.
//!
//! Everything borrows; nothing here panics, whatever the octets are. Letters compare without case,
//! because versions differ in it (`New SMTP ICID`, `New smtp ICID`).

use std::borrow::Cow;
use std::net::IpAddr;

/// Digits of the longest number that surely fits 64 bits.
const MAX_DIGITS: usize = 19;

/// What follows `prefix`, where `text` begins with it (ASCII case apart) and, if the prefix ends in
/// a letter or digit, the word ends there: `close` is not the beginning of `closed`.
#[inline]
pub(super) fn strip<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    if !same(head, prefix) {
        return None;
    }
    let inside_a_word = prefix.last().is_some_and(u8::is_ascii_alphanumeric)
        && rest.first().is_some_and(u8::is_ascii_alphanumeric);
    (!inside_a_word).then_some(rest)
}

/// Whether two texts of one length are the same but for the case of ASCII letters. Most texts differ
/// within two octets and most that fit do so exactly, which is told sooner than the general answer.
#[inline]
fn same(one: &[u8], other: &[u8]) -> bool {
    if let ([a, b, ..], [c, d, ..]) = (one, other)
        && ((a ^ c) | (b ^ d)) & !0x20 != 0
    {
        return false;
    }
    one == other || one.iter().zip(other).all(|(a, b)| a.eq_ignore_ascii_case(b))
}

/// A decimal number that is a whole word, and what follows it; `None` beyond [`MAX_DIGITS`].
#[inline]
pub(super) fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    let mut rest = text;
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        rest = after;
    }
    let digits = text.len() - rest.len();
    let in_a_word = matches!(rest, [b'a'..=b'z' | b'A'..=b'Z' | b'_', ..]);
    (digits > 0 && digits <= MAX_DIGITS && !in_a_word).then_some((value, rest))
}

/// Where `phrase` first stands in `text`, ASCII case apart. `phrase` is one of ours and short.
pub(super) fn find(text: &[u8], phrase: &[u8]) -> Option<usize> {
    // Its first letter is much rarer in a text than the space that many phrases begin with.
    let anchor = phrase.iter().position(u8::is_ascii_alphabetic).unwrap_or(0);
    let letter = *phrase.get(anchor)?;
    let last_start = text.len().checked_sub(phrase.len())?;
    let anchors = text.get(anchor..=last_start + anchor)?;
    memchr::memchr2_iter(letter.to_ascii_lowercase(), letter.to_ascii_uppercase(), anchors)
        .find(|&at| text.get(at..at + phrase.len()).is_some_and(|candidate| same(candidate, phrase)))
}

/// Where `phrase` last stands in `text`, ASCII case apart.
pub(super) fn find_last(text: &[u8], phrase: &[u8]) -> Option<usize> {
    let first = *phrase.first()?;
    let last_start = text.len().checked_sub(phrase.len())?;
    let starts = text.get(..=last_start)?;
    memchr::memrchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), starts).find(|&at| {
        text.get(at..at + phrase.len()).is_some_and(|candidate| candidate.eq_ignore_ascii_case(phrase))
    })
}

/// What stands before and after the first `phrase`.
pub(super) fn cut<'a>(text: &'a [u8], phrase: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = find(text, phrase)?;
    Some((text.get(..at)?, text.get(at + phrase.len()..)?))
}

/// The text up to the next space, and what follows.
pub(super) fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b' ', text).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, b""))
}

/// An IP address as the log prints it; brackets and a zone are tolerated, a mask of letters is none.
pub(super) fn ip(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse().ok().or_else(|| {
        let bare = text.trim_matches(|c| matches!(c, '[' | ']' | '(' | ')' | ',' | ' '));
        bare.split('%').next()?.parse().ok()
    })
}

/// An envelope address: without its angle brackets, where it has them (some exports strip them).
pub(super) fn address(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    let Some(inner) = text.strip_prefix(b"<") else { return text };
    match memchr::memrchr(b'>', inner) {
        Some(end) => inner.get(..end).unwrap_or(inner),
        None => inner,
    }
}

/// A value that the appliance printed as a Python literal: `'...'`, or `"..."` where it holds an
/// apostrophe. The quotes go and the escapes are undone, so that the value compares with the wire;
/// an unquoted value (older versions) stays as written, and so does an escape that is not known.
pub(super) fn literal(text: &[u8]) -> Cow<'_, [u8]> {
    let text = text.trim_ascii();
    let Some((&quote @ (b'\'' | b'"'), inner)) = text.split_first() else { return Cow::Borrowed(text) };
    // A literal that was cut short has no second quote; what there is of it still counts.
    let inner = inner.strip_suffix(&[quote]).unwrap_or(inner);
    if memchr::memchr(b'\\', inner).is_none() { Cow::Borrowed(inner) } else { Cow::Owned(unescape(inner)) }
}

/// Undoes the escapes of Python's `repr()` (Python Language Reference, section 2.4.1).
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, escape) = rest.split_at_checked(at).unwrap_or((rest, b""));
        plain.extend_from_slice(before);
        rest = unescape_one(escape, &mut plain);
    }
    plain.extend_from_slice(rest);
    plain
}

/// Undoes the one escape at the start of `text` and gives what follows it.
fn unescape_one<'a>(text: &'a [u8], plain: &mut Vec<u8>) -> &'a [u8] {
    let code_point = |digits: usize| {
        let hex = std::str::from_utf8(text.get(2..2 + digits)?).ok()?;
        let value =
            hex.bytes().all(|c| c.is_ascii_hexdigit()).then(|| u32::from_str_radix(hex, 16).ok())??;
        Some((value, text.get(2 + digits..)?))
    };
    let simple = match text.get(1) {
        Some(&octet @ (b'\'' | b'"' | b'\\')) => Some(octet),
        Some(b'n') => Some(b'\n'),
        Some(b'r') => Some(b'\r'),
        Some(b't') => Some(b'\t'),
        Some(b'x') => {
            if let Some((value, rest)) = code_point(2) {
                plain.push(value as u8);
                return rest;
            }
            None
        }
        Some(&letter @ (b'u' | b'U')) => {
            let digits = if letter == b'u' { 4 } else { 8 };
            if let Some((value, rest)) = code_point(digits)
                && let Some(character) = char::from_u32(value)
            {
                plain.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return rest;
            }
            None
        }
        _ => None,
    };
    match simple {
        Some(octet) => {
            plain.push(octet);
            text.get(2..).unwrap_or_default()
        }
        None => {
            plain.push(b'\\');
            text.get(1..).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_matched_whole() {
        assert_eq!(strip(b"close", b"CLOSE"), Some(&b""[..]));
        assert_eq!(strip(b"closed", b"close"), None);
        assert_eq!(strip(b"ready 5", b"ready "), Some(&b"5"[..]));
        assert_eq!(number(b"12 x"), Some((12, &b" x"[..])));
        assert_eq!(number(b"12: x"), Some((12, &b": x"[..])));
        assert_eq!(number(b"12a"), None);
        assert_eq!(number(b""), None);
        assert_eq!(number(b"99999999999999999999"), None);
    }

    #[test]
    fn phrases_are_found_without_case() {
        assert_eq!(cut(b"Data 1 ADDRESS x", b" address "), Some((&b"Data 1"[..], &b"x"[..])));
        assert_eq!(find(b"abc", b"abcd"), None);
        assert_eq!(find_last(b"a Rejected by b Rejected by c", b" rejected by "), Some(15));
    }

    proptest! {
        #[test]
        fn finding_agrees_with_looking_everywhere(
            text in "[ aAbB(]{0,24}",
            phrase in prop_oneof![Just(" a"), Just("ab"), Just("("), Just(" B a"), Just("b ")],
        ) {
            let (text, phrase) = (text.as_bytes(), phrase.as_bytes());
            let places: Vec<_> = (0..text.len())
                .filter(|&at| text.get(at..at + phrase.len()).is_some_and(|t| t.eq_ignore_ascii_case(phrase)))
                .collect();
            prop_assert_eq!(find(text, phrase), places.first().copied());
            prop_assert_eq!(find_last(text, phrase), places.last().copied());
        }
    }

    /// ESA-LOGS section 1: values are Python literals.
    #[test]
    fn python_literals_lose_their_dress() {
        let rows: [(&[u8], &[u8]); 11] = [
            (b"'plain'", b"plain"),
            (b"\"it's\"", b"it's"),
            (b"'both \\' and \"'", b"both ' and \""),
            (b"'tab\\tline\\r\\n end'", b"tab\tline\r\n end"),
            (b"'caf\\xe9'", b"caf\xe9"),
            (b"'\\u00e9\\U0001f600'", "é😀".as_bytes()),
            (b"Re: as it is\\r\\n", b"Re: as it is\\r\\n"),
            (b"'cut short", b"cut short"),
            (b"'\\xg1 \\q \\", b"\\xg1 \\q \\"),
            (b"'\\ud800'", b"\\ud800"),
            (b"''", b""),
        ];
        for (written, value) in rows {
            assert_eq!(literal(written).as_ref(), value, "{}", written.escape_ascii());
        }
    }

    #[test]
    fn addresses_lose_their_brackets() {
        let rows: [(&[u8], &[u8]); 6] = [
            (b" <a@example.com> ", b"a@example.com"),
            (b"<>", b""),
            (b"", b""),
            (b"a@example.com", b"a@example.com"),
            (b"<\"a>b\"@example.com>", b"\"a>b\"@example.com"),
            (b"<cut@exam", b"cut@exam"),
        ];
        for (written, value) in rows {
            assert_eq!(address(written), value);
        }
        assert_eq!(ip(b"[2001:db8::1%em0]"), "2001:db8::1".parse().ok());
        assert_eq!(ip(b"x.x.x.x"), None);
    }
}
