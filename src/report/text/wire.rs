//! The wire's account of a case: which connection, how it ended, whose move it was, its key frames.

use super::page::{Page, Tone};
use super::show;
use crate::report::document::{EndingAccount, WireAccount};
use crate::report::words::{self, EndingFacts, Names, counted};

/// Key frames shown from the beginning and up to the end, which tells more.
const FIRST_FRAMES: usize = 8;
/// See [`FIRST_FRAMES`].
const LAST_FRAMES: usize = 16;
/// Gaps shown.
const MAX_GAPS: usize = 4;

/// The table of key frames: its indent, and the columns of frame number, time of day, who sent it.
const FRAME_INDENT: usize = 4;
const FRAME_COLUMN: usize = 8;
const TIME_COLUMN: usize = 12;
/// At the least; the longest name of a party widens it.
const PARTY_COLUMN: usize = 11;

pub(super) fn write(page: &mut Page, account: &WireAccount, names: Names) {
    page.fields(
        "Wire",
        &[
            format!("{} -> {}", account.client, account.server),
            format!("Zeek {} {}, Community ID {}", account.conn_state, account.history, account.community_id),
        ],
    );
    let facts = EndingFacts::from(&account.ending);
    let mut ending = vec![facts.phrase(account.stage, names)];
    ending.extend(place(&account.ending));
    ending.extend(facts.remarks(names));
    page.fields("Ending", &ending);
    if let Some(turn) = account.turn {
        let waited = account.waited_seconds.map(|waited| format!(", owed for {waited}"));
        page.field("Next move", &format!("{}{}", words::next_move(turn, names), waited.unwrap_or_default()));
    }
    page.field("Body", &body(account));
    page.fields("Gaps", &gaps(account, names));
}

/// The frames to open, as a table in their order.
pub(super) fn frames(page: &mut Page, account: &WireAccount, names: Names) {
    let party_column = PARTY_COLUMN.max(names.sender.len()).max(names.appliance.len());
    let left_out = FIRST_FRAMES..account.frames.len().saturating_sub(LAST_FRAMES).max(FIRST_FRAMES);
    let mut capture = None;
    for (place, frame) in account.frames.iter().enumerate() {
        if left_out.contains(&place) {
            if place == left_out.start {
                let more = format!("... {} more", words::grouped(left_out.len() as u64));
                page.row(FRAME_COLUMN, &[(&more, 0, Tone::Plain)]);
            }
            continue;
        }
        if capture != Some(&frame.capture) {
            page.field("Frames", &format!("of {}", show::path(&frame.capture)));
            capture = Some(&frame.capture);
        }
        page.row(
            FRAME_INDENT,
            &[
                (&format!("{:>FRAME_COLUMN$}", frame.frame), FRAME_COLUMN, Tone::Plain),
                (&frame.time.clock_face(), TIME_COLUMN, Tone::Plain),
                (names.party(frame.by), party_column, Tone::Plain),
                (&frame.what, 0, Tone::Plain),
            ],
        );
    }
}

/// `frame 15 of in.pcap, 2014-08-14 13:08:49.250000 UTC`
pub(super) fn place(ending: &EndingAccount) -> Option<String> {
    let frame = match (ending.frame, &ending.capture) {
        (Some(frame), Some(capture)) => Some(format!("frame {frame} of {}", show::path(capture))),
        (Some(frame), None) => Some(format!("frame {frame}")),
        (None, Some(capture)) => Some(show::path(capture)),
        (None, None) => None,
    };
    let parts: Vec<String> = frame.into_iter().chain(ending.time.map(show::instant)).collect();
    if parts.is_empty() { None } else { Some(parts.join(", ")) }
}

fn body(account: &WireAccount) -> String {
    match account.body_octets {
        0 if account.encrypted => "not known: the dialogue is encrypted".to_owned(),
        0 => "no octet of the message's body on the wire".to_owned(),
        octets => format!("{} on the wire", counted(octets, "octet", "octets")),
    }
}

fn gaps(account: &WireAccount, names: Names) -> Vec<String> {
    let mut lines: Vec<String> = account
        .gaps
        .iter()
        .take(MAX_GAPS)
        .map(|gap| {
            let octets = counted(gap.octets, "octet", "octets");
            let party = names.party(gap.by);
            let loss = if gap.acknowledged {
                "acknowledged, so only the capture lacks them"
            } else {
                "never acknowledged, so perhaps lost on the way"
            };
            format!(
                "{octets} of the {party} missing at frame {} of {}: {loss}",
                gap.frame,
                show::path(&gap.capture)
            )
        })
        .collect();
    if let Some(more) = account.gaps.len().checked_sub(MAX_GAPS).filter(|more| *more > 0) {
        lines.push(format!("and {} more", words::grouped(more as u64)));
    }
    lines
}
