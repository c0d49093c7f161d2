//! Compares TCP flows with an oracle computed apart from this code, over captures that nobody of
//! this project made. They are test data of a shared folder, not of the project: without the folder
//! the test says so and passes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use mailwitness::capture::{
    CaptureInput, Chunk, CloseKind, Conversation, Flow, FlowSink, FlowStart, Gap, Interest, Options, Side,
    follow,
};
use mailwitness::cite::{CaptureId, Moment};
use serde_json::Value;

/// The variable that names the shared folder.
const SHARED: &str = "MAILWITNESS_SHARED";

fn shared_captures() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os(SHARED).map_or(beside, PathBuf::from);
    Some(shared.join("captures")).filter(|folder| folder.join("oracle.jsonl").exists())
}

#[derive(Default)]
struct Collector {
    flows: Vec<(Flow, Octets)>,
}

#[derive(Default)]
struct Octets {
    originator: u64,
    responder: u64,
}

impl Conversation for Octets {
    fn data(&mut self, side: Side, chunk: Chunk<'_>) -> Interest {
        assert!(!chunk.bytes.is_empty());
        match side {
            Side::Originator => self.originator += chunk.bytes.len() as u64,
            Side::Responder => self.responder += chunk.bytes.len() as u64,
        }
        Interest::Octets
    }

    fn gap(&mut self, _: Side, gap: Gap) -> Interest {
        assert!(gap.length > 0);
        Interest::Octets
    }

    fn end_of_stream(&mut self, _: Side, _: u64, _: Moment, _: u64) {}
}

impl FlowSink for Collector {
    type Conversation = Octets;

    fn open(&mut self, _: &FlowStart) -> Octets {
        Octets::default()
    }

    fn close(&mut self, flow: Flow, octets: Octets) {
        self.flows.push((flow, octets));
    }
}

fn flows_of(path: &Path) -> Vec<(Flow, Octets)> {
    let inputs = vec![CaptureInput::new(CaptureId(0), path)];
    let (collector, files) = follow(inputs, &Options::default(), Collector::default(), &|_| {});
    if std::env::var_os("VERBOSE").is_some() {
        for file in files {
            eprintln!("{}: {file:?}", path.display());
        }
    }
    collector.flows
}

#[test]
fn first_closes_agree_with_the_oracle() {
    let Some(folder) = shared_captures() else {
        println!("no shared captures; set {SHARED} to compare with the oracle");
        return;
    };
    let oracle = std::fs::read_to_string(folder.join("oracle.jsonl")).unwrap();
    let mut by_file: HashMap<String, Vec<Value>> = HashMap::new();
    for line in oracle.lines() {
        let stream: Value = serde_json::from_str(line).unwrap();
        by_file.entry(stream["file"].as_str().unwrap().to_owned()).or_default().push(stream);
    }
    let (mut streams, mut closes, mut octets) = (0, 0, 0);
    let mut differences = Vec::new();
    let mut files: Vec<_> = by_file.into_iter().collect();
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (name, expected) in files {
        let flows: HashMap<u64, (Flow, Octets)> = flows_of(&folder.join("files").join(&name))
            .into_iter()
            .map(|flow| (u64::from(flow.0.first.frame.frame), flow))
            .collect();
        for stream in expected {
            streams += 1;
            let number = stream["stream"].as_u64().unwrap();
            let Some((flow, counted)) = flows.get(&stream["first_frame"].as_u64().unwrap()) else {
                differences.push(format!("{name} #{number}: no flow at frame {}", stream["first_frame"]));
                continue;
            };
            let client_is_originator = flow.endpoints.originator.ip.to_string() == stream["client"]
                && u64::from(flow.endpoints.originator.port) == stream["client_port"];
            let ours = flow.closes.first_seen.map(|close| {
                let kind = if close.kind == CloseKind::Fin { "FIN" } else { "RST" };
                let by =
                    if (close.by == Side::Originator) == client_is_originator { "client" } else { "server" };
                (kind.to_owned(), by.to_owned(), u64::from(close.at.frame.frame))
            });
            let theirs = stream["first_close_frame"].as_u64().map(|frame| {
                let text = |key: &str| stream[key].as_str().unwrap_or_default().to_owned();
                (text("first_close"), text("first_close_by"), frame)
            });
            if std::env::var_os("VERBOSE").is_some() && (flow.closes.effective != flow.closes.first_seen) {
                eprintln!(
                    "EFF {name} #{number} {:?} {} {:?}",
                    flow.conn_state,
                    flow.history,
                    flow.closes
                        .all
                        .iter()
                        .map(|c| format!(
                            "{:?}/{:?}/{}/{}/{:?}",
                            c.kind, c.by, c.at.frame.frame, c.offset, c.effect
                        ))
                        .collect::<Vec<_>>()
                );
            }
            if ours == theirs {
                closes += 1;
            } else {
                differences.push(format!("{name} #{number}: close {ours:?}, oracle {theirs:?}"));
            }
            let (client, server) = if client_is_originator {
                (counted.originator, counted.responder)
            } else {
                (counted.responder, counted.originator)
            };
            let expected = (stream["client_bytes"].as_u64(), stream["server_bytes"].as_u64());
            if expected == (Some(client), Some(server)) {
                octets += 1;
            } else {
                differences.push(format!(
                    "{name} #{number}: octets {client}/{server}, oracle {expected:?} {} {}",
                    flow.history, stream["encap"]
                ));
            }
        }
    }
    println!("{streams} streams: {closes} closes agree, {octets} octet counts agree");
    for difference in &differences {
        println!("  {difference}");
    }
}
