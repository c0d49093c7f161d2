//! What two files hold is taken in once.

use super::Book;
use crate::cite::Place;
use crate::maillog::Stamp;
use crate::maillog::event::Fact;
use crate::maillog::repeats::Asked;

/// What the book made of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::maillog) struct Taken {
    /// When and where it stands.
    pub(in crate::maillog) stamp: Stamp,
    /// The appliance that wrote it: ids are counters of one.
    pub(in crate::maillog) appliance: usize,
    /// A file read before holds it too; it was not taken in again.
    pub(in crate::maillog) repeated: bool,
}

impl Book<'_> {
    /// Whether an earlier file holds the record. Heads are of their file, and hold nothing else.
    #[inline]
    pub(super) fn repeats_another(
        &mut self,
        appliance: usize,
        stamp: Stamp,
        text: &[u8],
        fact: &Fact<'_>,
    ) -> bool {
        if matches!(fact, Fact::HeadBegins | Fact::Version { .. } | Fact::Offset(_)) {
            return false;
        }
        let (repeated, note) = match self.repeats.ask(appliance, stamp.time, text) {
            Asked::New => return false,
            Asked::Repeated => (true, "records that another file holds too: they count once"),
            Asked::NoRoom => (
                false,
                "records beyond those that are compared with other files: what both hold counts twice",
            ),
        };
        self.file.repeated += u64::from(repeated);
        self.file.notes.oddity(note, Some(Place::Line(stamp.line.line)));
        repeated
    }
}
