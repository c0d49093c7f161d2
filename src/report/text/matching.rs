//! How the log's connection was found on the wire, and which others it may be.

use super::page::Page;
use super::show;
use crate::join::MatchOutcome;
use crate::report::document::{MatchAccount, Rival};
use crate::report::words::{self, EndingFacts, Names};

/// Pieces of evidence shown, the weightiest first.
const MAX_EVIDENCE: usize = 6;
/// Rivals shown.
const MAX_RIVALS: usize = 5;

pub(super) fn write(page: &mut Page, account: &MatchAccount, names: Names) {
    let mut lines = vec![headline(account)];
    lines.extend(account.explanation.lines().map(str::to_owned));
    page.fields("Match", &lines);
    page.points("Because", &evidence(account));
    page.points("Or else", &rivals(account, names));
}

fn headline(account: &MatchAccount) -> String {
    let outcome = words::matched(account.outcome);
    match (account.outcome, account.score, account.margin) {
        (MatchOutcome::NotFound, ..) | (_, None, _) => outcome.to_owned(),
        (_, Some(score), Some(margin)) => {
            format!("{outcome}; evidence {score:.1}, ahead of the next best by {margin:.1}")
        }
        (_, Some(score), None) => format!("{outcome}; evidence {score:.1}"),
    }
}

fn evidence(account: &MatchAccount) -> Vec<String> {
    let mut pieces: Vec<_> = account.evidence.iter().collect();
    pieces.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    let mut shown: Vec<String> = pieces
        .iter()
        .take(MAX_EVIDENCE)
        .map(|piece| format!("{} ({:+.1})", piece.detail, piece.weight))
        .collect();
    push_rest(&mut shown, pieces.len(), MAX_EVIDENCE);
    shown
}

fn rivals(account: &MatchAccount, names: Names) -> Vec<String> {
    let mut shown: Vec<String> =
        account.rivals.iter().take(MAX_RIVALS).map(|one| rival(one, names)).collect();
    push_rest(&mut shown, account.rivals.len(), MAX_RIVALS);
    shown
}

fn rival(rival: &Rival, names: Names) -> String {
    let ending = match rival.kind {
        Some(kind) => EndingFacts::of(kind).who_and_how(names),
        None => "the message is not seen on it".to_owned(),
    };
    format!(
        "{} -> {}, from frame {} of {}: {ending} ({:.1} behind)",
        rival.client,
        rival.server,
        rival.frame,
        show::path(&rival.capture),
        rival.worse_by,
    )
}

fn push_rest(shown: &mut Vec<String>, all: usize, limit: usize) {
    if let Some(more) = all.checked_sub(limit).filter(|more| *more > 0) {
        shown.push(format!("and {} more", words::grouped(more as u64)));
    }
}
