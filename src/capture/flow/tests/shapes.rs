//! Openings, closes and pauses of every shape, and what is made of them.

use super::*;

/// A row: what it is, the segments, octets of both ends, first close that took effect, state.
struct Row {
    what: &'static str,
    segments: Vec<Seg>,
    octets: [&'static [u8]; 2],
    close: Option<(CloseKind, Side)>,
    state: ConnState,
    open: bool,
}

fn row(
    what: &'static str,
    segments: Vec<Seg>,
    octets: [&'static [u8]; 2],
    close: Option<(CloseKind, Side)>,
) -> Row {
    Row { what, segments, octets, close, state: ConnState::SF, open: false }
}

impl Row {
    fn state(self, state: ConnState) -> Self {
        Self { state, ..self }
    }

    fn open(self) -> Self {
        Self { open: true, ..self }
    }
}

const GREETING: &[u8] = b"220 mx\r\n";
const EHLO: &[u8] = b"EHLO a\r\n";

fn rows() -> Vec<Row> {
    let spoken = |more: &[Seg]| {
        let said = [data(Server, 0, 0, GREETING).at(50), data(Client, 0, 8, EHLO).at(70)];
        established(&[&said, more].concat())
    };
    let both = [EHLO, GREETING];
    vec![
        row(
            "half-closed: the client has finished, the server goes on speaking",
            spoken(&[
                seg(Client, FIN_ACK, 8, 8).at(71),
                seg(Server, ACK, 8, 9).at(80),
                data(Server, 8, 9, b"250 mx\r\n").at(5000),
                seg(Client, ACK, 9, 16).at(5010),
                seg(Server, FIN_ACK, 16, 9).at(5020),
                seg(Client, ACK, 9, 17).at(5030),
            ]),
            [EHLO, b"220 mx\r\n250 mx\r\n"],
            Some((Fin, Originator)),
        ),
        row(
            "half-closed until the file ends",
            spoken(&[seg(Client, FIN_ACK, 8, 8).at(71), seg(Server, ACK, 8, 9).at(80)]),
            both,
            Some((Fin, Originator)),
        )
        .state(ConnState::S2)
        .open(),
        row(
            "half-open: the server forgot the connection and answers with a reset",
            spoken(&[
                seg(Server, ACK, 8, 8).at(80),
                data(Client, 8, 8, b"NOOP\r\n").at(100_000),
                seg(Server, RST, 8, 0).at(100_010),
            ]),
            [b"EHLO a\r\nNOOP\r\n", GREETING],
            Some((Rst, Responder)),
        )
        .state(ConnState::Rstr),
        row(
            "half-open: a SYN was never answered",
            vec![seg(Client, SYN, -1, 0), seg(Client, SYN, -1, 0).at(1000), seg(Client, SYN, -1, 0).at(3000)],
            [b"", b""],
            None,
        )
        .state(ConnState::S0)
        .open(),
        row(
            "simultaneous close: both FINs cross",
            spoken(&[
                seg(Server, ACK, 8, 8).at(80),
                seg(Client, FIN_ACK, 8, 8).at(100),
                seg(Server, FIN_ACK, 8, 8).at(101),
                seg(Client, ACK, 9, 9).at(120),
                seg(Server, ACK, 9, 9).at(121),
            ]),
            both,
            Some((Fin, Originator)),
        ),
        row(
            "simultaneous open: both SYNs cross (RFC 9293 section 3.5)",
            vec![
                seg(Client, SYN, -1, 0),
                seg(Server, SYN, -1, 0).at(1),
                seg(Client, SYN_ACK, -1, 0).at(20),
                seg(Server, SYN_ACK, -1, 0).at(21),
                data(Server, 0, 0, GREETING).at(50),
                data(Client, 0, 8, EHLO).at(70),
                seg(Server, FIN_ACK, 8, 8).at(80),
                seg(Client, FIN_ACK, 8, 9).at(90),
                seg(Server, ACK, 9, 9).at(95),
            ],
            both,
            Some((Fin, Responder)),
        ),
        row(
            "zero window: probes of one octet, then it opens",
            spoken(&[
                seg(Server, ACK, 8, 8).at(80),
                data(Client, 8, 8, b"N").at(1000),
                seg(Server, ACK, 8, 8).at(1001),
                data(Client, 8, 8, b"N").at(3000),
                seg(Server, ACK, 8, 9).at(3001),
                data(Client, 9, 8, b"OOP\r\n").at(3010),
                seg(Server, ACK, 8, 14).at(3020),
            ]),
            [b"EHLO a\r\nNOOP\r\n", GREETING],
            None,
        )
        .state(ConnState::S1)
        .open(),
        row(
            "keep-alives with an octet of rubbish and without",
            spoken(&[
                seg(Server, ACK, 8, 8).at(80),
                data(Client, 7, 8, b"\0").at(10_000),
                seg(Server, ACK, 8, 8).at(10_001),
                seg(Client, ACK, 7, 8).at(20_000),
                seg(Server, ACK, 8, 8).at(20_001),
            ]),
            both,
            None,
        )
        .state(ConnState::S1)
        .open(),
        row(
            "octets on the SYN, sent again behind the handshake by a client whose server left them",
            vec![
                Seg { payload: EHLO, ..seg(Client, SYN, -1, 0) },
                seg(Server, SYN_ACK, -1, 0).at(20),
                data(Client, 0, 0, EHLO).at(40),
                data(Server, 0, 8, GREETING).at(50),
            ],
            both,
            None,
        )
        .state(ConnState::S1)
        .open(),
        row(
            "a super-segment and the acknowledgments of its parts",
            spoken(&[
                data(Client, 8, 8, &[b'x'; 8000]).at(100),
                seg(Server, ACK, 8, 1468).at(110),
                seg(Server, ACK, 8, 8008).at(120),
            ]),
            [BIG, GREETING],
            None,
        )
        .state(ConnState::S1)
        .open(),
        row(
            "a reset without ACK at the next octet",
            spoken(&[seg(Server, ACK, 8, 8).at(80), seg(Client, RST, 8, 0).at(100)]),
            both,
            Some((Rst, Originator)),
        )
        .state(ConnState::Rsto),
        row(
            "a reset with ACK",
            spoken(&[seg(Server, ACK, 8, 8).at(80), seg(Client, RST_ACK, 8, 8).at(100)]),
            both,
            Some((Rst, Originator)),
        )
        .state(ConnState::Rsto),
        row(
            "a reset with words, which are no part of the stream",
            spoken(&[
                seg(Server, ACK, 8, 8).at(80),
                Seg { payload: b"go away", ..seg(Client, RST_ACK, 8, 8).at(100) },
            ]),
            both,
            Some((Rst, Originator)),
        )
        .state(ConnState::Rsto),
        row(
            "a reset with FIN is a reset",
            spoken(&[seg(Server, ACK, 8, 8).at(80), seg(Client, Flags::from_bits(0x15), 8, 8).at(100)]),
            both,
            Some((Rst, Originator)),
        )
        .state(ConnState::Rsto),
        row(
            "a reset behind the FIN of the same end is aftermath",
            spoken(&[
                seg(Client, FIN_ACK, 8, 8).at(100),
                data(Server, 8, 9, b"250 mx\r\n").at(110),
                seg(Client, RST, 9, 0).at(120),
            ]),
            [EHLO, b"220 mx\r\n250 mx\r\n"],
            Some((Fin, Originator)),
        )
        .state(ConnState::Rsto),
        row(
            "one direction is missing",
            vec![
                seg(Client, SYN, -1, 0),
                seg(Client, ACK, 0, 0).at(30),
                data(Client, 0, 8, EHLO).at(70),
                data(Client, 8, 16, b"QUIT\r\n").at(90),
                seg(Client, FIN_ACK, 14, 25).at(110),
            ],
            [b"EHLO a\r\nQUIT\r\n", b""],
            Some((Fin, Originator)),
        )
        .state(ConnState::Sh)
        .open(),
    ]
}

const BIG: &[u8] = {
    const fn big() -> [u8; 8008] {
        let mut octets = [b'x'; 8008];
        let mut place = 0;
        while place < EHLO.len() {
            octets[place] = EHLO[place];
            place += 1;
        }
        octets
    }
    &big()
};

#[test]
fn every_shape_is_read_as_what_it_is() {
    for row in rows() {
        let (flow, heard) = play(&row.segments);
        let what = row.what;
        assert_eq!([heard.octets.originator, heard.octets.responder], row.octets, "{what}");
        let close = flow.closes.effective.map(|close| (close.kind, close.by));
        assert_eq!(close, row.close, "{what}");
        assert_eq!((flow.conn_state, flow.open_at_end), (row.state, row.open), "{what}");
        assert_eq!(flow.endpoints.originator, CLIENT, "{what}");
        let differing =
            flow.streams.originator.differing_overlaps + flow.streams.responder.differing_overlaps;
        assert_eq!(differing, 0, "{what}");
    }
}

#[test]
fn what_the_capture_lost_is_told_from_what_the_path_lost() {
    // The server acknowledged octets that the file does not hold: it had them, the capture lost them.
    let (flow, heard) = play(&established(&[
        data(Client, 0, 0, EHLO).at(50),
        data(Client, 16, 0, b"there\r\n").at(60),
        seg(Server, ACK, 0, 23).at(70),
        seg(Server, ACK, 0, 23).at(9000),
    ]));
    assert_eq!(heard.gaps, [(Originator, 8, 8, Loss::Capture)]);
    assert_eq!(flow.streams.originator.missed_octets, 8);
    // It asks for them until the end: the path lost them.
    let (_, heard) = play(&established(&[
        data(Client, 0, 0, EHLO).at(50),
        data(Client, 16, 0, b"there\r\n").at(60),
        seg(Server, ACK, 0, 8).at(70),
        seg(Server, ACK, 0, 8).at(9000),
    ]));
    assert_eq!(heard.gaps, [(Originator, 8, 8, Loss::Unacknowledged)]);
    // What the path lost and was sent again is whole.
    let (flow, heard) = play(&established(&[
        data(Client, 0, 0, EHLO).at(50),
        data(Client, 16, 0, b"there\r\n").at(60),
        seg(Server, ACK, 0, 8).at(70),
        data(Client, 8, 0, b"lost one").at(300),
        seg(Server, ACK, 0, 23).at(310),
    ]));
    assert!(heard.gaps.is_empty());
    assert_eq!((heard.octets.originator.len(), flow.streams.originator.missed_octets), (23, 0));
}

#[test]
fn a_step_of_the_clock_changes_no_octet_and_no_close() {
    for step in [-3_600_000, -90_000, -1000, 1000, 3_000_000] {
        let mut segments = dialogue();
        for segment in segments.iter_mut().skip(7) {
            segment.millis += step;
        }
        let (flow, heard) = play(&segments);
        assert_eq!(heard.octets.originator, CLIENT_OCTETS, "{step} ms");
        assert_eq!(heard.octets.responder, SERVER_OCTETS, "{step} ms");
        let closes = [(Fin, Responder, Effect::Effective), (Fin, Originator, Effect::Effective)];
        assert_eq!(effects(&flow), closes, "{step} ms");
    }
}

#[test]
fn octets_that_a_receiver_drops_for_their_checksum_give_way_to_those_sent_again() {
    let play = |first: Checksum, damaged: Checksum| {
        let mut bench = Bench::new();
        bench.play(&handshake());
        bench.checksum = first;
        bench.push(data(Client, 0, 0, EHLO).at(50));
        bench.checksum = damaged;
        bench.push(data(Client, 8, 0, b"MAIX FROM:<a@b>\r\n").at(60));
        bench.checksum = first;
        bench.push(data(Client, 8, 0, b"MAIL FROM:<a@b>\r\n").at(400));
        bench.push(seg(Server, ACK, 0, 25).at(410));
        let (flow, heard) = bench.finish_one();
        let text = String::from_utf8(heard.octets.originator[8..].to_vec()).unwrap();
        (text, flow.streams.originator.differing_overlaps, flow.streams.originator.retransmitted)
    };
    let mail = |text: &str, differing| (text.to_owned(), differing, 1);
    assert_eq!(play(Checksum::Good, Checksum::Bad), mail("MAIL FROM:<a@b>\r\n", 0));
    // Nothing is wrong with either: the receiver has the first.
    assert_eq!(play(Checksum::Good, Checksum::Good), mail("MAIX FROM:<a@b>\r\n", 1));
    // A host that leaves its checksums to the network card has none that are right.
    assert_eq!(play(Checksum::Bad, Checksum::Bad), mail("MAIX FROM:<a@b>\r\n", 1));
}
