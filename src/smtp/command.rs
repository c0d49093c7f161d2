//! SMTP commands (RFC 5321 section 4.1 and its extensions).

use crate::text::Text;

/// What a client's line was.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Verb {
    /// `EHLO`.
    Ehlo,
    /// `HELO`.
    Helo,
    /// `LHLO` (LMTP, RFC 2033).
    Lhlo,
    /// `MAIL`.
    Mail,
    /// `RCPT`.
    Rcpt,
    /// `DATA`.
    Data,
    /// `BDAT` (RFC 3030).
    Bdat,
    /// The end of data: the line with a single dot.
    EndOfData,
    /// `RSET`.
    Rset,
    /// `NOOP`.
    Noop,
    /// `QUIT`.
    Quit,
    /// `VRFY`.
    Vrfy,
    /// `EXPN`.
    Expn,
    /// `HELP`.
    Help,
    /// `ETRN` (RFC 1985).
    Etrn,
    /// `STARTTLS` (RFC 3207).
    StartTls,
    /// `AUTH` (RFC 4954).
    Auth,
    /// A line of a SASL exchange; its content is never kept.
    AuthLine,
    /// A line that is no known command: its first word, bounded.
    Unknown(Text),
}
