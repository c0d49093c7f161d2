//! Whose IP ID a reset bears: the sender's counter's next, or our own packet's.

use crate::cause::CauseKind;
use crate::cause::signs::{Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{Evidence, headers};

use super::{Class, Reset};

/// The reset is our own packet turned round: it bears the IP ID of one of the appliance's last packets.
///
/// Rule: the ID is not 0, is that of one of the last `LOOKED_BACK` packets of the appliance, and not
/// what the sender's own counter would have given. Alone: strong (chance 8 in 65,536); with the
/// window or the DSCP of that packet, where the sender's differ: decisive.
/// Source: MIDDLEBOX 1.2 (noahdavids.org, firewall_reset_trace). IPv6 has no ID: never raised there.
pub const ECHOES_OUR_PACKET: Rule =
    Rule { name: "reset_echoes_our_packet", group: Group::Identity, supports: &[CauseKind::MiddleboxReset] };

/// The reset bears the IP ID that the sender's counter would give next.
///
/// Rule: the sender counts (`COUNTER_SHARE` of at least `MIN_STEPS` steps are 1 to 8) and the step to
/// the reset is 1 to `NEXT_WITHIN`. Source: MIDDLEBOX 1.9 (measured).
pub const IP_ID_CONTINUES: Rule =
    Rule { name: "ip_id_continues", group: Group::Identity, supports: &[CauseKind::SenderReset] };

/// The sender counts its packets, and an active reset is off the count.
///
/// Only of class [`Class::Active`]: resets of a host that knows no connection have ID 0 or any other
/// (measured). Moderate: a merged or rewritten ID would look the same.
pub const IP_ID_OFF: Rule =
    Rule { name: "ip_id_off_the_count", group: Group::Identity, supports: &[CauseKind::MiddleboxReset] };

/// Packets of the appliance that an echo is sought among.
const LOOKED_BACK: usize = 8;
/// Steps that make a counter.
const MIN_STEPS: u64 = 6;
/// The share of small steps that makes a counter.
const COUNTER_SHARE: f64 = 0.8;
/// Steps up to this continue a counter: other connections of the host may share it.
const NEXT_WITHIN: u16 = 64;

pub(super) fn read(evidence: &Evidence<'_>, reset: &Reset<'_>, found: &mut Vec<Sign>) {
    let Some(id) = reset.header.ip_id else { return };
    let habits = reset.trace.habits.of(evidence.sender());
    let steps = habits.ip_id_small_steps + habits.ip_id_other_steps;
    let counts = steps >= MIN_STEPS && habits.ip_id_small_steps as f64 >= COUNTER_SHARE * steps as f64;
    let last = reset.last.and_then(|last| last.ip_id);
    let step = last.map(|last| id.wrapping_sub(last));
    let continues = counts && step.is_some_and(|step| (1..=NEXT_WITHIN).contains(&step));
    // Devices and stateless answers bear 0; a counter comes by it once in 65536.
    if continues && id == 0 {
        return;
    }
    if continues {
        found.push(Sign {
            rule: &IP_ID_CONTINUES,
            points_at: PointsAt::Sender,
            strength: Strength::Moderate,
            frames: vec![reset.header.at.frame],
            numbers: vec![("ip_id", f64::from(id)), ("last_ip_id", f64::from(last.unwrap_or_default()))],
            detail: format!(
                "the reset's IP ID {id} continues the sender's count ({} before it)",
                last.unwrap_or_default()
            ),
        });
        return;
    }
    if echo(evidence, reset, id, found) {
        return;
    }
    if let (true, Class::Active, Some(last)) = (counts, reset.class, last) {
        found.push(Sign {
            rule: &IP_ID_OFF,
            points_at: PointsAt::Middlebox,
            strength: Strength::Moderate,
            frames: vec![reset.header.at.frame],
            numbers: vec![("ip_id", f64::from(id)), ("last_ip_id", f64::from(last)), ("steps", steps as f64)],
            detail: format!(
                "the sender counts its packets, the last was {last}, and the reset bears {id}: another stack's"
            ),
        });
    }
}

fn echo(evidence: &Evidence<'_>, reset: &Reset<'_>, id: u16, found: &mut Vec<Sign>) -> bool {
    let ours = headers::before(reset.trace, reset.header, evidence.appliance());
    let Some(our) = ours.into_iter().rev().take(LOOKED_BACK).find(|our| our.ip_id == Some(id) && id != 0)
    else {
        return false;
    };
    let window = our.window == reset.header.window
        && reset.last.is_some_and(|last| last.window != reset.header.window);
    let class = our.traffic_class == reset.header.traffic_class
        && reset.last.is_some_and(|last| last.traffic_class != reset.header.traffic_class);
    let more = match (window, class) {
        (true, true) => ", its window and its DSCP",
        (true, false) => " and its window",
        (false, true) => " and its DSCP",
        (false, false) => "",
    };
    found.push(Sign {
        rule: &ECHOES_OUR_PACKET,
        points_at: PointsAt::Middlebox,
        strength: if more.is_empty() { Strength::Strong } else { Strength::Decisive },
        frames: vec![our.at.frame, reset.header.at.frame],
        numbers: vec![("ip_id", f64::from(id)), ("window", f64::from(reset.header.window))],
        detail: format!(
            "the reset bears the IP ID {id}{more} of the appliance's own packet: a device turned it round"
        ),
    });
    true
}

#[cfg(test)]
mod tests {
    use super::super::FAMILY;
    use super::*;
    use crate::capture::segment::Flags;
    use crate::capture::trace::SegmentHeader;
    use crate::cause::testing::{ISN, Scene, appliance, reset};

    #[test]
    fn our_own_packet_turned_round_is_no_senders() {
        let ours = SegmentHeader { ip_id: Some(40_123), ..appliance(10) };
        let echo = SegmentHeader { ip_id: Some(40_123), ..reset(20) };
        let found = Scene::with_headers([ours, echo]).named(FAMILY.read, ECHOES_OUR_PACKET.name);
        assert_eq!(found[0].strength, Strength::Strong);
        let with_window = SegmentHeader { window: ours.window, ..echo };
        let found = Scene::with_headers([ours, with_window]).named(FAMILY.read, ECHOES_OUR_PACKET.name);
        assert_eq!(found[0].strength, Strength::Decisive);
    }

    #[test]
    fn chance_and_zero_echo_nothing() {
        // Both ends count, and happen to stand at the same number.
        let ours = SegmentHeader { ip_id: Some(107), ..appliance(10) };
        let next = SegmentHeader { ip_id: Some(107), ..reset(20) };
        let scene = Scene::with_headers([ours, next]);
        assert!(scene.named(FAMILY.read, ECHOES_OUR_PACKET.name).is_empty());
        assert_eq!(scene.named(FAMILY.read, IP_ID_CONTINUES.name).len(), 1);
        let ours = SegmentHeader { ip_id: Some(0), ..appliance(10) };
        let zero = SegmentHeader { ip_id: Some(0), ..reset(20) };
        assert!(Scene::with_headers([ours, zero]).named(FAMILY.read, ECHOES_OUR_PACKET.name).is_empty());
    }

    #[test]
    fn the_count_tells_for_active_resets_only() {
        let off = SegmentHeader { ip_id: Some(9_000), ..reset(20) };
        assert_eq!(Scene::with_headers([off]).named(FAMILY.read, IP_ID_OFF.name).len(), 1);
        let bare = SegmentHeader { flags: Flags::RST, seq: ISN.0 + 1, ack: 0, window: 0, ..off };
        assert!(Scene::with_headers([appliance(5), bare]).named(FAMILY.read, IP_ID_OFF.name).is_empty());
    }
}
