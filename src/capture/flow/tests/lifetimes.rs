//! When flows begin and when they are over.

use super::*;

#[test]
fn the_same_ports_used_again_are_another_flow() {
    let mut bench = Bench::new();
    bench.play(&dialogue());
    bench.isns = [77_000_000, 5];
    let later = |mut seg: Seg| {
        seg.millis += 1000;
        seg
    };
    let again: Vec<Seg> = dialogue().into_iter().map(later).collect();
    bench.play(&again);
    let flows = bench.finish();
    assert_eq!(flows.len(), 2);
    assert!(flows.iter().all(|(_, heard)| heard.octets.originator == CLIENT_OCTETS));
    assert_eq!(flows[1].0.first.frame.frame, 16);
}

#[test]
fn a_syn_far_away_begins_a_new_flow_without_any_close() {
    let mut bench = Bench::new();
    bench.play(&established(&[data(Server, 0, 0, b"220 mx\r\n")]));
    bench.isns = [2_000_000_000, 5];
    bench.play(&handshake());
    let flows = bench.finish();
    assert_eq!(flows.len(), 2);
    assert!(flows[0].0.open_at_end);
    // One nearby is astray or forged.
    let mut bench = Bench::new();
    bench.play(&established(&[data(Server, 0, 0, b"220 mx\r\n")]));
    bench.push(seg(Client, SYN, 500, 0));
    bench.play(&[data(Client, 0, 8, b"QUIT\r\n")]);
    let (_, heard) = bench.finish_one();
    assert_eq!(heard.octets.originator, b"QUIT\r\n");
}

#[test]
fn the_aftermath_belongs_to_its_flow_and_stragglers_to_none() {
    let mut bench = Bench::new();
    bench.play(&dialogue());
    bench.push(seg(Server, RST, 42, 0).at(3000));
    // Another connection lets time pass.
    bench.client_port = 50_000;
    bench.play(&[seg(Client, SYN, -1, 0).at(20_000), seg(Client, SYN, -1, 0).at(20_001)]);
    assert_eq!(bench.sink.closed.len(), 1);
    assert_eq!(bench.sink.closed[0].0.closes.all.len(), 3);
    bench.client_port = CLIENT.port;
    bench.push(seg(Server, RST, 42, 0).at(30_000));
    bench.push(data(Server, 32, 46, b"221 bye\r\n").at(31_000));
    assert_eq!(bench.table.open_flows(), 1);
    assert!(bench.notes.iter().any(|note| note.text.contains("stragglers") && note.count == 2));
    assert_eq!(bench.finish().len(), 2);
}

#[test]
fn silent_flows_are_given_up_and_others_live_on() {
    let mut bench = Bench::new();
    bench.play(&handshake());
    bench.client_port = 50_000;
    bench.push(seg(Client, SYN, -1, 0).at(30));
    bench.client_port = 50_001;
    bench.play(&handshake());
    let minute = 60_000;
    for number in 1..=70 {
        bench.push(seg(Client, ACK, 0, 0).at(number * minute));
        match number {
            ..=5 => assert_eq!(bench.sink.closed.len(), 0),
            7..=59 => assert_eq!(bench.sink.closed.len(), 1, "the unanswered SYN"),
            62.. => assert_eq!(bench.sink.closed.len(), 2),
            _ => {}
        }
    }
    let flows = bench.finish();
    assert!(flows.iter().all(|(flow, _)| flow.open_at_end));
    assert_eq!(flows[1].0.watched_until, Timestamp::default().plus(Span::from_seconds(3660)));
    assert_eq!(flows.len(), 3);
}

#[test]
fn one_mad_time_does_not_end_all_flows() {
    let mut bench = Bench::new();
    bench.play(&handshake());
    bench.client_port = 50_000;
    bench.push(seg(Client, SYN, -1, 0).at(4_000_000_000_000));
    bench.client_port = CLIENT.port;
    bench.play(&[data(Server, 0, 0, b"220 mx\r\n").at(100), data(Client, 0, 8, b"QUIT\r\n").at(120)]);
    assert!(bench.sink.closed.is_empty());
    assert_eq!(bench.finish().len(), 2);
}

#[test]
fn time_may_step_back_as_in_captures_put_together() {
    let mut bench = Bench::new();
    let day = 86_400_000;
    let shifted: Vec<Seg> = dialogue().into_iter().map(|seg| seg.at(seg.millis + day)).collect();
    bench.play(&shifted);
    bench.client_port = 50_000;
    bench.play(&dialogue());
    let flows = bench.finish();
    assert_eq!(flows.len(), 2);
    assert!(flows.iter().all(|(_, heard)| heard.octets.originator == CLIENT_OCTETS));
}

#[test]
fn flows_left_at_the_end_come_in_the_order_of_their_first_segments() {
    let mut bench = Bench::new();
    for port in [50_003, 50_001, 50_002, 50_000] {
        bench.client_port = port;
        bench.push(seg(Client, SYN, -1, 0).at(port.into()));
    }
    let ports: Vec<u16> = bench.finish().iter().map(|(flow, _)| flow.endpoints.originator.port).collect();
    assert_eq!(ports, [50_003, 50_001, 50_002, 50_000]);
}

#[test]
fn the_number_of_open_flows_is_bounded() {
    let mut bench = Bench::new();
    bench.table = FlowTable::with_limit(true, 100);
    for number in 0..1000u16 {
        bench.client_port = 20_000 + number;
        bench.push(seg(Client, SYN, -1, 0).at(number.into()));
        assert!(bench.table.open_flows() <= 100);
    }
    assert_eq!(bench.finish().len(), 1000);
}
