use super::*;
use crate::capture::{Gap, Loss};
use crate::join::testing::{instant, moment, session};
use crate::smtp::Stage;

fn ending(kind: EndingKind) -> Ending {
    Ending {
        kind,
        by: Some(Role::Client),
        why: None,
        form: None,
        code: None,
        inferred: false,
        may_be_quit: false,
        race: false,
        crossed: false,
        at: Some(moment(30.5, 9)),
        stage: Stage::Rcpt,
        turn: Some(Turn::Of(Role::Client)),
        waited: None,
        stall: None,
        reply_unacknowledged: false,
        covered: true,
        missing: Vec::new(),
    }
}

fn verdict(claim: ClaimKind, ending: &Ending, gap: Option<Gap>) -> Verdict {
    let mut session = session(40_000, 0.0, 30.5, "anna@example.net", "bert@example.com", CloseKind::Fin);
    session.flow.streams.originator.gaps.extend(gap);
    judge(&Evidence {
        claim,
        code: None,
        lost: Lost::Yes,
        ended_at: Some(instant(30.0)),
        leg: Leg::Injection,
        session: &session,
        transaction: session.dialog.transactions.first(),
        ending,
        all_refused: false,
        timers: &[],
    })
}

#[test]
fn a_fin_at_the_logged_second_confirms() {
    let verdict = verdict(ClaimKind::ReceivingAborted, &ending(EndingKind::Fin), None);
    assert_eq!(verdict.kind, VerdictKind::Confirmed);
    assert!(verdict.evidence_for.iter().any(|text| text.contains("time")), "{verdict:?}");
    assert!(verdict.missing.is_empty());
}

#[test]
fn an_ending_long_after_the_log_wrote_it_down_is_another_one() {
    let late = Ending { at: Some(moment(95.0, 9)), ..ending(EndingKind::Fin) };
    let verdict = verdict(ClaimKind::ReceivingAborted, &late, None);
    assert_eq!(verdict.kind, VerdictKind::Undetermined);
    assert!(!verdict.missing.is_empty());
}

#[test]
fn what_is_inferred_contradicts_nothing_and_what_may_be_quit_confirms_nothing() {
    let inferred = Ending { inferred: true, ..ending(EndingKind::Quit) };
    assert_eq!(verdict(ClaimKind::ReceivingAborted, &inferred, None).kind, VerdictKind::Undetermined);
    let doubtful = Ending { inferred: true, may_be_quit: true, ..ending(EndingKind::Fin) };
    assert_eq!(verdict(ClaimKind::ReceivingAborted, &doubtful, None).kind, VerdictKind::Undetermined);
}

/// A server that closes with octets on their way to it answers them with a reset; one that comes
/// after the appliance's own close is nothing that its program met.
#[test]
fn a_reset_counts_only_before_the_appliances_own_close() {
    let told = |own: f64, reset: f64| {
        let mut session = session(40_000, 0.0, 30.5, "anna@example.net", "bert@example.com", CloseKind::Fin);
        let close = session.flow.closes.all[0];
        let far = |kind, at: f64, frame| crate::capture::Close {
            kind,
            by: Side::Responder,
            at: moment(at, frame),
            ..close
        };
        session.flow.closes.all = vec![
            far(CloseKind::Fin, 30.0, 8),
            crate::capture::Close { at: moment(own, 9), ..close },
            far(CloseKind::Rst, reset, 10),
        ];
        judge(&Evidence {
            claim: ClaimKind::RemoteReset,
            code: None,
            lost: Lost::Unknown,
            ended_at: Some(instant(30.0)),
            leg: Leg::Delivery,
            session: &session,
            transaction: session.dialog.transactions.first(),
            ending: &Ending { by: Some(Role::Server), ..ending(EndingKind::Fin) },
            all_refused: false,
            timers: &[],
        })
        .kind
    };
    assert_eq!(told(30.5, 30.2), VerdictKind::Confirmed);
    assert_eq!(told(30.5, 30.8), VerdictKind::Contradicted);
}

#[test]
fn a_gap_near_the_end_may_hide_the_quit() {
    let gap = Gap { offset: 90, length: 10, at: moment(30.0, 8), loss: Loss::Capture };
    let claim = ClaimKind::ReceivingAbortedBySender;
    let fin = ending(EndingKind::Fin);
    assert_eq!(verdict(claim, &fin, None).kind, VerdictKind::Contradicted);
    assert_eq!(verdict(claim, &fin, Some(gap)).kind, VerdictKind::Undetermined);
}
