//! What an outside capture may hold besides, and a device is not to blame for.

use crate::frames::{Frame, IP, RST, read};
use crate::{case, found, further_out, outcome, with_outside};

const SYN: u8 = 0x02;
const FIN_ACK: u8 = 0x11;
/// Places of the numbers in the TCP header.
const SEQ: usize = 4;
const ACK: usize = 8;

fn add(frame: &mut Frame, place: usize, more: u32) {
    let place = frame.tcp() + place;
    let number = u32::from_be_bytes(frame.octets[place..place + 4].try_into().unwrap());
    frame.octets[place..place + 4].copy_from_slice(&number.wrapping_add(more).to_be_bytes());
}

fn sealed(frames: Vec<Frame>) -> Vec<Frame> {
    frames.into_iter().map(Frame::sealed).collect()
}

/// The same dialogue a minute earlier between the same ports, with numbers of its own.
fn earlier(frames: &[Frame]) -> Vec<Frame> {
    let mut before = frames.to_vec();
    for frame in &mut before {
        frame.micros -= 60_000_000;
        let syn = frame.flags() & SYN != 0;
        add(frame, SEQ, 0x3456_789a);
        if !(syn && frame.to_port_25()) {
            add(frame, ACK, 0x3456_789a);
        }
    }
    sealed(before)
}

#[test]
fn an_earlier_connection_between_the_same_ports_is_another_one() {
    let frames = read(&case("rst-in-body").join("wire.pcap"));
    let out = further_out(&frames);
    let same = found(&["same_on_both_sides"], "sender_reset named");
    let before = earlier(&out[..out.len() - 1]);
    // Whole, only its end, and a SYN that got no answer.
    for part in [&before[..], &before[before.len() / 2..], &before[..1]] {
        let both: Vec<Frame> = part.iter().chain(&out).cloned().collect();
        assert_eq!(outcome(&with_outside("rst-in-body", &both)), same, "{} frames", part.len());
    }
}

#[test]
fn a_later_connection_between_the_same_ports_is_another_one() {
    let frames = read(&case("rst-in-body").join("wire.pcap"));
    let out = further_out(&frames);
    let mut both = earlier(&out[..out.len() - 1]);
    for frame in &mut both {
        frame.micros += 120_000_000;
    }
    both.splice(..0, out);
    assert_eq!(
        outcome(&with_outside("rst-in-body", &both)),
        found(&["same_on_both_sides"], "sender_reset named")
    );
}

#[test]
fn an_earlier_connection_is_another_one_where_a_firewall_renumbers() {
    let frames = read(&case("rst-in-body").join("wire.pcap"));
    let out = further_out(&frames);
    let before = earlier(&out[..out.len() - 1]);
    let mut renumbered = out.clone();
    for frame in &mut renumbered {
        let place = if frame.to_port_25() { SEQ } else { ACK };
        add(frame, place, 0xfeed_0000);
    }
    let both: Vec<Frame> = before.into_iter().chain(sealed(renumbered)).collect();
    let (names, cause) = outcome(&with_outside("rst-in-body", &both));
    assert!(names.is_empty() && !cause.starts_with("middlebox"), "{names:?} {cause}");
}

#[test]
fn a_reset_in_the_place_of_the_senders_own_fin_ended_nothing() {
    let frames = read(&case("rst-in-body").join("wire.pcap"));
    let mut out = further_out(&frames);
    let reset = out.iter().position(|frame| frame.flags() & RST != 0).unwrap();
    let tcp = out[reset].tcp();
    out[reset].octets[tcp + 13] = FIN_ACK;
    let (names, cause) = outcome(&with_outside("rst-in-body", &sealed(out)));
    assert!(names.is_empty() && !cause.starts_with("middlebox"), "{names:?} {cause}");
}

/// The sender's side of a proxy whose packets are its own.
fn proxied(frames: &[Frame]) -> Vec<Frame> {
    let mut out = further_out(frames);
    let last = out.len() - 1;
    for (place, frame) in (0u16..).zip(&mut out[..last]) {
        let syn = frame.flags() & SYN != 0;
        add(frame, SEQ, 0x2222_0000);
        if !(syn && frame.to_port_25()) {
            add(frame, ACK, 0x2222_0000);
        }
        frame.octets[IP + 4..IP + 6].copy_from_slice(&(40_000 + place * 7).to_be_bytes());
        // The timestamps option stands at the end of a SYN's options or behind two NOPs: its kind is 8, its length 10.
        let (begin, end) = (frame.tcp() + 20, frame.payload().start);
        let option = frame.octets[begin..end].windows(2).position(|two| two == [8, 10]);
        if let Some(option) = option {
            let stamp = begin + option - frame.tcp() + 2;
            add(frame, stamp, 900 + u32::from(place * place));
        }
    }
    sealed(out)
}

/// The last reply before the sender fell silent, and all that it acknowledged of it, are not outside.
fn without_the_last_reply(mut out: Vec<Frame>) -> Vec<Frame> {
    let word = out.iter().rposition(|frame| frame.to_port_25() && !frame.payload().is_empty()).unwrap();
    let last = out.pop().unwrap();
    out.truncate(word + 2);
    out.push(last);
    out
}

#[test]
fn a_reply_that_the_proxy_kept_leaves_the_sender_waiting() {
    let frames = read(&case("silence-after-data").join("wire.pcap"));
    let out = proxied(&frames);
    let (names, cause) = outcome(&with_outside("silence-after-data", &out));
    assert_eq!(cause, "sender_stalled named", "{names:?}");
    let (names, cause) = outcome(&with_outside("silence-after-data", &without_the_last_reply(out)));
    assert_eq!(names.last().map(String::as_str), Some("kept_by_the_proxy"), "{names:?}");
    assert_eq!(cause, "middlebox_proxy named");
}

#[test]
fn a_sender_that_heard_no_reply_is_not_shown_to_have_stalled() {
    // Too few packets to know a proxy by.
    let out = proxied(&read(&case("silence-after-mail").join("wire.pcap")));
    let (names, _) = outcome(&with_outside("silence-after-mail", &without_the_last_reply(out)));
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn an_appliance_that_closes_by_itself_is_not_a_sender_that_stalled() {
    let name = "appliance-kills-connection";
    let out = further_out(&read(&case(name).join("wire.pcap")));
    let (names, cause) = outcome(&with_outside(name, &out));
    assert!(names.is_empty() && cause.starts_with("appliance"), "{names:?} {cause}");
}

#[test]
fn a_device_beyond_the_outside_capture_leaves_the_same_on_both_sides() {
    for (name, cause) in [
        ("rst-forged-sender-goes-on", "middlebox_reset named"),
        ("silent-drop-of-the-answers", "path_lost_data likely"),
    ] {
        let out = further_out(&read(&case(name).join("wire.pcap")));
        assert_eq!(outcome(&with_outside(name, &out)).1, cause, "{name}");
    }
}
