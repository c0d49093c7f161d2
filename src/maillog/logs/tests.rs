//! Logs given together: their order, their appliances, their clocks, and the vendor's samples.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;
use crate::maillog::tests::{inputs, read_text, read_texts};
use crate::maillog::{ClaimKind, Connection, Lost, Message, claims};
use crate::net::Leg;
use crate::text::Text;

fn head(serial: &str, offset: i32, stamp: &str) -> String {
    format!(
        "{stamp} Info: Begin Logfile\n{stamp} Info: Version: 8.0.1-023 SN: {serial}\n\
         {stamp} Info: Time offset from UTC: {offset} seconds\n"
    )
}

fn read_octets(logs: Vec<Vec<u8>>) -> MailLog {
    let input = |(at, log)| LogInput {
        id: LogId(u16::try_from(at).unwrap()),
        reader: Box::new(Cursor::<Vec<u8>>::new(log)) as Box<dyn BufRead + Send>,
    };
    read_logs(logs.into_iter().enumerate().map(input).collect(), ReadOptions::default())
}

/// ESA-LOGS section 2: one clock for each head.
#[test]
fn a_head_names_the_appliance_and_the_offset() {
    let text = head("AA-1", -21_600, "Wed Nov 19 09:16:46 2014")
        + "Wed Nov 19 09:16:38 2014 Info: Start MID 1 ICID 1\n"
        + &head("AA-1", -18_000, "Wed Nov 19 10:00:00 2014")
        + "Wed Nov 19 10:00:01 2014 Info: Start MID 2 ICID 2\n";
    let log = read_text(&text);
    assert_eq!(log.serials, [Text::from("AA-1")]);
    let clocks: Vec<_> = log
        .clocks
        .iter()
        .map(|clock| {
            let offset = clock.head_offset.map(|offset| offset.seconds());
            (clock.from_line, offset, clock.first.to_string(), clock.last.to_string())
        })
        .collect();
    assert_eq!(
        clocks,
        [
            (1, Some(-21_600), "2014-11-19T09:16:38".into(), "2014-11-19T09:16:46".into()),
            (5, Some(-18_000), "2014-11-19T10:00:00".into(), "2014-11-19T10:00:01".into()),
        ]
    );
    let clocks: Vec<_> = log.connections.iter().map(|connection| connection.first.clock.0).collect();
    assert_eq!(clocks, [0, 1]);
    assert!(log.connections.iter().all(|connection| connection.serial.is_some()));
    assert_eq!(log.files[0].known, 8);
}

#[test]
fn heads_that_lost_a_line_still_begin_a_clock() {
    let stamp = "Wed Nov 19 09:00:00 2014 Info:";
    let text = format!(
        "{stamp} Version: 1 SN: A\n{stamp} Time offset from UTC: 0 seconds\n\
         {stamp} Version: 1 SN: B\n{stamp} Time offset from UTC: 60 seconds\n\
         {stamp} Time offset from UTC: 120 seconds\n{stamp} Time offset from UTC: 99999999 seconds\n"
    );
    let log = read_text(&text);
    let clocks: Vec<_> = log
        .clocks
        .iter()
        .map(|clock| (clock.from_line, clock.serial.unwrap().0, clock.head_offset.map(|o| o.seconds())))
        .collect();
    assert_eq!(clocks, [(1, 0, Some(0)), (3, 1, Some(60)), (5, 1, Some(120)), (6, 1, None)]);
    assert!(log.files[0].notes.iter().any(|note| note.text.contains("offset")));
}

/// A rotated set given in the wrong order, a connection across two files, no head in the second.
#[test]
fn files_are_read_in_the_order_of_their_time() {
    let first = head("AA-1", 3600, "Wed Nov 19 09:00:00 2014")
        + "Wed Nov 19 09:59:58 2014 Info: New SMTP ICID 5 interface In (192.0.2.25) address 198.51.100.7 reverse dns host unknown verified no\n"
        + "Wed Nov 19 09:59:59 2014 Info: Start MID 9 ICID 5\n";
    let second = "Wed Nov 19 10:00:20 2014 Info: ICID 5 lost\n\
                  Wed Nov 19 10:00:20 2014 Info: Message aborted MID 9 Receiving aborted\n\
                  Wed Nov 19 10:00:20 2014 Info: ICID 5 close\n";
    let log = read_texts(&[second, &first]);
    let [connection] = log.connections.as_slice() else { panic!("{log:?}") };
    assert_eq!(connection.serial.map(|serial| serial.0), Some(0));
    assert_eq!((connection.first.line.file, connection.last.line.file), (LogId(1), LogId(0)));
    let claims = claims(&log, false);
    assert_eq!((claims.len(), claims[0].kind, claims[0].lost), (1, ClaimKind::ReceivingAborted, Lost::Yes));
    // Files come back in the order in which they were given.
    assert_eq!(
        log.files.iter().map(|file| (file.file.0, file.records)).collect::<Vec<_>>(),
        [(0, 3), (1, 5)]
    );
    // The file without a head has a clock of its own, of the one appliance there is.
    let clocks: Vec<_> =
        log.clocks.iter().map(|c| (c.file.0, c.head_offset.is_some(), c.serial.is_some())).collect();
    assert_eq!(clocks, [(1, true, true), (0, false, true)]);
}

/// A log and an excerpt of it that begin in one second: what both hold is told once, by the one whose
/// head says more, whichever is given first.
#[test]
fn an_excerpt_adds_nothing_to_the_whole() {
    let excerpt = "Wed Nov 19 09:00:00 2014 Info: Start MID 9 ICID 5\n\
                   Wed Nov 19 09:00:01 2014 Info: Message aborted MID 9 Receiving aborted\n";
    let whole = head("AA-1", 3600, "Wed Nov 19 09:00:00 2014") + excerpt;
    for (logs, with_head) in [([excerpt, &whole], 1), ([&whole, excerpt], 0)] {
        let log = read_texts(&logs);
        let message = &log.connections[0].messages[0];
        assert_eq!(message.lines.iter().map(|line| line.file.0).collect::<Vec<_>>(), [with_head; 2]);
        let repeated: Vec<_> = log.files.iter().map(|file| file.repeated).collect();
        assert_eq!(repeated, if with_head == 1 { [2, 0] } else { [0, 2] });
        assert_eq!(
            log.clocks[usize::from(message.first.clock.0)].head_offset.map(|o| o.seconds()),
            Some(3600)
        );
    }
}

/// The hour that is repeated at the end of daylight saving: heads tell the order.
#[test]
fn offsets_order_files_of_the_repeated_hour() {
    let summer =
        head("A", 7200, "Sun Oct 26 02:50:00 2014") + "Sun Oct 26 02:59:00 2014 Info: Start MID 1 ICID 1\n";
    let winter =
        head("A", 3600, "Sun Oct 26 02:10:00 2014") + "Sun Oct 26 02:11:00 2014 Info: ICID 1 close\n";
    let log = read_texts(&[&winter, &summer]);
    let [connection] = log.connections.as_slice() else { panic!("{log:?}") };
    assert_eq!((connection.first.line.file, connection.closed.unwrap().line.file), (LogId(1), LogId(0)));
}

#[test]
fn a_step_back_of_the_clock_is_kept_by_its_line() {
    let text = "Sun Oct 26 02:59:58 2014 Info: ICID 1 lost\nSun Oct 26 02:59:50 2014 Info: ICID 1 close\n\
                Sun Oct 26 02:00:01 2014 Info: ICID 2 lost\nSun Oct 26 02:00:02 2014 Info: ICID 2 close\n";
    let log = read_text(text);
    let steps: Vec<_> = log.clocks[0].steps.iter().map(|step| (step.line, step.seconds())).collect();
    assert_eq!(steps, [(3, -3597)]);
}

/// ESA-LOGS section 2: what the appliance's own time daemon says.
#[test]
fn a_clock_that_was_set_is_kept_with_both_times() {
    let text = head("A", 0, "Sun Jun 16 21:00:50 2024")
        + "Sun Jun 16 21:00:59 2024 Info: The system time was changed from Sun, 16 Jun 2024 21:00:52 to \
           Sun, 16 Jun 2024 21:00:59 using information from 192.0.2.123\n\
           Sun Jun 16 21:00:59 2024 Info: The system time was changed at noon\n";
    let log = read_text(&text);
    let [set] = log.clock_sets.as_slice() else { panic!("{:?}", log.clock_sets) };
    assert_eq!(set.to.wall_seconds() - set.from.wall_seconds(), 7);
    assert_eq!((set.serial.map(|serial| serial.0), set.at.line.line), (Some(0), 4));
    assert_eq!(log.files[0].known, 5);
}

/// RFC 3164: stamps without a year, over New Year and 29 February.
#[test]
fn a_leap_day_is_kept_after_a_turn_of_the_year() {
    let text = "<166>Dec 31 23:59:58 mail_logs: Info: New SMTP ICID 5 interface In address 192.0.2.1\n\
                <166>Jan  1 00:00:02 mail_logs: Info: ICID 5 close\n\
                <166>Feb 29 08:00:00 mail_logs: Info: New SMTP ICID 6 interface In address 192.0.2.1\n";
    let log = read_text(text);
    let source = &log.clocks[0];
    assert_eq!(source.leap_day, Some(source.last));
    assert_eq!(source.last.with_year(2023).unwrap().to_string(), "2024-02-29T08:00:00");
    let connection = &log.connections[0];
    assert_eq!(connection.last.time.wall_seconds() - connection.first.time.wall_seconds(), 4);
}

#[test]
fn delivery_is_kept_on_demand() {
    #[derive(Default)]
    struct Legs(Vec<Leg>);
    impl LogSink for Legs {
        fn connection(&mut self, connection: Connection, context: &MailLog) {
            assert!(!context.clocks.is_empty());
            self.0.push(connection.leg);
        }
        fn orphan(&mut self, _: Message, _: &MailLog) {}
    }
    let text = "Wed Nov 19 09:00:00 2014 Info: New SMTP DCID 5 interface 192.0.2.25 address 203.0.113.9\n\
                Wed Nov 19 09:00:00 2014 Info: New SMTP ICID 5 interface In address 203.0.113.9\n";
    for (delivery, expected) in [(true, vec![Leg::Delivery, Leg::Injection]), (false, vec![Leg::Injection])] {
        let options = ReadOptions { delivery };
        let kept = read_logs(inputs(&[text]), options);
        assert_eq!(kept.connections.iter().map(|c| c.leg).collect::<Vec<_>>(), expected);
        let mut legs = Legs::default();
        let log = stream_logs(inputs(&[text]), options, &mut legs);
        assert_eq!((legs.0, log.files[0].known), (expected, 2));
    }
}

/// ESA-LOGS section 3: counters are an appliance's own.
#[test]
fn appliances_do_not_share_ids() {
    let one =
        head("A", 0, "Wed Nov 19 09:00:00 2014") + "Wed Nov 19 09:00:01 2014 Info: Start MID 1 ICID 1\n";
    let other =
        head("B", 0, "Wed Nov 19 09:00:00 2014") + "Wed Nov 19 09:00:02 2014 Info: Start MID 1 ICID 1\n";
    let paste = "Wed Nov 19 09:00:03 2014 Info: Start MID 1 ICID 1\n";
    let log = read_texts(&[&one, &other, paste]);
    let serials: Vec<_> = log.connections.iter().map(|c| c.serial.map(|serial| serial.0)).collect();
    // Whose the paste is nothing tells, where there are two.
    assert_eq!(serials, [Some(0), Some(1), None]);
    assert_eq!(log.connections.iter().map(|c| c.messages.len()).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(log.clocks.iter().filter(|clock| clock.serial.is_none()).count(), 1);
    // With one appliance it is hers, and her connection.
    let log = read_texts(&[&one, paste]);
    assert_eq!(log.connections.iter().map(|c| c.serial.is_some()).collect::<Vec<_>>(), [true]);
}

/// One input that begins without a head: what stands before the first head is the same appliance's.
#[test]
fn lines_before_the_first_head_are_of_the_appliance_that_it_names() {
    let filler = "Wed Nov 19 08:59:00 2014 Info: ICID 4 SBRS None\n".repeat(1000);
    let text = format!("{filler}Wed Nov 19 08:59:59 2014 Info: Start MID 1 ICID 1\n")
        + &head("A", 0, "Wed Nov 19 09:00:00 2014")
        + "Wed Nov 19 09:00:01 2014 Info: MID 1 ready 5 bytes from <>\n";
    let log = read_text(&text);
    assert_eq!((log.connections.len(), log.orphans.len()), (2, 0));
    assert!(log.connections.iter().all(|connection| connection.serial.is_some()));
    // A second appliance takes the lines under no head away from the first.
    let text = text + &head("B", 0, "Wed Nov 19 10:00:00 2014");
    let log = read_text(&text);
    let serials: Vec<_> = log.connections.iter().map(|c| (c.id, c.serial.map(|serial| serial.0))).collect();
    assert_eq!(serials, [(4, None), (1, Some(0))]);
}

#[test]
fn logs_that_cannot_be_read_are_losses() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    for second in 0..3000 {
        let (minute, second) = (second / 60, second % 60);
        writeln!(
            encoder,
            "Wed Nov 19 09:{minute:02}:{second:02} 2014 Info: Start MID {second} ICID {minute}"
        )
        .unwrap();
    }
    let whole = encoder.finish().unwrap();
    let log = read_octets(vec![
        whole.clone(),
        whole[..whole.len() / 2].to_vec(),
        b"\xd4\xc3\xb2\xa1".to_vec(),
        b"not a log\nat all\n".to_vec(),
        Vec::new(),
    ]);
    let losses: Vec<_> = log.files.iter().map(|file| file.notes.any_loss()).collect();
    assert_eq!(losses, [false, true, true, true, false]);
    assert_eq!(log.files[0].records, 3000);
    assert!(log.files[1].records > 500, "a gzip cut short gives what it held");
    let words: Vec<_> =
        log.files.iter().filter_map(|file| file.notes.iter().last()).map(|n| n.text.as_ref()).collect();
    assert!(words[0].contains("too early") && words[1].contains("capture"), "{words:?}");
}

#[test]
fn the_lines_around_a_damaged_gzip_member_are_read() {
    let member = |minute: u32| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        for second in 0..60 {
            let number = minute * 60 + second;
            writeln!(
                encoder,
                "Wed Nov 19 09:{minute:02}:{second:02} 2014 Info: Start MID {number} ICID {number}"
            )
            .unwrap();
        }
        encoder.finish().unwrap()
    };
    let mut damaged = member(1);
    let half = damaged.len() / 2;
    damaged.truncate(half);
    let log = read_octets(vec![[member(0), damaged, member(2)].concat()]);
    let file = &log.files[0];
    assert!((120..180).contains(&file.records), "{}", file.records);
    let told = file.notes.iter().any(|note| note.text.starts_with("the gzip member at octet "));
    assert!(told && file.notes.any_loss(), "{:?}", file.notes);
}

/// The samples of the vendor's technotes, where they are at hand; shapes like theirs stand in the
/// tests of claims.
#[test]
fn the_vendors_samples() {
    let shared = std::env::var_os("MAILWITNESS_SHARED").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        std::path::PathBuf::from,
    );
    let rows = [
        ("receiving-aborted.log", 1404, ClaimKind::ReceivingAborted, Lost::Yes, true),
        ("receiving-aborted-by-sender.log", 1412, ClaimKind::ReceivingAbortedBySender, Lost::No, true),
        // The excerpt starts after the connection was opened.
        ("receiving-aborted-timeout.log", 1_558_778, ClaimKind::ReceivingAborted, Lost::Unknown, false),
    ];
    for (name, mid, kind, lost, opened) in rows {
        let Ok(text) = std::fs::read(shared.join("logs").join(name)) else {
            println!("skipped: no {name} in {}", shared.display());
            continue;
        };
        let log = read_octets(vec![text]);
        let claims = claims(&log, false);
        let [claim] = claims.as_slice() else { panic!("{name}: {claims:?}") };
        let connection = &log.connections[claim.connection.unwrap()];
        let message = &connection.messages[claim.message.unwrap()];
        assert_eq!((message.mid, claim.kind, claim.lost), (mid, kind, lost), "{name}");
        let addresses = (connection.remote.is_some(), connection.local.is_some());
        assert_eq!((connection.opened.is_some(), addresses), (opened, (opened, opened)), "{name}");
        assert_eq!(message.rcpt_to.len(), 1, "{name}");
        assert_eq!(log.files[0].known, log.files[0].records, "{name}");
        assert!(log.files[0].notes.is_empty(), "{name}");
    }
}

proptest! {
    /// Files of any octets, read together, give an account of whatever is in them.
    #[test]
    fn files_of_any_octets_do_not_panic(
        files in proptest::collection::vec(
            proptest::collection::vec(prop_oneof![
                Just(b"Wed Nov 19 09:16:46 2014 Info: ".to_vec()), Just(b"\n".to_vec()),
                Just(b"New SMTP ICID 7 interface X (192.0.2.1) address 192.0.2.2".to_vec()),
                Just(b"MID 7 ICID 7 From: <".to_vec()), Just(b"Time offset from UTC: -7 seconds".to_vec()),
                Just(b"Version: 1 SN: A".to_vec()), Just(b"Begin Logfile".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..20),
            ], 0..30),
            0..4,
        ),
    ) {
        let files: Vec<Vec<u8>> = files.into_iter().map(|pieces| pieces.concat()).collect();
        let count = files.len();
        let log = read_octets(files);
        prop_assert_eq!(log.files.len(), count);
        let _ = claims(&log, true);
    }
}
