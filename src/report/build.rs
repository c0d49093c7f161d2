//! From an investigation to the document that every format shows.

mod case;
mod clocks;
mod debug_log;
mod inputs;
mod matching;
mod outside;
mod summary;
mod wire;

use std::path::{Path, PathBuf};

use crate::cause;
use crate::cite::{Moment, Notes, Severity};
use crate::investigate::{Investigation, Time};
use crate::join::Match;
use crate::maillog::Stamp;
use crate::net::{Leg, Role};
use crate::report::document::{self, Document, InputNote, SCHEMA_VERSION, Unlogged};
use crate::smtp::Session;
use crate::smtp::ending::{Context, ending};
use crate::text::escaped;

/// Builds the document.
pub fn build(investigation: &Investigation) -> Document {
    let builder = Builder { investigation };
    Document {
        schema: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        inputs: investigation.inputs.iter().map(|input| builder.input(input)).collect(),
        clocks: builder.clocks(),
        summary: builder.summary(),
        vantage: investigation.vantage,
        patterns: investigation.patterns.iter().map(pattern).collect(),
        notes: investigation.notes.clone(),
        cases: investigation
            .cases
            .iter()
            .enumerate()
            .map(|(place, case)| builder.case(place, case))
            .collect(),
        unlogged: investigation.unlogged_listed.iter().filter_map(|&index| builder.unlogged(index)).collect(),
    }
}

/// A path as shown: what is odd in it escaped.
pub fn shown_path(path: &Path) -> String {
    escaped(path.as_os_str().as_encoded_bytes())
}

/// Notes as shown.
pub fn shown_notes(notes: &Notes) -> Vec<InputNote> {
    notes
        .iter()
        .map(|note| InputNote {
            text: note.text.clone().into_owned(),
            count: note.count,
            first: note.first.map(|place| place.to_string()),
            loss: note.severity == Severity::Loss,
        })
        .collect()
}

fn pattern(pattern: &cause::Pattern) -> document::Pattern {
    document::Pattern {
        name: pattern.name.to_owned(),
        detail: pattern.detail.clone(),
        count: pattern.count,
        chance: pattern.chance,
        supposing: pattern.supposing.to_owned(),
        cases: pattern.cases.iter().map(|place| *place as u64).collect(),
    }
}

struct Builder<'a> {
    investigation: &'a Investigation,
}

impl Builder<'_> {
    fn unlogged(&self, index: usize) -> Option<Unlogged> {
        let session = self.investigation.sessions.get(index)?;
        let context =
            Context { appliance: Role::Server, silence: self.investigation.plan.silence, aborted_at: None };
        let ending = ending(session, session.last_open_transaction(), &context);
        Some(Unlogged {
            client: session.client(),
            server: session.server(),
            community_id: session.tuple().community_id(),
            first: session.flow.first.time,
            last: session.flow.last.time,
            stage: ending.stage,
            ending: self.ending(&ending, Leg::Injection),
        })
    }

    fn session(&self, matched: &Match) -> Option<&Session> {
        self.investigation.sessions.get(matched.session?)
    }

    fn time(&self, stamp: &Stamp) -> Time {
        match self.investigation.joined.clocks.as_logged(stamp) {
            Some(utc) => Time::Utc(utc),
            None => Time::Local(stamp.time),
        }
    }

    fn capture_path(&self, at: Moment) -> String {
        self.path_of(at.frame.capture.0)
    }

    fn path_of(&self, capture: u16) -> String {
        path_at(&self.investigation.capture_paths, capture)
    }

    fn log_path(&self, log: u16) -> String {
        path_at(&self.investigation.log_paths, log)
    }
}

fn path_at(paths: &[PathBuf], index: u16) -> String {
    paths.get(usize::from(index)).map(|path| shown_path(path)).unwrap_or_default()
}
