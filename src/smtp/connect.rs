//! SMTP through an HTTP proxy: the client asks for a tunnel (CONNECT, RFC 9110 section 9.3.6), the
//! proxy says yes, and behind these two heads the dialogue begins.

/// Octets of a head; longer ones are no tunnel's.
const MAX_HEAD: usize = 8 * 1024;

/// The end of a head (RFC 9112 section 2.1); some clients leave out the CRs.
const ENDS: [&[u8]; 2] = [b"\r\n\r\n", b"\n\n"];

/// What the first octets of one end are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    /// No head of a tunnel.
    None,
    /// One that is not whole yet.
    Begun,
    /// One of so many octets.
    Whole(usize),
}

/// Looks for the client's request or the proxy's consent at the beginning of `octets`.
pub(crate) fn head(octets: &[u8]) -> Head {
    let asks = begins_like(octets, b"CONNECT ");
    let agrees = begins_like(octets, b"HTTP/1.") && agrees(octets);
    if !(asks || agrees) {
        return Head::None;
    }
    let end = ENDS.iter().filter_map(|end| Some(memchr::memmem::find(octets, end)? + end.len())).min();
    match end {
        Some(end) if end <= MAX_HEAD => Head::Whole(end),
        None if octets.len() < MAX_HEAD => Head::Begun,
        _ => Head::None,
    }
}

fn begins_like(octets: &[u8], words: &[u8]) -> bool {
    let both = octets.len().min(words.len());
    both > 0 && octets.get(..both) == words.get(..both)
}

/// A status of 2xx as far as it is there: `HTTP/1.1 200 ...`.
fn agrees(octets: &[u8]) -> bool {
    const STATUS: usize = "HTTP/1.1 ".len();
    octets.get(STATUS).is_none_or(|class| *class == b'2')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_told_from_what_follows_them() {
        let rows: &[(&[u8], Head)] = &[
            (b"CONNECT mx.example.org:25 HTTP/1.1\r\nHost: mx\r\n\r\nEHLO x\r\n", Head::Whole(48)),
            (b"CONNECT mx.example.org:25 HTTP/1.0\n\n", Head::Whole(36)),
            (b"HTTP/1.1 200 Connection established\r\n\r\n220 mx ESMTP\r\n", Head::Whole(39)),
            (b"HTTP/1.1 407 Who are you\r\n\r\n", Head::None),
            (b"CONN", Head::Begun),
            (b"HTTP/1.1 2", Head::Begun),
            (b"EHLO x\r\n", Head::None),
            (b"", Head::None),
        ];
        for (octets, expected) in rows {
            assert_eq!(head(octets), *expected, "{}", String::from_utf8_lossy(octets));
        }
        assert_eq!(head(&[b"CONNECT ".to_vec(), vec![b'x'; MAX_HEAD]].concat()), Head::None);
    }
}
