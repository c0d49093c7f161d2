use super::*;
use crate::capture::trace::SegmentHeader;
use crate::cause::Bearing;
use crate::cause::signs::sender as sender_signs;
use crate::cause::signs::{FAMILIES, PointsAt, Rule, capture, dialogue, path, resets};
use crate::cause::testing::{Scene, reset, sender};
use crate::cause::{outside, patterns};

use CauseKind::{
    ApplianceClosed, ApplianceLimit, ApplianceRefused, ApplianceStalled, ApplianceTimer, MiddleboxReset,
    NotVisibleHere, PathLostData, RemoteRefused, SenderAbandoned, SenderClosed, SenderQuit, SenderReset,
};

fn decided(scene: &Scene) -> Cause {
    let evidence = scene.evidence();
    let signs = crate::cause::signs::signs(&evidence);
    decide(&evidence, &signs).unwrap()
}

#[test]
fn every_cause_can_be_reached() {
    let by_signs: Vec<CauseKind> =
        COURSES.iter().flat_map(|course| course.by_signs.iter().copied()).collect();
    let own = [
        SenderQuit,
        SenderAbandoned,
        ApplianceRefused,
        RemoteRefused,
        NotVisibleHere,
        SenderClosed,
        SenderReset,
        ApplianceStalled,
        ApplianceLimit,
        ApplianceTimer,
        ApplianceClosed,
    ];
    for cause in CauseKind::ALL {
        assert!(by_signs.contains(&cause) || own.contains(&cause), "{cause:?} is never decided");
    }
}

#[test]
fn what_is_tried_by_signs_has_signs() {
    for cause in COURSES.iter().flat_map(|course| course.by_signs) {
        let of_one = FAMILIES.iter().flat_map(|family| family.rules);
        let supported =
            of_one.chain(patterns::RULES).chain(outside::RULES).any(|rule| rule.supports.contains(cause));
        assert!(supported, "no sign supports {cause:?}");
    }
}

#[test]
fn one_strong_sign_accuses_nobody_and_a_decisive_one_does() {
    let far = SegmentHeader { ttl: 120, ip_id: Some(107), ..reset(0) };
    let cause = decided(&Scene::with_headers([far]));
    assert_eq!(cause.kind, NotVisibleHere);
    let data = |millis, id| SegmentHeader { payload: 100, ip_id: Some(id), ..sender(millis) };
    let cause = decided(&Scene::with_headers([far, data(200, 108), data(400, 109), data(800, 110)]));
    assert_eq!((cause.kind, cause.confidence), (MiddleboxReset, Confidence::Named));
    assert!(cause.bearings.contains(&Bearing::For) && cause.bearings.contains(&Bearing::Against));
}

#[test]
fn a_senders_own_reset_needs_marks_of_its_own() {
    let own = SegmentHeader { ip_id: Some(107), ..reset(60) };
    let cause = decided(&Scene::with_headers([own]));
    assert_eq!((cause.kind, cause.confidence), (SenderReset, Confidence::Likely));
    let unmarked = SegmentHeader { ip_id: None, ..reset(60) };
    assert_eq!(decided(&Scene::with_headers([unmarked])).kind, NotVisibleHere);
}

fn sign(rule: &'static Rule, points_at: PointsAt, strength: Strength) -> Sign {
    Sign { rule, points_at, strength, frames: Vec::new(), numbers: Vec::new(), detail: String::new() }
}

#[test]
fn what_the_capture_lost_is_blamed_on_nobody() {
    let lost = sign(&path::LOST_IN_PATH, PointsAt::Path, Strength::Decisive);
    let missing = sign(&capture::FRAMES_MISSING, PointsAt::Capture, Strength::Decisive);
    assert_eq!(weigh(PathLostData, std::slice::from_ref(&lost)), Some(Confidence::Likely));
    assert_eq!(weigh(PathLostData, &[lost.clone(), missing.clone()]), None);
    let twice = sign(&capture::FRAMES_TWICE, PointsAt::Capture, Strength::Weak);
    assert_eq!(weigh(PathLostData, &[lost, twice]), Some(Confidence::Likely));
    // A capture of the sender's side has them, and what is there does not rest on what is missing.
    let outside = sign(&outside::DROPPED, PointsAt::Path, Strength::Decisive);
    assert_eq!(weigh(PathLostData, &[outside, missing.clone()]), Some(Confidence::Named));
    let talks = sign(&resets::KEEPS_TALKING, PointsAt::Middlebox, Strength::Decisive);
    assert_eq!(weigh(MiddleboxReset, &[talks, missing]), Some(Confidence::Named));
}

#[test]
fn two_decisive_signs_that_contradict_name_nobody() {
    let hole = sign(&dialogue::DOT_SWALLOWED, PointsAt::Middlebox, Strength::Decisive);
    let cause = *hole.rule.supports.first().unwrap();
    assert_eq!(weigh(cause, std::slice::from_ref(&hole)), Some(Confidence::Named));
    let lives = sign(&sender_signs::HOST_LIVES, PointsAt::Sender, Strength::Decisive);
    assert_eq!(weigh(cause, &[hole, lives]), Some(Confidence::Likely));
}

#[test]
fn a_fin_whose_header_was_not_compared_is_only_likely() {
    let script = crate::smtp::script::Script::new()
        .s("220 x\r\n")
        .c("EHLO a\r\n")
        .s("250 x\r\n")
        .c("MAIL FROM:<a@a>\r\n")
        .s("250 ok\r\n")
        .fin(crate::net::Role::Client);
    let scene = Scene::of(&script);
    let decided = |evidence: &Evidence<'_>| decide(evidence, &[]).map(|cause| (cause.kind, cause.confidence));
    assert_eq!(decided(&scene.evidence()), Some((SenderClosed, Confidence::Named)));
    let once = Evidence { close_up: None, ..scene.evidence() };
    assert_eq!(decided(&once), Some((SenderClosed, Confidence::Likely)));
}

#[test]
fn the_other_side_shows_a_deed_whoever_closed() {
    let made = sign(&outside::RESET_MADE, PointsAt::Middlebox, Strength::Decisive);
    let dropped = sign(&outside::DROPPED, PointsAt::Path, Strength::Decisive);
    let of = |ending| COURSES.iter().find(|course| course.ending == ending).unwrap().by_signs;
    for ending in
        [EndingKind::Silence, EndingKind::ApplianceClosed, EndingKind::ApplianceStalled, EndingKind::Fin]
    {
        let both = [dropped.clone(), made.clone()];
        assert_eq!(shown_from_outside(of(ending), &both), Some(MiddleboxReset), "{ending:?}");
        assert_eq!(shown_from_outside(of(ending), &both[..1]), Some(PathLostData), "{ending:?}");
    }
    assert_eq!(shown_from_outside(of(EndingKind::Quit), &[made]), None, "QUIT came through");
}
