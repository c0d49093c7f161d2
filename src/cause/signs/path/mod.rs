//! The path: octets that the sender proves to have sent and that never came, packets of one size that
//! never come, windows, idle flows.

mod holes;
mod numbers;
mod quiet;
#[cfg(test)]
mod tests;

use crate::cause::signs::{Family, Group, Rule, Sign};
use crate::cause::{CauseKind, Evidence};

use holes::Hole;
pub use quiet::IDLE_TIMERS;

/// The sender's own numbers show octets that never came, and the hole stayed open for 3 s and more.
///
/// Any segment of a sender bears the number of its next octet (RFC 9293 section 3.4), so even a pure
/// acknowledgment tells what was sent before it. Ordinary losses are mended within a retransmission
/// time-out, so a short-lived hole is none. What drops them, a line or a device, does not show.
/// Source: MIDDLEBOX fact 5 (measured).
pub const LOST_IN_PATH: Rule =
    Rule { name: "octets_lost_in_the_path", group: Group::Numbers, supports: &[CauseKind::PathLostData] };

/// No packet of the full size ever came, and what is missing is a multiple of just that size: a link on the
/// way takes only smaller ones, and nobody tells the sender (a PMTU black hole, RFC 2923).
///
/// Rule: full size = the smaller of both MSS options, less 12 where timestamps are in use; the largest
/// payload in the whole flow is less; the octets missing are a multiple of it. Ordinary loss of the first
/// packets of a body is mended soon; the hole must be open for 3 s.
/// Source: MIDDLEBOX 3.1 (measured).
pub const FULL_SIZE_MISSING: Rule =
    Rule { name: "full_size_packets_missing", group: Group::Shape, supports: &[CauseKind::PmtuBlackHole] };

/// While that hole was open, octets of the sender in smaller segments came through: it is not the path as such.
/// Bare acknowledgments say nothing: a device that stops a body lets them pass, too.
pub const SMALL_ONES_PASS: Rule =
    Rule { name: "small_packets_pass", group: Group::Timing, supports: &[CauseKind::PmtuBlackHole] };

/// The appliance's receive window was closed for a second and more at the end: its own back-pressure.
pub const OWN_WINDOW_CLOSED: Rule = Rule {
    name: "own_window_closed",
    group: Group::Numbers,
    supports: &[CauseKind::ApplianceStalled, CauseKind::SenderGaveUpWaiting],
};

/// The sender's selective acknowledgments lie far outside what the appliance sent: a device renumbers the
/// stream and leaves these options as they are (MIDDLEBOX 3.3; Cisco on ASA's sequence randomisation).
pub const SACK_OUTSIDE: Rule =
    Rule { name: "sack_outside_the_window", group: Group::Numbers, supports: &[CauseKind::PathLostData] };

/// The hole begins just where the appliance's window would end without its scale: a device takes the
/// window at its face value and drops what exceeds it (MIDDLEBOX 3.2).
///
/// Moderate. Only windows of four segments and more say anything: a small one is met by chance.
pub const WINDOW_UNSCALED: Rule = Rule {
    name: "stopped_at_the_unscaled_window",
    group: Group::Numbers,
    supports: &[CauseKind::PathLostData],
};

/// The connection lay idle for a time that firewalls are known to forget after, and was then reset.
///
/// Within 2 % of [`IDLE_TIMERS`]. Moderate: times are round everywhere. The appliance's own timer of 300 s
/// is shorter than most. Source: MIDDLEBOX 3.4.
pub const IDLE_EXPIRED: Rule =
    Rule { name: "reset_after_an_idle_timer", group: Group::Timing, supports: &[CauseKind::MiddleboxReset] };

/// Segments of the sender arrived with a wrong checksum, and were sent again: octets were changed on the way.
/// The sender's card cannot be blamed: what it sends passes here as it came over the wire.
pub const DAMAGED_ON_THE_WAY: Rule =
    Rule { name: "octets_changed_on_the_way", group: Group::Shape, supports: &[CauseKind::PathLostData] };

/// What the appliance said last was never answered, not even by TCP, though it was sent again.
///
/// The sender's host, or the path, was gone. Which of them, or a device that drops all of it, does not show.
pub const NOBODY_ANSWERS: Rule = Rule { name: "nobody_answers", group: Group::Aftermath, supports: &[] };

/// After the silence the sender's host answered that it knows no such connection: its own end was closed or
/// reset before, out of sight. A device that resets only the sender's side looks like that, and so does a
/// close that was lost on the way. Source: MIDDLEBOX fact 2 (measured).
pub const CONNECTION_FORGOTTEN: Rule =
    Rule { name: "connection_forgotten", group: Group::Aftermath, supports: &[] };

/// See the module.
pub const FAMILY: Family = Family {
    rules: &[
        &LOST_IN_PATH,
        &FULL_SIZE_MISSING,
        &SMALL_ONES_PASS,
        &OWN_WINDOW_CLOSED,
        &SACK_OUTSIDE,
        &WINDOW_UNSCALED,
        &IDLE_EXPIRED,
        &DAMAGED_ON_THE_WAY,
        &NOBODY_ANSWERS,
        &CONNECTION_FORGOTTEN,
    ],
    read,
};

fn read(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    if let Some(hole) = Hole::of(evidence) {
        holes::lost(&hole, found);
        holes::full_size(evidence, &hole, found);
        holes::unscaled(evidence, &hole, found);
    }
    numbers::own_window(evidence, found);
    numbers::sack(evidence, found);
    quiet::idle(evidence, found);
    numbers::damaged(evidence, found);
    quiet::afterwards(evidence, found);
}
