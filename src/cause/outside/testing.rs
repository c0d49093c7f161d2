//! Packets for tests.

use crate::capture::segment::Flags;
use crate::cause::outside::Packet;
use crate::cite::{CaptureId, FrameRef, Moment};
use crate::time::Timestamp;

/// A packet with 100 octets at `micros` microseconds.
pub(super) fn packet(by_sender: bool, micros: i64) -> Packet {
    Packet {
        at: Moment {
            time: Timestamp::from_nanos(micros * 1_000),
            frame: FrameRef { capture: CaptureId(0), frame: u32::try_from(micros % 1_000_000).unwrap() },
        },
        seq: 1,
        ack: 1,
        payload: 100,
        sum: Some(7),
        ip_id: Some(100),
        stamp: None,
        flags: Flags::ACK,
        ttl: 60,
        by_sender,
    }
}
