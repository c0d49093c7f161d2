use super::*;
use crate::capture::segment::{Checksum, Flags};
use crate::capture::trace::SegmentHeader;
use crate::cause::signs::Strength;
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
    assert_eq!(strength(&silent([fin(301_000), fin(301_300)]), &NOBODY_ANSWERS), Some(Strength::Moderate));
    let bare = SegmentHeader { flags: Flags::RST, ack: 0, window: 0, ..reset(301_100) };
    let forgotten = silent([fin(301_000), bare]);
    assert_eq!(strength(&forgotten, &CONNECTION_FORGOTTEN), Some(Strength::Moderate));
    assert_eq!(strength(&forgotten, &NOBODY_ANSWERS), None);
}
