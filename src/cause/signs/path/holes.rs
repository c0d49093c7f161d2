//! Octets that never came.

use crate::capture::segment::SeqNumber;
use crate::capture::trace::SegmentHeader;
use crate::cause::signs::path::{FULL_SIZE_MISSING, LOST_IN_PATH, SMALL_ONES_PASS, WINDOW_UNSCALED};
use crate::cause::signs::resets::distance;
use crate::cause::signs::{PointsAt, Sign, Strength};
use crate::cause::{Evidence, headers};
use crate::time::Span;

/// How long a hole is open before it is no ordinary loss: retransmissions come after 0.2 s, 0.6 s, 1.4 s
/// (RFC 6298, doubling from Linux's least time-out).
const HOLE_OPEN: Span = Span::from_seconds(3);
/// The timestamps option with its padding (RFC 7323 section 3.2).
const TIMESTAMPS: u32 = 12;
/// Segments that an unscaled window must hold to say anything.
const WINDOW_SEGMENTS: u32 = 4;
/// What is missing at the end.
pub(super) struct Hole<'a> {
    octets: i64,
    /// The first segment that shows it.
    shown_by: Option<&'a SegmentHeader>,
    open_for: Span,
}

impl<'a> Hole<'a> {
    pub(super) fn of(evidence: &Evidence<'a>) -> Option<Self> {
        let trace = evidence.trace()?;
        let octets = evidence.lost_in_path().unwrap_or(0);
        let acks = headers::all(trace).filter(|header| header.by == evidence.appliance());
        let expected = headers::highest_ack(acks)?;
        let usual = distance::usual_ttl(evidence).map(|usual| usual.ttl);
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

pub(super) fn lost(hole: &Hole<'_>, found: &mut Vec<Sign>) {
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

pub(super) fn full_size(evidence: &Evidence<'_>, hole: &Hole<'_>, found: &mut Vec<Sign>) {
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

pub(super) fn unscaled(evidence: &Evidence<'_>, hole: &Hole<'_>, found: &mut Vec<Sign>) {
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
