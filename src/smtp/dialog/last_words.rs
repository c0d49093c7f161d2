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
    /// Where the reply ends by which the server closed without being asked, and the last answer
    /// before it.
    closing: Option<(u64, Option<(Moment, u64)>)>,
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

    /// The server announced, unasked, that it closes.
    pub(super) fn closing(&mut self, reply: &ReplySeen) {
        self.closing.get_or_insert((reply.end_offset, self.answer));
    }

    /// Whether what a client says who has received so much is aftermath of the server's closing.
    pub(super) fn is_aftermath(&self, acknowledged: u64) -> bool {
        self.closing.is_some_and(|(closing, _)| acknowledged >= closing)
    }

    /// The last answer before the server closed, and where it ends.
    pub(super) fn last_answer(&self) -> Option<(Moment, u64)> {
        self.closing.map_or(self.answer, |(_, answer)| answer)
    }

    /// The last word of either end, aftermath left out.
    pub(super) fn last(&self) -> Option<Moment> {
        let unaware = self.client.iter().rev().find(|(heard, _)| !self.is_aftermath(*heard));
        unaware.map(|(_, at)| *at).max(self.last_answer().map(|(at, _)| at))
    }

    /// The latest that is known of at all.
    pub(super) fn latest(&self) -> Option<Moment> {
        self.client.back().map(|(_, at)| *at).max(self.answer.map(|(at, _)| at))
    }
}
