//! Everything that logs say of one id, line by line, as `messages --follow` prints it.

use schemars::JsonSchema;
use serde::Serialize;

use super::LogView;
use crate::investigate::Time;
use crate::maillog::trace::{Id, Trace, TracedLine};
use crate::maillog::{ConnectionId, LineKind};
use crate::net::Leg;
use crate::report::words::{counted, grouped, safe};
use crate::report::wrap::wrap;
use crate::text::Text;

/// One line of a log, as `messages --follow --format json` prints it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FollowedLine<'a> {
    /// The path of the log as given.
    pub file: &'a str,
    /// The line, from 1.
    pub line: u32,
    /// Its stamp.
    pub time: Time,
    /// The appliance's serial number, where the head of the log tells it.
    pub serial: Option<&'a Text>,
    /// What kind of line it is.
    pub kind: LineKind,
    /// The messages that it names.
    pub mids: &'a [u64],
    /// The connections on which the appliance received that it names.
    pub icids: Vec<u64>,
    /// The connections on which it delivered that it names.
    pub dcids: Vec<u64>,
    /// What it says after stamp and level; who logged in and with what is left out.
    pub text: &'a Text,
}

/// The lines of a trace in the order of their times: in UTC where every offset is known, by the wall
/// clock where none is, else in the order of reading. Lines of one second stay in the order of reading.
pub fn followed<'a>(view: LogView<'a>, trace: &'a Trace) -> Vec<FollowedLine<'a>> {
    let mut lines: Vec<FollowedLine<'a>> = trace.lines().iter().map(|line| of_line(view, line)).collect();
    let utc = lines.iter().filter(|line| matches!(line.time, Time::Utc(_))).count();
    if utc == 0 || utc == lines.len() {
        lines.sort_by_key(|line| line.time);
    }
    lines
}

fn of_line<'a>(view: LogView<'a>, line: &'a TracedLine) -> FollowedLine<'a> {
    let ids = |leg: Leg| {
        let own = |id: &&ConnectionId| id.leg == leg;
        line.named.connections.iter().filter(own).map(|id| id.id).collect()
    };
    let clock = view.context.clocks.get(usize::from(line.stamp.clock.0));
    FollowedLine {
        file: view.files.get(usize::from(line.stamp.line.file.0)).map_or("?", String::as_str),
        line: line.stamp.line.line,
        time: (view.time)(line.stamp),
        serial: view.serial(clock.and_then(|clock| clock.serial)),
        kind: line.kind,
        mids: &line.named.mids,
        icids: ids(Leg::Injection),
        dcids: ids(Leg::Delivery),
        text: &line.text,
    }
}

/// The lines as text of at most `columns`: what was followed, then each line below its day and file.
pub fn text(trace: &Trace, lines: &[FollowedLine<'_>], columns: usize) -> String {
    /// `TIME` and `LINE` with their spaces.
    const INDENT: usize = 18;
    let mut out = heading(trace, lines.len() as u64, columns);
    let mut above = String::new();
    let room = columns.saturating_sub(INDENT).max(20);
    for line in lines {
        let (day, clock) = super::table::day_and_clock(Some(line.time));
        let place = format!("# {day}, {}", safe(line.file));
        if above != place {
            if above.is_empty() {
                out.push_str("\nTIME         LINE TEXT\n");
            }
            out.push_str(&place);
            out.push('\n');
            above = place;
        }
        for (at, part) in wrap(&shown(line.text), room, room).into_iter().enumerate() {
            let start = if at == 0 { format!("{clock} {:>8} ", line.line) } else { " ".repeat(INDENT) };
            out.push_str(&start);
            out.push_str(&part);
            out.push('\n');
        }
    }
    out
}

/// A line as it stands in the log, harmless: its backslashes are the appliance's and stay single.
fn shown(text: &Text) -> String {
    text.as_str().map_or_else(|| text.to_string(), safe)
}

/// What was followed, what belongs to it, and what its connections carried beside.
fn heading(trace: &Trace, count: u64, columns: usize) -> String {
    /// Ids written out of one kind.
    const MAX_SHOWN: usize = 12;
    let mut sentences = vec![format!("{}: {}.", trace.followed(), counted(count, "line", "lines"))];
    let related = trace.related();
    let list = |one: &str, many: &str, fits: fn(&Id) -> bool| {
        let ids: Vec<&Id> = related.iter().filter(|id| fits(id)).collect();
        let numbers: Vec<String> = ids.iter().take(MAX_SHOWN).map(|id| id.number().to_string()).collect();
        let more = match ids.len().saturating_sub(MAX_SHOWN) {
            0 => String::new(),
            more => format!(" and {} more", grouped(more as u64)),
        };
        let word = if ids.len() == 1 { one } else { many };
        (!ids.is_empty()).then(|| format!("{word} {}{more}", numbers.join(", ")))
    };
    let parts = [
        list("ICID", "ICIDs", |id| matches!(id, Id::Icid(_))),
        list("MID", "MIDs", |id| matches!(id, Id::Mid(_))),
        list("DCID", "DCIDs", |id| matches!(id, Id::Dcid(_))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if !parts.is_empty() {
        sentences.push(format!("With it: {}.", parts.join("; ")));
    }
    for (id, others) in trace.others().take(MAX_SHOWN) {
        let others = counted(others, "other message", "other messages");
        sentences.push(format!("{id} carried {others}: --follow {}:{}.", id.word(), id.number()));
    }
    wrap(&sentences.join(" "), columns, columns).join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;
    use crate::maillog::trace::Wanted;
    use crate::maillog::{MailLog, Stamp};
    use crate::report::messages::samples::walked;
    use crate::time::UtcOffset;

    const FIRST: &str = "\
Mon Mar  9 10:00:00 2026 Info: Begin Logfile
Mon Mar  9 10:00:00 2026 Info: Version: 14.2.0-620 SN: 000A0B0C0D0E-7X7XX77
Mon Mar  9 10:00:00 2026 Info: Time offset from UTC: 3600 seconds
Mon Mar  9 10:00:00 2026 Info: New SMTP ICID 31 interface Data 1 (192.0.2.25) address 198.51.100.7 reverse dns host mx.example.org verified yes
Mon Mar  9 10:00:01 2026 Info: SMTP Auth: (ICID 31) succeeded for user: anna using AUTH mechanism: LOGIN with profile: p
Mon Mar  9 10:00:01 2026 Info: Start MID 6 ICID 31
Mon Mar  9 10:00:01 2026 Info: Start MID 7 ICID 31
";
    const SECOND: &str = "\
Mon Mar  9 10:00:02 2026 Info: MID 7 rewritten to MID 9 by antispam
Mon Mar  9 10:00:03 2026 Info: MID 9 Subject 'd\\xe9j\\xe0 vu \x1b[31m'
Mon Mar  9 10:00:04 2026 Info: New SMTP DCID 5 interface 192.0.2.25 address 203.0.113.9 port 25
Mon Mar  9 10:00:04 2026 Info: Delivery start DCID 5 MID 9 to RID [0]
";

    fn traced<T>(wanted: Wanted, take: impl Fn(&Trace, &[FollowedLine<'_>]) -> T) -> T {
        let mut trace = Trace::new(wanted);
        let log: MailLog = loop {
            let log = walked(&[SECOND, FIRST], &mut trace);
            if !trace.read_again() {
                break log;
            }
        };
        let files = ["mail.@20260309T100002.s".to_owned(), "mail.@20260309T100000.s".to_owned()];
        let offset = UtcOffset::from_seconds(3600).unwrap();
        let time = |stamp: Stamp| stamp.time.at(offset).map_or(Time::Local(stamp.time), Time::Utc);
        let view = LogView { context: &log, files: &files, time: &time };
        take(&trace, &followed(view, &trace))
    }

    #[test]
    fn a_message_through_two_files() {
        insta::assert_snapshot!(traced(Wanted::Id(Id::Mid(7)), |trace, lines| text(trace, lines, 80)));
    }

    #[test]
    fn lines_are_no_wider_than_they_say_and_name_nobody() {
        for columns in [60, 80] {
            let text = traced(Wanted::Number(31), |trace, lines| text(trace, lines, columns));
            assert!(!text.contains("anna") && !text.contains('\u{1b}'), "{text}");
            for line in text.lines() {
                assert!(line.width() <= columns, "{line}");
            }
        }
    }

    #[test]
    fn a_line_has_what_was_asked_for() {
        let lines = traced(Wanted::Id(Id::Mid(7)), |_, lines| serde_json::to_value(lines).unwrap());
        assert_eq!(
            lines[3],
            serde_json::json!({
                "file": "mail.@20260309T100002.s", "line": 1, "time": "2026-03-09T09:00:02.000000Z",
                "serial": "000A0B0C0D0E-7X7XX77", "kind": "derived", "mids": [7, 9], "icids": [], "dcids": [],
                "text": "MID 7 rewritten to MID 9 by antispam"
            })
        );
        assert_eq!(lines.as_array().unwrap().len(), 7);
    }
}
