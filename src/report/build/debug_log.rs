//! The third witness's account of a case.

use super::Builder;
use crate::capture::CloseKind;
use crate::case::Case;
use crate::cite::LogRef;
use crate::maillog::conversation::{Conversation, Direction, Word};
use crate::net::{Leg, Party};
use crate::report::document::{
    DebugLogAccount, DebugWord, Line, OctetChange, OctetDifference, OctetsCompared,
};
use crate::report::words::{Names, counted};
use crate::smtp::Session;
use crate::testimony::{Account, Change, Compared, Difference, Testimony};

/// Commands and reply lines listed of one conversation.
const MAX_DIALOGUE: usize = 64;

impl Builder<'_> {
    pub(super) fn debug_log(&self, case: &Case, leg: Leg) -> Option<DebugLogAccount> {
        let testimony = case.testimony.as_ref()?;
        let conversation = self.investigation.log.conversations.get(testimony.conversation)?;
        let session = case.matched.as_ref().and_then(|matched| self.session(matched));
        let encrypted = session.is_some_and(|session| session.dialog.encryption.is_some());
        let transaction = case
            .transaction
            .and_then(|index| session?.dialog.transactions.get(index))
            .filter(|transaction| transaction.data.is_some());
        let wire_body = transaction.map(|one| one.body_octets + one.body_missing);
        // In clear the wire's own account has the dialogue.
        let words: &[Word] = if encrypted || session.is_none() { &conversation.words } else { &[] };
        let left_out = words.len().saturating_sub(MAX_DIALOGUE);
        let compared = testimony.compared.as_ref();
        let beyond = if words.is_empty() { 0 } else { conversation.words_dropped };
        Some(DebugLogAccount {
            first: self.log_line(conversation.first.line),
            last: self.log_line(conversation.last.line),
            agrees: compared.map(Compared::agrees),
            received: compared.map(|compared| self.compared(&compared.received)),
            sent: compared.map(|compared| self.compared(&compared.sent)),
            body_octets: testimony.body_octets,
            wire_body_octets: wire_body,
            quit: conversation.quit().map(|word| self.log_line(word.at.line)),
            dialogue: words.iter().skip(left_out).map(|word| self.word(word)).collect(),
            dialogue_left_out: left_out as u64 + beyond,
            remarks: remarks(testimony, conversation, wire_body, session, Names::of(leg)),
        })
    }

    fn word(&self, word: &Word) -> DebugWord {
        DebugWord {
            by: party(word.direction),
            text: word.text.clone(),
            time: self.time(&word.at),
            line: word.at.line.line,
        }
    }

    fn compared(&self, account: &Account) -> OctetsCompared {
        OctetsCompared {
            in_log: account.in_log,
            on_wire: account.on_wire,
            equal: account.equal,
            credentials: account.hidden,
            in_gaps: account.in_gaps,
            only_in_log: account.only_in_log.map_or(0, |rest| rest.octets),
            only_on_wire: account.only_on_wire.map_or(0, |rest| rest.octets),
            stopped: account.stopped.map(|why| why.words().to_owned()),
            first_difference: account.difference.as_ref().map(|difference| self.difference(difference)),
        }
    }

    fn difference(&self, difference: &Difference) -> OctetDifference {
        let (change, octets) = match difference.change {
            Change::Changed(octets) => (OctetChange::Changed, Some(octets)),
            Change::OnlyOnWire(octets) => (OctetChange::OnlyOnWire, Some(octets)),
            Change::OnlyInLog(octets) => (OctetChange::OnlyInLog, Some(octets)),
            Change::Within(octets) => (OctetChange::Within, Some(octets)),
            Change::Unclear => (OctetChange::Unclear, None),
        };
        let readings = difference.readings.as_ref();
        OctetDifference {
            offset: difference.offset,
            capture: self.capture_path(difference.at),
            frame: difference.at.frame.frame,
            line: difference.line.map(|line| self.log_line(line)),
            change,
            octets,
            before: readings.map(|readings| readings.before.clone()),
            log_reads: readings.map(|readings| readings.log.clone()),
            wire_reads: readings.map(|readings| readings.wire.clone()),
        }
    }

    fn log_line(&self, line: LogRef) -> Line {
        Line { file: self.log_path(line.file.0), line: line.line }
    }
}

const fn party(direction: Direction) -> Party {
    match direction {
        Direction::Sent => Party::Appliance,
        Direction::Received => Party::Sender,
    }
}

/// Where both agree, where they differ and what that may mean, in sentences.
fn remarks(
    testimony: &Testimony,
    conversation: &Conversation,
    wire_body: Option<u64>,
    session: Option<&Session>,
    names: Names,
) -> Vec<String> {
    let mut remarks = Vec::new();
    remarks.extend(testimony.not_compared.map(|why| format!("not compared with the wire: {why}")));
    if let Some(compared) = &testimony.compared {
        if compared.agrees() && compared.sent.equal + compared.received.equal > 0 {
            remarks
                .push("every octet that could be compared is the same in the log and on the wire".to_owned());
        }
        for (direction, account) in compared.accounts() {
            remarks.extend(of_direction(direction, account, names));
            let close = session.and_then(|session| session.flow.closes.effective);
            if direction == Direction::Sent
                && account.only_in_log.is_some()
                && close.is_some_and(|close| close.kind == CloseKind::Rst)
            {
                remarks.push(
                    "the log tells what the appliance gave to its network stack: what had not gone out when the \
                     connection was reset was thrown away"
                        .to_owned(),
                );
            }
        }
    }
    if let (Some(log), Some(wire)) = (testimony.body_octets, wire_body)
        && log != wire
    {
        let octets = |count| counted(count, "octet", "octets");
        remarks.push(format!("the body has {} in the log, {} on the wire", octets(log), octets(wire)));
    }
    if conversation.line_ends_implied {
        remarks.push(
            "this log leaves out the ends of lines: CRLF is taken for each, and bodies are not counted"
                .to_owned(),
        );
    }
    remarks
}

fn of_direction(direction: Direction, account: &Account, names: Names) -> Vec<String> {
    let mut remarks = Vec::new();
    let octets = |count| counted(count, "octet", "octets");
    let (whose, other) = match direction {
        Direction::Received => (names.sender, "received"),
        Direction::Sent => (names.appliance, "sent"),
    };
    if account.difference.is_some() {
        remarks.push(format!(
            "the {whose}'s octets differ: a device between the capture point and the appliance changes them, \
             or the copy of the log is not whole"
        ));
    }
    if let Some(rest) = account.only_on_wire {
        let frame = rest.at.map_or_else(String::new, |at| format!(" from frame {} on", at.frame.frame));
        remarks.push(format!(
            "the log ends earlier than the wire: {} of the {whose}'s{frame} are not among what the appliance \
             says it {other}",
            octets(rest.octets)
        ));
    }
    if let Some(rest) = account.only_in_log {
        let line = rest.line.map_or_else(String::new, |line| format!(" from line {} on", line.line));
        remarks.push(format!(
            "the wire ends earlier than the log: {} that the appliance says it {other}{line} are not in the \
             capture",
            octets(rest.octets)
        ));
    }
    if let Some((offset, length, at)) = account.first_gap {
        remarks.push(format!(
            "the capture has a gap of {} at octet {offset} of the {whose} (frame {}): {} not compared",
            octets(length),
            at.frame.frame,
            octets(account.in_gaps)
        ));
    }
    if let Some(why) = account.stopped {
        remarks.push(format!(
            "the {whose}'s octets are compared up to octet {}: {}",
            compared_to(account),
            why.words()
        ));
    }
    if account.before_capture > 0 {
        remarks.push(format!(
            "{} of the {whose} in the log are older than the capture",
            octets(account.before_capture)
        ));
    }
    if account.hidden > 0 {
        remarks.push(format!("{} of credentials are neither kept nor compared", octets(account.hidden)));
    }
    remarks
}

const fn compared_to(account: &Account) -> u64 {
    account.equal + account.hidden + account.in_gaps
}
