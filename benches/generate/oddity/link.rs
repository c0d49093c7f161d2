//! Links: what stands before an IP packet.

/// What stands before IP packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// Ethernet with so many tags.
    Ethernet(usize),
    Mpls,
    Pppoe,
    Snap,
    Cooked,
    Cooked2,
    Null,
    Loop,
    Raw,
    Ppp,
    PppHdlc,
    CiscoHdlc,
    PppDirection,
    Pppd,
    NflogLittle,
    NflogBig,
    Pflog,
    Enc,
    Pktap,
    PktapOld,
}

impl Link {
    /// The number in files (tcpdump.org/linktypes.html).
    pub(crate) fn number(self) -> u16 {
        match self {
            Self::Ethernet(_) | Self::Mpls | Self::Pppoe | Self::Snap => 1,
            Self::Cooked => 113,
            Self::Cooked2 => 276,
            Self::Null => 0,
            Self::Loop => 108,
            Self::Raw => 101,
            Self::Ppp => 9,
            Self::PppHdlc => 50,
            Self::CiscoHdlc => 104,
            Self::PppDirection => 204,
            Self::Pppd => 166,
            Self::NflogLittle | Self::NflogBig => 239,
            Self::Pflog => 117,
            Self::Enc => 109,
            Self::Pktap => 258,
            Self::PktapOld => 149,
        }
    }

    /// The frame around a packet.
    pub(crate) fn framed(self, packet: &[u8], macs: &[u8]) -> Vec<u8> {
        let version_4 = packet[0] >> 4 == 4;
        let kind: [u8; 2] = if version_4 { [8, 0] } else { [0x86, 0xdd] };
        let ppp = [0, if version_4 { 0x21 } else { 0x57 }];
        let head = match self {
            Self::Ethernet(tags) => {
                let mut head = macs.to_vec();
                for tag in 0..tags {
                    let outer: [u8; 2] = if tag + 1 < tags { [0x88, 0xa8] } else { [0x81, 0] };
                    head.extend([outer, [0, 7 + tag as u8]].concat());
                }
                [head, kind.to_vec()].concat()
            }
            Self::Mpls => [macs, &[0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64]].concat(),
            Self::Pppoe => {
                let length = (packet.len() as u16 + 2).to_be_bytes();
                [macs, &[0x88, 0x64, 0x11, 0, 0, 1], &length, &ppp].concat()
            }
            Self::Snap => {
                let length = (packet.len() as u16 + 8).to_be_bytes();
                [macs, &length, &[0xaa, 0xaa, 3, 0, 0, 0], &kind].concat()
            }
            Self::Cooked => [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0][..], &kind].concat(),
            Self::Cooked2 => [&kind[..], &[0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]].concat(),
            Self::Null => vec![if version_4 { 2 } else { 30 }, 0, 0, 0],
            Self::Loop => vec![0, 0, 0, if version_4 { 2 } else { 24 }],
            Self::Raw => vec![],
            Self::Ppp | Self::PppHdlc => [&[0xff, 3][..], &ppp].concat(),
            Self::PppDirection => [&[1, 0xff, 3][..], &ppp].concat(),
            Self::Pppd => [&[0, 3][..], &ppp].concat(),
            Self::CiscoHdlc => [&[0x0f, 0][..], &kind].concat(),
            Self::NflogLittle => nflog(packet.len(), u16::to_le_bytes),
            Self::NflogBig => nflog(packet.len(), u16::to_be_bytes),
            Self::Pflog => [&[61, if version_4 { 2 } else { 24 }][..], &[0; 62]].concat(),
            Self::Enc => vec![2, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0],
            Self::Pktap | Self::PktapOld => {
                let mut head = [0; 108];
                (head[0], head[4], head[8]) = (108, 1, 1);
                [&head[..], macs, &kind].concat()
            }
        };
        [&head[..], packet].concat()
    }
}

/// A packet header and a prefix before the payload.
fn nflog(length: usize, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let field = |length: usize, kind: u16| [order(length as u16), order(kind)].concat();
    [&[2, 0, 0, 5][..], &field(8, 1), &[8, 0, 1, 0], &field(7, 10), b"in\0\0", &field(length + 4, 9)].concat()
}
