//! Debug logs as the appliance writes them, of the octets that a capture shows.

use std::collections::HashMap;

use mailwitness::capture::{
    CaptureInput, Chunk, Conversation, Flow, FlowSink, FlowStart, Gap, Interest, Options, OriginatorFrom,
    Side, follow,
};
use mailwitness::cite::{CaptureId, Moment};
use mailwitness::net::Leg;
use mailwitness::time::Span;

use crate::cases::Case;

/// A line of a debug log, its octets plain.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    leg: Leg,
    /// The ICID or DCID.
    pub(crate) id: u64,
    /// By the appliance.
    pub(crate) sent: bool,
    pub(crate) octets: Vec<u8>,
    /// The frame, and the time by the appliance's clock.
    pub(crate) at: Moment,
    peer: String,
}

/// The log that the appliance would have written of the capture: of every connection that the capture holds in clear
/// from its handshake on and without a gap, and that only one flow can be.
pub(crate) fn made_from_wire(case: &Case) -> Vec<Line> {
    let told = |key: &str, leg: Leg, id: &str| -> Vec<(String, (Leg, u64))> {
        let list = case.expected[key].as_array().cloned().unwrap_or_default();
        list.iter()
            .filter_map(|one| Some((one["client"].as_str()?.to_owned(), (leg, one[id].as_u64()?))))
            .collect()
    };
    let ids: HashMap<String, (Leg, u64)> = [
        told("cases", Leg::Injection, "icid"),
        told("finished", Leg::Injection, "icid"),
        told("deliveries", Leg::Delivery, "dcid"),
    ]
    .concat()
    .into_iter()
    .collect();
    let inputs = (0u16..).zip(&case.captures);
    let inputs = inputs.map(|(id, name)| CaptureInput::new(CaptureId(id), case.folder.join(name))).collect();
    let (flows, _) = follow(inputs, &Options::default(), Flows::default(), &|_| {});
    let mut of_id: HashMap<(Leg, u64), Vec<(Flow, Pieces)>> = HashMap::new();
    for (flow, pieces) in flows.0 {
        if let Some(id) = ids.get(&flow.endpoints.originator.to_string()) {
            of_id.entry(*id).or_default().push((flow, pieces));
        }
    }
    let ahead = Span::from_seconds(case.clock_ahead());
    let mut lines: Vec<Line> = Vec::new();
    for ((leg, id), mut flows) in of_id {
        let Some((flow, pieces)) = flows.pop().filter(|_| flows.is_empty()) else { continue };
        let starttls =
            |(_, octets, _): &(Side, Vec<u8>, Moment)| octets.eq_ignore_ascii_case(b"STARTTLS\r\n");
        let from_its_start = flow.originator_from == OriginatorFrom::Handshake;
        if pieces.holed || !from_its_start || pieces.said.iter().any(starttls) {
            continue;
        }
        let (own, peer) = match leg {
            Leg::Injection => (Side::Responder, flow.endpoints.originator.ip),
            Leg::Delivery => (Side::Originator, flow.endpoints.responder.ip),
        };
        // Octets that came before others that belong before them were heard with those.
        let mut heard: HashMap<bool, Moment> = HashMap::new();
        lines.extend(pieces.said.into_iter().map(|(side, octets, at)| {
            let sent = side == own;
            let last = heard.entry(sent).or_insert(at);
            *last = (*last).max(at);
            let at = Moment { time: last.time.plus(ahead), ..*last };
            Line { leg, id, sent, octets, at, peer: case.as_met(peer).to_string() }
        }));
    }
    // Sessions are mixed, as the appliance would have it.
    lines.sort_by_key(|line| (line.at, line.id));
    lines
}

/// As the appliance writes it: three lines of head, one hour ahead of UTC, octal escapes.
pub(crate) fn written(lines: &[Line]) -> String {
    let stamp = |at: &Moment| {
        let local = chrono::DateTime::from_timestamp(at.time.seconds() + 3600, 0).unwrap();
        local.format("%a %b %e %H:%M:%S %Y Info:").to_string()
    };
    let first = lines.first().map(|line| stamp(&line.at)).unwrap_or_default();
    let mut log =
        format!("{first} Begin Logfile\n{first} Version: 14.2.0-620 SN: 42190A0B0C0D0E0F1011-00005E005319\n");
    log += &format!("{first} Time offset from UTC: 3600 seconds\n");
    for line in lines {
        let mut octets = String::new();
        for &octet in &line.octets {
            match octet {
                b'\'' | b'\\' => octets += &format!("\\{}", char::from(octet)),
                0x20..=0x7e => octets.push(char::from(octet)),
                _ => octets += &format!("\\{octet:03o}"),
            }
        }
        let words = match (line.leg, line.sent) {
            (Leg::Injection, true) => format!("Sent to '{}'", line.peer),
            (Leg::Injection, false) => format!("Rcvd from '{}'", line.peer),
            (Leg::Delivery, true) => "Sent".to_owned(),
            (Leg::Delivery, false) => "Rcvd".to_owned(),
        };
        log += &format!("{} {} {words}: '{octets}'\n", stamp(&line.at), line.id);
    }
    log
}

#[derive(Default)]
struct Pieces {
    said: Vec<(Side, Vec<u8>, Moment)>,
    /// Octets are missing: a log made of the rest would tell of less than was said.
    holed: bool,
}

impl Conversation for Pieces {
    fn data(&mut self, side: Side, chunk: Chunk<'_>) -> Interest {
        self.said.push((side, chunk.bytes.to_vec(), chunk.at));
        Interest::Octets
    }

    fn gap(&mut self, _: Side, _: Gap) -> Interest {
        self.holed = true;
        Interest::Octets
    }

    fn end_of_stream(&mut self, _: Side, _: u64, _: Moment, _: u64) {}
}

#[derive(Default)]
struct Flows(Vec<(Flow, Pieces)>);

impl FlowSink for Flows {
    type Conversation = Pieces;

    fn open(&mut self, _: &FlowStart) -> Pieces {
        Pieces::default()
    }

    fn close(&mut self, flow: Flow, pieces: Pieces) {
        self.0.push((flow, pieces));
    }
}
