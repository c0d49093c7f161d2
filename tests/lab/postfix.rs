//! Postfix's own words about how its connections ended, beside ours: a witness whom nobody of this project wrote.

use std::fs;

use crate::cases::Measured;

/// What Postfix says in which cases, what we say of the same message, and why the two may differ.
const WORDS: &[(&str, &str, &str, &str)] = &[
    // Postfix names the last command; BDAT and DATA stay the last while their octets come.
    ("lost connection after RCPT", "fin", "rcpt", ""),
    ("lost connection after DATA", "fin", "body", "Postfix does not tell a FIN from a reset"),
    ("lost connection after DATA", "rst", "body", "Postfix does not tell a FIN from a reset"),
    ("lost connection after BDAT", "fin", "body", "Postfix does not tell a FIN from a reset"),
    ("lost connection after BDAT", "rst", "body", "Postfix does not tell a FIN from a reset"),
    ("timeout after DATA", "silence", "body", "the timer is Postfix's, the silence the sender's"),
    // Without a complaint the sender said QUIT, which Postfix counts.
    ("quit=1", "quit", "rcpt", ""),
    ("quit=1", "quit", "body", "between two chunks the body is not at its end"),
    ("quit=1", "completed", "end_of_data", "the message was taken before"),
];

/// Holds each Postfix case to the table, and prints it.
pub(crate) fn check(measured: &[Measured]) {
    let mut compared = 0;
    let mut faults = Vec::new();
    for case in measured {
        let Ok(log) = fs::read_to_string(case.folder.join("postfix.log")) else { continue };
        let Some(said) = words(&log) else {
            faults.push(format!("{}: Postfix says nothing of how it ended", case.name));
            continue;
        };
        for (report, wanted) in [(&case.report, case.wanted()), (&case.everything, case.finished())] {
            for want in wanted {
                let wire = &Measured::found(report, want).unwrap()["wire"];
                let (kind, stage) =
                    (wire["ending"]["kind"].as_str().unwrap(), wire["stage"].as_str().unwrap());
                let known = WORDS.iter().find(|row| (row.0, row.1, row.2) == (said.as_str(), kind, stage));
                compared += 1;
                match known {
                    Some((.., why)) => println!("{:28} {said:28} | {kind} in {stage} | {why}", case.name),
                    None => faults.push(format!("{}: Postfix: {said}; we: {kind} in {stage}", case.name)),
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(compared >= 8, "only {compared} messages compared");
}

/// `lost connection after X`, `timeout after X`, or that QUIT was counted at the end.
fn words(log: &str) -> Option<String> {
    let complaint = log.lines().find_map(|line| {
        let at = line.find("lost connection after ").or_else(|| line.find("timeout after "))?;
        let words: Vec<&str> = line[at..].split(' ').collect();
        let length = if words[0] == "lost" { 4 } else { 3 };
        Some(words[..length].join(" "))
    });
    complaint.or_else(|| log.contains(" quit=1").then(|| "quit=1".to_owned()))
}
