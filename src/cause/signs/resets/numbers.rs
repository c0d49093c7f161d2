//! Sequence and acknowledgment numbers that no stack of the sender's would send.

use crate::capture::segment::SeqNumber;
use crate::cause::CauseKind;
use crate::cause::signs::{Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{Evidence, headers};
use crate::time::Span;

use super::{Class, Reset};

/// A second reset with a higher sequence number that was never sent: an injector that races the data.
///
/// Rule (RST_SEQ_CHANGE): of two resets in a row within 2 s the second is more than 2 above the first,
/// above all that the sender was seen to send before it and more than 2 above all that the appliance
/// acknowledged until then; no FIN of the sender and no close of the appliance before the first. Decisive where a third rises above it.
/// Source: Weaver, Sommer, Paxson, NDSS 2009, table 3, by its public port gfc_rst_detector.py.
/// The answers of a closed host to several packets in flight bear different numbers, too, but only
/// such as the appliance asked for.
pub const RISING_SEQUENCE: Rule = Rule {
    name: "second_reset_with_unsent_sequence",
    group: Group::Numbers,
    supports: &[CauseKind::MiddleboxReset],
};

/// Two resets with ACK within 2 s whose acknowledgments differ and acknowledge what was never sent.
///
/// Source: OONI's condensed RST_ACK_CHANGE. A peer that received more between two active resets
/// acknowledges what was sent, which is left out.
pub const DIFFERENT_ACKS: Rule = Rule {
    name: "resets_with_different_acks",
    group: Group::Numbers,
    supports: &[CauseKind::MiddleboxReset],
};

/// Two resets within 10 ms at the same number that differ in TTL, or in the window by one.
///
/// Source: gfw.report 2025-08 (three resets, windows rising by one). Frames that the capture holds twice
/// are left out before; the answers of a closed host are alike in both.
pub const BURST: Rule =
    Rule { name: "burst_of_unlike_resets", group: Group::Numbers, supports: &[CauseKind::MiddleboxReset] };

/// The reset lies behind what the appliance had received already: it was made from an older packet.
///
/// Rule: class [`Class::Active`] or [`Class::Neither`], at least one octet behind, within 2 s of the sender's
/// last octets, and those the furthest that it has sent: a sender that begins anew after a time-out, and stacks
/// that are closed meanwhile, reset behind what they had sent before. Moderate: packets overtake each other
/// on parallel links. Source: MIDDLEBOX 1.5.
pub const STALE_SEQUENCE: Rule = Rule {
    name: "reset_behind_received_data",
    group: Group::Numbers,
    supports: &[CauseKind::MiddleboxReset],
};

/// How far apart two resets of one event are at the most.
const PAIR_WITHIN: Span = Span::from_seconds(2);
/// How far apart the resets of a burst are at the most.
const BURST_WITHIN: Span = Span::from_millis(10);
/// How long after the sender's last octets a reset still comes from a device that watched them.
const STALE_WITHIN: Span = Span::from_seconds(2);
/// Numbers this near to each other are the same event's (an RST behind a FIN).
const SLACK: i64 = 2;

pub(super) fn stale(evidence: &Evidence<'_>, reset: &Reset<'_>, found: &mut Vec<Sign>) {
    if !matches!(reset.class, Class::Active | Class::Neither) || !reset.header.flags.ack() {
        return;
    }
    let Some(expected) = reset.expected else { return };
    let behind = expected.beyond(SeqNumber(reset.header.seq));
    let mut data = headers::before(reset.trace, reset.header, evidence.sender())
        .into_iter()
        .rev()
        .filter(|header| header.payload > 0 && !header.flags.rst());
    let Some(last) = data.next() else { return };
    let lately = reset.header.at.time.since(last.at.time) <= STALE_WITHIN;
    let sent_again = data.any(|header| SeqNumber(header.seq).beyond(SeqNumber(last.seq)) >= 0);
    if behind < 1 || !lately || sent_again {
        return;
    }
    found.push(Sign {
        rule: &STALE_SEQUENCE,
        points_at: PointsAt::Middlebox,
        strength: Strength::Moderate,
        frames: vec![last.at.frame, reset.header.at.frame],
        numbers: vec![("behind", behind as f64)],
        detail: format!(
            "the reset lies {behind} octets behind what had come from the sender already: it was made from an \
             older packet"
        ),
    });
}

pub(super) fn pairs(evidence: &Evidence<'_>, resets: &[Reset<'_>], found: &mut Vec<Sign>) {
    for (number, pair) in resets.windows(2).enumerate() {
        let [one, next] = pair else { continue };
        let apart = next.header.at.time.since(one.header.at.time);
        if apart > PAIR_WITHIN {
            continue;
        }
        let third = resets.get(number.saturating_add(2));
        let again = third.is_some_and(|third| {
            third.header.at.time.since(next.header.at.time) <= PAIR_WITHIN
                && SeqNumber(third.header.seq).beyond(SeqNumber(next.header.seq)) > SLACK
        });
        rising(evidence, one, next, again, found);
        acks(evidence, one, next, found);
        if apart <= BURST_WITHIN {
            burst(one, next, found);
        }
    }
}

/// `again`: a third reset rises above the second.
fn rising(evidence: &Evidence<'_>, one: &Reset<'_>, next: &Reset<'_>, again: bool, found: &mut Vec<Sign>) {
    let seq = SeqNumber(next.header.seq);
    let rise = seq.beyond(SeqNumber(one.header.seq));
    let theirs = headers::before(one.trace, one.header, evidence.sender());
    let ours = headers::before(one.trace, one.header, evidence.appliance());
    let closed = theirs.iter().any(|header| header.flags.fin())
        || ours.iter().any(|header| header.flags.fin() || header.flags.rst());
    // What came between the two, overtaken by the first, counts as sent.
    let theirs = headers::before(next.trace, next.header, evidence.sender());
    let ours = headers::before(next.trace, next.header, evidence.appliance());
    let above_sent = headers::next_number(theirs).is_some_and(|sent| seq.beyond(sent) > 0);
    let above_acked = headers::highest_ack(ours).is_some_and(|acked| seq.beyond(acked) > SLACK);
    if closed || rise <= SLACK || !above_sent || !above_acked {
        return;
    }
    found.push(Sign {
        rule: &RISING_SEQUENCE,
        points_at: PointsAt::Middlebox,
        strength: if again { Strength::Decisive } else { Strength::Strong },
        frames: vec![one.header.at.frame, next.header.at.frame],
        numbers: vec![("rise", rise as f64)],
        detail: format!(
            "a second reset lies {rise} octets above the first, beyond all that the sender sent: a device \
             that races the data sends such pairs, a host does not"
        ),
    });
}

fn acks(evidence: &Evidence<'_>, one: &Reset<'_>, next: &Reset<'_>, found: &mut Vec<Sign>) {
    let both = one.header.flags.ack() && next.header.flags.ack();
    let (first, second) = (one.header.ack, next.header.ack);
    let ours = headers::before(next.trace, next.header, evidence.appliance());
    let sent = headers::next_number(ours);
    let unsent = |ack: u32| sent.is_some_and(|sent| SeqNumber(ack).beyond(sent) > 0);
    if !both || first == second || first == 0 || second == 0 || !(unsent(first) || unsent(second)) {
        return;
    }
    found.push(Sign {
        rule: &DIFFERENT_ACKS,
        points_at: PointsAt::Middlebox,
        strength: Strength::Strong,
        frames: vec![one.header.at.frame, next.header.at.frame],
        numbers: vec![("difference", SeqNumber(second).beyond(SeqNumber(first)) as f64)],
        detail: "two resets acknowledge different numbers, and not all of it was ever sent: guesses"
            .to_owned(),
    });
}

fn burst(one: &Reset<'_>, next: &Reset<'_>, found: &mut Vec<Sign>) {
    let (first, second) = (one.header, next.header);
    let windows = first.window.abs_diff(second.window) == 1;
    let ttls = first.ttl != second.ttl;
    if first.seq != second.seq || !(windows || ttls) {
        return;
    }
    let what = if ttls {
        format!("TTL {} and {}", first.ttl, second.ttl)
    } else {
        format!("windows {} and {}", first.window, second.window)
    };
    found.push(Sign {
        rule: &BURST,
        points_at: PointsAt::Middlebox,
        strength: Strength::Strong,
        frames: vec![first.at.frame, second.at.frame],
        numbers: vec![("ttl_difference", f64::from(first.ttl.abs_diff(second.ttl)))],
        detail: format!("two resets at one number within 10 ms differ ({what}): no host sends such a pair"),
    });
}

#[cfg(test)]
mod tests {
    use super::super::FAMILY;
    use super::*;
    use crate::capture::segment::Flags;
    use crate::capture::trace::SegmentHeader;
    use crate::cause::testing::{ISN, Scene, appliance, reset, sender};

    fn at(seq: u32, millis: i64) -> SegmentHeader {
        SegmentHeader { seq: ISN.0 + 1 + seq, ..reset(millis) }
    }

    #[test]
    fn an_injector_races_with_numbers_never_sent() {
        let scene = Scene::with_headers([appliance(0), at(0, 10), at(1460, 11), at(4380, 12)]);
        assert_eq!(scene.named(FAMILY.read, RISING_SEQUENCE.name).len(), 1);
        // What the first of two had overtaken came before the second.
        let overtaken = SegmentHeader { payload: 1460, ..sender(11) };
        let scene = Scene::with_headers([appliance(0), at(0, 10), overtaken, at(1460, 12)]);
        assert!(scene.named(FAMILY.read, RISING_SEQUENCE.name).is_empty());
    }

    /// A closed host answers each packet in flight at the number that the packet asked for.
    #[test]
    fn answers_to_packets_in_flight_race_nobody() {
        let asked = |ack, millis| SegmentHeader { ack: ISN.0 + 1 + ack, payload: 50, ..appliance(millis) };
        let sent = |seq, millis| SegmentHeader { seq: ISN.0 + 1 + seq, payload: 1000, ..sender(millis) };
        let bare = |seq, millis| SegmentHeader { flags: Flags::RST, ack: 0, window: 0, ..at(seq, millis) };
        let headers =
            [sent(0, 0), sent(1000, 1), asked(1000, 5), asked(2000, 6), bare(1000, 40), bare(2000, 41)];
        let scene = Scene::with_headers(headers);
        for rule in [RISING_SEQUENCE, DIFFERENT_ACKS, BURST, STALE_SEQUENCE] {
            assert!(scene.named(FAMILY.read, rule.name).is_empty(), "{}", rule.name);
        }
    }

    #[test]
    fn acks_of_what_was_never_sent_are_guesses() {
        let guess = |ack, millis| SegmentHeader { ack: ISN.1 + 1 + ack, ..reset(millis) };
        let scene = Scene::with_headers([appliance(0), guess(2000, 10), guess(4000, 11)]);
        assert_eq!(scene.named(FAMILY.read, DIFFERENT_ACKS.name).len(), 1);
        let more = SegmentHeader { payload: 100, ..appliance(0) };
        let scene = Scene::with_headers([more, guess(0, 10), guess(100, 11)]);
        assert!(scene.named(FAMILY.read, DIFFERENT_ACKS.name).is_empty());
    }

    #[test]
    fn unlike_twins_are_a_devices() {
        let windows =
            [SegmentHeader { window: 1980, ..at(0, 10) }, SegmentHeader { window: 1981, ..at(0, 11) }];
        assert_eq!(Scene::with_headers(windows).named(FAMILY.read, BURST.name).len(), 1);
        assert!(Scene::with_headers([at(0, 10), at(0, 11)]).named(FAMILY.read, BURST.name).is_empty());
        let later = [SegmentHeader { ttl: 60, ..at(0, 10) }, at(0, 500)];
        assert!(Scene::with_headers(later).named(FAMILY.read, BURST.name).is_empty());
    }

    #[test]
    fn a_reset_behind_the_data_was_made_from_an_older_packet() {
        let data = SegmentHeader { payload: 1460, ..sender(0) };
        let ours = SegmentHeader { ack: ISN.0 + 1 + 1460, ..appliance(1) };
        let scene = Scene::with_headers([data, ours, at(0, 5)]);
        assert_eq!(scene.named(FAMILY.read, STALE_SEQUENCE.name)[0].numbers, [("behind", 1460.0)]);
        // The same octets came twice: packets overtake each other here.
        let scene = Scene::with_headers([data, data, ours, at(0, 5)]);
        assert!(scene.named(FAMILY.read, STALE_SEQUENCE.name).is_empty());
        // After a time-out the sender begins anew, and is closed there.
        let again = SegmentHeader { payload: 500, ..sender(400) };
        let scene = Scene::with_headers([data, ours, again, at(500, 405)]);
        assert!(scene.named(FAMILY.read, STALE_SEQUENCE.name).is_empty());
    }
}
