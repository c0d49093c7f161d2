//! Carriers by their octets; whole samples stand in tests/carriers.

use proptest::prelude::*;

use super::*;

const LINE: &str = "Mon Mar  9 10:00:00 2026 Info: ICID 31 close";

fn read(text: &str) -> (String, Notes) {
    let (mut reader, told) = unpacked(Box::new(Cursor::new(text.as_bytes().to_vec())));
    let mut out = String::new();
    reader.read_to_string(&mut out).unwrap();
    (out, told.notes())
}

#[test]
fn plain_text_comes_back_as_it_is() {
    for text in [LINE, "a ticket, with commas\nMon Mar  9 10:00:00 2026 Info: x, y\n", ""] {
        let (out, notes) = read(text);
        assert_eq!(out, text);
        assert!(notes.is_empty());
    }
}

#[test]
fn the_field_is_found_and_lines_keep_their_numbers() {
    let record = |line: &str| format!("{{\"a\":\"x\",\"b\":{{\"message\":\"{line}\"}}}}\n");
    let text = format!("[\n{},{}\n]\n", record(LINE), record("no line of a log"));
    let (out, notes) = read(&text);
    assert_eq!(out, format!("\n{LINE}\n\n\n\n"));
    assert_eq!(notes.iter().count(), 1, "{notes:?}");
}

#[test]
fn a_line_without_a_stamp_gets_that_of_its_record() {
    for (time, stamp) in [
        ("\"2026-03-09T09:00:00.25Z\"", "2026-03-09T09:00:00.25Z"),
        ("\"2026-03-09 10:00:00.000\"", "2026-03-09T10:00:00.000"),
        ("1773046800.5", "2026-03-09T09:00:00.500000Z"),
        ("1773046800000", "2026-03-09T09:00:00.000000Z"),
    ] {
        let text = format!(
            "{{\"timestamp\":{time},\"host\":{{\"name\":\"esa1\"}},\"message\":\"mail_logs: Info: ICID 31 close\"}}\n"
        );
        assert_eq!(read(&text).0, format!("{stamp} esa1 export: Info: ICID 31 close\n"));
    }
    let (out, notes) = read("{\"message\":\"ICID 31 close\"}\n");
    assert_eq!(out, "\n");
    assert!(notes.any_loss());
}

#[test]
fn what_is_no_record_is_a_loss() {
    let text = format!("{{\"m\":\"{LINE}\"}}\nno json\n{{\"m\":\"{LINE}\"}}");
    let (out, notes) = read(&text);
    assert_eq!(out, format!("{LINE}\n\n{LINE}\n"));
    assert!(notes.any_loss());
    let (_, notes) = read("{\n \"m\": 1\n}\n");
    assert!(notes.iter().any(|note| note.text.contains("one record a line")), "{notes:?}");
    let (_, notes) = read("{\"m\":\"nothing of ours\"}\n");
    assert!(notes.iter().any(|note| note.text.contains("no field")), "{notes:?}");
}

#[test]
fn tables_with_quotes_and_broken_rows() {
    let text = format!(
        "n,raw\r\n1,\"{LINE}\"\r\n2,\"Mon Mar  9 10:00:01 2026 Info: MID 7 Subject 'a \"\"b\"\",\nc'\"\n3\n4,{LINE}\n"
    );
    let (out, notes) = read(&text);
    let expected =
        format!("\n{LINE}\nMon Mar  9 10:00:01 2026 Info: MID 7 Subject 'a \"b\", c'\n\n\n{LINE}\n");
    assert_eq!(out, expected);
    assert_eq!(notes.iter().map(|note| note.count).sum::<u64>(), 1);
}

#[test]
fn tracking_rows_name_their_facts() {
    let text = "Received Time,MID,Envelope Sender,Envelope Recipients,Last State\n\
                \"02 Dec 2019 14:11:36 (GMT +01:00)\",7,a@example.org,b@example.com,Message 7 aborted: Receiving aborted\n\
                yesterday,8,a@example.org,b@example.com,Delivered\n";
    let (out, notes) = read(text);
    assert_eq!(
        out,
        "\n2019-12-02T14:11:36+01:00 - tracking: Info: TRACKING|ESAMID=7 start=2019-12-02T14:11:36+01:00 \
         suser=a@example.org duser=b@example.com act=ABORTED ESAFinalActionDetails=Receiving aborted\n\n"
    );
    assert_eq!(notes.iter().count(), 1);
}

#[test]
fn records_that_are_too_long_are_losses() {
    let text =
        format!("{{\"m\":\"{LINE}\"}}\n{{\"m\":\"{}\"}}\n{{\"m\":\"{LINE}\"}}\n", "x".repeat(MAX_LINE));
    let (out, notes) = read(&text);
    assert_eq!(out, format!("{LINE}\n\n{LINE}\n"));
    assert!(notes.any_loss());
}

proptest! {
    /// As many lines come out as went in, whatever they are.
    #[test]
    fn lines_keep_their_numbers(parts in proptest::collection::vec(prop_oneof![
        Just("{\"m\":\""), Just("\"}"), Just("\n"), Just(LINE), Just(","), Just("\""), Just("a,b\n"), Just("[{"),
        Just("MID,Time,Sender\n"), Just("7,2026-03-09T09:00:00Z,a\n"), Just("\\"), Just("é"),
    ], 0..40)) {
        let text = parts.concat();
        let (out, _) = read(&text);
        prop_assert_eq!(out.lines().count(), text.split('\n').filter(|_| true).count() - usize::from(text.is_empty() || text.ends_with('\n')));
    }
}
