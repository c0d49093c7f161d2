//! How long the text in an encrypted record is, by the record's length and the cipher suite.

use tls_parser::{TlsCipherEnc, TlsCipherEncMode, TlsCipherSuite};

/// The most that protection adds to a record in suites still met: CBC with a MAC of 48 octets, its
/// IV, and padding of one block.
const MOST_ADDED: u64 = 16 + 48 + 16;
/// The least: an authentication tag of 8 octets (CCM_8).
const LEAST_ADDED: u64 = 8;
/// Octets of an authentication tag, and of a shortened one (RFC 6655 section 6.1).
const TAG: u64 = 16;
const SHORT_TAG: u64 = 8;
/// The explicit part of the nonce that AES-GCM and AES-CCM send before TLS 1.3 (RFC 5288 section 3).
const EXPLICIT_NONCE: u64 = 8;
/// The content type inside a record of TLS 1.3 (RFC 8446 section 5.2).
const INNER_TYPE: u64 = 1;

/// Octets of text: a range where the suite pads, or is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextLength {
    /// At least so many.
    pub least: u64,
    /// At most so many.
    pub most: u64,
}

impl TextLength {
    /// Whether the text may be `octets` long.
    pub const fn may_be(self, octets: u64) -> bool {
        self.least <= octets && octets <= self.most
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { least: self.least.saturating_add(other.least), most: self.most.saturating_add(other.most) }
    }
}

/// What a cipher suite adds to a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protection {
    /// Always the same.
    Adds(u64),
    /// Padded to blocks: the IV where there is one, the MAC, and 1 to `block` octets of padding with
    /// its length. Encrypt-then-MAC (RFC 7366) gives the same range.
    Pads { iv: u64, mac: u64, block: u64 },
    /// The suite is not known.
    Unknown,
}

impl Protection {
    /// The protection of suite `id` under `version` (the number on the wire, 0x0303 for TLS 1.2).
    pub(super) fn of(version: Option<u16>, suite: Option<u16>) -> Self {
        const TLS_1_0: u16 = 0x0301;
        const TLS_1_3: u16 = 0x0304;
        let known = suite.and_then(TlsCipherSuite::from_id);
        let (Some(version), Some(suite)) = (version, known) else { return Self::Unknown };
        let tag = if suite.name.contains("CCM_8") { SHORT_TAG } else { TAG };
        if version >= TLS_1_3 {
            return Self::Adds(INNER_TYPE + tag);
        }
        match (suite.enc_mode, suite.enc) {
            (TlsCipherEncMode::Gcm | TlsCipherEncMode::Ccm, _) => Self::Adds(EXPLICIT_NONCE + tag),
            (_, TlsCipherEnc::Chacha20_Poly1305) => Self::Adds(TAG),
            (TlsCipherEncMode::Cbc, _) => {
                let block = suite.enc_block_size() as u64;
                // TLS 1.0 chains the IV from record to record (RFC 2246 section 6.2.3.2).
                let iv = if version > TLS_1_0 { block } else { 0 };
                Self::Pads { iv, mac: suite.mac_length() as u64, block }
            }
            _ => Self::Adds(suite.mac_length() as u64),
        }
    }

    /// The text in `records` records of together `octets` octets (their length fields).
    pub(super) fn text(self, records: u64, octets: u64) -> TextLength {
        let less = |each: u64| octets.saturating_sub(records.saturating_mul(each));
        match self {
            Self::Adds(added) => TextLength { least: less(added), most: less(added) },
            Self::Pads { iv, mac, block } => {
                TextLength { least: less(iv + mac + block), most: less(iv + mac + 1) }
            }
            Self::Unknown => TextLength { least: less(MOST_ADDED), most: less(LEAST_ADDED) },
        }
    }
}

/// The name of a cipher suite in IANA's registry.
pub fn cipher_suite_name(id: u16) -> Option<&'static str> {
    TlsCipherSuite::from_id(id).map(|suite| suite.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Record lengths of a six-octet command, measured with OpenSSL 3.0; that of CCM_8 by RFC 8446 section 5.2.
    #[test]
    fn six_octets_are_told_in_every_suite() {
        let rows: &[(u16, u16, u64)] = &[
            (0x0304, 0x1301, 23), // TLS_AES_128_GCM_SHA256
            (0x0304, 0x1303, 23), // TLS_CHACHA20_POLY1305_SHA256
            (0x0304, 0x1305, 15), // TLS_AES_128_CCM_8_SHA256
            (0x0303, 0xc02f, 30), // ECDHE_RSA_WITH_AES_128_GCM_SHA256
            (0x0303, 0xcca8, 22), // ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
            (0x0303, 0xc013, 52), // ECDHE_RSA_WITH_AES_128_CBC_SHA
            (0x0303, 0xc027, 64), // ECDHE_RSA_WITH_AES_128_CBC_SHA256
            (0x0303, 0xc028, 80), // ECDHE_RSA_WITH_AES_256_CBC_SHA384
        ];
        for &(version, suite, length) in rows {
            let protection = Protection::of(Some(version), Some(suite));
            assert!(protection.text(1, length).may_be(6), "{suite:#x}: {protection:?}");
            assert!(!protection.text(1, length + 40).may_be(6), "{suite:#x}");
            assert!(protection.text(3, 3 * length).may_be(18), "{suite:#x}");
        }
    }

    #[test]
    fn a_suite_that_is_not_known_gives_a_range() {
        let unknown = Protection::of(None, Some(0x1301));
        assert_eq!(unknown, Protection::Unknown);
        for length in [22, 23, 30, 52, 64, 80] {
            assert!(unknown.text(1, length).may_be(6), "{length}");
        }
        assert_eq!(cipher_suite_name(0x1301), Some("TLS_AES_128_GCM_SHA256"));
        assert_eq!(cipher_suite_name(0xfefe), None);
    }
}
