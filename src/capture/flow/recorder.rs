//! Fills a flow's [`Trace`], segment by segment.

use std::collections::VecDeque;

use crate::capture::Side;
use crate::capture::decode::IcmpError;
use crate::capture::segment::{Checksum, Segment};
use crate::capture::trace::{ErrorNotice, HeaderHabits, SegmentHeader, SynFacts, Trace};
use crate::cite::Moment;

/// TTLs told apart in each direction.
const MAX_TTLS: usize = 8;

/// Steps of the IP ID up to this are those of a counter (of the flow or of the host).
const SMALL_IP_ID_STEP: u16 = 8;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    trace: Trace,
}

impl Recorder {
    /// Records one segment. `after_close` says whether a FIN or RST was seen before it, or is in it.
    #[inline]
    pub(super) fn record(&mut self, segment: &Segment<'_>, side: Side, at: Moment, after_close: bool) {
        let flags = segment.flags;
        if flags.syn() {
            self.handshake(segment, side, at);
        } else if !flags.rst() {
            habits(self.trace.habits.of_mut(side), segment, at);
        }
        if segment.checksum == Checksum::Bad {
            self.trace.habits.of_mut(side).bad_checksums += 1;
        }
        if flags.ack() {
            remember_ack(self.trace.recent_acks.of_mut(side), segment.ack.0);
        }
        let header = SegmentHeader {
            at,
            by: side,
            seq: segment.seq.0,
            ack: segment.ack.0,
            flags,
            window: segment.window,
            payload: segment.payload_len,
            ttl: segment.ttl,
            traffic_class: segment.traffic_class,
            ip_id: segment.ip_id,
            timestamps: segment.options.timestamps,
            sack: segment.first_sack_block(),
            checksum: segment.checksum,
            source_mac: segment.source_mac,
        };
        if !after_close {
            if self.trace.recent.len() == Trace::MAX_RECENT {
                self.trace.recent.pop_front();
            }
            self.trace.recent.push_back(header);
        } else if self.trace.after_close.len() < Trace::MAX_AFTER_CLOSE {
            self.trace.after_close.push(header);
        } else {
            self.trace.after_close_dropped += 1;
        }
    }

    /// Records an ICMP error about a segment of `about`.
    pub(super) fn error(&mut self, error: &IcmpError, about: Side, at: Moment) {
        if self.trace.errors.len() < Trace::MAX_ERRORS {
            let IcmpError { from, kind, seq, .. } = *error;
            self.trace.errors.push(ErrorNotice { at, from, kind, about, seq });
        }
    }

    /// The trace.
    pub(super) fn into_trace(self) -> Trace {
        self.trace
    }

    fn handshake(&mut self, segment: &Segment<'_>, side: Side, at: Moment) {
        let known = self.trace.handshake.of_mut(side);
        if let Some(known) = known {
            known.repeats = known.repeats.saturating_add(1);
            return;
        }
        *known = Some(SynFacts {
            at,
            isn: segment.seq.0,
            ttl: segment.ttl,
            window: segment.window,
            mss: segment.options.mss,
            window_scale: segment.options.window_scale,
            sack_permitted: segment.options.sack_permitted,
            timestamp: segment.options.timestamps.map(|(value, _)| value),
            option_order: segment.option_kinds(),
            repeats: 0,
        });
    }
}

#[inline]
fn habits(habits: &mut HeaderHabits, segment: &Segment<'_>, at: Moment) {
    if let Some((_, count)) = habits.ttls.iter_mut().find(|(ttl, _)| *ttl == segment.ttl) {
        *count += 1;
    } else if habits.ttls.len() < MAX_TTLS {
        habits.ttls.push((segment.ttl, 1));
    }
    if let Some(ip_id) = segment.ip_id {
        if let Some(last) = habits.last_ip_id {
            match ip_id.wrapping_sub(last) {
                1..=SMALL_IP_ID_STEP => habits.ip_id_small_steps += 1,
                _ => habits.ip_id_other_steps += 1,
            }
        }
        habits.last_ip_id = Some(ip_id);
    }
    match segment.options.timestamps {
        Some((value, _)) => {
            habits.first_timestamp.get_or_insert((value, at));
            habits.last_timestamp = Some((value, at));
        }
        None => habits.without_timestamp += 1,
    }
    let window = segment.window;
    habits.min_window = Some(habits.min_window.map_or(window, |least| least.min(window)));
    habits.max_window = Some(habits.max_window.map_or(window, |most| most.max(window)));
    habits.max_payload = habits.max_payload.max(segment.payload_len);
}

#[inline]
fn remember_ack(acks: &mut VecDeque<u32>, ack: u32) {
    if acks.back() == Some(&ack) {
        return;
    }
    if acks.len() == Trace::MAX_ACKS {
        acks.pop_front();
    }
    acks.push_back(ack);
}
