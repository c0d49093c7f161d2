//! Link types by their registered numbers.

use std::fmt;

/// A link type: what the first octet of a frame begins.
///
/// Numbers: <https://www.tcpdump.org/linktypes.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u32);

impl LinkType {
    /// BSD loopback: the address family in the byte order of the capturing host.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// Raw IP, as OpenBSD writes it.
    pub const RAW_OPENBSD: Self = Self(14);
    /// Raw IP, as other systems' `DLT_RAW` leaks into files.
    pub const RAW_DLT: Self = Self(12);
    /// PPP, with or without HDLC-like framing (RFC 1662).
    pub const PPP: Self = Self(9);
    /// PPP in HDLC-like framing, or Cisco HDLC.
    pub const PPP_HDLC: Self = Self(50);
    /// PPP over Ethernet, without the Ethernet header.
    pub const PPP_ETHER: Self = Self(51);
    /// Raw IP; the version is in the first four bits.
    pub const RAW: Self = Self(101);
    /// OpenBSD loopback: the address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux "cooked" capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// Cisco HDLC.
    pub const C_HDLC: Self = Self(104);
    /// OpenBSD's encapsulating interface `enc`: what IPsec was taken off.
    pub const ENC: Self = Self(109);
    /// The log of the packet filter `pf`.
    pub const PFLOG: Self = Self(117);
    /// For private use; Apple wrote PKTAP under it.
    pub const USER2: Self = Self(149);
    /// PPP whose address octet tells the direction, as Linux gives it to `pppd`.
    pub const PPP_PPPD: Self = Self(166);
    /// PPP behind an octet that tells the direction.
    pub const PPP_WITH_DIRECTION: Self = Self(204);
    /// The log of Linux netfilter.
    pub const NFLOG: Self = Self(239);
    /// Apple's packets of several interfaces, each behind a header.
    pub const PKTAP: Self = Self(258);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux "cooked" capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);

    /// The number by which libpcap's functions know this type; files and functions differ for those
    /// whose number is not the same on all systems (libpcap, `pcap-common.c`).
    #[cfg(feature = "libpcap")]
    pub(super) fn to_dlt(self) -> i32 {
        let known = DLTS.iter().find(|(link, _)| *link == self).map(|(_, dlt)| *dlt);
        known.unwrap_or(self.0.cast_signed())
    }

    /// The type that libpcap's functions know by `dlt`.
    #[cfg(feature = "libpcap")]
    pub(super) fn from_dlt(dlt: i32) -> Self {
        let known = DLTS.iter().find(|(_, known)| *known == dlt).map(|(link, _)| *link);
        known.unwrap_or(Self(dlt.cast_unsigned()))
    }

    /// Whether its frames are those of a wireless LAN: IEEE 802.11, bare or behind one of the headers
    /// that cards put before it.
    pub const fn is_wireless(self) -> bool {
        matches!(self.0, 105 | 119 | 127 | 163 | 192)
    }

    /// The registered name without its `LINKTYPE_`, of the types that turn up in practice.
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(number, _)| *number == self.0).map(|(_, name)| *name)
    }
}

/// `1 (ETHERNET)`, `253` where the name is not known.
impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Link types whose number in files is not that of libpcap's functions.
#[cfg(feature = "libpcap")]
const DLTS: [(LinkType, i32); 2] =
    [(LinkType(100), 11), (LinkType::RAW, if cfg!(target_os = "openbsd") { 14 } else { 12 })];

const NAMES: [(u32, &str); 43] = [
    (0, "NULL"),
    (1, "ETHERNET"),
    (3, "AX25"),
    (6, "IEEE802_5"),
    (7, "ARCNET_BSD"),
    (8, "SLIP"),
    (9, "PPP"),
    (10, "FDDI"),
    (12, "RAW"),
    (14, "RAW"),
    (50, "PPP_HDLC"),
    (51, "PPP_ETHER"),
    (100, "ATM_RFC1483"),
    (101, "RAW"),
    (104, "C_HDLC"),
    (105, "IEEE802_11"),
    (107, "FRELAY"),
    (108, "LOOP"),
    (109, "ENC"),
    (113, "LINUX_SLL"),
    (114, "LTALK"),
    (117, "PFLOG"),
    (119, "IEEE802_11_PRISM"),
    (122, "IP_OVER_FC"),
    (123, "SUNATM"),
    (127, "IEEE802_11_RADIOTAP"),
    (147, "USER0"),
    (149, "USER2"),
    (163, "IEEE802_11_AVS"),
    (166, "PPP_PPPD"),
    (192, "PPI"),
    (195, "IEEE802_15_4_WITHFCS"),
    (204, "PPP_WITH_DIR"),
    (220, "USB_LINUX_MMAPPED"),
    (228, "IPV4"),
    (229, "IPV6"),
    (239, "NFLOG"),
    (240, "NETANALYZER"),
    (242, "IPOIB"),
    (249, "USBPCAP"),
    (252, "WIRESHARK_UPPER_PDU"),
    (258, "PKTAP"),
    (276, "LINUX_SLL2"),
];
