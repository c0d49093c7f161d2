//! Sound captures with one damaged place: what is sound is read, nothing is invented, and a note tells.

mod struck;

use std::ops::Range;

use proptest::prelude::*;

use super::*;
use struck::Struck;

/// What happens to a file.
#[derive(Debug, Clone)]
enum Blow {
    Zeros(usize),
    Random(Vec<u8>),
    Delete(usize),
    InsertZeros(usize),
    Insert(Vec<u8>),
    Truncate,
}

fn blows() -> impl Strategy<Value = Blow> {
    let noise = || proptest::collection::vec(any::<u8>(), 1..400);
    prop_oneof![
        (1usize..600).prop_map(Blow::Zeros),
        noise().prop_map(Blow::Random),
        (1usize..600).prop_map(Blow::Delete),
        (1usize..5000).prop_map(Blow::InsertZeros),
        noise().prop_map(Blow::Insert),
        Just(Blow::Truncate),
    ]
}

impl Blow {
    /// Strikes the file at `at`; gives the octets of the old file that were touched.
    fn strike(&self, file: &mut Vec<u8>, at: usize) -> Range<usize> {
        let end = |count: usize| file.len().min(at + count);
        let (hit, with) = match self {
            Self::Zeros(count) => (at..end(*count), vec![0; end(*count) - at]),
            Self::Random(noise) => (at..end(noise.len()), noise[..end(noise.len()) - at].to_vec()),
            Self::Delete(count) => (at..end(*count), Vec::new()),
            Self::InsertZeros(count) => (at..at, vec![0; *count]),
            Self::Insert(noise) => (at..at, noise.clone()),
            Self::Truncate => (at..file.len(), Vec::new()),
        };
        file.splice(hit.clone(), with);
        hit
    }
}

/// Frames that can be told from each other, some seconds apart: of many lengths, or all of one.
fn distinct(count: u32, seed: u32, alike: bool) -> Vec<Plain> {
    (0..count)
        .map(|n| {
            let spread = if alike { 0 } else { n.wrapping_mul(2_654_435_761) };
            let length = 20 + (spread.wrapping_add(seed) >> 16) as usize % 300;
            let octet = |place: usize| ((place as u32 ^ n.wrapping_mul(40_503) ^ seed) >> (place % 9)) as u8;
            let nanos = (1_700_000_000 + i64::from(n) * 3) * 1_000_000_000 + i64::from(n) * 1_000;
            plain(nanos, &(0..length).map(octet).collect::<Vec<u8>>())
        })
        .collect()
}

/// What a file is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Classic { magic: u32, header: usize },
    Pcapng,
}

impl Form {
    /// Octets that say what stands at a place, and how far it goes.
    fn header(self) -> usize {
        match self {
            Self::Classic { header, .. } => header,
            Self::Pcapng => 28,
        }
    }
}

/// A sound file, and where each frame with its header stands in it.
#[derive(Clone)]
struct Sample {
    form: Form,
    order: Order,
    frames: Vec<Plain>,
    file: Vec<u8>,
    spans: Vec<Range<usize>>,
}

impl Sample {
    fn classic(order: Order, magic: u32, frames: Vec<Plain>) -> Self {
        let header = if magic == MODIFIED { 24 } else { 16 };
        let mut file = pcap(order, magic, 1, &frames);
        let mut at = 24;
        if IXIA.contains(&magic) {
            file.splice(24..24, order.u32(0));
            at = 28;
        }
        let mut spans = Vec::new();
        for frame in &frames {
            let end = at + header + frame.bytes.len();
            spans.push(at..end);
            at = end;
        }
        assert_eq!(at, file.len());
        Self { form: Form::Classic { magic, header }, order, frames, file, spans }
    }

    fn pcapng(order: Order, frames: Vec<Plain>) -> Self {
        let mut file = [section(order), interface(order, 1, 0, &[])].concat();
        let mut spans = Vec::new();
        for frame in &frames {
            let block = enhanced(order, 0, (frame.nanos / 1000) as u64, &frame.bytes, frame.original_len);
            spans.push(file.len()..file.len() + block.len());
            file.extend(block);
        }
        Self { form: Form::Pcapng, order, frames, file, spans }
    }

    /// Octets from the first frame on.
    fn len(&self) -> usize {
        self.file.len() - self.spans[0].start
    }

    /// Strikes so far behind the begin of the first frame.
    fn strike(self, blow: &Blow, place: usize) -> Struck {
        let Self { form, order, frames, mut file, spans } = self;
        let head = spans[0].start;
        let at = head + place;
        let old_len = file.len();
        let hit = blow.strike(&mut file, at);
        let damage = at..at + hit.len() + file.len() - old_len;
        // An insertion hits the frame that it stands in, if it does not stand between two.
        let before = spans.iter().filter(|span| span.end <= at).count();
        let behind = spans.iter().position(|span| span.start >= hit.end).unwrap_or(spans.len());
        let begins = spans[before..behind].first().map_or(at, |span| span.start);
        let shift = |place: usize| place - hit.end + damage.end;
        let resume: Vec<usize> = spans[behind..].iter().map(|span| shift(span.start)).collect();
        Struck { form, order, frames, file, head, damage, before, behind, begins, resume }
    }
}

const IXIA: [u32; 2] = [0x1c00_01ac, 0x1c00_01ab];

/// Damage that tells nothing is common: more cases than usual are tried.
fn cases() -> u32 {
    ProptestConfig::default().cases.max(2000)
}

fn orders() -> impl Strategy<Value = Order> {
    prop_oneof![Just(Order::Big), Just(Order::Little)]
}

/// Files in which two headers once made a third, struck at every place.
#[test]
fn no_place_of_a_small_file_gives_a_frame_that_is_not_excused() {
    let samples = [
        Sample::classic(Order::Big, MODIFIED, distinct(6, 553_695_431, false)),
        Sample::classic(Order::Little, MICRO, distinct(4, 1_074_637_865, false)),
        Sample::classic(Order::Big, MICRO, distinct(4, 7, true)),
        Sample::pcapng(Order::Big, distinct(2, 229_441_537, false)),
        Sample::pcapng(Order::Big, distinct(4, 399_405_454, true)),
        Sample::pcapng(Order::Little, distinct(3, 0, false)),
    ];
    let blows = [1, 3, 15, 24]
        .into_iter()
        .flat_map(|count| [Blow::Zeros(count), Blow::Delete(count), Blow::InsertZeros(count)])
        .chain((1..=6).map(|kind| Blow::Insert(vec![kind])));
    for (number, sample) in samples.iter().enumerate() {
        for (blow, place) in
            blows.clone().flat_map(|blow| (0..sample.len()).map(move |place| (blow.clone(), place)))
        {
            if let Err(error) = sample.clone().strike(&blow, place).check() {
                panic!("sample {number}, {blow:?} at {place}: {error}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn a_classic_file_with_one_damaged_place(
        order in orders(),
        magic in prop::sample::select(vec![MICRO, NANO, MODIFIED, IXIA[0], IXIA[1]]),
        seed in any::<u32>(),
        alike in any::<bool>(),
        count in 1u32..24,
        blow in blows(),
        place in any::<prop::sample::Index>(),
    ) {
        let sample = Sample::classic(order, magic, distinct(count, seed, alike));
        let place = place.index(sample.len());
        sample.strike(&blow, place).check()?;
    }

    #[test]
    fn a_pcapng_file_with_one_damaged_place(
        order in orders(),
        seed in any::<u32>(),
        alike in any::<bool>(),
        count in 1u32..24,
        blow in blows(),
        place in any::<prop::sample::Index>(),
    ) {
        let sample = Sample::pcapng(order, distinct(count, seed, alike));
        let place = place.index(sample.len());
        sample.strike(&blow, place).check()?;
    }

    #[test]
    fn a_file_with_many_damaged_places_invents_few_frames(
        order in orders(),
        form in 0usize..4,
        strikes in proptest::collection::vec((blows(), any::<prop::sample::Index>()), 1..8),
    ) {
        let frames = distinct(60, 7, false);
        let mut sample = match form {
            0 => Sample::pcapng(order, frames),
            form => Sample::classic(order, [MICRO, NANO, MODIFIED][form - 1], frames),
        };
        let head = sample.spans[0].start;
        for (blow, place) in &strikes {
            if sample.file.len() > head {
                let at = head + place.index(sample.file.len() - head);
                blow.strike(&mut sample.file, at);
            }
        }
        let (read, ..) = super::read(sample.file);
        let strange = read.iter().filter(|frame| !sample.frames.contains(frame)).count();
        prop_assert!(strange <= 2 * strikes.len());
        let mut last = 0;
        for frame in read.iter().filter_map(|frame| sample.frames.iter().position(|one| one == frame)) {
            prop_assert!(frame >= last);
            last = frame;
        }
    }
}
