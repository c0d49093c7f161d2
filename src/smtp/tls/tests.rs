use super::darkness::Piece;
use super::records::HEADER;
use super::*;
use crate::cite::{CaptureId, FrameRef};
use crate::time::Timestamp;

fn moment(frame: u32) -> Moment {
    Moment { time: Timestamp::from_nanos(i64::from(frame)), frame: FrameRef { capture: CaptureId(0), frame } }
}

fn record(content_type: u8, length: u16) -> Vec<u8> {
    let mut octets = vec![content_type, 3, 3];
    octets.extend_from_slice(&length.to_be_bytes());
    octets.resize(HEADER + usize::from(length), 0xaa);
    octets
}

/// Gives octets of a stream whose place does not matter.
fn read(dark: &mut Darkness, by: Role, octets: &[u8], at: Moment) {
    dark.read(by, Piece { octets, end: octets.len() as u64, at, acknowledged: 0 });
}

#[test]
fn records_are_told_apart_however_they_are_cut() {
    let stream = [record(HANDSHAKE, 7), record(APPLICATION_DATA, 23), record(ALERT, 19)].concat();
    for size in 1..stream.len() {
        let mut dark = Darkness::new(EncryptionStart::StartTls);
        for piece in stream.chunks(size) {
            read(&mut dark, Role::Client, piece, moment(1));
        }
        let seen = dark.finish(moment(0));
        let shapes: Vec<_> = seen.records.iter().map(|record| (record.content_type, record.length)).collect();
        assert_eq!(shapes, [(APPLICATION_DATA, 23), (ALERT, 19)]);
        assert_eq!((seen.records_seen, seen.cut_record, seen.not_tls), (3, None, false));
    }
}

#[test]
fn a_cut_record_says_how_much_is_missing() {
    let whole = record(APPLICATION_DATA, 100);
    for kept in 1..whole.len() {
        let mut dark = Darkness::new(EncryptionStart::Implicit);
        read(&mut dark, Role::Client, &whole[..kept], moment(1));
        let missing = if kept < HEADER { HEADER - kept } else { whole.len() - kept };
        assert_eq!(dark.finish(moment(0)).cut_record, Some((Role::Client, missing as u64)));
    }
}

#[test]
fn a_gap_within_a_record_keeps_the_step_and_a_longer_one_is_recovered_from() {
    let mut dark = Darkness::new(EncryptionStart::StartTls);
    read(&mut dark, Role::Client, &record(APPLICATION_DATA, 100)[..25], moment(1));
    dark.gap(Role::Client, 40);
    read(&mut dark, Role::Client, &[0; 40], moment(2));
    assert!(!dark.lost());
    read(&mut dark, Role::Client, &record(APPLICATION_DATA, 50)[..20], moment(3));
    dark.gap(Role::Client, 1000);
    read(&mut dark, Role::Client, &[0x55; 30], moment(4));
    assert!(dark.lost());
    read(&mut dark, Role::Client, &record(APPLICATION_DATA, 30), moment(5));
    assert!(!dark.lost());
    let lengths: Vec<_> = dark.finish(moment(0)).records.iter().map(|record| record.length).collect();
    assert_eq!(lengths, [100, 30]);
}

#[test]
fn plain_text_is_not_tls_and_records_stay_bounded() {
    let mut dark = Darkness::new(EncryptionStart::StartTls);
    read(&mut dark, Role::Server, b"421 no", moment(1));
    assert!(dark.finish(moment(0)).not_tls);
    let mut dark = Darkness::new(EncryptionStart::StartTls);
    for frame in 0..1000 {
        read(&mut dark, Role::Client, &record(APPLICATION_DATA, 1), moment(frame));
        read(&mut dark, Role::Server, &record(APPLICATION_DATA, 2), moment(frame));
    }
    let seen = dark.finish(moment(0));
    assert_eq!(
        (seen.records.len(), seen.records_seen, seen.established),
        (Encryption::MAX_RECORDS, 2000, true)
    );
}

/// A dialogue in TLS 1.3 record by record; `numbers` says what each acknowledges, given what is true:
/// by whom, and how much of the other stream had been sent.
fn acknowledging(numbers: impl Fn(Role, u64) -> u64) -> Encryption {
    let hello = |by| (by, record(HANDSHAKE, 60));
    let finished = |by| (by, [record(CHANGE_CIPHER_SPEC, 1), record(APPLICATION_DATA, 53)].concat());
    let said = |by, length: u16| (by, record(APPLICATION_DATA, length + 17));
    let (client, server) = (Role::Client, Role::Server);
    let course = [
        hello(client),
        hello(server),
        finished(server),
        finished(client),
        said(client, 20),
        said(server, 90),
        said(client, 300),
        said(server, 30),
        said(client, 5000),
        said(client, 5000),
        said(server, 40),
    ];
    let mut dark = Darkness::new(EncryptionStart::StartTls);
    // STARTTLS and its reply came before.
    let mut ends = [10u64, 12];
    for (frame, (by, octets)) in (1..).zip(course) {
        let (mine, other) = if by == client { (0, 1) } else { (1, 0) };
        ends[mine] += octets.len() as u64;
        let acknowledged = numbers(by, ends[other]);
        dark.read(by, Piece { octets: &octets, end: ends[mine], at: moment(frame), acknowledged });
    }
    dark.finish(moment(0))
}

#[test]
fn speeches_are_told_by_numbers_that_can_be_true_and_by_no_others() {
    let shape = |seen: &Encryption| {
        let speeches: Vec<_> = seen.speeches.iter().map(|speech| (speech.by, speech.records)).collect();
        (speeches, seen.long_speeches.len())
    };
    let (client, server) = (Role::Client, Role::Server);
    let told = vec![(client, 1), (server, 1), (client, 1), (server, 1), (client, 2), (server, 1)];
    assert_eq!(shape(&acknowledging(|_, sent| sent)), (told, 1));
    let rows: [(&str, fn(Role, u64) -> u64); 5] = [
        ("all zero", |_, _| 0),
        ("all one", |_, _| 1),
        ("the client's stand still behind STARTTLS", |by, sent| if by == Role::Client { 12 } else { sent }),
        ("the server's stand still", |by, sent| if by == Role::Server { 10 } else { sent }),
        ("far ahead of all that was sent", |_, _| 1_000_000),
    ];
    for (what, numbers) in rows {
        let seen = acknowledging(numbers);
        assert_eq!(shape(&seen), (vec![], 0), "{what}");
        // What does not rest on them stays.
        assert_eq!((seen.records_seen, seen.established, seen.tls13), (13, true, Some(true)), "{what}");
        assert_eq!(seen.records.len(), 9, "{what}");
    }
}

#[test]
fn numbers_that_go_back_and_forth_make_no_speech_longer_than_what_was_said() {
    for step in [1u64, 7, 100] {
        let turn = std::cell::Cell::new(0);
        let seen = acknowledging(|_, sent| {
            turn.set(turn.get() + 1);
            if turn.get() % 2 == 0 { sent } else { sent.saturating_sub(step) }
        });
        let records: u64 = seen.speeches.iter().map(|speech| speech.records).sum();
        assert!(records <= 9, "{step}: {:?}", seen.speeches);
        assert!(seen.speeches.iter().all(|speech| speech.text.least <= 10_000), "{step}");
    }
}

#[test]
fn the_hello_of_the_other_end_need_not_be_in_the_file() {
    // Joined in mid-flow: the client's record may come before anything of the server's.
    let mut dark = Darkness::new(EncryptionStart::StartTls);
    dark.read(
        Role::Client,
        Piece { octets: &record(APPLICATION_DATA, 40), end: 45, at: moment(1), acknowledged: 0 },
    );
    dark.read(
        Role::Server,
        Piece { octets: &record(APPLICATION_DATA, 50), end: 55, at: moment(2), acknowledged: 45 },
    );
    assert_eq!(dark.finish(moment(0)).speeches.len(), 2);
}
