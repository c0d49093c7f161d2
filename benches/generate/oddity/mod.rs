//! The oddities of the wire, each on demand (`--oddity NAME`): files, links, tunnels, packets, TCP, SMTP.
//!
//! An oddity leaves the story alone: dialogue, ending and log are what they would be without it, and so is the
//! truth, but for what its line in the list says. Every connection that can bear it has it.
//!
//! [`form`] writes files, [`link`], [`tunnel`] and [`packet`] what stands around TCP, [`wire`] puts these together;
//! [`segments`] and [`resets`] rework the segments of a connection, [`words`], [`exchanges`] and [`chunks`] its
//! dialogue.

pub(crate) mod chunks;
pub(crate) mod exchanges;
pub(crate) mod form;
pub(crate) mod link;
pub(crate) mod packet;
pub(crate) mod resets;
pub(crate) mod segments;
pub(crate) mod tunnel;
pub(crate) mod wire;
pub(crate) mod words;

use form::Kind;
use link::Link;
use tunnel::Tunnel;

/// Declares the oddities: what each is, its name on the command line, its family.
macro_rules! oddities {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal $family:ident,)+) => {
        /// An oddity of the wire.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Oddity {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Oddity {
            /// All of them.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name on the command line and in the truth.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What it is, and what it changes, in a line.
            pub(crate) fn about(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+).trim_ascii_start(),)+
                }
            }

            /// What it belongs to.
            pub(crate) fn family(self) -> Family {
                match self {
                    $(Self::$variant => Family::$family,)+
                }
            }
        }
    };
}

/// What an oddity belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    /// The file's form: one at a time.
    Form,
    /// Around and within the file.
    File,
    /// The link: one at a time.
    Link,
    /// A tunnel: one at a time; read with `--decap`.
    Tunnel,
    Packet,
    /// TCP.
    Tcp,
    /// How the client closes or resets, or seems to.
    Close,
    /// SMTP.
    Smtp,
}

impl Family {
    fn takes_one(self) -> bool {
        matches!(self, Self::Form | Self::Link | Self::Tunnel)
    }
}

oddities! {
    /// pcap with nanoseconds.
    Nanoseconds "nanoseconds" Form,
    /// pcap as Kuznetzov modified it.
    Modified "modified" Form,
    /// pcap as Ixia writes it (its length says 0).
    Ixia "ixia" Form,
    /// pcapng: sections in both byte orders, interfaces of several links, resolutions, offsets and snap lengths, comments, statistics.
    Sections "sections" Form,
    /// The file in the other byte order, big-endian; of pcapng, its first section.
    BigEndian "big_endian" File,
    /// The file ends in the middle of one more frame, which is no connection's.
    CutFile "cut_file" File,
    /// Compressed, with octets behind the compressed ones that are no gzip.
    GzipGarbage "gzip_garbage" File,
    /// The capture's clock steps seven seconds ahead and back again: times are wrong.
    ClockSteps "clock_steps" File,

    /// A VLAN tag.
    Vlan "vlan" Link,
    /// Two VLAN tags.
    Qinq "qinq" Link,
    /// Four VLAN tags.
    Tags "tags" Link,
    /// MPLS with two labels.
    Mpls "mpls" Link,
    /// PPP over Ethernet.
    Pppoe "pppoe" Link,
    /// LLC and SNAP; what is too long for it comes in fragments.
    Snap "snap" Link,
    /// Linux cooked capture, version 1.
    Cooked "cooked" Link,
    /// Linux cooked capture, version 2.
    Cooked2 "cooked2" Link,
    /// BSD loopback in the host's byte order.
    Null "null" Link,
    /// BSD loopback in network byte order.
    Loop "loop" Link,
    /// Nothing before IP.
    Raw "raw" Link,
    /// PPP.
    Ppp "ppp" Link,
    /// PPP in frames like HDLC's.
    PppHdlc "ppp_hdlc" Link,
    /// Cisco's HDLC.
    CiscoHdlc "cisco_hdlc" Link,
    /// PPP with a direction.
    PppDirection "ppp_direction" Link,
    /// PPP of Linux's pppd.
    Pppd "pppd" Link,
    /// NFLOG, little-endian.
    Nflog "nflog" Link,
    /// NFLOG, big-endian.
    NflogBig "nflog_big" Link,
    /// BSD's packet filter log.
    Pflog "pflog" Link,
    /// BSD's encapsulation (IPsec).
    Enc "enc" Link,
    /// Apple's PKTAP.
    Pktap "pktap" Link,
    /// Apple's PKTAP under its old number.
    PktapOld "pktap_old" Link,
    /// Every frame twice, on a VLAN and on its parent interface.
    VlanAndParent "vlan_and_parent" Link,
    /// Every frame twice, as some mirror ports send it.
    Mirror "mirror" Packet,

    /// IP in IP.
    IpInIp "ip_in_ip" Tunnel,
    /// GRE.
    Gre "gre" Tunnel,
    /// GRE with checksum, key and sequence number.
    GreWithAll "gre_with_all" Tunnel,
    /// Ethernet in GRE.
    GreBridged "gre_bridged" Tunnel,
    /// ERSPAN type I.
    Erspan1 "erspan1" Tunnel,
    /// ERSPAN type II.
    Erspan2 "erspan2" Tunnel,
    /// ERSPAN type III.
    Erspan3 "erspan3" Tunnel,
    /// VXLAN.
    Vxlan "vxlan" Tunnel,
    /// Geneve.
    Geneve "geneve" Tunnel,

    /// IPv6 packets have hop-by-hop and destination options.
    Extensions "ipv6_extensions" Packet,
    /// IP packets come in fragments, the last first, some twice.
    Fragments "fragments" Packet,

    /// Half-open: no handshake in the file (`begun_before` in the truth, and no verdict is expected).
    NoSyn "no_syn" Tcp,
    /// Only the sender's frames are in the file: the truth expects no verdict.
    ClientOnly "client_only" Tcp,
    /// Only the appliance's frames are in the file: the truth expects no verdict.
    ServerOnly "server_only" Tcp,
    /// The sender's TCP probes after every reply, with and without an octet.
    KeepAlives "keep_alives" Tcp,
    /// The appliance's window closes after every word of the sender, is probed, and opens.
    ZeroWindows "zero_windows" Tcp,
    /// Both ends send a SYN.
    SimultaneousOpen "simultaneous_open" Tcp,
    /// The SYN bears the sender's first words and they are sent again.
    SynData "syn_data" Tcp,
    /// Segments of a body come as super-segments of an offloading card.
    SuperSegments "super_segments" Tcp,
    /// One segment of a body got to the appliance but not into the file (`holes` in the truth).
    CaptureLoss "capture_loss" Tcp,
    /// The path loses one segment in ten: asked for and sent again.
    PathLoss "path_loss" Tcp,
    /// Segments of a body are sent again in other pieces.
    OverlapEqual "overlap_equal" Tcp,
    /// A segment of a body comes again with other octets; the appliance has the first.
    OverlapDiffering "overlap_differing" Tcp,

    /// QUIT is followed by FIN at once and answered afterwards: another first close, and a `race`.
    HalfClosed "half_closed" Close,
    /// Where the sender answers FIN with FIN, both cross.
    SimultaneousClose "simultaneous_close" Close,
    /// An RST with a stale number, which nobody minds: another first close.
    RstStale "rst_stale" Close,
    /// An RST in the window, answered by a challenge ACK: another first close.
    RstChallenged "rst_challenged" Close,
    /// The sender's RST has exactly the next number, no ACK and no window.
    RstExact "rst_exact" Close,
    /// The sender's RST has an ACK and no window, and comes twice.
    RstAck "rst_ack" Close,

    /// Lines end in LF alone.
    LfOnly "lf_only" Smtp,
    /// The envelope is in one segment with DATA (`pipelining` in the truth).
    EnvelopeWithData "envelope_with_data" Smtp,
    /// A DATA too early is refused: one more command.
    DataRefused "data_refused" Smtp,
    /// QUIT behind the dot, without waiting.
    QuitBehindDot "quit_behind_dot" Smtp,
    /// A MAIL within a transaction is refused: one more command.
    NestedMail "nested_mail" Smtp,
    /// Octets of eight bits and NUL: NOOP with them, one more command.
    EightBit "eight_bit" Smtp,
    /// A line of 100,000 octets: NOOP with them, one more command.
    LongLine "long_line" Smtp,
    /// Replies without text, with unusual codes and with impossible ones: one more command.
    OddReplies "odd_replies" Smtp,
    /// BDAT in place of DATA, in two chunks without waiting (not with TLS).
    Chunks "bdat" Smtp,
    /// Where a body is cut: BDAT with a size beyond 64 bits (not with TLS).
    HugeChunk "bdat_huge" Smtp,
    /// AUTH: refused, cancelled and granted: more commands.
    Auth "auth" Smtp,
    /// XCLIENT, which greets anew, and EHLO again: more commands.
    Xclient "xclient" Smtp,
    /// XFORWARD: one more command.
    Xforward "xforward" Smtp,
    /// A PROXY header before the greeting.
    Proxy "proxy" Smtp,
    /// Through an HTTP proxy on port 3128: CONNECT before the greeting; one that is never greeted is no SMTP.
    HttpConnect "http_connect" Smtp,
    /// LMTP: LHLO, and a reply to the end of data for every recipient.
    Lmtp "lmtp" Smtp,
    /// The appliance listens on port 10025: read with `--port 10025`.
    AnyPort "any_port" Smtp,
}

/// The port of [`Oddity::AnyPort`].
pub(crate) const ANY_PORT: u16 = 10_025;
/// The port of [`Oddity::HttpConnect`].
pub(crate) const PROXY_PORT: u16 = 3_128;

impl std::str::FromStr for Oddity {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|oddity| oddity.name() == name);
        found.copied().ok_or_else(|| "no such oddity; --oddities lists them".to_owned())
    }
}

impl Oddity {
    /// The form of the file.
    pub(crate) fn kind(self) -> Option<Kind> {
        match self {
            Self::Nanoseconds => Some(Kind::Nanoseconds),
            Self::Modified => Some(Kind::Modified),
            Self::Ixia => Some(Kind::Ixia),
            Self::Sections => Some(Kind::Sections(200, 3)),
            _ => None,
        }
    }

    /// The link.
    pub(crate) fn link(self) -> Option<Link> {
        match self {
            Self::Vlan | Self::VlanAndParent => Some(Link::Ethernet(1)),
            Self::Qinq => Some(Link::Ethernet(2)),
            Self::Tags => Some(Link::Ethernet(4)),
            Self::Mpls => Some(Link::Mpls),
            Self::Pppoe => Some(Link::Pppoe),
            Self::Snap => Some(Link::Snap),
            Self::Cooked => Some(Link::Cooked),
            Self::Cooked2 => Some(Link::Cooked2),
            Self::Null => Some(Link::Null),
            Self::Loop => Some(Link::Loop),
            Self::Raw => Some(Link::Raw),
            Self::Ppp => Some(Link::Ppp),
            Self::PppHdlc => Some(Link::PppHdlc),
            Self::CiscoHdlc => Some(Link::CiscoHdlc),
            Self::PppDirection => Some(Link::PppDirection),
            Self::Pppd => Some(Link::Pppd),
            Self::Nflog => Some(Link::NflogLittle),
            Self::NflogBig => Some(Link::NflogBig),
            Self::Pflog => Some(Link::Pflog),
            Self::Enc => Some(Link::Enc),
            Self::Pktap => Some(Link::Pktap),
            Self::PktapOld => Some(Link::PktapOld),
            _ => None,
        }
    }

    /// The tunnel.
    pub(crate) fn tunnel(self) -> Option<Tunnel> {
        match self {
            Self::IpInIp => Some(Tunnel::IpInIp),
            Self::Gre => Some(Tunnel::Gre),
            Self::GreWithAll => Some(Tunnel::GreWithAll),
            Self::GreBridged => Some(Tunnel::GreBridged),
            Self::Erspan1 => Some(Tunnel::Erspan1),
            Self::Erspan2 => Some(Tunnel::Erspan2),
            Self::Erspan3 => Some(Tunnel::Erspan3),
            Self::Vxlan => Some(Tunnel::Vxlan),
            Self::Geneve => Some(Tunnel::Geneve),
            _ => None,
        }
    }
}

/// Some oddities.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Oddities(Vec<Oddity>);

impl Oddities {
    /// Whether it is among them.
    pub(crate) fn has(&self, oddity: Oddity) -> bool {
        self.0.contains(&oddity)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Oddity> {
        self.0.iter().copied()
    }
}

impl std::str::FromStr for Oddities {
    type Err = String;

    /// `NAME,NAME`: no two that exclude each other.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut all: Vec<Oddity> = Vec::new();
        for name in text.split(',') {
            let oddity: Oddity = name.parse().map_err(|error| format!("`{name}`: {error}"))?;
            let family = oddity.family();
            if let Some(other) = all.iter().find(|other| family.takes_one() && other.family() == family) {
                return Err(format!("`{name}` and `{}` exclude each other", other.name()));
            }
            all.push(oddity);
        }
        Ok(Self(all))
    }
}

/// The list of all, a line each.
pub(crate) fn list() -> String {
    let lines = Oddity::ALL.iter().map(|oddity| format!("{:<20}{}\n", oddity.name(), oddity.about()));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found_and_explained() {
        for oddity in Oddity::ALL {
            assert_eq!(oddity.name().parse(), Ok(*oddity));
            assert!(oddity.about().ends_with('.'), "{oddity:?}");
            assert_eq!(oddity.family() == Family::Link, oddity.link().is_some());
            assert_eq!(oddity.family() == Family::Tunnel, oddity.tunnel().is_some());
            assert_eq!(oddity.family() == Family::Form, oddity.kind().is_some());
        }
        assert_eq!(list().lines().count(), Oddity::ALL.len());
    }

    #[test]
    fn a_frame_has_one_link() {
        assert!("vlan,gre,fragments,sections".parse::<Oddities>().is_ok());
        for wrong in ["vlan,qinq", "gre,vxlan", "sections,modified", "nothing", ""] {
            assert!(wrong.parse::<Oddities>().is_err(), "{wrong}");
        }
    }
}
