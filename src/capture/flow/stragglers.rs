//! What is remembered of finished flows, so that late echoes of them do not look like new flows.

use std::collections::{HashMap, VecDeque};

use ahash::RandomState;

use crate::capture::segment::{Segment, SeqNumber};
use crate::time::{Span, Timestamp};

use super::key::{FlowKey, Sender};

/// How long stragglers of a finished flow are known and swallowed: twice the maximum segment
/// lifetime (RFC 9293 section 3.4.2).
pub const STRAGGLERS_FOR: Span = Span::from_seconds(240);

/// Finished flows remembered at a time.
const MAX_REMEMBERED: usize = 262_144;

/// How far below a finished flow's numbers a segment with payload may be to count as its echo.
const ECHO_REACH: i64 = 1 << 30;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Stragglers {
    finished: HashMap<FlowKey, Finished, RandomState>,
    /// In the order in which they finished.
    order: VecDeque<(Timestamp, FlowKey)>,
}

/// A finished flow.
#[derive(Debug, Clone, Copy)]
struct Finished {
    until: Timestamp,
    /// The next numbers of the key's lower and higher end, where they were known.
    next: [Option<SeqNumber>; 2],
}

impl Stragglers {
    /// Remembers a flow that finished at `now`.
    pub(super) fn remember(&mut self, key: FlowKey, next: [Option<SeqNumber>; 2], now: Timestamp) {
        while self.order.len() >= MAX_REMEMBERED || self.order.front().is_some_and(|(until, _)| *until <= now)
        {
            let Some((until, key)) = self.order.pop_front() else { break };
            // A later flow of the same ends may have its own entry by now.
            if self.finished.get(&key).is_some_and(|finished| finished.until == until) {
                self.finished.remove(&key);
            }
        }
        let until = now.plus(STRAGGLERS_FOR);
        self.finished.insert(key, Finished { until, next });
        self.order.push_back((until, key));
    }

    /// Whether `segment` is but an echo of a finished flow: no SYN, and no octets beyond those that
    /// the flow held. If not, that flow is forgotten: its ends begin something new.
    pub(super) fn swallow(
        &mut self,
        key: &FlowKey,
        segment: &Segment<'_>,
        sender: Sender,
        now: Timestamp,
    ) -> bool {
        let Some(finished) = self.finished.get(key) else { return false };
        let [lower, higher] = finished.next;
        let next = match sender {
            Sender::Lower => lower,
            Sender::Higher => higher,
        };
        let end = segment.payload_seq().plus(segment.stream_len());
        let old = next.is_some_and(|next| (-ECHO_REACH..=0).contains(&end.beyond(next)));
        let echo = !segment.flags.syn() && (segment.stream_len() == 0 || old) && finished.until > now;
        if !echo {
            self.finished.remove(key);
        }
        echo
    }
}
