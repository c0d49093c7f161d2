mod copies;
mod holes;
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
