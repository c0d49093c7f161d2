use std::cell::RefCell;
use std::path::PathBuf;

use super::*;
use crate::capture::read::Format;
use crate::capture::{Chunk, Conversation, Flow, FlowStart, Gap, Interest, Side};
use crate::cite::{CaptureId, Severity};

#[derive(Debug, Default)]
struct Octets(Vec<u8>);

impl Conversation for Octets {
    fn data(&mut self, _: Side, chunk: Chunk<'_>) -> Interest {
        self.0.extend_from_slice(chunk.bytes);
        Interest::Octets
    }

    fn gap(&mut self, _: Side, _: Gap) -> Interest {
        Interest::Octets
    }

    fn end_of_stream(&mut self, _: Side, _: u64, _: Moment, _: u64) {}
}

#[derive(Debug, Default)]
struct Flows(Vec<(Flow, Octets)>);

impl FlowSink for Flows {
    type Conversation = Octets;

    fn open(&mut self, _: &FlowStart) -> Octets {
        Octets::default()
    }

    fn close(&mut self, flow: Flow, octets: Octets) {
        self.0.push((flow, octets));
    }
}

/// A frame of raw IP with one segment of the client's.
fn frame(seconds: u32, port: u16, flags: u8, seq: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    let mut header = etherparse::TcpHeader::new(port, 25, seq, 8192);
    header.syn = flags & 2 != 0;
    header.fin = flags & 1 != 0;
    header.ack = flags & 16 != 0;
    etherparse::PacketBuilder::ipv4([192, 0, 2, 10], [198, 51, 100, 25], 60)
        .tcp_header(header)
        .write(&mut packet, payload)
        .unwrap();
    let length = (packet.len() as u32).to_le_bytes();
    [&seconds.to_le_bytes()[..], &[0; 4], &length, &length, &packet].concat()
}

fn file(frames: &[Vec<u8>]) -> Vec<u8> {
    const RAW: u8 = 101;
    let head = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, RAW, 0, 0, 0];
    [&head[..], &frames.concat()].concat()
}

struct Folder {
    folder: tempfile::TempDir,
    paths: Vec<PathBuf>,
}

impl Folder {
    fn new(files: &[Vec<u8>]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = files.iter().enumerate().map(|(place, content)| {
            let path = folder.path().join(format!("{place}.pcap"));
            std::fs::write(&path, content).unwrap();
            path
        });
        let paths = paths.collect();
        Self { folder, paths }
    }

    fn inputs(&self) -> Vec<CaptureInput> {
        (0u16..).zip(&self.paths).map(|(id, path)| CaptureInput::new(CaptureId(id), path)).collect()
    }

    fn follow(&self, options: &Options) -> (Vec<(Flow, Octets)>, Vec<CaptureFile>) {
        let (flows, files) = follow(self.inputs(), options, Flows::default(), &|_| {});
        (flows.0, files)
    }
}

/// The three thirds of one connection.
fn thirds(start: u32) -> [Vec<u8>; 3] {
    [
        file(&[frame(start, 50_000, 2, 999, b""), frame(start, 50_000, 16, 1000, b"EHLO a\r\n")]),
        file(&[frame(start + 60, 50_000, 16, 1008, b"MAIL FROM:<>\r\n")]),
        file(&[frame(start + 120, 50_000, 16, 1022, b"QUIT\r\n")]),
    ]
}

#[test]
fn a_rotated_set_is_one_capture_in_whatever_order_it_is_named() {
    let [first, second, third] = thirds(1_700_000_000);
    let (flows, files) = Folder::new(&[third, first, second]).follow(&Options::default());
    assert_eq!(flows.len(), 1);
    assert_eq!(flows[0].1.0, b"EHLO a\r\nMAIL FROM:<>\r\nQUIT\r\n");
    assert_eq!(flows[0].0.capture, CaptureId(1), "the file that holds its first segment");
    assert_eq!(flows[0].0.last.frame, FrameRef { capture: CaptureId(0), frame: 1 });
    let ids: Vec<u16> = files.iter().map(|file| file.id.0).collect();
    assert_eq!(ids, [0, 1, 2], "files come back as they were given");
    assert_eq!(files[1].frames, 2);
}

#[test]
fn overlapping_files_are_separate_witnesses() {
    let [first, second, third] = thirds(1_700_000_000);
    let [other_first, other_second, _] = thirds(1_700_000_000);
    let set = [first, second, other_first, third, other_second];
    let (flows, _) = Folder::new(&set).follow(&Options::default());
    let octets: Vec<usize> = flows.iter().map(|(_, octets)| octets.0.len()).collect();
    assert_eq!(octets.iter().sum::<usize>(), 8 + 14 + 6 + 8 + 14);
    assert_eq!(octets.len(), 2, "two sets, each continued by the files that follow");
}

#[test]
fn a_long_pause_ends_a_set() {
    let pause = file(&[frame(1_700_000_000 + 3000, 50_000, 16, 1008, b"MAIL")]);
    let [first, ..] = thirds(1_700_000_000);
    let (flows, _) = Folder::new(&[pause, first]).follow(&Options::default());
    assert_eq!(flows.len(), 2);
    assert_eq!(flows[0].0.capture, CaptureId(1));
    assert!(flows[0].0.open_at_end);
    assert_eq!(flows[0].0.watched_until.seconds(), 1_700_000_000);
}

#[test]
fn a_bad_file_does_not_stop_the_others() {
    let [first, mut second, _] = thirds(1_700_000_000);
    second.truncate(second.len() - 3);
    let folder = Folder::new(&[b"Info: MID 1 aborted".to_vec(), first, second, vec![]]);
    let mut inputs = folder.inputs();
    inputs.push(CaptureInput::new(CaptureId(9), folder.folder.path().join("missing.pcap")));
    let (flows, files) = follow(inputs, &Options::default(), Flows::default(), &|_| {});
    assert_eq!(flows.0.len(), 1);
    assert_eq!(flows.0[0].1.0, b"EHLO a\r\n");
    let errors: Vec<bool> = files.iter().map(|file| file.error.is_some()).collect();
    assert_eq!(errors, [true, false, false, true, true]);
    let cut: Vec<_> = files[2].notes.iter().collect();
    assert_eq!((cut.len(), cut[0].severity, cut[0].first), (1, Severity::Loss, Some(Place::Offset(24))));
    assert!(cut[0].text.contains("mid-frame"), "{}", cut[0].text);
}

#[test]
fn what_is_counted_adds_up() {
    let mut damaged = frame(1_700_000_001, 1, 16, 1, b"");
    damaged[16] = 0x95;
    let capture =
        file(&[frame(1_700_000_002, 50_000, 2, 1, b""), damaged, frame(1_700_000_002, 1, 16, 1, b"x")]);
    let bytes = capture.len() as u64;
    let told = RefCell::new(Vec::new());
    let folder = Folder::new(&[capture]);
    let (flows, files) =
        follow(folder.inputs(), &Options::default(), Flows::default(), &|read| told.borrow_mut().push(read));
    let [file] = &files[..] else { panic!("one file") };
    assert_eq!((file.frames, file.segments, file.skipped.not_ip, file.bytes), (3, 2, 1, bytes));
    assert_eq!(file.links, [LinkType::RAW]);
    assert_eq!(file.format, Some(Format::Pcap));
    assert_eq!(file.first.unwrap().seconds(), 1_700_000_001);
    assert_eq!(file.last.unwrap().seconds(), 1_700_000_002);
    assert_eq!(told.borrow().last(), Some(&bytes));
    assert!(
        file.notes
            .iter()
            .any(|note| note.text.contains("earlier time") && note.first == Some(Place::Frame(2)))
    );
    assert_eq!(flows.0.len(), 2);
}

#[test]
fn an_interruption_ends_the_reading_but_not_the_result() {
    let frames: Vec<Vec<u8>> = (0..20_000).map(|n| frame(1_700_000_000, 50_000, 16, n, b"x")).collect();
    let folder = Folder::new(&[file(&frames)]);
    let interrupted = Some(Arc::new(AtomicBool::new(true)));
    let (flows, files) = folder.follow(&Options { interrupted, ..Options::default() });
    assert_eq!(files[0].frames, u64::from(FRAMES_BETWEEN_LOOKS));
    assert!(files[0].notes.any_loss());
    assert_eq!(flows.len(), 1);
}

#[cfg(feature = "libpcap")]
#[test]
fn a_filter_keeps_frames_out_and_counts_them() {
    let capture =
        file(&[frame(1, 50_000, 2, 1, b""), frame(2, 50_001, 2, 1, b""), frame(3, 50_001, 16, 2, b"")]);
    let filter = Some(Filter::new("tcp port 50001").unwrap());
    let (flows, files) = Folder::new(&[capture]).follow(&Options { filter, ..Options::default() });
    assert_eq!((files[0].frames, files[0].filtered_out, files[0].segments), (3, 1, 2));
    assert_eq!(flows[0].0.first.frame.frame, 2, "frames keep their numbers");
    let [first, ..] = thirds(5);
    let reader = ReaderKind::Libpcap;
    let (flows, files) = Folder::new(&[first]).follow(&Options { reader, ..Options::default() });
    assert_eq!((flows[0].1.0.as_slice(), files[0].format), (&b"EHLO a\r\n"[..], Some(Format::ReadByLibpcap)));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_once_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    if !made.is_ok_and(|status| status.success()) {
        return;
    }
    let [first, ..] = thirds(1_700_000_000);
    let writer = std::thread::spawn({
        let path = path.clone();
        move || std::fs::write(path, first).unwrap()
    });
    let inputs = vec![CaptureInput::new(CaptureId(0), path)];
    let (flows, files) = follow(inputs, &Options::default(), Flows::default(), &|_| {});
    writer.join().unwrap();
    assert_eq!(flows.0[0].1.0, b"EHLO a\r\n");
    assert_eq!(files[0].frames, 2);
}
