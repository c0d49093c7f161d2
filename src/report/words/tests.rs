use super::*;

#[test]
fn endings_read_like_a_headline() {
    let injection = Names::of(Leg::Injection);
    let rows = [
        (EndingFacts::of(EndingKind::Fin), Stage::Rcpt, injection, "sender's FIN after RCPT"),
        (EndingFacts::of(EndingKind::Fin), Stage::Rcpt, Names::WIRE, "client's FIN after RCPT"),
        (
            EndingFacts::of(EndingKind::Rst),
            Stage::Body,
            injection,
            "RST from the sender's address inside the body",
        ),
        (EndingFacts::of(EndingKind::Completed), Stage::EndOfData, injection, "delivered"),
        (
            EndingFacts { code: Some(ReplyCode(554)), ..EndingFacts::of(EndingKind::Refused) },
            Stage::Rcpt,
            injection,
            "refused with 554 after RCPT",
        ),
        (
            EndingFacts {
                why: Some(Why::Timer),
                form: Some(Form::Reply),
                code: Some(ReplyCode(421)),
                ..EndingFacts::of(EndingKind::ApplianceClosed)
            },
            Stage::Mail,
            Names::of(Leg::Delivery),
            "appliance closed with 421 (timer) after MAIL",
        ),
        (
            EndingFacts { form: Some(Form::Rst), ..EndingFacts::of(EndingKind::ApplianceClosed) },
            Stage::Body,
            Names::WIRE,
            "server closed by RST inside the body",
        ),
        (
            EndingFacts { inferred: true, ..EndingFacts::of(EndingKind::Quit) },
            Stage::Tls,
            injection,
            "sender's QUIT under TLS (inferred)",
        ),
    ];
    for (facts, stage, names, expected) in rows {
        assert_eq!(facts.phrase(stage, names), expected);
    }
}

#[test]
fn short_endings_fit_the_column_of_a_table() {
    const COLUMN: usize = 28;
    let kinds = [
        EndingKind::Completed,
        EndingKind::Refused,
        EndingKind::Abandoned,
        EndingKind::Quit,
        EndingKind::Fin,
        EndingKind::Rst,
        EndingKind::Silence,
        EndingKind::ApplianceStalled,
        EndingKind::ApplianceClosed,
        EndingKind::CaptureEnded,
    ];
    let forms = [None, Some(Form::Reply), Some(Form::Fin), Some(Form::Rst), Some(Form::TlsAlert)];
    for names in [Names::of(Leg::Injection), Names::of(Leg::Delivery)] {
        for (kind, form) in kinds.iter().flat_map(|kind| forms.map(|form| (*kind, form))) {
            for why in [Why::Timer, Why::Limit, Why::Policy, Why::Killed] {
                let code = form.filter(|form| *form == Form::Reply).map(|_| ReplyCode(421));
                let facts = EndingFacts { why: Some(why), form, code, ..EndingFacts::of(kind) };
                let short = facts.in_short(names);
                assert!(short.chars().count() <= COLUMN, "{short}");
            }
        }
    }
}

#[test]
fn thousands_stand_apart() {
    for (number, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
        assert_eq!(grouped(number), expected);
    }
    assert_eq!(counted(1, "frame", "frames"), "1 frame");
    assert_eq!(counted(0, "frame", "frames"), "0 frames");
}

#[test]
fn prose_keeps_its_backslashes_and_loses_its_control_characters() {
    assert_eq!(safe("C:\\mail\\log \\x1b \u{1b}[31m\u{202e}"), "C:\\mail\\log \\x1b \\x1b[31m\\u{202e}");
}

#[test]
fn the_far_end_of_a_delivery_is_no_sender() {
    let said = "all segments of the sender; the sender's side. The sender went on";
    assert_eq!(of_leg(said, Leg::Injection), said);
    let there = "all segments of the remote server; the remote server's side. The remote server went on";
    assert_eq!(of_leg(said, Leg::Delivery), there);
}
