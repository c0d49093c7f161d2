//! The same octets more than once, alike, other ones, and damaged.

use super::*;

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
