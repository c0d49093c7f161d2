//! Reads captures that nobody of this project made with both readers: wherever libpcap can read a
//! file, the frames must be the same. Without the shared folder the test says so and passes.
#![cfg(feature = "libpcap")]
#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says what it compared"
)]

mod shared;

use std::hash::{DefaultHasher, Hasher};
use std::path::Path;

use mailwitness::capture::read::{CaptureReader, Frame, ReaderKind};
use mailwitness::time::Timestamp;

/// What is compared of a frame: its octets by their number and a hash, so that no difference prints
/// them.
type Facts = (Timestamp, u32, u32, usize, u64);

/// Files that libpcap reads otherwise, and why.
const KNOWN: [(&str, &str); 2] = [
    (
        "ndpi__fuzz-2021-10-13.pcap",
        "libpcap gives the first octets of a frame that claims more than its file's snapshot length",
    ),
    ("wireshark-wiki__ggg.pcap", "libpcap takes seconds after 2038 for times before 1970"),
];

fn facts(frame: &Frame<'_>, other_time: Timestamp) -> Facts {
    // libpcap puts frames without a time at the epoch, this reader at the time of the one before.
    let timeless = other_time == Timestamp::default();
    let time = if timeless { other_time } else { frame.time };
    let mut hash = DefaultHasher::new();
    hash.write(frame.bytes);
    (time, frame.original_len, frame.link.0, frame.bytes.len(), hash.finish())
}

/// Frames alike, or what is not; libpcap's own failures are told apart.
enum Outcome {
    Alike(u64),
    Refused(String),
    Different(String),
}

fn compare(path: &Path) -> Outcome {
    let own = CaptureReader::open(path, ReaderKind::Own);
    let theirs = CaptureReader::open(path, ReaderKind::Libpcap);
    let (mut own, mut theirs) = match (own, theirs) {
        (Ok(own), Ok(theirs)) => (own, theirs),
        (_, Err(error)) => return Outcome::Refused(error.to_string()),
        (Err(error), Ok(_)) => return Outcome::Different(error.to_string()),
    };
    let mut frames = 0;
    loop {
        match (own.next_frame(), theirs.next_frame()) {
            (Ok(Some(ours)), Ok(Some(theirs))) => {
                let (ours, theirs) = (facts(&ours, theirs.time), facts(&theirs, theirs.time));
                if ours != theirs {
                    return Outcome::Different(format!("frame {}: {ours:?} {theirs:?}", frames + 1));
                }
                frames += 1;
            }
            (Ok(None), Ok(None)) | (Err(_), Err(_)) => return Outcome::Alike(frames),
            // libpcap gives up on interfaces that differ, and on damage within a block.
            (Ok(_), Err(error)) => return Outcome::Refused(error.to_string()),
            (ours, theirs) => {
                return Outcome::Different(format!("frame {}: {ours:?} {theirs:?}", frames + 1));
            }
        }
    }
}

#[test]
fn both_readers_give_the_same_frames() {
    let Some(folder) = shared::captures() else { return };
    let (mut alike, mut frames, mut refused, mut different) = (0, 0, 0, Vec::new());
    let mut paths: Vec<_> =
        std::fs::read_dir(folder.join("files")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in &paths {
        match compare(path) {
            Outcome::Alike(count) => {
                alike += 1;
                frames += count;
            }
            Outcome::Refused(words) => {
                refused += 1;
                println!("libpcap: {words}");
            }
            Outcome::Different(_) if KNOWN.iter().any(|(name, _)| path.ends_with(name)) => {}
            Outcome::Different(how) => different.push(format!("{}: {how}", path.display())),
        }
    }
    println!("{alike} files with {frames} frames alike, {refused} refused by libpcap");
    assert!(different.is_empty(), "{different:#?}");
    assert!(alike > 200 && frames > 10_000, "too few files for the test to mean something");
}
