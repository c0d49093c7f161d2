//! Encrypted sessions: what record lengths, alerts and a handshake that broke off tell.

use crate::cause::signs::{Family, Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{CauseKind, Evidence};
use crate::smtp::EndingKind;
use crate::smtp::tls::EncryptionStart;

/// The sender's stream stops within a TLS record. A program that ends nearly always ends between records; a
/// path that is cut, a kill in mid-write or a forged reset does not care.
///
/// Moderate, for it says that something was cut and not by whom. Raised falsely where the capture lost the
/// end (gaps are left out). Source: MIDDLEBOX 4.
pub const RECORD_CUT: Rule =
    Rule { name: "tls_record_cut", group: Group::Records, supports: &[CauseKind::PathLostData] };

/// The sender announced the end of its direction (close_notify, RFC 8446 section 6.1): its program meant to
/// close. That it is missing says nothing: many senders leave it out.
pub const CLOSE_NOTIFY: Rule = Rule {
    name: "close_notify",
    group: Group::Records,
    supports: &[CauseKind::SenderClosed, CauseKind::SenderQuit],
};

/// An alert in clear ended the handshake: the end that sent it refused the other's TLS.
///
/// Where the rest of the other's words is still unread, the kernel makes a reset of the close behind it.
pub const ALERT_BY_SENDER: Rule = Rule {
    name: "tls_alert_by_the_sender",
    group: Group::Records,
    supports: &[CauseKind::SenderClosed, CauseKind::SenderReset],
};

/// See [`ALERT_BY_SENDER`].
pub const ALERT_BY_APPLIANCE: Rule = Rule {
    name: "tls_alert_by_the_appliance",
    group: Group::Records,
    supports: &[CauseKind::ApplianceRefused, CauseKind::ApplianceClosed],
};

/// STARTTLS was granted and the connection broke before TLS was up, without an alert: a device that cannot
/// follow it, or a client that gave up. Moderate. Source: MIDDLEBOX 4.
pub const HANDSHAKE_BROKEN: Rule =
    Rule { name: "tls_handshake_broken_off", group: Group::Records, supports: &[CauseKind::MiddleboxReset] };

/// See the module.
pub const FAMILY: Family = Family {
    rules: &[&RECORD_CUT, &CLOSE_NOTIFY, &ALERT_BY_SENDER, &ALERT_BY_APPLIANCE, &HANDSHAKE_BROKEN],
    read,
};

fn read(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let Some(encryption) = &evidence.session.dialog.encryption else { return };
    let sender = evidence.leg.appliance().other();
    let mut add = |rule, points_at, strength, frame: Option<_>, numbers, detail: String| {
        found.push(Sign { rule, points_at, strength, frames: frame.into_iter().collect(), numbers, detail });
    };
    let gaps = evidence.session.dialog.gaps.iter().any(|(role, _)| *role == sender);
    if let Some((by, missing)) = encryption.cut_record
        && by == sender
        && !gaps
        && evidence.ending.kind != EndingKind::CaptureEnded
    {
        add(
            &RECORD_CUT,
            PointsAt::Path,
            Strength::Moderate,
            evidence.sender_stream().last_octets.map(|at| at.frame),
            vec![("octets_missing", missing as f64)],
            format!(
                "the sender's stream stops within a TLS record, {missing} octets before its end: it was cut"
            ),
        );
    }
    if let Some(alert) = &encryption.alert
        && !encryption.established
    {
        let by_sender = alert.by == sender;
        let (rule, points_at, who) = if by_sender {
            (&ALERT_BY_SENDER, PointsAt::Sender, "the sender")
        } else {
            (&ALERT_BY_APPLIANCE, PointsAt::Appliance, "the appliance")
        };
        let detail = format!("{who} refused the other's TLS with the alert {}", alert.description);
        add(rule, points_at, Strength::Decisive, Some(alert.at.frame), Vec::new(), detail);
    } else if encryption.how == EncryptionStart::StartTls
        && !encryption.established
        && matches!(evidence.ending.kind, EndingKind::Rst | EndingKind::Fin | EndingKind::Silence)
    {
        add(
            &HANDSHAKE_BROKEN,
            PointsAt::Middlebox,
            Strength::Moderate,
            Some(encryption.since.frame),
            vec![("records", encryption.records_seen as f64)],
            "STARTTLS was granted, and the connection broke before TLS was up, without an alert".to_owned(),
        );
    }
    let last = encryption.records.iter().rfind(|record| record.by == sender);
    let says_goodbye = last.is_some_and(|record| encryption.is_alert(record));
    if let (Some(last), true, true) = (last, says_goodbye, encryption.established) {
        add(
            &CLOSE_NOTIFY,
            PointsAt::Sender,
            Strength::Moderate,
            Some(last.at.frame),
            vec![("record_length", f64::from(last.length))],
            "the sender's last record is as long as a close_notify: its program meant to close".to_owned(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::testing::Scene;
    use crate::net::Role;
    use crate::smtp::script::{Script, moment};
    use crate::smtp::tls::{ALERT_OF_TLS13, APPLICATION_DATA, Alert, AlertDescription, Encryption, Record};

    fn scene(change: impl FnOnce(&mut Encryption)) -> Scene {
        let script = Script::new().s("220 x\r\n").c("EHLO a\r\n").s("250 STARTTLS\r\n").fin(Role::Client);
        let mut scene = Scene::of(&script);
        let mut encryption = Encryption::begun(EncryptionStart::StartTls, moment(9, Script::START));
        change(&mut encryption);
        scene.session.dialog.encryption = Some(Box::new(encryption));
        scene
    }

    fn names(scene: &Scene) -> Vec<&'static str> {
        let mut found = Vec::new();
        read(&scene.evidence(), &mut found);
        found.into_iter().map(|sign| sign.rule.name).collect()
    }

    #[test]
    fn records_tell_a_cut_and_a_goodbye() {
        let cut = scene(|tls| {
            tls.established = true;
            tls.cut_record = Some((Role::Client, 77));
        });
        assert_eq!(names(&cut), [RECORD_CUT.name]);
        let record = |length| Record {
            by: Role::Client,
            content_type: APPLICATION_DATA,
            length,
            at: moment(12, Script::START),
            end: 500,
            acknowledged: 0,
        };
        let goodbye = |length| {
            scene(|tls| {
                tls.established = true;
                tls.tls13 = Some(true);
                tls.records.push(record(length));
            })
        };
        assert_eq!(names(&goodbye(ALERT_OF_TLS13)), [CLOSE_NOTIFY.name]);
        assert_eq!(names(&goodbye(23)), [""; 0]);
    }

    #[test]
    fn a_broken_handshake_is_told_from_a_refused_one() {
        assert_eq!(names(&scene(|_| ())), [HANDSHAKE_BROKEN.name]);
        let alert = |by| {
            scene(|tls| {
                tls.alert =
                    Some(Alert { by, description: AlertDescription(48), at: moment(10, Script::START) });
            })
        };
        assert_eq!(names(&alert(Role::Client)), [ALERT_BY_SENDER.name]);
        assert_eq!(names(&alert(Role::Server)), [ALERT_BY_APPLIANCE.name]);
    }
}
