//! Captures frame by frame: read, changed, sealed anew, written.

use std::fs;
use std::path::Path;

/// One frame of a classic pcap with microseconds: its time and its octets (Ethernet, IPv4, TCP).
#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) micros: u64,
    pub(crate) octets: Vec<u8>,
}

pub(crate) const IP: usize = 14;
pub(crate) const RST: u8 = 0x04;

#[allow(dead_code, reason = "not every test asks for all of it")]
impl Frame {
    pub(crate) fn tcp(&self) -> usize {
        IP + usize::from(self.octets[IP] & 0x0f) * 4
    }
    pub(crate) fn flags(&self) -> u8 {
        self.octets[self.tcp() + 13]
    }
    pub(crate) fn payload(&self) -> std::ops::Range<usize> {
        let end = IP + usize::from(u16::from_be_bytes([self.octets[IP + 2], self.octets[IP + 3]]));
        self.tcp() + usize::from(self.octets[self.tcp() + 12] >> 4) * 4..end
    }
    pub(crate) fn to_port_25(&self) -> bool {
        self.octets[self.tcp() + 2..self.tcp() + 4] == [0, 25]
    }
    pub(crate) fn is_tcp(&self) -> bool {
        self.octets[12..14] == [8, 0] && self.octets[IP + 9] == 6
    }
    /// Fills in both checksums anew.
    pub(crate) fn sealed(mut self) -> Self {
        let (tcp, end) = (self.tcp(), self.payload().end);
        self.octets[IP + 10..IP + 12].fill(0);
        let sum = folded(&self.octets[IP..tcp], 0);
        self.octets[IP + 10..IP + 12].copy_from_slice(&(!sum).to_be_bytes());
        self.octets[tcp + 16..tcp + 18].fill(0);
        let pseudo = u32::from(folded(&self.octets[IP + 12..IP + 20], 0)) + 6 + (end - tcp) as u32;
        let sum = folded(&self.octets[tcp..end], pseudo);
        self.octets[tcp + 16..tcp + 18].copy_from_slice(&(!sum).to_be_bytes());
        self
    }
}

fn folded(octets: &[u8], begin: u32) -> u16 {
    let pairs = octets.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum = begin + pairs.sum::<u32>();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap()
}

pub(crate) fn read(path: &Path) -> Vec<Frame> {
    let file = fs::read(path).unwrap();
    assert_eq!(file[..4], [0xd4, 0xc3, 0xb2, 0xa1], "classic, little-endian, microseconds");
    let word = |at: usize| u64::from(u32::from_le_bytes(file[at..at + 4].try_into().unwrap()));
    let mut frames = Vec::new();
    let mut at = 24;
    while at < file.len() {
        let length = usize::try_from(word(at + 8)).unwrap();
        frames.push(Frame {
            micros: word(at) * 1_000_000 + word(at + 4),
            octets: file[at + 16..at + 16 + length].to_vec(),
        });
        at += 16 + length;
    }
    frames
}

pub(crate) fn write(path: &Path, frames: &[Frame]) {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
    for frame in frames {
        let length = frame.octets.len() as u64;
        for word in [frame.micros / 1_000_000, frame.micros % 1_000_000, length, length] {
            file.extend_from_slice(&u32::try_from(word).unwrap().to_le_bytes());
        }
        file.extend_from_slice(&frame.octets);
    }
    fs::write(path, file).unwrap();
}
