use proptest::prelude::*;

use super::*;
use crate::cite::FrameRef;

const SOURCE: [u8; 4] = [192, 0, 2, 10];

fn at(seconds: i64, frame: u32) -> Moment {
    let frame = FrameRef { capture: CaptureId(0), frame };
    Moment { time: Timestamp::from_parts(seconds, 0), frame }
}

/// A fragment of a datagram with the number `id`.
fn packet(version_6: bool, payload: &[u8]) -> Packet<'_> {
    let address = |last: u8| -> IpAddr {
        if version_6 { [0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last)].into() } else { SOURCE.into() }
    };
    let datagram = Datagram {
        source: address(1),
        destination: address(2),
        ttl: 60,
        traffic_class: 0,
        ip_id: (!version_6).then_some(7),
        payload,
        len: payload.len(),
        len_told: true,
    };
    Packet { datagram, protocol: ip_number::TCP, fragment: None }
}

/// An assembly, with what it says.
#[derive(Default)]
struct Bench {
    assembly: Assembly,
    notes: Notes,
    frames: u32,
}

impl Bench {
    fn push(
        &mut self,
        version_6: bool,
        id: u32,
        offset: usize,
        more: bool,
        payload: &[u8],
    ) -> Option<Vec<u8>> {
        self.push_at(1_700_000_000, version_6, id, offset, more, payload)
    }

    fn push_at(
        &mut self,
        seconds: i64,
        version_6: bool,
        id: u32,
        offset: usize,
        more: bool,
        payload: &[u8],
    ) -> Option<Vec<u8>> {
        self.frames += 1;
        let (packet, fragment) = (packet(version_6, payload), Fragment { id, offset, more });
        let mut whole = Vec::new();
        let at = at(seconds, self.frames);
        let packet = self.assembly.push(&packet, fragment, 0, at, &mut whole, &mut self.notes)?;
        assert_eq!((packet.datagram.len, packet.protocol), (packet.datagram.payload.len(), ip_number::TCP));
        Some(whole)
    }

    fn noted(&self) -> Vec<std::borrow::Cow<'static, str>> {
        self.notes.iter().map(|note| note.text.clone()).collect()
    }

    /// Fragments without the rest of their datagram.
    fn unfinished(&mut self) -> u64 {
        let unfinished = self.assembly.finish();
        assert!(self.assembly.entries.is_empty() && self.assembly.ages.is_empty());
        assert_eq!(self.assembly.octets, 0, "what was taken up is given back");
        unfinished.iter().map(|unfinished| unfinished.fragments).sum()
    }
}

#[test]
fn the_last_missing_fragment_completes_a_datagram_in_any_order() {
    for version_6 in [false, true] {
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]] {
            let mut bench = Bench::default();
            let octets: Vec<u8> = (0..20).collect();
            let pieces = [(0, true, &octets[..8]), (8, true, &octets[8..16]), (16, false, &octets[16..])];
            let mut got = order.map(|place| {
                let (offset, more, bytes) = pieces[place];
                bench.push(version_6, 1, offset, more, bytes)
            });
            assert_eq!(got[2].take().as_deref(), Some(&octets[..]));
            assert_eq!(got, [None, None, None]);
            // Copies that come late are copies, and no new datagram.
            assert_eq!(bench.push(version_6, 1, 8, true, &octets[8..16]), None);
            assert_eq!((bench.noted(), bench.unfinished()), (vec![], 0));
        }
    }
}

#[test]
fn a_number_used_again_begins_a_new_datagram() {
    let mut bench = Bench::default();
    assert_eq!(bench.push(false, 1, 0, true, b"abcdefgh"), None);
    assert_eq!(bench.push(false, 1, 8, false, b"ij").as_deref(), Some(&b"abcdefghij"[..]));
    assert_eq!(bench.push(false, 1, 0, true, b"ABCDEFGH"), None);
    assert_eq!(bench.push(false, 1, 8, false, b"IJ").as_deref(), Some(&b"ABCDEFGHIJ"[..]));
    assert_eq!((bench.noted(), bench.unfinished()), (vec![], 0));
}

#[test]
fn version_4_keeps_the_first_copy_and_says_so() {
    let mut bench = Bench::default();
    bench.push(false, 1, 8, true, b"ijklmnop");
    // It agrees where it overlaps: nothing is odd about it.
    bench.push(false, 1, 16, true, b"qrstuvwx");
    bench.push(false, 1, 8, true, b"ijklmnopqrstuvwx");
    assert!(bench.noted().is_empty());
    bench.push(false, 1, 0, true, b"abcdefghIJKLMNOP");
    let whole = bench.push(false, 1, 24, false, b"y").unwrap();
    assert_eq!(whole, b"abcdefghijklmnopqrstuvwxy");
    assert_eq!(bench.noted(), ["IP fragments overlap and differ: the copy that came first counts"]);
    assert_eq!(bench.unfinished(), 0);
}

#[test]
fn version_6_refuses_overlaps_but_not_copies() {
    let mut bench = Bench::default();
    bench.push(true, 1, 0, true, b"abcdefgh");
    bench.push(true, 1, 0, true, b"abcdefgh");
    assert!(bench.noted().is_empty());
    assert_eq!(bench.push(true, 1, 8, false, b"ij").as_deref(), Some(&b"abcdefghij"[..]));
    bench.push(true, 2, 0, true, b"abcdefghijklmnop");
    bench.push(true, 2, 8, true, b"ijklmnop");
    assert_eq!(bench.push(true, 2, 16, false, b"q"), None, "nothing is made of what contradicts itself");
    assert_eq!(bench.noted(), ["IPv6 fragments overlap: their datagram is not put together"]);
    assert_eq!(bench.unfinished(), 3);
}

#[test]
fn what_no_datagram_can_hold_is_noted_and_kept_out() {
    let mut bench = Bench::default();
    // Offsets beyond the end, in the manner of the ping of death; nothing in it; less than a unit.
    assert_eq!(bench.push(false, 1, 65_528, false, b"12345678"), None);
    assert_eq!(bench.push(false, 2, 0, true, b""), None);
    assert_eq!(bench.push(false, 3, 0, true, b"1234567"), None);
    assert_eq!(bench.push(true, 4, 0, true, b"123456789"), None);
    assert_eq!(bench.assembly.len(), 0);
    assert_eq!(
        bench.noted(),
        [
            "an IP fragment beyond the end of the longest datagram",
            "an IP fragment too short to hold anything",
            "an IPv6 fragment whose length is no multiple of eight",
        ]
    );
    // One that ends before what is there (teardrop), and two that disagree about the end.
    bench.push(false, 5, 8, true, b"ijklmnop");
    bench.push(false, 5, 0, false, b"ab");
    bench.push(false, 6, 8, false, b"ij");
    bench.push(false, 6, 16, false, b"kl");
    assert_eq!(bench.noted().len(), 4);
    assert_eq!(bench.push(false, 6, 0, true, b"abcdefgh").as_deref(), Some(&b"abcdefghij"[..]));
    assert_eq!(bench.unfinished(), 4 + 2);
    let mut cut = packet(false, b"12345678");
    cut.datagram.len = 16;
    let fragment = Fragment { id: 9, offset: 0, more: true };
    let mut whole = Vec::new();
    assert!(bench.assembly.push(&cut, fragment, 0, at(0, 1), &mut whole, &mut bench.notes).is_none());
    assert_eq!(bench.noted().last().unwrap(), "an IP fragment cut by the snapshot length");
}

#[test]
fn fragments_are_not_waited_for_beyond_the_timeout() {
    let mut bench = Bench::default();
    bench.push_at(1000, false, 1, 0, true, b"abcdefgh");
    bench.push_at(1000 + 30, false, 2, 0, true, b"abcdefgh");
    assert_eq!(bench.assembly.len(), 2);
    assert_eq!(bench.push_at(1000 + 31, false, 1, 8, false, b"ij"), None);
    assert_eq!(bench.unfinished(), 3);
}

#[test]
fn datagrams_in_assembly_are_bounded_in_number_and_in_octets() {
    let mut bench = Bench::default();
    for id in 0..MAX_DATAGRAMS as u32 + 10 {
        bench.push(false, id, 0, true, b"abcdefgh");
    }
    assert_eq!(bench.assembly.len(), MAX_DATAGRAMS);
    assert_eq!(bench.noted(), ["more fragmented IP datagrams at a time than are kept"]);
    let mut bench = Bench::default();
    for id in 0..1000 {
        bench.push(false, id, 65_520, true, b"abcdefgh");
        assert!(bench.assembly.octets <= MAX_OCTETS);
    }
    assert!(bench.assembly.len() > 200);
    assert_eq!(bench.unfinished(), 1000);
}

#[test]
fn fragments_of_other_udp_are_nobodys_loss() {
    let mut bench = Bench::default();
    let (dns, vxlan) = ([0, 53, 0, 53, 0, 9, 0, 0], [0x80, 0, 0x12, 0xb5, 0, 9, 0, 0]);
    for (id, header) in [(1, dns), (2, vxlan)] {
        let mut packet = packet(false, &header);
        packet.protocol = ip_number::UDP;
        let fragment = Fragment { id, offset: 0, more: true };
        let mut whole = Vec::new();
        let at = at(1, id);
        assert!(bench.assembly.push(&packet, fragment, 0, at, &mut whole, &mut bench.notes).is_none());
    }
    assert_eq!(bench.unfinished(), 1);
}

proptest! {
    #[test]
    fn arbitrary_fragments_never_panic_and_nothing_is_kept_twice(
        fragments in proptest::collection::vec(
            (any::<bool>(), 0u32..3, 0usize..12, any::<bool>(), 0usize..40, 0i64..40), 0..60,
        ),
    ) {
        let mut bench = Bench::default();
        for (version_6, id, place, more, length, seconds) in fragments {
            let octets: Vec<u8> = (0..length).map(|octet| octet as u8).collect();
            bench.push_at(seconds, version_6, id, place * 8, more, &octets);
        }
        bench.unfinished();
    }

    /// Any cut of a datagram into fragments, in any order and with copies, gives the datagram once.
    #[test]
    fn any_cut_gives_the_datagram_once(
        version_6 in any::<bool>(),
        units in 2usize..40,
        cuts in proptest::collection::vec(0usize..40, 1..10),
        order in proptest::collection::vec(any::<proptest::sample::Index>(), 0..40),
    ) {
        let octets: Vec<u8> = (0..units * 8 - 3).map(|octet| octet as u8).collect();
        // Behind the first octets and before the last, so that there are two pieces at least.
        let mut bounds: Vec<usize> = cuts.into_iter().map(|cut| (cut % (units - 1) + 1) * 8).collect();
        bounds.extend([0, octets.len()]);
        bounds.sort_unstable();
        bounds.dedup();
        let pieces: Vec<(usize, usize)> = bounds.windows(2).map(|pair| (pair[0], pair[1])).collect();
        let mut bench = Bench::default();
        let all = order.iter().map(|index| *index.get(&pieces)).chain(pieces.iter().copied());
        let got: Vec<_> = all
            .filter_map(|(from, to)| bench.push(version_6, 9, from, to < octets.len(), &octets[from..to]))
            .collect();
        prop_assert_eq!(got, [octets]);
        prop_assert!(bench.noted().is_empty());
        prop_assert_eq!(bench.unfinished(), 0);
    }
}
