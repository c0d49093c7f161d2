//! The two hellos, which are in clear in every version: TLS version, cipher suite, server name.

use tls_parser::{
    TlsExtension, TlsMessage, TlsMessageHandshake, parse_tls_client_hello_extensions,
    parse_tls_message_handshake, parse_tls_server_hello_extensions,
};

use crate::text::Text;

/// Octets of handshake records kept until the hello in them is whole: hellos with post-quantum key
/// shares are some 2,000 octets long.
pub(super) const MAX_HELLO: usize = 8 * 1024;

/// Octets of a handshake message before its body: type and length (RFC 8446 section 4).
const MESSAGE_HEAD: usize = 4;

/// Octets kept of a server name (RFC 1035 section 2.3.4 allows 255).
const MAX_NAME: usize = 255;

/// What a hello tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hello {
    /// The client's.
    Client {
        /// The server that it asks for (RFC 6066 section 3).
        server_name: Option<Text>,
    },
    /// The server's: what was agreed.
    Server {
        /// The number on the wire, 0x0304 for TLS 1.3.
        version: u16,
        /// The suite's number in IANA's registry.
        cipher_suite: u16,
    },
}

/// Gathers the first handshake message of a direction.
#[derive(Debug)]
pub(super) struct HelloReader {
    /// `None` once it is read, or is not to be read.
    octets: Option<Vec<u8>>,
}

impl Default for HelloReader {
    fn default() -> Self {
        Self { octets: Some(Vec::new()) }
    }
}

impl HelloReader {
    /// Takes the content of handshake records; gives the hello once it is whole.
    pub(super) fn read(&mut self, content: &[u8]) -> Option<Hello> {
        let octets = self.octets.as_mut()?;
        octets.extend_from_slice(content);
        let &[_, high, middle, low] = octets.first_chunk::<MESSAGE_HEAD>()?;
        let length = MESSAGE_HEAD + u32::from_be_bytes([0, high, middle, low]) as usize;
        if length > MAX_HELLO {
            self.octets = None;
            return None;
        }
        let hello = octets.get(..length).map(parse)?;
        self.octets = None;
        hello
    }

    /// Nothing of it is wanted any more.
    pub(super) fn give_up(&mut self) {
        self.octets = None;
    }
}

fn parse(message: &[u8]) -> Option<Hello> {
    let (_, TlsMessage::Handshake(message)) = parse_tls_message_handshake(message).ok()? else { return None };
    match message {
        TlsMessageHandshake::ClientHello(hello) => {
            let extensions = hello.ext.map(parse_tls_client_hello_extensions);
            let extensions = extensions.and_then(Result::ok).map(|(_, found)| found).unwrap_or_default();
            let server_name = extensions.iter().find_map(|extension| match extension {
                TlsExtension::SNI(names) => names.first().map(|(_, name)| Text::bounded(name, MAX_NAME)),
                _ => None,
            });
            Some(Hello::Client { server_name })
        }
        TlsMessageHandshake::ServerHello(hello) => {
            let extensions = hello.ext.map(parse_tls_server_hello_extensions);
            let extensions = extensions.and_then(Result::ok).map(|(_, found)| found).unwrap_or_default();
            // TLS 1.3 names itself in an extension; the old field says 1.2 (RFC 8446 section 4.1.3).
            let selected = extensions.iter().find_map(|extension| match extension {
                TlsExtension::SupportedVersions(versions) => versions.first().map(|version| version.0),
                _ => None,
            });
            Some(Hello::Server { version: selected.unwrap_or(hello.version.0), cipher_suite: hello.cipher.0 })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A handshake message with its head.
    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u32).to_be_bytes();
        [&[kind], &length[1..], body].concat()
    }

    fn client_hello(name: &str) -> Vec<u8> {
        let name = name.as_bytes();
        let sni = [&[0u8], &(name.len() as u16).to_be_bytes()[..], name].concat();
        let list = [&(sni.len() as u16).to_be_bytes()[..], &sni].concat();
        let extension = [&[0u8, 0][..], &(list.len() as u16).to_be_bytes(), &list].concat();
        let body = [
            &[3u8, 3][..],
            &[7; 32],
            &[0, 0, 2, 0x13, 1, 1, 0],
            &(extension.len() as u16).to_be_bytes(),
            &extension,
        ];
        message(1, &body.concat())
    }

    fn server_hello(extensions: &[u8]) -> Vec<u8> {
        let body = [
            &[3u8, 3][..],
            &[7; 32],
            &[0, 0xc0, 0x2f, 0],
            &(extensions.len() as u16).to_be_bytes(),
            extensions,
        ];
        message(2, &body.concat())
    }

    fn read(message: &[u8], cut: usize) -> Option<Hello> {
        let mut reader = HelloReader::default();
        message.chunks(cut).find_map(|piece| reader.read(piece))
    }

    #[test]
    fn names_versions_and_suites_are_read_however_they_are_cut() {
        let client = client_hello("mx.example.org");
        let newer = server_hello(&[0, 43, 0, 2, 3, 4]);
        let older = server_hello(&[]);
        for cut in [1, 3, 50, 10_000] {
            let name = Some(Text::from("mx.example.org"));
            assert_eq!(read(&client, cut), Some(Hello::Client { server_name: name }));
            assert_eq!(read(&newer, cut), Some(Hello::Server { version: 0x0304, cipher_suite: 0xc02f }));
            assert_eq!(read(&older, cut), Some(Hello::Server { version: 0x0303, cipher_suite: 0xc02f }));
        }
    }

    #[test]
    fn what_is_no_hello_or_endless_is_given_up() {
        assert_eq!(read(&message(11, &[0; 100]), 7), None);
        assert_eq!(read(&message(1, &[0xff; 100]), 7), None);
        let mut reader = HelloReader::default();
        assert_eq!(reader.read(&[1, 0xff, 0xff, 0xff]), None);
        assert!(reader.octets.is_none());
    }
}
