//! Every line shape that is known of the text mail log, with made-up values.

mod connections;
mod messages;
mod outbound;

use proptest::prelude::*;

use super::*;
use crate::maillog::Tls;
use crate::maillog::event::Opening;
use crate::time::UtcOffset;

fn ids(connection: Option<(Leg, u64)>, mid: Option<u64>) -> Ids {
    Ids { connection: connection.map(|(leg, id)| ConnectionId { leg, id }), mid }
}

fn opened(opening: Opening<'_>) -> Fact<'_> {
    Fact::Opened(Box::new(opening))
}

fn icid(id: u64) -> Ids {
    ids(Some((Leg::Injection, id)), None)
}

fn check(rows: &[(&str, Ids, Fact<'_>)]) {
    for (text, ids, fact) in rows {
        let event = parse_text(text.as_bytes());
        assert_eq!((event.ids, &event.fact), (*ids, fact), "{text}");
    }
}

#[test]
fn no_rule_hides_another() {
    for table in [&SENTENCES, &INJECTION, &DELIVERY, &MESSAGE] {
        assert_eq!(table.shadowed(), Vec::<&str>::new());
    }
}

/// ESA-LOGS section 2: the head.
#[test]
fn heads() {
    let offset = |seconds| Fact::Offset(UtcOffset::from_seconds(seconds));
    check(&[
        ("Begin Logfile", Ids::default(), Fact::HeadBegins),
        (
            "Version: 7.6.3-019 SN: 000A0B0C0D0E-7X7XX77",
            Ids::default(),
            Fact::Version { serial: Some(b"000A0B0C0D0E-7X7XX77") },
        ),
        ("Version: 3.8.4-013", Ids::default(), Fact::Version { serial: None }),
        ("Version: 3.8.4-013 SN:", Ids::default(), Fact::Version { serial: None }),
        ("Time offset from UTC: -21600 seconds", Ids::default(), offset(-21_600)),
        ("Time offset from UTC: 10800 seconds", Ids::default(), offset(10_800)),
        ("Time offset from UTC: 0 seconds", Ids::default(), offset(0)),
        ("Time offset from UTC: 999999 seconds", Ids::default(), Fact::Offset(None)),
        ("Time offset from UTC: soon", Ids::default(), Fact::Offset(None)),
        ("System is coming up.", Ids::default(), Fact::Known(Known::System)),
        ("End Logfile", Ids::default(), Fact::Known(Known::System)),
        (
            "A System/Warning alert was sent to admin@example.com with subject \"x\"",
            Ids::default(),
            Fact::Known(Known::System),
        ),
        ("A line of another kind", Ids::default(), Fact::Unknown),
    ]);
}

/// ESA-LOGS section 3: ids are whole words.
#[test]
fn ids_inside_longer_words_are_none() {
    check(&[
        (
            "Status: CPULd 3 QueuedMsgs 0 CrtMID 12 CrtICID 13 CrtDCID 14",
            Ids::default(),
            Fact::Known(Known::Status),
        ),
        ("XMID 5 ready 6 bytes from <a@example.com>", Ids::default(), Fact::Unknown),
        ("MID 5x ready", Ids::default(), Fact::Unknown),
        ("MID x", Ids::default(), Fact::Unknown),
    ]);
}

proptest! {
    #[test]
    fn octets_of_any_kind_do_not_panic(text in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_text(&text);
    }

    /// Words of the log in any order reach deeper than octets do.
    #[test]
    fn words_in_any_order_do_not_panic(words in proptest::collection::vec(prop_oneof![
        Just("MID 7"), Just("ICID 3"), Just("DCID: 4"), Just("New SMTP"), Just("interface"), Just("("), Just(")"),
        Just("address"), Just("reverse dns host"), Just("verified"), Just("Start"), Just("Message aborted"),
        Just("Receiving aborted"), Just("by"), Just("sender"), Just("To: <"), Just(">"), Just("RID"), Just("0"),
        Just("Rejected by"), Just("ready"), Just("bytes from"), Just("'"), Just("\\x4"), Just("Subject"), Just("é"),
    ], 0..12)) {
        let _ = parse_text(words.join(" ").as_bytes());
        let _ = parse_text(words.concat().as_bytes());
    }
}
