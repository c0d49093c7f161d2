//! Whose clock stamped a record: the heads of files, and the appliances that they name.

use crate::cite::{LogId, LogRef, Notes, Place};
use crate::maillog::event::Fact;
use crate::maillog::{ClockIndex, ClockSource, MailLog, SerialIndex, Stamp, StepBack};
use crate::text::Text;
use crate::time::LogTime;

/// Clocks told apart. A log begins a new one with every head, at the most every few minutes.
pub(super) const MAX_CLOCKS: usize = 16_384;

/// Appliances told apart.
pub(super) const MAX_SERIALS: usize = 256;

/// Octets kept of a serial number; real ones have at most 33.
const MAX_SERIAL: usize = 64;

/// Reads heads and stamps records with the clock that holds.
#[derive(Debug, Default)]
pub(super) struct ClockReader {
    file: LogId,
    current: Option<ClockIndex>,
    /// The latest stamp since the clock last stepped back.
    latest: Option<LogTime>,
}

impl ClockReader {
    /// Another file begins.
    pub(super) fn begin_file(&mut self, file: LogId) {
        *self = Self { file, current: None, latest: None };
    }

    /// The appliance that the head names under which the records stand now.
    pub(super) fn serial(&self, log: &MailLog) -> Option<SerialIndex> {
        self.source(log)?.serial
    }

    /// The latest stamp, so far as the order of lines is kept.
    pub(super) fn latest(&self) -> Option<LogTime> {
        self.latest
    }

    /// Stamps a record, and takes in what it says if it is part of a head.
    pub(super) fn stamp(
        &mut self,
        log: &mut MailLog,
        notes: &mut Notes,
        line: u32,
        time: LogTime,
        fact: &Fact<'_>,
    ) -> Stamp {
        // Nearly every record: no part of a head, in the second of the record before it.
        let of_a_head = matches!(fact, Fact::HeadBegins | Fact::Version { .. } | Fact::Offset(_));
        if let (Some(clock), false) = (self.current, of_a_head || self.latest != Some(time)) {
            return Stamp { time, clock, line: LogRef { file: self.file, line } };
        }
        let serial = match fact {
            Fact::Version { serial: Some(serial) } => serial_index(log, notes, serial, line),
            _ => None,
        };
        let source = self.source(log);
        let begins = source.is_none_or(|source| match fact {
            // A file whose first record it is has begun already.
            Fact::HeadBegins => true,
            // Heads that lost their first lines.
            Fact::Version { .. } => source.serial.is_some() && serial.is_some() && source.serial != serial,
            Fact::Offset(_) => source.head_offset.is_some(),
            _ => false,
        });
        if begins {
            let inherited = matches!(fact, Fact::Offset(_)).then(|| source.and_then(|source| source.serial));
            self.begin(log, notes, line, time, inherited.flatten());
        }
        let clock = self.current.unwrap_or(ClockIndex(0));
        if let Some(source) = log.clocks.get_mut(usize::from(clock.0)) {
            source.serial = serial.or(source.serial);
            match fact {
                Fact::Offset(Some(offset)) => source.head_offset = Some(*offset),
                Fact::Offset(None) => {
                    notes.oddity("an offset from UTC that no zone has", Some(Place::Line(line)));
                }
                _ => {}
            }
            source.first = source.first.min(time);
            source.last = source.last.max(time);
            self.step(source, line, time);
        }
        Stamp { time, clock, line: LogRef { file: self.file, line } }
    }

    fn source<'a>(&self, log: &'a MailLog) -> Option<&'a ClockSource> {
        log.clocks.get(usize::from(self.current?.0))
    }

    fn begin(
        &mut self,
        log: &mut MailLog,
        notes: &mut Notes,
        line: u32,
        time: LogTime,
        serial: Option<SerialIndex>,
    ) {
        self.latest = None;
        if log.clocks.len() >= MAX_CLOCKS {
            notes.loss("heads beyond those that are told apart", Some(Place::Line(line)));
            // Better the clock of another file than none; the note says that times may be wrong.
            self.current = self.current.or(Some(ClockIndex(0)));
            return;
        }
        self.current = u16::try_from(log.clocks.len()).ok().map(ClockIndex);
        log.clocks.push(ClockSource {
            file: self.file,
            from_line: line,
            serial,
            head_offset: None,
            first: time,
            last: time,
            steps_back: Vec::new(),
        });
    }

    fn step(&mut self, source: &mut ClockSource, line: u32, time: LogTime) {
        let behind = self.latest.map_or(0, |latest| latest.wall_seconds() - time.wall_seconds());
        if behind >= ClockSource::LEAST_STEP {
            if source.steps_back.len() < ClockSource::MAX_STEPS {
                source.steps_back.push(StepBack { line, seconds: behind });
            }
            self.latest = Some(time);
        } else if behind <= 0 {
            self.latest = Some(time);
        }
    }
}

/// The index of an appliance, a new one where it was not met before.
pub(super) fn serial_index(
    log: &mut MailLog,
    notes: &mut Notes,
    serial: &[u8],
    line: u32,
) -> Option<SerialIndex> {
    let serial = serial.get(..MAX_SERIAL).unwrap_or(serial);
    let known = log.serials.iter().position(|known| known.as_bytes() == serial);
    if known.is_none() {
        if log.serials.len() >= MAX_SERIALS {
            notes.loss("appliances beyond those that are told apart", Some(Place::Line(line)));
            return None;
        }
        log.serials.push(Text::new(serial));
    }
    u16::try_from(known.unwrap_or(log.serials.len() - 1)).ok().map(SerialIndex)
}
