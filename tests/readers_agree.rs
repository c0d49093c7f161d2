//! Reads captures with both readers, our own and those that nobody of this project made: wherever
//! libpcap can read a file, the frames must be the same, with their times, octets and lengths.
#![cfg(feature = "libpcap")]
#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says what it compared"
)]

mod shared;

use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use mailwitness::capture::read::{CaptureReader, Frame, ReaderKind, looks_like_capture};
use mailwitness::time::Timestamp;

/// What is compared of a frame: its octets by their number and a hash, so that no difference prints
/// them.
type Facts = (Timestamp, u32, u32, usize, u64);

/// Files that libpcap reads otherwise, and why.
const KNOWN: [(&str, &str); 5] = [
    (
        "ndpi__fuzz-2021-10-13.pcap",
        "libpcap gives the first octets of a frame that claims more than its file's snapshot length",
    ),
    (
        "suricata-verify__tls_DER-incomplete-header.pcap",
        "the sixth frame claims 4274 octets of a file that goes on inside of them; libpcap takes it as it is, \
         and fails behind it",
    ),
    (
        "wireshark-wiki__ejemplo.pcap",
        "line ends were put into the file; libpcap takes what follows the first frame for a frame of one octet \
         in February 1970, and fails behind it",
    ),
    (
        "suricata-verify__fuzz.pcap",
        "the first frame claims 188 octets, and the next header stands 140 octets behind the first; libpcap takes \
         what stands behind 188 for a frame before 1970, and fails behind it",
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
    let (mut alike, mut frames, mut refused, mut different) = (0, 0, 0, Vec::new());
    let mut paths = captures_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("captures"));
    let foreign = shared::captures().map(|folder| captures_in(&folder.join("files")));
    let (least_files, least_frames) = if foreign.is_some() { (250, 15_000) } else { (7, 100) };
    paths.extend(foreign.unwrap_or_default());
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
    assert!(alike >= least_files && frames >= least_frames, "too few for the test to mean something");
}

/// The captures in a folder and those below it.
fn captures_in(folder: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            paths.extend(captures_in(&path));
        } else if is_capture(&path) {
            paths.push(path);
        }
    }
    paths.sort();
    paths
}

fn is_capture(path: &Path) -> bool {
    let mut head = Vec::new();
    File::open(path).unwrap().take(32).read_to_end(&mut head).unwrap();
    looks_like_capture(&head)
}
