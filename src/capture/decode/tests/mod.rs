mod tunnels;

use etherparse::{IpNumber, PacketBuilder};
use proptest::prelude::*;

use super::*;
use crate::capture::read::LinkType;
use crate::capture::segment::{Checksum, Flags, SeqNumber};
use crate::time::Timestamp;

const CLIENT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0xc];
const SERVER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 5];

/// Decodes one frame by itself.
fn decode<'a>(frame: &Frame<'a>) -> Result<Segment<'a>, Skipped> {
    let decoder: &'a mut Decoder = Box::leak(Box::default());
    decoder.segment(frame, CaptureId(0), &mut Notes::default())
}

fn frame(link: LinkType, bytes: &[u8]) -> Frame<'_> {
    frame_of(link, bytes, bytes.len())
}

fn frame_of(link: LinkType, bytes: &[u8], original_len: usize) -> Frame<'_> {
    Frame {
        number: 1,
        time: Timestamp::default(),
        bytes,
        original_len: original_len as u32,
        link,
        interface: 0,
    }
}

/// `MAIL` in a TCP segment over IPv4, with a right checksum.
fn ipv4() -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4([192, 0, 2, 10], [198, 51, 100, 25], 57)
        .tcp(49_152, 25, 1_000_000, 0x7210)
        .ack(77)
        .psh()
        .write(&mut bytes, b"MAIL\r\n")
        .unwrap();
    bytes
}

fn ipv6() -> Vec<u8> {
    let source = "2001:db8::10".parse::<std::net::Ipv6Addr>().unwrap().octets();
    let destination = "2001:db8::25".parse::<std::net::Ipv6Addr>().unwrap().octets();
    let mut bytes = Vec::new();
    PacketBuilder::ipv6(source, destination, 61)
        .tcp(49_152, 25, 5, 100)
        .ack(9)
        .write(&mut bytes, b"RSET\r\n")
        .unwrap();
    bytes
}

fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    [&SERVER_MAC[..], &CLIENT_MAC, &ether_type.to_be_bytes(), payload].concat()
}

/// A netfilter log's head before a payload of `len` octets: a packet header, a prefix, the payload.
fn nflog(order: fn(u16) -> [u8; 2], len: usize) -> Vec<u8> {
    let field = |length: usize, kind: u16| [order(length as u16), order(kind)].concat();
    let (header, prefix, payload) = (field(8, 1), field(7, 10), field(len + 4, 9));
    [&[2, 0, 0, 5][..], &header, &[8, 0, 1, 0], &prefix, b"in\0\0", &payload].concat()
}

/// Apple's head before a packet of the link type `dlt`.
fn pktap(dlt: u32) -> Vec<u8> {
    let mut header = vec![0; 108];
    for (at, value) in [(0, 108), (4, 1), (8, dlt)] {
        header[at..at + 4].copy_from_slice(&u32::to_le_bytes(value));
    }
    header
}

#[test]
fn every_field_of_a_segment_is_read() {
    let bytes = ethernet(0x0800, &ipv4());
    let segment = decode(&frame(LinkType::ETHERNET, &bytes)).unwrap();
    assert_eq!(segment.source.to_string(), "192.0.2.10:49152");
    assert_eq!(segment.destination.to_string(), "198.51.100.25:25");
    assert_eq!((segment.seq, segment.ack), (SeqNumber(1_000_000), SeqNumber(77)));
    assert_eq!(segment.flags, Flags::from_bits(0x18));
    assert_eq!(segment.window, 0x7210);
    assert_eq!(segment.payload, b"MAIL\r\n");
    assert_eq!((segment.payload_len, segment.seq_len()), (6, 6));
    assert_eq!((segment.ttl, segment.ip_id), (57, Some(0)));
    assert_eq!(segment.source_mac, Some(CLIENT_MAC));
    assert_eq!(segment.checksum, Checksum::Good);
    let bytes = ipv6();
    let segment = decode(&frame(LinkType::RAW, &bytes)).unwrap();
    assert_eq!(segment.source.to_string(), "[2001:db8::10]:49152");
    assert_eq!((segment.ttl, segment.ip_id, segment.source_mac), (61, None, None));
    assert_eq!(segment.payload, b"RSET\r\n");
    assert_eq!(segment.checksum, Checksum::Good);
}

#[test]
fn every_link_leads_to_the_same_segment() {
    let (v4, v6) = (ipv4(), ipv6());
    let with = |head: &[u8], packet: &[u8]| [head, packet].concat();
    let rows: Vec<(&str, LinkType, Vec<u8>)> = vec![
        ("ethernet", LinkType::ETHERNET, ethernet(0x0800, &v4)),
        ("ethernet v6", LinkType::ETHERNET, ethernet(0x86dd, &v6)),
        ("vlan", LinkType::ETHERNET, ethernet(0x8100, &with(&[0, 5, 8, 0], &v4))),
        ("qinq", LinkType::ETHERNET, ethernet(0x88a8, &with(&[0, 5, 0x81, 0, 0, 6, 0x86, 0xdd], &v6))),
        ("old qinq", LinkType::ETHERNET, ethernet(0x9100, &with(&[0, 5, 0x81, 0, 0, 6, 8, 0], &v4))),
        ("mpls", LinkType::ETHERNET, ethernet(0x8847, &with(&[0, 1, 0, 64, 0, 2, 1, 64], &v4))),
        ("pppoe", LinkType::ETHERNET, ethernet(0x8864, &with(&[0x11, 0, 0, 1, 0, 48, 0, 0x21], &v4))),
        ("pppoe v6", LinkType::ETHERNET, ethernet(0x8864, &with(&[0x11, 0, 0, 1, 0, 68, 0, 0x57], &v6))),
        ("snap", LinkType::ETHERNET, ethernet(54, &with(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &v4))),
        ("cooked", LinkType::LINUX_SLL, with(&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0], &v4)),
        (
            "cooked 2",
            LinkType::LINUX_SLL2,
            with(&[0x86, 0xdd, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], &v6),
        ),
        ("null", LinkType::NULL, with(&[2, 0, 0, 0], &v4)),
        ("null, other order, v6", LinkType::NULL, with(&[0, 0, 0, 30], &v6)),
        ("loop", LinkType::LOOP, with(&[0, 0, 0, 24], &v6)),
        ("raw", LinkType::RAW, v4.clone()),
        ("raw 12", LinkType::RAW_DLT, v6.clone()),
        ("raw 14", LinkType::RAW_OPENBSD, v4.clone()),
        ("ipv4", LinkType::IPV4, v4.clone()),
        ("ipv6", LinkType::IPV6, v6.clone()),
        ("ppp", LinkType::PPP, with(&[0xff, 3, 0, 0x21], &v4)),
        ("ppp in hdlc", LinkType::PPP_HDLC, with(&[0xff, 3, 0, 0x57], &v6)),
        ("cisco hdlc under its other number", LinkType::PPP_HDLC, with(&[0x0f, 0, 8, 0], &v4)),
        ("cisco hdlc", LinkType::C_HDLC, with(&[0x8f, 0, 0x86, 0xdd], &v6)),
        ("ppp of pppd", LinkType::PPP_PPPD, with(&[0, 3, 0, 0x57], &v6)),
        ("ppp with direction", LinkType::PPP_WITH_DIRECTION, with(&[1, 0xff, 3, 0, 0x21], &v4)),
        ("mpls assigned upstream", LinkType::ETHERNET, ethernet(0x8848, &with(&[0, 2, 1, 64], &v4))),
        ("triple tags", LinkType::ETHERNET, {
            let tags = [0, 5, 0x81, 0, 0, 6, 0x81, 0, 0, 7, 8, 0];
            ethernet(0x88a8, &with(&tags, &v4))
        }),
        ("pppoe in vlan", LinkType::ETHERNET, {
            ethernet(0x8100, &with(&[0, 5, 0x88, 0x64, 0x11, 0, 0, 1, 0, 48, 0, 0x21], &v4))
        }),
        ("nflog", LinkType::NFLOG, with(&nflog(u16::to_le_bytes, v4.len()), &v4)),
        ("nflog, other order", LinkType::NFLOG, with(&nflog(u16::to_be_bytes, v6.len()), &v6)),
        ("pflog", LinkType::PFLOG, with(&[&[61, 2, 0, 0][..], &[0; 60]].concat(), &v4)),
        ("enc", LinkType::ENC, with(&[2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], &v4)),
        ("pktap", LinkType::PKTAP, with(&pktap(1), &ethernet(0x86dd, &v6))),
        ("pktap of raw IP", LinkType::PKTAP, with(&pktap(12), &v4)),
        ("pktap under its old number", LinkType::USER2, with(&pktap(0), &with(&[30, 0, 0, 0], &v6))),
    ];
    for (name, link, bytes) in rows {
        let segment = decode(&frame(link, &bytes)).unwrap_or_else(|cause| panic!("{name}: {cause:?}"));
        assert_eq!(segment.destination.port, 25, "{name}");
        assert_eq!(segment.payload_len, 6, "{name}");
        assert_eq!(segment.checksum, Checksum::Good, "{name}");
    }
}

#[test]
fn the_padding_of_short_frames_is_no_payload() {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
        .tcp(1, 2, 3, 4)
        .ack(5)
        .write(&mut bytes, b"")
        .unwrap();
    let mut bytes = ethernet(0x0800, &bytes);
    bytes.resize(60, 0xee);
    let segment = decode(&frame(LinkType::ETHERNET, &bytes)).unwrap();
    assert_eq!((segment.payload, segment.payload_len), (&[][..], 0));
    assert_eq!(segment.checksum, Checksum::Good);
}

#[test]
fn a_frame_cut_by_the_snapshot_length_keeps_what_there_is() {
    let whole = ethernet(0x0800, &ipv4());
    for captured in 14 + 20 + 20..whole.len() {
        let segment = decode(&frame_of(LinkType::ETHERNET, &whole[..captured], whole.len())).unwrap();
        assert_eq!(segment.payload_len, 6);
        assert_eq!(segment.payload, &b"MAIL\r\n"[..captured - 54]);
        assert_eq!((segment.checksum, segment.payload_sum), (Checksum::Unchecked, None));
    }
    for captured in 0..54 {
        let cause = decode(&frame_of(LinkType::ETHERNET, &whole[..captured], whole.len())).unwrap_err();
        assert!(
            matches!(cause, Skipped::DamagedLink | Skipped::DamagedIp | Skipped::DamagedTcp),
            "{cause:?}"
        );
    }
}

#[test]
fn options_cut_by_the_snapshot_length_cost_only_themselves() {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
        .tcp(1, 2, 3, 4)
        .syn()
        .options_raw(&[2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7])
        .unwrap()
        .write(&mut bytes, b"")
        .unwrap();
    let segment = decode(&frame(LinkType::RAW, &bytes)).unwrap();
    assert_eq!(segment.options.mss, Some(1460));
    assert_eq!(segment.options.window_scale, Some(7));
    assert!(segment.options.sack_permitted);
    assert_eq!(segment.options.timestamps, Some((9, 0)));
    assert_eq!(segment.option_kinds(), [2, 4, 8, 1, 3]);
    let segment = decode(&frame_of(LinkType::RAW, &bytes[..46], bytes.len())).unwrap();
    assert_eq!((segment.options.mss, segment.options.window_scale), (Some(1460), None));
    assert_eq!((segment.payload_len, segment.seq_len()), (0, 1));
}

#[test]
fn usual_timestamps_are_read_the_short_way_as_the_long() {
    let short = [1, 1, 8, 10, 0, 0, 1, 0, 0, 0, 2, 0];
    let long = [8, 10, 0, 0, 1, 0, 0, 0, 2, 0, 1, 1];
    for raw in [short, long] {
        let mut bytes = Vec::new();
        let builder = PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64).tcp(1, 2, 3, 4);
        builder.options_raw(&raw).unwrap().write(&mut bytes, b"").unwrap();
        assert_eq!(decode(&frame(LinkType::RAW, &bytes)).unwrap().options.timestamps, Some((256, 512)));
    }
}

#[test]
fn segments_of_unknown_length_reach_to_the_end_of_the_frame() {
    let mut bytes = ethernet(0x0800, &ipv4());
    bytes[16..18].copy_from_slice(&[0, 0]);
    let cut = &bytes[..bytes.len() - 2];
    let segment = decode(&frame_of(LinkType::ETHERNET, cut, bytes.len())).unwrap();
    assert_eq!((segment.payload, segment.payload_len), (&b"MAIL"[..], 6));
    assert_eq!(segment.checksum, Checksum::Unchecked);
}

#[test]
fn a_wrong_checksum_is_seen() {
    let mut bytes = ipv4();
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(decode(&frame(LinkType::RAW, &bytes)).unwrap().checksum, Checksum::Bad);
}

#[test]
fn the_cause_is_told() {
    let mut udp = Vec::new();
    PacketBuilder::ipv4([1; 4], [2; 4], 1).udp(53, 53).write(&mut udp, b"x").unwrap();
    let mut first_fragment = ipv4();
    first_fragment[6] = 0x20;
    let mut later_fragment = ipv4();
    later_fragment[7] = 185;
    let mut bad_offset = ipv4();
    bad_offset[20 + 12] = 0x40;
    let mut no_version = ipv4();
    no_version[0] = 0x95;
    let mut v6_fragment = Vec::new();
    PacketBuilder::ipv6([1; 16], [2; 16], 1)
        .write(&mut v6_fragment, IpNumber(44), &[6, 0, 0, 1, 0, 0, 0, 9, 1, 2, 3])
        .unwrap();
    let rows = [
        (LinkType(105), ipv4(), Skipped::Link(LinkType(105))),
        (LinkType::ETHERNET, ethernet(0x0806, &[0; 28]), Skipped::NotIp),
        (LinkType::ETHERNET, ethernet(38, &[0x42, 0x42, 3]), Skipped::NotIp),
        (LinkType::ETHERNET, ethernet(0x8863, &[0x11, 9, 0, 0]), Skipped::NotIp),
        (LinkType::ETHERNET, ethernet(0x0800, &udp), Skipped::NotTcp),
        (LinkType::RAW, first_fragment, Skipped::Fragment),
        (LinkType::RAW, later_fragment, Skipped::Fragment),
        (LinkType::RAW, v6_fragment, Skipped::Fragment),
        (LinkType::RAW, bad_offset, Skipped::DamagedTcp),
        (LinkType::RAW, no_version, Skipped::NotIp),
        (LinkType::RAW, vec![], Skipped::DamagedIp),
        (LinkType::ETHERNET, ethernet(0x8100, &[0, 1, 0x81, 0].repeat(40)), Skipped::DamagedLink),
    ];
    let mut counts = SkippedCounts::default();
    for (place, (link, bytes, cause)) in rows.into_iter().enumerate() {
        assert_eq!(decode(&frame(link, &bytes)).unwrap_err(), cause, "row {place}");
        counts.add(cause, place as u32 + 1);
    }
    assert_eq!(counts.total(), 12);
    assert_eq!((counts.not_ip, counts.not_tcp, counts.fragments, counts.damaged), (4, 1, 3, (3, 9)));
    let texts: Vec<_> = counts.notes().iter().map(|note| note.text.to_string()).collect();
    assert_eq!(
        texts,
        [
            "1 frames of link type 105 (IEEE802_11), a wireless LAN, which is not read: capture on the wired \
             side, or on the appliance",
            "3 frames cut or damaged within their headers",
        ]
    );
}

#[test]
fn kinds_of_links_are_bounded() {
    let mut counts = SkippedCounts::default();
    for link in 300..400 {
        counts.add(Skipped::Link(LinkType(link)), link);
    }
    assert_eq!((counts.links.len(), counts.total()), (SkippedCounts::MAX_LINKS, 100));
}

#[test]
fn what_hosts_write_damaged_is_damaged_and_what_is_no_packet_is_none() {
    let rows = [
        (LinkType::NFLOG, vec![2, 0, 0], Skipped::DamagedLink),
        (LinkType::NFLOG, vec![2, 1, 0, 0, 8, 0, 9, 0, 0x45, 0, 0, 0], Skipped::DamagedLink),
        (LinkType::NFLOG, vec![2, 0, 0, 0, 0, 0, 1, 0], Skipped::DamagedLink),
        (LinkType::NFLOG, vec![7, 0, 0, 0, 8, 0, 9, 0, 1, 2, 3, 4], Skipped::NotIp),
        (LinkType::PFLOG, vec![61, 2, 0, 0], Skipped::DamagedLink),
        (LinkType::PFLOG, vec![3, 2, 0, 0, 0x45], Skipped::DamagedLink),
        (LinkType::ENC, vec![0; 13], Skipped::NotIp),
        (LinkType::PKTAP, vec![108, 0, 0, 0], Skipped::DamagedLink),
        (LinkType::PKTAP, [pktap(258), pktap(1)].concat(), Skipped::Link(LinkType::PKTAP)),
        (LinkType::PKTAP, [&[0xff; 12][..], &[0; 96]].concat(), Skipped::DamagedLink),
        (LinkType::USER2, b"what somebody keeps to himself".to_vec(), Skipped::Link(LinkType::USER2)),
        (LinkType::C_HDLC, vec![0x8f, 0, 0x80, 0x35], Skipped::NotIp),
    ];
    for (place, (link, bytes, cause)) in rows.into_iter().enumerate() {
        assert_eq!(decode(&frame(link, &bytes)).unwrap_err(), cause, "row {place}");
    }
}

proptest! {
    #[test]
    fn arbitrary_octets_never_panic(
        link in prop_oneof![
            Just(0u32), Just(1), Just(9), Just(12), Just(50), Just(51), Just(101), Just(104), Just(108),
            Just(109), Just(113), Just(117), Just(149), Just(166), Just(204), Just(228), Just(239), Just(258), Just(276),
        ],
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        original_len in any::<u32>(),
    ) {
        let frame = Frame { original_len, ..frame(LinkType(link), &bytes) };
        if let Ok(segment) = decode(&frame) {
            segment.option_kinds();
            segment.seq_len();
        }
    }

    #[test]
    fn flipped_octets_never_panic_and_never_grow_the_payload(
        place in 0usize..60, with in any::<u8>(), v6 in any::<bool>(),
    ) {
        let mut bytes = if v6 { ethernet(0x86dd, &ipv6()) } else { ethernet(0x0800, &ipv4()) };
        bytes[place] ^= with;
        if let Ok(segment) = decode(&frame(LinkType::ETHERNET, &bytes)) {
            prop_assert!(segment.payload.len() <= segment.payload_len as usize);
        }
    }
}
