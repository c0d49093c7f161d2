//! Streams cut, shuffled and copied in any way.

use proptest::prelude::*;

use super::*;
use crate::capture::segment::SeqNumber;

/// One segment of a split stream.
#[derive(Debug, Clone)]
struct Cut {
    from: usize,
    to: usize,
}

/// Pieces that cover `len` octets: a split at arbitrary points, then copies of arbitrary ranges,
/// all in arbitrary order.
fn pieces(len: usize) -> impl Strategy<Value = Vec<Cut>> {
    let points = proptest::collection::vec(0..=len, 0..24);
    let copies = proptest::collection::vec((0..=len, 0..=len), 0..12);
    (points, copies)
        .prop_map(move |(mut points, copies)| {
            points.extend([0, len]);
            points.sort_unstable();
            points.dedup();
            let split = points.windows(2).map(|pair| Cut { from: pair[0], to: pair[1] });
            let copies = copies.into_iter().map(|(a, b)| Cut { from: a.min(b), to: a.max(b) });
            split.chain(copies).filter(|cut| cut.from < cut.to).collect::<Vec<_>>()
        })
        .prop_shuffle()
}

proptest! {
    #[test]
    fn any_split_order_and_copy_gives_the_same_octets(
        cuts in pieces(2000),
        isn in prop_oneof![Just(u32::MAX - 700), any::<u32>()],
        fin_at in 0usize..40,
    ) {
        let whole = content(2000);
        let beginning = SeqNumber(isn).plus(1);
        let mut bench = Bench::new();
        for (place, cut) in cuts.iter().enumerate() {
            if place == fin_at {
                bench.fin(2000);
            }
            // By way of sequence numbers, so that the wrap at 2^32 is crossed.
            let seq = beginning.plus(cut.from as u32);
            let known = bench.stream.next();
            let offset = seq.offset_near(beginning.plus(known as u32), known.cast_signed());
            bench.offer(offset, &whole[cut.from..cut.to]);
        }
        if fin_at >= cuts.len() {
            bench.fin(2000);
        }
        let (out, stream) = bench.finish();
        prop_assert_eq!(&out.octets, &whole);
        prop_assert!(out.gaps.is_empty());
        prop_assert_eq!(out.end, Some(2000));
        prop_assert_eq!(stream.tally().differing, 0);
        prop_assert_eq!(stream.tally().octets, 2000);
    }

    #[test]
    fn octets_and_gaps_cover_the_stream_whatever_comes(
        steps in proptest::collection::vec((0u8..6, 0i64..3000, 0usize..400), 0..80),
    ) {
        let whole = content(4000);
        let mut bench = Bench::new();
        let (mut seen, mut damaged_at) = (0, false);
        for (what, place, len) in steps {
            let from = place as usize;
            match what {
                0 | 1 => {
                    bench.offer(place, &whole[from..from + len]);
                    seen = seen.max(if len > 0 { from + len } else { 0 });
                }
                5 => {
                    let mut damaged = whole[from..from + len].to_vec();
                    damaged.fill(0);
                    damaged_at |= len > 0;
                    bench.offer_damaged(place, &damaged);
                    seen = seen.max(if len > 0 { from + len } else { 0 });
                }
                2 => {
                    bench.offer_cut(place, &whole[from..from + len / 2], len);
                    seen = seen.max(if len > 0 { from + len } else { 0 });
                }
                3 => bench.ack(place as u64),
                _ => bench.wait(Span::from_millis(len as i64 * 10)),
            }
        }
        let acked = bench.acked as usize;
        let (out, stream) = bench.finish();
        let gaps: u64 = out.gaps.iter().map(|(_, length, _)| length).sum();
        prop_assert_eq!(out.next, out.octets.len() as u64 + gaps);
        // Everything seen or acknowledged came out, but for the octet that may be a lost FIN.
        let expected = seen.max(acked);
        prop_assert!(out.next as usize == expected || out.next as usize + 1 == acked);
        prop_assert_eq!(stream.tally().missed, gaps);
        // What came out is what was put in, in its place.
        let mut place = 0;
        let mut octets = out.octets.as_slice();
        let mut holes = out.gaps.iter().peekable();
        while place < out.next {
            if let Some(&&(offset, length, _)) = holes.peek() && offset == place {
                holes.next();
                place += length;
                continue;
            }
            let (first, rest) = octets.split_first().unwrap();
            prop_assert!(*first == whole[place as usize] || (damaged_at && *first == 0));
            octets = rest;
            place += 1;
        }
    }

    /// Also beyond 4 GiB, where the same sequence numbers come round again.
    #[test]
    fn offsets_survive_many_wraps(start in 0u64..1 << 40, step in 1u32..1 << 20) {
        let beginning = SeqNumber(12_345);
        let mut known = start;
        for _ in 0..100 {
            let seq = beginning.plus((known + u64::from(step)) as u32);
            let offset = seq.offset_near(beginning.plus(known as u32), known.cast_signed());
            prop_assert_eq!(offset as u64, known + u64::from(step));
            known = offset as u64;
        }
    }
}
