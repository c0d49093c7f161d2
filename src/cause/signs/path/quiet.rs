//! Quiet connections: what ended them, and what answered afterwards.

use crate::cause::signs::path::{CONNECTION_FORGOTTEN, IDLE_EXPIRED, NOBODY_ANSWERS};
use crate::cause::signs::resets::{self, Class};
use crate::cause::signs::{PointsAt, Sign, Strength};
use crate::cause::{Evidence, headers};

/// Times after which devices forget idle connections, in seconds: half-closed and embryonic timers apart, as
/// vendors' documents give them (MIDDLEBOX 3.4). 300 is the appliance's own.
pub const IDLE_TIMERS: [f64; 6] = [60.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0];
/// How near to a timer counts.
const NEAR_TIMER: f64 = 0.02;

pub(super) fn idle(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
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

/// What came back after the appliance ended a silence.
pub(super) fn afterwards(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
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
                && resets::class_of(evidence, Some(answer.at.frame))
                    == Some(Class::Stateless) =>
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
