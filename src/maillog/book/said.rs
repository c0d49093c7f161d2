//! Records of debug logs among those of the mail log.

use super::{Book, Keep, Taken};
use crate::maillog::conversation::Said;
use crate::maillog::event::Event;
use crate::maillog::read::Record;

impl Book<'_> {
    /// Takes in a record of a debug log. Where connections are handed out as they are complete it is
    /// only counted: what was said on them is compared with the wire, and there is none.
    pub(in crate::maillog) fn said(
        &mut self,
        record: &Record<'_>,
        event: &Event<'_>,
        said: &Said<'_>,
    ) -> Taken {
        let taken = self.record(record.line, record.time, &record.source, record.text, event);
        self.file.said += 1;
        if matches!(self.keep, Keep::Everything) && !taken.repeated {
            let appliance = (taken.appliance, self.clock.serial(&self.log));
            let notes = &mut self.file.notes;
            self.conversations.take(said, taken.stamp, appliance, record.broken, notes);
        }
        taken
    }
}
