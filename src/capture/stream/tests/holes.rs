//! Octets that the capture lacks.

use super::*;

#[test]
fn an_acknowledged_hole_is_given_up_after_two_seconds() {
    let mut bench = Bench::new();
    bench.offer(0, b"ab");
    bench.offer(5, b"fg");
    bench.wait(Span::from_seconds(60));
    assert!(bench.out.gaps.is_empty(), "nobody acknowledged it: a copy may come");
    bench.ack(7);
    bench.wait(Span::from_millis(1900));
    assert!(bench.out.gaps.is_empty());
    bench.wait(Span::from_millis(200));
    assert_eq!(bench.out.gaps, [(2, 3, Loss::Capture)]);
    assert_eq!(bench.out.octets, b"abfg");
}

#[test]
fn an_acknowledged_hole_is_given_up_after_many_segments() {
    let mut bench = Bench::new();
    bench.ack(1);
    for number in 1..=i64::from(HOLE_SEGMENTS) {
        assert!(bench.out.gaps.is_empty(), "given up after {number}");
        bench.offer(number, b"x");
    }
    assert_eq!(bench.out.gaps, [(0, 1, Loss::Capture)]);
    assert_eq!(bench.out.octets.len(), HOLE_SEGMENTS as usize);
}

#[test]
fn holes_behind_one_acknowledgment_run_on_one_clock() {
    let mut bench = Bench::new();
    for place in 0..20 {
        bench.offer(place * 10 + 5, b"12345");
    }
    bench.ack(200);
    bench.wait(HOLE_PATIENCE);
    assert_eq!(bench.out.gaps.len(), 20);
    assert_eq!(bench.out.octets.len(), 100);
}

#[test]
fn a_hole_that_is_only_half_acknowledged_is_two_gaps_at_the_end() {
    let mut bench = Bench::new();
    bench.offer(10, b"kl");
    bench.ack(4);
    let (out, stream) = bench.finish();
    assert_eq!(out.gaps, [(0, 4, Loss::Capture), (4, 6, Loss::Unacknowledged)]);
    assert_eq!(out.octets, b"kl");
    assert_eq!(stream.tally().first_unacknowledged, Some(4));
    assert_eq!(stream.tally().missed, 10);
}

#[test]
fn octets_lost_by_the_capture_at_the_very_end_are_a_gap() {
    let mut bench = Bench::new();
    bench.offer(0, b"DATA\r\n");
    bench.ack(12);
    assert_eq!(bench.finish().0.gaps, [(6, 6, Loss::Capture)]);
}

#[test]
fn the_acknowledgment_of_an_unseen_fin_is_no_gap() {
    let mut bench = Bench::new();
    bench.offer(0, b"QUIT\r\n");
    bench.ack(7);
    bench.wait(Span::from_seconds(10));
    assert!(bench.finish().0.gaps.is_empty());
}

#[test]
fn the_acknowledgment_of_a_fin_is_no_octet() {
    let mut bench = Bench::new();
    bench.offer(0, b"QUIT\r\n");
    bench.fin(6);
    bench.ack(7);
    bench.wait(Span::from_seconds(10));
    let (out, _) = bench.finish();
    assert!(out.gaps.is_empty());
    assert_eq!(out.end, Some(6));
}

#[test]
fn octets_cut_by_the_snapshot_length_are_a_gap_once_acknowledged() {
    let mut bench = Bench::new();
    bench.offer_cut(0, b"abc", 10);
    assert_eq!(bench.out.octets, b"abc");
    bench.offer_cut(10, b"klm", 10);
    bench.ack(20);
    assert_eq!(bench.out.gaps, [(3, 7, Loss::Capture), (13, 7, Loss::Capture)]);
    assert_eq!(bench.out.octets, b"abcklm");
}

#[test]
fn octets_cut_by_the_snapshot_length_and_never_acknowledged_are_a_gap_at_the_end() {
    let mut bench = Bench::new();
    bench.offer_cut(0, b"", 10);
    let (out, _) = bench.finish();
    assert_eq!(out.gaps, [(0, 10, Loss::Unacknowledged)]);
}
