//! When each end last said something that belongs to the dialogue.

use std::collections::VecDeque;

use crate::cite::Moment;
use crate::smtp::session::ReplySeen;

/// Distinct acknowledgments of the client whose last words are remembered. A closing reply adds one
/// or two (its end, the FIN behind it).
const REMEMBERED: usize = 4;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct LastWords {
    /// The client's last word by how much it had heard, the latest last.
    client: VecDeque<(u64, Moment)>,
    /// The last reply that was an answer, and where it ends.
    answer: Option<(Moment, u64)>,
}

impl LastWords {
    /// The client said something, having received `acknowledged` octets of the server.
    pub(super) fn client(&mut self, at: Moment, acknowledged: u64) {
        match self.client.back_mut() {
            Some((heard, last)) if *heard >= acknowledged => *last = at.max(*last),
            _ => {
                if self.client.len() == REMEMBERED {
                    self.client.pop_front();
                }
                self.client.push_back((acknowledged, at));
            }
        }
    }

    /// The server answered.
    pub(super) fn answer(&mut self, reply: &ReplySeen) {
        self.answer = Some((reply.at, reply.end_offset));
    }

    /// The last answer and where it ends.
    pub(super) fn last_answer(&self) -> Option<(Moment, u64)> {
        self.answer
    }

    /// The last word of either end.
    pub(super) fn latest(&self) -> Option<Moment> {
        self.before(None)
    }

    /// The last word of either end, without what a client said who had received the closing reply
    /// that ends at `closing` in the server's stream: that is aftermath.
    pub(super) fn before(&self, closing: Option<u64>) -> Option<Moment> {
        let unaware =
            self.client.iter().rev().find(|(heard, _)| closing.is_none_or(|closing| *heard < closing));
        unaware.map(|(_, at)| *at).max(self.answer.map(|(at, _)| at))
    }
}
