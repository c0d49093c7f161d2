//! What was read.

use super::{Builder, shown_notes, shown_path};
use crate::capture::read::InterfaceFacts;
use crate::investigate::InputFacts;
use crate::report::document::{Input, Interface};

impl Builder<'_> {
    pub(super) fn input(&self, input: &InputFacts) -> Input {
        Input {
            path: shown_path(&input.path),
            kind: input.kind,
            role: input.role,
            bytes: input.bytes,
            format: input.format.clone(),
            sha256: input.sha256.clone(),
            first: input.first,
            last: input.last,
            records: input.records,
            interfaces: input.interfaces.iter().map(interface).collect(),
            notes: shown_notes(&input.notes),
        }
    }
}

fn interface(facts: &InterfaceFacts) -> Interface {
    Interface {
        section: facts.section,
        number: facts.number,
        name: facts.name.clone(),
        description: facts.description.clone(),
        link_type: facts.link.0,
        link: facts.link.name().map(str::to_owned),
        snapshot_length: (facts.snaplen > 0).then_some(facts.snaplen),
        ticks_per_second: facts.ticks_per_second,
        filter: facts.filter.clone(),
        system: facts.system.clone(),
        hardware: facts.hardware.clone(),
        received: facts.received,
        dropped_by_interface: facts.dropped_by_interface,
        dropped_by_system: facts.dropped_by_system,
    }
}
