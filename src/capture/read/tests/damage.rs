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
