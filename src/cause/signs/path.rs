//! The path: octets that the sender proves to have sent and that never came, packets of one size that
//! never come, windows, idle flows.

use crate::capture::segment::SeqNumber;
use crate::capture::trace::SegmentHeader;
use crate::cause::signs::{Family, Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{CauseKind, Evidence, headers};
use crate::time::Span;

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
    Rule { name: "sack_outside_the_window", group: Group::Shape, supports: &[CauseKind::PathLostData] };

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
    Rule { name: "octets_changed_on_the_way", group: Group::Records, supports: &[CauseKind::PathLostData] };

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

/// How long a hole is open before it is no ordinary loss: retransmissions come after 0.2 s, 0.6 s, 1.4 s
/// (RFC 6298, doubling from Linux's least time-out).
const HOLE_OPEN: Span = Span::from_seconds(3);
/// The timestamps option with its padding (RFC 7323 section 3.2).
const TIMESTAMPS: u32 = 12;
/// How long the appliance's window was closed to count.
const CLOSED_FOR: Span = Span::from_seconds(1);
/// How far a SACK edge may lie from what was sent.
const SACK_REACH: i64 = 1 << 20;
/// Segments that an unscaled window must hold to say anything.
const WINDOW_SEGMENTS: u32 = 4;
/// Times after which devices forget idle connections, in seconds: half-closed and embryonic timers apart, as
/// vendors' documents give them (MIDDLEBOX 3.4). 300 is the appliance's own.
pub const IDLE_TIMERS: [f64; 6] = [60.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0];
/// How near to a timer counts.
const NEAR_TIMER: f64 = 0.02;

fn read(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    if let Some(hole) = Hole::of(evidence) {
        lost(&hole, found);
        full_size(evidence, &hole, found);
        unscaled(evidence, &hole, found);
    }
    own_window(evidence, found);
    sack(evidence, found);
    idle(evidence, found);
    damaged(evidence, found);
    afterwards(evidence, found);
}

/// What is missing at the end.
struct Hole<'a> {
    octets: i64,
    /// The first segment that shows it.
    shown_by: Option<&'a SegmentHeader>,
    open_for: Span,
}

impl<'a> Hole<'a> {
    fn of(evidence: &Evidence<'a>) -> Option<Self> {
        let trace = evidence.trace()?;
        let octets = evidence.lost_in_path().unwrap_or(0);
        let acks = headers::all(trace).filter(|header| header.by == evidence.appliance());
        let expected = headers::highest_ack(acks)?;
        let usual = super::resets::distance::usual_ttl(evidence).map(|usual| usual.ttl);
        let shown_by = headers::all(trace).find(|header| {
            header.by == evidence.sender()
                && !header.flags.rst()
                && !header.flags.syn()
                && usual.is_none_or(|usual| usual == header.ttl)
                && SeqNumber(header.seq).beyond(expected) > 0
        });
        let since = shown_by.map(|header| header.at.time);
        let last_data = headers::all(trace)
            .filter(|header| header.by == evidence.sender() && header.payload > 0)
            .map(|header| header.at.time)
            .filter(|time| since.is_none_or(|since| *time <= since))
            .max();
        // Where only the sender's last words show it, it was open since its last octets.
        let last = evidence.session.flow.last.time;
        Some(Self {
            octets: if shown_by.is_some() { octets } else { 0 },
            shown_by,
            open_for: last.since(last_data.or(since).unwrap_or(last)),
        })
    }

    fn is_no_ordinary_loss(&self) -> bool {
        self.octets > 0 && self.open_for >= HOLE_OPEN
    }
}

fn lost(hole: &Hole<'_>, found: &mut Vec<Sign>) {
    let (Some(shown_by), true) = (hole.shown_by, hole.is_no_ordinary_loss()) else { return };
    found.push(Sign {
        rule: &LOST_IN_PATH,
        points_at: PointsAt::Path,
        strength: Strength::Decisive,
        frames: vec![shown_by.at.frame],
        numbers: vec![("octets", hole.octets as f64), ("open_seconds", hole.open_for.seconds())],
        detail: format!(
            "the sender's own numbers show {} octets that it sent and that never came, for {:.0} s: something \
             between took them",
            hole.octets,
            hole.open_for.seconds()
        ),
    });
}

/// The largest payload that the sender may send: RFC 9293 section 3.7.1.
fn full_payload(evidence: &Evidence<'_>) -> Option<u32> {
    let handshake = &evidence.trace()?.handshake;
    let allowed = handshake.of(evidence.appliance()).as_ref()?;
    let own = handshake.of(evidence.sender()).as_ref()?;
    let mss = u32::from(allowed.mss?).min(own.mss.map_or(u32::MAX, u32::from));
    let stamped = allowed.timestamp.is_some() && own.timestamp.is_some();
    mss.checked_sub(if stamped { TIMESTAMPS } else { 0 })
}

fn full_size(evidence: &Evidence<'_>, hole: &Hole<'_>, found: &mut Vec<Sign>) {
    let (Some(full), Some(trace), Some(shown_by)) = (full_payload(evidence), evidence.trace(), hole.shown_by)
    else {
        return;
    };
    let largest = trace.habits.of(evidence.sender()).max_payload;
    let whole = full > 0 && hole.octets % i64::from(full) == 0;
    if largest >= full || !whole || !hole.is_no_ordinary_loss() {
        return;
    }
    let packets = hole.octets / i64::from(full);
    found.push(Sign {
        rule: &FULL_SIZE_MISSING,
        points_at: PointsAt::Path,
        strength: Strength::Strong,
        frames: vec![shown_by.at.frame],
        numbers: vec![
            ("full_payload", f64::from(full)),
            ("largest_payload", f64::from(largest)),
            ("packets", packets as f64),
        ],
        detail: format!(
            "the {} octets missing are {packets} x {full}, the payload of a full packet; no packet of that size \
             ever came, the largest held {largest}",
            hole.octets
        ),
    });
    let small: Vec<_> = headers::all(trace)
        .filter(|header| header.by == evidence.sender() && header.payload > 0 && !header.flags.rst())
        .filter(|header| header.at.time >= shown_by.at.time)
        .collect();
    if small.is_empty() {
        return;
    }
    found.push(Sign {
        rule: &SMALL_ONES_PASS,
        points_at: PointsAt::Path,
        strength: Strength::Strong,
        frames: small.iter().take(4).map(|header| header.at.frame).collect(),
        numbers: vec![("segments", small.len() as f64)],
        detail: format!("while it was missing, {} smaller segments of the sender came through", small.len()),
    });
}

fn unscaled(evidence: &Evidence<'_>, hole: &Hole<'_>, found: &mut Vec<Sign>) {
    let (Some(trace), Some(full), true) =
        (evidence.trace(), full_payload(evidence), hole.is_no_ordinary_loss())
    else {
        return;
    };
    let scaled = trace.handshake.of(evidence.appliance()).as_ref().and_then(|syn| syn.window_scale);
    let ours = headers::all(trace).filter(|header| header.by == evidence.appliance() && header.flags.ack());
    let Some(expected) = headers::highest_ack(ours.clone()) else { return };
    if scaled.is_none_or(|scale| scale == 0) {
        return;
    }
    let edge = |header: &SegmentHeader| SeqNumber(header.ack).plus(header.window.into());
    let hit = ours
        .filter(|header| u32::from(header.window) >= WINDOW_SEGMENTS * full)
        .find(|header| edge(header).beyond(expected).abs() <= i64::from(full));
    let Some(hit) = hit else { return };
    found.push(Sign {
        rule: &WINDOW_UNSCALED,
        points_at: PointsAt::Middlebox,
        strength: Strength::Moderate,
        frames: vec![hit.at.frame],
        numbers: vec![("window", hit.window.into()), ("scale", scaled.unwrap_or_default().into())],
        detail: format!(
            "what is missing begins where the appliance's window of {} would end without its scale",
            hit.window
        ),
    });
}

fn own_window(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let Some(trace) = evidence.trace() else { return };
    let ours: Vec<_> = trace.recent.iter().filter(|header| header.by == evidence.appliance()).collect();
    let closed: Vec<_> = ours
        .iter()
        .rev()
        .take_while(|header| header.window == 0 && !header.flags.rst() && !header.flags.syn())
        .collect();
    let (Some(first), Some(end)) = (
        closed.last(),
        evidence
            .session
            .flow
            .closes
            .effective
            .map(|close| close.at.time)
            .or(Some(evidence.session.flow.last.time)),
    ) else {
        return;
    };
    let lasted = end.since(first.at.time);
    if lasted < CLOSED_FOR {
        return;
    }
    found.push(Sign {
        rule: &OWN_WINDOW_CLOSED,
        points_at: PointsAt::Appliance,
        strength: Strength::Decisive,
        frames: vec![first.at.frame],
        numbers: vec![("closed_seconds", lasted.seconds())],
        detail: format!(
            "the appliance had its receive window closed for the last {:.1} s: the sender was not allowed to send",
            lasted.seconds()
        ),
    });
}

fn sack(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let Some(trace) = evidence.trace() else { return };
    let ours = headers::all(trace).filter(|header| header.by == evidence.appliance());
    let Some(sent) = headers::next_number(ours) else { return };
    let odd = headers::all(trace).find(|header| {
        header.by == evidence.sender()
            && header.sack.is_some_and(|(left, right)| {
                let (left, right) = (SeqNumber(left).beyond(sent), SeqNumber(right).beyond(sent));
                right > 0 || left < -SACK_REACH
            })
    });
    let Some(odd) = odd else { return };
    found.push(Sign {
        rule: &SACK_OUTSIDE,
        points_at: PointsAt::Middlebox,
        strength: Strength::Strong,
        frames: vec![odd.at.frame],
        numbers: Vec::new(),
        detail: "the sender acknowledges numbers selectively (SACK) that the appliance never sent: a device \
                 renumbers the stream and forgets that option"
            .to_owned(),
    });
}

fn idle(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let Some(trace) = evidence.trace() else { return };
    let reset =
        trace.after_close.first().filter(|header| header.flags.rst() && header.by == evidence.sender());
    let (Some(reset), Some(last)) = (reset, trace.recent.back()) else { return };
    let seconds = reset.at.time.since(last.at.time).seconds();
    let Some(timer) = IDLE_TIMERS.into_iter().find(|timer| (seconds / timer - 1.0).abs() <= NEAR_TIMER)
    else {
        return;
    };
    found.push(Sign {
        rule: &IDLE_EXPIRED,
        points_at: PointsAt::Middlebox,
        strength: Strength::Moderate,
        frames: vec![last.at.frame, reset.at.frame],
        numbers: vec![("idle_seconds", seconds), ("timer_seconds", timer)],
        detail: format!(
            "the reset came after {seconds:.1} s without a packet either way, near the {timer:.0} s after which \
             devices forget idle connections"
        ),
    });
}

fn damaged(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    use crate::capture::segment::Checksum;
    let Some(trace) = evidence.trace() else { return };
    let bad: Vec<_> = headers::all(trace)
        .filter(|header| header.by == evidence.sender() && header.payload > 0)
        .filter(|header| header.checksum == Checksum::Bad && !header.flags.rst())
        .collect();
    let again = |header: &SegmentHeader| {
        headers::behind(trace, header, evidence.sender())
            .any(|other| other.seq == header.seq && other.payload > 0 && other.checksum == Checksum::Good)
    };
    let mended: Vec<_> = bad.iter().filter(|header| again(header)).collect();
    if mended.is_empty() {
        return;
    }
    found.push(Sign {
        rule: &DAMAGED_ON_THE_WAY,
        points_at: PointsAt::Path,
        strength: Strength::Strong,
        frames: mended.iter().take(4).map(|header| header.at.frame).collect(),
        numbers: vec![("segments", mended.len() as f64)],
        detail: format!(
            "{} of the sender's segments came with a wrong checksum and were sent again: something on the way \
             changed their octets",
            mended.len()
        ),
    });
}

/// What came back after the appliance ended a silence.
fn afterwards(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let Some(trace) = evidence.trace() else { return };
    let Some(stall) = evidence.ending.stall.filter(|stall| stall.on == evidence.leg.appliance().other())
    else {
        return;
    };
    let since = stall.since.time;
    let words: Vec<_> = headers::all(trace)
        .filter(|header| header.by == evidence.appliance() && header.at.time > since)
        .filter(|header| header.payload > 0 || header.flags.fin())
        .collect();
    let Some(first) = words.first() else { return };
    let answers: Vec<_> = headers::all(trace)
        .filter(|header| header.by == evidence.sender() && header.at.time >= first.at.time)
        .collect();
    match answers.first() {
        None if words.len() >= 2 => found.push(Sign {
            rule: &NOBODY_ANSWERS,
            points_at: PointsAt::Path,
            strength: Strength::Moderate,
            frames: words.iter().take(4).map(|header| header.at.frame).collect(),
            numbers: vec![("sent", words.len() as f64)],
            detail: format!(
                "nothing answered what the appliance said at the end, sent {} times: the sender's host or the path \
                 was gone",
                words.len()
            ),
        }),
        Some(answer)
            if answer.flags.rst()
                && super::resets::class_of(evidence, Some(answer.at.frame))
                    == Some(super::resets::Class::Stateless) =>
        {
            found.push(Sign {
                rule: &CONNECTION_FORGOTTEN,
                points_at: PointsAt::Path,
                strength: Strength::Moderate,
                frames: vec![first.at.frame, answer.at.frame],
                numbers: Vec::new(),
                detail: "the sender's host answered the appliance's last words that it knows no such connection: its \
                         own end was closed or reset before, out of sight"
                    .to_owned(),
            });
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::segment::{Checksum, Flags};
    use crate::cause::testing::{ISN, Scene, appliance, reset, sender};
    use crate::net::Role;
    use crate::smtp::script::Script;

    fn at(seq: u32, payload: u32, millis: i64) -> SegmentHeader {
        SegmentHeader { seq: ISN.0 + 1 + seq, payload, ..sender(millis) }
    }

    /// A body that falls silent; the appliance's timer ends it. The flow's last frame is at 302 s.
    fn silent(headers: impl IntoIterator<Item = SegmentHeader>) -> Scene {
        let script = Script::new()
            .s("220 x\r\n")
            .c("EHLO a\r\n")
            .s("250 x\r\n")
            .c("MAIL FROM:<a@a>\r\n")
            .s("250 ok\r\n")
            .wait(300)
            .s("421 timeout\r\n")
            .fin(Role::Server);
        let mut scene = Scene::with_headers([]);
        let base = Scene::of(&script);
        scene.session = base.session;
        scene.ending = base.ending;
        for header in headers {
            scene.push(header);
        }
        scene
    }

    fn strength(scene: &Scene, rule: &Rule) -> Option<Strength> {
        scene.named(read, rule.name).first().map(|sign| sign.strength)
    }

    #[test]
    fn a_hole_that_stays_is_told_and_one_that_is_mended_is_not() {
        let lost = silent([at(0, 50, 1_000), appliance(1_001), at(1_550, 0, 302_000)]);
        assert_eq!(strength(&lost, &LOST_IN_PATH), Some(Strength::Decisive));
        let mended = silent([
            at(0, 50, 1_000),
            at(1_498, 100, 1_002),
            at(50, 1_448, 1_300),
            SegmentHeader { ack: ISN.0 + 1 + 1_598, ..appliance(1_301) },
            at(1_598, 0, 302_000),
        ]);
        assert_eq!(strength(&mended, &LOST_IN_PATH), None);
    }

    #[test]
    fn a_black_hole_takes_just_the_full_packets() {
        let of = |missing: u32, tail: u32| {
            silent([
                at(0, 50, 900),
                SegmentHeader { ack: ISN.0 + 51, ..appliance(901) },
                at(50 + missing, tail, 1_000),
                at(50 + missing + tail, 0, 302_000),
            ])
        };
        let hole = of(3 * 1_460, 661);
        assert_eq!(strength(&hole, &FULL_SIZE_MISSING), Some(Strength::Strong));
        assert_eq!(strength(&hole, &SMALL_ONES_PASS), Some(Strength::Strong));
        assert_eq!(strength(&of(3 * 1_460, 0), &SMALL_ONES_PASS), None, "acknowledgments alone");
        assert_eq!(strength(&of(3 * 1_460 + 7, 661), &FULL_SIZE_MISSING), None, "no multiple");
        assert_eq!(strength(&of(1_460, 1_460), &FULL_SIZE_MISSING), None, "a full one came");
    }

    #[test]
    fn the_appliances_own_closed_window_is_nobody_elses_doing() {
        let zero = |millis| SegmentHeader { window: 0, ..appliance(millis) };
        let scene = silent([at(0, 50, 900), zero(1_000), zero(1_500)]);
        assert_eq!(strength(&scene, &OWN_WINDOW_CLOSED), Some(Strength::Decisive));
        let opened = silent([zero(1_000), appliance(1_100)]);
        assert_eq!(strength(&opened, &OWN_WINDOW_CLOSED), None);
    }

    #[test]
    fn numbers_and_octets_that_a_device_changed() {
        let sack = |left, right| SegmentHeader { sack: Some((left, right)), ..sender(1_000) };
        let ours = SegmentHeader { payload: 3_000, ..appliance(900) };
        let far = silent([ours, sack(ISN.1 + 5_000_000, ISN.1 + 5_001_000)]);
        assert_eq!(strength(&far, &SACK_OUTSIDE), Some(Strength::Strong));
        let within = silent([ours, sack(ISN.1 + 1_001, ISN.1 + 2_001)]);
        assert_eq!(strength(&within, &SACK_OUTSIDE), None);
        let bad = SegmentHeader { checksum: Checksum::Bad, ..at(0, 100, 900) };
        assert_eq!(
            strength(&silent([bad, at(0, 100, 1_100), ours]), &DAMAGED_ON_THE_WAY),
            Some(Strength::Strong)
        );
        assert_eq!(strength(&silent([bad, ours]), &DAMAGED_ON_THE_WAY), None);
    }

    #[test]
    fn idle_timers_and_what_came_after_the_silence() {
        let idle = |millis| strength(&silent([appliance(-900), reset(millis)]), &IDLE_EXPIRED);
        assert_eq!(idle(599_500), Some(Strength::Moderate));
        assert_eq!(idle(450_000), None);
        let fin = |millis| SegmentHeader { flags: Flags::FIN.with(Flags::ACK), ..appliance(millis) };
        assert_eq!(
            strength(&silent([fin(301_000), fin(301_300)]), &NOBODY_ANSWERS),
            Some(Strength::Moderate)
        );
        let bare = SegmentHeader { flags: Flags::RST, ack: 0, window: 0, ..reset(301_100) };
        let forgotten = silent([fin(301_000), bare]);
        assert_eq!(strength(&forgotten, &CONNECTION_FORGOTTEN), Some(Strength::Moderate));
        assert_eq!(strength(&forgotten, &NOBODY_ANSWERS), None);
    }
}
