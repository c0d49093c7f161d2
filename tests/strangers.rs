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
use std::path::Path;
use std::sync::OnceLock;

use mailwitness::capture::{CaptureInput, Options, follow};
use mailwitness::cause::patterns::{Member, Pattern, Set, patterns};
use mailwitness::cause::{self, CloseUps, Evidence, PointsAt, SecondSide, Strength, Vantage};
use mailwitness::cite::{CaptureId, LogId, LogRef};
use mailwitness::maillog::{Claim, ClaimKind, ClockIndex, Lost, MailLog, Stamp};
use mailwitness::net::{Leg, Role};
use mailwitness::smtp::ending::{Context, ending};
use mailwitness::smtp::{Ending, EndingKind, Session, Sessions};
use mailwitness::text::Text;
use mailwitness::time::{LogTime, Span};

/// Connections that are accused, each looked at by hand: file, cause, why that is right or wrong.
const KNOWN: &[(&str, &str, &str)] = &[];

/// Patterns that show, each looked at by hand: file, name, what it is.
const PATTERNS: &[(&str, &str, &str)] = &[];

/// One file with its connections, each read twice and judged.
struct Stranger {
    name: String,
    sessions: Vec<Session>,
    endings: Vec<Ending>,
    close_ups: CloseUps,
}

impl Stranger {
    fn read(id: CaptureId, path: &Path) -> Self {
        let input = || vec![CaptureInput::new(id, path)];
        let mut sessions: Vec<Session> = Vec::new();
        let sink = Sessions::new(&[], |session| sessions.push(session));
        let _ = follow(input(), &Options::default(), sink, &|_| {});
        sessions.sort_by_key(|session| (session.flow.first.time, session.flow.first.frame));
        let options = Options { traced: true, ..Options::default() };
        let (close_ups, _) = follow(input(), &options, CloseUps::of(&sessions, &[]), &|_| {});
        let context = Context { appliance: Role::Server, silence: Span::from_seconds(60), aborted_at: None };
        let endings =
            sessions.iter().map(|session| ending(session, last_transaction(session), &context)).collect();
        Self { name: path.file_name().unwrap().to_string_lossy().into_owned(), sessions, endings, close_ups }
    }

    fn evidence<'a>(&'a self, place: usize, claim: &'a Claim) -> Evidence<'a> {
        let session = &self.sessions[place];
        Evidence {
            leg: Leg::Injection,
            session,
            transaction: last_transaction(session).map(|index| &session.dialog.transactions[index]),
            ending: &self.endings[place],
            close_up: self.close_ups.get(session),
            vantage: Vantage::Unknown,
            second_side: SecondSide::NotGiven,
            claim,
            connection: None,
            message: None,
            timers: &[],
        }
    }
}

/// What the connections of some files show as one set, with every one that ended badly in the place of a case; and
/// how many there are of both.
fn patterns_of(files: &[&Stranger], claim: &Claim) -> (Vec<Pattern>, usize, usize) {
    let each = || files.iter().flat_map(|file| (0..file.sessions.len()).map(move |place| (*file, place)));
    let sessions: Vec<Session> = each().map(|(file, place)| file.sessions[place].clone()).collect();
    let signs: Vec<_> =
        each().map(|(file, place)| cause::signs::signs(&file.evidence(place, claim))).collect();
    let members: Vec<Member<'_>> = each()
        .enumerate()
        .map(|(number, (file, place))| Member {
            case: number,
            session: number,
            transaction: last_transaction(&file.sessions[place]),
            is_abort: ended_badly(file.endings[place].kind),
            evidence: file.evidence(place, claim),
            signs: &signs[number],
        })
        .collect();
    let log = MailLog::default();
    let found = patterns(&Set { sessions: &sessions, members: &members, log: &log });
    (found.patterns, members.iter().filter(|member| member.is_abort).count(), sessions.len())
}

fn last_transaction(session: &Session) -> Option<usize> {
    session.dialog.transactions.len().checked_sub(1)
}

const fn ended_badly(kind: EndingKind) -> bool {
    matches!(
        kind,
        EndingKind::Fin
            | EndingKind::Rst
            | EndingKind::Silence
            | EndingKind::ApplianceStalled
            | EndingKind::ApplianceClosed
    )
}

/// The captures; empty where they are not there.
fn strangers() -> &'static [Stranger] {
    static STRANGERS: OnceLock<Vec<Stranger>> = OnceLock::new();
    STRANGERS.get_or_init(|| {
        let Some(folder) = shared::captures() else { return Vec::new() };
        let mut files: Vec<_> =
            std::fs::read_dir(folder.join("files")).unwrap().map(|one| one.unwrap().path()).collect();
        files.sort();
        (0..).map(CaptureId).zip(&files).map(|(id, path)| Stranger::read(id, path)).collect()
    })
}

#[test]
fn ordinary_mail_hardly_ever_accuses_anybody() {
    if strangers().is_empty() {
        return;
    }
    let claim = claim();
    let (mut judged, mut fired, mut accused) = (0, BTreeMap::<String, usize>::new(), Vec::new());
    for stranger in strangers() {
        let name = &stranger.name;
        for place in 0..stranger.sessions.len() {
            judged += 1;
            let evidence = stranger.evidence(place, &claim);
            let signs = cause::signs::signs(&evidence);
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
                    KNOWN.iter().any(|(file, kind, _)| file == name && *kind == format!("{:?}", cause.kind));
                let words = format!(
                    "{name}, frame {}: {:?}: {}",
                    evidence.session.flow.first.frame.frame, cause.kind, cause.because
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

#[test]
fn ordinary_mail_shows_the_patterns_that_were_looked_at() {
    if strangers().is_empty() {
        return;
    }
    let claim = claim();
    let all: Vec<&Stranger> = strangers().iter().collect();
    let mut sets: Vec<(String, Vec<&Stranger>)> =
        all.iter().map(|file| (file.name.clone(), vec![*file])).collect();
    sets.push(("all files together".to_owned(), all));
    let mut found = Vec::new();
    for (name, files) in &sets {
        let (patterns, aborts, sessions) = patterns_of(files, &claim);
        if aborts > 2 {
            println!("{name}: {aborts} of {sessions} connections ended badly");
        }
        for pattern in patterns {
            println!("  {} (chance {:.4}): {}", pattern.name, pattern.chance, pattern.detail);
            found.push((name.clone(), pattern.name));
        }
    }
    let looked_at: Vec<_> = PATTERNS.iter().map(|(file, name, _)| ((*file).to_owned(), *name)).collect();
    assert_eq!(found, looked_at);
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
