//! What ended a connection, and what did not.

use super::*;

#[test]
fn a_reset_after_which_only_resets_come_took_effect() {
    let (flow, _) = play(&established(&[
        data(Server, 0, 0, b"220 mx\r\n").at(50),
        seg(Client, RST_ACK, 0, 8).at(100),
        // A forger's victim knows nothing of it and goes on; the appliance is dead to it.
        data(Client, 0, 8, b"EHLO a\r\n").at(300),
        seg(Server, RST, 8, 0).at(300),
        data(Client, 0, 8, b"EHLO a\r\n").at(700),
        seg(Server, RST, 8, 0).at(700),
    ]));
    let effective = flow.closes.effective.unwrap();
    assert_eq!((effective.kind, effective.by, effective.at.frame.frame), (Rst, Originator, 5));
    assert_eq!(effects(&flow)[1..], [(Rst, Responder, Effect::Aftermath); 2]);
}

#[test]
fn a_reset_that_its_receiver_survives_is_ignored() {
    let (flow, heard) = play(&established(&[
        data(Server, 0, 0, b"220 mx\r\n").at(50),
        seg(Client, RST_ACK, 0, 8).at(100),
        data(Client, 0, 8, b"EHLO a\r\n").at(110),
        data(Server, 8, 8, b"250 mx\r\n").at(130),
        data(Client, 8, 16, b"QUIT\r\n").at(2000),
        seg(Server, FIN_ACK, 16, 14).at(2010),
        seg(Client, FIN_ACK, 14, 17).at(2020),
        seg(Server, ACK, 17, 15).at(2030),
    ]));
    assert_eq!(heard.octets.originator, b"EHLO a\r\nQUIT\r\n");
    let Close { kind, by, .. } = flow.closes.effective.unwrap();
    assert_eq!((kind, by), (Fin, Responder));
    assert_eq!(flow.closes.first_seen.unwrap().kind, Rst);
    assert_eq!(effects(&flow)[0], (Rst, Originator, Effect::Ignored));
}

#[test]
fn a_refused_connection_is_one_reset_however_often_it_is_tried() {
    let (flow, _) = play(&[
        seg(Client, SYN, -1, 0).at(0),
        seg(Server, RST_ACK, -1, 0).at(1),
        seg(Client, SYN, -1, 0).at(500),
        seg(Server, RST_ACK, -1, 0).at(501),
    ]);
    assert_eq!(flow.conn_state, ConnState::Rej);
    assert_eq!(flow.closes.effective.map(|close| close.by), Some(Responder));
    assert!(!flow.open_at_end);
}

#[test]
fn a_fin_above_lost_octets_was_not_heard() {
    let (flow, heard) = play(&established(&[
        data(Server, 0, 0, b"220 mx\r\n").at(50),
        seg(Client, FIN_ACK, 8, 8).at(100),
        seg(Server, ACK, 8, 0).at(101),
    ]));
    assert_eq!(heard.gaps, [(Originator, 0, 8, Loss::Unacknowledged)]);
    assert_eq!(effects(&flow), [(Fin, Originator, Effect::AboveHole)]);
    assert_eq!(flow.closes.effective, None);
    assert!(flow.open_at_end);
}

#[test]
fn a_fin_that_never_got_through_ended_nothing() {
    let fin = |millis| seg(Client, FIN_ACK, 0, 8).at(millis);
    let (flow, _) = play(&established(&[
        data(Server, 0, 0, b"220 mx\r\n").at(50),
        fin(100),
        fin(400),
        fin(1000),
        data(Server, 8, 0, b"421 timeout\r\n").at(300_000),
        seg(Server, FIN_ACK, 21, 0).at(300_001),
    ]));
    assert_eq!(effects(&flow), [(Fin, Originator, Effect::AboveHole), (Fin, Responder, Effect::Effective)]);
    let (flow, _) = play(&established(&[data(Server, 0, 0, b"220 mx\r\n").at(50), fin(100)]));
    assert_eq!(effects(&flow), [(Fin, Originator, Effect::Effective)], "the file ends first");
}

#[test]
fn a_syn_ack_after_the_challenge_of_a_dead_connection_begins_the_real_one() {
    let mut bench = Bench::new();
    let asked = seg(Client, SYN, -1, 0);
    // Numbers of the dead connection.
    let challenge = seg(Server, ACK, 500_000_000, 300_000);
    bench.play(&[asked.at(0), challenge.at(30), seg(Client, RST, 300_000, 0).at(31)]);
    let answered: Vec<Seg> = dialogue().into_iter().map(|seg| seg.at(seg.millis + 3000)).collect();
    bench.play(&answered);
    let (flow, heard) = bench.finish_one();
    assert_eq!(heard.octets.responder, SERVER_OCTETS);
    assert_eq!(effects(&flow)[0].2, Effect::Ignored);
    assert_eq!(flow.closes.effective.unwrap().kind, Fin);
}

/// FINs and resets of both ends that kill nothing, in a mix that once made room without end: a first
/// FIN that was displaced came back as the first again.
#[test]
fn the_closes_of_a_flow_are_bounded_whoever_fills_them() {
    let arrivals: [(End, u8, i64, i64); 13] = [
        (Server, 20, 0, 43_420),
        (Server, 20, 0, 0),
        (Server, 102, 0, 0),
        (Server, 100, 2, 0),
        (Client, 174, 1, 0),
        (Server, 52, 0, 0),
        (Server, 116, 0, 0),
        (Server, 108, 0, 0),
        (Client, 115, 0, 0),
        (Server, 88, 0, 1001),
        (Server, 52, 0, 13_421),
        (Client, 41, 0, 0),
        (Server, 121, 0, 0),
    ];
    let mut bench = Bench::new();
    for (from, flags, seq, millis) in arrivals {
        bench.push(seg(from, Flags::from_bits(flags), seq, 0).at(millis));
    }
    for (flow, _) in bench.finish() {
        assert!(flow.closes.all.len() <= Closes::MOST, "{:#?}", flow.closes);
        assert!(flow.closes.all.is_sorted_by_key(|close| close.at.frame));
    }
}
