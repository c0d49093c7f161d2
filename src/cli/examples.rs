//! What the help and the manual pages say beyond the options: exit status and examples.

use super::exit::Exit;

/// What to type for what, as (what it is for, the command line).
pub(super) type Examples = &'static [(&'static str, &'static str)];

/// Of mailwitness itself.
pub(super) const GENERAL: Examples = &[
    (
        "Every abort that the log claims, judged by the capture",
        "mailwitness report mail.current gateway.pcap",
    ),
    ("The same for one message, out of whole directories", "mailwitness report logs/ captures/ --mid 1404"),
    ("A capture alone", "mailwitness sessions gateway.pcap"),
    ("A log alone", "mailwitness messages mail.current"),
];

/// Of `report`.
pub(super) const REPORT: Examples = &[
    ("Every abort that the log claims", "mailwitness report mail.current gateway.pcap"),
    (
        "One message, with a log that has no head (`Time offset from UTC`)",
        "mailwitness report mail.log gateway.pcap --mid 1404 --utc-offset Europe/Berlin",
    ),
    (
        "All that a partner sent in one hour, as JSON",
        "mailwitness report logs/ captures/ --all --remote 192.0.2.10 \\\n    \
         --since 2014-08-14T11:00 --until 2014-08-14T11:59 --format json -o partner.json",
    ),
    (
        "In a script, whether the log is wrong anywhere",
        "mailwitness report mail.log gateway.pcap --exit-code > report.txt || echo look closer",
    ),
];

/// Of `sessions`.
pub(super) const SESSIONS: Examples = &[
    ("Every SMTP connection of a capture", "mailwitness sessions gateway.pcap"),
    ("Those of one partner, out of many captures", "mailwitness sessions captures/ --remote 192.0.2.10"),
    (
        "Those that a reset ended",
        "mailwitness sessions gateway.pcap --format json | jq 'select(.ending.kind == \"rst\")'",
    ),
    (
        "Who waited for whom, word for word",
        "mailwitness sessions gateway.pcap --remote 192.0.2.10 --exchanges",
    ),
    ("For a spreadsheet", "mailwitness sessions captures/ --format csv -o sessions.csv"),
    ("Out of a pipe", "tcpdump -r ring.pcap -w - port 25 | mailwitness sessions -"),
];

/// Of `messages`.
pub(super) const MESSAGES: Examples = &[
    ("Every message of a log", "mailwitness messages mail.current"),
    ("Those of one partner, in UTC", "mailwitness messages mail.log --remote 192.0.2.10 --utc-offset -0600"),
    (
        "Those that were aborted",
        "mailwitness messages mail.current --format json | jq 'select(.outcome == \"aborted\")'",
    ),
    ("All that the logs say of one message", "mailwitness messages logs/ --follow MID:1404"),
    ("What lines there are, and which are not known", "mailwitness messages logs/ --stats"),
];

/// The end of a help text: examples, and for the whole program the exit status before them.
pub(super) fn after_help(examples: Examples, with_status: bool) -> String {
    let mut text = String::new();
    if with_status {
        text.push_str("Exit status:\n");
        for exit in Exit::ALL {
            text.push_str(&format!("  {:<4} {}\n", exit.code(), exit.meaning()));
        }
        text.push('\n');
    }
    text.push_str("Examples:");
    for (purpose, line) in examples {
        text.push_str(&format!("\n  {purpose}:\n    {}\n", line.replace('\n', "\n    ")));
    }
    text.trim_end().to_owned()
}
