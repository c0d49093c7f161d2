//! Why a server closes, by the words of its reply.

use crate::smtp::ending::Why;
use crate::smtp::reply::ReplyCode;
use crate::smtp::session::ReplySeen;

/// Words in a closing reply, lower case, and what they mean; the first that occurs counts.
///
/// Sources: `421 Timed out waiting for successful message injection, disconnecting.`, `421 Exceeded
/// allowable connection time, disconnecting.` and `421 Exceeded bad SMTP command limit` are the
/// appliance's (its user guide and technical notes); `4.4.2 host Error: timeout exceeded` and
/// `4.7.0 host Error: too many errors` Postfix's; `SMTP command timeout - closing connection`, `SMTP
/// incoming data timeout` and `too many syntax or protocol errors` Exim's; `lost input channel` and
/// `Command line timed out` Sendmail's; `451 timeout (#4.4.2)` qmail's; `4.4.1 Connection timed out`
/// and `4.3.2 Service not available, closing transmission channel` Exchange's; `Service shutting
/// down` Postfix's and others'.
const WORDS: &[(&str, Why)] = &[
    ("exceeded allowable connection time", Why::Timer),
    ("timed out", Why::Timer),
    ("timeout", Why::Timer),
    ("time out", Why::Timer),
    ("time limit", Why::Timer),
    ("idle", Why::Timer),
    ("#4.4.2", Why::Timer),
    ("4.4.2 ", Why::Timer),
    ("bad smtp command limit", Why::Limit),
    ("too many", Why::Limit),
    ("too much", Why::Limit),
    ("limit", Why::Limit),
    ("rate", Why::Limit),
    ("exceeded", Why::Limit),
    ("concurren", Why::Limit),
    ("shutting down", Why::Killed),
    ("shutdown", Why::Killed),
    ("going down", Why::Killed),
    ("service not available, closing", Why::Killed),
    ("service unavailable", Why::Killed),
    ("not available", Why::Killed),
    ("terminat", Why::Killed),
    ("killed", Why::Killed),
    ("blocked", Why::Policy),
    ("blacklist", Why::Policy),
    ("blocklist", Why::Policy),
    ("block list", Why::Policy),
    ("listed", Why::Policy),
    ("reputation", Why::Policy),
    ("policy", Why::Policy),
    ("spam", Why::Policy),
    ("denied", Why::Policy),
    ("refused", Why::Policy),
    ("reject", Why::Policy),
    ("not allowed", Why::Policy),
    ("not permitted", Why::Policy),
    ("prohibited", Why::Policy),
    ("directory harvest", Why::Policy),
];

/// Why the reply says that the server closes.
pub fn why(reply: &ReplySeen) -> Why {
    let text = reply.text.as_bytes().to_ascii_lowercase();
    let says = |words: &str| memchr::memmem::find(&text, words.as_bytes()).is_some();
    WORDS.iter().find(|(words, _)| says(words)).map_or(Why::Unknown, |(_, why)| *why)
}

/// Whether the reply announces the end of the connection rather than answering: 421 (RFC 5321
/// section 3.8), or another refusal with a timer's words.
pub fn closes(reply: &ReplySeen) -> bool {
    reply.code == ReplyCode::NOT_AVAILABLE || (reply.code.is_negative() && why(reply) == Why::Timer)
}
