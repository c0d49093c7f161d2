use super::*;
use proptest::prelude::*;

const STAMP: &str = "Thu Aug 14 13:08:49 2014 Info: ";

/// Gives at most `step` octets a time, to find what depends on where a read ends.
struct Dribble<'a> {
    rest: &'a [u8],
    step: usize,
}

impl Read for Dribble<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.step.min(out.len()).min(self.rest.len());
        out[..count].copy_from_slice(&self.rest[..count]);
        self.rest = &self.rest[count..];
        Ok(count)
    }
}

fn read_by(log: &[u8], step: usize) -> (Vec<(u32, Vec<u8>)>, Notes) {
    let mut records = Records::new(Dribble { rest: log, step });
    let mut all = Vec::new();
    while let Some(record) = records.next() {
        all.push((record.line, record.text.to_vec()));
    }
    assert_eq!(records.bytes(), log.len() as u64);
    (all, records.into_notes())
}

fn texts(log: &str) -> Vec<(u32, String)> {
    let (all, _) = read_by(log.as_bytes(), 7);
    all.into_iter().map(|(line, text)| (line, String::from_utf8(text).unwrap())).collect()
}

#[test]
fn a_line_without_a_stamp_continues_the_record_before_it() {
    let log = format!(
        "{STAMP}New SMTP ICID 3 interface Management\n(192.0.2.25) address 198.51.100.7  \r\n{STAMP}ICID 3 close \r\n"
    );
    assert_eq!(
        texts(&log),
        [
            (1, "New SMTP ICID 3 interface Management (192.0.2.25) address 198.51.100.7".to_owned()),
            (3, "ICID 3 close".to_owned()),
        ]
    );
}

#[test]
fn blank_lines_and_group_separators_end_a_record() {
    let log = format!("ticket 5\n\n{STAMP}ICID 3 lost\n\n\nwith regards\n--\n{STAMP}ICID 3 close");
    assert_eq!(texts(&log), [(3, "ICID 3 lost".to_owned()), (8, "ICID 3 close".to_owned())]);
    let (_, notes) = read_by(log.as_bytes(), 1000);
    let note = notes.iter().next().unwrap();
    assert_eq!((note.count, note.first), (2, Some(Place::Line(1))));
}

#[test]
fn a_byte_order_mark_and_nul_octets_are_tolerated() {
    let log = format!("\u{feff}{STAMP}ICID 3 lost\n{STAMP}MID 4 Subject 'a\0b\u{fffd}'\n");
    assert_eq!(texts(&log), [(1, "ICID 3 lost".to_owned()), (2, "MID 4 Subject 'a\0b\u{fffd}'".to_owned())]);
}

#[test]
fn long_lines_are_cut_and_the_next_record_is_whole() {
    let long = "x".repeat(5 * BUFFER);
    let log =
        format!("{STAMP}{long}\n{STAMP}ICID 3 close\n{long}{STAMP}\n{STAMP}ICID 4 close\n{STAMP}{long}");
    for step in [999, 70_000, usize::MAX] {
        let (all, notes) = read_by(log.as_bytes(), step);
        let lengths: Vec<_> = all.iter().map(|(line, text)| (*line, text.len())).collect();
        let cut = MAX_RECORD - STAMP.len();
        assert_eq!(lengths, [(1, cut), (2, "ICID 3 close".len()), (4, "ICID 4 close".len()), (5, cut)]);
        assert!(notes.iter().any(|note| note.count == 3), "{notes:?}");
    }
}

#[test]
fn a_record_is_bounded_in_lines() {
    let log = format!("{STAMP}MID 4 Subject 'a\n{}{STAMP}ICID 3 close\n", "more\n".repeat(1000));
    let (all, notes) = read_by(log.as_bytes(), 4096);
    assert_eq!(all[0].1.len(), "MID 4 Subject 'a".len() + (MAX_JOINED - 1) * " more".len());
    assert_eq!(all[1], (1002, b"ICID 3 close".to_vec()));
    assert_eq!(notes.iter().next().unwrap().count, 1000 - (MAX_JOINED as u64 - 1));
}

#[test]
fn an_error_is_a_loss_after_what_was_read() {
    struct Broken(bool);
    impl Read for Broken {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            let line = format!("{STAMP}ICID 3 close\nThu");
            out[..line.len()].copy_from_slice(line.as_bytes());
            Ok(line.len())
        }
    }
    let mut records = Records::new(Broken(false));
    assert_eq!(records.next().unwrap().text, b"ICID 3 close Thu");
    assert!(records.next().is_none());
    let notes = records.into_notes();
    assert!(notes.any_loss());
    assert_eq!(notes.iter().next().unwrap().first, Some(Place::Offset(47)));
}

proptest! {
    /// What is read does not depend on how the octets come.
    #[test]
    fn reads_of_any_size_give_the_same_records(
        pieces in proptest::collection::vec(prop_oneof![
            Just(STAMP.to_owned()), Just("\n".to_owned()), Just("\r\n".to_owned()), Just(" ".to_owned()),
            Just("--".to_owned()), "[a-z<>:]{0,12}", Just("x".repeat(MAX_RECORD / 2)),
        ], 0..60),
        step in 1_usize..5000,
    ) {
        let log = pieces.concat();
        let (at_once, notes) = read_by(log.as_bytes(), usize::MAX);
        let (by_steps, stepped_notes) = read_by(log.as_bytes(), step);
        prop_assert_eq!(at_once, by_steps);
        prop_assert_eq!(notes, stepped_notes);
    }

    #[test]
    fn octets_of_any_kind_do_not_panic(log in proptest::collection::vec(any::<u8>(), 0..3000), step in 1_usize..100) {
        read_by(&log, step);
    }
}
