//! Where a clock stepped: the line at which the stamps themselves show it.

use crate::cite::LogRef;
use crate::join::clock::course::place;
use crate::maillog::{Connection, MailLog, Message, Stamp};
use crate::time::LogTime;

/// A step is shown by a gap or a fall of its size, less the lag of the log's writing.
const SLACK_SECONDS: i64 = 3;
/// A fall by less may be lines out of order.
const LEAST_FALL_SECONDS: i64 = 3;

/// A step of the clock between two tracks.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::join::clock) struct Break {
    /// How far, in seconds; negative where it was set back.
    pub(in crate::join::clock) jump: f64,
    /// Whether it is a change of daylight saving.
    pub(in crate::join::clock) saving: bool,
    /// The first place after it, and the stamp there; `None`: nothing tells where it is.
    pub(in crate::join::clock) at: Option<(u64, LogTime)>,
    /// The places between which it is.
    pub(in crate::join::clock) region: (u64, u64),
    /// The first stamp that is kept between them, and the last.
    pub(in crate::join::clock) next: Option<LogTime>,
    pub(in crate::join::clock) last: Option<LogTime>,
    /// The appliance's own word for it.
    pub(in crate::join::clock) said: Option<LogRef>,
}

/// Looks for a step of `jump` seconds between two places.
pub(super) fn locate(log: &MailLog, region: (u64, u64), jump: f64) -> Break {
    let stamps = stamps_within(log, region);
    let jump_seconds = jump.round() as i64;
    let said = stamps.first().zip(stamps.last()).and_then(|((_, before), (_, after))| {
        let quiet = after.wall_seconds() - before.wall_seconds() - jump_seconds;
        let serial = log.clocks.get((region.0 >> 32) as usize).and_then(|clock| clock.serial);
        log.clock_sets.iter().find(|set| {
            let by = set.to.wall_seconds() - set.from.wall_seconds();
            let since = set.from.wall_seconds() - before.wall_seconds();
            (by - jump_seconds).abs() <= SLACK_SECONDS
                && (-SLACK_SECONDS..=quiet + SLACK_SECONDS).contains(&since)
                && (set.serial.is_none() || serial.is_none() || set.serial == serial)
        })
    });
    let mut shown: Vec<(i64, u64, LogTime)> = Vec::new();
    let mut latest: Option<LogTime> = None;
    for (place, time) in &stamps {
        let before = latest.unwrap_or(*time);
        let by = time.wall_seconds() - before.wall_seconds();
        let told_apart = said.is_none_or(|set| {
            jump_seconds < 0
                || before.wall_seconds() <= set.from.wall_seconds() + SLACK_SECONDS
                    && time.wall_seconds() >= set.to.wall_seconds() - SLACK_SECONDS
        });
        if jump_seconds < 0 && by <= -LEAST_FALL_SECONDS && by >= jump_seconds - SLACK_SECONDS
            || jump_seconds > 0 && by >= jump_seconds - SLACK_SECONDS && told_apart
        {
            shown.push((by, *place, *time));
        }
        if by > 0 || by <= -LEAST_FALL_SECONDS {
            latest = Some(*time);
        }
        latest.get_or_insert(*time);
    }
    let at = match shown.as_slice() {
        [(_, place, time)] => Some((*place, *time)),
        // Of several gaps nothing tells which; of several falls the deepest, if no other is like it.
        several if jump_seconds < 0 => {
            let deepest = several.iter().min_by_key(|(by, ..)| *by);
            deepest
                .filter(|(by, ..)| several.iter().filter(|(other, ..)| *other * 2 <= *by).count() == 1)
                .map(|(_, place, time)| (*place, *time))
        }
        _ => None,
    };
    let next = stamps.iter().find(|(place, _)| *place > region.0).map(|(_, time)| *time);
    let last = stamps.last().map(|(_, time)| *time);
    Break { jump, saving: false, at, region, next, last, said: said.map(|set| set.at.line) }
}

/// The stamps that are kept between two places, both included, in the order of lines.
fn stamps_within(log: &MailLog, region: (u64, u64)) -> Vec<(u64, LogTime)> {
    let mut found = Vec::new();
    let mut take = |stamp: &Stamp| {
        let at = place(usize::from(stamp.clock.0), stamp.line.line);
        if (region.0..=region.1).contains(&at) {
            found.push((at, stamp.time));
        }
    };
    for connection in &log.connections {
        let (first, last) = (&connection.first, &connection.last);
        // Nearly every connection lies outside.
        let reaches = |stamp: &Stamp| place(usize::from(stamp.clock.0), stamp.line.line);
        if reaches(first) > region.1 || reaches(last) < region.0 && reaches(first) < region.0 {
            continue;
        }
        of_connection(connection, &mut take);
        for message in &connection.messages {
            of_message(message, &mut take);
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn of_connection(connection: &Connection, take: &mut impl FnMut(&Stamp)) {
    let Connection { opened, first, last, lost, closed, last_without_mid, .. } = connection;
    [Some(first), Some(last)].into_iter().flatten().for_each(&mut *take);
    [opened, lost, closed, last_without_mid].into_iter().flatten().for_each(&mut *take);
}

fn of_message(message: &Message, take: &mut impl FnMut(&Stamp)) {
    let Message { first, last, started, mail_from, rcpt_to, rejected, ready, aborted, finished, .. } =
        message;
    take(first);
    take(last);
    started.iter().for_each(&mut *take);
    mail_from.iter().map(|(_, at)| at).for_each(&mut *take);
    rcpt_to.iter().chain(rejected).map(|(_, at)| at).for_each(&mut *take);
    ready.iter().map(|(_, at)| at).for_each(&mut *take);
    aborted.iter().map(|(_, at)| at).for_each(&mut *take);
    finished.iter().map(|(_, at)| at).for_each(&mut *take);
}
