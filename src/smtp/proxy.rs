//! The header that a proxy puts before a client's first octet, so that the server learns the true
//! client: <https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt>. It is no command and draws
//! no reply; version 2 even contains the letters `QUIT`.

/// Version 1 begins so (section 2.1).
const TEXT_PREFIX: &[u8] = b"PROXY ";
/// The longest version 1 header, CRLF included (section 2.1).
const MAX_TEXT_HEADER: usize = 107;
/// Version 2 begins so (section 2.2).
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length (section 2.2).
const BINARY_HEADER: usize = SIGNATURE.len() + 4;

/// Reads such a header, or finds that there is none.
#[derive(Debug, Default)]
pub(crate) struct ProxyHeader {
    gathered: Vec<u8>,
    /// Octets of a version 2 header still to come.
    skip: Option<usize>,
}

/// What came of some octets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Proxied {
    /// More octets are needed.
    Undecided,
    /// The header is over; the client's own octets begin.
    Over,
    /// There is none; these octets were taken already and belong to the client.
    Plain(Vec<u8>),
}

impl ProxyHeader {
    /// Takes octets from `input` until it is decided.
    pub(crate) fn read(&mut self, input: &mut &[u8]) -> Proxied {
        while let Some((&octet, rest)) = input.split_first() {
            if let Some(left) = &mut self.skip {
                let here = (*left).min(input.len());
                *input = input.get(here..).unwrap_or_default();
                *left -= here;
                if *left == 0 {
                    return Proxied::Over;
                }
                continue;
            }
            if !self.goes_on_with(octet) {
                return Proxied::Plain(std::mem::take(&mut self.gathered));
            }
            self.gathered.push(octet);
            *input = rest;
            if self.gathered.starts_with(TEXT_PREFIX) && octet == b'\n' {
                return Proxied::Over;
            }
            if self.gathered.starts_with(SIGNATURE)
                && let Some(&[.., high, low]) = self.gathered.first_chunk::<BINARY_HEADER>()
            {
                let length = usize::from(u16::from_be_bytes([high, low]));
                if length == 0 {
                    return Proxied::Over;
                }
                self.skip = Some(length);
            }
        }
        Proxied::Undecided
    }

    /// What was taken and not decided.
    pub(crate) fn take_undecided(&mut self) -> Vec<u8> {
        if self.skip.is_some() { Vec::new() } else { std::mem::take(&mut self.gathered) }
    }

    fn goes_on_with(&self, octet: u8) -> bool {
        let place = self.gathered.len();
        let fits = |pattern: &[u8]| {
            let begun = pattern.get(..place.min(pattern.len())).unwrap_or_default();
            self.gathered.starts_with(begun) && pattern.get(place).is_none_or(|&expected| expected == octet)
        };
        (fits(TEXT_PREFIX) && place < MAX_TEXT_HEADER) || (fits(SIGNATURE) && place < BINARY_HEADER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stream: &[u8], cut: usize) -> (Proxied, Vec<u8>) {
        let mut header = ProxyHeader::default();
        let mut rest = stream.chunks(cut);
        while let Some(mut piece) = rest.next() {
            match header.read(&mut piece) {
                Proxied::Undecided => {}
                decided => return (decided, [piece.to_vec(), rest.flatten().copied().collect()].concat()),
            }
        }
        (Proxied::Undecided, Vec::new())
    }

    #[test]
    fn both_versions_are_passed_over_however_they_are_cut() {
        let binary = [SIGNATURE, &[0x21, 0x11, 0, 12], &[9; 12], b"EHLO x\r\n"].concat();
        let text = b"PROXY TCP4 192.0.2.1 192.0.2.2 4000 25\r\nEHLO x\r\n".to_vec();
        let empty = [SIGNATURE, &[0x20, 0, 0, 0], b"EHLO x\r\n"].concat();
        for stream in [binary, text, empty] {
            for cut in 1..stream.len() {
                assert_eq!(read(&stream, cut), (Proxied::Over, b"EHLO x\r\n".to_vec()), "cut {cut}");
            }
        }
    }

    #[test]
    fn other_beginnings_are_handed_back() {
        for stream in [&b"EHLO x\r\n"[..], b"PRO", b"PROX\r\n", b"\r\n\r\nEHLO", b"\x16\x03\x01"] {
            for cut in 1..=stream.len() {
                match read(stream, cut) {
                    (Proxied::Plain(taken), rest) => assert_eq!([taken, rest].concat(), stream),
                    (other, _) => assert_eq!((other, stream), (Proxied::Undecided, &b"PRO"[..])),
                }
            }
        }
    }

    #[test]
    fn an_endless_header_is_given_up() {
        let stream = [b"PROXY ".to_vec(), vec![b'x'; 1000]].concat();
        let (decided, rest) = read(&stream, 10);
        let Proxied::Plain(taken) = decided else { panic!("{decided:?}") };
        assert_eq!(taken.len(), MAX_TEXT_HEADER);
        assert_eq!(rest.len(), stream.len() - MAX_TEXT_HEADER);
    }
}
