//! What a file tells of the interfaces that it was captured on (pcapng, section 4.2 and 4.6).

use std::fmt;

use super::LinkType;
use crate::cite::Notes;
use crate::text::{Text, escaped};

/// Octets kept of each name and description.
pub(super) const MAX_TEXT: usize = 200;

/// Interfaces kept of a file.
pub const MAX_INTERFACES_TOLD: usize = 256;

/// One interface of one section.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InterfaceFacts {
    /// The section, from 0.
    pub section: u32,
    /// The interface's place in its section, from 0.
    pub number: u32,
    /// What its frames begin with.
    pub link: LinkType,
    /// Octets kept of each frame; 0 where there is no limit.
    pub snaplen: u32,
    /// How often its clock ticks in a second (`if_tsresol`): the resolution of its frames' times.
    pub ticks_per_second: u64,
    /// Its name (`eth0`).
    pub name: Option<Text>,
    /// What its owner says that it is.
    pub description: Option<Text>,
    /// The filter that it was captured with, in libpcap's language.
    pub filter: Option<Text>,
    /// The operating system of the host it is in, its own word before the section's.
    pub system: Option<Text>,
    /// The hardware of that host.
    pub hardware: Option<Text>,
    /// Frames received.
    pub received: Option<u64>,
    /// Frames that the interface dropped.
    pub dropped_by_interface: Option<u64>,
    /// Frames that the operating system dropped.
    pub dropped_by_system: Option<u64>,
}

impl InterfaceFacts {
    /// Frames that were dropped, by whoever: they passed, and the file lacks them.
    pub fn dropped(&self) -> u64 {
        let counts = [self.dropped_by_interface, self.dropped_by_system].map(Option::unwrap_or_default);
        counts.into_iter().fold(0, u64::saturating_add)
    }

    /// Says what was dropped, where something was.
    pub(super) fn note_drops(&self, notes: &mut Notes) {
        let [interface, system] =
            [self.dropped_by_interface, self.dropped_by_system].map(Option::unwrap_or_default);
        let dropped = self.dropped();
        if dropped == 0 {
            return;
        }
        let name = self.shown_name();
        let received = self.received.map(|count| format!(", {count} received")).unwrap_or_default();
        notes.oddity(
            format!(
                "the capturing program says that it dropped {dropped} frames on {name} ({interface} by the \
                 interface, {system} by the system{received})"
            ),
            None,
        );
    }

    fn shown_name(&self) -> String {
        let name = self.name.as_ref().or(self.description.as_ref());
        name.map_or_else(|| format!("interface {}", self.number), |name| escaped(name.as_bytes()))
    }
}

/// `eth0 (link to the partner), 262144 octets a frame, filter tcp port 25`.
impl fmt::Display for InterfaceFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown_name())?;
        if let Some(description) = self.description.as_ref().filter(|_| self.name.is_some()) {
            write!(f, " ({description})")?;
        }
        if self.snaplen > 0 {
            write!(f, ", {} octets a frame", self.snaplen)?;
        }
        if let Some(filter) = &self.filter {
            write!(f, ", filter {filter}")?;
        }
        for host in [&self.system, &self.hardware].into_iter().flatten() {
            write!(f, ", {host}")?;
        }
        Ok(())
    }
}
