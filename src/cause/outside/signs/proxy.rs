//! A proxy between the two captures, and who closed first.

use crate::cause::outside::signs::sign;
use crate::cause::outside::{Comparison, Packet};
use crate::cause::signs::{Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{CauseKind, Evidence};
use crate::time::Timestamp;

/// The sender and the appliance have a connection each, with a proxy between them: the octets are the same and
/// the packets are not (their timestamps or IP IDs, the numbers or the look of the SYN), the
/// sender's handshake was over before the appliance's had begun, or octets were acknowledged to the sender that the
/// appliance never got.
///
/// It says nothing of who ended the connection. A firewall that only shifts sequence numbers leaves timestamps
/// and IP IDs alone, and does not raise it; see [`crate::cause::outside::Passage`].
/// Source: MIDDLEBOX 2.7.
pub const TWO_CONNECTIONS: Rule =
    Rule { name: "two_connections_with_a_proxy_between", group: Group::Shape, supports: &[] };

/// The proxy closed its connection to the appliance before the sender closed the other one.
///
/// Raised falsely where the outside capture lacks the sender's close, so it must cover the time and not be known
/// to lack frames.
pub const PROXY_CLOSED: Rule =
    Rule { name: "closed_by_the_proxy", group: Group::Outside, supports: &[CauseKind::MiddleboxProxy] };

/// The proxy acknowledged octets of one end and never passed them on to the other.
pub const PROXY_KEEPS: Rule =
    Rule { name: "kept_by_the_proxy", group: Group::Outside, supports: &[CauseKind::MiddleboxProxy] };

/// The sender closed or fell silent first, and the proxy passed that on.
pub const PROXY_PASSES_ON: Rule = Rule {
    name: "senders_end_passed_on_by_the_proxy",
    group: Group::Outside,
    supports: &[CauseKind::SenderClosed, CauseKind::SenderReset, CauseKind::SenderStalled],
};

pub(super) fn read(evidence: &Evidence<'_>, comparison: &Comparison, found: &mut Vec<Sign>) {
    found.push(two_connections(comparison));
    if !comparison.covered {
        return;
    }
    let close = evidence.session.flow.closes.effective;
    match close.filter(|close| close.by == evidence.sender()) {
        Some(close) => closed(comparison, close.at.time, close.at.frame, found),
        None if evidence.ends_by_silence() => silent(evidence, comparison, found),
        None => {}
    }
}

fn two_connections(comparison: &Comparison) -> Sign {
    let identity = &comparison.identity;
    let mut marks = Vec::new();
    if identity.other > 0 {
        marks.push(format!(
            "{} of {} packets with the same octets bear other timestamps or IP IDs",
            identity.other,
            identity.other + identity.same
        ));
    }
    if identity.renumbered.contains(&true) {
        marks.push("the sequence numbers are others".to_owned());
    }
    if identity.looks_differ {
        marks.push("the SYNs come from different stacks".to_owned());
    }
    if identity.answered_first {
        marks
            .push("the sender's handshake was over before its SYN can have reached the appliance".to_owned());
    }
    if identity.acknowledged_in_between > 0 {
        marks.push(format!(
            "{} octets were acknowledged to the sender that the appliance never got",
            identity.acknowledged_in_between
        ));
    }
    let detail = format!(
        "a proxy in between ends the sender's connection and has one of its own with the appliance: {}",
        marks.join("; ")
    );
    let numbers = [
        ("other_packets", identity.other as f64),
        ("same_packets", identity.same as f64),
        ("octets_acknowledged_in_between", identity.acknowledged_in_between as f64),
    ];
    let mut sign = sign(&TWO_CONNECTIONS, PointsAt::Middlebox, vec![comparison.first], comparison, detail);
    sign.strength = Strength::Strong;
    sign.numbers.extend(numbers);
    sign
}

/// `at`, `frame`: the close in the sender's name inside.
fn closed(comparison: &Comparison, at: Timestamp, frame: crate::cite::FrameRef, found: &mut Vec<Sign>) {
    let Comparison { clock, first_closes: [sender, appliance], .. } = comparison;
    let by_our_clock = |packet: &Packet| packet.at.time.minus(clock.ahead);
    let sure = clock.give_or_take;
    // It may have been before, as far as the clocks tell.
    let before = |packet: &&Packet| by_our_clock(packet).minus(sure) <= at;
    let told_before = |of: &Packet| appliance.is_some_and(|close| close.at.time < of.at.time);
    match sender.as_ref().filter(before) {
        Some(of) if !told_before(of) => found.push(sign(
            &PROXY_PASSES_ON,
            PointsAt::Sender,
            vec![of.at.frame, frame],
            comparison,
            format!(
                "the sender's own connection ended first, by its {}: the proxy passed that on",
                super::kind(of)
            ),
        )),
        _ => {
            let later = match sender {
                Some(of) => format!(
                    ", {:.3} s before the sender's own {}",
                    by_our_clock(of).since(at).seconds(),
                    super::kind(of)
                ),
                None => ", and the sender closed nothing".to_owned(),
            };
            let told = appliance.as_ref().filter(|close| sender.is_none_or(|of| close.at.time < of.at.time));
            let told = told.map_or("", |_| "; the sender was closed off by the proxy as well");
            let frames = [Some(frame), sender.map(|of| of.at.frame), appliance.map(|of| of.at.frame)];
            found.push(sign(
                &PROXY_CLOSED,
                PointsAt::Middlebox,
                frames.into_iter().flatten().collect(),
                comparison,
                format!("the proxy closed its connection to the appliance by itself{later}{told}"),
            ));
        }
    }
}

fn silent(evidence: &Evidence<'_>, comparison: &Comparison, found: &mut Vec<Sign>) {
    let kept = comparison.identity.acknowledged_in_between;
    if kept > 0 {
        let detail = format!(
            "the proxy acknowledged {kept} octets to the sender and never passed them on to the appliance"
        );
        let frames = comparison.dropped.frames.clone();
        found.push(sign(&PROXY_KEEPS, PointsAt::Middlebox, frames, comparison, detail));
    } else if comparison.dropped_to_sender.count > 0 && comparison.whole {
        let detail = format!(
            "the proxy took {} octets of the appliance and never passed them on to the sender",
            comparison.dropped_to_sender.count
        );
        let frames = comparison.dropped_to_sender.frames.clone();
        found.push(sign(&PROXY_KEEPS, PointsAt::Middlebox, frames, comparison, detail));
    } else if evidence.sender_stalled()
        && comparison.whole
        && comparison.dropped.count == 0
        && comparison.sender_heard_all
    {
        let detail = format!(
            "the sender's own connection has the same {} octets and nothing behind them: the proxy passed on all",
            comparison.octets
        );
        found.push(sign(&PROXY_PASSES_ON, PointsAt::Sender, Vec::new(), comparison, detail));
    }
}
