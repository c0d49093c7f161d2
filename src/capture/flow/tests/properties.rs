//! Any order, and any segments.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn any_order_of_a_dialogue_gives_the_same_octets(
        order in Just((0..dialogue().len()).collect::<Vec<_>>()).prop_shuffle(),
        isns in any::<[u32; 2]>(),
        copies in proptest::collection::vec(0..dialogue().len(), 0..6),
    ) {
        let segments = dialogue();
        let mut bench = Bench::new();
        bench.isns = isns;
        for (millis, place) in order.into_iter().chain(copies).enumerate() {
            bench.push(segments[place].at(millis as i64));
        }
        let (flow, heard) = bench.finish_one();
        prop_assert_eq!(flow.endpoints.originator, CLIENT);
        prop_assert_eq!(&heard.octets.originator, CLIENT_OCTETS);
        prop_assert_eq!(&heard.octets.responder, SERVER_OCTETS);
        prop_assert!(heard.gaps.is_empty());
        prop_assert_eq!(heard.ends, Pair { originator: Some(46), responder: Some(41) });
    }

    #[test]
    fn arbitrary_segments_never_panic_and_all_flows_come_back(
        segments in proptest::collection::vec(
            (any::<bool>(), any::<u8>(), -3i64..60, -3i64..60, 0usize..20, 0i64..100_000), 0..80,
        ),
        wild in proptest::collection::vec((0usize..80, any::<i64>()), 0..5),
    ) {
        let mut bench = Bench::new();
        for (place, (client, flags, seq, ack, len, millis)) in segments.into_iter().enumerate() {
            let from = if client { Client } else { Server };
            let mut seg = seg(from, Flags::from_bits(flags), seq, ack).at(millis);
            seg.payload = &CLIENT_OCTETS[..len];
            if let Some((_, number)) = wild.iter().find(|(at, _)| *at == place) {
                seg.seq = *number;
                seg.ack = number.rotate_left(17);
            }
            bench.push(seg);
        }
        for (flow, _) in bench.finish() {
            prop_assert!(flow.history.len() <= Flow::MAX_HISTORY);
            prop_assert!(flow.closes.all.len() <= Closes::MOST);
        }
    }
}
