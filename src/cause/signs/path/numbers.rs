//! Windows, selective acknowledgments and checksums.

use crate::capture::segment::{Checksum, SeqNumber};
use crate::capture::trace::SegmentHeader;
use crate::cause::signs::path::{DAMAGED_ON_THE_WAY, OWN_WINDOW_CLOSED, SACK_OUTSIDE};
use crate::cause::signs::{PointsAt, Sign, Strength};
use crate::cause::{Evidence, headers};
use crate::time::Span;

/// How long the appliance's window was closed to count.
const CLOSED_FOR: Span = Span::from_seconds(1);
/// How far a SACK edge may lie from what was sent.
const SACK_REACH: i64 = 1 << 20;
pub(super) fn own_window(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
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

pub(super) fn sack(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
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

pub(super) fn damaged(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
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
