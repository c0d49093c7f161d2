//! What attribution says of ordinary mail that others captured: devices and paths should hardly ever be accused.
//!
//! There is no log beside these captures, so each connection is judged as if one had claimed `Receiving aborted` of its
//! last transaction.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a failed test is a panic by design"
)]

mod shared;

use std::collections::BTreeMap;

use mailwitness::capture::{CaptureInput, Options, follow};
use mailwitness::cause::{self, CloseUps, Evidence, PointsAt, Strength, Vantage};
use mailwitness::cite::{CaptureId, LogId, LogRef};
use mailwitness::maillog::{Claim, ClaimKind, ClockIndex, Lost, Stamp};
use mailwitness::net::{Leg, Role};
use mailwitness::smtp::ending::{Context, ending};
use mailwitness::smtp::{Session, Sessions};
use mailwitness::text::Text;
use mailwitness::time::{LogTime, Span};

/// Connections that are accused, each looked at by hand: file, cause, why that is right or wrong.
const KNOWN: &[(&str, &str, &str)] = &[];

#[test]
fn ordinary_mail_hardly_ever_accuses_anybody() {
    let Some(folder) = shared::captures() else { return };
    let mut files: Vec<_> =
        std::fs::read_dir(folder.join("files")).unwrap().map(|one| one.unwrap().path()).collect();
    files.sort();
    let (mut judged, mut fired, mut accused) = (0, BTreeMap::<String, usize>::new(), Vec::new());
    for path in &files {
        let input = || vec![CaptureInput::new(CaptureId(0), path)];
        let mut sessions: Vec<Session> = Vec::new();
        let sink = Sessions::new(&[], |session| sessions.push(session));
        let _ = follow(input(), &Options::default(), sink, &|_| {});
        let options = Options { traced: true, ..Options::default() };
        let (close_ups, _) = follow(input(), &options, CloseUps::of(&sessions, &[]), &|_| {});
        for session in &sessions {
            judged += 1;
            let last = session.dialog.transactions.len().checked_sub(1);
            let context =
                Context { appliance: Role::Server, silence: Span::from_seconds(60), aborted_at: None };
            let ending = ending(session, last, &context);
            let claim = claim();
            let evidence = Evidence {
                leg: Leg::Injection,
                session,
                transaction: last.and_then(|index| session.dialog.transactions.get(index)),
                ending: &ending,
                close_up: close_ups.get(session),
                vantage: Vantage::Unknown,
                claim: &claim,
                connection: None,
                message: None,
                timers: &[],
            };
            let signs = cause::signs::signs(&evidence);
            let name = path.file_name().unwrap().to_string_lossy();
            for sign in &signs {
                let points = matches!(sign.points_at, PointsAt::Middlebox | PointsAt::Path);
                if points && sign.strength >= Strength::Moderate {
                    *fired
                        .entry(format!("{} ({:?}) in {name}", sign.rule.name, sign.strength))
                        .or_default() += 1;
                }
            }
            if let Some(cause) = cause::decide(&evidence, &signs).filter(|cause| cause.kind.accuses()) {
                let known =
                    KNOWN.iter().any(|(file, kind, _)| *file == name && *kind == format!("{:?}", cause.kind));
                let words = format!(
                    "{name}, frame {}: {:?}: {}",
                    session.flow.first.frame.frame, cause.kind, cause.because
                );
                accused.push((known, words));
            }
        }
    }
    println!("{judged} connections; signs that point at a device or the path:");
    for (sign, count) in &fired {
        println!("  {count} x {sign}");
    }
    for (known, words) in &accused {
        println!("  accused{}: {words}", if *known { " (known)" } else { "" });
    }
    assert!(judged >= 250, "only {judged} connections");
    let unknown: Vec<_> = accused.iter().filter(|(known, _)| !known).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

fn claim() -> Claim {
    let time = LogTime::new(Some(2026), 11, 25, 12, 0, 0).unwrap();
    let line = LogRef { file: LogId(0), line: 1 };
    Claim {
        kind: ClaimKind::ReceivingAborted,
        connection: None,
        message: None,
        reason: Text::from("Receiving aborted"),
        at: Stamp { time, clock: ClockIndex(0), line },
        lost: Lost::Unknown,
        code: None,
    }
}
