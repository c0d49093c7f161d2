//! In words: how many connections could be compared, how the clocks stand, and why a file shows nothing.

use crate::cause::outside::{Comparison, FileFacts, OnePlace, Wanted};
use crate::time::{Span, Timestamp};

/// How many connections could be compared, and how the clocks stand.
pub(super) fn of_all(compared: &[Option<Comparison>], incomplete: bool) -> String {
    let found: Vec<&Comparison> = compared.iter().flatten().collect();
    let whole = found.iter().filter(|comparison| comparison.whole).count();
    let mut ahead: Vec<_> = found.iter().map(|comparison| comparison.clock).collect();
    ahead.sort_unstable_by_key(|clock| clock.ahead);
    let mut note = format!(
        "Captures of the sender's side: {} of the cases' {} connections were found in them, {whole} of these whole.",
        found.len(),
        compared.len()
    );
    if let Some(clock) = ahead.get(ahead.len() / 2) {
        let way = if clock.ahead < Span::ZERO { "behind" } else { "ahead" };
        note.push_str(&format!(" Their clock is {:.6} s {way}", clock.ahead.abs().seconds()));
        if clock.give_or_take > Span::ZERO {
            note.push_str(&format!(", give or take {:.6} s", clock.give_or_take.seconds()));
        }
        note.push('.');
    }
    if incomplete {
        note.push_str(" Frames are missing from them, so nothing is concluded from what they lack.");
    }
    note
}

/// Why a file holds none of the connections; `inside` is the time of the appliance's captures.
pub(super) fn nothing_common(
    facts: &FileFacts,
    inside: Option<(Timestamp, Timestamp)>,
    wanted: &[Wanted],
) -> String {
    let Some((first, last)) = facts.span else { return "it holds no frame".to_owned() };
    if wanted.is_empty() {
        return "no case has a connection to compare".to_owned();
    }
    let none = format!("it holds none of the cases' {} connections", wanted.len());
    if facts.segments == 0 {
        return format!("{none}: no TCP segment is in it");
    }
    match inside {
        Some((from, to)) if last < from || to < first => format!(
            "{none}, and its time ({first} to {last}) does not meet that of the other captures ({from} to {to}): it was \
             taken at another time, or by a clock that is far off and without these connections"
        ),
        _ => format!(
            "{none}: neither their addresses nor the numbers or octets of their segments; was it taken where they \
             pass, and without a filter that keeps them out?"
        ),
    }
}

/// Why a file shows nothing though it holds connections: it was taken at the same place.
pub(super) fn one_place(compared: &[&Comparison]) -> Option<&'static str> {
    let all = |place| !compared.is_empty() && compared.iter().all(|one| one.one_place == Some(place));
    if all(OnePlace::Copy) {
        return Some(
            "it is a copy of a capture of the appliance's side, every time in it the same: nothing can be compared",
        );
    }
    let any = compared.iter().any(|one| one.one_place.is_some());
    (any && compared.iter().all(|one| one.one_place.is_some())).then_some(
        "it was taken at the same place as the other captures, as far as TTLs and times tell: nothing lies between them, \
         so that both have the same says nothing of a device",
    )
}
