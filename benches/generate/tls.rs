//! TLS from the outside: handshakes that dissect, then records whose lengths tell what they hold.

use super::body::Pool;
use super::rng::Rng;

/// How records are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cipher {
    /// TLS 1.2 with AES-GCM: explicit nonce 8, tag 16 (RFC 5288).
    Tls12,
    /// TLS 1.3: inner content type 1, tag 16 (RFC 8446, section 5.2).
    Tls13,
}

/// Record types (RFC 8446, section 5.1).
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

impl Cipher {
    /// What a record is longer than what it holds.
    pub(crate) fn overhead(self) -> u64 {
        match self {
            Self::Tls12 => 24,
            Self::Tls13 => 17,
        }
    }

    /// As the log prints it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Tls12 => "protocol TLSv1.2 cipher ECDHE-RSA-AES256-GCM-SHA384",
            Self::Tls13 => "protocol TLSv1.3 cipher TLS_AES_256_GCM_SHA384",
        }
    }

    /// Appends a record that holds `plain` octets of SMTP.
    pub(crate) fn seal(self, plain: usize, pool: &Pool, rng: &mut Rng, out: &mut Vec<u8>) {
        self.sealed(APPLICATION_DATA, plain, pool, rng, out);
    }

    /// Appends a close_notify: in TLS 1.3 it looks like any other record, but for its length.
    pub(crate) fn close_notify(self, pool: &Pool, rng: &mut Rng, out: &mut Vec<u8>) {
        self.sealed(ALERT, 2, pool, rng, out);
    }

    fn sealed(self, kind: u8, plain: usize, pool: &Pool, rng: &mut Rng, out: &mut Vec<u8>) {
        let kind = if self == Self::Tls13 { APPLICATION_DATA } else { kind };
        let length = plain + self.overhead() as usize;
        record(kind, length, out);
        pool.noise(rng.next(), length, out);
    }

    /// The client's first flight.
    pub(crate) fn client_hello(self, name: &str, rng: &mut Rng) -> Vec<u8> {
        let mut extensions = Vec::new();
        extension(&mut extensions, 0, |body| {
            // Server name (RFC 6066, section 3).
            sized(body, 2, |list| {
                list.push(0);
                sized(list, 2, |host| host.extend_from_slice(name.as_bytes()));
            });
        });
        extension(&mut extensions, 10, |body| body.extend_from_slice(&[0, 4, 0, 29, 0, 23]));
        extension(&mut extensions, 11, |body| body.extend_from_slice(&[1, 0]));
        extension(&mut extensions, 13, |body| body.extend_from_slice(&[0, 6, 4, 3, 8, 4, 4, 1]));
        extension(&mut extensions, 23, |_| {});
        match self {
            // A session ticket (RFC 5077): the handshake is the short one, without a certificate in the clear.
            Self::Tls12 => extension(&mut extensions, 35, |body| random(body, 192, rng)),
            Self::Tls13 => {
                extension(&mut extensions, 43, |body| body.extend_from_slice(&[4, 3, 4, 3, 3]));
                extension(&mut extensions, 45, |body| body.extend_from_slice(&[1, 1]));
                extension(&mut extensions, 51, |body| {
                    body.extend_from_slice(&[0, 36, 0, 29, 0, 32]);
                    random(body, 32, rng);
                });
            }
        }
        handshake(1, |body| {
            body.extend_from_slice(&[3, 3]);
            random(body, 32, rng);
            sized(body, 1, |id| random(id, 32, rng));
            sized(body, 2, |suites| suites.extend_from_slice(&[0x13, 2, 0x13, 1, 0xc0, 0x30, 0xc0, 0x2f]));
            body.extend_from_slice(&[1, 0]);
            sized(body, 2, |place| place.extend_from_slice(&extensions));
        })
    }

    /// The server's first flight; `name` is unused by it but for the length of its certificate.
    pub(crate) fn server_hello(self, pool: &Pool, rng: &mut Rng) -> Vec<u8> {
        let mut extensions = Vec::new();
        let suite = match self {
            Self::Tls12 => {
                extension(&mut extensions, 23, |_| {});
                [0xc0, 0x30]
            }
            Self::Tls13 => {
                extension(&mut extensions, 43, |body| body.extend_from_slice(&[3, 4]));
                extension(&mut extensions, 51, |body| {
                    body.extend_from_slice(&[0, 29, 0, 32]);
                    random(body, 32, rng);
                });
                [0x13, 2]
            }
        };
        let mut out = handshake(2, |body| {
            body.extend_from_slice(&[3, 3]);
            random(body, 32, rng);
            sized(body, 1, |id| random(id, 32, rng));
            body.extend_from_slice(&suite);
            body.push(0);
            sized(body, 2, |place| place.extend_from_slice(&extensions));
        });
        change_cipher_spec(&mut out);
        match self {
            Self::Tls12 => self.finished(pool, rng, &mut out),
            Self::Tls13 => {
                // Encrypted extensions, a certificate of an ordinary size, its verification, finished (SHA-384).
                for plain in [10, rng.between(2_600, 3_800) as usize, 264, 52] {
                    self.seal(plain, pool, rng, &mut out);
                }
            }
        }
        out
    }

    /// The client's second flight.
    pub(crate) fn client_finished(self, pool: &Pool, rng: &mut Rng) -> Vec<u8> {
        let mut out = Vec::new();
        change_cipher_spec(&mut out);
        match self {
            Self::Tls12 => self.finished(pool, rng, &mut out),
            Self::Tls13 => self.seal(52, pool, rng, &mut out),
        }
        out
    }

    /// Two session tickets (RFC 8446, section 4.6.1): records of the server that answer no command.
    pub(crate) fn tickets(self, pool: &Pool, rng: &mut Rng) -> Option<Vec<u8>> {
        (self == Self::Tls13).then(|| {
            let mut out = Vec::new();
            for _ in 0..2 {
                self.seal(233, pool, rng, &mut out);
            }
            out
        })
    }

    /// TLS 1.2's Finished: 16 octets under the cipher, in a handshake record.
    fn finished(self, pool: &Pool, rng: &mut Rng, out: &mut Vec<u8>) {
        self.sealed(HANDSHAKE, 16, pool, rng, out);
    }
}

fn record(kind: u8, length: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&[kind, 3, 3]);
    out.extend_from_slice(&(length as u16).to_be_bytes());
}

fn change_cipher_spec(out: &mut Vec<u8>) {
    record(CHANGE_CIPHER_SPEC, 1, out);
    out.push(1);
}

/// A handshake message in a record of its own.
fn handshake(kind: u8, body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut message = vec![kind];
    sized(&mut message, 3, body);
    let mut out = Vec::new();
    record(HANDSHAKE, message.len(), &mut out);
    out.append(&mut message);
    out
}

fn extension(out: &mut Vec<u8>, kind: u16, body: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&kind.to_be_bytes());
    sized(out, 2, body);
}

/// Appends something behind its length in `width` octets.
fn sized(out: &mut Vec<u8>, width: usize, body: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    body(&mut inner);
    out.extend((0..width).rev().map(|octet| (inner.len() >> (8 * octet)) as u8));
    out.append(&mut inner);
}

fn random(out: &mut Vec<u8>, length: usize, rng: &mut Rng) {
    out.extend((0..length).map(|_| rng.next() as u8));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_tell_quit() {
        let (pool, mut rng) = (Pool::new(1), Rng::new(1, 1));
        for (cipher, length, alert) in [(Cipher::Tls13, 23, 19), (Cipher::Tls12, 30, 26)] {
            let mut out = Vec::new();
            cipher.seal(b"QUIT\r\n".len(), &pool, &mut rng, &mut out);
            assert_eq!((out[0], out.len()), (23, 5 + length));
            out.clear();
            cipher.close_notify(&pool, &mut rng, &mut out);
            assert_eq!(out.len(), 5 + alert);
            assert_eq!(out[0], if cipher == Cipher::Tls12 { 21 } else { 23 });
        }
    }

    #[test]
    fn flights_are_whole_records() {
        let (pool, mut rng) = (Pool::new(1), Rng::new(1, 1));
        for cipher in [Cipher::Tls12, Cipher::Tls13] {
            let mut all = cipher.client_hello("mx.example.com", &mut rng);
            all.extend(cipher.server_hello(&pool, &mut rng));
            all.extend(cipher.client_finished(&pool, &mut rng));
            let mut rest = all.as_slice();
            while !rest.is_empty() {
                let length = usize::from(u16::from_be_bytes([rest[3], rest[4]]));
                rest = &rest[5 + length..];
            }
        }
    }
}
