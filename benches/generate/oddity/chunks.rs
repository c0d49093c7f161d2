//! BDAT (RFC 3030) in place of DATA.

use super::words::{answers, says};
use crate::generate::flight::Sending;
use crate::generate::message::Message;
use crate::generate::script::Step;
use crate::generate::segment::Mark;

/// More octets than a number of 64 bits counts.
const HUGE: &str = "BDAT 99999999999999999999999 LAST\r\n";

/// Every body in chunks: a whole one in two, the second behind the first without waiting; one that is cut in one.
pub(super) fn chunked(steps: Vec<Step>, messages: &[Message]) -> Vec<Step> {
    replaced(steps, messages, |message, whole, all| {
        let octets = message.body.octets();
        if !whole {
            all.push(says(format!("BDAT {octets} LAST\r\n")));
            return None;
        }
        let first = octets / 2;
        all.push(says(format!("BDAT {first}\r\n")));
        Some(first)
    })
}

/// Bodies that are cut, in a chunk that never ends.
pub(super) fn endless(steps: Vec<Step>, messages: &[Message]) -> Vec<Step> {
    let whole = |step: &Step| matches!(step, Step::Body { sending, .. } if is_whole(sending, messages));
    if !steps.iter().any(|step| matches!(step, Step::Body { .. })) || steps.iter().any(whole) {
        return steps;
    }
    replaced(steps, messages, |_, _, all| {
        all.push(says(HUGE));
        None
    })
}

fn is_whole(sending: &Sending, messages: &[Message]) -> bool {
    let message = messages.get(usize::from(sending.message));
    message.is_some_and(|message| sending.until == message.body.wire_octets())
}

/// Takes DATA and its 354 away and has `begin` say something before each body; it gives where a second chunk begins.
fn replaced(
    steps: Vec<Step>,
    messages: &[Message],
    begin: impl Fn(&Message, bool, &mut Vec<Step>) -> Option<u64>,
) -> Vec<Step> {
    let mut all = Vec::with_capacity(steps.len() + 4);
    for step in steps {
        match step {
            Step::Client { words, think, mark } if words.ends_with("DATA\r\n") => {
                let words = words.replacen("DATA\r\n", "", 1);
                if !words.is_empty() {
                    all.push(Step::Client { words, think, mark });
                }
            }
            Step::Server { words, mark: Mark::None } if words.ends_with("354 go ahead\r\n") => {
                let words = words.replacen("354 go ahead\r\n", "", 1);
                if !words.is_empty() {
                    all.push(answers(words));
                }
            }
            Step::Body { sending, deadline } => {
                let Some(message) = messages.get(usize::from(sending.message)) else { continue };
                let whole = is_whole(&sending, messages);
                let until = sending.until.min(message.body.octets());
                match begin(message, whole, &mut all) {
                    Some(first) => {
                        let chunk = Sending { until: first, fin: false, ..sending };
                        all.push(Step::Body { sending: chunk, deadline });
                        all.push(says(format!("BDAT {} LAST\r\n", until - first)));
                        let chunk = Sending { from: first, sent: first, until, ..sending };
                        all.push(Step::Body { sending: chunk, deadline });
                        all.push(answers(format!("250 {first} octets\r\n")));
                    }
                    None => all.push(Step::Body { sending: Sending { until, ..sending }, deadline }),
                }
            }
            step => all.push(step),
        }
    }
    all
}
