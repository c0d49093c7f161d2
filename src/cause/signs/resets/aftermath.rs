//! What the sender's address went on to say after its reset, and the challenge ACK's dialogue.

use crate::capture::segment::SeqNumber;
use crate::cause::CauseKind;
use crate::cause::signs::{Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{Evidence, headers};
use crate::time::Span;

use super::{Class, Reset};

/// The sender goes on after "its own" reset. A host that resets a connection forgets it; from there on
/// it has only resets to send (RFC 9293 section 3.10.7.1).
///
/// Rule: a segment of the sender that is no RST and no SYN comes more than 1.5 round trips and 10 ms
/// after the reset. One: strong; two, or gaps that double as a retransmission timer's do: decisive.
/// Source: MIDDLEBOX 1.1 (measured; Weaver, Sommer, Paxson 2009; Suricata sid 2210058).
/// Raised falsely by reordering (the delay guards against it, and IP IDs: what was sent before the reset bears an
/// older one than the reset, where that goes on from the sender's count), by frames that the capture
/// holds twice (left out before), and by a new connection on the same ports (a SYN ends the search).
pub const KEEPS_TALKING: Rule = Rule {
    name: "sender_goes_on_after_its_reset",
    group: Group::Aftermath,
    supports: &[CauseKind::MiddleboxReset],
};

/// Octets at the reset's own number, or beyond it, come behind it.
///
/// A host resets at the number behind all that it has sent (RFC 9293 section 3.10.5), so nothing it sent before
/// can lie there, and it sends nothing afterwards. Rule: class [`Class::Active`] or [`Class::Neither`], a
/// payload, no SYN between, no older IP ID than the last segment's or the reset's own. One: strong; two: decisive. The delay
/// does not matter, which catches what was in flight when a device reset both ends.
/// Raised falsely by a new connection on the same ports whose SYN was not captured.
pub const DATA_AT_ITS_NUMBER: Rule = Rule {
    name: "data_at_the_resets_number",
    group: Group::Aftermath,
    supports: &[CauseKind::MiddleboxReset],
};

/// A reset that was not exact drew a challenge ACK, and an exact one with the sender's TTL answered it:
/// whoever sent the first has the connection's true end behind it (RFC 5961 section 3.2).
pub const CHALLENGE_ANSWERED: Rule =
    Rule { name: "challenge_ack_answered", group: Group::Aftermath, supports: &[CauseKind::SenderReset] };

/// A reset that was not exact drew a challenge ACK that nobody answered, and the sender went on.
///
/// A genuine host that reset the connection answers the challenge with an exact reset. Raised falsely
/// where that answer was lost; then the sender would not go on, so data behind it is asked for.
pub const CHALLENGE_UNANSWERED: Rule = Rule {
    name: "challenge_ack_unanswered",
    group: Group::Aftermath,
    supports: &[CauseKind::MiddleboxReset],
};

/// The least delay after which a segment counts as sent after the reset.
const LEAST_DELAY: Span = Span::from_millis(10);
/// The same in round trips.
const DELAY_ROUND_TRIPS: f64 = 1.5;
/// The delay where no round trip is known.
const USUAL_DELAY: Span = Span::from_millis(500);
/// A challenge ACK leaves at once.
const CHALLENGE_WITHIN: Span = Span::from_millis(50);
/// Gaps count as doubling within this share.
const BACK_OFF_TOLERANCE: f64 = 0.25;
/// IP IDs this near to each other are of one count, whatever else the host sends meanwhile.
const SAME_COUNT: u16 = 64;
/// Frames cited.
const MAX_FRAMES: usize = 8;

pub(super) fn read(evidence: &Evidence<'_>, reset: &Reset<'_>, found: &mut Vec<Sign>) {
    if reset.class == Class::Refusal {
        return;
    }
    let later = later_segments(evidence, reset);
    keeps_talking(reset, &later, found);
    data_behind(evidence, reset, found);
    challenge(evidence, reset, !later.is_empty(), found);
}

/// The sender's segments that were sent after the reset for certain.
fn later_segments<'a>(
    evidence: &Evidence<'a>,
    reset: &Reset<'a>,
) -> Vec<&'a crate::capture::trace::SegmentHeader> {
    let delay = headers::shortest_round_trip(evidence.sender_stream()).map_or(USUAL_DELAY, |round_trip| {
        let trips = (round_trip.nanos() as f64 * DELAY_ROUND_TRIPS) as i64;
        Span::from_nanos(trips).max(LEAST_DELAY)
    });
    let from = reset.header.at.time.plus(delay);
    headers::behind(reset.trace, reset.header, evidence.sender())
        .take_while(|header| !header.flags.syn())
        .filter(|header| !header.flags.rst() && header.at.time > from && !overtaken(reset, header))
        .collect()
}

/// Whether a segment bears an older IP ID than the sender's last one before the reset, or than a reset that goes on
/// from there (this one, or one before it): it was overtaken.
fn overtaken(reset: &Reset<'_>, header: &crate::capture::trace::SegmentHeader) -> bool {
    let (Some(id), Some(last)) = (header.ip_id, reset.last.and_then(|last| last.ip_id)) else { return false };
    if id == 0 || last == 0 {
        return false;
    }
    let soon_after = |id: u16, earlier: u16| (1..=SAME_COUNT).contains(&id.wrapping_sub(earlier));
    let counted = headers::before(reset.trace, reset.header, reset.header.by)
        .into_iter()
        .rev()
        .take_while(|other| other.flags.rst())
        .chain([reset.header])
        .filter_map(|other| other.ip_id.filter(|own| *own != 0 && soon_after(*own, last)));
    soon_after(last, id) || counted.into_iter().any(|own| soon_after(own, id))
}

fn data_behind(evidence: &Evidence<'_>, reset: &Reset<'_>, found: &mut Vec<Sign>) {
    if !matches!(reset.class, Class::Active | Class::Neither) {
        return;
    }
    let number = SeqNumber(reset.header.seq);
    let data: Vec<_> = headers::behind(reset.trace, reset.header, evidence.sender())
        .take_while(|header| !header.flags.syn())
        .filter(|header| header.payload > 0 && !header.flags.rst() && !overtaken(reset, header))
        .filter(|header| SeqNumber(header.seq).beyond(number) >= 0)
        .collect();
    let Some(first) = data.first() else { return };
    found.push(Sign {
        rule: &DATA_AT_ITS_NUMBER,
        points_at: PointsAt::Middlebox,
        strength: if data.len() >= 2 { Strength::Decisive } else { Strength::Strong },
        frames: std::iter::once(reset.header.at.frame)
            .chain(data.iter().take(MAX_FRAMES).map(|header| header.at.frame))
            .collect(),
        numbers: vec![
            ("segments", data.len() as f64),
            ("beyond", SeqNumber(first.seq).beyond(number) as f64),
        ],
        detail: format!(
            "{} of the sender's segments with octets at the reset's number or beyond come behind it; a host resets \
             at the end of all that it sends",
            data.len()
        ),
    });
}

fn keeps_talking(reset: &Reset<'_>, later: &[&crate::capture::trace::SegmentHeader], found: &mut Vec<Sign>) {
    let Some(first) = later.first() else { return };
    let gaps: Vec<f64> = later
        .windows(2)
        .filter_map(|pair| Some(pair.last()?.at.time.since(pair.first()?.at.time).seconds()))
        .collect();
    let backs_off = gaps
        .windows(2)
        .any(|pair| matches!(pair, [one, next] if *one > 0.05 && (next / one - 2.0).abs() <= 2.0 * BACK_OFF_TOLERANCE));
    let strength = if later.len() >= 2 || backs_off { Strength::Decisive } else { Strength::Strong };
    let after = first.at.time.since(reset.header.at.time).seconds();
    let again = later.iter().filter(|header| header.payload > 0).count();
    found.push(Sign {
        rule: &KEEPS_TALKING,
        points_at: PointsAt::Middlebox,
        strength,
        frames: std::iter::once(reset.header.at.frame)
            .chain(later.iter().take(MAX_FRAMES).map(|header| header.at.frame))
            .collect(),
        numbers: vec![
            ("segments_after", later.len() as f64),
            ("with_data", again as f64),
            ("first_after_seconds", after),
        ],
        detail: format!(
            "the sender went on after the reset that bears its address: {} of its segments follow, the \
             first after {after:.3} s{}; a host that resets a connection has only resets left to send",
            later.len(),
            if backs_off { ", at the doubling gaps of a retransmission timer" } else { "" },
        ),
    });
}

fn challenge(evidence: &Evidence<'_>, reset: &Reset<'_>, went_on: bool, found: &mut Vec<Sign>) {
    let Some(expected) = reset.expected else { return };
    if SeqNumber(reset.header.seq) == expected {
        return;
    }
    let until = reset.header.at.time.plus(CHALLENGE_WITHIN);
    let challenge = headers::behind(reset.trace, reset.header, evidence.appliance()).find(|header| {
        header.at.time <= until
            && header.flags.ack()
            && header.payload == 0
            && !header.flags.rst()
            && SeqNumber(header.ack) == expected
    });
    let Some(challenge) = challenge else { return };
    let ttl = super::distance::usual_ttl(evidence).map(|usual| usual.ttl);
    let answer = headers::behind(reset.trace, challenge, evidence.sender()).find(|header| {
        header.flags.rst() && SeqNumber(header.seq) == expected && ttl.is_none_or(|ttl| ttl == header.ttl)
    });
    let frames = vec![reset.header.at.frame, challenge.at.frame];
    let off = SeqNumber(reset.header.seq).beyond(expected);
    match answer {
        Some(answer) => found.push(Sign {
            rule: &CHALLENGE_ANSWERED,
            points_at: PointsAt::Sender,
            strength: Strength::Strong,
            frames: frames.into_iter().chain([answer.at.frame]).collect(),
            numbers: vec![("sequence_off", off as f64)],
            detail: format!(
                "a reset {off} octets off drew a challenge ACK, and an exact one with the sender's TTL \
                 answered it: the sender's host knows of the reset (RFC 5961 section 3.2)"
            ),
        }),
        None if went_on => found.push(Sign {
            rule: &CHALLENGE_UNANSWERED,
            points_at: PointsAt::Middlebox,
            strength: Strength::Strong,
            frames,
            numbers: vec![("sequence_off", off as f64)],
            detail: format!(
                "a reset {off} octets off drew a challenge ACK that no exact reset answered, and the \
                 sender went on: its host knows nothing of the reset (RFC 5961 section 3.2)"
            ),
        }),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::FAMILY;
    use super::*;
    use crate::capture::trace::SegmentHeader;
    use crate::cause::testing::{ISN, Scene, appliance, reset, sender};

    fn data(millis: i64, id: u16) -> SegmentHeader {
        SegmentHeader { payload: 100, ip_id: Some(id), ..sender(millis) }
    }

    #[test]
    fn a_sender_that_goes_on_did_not_reset() {
        let scene = Scene::with_headers([reset(0), data(200, 107), data(400, 108), data(800, 109)]);
        let found = scene.named(FAMILY.read, KEEPS_TALKING.name);
        assert_eq!(found[0].strength, Strength::Decisive);
        assert_eq!(found[0].numbers[0], ("segments_after", 3.0));
        let scene = Scene::with_headers([reset(0), data(200, 107)]);
        assert_eq!(scene.named(FAMILY.read, KEEPS_TALKING.name)[0].strength, Strength::Strong);
    }

    #[test]
    fn nothing_lies_behind_the_number_of_a_genuine_reset() {
        let named = |headers: Vec<SegmentHeader>| {
            Scene::with_headers(headers).named(FAMILY.read, DATA_AT_ITS_NUMBER.name)
        };
        // In flight when the device spoke.
        let found = named(vec![reset(0), data(5, 107), data(6, 108)]);
        assert_eq!(found[0].strength, Strength::Decisive);
        assert!(named(vec![reset(0), data(5, 104)]).is_empty(), "overtaken");
        let older = SegmentHeader { seq: ISN.0 - 200, ..data(5, 107) };
        assert!(named(vec![reset(0), older]).is_empty(), "sent again, below the number");
        // A closed host answers what it is asked, with data still under way.
        let asks = SegmentHeader { ack: ISN.0 + 1, ..appliance(0) };
        let bare = SegmentHeader { flags: crate::capture::segment::Flags::RST, ack: 0, ..reset(41) };
        assert!(named(vec![asks, bare, data(42, 107)]).is_empty());
    }

    #[test]
    fn what_was_in_flight_or_overtaken_proves_nothing() {
        // Within a round trip and a half (40 ms).
        let scene = Scene::with_headers([reset(0), data(55, 107)]);
        assert!(scene.named(FAMILY.read, KEEPS_TALKING.name).is_empty());
        // Late, but with an IP ID from before the sender's last segment.
        let scene = Scene::with_headers([reset(0), data(200, 104)]);
        assert!(scene.named(FAMILY.read, KEEPS_TALKING.name).is_empty());
        // The same from before the reset, which goes on from the sender's count itself.
        let counted = SegmentHeader { ip_id: Some(109), ..reset(0) };
        let scene = Scene::with_headers([counted, data(200, 107), data(210, 108)]);
        assert!(scene.named(FAMILY.read, KEEPS_TALKING.name).is_empty());
        let copied = SegmentHeader { ip_id: Some(107), ..reset(0) };
        let scene = Scene::with_headers([copied, data(200, 107), data(210, 108)]);
        assert_eq!(
            scene.named(FAMILY.read, KEEPS_TALKING.name).len(),
            1,
            "a device that took the next number"
        );
        // A new connection on the same ports.
        let syn = SegmentHeader { flags: crate::capture::segment::Flags::SYN, ..sender(150) };
        let scene = Scene::with_headers([reset(0), syn, data(200, 107)]);
        assert!(scene.named(FAMILY.read, KEEPS_TALKING.name).is_empty());
        // More resets of a closed host are no talk.
        let scene = Scene::with_headers([reset(0), appliance(20), reset(300)]);
        assert!(scene.named(FAMILY.read, KEEPS_TALKING.name).is_empty());
    }

    #[test]
    fn the_challenge_tells_the_true_end() {
        let stale = SegmentHeader { seq: ISN.0 + 1 + 500, ..reset(0) };
        let challenge = appliance(1);
        let exact = SegmentHeader { flags: crate::capture::segment::Flags::RST, ack: 0, ..reset(45) };
        let genuine = Scene::with_headers([appliance(-5), stale, challenge, exact]);
        assert_eq!(genuine.named(FAMILY.read, CHALLENGE_ANSWERED.name).len(), 1);
        assert!(genuine.named(FAMILY.read, CHALLENGE_UNANSWERED.name).is_empty());
        let forged = Scene::with_headers([appliance(-5), stale, challenge, data(300, 107)]);
        assert_eq!(forged.named(FAMILY.read, CHALLENGE_UNANSWERED.name).len(), 1);
        let silent = Scene::with_headers([appliance(-5), stale, challenge]);
        assert!(silent.named(FAMILY.read, CHALLENGE_UNANSWERED.name).is_empty());
        assert!(silent.named(FAMILY.read, CHALLENGE_ANSWERED.name).is_empty());
    }
}
