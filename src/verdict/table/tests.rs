use super::*;

const CLAIMS: [ClaimKind; 16] = ClaimKind::ALL;
const ENDINGS: [EndingKind; 10] =
    [Completed, Refused, Abandoned, Quit, Fin, Rst, Silence, ApplianceStalled, ApplianceClosed, CaptureEnded];

fn every_situation() -> impl Iterator<Item = Situation> {
    let whys =
        [None, Some(Why::Timer), Some(Why::Limit), Some(Why::Policy), Some(Why::Killed), Some(Why::Unknown)];
    let parties = [None, Some(Party::Sender), Some(Party::Appliance)];
    CLAIMS.into_iter().flat_map(move |claim| {
        ENDINGS.into_iter().flat_map(move |ending| {
            whys.into_iter().flat_map(move |why| {
                parties.into_iter().flat_map(move |by| {
                    [Lost::Yes, Lost::No, Lost::Unknown].into_iter().flat_map(move |lost| {
                        (0..192u8).map(move |bits| Situation {
                            claim,
                            lost,
                            ending,
                            by,
                            why,
                            race: bits & 1 != 0,
                            by_rset: bits & 2 != 0,
                            whole: bits & 4 != 0,
                            far_owed: bits & 8 != 0,
                            far_reset: bits & 16 != 0,
                            far_fin: bits & 32 != 0,
                            code: [CodeSeen::NoneCited, CodeSeen::Seen, CodeSeen::NotSeen]
                                [usize::from(bits >> 6)],
                        })
                    })
                })
            })
        })
    })
}

#[test]
fn every_situation_meets_exactly_one_rule() {
    for situation in every_situation() {
        let matching: Vec<_> = RULES.iter().filter(|rule| rule.matches(&situation)).collect();
        assert_eq!(matching.len(), 1, "{situation:?} meets {matching:#?}");
    }
}

#[test]
fn every_rule_is_met_and_says_what_is_missing_where_it_cannot_tell() {
    for rule in RULES {
        assert!(every_situation().any(|situation| rule.matches(&situation)), "never met: {rule:?}");
        assert_eq!(rule.missing.is_empty(), rule.verdict != Undetermined, "{rule:?}");
        assert!(!rule.because.is_empty());
    }
}

/// The rows of the specification, one by one.
#[test]
fn the_rows_say_what_was_specified() {
    let plain = Situation {
        claim: ReceivingAborted,
        lost: Lost::Unknown,
        ending: Fin,
        by: Some(Party::Sender),
        why: None,
        race: false,
        by_rset: false,
        whole: true,
        code: CodeSeen::NoneCited,
        far_owed: false,
        far_reset: false,
        far_fin: false,
    };
    let says = |situation: Situation| rule(&situation).unwrap().verdict;
    for (ending, lost, why, race, expected) in [
        (Fin, Lost::Yes, None, false, Confirmed),
        (Rst, Lost::Yes, None, false, Confirmed),
        (Silence, Lost::Unknown, None, false, Confirmed),
        (Silence, Lost::Yes, None, false, Undetermined),
        (ApplianceClosed, Lost::No, Some(Why::Timer), false, Confirmed),
        (ApplianceClosed, Lost::Yes, Some(Why::Limit), false, Contradicted),
        (ApplianceClosed, Lost::No, Some(Why::Limit), false, Undetermined),
        (Completed, Lost::Yes, None, false, Contradicted),
        (Quit, Lost::No, None, false, Contradicted),
        (Quit, Lost::No, None, true, Undetermined),
        (Refused, Lost::No, None, false, Undetermined),
        (ApplianceStalled, Lost::Yes, None, false, Undetermined),
        (CaptureEnded, Lost::Yes, None, false, Undetermined),
    ] {
        assert_eq!(says(Situation { ending, lost, why, race, ..plain }), expected, "{ending:?}");
    }
    let by_sender = Situation { claim: ReceivingAbortedBySender, ..plain };
    assert_eq!(says(Situation { ending: Quit, ..by_sender }), Confirmed);
    assert_eq!(says(Situation { ending: Fin, ..by_sender }), Contradicted);
    assert_eq!(says(Situation { ending: Fin, whole: false, ..by_sender }), Undetermined);
    assert_eq!(says(Situation { ending: Abandoned, by_rset: true, ..by_sender }), Confirmed);
    let timer = Situation { claim: NoMessagesInjected, ..plain };
    assert_eq!(says(Situation { ending: Silence, ..timer }), Confirmed);
    assert_eq!(says(Situation { ending: Quit, ..timer }), Contradicted);
}

/// The delivery side: each word of the log against each end.
#[test]
fn the_words_of_a_delivery_against_its_end() {
    let plain = Situation {
        claim: RemoteClosed,
        lost: Lost::Unknown,
        ending: Fin,
        by: Some(Party::Sender),
        why: None,
        race: false,
        by_rset: false,
        whole: true,
        code: CodeSeen::NoneCited,
        far_owed: true,
        far_reset: false,
        far_fin: false,
    };
    for (claim, ending, expected) in [
        (RemoteClosed, Fin, Confirmed),
        (RemoteClosed, Rst, Contradicted),
        (RemoteClosed, Completed, Contradicted),
        (RemoteClosed, Quit, Contradicted),
        (RemoteClosed, CaptureEnded, Undetermined),
        (RemoteReset, Rst, Confirmed),
        (RemoteReset, Fin, Contradicted),
        (RemoteReset, Silence, Contradicted),
        (DeliveryTimedOut, Silence, Confirmed),
        (DeliveryTimedOut, ApplianceClosed, Confirmed),
        (DeliveryTimedOut, Fin, Contradicted),
        (DeliveryTimedOut, Rst, Contradicted),
        (DeliveryTimedOut, Completed, Contradicted),
        (DeliveryFailed, Fin, Undetermined),
        (Delivered, Completed, Confirmed),
        (Delivered, Rst, Contradicted),
        (Bounced, Refused, Undetermined),
    ] {
        let found = rule(&Situation { claim, ending, ..plain }).unwrap().verdict;
        assert_eq!(found, expected, "{claim:?} {ending:?}");
    }
    let says = |situation: Situation| rule(&situation).unwrap().verdict;
    let bounced = Situation { claim: Bounced, ending: Refused, ..plain };
    assert_eq!(says(Situation { code: CodeSeen::Seen, ..bounced }), Confirmed);
    assert_eq!(says(Situation { code: CodeSeen::NotSeen, ..bounced }), Contradicted);
    // Some recipients refused, the message taken for the others.
    assert_eq!(says(Situation { code: CodeSeen::Seen, ending: Completed, ..bounced }), Confirmed);
    // A server that closes while octets are on their way to it answers them with resets.
    assert_eq!(says(Situation { claim: RemoteReset, far_reset: true, ..plain }), Confirmed);
    assert_eq!(says(Situation { ending: Rst, far_fin: true, ..plain }), Undetermined);
    let own_turn = Situation { claim: DeliveryTimedOut, ending: ApplianceClosed, far_owed: false, ..plain };
    assert_eq!(says(own_turn), Undetermined);
}
