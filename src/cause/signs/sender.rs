//! What the sender did by itself: probes, refused recipients, patience that ran out, a program that fell
//! silent on a host that lives.

use crate::capture::segment::SeqNumber;
use crate::cause::signs::{Family, Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{CauseKind, Evidence, headers};
use crate::smtp::ending::Turn;
use crate::smtp::{EndingKind, Stage, Transaction};
use crate::time::Span;

/// A call-back: `MAIL FROM:<>`, RCPT, and away without DATA. Another host verified that the address
/// takes mail; nothing was to be delivered. Very common, and harmless.
///
/// Raised falsely by a bounce whose sender gave up before DATA; with QUIT or RSET it is decisive, with
/// a bare close strong.
pub const PROBE: Rule =
    Rule { name: "verification_probe", group: Group::Text, supports: &[CauseKind::VerificationProbe] };

/// Every recipient was refused, and the sender left without DATA.
pub const NO_RECIPIENT_LEFT: Rule =
    Rule { name: "no_recipient_left", group: Group::Text, supports: &[CauseKind::RecipientsRefused] };

/// The sender closed while it was the appliance's turn, and had been for long.
///
/// Rule: 60 s and more, or within 2 % of a timer in use ([`USUAL_TIMERS`]): decisive; from 20 s on: strong.
/// RFC 5321 section 4.5.3.2 asks for 2 to 10 minutes, by the command that waits; many senders have less.
pub const WAITED_IN_VAIN: Rule =
    Rule { name: "sender_waited_in_vain", group: Group::Timing, supports: &[CauseKind::SenderGaveUpWaiting] };

/// The sender's host lives and has nothing more to say: after a stall on the sender's turn it still
/// acknowledges at once, at the very number that the appliance expects.
///
/// Had its program sent anything that the path lost, its number would be higher (RFC 9293 section 3.4):
/// so neither path nor device holds anything back. Where the sender closed or reset at last, its program was no
/// longer stalled, and there is no such sign. A proxy that ends the sender's connection speaks for
/// itself here. Source: MIDDLEBOX fact 5 and 3.5.
pub const HOST_LIVES: Rule = Rule {
    name: "host_lives_and_sends_nothing",
    group: Group::Numbers,
    supports: &[CauseKind::SenderStalled],
};

/// See the module.
pub const FAMILY: Family =
    Family { rules: &[&PROBE, &NO_RECIPIENT_LEFT, &WAITED_IN_VAIN, &HOST_LIVES], read };

/// Timers that senders are known to use, in seconds (Postfix 300 and 600; 30, 60, 120, 180 in appliances,
/// libraries and load balancers).
pub const USUAL_TIMERS: [f64; 6] = [30.0, 60.0, 120.0, 180.0, 300.0, 600.0];
/// How near to a timer counts as that timer.
const NEAR_TIMER: f64 = 0.02;
/// Waits that nobody gives up for.
const SHORTEST_WAIT: f64 = 20.0;
/// Waits after which anybody may give up.
const LONG_WAIT: f64 = 60.0;
/// How long after the last octets an acknowledgment may still be for those.
const ORDINARY_ACK: Span = Span::from_seconds(2);

fn read(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    if let Some(transaction) = evidence.transaction {
        probe(evidence, transaction, found);
        no_recipient(evidence, transaction, found);
    }
    waited(evidence, found);
    host_lives(evidence, found);
}

fn probe(evidence: &Evidence<'_>, transaction: &Transaction, found: &mut Vec<Sign>) {
    let bare = transaction.mail_from.is_empty() && !transaction.mail_missing;
    if !bare || transaction.recipients.is_empty() || transaction.data.is_some() {
        return;
    }
    let strength = match evidence.ending.kind {
        EndingKind::Quit | EndingKind::Abandoned => Strength::Decisive,
        EndingKind::Fin => Strength::Strong,
        _ => return,
    };
    found.push(Sign {
        rule: &PROBE,
        points_at: PointsAt::Sender,
        strength,
        frames: vec![transaction.mail.frame],
        numbers: vec![("recipients", transaction.recipients.len() as f64)],
        detail: "MAIL with an empty sender, RCPT, and then the sender left: a call-back that verifies an address, \
                 with no message to deliver"
            .to_owned(),
    });
}

fn no_recipient(evidence: &Evidence<'_>, transaction: &Transaction, found: &mut Vec<Sign>) {
    let answered: Vec<_> = transaction.recipients.iter().filter_map(|recipient| recipient.reply).collect();
    let refused = answered.iter().filter(|(code, _)| !code.is_positive()).count();
    let all = !answered.is_empty() && refused == transaction.recipients.len();
    let left = matches!(
        evidence.ending.kind,
        EndingKind::Quit | EndingKind::Refused | EndingKind::Abandoned | EndingKind::Fin
    );
    if !all || !left || transaction.body_octets > 0 || transaction.recipients_dropped > 0 {
        return;
    }
    found.push(Sign {
        rule: &NO_RECIPIENT_LEFT,
        points_at: PointsAt::Appliance,
        strength: Strength::Decisive,
        frames: answered.iter().take(8).map(|(_, at)| at.frame).collect(),
        numbers: vec![("refused", refused as f64)],
        detail: match refused {
            1 => "the only recipient was refused, so there was no message to send".to_owned(),
            more => format!("all {more} recipients were refused, so there was no message to send"),
        },
    });
}

fn waited(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let ending = evidence.ending;
    let appliances_turn = ending.turn == Some(Turn::Of(evidence.leg.appliance()));
    let sender_closed = matches!(ending.kind, EndingKind::Fin | EndingKind::Rst);
    let (Some(waited), true, true) = (ending.waited, appliances_turn, sender_closed) else { return };
    let seconds = waited.seconds();
    if seconds < SHORTEST_WAIT {
        return;
    }
    let timer = USUAL_TIMERS.into_iter().find(|timer| (seconds / timer - 1.0).abs() <= NEAR_TIMER);
    let decisive = timer.is_some() || seconds >= LONG_WAIT;
    let asked = asked(ending.stage);
    let told = timer.map_or_else(String::new, |timer| format!(", as with a timer of {timer:.0} s"));
    found.push(Sign {
        rule: &WAITED_IN_VAIN,
        points_at: PointsAt::Appliance,
        strength: if decisive { Strength::Decisive } else { Strength::Strong },
        frames: ending.at.map(|at| at.frame).into_iter().collect(),
        numbers: vec![("waited_seconds", seconds), ("rfc_5321_seconds", patience(ending.stage))],
        detail: format!(
            "the sender left after waiting {seconds:.0} s for the reply to {asked}{told}; RFC 5321 asks for {:.0} s \
             of patience there",
            patience(ending.stage)
        ),
    });
}

/// What the sender waited for.
const fn asked(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => "its connection (the greeting)",
        Stage::EndOfData => "its final dot",
        Stage::Data => "DATA",
        Stage::Mail => "MAIL",
        Stage::Rcpt => "RCPT",
        Stage::Body => "its octets",
        _ => "its last command",
    }
}

/// The least time that a sender should wait, by RFC 5321 sections 4.5.3.2.1 to 4.5.3.2.6, in seconds.
pub const fn patience(stage: Stage) -> f64 {
    match stage {
        Stage::Data => 120.0,
        Stage::Body => 180.0,
        Stage::EndOfData => 600.0,
        _ => 300.0,
    }
}

fn host_lives(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let Some(trace) = evidence.trace() else { return };
    let sender = evidence.sender();
    let Some(stall) = evidence.ending.stall.filter(|stall| stall.on == evidence.leg.appliance().other())
    else {
        return;
    };
    if matches!(evidence.ending.kind, EndingKind::Fin | EndingKind::Rst) {
        return;
    }
    let quiet_from = stall.since.time.plus(ORDINARY_ACK);
    let expected =
        headers::highest_ack(headers::all(trace).filter(|header| header.by == evidence.appliance()));
    let Some(expected) = expected else { return };
    // A keep-alive stands one before the expected number (RFC 9293 section 3.8.4).
    let nothing_more = |seq: u32| matches!(SeqNumber(seq).beyond(expected), -1..=0);
    let signs_of_life: Vec<_> = headers::all(trace)
        .filter(|header| header.by == sender && header.at.time > quiet_from)
        .filter(|header| header.flags.ack() && !header.flags.rst() && !header.flags.syn())
        .collect();
    let (Some(first), true) = (
        signs_of_life.first(),
        signs_of_life.iter().all(|header| header.payload <= 1 && nothing_more(header.seq)),
    ) else {
        return;
    };
    found.push(Sign {
        rule: &HOST_LIVES,
        points_at: PointsAt::Sender,
        strength: Strength::Decisive,
        frames: signs_of_life.iter().take(4).map(|header| header.at.frame).collect(),
        numbers: vec![
            ("segments", signs_of_life.len() as f64),
            ("quiet_seconds", first.at.time.since(stall.since.time).seconds()),
        ],
        detail: format!(
            "{:.0} s into the silence the sender's host still acknowledged, at the very number that the appliance \
             expected: it lived, and its program had sent nothing more",
            first.at.time.since(stall.since.time).seconds()
        ),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::trace::SegmentHeader;
    use crate::cause::testing::{ISN, Scene, appliance, sender};
    use crate::net::Role;
    use crate::smtp::script::Script;

    fn greeted() -> Script {
        Script::new().s("220 x\r\n").c("EHLO a\r\n").s("250 x\r\n")
    }

    #[test]
    fn a_call_back_is_no_lost_message() {
        let probe = |from: &str| {
            Scene::of(
                &greeted()
                    .c(format!("MAIL FROM:<{from}>\r\n"))
                    .s("250 ok\r\n")
                    .c("RCPT TO:<b@b>\r\n")
                    .s("250 ok\r\n")
                    .c("QUIT\r\n")
                    .s("221 bye\r\n")
                    .fin(Role::Server),
            )
        };
        assert_eq!(probe("").named(read, PROBE.name)[0].strength, Strength::Decisive);
        assert!(probe("a@a").named(read, PROBE.name).is_empty());
    }

    #[test]
    fn a_sender_whose_recipients_are_all_refused_has_nothing_to_send() {
        let refused = |second: &str| {
            Scene::of(
                &greeted()
                    .c("MAIL FROM:<a@a>\r\n")
                    .s("250 ok\r\n")
                    .c("RCPT TO:<b@b>\r\n")
                    .s("550 no\r\n")
                    .c("RCPT TO:<c@b>\r\n")
                    .s(format!("{second} well\r\n"))
                    .c("QUIT\r\n")
                    .s("221 bye\r\n")
                    .fin(Role::Server),
            )
        };
        assert_eq!(refused("550").named(read, NO_RECIPIENT_LEFT.name).len(), 1);
        assert!(refused("250").named(read, NO_RECIPIENT_LEFT.name).is_empty());
    }

    #[test]
    fn patience_that_ran_out_is_told_from_a_hasty_leave() {
        let left_after = |seconds| {
            let script = greeted().c("MAIL FROM:<a@a>\r\n").s("250 ok\r\n").c("RCPT TO:<b@b>\r\n");
            Scene::of(&script.wait(seconds).fin(Role::Client)).named(read, WAITED_IN_VAIN.name)
        };
        assert_eq!(left_after(61)[0].strength, Strength::Decisive);
        assert_eq!(left_after(30)[0].strength, Strength::Decisive);
        assert_eq!(left_after(42)[0].strength, Strength::Strong);
        assert!(left_after(3).is_empty());
        // It was the sender's own turn.
        let idle = greeted().c("MAIL FROM:<a@a>\r\n").s("250 ok\r\n").wait(90).fin(Role::Client);
        assert!(Scene::of(&idle).named(read, WAITED_IN_VAIN.name).is_empty());
    }

    #[test]
    fn a_host_that_lives_and_sends_nothing_stalled_by_itself() {
        let script = greeted()
            .c("MAIL FROM:<a@a>\r\n")
            .s("250 ok\r\n")
            .wait(300)
            .s("421 timeout\r\n")
            .fin(Role::Server);
        let with = |seq: u32| {
            let mut scene = Scene::of(&script);
            scene.push(SegmentHeader { ack: ISN.0 + 30, ..appliance(1_000) });
            scene.push(SegmentHeader { seq, ..sender(300_900) });
            scene.named(read, HOST_LIVES.name).len()
        };
        assert_eq!(with(ISN.0 + 30), 1);
        assert_eq!(with(ISN.0 + 29), 1, "a keep-alive");
        assert_eq!(with(ISN.0 + 1490), 0, "it sent more than came");
        let closed = greeted().c("MAIL FROM:<a@a>\r\n").s("250 ok\r\n").wait(300).fin(Role::Client);
        let mut scene = Scene::of(&closed);
        scene.push(SegmentHeader { ack: ISN.0 + 30, ..appliance(1_000) });
        scene.push(SegmentHeader { seq: ISN.0 + 30, ..sender(300_900) });
        assert!(scene.named(read, HOST_LIVES.name).is_empty(), "its program closed");
    }
}
