//! Finding the next sound block behind damage.

use super::blocks::Order;
use super::{BLOCK_FRAME, ENHANCED_PACKET, MAX_BLOCK, OBSOLETE_PACKET, SECTION_HEADER};

/// How far behind damage the next sound block is looked for.
pub(super) const SEARCHED: usize = 1024 * 1024;

/// How often in a file.
pub(super) const MAX_SEARCHES: u32 = 32;

/// Consistent blocks, one behind the other, that are taken for the file's going on; fewer where the
/// last of them ends with the file.
const CHAIN: usize = 2;

/// Where in `data`, behind its first octet, sound blocks go on; `ended` says that the file ends with
/// it. Blocks begin at multiples of four octets (section 3.1), yet damage may have shifted them.
pub(super) fn find(data: &[u8], order: Order, ended: bool) -> Option<usize> {
    let limit = data.len().min(SEARCHED);
    let aligned = (4..limit).step_by(4).find(|&at| is_chain(data, at, order, ended));
    aligned.or_else(|| (1..limit).find(|&at| is_chain(data, at, order, ended)))
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

fn is_chain(data: &[u8], mut at: usize, mut order: Order, ended: bool) -> bool {
    for _ in 0..CHAIN {
        let Some(rest) = data.get(at..) else { return false };
        let Some(length) = consistent(rest, &mut order) else { return false };
        at += length;
        if at == data.len() {
            return ended;
        }
    }
    true
}

/// The length of the block at the front of `data`, if it stands at both its ends.
fn consistent(data: &[u8], order: &mut Order) -> Option<usize> {
    if data.starts_with(&SECTION_HEADER.to_be_bytes()) {
        *order = Order::of_section(data)?;
    }
    let length = order.u32(data, 4)? as usize;
    let sound = length.is_multiple_of(4) && (BLOCK_FRAME..=MAX_BLOCK).contains(&length);
    (sound && order.u32(data, length - 4)? as usize == length).then_some(length)
}
