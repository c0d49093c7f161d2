//! Closes that took effect, and closes that did not.

use super::*;
use crate::cite::{CaptureId, FrameRef};

fn at(millis: i64, frame: u32) -> Moment {
    let time = Timestamp::default().plus(Span::from_millis(millis));
    Moment { time, frame: FrameRef { capture: CaptureId(0), frame } }
}

fn rst(by: Side, millis: i64, offset: i64, acked: i64, sent: i64) -> Arrival {
    Arrival {
        kind: CloseKind::Rst,
        by,
        at: at(millis, millis as u32),
        offset,
        acknowledged: Some(0),
        sent,
        acked,
        refuses: false,
    }
}

fn life(by: Side, millis: i64, acknowledged: i64, pure_ack: bool) -> SignOfLife {
    SignOfLife { by, at: at(millis, millis as u32), acknowledged: Some(acknowledged), pure_ack }
}

fn effects(tracker: CloseTracker, acked: u64) -> Vec<Effect> {
    let end = StreamEnd { acked, ..StreamEnd::default() };
    let closes = tracker.finish(&Pair { originator: end, responder: end });
    closes.all.iter().map(|close| close.effect).collect()
}

use Side::{Originator as Sender, Responder as Appliance};

#[test]
fn an_exact_reset_with_segments_in_flight_took_effect() {
    let mut tracker = CloseTracker::default();
    tracker.close(rst(Sender, 1000, 500, 500, 500), Some(Span::from_millis(50)));
    tracker.life(life(Appliance, 1040, 500, false));
    assert!(tracker.reset_at().is_some());
    assert_eq!(effects(tracker, 500), [Effect::Effective]);
}

#[test]
fn the_receiver_that_goes_on_shows_that_it_was_ignored() {
    let mut tracker = CloseTracker::default();
    tracker.close(rst(Sender, 1000, 500, 500, 500), Some(Span::from_millis(50)));
    tracker.life(life(Appliance, 9000, 500, false));
    assert_eq!(tracker.reset_at(), None);
    assert_eq!(effects(tracker, 500), [Effect::Ignored]);
}

#[test]
fn the_sender_that_goes_on_after_a_forged_reset_proves_nothing_for_the_receiver() {
    let mut tracker = CloseTracker::default();
    tracker.close(rst(Sender, 1000, 500, 500, 500), None);
    tracker.life(life(Sender, 1200, 0, false));
    tracker.close(rst(Appliance, 1201, 70, 70, 70), None);
    tracker.life(life(Sender, 3000, 0, false));
    assert_eq!(effects(tracker, 500), [Effect::Effective, Effect::Aftermath]);
}

#[test]
fn a_challenge_ack_answers_a_reset_above_a_hole_and_the_second_one_counts() {
    let mut tracker = CloseTracker::default();
    tracker.close(rst(Sender, 1000, 900, 500, 800), None);
    tracker.life(life(Appliance, 1001, 500, true));
    tracker.close(rst(Sender, 1040, 500, 500, 800), None);
    assert_eq!(effects(tracker, 500), [Effect::Ignored, Effect::Effective]);
}

/// A closed host answers each packet in flight at the number that the packet asked for: the last of
/// them is the one that is taken.
#[test]
fn stale_resets_before_an_exact_one_were_dropped() {
    let mut tracker = CloseTracker::default();
    for (millis, offset) in [(1000, 100), (1010, 300), (1020, 500)] {
        tracker.close(rst(Sender, millis, offset, 500, 500), None);
    }
    assert_eq!(effects(tracker, 500), [Effect::Ignored, Effect::Ignored, Effect::Effective]);
    // Alone, a stale one is judged by what follows it, and nothing does.
    let mut tracker = CloseTracker::default();
    tracker.close(rst(Sender, 1000, 100, 500, 500), None);
    assert_eq!(effects(tracker, 500), [Effect::Effective]);
}

#[test]
fn newer_octets_acknowledged_at_once_refute_a_forged_reset() {
    let mut tracker = CloseTracker::default();
    tracker.close(rst(Sender, 1000, 500, 500, 500), None);
    tracker.life(life(Appliance, 1010, 620, true));
    assert_eq!(effects(tracker, 620), [Effect::Ignored]);
}

#[test]
fn a_flood_of_ignored_resets_does_not_hide_the_real_one() {
    let mut tracker = CloseTracker::default();
    for millis in 0..100 {
        tracker.close(rst(Sender, millis, 9000, 500, 500), None);
        tracker.life(life(Appliance, millis, 500, true));
    }
    tracker.close(rst(Sender, 5000, 500, 500, 500), None);
    let closes = tracker.finish(&Pair::default());
    assert_eq!(closes.effective.map(|close| close.at.frame.frame), Some(5000));
    assert_eq!(closes.all.len(), Closes::MAX_KEPT);
}

/// FINs at many places, each answered as if it had not come, and resets between them: each end's
/// first FIN stays where it is, and none takes up room twice.
#[test]
fn the_closes_kept_are_bounded_whatever_comes() {
    let mut tracker = CloseTracker::default();
    let mut millis = 0;
    let mut next = || {
        millis += 2000;
        millis
    };
    for _ in 0..Closes::MAX_KEPT {
        tracker.close(rst(Sender, next(), 9000, 500, 500), None);
        tracker.life(life(Appliance, next(), 500, true));
    }
    let first_fins: Vec<u32> = [Sender, Appliance]
        .map(|by| {
            let fin = Arrival { kind: CloseKind::Fin, ..rst(by, next(), 500, 500, 500) };
            tracker.close(fin, None);
            fin.at.frame.frame
        })
        .into();
    for offset in 501..600 {
        for by in [Sender, Appliance] {
            tracker.life(life(by.other(), next(), 0, true));
            tracker.close(rst(by, next(), 9000, 500, 500), None);
            tracker.close(Arrival { kind: CloseKind::Fin, ..rst(by, next(), offset, 500, offset) }, None);
            assert!(tracker.candidates.len() <= Closes::MOST);
        }
    }
    let closes = tracker.finish(&Pair::default());
    assert_eq!(closes.all.len(), Closes::MOST);
    assert_eq!(closes.first_seen.map(|close| close.at.frame.frame), Some(2000));
    for frame in first_fins {
        assert!(closes.all.iter().any(|close| close.at.frame.frame == frame), "{closes:?}");
    }
    assert!(closes.all.is_sorted_by_key(|close| close.at.frame), "in the order of the file");
}

/// Resets swept over the window, of which one hits before any is answered.
#[test]
fn a_sweep_of_resets_does_not_hide_the_one_that_hits() {
    let mut tracker = CloseTracker::default();
    for number in 1..100 {
        tracker.close(rst(Sender, number, 9000 - number, 500, 500), None);
    }
    assert_eq!(tracker.reset_at(), None);
    tracker.close(rst(Sender, 100, 500, 500, 500), None);
    tracker.close(rst(Sender, 101, 500, 500, 500), None);
    assert_eq!(tracker.reset_at(), Some(at(100, 0).time));
    assert!(tracker.candidates.len() <= Closes::MAX_KEPT);
}

#[test]
fn a_fin_above_a_hole_was_never_heard() {
    let mut tracker = CloseTracker::default();
    let fin = Arrival { kind: CloseKind::Fin, ..rst(Sender, 1000, 900, 500, 900) };
    tracker.close(fin, None);
    tracker.close(Arrival { at: at(2000, 2), ..fin }, None);
    let sender = StreamEnd { acked: 500, first_hole: Some(500), went_on: false };
    let closes = tracker.finish(&Pair { originator: sender, responder: StreamEnd::default() });
    assert_eq!(closes.all.len(), 1, "a FIN sent again is the same FIN");
    assert_eq!(closes.all[0].effect, Effect::AboveHole);
    assert_eq!(closes.effective, None);
    assert!(closes.first_seen.is_some());
}

#[test]
fn a_fin_with_octets_acknowledged_behind_it_ended_nothing() {
    let fin = Arrival { kind: CloseKind::Fin, ..rst(Sender, 1000, 500, 500, 500) };
    for (acked, went_on, effect) in
        [(700, true, Effect::Ignored), (501, true, Effect::Effective), (700, false, Effect::Effective)]
    {
        let mut tracker = CloseTracker::default();
        tracker.close(fin, None);
        let sender = StreamEnd { acked, first_hole: None, went_on };
        let closes = tracker.finish(&Pair { originator: sender, responder: StreamEnd::default() });
        assert_eq!(closes.all[0].effect, effect);
    }
    let mut tracker = CloseTracker::default();
    tracker.close(Arrival { offset: -20, ..fin }, None);
    assert_eq!(effects(tracker, 500), [Effect::Ignored], "before the beginning");
}

#[test]
fn each_end_closes_once_and_resets_after_its_own_fin_are_aftermath() {
    let mut tracker = CloseTracker::default();
    let fin = |by, millis, offset| Arrival { kind: CloseKind::Fin, ..rst(by, millis, offset, 10, offset) };
    tracker.close(fin(Sender, 1000, 10), None);
    tracker.close(rst(Sender, 1100, 10, 10, 11), None);
    tracker.close(fin(Appliance, 1200, 20), None);
    tracker.close(rst(Sender, 1300, 11, 11, 11), None);
    assert_eq!(
        effects(tracker, 21),
        [Effect::Effective, Effect::Aftermath, Effect::Effective, Effect::Aftermath]
    );
}
