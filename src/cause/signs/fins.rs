//! A FIN that bears the sender's address. It nearly always comes from a real stack: the sender's, or
//! that of a proxy that ends its connection.

use crate::capture::segment::SeqNumber;
use crate::cause::CauseKind;
use crate::cause::signs::resets::distance;
use crate::cause::signs::{Family, Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{Evidence, headers};
use crate::time::Span;

/// The sender goes on beyond "its own" FIN: octets with higher numbers than the FIN's follow it.
///
/// A FIN is the end of its stream (RFC 9293 section 3.6). Decisive with two segments, strong with one.
/// Raised falsely by a FIN of an older connection on the same ports. Source: MIDDLEBOX 1.13 (Zeek
/// `FIN_advanced_last_seq`).
pub const GOES_ON_BEYOND_FIN: Rule = Rule {
    name: "sender_goes_on_beyond_its_fin",
    group: Group::Aftermath,
    supports: &[CauseKind::MiddleboxReset],
};

/// A FIN in mid-transaction, and then a reset that only answers what the appliance still said: a program
/// that ended, and its host that forgot the connection.
///
/// Source: MIDDLEBOX 1.13, measured on Linux, Windows and macOS.
pub const PROGRAM_ENDED: Rule = Rule {
    name: "fin_then_reset_of_late_words",
    group: Group::Aftermath,
    supports: &[CauseKind::SenderClosed],
};

/// The FIN has the TTL of a steady flow.
pub const FIN_TTL_AS_FLOW: Rule =
    Rule { name: "fin_ttl_as_the_flow", group: Group::Distance, supports: &[CauseKind::SenderClosed] };

/// The FIN's TTL is not the one of the flow: see [`distance::TTL_DIFFERS`].
pub const FIN_TTL_DIFFERS: Rule =
    Rule { name: "fin_ttl_differs", group: Group::Distance, supports: &[CauseKind::MiddleboxReset] };

/// See the module.
pub const FAMILY: Family =
    Family { rules: &[&GOES_ON_BEYOND_FIN, &PROGRAM_ENDED, &FIN_TTL_AS_FLOW, &FIN_TTL_DIFFERS], read };

/// How much later than an answer's round trip a reset may come and still be the answer.
const ANSWER_SLACK: Span = Span::from_millis(200);

fn read(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let Some(trace) = evidence.trace() else { return };
    let sender = evidence.sender();
    let Some(fin) = headers::all(trace).find(|header| header.by == sender && header.flags.fin()) else {
        return;
    };
    let beyond: Vec<_> = headers::behind(trace, fin, sender)
        .take_while(|header| !header.flags.syn())
        .filter(|header| header.payload > 0 && header.behind().beyond(fin.behind()) > 0)
        .collect();
    if let Some(first) = beyond.first() {
        found.push(Sign {
            rule: &GOES_ON_BEYOND_FIN,
            points_at: PointsAt::Middlebox,
            strength: if beyond.len() >= 2 { Strength::Decisive } else { Strength::Strong },
            frames: vec![fin.at.frame, first.at.frame],
            numbers: vec![("segments", beyond.len() as f64)],
            detail: format!(
                "{} segments of the sender carry octets beyond the FIN that bears its address",
                beyond.len()
            ),
        });
    }
    distance::compare(evidence, fin, "FIN", &FIN_TTL_AS_FLOW, &FIN_TTL_DIFFERS, found);
    program_ended(evidence, fin, found);
}

fn program_ended(evidence: &Evidence<'_>, fin: &crate::capture::trace::SegmentHeader, found: &mut Vec<Sign>) {
    let Some(trace) = evidence.trace() else { return };
    let words = headers::behind(trace, fin, evidence.appliance()).find(|header| header.payload > 0);
    let Some(words) = words else { return };
    let within = headers::shortest_round_trip(evidence.sender_stream()).unwrap_or(ANSWER_SLACK);
    let until = words.at.time.plus(within).plus(ANSWER_SLACK);
    let answer = headers::behind(trace, words, evidence.sender()).find(|header| {
        header.flags.rst()
            && !header.flags.ack()
            && header.at.time <= until
            && SeqNumber(header.seq).beyond(fin.behind()) == 0
    });
    let Some(answer) = answer else { return };
    found.push(Sign {
        rule: &PROGRAM_ENDED,
        points_at: PointsAt::Sender,
        strength: Strength::Strong,
        frames: vec![fin.at.frame, words.at.frame, answer.at.frame],
        numbers: vec![("answered_seconds", answer.at.time.since(words.at.time).seconds())],
        detail:
            "after its FIN the sender's host answered the appliance's late words with a reset: the program \
                 that had the connection was gone"
                .to_owned(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::segment::Flags;
    use crate::capture::trace::SegmentHeader;
    use crate::cause::testing::{ISN, Scene, TTL, appliance, reset, sender};

    fn fin(millis: i64) -> SegmentHeader {
        SegmentHeader { flags: Flags::FIN.with(Flags::ACK), ..sender(millis) }
    }

    #[test]
    fn octets_beyond_a_fin_are_no_end() {
        let data = |seq, millis| SegmentHeader { seq: ISN.0 + 1 + seq, payload: 100, ..sender(millis) };
        let scene = Scene::with_headers([fin(0), data(0, 100), data(100, 200)]);
        assert_eq!(scene.named(read, GOES_ON_BEYOND_FIN.name)[0].strength, Strength::Decisive);
        // The FIN's own octets sent again, and octets before it.
        let again = SegmentHeader { seq: ISN.0 + 1 - 100, payload: 100, ..sender(100) };
        let scene = Scene::with_headers([fin(0), again]);
        assert!(scene.named(read, GOES_ON_BEYOND_FIN.name).is_empty());
    }

    #[test]
    fn a_program_that_ended_leaves_its_host_to_answer() {
        let words = SegmentHeader { ack: ISN.0 + 2, payload: 40, ..appliance(5) };
        let bare =
            |millis| SegmentHeader { flags: Flags::RST, seq: ISN.0 + 2, ack: 0, window: 0, ..reset(millis) };
        assert_eq!(Scene::with_headers([fin(0), words, bare(46)]).named(read, PROGRAM_ENDED.name).len(), 1);
        assert!(Scene::with_headers([fin(0), words, bare(900)]).named(read, PROGRAM_ENDED.name).is_empty());
        assert!(Scene::with_headers([fin(0), bare(46)]).named(read, PROGRAM_ENDED.name).is_empty());
    }

    #[test]
    fn a_fin_from_elsewhere_is_told_by_its_ttl() {
        let far = SegmentHeader { ttl: TTL + 9, ..fin(0) };
        // The forged FIN is among the habits of the flow, so the flow varies.
        let scene = Scene::with_headers([far]);
        assert_eq!(scene.named(read, FIN_TTL_DIFFERS.name)[0].strength, Strength::Moderate);
        assert!(Scene::with_headers([fin(0)]).named(read, FIN_TTL_DIFFERS.name).is_empty());
        assert_eq!(Scene::with_headers([fin(0)]).named(read, FIN_TTL_AS_FLOW.name).len(), 1);
    }
}
