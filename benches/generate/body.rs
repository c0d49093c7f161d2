//! What is sent after DATA: a head of its own for each message, then lines out of one pool that all messages share,
//! in the clear or as TLS records. Any octet can be had by its offset, so that nothing is kept to send it again.

use super::rng::Rng;
use super::tls::Cipher;

/// The longest piece that is asked for at once: a segment, or an overlapping one.
pub(crate) const PIECE_MAX: usize = 4096;
/// Every line (or pair of lines) of the pool is this long, so that any multiple of it is a line's beginning.
const LINE: usize = 78;
/// Lines in the pool.
const LINES: usize = 4096;
/// Octets of ciphertext in the pool.
const NOISE: usize = 1 << 18;

/// Octets that all messages are made of.
#[derive(Debug)]
pub(crate) struct Pool {
    lines: Vec<u8>,
    noise: Vec<u8>,
}

impl Pool {
    /// Fills it.
    pub(crate) fn new(seed: u64) -> Self {
        /// What a reader of SMTP must not be led astray by inside a body; dots are stuffed (RFC 5321, section 4.5.2).
        const BAIT: [&str; 8] =
            ["QUIT", "RSET", "..", "...", "MAIL FROM:<bait@example.net>", "250 ok", "421 bye", "DATA"];
        const WORDS: [&str; 15] = [
            "the", "parcel", "leaves", "on", "Monday", "and", "reaches", "your", "office", "by", "noon",
            "please", "sign", "for", "it",
        ];
        const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut rng = Rng::new(seed, u64::MAX);
        let mut lines = Vec::with_capacity(LINE * LINES + PIECE_MAX);
        for _ in 0..LINES {
            let end = lines.len() + LINE;
            if rng.chance(0.02) {
                lines.extend_from_slice(rng.pick(&"..", &BAIT).as_bytes());
                lines.extend_from_slice(b"\r\n");
            }
            if rng.chance(0.2) {
                while lines.len() + 12 < end {
                    lines.extend_from_slice(rng.pick(&"mail", &WORDS).as_bytes());
                    lines.push(b' ');
                }
            }
            while lines.len() < end - 2 {
                lines.push(*rng.pick(&b'A', BASE64));
            }
            lines.extend_from_slice(b"\r\n");
        }
        lines.extend_from_within(..PIECE_MAX);
        let mut noise = Vec::with_capacity(NOISE + PIECE_MAX);
        while noise.len() < NOISE {
            noise.extend_from_slice(&rng.next().to_le_bytes());
        }
        // Both go round: what is read across the end is the beginning again.
        noise.extend_from_within(..PIECE_MAX);
        Self { lines, noise }
    }

    /// Appends ciphertext: `length` octets, other ones for another `from`.
    pub(crate) fn noise(&self, from: u64, length: usize, out: &mut Vec<u8>) {
        let from = (from % NOISE as u64) as usize;
        out.extend_from_slice(self.noise.get(from..from + length.min(PIECE_MAX)).unwrap_or_default());
    }
}

/// The octets of one message as they go over the wire, the final dot included.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    head: Vec<u8>,
    /// Where in the pool the lines begin, and how many octets of them there are.
    from: u64,
    lines: u64,
    /// Lines end in LF alone, each an octet longer before it.
    lf_only: bool,
    /// TLS: how many plain octets go in a record, and the cipher.
    records: Option<(u64, Cipher)>,
}

/// The end of data behind a line's end (RFC 5321, section 4.1.1.4).
const DOT: &[u8] = b".\r\n";
const DOT_LF: &[u8] = b".\n";
/// A record's header: type, version, length (RFC 8446, section 5.1).
const RECORD_HEADER: u64 = 5;

impl Body {
    /// A message of about `octets` with the given head, which ends in an empty line.
    pub(crate) fn new(head: Vec<u8>, octets: u64, rng: &mut Rng, records: Option<(u64, Cipher)>) -> Self {
        let lines = octets.saturating_sub(head.len() as u64).div_ceil(LINE as u64).max(1) * LINE as u64;
        Self { head, from: rng.below(LINES as u64) * LINE as u64, lines, lf_only: false, records }
    }

    /// The same in lines that end in LF alone, as far as they are in the clear.
    pub(crate) fn with_lf_only(mut self) -> Self {
        self.lf_only = self.records.is_none();
        if self.lf_only {
            self.head.retain(|octet| *octet != b'\r');
        }
        self
    }

    fn dot(&self) -> &'static [u8] {
        if self.lf_only { DOT_LF } else { DOT }
    }

    /// Octets on the wire: with the dot, and with TLS's own.
    pub(crate) fn wire_octets(&self) -> u64 {
        let plain = self.plain_octets();
        match self.records {
            None => plain,
            Some((size, cipher)) => plain + plain.div_ceil(size) * (RECORD_HEADER + cipher.overhead()),
        }
    }

    /// Octets of the message itself, without the dot.
    pub(crate) fn octets(&self) -> u64 {
        self.head.len() as u64 + self.lines
    }

    /// Appends `length` octets from `offset` on, as they go over the wire.
    pub(crate) fn render(&self, pool: &Pool, offset: u64, length: usize, out: &mut Vec<u8>) {
        let end = (offset + length.min(PIECE_MAX) as u64).min(self.wire_octets());
        match self.records {
            None if self.lf_only => {
                let begin = out.len();
                self.plain(pool, offset, end, out);
                let spaced = out.iter_mut().skip(begin).filter(|octet| **octet == b'\r');
                spaced.for_each(|octet| *octet = b' ');
            }
            None => self.plain(pool, offset, end, out),
            Some((size, cipher)) => self.ciphered(pool, size, cipher, offset, end, out),
        }
    }

    fn plain_octets(&self) -> u64 {
        self.octets() + self.dot().len() as u64
    }

    fn plain(&self, pool: &Pool, mut at: u64, end: u64, out: &mut Vec<u8>) {
        let head = self.head.len() as u64;
        while at < end {
            let (part, from, available) = if at < head {
                (self.head.as_slice(), at, head - at)
            } else if at < head + self.lines {
                let cycle = (LINE * LINES) as u64;
                (pool.lines.as_slice(), (self.from + at - head) % cycle, head + self.lines - at)
            } else {
                (self.dot(), at - head - self.lines, self.plain_octets() - at)
            };
            let length = available.min(end - at) as usize;
            out.extend_from_slice(part.get(from as usize..from as usize + length).unwrap_or_default());
            at += length as u64;
        }
    }

    fn ciphered(&self, pool: &Pool, size: u64, cipher: Cipher, mut at: u64, end: u64, out: &mut Vec<u8>) {
        let full = RECORD_HEADER + size + cipher.overhead();
        while at < end {
            let (record, within) = (at / full, at % full);
            let inner = size.min(self.plain_octets() - record * size) + cipher.overhead();
            let length = if within < RECORD_HEADER {
                let [high, low] = (inner as u16).to_be_bytes();
                let header = [23, 3, 3, high, low];
                let length = (RECORD_HEADER - within).min(end - at) as usize;
                out.extend_from_slice(
                    header.get(within as usize..within as usize + length).unwrap_or_default(),
                );
                length
            } else {
                let length = (RECORD_HEADER + inner - within).min(end - at) as usize;
                pool.noise(self.from + at, length, out);
                length
            };
            at += length as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(body: &Body, pool: &Pool, piece: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while (out.len() as u64) < body.wire_octets() {
            body.render(pool, out.len() as u64, piece, &mut out);
        }
        out
    }

    #[test]
    fn pieces_of_any_size_make_the_same_message() {
        let pool = Pool::new(5);
        let mut rng = Rng::new(5, 1);
        let head = b"Subject: x\r\n\r\n".to_vec();
        for records in [None, Some((4096, Cipher::Tls13)), Some((16_384, Cipher::Tls12))] {
            // Longer than the pool, so that it wraps around.
            let body = Body::new(head.clone(), (LINE * LINES) as u64 + 50_000, &mut rng, records);
            let octets = whole(&body, &pool, 1448);
            assert_eq!(octets.len() as u64, body.wire_octets());
            assert!(octets == whole(&body, &pool, 7), "{records:?}");
        }
    }

    #[test]
    fn a_body_is_lines_with_stuffed_dots_and_one_end() {
        let pool = Pool::new(6);
        let body = Body::new(b"Subject: x\r\n\r\n".to_vec(), 100_000, &mut Rng::new(6, 1), None);
        let text = String::from_utf8(whole(&body, &pool, 1460)).unwrap();
        let text = text.strip_suffix("\r\n.\r\n").unwrap();
        assert!(text.len() as u64 + 2 == body.octets());
        assert!(text.split("\r\n").all(|line| !line.contains(['\r', '\n']) && line.len() <= 998));
        assert!(text.split("\r\n").filter(|line| line.starts_with('.')).all(|line| line.starts_with("..")));
        assert!(text.contains("\r\nQUIT\r\n") && text.contains("\r\n..\r\n"), "the bait is missing");
    }

    #[test]
    fn records_say_their_length() {
        let pool = Pool::new(7);
        let body = Body::new(Vec::new(), 50_000, &mut Rng::new(7, 1), Some((16_384, Cipher::Tls13)));
        let octets = whole(&body, &pool, 1400);
        let (mut rest, mut plain) = (octets.as_slice(), 0);
        while !rest.is_empty() {
            assert_eq!(rest[..3], [23, 3, 3]);
            let length = usize::from(u16::from_be_bytes([rest[3], rest[4]]));
            plain += length - 17;
            rest = &rest[5 + length..];
        }
        assert_eq!(plain as u64, body.octets() + 3);
    }
}
