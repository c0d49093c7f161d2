use super::*;
use crate::capture::trace::SegmentHeader;
use crate::cause::Bearing;
use crate::cause::signs::FAMILIES;
use crate::cause::testing::{Scene, reset, sender};
use crate::cause::{outside, patterns};

use CauseKind::{
    ApplianceClosed, ApplianceLimit, ApplianceRefused, ApplianceStalled, ApplianceTimer, MiddleboxReset,
    NotVisibleHere, RemoteRefused, SenderAbandoned, SenderClosed, SenderQuit, SenderReset,
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
