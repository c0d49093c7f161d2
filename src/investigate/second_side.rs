//! The captures of the sender's side beside those of the appliance's.

mod account;

use std::path::{Path, PathBuf};

use ahash::{AHashMap, AHashSet};

use crate::capture::read::ReaderKind;
use crate::cause::outside::{self, Comparison, FileFacts, Reach, Reading, Wanted};
use crate::cause::{Evidence, Sign};
use crate::cite::{CaptureId, FrameRef, Notes};
use crate::input;
use crate::investigate::{InputFacts, InputKind, InputRole, Plan, Reader, Time, Watch};

/// What the second side shows.
#[derive(Debug, Default)]
pub(super) struct Second {
    /// By the place of the case.
    pub(super) comparisons: AHashMap<usize, Comparison>,
    /// The captures of the sender's side, as inputs.
    pub(super) inputs: Vec<InputFacts>,
    pub(super) notes: Vec<String>,
}

impl Second {
    /// Reads both sides for the connections of the cases; `cases` has `None` where none was found.
    pub(super) fn read<'a>(
        plan: &Plan,
        watch: &Watch,
        captures: &[PathBuf],
        cases: impl Iterator<Item = Option<Evidence<'a>>>,
    ) -> Self {
        let mut this = Self::default();
        if plan.outside.is_empty() {
            return this;
        }
        // Several messages of one connection share its packets.
        let mut known: AHashMap<FrameRef, usize> = AHashMap::new();
        let (mut places, mut wanted) = (Vec::new(), Vec::new());
        for (place, evidence) in cases.enumerate() {
            let Some(evidence) = evidence else { continue };
            let flow = &evidence.session.flow;
            let connection = *known.entry(flow.first.frame).or_insert(wanted.len());
            places.push((place, connection));
            if connection < wanted.len() {
                continue;
            }
            wanted.push(Wanted {
                sender: *flow.endpoints.of(evidence.sender()),
                appliance: *flow.endpoints.of(evidence.appliance()),
                first: flow.first.time,
                last: flow.last.time,
            });
        }
        let numbered = || (0u16..).map(CaptureId);
        let here: Vec<(CaptureId, &Path)> = numbered()
            .zip(captures)
            .filter(|(_, path)| !input::is_read_once(path))
            .map(|(id, path)| (id, path.as_path()))
            .collect();
        let there: Vec<(CaptureId, &Path)> = numbered()
            .skip(captures.len())
            .zip(&plan.outside)
            .map(|(id, path)| (id, path.as_path()))
            .collect();
        let flag = watch.interruption();
        let reader = match plan.reader {
            Reader::Native => ReaderKind::Own,
            Reader::Libpcap => ReaderKind::Libpcap,
        };
        let how = Reading { reader, decap: plan.decap, interrupted: &flag };
        let inside = outside::inside(&here, how, &wanted);
        let second = outside::outside(&there, how, &wanted, &inside.tapes);
        let compared: Vec<Option<Comparison>> = inside
            .tapes
            .iter()
            .zip(&second.tapes)
            .map(|(one, other)| {
                let reach = Reach {
                    span: second.span?,
                    incomplete: second.incomplete,
                    inside_incomplete: inside.incomplete || here.len() < captures.len(),
                };
                Comparison::of(one, other, reach)
            })
            .collect();
        let holding: AHashSet<CaptureId> =
            compared.iter().flatten().map(|comparison| comparison.first.capture).collect();
        for ((id, path), facts) in there.iter().zip(&second.files) {
            let mut input = input_facts(path, facts, plan.hash);
            if input.kind != InputKind::Unusable && !holding.contains(id) {
                let why = account::nothing_common(facts, inside.span, &wanted);
                input.notes.oddity(why, None);
            }
            let of_file: Vec<&Comparison> =
                compared.iter().flatten().filter(|one| one.first.capture == *id).collect();
            if let Some(why) = account::one_place(&of_file) {
                input.notes.oddity(why, None);
            }
            this.inputs.push(input);
        }
        for (place, connection) in places {
            if let Some(comparison) = compared.get(connection).and_then(Option::as_ref) {
                this.comparisons.insert(place, comparison.clone());
            }
        }
        this.notes.push(account::of_all(&compared, second.incomplete));
        this
    }

    /// The signs of the case at `place`; `own` are those of its connection.
    pub(super) fn signs(&self, place: usize, evidence: &Evidence<'_>, own: &[Sign]) -> Vec<Sign> {
        let comparison = self.comparisons.get(&place);
        comparison.map(|comparison| outside::signs(evidence, comparison, own)).unwrap_or_default()
    }
}

fn input_facts(path: &Path, facts: &FileFacts, hash: bool) -> InputFacts {
    let mut input = InputFacts {
        path: path.to_owned(),
        kind: InputKind::Capture,
        role: InputRole::Outside,
        bytes: facts.bytes,
        format: facts.format.clone(),
        sha256: None,
        first: facts.span.map(|(first, _)| Time::Utc(first)),
        last: facts.span.map(|(_, last)| Time::Utc(last)),
        records: facts.frames,
        interfaces: facts.interfaces.clone(),
        notes: facts.notes.clone(),
    };
    if let Some(why) = &facts.error {
        input.kind = InputKind::Unusable;
        input.notes = Notes::default();
        input.notes.loss(why.clone(), None);
    } else if hash {
        match input::sha256(path) {
            Ok(sum) => input.sha256 = sum,
            Err(error) => input.notes.oddity(format!("no SHA-256: {error}"), None),
        }
    }
    input
}
