//! Lines of many connections in any order, and what is handed out when.

use proptest::prelude::*;

use super::*;
use crate::maillog::book::tests::{line, log, open};
use crate::maillog::book::{Connection, LogSink, MAX_OPEN};
use crate::maillog::logs::read;
use crate::maillog::tests::{inputs, read_text};
use crate::maillog::{AbortReason, MailLog, Message};

/// Everything that is handed out.
#[derive(Default)]
struct Out {
    connections: Vec<Connection>,
    orphans: Vec<Message>,
    /// Connections that came before the end of the log.
    early: usize,
}

impl LogSink for Out {
    fn connection(&mut self, connection: Connection, context: &MailLog) {
        self.early += usize::from(context.files.is_empty());
        self.connections.push(connection);
    }

    fn orphan(&mut self, message: Message, _: &MailLog) {
        self.orphans.push(message);
    }
}

fn stream(logs: &[&str], grace: u64) -> (Out, MailLog) {
    let mut out = Out::default();
    let log = read(inputs(logs), Book::new(Keep::Open { grace, sink: &mut out }, true), None);
    (out, log)
}

#[test]
fn streaming_hands_out_what_is_complete() {
    let mut text = String::new();
    for icid in 1..=500_u32 {
        let (second, opening) = open(icid, icid.into(), "198.51.100.7");
        text += &log(&[
            (second, &opening),
            (second, &format!("Start MID {icid} ICID {icid}")),
            (second, &format!("MID {icid} ready 5 bytes from <a@example.org>")),
            (second, &format!("ICID {icid} close")),
            (second + 9, &format!("Message finished MID {icid} done")),
            (second + 9, &format!("Message aborted MID {} Receiving aborted", icid + 10_000)),
        ]);
    }
    let (out, log) = stream(&[&text], 100);
    assert!(out.early > 460, "{} only", out.early);
    assert_eq!((out.connections.len(), out.orphans.len()), (500, 500));
    assert!(out.connections.iter().all(|connection| connection.messages[0].finished.is_some()));
    assert_eq!((log.connections.len(), log.files.len()), (0, 1));
    let ids: Vec<_> = out.connections.iter().map(|connection| connection.id).collect();
    assert!(ids.is_sorted(), "handed out in the order of their closes");
}

#[test]
fn streaming_gives_up_connections_that_never_close() {
    let mut text = String::new();
    for icid in 1..=MAX_OPEN as u64 + 10 {
        let (second, opening) = open(10, icid, "198.51.100.7");
        text += &log(&[(second, &opening)]);
    }
    let (out, log) = stream(&[&text], 100);
    assert_eq!(out.connections.len(), MAX_OPEN + 10);
    assert_eq!(out.early, MAX_OPEN.div_ceil(4));
    assert_eq!(out.connections[0].id, 1);
    assert_eq!(log.files[0].notes.iter().next().unwrap().count, 1);
}

/// The lines of one connection by kinds of life.
fn life(icid: u32, kind: u32) -> Vec<String> {
    let at = 100 * icid;
    let mid = 10 * icid;
    let (_, opening) = open(at, icid.into(), &format!("198.51.100.{}", icid % 250));
    let mut lines = vec![(at, opening), (at, format!("ICID {icid} ACCEPT SG X match ALL SBRS None"))];
    let message = |mid: u32, lines: &mut Vec<(u32, String)>| {
        lines.push((at + 1, format!("Start MID {mid} ICID {icid}")));
        lines.push((at + 1, format!("MID {mid} ICID {icid} From: <{mid}@example.org>")));
        lines.push((at + 2, format!("MID {mid} ICID {icid} RID 0 To: <{mid}@example.com>")));
        lines.push((at + 2, format!("MID {mid} ICID {icid} RID 1 To: <x@example.com>")));
    };
    if kind > 0 {
        message(mid, &mut lines);
        lines.push((at + 3, format!("MID {mid} ready {mid} bytes from <{mid}@example.org>")));
    }
    if kind > 1 {
        message(mid + 1, &mut lines);
        lines.push((at + 9, format!("ICID {icid} lost")));
        lines.push((at + 9, format!("Message aborted MID {} Receiving aborted", mid + 1)));
        lines.push((at + 9, format!("Message finished MID {} aborted", mid + 1)));
    }
    lines.push((at + 9, format!("ICID {icid} close")));
    if kind > 0 {
        lines.push((at + 30, format!("Message finished MID {mid} done")));
    }
    lines.into_iter().map(|(second, text)| line(second, &text)).collect()
}

/// The connections with each citation replaced by the line it cites.
fn by_content(log: &str, mut connections: Vec<Connection>) -> Vec<String> {
    connections.sort_by_key(|connection| connection.id);
    let lines: Vec<&str> = log.lines().collect();
    let shown = connections.iter().map(|connection| format!("{connection:?}"));
    shown
        .map(|mut text| {
            while let Some(start) = text.find("LogRef {") {
                let end = start + text[start..].find('}').unwrap();
                let number: usize = text[start..end].rsplit("line: ").next().unwrap().trim().parse().unwrap();
                text.replace_range(start..=end, &format!("«{}»", lines[number - 1]));
            }
            text
        })
        .collect()
}

proptest! {
    /// However the lines of different connections are mixed, the connections are the same, kept to
    /// the end or handed out on the way.
    #[test]
    fn any_interleaving_gives_the_same_connections(
        kinds in proptest::collection::vec(0_u32..3, 1..8),
        turns in proptest::collection::vec(any::<proptest::sample::Index>(), 150),
    ) {
        let lives: Vec<Vec<String>> = (1..).zip(&kinds).map(|(icid, kind)| life(icid, *kind)).collect();
        let one_by_one: String = lives.iter().flatten().map(|line| format!("{line}\n")).collect();
        let mut rest: Vec<_> = lives.iter().map(|life| life.iter()).collect();
        let mut mixed = String::new();
        for turn in &turns {
            if let Some(line) = turn.get(&rest).clone().next() {
                mixed += &format!("{line}\n");
                let at = turn.index(rest.len());
                rest[at].next();
            }
        }
        for line in rest.into_iter().flatten() {
            mixed += &format!("{line}\n");
        }
        let plain = by_content(&one_by_one, read_text(&one_by_one).connections);
        prop_assert_eq!(&plain, &by_content(&mixed, read_text(&mixed).connections));
        let (out, log) = stream(&[&mixed], 1000);
        prop_assert!(out.orphans.is_empty());
        prop_assert_eq!(&plain, &by_content(&mixed, out.connections));
        prop_assert_eq!(log.files[0].records, mixed.lines().count() as u64);
    }

    /// Lines of the log in any order, with ids from a small set, break nothing.
    #[test]
    fn lines_in_any_order_do_not_panic(
        lines in proptest::collection::vec((0_u32..80_000, 0_usize..20, 0_u64..4, 0_u64..4), 0..200),
        grace in 0_u64..20,
    ) {
        let text: String = lines
            .iter()
            .map(|(second, shape, a, b)| {
                let shapes = [
                    open(0, *a, "198.51.100.7").1, format!("ICID {a} close"), format!("ICID {a} lost"),
                    format!("Start MID {b} ICID {a}"), format!("MID {b} ICID {a} RID {a} To: <x>"),
                    format!("MID {b} ready 5 bytes from <x>"), format!("Message aborted MID {b} Receiving aborted"),
                    format!("Message finished MID {b} done"), format!("MID {b} rewritten to MID {a} by x"),
                    format!("Delivery start DCID {a} MID {b} to RID [0]"), format!("DCID {a} close"),
                    "Begin Logfile".to_owned(), format!("Version: 1 SN: {a}"),
                    format!("Time offset from UTC: {} seconds", a * 3600),
                    format!("MID {b} Subject 'x'"), format!("ICID {a} disconnected address x, no messages injected"),
                    format!("ICID {a} Receiving Failed: x"), format!("MID {b} ICID {a} To: <x> Rejected by RAT"),
                    format!("Message aborted MID {b} Dropped by x"), format!("New SMTP DCID {a}"),
                ];
                line(*second, &shapes[*shape]) + "\n"
            })
            .collect();
        let kept = read_text(&text);
        let (out, log) = stream(&[&text], grace);
        let counts = |log: &MailLog| log.files.iter().map(|f| (f.records, f.known, f.first, f.last)).collect::<Vec<_>>();
        prop_assert_eq!(counts(&kept), counts(&log));
        prop_assert_eq!(kept.left_out.refused_without_icid, log.left_out.refused_without_icid);
        let aborts = |connections: &[Connection]| connections.iter().flat_map(|c| &c.messages)
            .filter(|m| matches!(m.aborted, Some((AbortReason::ReceivingAborted, _)))).count();
        prop_assert!(aborts(&out.connections) <= text.matches("Receiving aborted").count());
        prop_assert!(aborts(&kept.connections) <= text.matches("Receiving aborted").count());
    }
}
