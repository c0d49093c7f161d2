//! A dialogue that something in between has changed: commands overwritten with X, a masked banner or
//! EHLO reply, a swallowed dot.

use crate::cause::signs::{Family, Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{CauseKind, Evidence, headers};
use crate::smtp::session::Command;
use crate::smtp::{Stage, Verb};

/// Commands arrive overwritten with X at their full length: a firewall's inspection of SMTP (Cisco PIX,
/// FWSM, ASA `inspect esmtp`) hides what it does not allow. The appliance answers 500, and after five such
/// commands it ends the connection itself: its log then blames the sender.
///
/// Rule: eight X where STARTTLS was offered and due (behind EHLO, before any other command), or four X as
/// the first command with HELO behind them: a slot of the right length in the right state, so decisive.
/// Four X or more elsewhere: strong; a spammer may send that. Source: MIDDLEBOX 2.1 (Cisco's note on
/// ASA and STARTTLS; cisco-nsp 2004).
pub const COMMANDS_OVERWRITTEN: Rule =
    Rule { name: "commands_overwritten", group: Group::Text, supports: &[CauseKind::MiddleboxRewriting] };

/// The greeting is masked: nothing in it but `2`, `0`, blanks and asterisks. Postfix's own test (`smtp_proto.c`)
/// is the whole rule: `resp[strspn(resp, "20 *\t\n")] == 0`. Seen where the server is beyond the device.
pub const BANNER_MASKED: Rule =
    Rule { name: "banner_masked", group: Group::Text, supports: &[CauseKind::MiddleboxRewriting] };

/// A keyword of the EHLO reply is overwritten (`250-XXXXXXXA`), so that the client does not ask for it.
/// Source: MIDDLEBOX 2.3. Seen where the server is beyond the device.
pub const EHLO_MASKED: Rule =
    Rule { name: "ehlo_keyword_masked", group: Group::Text, supports: &[CauseKind::MiddleboxRewriting] };

/// The body came whole but for its end: the final dot never arrived.
///
/// Rule: the body's last line is a dot without its line end (`CRLF . ` or `CRLF . CR`): strong; it ends with
/// CRLF and the sender's numbers show 3 to 5 octets more (`.` CRLF, perhaps with a CRLF before): decisive.
/// Old PIX swallow a dot that is split over packets (CSCds90792). Source: MIDDLEBOX 2.4. A cut within a
/// line that begins with a stuffed dot looks like the first form.
pub const DOT_SWALLOWED: Rule = Rule {
    name: "final_dot_swallowed",
    group: Group::Text,
    supports: &[CauseKind::MiddleboxRewriting, CauseKind::PathLostData],
};

/// The sender paused ten seconds right before its final dot: Postfix does so where it saw a masked banner
/// (`smtp_pix_workaround_delay_time`). Moderate: other senders may pause there by chance.
pub const PAUSE_BEFORE_DOT: Rule =
    Rule { name: "pause_before_the_dot", group: Group::Timing, supports: &[CauseKind::MiddleboxRewriting] };

/// See the module.
pub const FAMILY: Family = Family {
    rules: &[&COMMANDS_OVERWRITTEN, &BANNER_MASKED, &EHLO_MASKED, &DOT_SWALLOWED, &PAUSE_BEFORE_DOT],
    read,
};

/// Letters X that make an overwritten command: no verb is shorter than four.
const LEAST_X: usize = 4;
/// Length of `STARTTLS`.
const STARTTLS: usize = 8;
/// Octets of the end of data that may be missing: `.` CRLF, up to CRLF `.` CRLF.
const DOT_OCTETS: std::ops::RangeInclusive<i64> = 3..=5;
/// Postfix's pause in seconds, with what the path adds.
const PIX_PAUSE: std::ops::Range<f64> = 9.5..11.5;

fn read(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    overwritten(evidence, found);
    masked(evidence, found);
    dot(evidence, found);
    pause(evidence, found);
}

fn overwritten(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let Some(close_up) = evidence.close_up else { return };
    let dialog = &close_up.session.dialog;
    let letters = |command: &Command| match &command.verb {
        Verb::Unknown(word) => {
            let word = word.as_bytes();
            (word.len() >= LEAST_X && word.iter().all(|octet| *octet == b'X')).then_some(word.len())
        }
        _ => None,
    };
    let hits: Vec<(usize, &Command, usize)> = dialog
        .commands
        .iter()
        .enumerate()
        .filter_map(|(place, command)| Some((place, command, letters(command)?)))
        .collect();
    if hits.is_empty() {
        return;
    }
    let in_its_slot = hits.iter().any(|(place, _, length)| {
        let before = place.checked_sub(1).and_then(|before| dialog.commands.get(before));
        let behind = dialog.commands.get(place + 1);
        let starttls = *length == STARTTLS
            && dialog.capabilities.starttls
            && before.is_some_and(|before| before.verb == Verb::Ehlo);
        let ehlo =
            *length == LEAST_X && *place == 0 && behind.is_some_and(|behind| behind.verb == Verb::Helo);
        starttls || ehlo
    });
    let refused = hits
        .iter()
        .filter(|(_, command, _)| command.reply.is_some_and(|(code, _)| !code.is_positive()))
        .count();
    found.push(Sign {
        rule: &COMMANDS_OVERWRITTEN,
        points_at: PointsAt::Middlebox,
        strength: if in_its_slot { Strength::Decisive } else { Strength::Strong },
        frames: hits.iter().take(8).map(|(_, command, _)| command.at.frame).collect(),
        numbers: vec![("commands", hits.len() as f64), ("refused", refused as f64)],
        detail: format!(
            "{} arrived overwritten with X, {refused} of them refused{}: a firewall's inspection of SMTP hides what it \
             does not allow",
            if hits.len() == 1 { "a command".to_owned() } else { format!("{} commands", hits.len()) },
            if in_its_slot { ", at the place and with the length of a real one" } else { "" },
        ),
    });
}

fn masked(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let dialog = &evidence.session.dialog;
    if let Some(greeting) = &dialog.greeting {
        let text = greeting.text.as_bytes();
        let stars = text.iter().filter(|octet| **octet == b'*').count();
        if stars > 0 && text.iter().all(|octet| b"20 *\t\r\n".contains(octet)) {
            found.push(Sign {
                rule: &BANNER_MASKED,
                points_at: PointsAt::Middlebox,
                strength: Strength::Decisive,
                frames: vec![greeting.at.frame],
                numbers: vec![("asterisks", stars as f64)],
                detail:
                    "the server's greeting arrived masked with asterisks: a firewall's inspection of SMTP"
                        .to_owned(),
            });
        }
    }
    if dialog.capabilities.overwritten {
        found.push(Sign {
            rule: &EHLO_MASKED,
            points_at: PointsAt::Middlebox,
            strength: Strength::Decisive,
            frames: dialog.greeting.iter().map(|greeting| greeting.at.frame).collect(),
            numbers: Vec::new(),
            detail: "a keyword of the EHLO reply arrived overwritten with X: a firewall hides an extension"
                .to_owned(),
        });
    }
}

fn dot(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let Some(close_up) = evidence.close_up else { return };
    let clear = evidence.session.dialog.encryption.is_none();
    if !clear || evidence.ending.stage != Stage::Body || !evidence.ends_by_silence() {
        return;
    }
    let tail = close_up.text.of(evidence.sender()).tail.as_slice();
    let lost = evidence.lost_in_path().unwrap_or(0);
    let (strength, what) = if tail.ends_with(b"\r\n.") || tail.ends_with(b"\r\n.\r") {
        (Strength::Strong, "the body stops within its final dot".to_owned())
    } else if tail.ends_with(b"\r\n") && DOT_OCTETS.contains(&lost) {
        (
            Strength::Decisive,
            format!(
                "the body came whole, and the {lost} octets that the sender sent after it, a final dot's, never arrived"
            ),
        )
    } else {
        return;
    };
    found.push(Sign {
        rule: &DOT_SWALLOWED,
        points_at: PointsAt::Middlebox,
        strength,
        frames: evidence.transaction.and_then(|it| it.last_body).map(|at| at.frame).into_iter().collect(),
        numbers: vec![("octets_missing", lost as f64)],
        detail: what,
    });
}

fn pause(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let (Some(trace), Some(end)) =
        (evidence.trace(), evidence.transaction.and_then(|transaction| transaction.end_of_data))
    else {
        return;
    };
    let sender = evidence.sender();
    let Some(dot) = headers::all(trace).find(|header| header.at.frame == end.frame) else { return };
    let earlier = headers::before(trace, dot, sender).into_iter().rfind(|header| header.payload > 0);
    let Some(earlier) = earlier else { return };
    let seconds = dot.at.time.since(earlier.at.time).seconds();
    if !PIX_PAUSE.contains(&seconds) {
        return;
    }
    found.push(Sign {
        rule: &PAUSE_BEFORE_DOT,
        points_at: PointsAt::Middlebox,
        strength: Strength::Moderate,
        frames: vec![earlier.at.frame, dot.at.frame],
        numbers: vec![("seconds", seconds)],
        detail: format!(
            "the sender paused {seconds:.1} s right before its final dot, as Postfix does where it saw a masked banner"
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

    fn dialogue(first: &str, offered: &str, second: &str) -> Scene {
        let script = Script::new()
            .s("220 x\r\n")
            .c(format!("{first}\r\n"))
            .s(format!("250-x\r\n250 {offered}\r\n"))
            .c(format!("{second}\r\n"))
            .s("500 what\r\n")
            .fin(Role::Server);
        Scene::of(&script)
    }

    #[test]
    fn a_starttls_of_x_in_its_place_names_the_firewall() {
        let found = dialogue("EHLO a", "STARTTLS", "XXXXXXXX").named(read, COMMANDS_OVERWRITTEN.name);
        assert_eq!(found[0].strength, Strength::Decisive);
        assert_eq!(found[0].numbers, [("commands", 1.0), ("refused", 1.0)]);
        // Nothing of that length was on offer.
        let found = dialogue("EHLO a", "8BITMIME", "XXXXXXXX").named(read, COMMANDS_OVERWRITTEN.name);
        assert_eq!(found[0].strength, Strength::Strong);
        // A word of letters that only begins with X.
        assert!(dialogue("EHLO a", "STARTTLS", "XXXQUIT").named(read, COMMANDS_OVERWRITTEN.name).is_empty());
        assert!(dialogue("EHLO a", "STARTTLS", "XCLIENT").named(read, COMMANDS_OVERWRITTEN.name).is_empty());
    }

    #[test]
    fn masked_words_of_a_server_are_seen_beyond_the_device() {
        let greeted = |banner: &str, keyword: &str| {
            let script = Script::new()
                .s(format!("220 {banner}\r\n"))
                .c("EHLO a\r\n")
                .s(format!("250-x\r\n250 {keyword}\r\n"))
                .fin(Role::Client);
            Scene::of(&script)
        };
        let masked = greeted("****************0*2******", "XXXXXXXA");
        assert_eq!(masked.named(read, BANNER_MASKED.name).len(), 1);
        assert_eq!(masked.named(read, EHLO_MASKED.name).len(), 1);
        let plain = greeted("mx20.example.com *** no spam ***", "X-EXPS");
        assert!(plain.named(read, BANNER_MASKED.name).is_empty());
        assert!(plain.named(read, EHLO_MASKED.name).is_empty());
    }

    #[test]
    fn a_swallowed_dot_is_told_by_what_the_sender_counts() {
        let script = Script::new()
            .s("220 x\r\n")
            .c("EHLO a\r\n")
            .s("250 x\r\n")
            .c("MAIL FROM:<a@a>\r\n")
            .s("250 ok\r\n")
            .c("RCPT TO:<b@b>\r\n")
            .s("250 ok\r\n")
            .c("DATA\r\n")
            .s("354 go\r\n")
            .c("text\r\n")
            .wait(300)
            .s("421 timeout\r\n")
            .fin(Role::Server);
        let with = |tail: &[u8], lost: u32| {
            let mut scene = Scene::of(&script);
            scene.close_up.text.originator.tail = tail.to_vec();
            scene.push(SegmentHeader { ack: ISN.0 + 100, ..appliance(2_000) });
            scene.push(SegmentHeader { seq: ISN.0 + 100 + lost, ..sender(302_000) });
            scene.named(read, DOT_SWALLOWED.name).first().map(|sign| sign.strength)
        };
        assert_eq!(with(b"text\r\n", 3), Some(Strength::Decisive));
        assert_eq!(with(b"text\r\n.", 0), Some(Strength::Strong));
        assert_eq!(with(b"text\r\n", 0), None);
        assert_eq!(with(b"text\r\n", 1460), None);
        assert_eq!(with(b"te", 3), None);
    }
}
