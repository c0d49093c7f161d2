//! Encrypted stretches of a dialogue, as TLS records: their types and lengths are all that shows,
//! and the two hellos, which are in clear.

mod darkness;
mod hello;
mod lengths;
mod records;
mod speeches;
#[cfg(test)]
mod tests;

use crate::cite::Moment;
use crate::net::Role;
use crate::text::Text;

pub(crate) use darkness::{Darkness, Piece};
pub use lengths::{TextLength, cipher_suite_name};
pub(crate) use records::{begins_record, is_record};
pub use speeches::Speech;

/// Content type of a ChangeCipherSpec record (RFC 5246 section 7.1).
pub const CHANGE_CIPHER_SPEC: u8 = 20;
/// Content type of an alert record (RFC 8446 section 5.1).
pub const ALERT: u8 = 21;
/// Content type of a handshake record.
pub const HANDSHAKE: u8 = 22;
/// Content type of an application-data record; TLS 1.3 wraps everything after its hello in these.
pub const APPLICATION_DATA: u8 = 23;

/// Octets of an alert: level and description (RFC 8446 section 6).
pub const ALERT_OCTETS: u16 = 2;
/// An alert in TLS 1.3, which looks like application data: two octets, type, tag (RFC 8446 sections
/// 5.2 and 6). A two-octet text would look the same; SMTP has none.
pub const ALERT_OF_TLS13: u16 = ALERT_OCTETS + 1 + 16;

/// A dialogue that went dark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// How it began.
    pub how: EncryptionStart,
    /// From where on.
    pub since: Moment,
    /// The version that the server chose.
    pub version: Option<TlsVersion>,
    /// The cipher suite that the server chose, by its number in IANA's registry.
    pub cipher_suite: Option<u16>,
    /// The server name that the client asked for (RFC 6066 section 3).
    pub server_name: Option<Text>,
    /// The last [`Self::MAX_RECORDS`] application-data and alert records, both ways, in order.
    pub records: Vec<Record>,
    /// Records of any kind seen.
    pub records_seen: u64,
    /// The last speeches of both ends, in order; handshakes and alerts are none. Empty where the
    /// acknowledgment numbers, by which they are told, cannot be true.
    pub speeches: Vec<Speech>,
    /// The client's speeches that are longer than a command line: messages, or envelopes sent at
    /// once. At most [`Self::MAX_LONG_SPEECHES`].
    pub long_speeches: Vec<Speech>,
    /// Long speeches beyond those.
    pub long_speeches_dropped: u64,
    /// The last record of any kind.
    pub last_record: Option<LastRecord>,
    /// Whether both ends got as far as application data.
    pub established: bool,
    /// Whether it is TLS 1.3: by the server's hello, else by what follows the client's or the
    /// server's ChangeCipherSpec: an encrypted Finished in a handshake record before 1.3 (RFC 5246
    /// section 7.1), application data in 1.3 (RFC 8446 appendix D.4). `None` where nothing tells.
    pub tls13: Option<bool>,
    /// The last alert in clear: one that ended a handshake.
    pub alert: Option<Alert>,
    /// Octets missing from a record that was cut at the end of that end's stream.
    pub cut_record: Option<(Role, u64)>,
    /// What the same server says in clear, where other sessions showed it.
    pub known_replies: KnownReplies,
    /// The octets after STARTTLS (or at the start) are not TLS.
    pub not_tls: bool,
}

/// How long some of a server's replies are: octets, line end included. They are the same from
/// session to session, so a record of that length is told from others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownReplies {
    /// Replies to QUIT (221).
    pub closing: Vec<u16>,
    /// Go-aheads for a message (354).
    pub go_ahead: Vec<u16>,
}

impl Encryption {
    /// Records kept.
    pub const MAX_RECORDS: usize = 32;
    /// Long speeches kept.
    pub const MAX_LONG_SPEECHES: usize = 128;

    /// A dialogue that has just gone dark: nothing is known of it yet.
    pub fn begun(how: EncryptionStart, since: Moment) -> Self {
        Self {
            how,
            since,
            version: None,
            cipher_suite: None,
            server_name: None,
            records: Vec::new(),
            records_seen: 0,
            speeches: Vec::new(),
            long_speeches: Vec::new(),
            long_speeches_dropped: 0,
            last_record: None,
            established: false,
            tls13: None,
            alert: None,
            cut_record: None,
            known_replies: KnownReplies::default(),
            not_tls: false,
        }
    }

    /// Octets of text in a record, as far as the cipher suite is known.
    pub fn text_of(&self, record: &Record) -> TextLength {
        let version = self.version.map(|version| version.0);
        lengths::Protection::of(version, self.cipher_suite).text(1, record.length.into())
    }

    /// Whether an application-data record would, under TLS 1.3, be as long as an alert.
    pub fn is_as_long_as_alert(&self, record: &Record) -> bool {
        let text = self.text_of(record);
        if text.least == text.most {
            return text.least == u64::from(ALERT_OCTETS);
        }
        record.length == ALERT_OF_TLS13
    }

    /// Whether a record is an alert: before TLS 1.3 by its type, in TLS 1.3, where that is encrypted, by its
    /// length. No reply, command or other message of TLS is as short there.
    pub fn is_alert(&self, record: &Record) -> bool {
        match record.content_type {
            ALERT => true,
            APPLICATION_DATA => self.tls13 == Some(true) && self.is_as_long_as_alert(record),
            _ => false,
        }
    }
}

/// How encryption began.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EncryptionStart {
    /// STARTTLS was accepted (RFC 3207).
    StartTls,
    /// TLS from the first octet (RFC 8314).
    Implicit,
}

/// A TLS version by its number on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TlsVersion(pub u16);

/// `TLS 1.3`.
impl std::fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0x0300 => f.write_str("SSL 3.0"),
            0x0301 => f.write_str("TLS 1.0"),
            0x0302 => f.write_str("TLS 1.1"),
            0x0303 => f.write_str("TLS 1.2"),
            0x0304 => f.write_str("TLS 1.3"),
            other => write!(f, "TLS {other:#06x}"),
        }
    }
}

/// An alert in clear (RFC 8446 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    /// Who sent it.
    pub by: Role,
    /// What it says.
    pub description: AlertDescription,
    /// Its segment.
    pub at: Moment,
}

/// What an alert says, by its number (RFC 8446 section 6, RFC 5246 section 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertDescription(pub u8);

/// `handshake_failure`, or the number.
impl std::fmt::Display for AlertDescription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match ALERTS.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "alert {}", self.0),
        }
    }
}

/// One TLS record's outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Who sent it.
    pub by: Role,
    /// Its content type octet (21 alert, 22 handshake, 23 application data).
    pub content_type: u8,
    /// Its length field.
    pub length: u16,
    /// The segment of its last octet.
    pub at: Moment,
    /// Where it ends in its stream.
    pub end: u64,
    /// How much of the other end's stream its end had received.
    pub acknowledged: u64,
}

/// The last record of a dialogue, of whatever kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastRecord {
    /// Who sent it.
    pub by: Role,
    /// The segment of its last octet.
    pub at: Moment,
    /// Where it ends in its stream.
    pub end: u64,
}

const ALERTS: [(u8, &str); 26] = [
    (0, "close_notify"),
    (10, "unexpected_message"),
    (20, "bad_record_mac"),
    (22, "record_overflow"),
    (30, "decompression_failure"),
    (40, "handshake_failure"),
    (42, "bad_certificate"),
    (43, "unsupported_certificate"),
    (44, "certificate_revoked"),
    (45, "certificate_expired"),
    (46, "certificate_unknown"),
    (47, "illegal_parameter"),
    (48, "unknown_ca"),
    (49, "access_denied"),
    (50, "decode_error"),
    (51, "decrypt_error"),
    (70, "protocol_version"),
    (71, "insufficient_security"),
    (80, "internal_error"),
    (86, "inappropriate_fallback"),
    (90, "user_canceled"),
    (100, "no_renegotiation"),
    (109, "missing_extension"),
    (110, "unsupported_extension"),
    (112, "unrecognized_name"),
    (116, "certificate_required"),
];
