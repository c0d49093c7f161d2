//! Captures in damaged gzip files.

use super::*;

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
fn junk_behind_a_gzip_member_is_noted_and_costs_nothing() {
    let frames = steady(9);
    for junk in [vec![0; 512], b"not gzip at all".to_vec(), vec![0x1f], vec![0x1f, 0x8b, 7, 7]] {
        let file = [gzip(&pcap(Order::Little, MICRO, 1, &frames)), junk].concat();
        let (read, error, notes) = read(file);
        assert_eq!(read, frames);
        assert!(error.is_none(), "{error:?}");
        let texts = losses(&notes);
        assert!(matches!(&texts[..], [(text, Some(_))] if text.contains("behind the gzip")), "{texts:?}");
        assert!(!notes.any_loss());
    }
}

#[test]
fn frames_of_the_members_around_a_damaged_one_are_read() {
    let frames: Vec<Plain> = distinct_frames(90);
    let [front, middle, back] =
        [0..30, 30..60, 60..90].map(|some| pcap(Order::Little, MICRO, 1, &frames[some]));
    let [front, middle, back] = [&front[..], &middle[24..], &back[24..]].map(gzip);
    // In mid-stream: what the rest of the member gives is wrong, or nothing.
    let mut broken = middle.clone();
    let half = broken.len() / 2;
    broken.drain(half..half + 40);
    let (read, error, notes) = super::read([&front[..], &broken, &back].concat());
    assert!(error.is_none(), "{error:?}");
    assert!(read.starts_with(&frames[..30]) && read.ends_with(&frames[60..]));
    let place = format!("the gzip member at octet {} of the packed file ", front.len());
    assert!(losses(&notes).iter().any(|(text, _)| text.starts_with(&place)), "{notes:?}");
    assert!(notes.any_loss());
    // Its checksum alone: all of it is given, and in doubt.
    let mut doubtful = middle;
    let end = doubtful.len() - 5;
    doubtful[end] ^= 1;
    let (read, error, notes) = super::read([&front[..], &doubtful, &back].concat());
    assert!(error.is_none(), "{error:?}");
    assert_eq!(read, frames);
    let [(text, _)] = &losses(&notes)[..] else { panic!("{notes:?}") };
    assert!(text.contains("fails its checksum") && text.ends_with("after unpacking are doubtful"), "{text}");
    assert!(notes.any_loss());
}

/// Frames a second apart whose octets do not pack well.
fn distinct_frames(count: u32) -> Vec<Plain> {
    let octet = |n: u32| (n.wrapping_mul(2_654_435_761) >> 13) as u8;
    let octets = |n: u32| (0..120).map(|place| octet(n * 977 + place)).collect::<Vec<u8>>();
    (0..count).map(|n| plain((1_700_000_000 + i64::from(n)) * 1_000_000_000, &octets(n))).collect()
}
