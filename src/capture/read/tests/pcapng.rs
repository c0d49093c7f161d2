//! Sections, interfaces, clocks and the kinds of packet blocks.

use super::*;
use crate::cite::Severity;

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
        let counts = [(4, order.u64(500)), (5, order.u64(dropped)), (7, order.u64(1))];
        block(order, 5, &[order.u32(0), vec![0; 8], options(order, &counts)].concat())
    };
    let name = interface(order, 1, 0, &[(2, b"eth\x1b0".to_vec())]);
    let file = [section(order), name, statistics(3), statistics(10), section(order)].concat();
    let (_, _, notes) = read(file);
    let text = "the capturing program says that it dropped 11 frames on eth\\x1b0 (10 by the interface, 1 by the \
                system, 500 received)";
    assert_eq!(notes.iter().next().unwrap().text, text);
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
fn comments_reach_the_user_with_their_frame_and_bounded() {
    use crate::cite::Place;
    let order = Order::Big;
    let comment = |words: &[u8]| (1u16, words.to_vec());
    let mut file = [section(order), interface(order, 1, 0, &[comment(b"the interface")])].concat();
    let hostile = [comment(b"red \x1b[31m"), (2, vec![0; 4]), comment(b"second")];
    file.extend(enhanced_with(order, 0, 1, b"frame", 5, &hostile));
    for number in 0..40u8 {
        file.extend(enhanced_with(order, 0, 1, b"frame", 5, &[comment(&vec![b'a' + number % 26; 500])]));
    }
    let (frames, error, notes) = read(file);
    assert_eq!((frames.len(), error.is_none(), notes.any_loss()), (41, true, false));
    let all: Vec<_> = notes.iter().collect();
    assert_eq!((all[0].text.as_ref(), all[0].first), ("comment: the interface", Some(Place::Offset(28))));
    assert_eq!((all[1].text.as_ref(), all[1].first), ("comment: red \\x1b[31m", Some(Place::Frame(1))));
    assert_eq!((all[2].text.as_ref(), all[2].first), ("comment: second", Some(Place::Frame(1))));
    assert!(all[3].text.len() < 250 && all[3].text.ends_with("..."));
    assert_eq!(all.len(), 17);
    assert_eq!(all[16].text, "more comments in the file than are shown");
}

#[test]
fn interfaces_are_told_section_by_section() {
    let (big, little) = (Order::Big, Order::Little);
    let host = [(2u16, b"a box".to_vec()), (3, b"AsyncOS".to_vec())];
    let head = |order: Order, host: &[NgOption]| {
        let fixed = [order.u32(0x1a2b_3c4d), order.u16(1), order.u16(0), order.u64(u64::MAX)].concat();
        block(order, 0x0a0d_0d0a, &[fixed, options(order, host)].concat())
    };
    let described =
        [(2u16, b"Data 1".to_vec()), (3, b"to the partner\0".to_vec()), (11, b"\0tcp port 25".to_vec())];
    let file = [
        head(big, &host),
        interface(big, 1, 96, &described),
        interface(big, 113, 0, &[]),
        head(little, &[]),
        interface(little, 101, 0, &[(12, b"its own".to_vec())]),
    ];
    let input = Input::from_reader(Cursor::new(file.concat())).unwrap();
    let mut reader = CaptureReader::from_input(input, Path::new("x")).unwrap();
    assert!(reader.next_frame().unwrap().is_none());
    let told: Vec<_> = reader
        .interfaces()
        .iter()
        .map(|facts| (facts.section, facts.number, facts.link.0, facts.to_string()))
        .collect();
    assert_eq!(
        told,
        [
            (
                0,
                0,
                1,
                "Data 1 (to the partner), 96 octets a frame, filter tcp port 25, AsyncOS, a box".to_owned()
            ),
            (0, 1, 113, "interface 1, AsyncOS, a box".to_owned()),
            (1, 0, 101, "interface 0, its own".to_owned()),
        ]
    );
}
