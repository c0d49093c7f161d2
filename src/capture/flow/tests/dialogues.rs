//! Whole connections, and what of them a file may lack.

use super::*;

#[test]
fn a_whole_connection_is_told_as_it_was() {
    let (flow, heard) = play(&dialogue());
    assert_eq!(heard.octets.originator, CLIENT_OCTETS);
    assert_eq!(heard.octets.responder, SERVER_OCTETS);
    assert_eq!(heard.ends, Pair { originator: Some(46), responder: Some(41) });
    assert!(heard.gaps.is_empty());
    assert_eq!(flow.endpoints, Pair { originator: CLIENT, responder: SERVER });
    assert_eq!(flow.originator_from, OriginatorFrom::Handshake);
    assert_eq!((flow.conn_state, flow.history.as_str()), (ConnState::SF, "ShAdDafF"));
    assert_eq!(effects(&flow), [(Fin, Responder, Effect::Effective), (Fin, Originator, Effect::Effective)]);
    assert!(!flow.open_at_end);
    assert_eq!(flow.segments, 15);
    let client = &flow.streams.originator;
    assert_eq!((client.octets, client.end, client.acknowledged, client.segments), (46, 46, 46, 7));
    assert_eq!(client.window, 8192);
    // "acknowledged" is that of the segment that brought the octets.
    assert!(heard.acknowledged.contains(&(Originator, 8, 16)));
    let trace = flow.trace.unwrap();
    assert_eq!(trace.recent.len(), 12);
    assert_eq!(trace.after_close.len(), 3);
    assert_eq!(trace.handshake.responder.as_ref().unwrap().isn, u32::MAX - 3);
    assert_eq!(Vec::from(trace.recent_acks.originator.clone()).len(), 5);
}

#[test]
fn the_syn_may_come_after_the_syn_ack() {
    let mut segments = dialogue();
    segments.swap(0, 1);
    let (flow, heard) = play(&segments);
    assert_eq!(flow.endpoints.originator, CLIENT);
    assert_eq!(flow.originator_from, OriginatorFrom::Handshake);
    assert_eq!(heard.octets.originator, CLIENT_OCTETS);
}

#[test]
fn without_a_handshake_the_first_segment_names_the_originator_and_nothing_is_lost() {
    let segments = &dialogue()[5..];
    let (flow, heard) = play(segments);
    assert_eq!(flow.endpoints.originator, SERVER);
    assert_eq!(flow.originator_from, OriginatorFrom::FirstSegment);
    assert_eq!(heard.octets.originator, &SERVER_OCTETS[8..]);
    assert_eq!(heard.octets.responder, &CLIENT_OCTETS[8..]);
    assert!(heard.gaps.is_empty());
    assert_eq!(flow.conn_state, ConnState::SF);
}

#[test]
fn a_file_that_begins_in_mid_flow_keeps_its_first_segments_in_any_order() {
    let segments = [
        data(Client, 200, 50, b"second"),
        seg(Server, ACK, 50, 190),
        data(Client, 194, 50, b"first."),
        data(Client, 206, 50, b" third"),
    ];
    let (_, heard) = play(&segments);
    assert_eq!(heard.octets.originator, b"first.second third");
    assert!(heard.gaps.is_empty(), "what was under way before the file began is not missing");
}

#[test]
fn octets_lost_between_a_captured_syn_and_the_first_segment_are_a_gap() {
    let (_, heard) =
        play(&[seg(Client, SYN, -1, 0), seg(Client, ACK, 0, 0), data(Server, 8, 0, b"250 mx\r\n")]);
    assert_eq!(heard.gaps, [(Responder, 0, 8, Loss::Unacknowledged)]);
    assert_eq!(heard.octets.responder, b"250 mx\r\n");
}

#[test]
fn keep_alives_are_no_data() {
    let (flow, heard) = play(&established(&[
        data(Server, 0, 0, b"220 mx\r\n"),
        seg(Client, ACK, 0, 8),
        data(Server, 7, 0, b"\0").at(70_000),
        seg(Client, ACK, 0, 8).at(70_001),
        seg(Server, ACK, 7, 0).at(140_000),
    ]));
    assert_eq!(heard.octets.responder, b"220 mx\r\n");
    assert_eq!((flow.streams.responder.retransmitted, flow.history.as_str()), (0, "ShAda"));
    assert_eq!(flow.streams.responder.differing_overlaps, 0);
}

#[test]
fn data_on_the_syn_and_on_the_fin_is_heard() {
    let mut syn = seg(Client, SYN, -1, 0);
    syn.payload = b"EHLO a\r\n";
    let mut fin = seg(Client, FIN_ACK, 8, 0);
    fin.payload = b"QUIT\r\n";
    let (flow, heard) = play(&[syn, seg(Server, SYN_ACK, -1, 8), fin, seg(Server, ACK, 0, 15)]);
    assert_eq!(heard.octets.originator, b"EHLO a\r\nQUIT\r\n");
    assert_eq!(heard.ends.originator, Some(14));
    assert_eq!(flow.closes.effective.unwrap().offset, 14);
}

#[test]
fn a_conversation_may_ask_for_headers_only() {
    let mut bench = Bench::new();
    bench.sink.only = Some(4);
    bench.play(&dialogue());
    let (flow, heard) = bench.finish_one();
    assert_eq!(heard.octets.responder, b"220 mx\r\n");
    assert!(heard.octets.originator.is_empty());
    assert_eq!(flow.conn_state, ConnState::SF);
    assert_eq!(effects(&flow), [(Fin, Responder, Effect::Effective), (Fin, Originator, Effect::Effective)]);
    assert_eq!((flow.streams.originator.octets, flow.streams.responder.octets), (46, 41));
}

#[test]
fn window_scaling_needs_both_ends() {
    for (client, server, window) in
        [(Some(7), Some(2), 8192 << 7), (Some(7), None, 8192), (None, Some(2), 8192)]
    {
        let mut bench = Bench::new();
        let [syn, syn_ack, ack] = handshake()[..] else { panic!("three segments") };
        bench.options = TcpOptions { window_scale: client, mss: Some(1460), ..TcpOptions::default() };
        bench.push(syn);
        bench.options = TcpOptions { window_scale: server, ..TcpOptions::default() };
        bench.push(syn_ack);
        bench.push(ack);
        let (flow, _) = bench.finish_one();
        assert_eq!(flow.streams.originator.window, window);
        assert_eq!((flow.streams.originator.mss, flow.streams.responder.mss), (Some(1460), None));
    }
}

#[test]
fn an_acknowledgment_from_nowhere_does_not_invent_octets() {
    let (flow, heard) = play(&established(&[
        data(Client, 0, 0, b"EHLO a\r\n"),
        // Damaged or forged.
        seg(Server, ACK, 0, 900_000_000),
        seg(Server, ACK, 0, 8),
    ]));
    assert!(heard.gaps.is_empty());
    assert_eq!(flow.streams.originator.acknowledged, 8);
}
