//! The captures of the sender's side beside those of the appliance's.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use ahash::AHashMap;

use crate::capture::read::ReaderKind;
use crate::cause::outside::{self, Comparison, Wanted};
use crate::cause::{Evidence, Sign};
use crate::cite::{CaptureId, FrameRef};
use crate::input;
use crate::investigate::{Plan, Reader, Watch};
use crate::text::escaped;

/// What the second side shows.
#[derive(Debug, Default)]
pub(super) struct Second {
    /// By the place of the case.
    comparisons: AHashMap<usize, Comparison>,
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
        let kind = match plan.reader {
            Reader::Native => ReaderKind::Own,
            Reader::Libpcap => ReaderKind::Libpcap,
        };
        let flag = watch.interruption();
        let flag: &AtomicBool = &flag;
        let inside = outside::inside(&here, kind, plan.decap, flag, &wanted);
        let second = outside::outside(&there, kind, plan.decap, flag, &wanted, &inside.tapes);
        for (place, error) in &second.errors {
            let path = plan.outside.get(*place).map(|path| escaped(path.as_os_str().as_encoded_bytes()));
            this.notes.push(format!("{}: {error}", path.unwrap_or_default()));
        }
        let compared: Vec<Option<Comparison>> = inside
            .tapes
            .iter()
            .zip(&second.tapes)
            .map(|(one, other)| Comparison::of(one, other, second.span?, second.incomplete))
            .collect();
        for (place, connection) in places {
            if let Some(comparison) = compared.get(connection).and_then(Option::as_ref) {
                this.comparisons.insert(place, comparison.clone());
            }
        }
        this.notes.push(account(&compared, second.incomplete));
        this
    }

    /// The signs of the case at `place`; `own` are those of its connection.
    pub(super) fn signs(&self, place: usize, evidence: &Evidence<'_>, own: &[Sign]) -> Vec<Sign> {
        let comparison = self.comparisons.get(&place);
        comparison.map(|comparison| outside::signs(evidence, comparison, own)).unwrap_or_default()
    }
}

/// How many connections could be compared, and how the clocks stand.
fn account(compared: &[Option<Comparison>], incomplete: bool) -> String {
    let found: Vec<&Comparison> = compared.iter().flatten().collect();
    let whole = found.iter().filter(|comparison| comparison.whole).count();
    let mut ahead: Vec<_> = found.iter().map(|comparison| comparison.ahead).collect();
    ahead.sort_unstable();
    let mut note = format!(
        "Captures of the sender's side: {} of the cases' {} connections were found in them, {whole} of these whole.",
        found.len(),
        compared.len()
    );
    if let Some(ahead) = ahead.get(ahead.len() / 2) {
        note.push_str(&format!(" Their clock is {:+.6} s ahead.", ahead.seconds()));
    }
    if incomplete {
        note.push_str(" Frames are missing from them, so nothing is concluded from what they lack.");
    }
    note
}
