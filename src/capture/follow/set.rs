//! Captures that follow one another.

use crate::capture::FlowSink;
use crate::capture::decode::Decoder;
use crate::capture::flow::FlowTable;
use crate::cite::Notes;
use crate::time::{Span, Timestamp};

use super::{CaptureFile, Options};

/// How much earlier than the last frame of a set the next file may begin: clocks are set, and
/// frames near a rotation may change places.
const OVERLAP_ALLOWED: Span = Span::from_seconds(1);

/// How much later than the last frame of a set the next file may begin. More than SMTP's longest
/// time-out (RFC 5321 section 4.5.3.2.6), so that a quiet line still counts as one capture.
const PAUSE_ALLOWED: Span = Span::from_seconds(15 * 60);

/// Captures that follow one another, with their open flows.
pub(super) struct Set<S: FlowSink> {
    pub(super) table: FlowTable<S>,
    /// The fragments that wait for others, across its files.
    pub(super) decoder: Decoder,
    /// Where its last file begins.
    pub(super) began: Timestamp,
    /// How far its files go, as far as their times are believed.
    pub(super) last: Timestamp,
    /// The file read last, by its place in the order of reading.
    pub(super) last_file: usize,
}

impl<S: FlowSink> Set<S> {
    /// The set that a file continues which begins at `first`: of all that it could, the one that
    /// ended last; a new one where there is none.
    pub(super) fn for_file<'a>(sets: &'a mut Vec<Self>, first: Timestamp, options: &Options) -> &'a mut Self {
        let continued = (0..sets.len())
            .filter_map(|place| sets.get(place).map(|set| (set, place)))
            .filter(|(set, _)| set.is_continued_at(first))
            .map(|(set, place)| (set.last, place))
            .max();
        let place = match continued {
            Some((_, place)) => place,
            None => {
                let (table, decoder) = (FlowTable::new(options.traced), Decoder::new(options.decap));
                sets.push(Self { table, decoder, began: first, last: first, last_file: 0 });
                sets.len() - 1
            }
        };
        #[allow(clippy::indexing_slicing, reason = "the place was found or made just above")]
        &mut sets[place]
    }

    /// Whether a file beginning at `first` may continue it. Files that begin together are two
    /// accounts of the same time, however short they are.
    fn is_continued_at(&self, first: Timestamp) -> bool {
        first > self.began
            && first >= self.last.minus(OVERLAP_ALLOWED)
            && first <= self.last.plus(PAUSE_ALLOWED)
    }

    pub(super) fn finish(mut self, sink: &mut S, done: &mut [(usize, CaptureFile)]) {
        let mut lost = Notes::default();
        let notes = done.get_mut(self.last_file).map_or(&mut lost, |(_, file)| &mut file.notes);
        self.table.finish(sink, notes);
        self.decoder.finish(|capture, notes| {
            if let Some((_, file)) = done.iter_mut().find(|(_, file)| file.id == capture) {
                file.notes.merge(notes);
            }
        });
    }
}

/// Finishes the sets that no file beginning at `first` or later can continue.
pub(super) fn retire<S: FlowSink>(
    sets: &mut Vec<Set<S>>,
    first: Timestamp,
    sink: &mut S,
    done: &mut [(usize, CaptureFile)],
) {
    for set in sets.extract_if(.., |set| first > set.last.plus(PAUSE_ALLOWED)) {
        set.finish(sink, done);
    }
}
