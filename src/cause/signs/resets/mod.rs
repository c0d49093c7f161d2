//! Resets that bear the sender's address: the sender's own, or somebody else's?
//!
//! A genuine host sends two quite different resets (RFC 9293 section 3.10.7, and measured on Linux,
//! Windows and macOS): see [`Class`]. What is normal in one class is odd in the other, so each reset is
//! classed before anything else is read from it.

mod acknowledged;
mod aftermath;
pub(in crate::cause) mod distance;
mod identity;
mod numbers;
mod shape;
mod timing;

use crate::capture::segment::SeqNumber;
use crate::capture::trace::{SegmentHeader, Trace};
use crate::cause::Evidence;
use crate::cause::headers;
use crate::cause::signs::{Family, Sign};
use crate::cite::FrameRef;

pub use acknowledged::ACKNOWLEDGED_BEHIND;
pub use aftermath::{CHALLENGE_ANSWERED, CHALLENGE_UNANSWERED, DATA_AT_ITS_NUMBER, KEEPS_TALKING};
pub use distance::{MAC_DIFFERS, TTL_AS_FLOW, TTL_DIFFERS};
pub use identity::{ECHOES_OUR_PACKET, IP_ID_CONTINUES, IP_ID_OFF};
pub use numbers::{BURST, DIFFERENT_ACKS, RISING_SEQUENCE, STALE_SEQUENCE};
pub use shape::{
    BAD_CHECKSUM, DSCP_DIFFERS, PAYLOAD, TIMESTAMP_ADVANCES, TIMESTAMP_COPIED, TIMESTAMP_MISSING,
};
pub use timing::FASTER_THAN_ROUND_TRIP;

/// See the module.
pub const FAMILY: Family = Family {
    rules: &[
        &KEEPS_TALKING,
        &ACKNOWLEDGED_BEHIND,
        &DATA_AT_ITS_NUMBER,
        &CHALLENGE_ANSWERED,
        &CHALLENGE_UNANSWERED,
        &TTL_DIFFERS,
        &TTL_AS_FLOW,
        &MAC_DIFFERS,
        &ECHOES_OUR_PACKET,
        &IP_ID_CONTINUES,
        &IP_ID_OFF,
        &RISING_SEQUENCE,
        &DIFFERENT_ACKS,
        &BURST,
        &STALE_SEQUENCE,
        &BAD_CHECKSUM,
        &DSCP_DIFFERS,
        &PAYLOAD,
        &TIMESTAMP_ADVANCES,
        &TIMESTAMP_COPIED,
        &TIMESTAMP_MISSING,
        &FASTER_THAN_ROUND_TRIP,
    ],
    read,
};

/// Resets looked at of one connection; a storm of them tells no more than its beginning.
const MAX_RESETS: usize = 16;

/// What a reset is, by RFC 9293 section 3.10.7 and by what real hosts send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// RST with ACK whose acknowledgment lies within what the appliance sent: the sender's program
    /// closed with unread data or with linger 0. Linux keeps window and timestamps, Windows sets window 0.
    Active,
    /// RST without ACK at the number that an ACK of the appliance asked for: the answer of a host (or a
    /// router's `REJECT`) that knows no such connection. Window 0, no options and IP ID 0 are normal.
    Stateless,
    /// RST with ACK at number 0: the answer to a segment without ACK, so to a SYN: a refusal.
    Refusal,
    /// None of these. No evidence by itself: too few systems were measured.
    Neither,
}

/// One reset that bears the sender's address, with what was known when it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reset<'a> {
    pub(super) trace: &'a Trace,
    pub(super) header: &'a SegmentHeader,
    pub(super) class: Class,
    /// The number that the appliance expected next (RCV.NXT), by its ACKs.
    pub(super) expected: Option<SeqNumber>,
    /// The sender's last segment before it that was no reset.
    pub(super) last: Option<&'a SegmentHeader>,
}

fn read(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let resets = resets(evidence);
    for reset in &resets {
        aftermath::read(evidence, reset, found);
        acknowledged::read(evidence, reset, found);
        distance::read(evidence, reset, found);
        identity::read(evidence, reset, found);
        numbers::stale(evidence, reset, found);
        shape::read(evidence, reset, found);
        timing::read(evidence, reset, found);
    }
    numbers::pairs(evidence, &resets, found);
    keep_strongest(found);
}

/// The class of the sender's reset in a frame.
pub fn class_of(evidence: &Evidence<'_>, frame: Option<FrameRef>) -> Option<Class> {
    resets(evidence).iter().find(|reset| Some(reset.header.at.frame) == frame).map(|reset| reset.class)
}

/// The resets that bear the sender's address, in their order.
pub(super) fn resets<'a>(evidence: &Evidence<'a>) -> Vec<Reset<'a>> {
    let Some(trace) = evidence.trace() else { return Vec::new() };
    let (sender, appliance) = (evidence.sender(), evidence.appliance());
    headers::all(trace)
        .filter(|header| header.by == sender && header.flags.rst())
        .take(MAX_RESETS)
        .map(|header| {
            let ours = headers::before(trace, header, appliance);
            let acks = trace.recent_acks.of(appliance).iter().copied().map(SeqNumber);
            let last = headers::before(trace, header, sender).into_iter().rfind(|other| !other.flags.rst());
            Reset {
                trace,
                header,
                class: class(header, &ours, acks, last),
                expected: headers::highest_ack(ours),
                last,
            }
        })
        .collect()
}

fn class(
    reset: &SegmentHeader,
    ours: &[&SegmentHeader],
    mut acks: impl Iterator<Item = SeqNumber>,
    last: Option<&SegmentHeader>,
) -> Class {
    let seq = SeqNumber(reset.seq);
    if !reset.flags.ack() {
        let asked_for = ours.iter().any(|our| our.flags.ack() && our.ack == reset.seq)
            || acks.any(|number| number == seq);
        return if asked_for { Class::Stateless } else { Class::Neither };
    }
    if reset.seq == 0 {
        return Class::Refusal;
    }
    let ack = SeqNumber(reset.ack);
    let sent = headers::next_number(ours.iter().copied()).is_none_or(|next| ack.beyond(next) <= 0);
    let not_behind = last.is_none_or(|last| !last.flags.ack() || ack.beyond(SeqNumber(last.ack)) >= 0);
    if sent && not_behind { Class::Active } else { Class::Neither }
}

/// Of several signs of one name the strongest, the first of equals: a device that sends three resets is
/// no more a device for it.
fn keep_strongest(found: &mut Vec<Sign>) {
    let mut kept: Vec<Sign> = Vec::with_capacity(found.len());
    for sign in found.drain(..) {
        match kept.iter_mut().find(|known| known.rule == sign.rule) {
            Some(known) if known.strength >= sign.strength => {}
            Some(known) => *known = sign,
            None => kept.push(sign),
        }
    }
    *found = kept;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::segment::Flags;
    use crate::cause::testing::{ISN, Scene, appliance, reset, sender};

    fn class_of(scene: &Scene) -> Class {
        resets(&scene.evidence())[0].class
    }

    #[test]
    fn resets_are_classed_before_anything_else() {
        let bare = |seq, ack| SegmentHeader { flags: Flags::RST, seq, ack, window: 0, ..reset(50) };
        let ours = SegmentHeader { payload: 100, ..appliance(10) };
        assert_eq!(class_of(&Scene::with_headers([ours, reset(50)])), Class::Active);
        let windows = SegmentHeader { window: 0, ..reset(50) };
        assert_eq!(class_of(&Scene::with_headers([ours, windows])), Class::Active);
        assert_eq!(class_of(&Scene::with_headers([ours, bare(ISN.0 + 1, 0)])), Class::Stateless);
        assert_eq!(class_of(&Scene::with_headers([ours, bare(ISN.0 + 77, 0)])), Class::Neither);
        let refusal = SegmentHeader { seq: 0, ..reset(50) };
        assert_eq!(class_of(&Scene::with_headers([ours, refusal])), Class::Refusal);
        let beyond = SegmentHeader { ack: ISN.1 + 9_999, ..reset(50) };
        assert_eq!(class_of(&Scene::with_headers([ours, beyond])), Class::Neither);
    }

    /// What real hosts send raises nothing that points at a device (all rows measured).
    #[test]
    fn genuine_resets_accuse_nobody() {
        use crate::cause::PointsAt;
        let ours = SegmentHeader { payload: 30, ..appliance(10) };
        let fin = SegmentHeader { flags: Flags::FIN.with(Flags::ACK), ip_id: Some(107), ..sender(20) };
        let bare = |id| SegmentHeader {
            flags: Flags::RST,
            seq: ISN.0 + 2,
            ack: 0,
            window: 0,
            ip_id: Some(id),
            ..reset(90)
        };
        let answer = SegmentHeader { ack: ISN.0 + 2, payload: 30, ..appliance(40) };
        let scenes = [
            ("Linux, active", vec![ours, SegmentHeader { ip_id: Some(107), ..reset(60) }]),
            ("Windows, active", vec![ours, SegmentHeader { ip_id: Some(108), window: 0, ..reset(60) }]),
            ("Linux, after its own FIN", vec![fin, answer, bare(0)]),
            ("macOS, after its own FIN", vec![fin, answer, bare(40_000)]),
        ];
        for (name, headers) in scenes {
            let scene = Scene::with_headers(headers);
            let mut found = Vec::new();
            read(&scene.evidence(), &mut found);
            let accusing: Vec<_> =
                found.iter().filter(|sign| sign.points_at == PointsAt::Middlebox).collect();
            assert!(accusing.is_empty(), "{name}: {accusing:#?}");
        }
    }
}
