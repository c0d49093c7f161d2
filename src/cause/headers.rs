//! A trace's headers as signs look at them: in order, by who sent them, with what had been known then.

use crate::capture::segment::SeqNumber;
use crate::capture::trace::{SegmentHeader, Trace};
use crate::capture::{Side, StreamFacts};
use crate::time::Span;

/// All headers kept, in the order of the file.
pub fn all(trace: &Trace) -> impl DoubleEndedIterator<Item = &SegmentHeader> + Clone {
    trace.recent.iter().chain(&trace.after_close)
}

/// Those of `side` before `header`, in the order of the file.
pub fn before<'a>(trace: &'a Trace, header: &SegmentHeader, side: Side) -> Vec<&'a SegmentHeader> {
    all(trace).take_while(|other| !std::ptr::eq(*other, header)).filter(|other| other.by == side).collect()
}

/// Those of `side` behind `header`.
pub fn behind<'a>(
    trace: &'a Trace,
    header: &'a SegmentHeader,
    side: Side,
) -> impl Iterator<Item = &'a SegmentHeader> + Clone {
    let mut passed = false;
    all(trace).filter(move |other| {
        let follows = passed;
        passed |= std::ptr::eq(*other, header);
        follows && other.by == side
    })
}

/// The highest ACK number among headers.
pub fn highest_ack<'a>(headers: impl IntoIterator<Item = &'a SegmentHeader>) -> Option<SeqNumber> {
    highest(headers.into_iter().filter(|header| header.flags.ack()).map(|header| SeqNumber(header.ack)))
}

/// The highest number behind the octets of headers: the next one that their sender would use. RSTs
/// count for nothing.
pub fn next_number<'a>(headers: impl IntoIterator<Item = &'a SegmentHeader>) -> Option<SeqNumber> {
    highest(headers.into_iter().filter(|header| !header.flags.rst()).map(SegmentHeader::behind))
}

/// The highest of some numbers that lie within half the space of each other.
pub fn highest(numbers: impl Iterator<Item = SeqNumber>) -> Option<SeqNumber> {
    numbers.reduce(|highest, number| if number.beyond(highest) > 0 { number } else { highest })
}

/// The shortest time known from the capture point to an end and back.
pub fn shortest_round_trip(stream: &StreamFacts) -> Option<Span> {
    let round_trip = stream.round_trip;
    round_trip.handshake.into_iter().chain(round_trip.data).min()
}

/// How many hops away a packet began, if its stack starts at the next of the usual initial values
/// (32, 64, 128, 255).
pub fn hops(ttl: u8) -> (u8, u8) {
    let initial = [32u8, 64, 128, 255].into_iter().find(|initial| ttl <= *initial).unwrap_or(u8::MAX);
    (initial.saturating_sub(ttl), initial)
}
