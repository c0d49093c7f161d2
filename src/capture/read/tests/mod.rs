mod damage;
mod gzipped;
mod libpcap;
mod pcapng;
mod properties;

use std::io::{Cursor, Write};

use super::*;

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
    enhanced_with(order, interface, ticks, bytes, original_len, &[(2, vec![0; 4])])
}

fn enhanced_with(
    order: Order,
    interface: u32,
    ticks: u64,
    bytes: &[u8],
    original_len: u32,
    its_options: &[NgOption],
) -> Vec<u8> {
    let mut data = bytes.to_vec();
    data.resize(data.len().next_multiple_of(4), 0);
    let body = [
        order.u32(interface),
        order.u32((ticks >> 32) as u32),
        order.u32(ticks as u32),
        order.u32(bytes.len() as u32),
        order.u32(original_len),
        data,
        options(order, its_options),
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

/// Frames a second apart.
fn steady(count: u32) -> Vec<Plain> {
    let length = |n: u32| 20 + n as usize % 7;
    (0..count)
        .map(|n| plain((1_700_000_000 + i64::from(n)) * 1_000_000_000, &vec![n as u8; length(n)]))
        .collect()
}

fn losses(notes: &Notes) -> Vec<(String, Option<crate::cite::Place>)> {
    notes.iter().map(|note| (note.text.to_string(), note.first)).collect()
}

#[test]
fn classic_files_read_alike_in_all_forms() {
    for order in Order::BOTH {
        for magic in [MICRO, NANO, MODIFIED] {
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
fn files_of_ixia_cards_have_a_length_behind_their_header() {
    for order in Order::BOTH {
        for magic in [0x1c00_01ac, 0x1c00_01ab] {
            let mut file = pcap(order, magic, 1, &samples());
            let length = order.u32(file.len() as u32 - 24);
            file.splice(24..24, length);
            let (frames, error, notes) = read(file);
            assert_eq!(frames, samples());
            assert!(error.is_none() && notes.is_empty());
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
