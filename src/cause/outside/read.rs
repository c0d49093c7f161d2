//! Reads the captures of both sides for the connections that are wanted.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use ahash::AHashMap;

use crate::capture::decode::Decoder;
use crate::capture::flow::FlowKey;
use crate::capture::read::{CaptureReader, InterfaceFacts, LinkType, ReaderKind};
use crate::capture::segment::{Flags, Segment};
use crate::cause::outside::Tape;
use crate::cause::outside::places::MIN_TELLING;
use crate::cause::outside::search::Search;
use crate::cite::{CaptureId, FrameRef, Moment, Notes, Place};
use crate::input;
use crate::net::Endpoint;
use crate::time::Timestamp;

/// Segments of a connection by which a translated one may be found.
const MAX_MARKS: usize = 64;
/// Frames between two looks at the interruption flag.
const FRAMES_BETWEEN_LOOKS: u64 = 4096;
/// Connections that are followed for a segment of theirs, whatever their ends are.
const MAX_TRANSLATED: usize = 65_536;
/// Link types told of one file.
const MAX_LINKS: usize = 8;

/// A connection that is wanted, and when the inside capture shows it.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The sender's end as captured inside.
    pub sender: Endpoint,
    /// The appliance's.
    pub appliance: Endpoint,
    /// Its first packet.
    pub first: Timestamp,
    /// Its last packet.
    pub last: Timestamp,
}

/// How captures are read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// By whom.
    pub reader: ReaderKind,
    /// Whether tunnels are opened.
    pub decap: bool,
    /// Set where the caller does not want the rest.
    pub interrupted: &'a AtomicBool,
}

/// What was found on one side.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// A tape for each connection wanted, in their order.
    pub tapes: Vec<Tape>,
    /// The times of the first and last frame of the files.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The capturing host counted frames that it could not keep, or a file could not be read to its end.
    pub incomplete: bool,
    /// What is known of each file, in their order.
    pub files: Vec<FileFacts>,
}

/// What is known of one file.
#[derive(Debug, Clone, Default)]
pub struct FileFacts {
    /// Its container and links in words: `pcapng, ETHERNET`; empty where it could not be opened.
    pub format: String,
    /// Its octets as they lie on disk.
    pub bytes: u64,
    /// Its frames.
    pub frames: u64,
    /// TCP segments among them.
    pub segments: u64,
    /// The earliest and the latest time of its frames.
    pub span: Option<(Timestamp, Timestamp)>,
    /// What it tells of its interfaces.
    pub interfaces: Vec<InterfaceFacts>,
    /// What was passed over.
    pub notes: Notes,
    /// Why it could not be opened.
    pub error: Option<String>,
}

/// Reads the inside captures.
pub fn inside(files: &[(CaptureId, &Path)], how: Reading<'_>, wanted: &[Wanted]) -> Found {
    let mut places: AHashMap<FlowKey, Vec<usize>> = AHashMap::new();
    for (place, one) in wanted.iter().enumerate() {
        places.entry(FlowKey::between(one.sender, one.appliance)).or_default().push(place);
    }
    let mut tapes = vec![Tape::default(); wanted.len()];
    let mut total = 0;
    let mut found = read(files, how, |segment, at| {
        let Some(sharing) = places.get(&FlowKey::of(segment).0) else { return };
        for place in sharing {
            let Some((one, tape)) = wanted.get(*place).zip(tapes.get_mut(*place)) else { continue };
            if one.first <= at.time && at.time <= one.last {
                tape.push(segment, at, segment.source == one.sender, &mut total);
            }
        }
    });
    found.tapes = tapes;
    found
}

/// What a segment is found again by behind a translation.
type Mark = (u32, u32, Option<u16>);

fn mark(seq: u32, payload: u32, sum: Option<u16>, flags: Flags) -> Option<Mark> {
    let telling = flags.is_syn() || (payload >= MIN_TELLING && sum.is_some());
    telling.then_some((seq, if flags.is_syn() { 0 } else { payload }, sum.filter(|_| !flags.is_syn())))
}

/// A connection of the outside captures.
#[derive(Debug, Clone, Copy)]
struct Known {
    sender: Endpoint,
    /// Which of those wanted it is now; `None`: another one between the same ends.
    place: Option<usize>,
    /// Whether its own SYN was seen, with the number that it has inside.
    by_its_syn: bool,
}

impl Known {
    const fn new(sender: Endpoint, place: Option<usize>) -> Self {
        Self { sender, place, by_its_syn: false }
    }
}

/// Reads the outside captures for the connections that `tapes` hold as seen inside.
///
/// What is not found by its ends or numbers is sought by what the sender said, which takes a second reading.
pub fn outside(files: &[(CaptureId, &Path)], how: Reading<'_>, wanted: &[Wanted], tapes: &[Tape]) -> Found {
    let mut known: AHashMap<FlowKey, Known> = AHashMap::new();
    let mut marks: AHashMap<Mark, usize> = AHashMap::new();
    for (place, (one, tape)) in wanted.iter().zip(tapes).enumerate() {
        let key = FlowKey::between(one.sender, one.appliance);
        // Ends that were used twice are told apart by their SYNs.
        let again = known.contains_key(&key);
        known.insert(key, Known::new(one.sender, (!again).then_some(place)));
        let own = tape.packets.iter().filter(|packet| packet.by_sender);
        let telling = own.filter_map(|packet| mark(packet.seq, packet.payload, packet.sum, packet.flags));
        marks.extend(telling.take(MAX_MARKS).map(|mark| (mark, place)));
    }
    let mut search = Search::of(wanted, tapes);
    let mut recorder =
        Recorder { known, tapes: vec![Tape::default(); wanted.len()], total: 0, translated: 0 };
    let mut found = read(files, how, |segment, at| {
        let marked = mark(segment.seq.0, segment.payload_len, segment.payload_sum, segment.flags)
            .and_then(|mark| marks.get(&mark).copied());
        if !recorder.take(segment, at, marked) {
            search.hear(segment);
        }
    });
    let missing = |place: usize| recorder.tapes.get(place).is_some_and(|tape| tape.packets.is_empty());
    let others = search.found(missing);
    found.tapes = recorder.tapes;
    let read_twice = files.iter().all(|(_, path)| !input::is_read_once(path));
    if !others.is_empty() && read_twice && !how.interrupted.load(Ordering::Relaxed) {
        let known = others.iter().map(|(place, key, sender)| (*key, Known::new(*sender, Some(*place))));
        let mut second = Recorder {
            known: known.collect(),
            tapes: vec![Tape::default(); wanted.len()],
            total: recorder.total,
            translated: 0,
        };
        read(files, how, |segment, at| {
            second.take(segment, at, None);
        });
        for (place, _, _) in others {
            if let (Some(tape), Some(sought)) = (found.tapes.get_mut(place), second.tapes.get_mut(place)) {
                *tape = std::mem::take(sought);
            }
        }
    }
    found
}

/// Keeps the packets of known connections.
struct Recorder {
    known: AHashMap<FlowKey, Known>,
    tapes: Vec<Tape>,
    total: usize,
    /// Connections that were added for a segment of theirs.
    translated: usize,
}

impl Recorder {
    /// `marked`: the connection whose segment this is, by its number. Whether it belongs to a known one.
    fn take(&mut self, segment: &Segment<'_>, at: Moment, marked: Option<usize>) -> bool {
        let key = FlowKey::of(segment).0;
        let one = match (self.known.get_mut(&key), marked) {
            (Some(one), marked) => {
                if segment.flags.is_syn() && segment.source == one.sender {
                    match (marked, one.place) {
                        (Some(place), _) => {
                            (one.place, one.by_its_syn) = (Some(place), true);
                            if let Some(tape) = self.tapes.get_mut(place) {
                                tape.begin_at(at.time, segment.seq.0, &mut self.total);
                            }
                        }
                        // Its numbers are the same here, and these are others: another connection.
                        (None, Some(_)) if one.by_its_syn => one.place = None,
                        (None, Some(place)) => {
                            if let Some(tape) = self.tapes.get_mut(place) {
                                // A renumbered SYN; a second one cannot be told from a new connection.
                                tape.cut |= tape.isn(true).is_some_and(|isn| isn != segment.seq.0);
                            }
                        }
                        (None, None) => {}
                    }
                }
                *one
            }
            (None, Some(place)) => {
                if self.translated >= MAX_TRANSLATED {
                    if let Some(tape) = self.tapes.get_mut(place) {
                        tape.cut = true;
                    }
                    return false;
                }
                self.translated += 1;
                let one =
                    Known { by_its_syn: segment.flags.is_syn(), ..Known::new(segment.source, Some(place)) };
                self.known.insert(key, one);
                one
            }
            (None, None) => return false,
        };
        if let Some(tape) = one.place.and_then(|place| self.tapes.get_mut(place)) {
            tape.push(segment, at, segment.source == one.sender, &mut self.total);
        }
        true
    }
}

/// Reads every segment of some files.
fn read(files: &[(CaptureId, &Path)], how: Reading<'_>, mut take: impl FnMut(&Segment<'_>, Moment)) -> Found {
    let mut found = Found::default();
    let mut decoder = Decoder::new(how.decap);
    for (id, path) in files {
        let mut facts = FileFacts::default();
        match CaptureReader::open(path, how.reader) {
            Ok(reader) => read_one(reader, (*id, how), &mut decoder, &mut facts, &mut take),
            Err(error) => {
                // The path stands beside it wherever it is shown.
                facts.error = Some(error.cause.to_string());
            }
        }
        found.incomplete |= facts.error.is_some()
            || facts.notes.any_loss()
            || facts.interfaces.iter().any(|facts| facts.dropped() > 0);
        if let Some((first, last)) = facts.span {
            let (from, to) = found.span.unwrap_or((first, last));
            found.span = Some((from.min(first), to.max(last)));
        }
        found.files.push(facts);
    }
    found
}

fn read_one(
    mut reader: CaptureReader,
    (id, how): (CaptureId, Reading<'_>),
    decoder: &mut Decoder,
    facts: &mut FileFacts,
    take: &mut impl FnMut(&Segment<'_>, Moment),
) {
    let mut links: Vec<LinkType> = Vec::new();
    loop {
        let frame = match reader.next_frame() {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(error) => {
                facts.notes.loss(error.cause.to_string(), Some(Place::Offset(error.offset)));
                break;
            }
        };
        facts.frames += 1;
        let (first, last) = facts.span.unwrap_or((frame.time, frame.time));
        facts.span = Some((first.min(frame.time), last.max(frame.time)));
        if links.len() < MAX_LINKS && !links.contains(&frame.link) {
            links.push(frame.link);
        }
        let at = Moment { time: frame.time, frame: FrameRef { capture: id, frame: frame.number } };
        if let Ok(segment) = decoder.segment(&frame, id, &mut facts.notes) {
            facts.segments += 1;
            take(&segment, at);
        }
        if facts.frames.is_multiple_of(FRAMES_BETWEEN_LOOKS) && how.interrupted.load(Ordering::Relaxed) {
            let place = Some(Place::Offset(reader.raw_bytes()));
            facts.notes.loss("interrupted: the rest of the file was not read", place);
            break;
        }
    }
    let words = links.iter().map(|link| link.name().map_or(format!("link type {}", link.0), str::to_owned));
    let gzipped = reader.gzipped().then(|| "gzipped".to_owned());
    let words: Vec<String> =
        std::iter::once(reader.format().name().to_owned()).chain(gzipped).chain(words).collect();
    facts.format = words.join(", ");
    facts.bytes = reader.raw_len().unwrap_or_else(|| reader.raw_bytes());
    facts.interfaces = reader.interfaces().to_vec();
    facts.notes.merge(reader.notes());
}
