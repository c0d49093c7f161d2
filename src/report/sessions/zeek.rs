//! Connections as a log in Zeek's ASCII format: the columns of `conn.log`, then those of `smtp.log`,
//! one row a transaction (`trans_depth`), at least one a connection. [`COLUMNS`] is the list.
//!
//! Columns that are not known here (`orig_ip_bytes`, `local_orig`, the message's head but for
//! `msg_id` and `subject`, ...) stand in their place, unset. What differs from Zeek:
//! * `uid` is not random: `C` and 96 bits of the SHA-1 of the Community ID and the time of the first
//!   frame, in base 62, so that the same capture gives the same rows. It will not match the `uid` of
//!   a `conn.log` that Zeek wrote; `community_id` does where Zeek logs it.
//! * `duration` follows the comment in Zeek's `conn/main.zeek`: once a direction is closed, only new
//!   payload and the other end's close extend it.
//! * `orig_bytes` and `resp_bytes` are read from sequence numbers as in Zeek's `TCP_Endpoint::Size`:
//!   the highest octet sent or acknowledged, also where the capture lacks it.
//! * `missed_bytes` counts what the other end acknowledged and the capture lacks, both ways.
//! * `trans_depth` counts answered bodies, as Zeek's script does, so a MAIL that came to nothing
//!   shares it with the next one. A connection without MAIL has a row all the same, without it.
//! * `mailfrom` is `(empty)` for the empty reverse path, where Zeek leaves it unset.
//! * `#open` and `#close` are the times of the first and the last connection listed, in UTC, not of
//!   the clock on the wall.
//!
//! Escaping is Zeek's (`src/threading/formatters/Ascii.cc`): `\xNN` for the separator, control
//! characters and, within a set, the set separator; a value that reads like `-` or `(empty)` has its
//! first octet escaped. Backslashes are `\x5c`; octets that are not UTF-8 and characters that would
//! act on a terminal are escaped too, octet by octet.

mod columns;
mod value;

use std::io::{self, Write};

use chrono::DateTime;
pub use columns::COLUMNS;
use columns::Row;
use sha1::{Digest as _, Sha1};

use crate::smtp::Session;
use crate::time::Timestamp;
use value::Value;

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name in `#fields`.
    pub name: &'static str,
    /// Its type in `#types`.
    pub kind: &'static str,
    cell: for<'a> fn(&Row<'a>) -> Value<'a>,
}

/// A log under way.
#[derive(Debug, Default)]
pub struct ZeekLog {
    last: Option<Timestamp>,
}

impl ZeekLog {
    /// Writes the rows of a connection, and the head of the log before the first one.
    ///
    /// # Errors
    ///
    /// What `out` reports.
    pub fn write(&mut self, session: &Session, out: &mut impl Write) -> io::Result<()> {
        if self.last.is_none() {
            write_head(session.flow.first.time, out)?;
        }
        self.last = Some(session.flow.last.time);
        let connection = Row::of(session);
        if session.dialog.transactions.is_empty() {
            return write_row(&connection, out);
        }
        let mut answered = 0;
        for transaction in &session.dialog.transactions {
            write_row(&connection.with(transaction, answered + 1), out)?;
            answered += u64::from(transaction.end_reply.is_some() || transaction.end_reply_missing);
        }
        Ok(())
    }

    /// Writes the end of the log.
    ///
    /// # Errors
    ///
    /// What `out` reports.
    pub fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.last.is_none() {
            write_head(Timestamp::default(), out)?;
        }
        writeln!(out, "#close\t{}", stamp(self.last.unwrap_or_default()))
    }
}

fn write_head(open: Timestamp, out: &mut impl Write) -> io::Result<()> {
    let line = |part: fn(&Column) -> &'static str| COLUMNS.iter().map(part).collect::<Vec<_>>().join("\t");
    writeln!(
        out,
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tsmtp_conn\n\
         #open\t{}\n#fields\t{}\n#types\t{}",
        stamp(open),
        line(|column| column.name),
        line(|column| column.kind),
    )
}

fn write_row(row: &Row<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut line = String::new();
    for (place, column) in COLUMNS.iter().enumerate() {
        if place > 0 {
            line.push('\t');
        }
        (column.cell)(row).write(&mut line);
    }
    line.push('\n');
    out.write_all(line.as_bytes())
}

/// `2014-08-14-13-08-49`, as in `#open`.
fn stamp(time: Timestamp) -> String {
    DateTime::from_timestamp_nanos(time.nanos()).format("%Y-%m-%d-%H-%M-%S").to_string()
}

/// See the module.
fn uid(session: &Session, community_id: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    /// 96 bits take 17 digits of base 62 at most.
    const LENGTH: usize = 17;
    let digest = Sha1::new()
        .chain_update(community_id.as_bytes())
        .chain_update(session.flow.first.time.nanos().to_be_bytes())
        .finalize();
    let mut number = digest.iter().take(12).fold(0u128, |number, octet| number << 8 | u128::from(*octet));
    let mut uid = String::from("C");
    for _ in 0..LENGTH {
        uid.extend(DIGITS.get((number % 62) as usize).map(|digit| char::from(*digit)));
        number /= 62;
    }
    uid
}

#[cfg(test)]
mod tests;
