//! SMTP replies (RFC 5321 section 4.2).

use schemars::JsonSchema;
use serde::Serialize;

/// A three-digit reply code; classed by its first digit, never by a table of known codes
/// (RFC 5321 section 4.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ReplyCode(pub u16);

impl ReplyCode {
    /// 2yz.
    pub const fn is_positive(self) -> bool {
        self.0 / 100 == 2
    }

    /// 3yz.
    pub const fn is_intermediate(self) -> bool {
        self.0 / 100 == 3
    }

    /// 4yz or 5yz.
    pub const fn is_negative(self) -> bool {
        matches!(self.0 / 100, 4 | 5)
    }
}
