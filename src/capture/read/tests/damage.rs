//! Files cut, damaged, and made of noise.

use proptest::prelude::*;

use super::*;

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
fn absurd_lengths_end_the_file_and_nothing_else() {
    let mut file = pcap(Order::Little, MICRO, 1, &samples()[..1]);
    file.extend([0; 8]);
    file.extend(u32::MAX.to_le_bytes());
    file.extend([0xff; 600_000]);
    let (frames, error, _) = read(file);
    assert_eq!(frames.len(), 1);
    let error = error.unwrap();
    let ReadCause::Damaged { damage: Damage::AbsurdLength { length, .. }, passed } = error.cause else {
        panic!("{error}")
    };
    assert_eq!((length, passed, error.offset), (u64::from(u32::MAX), 600_012, 24 + 16 + 15));

    let order = Order::Big;
    let start = [section(order), interface(order, 1, 0, &[])].concat();
    for (length, absurd) in [(0u32, false), (8, false), (u32::MAX - 3, true)] {
        let mut file = start.clone();
        file.extend(order.u32(6));
        file.extend(order.u32(length));
        file.extend([0; 100]);
        let error = read(file).1.unwrap();
        let ReadCause::Damaged { damage, passed: 108 } = error.cause else { panic!("{error}") };
        assert_eq!(matches!(damage, Damage::AbsurdLength { .. }), absurd, "{error}");
    }
}

#[test]
fn behind_a_damaged_frame_header_a_classic_file_goes_on() {
    use crate::cite::Place;
    let frames = steady(9);
    for (order, magic) in [(Order::Little, MICRO), (Order::Big, NANO), (Order::Little, MODIFIED)] {
        let head = if magic == MODIFIED { 24 } else { 16 };
        for length in [u32::MAX, 2_000_000, 700_000, 0x0100_0000 + 21] {
            let mut file = pcap(order, magic, 1, &frames);
            let third: usize = 24 + frames[..3].iter().map(|frame| head + frame.bytes.len()).sum::<usize>();
            file[third + 8..third + 12].copy_from_slice(&order.u32(length));
            let (read, error, notes) = read(file);
            assert!(error.is_none(), "{error:?}");
            assert_eq!(read, [&frames[..3], &frames[4..]].concat(), "{length}");
            let passed = head + frames[3].bytes.len();
            let [(text, place)] = &losses(&notes)[..] else { panic!("{notes:?}") };
            assert!(text.starts_with(&format!("damaged at octet {third} (")), "{text}");
            assert!(text.ends_with(&format!("): {passed} octets passed over")), "{text}");
            assert_eq!(*place, Some(Place::Offset(third as u64)));
        }
    }
}

#[test]
fn octets_that_are_missing_or_too_many_cost_the_frames_beside_them() {
    let frames = steady(12);
    let whole = pcap(Order::Little, MICRO, 1, &frames);
    for (from, to, with) in [(70, 83, vec![]), (100, 100, vec![0x5a; 9]), (60, 130, vec![0; 5000])] {
        let mut file = whole.clone();
        file.splice(from..to, with);
        let (read, error, notes) = read(file);
        assert!(error.is_none() && notes.any_loss());
        assert!(read.len() >= 7 && read.ends_with(&frames[6..]), "{}", read.len());
        assert!(read.iter().all(|frame| frames.contains(frame)), "no garbage for frames");
    }
}

#[test]
fn odd_headers_in_a_file_that_goes_on_are_frames() {
    let mut frames = steady(8);
    frames[2].nanos = 5;
    frames[2].nanos *= 1_000_000_000;
    frames[4].original_len = 3;
    frames[5].original_len = 3;
    frames[6].nanos = 4_000_000_000_000_000_000;
    let (read, error, notes) = read(pcap(Order::Little, MICRO, 1, &frames));
    assert_eq!(read, frames);
    assert!(error.is_none() && notes.is_empty());
}

#[test]
fn behind_a_damaged_block_a_pcapng_file_goes_on() {
    let order = Order::Little;
    for (at, with) in [(4, 0u32), (4, 9), (4, u32::MAX - 3), (4, 60_000), (4, 8_000_000), (4, 64), (0, 7)] {
        let blocks: Vec<Vec<u8>> =
            (0..8u32).map(|n| enhanced(order, 0, 1_000_000 * u64::from(n), &[n as u8; 21], 21)).collect();
        let head = [section(order), interface(order, 1, 0, &[])].concat();
        let mut damaged = blocks.clone();
        damaged[3][at..at + 4].copy_from_slice(&order.u32(with));
        let (frames, error, notes) = read([head, damaged.concat()].concat());
        assert!(error.is_none(), "{at} {with}: {error:?}");
        let seconds: Vec<i64> = frames.iter().map(|frame| frame.nanos / 1_000_000_000).collect();
        assert_eq!(seconds, [0, 1, 2, 4, 5, 6, 7], "{at} {with}");
        // A block of a kind that nobody knows is no damage.
        assert_eq!(notes.any_loss(), at == 4, "{notes:?}");
    }
}

#[test]
fn every_damaged_place_is_passed_over_and_the_notes_stay_few() {
    let order = Order::Little;
    let bad = [order.u32(6), order.u32(5), vec![0; 8]].concat();
    let good = enhanced(order, 0, 1, b"x", 1);
    let pair = [bad, good.clone(), good].concat();
    let file = [section(order), interface(order, 1, 0, &[]), pair.repeat(100)].concat();
    let (frames, error, notes) = read(file);
    assert_eq!((frames.len(), error.is_none()), (200, true));
    let texts = losses(&notes);
    assert_eq!(texts.len(), 17);
    assert_eq!(texts[16].0, "damaged at 84 further places: 1344 octets passed over");
}

#[test]
fn zeros_are_no_frames_wherever_they_stand() {
    use crate::cite::Place;
    let frames = steady(9);
    for (order, magic) in [(Order::Little, MICRO), (Order::Big, NANO), (Order::Little, MODIFIED)] {
        let [front, back] = [0..5, 5..9].map(|some| pcap(order, magic, 1, &frames[some]));
        for count in [1, 15, 16, 24, 48, 100, 65_536, 9 * 1024 * 1024 / 4] {
            let zeros = vec![0; count];
            let place = front.len() as u64;

            let (read, error, _) = super::read([&front[..], &zeros].concat());
            assert_eq!(read, frames[..5], "{count}");
            let error = error.unwrap();
            assert_eq!(error.offset, place);
            let header = if magic == MODIFIED { 24 } else { 16 };
            match error.cause {
                ReadCause::CutFrame { have, .. } => assert!(have == count && count < header),
                ReadCause::Damaged { passed, .. } => assert!(passed == count as u64 && count >= header),
                other => panic!("{other}"),
            }

            let (read, error, notes) = super::read([&front[..], &zeros, &back[24..]].concat());
            assert!(error.is_none(), "{error:?}");
            assert_eq!(read, frames, "{count}");
            let [(text, at)] = &losses(&notes)[..] else { panic!("{notes:?}") };
            assert!(text.ends_with(&format!("{count} octets passed over")), "{text}");
            assert_eq!(*at, Some(Place::Offset(place)));
        }
        let (read, error, _) = super::read([&front[..24], &[0; 4096]].concat());
        assert!(read.is_empty() && error.is_some());
    }
}

/// Captures whose clock starts at zero exist; zeros are no frames in them either.
#[test]
fn zeros_in_a_capture_of_1970_are_no_frames() {
    let mut frames = steady(9);
    for (frame, n) in frames.iter_mut().zip(0..) {
        frame.nanos = n * 1_000_000_000 + 7_000;
    }
    let [front, back] = [0..5, 5..9].map(|some| pcap(Order::Little, MICRO, 1, &frames[some]));
    for count in [16, 48, 4096] {
        let (read, error, notes) = super::read([&front[..], &vec![0; count], &back[24..]].concat());
        assert!(error.is_none() && notes.any_loss());
        assert_eq!(read, frames);
    }
}

#[test]
fn zeros_and_noise_between_blocks_are_passed_over() {
    let noise: Vec<u8> = (0..3_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for order in Order::BOTH {
        let head = [section(order), interface(order, 1, 0, &[])].concat();
        let front = [head, enhanced(order, 0, 1, b"front", 5)].concat();
        let back = [enhanced(order, 0, 2, b"back", 4), enhanced(order, 0, 3, b"end", 3)].concat();
        let twelves = order.u32(12).repeat(1000);
        for damage in [vec![0; 12], vec![0; 65_536], vec![0; 5_000_001], noise.clone(), twelves] {
            let (frames, error, notes) = read([&front[..], &damage, &back].concat());
            assert!(error.is_none() && !notes.is_empty(), "{error:?}");
            let texts: Vec<&[u8]> = frames.iter().map(|frame| &frame.bytes[..]).collect();
            assert_eq!(texts, [&b"front"[..], b"back", b"end"], "{}", damage.len());
        }
        for damage in [vec![0; 65_536], vec![0; 5_000_000], noise.clone()] {
            let (frames, error, _) = read([&front[..], &damage].concat());
            assert_eq!(frames.len(), 1);
            let error = error.unwrap();
            assert!(
                matches!(error.cause, ReadCause::Damaged { passed, .. } if passed == damage.len() as u64),
                "{error}"
            );
        }
    }
}

#[test]
fn a_damaged_interface_description_leaves_the_others_their_numbers() {
    let order = Order::Big;
    let (ethernet, cooked) = (interface(order, 1, 0, &[(9, vec![9])]), interface(order, 113, 0, &[]));
    let frames = [
        enhanced(order, 1, 7_000_000, b"cooked", 6),
        enhanced(order, 0, 8_000_000, b"lost", 4),
        enhanced(order, 1, 9_000_000, b"cooked", 6),
    ]
    .concat();
    let mut wrong_length = ethernet.clone();
    wrong_length[4..8].copy_from_slice(&order.u32(4000));
    let mut absurd = ethernet.clone();
    absurd[4..8].copy_from_slice(&order.u32(0xf000_0000));
    let empty = block(order, 1, &[]);
    for damaged in [wrong_length, absurd, empty] {
        let (read, error, notes) = read([section(order), damaged, cooked.clone(), frames.clone()].concat());
        assert!(error.is_none() && notes.any_loss());
        let read: Vec<_> = read.iter().map(|frame| (frame.nanos, frame.link, frame.interface)).collect();
        assert_eq!(read, [(7_000_000_000, 113, 1), (9_000_000_000, 113, 1)]);
    }
}

#[test]
fn a_damaged_section_header_takes_the_interfaces_with_it() {
    let order = Order::Little;
    let first =
        [section(order), interface(order, 1, 0, &[]), enhanced(order, 0, 1_000_000, b"first", 5)].concat();
    let second = [interface(order, 113, 0, &[]), enhanced(order, 0, 2_000_000, b"second", 6)].concat();
    let lost = enhanced(order, 0, 3_000_000, b"of the second section", 21).repeat(3);
    for at in [4, 8] {
        let mut head = section(order);
        head[at..at + 4].copy_from_slice(&[0; 4]);
        let (read, error, notes) = read([&first[..], &head, &second].concat());
        assert!(error.is_none() && notes.any_loss());
        let links: Vec<_> = read.iter().map(|frame| (frame.link, frame.bytes.clone())).collect();
        assert_eq!(links, [(1, b"first".to_vec()), (113, b"second".to_vec())]);
        // Its interfaces are lost with it: their frames are not given those of the section before.
        let (read, _, notes) = super::read([&first[..], &head, &[0; 20], &lost].concat());
        assert_eq!(read.len(), 1);
        assert!(losses(&notes).iter().any(|(text, _)| text.contains("does not describe")), "{notes:?}");
    }
}

#[test]
fn a_wrong_length_at_the_end_of_a_block_or_of_the_section_costs_nothing() {
    for order in Order::BOTH {
        let mut head = section(order);
        head[16..24].copy_from_slice(&order.u64(3));
        let mut blocks: Vec<Vec<u8>> =
            (0..4u8).map(|n| enhanced(order, 0, u64::from(n), &[n; 30], 30)).collect();
        let end = blocks[1].len() - 4;
        blocks[1][end..].copy_from_slice(&order.u32(9999));
        let (read, error, _) = read([head, interface(order, 1, 0, &[]), blocks.concat()].concat());
        assert_eq!((read.len(), error.is_none()), (4, true));
    }
}

#[test]
fn damage_in_options_costs_no_frame() {
    let order = Order::Big;
    let sound = enhanced_with(order, 0, 5, b"abcd", 4, &[(1, b"a comment".to_vec())]);
    for at in 32..sound.len() - 4 {
        for with in [0, 0xff] {
            let mut damaged = sound.clone();
            damaged[at] = with;
            let head = [section(order), interface(order, 1, 0, &[])].concat();
            let (read, error, _) = read([head, damaged, sound.clone()].concat());
            assert_eq!((read.len(), error.is_none()), (2, true));
            assert!(read.iter().all(|frame| frame.bytes == b"abcd"));
        }
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
