//! What belongs to an id, across files and appliances.

use super::*;
use crate::maillog::tests::inputs;
use crate::maillog::walk_logs;

const LOG: &str = "\
Mon Mar  9 10:00:00 2026 Info: New SMTP ICID 31 interface Data 1 (192.0.2.25) address 198.51.100.7 reverse dns host mx verified yes
Mon Mar  9 10:00:00 2026 Info: New SMTP ICID 32 interface Data 1 (192.0.2.25) address 198.51.100.7 reverse dns host mx verified yes
Mon Mar  9 10:00:01 2026 Info: Start MID 6 ICID 31
Mon Mar  9 10:00:01 2026 Info: Start MID 7 ICID 31
Mon Mar  9 10:00:01 2026 Info: Start MID 8 ICID 32
Mon Mar  9 10:00:02 2026 Info: MID 9 using engine: CASE spam negative
Mon Mar  9 10:00:02 2026 Info: MID 7 rewritten to MID 9 by add-footer filter 'F'
Mon Mar  9 10:00:03 2026 Info: MID 10 was generated based on MID 9 by bcc filter 'F'
Mon Mar  9 10:00:04 2026 Info: New SMTP DCID 5 interface 192.0.2.25 address 203.0.113.9 port 25
Mon Mar  9 10:00:04 2026 Info: Delivery start DCID 5 MID 9 to RID [0]
Mon Mar  9 10:00:04 2026 Info: Delivery start DCID 5 MID 8 to RID [0]
Mon Mar  9 10:00:05 2026 Info: MID 8 RID [0] Response '2.0.0 MID 7'
Mon Mar  9 10:00:06 2026 Info: DCID 5 close
Mon Mar  9 10:00:07 2026 Info: ICID 31 close
Mon Mar  9 10:00:07 2026 Info: ICID 32 close
";

/// File and line of what is traced, and how often the logs were read.
fn trace(wanted: Wanted, logs: &[&str]) -> (Trace, Vec<(u16, u32)>) {
    let mut trace = Trace::new(wanted);
    loop {
        walk_logs(inputs(logs), &mut trace);
        if !trace.read_again() {
            break;
        }
    }
    let places = trace.lines().iter().map(|line| (line.stamp.line.file.0, line.stamp.line.line)).collect();
    (trace, places)
}

fn lines(wanted: Wanted) -> Vec<u32> {
    trace(wanted, &[LOG]).1.into_iter().map(|(_, line)| line).collect()
}

#[test]
fn a_message_with_its_kin_its_connection_and_its_deliveries() {
    let expected = [1, 4, 6, 7, 8, 9, 10, 13, 14];
    for mid in [7, 9, 10] {
        assert_eq!(lines(Wanted::Id(Id::Mid(mid))), expected, "MID {mid}");
    }
    let (trace, _) = trace(Wanted::Id(Id::Mid(7)), &[LOG]);
    assert_eq!(trace.related(), [Id::Mid(9), Id::Mid(10), Id::Icid(31), Id::Dcid(5)]);
    assert_eq!(trace.others().collect::<Vec<_>>(), [(Id::Icid(31), 1), (Id::Dcid(5), 1)]);
}

#[test]
fn a_connection_with_all_its_messages() {
    assert_eq!(lines(Wanted::Id(Id::Icid(31))), [1, 3, 4, 6, 7, 8, 9, 10, 13, 14]);
    assert_eq!(lines(Wanted::Id(Id::Icid(32))), [2, 5, 9, 11, 12, 13, 15]);
    assert_eq!(lines(Wanted::Id(Id::Dcid(5))), [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    assert_eq!(lines(Wanted::Id(Id::Icid(99))), [0; 0]);
}

#[test]
fn a_bare_number_is_a_message_then_a_connection_then_a_delivery() {
    for (number, expected, namesakes) in [
        (7, Id::Mid(7), vec![]),
        (31, Id::Icid(31), vec![]),
        (5, Id::Dcid(5), vec![]),
        (99, Id::Mid(99), vec![]),
    ] {
        let (trace, places) = trace(Wanted::Number(number), &[LOG]);
        assert_eq!(trace.followed(), expected);
        assert_eq!(trace.namesakes().collect::<Vec<_>>(), namesakes);
        assert_eq!(places.is_empty(), number == 99);
    }
    let both = format!("{LOG}Mon Mar  9 10:00:08 2026 Info: ICID 7 close\n");
    let (trace, _) = trace(Wanted::Number(7), &[&both]);
    assert_eq!(trace.namesakes().collect::<Vec<_>>(), [Id::Icid(7)]);
}

/// Cut anywhere after the first second, with or without an overlap, given in any order.
#[test]
fn a_rotated_set_tells_what_one_file_tells() {
    let all: Vec<&str> = LOG.lines().collect();
    let whole = |lines: &[TracedLine]| lines.iter().map(|line| line.text.to_string()).collect::<Vec<_>>();
    let (one, _) = trace(Wanted::Id(Id::Mid(9)), &[LOG]);
    for cut in 4..all.len() - 1 {
        for overlap in 0..3 {
            let (first, second) = (all[..cut].join("\n"), all[cut - overlap..].join("\n"));
            let (two, _) = trace(Wanted::Id(Id::Mid(9)), &[&second, &first]);
            assert_eq!(whole(two.lines()), whole(one.lines()), "cut {cut}, overlap {overlap}");
        }
    }
}

/// Ids are counters of one appliance: a namesake's lines are not tied to those of the other.
#[test]
fn appliances_are_told_apart() {
    let of = |serial: &str, icid: u32| {
        let stamp = "Mon Mar  9 10:00:00 2026 Info:";
        format!(
            "{stamp} Begin Logfile\n{stamp} Version: 1 SN: {serial}\n{stamp} Start MID 7 ICID {icid}\n{stamp} ICID 31 close\n"
        )
    };
    let (trace, places) = trace(Wanted::Id(Id::Icid(31)), &[&of("A", 31), &of("B", 32)]);
    assert_eq!(places, [(0, 3), (0, 4), (1, 4)]);
    assert_eq!(trace.lines()[0].named.mids, [7]);
}

#[test]
fn bounds_hold_and_are_noted() {
    let flood: String = (0..MAX_IDS + 10)
        .map(|mid| format!("Mon Mar  9 10:00:00 2026 Info: Start MID {mid} ICID 31\n"))
        .collect();
    let (trace, places) = trace(Wanted::Id(Id::Icid(31)), &[&flood]);
    assert!(places.len() <= MAX_LINES && trace.ids.len() == MAX_IDS);
    assert!(trace.notes().iter().any(|note| note.text.contains("beyond")));
}

#[test]
fn an_id_that_was_used_before_is_noted() {
    let open = |clock: &str| {
        format!("Mon Mar  9 {clock} 2026 Info: New SMTP ICID 31 interface x address 198.51.100.7\n")
    };
    let (trace, places) = trace(Wanted::Id(Id::Icid(31)), &[&(open("10:00:00") + &open("12:00:00"))]);
    assert_eq!(places.len(), 2);
    assert!(trace.notes().iter().any(|note| note.text.contains("used")));
}
