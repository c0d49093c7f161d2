//! Forms of capture files, written frame by frame.

/// A form and its byte order.
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
    /// section, each with its own resolution, offset and snap length.
    Sections(usize, usize),
}

/// Resolutions (`if_tsresol`) and ticks a second.
const RESOLUTIONS: [(u8, i64); 3] = [(6, 1_000_000), (9, 1_000_000_000), (7, 10_000_000)];
/// Snap lengths, none of which cuts anything; 0 is none at all.
const SNAP_LENGTHS: [u32; 3] = [0, 262_144, 65_535];
/// Every so many packets of pcapng have a comment.
const COMMENT_EVERY: usize = 50;
const COMMENT: &[u8; 12] = b"seen by hand";

const SECOND: i64 = 1_000_000_000;

impl FileForm {
    /// What stands before the first frame.
    pub(crate) fn head(self, link: u16, out: &mut Vec<u8>) {
        let order = Order(self.big_endian);
        let Some(magic) = self.magic() else { return };
        out.extend(order.u32(magic));
        out.extend([order.u16(2), order.u16(4)].concat());
        out.extend([0; 8]);
        out.extend(order.u32(262_144));
        out.extend(order.u32(u32::from(link)));
        if magic == IXIA {
            // The octets of all frames, which a writer learns last.
            out.extend([0; 4]);
        }
    }

    /// The frame at `place`, counted from 0, on its interface (see [`Self::interface`]), whose links are `links`.
    pub(crate) fn frame(self, place: usize, links: &[u16], nanos: i64, bytes: &[u8], out: &mut Vec<u8>) {
        match self.kind {
            Kind::Sections(every, interfaces) => {
                let order = Order(self.big_endian ^ (place / every % 2 == 1));
                if place.is_multiple_of(every) {
                    if place > 0 {
                        self.end(place, out);
                    }
                    section(order, interfaces, links, out);
                }
                packet(order, place % every, self.interface(place), nanos, bytes, out);
            }
            _ => self.record(nanos, bytes, out),
        }
    }

    /// Which interface the frame at `place` is on.
    pub(crate) fn interface(self, place: usize) -> usize {
        match self.kind {
            Kind::Sections(every, interfaces) => place % every % interfaces,
            _ => 0,
        }
    }

    /// What stands behind the last of `frames`: of pcapng, statistics of the section's interfaces.
    pub(crate) fn end(self, frames: usize, out: &mut Vec<u8>) {
        let Kind::Sections(every, interfaces) = self.kind else { return };
        let Some(last) = frames.checked_sub(1) else { return };
        let order = Order(self.big_endian ^ (last / every % 2 == 1));
        for number in 0..interfaces {
            // isb_ifrecv (4) and isb_ifdrop (5).
            let mut body = [order.u32(number as u32), [0; 4], [0; 4]].concat();
            body.extend([&order.u16(4)[..], &order.u16(8), &order.u64(last as u64 + 1)].concat());
            body.extend([&order.u16(5)[..], &order.u16(8), &order.u64(0), &[0; 4]].concat());
            order.block(5, &body, out);
        }
    }

    fn magic(self) -> Option<u32> {
        match self.kind {
            Kind::Pcap => Some(0xa1b2_c3d4),
            Kind::Nanoseconds => Some(NANOSECONDS),
            Kind::Modified => Some(MODIFIED),
            Kind::Ixia => Some(IXIA),
            Kind::Sections(..) => None,
        }
    }

    fn record(self, nanos: i64, bytes: &[u8], out: &mut Vec<u8>) {
        let (order, magic) = (Order(self.big_endian), self.magic());
        let unit = if magic == Some(NANOSECONDS) { 1 } else { 1000 };
        let length = order.u32(bytes.len() as u32);
        out.extend(order.u32((nanos / SECOND) as u32));
        out.extend(order.u32((nanos % SECOND / unit) as u32));
        out.extend([length, length].concat());
        if magic == Some(MODIFIED) {
            // Interface, protocol, packet type.
            out.extend([0; 8]);
        }
        out.extend(bytes);
    }
}

const NANOSECONDS: u32 = 0xa1b2_3c4d;
const MODIFIED: u32 = 0xa1b2_cd34;
const IXIA: u32 = 0x1c00_01ac;

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

    fn block(self, kind: u32, body: &[u8], out: &mut Vec<u8>) {
        let padding = body.len().next_multiple_of(4) - body.len();
        let length = self.u32((body.len() + padding + 12) as u32);
        out.extend([self.u32(kind), length].concat());
        out.extend(body);
        out.extend(&[0; 3][..padding]);
        out.extend(length);
    }
}

fn section(order: Order, interfaces: usize, links: &[u16], out: &mut Vec<u8>) {
    let head = [&order.u32(0x1a2b_3c4d)[..], &order.u16(1), &order.u16(0), &[0xff; 8]].concat();
    order.block(0x0a0d_0d0a, &head, out);
    for number in 0..interfaces {
        let (resolution, offset) = (RESOLUTIONS[number % 3].0, 3600 * number as u64);
        let link = links[number % links.len()];
        let mut body = [&order.u16(link)[..], &[0, 0], &order.u32(SNAP_LENGTHS[number % 3])].concat();
        body.extend([&order.u16(9)[..], &order.u16(1), &[resolution, 0, 0, 0]].concat());
        body.extend([&order.u16(14)[..], &order.u16(8), &order.u64(offset), &[0; 4]].concat());
        order.block(1, &body, out);
    }
}

fn packet(order: Order, place: usize, number: usize, nanos: i64, bytes: &[u8], out: &mut Vec<u8>) {
    let rate = RESOLUTIONS[number % 3].1;
    let nanos = nanos - 3600 * number as i64 * SECOND;
    let ticks = (nanos / SECOND * rate + nanos % SECOND / (SECOND / rate)) as u64;
    let length = order.u32(bytes.len() as u32);
    let head = [order.u32(number as u32), order.u32((ticks >> 32) as u32), order.u32(ticks as u32)];
    let mut body = [head.concat(), [length, length].concat(), bytes.to_vec()].concat();
    if place.is_multiple_of(COMMENT_EVERY) {
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend([&order.u16(1)[..], &order.u16(COMMENT.len() as u16), COMMENT, &[0; 4]].concat());
    }
    order.block(6, &body, out);
}
