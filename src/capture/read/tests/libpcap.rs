//! The reference reader and filters.

use super::*;

#[cfg(feature = "libpcap")]
#[test]
fn libpcap_gives_the_same_frames() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample.pcap");
    for magic in [MICRO, NANO] {
        std::fs::write(&path, pcap(Order::Big, magic, 1, &samples())).unwrap();
        let mut own = CaptureReader::open(&path, ReaderKind::Own).unwrap();
        let mut theirs = CaptureReader::open(&path, ReaderKind::Libpcap).unwrap();
        while let Some(ours) = own.next_frame().unwrap() {
            let theirs = theirs.next_frame().unwrap().unwrap();
            assert_eq!(
                (ours.number, ours.time, ours.bytes, ours.original_len, ours.link),
                (theirs.number, theirs.time, theirs.bytes, theirs.original_len, theirs.link)
            );
        }
        assert!(theirs.next_frame().unwrap().is_none());
    }
    std::fs::write(&path, gzip(b"x")).unwrap();
    let refused = CaptureReader::open(&path, ReaderKind::Libpcap).unwrap_err();
    assert!(refused.to_string().contains("libpcap: "), "{refused}");
}

/// Where this reader differs from libpcap with intent: to libpcap, sixteen zeros are a frame of no
/// octets at the epoch. A capture would begin in 1970 and meet no log.
#[cfg(feature = "libpcap")]
#[test]
fn zeros_are_frames_to_libpcap_and_damage_here() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zeros.pcap");
    std::fs::write(&path, [pcap(Order::Little, MICRO, 1, &samples()), vec![0; 160]].concat()).unwrap();
    let mut theirs = CaptureReader::open(&path, ReaderKind::Libpcap).unwrap();
    let mut count = 0;
    while theirs.next_frame().unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, samples().len() + 10);
    let (frames, error, _) = read(std::fs::read(&path).unwrap());
    assert_eq!(frames, samples());
    assert!(matches!(error.unwrap().cause, ReadCause::Damaged { passed: 160, .. }));
}

#[cfg(feature = "libpcap")]
#[test]
fn filters_pass_what_libpcap_says_on_every_link() {
    let mut filter = Filter::new("tcp port 25").unwrap();
    fn frame(link: LinkType, bytes: &[u8]) -> Frame<'_> {
        let original_len = bytes.len() as u32;
        Frame { number: 1, time: Timestamp::default(), bytes, original_len, link, interface: 0 }
    }
    let ethernet = [&[0; 12][..], &[8, 0]].concat();
    let ip_tcp = |port: u16| {
        let mut packet = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0xc0, 0];
        packet.extend(port.to_be_bytes());
        packet.extend([0; 16]);
        packet
    };
    let wrapped = |port| [ethernet.clone(), ip_tcp(port)].concat();
    assert!(filter.passes(&frame(LinkType::ETHERNET, &wrapped(25))));
    assert!(!filter.passes(&frame(LinkType::ETHERNET, &wrapped(80))));
    assert!(filter.passes(&frame(LinkType::IPV4, &ip_tcp(25))));
    assert!(!filter.clone().passes(&frame(LinkType::IPV4, &ip_tcp(80))));
    let error = Filter::new("tcp prot 25").unwrap_err();
    assert!(error.to_string().contains("can't parse filter expression"), "{error}");
}

#[cfg(not(feature = "libpcap"))]
#[test]
fn without_libpcap_the_errors_say_how_to_have_it() {
    let refused = CaptureReader::open(Path::new("x.pcap"), ReaderKind::Libpcap).unwrap_err();
    assert!(refused.to_string().contains("default features"), "{refused}");
    assert!(Filter::new("tcp").unwrap_err().to_string().contains("default features"));
}
