//! Encrypted stretches of a dialogue, as TLS records: their types and lengths are all that shows.

use crate::cite::Moment;
use crate::net::Role;

/// A dialogue that went dark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// How it began.
    pub how: EncryptionStart,
    /// From where on.
    pub since: Moment,
    /// The last [`Self::MAX_RECORDS`] application-data and alert records, both ways, in order.
    pub records: Vec<Record>,
    /// Records of any kind seen.
    pub records_seen: u64,
    /// Whether both ends got as far as application data.
    pub established: bool,
    /// Octets missing from a record that was cut at the end of that end's stream.
    pub cut_record: Option<(Role, u64)>,
    /// The octets after STARTTLS (or at the start) are not TLS.
    pub not_tls: bool,
}

impl Encryption {
    /// Records kept.
    pub const MAX_RECORDS: usize = 32;
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
}
