//! What the difference of two captures says.

mod proxy;

use crate::capture::CloseKind;
use crate::cause::outside::passage::is_one_packet;
use crate::cause::outside::{Comparison, Packet, Passage};
use crate::cause::signs::{Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{CauseKind, Evidence, headers};
use crate::cite::FrameRef;

pub use proxy::{PROXY_CLOSED, PROXY_KEEPS, PROXY_PASSES_ON, TWO_CONNECTIONS};

/// A close is on one side only, and that side's end did not send it: it was made in between. One in the sender's
/// name is not outside; or one in the appliance's name reached the sender, and the appliance sent none.
///
/// Source: MIDDLEBOX 6 (the second capture, matched by IP ID and sequence number). Raised falsely by a
/// capture that lost just this frame; capturing hosts that say that they dropped frames are left out.
pub const RESET_MADE: Rule =
    Rule { name: "reset_made_in_between", group: Group::Outside, supports: &[CauseKind::MiddleboxReset] };

/// The sender was told something in the appliance's name that the appliance never said: an inspecting device
/// refuses in its place (`541 5.4.1 Content blocked`, MIDDLEBOX 2.6).
pub const SAID_IN_BETWEEN: Rule =
    Rule { name: "reply_made_in_between", group: Group::Outside, supports: &[CauseKind::MiddleboxReset] };

/// Octets of one end are on its side and neither came through nor were acknowledged: dropped in between.
pub const DROPPED: Rule =
    Rule { name: "dropped_in_between", group: Group::Outside, supports: &[CauseKind::PathLostData] };

/// The same, where they stop at a limit of a device ([`crate::cause::signs::limits`]).
pub const DROPPED_AT_LIMIT: Rule = Rule {
    name: "dropped_in_between_at_a_limit",
    group: Group::Outside,
    supports: &[CauseKind::MiddleboxLimit],
};

/// The same segment has other octets on the two sides, or the same octets stand at another place because others
/// were put in or taken out before them.
///
/// Decisive, but strong where the dialogue went on after it and the sender's own close ended it: a banner that is
/// masked ends nothing.
pub const CHANGED: Rule =
    Rule { name: "changed_in_between", group: Group::Outside, supports: &[CauseKind::MiddleboxRewriting] };

/// All that the sender sent, its close with it, is on both sides: nothing between them did it.
///
/// Decisive where the outside capture was taken beside the sender, whose packets have passed no router there. Else
/// a device beyond the place of that capture is not ruled out: strong, and only moderate where the connection's own
/// signs surely show one.
pub const SAME: Rule = Rule {
    name: "same_on_both_sides",
    group: Group::Outside,
    supports: &[CauseKind::SenderClosed, CauseKind::SenderReset, CauseKind::SenderStalled],
};

/// The rules of this room.
pub const RULES: &[&Rule] = &[
    &RESET_MADE,
    &SAID_IN_BETWEEN,
    &DROPPED,
    &DROPPED_AT_LIMIT,
    &CHANGED,
    &SAME,
    &TWO_CONNECTIONS,
    &PROXY_CLOSED,
    &PROXY_KEEPS,
    &PROXY_PASSES_ON,
];

/// The signs of one case's comparison; `own` are those of its connection. Two captures from one place show
/// nothing.
pub fn signs(evidence: &Evidence<'_>, comparison: &Comparison, own: &[Sign]) -> Vec<Sign> {
    let mut found = Vec::new();
    if comparison.one_place.is_some() {
        return found;
    }
    let passed = passed(evidence, comparison);
    changed(comparison, passed.is_some(), &mut found);
    if comparison.passage == Passage::Proxied {
        proxy::read(evidence, comparison, &mut found);
        return found;
    }
    let quiet = evidence.ends_by_silence();
    if quiet {
        dropped(comparison, own, &mut found);
    }
    to_the_sender(evidence, comparison, &mut found);
    if !comparison.whole {
        return found;
    }
    let sender = evidence.sender();
    let close = evidence.session.flow.closes.effective.filter(|close| close.by == sender);
    let made = close.and_then(|close| {
        let mut only = comparison.only_inside.iter();
        only.find(|packet| packet.at.frame == close.at.frame && is_it(packet, close.kind))
    });
    if let Some(packet) = made.filter(|packet| !closed_before(comparison, packet)) {
        let detail = format!(
            "the {} in the sender's name is not in the capture of the sender's side, which has all {} octets that \
             came: it was made in between",
            kind(packet),
            comparison.octets
        );
        found.push(sign(&RESET_MADE, PointsAt::Middlebox, vec![packet.at.frame], comparison, detail));
    }
    let nothing_lost = comparison.dropped.count == 0 && comparison.dropped_to_sender.count == 0;
    if found.iter().all(|sign| sign.strength < Strength::Decisive) && nothing_lost {
        same(comparison, passed, evidence.sender_stalled(), &mut found);
        // What a device or the path surely did, and both captures show alike, it did beyond the outside one.
        let elsewhere = own.iter().any(|sign| {
            sign.strength == Strength::Decisive
                && matches!(sign.points_at, PointsAt::Middlebox | PointsAt::Path)
        });
        if let Some(sign) = found.last_mut().filter(|sign| sign.rule == &SAME) {
            if elsewhere {
                sign.strength = Strength::Moderate;
            } else if !beside_the_sender(comparison) {
                sign.strength = Strength::Strong;
                sign.detail.push_str(
                    "; what lies between the sender and the place of that capture, it does not show",
                );
            }
        }
    }
    found
}

/// Whether the outside capture was taken on the sender or on its network segment: each of its packets there bears an
/// initial TTL.
fn beside_the_sender(comparison: &Comparison) -> bool {
    let mut of_sender = comparison.on_both.iter().filter(|(inside, _)| inside.by_sender).peekable();
    of_sender.peek().is_some() && of_sender.all(|(_, outside)| headers::hops(outside.ttl).0 == 0)
}

fn is_it(packet: &Packet, kind: CloseKind) -> bool {
    packet.flags.rst() == (kind == CloseKind::Rst)
}

/// Whether the sender may have closed by itself before `made`, as far as the clocks tell: a device that puts a reset
/// in the place of a FIN, or a close that was lost, does not end what was over.
fn closed_before(comparison: &Comparison, made: &Packet) -> bool {
    let Comparison { clock, first_closes: [sender, _], .. } = comparison;
    sender.is_some_and(|own| own.at.time.minus(clock.ahead).minus(clock.give_or_take) <= made.at.time)
}

/// The sender's close that ended it, where it is on both sides.
fn passed<'a>(evidence: &Evidence<'_>, comparison: &'a Comparison) -> Option<&'a (Packet, Packet)> {
    let close = evidence.session.flow.closes.effective.filter(|close| close.by == evidence.sender())?;
    let mut both = comparison.on_both.iter();
    both.find(|(packet, _)| packet.at.frame == close.at.frame && is_it(packet, close.kind))
}

/// `passed`: the sender's close is on both sides.
fn changed(comparison: &Comparison, passed: bool, found: &mut Vec<Sign>) {
    let of = |pairs: &[(Packet, Packet)]| -> Vec<FrameRef> {
        pairs.iter().flat_map(|(one, other)| [one.at.frame, other.at.frame]).collect()
    };
    if !comparison.changed.is_empty() && comparison.moved.is_empty() {
        let detail = format!(
            "{} segments have other octets on the two sides, at the same place and of the same length",
            comparison.changed.len()
        );
        found.push(sign(&CHANGED, PointsAt::Middlebox, of(&comparison.changed), comparison, detail));
    } else if comparison.moved.is_empty() {
        return;
    }
    if !comparison.moved.is_empty() {
        let detail = format!(
            "{} segments stand at another place of the stream on the two sides: octets before them were put in or \
             taken out",
            comparison.moved.len()
        );
        found.push(sign(&CHANGED, PointsAt::Middlebox, of(&comparison.moved), comparison, detail));
    }
    if let Some(sign) =
        found.last_mut().filter(|_| comparison.passage == Passage::Proxied || (passed && comparison.went_on))
    {
        sign.strength = Strength::Strong;
    }
}

fn dropped(comparison: &Comparison, own: &[Sign], found: &mut Vec<Sign>) {
    let at_limit = own.iter().any(|sign| {
        sign.rule.supports.contains(&CauseKind::MiddleboxLimit) && sign.strength >= Strength::Strong
    });
    let hole = own.iter().any(|sign| {
        sign.rule.supports.contains(&CauseKind::PmtuBlackHole) && sign.strength >= Strength::Strong
    });
    // Where large packets vanish, the hole's own signs say more.
    if hole {
        return;
    }
    let (rule, points_at) =
        if at_limit { (&DROPPED_AT_LIMIT, PointsAt::Middlebox) } else { (&DROPPED, PointsAt::Path) };
    if comparison.dropped.count > 0 {
        let detail = format!(
            "{} octets of the sender are in the capture of its side and never came through: dropped in between",
            comparison.dropped.count
        );
        found.push(sign(rule, points_at, comparison.dropped.frames.clone(), comparison, detail));
    }
    // What the outside capture lacks counts only where it is whole.
    if comparison.dropped_to_sender.count > 0 && comparison.whole {
        let detail = format!(
            "{} octets of the appliance never came through to the sender's side: dropped in between",
            comparison.dropped_to_sender.count
        );
        let frames = comparison.dropped_to_sender.frames.clone();
        found.push(sign(&DROPPED, PointsAt::Path, frames, comparison, detail));
    }
}

/// What reached the sender in the appliance's name, and is none of the appliance's.
fn to_the_sender(evidence: &Evidence<'_>, comparison: &Comparison, found: &mut Vec<Sign>) {
    if !comparison.inside_whole {
        return;
    }
    if comparison.made_to_sender.count > 0 {
        let detail = format!(
            "{} octets in the appliance's name reached the sender's side, and the appliance never sent them: a device \
             answered in its place",
            comparison.made_to_sender.count
        );
        let frames = comparison.made_to_sender.frames.clone();
        found.push(sign(&SAID_IN_BETWEEN, PointsAt::Middlebox, frames, comparison, detail));
    }
    let before = |packet: &&Packet| match evidence.session.flow.closes.effective {
        Some(close) => packet.at.time.minus(comparison.clock.ahead) <= close.at.time,
        None => true,
    };
    if let Some(packet) = comparison.only_outside.iter().find(before) {
        let detail = format!(
            "a {} in the appliance's name reached the sender's side, and the appliance sent none: it was made in \
             between",
            kind(packet)
        );
        found.push(sign(&RESET_MADE, PointsAt::Middlebox, vec![packet.at.frame], comparison, detail));
    }
}

/// `passed`: the sender's close on both sides; `stalled`: it was the sender that fell silent before the end.
fn same(comparison: &Comparison, passed: Option<&(Packet, Packet)>, stalled: bool, found: &mut Vec<Sign>) {
    let (frames, detail) = match passed {
        Some((inside, outside)) => {
            // A close made anew on either side would have another identity or come from another distance.
            let hops = i16::from(outside.ttl) - i16::from(inside.ttl);
            if is_one_packet(&(inside, outside)) == Some(false) || hops != comparison.hops {
                return;
            }
            (
                vec![inside.at.frame, outside.at.frame],
                format!(
                    "the same {} is in the capture of the sender's side, with all {} octets before it: it came from \
                     there, and nothing in between made it",
                    kind(inside),
                    comparison.octets
                ),
            )
        }
        // A sender that was told nothing waits by right.
        None if stalled && comparison.sender_heard_all => (
            Vec::new(),
            format!(
                "the capture of the sender's side has the same {} octets and nothing behind them: all that the sender \
                 sent arrived",
                comparison.octets
            ),
        ),
        None => return,
    };
    found.push(sign(&SAME, PointsAt::Sender, frames, comparison, detail));
}

const fn kind(packet: &Packet) -> &'static str {
    if packet.flags.rst() { "reset" } else { "FIN" }
}

fn sign(
    rule: &'static Rule,
    points_at: PointsAt,
    frames: Vec<FrameRef>,
    comparison: &Comparison,
    detail: String,
) -> Sign {
    Sign {
        rule,
        points_at,
        strength: Strength::Decisive,
        frames,
        numbers: vec![
            ("packets_on_both_sides", comparison.matched as f64),
            ("outside_clock_ahead_seconds", comparison.clock.ahead.seconds()),
            ("hops_in_between", f64::from(comparison.hops)),
            ("octets_dropped", comparison.dropped.count as f64),
        ],
        detail,
    }
}
