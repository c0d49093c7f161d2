//! Tunnels, fragments in them, and what is said of them.

use super::*;

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).udp(50_000, port);
    builder.write(&mut bytes, payload).unwrap();
    bytes
}

fn over_ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64);
    builder.write(&mut bytes, IpNumber(protocol), payload).unwrap();
    bytes
}

fn over_ipv6(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv6([0xfd; 16], [0xfe; 16], 64);
    builder.write(&mut bytes, IpNumber(59), payload).unwrap();
    bytes[6] = protocol;
    bytes
}

const GRE: u8 = 47;

fn decode_with(decap: bool, bytes: &[u8]) -> Result<(String, u32, Option<[u8; 6]>), Skipped> {
    let mut decoder = Decoder::new(decap);
    let frame = frame(LinkType::RAW, bytes);
    let segment = decoder.segment(&frame, CaptureId(0), &mut Notes::default())?;
    assert_eq!(segment.checksum, Checksum::Good);
    Ok((segment.destination.to_string(), segment.payload_len, segment.source_mac))
}

#[test]
fn every_tunnel_leads_to_the_same_segment_and_only_if_asked_for() {
    let (v4, v6) = (ipv4(), ipv6());
    let (frame4, frame6) = (ethernet(0x0800, &v4), ethernet(0x86dd, &v6));
    let with = |head: &[u8], packet: &[u8]| [head, packet].concat();
    let vxlan = with(&[8, 0, 0, 0, 0, 0, 9, 0], &frame4);
    let rows = [
        ("4 in 4", over_ipv4(4, &v4), false),
        ("6 in 4", over_ipv4(41, &v6), false),
        ("4 in 6", over_ipv6(4, &v4), false),
        ("6 in 6", over_ipv6(41, &v6), false),
        ("gre", over_ipv4(GRE, &with(&[0, 0, 8, 0], &v4)), false),
        ("gre in 6", over_ipv6(GRE, &with(&[0, 0, 0x86, 0xdd], &v6)), false),
        (
            "gre, all fields",
            over_ipv4(GRE, &with(&[0xb0, 0, 8, 0, 1, 1, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1], &v4)),
            false,
        ),
        ("nvgre", over_ipv4(GRE, &with(&[0x20, 0, 0x65, 0x58, 0, 0, 9, 0], &frame4)), true),
        ("gre mpls", over_ipv4(GRE, &with(&[0, 0, 0x88, 0x47, 0, 1, 1, 64], &v4)), false),
        (
            "pptp",
            over_ipv4(
                GRE,
                &with(&[0x30, 0x81, 0x88, 0x0b, 0, 44, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 3, 0, 0x21], &v4),
            ),
            false,
        ),
        ("erspan 1", over_ipv4(GRE, &with(&[0, 0, 0x88, 0xbe], &frame4)), true),
        (
            "erspan 2",
            over_ipv4(GRE, &with(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 1, 0, 0, 0, 0], &frame6)),
            true,
        ),
        (
            "erspan 3",
            over_ipv4(
                GRE,
                &with(&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], &frame6),
            ),
            true,
        ),
        (
            "erspan 3 with its second header",
            over_ipv4(
                GRE,
                &[
                    &[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1][..],
                    &[0; 8],
                    &frame4,
                ]
                .concat(),
            ),
            true,
        ),
        ("vxlan", udp(4789, &vxlan), true),
        ("vxlan gpe", udp(4790, &with(&[0x0c, 0, 0, 3, 0, 0, 9, 0], &frame4)), true),
        ("vxlan gpe of IP", udp(4790, &with(&[0x0c, 0, 0, 2, 0, 0, 9, 0], &v6)), false),
        ("vxlan of old", udp(8472, &vxlan), true),
        ("geneve", udp(6081, &with(&[1, 0, 0x65, 0x58, 0, 0, 9, 0, 1, 2, 3, 4], &frame6)), true),
        ("geneve of IP", udp(6081, &with(&[0, 0, 8, 0, 0, 0, 9, 0], &v4)), false),
        ("vxlan in gre in ip", over_ipv4(4, &over_ipv6(GRE, &with(&[0, 0, 8, 0], &udp(4789, &vxlan)))), true),
    ];
    for (name, bytes, bridged) in rows {
        let (destination, length, mac) =
            decode_with(true, &bytes).unwrap_or_else(|cause| panic!("{name}: {cause:?}"));
        assert!(destination.ends_with(":25") && !destination.starts_with("10."), "{name}: {destination}");
        assert_eq!(length, 6, "{name}");
        assert_eq!(mac, bridged.then_some(CLIENT_MAC), "{name}: whose Ethernet address");
        assert_eq!(decode_with(false, &bytes), Err(Skipped::Tunnel), "{name}");
    }
}

#[test]
fn what_looks_like_a_tunnel_and_is_none_is_passed_over() {
    let v4 = ipv4();
    let with = |head: &[u8], packet: &[u8]| [head, packet].concat();
    let rows = [
        ("another port", udp(53, &with(&[8, 0, 0, 0, 0, 0, 9, 0], &ethernet(0x0800, &v4))), Skipped::NotTcp),
        ("vxlan without a network", udp(4789, &with(&[0; 8], &ethernet(0x0800, &v4))), Skipped::NotTcp),
        ("geneve of another version", udp(6081, &with(&[0x40, 0, 8, 0, 0, 0, 9, 0], &v4)), Skipped::NotTcp),
        ("gre with a source route", over_ipv4(GRE, &with(&[0x40, 0, 8, 0], &v4)), Skipped::NotTcp),
        ("gre of another version", over_ipv4(GRE, &with(&[0, 2, 8, 0], &v4)), Skipped::NotTcp),
        ("gre cut", over_ipv4(GRE, &[0x80, 0, 8, 0]), Skipped::NotTcp),
        ("gre keep-alive", over_ipv4(GRE, &[0, 0, 0, 0]), Skipped::NotIp),
        ("udp in ip", over_ipv4(4, &udp(53, b"x")), Skipped::NotTcp),
        ("damage in ip", over_ipv4(4, &v4[..30]), Skipped::DamagedTcp),
        (
            "arp in vxlan",
            udp(4789, &with(&[8, 0, 0, 0, 0, 0, 9, 0], &ethernet(0x0806, &[0; 28]))),
            Skipped::NotIp,
        ),
    ];
    for (name, bytes, cause) in rows {
        assert_eq!(decode_with(true, &bytes), Err(cause), "{name}");
        assert_eq!(decode_with(false, &bytes), Err(Skipped::NotTcp), "{name}");
    }
}

#[test]
fn tunnels_within_tunnels_are_bounded() {
    let mut bytes = ipv4();
    for _ in 0..MAX_TUNNELS {
        bytes = over_ipv4(4, &bytes);
    }
    assert!(decode_with(true, &bytes).is_ok());
    assert_eq!(decode_with(false, &bytes), Err(Skipped::Tunnel));
    let bytes = over_ipv4(4, &bytes);
    assert_eq!(decode_with(true, &bytes), Err(Skipped::Tunnel));
}

/// A datagram in two fragments of version 4.
fn halves(datagram: &[u8]) -> [Vec<u8>; 2] {
    let (header, payload) = datagram.split_at(20);
    let (first, second) = payload.split_at(8);
    let part = |bytes: &[u8], place: [u8; 2]| {
        let mut part = [header, bytes].concat();
        let length = (part.len() as u16).to_be_bytes();
        part[2..4].copy_from_slice(&length);
        part[6..8].copy_from_slice(&place);
        part
    };
    [part(first, [0x20, 0]), part(second, [0, 1])]
}

#[test]
fn fragments_inside_and_outside_of_tunnels_are_put_together() {
    let mut decoder = Decoder::new(true);
    let mut notes = Notes::default();
    let mut got = Vec::new();
    let outer = |inner: &[u8], id: u8| {
        let mut datagram = over_ipv4(4, inner);
        datagram[5] = id;
        halves(&datagram)
    };
    let [first, second] = halves(&ipv4());
    let frames = [outer(&first, 1), outer(&second, 2)].concat();
    for (number, bytes) in (1..).zip(&frames) {
        let frame = Frame { number, ..frame(LinkType::RAW, bytes) };
        got.push(decoder.segment(&frame, CaptureId(0), &mut notes).map(|segment| segment.payload.to_vec()));
    }
    let waits = Err(Skipped::Fragment);
    assert_eq!(got, [waits.clone(), waits.clone(), waits, Ok(b"MAIL\r\n".to_vec())]);
    assert!(notes.is_empty());
    decoder.finish(|_, notes| panic!("{notes:?}"));
    assert_eq!(decode_with(false, &over_ipv4(4, &first)), Err(Skipped::Tunnel));
}

#[test]
fn fragments_that_stay_alone_are_told_with_the_first_of_them() {
    let mut decoder = Decoder::default();
    for (number, bytes) in [(4, &halves(&ipv4())[1]), (9, &halves(&ipv4())[1])] {
        let frame = Frame { number, ..frame(LinkType::RAW, bytes) };
        let cause = decoder.segment(&frame, CaptureId(3), &mut Notes::default()).unwrap_err();
        assert_eq!(cause, Skipped::Fragment);
    }
    let mut told = Vec::new();
    decoder.finish(|capture, notes| told.push((capture, notes)));
    let [(CaptureId(3), notes)] = &told[..] else { panic!("{told:?}") };
    let note = notes.iter().next().unwrap();
    assert_eq!(note.text, "2 IP fragments whose datagram is not whole");
    assert_eq!((note.first, notes.any_loss()), (Some(Place::Frame(4)), true));
}

#[test]
fn an_authentication_header_hides_nothing() {
    let v4 = ipv4();
    let header = [&[6, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1][..], &[0; 12]].concat();
    let bytes = over_ipv4(51, &[&header, &v4[20..]].concat());
    let segment = decode(&frame(LinkType::RAW, &bytes)).unwrap();
    assert_eq!(segment.payload, b"MAIL\r\n");
}

proptest! {
    #[test]
    fn arbitrary_octets_in_tunnels_never_panic(
        protocol in prop_oneof![Just(4u8), Just(41), Just(47), Just(44), Just(0), Just(60), Just(51)],
        v6 in any::<bool>(),
        decap in any::<bool>(),
        payload in proptest::collection::vec(any::<u8>(), 0..120),
        port in prop_oneof![Just(4789u16), Just(6081)],
    ) {
        let rows = [
            if v6 { over_ipv6(protocol, &payload) } else { over_ipv4(protocol, &payload) },
            udp(port, &payload),
        ];
        let mut decoder = Decoder::new(decap);
        for bytes in rows {
            decoder.segment(&frame(LinkType::RAW, &bytes), CaptureId(0), &mut Notes::default()).ok();
        }
        decoder.finish(|_, _| {});
    }
}
