//! ICMP errors about a connection's segments: a router's own word on why nothing got through.
//!
//! A capture filter such as `tcp port 25` drops them, so their absence says nothing. Anybody may forge
//! them, too; so they count only where the connection fell silent.

use crate::capture::decode::IcmpKind;
use crate::capture::trace::ErrorNotice;
use crate::cause::signs::{Family, Group, PointsAt, Rule, Sign, Strength};
use crate::cause::{CauseKind, Evidence};
use crate::smtp::EndingKind;

/// A router says that there is no way to the sender: its link, or its host, is down.
pub const NO_WAY: Rule =
    Rule { name: "icmp_no_way", group: Group::Others, supports: &[CauseKind::PathLostData] };

/// A device says that its rules forbid the packets: it filters, and says so.
pub const FORBIDDEN: Rule =
    Rule { name: "icmp_forbidden", group: Group::Others, supports: &[CauseKind::PathLostData] };

/// A router says that packets are too large for its next link (RFC 1191, RFC 8201). Where the connection
/// then hangs, that word is not heeded, or does not arrive.
pub const TOO_BIG: Rule =
    Rule { name: "icmp_too_big", group: Group::Others, supports: &[CauseKind::PmtuBlackHole] };

/// See the module.
pub const FAMILY: Family = Family { rules: &[&NO_WAY, &FORBIDDEN, &TOO_BIG], read };

fn read(evidence: &Evidence<'_>, found: &mut Vec<Sign>) {
    let Some(trace) = evidence.trace() else { return };
    let silent = evidence.ending.stall.is_some()
        || matches!(evidence.ending.kind, EndingKind::Silence | EndingKind::ApplianceStalled);
    if !silent {
        return;
    }
    for (rule, points_at, of) in [
        (&NO_WAY, PointsAt::Path, is_no_way as fn(IcmpKind) -> bool),
        (&FORBIDDEN, PointsAt::Middlebox, |kind| kind == IcmpKind::Prohibited),
        (&TOO_BIG, PointsAt::Path, |kind| matches!(kind, IcmpKind::TooBig(_))),
    ] {
        let told: Vec<&ErrorNotice> = trace.errors.iter().filter(|error| of(error.kind)).collect();
        let Some(first) = told.first() else { continue };
        let whose = if first.about == evidence.sender() { "the sender's" } else { "the appliance's" };
        found.push(Sign {
            rule,
            points_at,
            strength: Strength::Decisive,
            frames: told.iter().take(4).map(|error| error.at.frame).collect(),
            numbers: vec![("errors", told.len() as f64)],
            detail: format!("{} says by ICMP of {whose} packets: {}", first.from, words(first.kind)),
        });
    }
}

const fn is_no_way(kind: IcmpKind) -> bool {
    matches!(kind, IcmpKind::Unreachable | IcmpKind::TimeExceeded)
}

fn words(kind: IcmpKind) -> String {
    match kind {
        IcmpKind::Unreachable => "no way to the host".to_owned(),
        IcmpKind::TimeExceeded => "they went round in circles".to_owned(),
        IcmpKind::Prohibited => "forbidden by its rules".to_owned(),
        IcmpKind::NotServed => "nobody serves that port".to_owned(),
        IcmpKind::TooBig(0) => "too large for the next link".to_owned(),
        IcmpKind::TooBig(mtu) => format!("too large for the next link, which takes {mtu} octets"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Side;
    use crate::cause::testing::Scene;
    use crate::net::Role;
    use crate::smtp::script::{Script, moment};

    fn scene(silent: bool, kind: IcmpKind) -> Scene {
        let script = Script::new()
            .s("220 x\r\n")
            .c("EHLO a\r\n")
            .s("250 x\r\n")
            .c("MAIL FROM:<a@a>\r\n")
            .s("250 ok\r\n");
        let script = if silent {
            script.wait(300).s("421 timeout\r\n").fin(Role::Server)
        } else {
            script.fin(Role::Client)
        };
        let mut scene = Scene::of(&script);
        scene.close_up.trace.errors.push(ErrorNotice {
            at: moment(30, Script::START),
            from: "203.0.113.1".parse().unwrap(),
            kind,
            about: Side::Responder,
            seq: 7,
        });
        scene
    }

    #[test]
    fn a_routers_word_counts_where_the_connection_hangs() {
        for (kind, rule) in [
            (IcmpKind::Unreachable, NO_WAY.name),
            (IcmpKind::Prohibited, FORBIDDEN.name),
            (IcmpKind::TooBig(1300), TOO_BIG.name),
        ] {
            assert_eq!(scene(true, kind).named(read, rule).len(), 1);
            assert!(scene(false, kind).named(read, rule).is_empty(), "it ended otherwise");
        }
        assert!(scene(true, IcmpKind::NotServed).named(read, NO_WAY.name).is_empty());
    }
}
