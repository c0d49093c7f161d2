//! Limits of firewalls: the sender's packets stop just where an inspection of SMTP would drop them.
//!
//! Cisco ASA's `_default_esmtp_map` drops the connection without a word at a command line of more than 512
//! octets, at more than 100 recipients, at a header line of more than 998 and at a sender's address of more
//! than 320 (MIDDLEBOX 2.5). On this side that is a silence.

use crate::cause::signs::{Family, Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{CauseKind, Evidence};
use crate::smtp::{EndingKind, Stage};

/// The silence begins right behind the hundredth recipient, and the sender sent more.
pub const AT_RECIPIENT_LIMIT: Rule =
    Rule { name: "stopped_at_a_recipient_limit", group: Group::Text, supports: &[CauseKind::MiddleboxLimit] };

/// The silence begins within a line that has just passed a limit.
///
/// Rule: the unfinished line is longer than the limit, by at most one segment: the packet that would have
/// ended it never came; or the one packet with a whole command that never came, though its number proves
/// it was sent, is longer than a command may be.
/// Raised falsely by a sender that dies within a long line by chance, and by several commands in one packet.
pub const AT_LINE_LIMIT: Rule =
    Rule { name: "stopped_at_a_line_limit", group: Group::Text, supports: &[CauseKind::MiddleboxLimit] };

/// What the sender sent next never came, and it is no ordinary loss: see
/// [`super::path::LOST_IN_PATH`]. Beside a limit it shows that the sender went on, and something stopped it.
pub const STOPPED_WHILE_SENDING: Rule = Rule {
    name: "stopped_while_the_sender_went_on",
    group: Group::Numbers,
    supports: &[CauseKind::MiddleboxLimit],
};

/// See the module.
pub const FAMILY: Family =
    Family { rules: &[&AT_RECIPIENT_LIMIT, &AT_LINE_LIMIT, &STOPPED_WHILE_SENDING], read };

/// Recipients that pass.
const RECIPIENTS: usize = 100;
/// Octets of a command line that pass, its end included (RFC 5321 section 4.5.3.1.4).
const COMMAND_LINE: u64 = 512;
/// Octets of a header line that pass (RFC 5322 section 2.1.1), its end not counted.
const HEADER_LINE: u64 = 998;
/// The segment size where none was captured (RFC 9293 section 3.7.1 with Ethernet's MTU).
const USUAL_MSS: u64 = 1460;

fn read(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let ended =
        matches!(evidence.ending.kind, EndingKind::Silence | EndingKind::ApplianceClosed | EndingKind::Fin);
    let stalled = evidence.ending.stall.is_some_and(|stall| stall.on == evidence.leg.appliance().other());
    if !ended || !stalled || evidence.session.dialog.encryption.is_some() {
        return;
    }
    let before = found.len();
    recipients(evidence, found);
    line(evidence, found);
    let lost = evidence.lost_in_path().unwrap_or(0);
    if found.len() > before && lost > 0 {
        found.push(Sign {
            rule: &STOPPED_WHILE_SENDING,
            points_at: PointsAt::Middlebox,
            strength: Strength::Strong,
            frames: vec![evidence.session.flow.last.frame],
            numbers: vec![("octets", lost as f64)],
            detail: format!("the sender went on there: {lost} octets that it sent next never came"),
        });
    }
}

fn recipients(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let Some(transaction) = evidence.transaction.filter(|_| evidence.ending.stage == Stage::Rcpt) else {
        return;
    };
    let count = transaction.recipients.len();
    if count != RECIPIENTS {
        return;
    }
    let last = transaction.recipients.last().map(|recipient| recipient.at.frame);
    found.push(Sign {
        rule: &AT_RECIPIENT_LIMIT,
        points_at: PointsAt::Middlebox,
        strength: Strength::Strong,
        frames: last.into_iter().collect(),
        numbers: vec![("recipients", count as f64)],
        detail: format!(
            "the sender fell silent right behind its {count}th recipient, where a Cisco ASA's inspection drops \
             the connection without a word"
        ),
    });
}

fn line(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let Some(close_up) = evidence.close_up else { return };
    let unfinished = close_up.text.of(evidence.sender()).unfinished;
    let in_a_body = evidence.ending.stage == Stage::Body;
    let missing = evidence.lost_in_path().and_then(|octets| u64::try_from(octets).ok()).unwrap_or(0);
    let length = if unfinished == 0 && !in_a_body { missing } else { unfinished };
    let (limit, what) = match evidence.ending.stage {
        Stage::Body => (HEADER_LINE, "header"),
        Stage::Greeting | Stage::Helo | Stage::Mail | Stage::Rcpt | Stage::Between => {
            (COMMAND_LINE, "command")
        }
        _ => return,
    };
    let segment = evidence.appliance_stream().mss.map_or(USUAL_MSS, u64::from);
    if length <= limit || length > limit.saturating_add(segment) {
        return;
    }
    found.push(Sign {
        rule: &AT_LINE_LIMIT,
        points_at: PointsAt::Middlebox,
        strength: Strength::Strong,
        frames: evidence.sender_stream().last_octets.map(|at| at.frame).into_iter().collect(),
        numbers: vec![("octets", length as f64), ("limit", limit as f64)],
        detail: format!(
            "the sender's words end at {length} octets of a {what} line, just past the {limit} at which a Cisco ASA's \
             inspection drops the connection without a word"
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

    fn with_recipients(count: usize) -> Scene {
        let start = Script::new()
            .s("220 x\r\n")
            .c("EHLO a\r\n")
            .s("250 x\r\n")
            .c("MAIL FROM:<a@a>\r\n")
            .s("250 ok\r\n");
        let script =
            (0..count).fold(start, |script, one| script.c(format!("RCPT TO:<b{one}@b>\r\n")).s("250 ok\r\n"));
        let mut scene = Scene::of(&script.wait(300).s("421 timeout\r\n").fin(Role::Server));
        scene.push(SegmentHeader { ack: ISN.0 + 50, ..appliance(1_000) });
        scene.push(SegmentHeader { seq: ISN.0 + 90, ..sender(301_000) });
        scene
    }

    #[test]
    fn the_hundredth_recipient_is_a_place_to_stop() {
        let scene = with_recipients(100);
        assert_eq!(scene.named(read, AT_RECIPIENT_LIMIT.name).len(), 1);
        assert_eq!(scene.named(read, STOPPED_WHILE_SENDING.name).len(), 1);
        let other = with_recipients(99);
        assert!(other.named(read, AT_RECIPIENT_LIMIT.name).is_empty());
        assert!(other.named(read, STOPPED_WHILE_SENDING.name).is_empty());
    }

    #[test]
    fn a_line_just_past_its_limit_is_a_place_to_stop() {
        let script = Script::new()
            .s("220 x\r\n")
            .c("EHLO a\r\n")
            .s("250 x\r\n")
            .c("MAIL FROM:<a@a>\r\n")
            .s("250 ok\r\n")
            .wait(300)
            .s("421 timeout\r\n")
            .fin(Role::Server);
        let with = |unfinished| {
            let mut scene = Scene::of(&script);
            scene.close_up.text.originator.unfinished = unfinished;
            scene.named(read, AT_LINE_LIMIT.name).len()
        };
        assert_eq!(with(1_448), 1);
        assert_eq!(with(0), 0);
        assert_eq!(with(300), 0);
        assert_eq!(with(9_000), 0, "it had passed long before");
        // The whole command never came.
        let gone = |octets| {
            let mut scene = Scene::of(&script);
            scene.push(SegmentHeader { ack: ISN.0 + 50, ..appliance(1_000) });
            scene.push(SegmentHeader { seq: ISN.0 + 50 + octets, ..sender(301_000) });
            scene.named(read, AT_LINE_LIMIT.name).len()
        };
        assert_eq!(gone(543), 1);
        assert_eq!(gone(40), 0, "an ordinary command");
    }
}
