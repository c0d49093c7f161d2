//! The packets of the cases' connections on one side, one bounded record each.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use ahash::AHashMap;

use crate::capture::decode::Decoder;
use crate::capture::flow::FlowKey;
use crate::capture::read::{CaptureReader, ReaderKind};
use crate::capture::segment::{Checksum, Flags, Segment};
use crate::cite::{CaptureId, FrameRef, Moment, Notes};
use crate::net::Endpoint;
use crate::time::Timestamp;

/// One packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// When and where.
    pub at: Moment,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number.
    pub ack: u32,
    /// Octets of payload.
    pub payload: u32,
    /// The sum of its payload; `None` where it is not whole or the packet is damaged.
    pub sum: Option<u16>,
    /// IP identification.
    pub ip_id: Option<u16>,
    /// TCP flags.
    pub flags: Flags,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Whether it bears the sender's address.
    pub by_sender: bool,
}

/// The packets of one connection on one side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tape {
    /// In the order of the file.
    pub packets: Vec<Packet>,
    /// Packets were left out: too many, or those of two connections cannot be told apart.
    pub cut: bool,
}

impl Tape {
    /// Packets kept of one connection.
    pub const MAX_PACKETS: usize = 65_536;

    fn push(&mut self, packet: Packet, total: &mut usize) {
        if self.packets.len() < Self::MAX_PACKETS && *total < MAX_TOTAL {
            self.packets.push(packet);
            *total += 1;
        } else {
            self.cut = true;
        }
    }

    /// The number of an end's SYN.
    pub fn isn(&self, by_sender: bool) -> Option<u32> {
        let mut own = self.packets.iter().filter(|packet| packet.by_sender == by_sender);
        own.find(|packet| packet.flags.syn()).map(|packet| packet.seq)
    }
}

/// Packets kept in all.
const MAX_TOTAL: usize = 2_000_000;
/// Segments of a connection by which a translated one may be found.
const MAX_MARKS: usize = 64;
/// Octets that tell a segment from others.
const MIN_MARK: u32 = 16;
/// Frames between two looks at the interruption flag.
const FRAMES_BETWEEN_LOOKS: u64 = 4096;

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

/// What was found on one side.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// A tape for each connection wanted, in their order.
    pub tapes: Vec<Tape>,
    /// The times of the first and last frame of the files.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The capturing host counted frames that it could not keep, or a file could not be read to its end.
    pub incomplete: bool,
    /// Why files could not be read, each with its place among them.
    pub errors: Vec<(usize, String)>,
}

/// Reads the inside captures.
pub fn inside(
    files: &[(CaptureId, &Path)],
    reader: ReaderKind,
    decap: bool,
    interrupted: &AtomicBool,
    wanted: &[Wanted],
) -> Found {
    let mut places: AHashMap<FlowKey, Vec<usize>> = AHashMap::new();
    for (place, one) in wanted.iter().enumerate() {
        places.entry(FlowKey::between(one.sender, one.appliance)).or_default().push(place);
    }
    let mut tapes = vec![Tape::default(); wanted.len()];
    let mut total = 0;
    let mut found = read(files, reader, decap, interrupted, |segment, at| {
        let Some(sharing) = places.get(&FlowKey::of(segment).0) else { return };
        for place in sharing {
            let Some((one, tape)) = wanted.get(*place).zip(tapes.get_mut(*place)) else { continue };
            if one.first <= at.time && at.time <= one.last {
                tape.push(packet(segment, at, segment.source == one.sender), &mut total);
            }
        }
    });
    found.tapes = tapes;
    found
}

/// What a segment is found again by behind a translation.
type Mark = (u32, u32, Option<u16>);

fn mark(seq: u32, payload: u32, sum: Option<u16>, flags: Flags) -> Option<Mark> {
    let telling = flags.is_syn() || (payload >= MIN_MARK && sum.is_some());
    telling.then_some((seq, if flags.is_syn() { 0 } else { payload }, sum.filter(|_| !flags.is_syn())))
}

/// A connection of the outside captures.
#[derive(Debug, Clone, Copy)]
struct Known {
    sender: Endpoint,
    /// Which of those wanted it is now; `None`: another one between the same ends.
    place: Option<usize>,
}

/// Reads the outside captures for the connections that `tapes` hold as seen inside.
pub fn outside(
    files: &[(CaptureId, &Path)],
    reader: ReaderKind,
    decap: bool,
    interrupted: &AtomicBool,
    wanted: &[Wanted],
    inside: &[Tape],
) -> Found {
    let mut known: AHashMap<FlowKey, Known> = AHashMap::new();
    let mut marks: AHashMap<Mark, usize> = AHashMap::new();
    for (place, (one, tape)) in wanted.iter().zip(inside).enumerate() {
        let key = FlowKey::between(one.sender, one.appliance);
        // Ends that were used twice are told apart by their SYNs.
        let again = known.contains_key(&key);
        known.insert(key, Known { sender: one.sender, place: (!again).then_some(place) });
        let own = tape.packets.iter().filter(|packet| packet.by_sender);
        let telling = own.filter_map(|packet| mark(packet.seq, packet.payload, packet.sum, packet.flags));
        marks.extend(telling.take(MAX_MARKS).map(|mark| (mark, place)));
    }
    let mut tapes = vec![Tape::default(); wanted.len()];
    let mut total = 0;
    let mut found = read(files, reader, decap, interrupted, |segment, at| {
        let key = FlowKey::of(segment).0;
        let sum = segment.payload_sum;
        let marked = mark(segment.seq.0, segment.payload_len, sum, segment.flags)
            .and_then(|mark| marks.get(&mark).copied());
        let one = match (known.get_mut(&key), marked) {
            (Some(one), marked) => {
                if segment.flags.is_syn() && segment.source == one.sender {
                    match (marked, one.place) {
                        (Some(place), _) => one.place = Some(place),
                        (None, Some(place)) => {
                            if let Some(tape) = tapes.get_mut(place) {
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
                let one = Known { sender: segment.source, place: Some(place) };
                known.insert(key, one);
                one
            }
            (None, None) => return,
        };
        if let Some(tape) = one.place.and_then(|place| tapes.get_mut(place)) {
            tape.push(packet(segment, at, segment.source == one.sender), &mut total);
        }
    });
    found.tapes = tapes;
    found
}

fn packet(segment: &Segment<'_>, at: Moment, by_sender: bool) -> Packet {
    Packet {
        at,
        seq: segment.seq.0,
        ack: segment.ack.0,
        payload: segment.stream_len(),
        sum: segment.payload_sum.filter(|_| segment.checksum != Checksum::Bad),
        ip_id: segment.ip_id,
        flags: segment.flags,
        ttl: segment.ttl,
        by_sender,
    }
}

/// Reads every segment of some files.
fn read(
    files: &[(CaptureId, &Path)],
    kind: ReaderKind,
    decap: bool,
    interrupted: &AtomicBool,
    mut take: impl FnMut(&Segment<'_>, Moment),
) -> Found {
    let mut found = Found::default();
    let mut decoder = Decoder::new(decap);
    for (place, (id, path)) in files.iter().enumerate() {
        let mut reader = match CaptureReader::open(path, kind) {
            Ok(reader) => reader,
            Err(error) => {
                found.incomplete = true;
                found.errors.push((place, error.to_string()));
                continue;
            }
        };
        let mut frames = 0u64;
        loop {
            let frame = match reader.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(error) => {
                    found.incomplete = true;
                    found.errors.push((place, format!("not read to its end: {}", error.cause)));
                    break;
                }
            };
            frames += 1;
            if frames.is_multiple_of(FRAMES_BETWEEN_LOOKS) && interrupted.load(Ordering::Relaxed) {
                found.incomplete = true;
                return found;
            }
            let (first, last) = found.span.unwrap_or((frame.time, frame.time));
            found.span = Some((first.min(frame.time), last.max(frame.time)));
            let at = Moment { time: frame.time, frame: FrameRef { capture: *id, frame: frame.number } };
            if let Ok(segment) = decoder.segment(&frame, *id, &mut Notes::default()) {
                take(&segment, at);
            }
        }
        found.incomplete |= reader.interfaces().iter().any(|facts| facts.dropped() > 0);
    }
    found
}
