use super::*;
use crate::maillog::tests::read_text;

fn told(log: &str, all: bool) -> Vec<(ClaimKind, Option<u64>, String, Lost)> {
    let log = read_text(log);
    claims(&log, all)
        .into_iter()
        .map(|claim| {
            let messages = claim.connection.map_or(&log.orphans, |at| &log.connections[at].messages);
            let mid = claim.message.map(|at| messages[at].mid);
            (claim.kind, mid, claim.reason.to_string(), claim.lost)
        })
        .collect()
}

fn row(
    kind: ClaimKind,
    mid: impl Into<Option<u64>>,
    reason: &str,
    lost: Lost,
) -> (ClaimKind, Option<u64>, String, Lost) {
    (kind, mid.into(), reason.to_owned(), lost)
}

const OPEN: &str = "\
Tue Mar 10 09:00:00 2015 Info: New SMTP ICID 31 interface Data 1 (192.0.2.25) address 198.51.100.7 reverse dns host mx.example.org verified yes
Tue Mar 10 09:00:00 2015 Info: ICID 31 ACCEPT SG UNKNOWNLIST match sbrs[-1.0:10.0] SBRS 1.0
Tue Mar 10 09:00:01 2015 Info: Start MID 7 ICID 31
Tue Mar 10 09:00:01 2015 Info: MID 7 ICID 31 From: <a@example.org>
Tue Mar 10 09:00:01 2015 Info: MID 7 ICID 31 RID 0 To: <b@example.com>
";

/// ESA-LOGS section 6: the order of a connection closed below SMTP.
#[test]
fn lost_and_aborted() {
    let log = format!(
        "{OPEN}\
Tue Mar 10 09:00:37 2015 Info: ICID 31 lost
Tue Mar 10 09:00:37 2015 Info: Message aborted MID 7 Receiving aborted
Tue Mar 10 09:00:37 2015 Info: Message finished MID 7 aborted
Tue Mar 10 09:00:37 2015 Info: ICID 31 close
"
    );
    assert_eq!(told(&log, false), [row(ClaimKind::ReceivingAborted, 7, "Receiving aborted", Lost::Yes)]);
}

/// ESA-LOGS section 6: QUIT before DATA has no `lost` line.
#[test]
fn aborted_by_the_sender() {
    let log = format!(
        "{OPEN}\
Tue Mar 10 09:00:07 2015 Info: Message aborted MID 7 Receiving aborted by sender
Tue Mar 10 09:00:07 2015 Info: Message finished MID 7 aborted
Tue Mar 10 09:00:07 2015 Info: ICID 31 close
"
    );
    let expected = row(ClaimKind::ReceivingAbortedBySender, 7, "Receiving aborted by sender", Lost::No);
    assert_eq!(told(&log, false), [expected]);
}

/// ESA-LOGS section 6: where only lines with the MID are left, a missing `lost` is no evidence.
#[test]
fn a_grep_for_the_mid_leaves_lost_unknown() {
    let log = "\
Tue Mar 10 09:00:01 2015 Info: Start MID 7 ICID 31
Tue Mar 10 09:00:01 2015 Info: MID 7 ICID 31 From: <a@example.org>
Tue Mar 10 09:00:01 2015 Info: MID 7 ICID 31 RID 0 To:
Tue Mar 10 09:05:01 2015 Info: Message aborted MID 7 Receiving aborted
Tue Mar 10 09:05:01 2015 Info: Message finished MID 7 aborted
";
    assert_eq!(told(log, false), [row(ClaimKind::ReceivingAborted, 7, "Receiving aborted", Lost::Unknown)]);
    // The opening lines came before the abort: they do not tell either.
    let log = format!("{OPEN}Tue Mar 10 09:05:01 2015 Info: Message aborted MID 7 Receiving aborted\n");
    assert_eq!(told(&log, false), [row(ClaimKind::ReceivingAborted, 7, "Receiving aborted", Lost::Unknown)]);
    // A line in the hour that the clock repeats is after it, though its stamp is before.
    let log = format!(
        "{OPEN}Tue Mar 10 09:05:01 2015 Info: Message aborted MID 7 Receiving aborted\n\
         Tue Mar 10 08:05:02 2015 Info: ICID 31 close\n"
    );
    assert_eq!(told(&log, false), [row(ClaimKind::ReceivingAborted, 7, "Receiving aborted", Lost::No)]);
}

#[test]
fn an_abort_alone_is_an_orphan_with_a_claim() {
    let log = "Tue Mar 10 09:05:01 2015 Info: Message aborted MID 7 Receiving aborted\n";
    assert_eq!(told(log, false), [row(ClaimKind::ReceivingAborted, 7, "Receiving aborted", Lost::Unknown)]);
}

/// ESA-LOGS section 6: the appliance's own ends, and which of two lines is the case.
#[test]
fn ends_by_the_appliance() {
    let timer = "disconnected address 198.51.100.7, no messages injected within timeout period";
    let without_message = format!(
        "Tue Mar 10 09:05:00 2015 Info: ICID 31 {timer}\nTue Mar 10 09:05:00 2015 Info: ICID 31 close\n"
    );
    assert_eq!(told(&without_message, false), [row(ClaimKind::NoMessagesInjected, None, timer, Lost::No)]);
    // Nothing after it: whether `lost` follows is not known.
    let cut = without_message.lines().next().unwrap();
    assert_eq!(told(cut, false), [row(ClaimKind::NoMessagesInjected, None, timer, Lost::Unknown)]);
    // The aborted message tells the event; the connection is no second case.
    let with_message = format!(
        "{OPEN}Tue Mar 10 09:05:00 2015 Info: Message aborted MID 7 Receiving aborted\n{without_message}"
    );
    assert_eq!(
        told(&with_message, false),
        [row(ClaimKind::ReceivingAborted, 7, "Receiving aborted", Lost::No)]
    );
    // A message given up long before does not tell it.
    let early = format!(
        "{OPEN}Tue Mar 10 09:00:09 2015 Info: Message aborted MID 7 Receiving aborted by sender\n{without_message}"
    );
    let kinds: Vec<_> = told(&early, false).into_iter().map(|claim| (claim.0, claim.3)).collect();
    assert_eq!(
        kinds,
        [(ClaimKind::ReceivingAbortedBySender, Lost::No), (ClaimKind::NoMessagesInjected, Lost::No)]
    );
    let limit = "\
Tue Mar 10 09:05:00 2015 Warning: System limit reached: connection limit for IP 198.51.100.7 on listener In ICID 32: max: 1
Tue Mar 10 09:05:00 2015 Info: ICID 32 Receiving Failed: Connection limit exceeded
Tue Mar 10 09:05:00 2015 Info: ICID 32 close
Tue Mar 10 09:06:00 2015 Info: SMTP server connection killed ICID: 33
Tue Mar 10 09:06:00 2015 Info: SMTP client connection killed DCID: 34
";
    assert_eq!(
        told(limit, true),
        [
            row(ClaimKind::ReceivingFailed, None, "Receiving Failed: Connection limit exceeded", Lost::No),
            row(ClaimKind::Killed, None, "SMTP server connection killed", Lost::Unknown),
        ]
    );
    // What ended the connection outranks a refusal that it outlived.
    let both = "\
Tue Mar 10 09:05:00 2015 Info: ICID 32 Receiving Failed: Message size exceeds limit
Tue Mar 10 09:15:00 2015 Info: ICID 32 disconnected address 198.51.100.7, exceeded allowable connection time
Tue Mar 10 09:15:00 2015 Info: ICID 32 Receiving Failed: Protocol
";
    assert_eq!(told(both, false)[0].0, ClaimKind::ConnectionTimeExceeded);
}

/// ESA-LOGS section 6: accepted is accepted, whatever the connection does afterwards.
#[test]
fn all_adds_what_went_well() {
    let log = format!(
        "{OPEN}\
Tue Mar 10 09:00:02 2015 Info: MID 7 ready 512 bytes from <a@example.org>
Tue Mar 10 09:00:03 2015 Info: Start MID 8 ICID 31
Tue Mar 10 09:00:04 2015 Info: Message aborted MID 7 Dropped by CASE
Tue Mar 10 09:00:04 2015 Info: Message finished MID 7 done
Tue Mar 10 09:00:05 2015 Info: ICID 31 lost
Tue Mar 10 09:00:05 2015 Info: Message aborted MID 9 Dropped by CASE
Tue Mar 10 09:00:05 2015 Info: Message aborted MID 10 Vanished
"
    );
    assert_eq!(
        told(&log, true),
        [
            row(ClaimKind::Accepted, 7, "ready 512 bytes", Lost::Yes),
            row(ClaimKind::Unfinished, 8, "", Lost::Yes),
            row(ClaimKind::AbortedOtherwise, 10, "Vanished", Lost::Unknown),
        ]
    );
    assert_eq!(told(&log, false), [row(ClaimKind::AbortedOtherwise, 10, "Vanished", Lost::Unknown)]);
    assert_eq!(read_text(&log).left_out.policy_aborts, 2);
}
