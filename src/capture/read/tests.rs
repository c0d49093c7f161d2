use std::io::{Cursor, Write};

use proptest::prelude::*;

use super::*;
use crate::cite::Severity;

/// A frame as the tests write and expect it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Plain {
    nanos: i64,
    bytes: Vec<u8>,
    original_len: u32,
    link: u32,
    interface: u32,
}

fn plain(nanos: i64, bytes: &[u8]) -> Plain {
    Plain { nanos, bytes: bytes.to_vec(), original_len: bytes.len() as u32, link: 1, interface: 0 }
}

/// Writes numbers in one of the two byte orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Big,
    Little,
}

impl Order {
    const BOTH: [Self; 2] = [Self::Big, Self::Little];

    fn u16(self, value: u16) -> Vec<u8> {
        if self == Self::Big { value.to_be_bytes().into() } else { value.to_le_bytes().into() }
    }

    fn u32(self, value: u32) -> Vec<u8> {
        if self == Self::Big { value.to_be_bytes().into() } else { value.to_le_bytes().into() }
    }

    fn u64(self, value: u64) -> Vec<u8> {
        if self == Self::Big { value.to_be_bytes().into() } else { value.to_le_bytes().into() }
    }
}

const MICRO: u32 = 0xa1b2_c3d4;
const NANO: u32 = 0xa1b2_3c4d;
const MODIFIED: u32 = 0xa1b2_cd34;

fn pcap(order: Order, magic: u32, link: u32, frames: &[Plain]) -> Vec<u8> {
    let mut file =
        [order.u32(magic), order.u16(2), order.u16(4), vec![0; 8], order.u32(65_535), order.u32(link)]
            .concat();
    for frame in frames {
        let unit = if magic == NANO { 1 } else { 1000 };
        file.extend(order.u32((frame.nanos / 1_000_000_000) as u32));
        file.extend(order.u32((frame.nanos % 1_000_000_000 / unit) as u32));
        file.extend(order.u32(frame.bytes.len() as u32));
        file.extend(order.u32(frame.original_len));
        if magic == MODIFIED {
            file.extend([0; 8]);
        }
        file.extend(&frame.bytes);
    }
    file
}

fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let length = order.u32(body.len() as u32 + 12);
    [order.u32(kind), length.clone(), body, length].concat()
}

fn section(order: Order) -> Vec<u8> {
    block(
        order,
        0x0a0d_0d0a,
        &[order.u32(0x1a2b_3c4d), order.u16(1), order.u16(0), order.u64(u64::MAX)].concat(),
    )
}

/// Code and value.
type NgOption = (u16, Vec<u8>);

fn options(order: Order, options: &[NgOption]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (code, value) in options {
        bytes.extend(order.u16(*code));
        bytes.extend(order.u16(value.len() as u16));
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    if !options.is_empty() {
        bytes.extend([0; 4]);
    }
    bytes
}

fn interface(order: Order, link: u16, snaplen: u32, its_options: &[NgOption]) -> Vec<u8> {
    let body = [order.u16(link), order.u16(0), order.u32(snaplen), options(order, its_options)].concat();
    block(order, 1, &body)
}

fn enhanced(order: Order, interface: u32, ticks: u64, bytes: &[u8], original_len: u32) -> Vec<u8> {
    let mut data = bytes.to_vec();
    data.resize(data.len().next_multiple_of(4), 0);
    let comment = options(order, &[(1, b"a comment".to_vec())]);
    let body = [
        order.u32(interface),
        order.u32((ticks >> 32) as u32),
        order.u32(ticks as u32),
        order.u32(bytes.len() as u32),
        order.u32(original_len),
        data,
        comment,
    ];
    block(order, 6, &body.concat())
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// All frames of a file, the error at its end, and its notes.
fn read(file: Vec<u8>) -> (Vec<Plain>, Option<ReadError>, Notes) {
    let input = Input::from_reader(Cursor::new(file)).unwrap();
    let mut reader = CaptureReader::from_input(input, Path::new("test.pcap")).unwrap();
    let mut frames = Vec::new();
    let mut last = 0;
    let error = loop {
        match reader.next_frame() {
            Ok(Some(frame)) => {
                assert!(frame.number > last);
                last = frame.number;
                frames.push(Plain {
                    nanos: frame.time.nanos(),
                    bytes: frame.bytes.to_vec(),
                    original_len: frame.original_len,
                    link: frame.link.0,
                    interface: frame.interface,
                });
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(reader.next_frame().unwrap().is_none(), "after the end comes nothing");
    (frames, error, reader.notes())
}

fn open_error(file: Vec<u8>) -> OpenCause {
    let input = Input::from_reader(Cursor::new(file)).unwrap();
    CaptureReader::from_input(input, Path::new("test.pcap")).unwrap_err().cause
}

fn samples() -> Vec<Plain> {
    vec![
        plain(1_700_000_000_123_456_000, b"the first frame"),
        Plain { original_len: 1514, ..plain(1_700_000_001_000_001_000, b"cut") },
        plain(1_700_000_002_999_999_000, b""),
        plain(1_700_000_003_000_000_000, &[7; 9000]),
    ]
}

#[test]
fn classic_files_read_alike_in_all_forms() {
    for order in Order::BOTH {
        for magic in [MICRO, NANO, MODIFIED] {
            if (order, magic) == (Order::Big, MODIFIED) {
                continue; // never written: the form is one of old Linux on Intel
            }
            let file = pcap(order, magic, 1, &samples());
            assert!(looks_like_capture(&file));
            for file in [file.clone(), gzip(&file)] {
                let (frames, error, notes) = read(file);
                assert_eq!(frames, samples());
                assert!(error.is_none() && notes.is_empty());
            }
        }
    }
}

#[test]
fn nanoseconds_are_kept() {
    let frames = vec![plain(1_700_000_000_123_456_789, b"x")];
    assert_eq!(read(pcap(Order::Little, NANO, 1, &frames)).0, frames);
}

#[test]
fn the_link_type_is_read_without_the_bits_above_it() {
    let (frames, ..) = read(pcap(Order::Little, MICRO, 0x5400_0071, &samples()[..1]));
    assert_eq!(frames[0].link, 113);
}

#[test]
fn pcapng_times_are_those_of_the_interface() {
    const SECONDS: u64 = 1_700_000_000;
    for order in Order::BOTH {
        let tsresol = |value: u8| (9, vec![value]);
        let rows: [(Vec<NgOption>, u64, i64); 7] = [
            (vec![], SECONDS * 1_000_000 + 5, 1_700_000_000_000_005_000),
            (vec![tsresol(9)], SECONDS * 1_000_000_000 + 5, 1_700_000_000_000_000_005),
            (vec![tsresol(3)], SECONDS * 1000 + 5, 1_700_000_000_005_000_000),
            (vec![tsresol(0)], SECONDS, 1_700_000_000_000_000_000),
            // Binary fractions: 2^-10 s is 976,562.5 ns.
            (vec![tsresol(0x8a)], SECONDS * 1024 + 1, 1_700_000_000_000_976_562),
            (vec![tsresol(12)], 1_000_000_000_007, 1_000_000_000),
            (vec![tsresol(6), (14, order.u64(3600))], SECONDS * 1_000_000, 1_700_003_600_000_000_000),
        ];
        for (its_options, ticks, nanos) in rows {
            let file =
                [section(order), interface(order, 1, 0, &its_options), enhanced(order, 0, ticks, b"x", 1)]
                    .concat();
            let (frames, error, _) = read(file);
            assert!(error.is_none());
            assert_eq!(frames, [plain(nanos, b"x")], "{its_options:?}");
        }
    }
}

#[test]
fn pcapng_times_before_1970_and_mad_resolutions_are_survived() {
    let order = Order::Little;
    for resolution in [0u8, 6, 19, 38, 39, 127, 128, 128 + 63, 128 + 64, 255] {
        for ticks in [0, 1, u64::MAX, 1 << 63, (1 << 63) - 1] {
            let file = [
                section(order),
                interface(order, 1, 0, &[(9, vec![resolution])]),
                enhanced(order, 0, ticks, b"x", 1),
            ];
            assert_eq!(read(file.concat()).0.len(), 1);
        }
    }
    let before = -505_873_671_000i64;
    let ticks = (before / 1000).cast_unsigned();
    let file = [section(order), interface(order, 1, 0, &[]), enhanced(order, 0, ticks, b"x", 1)];
    assert_eq!(read(file.concat()).0[0].nanos, before);
}

#[test]
fn sections_and_interfaces_have_their_own_rules() {
    let (big, little) = (Order::Big, Order::Little);
    let file = [
        section(big),
        interface(big, 1, 0, &[]),
        interface(big, 113, 0, &[(9, vec![9])]),
        enhanced(big, 1, 5_000_000_000, b"cooked", 6),
        enhanced(big, 0, 6_000_000, b"ethernet", 8),
        section(little),
        interface(little, 101, 0, &[]),
        enhanced(little, 0, 7_000_000, b"raw", 3),
    ];
    let (frames, error, notes) = read(file.concat());
    assert!(error.is_none() && notes.is_empty());
    assert_eq!(
        frames,
        [
            Plain { link: 113, interface: 1, ..plain(5_000_000_000, b"cooked") },
            plain(6_000_000_000, b"ethernet"),
            Plain { link: 101, ..plain(7_000_000_000, b"raw") },
        ]
    );
}

#[test]
fn simple_and_obsolete_packet_blocks_are_frames() {
    let order = Order::Big;
    let simple = [order.u32(100), b"snap".to_vec()].concat();
    let obsolete = [
        order.u16(0),
        order.u16(9),
        order.u32(0),
        order.u32(42),
        order.u32(3),
        order.u32(60),
        b"old".to_vec(),
    ]
    .concat();
    let file =
        [section(order), interface(order, 1, 4, &[]), block(order, 2, &obsolete), block(order, 3, &simple)];
    let (frames, error, notes) = read(file.concat());
    assert!(error.is_none());
    assert_eq!(
        frames,
        [
            Plain { original_len: 60, ..plain(42_000, b"old") },
            // It has no time of its own.
            Plain { original_len: 100, ..plain(42_000, b"snap") },
        ]
    );
    assert!(!notes.is_empty() && !notes.any_loss());
}

#[test]
fn damage_within_a_block_costs_only_that_block() {
    let order = Order::Little;
    let mut damaged = enhanced(order, 0, 1, b"frame", 5);
    damaged[20..24].copy_from_slice(&order.u32(50_000));
    let file = [
        section(order),
        interface(order, 1, 0, &[]),
        enhanced(order, 0, 1, b"one", 3),
        damaged,
        enhanced(order, 7, 2, b"of no interface", 15),
        enhanced(order, 0, 3, b"two", 3),
    ];
    let input = Input::from_reader(Cursor::new(file.concat())).unwrap();
    let mut reader = CaptureReader::from_input(input, Path::new("x")).unwrap();
    let mut numbers = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        numbers.push(frame.number);
    }
    assert_eq!(numbers, [1, 4], "what is passed over is counted all the same");
    assert_eq!(reader.notes().iter().filter(|note| note.severity == Severity::Loss).count(), 2);
}

#[test]
fn the_capturing_program_tells_what_it_dropped() {
    let order = Order::Big;
    let statistics = |dropped: u64| {
        let body = [order.u32(0), vec![0; 8], options(order, &[(5, order.u64(dropped)), (7, order.u64(1))])]
            .concat();
        block(order, 5, &body)
    };
    let file =
        [section(order), interface(order, 1, 0, &[]), statistics(3), statistics(10), section(order)].concat();
    let (_, _, notes) = read(file);
    assert!(notes.iter().any(|note| note.text.contains("dropped 11 frames")), "{notes:?}");
}

#[test]
fn a_huge_block_that_is_no_frame_is_passed_over() {
    let order = Order::Little;
    let file = [
        section(order),
        interface(order, 1, 0, &[]),
        block(order, 10, &vec![1; 20 * 1024 * 1024]),
        enhanced(order, 0, 3, b"after", 5),
    ];
    let (frames, error, _) = read(file.concat());
    assert_eq!((frames.len(), error.is_none()), (1, true));
}

#[test]
fn a_file_cut_anywhere_gives_every_whole_frame_and_says_where_it_ends() {
    let order = Order::Little;
    let small: Vec<Plain> = samples().into_iter().take(3).collect();
    let mut ng = [section(order), interface(order, 1, 0, &[])].concat();
    let head = ng.len();
    for frame in &small {
        ng.extend(enhanced(order, 0, (frame.nanos / 1000) as u64, &frame.bytes, frame.original_len));
    }
    for (file, head) in [(pcap(order, MICRO, 1, &small), 24), (ng, head)] {
        let whole = read(file.clone()).0;
        assert_eq!(whole, small);
        for cut in head..file.len() {
            let (frames, error, _) = read(file[..cut].to_vec());
            assert!(whole.starts_with(&frames));
            match error {
                Some(ReadError {
                    offset,
                    cause: ReadCause::CutFrame { need, have } | ReadCause::CutBlock { need, have },
                    ..
                }) => {
                    assert!(have < need && offset + have as u64 == cut as u64);
                }
                Some(other) => panic!("{other}"),
                None => assert!(frames.len() < small.len()),
            }
        }
    }
}

#[test]
fn a_cut_gzip_gives_the_frames_before_the_cut() {
    let frames: Vec<Plain> = (0..2000u32)
        .map(|n| plain(i64::from(n) * 1000, &n.wrapping_mul(2_654_435_761).to_le_bytes()))
        .collect();
    let packed = gzip(&pcap(Order::Little, MICRO, 1, &frames));
    let (read, error, _) = read(packed[..packed.len() * 2 / 3].to_vec());
    assert!(!read.is_empty() && frames.starts_with(&read));
    assert!(matches!(error, Some(ReadError { cause: ReadCause::Io(_), .. })));
}

#[test]
fn absurd_lengths_end_the_file_and_nothing_else() {
    let mut file = pcap(Order::Little, MICRO, 1, &samples()[..1]);
    file.extend([0; 8]);
    file.extend(u32::MAX.to_le_bytes());
    file.extend([0xff; 600_000]);
    let (frames, error, _) = read(file);
    assert_eq!(frames.len(), 1);
    let error = error.unwrap();
    assert!(matches!(error.cause, ReadCause::AbsurdLength { .. }), "{error}");
    assert_eq!(error.offset, 24 + 16 + 15);

    let order = Order::Big;
    let start = [section(order), interface(order, 1, 0, &[])].concat();
    for (length, absurd) in [(0u32, false), (8, false), (u32::MAX - 3, true)] {
        let mut file = start.clone();
        file.extend(order.u32(6));
        file.extend(order.u32(length));
        file.extend([0; 100]);
        let error = read(file).1.unwrap();
        assert_eq!(matches!(error.cause, ReadCause::AbsurdLength { .. }), absurd, "{error}");
    }
}

#[test]
fn what_is_no_capture_is_told_apart() {
    assert!(matches!(open_error(vec![]), OpenCause::Empty));
    assert!(matches!(open_error(b"Mon Nov 19 09:16:46 2014 Info: ...".to_vec()), OpenCause::NotACapture));
    assert!(matches!(open_error(MICRO.to_le_bytes().to_vec()), OpenCause::CutHeader { .. }));
    assert!(!looks_like_capture(b"\x0a\x0d\x0d\x0a....no magic"));
    assert!(!looks_like_capture(b""));
    let missing = CaptureReader::open(Path::new("/nowhere/at/all.pcap"), ReaderKind::Own).unwrap_err();
    assert!(missing.to_string().starts_with("/nowhere/at/all.pcap: "), "{missing}");
}

#[cfg(feature = "libpcap")]
#[test]
fn libpcap_gives_the_same_frames() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample.pcap");
    for magic in [MICRO, NANO] {
        std::fs::write(&path, pcap(Order::Big, magic, 1, &samples())).unwrap();
        let mut own = CaptureReader::open(&path, ReaderKind::Own).unwrap();
        let mut theirs = CaptureReader::open(&path, ReaderKind::Libpcap).unwrap();
        while let Some(ours) = own.next_frame().unwrap() {
            let theirs = theirs.next_frame().unwrap().unwrap();
            assert_eq!(
                (ours.number, ours.time, ours.bytes, ours.original_len, ours.link),
                (theirs.number, theirs.time, theirs.bytes, theirs.original_len, theirs.link)
            );
        }
        assert!(theirs.next_frame().unwrap().is_none());
    }
    std::fs::write(&path, gzip(b"x")).unwrap();
    let refused = CaptureReader::open(&path, ReaderKind::Libpcap).unwrap_err();
    assert!(refused.to_string().contains("libpcap: "), "{refused}");
}

#[cfg(feature = "libpcap")]
#[test]
fn filters_pass_what_libpcap_says_on_every_link() {
    let mut filter = Filter::new("tcp port 25").unwrap();
    fn frame(link: LinkType, bytes: &[u8]) -> Frame<'_> {
        let original_len = bytes.len() as u32;
        Frame { number: 1, time: Timestamp::default(), bytes, original_len, link, interface: 0 }
    }
    let ethernet = [&[0; 12][..], &[8, 0]].concat();
    let ip_tcp = |port: u16| {
        let mut packet = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0xc0, 0];
        packet.extend(port.to_be_bytes());
        packet.extend([0; 16]);
        packet
    };
    let wrapped = |port| [ethernet.clone(), ip_tcp(port)].concat();
    assert!(filter.passes(&frame(LinkType::ETHERNET, &wrapped(25))));
    assert!(!filter.passes(&frame(LinkType::ETHERNET, &wrapped(80))));
    assert!(filter.passes(&frame(LinkType::IPV4, &ip_tcp(25))));
    assert!(!filter.clone().passes(&frame(LinkType::IPV4, &ip_tcp(80))));
    let error = Filter::new("tcp prot 25").unwrap_err();
    assert!(error.to_string().contains("can't parse filter expression"), "{error}");
}

#[cfg(not(feature = "libpcap"))]
#[test]
fn without_libpcap_the_errors_say_how_to_have_it() {
    let refused = CaptureReader::open(Path::new("x.pcap"), ReaderKind::Libpcap).unwrap_err();
    assert!(refused.to_string().contains("default features"), "{refused}");
    assert!(Filter::new("tcp").unwrap_err().to_string().contains("default features"));
}

proptest! {
    #[test]
    fn arbitrary_octets_never_panic(
        order in prop_oneof![Just(Order::Big), Just(Order::Little)],
        start in 0usize..4,
        noise in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let mut file = match start {
            0 => pcap(order, MICRO, 1, &samples()[..2]),
            1 => section(order),
            2 => [section(order), interface(order, 1, 0, &[]), enhanced(order, 0, 1, b"x", 1)].concat(),
            _ => Vec::new(),
        };
        file.extend(noise);
        if let Ok(input) = Input::from_reader(Cursor::new(file))
            && let Ok(mut reader) = CaptureReader::from_input(input, Path::new("noise"))
        {
            while let Ok(Some(_)) = reader.next_frame() {}
            reader.notes();
        }
    }

    #[test]
    fn flipped_octets_never_panic(at in 0usize..400, with in any::<u8>(), ng in any::<bool>()) {
        let order = Order::Little;
        let mut file = if ng {
            let frames = samples().into_iter().take(3).enumerate();
            let blocks = frames.flat_map(|(n, frame)| enhanced(order, 0, n as u64, &frame.bytes, frame.original_len));
            [section(order), interface(order, 1, 96, &[(9, vec![9])])].concat().into_iter().chain(blocks).collect()
        } else {
            pcap(order, MICRO, 1, &samples()[..3])
        };
        let place = at % file.len();
        file[place] ^= with;
        if let Ok(input) = Input::from_reader(Cursor::new(file))
            && let Ok(mut reader) = CaptureReader::from_input(input, Path::new("flipped"))
        {
            while let Ok(Some(_)) = reader.next_frame() {}
        }
    }
}
