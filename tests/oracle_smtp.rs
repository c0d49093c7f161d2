//! Sessions against an independent reading of real captures.
//!
//! The captures and the reading of them (`oracle.jsonl`, one TCP connection a line) are not part of
//! this package: they stand beside it, or where `MAILWITNESS_SHARED` says. Without them the test
//! says so and passes.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail by panic, and tells what differs"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mailwitness::capture::{CaptureInput, CloseKind, Options, Side, follow};
use mailwitness::cite::CaptureId;
use mailwitness::smtp::tls::EncryptionStart;
use mailwitness::smtp::{Session, Sessions};
use serde_json::Value;

/// The share of connections that must agree in everything.
const WANTED: f64 = 1.0;

/// Connections in which the two differ and the packets, looked at one by one, speak for ours.
const OURS_IS_RIGHT: &[(&str, u64, &str)] = &[];

#[test]
fn sessions_agree_with_the_oracle() {
    let Some(captures) = captures() else { return };
    let oracle = std::fs::read_to_string(captures.join("oracle.jsonl")).unwrap();
    let mut by_file: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in oracle.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        by_file.entry(row["file"].as_str().unwrap().to_owned()).or_default().push(row);
    }
    let (mut agreed, mut asked, mut strangers) = (0u32, 0u32, 0u32);
    for (file, rows) in &by_file {
        let sessions = sessions(&captures.join("files").join(file));
        for row in rows.iter().filter(|row| row["kind"] == "smtp") {
            asked += 1;
            let stream = row["stream"].as_u64().unwrap();
            let differences = match find(&sessions, row) {
                Some(session) => differences(session, row),
                None => vec!["no session".to_owned()],
            };
            let known = OURS_IS_RIGHT.iter().any(|(f, s, _)| f == file && *s == stream);
            if differences.is_empty() || known {
                agreed += 1;
            } else {
                println!("{file} stream {stream}, frame {}:", row["first_frame"]);
                for difference in differences {
                    println!("    {difference}");
                }
            }
        }
        // And nothing is taken for SMTP that is not.
        for session in &sessions {
            let row = rows.iter().find(|row| is_same(session, row));
            if row.is_none_or(|row| row["kind"] == "tcp") && !session.dialog.commands.is_empty() {
                strangers += 1;
                println!("{file}: {} is SMTP to us only", session.tuple());
            }
        }
    }
    println!("{agreed} of {asked} connections agree; {strangers} are SMTP to us only");
    assert!(f64::from(agreed) >= WANTED * f64::from(asked), "{agreed} of {asked}");
}

fn captures() -> Option<PathBuf> {
    let shared = std::env::var_os("MAILWITNESS_SHARED").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let captures = shared.unwrap_or_else(beside).join("captures");
    if captures.join("oracle.jsonl").is_file() {
        return Some(captures);
    }
    println!("skipped: no captures at {}", captures.display());
    None
}

fn sessions(path: &Path) -> Vec<Session> {
    let mut found = Vec::new();
    let input = CaptureInput::new(CaptureId(0), path);
    follow(vec![input], &Options::default(), Sessions::new(&[], |session| found.push(session)), &|_| {});
    found
}

fn find<'a>(sessions: &'a [Session], row: &Value) -> Option<&'a Session> {
    sessions.iter().find(|session| is_same(session, row))
}

fn is_same(session: &Session, row: &Value) -> bool {
    let end = |who: &str| {
        let port = row[format!("{who}_port")].as_u64().unwrap();
        (row[who].as_str().unwrap().parse().unwrap(), port)
    };
    let ends = |one: mailwitness::net::Endpoint| (one.ip, u64::from(one.port));
    let mut theirs = [end("client"), end("server")];
    let mut ours = [ends(session.client()), ends(session.server())];
    theirs.sort();
    ours.sort();
    theirs == ours && row["first_frame"].as_u64() == Some(session.flow.first.frame.frame.into())
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn differences(session: &Session, row: &Value) -> Vec<String> {
    let dialog = &session.dialog;
    let mut found = Vec::new();
    let mut compare = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            found.push(format!("{what}\n        ours   {ours}\n        oracle {theirs}"));
        }
    };
    let commands: Vec<_> = dialog.commands.iter().map(|command| command.verb.as_str().into_owned()).collect();
    compare("commands", commands.join(" "), strings(&row["commands"]).join(" "));
    let senders: Vec<_> = dialog.transactions.iter().map(|tx| tx.mail_from.to_string()).collect();
    compare("mail_from", senders.join(" "), strings(&row["mail_from"]).join(" "));
    let recipients: Vec<_> = dialog
        .transactions
        .iter()
        .flat_map(|tx| tx.recipients.iter().map(|recipient| recipient.address.to_string()))
        .collect();
    compare("rcpt_to", recipients.join(" "), strings(&row["rcpt_to"]).join(" "));
    compare("quit", dialog.quit.is_some().to_string(), row["quit_seen"].to_string());
    let starttls = dialog.commands.iter().any(|command| command.verb.as_str() == "STARTTLS");
    compare("starttls", starttls.to_string(), row["starttls"].to_string());
    let accepted =
        dialog.encryption.as_ref().is_some_and(|encryption| encryption.how == EncryptionStart::StartTls);
    compare("starttls accepted", accepted.to_string(), row["starttls_accepted"].to_string());
    let close = match session.flow.closes.first_seen {
        None => "\"none\" null null".to_owned(),
        Some(close) => {
            let kind = if close.kind == CloseKind::Fin { "FIN" } else { "RST" };
            let by = if close.by == Side::Originator { "client" } else { "server" };
            format!("\"{kind}\" \"{by}\" {}", close.at.frame.frame)
        }
    };
    let theirs = format!("{} {} {}", row["first_close"], row["first_close_by"], row["first_close_frame"]);
    compare("first_close", close, theirs);
    compare("client", session.client().ip.to_string(), row["client"].as_str().unwrap().to_owned());
    found
}
