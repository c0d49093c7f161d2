//! Records of debug logs among those of the mail log.

use super::{Book, Keep};
use crate::maillog::conversation::Said;
use crate::maillog::event::{Event, Fact, Ids, Known};
use crate::maillog::source::Source;
use crate::time::LogTime;

impl Book<'_> {
    /// Takes in a record of a debug log. Where connections are handed out as they are complete it is
    /// only counted: what was said on them is compared with the wire, and there is none.
    pub(in crate::maillog) fn said(
        &mut self,
        line: u32,
        time: LogTime,
        source: &Source<'_>,
        said: &Said<'_>,
        broken: bool,
    ) {
        let event = Event { ids: Ids::default(), fact: Fact::Known(Known::Said) };
        self.record(line, time, source, &event);
        self.file.said += 1;
        if matches!(self.keep, Keep::Everything) {
            let at = self.clock.stamp_aside(&mut self.log, line, time);
            let shelf = self.shelf();
            let appliance = (shelf, self.clock.serial(&self.log));
            self.conversations.take(said, at, appliance, broken, &mut self.file.notes);
        }
    }
}
