//! Messages as a list in fixed columns, for people.

use super::{MessageOutcome, MessageRecord};
use crate::investigate::Time;
use crate::maillog::Lost;
use crate::report::columns::{self, Breadth, Column, Overflow};

const TIME: Column = Column { title: "TIME", width: 8, overflow: Overflow::NextLine };
const MID: Column = Column { title: "MID", width: 9, overflow: Overflow::NextLine };
const ICID: Column = Column { title: "ICID", width: 9, overflow: Overflow::NextLine };
/// Wide enough for any IPv4 address; an IPv6 one takes a line of its own.
const REMOTE: Column = Column { title: "REMOTE", width: 15, overflow: Overflow::NextLine };
const OUTCOME: Column = Column { title: "OUTCOME", width: 17, overflow: Overflow::Cut };

/// 80 columns.
const NARROW: [Column; 6] =
    [TIME, MID, ICID, REMOTE, OUTCOME, Column { title: "FROM", width: 17, overflow: Overflow::Cut }];

/// 120 columns.
const WIDE: [Column; 7] = [
    TIME,
    MID,
    ICID,
    REMOTE,
    OUTCOME,
    Column { title: "FROM", width: 28, overflow: Overflow::Cut },
    Column { title: "TO", width: 28, overflow: Overflow::Cut },
];

/// A list of messages under way: it remembers which day it has named.
#[derive(Debug)]
pub struct MessageTable {
    breadth: Breadth,
    headed: bool,
    day: String,
}

impl MessageTable {
    /// A list of the given breadth, nothing shown yet.
    pub const fn new(breadth: Breadth) -> Self {
        Self { breadth, headed: false, day: String::new() }
    }

    /// The next lines: the record's row, and before it the heading and the day where they have not
    /// been told yet. The day says whether times are UTC or the log's own clock.
    pub fn row(&mut self, message: &MessageRecord<'_>) -> String {
        let mut out = String::new();
        if !self.headed {
            self.headed = true;
            out.push_str(&columns::heading(self.columns()));
            out.push('\n');
        }
        let (day, clock) = day_and_clock(message.ended_at.or(message.started_at));
        if !day.is_empty() && self.day != day {
            out.push_str(&format!("# {day}\n"));
            self.day = day;
        }
        let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let cells = [
            clock,
            number(message.mid),
            number(message.icid),
            message.remote.map_or_else(|| "-".to_owned(), |remote| remote.to_string()),
            outcome(message).to_owned(),
            message.mail_from.map(|from| from.to_string()).unwrap_or_default(),
            recipients(message),
        ];
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        out.push_str(&columns::row(self.columns(), &cells));
        out.push('\n');
        out
    }

    const fn columns(&self) -> &'static [Column] {
        match self.breadth {
            Breadth::Narrow => &NARROW,
            Breadth::Wide => &WIDE,
        }
    }
}

pub(super) fn day_and_clock(time: Option<Time>) -> (String, String) {
    let (text, clock) = match time {
        Some(Time::Utc(time)) => (time.to_string(), "UTC"),
        Some(Time::Local(time)) => (time.to_string(), "by the log's clock, offset from UTC unknown"),
        None => return (String::new(), "-".to_owned()),
    };
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    (format!("{day} {clock}"), time.get(..TIME.width).unwrap_or(time).to_owned())
}

fn outcome(message: &MessageRecord<'_>) -> &'static str {
    let by_sender =
        || message.reason.as_ref().is_some_and(|reason| reason.as_bytes().ends_with(b"by sender"));
    match message.outcome {
        MessageOutcome::Aborted if by_sender() => "aborted by sender",
        MessageOutcome::Aborted if message.lost == Lost::Yes => "aborted, lost",
        MessageOutcome::Accepted => "accepted",
        MessageOutcome::Aborted => "aborted",
        MessageOutcome::EndedByPolicy => "ended by policy",
        MessageOutcome::Unfinished => "unfinished",
        MessageOutcome::Refused => "refused",
        MessageOutcome::TimedOut => "timed out",
        MessageOutcome::ReceivingFailed => "receiving failed",
        MessageOutcome::Killed => "killed",
        MessageOutcome::Lost => "lost",
        MessageOutcome::Closed => "closed",
        MessageOutcome::Open => "no end in the log",
    }
}

/// The first recipient, and how many more there are.
fn recipients(message: &MessageRecord<'_>) -> String {
    match message.rcpt_to.as_slice() {
        [] => String::new(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("+{} {first}", rest.len()),
    }
}
