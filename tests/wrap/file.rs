//! Files around frames.

use super::Plain;

/// A file format and its variants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileForm {
    pub(crate) big_endian: bool,
    pub(crate) kind: Kind,
}

/// A file format.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Pcap,
    Nanoseconds,
    Modified,
    Ixia,
    /// pcapng: a new section, in the other byte order, every so many frames; so many interfaces a
    /// section, each with its own resolution and offset.
    Sections(usize, usize),
}

/// Resolutions (`if_tsresol`) and ticks a second.
const RESOLUTIONS: [(u8, i64); 3] = [(6, 1_000_000), (9, 1_000_000_000), (7, 10_000_000)];

const SECOND: i64 = 1_000_000_000;

impl FileForm {
    pub(super) fn written(self, link: u16, frames: &[Plain]) -> Vec<u8> {
        let order = Order(self.big_endian);
        match self.kind {
            Kind::Pcap => classic(order, 0xa1b2_c3d4, link, frames),
            Kind::Nanoseconds => classic(order, 0xa1b2_3c4d, link, frames),
            Kind::Modified => classic(order, 0xa1b2_cd34, link, frames),
            Kind::Ixia => classic(order, 0x1c00_01ac, link, frames),
            Kind::Sections(every, interfaces) => sections(order, every, interfaces, link, frames),
        }
    }
}

#[derive(Clone, Copy)]
struct Order(bool);

impl Order {
    fn u16(self, value: u16) -> [u8; 2] {
        if self.0 { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        if self.0 { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u64(self, value: u64) -> [u8; 8] {
        if self.0 { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
        let length = self.u32((body.len() + padding.len() + 12) as u32);
        [&self.u32(kind), &length, body, &padding, &length].concat()
    }
}

fn classic(order: Order, magic: u32, link: u16, frames: &[Plain]) -> Vec<u8> {
    let mut records = Vec::new();
    for frame in frames {
        let unit = if magic == 0xa1b2_3c4d { 1 } else { 1000 };
        let length = order.u32(frame.bytes.len() as u32);
        records.extend(order.u32((frame.nanos / SECOND) as u32));
        records.extend(order.u32((frame.nanos % SECOND / unit) as u32));
        records.extend([length, length].concat());
        if magic == 0xa1b2_cd34 {
            records.extend([0; 8]);
        }
        records.extend(&frame.bytes);
    }
    let mut file =
        [&order.u32(magic)[..], &order.u16(2), &order.u16(4), &[0; 8], &order.u32(262_144)].concat();
    file.extend(order.u32(u32::from(link)));
    if magic == 0x1c00_01ac {
        file.extend(order.u32(records.len() as u32));
    }
    [file, records].concat()
}

fn sections(order: Order, every: usize, interfaces: usize, link: u16, frames: &[Plain]) -> Vec<u8> {
    let mut file = Vec::new();
    for (place, section) in frames.chunks(every).enumerate() {
        let order = Order(order.0 ^ (place % 2 == 1));
        let head = [&order.u32(0x1a2b_3c4d)[..], &order.u16(1), &order.u16(0), &[0xff; 8]].concat();
        file.extend(order.block(0x0a0d_0d0a, &head));
        for number in 0..interfaces {
            let (resolution, offset) = (RESOLUTIONS[number % 3].0, 3600 * number as u64);
            let mut body =
                [&order.u16(link)[..], &[0, 0], &order.u32(0), &order.u16(9), &order.u16(1)].concat();
            body.extend([resolution, 0, 0, 0]);
            body.extend([&order.u16(14)[..], &order.u16(8), &order.u64(offset), &[0; 4]].concat());
            file.extend(order.block(1, &body));
        }
        for (place, frame) in section.iter().enumerate() {
            let number = place % interfaces;
            let rate = RESOLUTIONS[number % 3].1;
            let nanos = frame.nanos - 3600 * number as i64 * SECOND;
            let ticks = (nanos / SECOND * rate + nanos % SECOND / (SECOND / rate)) as u64;
            let length = order.u32(frame.bytes.len() as u32);
            let head = [order.u32(number as u32), order.u32((ticks >> 32) as u32), order.u32(ticks as u32)];
            let head = [head.concat(), [length, length].concat()].concat();
            file.extend(order.block(6, &[&head[..], &frame.bytes].concat()));
        }
    }
    file
}
