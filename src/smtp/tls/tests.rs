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
