//! One direction of a flow: its numbers turned into offsets, its stream, and what was acknowledged.

use crate::capture::StreamFacts;
use crate::capture::close::StreamEnd;
use crate::capture::segment::{Segment, SeqNumber};
use crate::capture::stream::{LARGEST_WINDOW, Stream};
use crate::cite::{Moment, Notes, Place};
use crate::time::Timestamp;

use super::duplicates::Duplicates;
use super::round_trip::RoundTripTimer;

/// An acknowledgment may run ahead of what the file holds by the window that was announced, or by
/// this where that is less: frames get lost in bursts.
const LEAST_ACK_LEAD: u64 = 1024 * 1024;

/// The largest shift of the window (RFC 7323 section 2.3).
const MAX_WINDOW_SCALE: u8 = 14;

/// What one end sends, and what the other says of it.
#[derive(Debug, Default)]
pub(super) struct Direction {
    /// The sequence number of the octet at offset 0.
    pub(super) beginning: Option<SeqNumber>,
    /// Initial sequence number, where a SYN was seen.
    pub(super) isn: Option<SeqNumber>,
    pub(super) stream: Stream,
    /// How much of this stream the other end acknowledged; counts a FIN as one octet.
    pub(super) acked: u64,
    /// An acknowledgment too far ahead to be believed until another one agrees with it.
    doubtful_ack: Option<u64>,
    /// Highest offset seen, a FIN counted as one.
    pub(super) sent: i64,
    /// Place of its FIN.
    pub(super) fin: Option<i64>,
    /// A segment with octets had a right checksum, so a wrong one means something.
    pub(super) checksums_hold: bool,
    /// Octets beyond its FIN were seen.
    pub(super) went_on: bool,
    /// How far this end acknowledged the other stream.
    pub(super) acknowledges: u64,
    /// The largest window this end announced; 0 while none is known.
    largest_window: u64,
    scale_known: bool,
    window_scale: Option<u8>,
    /// How soon the other end acknowledges.
    pub(super) timer: RoundTripTimer,
    pub(super) facts: StreamFacts,
    pub(super) duplicates: Duplicates,
}

impl Direction {
    /// The place of `seq` in this stream, the nearest to what is known.
    #[inline]
    pub(super) fn offset_of(&self, seq: SeqNumber) -> i64 {
        let Some(beginning) = self.beginning else { return 0 };
        let known = self.stream.next().max(self.acked).cast_signed();
        // The low 32 bits of the offset tell the number there.
        seq.offset_near(beginning.plus(known as u32), known)
    }

    /// Takes the other end's acknowledgment up to `offset`; `reach` is the largest window that end
    /// announced.
    #[inline]
    pub(super) fn take_ack(&mut self, offset: i64, reach: u64, now: Timestamp) {
        let Ok(offset) = u64::try_from(offset) else { return };
        if offset <= self.acked {
            return;
        }
        let seen = self.sent.max(0).cast_unsigned().max(self.stream.next());
        if offset > seen.saturating_add(reach.max(LEAST_ACK_LEAD)) {
            let agreed = self.doubtful_ack.is_some_and(|doubtful| {
                offset >= doubtful && offset <= doubtful.saturating_add(reach.max(LEAST_ACK_LEAD))
            });
            if !agreed {
                self.doubtful_ack = Some(offset);
                return;
            }
        }
        self.acked = offset;
        self.stream.acknowledged(offset, now);
    }

    /// How far beyond its acknowledgments this end's windows ever allowed the other to send.
    pub(super) fn reach(&self) -> u64 {
        if self.largest_window == 0 { LARGEST_WINDOW } else { self.largest_window }
    }

    /// How far this end may have sent, `reach` being that of the other one.
    pub(super) fn edge(&self, reach: u64) -> i64 {
        self.stream.next().max(self.acked).saturating_add(reach).cast_signed()
    }

    /// Takes what a SYN of this end says.
    pub(super) fn take_syn(&mut self, segment: &Segment<'_>) {
        if self.isn.is_some() {
            return;
        }
        self.isn = Some(segment.seq);
        self.facts.mss = segment.options.mss;
        self.window_scale = segment.options.window_scale.map(|shift| shift.min(MAX_WINDOW_SCALE));
        self.scale_known = true;
    }

    /// Takes the window of a segment of this end; `other_scales` as [`Self::offers_scaling`] of the
    /// other end.
    #[inline]
    pub(super) fn take_window(&mut self, segment: &Segment<'_>, other_scales: Option<bool>) {
        let raw = u32::from(segment.window);
        if segment.flags.rst() {
            return;
        }
        if segment.flags.syn() {
            self.facts.window = raw;
            self.largest_window = self.largest_window.max(raw.into());
            return;
        }
        // Both ends must offer scaling for either to use it (RFC 7323 section 2.2).
        let window = match (self.window_scale, other_scales) {
            (Some(shift), Some(true)) => raw << shift,
            _ => raw,
        };
        self.facts.window = window;
        self.largest_window = match (self.scale_known, other_scales) {
            (true, Some(_)) => self.largest_window.max(window.into()),
            // Without the handshake any scale may be in use.
            _ => LARGEST_WINDOW,
        };
    }

    /// Whether this end's SYN offered window scaling; `None` where no SYN was seen.
    pub(super) fn offers_scaling(&self) -> Option<bool> {
        self.scale_known.then_some(self.window_scale.is_some())
    }

    /// Counts a segment of this end.
    #[inline]
    pub(super) fn count(&mut self, at: Moment) {
        self.facts.segments += 1;
        self.facts.last = Some(at);
    }

    /// What the judgement of closes needs of this stream.
    pub(super) fn stream_end(&self) -> StreamEnd {
        let first_hole = self.stream.tally().first_unacknowledged;
        StreamEnd { acked: self.acked, first_hole, went_on: self.went_on }
    }

    /// The facts of the finished stream, with notes of what it could not use.
    pub(super) fn take_facts(&mut self, notes: &mut Notes, place: Option<Place>) -> StreamFacts {
        let mut facts = std::mem::take(&mut self.facts);
        let tally = self.stream.tally();
        let oddities = [
            (tally.forced, "streams with more out-of-order octets than are kept: a hole was given up early"),
            (tally.beyond_window, "streams with octets beyond any window that was announced: not used"),
            (tally.differing, "streams with copies of the same octets that differ: the first copy counts"),
            (
                tally.replaced,
                "streams with octets whose TCP checksum is wrong: the good copy that was sent again counts",
            ),
            (
                tally.forgotten.into(),
                "streams whose last octets were not remembered, since too many are open: copies of them were \
                 compared by checksum only",
            ),
        ];
        for (count, text) in oddities {
            if count > 0 {
                notes.oddity(text, place);
            }
        }
        if facts.duplicates > 0 {
            notes.oddity(
                "connections whose frames the capture holds twice (mirror port, VLAN and parent interface): \
                 copies are left out",
                place,
            );
        }
        self.stream.take_facts(&mut facts);
        // The acknowledgment of a FIN is one octet beyond the stream.
        let fin = self.fin.map_or(u64::MAX, |fin| fin.max(0).cast_unsigned());
        facts.acknowledged = self.acked.min(fin);
        facts
    }
}
