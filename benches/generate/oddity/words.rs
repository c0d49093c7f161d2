//! Oddities of the dialogue: the steps of a script, reworked before they are told.

use super::chunks;
use super::exchanges;
use super::{Oddities, Oddity};
use crate::generate::message::Message;
use crate::generate::script::{Answer, Habits, QUIT, Step};
use crate::generate::segment::Mark;
use crate::generate::sender::{MILLI, Sender};
use crate::generate::truth::Fate;

/// How long a sender takes for a word that only an oddity has it say.
const THINK: i64 = 3 * MILLI;

/// A word of the sender's.
pub(super) fn says(words: impl Into<String>) -> Step {
    Step::Client { words: words.into(), think: THINK, mark: Mark::None }
}

/// A word of the appliance's.
pub(super) fn answers(words: impl Into<String>) -> Step {
    Step::Server { words: words.into(), mark: Mark::None }
}

/// What the sender does without waiting.
pub(crate) fn habits(oddities: &Oddities, sender: &Sender) -> Habits {
    Habits {
        pipelining: sender.pipelining || oddities.has(Oddity::EnvelopeWithData),
        quit_behind_dot: oddities.has(Oddity::QuitBehindDot),
    }
}

/// The steps with the oddities, and what they change of the truth.
pub(crate) fn reworked(
    oddities: &Oddities,
    mut steps: Vec<Step>,
    fate: &mut Fate,
    messages: &[Message],
    encrypted: bool,
) -> Vec<Step> {
    let has = |oddity| oddities.has(oddity);
    if !encrypted && has(Oddity::HugeChunk) {
        steps = chunks::endless(steps, messages);
    }
    if !encrypted && has(Oddity::Chunks) {
        steps = chunks::chunked(steps, messages);
    }
    if has(Oddity::HalfClosed) {
        steps = half_closed(steps, fate);
    }
    if has(Oddity::Lmtp) {
        steps = lmtp(steps, messages);
    }
    steps = exchanges::with(oddities, steps);
    if has(Oddity::OddReplies) {
        for step in &mut steps {
            if let Step::Server { words, .. } = step {
                *words = words.split_inclusive("\r\n").map(bare).collect();
            }
        }
    }
    steps
}

/// A reply without its text, or with another code of the same kind; those that say something stay as they are.
fn bare(line: &str) -> &str {
    const SHORT: [(&str, &str); 6] = [
        ("220 mx", "220\r\n"),
        ("220 Go", "220 \r\n"),
        ("250 sender", "299 \r\n"),
        ("250 recipient", "251\r\n"),
        ("354 ", "354\r\n"),
        ("221 ", "221\r\n"),
    ];
    SHORT.iter().find(|(long, _)| line.starts_with(long)).map_or(line, |(_, short)| short)
}

/// QUIT and FIN at once; the appliance still answers, and closes.
fn half_closed(steps: Vec<Step>, fate: &mut Fate) -> Vec<Step> {
    let Some(quit) =
        steps.iter().position(|step| matches!(step, Step::Client { words, .. } if words == QUIT))
    else {
        return steps;
    };
    if steps.iter().any(|step| matches!(step, Step::ClientFin { mark: Mark::Ending, .. })) {
        return steps;
    }
    let mut all = Vec::with_capacity(steps.len() + 1);
    for (place, step) in steps.into_iter().enumerate() {
        match step {
            Step::ClientFin { .. } => continue,
            Step::ServerFin(Answer::Fin, mark) => all.push(Step::ServerFin(Answer::Ack, mark)),
            step => all.push(step),
        }
        if place == quit {
            all.push(Step::ClientFin { think: 0, mark: Mark::None });
        }
    }
    fate.race = true;
    all
}

/// LHLO, and after the end of data a reply for each recipient that was accepted.
fn lmtp(steps: Vec<Step>, messages: &[Message]) -> Vec<Step> {
    let mut all = Vec::with_capacity(steps.len());
    let mut body = None;
    for step in steps {
        let ended = match &step {
            Step::Body { sending, .. } => {
                body = Some(sending.message);
                None
            }
            Step::Accepted(index) => Some((*index, "250 ok\r\n".to_owned())),
            Step::Server { words, mark: Mark::Reply(index) } if body == Some(*index) => {
                Some((*index, words.clone()))
            }
            _ => None,
        };
        all.push(match step {
            Step::Client { words, think, mark } if words.starts_with("EHLO ") => {
                Step::Client { words: words.replacen("EHLO", "LHLO", 1), think, mark }
            }
            Step::Server { words, mark } if words.starts_with("220 ") => {
                Step::Server { words: words.replacen("ESMTP", "LMTP", 1), mark }
            }
            step => step,
        });
        if let Some((index, words)) = ended {
            let accepted = messages.get(usize::from(index)).map_or(0, |message| message.accepted().count());
            all.extend((1..accepted).map(|_| answers(words.clone())));
        }
    }
    all
}
