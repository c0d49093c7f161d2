//! What the tests of this room share.

use std::io::Cursor;

use super::*;
use crate::cite::LogId;

/// A log of these lines, read.
pub(super) fn read_text(log: &str) -> MailLog {
    read_texts(&[log])
}

/// Logs of these lines, read together.
pub(super) fn read_texts(logs: &[&str]) -> MailLog {
    read_logs(inputs(logs), ReadOptions::default())
}

pub(super) fn inputs(logs: &[&str]) -> Vec<LogInput> {
    let input = |(at, log): (usize, &&str)| LogInput {
        id: LogId(u16::try_from(at).unwrap()),
        reader: Box::new(Cursor::new(log.as_bytes().to_vec())),
    };
    logs.iter().enumerate().map(input).collect()
}
