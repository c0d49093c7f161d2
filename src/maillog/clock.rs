//! Whose clock stamped a record: the heads of files, and the appliances that they name.

use crate::cite::{LogId, LogRef, Notes, Place};
use crate::maillog::event::Fact;
use crate::maillog::source::Source;
use crate::maillog::{
    ClockIndex, ClockSet, ClockSource, HostIndex, MailLog, SerialIndex, Stamp, StampedBy, Step,
};
use crate::text::Text;
use crate::time::{LogTime, UtcOffset};

/// Clocks told apart. A log begins a new one with every head, at the most every few minutes.
pub(super) const MAX_CLOCKS: usize = 16_384;

/// Appliances told apart.
pub(super) const MAX_SERIALS: usize = 256;

/// Octets kept of a serial number; real ones have at most 33.
const MAX_SERIAL: usize = 64;

/// Hosts told apart.
pub(super) const MAX_HOSTS: usize = 256;

/// Octets kept of a host's name (RFC 1035 section 2.3.4).
const MAX_HOST: usize = 255;

/// Ways by which records come in one file: hosts, and offsets that their stamps bear.
const MAX_ROUTES: usize = 1024;

/// Reads heads and stamps records with the clock that holds.
#[derive(Debug, Default)]
pub(super) struct ClockReader {
    file: LogId,
    current: Option<ClockIndex>,
    /// The latest stamp since the clock last stepped back.
    latest: Option<LogTime>,
    /// The way by which the last record came.
    route: Route,
    /// The clocks of the other ways of this file.
    routes: Vec<(Route, Option<ClockIndex>, Option<LogTime>)>,
}

/// A way by which records come: records of different ways have different clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Route {
    host: Option<HostIndex>,
    serial: Option<SerialIndex>,
    offset: Option<UtcOffset>,
    by: StampedBy,
}

impl ClockReader {
    /// Another file begins.
    pub(super) fn begin_file(&mut self, file: LogId) {
        *self = Self { file, ..Self::default() };
    }

    /// The appliance that the head names under which the records stand now.
    pub(super) fn serial(&self, log: &MailLog) -> Option<SerialIndex> {
        self.source(log)?.serial
    }

    /// The host that the records come from.
    pub(super) fn host(&self) -> Option<HostIndex> {
        self.route.host
    }

    /// The latest stamp, so far as the order of lines is kept.
    pub(super) fn latest(&self) -> Option<LogTime> {
        self.latest
    }

    /// Learns by which way the next record comes.
    #[inline]
    pub(super) fn comes_from(
        &mut self,
        log: &mut MailLog,
        notes: &mut Notes,
        line: u32,
        source: &Source<'_>,
    ) {
        if source.is_plain() && self.route == Route::default() {
            return;
        }
        self.switch(log, notes, line, source);
    }

    fn switch(&mut self, log: &mut MailLog, notes: &mut Notes, line: u32, source: &Source<'_>) {
        let host = source.host.and_then(|host| host_index(log, notes, host, line));
        let serial = source.serial.and_then(|serial| serial_index(log, notes, serial, line));
        let route = Route { host, serial, offset: source.offset, by: source.by };
        if route == self.route {
            return;
        }
        let room = self.routes.len() < MAX_ROUTES;
        match self.routes.iter_mut().find(|(known, ..)| *known == self.route) {
            Some(known) => (known.1, known.2) = (self.current, self.latest),
            None if room => {
                self.routes.push((self.route, self.current, self.latest));
            }
            None => notes.oddity(
                "hosts and offsets beyond those whose clocks are told apart",
                Some(Place::Line(line)),
            ),
        }
        self.route = route;
        let known = self.routes.iter().find(|(known, ..)| *known == route);
        (self.current, self.latest) = known.map_or((None, None), |(_, clock, latest)| (*clock, *latest));
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
        // Nearly every record: nothing of the clock, in the second of the record before it.
        let of_the_clock =
            matches!(fact, Fact::HeadBegins | Fact::Version { .. } | Fact::Offset(_) | Fact::ClockSet(_));
        if let (Some(clock), false) = (self.current, of_the_clock || self.latest != Some(time)) {
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
            let inherited = match fact {
                Fact::Offset(_) => source.and_then(|source| source.serial),
                Fact::HeadBegins => None,
                _ => self.serial_of_route(log),
            };
            self.begin(log, notes, line, time, inherited);
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
            if source.leap_day.is_none() && !time.year_known() && time.is_leap_day() {
                source.leap_day = Some(time);
            }
            self.step(source, line, time);
        }
        if let Fact::ClockSet(set) = fact
            && log.clock_sets.len() < MailLog::MAX_CLOCK_SETS
        {
            let at = Stamp { time, clock, line: LogRef { file: self.file, line } };
            let serial = self.serial(log);
            log.clock_sets.push(ClockSet { serial, at, from: set.0, to: set.1 });
        }
        Stamp { time, clock, line: LogRef { file: self.file, line } }
    }

    /// A stamp of the record that was stamped last, at another time that the record tells.
    pub(super) fn stamp_aside(&self, log: &mut MailLog, line: u32, time: LogTime) -> Stamp {
        let clock = self.current.unwrap_or(ClockIndex(0));
        if let Some(source) = log.clocks.get_mut(usize::from(clock.0)) {
            source.first = source.first.min(time);
            source.last = source.last.max(time);
        }
        Stamp { time, clock, line: LogRef { file: self.file, line } }
    }

    fn source<'a>(&self, log: &'a MailLog) -> Option<&'a ClockSource> {
        log.clocks.get(usize::from(self.current?.0))
    }

    /// The appliance behind the way by which the records come: each record says it, or the head of
    /// an earlier one of the same host.
    fn serial_of_route(&self, log: &MailLog) -> Option<SerialIndex> {
        self.route.serial.or_else(|| {
            let host = self.route.host?;
            let of_host = log.clocks.iter().rev().filter(|clock| clock.host == Some(host));
            of_host.take(MAX_ROUTES).find_map(|clock| clock.serial)
        })
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
            host: self.route.host,
            stamp_offset: self.route.offset,
            stamped_by: self.route.by,
            first: time,
            last: time,
            steps: Vec::new(),
            leap_day: None,
        });
    }

    fn step(&mut self, source: &mut ClockSource, line: u32, time: LogTime) {
        let from = self.latest.unwrap_or(time);
        let step = Step { line, from, to: time };
        let back = step.seconds() <= -ClockSource::LEAST_STEP_BACK;
        if back || step.seconds() >= ClockSource::LEAST_STEP_FORWARD {
            let kept = source.steps.iter().filter(|step| (step.seconds() < 0) == back).count();
            if kept < ClockSource::MAX_STEPS {
                source.steps.push(step);
            }
        }
        if back || step.seconds() >= 0 {
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

/// The index of a host, a new one where it was not met before.
fn host_index(log: &mut MailLog, notes: &mut Notes, host: &[u8], line: u32) -> Option<HostIndex> {
    let host = host.get(..MAX_HOST).unwrap_or(host);
    let known = log.hosts.iter().position(|known| known.as_bytes() == host);
    if known.is_none() {
        if log.hosts.len() >= MAX_HOSTS {
            notes.loss("hosts beyond those that are told apart", Some(Place::Line(line)));
            return None;
        }
        log.hosts.push(Text::new(host));
    }
    u16::try_from(known.unwrap_or(log.hosts.len() - 1)).ok().map(HostIndex)
}
