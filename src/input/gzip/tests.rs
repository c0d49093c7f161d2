//! Whole, damaged and hostile gzip files.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Words that do not pack to nothing, other ones for each `seed`.
fn words(seed: u32, count: u32) -> Vec<u8> {
    (0..count)
        .flat_map(|n| format!("{} ", n.wrapping_add(seed).wrapping_mul(2_654_435_761) >> 8).into_bytes())
        .collect()
}

/// The content of a file, what is said of it on the way, and the error at its end.
fn unpack(file: &[u8]) -> (Vec<u8>, Vec<String>, Option<io::Error>) {
    let mut members = Members::new(Cursor::new(file.to_vec()));
    let (mut content, mut said) = (Vec::new(), Vec::new());
    loop {
        match members.read_to_end(&mut content) {
            Ok(_) => return (content, said, None),
            Err(error) => match Passed::of(&error) {
                Some(passed) => said.push(passed.to_string()),
                None => return (content, said, Some(error)),
            },
        }
    }
}

#[test]
fn members_are_one_content() {
    let parts = [words(1, 20_000), Vec::new(), words(2, 10), words(3, 40_000)];
    let file: Vec<u8> = parts.iter().flat_map(|part| gzip(part)).collect();
    let (content, said, error) = unpack(&file);
    assert!(content == parts.concat());
    assert!(said.is_empty() && error.is_none());
}

#[test]
fn behind_a_damaged_member_the_next_is_found() {
    let parts = [words(1, 300), words(2, 300), words(3, 300)];
    let [first, second, third] = parts.each_ref().map(|part| gzip(part));
    for at in 0..second.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = second.clone();
            damaged[at] ^= flip;
            let (content, said, error) = unpack(&[&first[..], &damaged, &third].concat());
            assert!(error.is_none(), "{at} {flip}: {error:?}");
            assert!(content.starts_with(&parts[0]) && content.ends_with(&parts[2]), "{at} {flip}: {said:?}");
            let whole = content == parts.concat();
            assert!(whole || !said.is_empty(), "{at} {flip}: wrong octets in silence");
            let trailer = second.len() - 8;
            if at >= trailer {
                assert!(whole && said.len() == 1, "{at}: {said:?}");
                let range = parts[0].len()..parts[0].len() + parts[1].len();
                assert!(
                    said[0].ends_with(&format!("octets {range:?} after unpacking are doubtful")),
                    "{said:?}"
                );
                assert!(
                    said[0].starts_with(&format!("the gzip member at octet {} of", first.len())),
                    "{said:?}"
                );
            }
        }
    }
}

#[test]
fn a_member_that_lost_some_of_its_octets_takes_no_other_with_it() {
    let parts = [words(1, 300), words(2, 300)];
    let [first, second] = parts.each_ref().map(|part| gzip(part));
    for from in 1..first.len() {
        for count in [1, 5, 8, 300] {
            let mut damaged = first.clone();
            damaged.drain(from..damaged.len().min(from + count));
            // The first three octets tell what the file is.
            if damaged.starts_with(&MAGIC) {
                let (content, said, error) = unpack(&[damaged, second.clone()].concat());
                assert!(error.is_none(), "{from} {count}: {error:?}");
                assert!(content.ends_with(&parts[1]), "{from} {count}: {said:?}");
                let whole = content == parts.concat();
                assert!(whole || !said.is_empty(), "{from} {count}");
            }
        }
    }
}

#[test]
fn a_line_feed_parts_what_was_torn() {
    let [first, second] = [words(1, 300), words(2, 300)].map(|part| gzip(&part));
    let (content, said, error) = unpack(&[&first[..first.len() / 2], &second].concat());
    // Whether the decoder sees no end, or one in the next member, is chance.
    assert!(error.is_none() && said.len() == 1, "{said:?}");
    assert!(said[0].starts_with("the gzip member at octet 0 of the packed file "), "{said:?}");
    let behind = [b"\n".to_vec(), words(2, 300)].concat();
    assert!(content.ends_with(&behind));
}

#[test]
fn what_is_no_gzip_between_members_is_told_and_behind_them_is_an_oddity() {
    let parts = [words(1, 300), words(2, 300)];
    let [first, second] = parts.each_ref().map(|part| gzip(part));
    for junk in [vec![0; 512], vec![0; 3_000_000], b"no gzip at all".to_vec(), MAGIC.repeat(50)] {
        let (content, said, error) = unpack(&[&first[..], &junk, &second].concat());
        assert!(error.is_none() && content == [&parts[0][..], b"\n", &parts[1]].concat());
        let text =
            format!("{} octets from octet {} of the packed file on are no gzip", junk.len(), first.len());
        assert!(said.len() == 1 && said[0].starts_with(&text), "{said:?}");

        let (content, said, error) = unpack(&[&first[..], &junk].concat());
        assert!(error.is_none() && content == parts[0]);
        assert_eq!(said, ["octets behind the gzip data that are no gzip are passed over"]);
    }
}

#[test]
fn a_last_member_that_is_damaged_ends_the_content_with_an_error() {
    let parts = [words(1, 300), words(2, 300)];
    let [first, second] = parts.each_ref().map(|part| gzip(part));
    let place = format!("the gzip member at octet {} of the packed file is damaged: ", first.len());
    for cut in [HEADER, HEADER + 1, second.len() / 2, second.len() - 1] {
        let (content, said, error) = unpack(&[&first[..], &second[..cut]].concat());
        let error = error.unwrap();
        assert!(content.starts_with(&parts[0]) && parts.concat().starts_with(&content));
        assert!(error.to_string().starts_with(&place) && said.is_empty(), "{error} {said:?}");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
    let mut damaged = second;
    damaged[HEADER] = 0xff;
    let (_, _, error) = unpack(&[first, damaged].concat());
    assert!(error.unwrap().to_string().starts_with(&place));
}

#[test]
fn many_damaged_members_are_told_in_few_words() {
    let mut damaged = gzip(&words(1, 50));
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    let (content, said, error) = unpack(&damaged.repeat(100));
    assert!(error.is_none() && content == words(1, 50).repeat(100));
    let mut texts = said;
    texts.dedup();
    assert_eq!(texts.len(), MAX_TOLD as usize + 1);
}

/// Each of the headers claims a name that goes on over all that follow.
#[test]
fn headers_without_members_are_passed_over_in_good_time() {
    let header = [0x1f, 0x8b, 8, 8, 1, 1, 1, 1, 2, 3];
    let file = [gzip(b"content"), header.repeat(400_000)].concat();
    let (content, _, error) = unpack(&file);
    assert!(content == b"content" && error.is_some());
}

proptest! {
    #[test]
    fn whatever_stands_behind_a_member_it_is_given_whole(
        noise in proptest::collection::vec(prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..40),
            Just(MAGIC.to_vec()),
            Just(gzip(b"inside")),
        ], 0..12),
    ) {
        let first = words(1, 300);
        let (content, ..) = unpack(&[gzip(&first), noise.concat()].concat());
        prop_assert!(content.starts_with(&first));
    }
}

#[test]
fn headers_that_lead_nowhere_are_given_up_aloud() {
    // Each begins a stored block of 65,535 octets, behind which nothing makes sense.
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0, 0xff, 0xff, 0, 0];
    let unlikely = |count: usize| [header.repeat(count), vec![0x06; 140_000]].concat();
    let given_up = |file: Vec<u8>| {
        let (_, said, error) = unpack(&file);
        let words = said.into_iter().chain(error.map(|error| error.to_string()));
        words.filter(|words| words.contains("no longer looked for")).count()
    };
    assert_eq!(given_up([unlikely(20), gzip(b"whole")].concat()), 0);
    assert_eq!(given_up([unlikely(1_200), gzip(b"whole")].concat()), 1);
    assert_eq!(given_up(unlikely(1_200)), 1, "with nothing behind it");
}
