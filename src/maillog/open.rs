//! What a file given as a log really is: plain text, gzip, 16-bit units, an export, or nothing that can be read here.

use std::io::{Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use crate::maillog::carrier::{self, ByteOrder, Decoded, Told};
use crate::maillog::line::StampReader;

/// Octets looked at to tell what a file is.
const MAGIC: usize = 64;

/// Octets of a gzipped head that are unpacked to look into it.
const UNPACKED_HEAD: u64 = 16 * 1024;

/// Lines looked at to tell whether a file is a mail log.
const LINES_LOOKED_AT: usize = 64;

/// Why a file cannot be read as a log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    /// A packet capture.
    #[error("this is a packet capture, not a log")]
    Capture,
    /// An archive, or a compression other than gzip.
    #[error("the log is packed with {0}; unpack it first")]
    Packed(&'static str),
}

/// The text of a log, out of whatever it is packed in: gzip, UTF-16, records of an export. Errors of
/// the input itself come from the reader that is given back, after what could be read.
pub(super) fn open(reader: impl Read + Send + 'static) -> Result<(Box<dyn Read + Send>, Told), Unreadable> {
    let (head, text) = with_head(reader);
    if !is_gzip(&head) {
        refuse(&head)?;
        return Ok(carrier::unpacked(decoded(&head, Box::new(text))));
    }
    let (head, text) = with_head(crate::input::unpacked(text));
    refuse(&head)?;
    Ok(carrier::unpacked(decoded(&head, Box::new(text))))
}

/// The text as UTF-8, where its head shows 16-bit units.
fn decoded(head: &[u8], text: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
    match utf16_order(head) {
        Some(order) => Box::new(Decoded::new(text, order)),
        None => text,
    }
}

/// Whether a file that begins with `head` is a text mail log, plain or gzipped: by its content, not
/// by its name. A capture of mail is none, whatever text is in it.
///
/// ```
/// use mailwitness::maillog::looks_like_mail_log;
/// assert!(looks_like_mail_log(b"Thu Aug 14 13:08:49 2014 Info: ICID 10318 close\n"));
/// assert!(!looks_like_mail_log(b"\xd4\xc3\xb2\xa1 Thu Aug 14 13:08:49 2014 Info: ICID 10318 close\n"));
/// ```
pub fn looks_like_mail_log(head: &[u8]) -> bool {
    if !is_gzip(head) {
        return text_looks_like_mail_log(head);
    }
    let mut text = Vec::new();
    // The head of a longer file is cut short: what could be unpacked counts.
    let _ = MultiGzDecoder::new(head).take(UNPACKED_HEAD).read_to_end(&mut text);
    text_looks_like_mail_log(&text)
}

fn text_looks_like_mail_log(head: &[u8]) -> bool {
    if let Some(order) = utf16_order(head) {
        let mut text = Vec::new();
        let _ = Decoded::new(head, order).read_to_end(&mut text);
        return plain_looks_like_mail_log(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text));
    }
    plain_looks_like_mail_log(head)
}

fn plain_looks_like_mail_log(head: &[u8]) -> bool {
    /// Words that open connections and messages in every dialect of the mail log.
    const WORDS: [&[u8]; 4] =
        [b"New SMTP ICID ", b"Start MID ", b"Message aborted MID ", b"Message finished MID "];
    if refuse(head).is_err() {
        return false;
    }
    let mut stamps = StampReader::default();
    head.split(|&octet| octet == b'\n').take(LINES_LOOKED_AT).any(|line| {
        stamps.head(line).is_some_and(|head| head.level)
            || WORDS.iter().any(|words| crate::maillog::scan::find(line, words).is_some())
    }) || carrier::carries_a_log(head)
}

/// The first octets of `reader`, and all of it: the octets, the error that cut them short (a gzip
/// stream may break off within its first line), the rest.
fn with_head<R: Read + Send>(mut reader: R) -> (Vec<u8>, impl Read + Send + use<R>) {
    let mut head = Vec::with_capacity(MAGIC);
    let error = reader.by_ref().take(MAGIC as u64).read_to_end(&mut head).err();
    (head.clone(), Cursor::new(head).chain(Failing(error)).chain(reader))
}

fn is_gzip(head: &[u8]) -> bool {
    // RFC 1952 section 2.3.1.
    head.starts_with(&[0x1f, 0x8b])
}

fn refuse(head: &[u8]) -> Result<(), Unreadable> {
    /// Magic numbers of pcap (both byte orders, micro- and nanoseconds, Kuznetzov's) and pcapng.
    const CAPTURES: [[u8; 4]; 7] = [
        [0xd4, 0xc3, 0xb2, 0xa1],
        [0xa1, 0xb2, 0xc3, 0xd4],
        [0x4d, 0x3c, 0xb2, 0xa1],
        [0xa1, 0xb2, 0x3c, 0x4d],
        [0x34, 0xcd, 0xb2, 0xa1],
        [0xa1, 0xb2, 0xcd, 0x34],
        [0x0a, 0x0d, 0x0d, 0x0a],
    ];
    const PACKED: [(&[u8], &str); 4] =
        [(b"\xfd7zXZ\0", "xz"), (b"BZh", "bzip2"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"PK\x03\x04", "zip")];
    if CAPTURES.iter().any(|magic| head.starts_with(magic)) {
        return Err(Unreadable::Capture);
    }
    if let Some((_, name)) = PACKED.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(Unreadable::Packed(name));
    }
    Ok(())
}

/// Which octet of a unit comes first, where the text is of 16-bit units.
fn utf16_order(head: &[u8]) -> Option<ByteOrder> {
    if head.starts_with(&[0xff, 0xfe]) {
        return Some(ByteOrder::Little);
    }
    if head.starts_with(&[0xfe, 0xff]) {
        return Some(ByteOrder::Big);
    }
    // Without a mark: every other octet of English text in 16-bit units is zero.
    let pairs = head.get(..8)?;
    let zeros = |offset: usize| pairs.iter().skip(offset).step_by(2).all(|&octet| octet == 0);
    let letters = |offset: usize| pairs.iter().skip(offset).step_by(2).all(|&octet| octet != 0);
    match (letters(0) && zeros(1), zeros(0) && letters(1)) {
        (true, _) => Some(ByteOrder::Little),
        (_, true) => Some(ByteOrder::Big),
        _ => None,
    }
}

/// A reader that fails once and then ends.
pub(super) struct Failing(pub(super) Option<std::io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    const LINE: &[u8] = b"Thu Aug 14 13:08:49 2014 Info: ICID 1 close\n";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn utf16(text: &[u8], mark: bool) -> Vec<u8> {
        let mut out = if mark { vec![0xff, 0xfe] } else { Vec::new() };
        out.extend(text.iter().flat_map(|&octet| [octet, 0]));
        out
    }

    fn unpack(file: Vec<u8>) -> Result<Vec<u8>, Unreadable> {
        let mut text = Vec::new();
        open(Cursor::new(file))?.0.read_to_end(&mut text).unwrap();
        Ok(text)
    }

    #[test]
    fn plain_and_gzipped_are_one() {
        let two_members = [gzip(LINE), gzip(LINE)].concat();
        assert_eq!(unpack(LINE.to_vec()).unwrap(), LINE);
        assert_eq!(unpack(two_members).unwrap(), [LINE, LINE].concat());
        assert_eq!(unpack(Vec::new()).unwrap(), b"");
        assert_eq!(unpack(vec![b'x']).unwrap(), b"x");
        assert_eq!(unpack(utf16(LINE, false)).unwrap(), LINE);
        assert_eq!(unpack(utf16(LINE, true)).unwrap(), [b"\xef\xbb\xbf", LINE].concat());
        assert_eq!(unpack(gzip(&utf16(LINE, false))).unwrap(), LINE);
        let odd = [utf16(b"x \n y", true), vec![0x3d, 0xd8, 0x00, 0xde, b'z']].concat();
        assert_eq!(unpack(odd).unwrap(), "\u{feff}x \n y\u{1f600}\u{fffd}".as_bytes());
    }

    #[test]
    fn a_gzip_cut_short_gives_what_it_held() {
        let whole = gzip(&(0..2000).map(|n| format!("line {n}\n")).collect::<String>().into_bytes());
        let mut text = Vec::new();
        let error = open(Cursor::new(whole[..whole.len() / 2].to_vec())).unwrap().0.read_to_end(&mut text);
        assert_eq!(error.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
        assert!(text.starts_with(b"line 0\nline 1\n"));
        // Within the first octets too.
        let mut text = Vec::new();
        let short = gzip(b"abc");
        assert!(
            open(Cursor::new(short[..short.len() - 9].to_vec())).unwrap().0.read_to_end(&mut text).is_err()
        );
        assert!(b"abc".starts_with(&text));
    }

    #[test]
    fn a_damaged_member_costs_itself_only() {
        let mut damaged = gzip(&LINE.repeat(50));
        let end = damaged.len() - 5;
        damaged[end] ^= 1;
        let (mut text, mut read, mut said) =
            (open(Cursor::new([gzip(LINE), damaged, gzip(LINE)].concat())).unwrap().0, Vec::new(), 0);
        while let Err(error) = text.read_to_end(&mut read) {
            assert!(crate::input::Passed::of(&error).is_some(), "{error}");
            said += 1;
        }
        assert_eq!((read.len(), said), (LINE.len() * 52, 1));
    }

    #[test]
    fn what_is_no_log_is_named() {
        let capture = b"\xd4\xc3\xb2\xa1\x02\0\x04\0".to_vec();
        assert!(matches!(unpack(capture.clone()), Err(Unreadable::Capture)));
        assert!(matches!(unpack(gzip(&capture)), Err(Unreadable::Capture)));
        assert!(matches!(unpack(b"PK\x03\x04....".to_vec()), Err(Unreadable::Packed("zip"))));
    }

    proptest! {
        #[test]
        fn octets_of_any_kind_are_judged(
            start in prop_oneof![Just(vec![]), Just(vec![0x1f, 0x8b, 8]), Just(gzip(LINE)), Just(LINE.to_vec())],
            rest in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let file = [start, rest].concat();
            looks_like_mail_log(&file);
            if let Ok((mut text, _)) = open(Cursor::new(file)) {
                let _ = text.read_to_end(&mut Vec::new());
            }
        }
    }

    #[test]
    fn logs_are_known_by_content() {
        let text = |lines: &[&[u8]]| lines.concat();
        let yes: [Vec<u8>; 9] = [
            utf16(LINE, true),
            text(&[b"{\"m\":\"", LINE.trim_ascii_end(), b"\"}\n"]),
            text(&[b"a,b\n1,\"", LINE.trim_ascii_end(), b"\"\n"]),
            LINE.to_vec(),
            gzip(LINE),
            gzip(&LINE.repeat(100_000))[..500].to_vec(),
            text(&[b"some words of a ticket\n\n", LINE]),
            text(&[b"mail.@20141119T091646.s:", LINE]),
            b"Mar 17 18:24:37 mail_logs: Info: New SMTP ICID 5 interface x\n".to_vec(),
        ];
        for head in yes {
            assert!(looks_like_mail_log(&head), "{}", head.escape_ascii());
        }
        let no: [Vec<u8>; 7] = [
            b"{\"m\":\"plain words\"}\n".to_vec(),
            Vec::new(),
            text(&[b"\x0a\x0d\x0d\x0a", LINE]),
            utf16(b"plain words\n", true),
            b"Received: from x by y; Thu Aug 14 13:08:49 2014\n".to_vec(),
            b"plain words\n".to_vec(),
            gzip(b"plain words\n"),
        ];
        for head in no {
            assert!(!looks_like_mail_log(&head), "{}", head.escape_ascii());
        }
    }
}
