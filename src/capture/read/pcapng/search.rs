//! Finding the next sound block behind damage.

use std::ops::Range;

use super::blocks::{self, Interface, Order, Packet};
use super::kinds::{
    ENHANCED_PACKET, INTERFACE_DESCRIPTION, MAY_BE_HUGE, OBSOLETE_PACKET, SECTION_HEADER, SIMPLE_PACKET,
};
use super::{BLOCK_FRAME, Window};
use crate::time::Timestamp;

/// The longest block that is believed where one is looked for: a frame of Linux's longest, twice.
pub(super) const MAX_FOUND: usize = 1024 * 1024;

/// Blocks, one behind the other, that are taken for the file's going on; fewer where the file ends
/// with them.
const CHAIN: usize = 2;

/// Octets that a chain of blocks can take up.
pub(super) const LOOKAHEAD: usize = CHAIN * MAX_FOUND;

/// Octets searched before more are asked for; the window keeps some room beside them.
pub(super) const SEARCHED: usize = MAX_FOUND;

/// How far from the frame before a frame may lie in time to be beyond suspicion, in nanoseconds.
const USUAL_PAUSE: u64 = 24 * 3600 * 1_000_000_000;

/// What a search in the window came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Blocks go on here.
    At(usize),
    /// There is none before here, and more of the file must be in the window to tell about here.
    Unclear(usize),
    /// No blocks.
    Nothing,
}

/// What is known of the file before the damage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before<'a> {
    pub(super) order: Order,
    pub(super) interfaces: &'a [Option<Interface>],
    pub(super) last_time: Option<Timestamp>,
}

/// The first place of `places` in the window at which sound blocks go on. Blocks begin at multiples of
/// four octets (section 3.1), yet damage may have shifted them.
pub(super) fn find(window: &Window, before: Before<'_>, places: Range<usize>) -> Found {
    let (data, ended) = (window.data(), window.ended());
    let limit = data.len().min(places.end);
    for at in places.start..limit {
        match chain(data, before, at, ended) {
            Chain::Holds => return Found::At(at),
            Chain::Unclear => return Found::Unclear(at),
            Chain::Breaks => {}
        }
    }
    if ended || places.end <= data.len() { Found::Nothing } else { Found::Unclear(limit) }
}

/// The first place inside of the `length` octets of the block at the front of the window at which blocks
/// go on that run on beyond its end: it is longer than it claims to be. Blocks that end with it or before
/// are those of a capture in a frame.
pub(super) fn find_across(window: &Window, before: Before<'_>, length: usize) -> Option<usize> {
    let mut from = 1;
    while let Found::At(at) = find(window, before, from..length) {
        let (mut end, mut before) = (at, before);
        while end < length {
            let Ok(length) = block(window.data().get(end..).unwrap_or_default(), &mut before) else { break };
            end += length;
        }
        if end > length {
            return Some(at);
        }
        // What was walked over is one capture's.
        from = end.max(at + 1);
    }
    None
}

/// Whether a block of this kind and length, whose octets are not all in the file, was cut at its end
/// and not damaged in its head.
pub(super) fn was_cut(data: &[u8], order: Order, kind: u32, length: usize) -> bool {
    const FIXED: usize = 32;
    /// Few packets have options at all; comments are the longest.
    const MOST_OPTIONS: usize = 4096;
    match kind {
        ENHANCED_PACKET | OBSOLETE_PACKET => match order.u32(data, 20) {
            Some(captured) => {
                let least = (captured as usize).saturating_add(FIXED);
                (least..=least.saturating_add(MOST_OPTIONS)).contains(&length)
            }
            None => true,
        },
        _ => false,
    }
}

enum Chain {
    Holds,
    Breaks,
    Unclear,
}

#[inline]
fn chain(data: &[u8], mut before: Before<'_>, mut at: usize, ended: bool) -> Chain {
    for step in 0..CHAIN {
        let rest = data.get(at..).unwrap_or_default();
        if rest.is_empty() && ended {
            return if step > 0 { Chain::Holds } else { Chain::Breaks };
        }
        match block(rest, &mut before) {
            Ok(length) => at += length,
            Err(Chain::Unclear) if ended => return Chain::Breaks,
            Err(other) => return other,
        }
    }
    Chain::Holds
}

/// The length of the block at the front of `data`, if it is of a known kind, stands at both its ends,
/// and a frame in it agrees with what was before.
#[inline]
fn block(data: &[u8], before: &mut Before<'_>) -> Result<usize, Chain> {
    let Some(kind) = before.order.u32(data, 0) else { return Err(Chain::Unclear) };
    let is_section = kind == SECTION_HEADER;
    if !is_section && !is_known(kind) {
        return Err(Chain::Breaks);
    }
    if data.len() < BLOCK_FRAME {
        return Err(Chain::Unclear);
    }
    if is_section {
        before.order = Order::of_section(data).ok_or(Chain::Breaks)?;
        before.interfaces = &[];
    }
    let order = before.order;
    let length = order.u32(data, 4).unwrap_or_default() as usize;
    if !length.is_multiple_of(4) || !(BLOCK_FRAME..=MAX_FOUND).contains(&length) {
        return Err(Chain::Breaks);
    }
    let Some(block) = data.get(..length) else { return Err(Chain::Unclear) };
    let stands_at_both_ends = order.u32(block, length - 4) == order.u32(block, 4);
    let holds = stands_at_both_ends
        && match kind {
            ENHANCED_PACKET => is_packet(Packet::enhanced(block, order), before),
            OBSOLETE_PACKET => is_packet(Packet::obsolete(block, order), before),
            SIMPLE_PACKET => blocks::is_sound_simple_packet(block, order, before.interfaces),
            _ => blocks::is_sound(kind, block, order),
        };
    if holds { Ok(length) } else { Err(Chain::Breaks) }
}

fn is_known(kind: u32) -> bool {
    (INTERFACE_DESCRIPTION..=ENHANCED_PACKET).contains(&kind) || MAY_BE_HUGE.contains(&kind)
}

fn is_packet(packet: Result<Packet, &'static str>, before: &Before<'_>) -> bool {
    let Ok(packet) = packet else { return false };
    let Some(Some(interface)) = before.interfaces.get(packet.interface as usize) else {
        // Of an interface that was not described, or whose description is lost: nothing is known of it.
        return true;
    };
    match (packet.ticks, before.last_time) {
        (Some(ticks), Some(last)) => {
            interface.clock.time(ticks).nanos().abs_diff(last.nanos()) <= USUAL_PAUSE
        }
        _ => true,
    }
}
