//! Which clocks run on into each other: those of one appliance, through all of its files.

use ahash::AHashMap;

use crate::maillog::{HostIndex, MailLog, SerialIndex, StampedBy};

use super::{ClockOrigin, Zone};

/// The clocks of one appliance, or of one file where none is named, that run on into each other.
#[derive(Debug)]
pub(super) struct Group {
    /// Indices of clocks with the zone that each has, and what says so, in the order of reading.
    pub(super) clocks: Vec<(usize, Option<Zone>, ClockOrigin)>,
}

/// What tells one clock from another. A clock whose zone is known and one whose zone is not are not
/// fitted together.
#[derive(PartialEq, Eq, Hash)]
struct Owner {
    serial: Option<SerialIndex>,
    host: Option<HostIndex>,
    file: Option<crate::cite::LogId>,
    by: StampedBy,
    known: bool,
}

pub(super) fn groups(log: &MailLog, zone: Option<Zone>) -> Vec<Group> {
    let mut places: AHashMap<Owner, usize> = AHashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for (index, source) in log.clocks.iter().enumerate() {
        let (zone, origin) = match (source.stamp_offset, zone, source.head_offset) {
            (Some(offset), ..) => (Some(Zone::Fixed(offset)), ClockOrigin::Stamp),
            (None, Some(zone), _) => (Some(zone), ClockOrigin::Option),
            (None, None, Some(head)) => (Some(Zone::Fixed(head)), ClockOrigin::Head),
            (None, None, None) => (None, ClockOrigin::Unknown),
        };
        // A relay's stamps are of the relay's clock, whichever appliance wrote the words.
        let relayed = source.stamped_by == StampedBy::Relay;
        let serial = source.serial.filter(|_| !relayed);
        let host = source.host.filter(|_| serial.is_none());
        let owner = Owner {
            serial,
            host,
            file: (serial.is_none() && host.is_none()).then_some(source.file),
            by: source.stamped_by,
            known: zone.is_some(),
        };
        let place = *places.entry(owner).or_insert_with(|| {
            groups.push(Group { clocks: Vec::new() });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(place) {
            group.clocks.push((index, zone, origin));
        }
    }
    groups
}
