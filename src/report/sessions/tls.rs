//! An encrypted dialogue as far as its outside tells.

use schemars::JsonSchema;
use serde::Serialize;

use crate::smtp::tls::{Encryption, cipher_suite_name};
use crate::text::Text;

/// What the hellos, the alerts and the lengths of records tell. All but the hellos and a handshake's
/// alert is inferred.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TlsRecord<'a> {
    /// The version that the server chose, `TLS 1.3`; null where its hello is not in the file.
    pub version: Option<String>,
    /// The cipher suite that the server chose, by its name in IANA's registry, else its number.
    pub cipher_suite: Option<String>,
    /// The server name that the client asked for.
    pub server_name: Option<&'a Text>,
    /// Who sent the last alert in clear, what it says, and where.
    pub alert: Option<AlertRecord<'a>>,
    /// Records seen, both ways.
    pub records: u64,
    /// Octets missing from a record that was cut at the end of a stream.
    pub cut_record_missing: Option<u64>,
    /// Octets of what the client said at once and longer than a command line: messages, or envelopes
    /// sent at once. The least that they may be, in order.
    pub long_speeches: Vec<u64>,
}

/// An alert in clear.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AlertRecord<'a> {
    /// Whose: client or server.
    pub by: &'static str,
    /// What it says, in the words of RFC 8446 section 6.
    pub description: String,
    /// The capture.
    pub capture: &'a str,
    /// The frame.
    pub frame: u32,
}

impl<'a> TlsRecord<'a> {
    pub(super) fn new(encryption: &'a Encryption, capture: &'a str) -> Self {
        let suite = |id: u16| cipher_suite_name(id).map_or_else(|| format!("{id:#06x}"), str::to_owned);
        Self {
            version: encryption.version.map(|version| version.to_string()),
            cipher_suite: encryption.cipher_suite.map(suite),
            server_name: encryption.server_name.as_ref(),
            alert: encryption.alert.map(|alert| AlertRecord {
                by: match alert.by {
                    crate::net::Role::Client => "client",
                    crate::net::Role::Server => "server",
                },
                description: alert.description.to_string(),
                capture,
                frame: alert.at.frame.frame,
            }),
            records: encryption.records_seen,
            cut_record_missing: encryption.cut_record.map(|(_, missing)| missing),
            long_speeches: encryption.long_speeches.iter().map(|speech| speech.text.least).collect(),
        }
    }
}
