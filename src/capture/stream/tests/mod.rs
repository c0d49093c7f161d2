mod properties;

use super::holes::{HOLE_PATIENCE, HOLE_SEGMENTS, MAX_PIECES, MAX_WAITING};
use super::*;
use crate::capture::{Loss, StreamFacts};
use crate::cite::{CaptureId, FrameRef};
use crate::time::{Span, Timestamp};

/// Collects what comes out, octets and gaps in one line.
#[derive(Debug, Default, PartialEq, Eq)]
struct Collected {
    octets: Vec<u8>,
    gaps: Vec<(u64, u64, Loss)>,
    end: Option<u64>,
    next: u64,
    stop_after: Option<usize>,
    frames: Vec<u32>,
}

impl Outlet for Collected {
    fn octets(&mut self, chunk: Chunk<'_>) -> Interest {
        assert!(!chunk.bytes.is_empty());
        assert_eq!(chunk.offset, self.next, "octets come in order, each once");
        self.next += chunk.bytes.len() as u64;
        self.octets.extend_from_slice(chunk.bytes);
        self.frames.push(chunk.at.frame.frame);
        match self.stop_after {
            Some(limit) if self.octets.len() >= limit => Interest::HeadersOnly,
            _ => Interest::Octets,
        }
    }

    fn gap(&mut self, gap: Gap) -> Interest {
        assert!(gap.length > 0);
        assert_eq!(gap.offset, self.next);
        self.next += gap.length;
        self.gaps.push((gap.offset, gap.length, gap.loss));
        Interest::Octets
    }

    fn end(&mut self, length: u64, _: Moment, _: u64) {
        assert_eq!(length, self.next);
        assert!(self.end.replace(length).is_none(), "a stream ends once");
    }
}

/// A stream with what surrounds it in a flow.
struct Bench {
    stream: Stream,
    budget: Budget,
    out: Collected,
    acked: u64,
    clock: i64,
    frame: u32,
}

impl Bench {
    fn new() -> Self {
        let (stream, budget) = (Stream::default(), Budget::default());
        Self { stream, budget, out: Collected::default(), acked: 0, clock: 0, frame: 0 }
    }

    fn moment(&mut self) -> Moment {
        self.frame += 1;
        Moment {
            time: Timestamp::from_nanos(self.clock),
            frame: FrameRef { capture: CaptureId(0), frame: self.frame },
        }
    }

    fn offer(&mut self, offset: i64, bytes: &[u8]) -> News {
        self.offer_cut(offset, bytes, bytes.len())
    }

    fn offer_cut(&mut self, offset: i64, bytes: &[u8], len: usize) -> News {
        self.offer_any(offset, bytes, len, false)
    }

    /// Octets whose checksum is wrong.
    fn offer_damaged(&mut self, offset: i64, bytes: &[u8]) -> News {
        self.offer_any(offset, bytes, bytes.len(), true)
    }

    fn offer_any(&mut self, offset: i64, bytes: &[u8], len: usize, doubtful: bool) -> News {
        let at = self.moment();
        let sum =
            (bytes.len() == len).then(|| bytes.iter().fold(0u16, |sum, b| sum.wrapping_add((*b).into())));
        let offer = Offer { offset, bytes, len: len as u32, sum, doubtful, at, acknowledged: 0 };
        let news = self.stream.offer(offer, self.acked, LARGEST_WINDOW, &mut self.budget, &mut self.out);
        self.give_up_due();
        news
    }

    fn ack(&mut self, acked: u64) {
        self.acked = self.acked.max(acked);
        self.stream.acknowledged(self.acked, Timestamp::from_nanos(self.clock));
        self.give_up_due();
    }

    fn give_up_due(&mut self) {
        let at = self.moment();
        self.stream.give_up_due(self.acked, at, at.time, &mut self.budget, &mut self.out);
    }

    fn wait(&mut self, span: Span) {
        self.clock += span.nanos();
        self.give_up_due();
    }

    fn fin(&mut self, offset: u64) {
        let at = self.moment();
        self.stream.end_at(offset.cast_signed(), at, 0, &mut self.out);
    }

    fn finish(mut self) -> (Collected, Stream) {
        let at = self.moment();
        self.stream.finish(self.acked, LARGEST_WINDOW, at, &mut self.budget, &mut self.out);
        assert_eq!((self.budget.used(), self.budget.remembered()), (0, 0), "all memory is given back");
        (self.out, self.stream)
    }
}

fn content(len: usize) -> Vec<u8> {
    (0..len as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[test]
fn in_order_octets_are_handed_on_at_once() {
    let mut bench = Bench::new();
    bench.offer(0, b"EHLO ");
    assert_eq!(bench.out.octets, b"EHLO ");
    bench.offer(5, b"a\r\n");
    bench.fin(8);
    assert_eq!(bench.out.end, Some(8));
    assert_eq!(bench.budget.used(), 0);
}

#[test]
fn the_first_copy_counts_and_the_difference_is_counted() {
    let mut bench = Bench::new();
    bench.offer(4, b"WXYZ");
    bench.offer(2, b"cdEFGH");
    bench.offer(0, b"ab");
    let (out, stream) = bench.finish();
    assert_eq!(out.octets, b"abcdWXYZ");
    assert_eq!(stream.tally().differing, 1);
}

#[test]
fn a_differing_copy_of_octets_already_handed_on_is_counted() {
    let mut bench = Bench::new();
    bench.offer(0, b"MAIL");
    assert_eq!(bench.offer(0, b"MAIL"), News::Copy);
    assert_eq!(bench.stream.tally().differing, 0);
    assert_eq!(bench.offer(0, b"RSET"), News::Copy);
    assert_eq!(bench.stream.tally().differing, 1);
    assert_eq!(bench.finish().0.octets, b"MAIL");
}

#[test]
fn copies_are_compared_whatever_their_bounds() {
    // What is sent again behind "MAIL", "FROM", "TEXT", and whether it differs.
    let rows: [(i64, &[u8], bool); 9] = [
        (0, b"MAILFROM", false),
        (0, b"MAILfROM", true),
        (2, b"ILFR", false),
        (2, b"ILxR", true),
        (10, b"XTmore", false),
        (10, b"XXmore", true),
        (-2, b"..MAIL", false),
        (-2, b"..mAIL", true),
        // A keep-alive probe holds what it likes.
        (11, b"?", false),
    ];
    for (offset, bytes, differs) in rows {
        let mut bench = Bench::new();
        for (place, said) in [(0, b"MAIL"), (4, b"FROM"), (8, b"TEXT")] {
            bench.offer(place, said);
        }
        bench.offer(offset, bytes);
        let (out, stream) = bench.finish();
        assert_eq!(stream.tally().differing, u64::from(differs), "{offset} {bytes:?}");
        assert!(out.octets.starts_with(b"MAILFROMTEXT"), "the first copy counts");
    }
}

#[test]
fn octets_with_a_wrong_checksum_give_way_to_a_good_copy() {
    // What is sent again, in which order, and how often it took the place of something.
    let rows: [(&[(i64, &[u8])], u64); 5] = [
        (&[(2, b"cdef")], 1),
        (&[(2, b"cd"), (4, b"ef")], 2),
        (&[(4, b"ef"), (2, b"cd")], 2),
        (&[(3, b"de"), (0, b"abcdefgh")], 2),
        (&[(0, b"abcdefgh")], 1),
    ];
    for (copies, replaced) in rows {
        let mut bench = Bench::new();
        bench.offer(0, b"ab");
        assert_eq!(bench.offer_damaged(2, b"cXXf"), News::Octets);
        bench.offer(6, b"gh");
        assert_eq!(bench.out.octets, b"ab", "a receiver drops it: it waits");
        for (offset, copy) in copies {
            assert_eq!(bench.offer(*offset, copy), News::Copy);
        }
        assert_eq!(bench.out.octets, b"abcdefgh");
        let (out, stream) = bench.finish();
        assert!(out.gaps.is_empty());
        assert_eq!((stream.tally().replaced, stream.tally().differing), (replaced, 0), "{copies:?}");
        assert_eq!(stream.tally().octets, 8);
    }
}

#[test]
fn octets_with_a_wrong_checksum_count_once_they_are_acknowledged_or_all_there_is() {
    let mut bench = Bench::new();
    bench.offer_damaged(0, b"abcd");
    bench.ack(2);
    assert_eq!(bench.out.octets, b"ab");
    bench.ack(4);
    assert_eq!(bench.out.octets, b"abcd");
    bench.offer_damaged(4, b"efgh");
    bench.offer_damaged(4, b"eXgh");
    assert_eq!(bench.out.octets, b"abcd");
    let (out, stream) = bench.finish();
    assert_eq!(out.octets, b"abcdefgh");
    assert!(out.gaps.is_empty());
    assert_eq!((stream.tally().replaced, stream.tally().differing), (0, 0));
}

#[test]
fn a_damaged_copy_never_counts_against_a_good_one() {
    let mut bench = Bench::new();
    bench.offer(0, b"abcd");
    bench.offer_damaged(0, b"aXcd");
    bench.offer(6, b"gh");
    bench.offer_damaged(4, b"efXX");
    bench.offer(4, b"ef");
    let (out, stream) = bench.finish();
    assert_eq!(out.octets, b"abcdefgh");
    assert_eq!((stream.tally().replaced, stream.tally().differing), (1, 0));
}

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
fn a_fin_waits_for_what_comes_before_it() {
    let mut bench = Bench::new();
    bench.fin(8);
    bench.offer(4, b"efgh");
    assert_eq!(bench.offer(8, b"beyond"), News::BeyondEnd);
    assert_eq!(bench.out.end, None);
    bench.offer(0, b"abcd");
    assert_eq!(bench.out.end, Some(8));
    assert_eq!(bench.finish().0.octets, b"abcdefgh");
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

#[test]
fn octets_from_before_the_beginning_are_dropped() {
    let mut bench = Bench::new();
    assert_eq!(bench.offer(-5, b"abcd"), News::BeforeBeginning);
    assert_eq!(bench.offer(-2, b"cdEF"), News::Octets);
    assert_eq!(bench.finish().0.octets, b"EF");
}

#[test]
fn a_full_buffer_gives_the_hole_up() {
    let mut bench = Bench::new();
    let block = content(60_000);
    let mut place = 1;
    while bench.out.gaps.is_empty() {
        bench.offer(place, &block);
        place += block.len() as i64;
        assert!(bench.budget.used() <= MAX_WAITING + block.len());
    }
    assert_eq!(bench.out.gaps, [(0, 1, Loss::Unacknowledged)]);
    assert_eq!(bench.stream.tally().forced, 1);
    assert_eq!(bench.budget.used(), 0);
}

#[test]
fn many_small_pieces_are_bounded() {
    let mut bench = Bench::new();
    for place in 0..3 * MAX_PIECES as i64 {
        bench.offer(place * 2 + 1, b"x");
    }
    assert!(bench.stream.waiting.as_ref().map_or(0, |waiting| waiting.count()) <= MAX_PIECES);
    assert!(bench.stream.tally().gaps.len() <= StreamFacts::MAX_GAPS);
    bench.finish();
}

#[test]
fn the_common_budget_bounds_all_streams() {
    let mut bench = Bench::new();
    bench.budget = Budget::new(100);
    bench.offer(10, &content(90));
    assert!(bench.out.gaps.is_empty());
    bench.offer(110, &content(20));
    assert!(!bench.out.gaps.is_empty());
    assert!(bench.budget.used() <= 100);
}

#[test]
fn octets_beyond_any_window_are_dropped_and_not_waited_for() {
    let mut bench = Bench::new();
    bench.offer(0, b"ab");
    bench.offer(2 + LARGEST_WINDOW.cast_signed() + 1, b"forged");
    let (out, stream) = bench.finish();
    assert_eq!(out.octets, b"ab");
    assert!(out.gaps.is_empty());
    assert_eq!(stream.tally().beyond_window, 6);
}

#[test]
fn a_conversation_that_has_heard_enough_costs_no_memory() {
    let mut bench = Bench::new();
    bench.out.stop_after = Some(4);
    bench.offer(8, b"ijkl");
    bench.offer(4, b"efgh");
    assert!(bench.budget.used() > 0);
    bench.offer(0, b"abcd");
    let heard = bench.out.octets.len();
    bench.stream.follow_headers_only(&mut bench.budget);
    assert_eq!(bench.budget.used(), 0);
    bench.offer(50, b"more");
    assert_eq!(bench.out.octets.len(), heard);
    assert_eq!(bench.stream.next(), 54);
}
