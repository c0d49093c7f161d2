//! The appliance's own doing: limits, timers, slow replies.

use crate::cause::signs::{Family, Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{CauseKind, Evidence};
use crate::net::Leg;
use crate::smtp::ending::words::why;
use crate::smtp::ending::{Form, Why};
use crate::smtp::exchanges::{Waits, exchanges};
use crate::smtp::session::{Outcome, ReplySeen};
use crate::smtp::{EndingKind, ReplyCode};
use crate::text::escaped;

use super::sender::patience;

/// The appliance refused or closed with the words of a limit of its own.
pub const OWN_LIMIT: Rule =
    Rule { name: "limit_of_the_appliance", group: Group::Text, supports: &[CauseKind::ApplianceLimit] };

/// Refused command upon refused command, and then the appliance closed: its limit of bad commands (after
/// four or five, by its notes). Where a firewall overwrites commands, that is what fills it.
pub const BAD_COMMANDS: Rule =
    Rule { name: "bad_command_limit", group: Group::Records, supports: &[CauseKind::ApplianceLimit] };

/// A timer of the appliance fits the time of the end. Moderate: the stall before it has a cause of its own.
pub const TIMER_FITS: Rule =
    Rule { name: "timer_of_the_appliance", group: Group::Timing, supports: &[CauseKind::ApplianceTimer] };

/// The appliance took long for a reply. Moderate: the sender may have waited for it in vain.
pub const SLOW_REPLY: Rule =
    Rule { name: "slow_reply", group: Group::Timing, supports: &[CauseKind::SenderGaveUpWaiting] };

/// The log itself says why the appliance ended the connection.
pub const LOG_SAYS_WHY: Rule = Rule {
    name: "log_says_why",
    group: Group::Log,
    supports: &[CauseKind::ApplianceLimit, CauseKind::ApplianceTimer, CauseKind::ApplianceClosed],
};

/// See the module.
pub const FAMILY: Family =
    Family { rules: &[&OWN_LIMIT, &BAD_COMMANDS, &TIMER_FITS, &SLOW_REPLY, &LOG_SAYS_WHY], read };

/// Refused commands in a row that reach the appliance's limit ("4" in TechNote 118495, "after 5" in 214630).
const BAD_COMMAND_LIMIT: usize = 4;
/// A reply that takes longer is slow, in seconds.
const SLOW: f64 = 10.0;
/// Octets of a reply shown.
const MAX_SHOWN: usize = 120;

fn read(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    limit(evidence, found);
    bad_commands(evidence, found);
    timer(evidence, found);
    slow(evidence, found);
    log(evidence, found);
}

/// The reply that ended it, where one did.
fn last_word<'a>(evidence: &Evidence<'a>) -> Option<&'a ReplySeen> {
    let dialog = &evidence.session.dialog;
    match evidence.ending.kind {
        EndingKind::ApplianceClosed if evidence.ending.form == Some(Form::Reply) => {
            dialog.unsolicited.as_ref().or(dialog.last_reply.as_ref())
        }
        EndingKind::Refused => {
            let end = evidence.transaction.and_then(|transaction| transaction.end_reply.as_ref());
            end.or(dialog.last_reply.as_ref().filter(|reply| {
                matches!(evidence.transaction.map(|it| &it.outcome),
                    Some(Outcome::Refused { at, .. }) if at.frame == reply.at.frame)
            }))
        }
        _ => None,
    }
}

fn limit(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    // On a delivery the words are the remote server's.
    if evidence.leg == Leg::Delivery {
        return;
    }
    // 552 is for limits alone (RFC 5321 section 4.2.3: exceeded storage allocation).
    const EXCEEDED: ReplyCode = ReplyCode(552);
    let Some(reply) = last_word(evidence) else {
        // A refused MAIL opens no transaction; the ending alone knows the code.
        if evidence.ending.kind == EndingKind::Refused && evidence.ending.code == Some(EXCEEDED) {
            found.push(Sign {
                rule: &OWN_LIMIT,
                points_at: PointsAt::Appliance,
                strength: Strength::Decisive,
                frames: evidence.ending.at.map(|at| at.frame).into_iter().collect(),
                numbers: vec![("code", f64::from(EXCEEDED.0))],
                detail: format!(
                    "the appliance refused with {}, which stands for a limit of its own",
                    EXCEEDED.0
                ),
            });
        }
        return;
    };
    if why(reply) != Why::Limit && reply.code != EXCEEDED {
        return;
    }
    let shown = escaped(reply.text.as_bytes());
    let shown: String = shown.chars().take(MAX_SHOWN).collect();
    found.push(Sign {
        rule: &OWN_LIMIT,
        points_at: PointsAt::Appliance,
        strength: Strength::Decisive,
        frames: vec![reply.at.frame],
        numbers: vec![("code", f64::from(reply.code.0))],
        detail: format!("the appliance's own words name a limit: `{} {shown}`", reply.code.0),
    });
}

fn bad_commands(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let Some(close_up) = evidence.close_up else { return };
    if evidence.ending.kind != EndingKind::ApplianceClosed {
        return;
    }
    let refused: Vec<_> = close_up
        .session
        .dialog
        .commands
        .iter()
        .filter_map(|command| command.reply)
        .filter(|(code, _)| (500..=504).contains(&code.0))
        .collect();
    if refused.len() < BAD_COMMAND_LIMIT {
        return;
    }
    found.push(Sign {
        rule: &BAD_COMMANDS,
        points_at: PointsAt::Appliance,
        strength: Strength::Strong,
        frames: refused.iter().take(8).map(|(_, at)| at.frame).collect(),
        numbers: vec![("refused", refused.len() as f64)],
        detail: format!(
            "{} commands were refused as unknown or out of place before the appliance closed: its limit of bad commands",
            refused.len()
        ),
    });
}

fn timer(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let ended = matches!(evidence.ending.kind, EndingKind::ApplianceClosed | EndingKind::Silence);
    let Some(fit) = evidence.timers.first().filter(|_| ended) else { return };
    found.push(Sign {
        rule: &TIMER_FITS,
        points_at: PointsAt::Appliance,
        strength: Strength::Moderate,
        frames: Vec::new(),
        numbers: vec![
            ("elapsed_seconds", fit.elapsed.seconds()),
            ("timer_seconds", fit.timer.runs.seconds()),
        ],
        detail: format!("the end came {fit}"),
    });
}

fn slow(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let Some(close_up) = evidence.close_up else { return };
    let exchanges = exchanges(&close_up.session);
    let waits = Waits::of(&close_up.session, &exchanges, evidence.ending);
    let waited = match evidence.leg.appliance() {
        crate::net::Role::Server => waits.client,
        crate::net::Role::Client => waits.server,
    };
    let Some(longest) = waited.longest.filter(|wait| wait.lasted.seconds() >= SLOW) else { return };
    let (seconds, patience) = (longest.lasted.seconds(), patience(longest.stage));
    found.push(Sign {
        rule: &SLOW_REPLY,
        points_at: PointsAt::Appliance,
        strength: Strength::Moderate,
        frames: vec![longest.since.frame],
        numbers: vec![("seconds", seconds), ("rfc_5321_seconds", patience)],
        detail: format!(
            "the sender was kept waiting for {seconds:.0} s for one reply; RFC 5321 asks senders for {patience:.0} s of \
             patience there, and many have less"
        ),
    });
}

fn log(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let Some(end) = evidence.connection.and_then(|connection| connection.ended_by_appliance.as_ref()) else {
        return;
    };
    found.push(Sign {
        rule: &LOG_SAYS_WHY,
        points_at: PointsAt::Appliance,
        strength: Strength::Moderate,
        frames: Vec::new(),
        numbers: Vec::new(),
        detail: format!(
            "the log says why the appliance ended the connection: `{}`",
            escaped(end.words.as_bytes())
        ),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::testing::Scene;
    use crate::net::Role;
    use crate::smtp::script::Script;

    fn greeted() -> Script {
        Script::new().s("220 x\r\n").c("EHLO a\r\n").s("250 x\r\n")
    }

    #[test]
    fn the_appliances_words_name_its_limit() {
        let closed = |words: &str| {
            let script = greeted().c("NOOP\r\n").s("250 ok\r\n").s(format!("{words}\r\n")).fin(Role::Server);
            Scene::of(&script).named(read, OWN_LIMIT.name).len()
        };
        assert_eq!(closed("421 Too many messages on this connection"), 1);
        assert_eq!(closed("421 shutting down"), 0);
    }

    #[test]
    fn commands_refused_in_a_row_fill_the_limit() {
        let script = (0..5)
            .fold(greeted(), |script, _| script.c("XYZZY\r\n").s("500 #5.5.1 command not recognized\r\n"));
        let script = script.s("421 Exceeded bad SMTP command limit, disconnecting.\r\n").fin(Role::Server);
        let scene = Scene::of(&script);
        assert_eq!(scene.named(read, BAD_COMMANDS.name)[0].numbers, [("refused", 5.0)]);
        let once = greeted().c("XYZZY\r\n").s("500 what\r\n").s("421 bye\r\n").fin(Role::Server);
        assert!(Scene::of(&once).named(read, BAD_COMMANDS.name).is_empty());
    }

    #[test]
    fn a_slow_reply_is_told_with_the_patience_that_senders_should_have() {
        let script = greeted().c("MAIL FROM:<a@a>\r\n").wait(42).s("250 ok\r\n").fin(Role::Client);
        let found = Scene::of(&script).named(read, SLOW_REPLY.name);
        assert!((found[0].numbers[0].1 - 42.1).abs() < 0.2);
        let quick = greeted().c("MAIL FROM:<a@a>\r\n").wait(2).s("250 ok\r\n").fin(Role::Client);
        assert!(Scene::of(&quick).named(read, SLOW_REPLY.name).is_empty());
    }
}
