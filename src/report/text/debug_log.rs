//! The third witness: what the appliance's debug log says, beside the wire.

use super::page::{Page, Tone};
use super::show;
use crate::report::document::{DebugLogAccount, OctetChange, OctetDifference, OctetsCompared};
use crate::report::words::{self, Names, counted};

/// Commands and reply lines shown, the last ones.
const MAX_DIALOGUE: usize = 16;

/// The dialogue: its indent, and the columns of line number and, at the least, who said it.
const DIALOGUE_INDENT: usize = 4;
const LINE_COLUMN: usize = 8;
const PARTY_COLUMN: usize = 11;

pub(super) fn write(page: &mut Page, account: &DebugLogAccount, names: Names) {
    let lines = show::lines(&[account.first.clone(), account.last.clone()]).join("; ");
    let span = if account.first.file == account.last.file {
        let path = show::path(&account.first.file);
        format!("{path}, lines {} to {}", account.first.line, account.last.line)
    } else {
        lines
    };
    page.field("Debug log", &span);
    for (label, compared) in [("Received", &account.received), ("Sent", &account.sent)] {
        if let Some(compared) = compared {
            page.fields(label, &direction(compared));
        }
    }
    page.points("Compared", &account.remarks);
    dialogue(page, account, names);
}

fn direction(compared: &OctetsCompared) -> Vec<String> {
    let octets = |count| counted(count, "octet", "octets");
    let mut lines = vec![format!(
        "{} in the log, {} on the wire, {} the same",
        octets(compared.in_log),
        words::grouped(compared.on_wire),
        words::grouped(compared.equal)
    )];
    lines.extend(compared.first_difference.iter().flat_map(difference));
    lines
}

/// Where, what became of it, and both readings below each other.
fn difference(difference: &OctetDifference) -> Vec<String> {
    let line =
        difference.line.as_ref().map(|line| format!(", line {} of {}", line.line, show::path(&line.file)));
    let count =
        difference.octets.map_or_else(|| "octets".to_owned(), |count| counted(count, "octet", "octets"));
    let is = if difference.octets == Some(1) { "is" } else { "are" };
    let what = match difference.change {
        OctetChange::Changed => format!("{count} {is} changed"),
        OctetChange::OnlyOnWire => format!("{count} {is} only on the wire"),
        OctetChange::OnlyInLog => format!("{count} {is} only in the log"),
        OctetChange::Within => format!("somewhere in {count}: the log's own are not kept"),
        OctetChange::Unclear => "they do not agree again soon".to_owned(),
    };
    let mut lines = vec![format!(
        "differs from octet {} on (frame {} of {}{}): {what}",
        words::grouped(difference.offset),
        difference.frame,
        show::path(&difference.capture),
        line.unwrap_or_default()
    )];
    match (&difference.before, &difference.log_reads, &difference.wire_reads) {
        (Some(before), Some(log), Some(wire)) => {
            lines.push(format!("the log reads `{before}[{log}]`"));
            lines.push(format!("the wire reads `{before}[{wire}]`"));
        }
        _ if difference.change == OctetChange::Within => {}
        _ => lines.push("credentials may be near: not shown".to_owned()),
    }
    lines
}

/// By the debug log, marked as such: the wire shows none of it.
fn dialogue(page: &mut Page, account: &DebugLogAccount, names: Names) {
    if account.dialogue.is_empty() {
        return;
    }
    let skipped = account.dialogue.len().saturating_sub(MAX_DIALOGUE);
    let left_out = skipped as u64 + account.dialogue_left_out;
    page.field("Dialogue", "by the appliance's debug log, not by the wire");
    if left_out > 0 {
        page.row(
            LINE_COLUMN,
            &[(&format!("... {} before", counted(left_out, "line", "lines")), 0, Tone::Plain)],
        );
    }
    let party_column = PARTY_COLUMN.max(names.sender.len()).max(names.appliance.len());
    for word in account.dialogue.iter().skip(skipped) {
        let line = format!("{:>LINE_COLUMN$}", word.line);
        let who = names.party(word.by);
        let text = show::text(&word.text);
        page.row(
            DIALOGUE_INDENT,
            &[(&line, LINE_COLUMN, Tone::Plain), (who, party_column, Tone::Plain), (&text, 0, Tone::Plain)],
        );
    }
}
